"""The cells of several tables as one system: which cell holds which cases, and how tables hang together.

Neutral ground between protector and attacker: geometry only. A cell is a set of categories per variable; a variable
that a cell leaves out is summed over. Categories that no cell tells apart are one part. The variables are gathered in
cliques that form an acyclic hypergraph (tables that form a circle, which the GYO reduction would leave standing, are
put into one clique), so whole-number tables of the cliques that agree where they overlap are always the margins of one
register: an attack on them is an attack on the cases themselves.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final

import numpy
import polars

from pipeline import errors

Cell = tuple[tuple[str, frozenset[str]], ...]  # by variable, in the order of names; totals left out
MOST_ATOMS: Final = 3_000_000


class Space:
    """The geometry of `cells` over the categories of `universe`.

    Shape: `sizes` numbers of parts per variable; `cliques` tuples of variables; atoms of all cliques are numbered
    through. Profiles are rows of parts, one column per variable.
    Raises: NotPublishable when the tables hang together so closely that the joint table cannot be held.
    """

    def __init__(self, cells: Sequence[Cell], universe: Mapping[str, Iterable[str]]) -> None:
        used = {name: sorted({codes for cell in cells for var, codes in cell if var == name}, key=sorted)
                for name in sorted({var for cell in cells for var, _ in cell})}  # fmt: skip
        self.variables = list(used)
        self.cells = len(cells)
        self.part = {name: _parts(codes, universe[name]) for name, codes in used.items()}
        self.sizes = [max(self.part[name].values()) + 1 for name in self.variables]
        self.groups = self._grouped(cells, {name: _levels(codes) for name, codes in used.items()})
        self.cliques = _cliques([variables for variables, _ in self.groups])
        shapes = [tuple(self.sizes[at] for at in clique) for clique in self.cliques]
        self.starts = numpy.cumsum([0, *(int(numpy.prod(shape)) for shape in shapes)])
        if self.starts[-1] > MOST_ATOMS:
            raise errors.NotPublishable(
                f"protect: the tables hang together in {self.starts[-1]:,} joint cells, at most {MOST_ATOMS:,} are "
                "held. Leave out a table, or put categories together."
            )
        self.atoms = [
            numpy.indices(shape).reshape(len(shape), -1).T if shape else numpy.zeros((1, 0), int) for shape in shapes
        ]
        self.triples, self.seams = self._system()

    def profiles(self, columns: Mapping[str, Sequence[str]]) -> numpy.ndarray:
        """Rows of parts for rows of categories."""
        parts = [numpy.array([self.part[name][code] for code in columns[name]], dtype=numpy.int64)
                 for name in self.variables]  # fmt: skip
        rows = len(next(iter(columns.values())))
        return numpy.stack(parts, axis=1) if parts else numpy.zeros((rows, 0), dtype=numpy.int64)

    def counted(self, cases: polars.DataFrame) -> tuple[numpy.ndarray, numpy.ndarray]:
        """The distinct profiles of a register, and how often each occurs."""
        names = self.variables
        if not names:
            return numpy.zeros((1, 0), dtype=numpy.int64), numpy.array([cases.height])
        parts = [polars.col(name).replace_strict(self.part[name], return_dtype=polars.Int64) for name in names]
        rows = cases.select(parts).group_by(names).len("n").sort(names)
        return rows.select(names).to_numpy(), rows["n"].to_numpy().astype(numpy.int64)

    def where(self, profiles: numpy.ndarray) -> numpy.ndarray:
        """The cells that hold each profile, one column per group of cells; -1 for none."""
        found = [lookup[tuple(profiles[:, at] for at in variables)] if variables
                 else numpy.full(len(profiles), int(lookup)) for variables, lookup in self.groups]  # fmt: skip
        return numpy.stack(found, axis=1)

    def tabulated(self, profiles: numpy.ndarray, counts: numpy.ndarray) -> numpy.ndarray:
        """The count of every cell, for profiles that occur `counts` times."""
        total = numpy.zeros(self.cells + 1)
        for column in self.where(profiles).T:
            total += numpy.bincount(numpy.where(column < 0, self.cells, column), counts, self.cells + 1)
        return total[: self.cells].astype(numpy.int64)

    def summed(self, solution: numpy.ndarray) -> numpy.ndarray:
        """The count of every cell for tables over the cliques, then what each seam is off."""
        rows, atoms, values = self.triples
        return numpy.bincount(rows, values * solution[atoms], self.cells + self.seams)

    def held(self, tables: numpy.ndarray) -> numpy.ndarray:
        """The count of every cell for whole tables over the cliques."""
        return self.summed(tables)[: self.cells].astype(numpy.int64)

    @cached_property
    def single(self) -> tuple[numpy.ndarray, numpy.ndarray]:
        """The cells that are one atom, and which atom each is."""
        rows, atoms, _ = self.triples
        alone = (numpy.bincount(rows, minlength=self.cells)[rows] == 1) & (rows < self.cells)
        return rows[alone], atoms[alone]

    def numbered(self, profiles: numpy.ndarray) -> list[numpy.ndarray]:
        """The atom that each profile is in, per clique."""
        found = []
        for clique, start in zip(self.cliques, self.starts, strict=False):
            columns, sizes = tuple(profiles[:, at] for at in clique), [self.sizes[at] for at in clique]
            found.append(
                start + (numpy.ravel_multi_index(columns, sizes) if clique else numpy.zeros(len(profiles), int))
            )
        return found

    def glued(self, solution: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
        """Profiles, and how many cases each: a register whose tables over the cliques are `solution`."""
        cases, times = numpy.zeros((1, len(self.variables)), dtype=numpy.int64), numpy.zeros(0, dtype=numpy.int64)
        for at, clique in enumerate(self.cliques):
            counts = solution[self.starts[at] : self.starts[at + 1]]
            units, counts = self.atoms[at][counts > 0], counts[counts > 0]
            if at == 0:
                cases, times = numpy.zeros((len(units), len(self.variables)), dtype=numpy.int64), counts
            shared = [name for name in clique if any(name in one for one in self.cliques[:at])]
            if shared:
                order = numpy.lexsort(units[:, [clique.index(name) for name in shared]].T)
                units, counts = units[order], counts[order]
                order = numpy.lexsort(cases[:, shared].T)
                cases, times = cases[order], times[order]
            ends = [one.cumsum() for one in (times, counts)]  # laid side by side, cut where either ends
            cuts = numpy.unique(numpy.concatenate(ends))
            cases = cases[numpy.searchsorted(ends[0], cuts)]
            cases[:, list(clique)] = units[numpy.searchsorted(ends[1], cuts)]
            times = numpy.diff(cuts, prepend=0)
        return cases, times

    def _grouped(
        self, cells: Sequence[Cell], level: Mapping[str, Mapping[frozenset[str], int]]
    ) -> list[tuple[tuple[int, ...], numpy.ndarray]]:
        """Cells of the same variables and levels never overlap: one array of cell numbers for each such group."""
        position = {name: at for at, name in enumerate(self.variables)}
        parts = {name: {codes: sorted({self.part[name][code] for code in codes}) for codes in sets}
                 for name, sets in level.items()}  # fmt: skip
        groups: dict[tuple[tuple[int, int], ...], numpy.ndarray] = {}
        for number, cell in enumerate(cells):
            kind = tuple((position[name], level[name][codes]) for name, codes in cell)
            lookup = groups.get(kind)
            if lookup is None:
                shape = [self.sizes[position[name]] for name, _ in cell]
                lookup = groups[kind] = numpy.full(shape, -1, dtype=numpy.int64)
            lookup[numpy.ix_(*(parts[name][codes] for name, codes in cell)) if cell else ()] = number
        return [(tuple(at for at, _ in kind), lookup) for kind, lookup in groups.items()]

    def _system(self) -> tuple[tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray], int]:
        """(row, atom, coefficient) of every cell as a sum of atoms, then of every seam between cliques, equal to 0."""
        found: list[tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]] = []
        for variables, lookup in self.groups:
            at = min((at for at, one in enumerate(self.cliques) if set(variables) <= set(one)),
                     key=lambda at: len(self.atoms[at]))  # fmt: skip
            columns = tuple(self.atoms[at][:, self.cliques[at].index(name)] for name in variables)
            rows = lookup[columns] if variables else numpy.full(len(self.atoms[at]), int(lookup))
            inside = numpy.flatnonzero(rows >= 0)
            found.append((rows[inside], inside + self.starts[at], numpy.ones(len(inside))))
        seams = self.cells
        for at, clique in enumerate(self.cliques[1:], 1):
            before = max(range(at), key=lambda one: len(set(self.cliques[one]) & set(clique)))
            shared = [name for name in clique if name in self.cliques[before]]
            sizes = [self.sizes[name] for name in shared]
            for side, sign in ((at, 1.0), (before, -1.0)):
                columns = tuple(self.atoms[side][:, self.cliques[side].index(name)] for name in shared)
                rows = numpy.ravel_multi_index(columns, sizes) if shared else numpy.zeros(len(self.atoms[side]), int)
                found.append((rows + seams, numpy.arange(len(rows)) + self.starts[side], numpy.full(len(rows), sign)))
            seams += int(numpy.prod(sizes))
        rows, columns_, values = (numpy.concatenate([one[part] for one in found]) for part in range(3))
        return (rows, columns_, values), seams - self.cells


def _parts(sets: Sequence[frozenset[str]], universe: Iterable[str]) -> dict[str, int]:
    """The part of each category: two share one if no set tells them apart."""
    every = sorted({*universe, *(code for codes in sets for code in codes)})
    told = {code: tuple(code in codes for codes in sets) for code in every}
    number = {signature: at for at, signature in enumerate(dict.fromkeys(told.values()))}
    return {code: number[signature] for code, signature in told.items()}


def _levels(sets: Sequence[frozenset[str]]) -> dict[frozenset[str], int]:
    """A level for each set, so that those of one level never overlap."""
    taken: list[set[str]] = []
    level = {}
    for codes in sorted(sets, key=lambda codes: (len(codes), sorted(codes))):
        at = next((at for at, held in enumerate(taken) if not held & codes), len(taken))
        if at == len(taken):
            taken.append(set())
        taken[at] |= codes
        level[codes] = at
    return level


def _cliques(edges: Iterable[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The largest cliques once variables are taken out one by one, fewest new bonds first; each meets one before it."""
    near: dict[int, set[int]] = {}
    for edge in edges:
        for name in edge:
            near.setdefault(name, set()).update(set(edge) - {name})
    found: list[set[int]] = []
    while near:
        missing = {name: sum(b not in near[a] for a, b in itertools.combinations(bonds, 2))
                   for name, bonds in near.items()}  # fmt: skip
        name = min(near, key=lambda one: (missing[one], len(near[one]), one))
        bonds = near.pop(name)
        for other in bonds:
            near[other] |= bonds - {other}
            near[other].discard(name)
        if not any(bonds | {name} <= one for one in found):
            found.append(bonds | {name})
    if not found:
        return [()]
    ordered = [found.pop(0)]
    while found:  # the tree of greatest overlaps is a junction tree
        best = max(found, key=lambda one: max(len(one & held) for held in ordered))
        found.remove(best)
        ordered.append(best)
    return [tuple(sorted(one)) for one in ordered]
