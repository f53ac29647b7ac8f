"""Who should have published what, held against what the ledger holds: silence, made countable.

The duties are declared in schemas/codes/duties.csv. Judged at a given day, never at the clock, and only for years
whose day has come. That a figure was not found is all that "late" says: it may stand where nobody has looked.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars

from pipeline.reconcile.disagreements import PARTS
from pipeline.reconcile.figures import HOUSES, Codes, Figure, figures

State = Literal["published", "late", "refused", "never_asked", "no_known_practice"]
# A body that nothing obliges is late only if it gave the figure for two of the five years before.
PRECEDENTS, PRECEDENT_YEARS = 2, 5
FIRST_DAY, LAST_DAY = "01-01", "12-31"


@dataclass(frozen=True, slots=True)
class Answered:
    """One row of the table `coverage`.

    Shape: `due_on` is "" where nobody owes the figure; `claim` and `document` are the answer or the refusal, else "";
    `others` counts further figures of the body whose period touches the year.
    """

    duty: str
    body: str
    indicator: str
    year: int
    state: State
    due_on: str
    claim: str
    document: str
    others: int


def coverage(claims: polars.DataFrame, codes: Codes, today: str) -> list[Answered]:
    """The state of every duty and year at the end of `today`, an ISO date.

    Shape: `claims` and `codes` as `disagreements.conflicts` takes them. A refusal is a claim without a value whose
    missing_reason is `withheld`; its own document holds it.
    """
    made = [one for one in figures(claims, codes) if not {column for column, _ in one.breakdown} & set(PARTS)]
    refusals = claims.filter((polars.col("status") == "current") & (polars.col("missing_reason") == "withheld"))
    withheld = refusals.sort("claim_id").to_dicts()
    return [
        row
        for duty in codes["duties"].sort("code").iter_rows(named=True)
        for row in _years(duty, made, withheld, today)
    ]


def _years(
    duty: Mapping[str, str], made: Sequence[Figure], withheld: Sequence[Mapping[str, str]], today: str,
) -> Iterator[Answered]:  # fmt: skip
    """One duty, year by year."""
    body, indicator = duty["body"], duty["indicator"] or ""
    mine = [one for one in made if HOUSES.get(one.originator, one.originator) == body and _of(indicator, one.indicator)]
    refusals = [row for row in withheld if row["originator"] == body and _of(indicator, row["indicator"])]
    given: list[int] = []
    for year in range(int(duty["year_from"]), int(duty["year_to"] or today[:4]) + 1):
        first, last = f"{year}-{FIRST_DAY}", f"{year}-{LAST_DAY}"
        due_on = f"{year + 1}-{duty['due']}" if duty["due"] else ""
        touching = [one for one in mine if str(one.start) <= last and str(one.end) >= first]
        answers = sorted((one for one in touching if _answers(duty["answered_by"], one, year)), key=_detail)
        said = duty["code"], body, indicator, year
        refused = next((row for row in refusals if row["period_start"] <= last and row["period_end"] >= first), None)
        if answers:
            best = answers[0]
            yield Answered(*said, "published", due_on, best.id, best.document, len(touching) - 1)
        elif refused:
            yield Answered(*said, "refused", due_on, refused["claim_id"], refused["document_id"], len(touching))
        elif (due_on or last) < today:
            state = _silence(duty["basis"], sum(year - PRECEDENT_YEARS <= one < year for one in given))
            yield Answered(*said, state, due_on, "", "", len(touching))
        given += [year] if answers else []


def _detail(one: Figure) -> int:
    """How far a figure is broken down: the broadest answers."""
    return len(one.core)


def _of(indicator: str, other: str) -> bool:
    """Whether a duty of `indicator` ("" for any) speaks of the other one."""
    return indicator in ("", other)


def _answers(window: str, one: Figure, year: int) -> bool:
    """Whether a figure that touches the year answers for it, as the duty declares."""
    whole = datetime.date(year, 1, 1), datetime.date(year, 12, 31)
    return {"year": one.window == whole, "part": one.start >= whole[0] and one.end <= whole[1], "any": True}[window]


def _silence(basis: str, precedents: int) -> State:
    """What it means that nothing was found once the day has passed."""
    if basis == "none":
        return "no_known_practice"
    return "late" if basis == "law" or (basis == "practice" and precedents >= PRECEDENTS) else "never_asked"
