"""What one reader knows, as one system over all releases: a register that agrees with it, and how far cells can move.

Some cases more, or less, in the newest release alone are tried first: whole numbers, no solver. What this leaves open
goes to the solver: the newest release with the earlier ones as they are, and at last all of them, exactly. Part of the
attacker.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy

from pipeline import errors
from pipeline.protect.published import MOST
from pipeline.protect.solver import Program
from pipeline.protect.space import Space

Own = tuple[numpy.ndarray, numpy.ndarray]
Part = tuple[int, int]  # a variable and one of its parts


@dataclass(frozen=True, slots=True)
class Known:
    """What a reader has beside the last release; `body` is the part of the insider's variable, as text."""

    facts: bool = False
    releases: bool = False
    algorithm: bool = False
    body: str | None = None


@dataclass(frozen=True)
class Joint:
    """A consistent world of one reader.

    Shape: `lows` and `highs` per release and cell; `floor` and `ceiling` per atom of the last release; `rows` distinct
    profiles and `counts` how often each occurs in each release, a register that agrees with everything; `tables` its
    atoms; `own` the rows known; `fixed` the variable and part known in full. `dropped`: a release did not fit.
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
    dropped: bool = False
    _programs: dict[bool, Program] = field(default_factory=dict, compare=False)
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
    ) -> Self | None:
        """The world of these bounds; None where no register agrees with the last release.

        `also` are profiles worth trying as a case more. Earlier releases that cannot be joined are dropped.
        """
        floor, ceiling = _own_bounds(space, own, fixed)
        kept = [len(lows) - 1]
        newest = _nearest(space, lows[kept], highs[kept], floor, ceiling)
        if newest is None:
            return None
        tables = newest
        for at in range(len(lows) - 2, -1, -1):
            older = _nearest(space, lows[[at]], highs[[at]], floor * 0, tables[0])
            both = None if older is None else numpy.concatenate([older, tables])
            if both is None:
                chain = [at, *kept]
                both = _nearest(space, lows[chain], highs[chain], floor, ceiling)
            if both is not None:
                tables, kept = both, [at, *kept]
        rows, counts = _register(space, tables, also)
        return cls(
            space, lows[kept], highs[kept], floor, ceiling, tables, rows, counts, own, fixed, len(kept) < len(lows)
        )

    def with_row(self, row: numpy.ndarray) -> Self | None:
        """The same world for one who knows this row; None where it needs another register."""
        same = (self.rows == row).all(axis=1)
        at = int(numpy.flatnonzero(same)[0])
        counts = self.counts.copy()
        if not counts[at, -1]:
            counts[at, -1] = 1
            if (self.space.tabulated(self.rows, counts[:, -1]) > self.highs[-1]).any():
                return None
        own = (row, numpy.ones(1, dtype=numpy.int64))
        floor, ceiling = _own_bounds(self.space, own, None)
        return replace(self, counts=counts, own=own, floor=floor, ceiling=ceiling, _programs={})

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
        cells, atoms, _ = self.space.triples
        for cell in small[~(moved if certify else clear)]:
            if not certify and open_(*self._pooled(numpy.array([cell]), held[[cell]], held[[cell]], own))[0]:
                continue
            for whole in (False, True)[len(self.lows) == 1 :]:
                least, most = self._extreme(cell, 1, whole=whole), self._extreme(cell, -1, whole=whole)
                ends = [int(one[-1][atoms[cells == cell]].sum() - own[cell]) for one in (least, most)]
                if open_(*ends):
                    break
            if not open_(*ends):
                found.append((int(cell), ends[0] + int(own[cell]), min(ends[1] + int(own[cell]), MOST)))
            elif certify:
                pairs[int(cell)] = (least, most)
        return found, self._certificate(pairs) if certify else {}

    @cached_property
    def _held(self) -> numpy.ndarray:
        return numpy.stack([self.space.tabulated(self.rows, column) for column in self.counts.T])

    def _moves(self) -> tuple[list[numpy.ndarray], list[numpy.ndarray]]:
        """For every cell how many cases of one profile the newest release can have more, or less, and which profile.

        Shape: each the steps, the profiles, and whether all releases change alike.
        """
        every, free = self._held, numpy.ones(len(self.rows), dtype=bool)
        if self.fixed:
            free = self.rows[:, self.fixed[0]] != self.fixed[1]
        kept = self.counts.min(axis=1)
        if len(self.own[0]) and not self.fixed:
            kept = numpy.minimum(kept, self.counts[:, -1] - (self.rows == self.own[0][0]).all(axis=1))
        spare = numpy.diff(self.counts, axis=1, prepend=0)[:, -1]
        if len(self.lows) == 1:
            spare = numpy.minimum(spare, kept)
        places = self.space.where(self.rows)
        up = self._best(places, self.highs[-1] - every[-1], free * MOST)
        down = self._best(places, every[-1] - self.lows[-1], free * spare)
        alike = self._best(places, (every - self.lows).min(axis=0), free * kept)
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

    def _extreme(self, cell: int, sign: int, *, whole: bool) -> numpy.ndarray:
        """The tables, atoms per release, in which the cell is least (1) or greatest (-1).

        Without `whole`, the earlier releases stay as they are: quick, but there may be something beyond.
        """
        rows, atoms, _ = self.space.triples
        width, free = int(self.space.starts[-1]), len(self.lows) if whole else 1
        if whole not in self._programs:
            floor = self.floor if whole or len(self.lows) == 1 else numpy.maximum(self.floor, self.tables[-2])
            self._programs[whole] = _program(self.space, self.lows[-free:], self.highs[-free:], floor, self.ceiling)
        cost = numpy.zeros(width * free)
        cost[atoms[rows == cell] + width * (free - 1)] = sign
        solution = self._programs[whole].smallest(cost)
        if solution is None:
            raise errors.NotPublishable("attack: the solver contradicts itself, so nothing is proved.")
        tables = numpy.concatenate([self.tables[: len(self.tables) - free], solution.reshape(free, width)])
        inside = rows < self.space.cells
        self._pool.append((tables[-1], numpy.bincount(rows[inside], tables[-1][atoms[inside]], self.space.cells)))
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


def _nearest(
    space: Space, lows: numpy.ndarray, highs: numpy.ndarray, floor: numpy.ndarray, ceiling: numpy.ndarray
) -> numpy.ndarray | None:
    """Tables within the bounds, each cell near the middle of its own; None where there are none."""
    middle = numpy.where(lows > 0, (lows + highs) // 2, 0)
    told = highs < MOST
    exact = _program(space, numpy.where(told, middle, lows), numpy.where(told, middle, highs), floor, ceiling)
    cost = numpy.zeros(exact.columns)
    tables = exact.smallest(cost)
    for reach in (2, 3, MOST) if tables is None else ():
        near = [numpy.where(told, numpy.clip(bound, middle - reach, middle + reach), bound) for bound in (lows, highs)]
        slack = _program(space, near[0], near[1], floor, ceiling, middle)
        cost = numpy.zeros(slack.columns)
        cost[len(lows) * len(floor) :] = 1
        tables = slack.smallest(cost)
        if tables is not None:
            break
    return None if tables is None else tables[: len(lows) * len(floor)].reshape(len(lows), -1)


def _program(
    space: Space,
    lows: numpy.ndarray,
    highs: numpy.ndarray,
    floor: numpy.ndarray,
    ceiling: numpy.ndarray,
    middle: numpy.ndarray | None = None,
) -> Program:
    """All releases side by side: every cell within its bounds, every seam closed, cases only added.

    With `middle`, two more columns per cell and release take up the distance from it.
    """
    rows, atoms, values = space.triples
    releases, width, height = len(lows), int(space.starts[-1]), space.cells + space.seams
    parts = [(rows + height * at, atoms + width * at, values) for at in range(releases)]
    seams = numpy.zeros((releases, space.seams))
    row_low = numpy.concatenate([lows, seams], axis=1).ravel()
    row_high = numpy.concatenate([numpy.where(highs >= MOST, numpy.inf, highs), seams], axis=1).ravel()
    cap = max(10**6, 4 * int(highs[highs < MOST].max(initial=0)))
    low = numpy.concatenate([numpy.zeros(width * (releases - 1)), floor])
    high = numpy.concatenate([numpy.full(width * (releases - 1), cap), numpy.minimum(ceiling, cap)])
    if releases > 1:  # what a release holds, the next one holds as well
        each = numpy.arange(width * (releases - 1))
        added = len(row_low) + each
        parts += [(added, each + width, each * 0 + 1.0), (added, each, each * 0 - 1.0)]
        row_low, row_high = numpy.append(row_low, each * 0), numpy.append(row_high, numpy.full(len(each), numpy.inf))
    if middle is not None:
        told = numpy.flatnonzero(((highs < MOST) & (lows < highs)).ravel())
        cell, at = told % space.cells, told // space.cells
        start, many = len(row_low), len(told)
        # the cell - above + below = its middle
        own = numpy.isin(rows, cell)
        for release in range(releases):
            line = numpy.full(space.cells + space.seams, -1)
            line[cell[at == release]] = start + numpy.flatnonzero(at == release)
            own = line[rows] >= 0
            parts.append((line[rows][own], atoms[own] + width * release, values[own]))
        each = numpy.arange(many)
        for side, sign in ((0, -1.0), (many, 1.0)):
            parts.append((start + each, len(low) + side + each, numpy.full(many, sign)))
        row_low, row_high = (numpy.append(bound, middle.ravel()[told]) for bound in (row_low, row_high))
        low, high = numpy.append(low, numpy.zeros(2 * many)), numpy.append(high, numpy.full(2 * many, cap))
    triples = tuple(numpy.concatenate([one[part] for one in parts]) for part in range(3))
    gap = 0.0 if middle is None else 0.1
    return Program(
        (len(row_low), len(low)), (triples[0], triples[1], triples[2]), (row_low, row_high), (low, high), gap
    )


def _register(space: Space, tables: numpy.ndarray, also: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Distinct profiles, those of `also` among them, and how often each occurs in each release."""
    added = [space.glued(step) for step in numpy.diff(tables, axis=0, prepend=tables[:1] * 0)]
    rows, place = numpy.unique(numpy.concatenate([*added, also]), axis=0, return_inverse=True)
    counts = numpy.zeros((len(rows), len(tables)), dtype=numpy.int64)
    since = numpy.repeat(numpy.arange(len(added)), [len(one) for one in added])
    numpy.add.at(counts, (place.ravel()[: len(since)], since), 1)
    return rows, counts.cumsum(axis=1)
