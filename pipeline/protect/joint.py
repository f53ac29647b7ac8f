"""What one reader knows, as one system over all releases: a register that agrees with it, and how far cells can move.

Some cases more, or less, in the newest release alone are tried first: whole numbers, no solver. What this leaves open
goes to the solver: first the smallest change, in all releases, that brings a cell where it should be; at last how far
it can go at all. Part of the attacker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Self

import numpy

from pipeline import errors
from pipeline.protect.published import MOST
from pipeline.protect.solver import Program
from pipeline.protect.space import Space
from pipeline.protect.system import mended, near, nearest, program

DRAWS: Final = 4  # how often another nearest point is tried before the solver must find whole numbers
LEEWAY: Final = 1e-5  # how far the solver's numbers may be from what they stand for
Own = tuple[numpy.ndarray, numpy.ndarray]
Part = tuple[int, int]  # a variable and one of its parts
End = tuple[int, numpy.ndarray]  # how many others a cell holds in these tables


@dataclass(frozen=True, slots=True)
class Known:
    """What a reader has beside the last release: which earlier ones; `body` is the part of the insider's variable."""

    facts: bool = False
    releases: tuple[int, ...] = ()
    algorithm: bool = False
    body: str | None = None


@dataclass(frozen=True)
class Joint:
    """A consistent world of one reader.

    Shape: `lows` and `highs` per release and cell; `floor` and `ceiling` per atom of the last release; `rows` distinct
    profiles and `counts` how often each occurs in each release, a register that agrees with everything printed;
    `tables` its atoms per release; `own` the rows known; `fixed` the variable and part known in full; `kept` which
    releases fit together.
    """

    space: Space
    lows: numpy.ndarray
    highs: numpy.ndarray
    floor: numpy.ndarray
    ceiling: numpy.ndarray
    tables: numpy.ndarray
    rows: numpy.ndarray
    counts: numpy.ndarray
    own: Own
    fixed: Part | None = None
    kept: tuple[int, ...] = ()
    _programs: dict[str, Program] = field(default_factory=dict, compare=False)
    _pool: list[tuple[numpy.ndarray, numpy.ndarray]] = field(default_factory=list, compare=False)

    @classmethod
    def made(
        cls,
        space: Space,
        lows: numpy.ndarray,
        highs: numpy.ndarray,
        own: Own,
        also: numpy.ndarray,
        fixed: Part | None = None,
        first: int | None = None,
    ) -> Self | None:
        """The world of these bounds; None where no register agrees with the last release.

        `also` are profiles worth trying as a case more. Earlier releases are joined from the newest on, `first` before
        all others; those that cannot be joined are left out.
        """
        floor, ceiling = _own_bounds(space, own, fixed)
        kept = [len(lows) - 1]
        tables = nearest(space, lows[kept], highs[kept], floor, ceiling)
        if tables is None:
            return None
        for at in sorted(range(len(lows) - 1), key=lambda at: (at == first, at), reverse=True):
            chain = sorted([at, *kept])
            if (numpy.maximum.accumulate(lows[chain], axis=0) > highs[chain]).any():
                continue
            place = chain.index(at)
            least, most = (tables[place - 1] if place else floor * 0), tables[place : place + 1]
            alone = mended(space, lows[[at]], highs[[at]], least, most[0], most)
            both: numpy.ndarray | None = numpy.insert(tables, place, most if alone is None else alone, axis=0)
            if alone is None and both is not None:
                both = mended(space, lows[chain], highs[chain], floor, ceiling, both)
            if both is not None:
                tables, kept = both, chain
        rows, counts = _register(space, tables, also)
        return cls(space, lows[kept], highs[kept], floor, ceiling, tables, rows, counts, own, fixed, tuple(kept))

    def with_row(self, row: numpy.ndarray) -> Self | None:
        """The same world for one who knows this row; None where it needs another register."""
        own = (row, numpy.ones(1, dtype=numpy.int64))
        floor, ceiling = _own_bounds(self.space, own, None)
        tables, counts = self.tables, self.counts
        if (tables[-1] < floor).any():
            tables, counts = tables.copy(), counts.copy()
            tables[-1] += floor
            counts[numpy.flatnonzero((self.rows == row).all(axis=1))[0], -1] += 1
            if (self.space.tabulated(self.rows, counts[:, -1]) > self.highs[-1]).any():
                return self._mended(own, floor, ceiling)
        return replace(self, counts=counts, tables=tables, own=own, floor=floor, ceiling=ceiling, _programs={})

    def _mended(self, own: Own, floor: numpy.ndarray, ceiling: numpy.ndarray) -> Self | None:
        """The world nearest to ours that holds this row."""
        tables = mended(self.space, self.lows, self.highs, floor, ceiling, self.tables)
        if tables is None:
            return None
        rows, counts = _register(self.space, tables, self.rows)
        return replace(
            self, rows=rows, counts=counts, tables=tables, own=own, floor=floor, ceiling=ceiling, _programs={}
        )

    def roomy(self, base: int, threshold: int) -> bool:
        """Whether every cell can take base-1 cases more, and holds none or enough: then one known row tells nothing."""
        held = self._held[-1]
        return bool((self.highs[-1] - held >= base - 1).all() and ((held == 0) | (held >= threshold)).all()
                    and (held - self.lows[-1] >= numpy.minimum(held, base - 1)).all())  # fmt: skip

    def proved(
        self, others: numpy.ndarray, own: numpy.ndarray, threshold: int, base: int, *, certify: bool = False
    ) -> tuple[list[tuple[int, int, int]], dict[str, Any]]:
        """(cell, low, high) of each cell whose `others` are few and whom this reader pins down, and the certificate.

        Pinned down: the others are proved to be 1 to threshold-1, or between numbers less than base-1 apart; a body or
        complainant may learn that there are few others as long as there may be none.
        """
        small = numpy.flatnonzero((others >= 1) & (others < threshold))
        held = self._held[-1] - own
        longest, shortest = self._moves()
        up, more, down, less, alike = *longest[:2], *shortest
        low, high = self._pooled(small, (held - down)[small], (held + up)[small], own)
        insider = bool(own.any())

        def open_(least: Any, most: Any) -> Any:
            wide = (most - least >= base - 1) | (insider & (least == 0))
            return wide & ((least == 0) | (most >= threshold))

        clear = open_(low, high)
        moved = open_((held - down)[small], (held + up)[small])
        pairs: dict[int, tuple[Any, Any]] = {}
        for cell in small[moved] if certify else ():
            pairs[int(cell)] = _step(less, cell, -down, alike[cell]), _step(more, cell, up)
        found = []
        for cell in small[~(moved if certify else clear)].tolist():
            if not certify and open_(*self._pooled(numpy.array([cell]), held[[cell]], held[[cell]], own))[0]:
                continue
            least, most = self._ends(cell, int(own[cell]), (threshold, base), open_)
            if not open_(least[0], most[0]):
                found.append((cell, least[0] + int(own[cell]), min(most[0] + int(own[cell]), MOST)))
            elif certify:
                pairs[cell] = (least[1], most[1])
        return found, self._certificate(pairs) if certify else {}

    @cached_property
    def _held(self) -> numpy.ndarray:
        return numpy.stack([self.space.tabulated(self.rows, column) for column in self.counts.T])

    def _moves(self) -> tuple[list[numpy.ndarray], list[numpy.ndarray]]:
        """For every cell how many cases of one profile the newest release can have more, or less, and which profile.

        Shape: each the steps, the profiles, and whether all releases change alike.
        """
        every, last = self._held, self.tables[-1]
        atoms = numpy.stack(self.space.numbered(self.rows))
        room, spared = (bound[atoms].min(axis=0) for bound in (self.ceiling - last, last - self.floor))
        kept = numpy.minimum(self.counts.min(axis=1), spared)
        spare = numpy.minimum(numpy.diff(self.counts, axis=1, prepend=0)[:, -1], spared)
        places = self.space.where(self.rows)
        up = self._best(places, self.highs[-1] - every[-1], room)
        down = self._best(places, every[-1] - self.lows[-1], spare)
        alike = self._best(places, (every - self.lows).min(axis=0), kept)
        better = alike[0] > down[0]
        down = [numpy.where(better, b, a) for a, b in zip(down, alike, strict=True)]
        return [*up, better & False], [*down, better]

    def _best(self, places: numpy.ndarray, room: numpy.ndarray, most: numpy.ndarray) -> list[numpy.ndarray]:
        """For every cell the longest step along one profile in it, and that profile."""
        step = numpy.minimum(numpy.append(room, MOST)[places].min(axis=1, initial=MOST), most)
        best, which = numpy.zeros(self.space.cells + 1, dtype=numpy.int64), numpy.full(self.space.cells + 1, -1)
        order = numpy.argsort(step, kind="stable")
        for column in places.T:  # the last assignment wins, so the longest step comes last
            larger = step[order] > best[column[order]]
            best[column[order][larger]], which[column[order][larger]] = step[order][larger], order[larger]
        return [best[:-1], which[:-1]]

    def _ends(
        self, cell: int, own: int, rule: tuple[int, int], open_: Callable[[int, int], Any]
    ) -> tuple[End, End]:  # fmt: skip
        """Two counts of the others in a cell, each with its tables: far enough apart, or the least and the most."""
        threshold, base = rule
        found = [(int(self._held[-1][cell]) - own, self.tables)]
        floor, ceiling = int(self.lows[:, cell].max()) - own, int(self.highs[-1][cell]) - own
        for step in range(3):
            low, high = min(found, key=_count), max(found, key=_count)
            if open_(low[0], high[0]):
                return low, high
            wanted = (0, max(low[0] + base - 1, threshold if low[0] else 0), high[0] - base + 1)[step]
            if max(floor, 0) <= wanted <= ceiling:
                found += self._moved(cell, wanted, own)
        low, high = min(found, key=_count), max(found, key=_count)
        return (low, high) if open_(low[0], high[0]) else self._extremes(cell, own, open_)

    def _moved(self, cell: int, wanted: int, own: int) -> list[End]:
        """The tables nearest to ours in which the others in a cell are `wanted`, where whole ones are found at once.

        First by a change of the newest release alone, then of all.
        """
        for many in sorted({1, len(self.lows)}):
            kind = f"near {many}"
            floor = self.floor if many == len(self.lows) else numpy.maximum(self.floor, self.tables[-2])
            if kind not in self._programs:
                bounds = self.lows[-many:], self.highs[-many:], floor, self.ceiling
                self._programs[kind] = near(self.space, *bounds, self.tables[-many:])
            changes, width = self._programs[kind], many * len(floor)
            row = changes.rows - self.space.cells + cell
            dice = numpy.random.default_rng(0)
            costs = [numpy.ones(2 * width), *(dice.uniform(1, 3, 2 * width) for _ in range(DRAWS))]
            point = changes.moved(costs, row, wanted + own - int(self._held[-1][cell]))
            if point is not None:
                tables = self.tables.copy()
                tables[-many:] += (point[:width] - point[width:]).reshape(many, -1).cumsum(axis=0)
                return [(wanted, self._kept_in_mind(tables))]
        return []

    def _extremes(self, cell: int, own: int, open_: Callable[[int, int], Any]) -> tuple[End, End]:
        """The least and the most of the others in a cell, each with tables of whole cases if that keeps it open."""
        if "far" not in self._programs:
            self._programs["far"] = program(self.space, self.lows, self.highs, self.floor, self.ceiling)
        rows, atoms, _ = self.space.triples
        cost = numpy.zeros(self.tables.shape)
        cost[:, atoms[rows == cell]] = 1
        ends = []
        for sign in (1.0, -1.0):  # what not even parts of cases can do, whole ones cannot
            corner = _found(self._programs["far"].corner(sign * cost.ravel()))
            ends.append(int(numpy.ceil(sign * (cost.ravel() @ corner) - LEEWAY) * sign) - own)
        if len(self.lows) > 1 and not open_(*ends):
            return (ends[0], self.tables), (ends[1], self.tables)
        told = []
        for sign in (1.0, -1.0):
            point = _found(self._programs["far"].smallest(sign * cost.ravel())).reshape(self.tables.shape)
            told.append((int(point[:, atoms[rows == cell]].sum()) - own, self._kept_in_mind(point.cumsum(axis=0))))
        return told[0], told[1]

    def _kept_in_mind(self, tables: numpy.ndarray) -> numpy.ndarray:
        """The same tables, once every whole number of them has been held against all that is known."""
        rows, atoms, values = self.space.triples
        sums = numpy.stack([numpy.bincount(rows, values * one[atoms], self.space.cells + self.space.seams)
                            for one in tables]).astype(numpy.int64)  # fmt: skip
        cells, seams = sums[:, : self.space.cells], sums[:, self.space.cells :]
        last = tables[-1]
        if (
            (cells < self.lows).any() or (cells > self.highs).any() or seams.any() or (last < self.floor).any()
            or (last > self.ceiling).any() or (numpy.diff(tables, axis=0, prepend=0) < 0).any()
        ):  # fmt: skip
            raise errors.NotPublishable("attack: the solver contradicts itself, so nothing is proved.")
        self._pool.append((last, cells[-1]))
        return tables

    def _pooled(
        self, small: numpy.ndarray, low: numpy.ndarray, high: numpy.ndarray, own: numpy.ndarray
    ) -> tuple[numpy.ndarray, numpy.ndarray]:
        """The ends of the small cells, with those of tables found before that hold what this reader knows."""
        known = numpy.flatnonzero(self.floor)
        for table, cells in self._pool:
            held = (table[known] >= self.floor[known]).all()
            if held or (
                not self.fixed and (cells + own <= self.highs[-1]).all()
            ):  # the known cases are there, or are put on top
                here = (cells - own * held)[small].astype(numpy.int64)
                low, high = numpy.minimum(low, here), numpy.maximum(high, here)
        return low, high

    def _certificate(self, pairs: dict[int, tuple[Any, Any]]) -> dict[str, Any]:
        """The register that agrees with everything, and for each cell two changes of it that still do."""
        rows = [tuple(map(int, row)) for row in self.rows]
        counts = [list(map(int, row)) for row in self.counts]
        place = {row: at for at, row in enumerate(rows)}

        def change(one: Any) -> list[tuple[int, list[int]]]:
            if isinstance(one, tuple):
                return [(one[0], [one[1] * one[2]] * (len(self.lows) - 1) + [one[1]])] if one[1] else []
            new, many = _register(self.space, one, self.rows[:0])
            wanted = {tuple(map(int, row)): list(map(int, column)) for row, column in zip(new, many, strict=True)}
            for row in wanted.keys() - place.keys():
                place[row] = len(rows)
                rows.append(row)
                counts.append([0] * len(self.lows))
            none = [0] * len(self.lows)
            steps = [(place[row], [a - b for a, b in zip(wanted.get(row, none), counts[place[row]], strict=True)])
                     for row in list(place)]  # fmt: skip
            return [(at, step) for at, step in steps if any(step)]

        told = {cell: (change(low), change(high)) for cell, (low, high) in pairs.items()}
        return {"rows": rows, "counts": counts, "cells": told}


def _count(end: End) -> int:
    return end[0]


def _found(point: numpy.ndarray | None) -> numpy.ndarray:
    if point is None:
        raise errors.NotPublishable("attack: the solver contradicts itself, so nothing is proved.")
    return point


def _step(which: numpy.ndarray, cell: int, steps: numpy.ndarray, alike: Any = 0) -> tuple[int, int, bool]:
    return int(which[cell]), int(steps[cell]), bool(alike)


def _own_bounds(space: Space, own: Own, fixed: Part | None) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The least and the most of every atom, given the rows that the reader knows."""
    floor = numpy.zeros(int(space.starts[-1]), dtype=numpy.int64)
    ceiling = numpy.full(len(floor), MOST)
    for at, atoms in enumerate(space.numbered(own[0])):
        numpy.add.at(floor, atoms, own[1])
        if fixed and fixed[0] in space.cliques[at]:
            known = numpy.flatnonzero(space.atoms[at][:, space.cliques[at].index(fixed[0])] == fixed[1])
            ceiling[known + space.starts[at]] = floor[known + space.starts[at]]
    return floor, ceiling


def _register(space: Space, tables: numpy.ndarray, also: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Distinct profiles, those of `also` among them, and how often each occurs in each release."""
    added = [space.glued(step) for step in numpy.diff(tables, axis=0, prepend=tables[:1] * 0)]
    rows, place = numpy.unique(numpy.concatenate([*added, also]), axis=0, return_inverse=True)
    counts = numpy.zeros((len(rows), len(tables)), dtype=numpy.int64)
    since = numpy.repeat(numpy.arange(len(added)), [len(one) for one in added])
    numpy.add.at(counts, (place.ravel()[: len(since)], since), 1)
    return rows, counts.cumsum(axis=1)
