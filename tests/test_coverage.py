"""Silence made countable: who should have published what, judged on invented duties and on the real ledger."""

from __future__ import annotations

import datetime
from pathlib import Path

import polars
import pytest

from pipeline import build, ledger
from pipeline.reconcile.coverage import coverage
from pipeline.reconcile.figures import BREAKDOWNS
from pipeline.reconcile.tables import tables
from pipeline.records import Table
from pipeline.validate import tables as compiled

HOME = Path(__file__).resolve().parent.parent
CODES = {path.stem: polars.read_csv(path, infer_schema=False) for path in sorted(HOME.glob("schemas/codes/*.csv"))}
TODAY = "2024-05-01"
Row = dict[str, str]


def duty(basis: str, **other: str) -> Row:
    """A duty of the coalition for its appeals in each year from 2018, due by the end of March."""
    return {"code": "d", "body": "coalition", "indicator": "complaints_documented_coalition", "basis": basis,
            "answered_by": "year", "year_from": "2018", "year_to": "", "due": "03-31"} | other  # fmt: skip


def claim(start: str, end: str, **other: str) -> Row:
    """A figure of the coalition for a window."""
    plain = dict.fromkeys(BREAKDOWNS, "_T") | {
        "claim_id": f"c{start}", "indicator": "complaints_documented_coalition", "area": "TJ", "period_type": "span",
        "value": "24", "qualifier": "exact", "unit": "appeal", "originator": "coalition", "publisher": "coalition",
        "language": "en", "document_id": "paper", "said_on": "", "status": "current", "missing_reason": "",
    }  # fmt: skip
    return plain | {"period_start": start, "period_end": end} | other


def year(of: int, **other: str) -> Row:
    return claim(f"{of}-01-01", f"{of}-12-31", **other)


def states(owed: Row, *rows: Row, today: str = TODAY) -> dict[int, str]:
    """The state of each year."""
    found = coverage(polars.DataFrame(rows), CODES | {"duties": polars.DataFrame([owed])}, today)
    return {one.year: one.state for one in found}


def test_what_the_law_demands_is_late_the_day_after_it_was_due_and_not_judged_before() -> None:
    """The year 2023 is due on 31 March 2024."""
    given = [year(of) for of in range(2018, 2023)]

    assert 2023 not in states(duty("law"), *given, today="2024-03-31")
    assert states(duty("law"), *given, today="2024-04-01")[2023] == "late"
    assert states(duty("law"), *given, today="2024-04-01")[2022] == "published"


@pytest.mark.parametrize(
    ("given", "state"),
    [((2019, 2021), "late"), ((2021,), "never_asked"), ((2018, 2021), "late"), ((), "never_asked")],
)
def test_a_practice_binds_after_two_of_the_five_years_before(given: tuple[int, ...], state: str) -> None:
    """One figure is no practice."""
    assert states(duty("practice"), year(2000), *map(year, given))[2023] == state


def test_a_practice_fades_after_five_years() -> None:
    """Two figures of long ago bind nobody today."""
    owed = duty("practice", year_from="2010")

    assert states(owed, year(2010), year(2011))[2015] == "late"
    assert states(owed, year(2010), year(2011))[2017] == "never_asked"


@pytest.mark.parametrize(("basis", "state"), [("occasional", "never_asked"), ("none", "no_known_practice")])
def test_who_owes_nothing_is_never_late(basis: str, state: str) -> None:
    """However often such a body has spoken."""
    assert states(duty(basis, due=""), *[year(of) for of in range(2018, 2023)])[2023] == state


def test_a_refusal_names_its_document_and_a_later_figure_outweighs_it() -> None:
    """A claim without a value, withheld by the body itself; another body's word is no refusal."""
    refusal = year(2023, claim_id="no", value="", missing_reason="withheld", document_id="letter")
    owed = CODES | {"duties": polars.DataFrame([duty("law")])}

    (found,) = [one for one in coverage(polars.DataFrame([year(2022), refusal]), owed, TODAY) if one.year == 2023]

    assert (found.state, found.claim, found.document) == ("refused", "no", "letter")
    assert states(duty("law"), year(2022), refusal, year(2023))[2023] == "published"
    assert states(duty("law"), year(2022), refusal | {"originator": "acca"})[2023] == "late"
    assert states(duty("law"), year(2022), refusal | {"missing_reason": "suppressed"})[2023] == "late"


@pytest.mark.parametrize(
    ("answered_by", "expected"), [("year", "late"), ("part", "late"), ("any", "published")],
)  # fmt: skip
def test_a_longer_window_answers_only_where_the_duty_says_so(answered_by: str, expected: str) -> None:
    """Two years together are not a year."""
    both = claim("2022-01-01", "2023-12-31")

    assert states(duty("law", answered_by=answered_by), both)[2023] == expected


def test_a_part_of_a_year_is_counted_beside_the_silence() -> None:
    """A half-year is no answer to a yearly duty, but it is told."""
    owed = CODES | {"duties": polars.DataFrame([duty("law", year_from="2023")])}

    (found,) = coverage(polars.DataFrame([claim("2023-01-01", "2023-06-30")]), owed, TODAY)

    assert (found.state, found.others, found.due_on) == ("late", 1, "2024-03-31")
    assert states(duty("law", answered_by="part"), claim("2023-01-01", "2023-06-30"))[2023] == "published"


def test_the_broadest_of_several_answers_is_named() -> None:
    """A total before the part of it that was newly registered, whichever is trusted more."""
    new = year(2023, claim_id="a", case_registered="this_year", value="20")
    total = year(2023, claim_id="z", publisher="acca")
    owed = CODES | {"duties": polars.DataFrame([duty("law", year_from="2023")])}

    (found,) = coverage(polars.DataFrame([new, total]), owed, TODAY)

    assert (found.claim, found.others) == ("z", 1)


def test_a_refusal_of_one_figure_is_none_of_another() -> None:
    """Nor is a refusal that was taken back."""
    refusal = year(2023, claim_id="no", value="", missing_reason="withheld")

    assert states(duty("law"), year(2022), refusal | {"indicator": "rehabilitation_clients"})[2023] == "late"
    assert states(duty("law"), year(2022), refusal | {"status": "withdrawn"})[2023] == "late"


def test_figures_of_women_or_of_others_answer_for_nobody() -> None:
    """A part of the people is not the figure; a group of the coalition speaks for it."""
    assert states(duty("law"), year(2023, sex="female"))[2023] == "late"
    assert states(duty("law"), year(2023, originator="ombudsman-tj"))[2023] == "late"
    assert states(duty("law"), year(2023, originator="legal-aid-group"))[2023] == "published"


@pytest.fixture(scope="module")
def real() -> Table:
    """The table of the real ledger."""
    return next(one for one in tables(ledger.read(HOME), build.table_schemas(HOME)) if one.name == "coverage")


def test_the_real_ledger_shows_the_known_silences(real: Table) -> None:
    """The Ombudsman's missing 2020, the coalition's 2022 told only to October, a prosecutor who is never late."""
    told = {row["coverage_id"]: row for row in real.rows.iter_rows(named=True)}

    assert told["ombudsman-received.2020"]["state"] == "late"
    assert told["ombudsman-received.2021"]["claim_id"] == "acca-2022ombudsman-received"
    assert (told["coalition-documented.2022"]["state"], told["coalition-documented.2022"]["others"]) == ("late", "3")
    assert {row["state"] for row in told.values() if row["body"] == "prosecutor-general"} == {
        "published",
        "never_asked",
    }
    assert {row["state"] for row in told.values() if row["body"] == "scns"} == {"no_known_practice"}


def test_the_table_is_valid_and_a_spoilt_state_is_found(real: Table) -> None:
    """The compiled checks know the five states."""
    spoilt = Table("coverage", real.schema, real.rows.with_columns(state=polars.lit("forgotten")))

    assert [one for one in compiled.findings([real]) if one.check != "no-table"] == []
    assert "enum" in {one.check for one in compiled.findings([spoilt]) if one.field == "state"}


def test_every_duty_that_can_be_late_has_its_day() -> None:
    """A law or a practice names month and day; what happens now and then names none."""
    for row in CODES["duties"].iter_rows(named=True):
        assert bool(row["due"]) == (row["basis"] in {"law", "practice"}), row["code"]
        assert not row["due"] or datetime.date.fromisoformat(f"2024-{row['due']}")
