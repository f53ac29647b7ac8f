"""The whole answer for a table of claims: contradictions in words, claims set aside, bounds for years and windows.

Small groups are solved by the thousand (`closure`), large ones one by one (`contradictions`); both follow the same
rule and set the same claims aside. Leaves reading to `reading` and sentences to `words`.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars

from pipeline.errors import BadLedger
from pipeline.reconcile import closure, words
from pipeline.reconcile.closure import Flags, Ints
from pipeline.reconcile.constraints import Window, constrained
from pipeline.reconcile.contradictions import Contradiction, contradictions, negative_cycle, smallest

# Days are counted from 1 January 1899, so that a group and a day fit into one number that sorts like the pair.
DAY_ZERO = datetime.date(1899, 1, 1)
DAY_BITS = 17
DAYS = (1 << DAY_BITS) - 1
NONE = -2  # no upper limit; -1 is what "less than 0" allows
BOUNDS_A_LINE = 50_000


@dataclass(frozen=True, slots=True)
class Conflict:
    """Claims that cannot all be true, from the most trusted to the one set aside, and why, in three languages."""

    claims: tuple[str, ...]
    explanation: dict[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What follows from a table of claims.

    Shape: `set_aside` holds the last claim of each conflict, in the same order; `bounds` has group, area, breakdown,
    start, end (dates, both inside), low and high (null: no upper limit).
    """

    conflicts: tuple[Conflict, ...]
    set_aside: tuple[str, ...]
    bounds: polars.DataFrame


def answer(claims: polars.DataFrame, workers: int | None = None) -> Answer:
    """The contradictions, the claims set aside and the bounds of `claims` (columns as `reading.claims` gives them).

    Shape: bounds for each calendar year from a group's first claim to its last and for each claimed window, after
    setting aside. The order of the rows never matters.
    Raises: BadLedger if the numbers of one group add up to more than whole numbers of 64 bits can carry.
    """
    rows = constrained(claims)
    systems = _Systems(rows)
    found: dict[int, Contradiction] = {}
    small = [part for part in _parts(systems) if systems.days[part[0]] <= closure.SMALL]
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        list(pool.map(partial(_solve, systems), small))
    for row in np.flatnonzero(systems.aside).tolist():
        found[row] = _why(systems, row)
    for group in np.flatnonzero(systems.days > closure.SMALL).tolist():
        found |= _solve_large(systems, group)
    conflicts = _conflicts(rows, found)
    return Answer(conflicts, tuple(one.claims[-1] for one in conflicts), _bounds(rows, systems))


class _Systems:
    """The claims of all groups as flat arrays, sorted by group and trust; their days; what is asked and answered."""

    def __init__(self, rows: polars.DataFrame) -> None:
        zero = (DAY_ZERO - datetime.date(1970, 1, 1)).days
        self.of: Ints = rows["system"].to_numpy()
        self.start: Ints = rows["start"].to_numpy() - zero
        self.stop: Ints = rows["stop"].to_numpy() - zero
        self.low: Ints = rows["low"].to_numpy()
        self.high: Ints = rows["high"].fill_null(NONE).to_numpy()
        self.aside: Flags = np.zeros(rows.height, dtype=bool)
        self.groups = int(self.of[-1]) + 1
        every = np.arange(self.groups + 1)
        self.first: Ints = np.searchsorted(self.of, every)
        self.nodes: Ints = np.unique(np.concatenate([_key(self.of, self.start), _key(self.of, self.stop)]))
        self.node_first: Ints = np.searchsorted(self.nodes, every << DAY_BITS)
        self.days: Ints = np.diff(self.node_first)
        totals = np.add.reduceat(np.maximum(self.low, self.high).astype(np.float64), self.first[:-1])
        self.wide: Flags = totals >= closure.NARROW_TOTAL
        if (totals >= closure.WIDE_TOTAL).any():
            first = rows["claim_id"][int(self.first[int(np.argmax(totals))])]
            raise BadLedger(
                f"The group of claim {first}: its values together are too large to add up. Split the group."
            )
        asked = _asked(self)
        self.asked_of: Ints = asked >> (2 * DAY_BITS)
        self.asked_start: Ints = (asked >> DAY_BITS) & DAYS
        self.asked_stop: Ints = asked & DAYS
        self.asked_first: Ints = np.searchsorted(self.asked_of, every)
        self.least: Ints = np.zeros(asked.size, dtype=np.int64)
        self.most: Ints = np.full(asked.size, NONE, dtype=np.int64)

    def node(self, group: Ints, day: Ints, side: str) -> Ints:
        """The place among the group's own days of the last day up to `day` (before) or the first from it (after)."""
        if side == "before":
            return np.searchsorted(self.nodes, _key(group, day), "right") - 1 - self.node_first[group]
        return np.searchsorted(self.nodes, _key(group, day), "left") - self.node_first[group]

    def window(self, row: int) -> Window:
        """One claim as exact numbers of Python."""
        high = int(self.high[row])
        return Window(int(self.start[row]), int(self.stop[row]), int(self.low[row]), None if high == NONE else high)


def _key(group: Ints, day: Ints) -> Ints:
    """Group and day as one number that sorts like the pair."""
    return (group << DAY_BITS) | day


def _asked(systems: _Systems) -> Ints:
    """Every (group, start, stop) to be bounded, as one number each, sorted: claimed windows and calendar years."""
    years = np.array([(datetime.date(year, 1, 1) - DAY_ZERO).days for year in range(1899, 2103)], dtype=np.int64)
    begun = np.minimum.reduceat(systems.start, systems.first[:-1])
    ended = np.maximum.reduceat(systems.stop, systems.first[:-1]) - 1
    since, until = (np.searchsorted(years, day, "right") - 1 for day in (begun, ended))
    many = until - since + 1
    group = np.repeat(np.arange(systems.groups), many)
    year = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many) + np.repeat(since, many)
    yearly = _key(_key(group, years[year]), years[year + 1])
    return np.unique(np.concatenate([yearly, _key(_key(systems.of, systems.start), systems.stop)]))


def _parts(systems: _Systems) -> Iterator[Ints]:
    """Groups to be solved together: equally many days, equally wide numbers, about equally many claims."""
    many = np.diff(systems.first)
    order = np.lexsort((many, systems.days, systems.wide))
    alike = np.flatnonzero(np.diff(systems.days[order]) | np.diff(systems.wide[order].astype(np.int64))) + 1
    for run in np.split(order, alike):
        size = max(1, closure.CELLS // int(systems.days[run[0]]) ** 2)
        for first in range(0, run.size, size):
            yield run[first : first + size]


def _solve(systems: _Systems, groups: Ints) -> None:
    """Set aside and bound the small `groups` together; writes only their own rows."""
    first, many = systems.first[groups], systems.first[groups + 1] - systems.first[groups]
    rank = np.arange(many.max())[:, None]
    there = rank < many
    row = np.where(there, first + rank, 0)
    start = np.where(there, systems.node(groups, systems.start[row], "before"), 0)
    stop = np.where(there, systems.node(groups, systems.stop[row], "before"), 0)
    wide = bool(systems.wide[groups[0]])
    endless = closure.endless(wide=wide)
    high = np.where(there & (systems.high[row] != NONE), systems.high[row], endless)
    low = np.where(there, systems.low[row], 0)
    most, aside = closure.table(int(systems.days[groups[0]]), start, stop, low, high, wide=wide)
    systems.aside[row[there]] = aside[there]
    asked = np.concatenate([np.arange(systems.asked_first[g], systems.asked_first[g + 1]) for g in groups.tolist()])
    column = np.repeat(np.arange(groups.size), systems.asked_first[groups + 1] - systems.asked_first[groups])
    group, begin, end = systems.asked_of[asked], systems.asked_start[asked], systems.asked_stop[asked]
    outer = (systems.node(group, begin, "before"), systems.node(group, end, "after"))
    inner = (systems.node(group, end, "before"), systems.node(group, begin, "after"))
    days = systems.days[group]
    known = (outer[0] >= 0) & (outer[1] < days)
    above = most[np.maximum(outer[0], 0), np.minimum(outer[1], days - 1), column].astype(np.int64)
    systems.most[asked] = np.where(known & (above <= endless // 2), above, NONE)
    known = (inner[0] >= 0) & (inner[1] < days)
    below = -most[np.maximum(inner[0], 0), np.minimum(inner[1], days - 1), column].astype(np.int64)
    systems.least[asked] = np.where(known, np.maximum(below, 0), 0)


def _why(systems: _Systems, row: int) -> Contradiction:
    """The smallest contradiction between the claim in `row`, set aside, and more trusted claims that were not."""
    before = np.arange(systems.first[systems.of[row]], row)
    among = [*before[~systems.aside[before]].tolist(), row]
    windows = [systems.window(one) for one in among]
    cycle = negative_cycle(windows, range(len(windows)))
    if cycle is None:
        raise AssertionError("a claim was set aside without a contradiction")
    return _in_table(smallest(windows, cycle), among)


def _in_table(found: Contradiction, rows: Sequence[int]) -> Contradiction:
    """The same contradiction with rows of the table instead of places in a list."""
    return Contradiction(tuple(rows[i] for i in found.upper), tuple(rows[i] for i in found.lower))


def _solve_large(systems: _Systems, group: int) -> dict[int, Contradiction]:
    """Set aside and bound one large group; its contradictions by the row set aside."""
    rows = list(range(int(systems.first[group]), int(systems.first[group + 1])))
    windows = [systems.window(row) for row in rows]
    found = [_in_table(one, rows) for one in contradictions(windows)]
    systems.aside[[one.members[-1] for one in found]] = True
    kept = [window for window, row in zip(windows, rows, strict=True) if not systems.aside[row]]
    asked = slice(int(systems.asked_first[group]), int(systems.asked_first[group + 1]))
    pairs = list(zip(systems.asked_start[asked].tolist(), systems.asked_stop[asked].tolist(), strict=True))
    bounds = closure.single(kept, pairs)
    systems.least[asked] = [low for low, _ in bounds]
    systems.most[asked] = [NONE if high is None else high for _, high in bounds]
    return {one.members[-1]: one for one in found}


def _conflicts(rows: polars.DataFrame, found: dict[int, Contradiction]) -> tuple[Conflict, ...]:
    """The contradictions in words, sorted by group and trust."""
    if not found:
        return ()
    needed = sorted({row for one in found.values() for row in one.members})
    columns = ("claim_id", "period_start", "period_end", "value", "qualifier", "low", "high")
    told = dict(zip(needed, rows[needed].select(columns).iter_rows(), strict=True))
    parts = {row: words.Part(*cells[1:]) for row, cells in told.items()}
    return tuple(
        Conflict(
            tuple(told[row][0] for row in found[last].members),
            words.contradiction([parts[row] for row in found[last].upper], [parts[row] for row in found[last].lower]),
        )
        for last in sorted(found)
    )


def _bounds(rows: polars.DataFrame, systems: _Systems) -> polars.DataFrame:
    """The bounds as a table, sorted by group, start and end."""
    names = rows[systems.first[:-1]].select("group", "area", "breakdown")
    zero = (DAY_ZERO - datetime.date(1970, 1, 1)).days
    return names[systems.asked_of].with_columns(
        start=polars.Series(systems.asked_start + zero, dtype=polars.Int32).cast(polars.Date),
        end=polars.Series(systems.asked_stop - 1 + zero, dtype=polars.Int32).cast(polars.Date),
        low=polars.Series(systems.least),
        high=polars.Series(systems.most).replace(NONE, None),
    )


def document(found: Answer) -> Iterator[str]:
    """The answer as one JSON document, in pieces: conflicts, set_aside, bounds.

    Shape: {"conflicts": [{"claims": [...], "explanation": {"en", "ru", "tg"}}], "set_aside": [...], "bounds":
    [{"group", "area", "start", "end", "low", "high"}]}; a bound bears "breakdown" too where claims are broken down.
    """
    conflicts = [{"claims": list(one.claims), "explanation": one.explanation} for one in found.conflicts]
    yield '{"conflicts": ' + json.dumps(conflicts, ensure_ascii=False)
    yield ', "set_aside": ' + json.dumps(list(found.set_aside), ensure_ascii=False) + ', "bounds": ['
    rows = found.bounds if (found.bounds["breakdown"] != "").any() else found.bounds.drop("breakdown")
    for first in range(0, rows.height, BOUNDS_A_LINE):
        yield ("," if first else "") + rows.slice(first, BOUNDS_A_LINE).write_json().strip()[1:-1]
    yield "]}\n"
