"""Find the tables of a large system without a solver: ones are put in or taken out until every sum is within limits.

The tables are taken clique by clique, each bound to what those before it share with it, so that together they are the
tables of one register. Whole numbers only. Finds tables or gives up; that there are none it cannot say. Neutral ground:
the protector rounds with it, in bases, and the attacker finds a register that agrees with what is printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy

from pipeline.protect.space import Space

STEPS: Final = 40  # tried for each joint cell, beside the least
LEAST_STEPS: Final = 100_000
LOOKED_AT: Final = 64  # places tried for one step
REST: Final = 2  # steps for which a place just changed is left alone
FORGET: Final = 0.02  # how often the weights are brought down
KEPT: Final = 0.7
Limits = tuple[numpy.ndarray, numpy.ndarray]


def tables(
    space: Space, start: numpy.ndarray, limits: Limits, seed: int, floor: numpy.ndarray, ceiling: numpy.ndarray
) -> numpy.ndarray | None:
    """Whole numbers for every atom, so that each cell holds what `limits` allow; None where none were found.

    Shape: `start` is where the search sets out; `limits` the least and the most of each cell, `floor` and `ceiling` of
    each atom.
    """
    held = start.copy()
    for at in range(len(space.cliques)):
        inside = slice(int(space.starts[at]), int(space.starts[at + 1]))
        places, low, high = _bound(space, at, held, *limits)
        usable = (high[places] > 0).all(axis=1) & (ceiling[inside] > 0)
        if floor[inside][~usable].any():
            return None
        most = ceiling[inside][usable]
        counts = numpy.clip(held[inside][usable], floor[inside][usable], most)
        counts = _searched(places[usable], counts, (low, high), (floor[inside][usable], most), seed + at)
        if counts is None:
            return None
        held[inside] = 0
        held[inside][usable] = counts
    return held


def _bound(
    space: Space, at: int, held: numpy.ndarray, least: numpy.ndarray, most: numpy.ndarray
) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """The sums that each atom of a clique is in, and the least and the most of every sum.

    Shape: a sum is a cell, or a seam with the clique before, which holds what it held there; the last is any sum.
    """
    clique, first, last = space.cliques[at], int(space.starts[at]), int(space.starts[at + 1])
    profiles = numpy.zeros((last - first, len(space.variables)), dtype=numpy.int64)
    profiles[:, list(clique)] = space.atoms[at]
    inside = [place for place, (names, _) in enumerate(space.groups) if set(names) <= set(clique)]
    beyond = space.cells + space.seams
    places, seam = space.where(profiles)[:, inside], numpy.full((last - first, 1), -1)
    low, high = (numpy.append(bound, numpy.zeros(space.seams + 1, dtype=numpy.int64)) for bound in (least, most))
    rows, atoms, signs = space.triples
    mine = (rows >= space.cells) & (atoms >= first) & (atoms < last) & (signs > 0)
    seam[atoms[mine] - first, 0] = rows[mine]
    before = (signs < 0) & numpy.isin(rows, rows[mine])
    shared = numpy.bincount(rows[before], held[atoms[before]], beyond + 1).astype(numpy.int64)
    low[rows[mine]], high[rows[mine]] = shared[rows[mine]], shared[rows[mine]]
    places = numpy.column_stack([places, seam])
    places = numpy.where(places < 0, beyond, places)
    low[numpy.bincount(places.ravel(), minlength=beyond + 1) == 0] = 0
    high[-1] = numpy.iinfo(numpy.int64).max
    return places, low, high


def _searched(
    places: numpy.ndarray, start: numpy.ndarray, limits: Limits, own: Limits, seed: int
) -> numpy.ndarray | None:
    """The number in each place, within its `own` limits, once every sum is within its; None where the search gave up.

    A step is made only if it breaks no more, by weight, than it mends; a sum that stays wrong gains weight.
    """
    low, high = limits
    dice, counts = numpy.random.default_rng(seed), start.copy()
    many, wide = places.shape
    order = numpy.argsort(places.ravel(), kind="stable")
    members, ends = order // wide, numpy.searchsorted(places.ravel()[order], numpy.arange(len(low) + 1)).tolist()
    sums = numpy.bincount(places.ravel(), numpy.repeat(counts, wide), len(low)).astype(numpy.int64)
    weight, changed = numpy.ones(len(low)), numpy.full(many, -REST)
    wrong = numpy.flatnonzero((sums < low) | (sums > high)).tolist()
    where = {cell: at for at, cell in enumerate(wrong)}
    for step in range(STEPS * many + LEAST_STEPS):
        if not wrong:
            return counts
        cell = wrong[int(dice.random() * len(wrong))]
        these = members[ends[cell] : ends[cell + 1]]
        at = int(dice.random() * max(0, len(these) - LOOKED_AT))
        these = these[at : at + LOOKED_AT]
        if not len(these):
            return None
        cells, way = places[these], 1 if sums[cell] < low[cell] else -1
        here, least, most = sums[cells], low[cells], high[cells]
        full, lacking = (here >= most, here < least) if way > 0 else (here <= least, here > most)
        cost = (weight[cells] * (full.astype(int) - lacking)).sum(axis=1)
        cost[(changed[these] > step - REST) | (counts[these] == own[way > 0][these])] = numpy.inf
        best = int(cost.argmin())
        if cost[best] >= 0:
            weight[cell] += 1
            if dice.random() < FORGET:
                weight = numpy.maximum(1, weight * KEPT)
        if cost[best] > 0:
            continue
        counts[these[best]] += way
        changed[these[best]] = step
        touched = places[these[best]]
        sums[touched] += way
        outside = (sums[touched] < low[touched]) | (sums[touched] > high[touched])
        _noted(wrong, where, touched.tolist(), outside.tolist())
    return None


def _noted(wrong: list[int], where: dict[int, int], sums: Sequence[int], outside: Sequence[bool]) -> None:
    """Nothing; `wrong`, and `where` each stands in it, tell of these sums what holds now."""
    for one, off in zip(sums, outside, strict=True):
        if off and one not in where:
            where[one] = len(wrong)
            wrong.append(one)
        elif not off and one in where:
            gone, last = where.pop(one), wrong.pop()
            if last != one:
                wrong[gone], where[last] = last, gone
