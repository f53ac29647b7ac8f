"""What one reader knows, as one system over all releases: a register that agrees with it, and how far cells can move.

Some cases more, or less, are tried first, then what was found for other cells and readers: whole numbers, no solver.
What this leaves open goes to the solver: first the smallest change, in all releases, that brings a cell where it should
be; at last how far it can go at all. Part of the attacker.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

import numpy

from pipeline import errors
from pipeline.protect.published import MOST
from pipeline.protect.solver import Program
from pipeline.protect.space import Space
from pipeline.protect.system import (
    changed,
    costs,
    counted,
    joined,
    lowered,
    mended,
    near,
    nearest,
    program,
    register,
)

LEEWAY: Final = 1e-5  # how far the solver's numbers may be from what they stand for
Own = tuple[numpy.ndarray, numpy.ndarray]
Part = tuple[int, int]  # a variable and one of its parts
Step = tuple[int, int, bool]  # a profile, how many cases more, and whether in all releases alike
Cells = tuple[numpy.ndarray, numpy.ndarray]  # how many others each cell holds in these tables
End = tuple[int, numpy.ndarray | Step]  # how many others a cell holds in these tables, or after this step from ours


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
    `tables` its atoms and `held` its cells per release; `own` the rows known; `fixed` the variable and part known in
    full; `kept` which releases fit together.
    """

    space: Space
    lows: numpy.ndarray
    highs: numpy.ndarray
    floor: numpy.ndarray
    ceiling: numpy.ndarray
    tables: numpy.ndarray
    held: numpy.ndarray
    rows: numpy.ndarray
    counts: numpy.ndarray
    own: Own
    fixed: Part | None = None
    kept: tuple[int, ...] = ()
    _step: numpy.ndarray | None = None  # a change of tables that brings in what this reader knows
    _programs: dict[str, Program] = field(default_factory=dict, compare=False)
    _pool: list[tuple[numpy.ndarray, numpy.ndarray]] = field(default_factory=list, compare=False)

    @classmethod
    def made(
        cls, space: Space, lows: numpy.ndarray, highs: numpy.ndarray, own: Own, also: numpy.ndarray,
        fixed: Part | None = None, first: int | None = None, like: Self | None = None,
    ) -> Self | None:  # fmt: skip
        """The world of these bounds; None where no register agrees with the last release, and `first` if it is given.

        `also` are profiles worth trying as a case more. Earlier releases are joined from the newest on, `first` before
        all others; those that cannot be joined are left out. A world `like` it, of one who knows less about the same
        releases, saves the joining where it can be mended: the same releases would be kept.
        """
        floor, ceiling = _own_bounds(space, own, fixed)
        if like is not None:
            kept = list(like.kept)
            tables = mended(space, lows[kept], highs[kept], floor, ceiling, like.tables)
            if tables is not None:
                return cls._of(space, lows[kept], highs[kept], floor, ceiling, tables, own, also, fixed, kept)
        kept = [len(lows) - 1]
        tables = nearest(space, lows[kept], highs[kept], floor, ceiling)
        if tables is None or (lows[-1] > highs[-1]).any():
            return None
        for at in sorted(range(len(lows) - 1), key=lambda at: (at == first, at), reverse=True):
            chain, both = sorted([at, *kept]), None
            if (numpy.maximum.accumulate(lows[chain], axis=0) <= highs[chain]).all():
                both = joined(space, lows[chain], highs[chain], floor, ceiling, tables, chain.index(at))
            if both is not None:
                tables, kept = both, chain
            elif at == first:
                return None
        if len(kept) > 1:
            tables = lowered(space, lows[kept], highs[kept], floor, ceiling, tables)
        return cls._of(space, lows[kept], highs[kept], floor, ceiling, tables, own, also, fixed, kept)

    @classmethod
    def _of(
        cls, space: Space, lows: numpy.ndarray, highs: numpy.ndarray, floor: numpy.ndarray, ceiling: numpy.ndarray,
        tables: numpy.ndarray, own: Own, also: numpy.ndarray, fixed: Part | None, kept: list[int],
    ) -> Self:  # fmt: skip
        held, (rows, counts) = counted(space, tables), register(space, tables, also)
        return cls(space, lows, highs, floor, ceiling, tables, held, rows, counts, own, fixed, tuple(kept))

    def with_cases(self, own: Own) -> Self | None:
        """The same world for one who knows these cases; None where it needs another register."""
        floor, ceiling = _own_bounds(self.space, own, None)
        tables, held, rows, counts, step = self.tables, self.held, self.rows, self.counts, None
        if (tables[-1] < floor).any():
            here = self.space.tabulated(*own)
            if (here + self.held[-1] <= self.highs[-1]).all():
                tables, held, counts = tables.copy(), held.copy(), counts.copy()
                tables[-1] += floor
                held[-1] += here
                for row, times in zip(*own, strict=True):
                    counts[numpy.flatnonzero((rows == row).all(axis=1))[0], -1] += times
            else:
                found = next((one for one, _ in self._pool if (one[-1] >= floor).all()), None)
                found = self._mended(floor, ceiling) if found is None else found
                if found is None:
                    return None
                tables, held, (rows, counts) = found, counted(self.space, found), register(self.space, found, rows)
                step = tables - self.tables
        mine = replace(self, own=own, floor=floor, ceiling=ceiling, _step=step, _programs={})
        return replace(mine, tables=tables, held=held, rows=rows, counts=counts)

    def _mended(self, floor: numpy.ndarray, ceiling: numpy.ndarray) -> numpy.ndarray | None:
        """The tables near to ours that hold what one more reader knows, kept in mind for others."""
        last = len(self.lows) - 1
        for since in _kinds(last):
            known = self.lows, self.highs, floor, ceiling
            found = mended(self.space, *known, self.tables, since, search=len(since) > last)
            if found is not None:
                self._pool.append((found, counted(self.space, found)))
                return found
        return None

    def roomy(self, base: int, threshold: int) -> bool:
        """Whether every cell can take base-1 cases more, and holds none or enough: then one known row tells nothing."""
        held = self.held[-1]
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
        held = self.held[-1] - own
        (up, more), (down, less, alike) = self._moves()
        insider = bool(own.any())

        def open_(least: Any, most: Any) -> Any:
            wide = (most - least >= base - 1) | (insider & (least == 0))
            return wide & ((least == 0) | (most >= threshold))

        least, most, recalled, seen = held - down, held + up, list[Cells](), len(self._pool)
        for told in (self._recalled, self._stepped):
            if not open_(least, most)[small].all():
                recalled += told(own)
                cells = numpy.array([others for others, _ in recalled], dtype=int).reshape(-1, len(own))
                least = numpy.minimum(least, cells.min(axis=0, initial=MOST))
                most = numpy.maximum(most, cells.max(axis=0, initial=0))
        pairs: dict[int, tuple[Any, Any]] = {}
        found = []
        for cell in small[~open_(least, most)[small] | certify].tolist():
            ends: list[End] = [(int(held[cell] - down[cell]), (int(less[cell]), -int(down[cell]), bool(alike[cell]))),
                               (int(held[cell] + up[cell]), (int(more[cell]), int(up[cell]), False))]  # fmt: skip
            recalled += self._recalled(own, seen)
            seen = len(self._pool)
            ends += [(int(others[cell]), tables) for others, tables in recalled]
            low, high = self._ends(cell, int(own[cell]), ends, (threshold, base), open_)
            if not open_(low[0], high[0]):
                found.append((cell, low[0] + int(own[cell]), min(high[0] + int(own[cell]), MOST)))
            elif certify:
                pairs[cell] = low[1], high[1]
        return found, self._certificate(pairs) if certify else {}

    def _moves(self) -> tuple[list[numpy.ndarray], list[numpy.ndarray]]:
        """For every cell how many cases of one profile the newest release can have more, or less, and which profile.

        Shape: each the steps and the profiles; for less, whether all releases change alike.
        """
        every, last = self.held, self.tables[-1]
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
        return up, [*down, better]

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
        self, cell: int, own: int, found: list[End], rule: tuple[int, int], open_: Callable[[int, int], Any]
    ) -> tuple[End, End]:
        """Two counts of the others in a cell, each with its tables: far enough apart, or the least and the most."""
        threshold, base = rule
        tried: set[int] = set()
        floor, ceiling = max(int(self.lows[:, cell].max()) - own, 0), int(self.highs[-1][cell]) - own
        for tighten in (False, True):
            if tighten:
                floor, ceiling = self._range(cell, own)
            while True:
                low, high = min(found, key=_count), max(found, key=_count)
                if open_(low[0], high[0]):
                    return low, high
                up, down = max(low[0] + base - 1, threshold if low[0] else 0), max(high[0] - base + 1, floor)
                wanted = next((one for one in (0, min(up, ceiling), down) if floor <= one <= ceiling
                               and one not in tried and not low[0] <= one <= high[0]), None)  # fmt: skip
                if wanted is None:
                    break
                tried.add(wanted)
                found += self._moved(cell, wanted, own)
        if len(self.lows) > 1 and not open_(floor, ceiling):
            return (floor, self.tables), (ceiling, self.tables)
        return self._extremes(cell, own)

    def _moved(self, cell: int, wanted: int, own: int) -> list[End]:
        """The tables nearest to ours in which the others in a cell are `wanted`, where whole ones are found at once.

        First by a change of the newest release alone, then by one of the first and the newest, then of all; for the
        public first so that a case more has room everywhere else: then it tells complainants as little.
        """
        last = len(self.lows) - 1
        for room, since in itertools.product((1, 0) if not self.own[1].any() else (0,), _kinds(last)):
            kind = f"near {room} {since}"
            if kind not in self._programs:
                highs = self.highs.copy()
                highs[-1] -= room * (self.held[-1] < highs[-1])
                self._programs[kind] = near(self.space, self.lows, highs, self.floor, self.ceiling, self.tables, since)
            changes = self._programs[kind]
            row = changes.rows - self.space.cells + cell
            point = changes.moved(costs(changes.columns), row, wanted + own - int(self.held[-1][cell]))
            if point is not None:
                return [self._end(changed(self.tables, point, since), cell, own)]
        return []

    def _far(self, cell: int) -> tuple[Program, numpy.ndarray]:
        """All that is known, and the cost that counts a cell in the newest release."""
        if "far" not in self._programs:
            self._programs["far"] = program(self.space, self.lows, self.highs, self.floor, self.ceiling)
        rows, atoms, _ = self.space.triples
        cost = numpy.zeros(self.tables.shape)
        cost[:, atoms[rows == cell]] = 1
        return self._programs["far"], cost.ravel()

    def _range(self, cell: int, own: int) -> tuple[int, int]:
        """The least and the most of the others in a cell: what not even parts of cases can pass, whole ones cannot."""
        far, cost = self._far(cell)
        least, most = (cost @ _found(far.corner(sign * cost)) for sign in (1.0, -1.0))
        return int(numpy.ceil(least - LEEWAY)) - own, int(numpy.floor(most + LEEWAY)) - own

    def _extremes(self, cell: int, own: int) -> tuple[End, End]:
        """The least and the most of the others in a cell, each with tables of whole cases."""
        far, cost = self._far(cell)
        told = []
        for sign in (1.0, -1.0):
            point = _found(far.smallest(sign * cost))
            told.append(self._end(point.reshape(self.tables.shape).cumsum(axis=0), cell, own))
        return told[0], told[1]

    def _end(self, tables: numpy.ndarray, cell: int, own: int) -> End:
        """How many others these tables hold in a cell, once each of their numbers was held against all that is known.

        They are kept in mind for other cells.
        """
        sums = numpy.stack([self.space.summed(one) for one in tables]).astype(numpy.int64)
        cells, seams = sums[:, : self.space.cells], sums[:, self.space.cells :]
        if seams.any() or not self._fits(tables, cells):
            raise errors.NotPublishable("attack: the solver contradicts itself, so nothing is proved.")
        self._pool.append((tables, cells))
        return int(cells[-1][cell]) - own, tables

    def _recalled(self, own: numpy.ndarray, since: int = 0) -> list[Cells]:
        """Of the tables found before, for another reader perhaps, those that hold what this one knows, or can take it.

        Shape: the others in each cell of the newest release, and the tables without what was put on top.
        """
        known, found = numpy.flatnonzero(self.floor), []
        for tables, held in self._pool[since:]:
            if (tables[-1][known] >= self.floor[known]).all():
                found.append((held[-1] - own, tables))
            elif self.fixed is None and (held[-1] + own <= self.highs[-1]).all():
                found.append((held[-1], tables))
        return found

    def _stepped(self, own: numpy.ndarray) -> list[Cells]:
        """The same of the others, as they are after the change that brought what this reader knows into our tables.

        Only what the change touches is looked at: all else was within its bounds before.
        """
        if self._step is None:
            return []
        cells, added = counted(self.space, self._step), numpy.diff(self._step, axis=0, prepend=0)
        at, less, known = numpy.nonzero(cells), numpy.nonzero(added < 0), numpy.flatnonzero(self.floor)
        before, found = numpy.maximum(less[0] - 1, 0), []
        for tables, held in self._pool:
            moved = held[at] + cells[at]
            spare = tables[less] - tables[before, less[1]] * (less[0] > 0) + added[less]
            here = tables[-1][known] + self._step[-1][known]
            if (
                (moved >= self.lows[at]).all() and (moved <= self.highs[at]).all() and (spare >= 0).all()
                and (here >= self.floor[known]).all() and (tables[-1][known] < self.floor[known]).any()
            ):  # fmt: skip
                found.append((held[-1] + cells[-1] - own, tables))
        return found

    def _fits(self, tables: numpy.ndarray, cells: numpy.ndarray) -> bool:
        """Whether tables whose seams are closed agree with all that is known."""
        last = tables[-1]
        return not (
            (cells < self.lows).any() or (cells > self.highs).any() or (last < self.floor).any()
            or (last > self.ceiling).any() or (numpy.diff(tables, axis=0, prepend=0) < 0).any()
        )  # fmt: skip

    def _certificate(self, pairs: dict[int, tuple[Any, Any]]) -> dict[str, Any]:
        """The register that agrees with everything, and for each cell two changes of it that still do."""
        rows = [tuple(map(int, row)) for row in self.rows]
        counts = [list(map(int, row)) for row in self.counts]
        place = {row: at for at, row in enumerate(rows)}

        def change(one: Any) -> list[tuple[int, list[int]]]:
            if isinstance(one, tuple):
                return [(one[0], [one[1] * one[2]] * (len(self.lows) - 1) + [one[1]])] if one[1] else []
            new, many = register(self.space, one, self.rows[:0])
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
        used = {at for pair in told.values() for step in pair for at, _ in step}
        kept = [at for at in range(len(rows)) if at in used or any(counts[at])]
        now = {at: number for number, at in enumerate(kept)}
        cells = {cell: tuple([(now[at], step) for at, step in one] for one in pair) for cell, pair in told.items()}
        return {"rows": [rows[at] for at in kept], "counts": [counts[at] for at in kept], "cells": cells}


def _count(end: End) -> int:
    return end[0]


def _kinds(last: int) -> list[tuple[int, ...]]:
    """The releases since which cases may change: the newest alone, the first as well, all."""
    return list(dict.fromkeys([(last,), tuple(sorted({0, last})), tuple(range(last + 1))]))


def _found(point: numpy.ndarray | None) -> numpy.ndarray:
    if point is None:
        raise errors.NotPublishable("attack: the solver contradicts itself, so nothing is proved.")
    return point


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
