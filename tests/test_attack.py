"""The attacker: its verdict is that of full enumeration, and each planted leak is caught."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import enumeration
import polars
import pytest
import registers
from ortools.linear_solver import pywraplp

from pipeline import errors
from pipeline.protect import attack, design, leaving, register

DESIGN = design.read(Path(__file__).resolve().parent.parent / "schemas" / "disclosure.yml")
PLACE = Path(os.environ.get("CHECKERS", Path(sys.prefix) / "checkers"))
KEY = b"an invented key of the tests"
TODAY = "2026-11-24"
Row = dict[str, Any]


def differing(first: int, last: int, folder: Path) -> tuple[int, list[int]]:
    """How many instances were looked at, and the seeds at which attack and enumeration differ."""
    looked, wrong = 0, []
    for seed in range(first, last):
        told = enumeration.invented(seed, folder / str(seed))
        wanted = enumeration.proved(told)
        if wanted is not None:
            looked += 1
            found = attack.attack(told.folder, [], None, told.register()).proved
            if {tuple(one["key"].items()) for one in found} != wanted:
                wrong.append(seed)
        shutil.rmtree(told.folder)
    return looked, wrong


def test_the_verdict_is_that_of_full_enumeration(tmp_path: Path) -> None:
    """On a hundred random small publications every cell proved by looking at all registers is proved, and no other."""
    looked, wrong = differing(0, 100, tmp_path)

    assert wrong == []
    assert looked > 80


def test_a_body_proves_what_its_own_cases_leave_to_others(tmp_path: Path) -> None:
    """A publication where a register that agrees with all that is printed need not hold the cases that a body knows."""
    assert differing(4175, 4176, tmp_path) == (1, [])
    assert differing(1557, 1558, tmp_path) == (1, [])


@pytest.mark.exam
def test_the_verdict_is_that_of_full_enumeration_ten_thousand_times(tmp_path: Path) -> None:
    """The same on ten thousand."""
    looked, wrong = differing(1000, 11_500, tmp_path)

    assert wrong == []
    assert looked >= 10_000


def differing_later(first: int, last: int, folder: Path) -> tuple[int, list[int]]:
    """The same for instances of two releases."""
    looked, wrong = 0, []
    for seed in range(first, last):
        before, told = enumeration.successive(seed, folder / str(seed))
        wanted = enumeration.proved(told, before)
        if wanted is not None:
            looked += 1
            found = attack.attack(told.folder, [before.folder], None, told.register()).proved
            if {tuple(one["key"].items()) for one in found} != wanted:
                wrong.append(seed)
        shutil.rmtree(folder / str(seed))
    return looked, wrong


@pytest.mark.parametrize("many", [30, pytest.param(3000, marks=pytest.mark.exam)])
def test_the_verdict_on_two_releases_is_that_of_full_enumeration(many: int, tmp_path: Path) -> None:
    """What follows from cases only being added is proved, and nothing else."""
    looked, wrong = differing_later(0, many, tmp_path)

    assert wrong == []
    assert looked > 0.7 * many


def cell(**told: Any) -> Row:
    """A printed row; exact unless it says otherwise."""
    return {"value": "", "rounded_to": "", "status": "", "reason": ""} | told


def exact(value: int, **key: str) -> Row:
    """An exact cell."""
    return key | cell(value=value, rounded_to=1, status="exact")


def hidden(**key: str) -> Row:
    """A suppressed cell."""
    return key | cell(status="suppressed")


def rounded(value: int, **key: str) -> Row:
    """A cell rounded to 5."""
    return key | cell(value=value, rounded_to=5, status="rounded")


def cases(*groups: tuple[int, str, str]) -> polars.DataFrame:
    """A register of so many cases by region and body."""
    rows = [(region, body) for many, region, body in groups for _ in range(many)]
    return polars.DataFrame(rows, ["region", "alleged_body"], orient="row")


def scenarios(verdict: attack.Verdict) -> set[str]:
    """The names of what it took."""
    return {one["scenario"] for one in verdict.proved}


def test_a_hidden_cell_that_subtraction_gives_away_is_proved_by_the_public(tmp_path: Path) -> None:
    """S0: one cell hidden, its total and its sisters printed."""
    table = [exact(12, region="_T"), exact(9, region="TJ-DU"), hidden(region="TJ-SU")]
    folder = enumeration.write(tmp_path / "p", {"t": table}, 5, 5)

    verdict = attack.attack(folder, [], None, cases((9, "TJ-DU", "police"), (3, "TJ-SU", "police")))

    assert [(one["key"], one["low"], one["high"], one["scenario"]) for one in verdict.proved] == [
        ({"region": "TJ-SU"}, 3, 3, "S0")
    ]


def test_facts_from_elsewhere_give_a_pair_of_hidden_cells_away(tmp_path: Path) -> None:
    """S1: two cells hide each other until one of them is known from a report."""
    table = [exact(18, region="_T"), hidden(region="TJ-DU"), hidden(region="TJ-SU"), exact(6, region="TJ-KT")]
    folder = enumeration.write(tmp_path / "p", {"t": table}, 5, 5)
    facts = enumeration.write(tmp_path / "f", {"facts": [exact(9, region="TJ-DU")]}, 5, 5) / "facts.csv"
    held = cases((9, "TJ-DU", "police"), (3, "TJ-SU", "police"), (6, "TJ-KT", "police"))

    alone, together = (attack.attack(folder, [], known, held) for known in (None, facts))

    assert alone.safe
    assert scenarios(together) == {"S1"}


def test_a_body_that_knows_its_own_cases_gives_the_others_away(tmp_path: Path) -> None:
    """S2: police and SCNS hide each other in one region; the police know their own."""
    table = [exact(12, region="TJ-SU", alleged_body="_T"), hidden(region="TJ-SU", alleged_body="police"),
             hidden(region="TJ-SU", alleged_body="scns")]  # fmt: skip
    folder = enumeration.write(tmp_path / "p", {"t": table}, 5, 5)

    verdict = attack.attack(folder, [], None, cases((9, "TJ-SU", "police"), (3, "TJ-SU", "scns")))

    assert scenarios(verdict) == {"S2"}
    assert ("scns", 3, 3) in [(one["key"]["alleged_body"], one["low"], one["high"]) for one in verdict.proved]


def test_a_body_that_is_not_told_apart_in_print_still_knows_its_cases(tmp_path: Path) -> None:
    """S2+S4: the counts of a region, first 15, then 10, so 11 to 14; the police know ten of them."""
    first = release(
        tmp_path / "1", [rounded(35, region="_T"), rounded(20, region="TJ-DU"), rounded(15, region="TJ-SU")]
    )
    second = release(
        tmp_path / "2", [rounded(30, region="_T"), rounded(20, region="TJ-DU"), rounded(10, region="TJ-SU")], first
    )
    held = cases((10, "TJ-SU", "police"), (3, "TJ-SU", "scns"), (20, "TJ-DU", "police"))

    verdict = attack.attack(second, [first], None, held)

    assert scenarios(verdict) == {"S2+S4"}
    assert ("TJ-SU", 11, 14) in [(one["key"]["region"], one["low"], one["high"]) for one in verdict.proved]


def test_a_complainant_learns_about_others_what_the_public_cannot(tmp_path: Path) -> None:
    """S3: one invented publication gives nothing away to the public; enumeration says the same."""
    told = enumeration.invented(73, tmp_path / "p")

    verdict = attack.attack(told.folder, [], None, told.register())

    assert "S3" in scenarios(verdict)
    assert {tuple(one["key"].items()) for one in verdict.proved} == enumeration.proved(told)


def release(folder: Path, rows: list[Row], *before: Path) -> Path:
    """A release that says it continues `before`."""
    digests = [attack.published.read(one).digest for one in before]
    enumeration.write(folder, {"t": rows}, 5, 5)
    digest = hashlib.sha256((folder / "t.csv").read_bytes()).hexdigest()
    hashes = {"previous": digests, "resources": [{"path": "t.csv", "hash": f"sha256:{digest}"}]}
    told = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    (folder / "datapackage.json").write_text(json.dumps(told | hashes), encoding="utf-8")
    return folder


def test_a_late_complaint_stands_out_between_two_releases(tmp_path: Path) -> None:
    """S4: a cell rounded to 5, then to 0, holds between 1 and 4 if cases are only ever added."""
    first = release(tmp_path / "1", [rounded(20, region="_T"), rounded(15, region="TJ-DU"), rounded(5, region="TJ-SU")])
    second = release(
        tmp_path / "2", [rounded(20, region="_T"), rounded(20, region="TJ-DU"), rounded(0, region="TJ-SU")], first
    )
    held = cases((17, "TJ-DU", "police"), (3, "TJ-SU", "police"))

    assert attack.attack(second, [], None, held).proved == []
    assert scenarios(attack.attack(second, [first], None, held)) == {"S4"}


def test_a_cell_that_only_an_earlier_release_printed_is_looked_after_too(tmp_path: Path) -> None:
    """S4: rounded to 5 once and never printed again, until the others leave it three."""
    first = release(tmp_path / "1", [rounded(15, region="_T"), rounded(10, region="TJ-DU"), rounded(5, region="TJ-SU")])
    second = release(tmp_path / "2", [exact(12, region="_T"), exact(9, region="TJ-DU")], first)

    verdict = attack.attack(second, [first], None, cases((9, "TJ-DU", "police"), (3, "TJ-SU", "police")))

    assert [(one["key"], one["low"], one["high"]) for one in verdict.proved] == [({"region": "TJ-SU"}, 3, 3)]


def test_a_release_that_tells_of_other_cases_hides_no_older_one(tmp_path: Path) -> None:
    """S4: between the two releases of the test above stands one with far more cases, which nothing can follow from."""
    first = release(tmp_path / "1", [rounded(20, region="_T"), rounded(15, region="TJ-DU"), rounded(5, region="TJ-SU")])
    other = release(
        tmp_path / "2", [rounded(90, region="_T"), rounded(80, region="TJ-DU"), rounded(10, region="TJ-SU")], first
    )
    third = release(
        tmp_path / "3", [rounded(20, region="_T"), rounded(20, region="TJ-DU"), rounded(0, region="TJ-SU")],
        first, other,
    )  # fmt: skip
    held = cases((17, "TJ-DU", "police"), (3, "TJ-SU", "police"))

    assert scenarios(attack.attack(third, [first, other], None, held)) == {"S4"}


def test_a_release_whose_hash_is_broken_and_whose_numbers_contradict_ours_stops_nothing(tmp_path: Path) -> None:
    """Nothing follows from it, and there is still a verdict."""
    other = release(
        tmp_path / "1", [rounded(90, region="_T"), rounded(80, region="TJ-DU"), rounded(10, region="TJ-SU")]
    )
    (other / "t.csv").write_bytes((other / "t.csv").read_bytes() + b"\n")
    ours = release(tmp_path / "2", [rounded(20, region="_T"), rounded(20, region="TJ-DU"), rounded(0, region="TJ-SU")])

    assert attack.attack(ours, [other], None, cases((17, "TJ-DU", "police"), (3, "TJ-SU", "police"))).safe


def test_the_same_cases_rounded_twice_are_given_away_in_either_order(tmp_path: Path) -> None:
    """S4: a release that does not continue the other is read as the same cases: 0, then 5."""
    rows = [rounded(20, region="_T"), rounded(20, region="TJ-DU"), rounded(0, region="TJ-SU")]
    again = [rounded(20, region="_T"), rounded(15, region="TJ-DU"), rounded(5, region="TJ-SU")]
    first, second = release(tmp_path / "1", rows), release(tmp_path / "2", again)

    verdict = attack.attack(second, [first], None, cases((17, "TJ-DU", "police"), (3, "TJ-SU", "police")))

    assert scenarios(verdict) == {"S4"}


def test_rounding_to_the_nearest_is_given_away_to_those_who_know_it(tmp_path: Path) -> None:
    """S5: with nearest rounding 0 means at most 2, which is too narrow."""
    rows = [rounded(20, region="_T"), rounded(20, region="TJ-DU"), rounded(0, region="TJ-SU")]
    held = cases((18, "TJ-DU", "police"), (2, "TJ-SU", "police"))
    keyed = enumeration.write(tmp_path / "k", {"t": rows}, 5, 5)
    nearest = enumeration.write(tmp_path / "n", {"t": rows}, 5, 5, rounding={"choice": "nearest"})

    assert attack.attack(keyed, [], None, held).safe
    assert scenarios(attack.attack(nearest, [], None, held)) == {"S5"}


def test_a_reason_that_tells_the_small_hidden_cells_from_the_others_is_a_leak(tmp_path: Path) -> None:
    """S5: whoever knows why cells are hidden reads the reason."""
    rows = [exact(30, region="_T"), hidden(region="TJ-DU"), hidden(region="TJ-SU") | {"reason": "primary"}]
    folder = enumeration.write(tmp_path / "p", {"t": rows}, 5, 5)

    verdict = attack.attack(folder, [], None, cases((27, "TJ-DU", "police"), (3, "TJ-SU", "police")))

    assert scenarios(verdict) == {"S5"}


def test_facts_and_releases_together_prove_what_neither_proves(tmp_path: Path) -> None:
    """S1+S4: the older release and an exact total together."""
    first = release(tmp_path / "1", [rounded(15, region="_T"), rounded(10, region="TJ-DU"), rounded(5, region="TJ-SU")])
    second = release(
        tmp_path / "2", [rounded(15, region="_T"), rounded(10, region="TJ-DU"), rounded(5, region="TJ-SU")], first
    )
    facts = enumeration.write(tmp_path / "f", {"facts": [exact(12, region="TJ-DU"), exact(14, region="_T")]}, 5, 5)
    held = cases((12, "TJ-DU", "police"), (2, "TJ-SU", "police"))

    assert attack.attack(second, [first], None, held).safe
    assert not attack.attack(second, [first], facts / "facts.csv", held).safe


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, polars.DataFrame]:
    """A release that protect made, and the register behind it."""
    folder = tmp_path_factory.mktemp("left")
    held = register.read(registers.write(folder / "register.csv", registers.cases(7)), TODAY)
    leaving.protect(held, DESIGN, folder / "out", KEY, [])
    return folder / "out", held


def edited(source: Path, target: Path, change: Callable[[str, list[Row]], None]) -> Path:
    """A copy of a release in which `change` has been at the rows of each table."""
    shutil.copytree(source, target)
    for file in sorted(target.glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        change(file.stem, rows)
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return hashed(target)


def hashed(folder: Path) -> Path:
    """The folder, once its descriptor names the tables as they are: nobody is to find a change by its hash alone."""
    path = folder / "datapackage.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    for one in told["resources"]:
        one["hash"] = f"sha256:{hashlib.sha256((folder / one['path']).read_bytes()).hexdigest()}"
    path.write_text(json.dumps(told), encoding="utf-8")
    return folder


@pytest.mark.parametrize("more", [0, 99], ids=["agree", "contradict"])
def test_facts_that_contradict_what_was_published_are_told_and_never_safe(
    more: int, left: tuple[Path, polars.DataFrame], tmp_path: Path
) -> None:
    """Nothing follows from them, so nothing is proved safe beside them; true facts are judged as before."""
    folder, held = left
    count = held.filter(polars.col("year") == "2023").height
    (tmp_path / "facts.csv").write_text(f"year,value\n2023,{count + more}\n", encoding="utf-8")

    verdict = attack.attack(folder, [], tmp_path / "facts.csv", held)

    assert (verdict.safe, verdict.proved, verdict.broken) == (not more, [], [])
    assert ("no register agrees with both" in verdict.facts) == bool(more)


def test_a_publication_with_which_no_register_agrees_is_never_safe(tmp_path: Path) -> None:
    """Exact cells that do not add up prove nothing, for nothing is true of them; that is no proof of safety."""
    cells = [exact(30, region="_T"), exact(9, region="TJ-DU"), exact(40, region="TJ-SU")]
    folder = enumeration.write(tmp_path / "p", {"a": cells}, 5, 5)
    verdict = attack.attack(folder, [], None, cases((9, "TJ-DU", "police"), (3, "TJ-SU", "police")))

    assert not verdict.safe
    assert any("no register agrees" in one for one in verdict.broken)


def test_what_protect_leaves_is_safe(left: tuple[Path, polars.DataFrame]) -> None:
    """Nothing is proved, nothing is broken."""
    verdict = attack.attack(left[0], [], None, left[1])

    assert (verdict.safe, verdict.proved, verdict.broken) == (True, [], [])


def test_one_cell_rounded_alone_fails_the_audit(left: tuple[Path, polars.DataFrame], tmp_path: Path) -> None:
    """Five more in one cell of one table."""

    def change(table: str, rows: list[Row]) -> None:
        if table == "register_complaints_by_year_and_sex":
            rows[-1]["value"] = str(int(rows[-1]["value"]) + 5)

    assert not attack.attack(edited(left[0], tmp_path / "e", change), [], None, left[1]).safe


@pytest.mark.exam
@pytest.mark.parametrize("step", [5, -5])
def test_any_cell_rounded_alone_fails_the_audit(step: int, left: tuple[Path, polars.DataFrame], tmp_path: Path) -> None:
    """The same in each cell of each table in turn, or one base less; nothing is below 0."""
    at = [(file.stem, row) for file in sorted(left[0].glob("*.csv"))
          for row in range(len(file.read_text(encoding="utf-8").splitlines()) - 1)]  # fmt: skip
    missed = []
    for number, (name, row) in enumerate(at):

        def change(table: str, rows: list[Row], name: str = name, row: int = row) -> None:
            if table == name and rows[row]["rounded_to"] == "5":
                rows[row]["value"] = str(max(int(rows[row]["value"]) + step, 0))

        changed = edited(left[0], tmp_path / str(number), change)
        same = (changed / f"{name}.csv").read_bytes() == (left[0] / f"{name}.csv").read_bytes()
        if not same and attack.attack(changed, [], None, left[1]).safe:
            missed.append((name, row))

    assert missed == []
    assert len(at) > 150


@pytest.mark.exam
def test_one_exact_margin_fails_the_audit(left: tuple[Path, polars.DataFrame], tmp_path: Path) -> None:
    """The total as it is, in one table."""

    def change(table: str, rows: list[Row]) -> None:
        if table == "register_complaints_by_year":
            rows[0] |= {"value": str(left[1].height), "rounded_to": "1"}

    assert not attack.attack(edited(left[0], tmp_path / "e", change), [], None, left[1]).safe


@pytest.mark.exam
def test_the_same_register_under_another_key_fails_the_audit(
    left: tuple[Path, polars.DataFrame], tmp_path: Path
) -> None:
    """Independent re-rounding gives small cells away."""
    leaving.protect(left[1], DESIGN, tmp_path / "again", KEY[::-1], [])

    assert not attack.attack(tmp_path / "again", [left[0]], None, left[1]).safe


def test_a_release_left_out_of_the_audit_fails_it(left: tuple[Path, polars.DataFrame], tmp_path: Path) -> None:
    """The third release names both earlier ones; with one of them missing there is no verdict of safe."""
    leaving.protect(left[1], DESIGN, tmp_path / "2", KEY, [left[0]])
    leaving.protect(left[1], DESIGN, tmp_path / "3", KEY, [left[0], tmp_path / "2"])

    assert attack.attack(tmp_path / "3", [left[0], tmp_path / "2"], None, left[1]).safe
    assert not attack.attack(tmp_path / "3", [left[0]], None, left[1]).safe


def test_a_release_that_continues_others_is_not_audited_without_them(tmp_path: Path) -> None:
    """None of them given is no better than one left out."""
    table = [rounded(20, region="_T"), rounded(20, region="TJ-DU"), rounded(0, region="TJ-SU")]
    first = release(tmp_path / "1", table)
    second = release(tmp_path / "2", table, first)
    held = cases((17, "TJ-DU", "police"), (3, "TJ-SU", "police"))

    assert attack.attack(second, [first], None, held).safe
    assert any("--previous" in one for one in attack.attack(second, [], None, held).broken)


def test_another_register_than_the_one_counted_proves_nothing(left: tuple[Path, polars.DataFrame]) -> None:
    """Others would be the small cells; without saying which number it was."""
    verdict = attack.attack(left[0], [], None, polars.concat([left[1], left[1]]))

    assert not verdict.safe
    assert any("not the one that was counted" in one for one in verdict.broken)


def test_one_suppression_removed_fails_the_audit(tmp_path: Path) -> None:
    """Four hidden cells hold each other; one printed gives all away."""
    keys = [(region, sex) for region in ("_T", "TJ-DU", "TJ-SU") for sex in ("_T", "female", "male")]
    counts = dict(zip(keys, (40, 12, 28, 20, 3, 17, 20, 9, 11), strict=True))
    held = polars.DataFrame(
        [key for key in keys if "_T" not in key for _ in range(counts[key])], ["region", "sex"], orient="row"
    )

    def rows(shown: set[tuple[str, str]]) -> list[Row]:
        return [exact(counts[key], region=key[0], sex=key[1]) if "_T" in key or key in shown
                else hidden(region=key[0], sex=key[1]) for key in keys]  # fmt: skip

    whole = enumeration.write(tmp_path / "whole", {"t": rows(set())}, 5, 5)
    gap = enumeration.write(tmp_path / "gap", {"t": rows({("TJ-SU", "male")})}, 5, 5)

    assert attack.attack(whole, [], None, held).safe
    assert not attack.attack(gap, [], None, held).safe


def retold(left: tuple[Path, polars.DataFrame], tmp_path: Path, change: Callable[[list[str]], object]) -> Path:
    """A copy of what protect left in which the lines below the heading of one table are changed, and its hash fits."""
    folder = tmp_path / "copy"
    shutil.copytree(left[0], folder)
    path = folder / "register_complaints_by_year_and_area.csv"
    head, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    change(lines)
    path.write_text(head + "".join(lines), encoding="utf-8", newline="\n")
    return hashed(folder)


@pytest.mark.parametrize(
    "change",
    [list.pop, lambda lines: lines.append(lines[-1]), lambda lines: lines.sort(), list.reverse],
    ids=["a row less", "a row twice", "sorted", "reversed"],
)
def test_rows_that_are_not_all_combinations_in_their_order_fail_the_audit(
    change: Callable[[list[str]], object], left: tuple[Path, polars.DataFrame], tmp_path: Path
) -> None:
    """An order, or a gap, may follow the counts."""
    verdict = attack.attack(retold(left, tmp_path, change), [], None, left[1])

    assert [one for one in verdict.broken if "register_complaints_by_year_and_area: its rows" in one]


def test_what_the_descriptor_does_not_name_fails_the_audit(left: tuple[Path, polars.DataFrame], tmp_path: Path) -> None:
    """A changed file whose hash no longer fits, another file beside it: nobody audited those."""
    folder = retold(left, tmp_path, lambda _: None)
    assert attack.attack(folder, [], None, left[1]).safe

    path = folder / "register_complaints_by_year.csv"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    (folder / "counts.xlsx").touch()

    assert len(attack.attack(folder, [], None, left[1]).broken) == 2


@pytest.mark.parametrize(
    ("facts", "refusal"),
    [
        ("sex,value\nunheard-of,3\n", "not each category"),
        ("sex,sex,value\nmale,female,3\n", "two of one name"),
        ("year,sex,value\n2024,3\n", "line 2: expected as many cells"),
        ("sex,value\nmale,-3\n", "no whole count"),
        (f"sex,value\nmale,{10**25}\n", "no whole count"),
        ("\0", "no column value"),
        (None, "missing"),
    ],
)
def test_facts_that_would_be_misread_are_refused(
    facts: str | None, refusal: str, left: tuple[Path, polars.DataFrame], tmp_path: Path
) -> None:
    """A fact that is passed over in silence would make an unsafe publication look safe."""
    path = tmp_path / "facts.csv"
    if facts is not None:
        path.write_text(facts, encoding="utf-8")

    with pytest.raises((errors.UsageError, errors.NotPublishable), match=refusal):
        attack.attack(left[0], [], path, left[1])


def test_facts_that_contradict_each_other_are_no_proof_of_safety(
    left: tuple[Path, polars.DataFrame], tmp_path: Path
) -> None:
    """From a contradiction nothing follows, so nothing was looked at."""
    path = tmp_path / "facts.csv"
    path.write_text("sex,value\nmale,100\nmale,101\n", encoding="utf-8")

    assert not attack.attack(left[0], [], path, left[1]).safe


@pytest.mark.parametrize("told", [{"threshold": 0}, {"columns": []}, {"resources": [1]}, {"previous": None}])
def test_a_descriptor_that_makes_no_sense_is_refused(
    told: dict[str, Any], left: tuple[Path, polars.DataFrame], tmp_path: Path
) -> None:
    """With the file and what was expected."""
    folder = retold(left, tmp_path, lambda _: None)
    path = folder / "datapackage.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | told), encoding="utf-8")

    with pytest.raises(errors.UsageError, match="with threshold, base and columns"):
        attack.attack(folder, [], None, left[1])


def second_differing(first: int, last: int, folder: Path) -> tuple[int, int, list[int]]:
    """How many small cells another solver judged, how many it proved, and the seeds at which the attack says else."""
    looked, proved, wrong = 0, 0, []
    for seed in range(first, last):
        told = enumeration.invented(seed, folder / str(seed))
        verdict = attack.attack(told.folder, [], None, told.register())
        found = {tuple(one["key"].items()): (one["low"], one["high"]) for one in verdict.proved
                 if one["scenario"] == "S0"}  # fmt: skip
        ends = {key: (second(told, cells, 1), second(told, cells, -1)) for key, cells in told.small()}
        wanted = {key: (low, high) for key, (low, high) in ends.items()
                  if (low >= 1 and high < told.threshold) or high - low < told.base - 1}  # fmt: skip
        looked, proved = looked + len(ends), proved + len(wanted)
        wrong += [seed] if found != wanted else []
        shutil.rmtree(told.folder)
    return looked, proved, wrong


@pytest.mark.parametrize("many", [60, pytest.param(10_000, marks=pytest.mark.exam)])
def test_a_second_solver_gives_the_same_verdicts(many: int, tmp_path: Path) -> None:
    """Of every small cell OR-Tools says as the attack does whether the public proves it, and between which numbers."""
    looked, proved, wrong = second_differing(0, many, tmp_path)

    assert wrong == []
    assert looked > proved > many / 2


@pytest.mark.exam
def test_tau_argus_leaves_the_same_cells_open(tmp_path: Path) -> None:
    """Two hundred tables that Tau-Argus suppressed: its audit and our attack name the same cells and the same ends.

    The comparable part of both: one table, what the public can prove. Linked tables, releases and insiders it lacks.
    """
    python = PLACE / "tau" / "bin" / "python"
    assert python.exists(), "Tau-Argus is not installed here. Next: make checkers"
    script = Path(__file__).parent / "checkers" / "tau.py"
    done = subprocess.run(
        [python, script, "200"], capture_output=True, text=True, check=True, timeout=300, cwd=tmp_path
    )
    wrong, looked = [], 0
    for number, told in enumerate(json.loads(done.stdout)):
        key = ("region", "facility_type")
        true = {(region, place): count for region, place, count, _ in told["cells"]}
        table = [(hidden(region=region, facility_type=place) if out
                  else exact(count, region=region, facility_type=place))
                 for region, place, count, out in told["cells"]]  # fmt: skip
        folder = enumeration.write(tmp_path / str(number), {"t": table}, 5, 5)
        verdict = attack.attack(folder, [], None, polars.DataFrame(told["rows"]))
        ours = {(*(one["key"][name] for name in key), one["low"], one["high"])
                for one in verdict.proved if one["scenario"] == "S0"}  # fmt: skip
        theirs = {(region, place, low, high) for region, place, low, high in told["audit"]
                  if 1 <= true[region, place] < 5 and (high - low < 4 or 0 < low <= high < 5)}  # fmt: skip
        looked += len(told["audit"])
        wrong += [number] if ours != theirs else []

    assert wrong == []
    assert looked > 1000


def second(told: enumeration.Publication, members: list[int], sign: int) -> int:
    """The least (1) or the most (-1) of a sum of atoms, as another solver finds it."""
    solver = pywraplp.Solver.CreateSolver("SAT")
    atoms = [solver.IntVar(0, 1000, str(at)) for at in range(2 ** len(told.variables))]
    for _, cells, low, high in told.cells:
        solver.Add(sum(atoms[at] for at in cells) >= low)
        solver.Add(sum(atoms[at] for at in cells) <= min(high, 10_000))
    solver.Minimize(sign * sum(atoms[at] for at in members))
    assert solver.Solve() == pywraplp.Solver.OPTIMAL
    return round(sign * solver.Objective().Value())
