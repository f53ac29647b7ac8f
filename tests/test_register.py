"""The private register: what is refused, in words that repeat no cell, and what leaves when nothing is."""

from __future__ import annotations

import csv
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import registers
import xlsxwriter

from pipeline import errors
from pipeline.protect import attack, carried, design, leaving, published, register, witness

HOME = Path(__file__).resolve().parent.parent
DESIGN = design.read(HOME / "schemas" / "disclosure.yml")
TODAY = "2026-11-24"
SECRET = b"f3c1invented-and-never-used-elsewhere"
Row = dict[str, str]


def run(*words: object) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    command = [sys.executable, "-m", "pipeline", *map(str, words)]
    return subprocess.run(command, cwd=HOME, capture_output=True, text=True, timeout=200, check=False)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key file that only its owner can read."""
    path = tmp_path_factory.mktemp("secret") / "key"
    path.touch(0o600)
    path.write_bytes(SECRET)
    return path


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, key: Path) -> Path:
    """A folder with an invented register, the release `out` made of it, and all that the run said."""
    folder = tmp_path_factory.mktemp("register")
    registers.write(folder / "register.csv", registers.cases(3))
    done = run("protect", folder / "register.csv", "--out", folder / "out", "--key-file", key, "--json")
    assert done.returncode == 0, done.stderr
    (folder / "said").write_text(done.stdout + done.stderr, encoding="utf-8")
    return folder


def spoilt(change: Callable[[list[Row]], object]) -> list[Row]:
    """An invented register after `change`."""
    rows = registers.cases(3)
    change(rows)
    return rows


SPOILT = {
    "unknown category": lambda rows: rows[5].update(region="TJ-XX-INVENTED"),
    "missing date": lambda rows: rows[5].update(registration_date=""),
    "future date": lambda rows: rows[5].update(registration_date="2999-01-31"),
    "impossible date": lambda rows: rows[5].update(registration_date="2024-02-31"),
    "duplicate case": lambda rows: rows[5].update(case_id=rows[6]["case_id"]),
    "name in a category": lambda rows: rows[5].update(sex="Invented Inventzoda"),
    "name as a case": lambda rows: rows[5].update(case_id="Inventzoda"),
    "telephone": lambda rows: rows[5].update(outcome="+992 900 000 000"),
    "three rows": lambda rows: rows.__delitem__(slice(3, None)),
    "empty": lambda rows: rows.clear(),
}


@pytest.mark.parametrize("fault", SPOILT)
def test_a_spoilt_register_is_refused_without_repeating_a_cell(fault: str, tmp_path: Path) -> None:
    """A clear refusal, and what was published before is as it was."""
    rows = spoilt(SPOILT[fault])
    path = registers.write(tmp_path / "r.csv", rows)
    with pytest.raises(errors.NotPublishable) as raised:
        leaving.protect(register.read(path, TODAY), DESIGN, tmp_path / "out", SECRET, [])
    said = str(raised.value)

    assert raised.value.exit_code == 12
    assert not (tmp_path / "out").exists()
    assert not any(word in said for word in ("XX", "2999", "02-31", "Invent", "992"))
    assert not rows or rows[min(5, len(rows) - 1)]["case_id"] not in said


def test_a_column_that_is_not_in_the_layout_is_refused_by_its_number(tmp_path: Path) -> None:
    """A heading may itself be a name, so it is not repeated."""
    path = registers.write(tmp_path / "r.csv", registers.cases(3))
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([f"{lines[0]},inventzoda", *(f"{line},x" for line in lines[1:])]), encoding="utf-8")

    with pytest.raises(errors.BadRegister, match="column 13 is not in the layout") as raised:
        register.read(path, TODAY)

    assert "inventzoda" not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"case_id\n\xff\xfe", b"\x00\x01\x02", b'case_id,region\n"1'])
def test_a_file_that_is_no_table_is_refused(content: bytes, tmp_path: Path) -> None:
    """Neither the library's words nor the file's are passed on."""
    (tmp_path / "r.csv").write_bytes(content)
    (tmp_path / "r.xlsx").write_bytes(content)

    for name in ("r.csv", "r.xlsx"):
        with pytest.raises(errors.BadRegister):
            register.read(tmp_path / name, TODAY)


def test_a_workbook_is_read_like_the_csv(tmp_path: Path) -> None:
    """The same register in both formats, with real dates in the workbook."""
    rows = registers.cases(3)
    with xlsxwriter.Workbook(tmp_path / "r.xlsx", {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, registers.COLUMNS)
        for number, row in enumerate(rows, 1):
            sheet.write_row(number, 0, [row[name] for name in registers.COLUMNS])

    assert register.read(tmp_path / "r.xlsx", TODAY).equals(
        register.read(registers.write(tmp_path / "r.csv", rows), TODAY)
    )


def test_a_key_that_others_can_read_or_that_lies_in_the_repository_is_refused(tmp_path: Path) -> None:
    """A secret is outside the repository, long, and its owner's alone."""
    path = tmp_path / "key"
    path.write_bytes(SECRET)
    for mode, home, words in ((0o644, HOME, "by others"), (0o640, HOME, "by others"), (0o600, tmp_path, "repository")):
        path.chmod(mode)
        with pytest.raises(errors.UsageError, match=words):
            leaving.secret(path, home)
    path.write_bytes(b"short")
    with pytest.raises(errors.UsageError, match="too little"):
        leaving.secret(path, HOME)


def test_an_earlier_release_with_a_broken_hash_is_refused(first: Path, tmp_path: Path) -> None:
    """Nothing is written beside it."""
    shutil.copytree(first / "out", tmp_path / "before")
    with (tmp_path / "before" / "register_complaints_by_year.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    held = register.read(first / "register.csv", TODAY)

    with pytest.raises(errors.UsageError, match="hash"):
        leaving.protect(held, DESIGN, tmp_path / "out", SECRET, [tmp_path / "before"])
    assert [path.name for path in tmp_path.iterdir()] == ["before"]


def test_the_folder_holds_one_table_each_and_a_descriptor(first: Path) -> None:
    """All combinations, with threshold and base in the descriptor; the attacker's command says safe."""
    told = json.loads((first / "out" / "datapackage.json").read_text(encoding="utf-8"))
    names = {path.name for path in (first / "out").iterdir()}
    done = run("attack", first / "out", "--register", first / "register.csv", "--json")

    assert names == {"datapackage.json"} | {f"{name}.csv" for name in DESIGN.tables}
    assert (told["threshold"], told["base"]) == (5, 5)
    assert (done.returncode, json.loads(done.stdout)["safe"], json.loads(done.stdout)["proved"]) == (0, True, [])


def counts(path: Path) -> dict[tuple[str, str], int]:
    """The true count of every printed cell, by table and key; read by hand."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [row | {"year": row["registration_date"][:4]} for row in csv.DictReader(lines)]
    years = sorted({row["year"] for row in rows})
    found = {}
    for table in DESIGN.tables:
        for asked in DESIGN.keys(table, years):
            sets = [
                published.meaning(DESIGN.described(years), name, code) for name, code in asked.items() if code != "_T"
            ]
            found[table, json.dumps(asked)] = sum(all(row[name] in codes for name, codes in sets) for row in rows)
    return found


def test_every_number_is_a_multiple_next_to_its_count_and_all_add_up(first: Path) -> None:
    """Less than a base away, zero for a true zero of the state's answers only, one number per cell, sums exact."""
    release = published.read(first / "out")
    true = counts(first / "register.csv")
    tables: dict[str, dict[str, int]] = {}
    for one in release.cells:
        asked = json.dumps(dict(one.key))
        tables.setdefault(one.table, {})[asked] = one.value

        assert one.value % 5 == 0
        assert abs(one.value - true[one.table, asked]) < 5
        assert one.base == 5 or (true[one.table, asked] == 0 and "result" in one.key)
    for table, values in tables.items():
        parts = [value for asked, value in values.items() if "_T" not in json.loads(asked).values()]

        assert sum(parts) == values[json.dumps(dict.fromkeys(DESIGN.tables[table], "_T"))]


def written(*folders: Path) -> Iterator[tuple[Path, str]]:
    """Every file below, as text."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name not in {"register.csv", "key"}:
                yield path, path.read_bytes().decode("utf-8", "replace")


def test_no_key_no_case_and_no_unpublished_small_count_is_left_anywhere(first: Path) -> None:
    """Looked for in all that the run wrote and said."""
    years = sorted({row["registration_date"] for row in registers.cases(3)})
    cases = {row["case_id"] for row in registers.cases(3)}
    for path, text in written(first):
        assert SECRET.decode() not in text, path
        assert SECRET.hex() not in text, path
        assert not any(case in text for case in cases), path
        assert not any(day in text for day in years), path
        if path.suffix == ".csv":
            numbers = [int(row["value"]) for row in csv.DictReader(text.splitlines()) if row["value"]]

            assert all(number % 5 == 0 for number in numbers), path
    assert not list(first.glob(".tmp*"))


def test_a_design_of_another_hand_is_followed(tmp_path: Path, key: Path) -> None:
    """Own tables, own coarsening with a parent above its children, another base."""
    (tmp_path / "design.yml").write_text(
        "threshold: 3\nbase: 3\nfewest_cases: 10\ncolumns:\n  land:\n    variable: region\n    codes:\n"
        "      north: [TJ-SU]\n      capital: [TJ-DU]\n      rest: [TJ-KT, TJ-RA, TJ-GB, not_stated]\n"
        "      outside: [TJ-SU, TJ-KT, TJ-RA, TJ-GB, not_stated]\n"
        "tables:\n  a: [land, sex]\n  b: [sex, age_group]\n  c: [land, age_group]\n",
        encoding="utf-8",
    )
    path = registers.write(tmp_path / "r.csv", registers.cases(5))
    done = run(
        "protect", path, "--out", tmp_path / "out", "--key-file", key, "--design", tmp_path / "design.yml", "--json"
    )
    verdict = attack.attack(tmp_path / "out", [], None, register.read(path, TODAY))

    assert (done.returncode, json.loads(done.stdout)["withheld"]) == (0, [])
    assert verdict.safe
    assert Counter(one.table for one in published.read(tmp_path / "out").cells) == {"a": 20, "b": 24, "c": 30}


def test_a_design_whose_zeros_cannot_all_be_said_still_leaves(tmp_path: Path) -> None:
    """Nine cases in five outcomes: to say a zero, each of the others would need five. Then no zero is said."""
    (tmp_path / "design.yml").write_text("fewest_cases: 5\nzeros_said: [outcome]\ntables: {a: [outcome, sex]}\n")
    held = register.read(registers.write(tmp_path / "r.csv", registers.cases(5, 5, range(2024, 2026))), TODAY)

    left = leaving.protect(held, design.read(tmp_path / "design.yml"), tmp_path / "out", SECRET, [])

    assert left.withheld == []
    assert all(one.base == 5 for one in published.read(tmp_path / "out").cells)


@pytest.mark.parametrize(
    "text", ["tables: {}", "tables: {a: [name]}", "threshold: 9\ntables: {a: [sex]}", "- 1", "a: b: c"]
)
def test_a_design_that_makes_no_sense_is_refused(text: str, tmp_path: Path) -> None:
    """With the place and the page that tells the format."""
    (tmp_path / "design.yml").write_text(text, encoding="utf-8")

    with pytest.raises(errors.UsageError, match=r"docs/design\.md"):
        design.read(tmp_path / "design.yml")


def test_a_tampered_certificate_is_not_believed(first: Path) -> None:
    """A pair taken out, a step made longer, a case added: each is seen by the checker, which knows no solver."""
    verdict = attack.attack(first / "out", [], None, register.read(first / "register.csv", TODAY))
    small: list[dict[str, Any]] = verdict.witness[0]["small"]

    def faults(change: Callable[[dict[str, Any]], object]) -> list[str]:
        spoilt: dict[str, Any] = {
            **verdict.witness[0],
            "cells": dict(verdict.witness[0]["cells"]),
            "counts": [list(one) for one in verdict.witness[0]["counts"]],
        }
        change(spoilt)
        return witness.faults([first / "out"], spoilt, small)

    some = small[0]["number"]

    assert faults(lambda _: None) == []
    assert faults(lambda told: told["cells"].pop(some))
    assert faults(lambda told: told["cells"].update({some: ([], [(0, [99])])}))
    assert faults(lambda told: told["cells"].update({some: ([], [])}))
    assert faults(lambda told: told["counts"].__setitem__(0, [99]))


def test_the_checker_imports_no_solver_and_none_of_the_others() -> None:
    """Numpy and the standard library; and the attacker nothing of the protector."""
    source = HOME / "pipeline" / "protect"
    attacker = "".join((source / f"{name}.py").read_text(encoding="utf-8") for name in ("attack", "joint", "published"))

    assert "pipeline" not in re.sub(
        r'""".*?"""', "", (source / "witness.py").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    assert not re.search(r"import .*\b(leaving|rounding|design)\b", attacker)


def series(folder: Path, many: int) -> Iterator[tuple[list[Path], Path]]:
    """Successive releases of one register: the earlier ones and the newest with its register."""
    dice, rows, kept = random.Random(11), registers.cases(11, years=range(2016, 2021)), []
    for number in range(many):
        path = registers.write(folder / f"{number}.csv", rows)
        out = folder / f"{number:02d}"
        leaving.protect(register.read(path, TODAY), DESIGN, out, SECRET, kept)
        yield kept, out
        kept.append(out)
        rows = registers.later(rows, dice, range(2016, 2021 + (number + 1) // 4))


def changed(folder: Path, before: Path, after: Path) -> tuple[int, int]:
    """How many cells of unchanged count are printed in both releases, and how many of them anew."""
    true = [counts(folder / f"{int(one.name)}.csv") for one in (before, after)]
    values = [{(one.table, json.dumps(dict(one.key))): one.value for one in published.read(each).cells
               if one.value >= 0} for each in (before, after)]  # fmt: skip
    same = [cell for cell in values[0] if cell in values[1] and true[0][cell] == true[1][cell]]
    return len(same), sum(values[0][cell] != values[1][cell] for cell in same)


@pytest.mark.parametrize("many", [3, pytest.param(20, marks=pytest.mark.exam)])
def test_releases_are_safe_together_and_numbers_stay(many: int, tmp_path: Path) -> None:
    """Late cases, corrections and withdrawals; fewer than 6 % of the unchanged cells are printed anew."""
    same = moved = 0
    for kept, out in series(tmp_path, many):
        held = register.read(tmp_path / f"{int(out.name)}.csv", TODAY)
        if kept:
            more = changed(tmp_path, kept[-1], out)
            same, moved = same + more[0], moved + more[1]

        assert attack.attack(out, kept, None, held).safe
    assert moved < 0.06 * same


def test_a_publication_without_a_register_carries_the_last_tables_over(first: Path, tmp_path: Path) -> None:
    """Byte for byte, with a schema for each; a broken one is refused."""
    tables = carried.tables(first / "out")
    for table in tables:
        text = table.table.rows.write_csv(line_terminator="\n", null_value="", quote_style="necessary")

        assert text == (first / "out" / f"{table.name}.csv").read_text(encoding="utf-8")
        assert [one["name"] for one in table.table.schema["fields"]] == table.table.rows.columns
    shutil.copytree(first / "out", tmp_path / "0001")
    os.truncate(tmp_path / "0001" / "register_complaints_by_year.csv", 20)
    with pytest.raises(errors.NotPublishable, match="hash"):
        carried.tables(tmp_path / "0001")


def test_no_table_of_a_register_is_committed() -> None:
    """What the tests invent never enters the data; a real register's tables bring their folder in register/ along."""
    committed = {path.stem for path in (HOME / "data").glob("register_*.csv")}
    kept = {path.stem for path in (HOME / "register").glob("*/*.csv")}

    assert committed <= kept
