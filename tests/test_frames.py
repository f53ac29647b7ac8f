"""What the expectations look at: typed tables, and frames that set claims against each other."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from invented import CLAIM, HOME, complaints, table, world

from pipeline import ledger
from pipeline.validate import frames

YEAR: dict[str, str] = {}  # the year 2020 of invented.CLAIM
HALF = {"period_end": "2020-06-30", "period_type": "half_year"}


def shown(name: str, *rows: Mapping[str, str], columns: list[str]) -> list[tuple[Any, ...]]:
    """Some columns of a frame over an invented world."""
    return frames.frames(world(*rows))[name].rows.select(columns).sort(columns, nulls_last=True).rows()


def test_breakdowns_are_those_of_the_ledger() -> None:
    """The columns that split a count are named alike in both rooms."""
    assert frames.BREAKDOWNS == ledger.BREAKDOWNS


def test_parts_and_wholes_are_indicators() -> None:
    """A renamed indicator does not empty a comparison unseen."""
    with (HOME / "schemas" / "codes" / "indicators.csv").open(encoding="utf-8", newline="") as file:
        known = {row["indicator"] for row in csv.DictReader(file)}

    assert {*frames.PART_OF, *frames.PART_OF.values()} - known == set()


def test_cells_get_the_types_of_the_schema() -> None:
    """Numbers, truths and dates are real; what is empty or unreadable is missing."""
    rows = frames.frames([complaints({"period_assumed": "true"}, {"value": "", "period_end": "2020-13-01"})])
    typed = rows["complaints"].rows.select("version", "value", "period_assumed", "period_end").rows()

    assert typed == [(1, 10.0, True, date(2020, 12, 31)), (1, None, False, None)]


def test_rows_are_named_by_their_own_key_topic_and_rival() -> None:
    """A finding leads from a frame back to a row of the package."""
    seen = frames.frames(world({}))
    named = {name: (seen[name].keys, seen[name].told) for name in ("milestones", "complaints", "parts")}

    assert named == {
        "milestones": (("milestone_id",), ()),
        "complaints": (("claim_id",), ("topic",)),
        "parts": (("claim_id",), ("topic", "against")),
    }


def test_history_is_no_topic() -> None:
    """Older versions are not expected to agree with what stands now: only topic tables make up `claims`."""
    history = table("vintages", [{"claim_id": "c1", "topic": "complaints"}], **CLAIM)

    assert frames.frames([*world({}), history])["claims"].rows.height == 1


@pytest.mark.parametrize(
    ("said_on", "first", "last"),
    [
        ("2020", date(2020, 1, 1), date(2020, 12, 31)),
        ("2020-02", date(2020, 2, 1), date(2020, 2, 29)),
        ("2020-02-03", date(2020, 2, 3), date(2020, 2, 3)),
    ],
)
def test_a_vague_date_has_a_first_and_a_last_day(said_on: str, first: date, last: date) -> None:
    """A year or month stands for the span of days it may mean."""
    rows = shown("claims", {"said_on": said_on}, columns=["said_on_first", "said_on_last"])

    assert rows == [(first, last)]


@pytest.mark.parametrize(
    ("printed", "number"),
    [("24", 24.0), ("1,689", 1689.0), ("9\u00a0317", 9317.0), ("3.5", None), ("four", None), ("not_recorded", None)],
)
def test_only_a_number_in_plain_digits_is_read_from_printed(printed: str, number: float | None) -> None:
    """Words and decimals are left to people."""
    assert shown("claims", {"printed": printed}, columns=["printed_number"]) == [(number,)]


def test_a_claim_knows_what_the_registers_say_of_it() -> None:
    """Another unit and another speaker than the register's are told in one text, which a suite can list."""
    rows = shown(
        "claims", {"unit": "case", "originator": "press"}, {}, columns=["other_unit", "told_by", "document_publisher"]
    )

    assert rows == [("appeals in case", "coalition < press", "coalition"), (None, None, "coalition")]


def test_only_a_total_stands_for_its_year() -> None:
    """A part, a part-year and an empty value do not keep a year present; a body's constant code splits nothing."""
    own = {"receiving_body": "coalition"}
    rows = shown(
        "claims", own, {**own, "sex": "female"}, {**own, "area": "TJ-SU"}, {**own, **HALF}, {**own, "value": ""},
        {**own, "period_type": "year_to_date", "period_end": "2020-10-01"}, columns=["yearly"],
    )  # fmt: skip

    assert [year for (year,) in rows if year] == ["appeals coalition 2020", "appeals coalition 2020 to date"]


def test_a_narrower_window_meets_each_wider_one() -> None:
    """A half-year is set against its year; a window that sticks out, another area and a ceiling are not."""
    second = {"period_start": "2020-07-01", "period_type": "half_year", "language": "en"}
    outside = {"period_start": "2020-09-01", "period_end": "2021-01-31"}

    pairs = shown(
        "nested_windows", YEAR, HALF, second, outside, {**HALF, "area": "TJ-SU"}, {**HALF, "qualifier": "at_most"},
        columns=["claim_id", "against", "same_start", "same_language"],
    )  # fmt: skip

    assert pairs == [("c1", "c2", True, True), ("c1", "c3", False, False)]


def test_a_floor_holds_nothing() -> None:
    """More than ten may be any number, so nothing inside it can be too large."""
    assert shown("nested_windows", {"qualifier": "more_than"}, HALF, columns=["claim_id"]) == []


def test_a_part_meets_its_total_of_the_same_document() -> None:
    """Sexes and regions are parts; what another document, unit or body says is not."""
    parts = [
        {"sex": "female", "value": "4"}, {"area": "TJ-SU", "value": "3"}, {"sex": "male", "document_id": "idle"},
        {"sex": "male", "unit": "case"}, {"sex": "male", "originator": "press"},
    ]  # fmt: skip

    pairs = shown("parts", {}, *parts, columns=["claim_id", "against", "value", "other_value", "column"])

    assert pairs == [("c1", "c2", 10.0, 4.0, "sex"), ("c1", "c3", 10.0, 3.0, "area")]


def test_a_part_of_a_part_meets_both() -> None:
    """Girls are part of all women and of all; women are no part of all children."""
    women, girls = {"sex": "female"}, {"sex": "female", "age_group": "minor"}

    pairs = shown("parts", {}, women, girls, {"age_group": "minor"}, columns=["claim_id", "against", "column"])

    assert pairs == [
        ("c1", "c2", "sex"), ("c1", "c3", None), ("c1", "c4", "age_group"), ("c2", "c3", "age_group"),
        ("c4", "c3", "sex"),
    ]  # fmt: skip


def test_another_indicator_may_be_a_part() -> None:
    """Confirmed complaints are among those received, in whatever unit; the reverse is no part."""
    received, confirmed = "complaints_received_prosecutor", "complaints_confirmed_prosecutor"

    pairs = shown(
        "parts", {"indicator": received}, {"indicator": confirmed, "unit": "case"}, columns=["claim_id", "against"]
    )

    assert pairs == [("c1", "c2")]


def test_parts_along_one_column_are_summed() -> None:
    """Two sexes make a sum; a lone region makes none; a cell split twice belongs to no sum of the whole."""
    parts = [
        {"sex": "female", "value": "4"}, {"sex": "male", "value": "5"}, {"area": "TJ-SU"},
        {"sex": "male", "age_group": "minor"},
    ]  # fmt: skip

    assert shown("sums", {}, *parts, columns=["claim_id", "against", "column", "value", "other_value"]) == [
        ("c1", "c2 + c3", "sex", 10.0, 9.0)
    ]


def test_a_year_meets_the_year_before() -> None:
    """The jump is told as how many times the larger exceeds the smaller."""
    later = {"period_start": "2021-01-01", "period_end": "2021-12-31", "value": "40"}

    assert shown("following_years", YEAR, later, columns=["claim_id", "against", "larger", "times"]) == [
        ("c2", "c1", 40.0, 4.0)
    ]


def test_documents_and_indicators_know_whether_they_are_used() -> None:
    """What nobody cites and what nobody counts can be found, and a group that mixes units."""
    seen = frames.frames(world({}))
    used = [seen[name].rows["used"].to_list() for name in ("documents", "indicators")]

    assert (used, seen["indicators"].rows["group_units"].to_list()) == ([[True, False], [True, False]], [2, 2])


def test_rival_dates_of_an_event_know_how_far_they_are_apart() -> None:
    """One event dated twice, a month apart and under two kinds."""
    rows = [
        {"milestone_id": "a", "kind": "review_held", "date_start": "2012-10-09", "date_end": "2012-10-09"},
        {"milestone_id": "b", "kind": "report", "date_start": "2012-11-01", "date_end": "2012-11-30"},
    ]
    seen = frames.frames([table("milestones", rows, event="review", recorded_on="2026-11-24")])["milestones"].rows

    assert seen.select("days", "rivals", "rival_days", "rival_kinds").rows() == [(1, 2, 53, 2), (30, 2, 53, 2)]


def test_the_newest_record_is_the_clock() -> None:
    """Dates are judged at the newest recorded_on of all tables, never at today."""
    seen = frames.frames(world({}))

    assert {seen[name].rows["clock"][0] for name in ("claims", "milestones", "documents")} == {date(2026, 11, 25)}
