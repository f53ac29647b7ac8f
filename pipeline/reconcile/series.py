"""For each indicator, area and year: the bounds that follow, the headline if one may be given, and how sources agree.

"Not known" is an answer. A headline is the counting body's own latest statement for exactly that year, or nothing:
never a mean, never a sum of parts of the year. Only figures that are not broken down enter.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars

from pipeline.reconcile.answer import Answer
from pipeline.reconcile.disagreements import solve
from pipeline.reconcile.figures import HOUSES, Codes, Figure, figures, witnesses

Agreement = Literal["contradict", "differ", "agree", "single_source", "bounds_only", "not_known"]
HEADLINE_RULE = "originator_latest"
Bounds = Mapping[tuple[str, str, str], tuple[int, int | None]]


@dataclass(frozen=True, slots=True)
class Year:
    """One row of the table `series`.

    Shape: low and high (None: no limit) hold every voice that counts the indicator; `headline` None without a
    statement that the rule allows, then `rule` is ""; `claims` are those whose window touches the year, `witnesses`
    how many of them are not reprints or translations of another.
    """

    indicator: str
    area: str
    year: int
    low: int
    high: int | None
    headline: int | None
    headline_qualifier: str
    headline_claim: str
    rule: str
    claims: tuple[str, ...]
    witnesses: int
    agreement: Agreement


def series(claims: polars.DataFrame, codes: Codes) -> list[Year]:
    """The row of every indicator, area and year from its first claim to its last, in that order.

    Shape: `claims` and `codes` as `disagreements.conflicts` takes them.
    """
    made = [one for one in figures(claims, codes) if not one.core and not one.system.endswith("|people")]
    solved = solve(made)
    counters = dict(codes["indicators"].select("indicator", "counted_by").iter_rows())
    stands = witnesses(made)
    groups: dict[tuple[str, str], list[Figure]] = {}
    for one in made:
        groups.setdefault((one.indicator, one.area), []).append(one)
    return [
        _year(year, mine, solved, counters[indicator], stands)
        for (indicator, _), mine in sorted(groups.items())
        for year in range(min(one.start for one in mine).year, max(one.end for one in mine).year + 1)
    ]


def _year(
    year: int, mine: Sequence[Figure], solved: Answer | None, counter: str | None, stands: Mapping[str, str],
) -> Year:  # fmt: skip
    """One row."""
    whole = datetime.date(year, 1, 1), datetime.date(year, 12, 31)
    touching = [one for one in mine if one.start <= whole[1] and one.end >= whole[0]]
    exactly = [one for one in touching if one.window == whole]
    low, high = _limits(whole, mine, solved)
    aside = {one.id for one in exactly if solved is not None and stands[one.id] in solved.set_aside}
    headline = _headline([one for one in exactly if one.id not in aside], counter)
    agreement = _agreement(touching, exactly, solved)
    if agreement == "bounds_only" and low == 0 and high is None:
        agreement = "not_known"
    return Year(
        mine[0].indicator, mine[0].area, year, low, high,
        headline.value if headline else None, headline.qualifier if headline else "", headline.id if headline else "",
        HEADLINE_RULE if headline else "",
        tuple(sorted(one.id for one in touching)), len({stands[one.id] for one in touching}), agreement,
    )  # fmt: skip


def _limits(
    whole: tuple[datetime.date, datetime.date], mine: Sequence[Figure], solved: Answer | None,
) -> tuple[int, int | None]:  # fmt: skip
    """The range that holds every voice: bounds for what is counted over time, statements of the year for stocks."""
    found: list[tuple[int, int | None]] = []
    if any(one.flow for one in mine) and solved is not None:
        keys = {(one.system, one.area) for one in mine if one.flow}
        rows = solved.bounds.filter((polars.col("start") == whole[0]) & (polars.col("end") == whole[1]))
        breakdowns = {"|".join(code for part in one.breakdown for code in part) for one in mine}
        found = [
            (low, high) for group, area, breakdown, _, _, low, high in rows.iter_rows()
            if (group, area) in keys and breakdown in breakdowns
        ]  # fmt: skip
    found += [(one.low, one.high) for one in mine if not one.flow and one.start >= whole[0] and one.end <= whole[1]]
    if not found:
        return 0, None
    highs = [high for _, high in found]
    return min(low for low, _ in found), None if None in highs else max(high or 0 for high in highs)


def _headline(exactly: Sequence[Figure], counter: str | None) -> Figure | None:
    """The counting body's own latest statement for exactly the year; None if its latest ones differ.

    Without a declared counter, the only body that speaks of exactly the year; None if several do.
    """
    voices = {HOUSES.get(one.originator, one.originator) for one in exactly}
    body = HOUSES.get(counter, counter) if counter else (next(iter(voices)) if len(voices) == 1 else None)
    own = [one for one in exactly if HOUSES.get(one.originator, one.originator) == body]
    latest = {one.number for one in own if one.said_on == max(each.said_on for each in own)}
    return next((one for one in own if latest == {one.number}), None)


def _agreement(touching: Sequence[Figure], exactly: Sequence[Figure], solved: Answer | None) -> Agreement:
    """How the claims of the year stand to each other."""
    ids = {one.id for one in touching}
    if solved and any(ids & set(conflict.claims) for conflict in solved.conflicts):
        return "contradict"
    if len({one.number for one in exactly}) > 1:
        return "differ"
    if exactly:
        voices = {HOUSES.get(one.originator, one.originator) for one in exactly}
        return "agree" if len(voices) > 1 else "single_source"
    return "bounds_only"
