"""All that a reader knows, as rows and columns for the solver: all releases, cases only being added.

Part of the attacker.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy

from pipeline.protect.published import MOST
from pipeline.protect.search import tables as sought
from pipeline.protect.solver import ANY, WHOLE, Program
from pipeline.protect.space import Space

LARGE: Final = 1000  # cells; with more, a search without a solver is tried first
DRAWS: Final = 4  # how often another corner is tried before the solver must search for whole numbers


def nearest(
    space: Space, lows: numpy.ndarray, highs: numpy.ndarray, floor: numpy.ndarray, ceiling: numpy.ndarray
) -> numpy.ndarray | None:
    """Tables within the bounds, each cell near the middle of its own; None where there are none."""
    aim, told = middle(lows, highs), highs < MOST
    if len(lows) == 1 and space.cells > LARGE:
        found = _sought(space, lows[0], highs[0], aim[0], floor, ceiling)
        if found is not None:
            return found[None]
    exact = program(space, numpy.where(told, aim, lows), numpy.where(told, aim, highs), floor, ceiling)
    steps = exact.smallest(numpy.zeros(exact.columns))
    for reach in (2, 3, MOST) if steps is None else ():
        near = [numpy.where(told, numpy.clip(bound, aim - reach, aim + reach), bound) for bound in (lows, highs)]
        slack = program(space, near[0], near[1], floor, ceiling, aim[-1])
        cost = numpy.zeros(slack.columns)
        cost[len(lows) * len(floor) :] = 1
        steps = slack.smallest(cost)
        if steps is not None:
            break
    return None if steps is None else steps[: len(lows) * len(floor)].reshape(len(lows), -1).cumsum(axis=0)


def _sought(
    space: Space, low: numpy.ndarray, high: numpy.ndarray, middle: numpy.ndarray, floor: numpy.ndarray,
    ceiling: numpy.ndarray,
) -> numpy.ndarray | None:  # fmt: skip
    """The same for one release of many cells, by a search; None where it gave up."""
    start, told, (cells, atoms) = floor.copy(), high < MOST, space.single
    least, most = space.held(floor), space.held(ceiling)
    start[atoms] = numpy.where(told, middle, low)[cells]
    for reach in (2, 3):
        lower = numpy.maximum(low, numpy.minimum(middle - reach, most))  # what is known may lie far from the middle
        upper = numpy.minimum(high, numpy.maximum(middle + reach, least))
        limits = numpy.where(told, lower, low).astype(int), numpy.where(told, upper, high).astype(int)
        found = sought(space, start, limits, reach, floor, ceiling)
        if found is not None:
            return found
    return None


Rows = tuple[list[tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]], numpy.ndarray, numpy.ndarray, numpy.ndarray]


def _facts(
    space: Space, lows: numpy.ndarray, highs: numpy.ndarray, floor: numpy.ndarray, ceiling: numpy.ndarray
) -> Rows:
    """All that is known, as rows over what each release adds to the one before: seams closed, cells within bounds.

    Shape: the triples, the row bounds, and per release and cell its row, -1 for none: cases are only added, so a cell
    whose bounds stay is told once. The cells of the newest release have the last rows.
    """
    releases, width = lows.shape[0], len(floor)
    lows, highs = numpy.maximum.accumulate(lows, axis=0), numpy.minimum.accumulate(highs[::-1], axis=0)[::-1]
    needed = (numpy.diff(lows, axis=0, prepend=0) > 0) | (numpy.diff(highs, axis=0, append=MOST) > 0)
    needed[-1] = True
    rows, atoms, values = space.triples
    seam, low, high, start = rows >= space.cells, [], [], 0
    triples = []
    for at in range(releases):
        triples.append((rows[seam] - space.cells + start, atoms[seam] + width * at, values[seam]))
        start += space.seams
    low = [numpy.zeros(start)]
    high = [numpy.zeros(start)]
    known = numpy.flatnonzero((floor > 0) | (ceiling < MOST)) if releases > 1 else numpy.zeros(0, dtype=int)
    each = numpy.arange(len(known))
    triples += [(start + each, known + width * at, each * 0 + 1.0) for at in range(releases)]
    low.append(floor[known].astype(float))
    high.append(ceiling[known].astype(float))
    start += len(known)
    line = numpy.full(lows.shape, -1)
    for at in range(releases):
        cells = numpy.flatnonzero(needed[at])
        line[at][cells] = start + numpy.arange(len(cells))
        start += len(cells)
        own = ~seam & numpy.append(needed[at], numpy.zeros(space.seams, dtype=bool))[rows]
        triples += [(line[at][rows[own]], atoms[own] + width * before, values[own]) for before in range(at + 1)]
        low.append(lows[at][cells].astype(float))
        high.append(numpy.where(highs[at][cells] >= MOST, numpy.inf, highs[at][cells]))
    return triples, numpy.concatenate(low), numpy.concatenate(high), line


def program(
    space: Space,
    lows: numpy.ndarray,
    highs: numpy.ndarray,
    floor: numpy.ndarray,
    ceiling: numpy.ndarray,
    aim: numpy.ndarray | None = None,
) -> Program:
    """All releases side by side, columns for what each adds to the one before.

    With `aim`, two more columns per cell that the newest release tells take up the distance from there.
    """
    triples, row_low, row_high, line = _facts(space, lows, highs, floor, ceiling)
    cap = max(10**6, 4 * int(highs[highs < MOST].max(initial=0)))
    low, high = numpy.zeros(lows.shape[0] * len(floor)), numpy.full(lows.shape[0] * len(floor), float(cap))
    if len(lows) == 1:
        low, high = floor.astype(float), numpy.minimum(ceiling, cap).astype(float)
    if aim is not None:
        told = numpy.flatnonzero((highs[-1] < MOST) & (lows[-1] < highs[-1]))
        each, twin = numpy.arange(len(told)), numpy.full(len(row_low), -1)
        twin[line[-1][told]] = len(row_low) + each  # the cell - above + below = its middle
        for rows, columns, values in list(triples):
            mine = twin[rows] >= 0
            triples.append((twin[rows][mine], columns[mine], values[mine]))
        for side, sign in ((0, -1.0), (len(told), 1.0)):
            triples.append((len(row_low) + each, len(low) + side + each, numpy.full(len(told), sign)))
        row_low, row_high = (numpy.append(bound, aim[told]) for bound in (row_low, row_high))
        low = numpy.append(low, numpy.zeros(2 * len(told)))
        high = numpy.append(high, numpy.full(2 * len(told), float(cap)))
    parts = [numpy.concatenate([one[part] for one in triples]) for part in range(3)]
    gap = 0.0 if aim is None else 0.1
    shape = len(row_low), len(low)
    return Program(shape, (parts[0], parts[1], parts[2]), (row_low, row_high), (low, high), gap)


def mended(
    space: Space, lows: numpy.ndarray, highs: numpy.ndarray, floor: numpy.ndarray, ceiling: numpy.ndarray,
    tables: numpy.ndarray, since: Sequence[int] = (), *, search: bool = True,
) -> numpy.ndarray | None:  # fmt: skip
    """Tables within the bounds that differ little from `tables`, whose seams are closed; None for none.

    Without `search` None also says that none were found at once.
    """
    since = since or range(len(tables))
    changes = near(space, lows, highs, floor, ceiling, tables, since)
    step = changes.some(costs(changes.columns), search=search)
    return None if step is None else changed(tables, step, since)


def joined(
    space: Space, lows: numpy.ndarray, highs: numpy.ndarray, floor: numpy.ndarray, ceiling: numpy.ndarray,
    tables: numpy.ndarray, place: int,
) -> numpy.ndarray | None:  # fmt: skip
    """Tables with one release more, whose bounds stand at `place`; None where it tells of other cases.

    Tried first with the others as they are, then with none of the newest release's cells higher than it must.
    """
    least, most = (tables[place - 1] if place else floor * 0), tables[place : place + 1]
    alone = mended(space, lows[[place]], highs[[place]], least, most[0], most)
    if alone is not None:
        return numpy.insert(tables, place, alone, axis=0)
    both, kept = numpy.insert(tables, place, most, axis=0), highs.copy()
    held = space.held(tables[-1])
    kept[-1] = numpy.minimum(highs[-1], numpy.maximum(held, lows.max(axis=0)))
    found = mended(space, lows, kept, floor, ceiling, both, search=False)
    return mended(space, lows, highs, floor, ceiling, both) if found is None else found


def middle(lows: numpy.ndarray, highs: numpy.ndarray) -> numpy.ndarray:
    """Where a count stands that leaves as much room to either side, or, if it may be 0, there."""
    return numpy.where(lows > 0, (lows + highs) // 2, 0)


def lowered(
    space: Space, lows: numpy.ndarray, highs: numpy.ndarray, floor: numpy.ndarray, ceiling: numpy.ndarray,
    tables: numpy.ndarray,
) -> numpy.ndarray:  # fmt: skip
    """Tables in which few cells of the newest release are above their middle; the same where none are found at once.

    They leave room for cases more in most cells, so that little is left to the solver.
    """
    told = middle(lows[-1], highs[-1])
    slack = program(space, lows, highs, floor, ceiling, told)
    cost = numpy.zeros(slack.columns)
    cost[tables.size : (tables.size + slack.columns) // 2] = 1
    point = slack.corner(cost)
    if point is None:
        return tables
    held = space.summed(point[: tables.size].reshape(tables.shape).sum(axis=0))[: space.cells]
    highs = highs.copy()
    highs[-1] = numpy.minimum(highs[-1], numpy.maximum(told, numpy.ceil(held - WHOLE).astype(numpy.int64)))
    found = mended(space, lows, highs, floor, ceiling, tables, search=False)
    return tables if found is None else found


def costs(columns: int) -> list[numpy.ndarray]:
    """What a case more or less costs: the same everywhere, then drawn, for another corner if one is not whole."""
    dice = numpy.random.default_rng(0)
    return [numpy.ones(columns), *(dice.uniform(1, 3, columns) for _ in range(DRAWS))]


def changed(tables: numpy.ndarray, step: numpy.ndarray, since: Sequence[int]) -> numpy.ndarray:
    """The tables after a change that `near` found."""
    added = numpy.zeros_like(tables)
    added[list(since)] = (step[: len(step) // 2] - step[len(step) // 2 :]).reshape(len(since), -1)
    moved: numpy.ndarray = tables + added.cumsum(axis=0)
    return moved


def near(
    space: Space, lows: numpy.ndarray, highs: numpy.ndarray, floor: numpy.ndarray, ceiling: numpy.ndarray,
    tables: numpy.ndarray, since: Sequence[int],
) -> Program:  # fmt: skip
    """The changes of `tables` that keep within all that is known: a column for more and one for less of every atom.

    A change is made in each of the releases `since`, and holds in those after it as well.
    """
    at = list(since)
    spare = numpy.diff(tables, axis=0, prepend=0)[at].ravel()
    held = counted(space, tables)
    least, most = lows - held, numpy.where(highs < MOST, highs - held, 2 * MOST)
    tables, held = tables[at], held[at]
    lows, highs = numpy.maximum.reduceat(least, at) + held, numpy.minimum.reduceat(most, at) + held
    triples, row_low, row_high, _ = _facts(space, lows, highs, floor, ceiling)
    rows, columns, values = (numpy.concatenate([one[part] for one in triples]) for part in range(3))
    added = numpy.diff(tables, axis=0, prepend=0).ravel()
    told = numpy.bincount(rows, values * added[columns], len(row_low))
    more = numpy.full(len(added), float(MOST))
    if len(at) == 1:
        more, spare = (ceiling - added).astype(float), numpy.minimum(spare, added - floor)
    both = numpy.append(rows, rows), numpy.append(columns, columns + len(added)), numpy.append(values, -values)
    bounds = numpy.zeros(2 * len(added)), numpy.append(more, spare.astype(float))
    return Program((len(row_low), 2 * len(added)), both, (row_low - told, row_high - told), bounds, ANY)


def counted(space: Space, tables: numpy.ndarray) -> numpy.ndarray:
    """What each cell holds in each release."""
    return numpy.stack([space.held(one) for one in tables])


def register(space: Space, tables: numpy.ndarray, also: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Distinct profiles, those of `also` among them, and how often each occurs in each release."""
    added = [space.glued(step) for step in numpy.diff(tables, axis=0, prepend=tables[:1] * 0)]
    every = numpy.concatenate([*(profiles for profiles, _ in added), also])
    keys = numpy.ravel_multi_index(tuple(every.T), space.sizes) if space.sizes else numpy.zeros(len(every), dtype=int)
    _, first, place = numpy.unique(keys, return_index=True, return_inverse=True)
    counts = numpy.zeros((len(first), len(tables)), dtype=numpy.int64)
    since = numpy.repeat(numpy.arange(len(added)), [len(times) for _, times in added])
    numpy.add.at(counts, (place[: len(since)], since), numpy.concatenate([times for _, times in added]))
    return every[first], counts.cumsum(axis=1)
