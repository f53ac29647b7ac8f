"""The private register: what is refused, in words that repeat no cell, and what leaves when nothing is."""

from __future__ import annotations

import contextlib
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

import polars
import pytest
import registers
import xlsxwriter

from pipeline import build, errors, protect
from pipeline.protect import attack, carried, claimed, design, leaving, published, register, witness

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
    return registers.key_file(tmp_path_factory.mktemp("secret"), SECRET)


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


def test_other_separators_are_told_by_name(tmp_path: Path) -> None:
    """As a spreadsheet in Russian writes them."""
    path = registers.write(tmp_path / "r.csv", registers.cases(3))
    path.write_text(path.read_text(encoding="utf-8").replace(",", ";"), encoding="utf-8")

    with pytest.raises(errors.BadRegister, match="parted by commas"):
        register.read(path, TODAY)


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


def test_a_folder_that_holds_more_than_a_release_is_not_replaced(first: Path, tmp_path: Path) -> None:
    """A data package, or a release with a file of somebody's beside it: nothing of it may be lost."""
    other, kept = tmp_path / "package", tmp_path / "release"
    shutil.copytree(first / "out", kept)
    (kept / "letter.txt").write_text("kept", encoding="utf-8")
    other.mkdir()
    (other / "datapackage.json").write_text('{"resources": []}', encoding="utf-8")
    (other / "data").mkdir()
    held = register.read(first / "register.csv", TODAY)

    for out in (other, kept, Path("/"), kept / "letter.txt", kept / "letter.txt" / "below"):
        with pytest.raises((errors.UsageError, errors.StorageError), match=r"[Gg]ive a"):
            leaving.protect(held, DESIGN, out, SECRET, [])

    assert (other / "data").is_dir()
    assert (kept / "letter.txt").read_text(encoding="utf-8") == "kept"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["package", "release"]


def test_the_same_earlier_release_given_twice_counts_once(first: Path, tmp_path: Path) -> None:
    """And a link to a folder stands for the folder."""
    held = register.read(first / "register.csv", TODAY)
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")

    once = leaving.protect(held, DESIGN, tmp_path / "once", SECRET, [first / "out"])
    twice = leaving.protect(held, DESIGN, tmp_path / "link", SECRET, [first / "out", first / "out"])

    assert once == twice
    assert (tmp_path / "once" / "datapackage.json").read_bytes() == (
        tmp_path / "real" / "datapackage.json"
    ).read_bytes()


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
    assert_nothing_private(registers.cases(3), first)
    assert not list(first.glob(".tmp*"))


def assert_nothing_private(rows: list[Row], *folders: Path) -> None:
    """No key, no case, no day and, in a table, no number but multiples of five."""
    years = sorted({row["registration_date"] for row in rows})
    cases = {row["case_id"] for row in rows}
    for path, text in written(*folders):
        assert "Inventzoda" not in text, path
        assert SECRET.decode() not in text, path
        assert SECRET.hex() not in text, path
        assert not any(case in text for case in cases), path
        assert not any(day in text for day in years), path
        if path.suffix == ".csv":
            numbers = [int(row["value"]) for row in csv.DictReader(text.splitlines()) if row["value"]]

            assert path.name == "facts.csv" or all(number % 5 == 0 for number in numbers), path


def test_no_refusal_and_no_killed_run_leaves_anything_private(tmp_path: Path, key: Path) -> None:
    """Looked for in every file below the folder of temporary files and in all that was said, in Python's dev mode."""
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    rows = registers.cases(3)
    good = registers.write(tmp_path / "register.csv", rows)
    (tmp_path / "bad").mkdir()
    bad = registers.write(tmp_path / "bad" / "register.csv", [*rows, rows[0] | {"sex": "Invented Inventzoda"}])
    command = [sys.executable, "-X", "dev", "-m", "pipeline"]
    common = {"cwd": HOME, "text": True, "env": os.environ | {"TMPDIR": str(scratch)}}
    facts = tmp_path / "facts.csv"
    facts.write_text("year,sex,value\n2021,female,99999\n", encoding="utf-8")
    (tmp_path / "design.yml").write_text("tables: {a: [year, sex], b: [year, alleged_body]}")
    out = ["--out", str(tmp_path / "out"), "--key-file", str(key), "--json", "--design", str(tmp_path / "design.yml")]
    runs = [["protect", str(bad), *out], ["protect", str(good), *out, "--facts", str(facts)],
            ["attack", str(tmp_path), "--register", str(bad), "--json"]]  # fmt: skip
    said = []
    for words in runs:
        done = subprocess.run([*command, *words], capture_output=True, check=False, timeout=200, **common)  # type: ignore[call-overload]
        assert done.returncode in {2, 12}
        said.append(done.stdout + done.stderr)
    killed = subprocess.Popen(
        [*command, "protect", str(good), *out], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **common
    )  # type: ignore[call-overload]
    while killed.returncode is None and not list(tmp_path.glob(".tmp-out/new/datapackage.json")):
        with contextlib.suppress(subprocess.TimeoutExpired):
            killed.wait(0.01)
    killed.kill()
    said += killed.communicate()
    (tmp_path / "said").write_text("".join(said), encoding="utf-8")

    assert killed.returncode == -9
    assert not (tmp_path / "out").exists()
    assert_nothing_private(rows, tmp_path)


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


def test_a_large_system_is_rounded_without_a_solver(tmp_path: Path) -> None:
    """Two tables that share their totals by year and body: next to the counts, adding up, alike for the same key."""
    (tmp_path / "design.yml").write_text(
        "tables: {a: [year, alleged_body, criminal_article], b: [year, alleged_body, facility_type]}", encoding="utf-8"
    )
    plan, years = design.read(tmp_path / "design.yml"), [str(year) for year in range(2016, 2026)]
    held = register.read(registers.write(tmp_path / "r.csv", registers.cases(7, 900, range(2016, 2026))), TODAY)

    first, again, other = (leaving._rounded(held, plan, ["a", "b"], years, key, [], Counter())
                           for key in (SECRET, SECRET, SECRET + b"2"))  # fmt: skip
    assert first is not None
    assert first == again != other
    for cell, (value, _) in first.items():
        inside = [polars.col(name).is_in(sorted(codes)) for name, codes in cell]
        count = held.filter(inside).height if inside else held.height
        assert value % 5 == 0
        assert abs(value - count) < 5
    for table, columns in plan.tables.items():
        for column in columns:  # each total is the sum of its parts
            sums: Counter[Any] = Counter()
            totals = {}
            for key in plan.keys(table, years):
                rest = tuple(code for name, code in key.items() if name != column)
                value = first[published.cell(plan.described(years), key)][0]
                if key[column] == "_T":
                    totals[rest] = value
                else:
                    sums[rest] += value
            assert dict(sums) == totals
    assert leaving.protect(held, plan, tmp_path / "out", SECRET, []).withheld == []  # attacked, and the proof checked


def test_years_put_together_must_hold_every_year_of_the_register(tmp_path: Path) -> None:
    """Else the parts would not add up to the printed total."""
    codes = "{early: ['2021', '2022'], late: ['2023']}"
    (tmp_path / "design.yml").write_text(
        f"columns: {{half: {{variable: year, codes: {codes}}}}}\ntables: {{a: [half]}}"
    )
    held = register.read(registers.write(tmp_path / "r.csv", registers.cases(3)), TODAY)

    with pytest.raises(errors.UsageError, match="half leaves out years"):
        leaving.protect(held, design.read(tmp_path / "design.yml"), tmp_path / "out", SECRET, [])
    assert not (tmp_path / "out").exists()


def test_a_table_that_cannot_be_rounded_takes_no_other_with_it(tmp_path: Path) -> None:
    """Four regions printed as 5 now hold a case each, which no total near 21 can hold: only that table is withheld."""
    (tmp_path / "design.yml").write_text("tables: {a: [region], b: [sex]}", encoding="utf-8")
    plan, few = design.read(tmp_path / "design.yml"), ("TJ-SU", "TJ-KT", "TJ-RA", "TJ-GB")

    def held(each: int) -> polars.DataFrame:
        rows = registers.cases(3)[: 17 + 4 * each]
        for at, row in enumerate(rows):
            row.update(region="TJ-DU" if at < 17 else few[at % 4], sex="male")
        return register.read(registers.write(tmp_path / "r.csv", rows), TODAY)

    leaving.protect(held(5), plan, tmp_path / "old", SECRET, [])

    assert leaving.protect(held(1), plan, tmp_path / "new", SECRET, [tmp_path / "old"]).withheld == ["a"]


def test_cells_can_be_left_out_instead(tmp_path: Path) -> None:
    """Every small count, every zero about survivors and what would give them away; the rest is exact, once only."""
    plan = "method: suppression\nzeros_said: [outcome]\ntables: {a: [year, sex], b: [outcome], c: [outcome, sex]}"
    (tmp_path / "design.yml").write_text(plan, encoding="utf-8")
    path = registers.write(tmp_path / "r.csv", registers.cases(4))
    suppressing, held = design.read(tmp_path / "design.yml"), register.read(path, TODAY)

    leaving.protect(held, suppressing, tmp_path / "out", SECRET, [])

    assert attack.attack(tmp_path / "out", [], None, held).safe
    for one in published.read(tmp_path / "out").cells:
        inside = [polars.col(name).is_in(sorted(codes)) for name, codes in one.cell]
        count = held.filter(inside).height if inside else held.height
        assert one.value in {-1, count}
        assert one.value >= 5 or one.value == -1 or {name for name, _ in one.cell} == {"outcome"}
        assert one.why in {"suppressed|small_or_protects_another", "exact|", "zero|"}
    with pytest.raises(errors.UsageError, match="earlier releases"):
        leaving.protect(held, suppressing, tmp_path / "next", SECRET, [tmp_path / "out"])


@pytest.mark.parametrize(
    "text",
    [
        "tables: {}",
        "tables: {a: [name]}",
        "threshold: 9\ntables: {a: [sex]}",
        "- 1",
        "a: b: c",
        "method: noise\ntables: {a: [sex]}",
        "base: 5.5\ntables: {a: [sex]}",
        "zeros_said: outcome\ntables: {a: [sex]}",
        "zeros_said: [result]\ntables: {a: [sex]}",
        "tables: {a: {by: [sex], titel: {}}}",
        "tables: {a: {by: [sex], title: Sex}}",
        "tables:\n  a: [sex]\n  a: [region]",
        f"tables: {{{'a' * 300}: [sex]}}",
        "columns: {value: {variable: sex}}\ntables: {a: [value]}",
        "columns: {who: {variable: sex, codes: {_T: [male], b: [female, not_stated]}}}\ntables: {a: [who]}",
        "columns: {who: {variable: sex, codes: {'': [male], b: [female, not_stated]}}}\ntables: {a: [who]}",
        "columns: {who: {variabel: sex}}\ntables: {a: [sex]}",
    ],
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


@pytest.mark.parametrize("seed", range(4))
def test_a_revision_of_a_closed_year_waits_until_it_has_moved_enough(seed: int, tmp_path: Path) -> None:
    """Backdated cases and corrections change no number of a closed year while all are still next to their counts."""
    (tmp_path / "design.yml").write_text("tables: {a: [year, sex], b: [year, region]}", encoding="utf-8")
    plan, dice = design.read(tmp_path / "design.yml"), random.Random(seed)
    rows = registers.cases(seed, years=range(2021, 2025))
    fresh = [registers.case(dice, 9000 + at, 2025) for at in range(30)]
    late = [registers.case(dice, 9500 + at, dice.choice([2021, 2022, 2023])) for at in range(6)]
    corrected = [row | {"region": "TJ-DU"} if at % 29 == 0 else row for at, row in enumerate(rows)]
    values, held = [], []
    for number, many in enumerate((rows, [*corrected, *fresh, *late])):
        held.append(register.read(registers.write(tmp_path / "r.csv", many), TODAY))
        earlier = [tmp_path / str(before) for before in range(number)]
        leaving.protect(held[-1], plan, tmp_path / str(number), SECRET, earlier)
        values.append({one.cell: one.value for one in published.read(tmp_path / str(number)).cells})
    closed = [cell for cell in values[0] if dict(cell).get("year", {"2024"}) < {"2021", "2022", "2023"}]

    assert len(closed) == 3 * (1 + 3 + 6)
    for year in ("2021", "2022", "2023"):
        mine = [cell for cell in closed if dict(cell)["year"] == {year}]
        inside = [[polars.col(name).is_in(sorted(codes)) for name, codes in cell] for cell in mine]
        counts = [held[1].filter(one).height for one in inside]
        if all(abs(count - values[0][cell]) < 5 for cell, count in zip(mine, counts, strict=True)):
            assert [values[1][cell] for cell in mine] == [values[0][cell] for cell in mine]
    assert any(held[0].filter(polars.col("year") == year).height != held[1].filter(polars.col("year") == year).height
               for year in ("2021", "2022", "2023"))  # fmt: skip


def test_an_earlier_release_of_other_cases_is_named(tmp_path: Path) -> None:
    """Two hundred cases that are now forty: no register grows from the one to the other."""
    (tmp_path / "design.yml").write_text("tables: {a: [year, sex]}", encoding="utf-8")
    plan, said = design.read(tmp_path / "design.yml"), []
    for number, rows in enumerate((registers.cases(3), registers.cases(3)[:40], registers.cases(3)[:45])):
        held = register.read(registers.write(tmp_path / "r.csv", rows), TODAY)
        earlier = [tmp_path / f"000{before}" for before in range(number)]
        said.append(leaving.protect(held, plan, tmp_path / f"000{number}", SECRET, earlier))

    assert [list(left.apart) for left in said] == [[], ["0000"], ["0000"]]
    assert "release 0000 cannot be true together" in said[1].sentences()[0]


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


CLAIM = {
    "indicator": "complaints_documented_coalition", "originator": "coalition", "area": "TJ", "qualifier": "exact",
    "period_start": "2024-01-01", "period_end": "2024-12-31", "receiving_body": "coalition",
}  # fmt: skip
WOMEN = (("sex", frozenset({"female"})), ("year", frozenset({"2024"})))


def women(several: int) -> list[Row]:
    """A register with so many women, all in its first year, 2024."""
    rows = [row | {"sex": "male"} for row in registers.cases(3, years=range(2024, 2026))]
    return [row | {"sex": "female"} if at < several else row for at, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("claim", "least", "most"),
    [
        ({"value": "6"}, 6, 6),
        ({"value": "4", "qualifier": "more_than"}, 5, published.MOST),
        ({"value": "5"}, 5, published.MOST),
        ({"value": "5", "period_end": "2024-06-30"}, 5, published.MOST),
        ({"value": "6", "age_group": "y19_34"}, 6, published.MOST),
        ({"value": "7"}, None, None),
        ({"value": "6", "originator": "ombudsman-tj"}, None, None),
        ({"value": "6", "period_start": "2019-01-01"}, None, None),
    ],
    ids=["itself", "a floor", "a part", "half a year", "some of them", "not true", "others' cases", "other years"],
)
def test_a_figure_of_the_ledger_says_what_is_true_of_the_register(
    claim: Row, least: int | None, most: int | None, tmp_path: Path
) -> None:
    """Six women: what the coalition said about them, or about some of them, is known; what others said is not."""
    held = register.read(registers.write(tmp_path / "r.csv", women(6)), TODAY)

    found = claimed.facts([CLAIM | {"sex": "female"} | claim], DESIGN.known_elsewhere, held)

    assert [(one.cell, one.low, one.high) for one in found] == ([(WOMEN, least, most)] if least else [])


def test_a_figure_of_the_ledger_that_gives_a_small_number_away_stops_the_publication(tmp_path: Path, key: Path) -> None:
    """Three women of a year, and the coalition's own figure: nothing is written; without it the table leaves."""
    for name in ("schemas", "register"):
        (tmp_path / name).mkdir()
    plan = "register:\n  known_elsewhere: {complaints_documented_coalition: [coalition]}\n"
    plan += "  tables: {register_a: [year, sex]}\n"
    (tmp_path / "schemas" / "disclosure.yml").write_text(plan, encoding="utf-8")
    file = registers.write(tmp_path / "r.csv", women(3))
    order = build.Workspace(tmp_path), build.Register(file, key, TODAY)

    with pytest.raises(errors.NotPublishable, match="figures known from elsewhere") as raised:  # noqa: SIM117
        with build.counted(*order, [CLAIM | {"sex": "female", "value": "3"}]):
            pass
    assert (raised.value.exit_code, list((tmp_path / "register").iterdir())) == (12, [])
    with build.counted(*order, [CLAIM | {"sex": "female", "value": "4"}]) as (tables, told):
        assert ([one.name for one in tables], told) == (["register_a"], [])
    with build.counted(order[0], None, []) as (tables, told):  # the run above ended before its tables went live
        assert ([one.name for one in tables], len(told)) == (["register_a"], 1)


def test_facts_of_a_table_hide_none_of_the_ledger(tmp_path: Path, key: Path) -> None:
    """What the coalition told of three women counts beside a table of facts that says nothing of them."""
    (tmp_path / "design.yml").write_text(
        "known_elsewhere: {complaints_documented_coalition: [coalition]}\ntables: {a: [year, sex]}", encoding="utf-8"
    )
    (tmp_path / "facts.csv").write_text("year,sex,value\n", encoding="utf-8")
    file, told = registers.write(tmp_path / "r.csv", women(3)), [CLAIM | {"sex": "female", "value": "3"}]
    order = file, tmp_path / "out", key, tmp_path / "design.yml", tmp_path / "home", TODAY, (), tmp_path / "facts.csv"

    with pytest.raises(errors.NotPublishable, match="figures known from elsewhere"):
        protect.protected(*order, told)
    protect.protected(*order)


def test_facts_that_are_not_true_of_the_register_are_no_proof(tmp_path: Path) -> None:
    """Where no register agrees with the facts there is no certificate, and without one nothing is published."""
    (tmp_path / "design.yml").write_text("tables: {a: [year, sex]}", encoding="utf-8")
    (tmp_path / "facts.csv").write_text("year,sex,value\n2024,female,99\n", encoding="utf-8")
    held = register.read(registers.write(tmp_path / "r.csv", women(3)), TODAY)

    with pytest.raises(errors.NotPublishable, match="one of them is not true"):
        leaving.protect(
            held, design.read(tmp_path / "design.yml"), tmp_path / "out", SECRET, [], tmp_path / "facts.csv"
        )
    assert not (tmp_path / "out").exists()


def test_no_table_of_a_register_is_committed() -> None:
    """What the tests invent never enters the data; a real register's tables bring their folder in register/ along."""
    committed = {path.stem for path in (HOME / "data").glob("register_*.csv")}
    kept = {path.stem for path in (HOME / "register").glob("*/*.csv")}

    assert committed <= kept
