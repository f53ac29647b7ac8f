"""The attacker: what can be proved about each small cell from what was published, in the worst case of every scenario.

S0 the public; S1 exact facts known from elsewhere; S2 a body that knows its own cases; S3 a complainant who knows their
own row; S4 all releases together, cases only ever being added (a release that does not continue the earlier one is also
read as the same cases rounded twice); S5 the algorithm and its parameters are known, not the key. Every reader is given
facts, releases and parameters together, the strongest case; only when something is proved are weaker ones tried, to
name what it takes. In S2 and S3 what counts is what the reader learns about others: their own cases are taken off.

Reads the published folder alone; the register only says which cells are small, and what a body or complainant knows.
Imports nothing of the protector. What it answers is private.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy
import polars

from pipeline import errors
from pipeline.protect import published, register
from pipeline.protect.joint import Joint, Known, Own
from pipeline.protect.published import Printed, Publication
from pipeline.protect.space import Space

INSIDER: Final = "alleged_body"
CONTRADICT: Final = (
    "The facts contradict what was published: no register agrees with both, so one of them is not true. The cells were "
    "judged without the facts, and what holds beside them is not proved."
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the attack found: `proved` cells, what is `broken` in the publication itself, what is wrong with `facts`.

    Safe if none of them. `witness` holds a certificate for witness.py to check per chain of releases; private like
    everything here.
    """

    cells: int
    proved: Sequence[Mapping[str, Any]]
    broken: Sequence[str]
    witness: Sequence[Mapping[str, Any]] = field(repr=False)
    facts: str = ""

    @property
    def safe(self) -> bool:
        """Whether nothing was proved and the publication is one additive system, looked at whole, beside true facts."""
        return not (self.proved or self.broken or self.facts)


def attack(
    folder: Path, earlier: Sequence[Path], facts: Path | Sequence[Printed] | None, cases: polars.DataFrame
) -> Verdict:
    """The verdict on the release in `folder`, together with `earlier` ones (oldest first) and `facts`.

    Shape: `cases` as register.read gives them; `facts` a table like the published ones, or cells not themselves judged.
    Raises: UsageError for files that cannot be read, NotPublishable for values that are no counts.
    """
    world = _World(folder, earlier, facts, cases)
    broken = world.broken()
    proved: dict[int, tuple[int, int, str]] = {}
    witness: list[Mapping[str, Any]] = []
    for body in (None, *world.bodies()):
        for chain in world.chains(body):
            strongest = Known(bool(facts), chain, world.nearest, body)
            found, made = world.proved(strongest, certify=body is None)
            witness += [made] if body is None else []
            whole = len(made.get("releases", ())) > len(chain)
            for weaker in _weaker(strongest):
                if whole and proved.keys() >= {cell for cell, _, _ in found}:
                    break  # less knowledge proves no other cells, and these were told
                for cell, low, high in world.proved(weaker)[0]:
                    proved.setdefault(cell, (low, high, _label(weaker)))
            for cell, low, high in found:
                proved.setdefault(cell, (low, high, _label(strongest)))
            for cell, told in world.holders(strongest, proved) if body is None else ():
                proved.setdefault(cell, told)
    for cell, told in world.same_twice():
        proved.setdefault(cell, told)
    for number in world.told_apart():
        proved.setdefault(number, (1, world.now.threshold - 1, "S5"))
    answer = [
        {"table": one.table, "key": dict(one.key), "low": low, "high": high, "scenario": label}
        for number, (low, high, label) in sorted(proved.items())
        for one in world.printed.get(number, ())
    ]
    certificates = [made for one in witness if (made := world.certificate(one))]
    false, contradicted = ([], "") if certificates or broken else world.without_register(facts=bool(facts))
    broken += false or ([] if broken else world.another_register())
    return Verdict(len(world.now.cells), answer, broken, certificates, contradicted)


def _weaker(strongest: Known) -> Iterator[Known]:
    """Every lesser knowledge, weakest first."""
    all_ = (strongest.facts, bool(strongest.releases), strongest.algorithm)
    for facts, releases, algorithm in sorted(itertools.product(*({False, one} for one in all_)), key=sum):
        yield Known(facts, strongest.releases if releases else (), algorithm, strongest.body)


def _label(known: Known, reader: str = "") -> str:
    parts = {
        "S1": known.facts, "S2": known.body is not None, reader: bool(reader), "S4": bool(known.releases),
        "S5": known.algorithm,
    }  # fmt: skip
    return "+".join(sorted(part for part, held in parts.items() if held)) or "S0"


class _World:
    """Everything published, in one geometry, with the register's counts beside it."""

    def __init__(
        self, folder: Path, earlier: Sequence[Path], facts: Path | Sequence[Printed] | None, cases: polars.DataFrame
    ) -> None:
        self.now = published.read(folder)
        self.before = sorted((published.read(one) for one in earlier), key=lambda one: len(one.previous))
        told = tuple(published.cells(facts, self.now.columns, 1)) if isinstance(facts, Path) else ()
        known = told if isinstance(facts, Path) else tuple(facts or ())
        releases = [*self.before, self.now]
        every = list(dict.fromkeys(one.cell for one in (*(one for each in releases for one in each.cells), *known)))
        number = {cell: at for at, cell in enumerate(every)}
        columns = {name: told for release in releases for name, told in release.columns.items()}
        held = {name: cases[name].unique().to_list() for name in cases.columns}
        universe = published.universe(columns, held)
        listed = {name: {*codes, *register.codes().get(name, ())} for name, codes in universe.items()}
        strange = {name for cell in every for name, codes in cell
                   if not codes <= listed.get(name, set()) and not name == register.YEAR in held}  # fmt: skip
        if strange:
            raise errors.UsageError(
                "attack: the register has no column, or not each category, that the tables or facts name under "
                f"{', '.join(sorted(strange))}. Name in the descriptor, under columns, what such a code tells."
            )
        self.space = Space(every, universe)
        self.rows, self.times = self.space.counted(cases)
        self.true = self.space.tabulated(self.rows, self.times)
        self.own = {code: self.space.counted(cases.filter(polars.col(INSIDER) == code))
                    for code in held.get(INSIDER, ()) if code is not None}  # fmt: skip
        self.nearest = self.now.nearest
        self.printed: dict[int, list[Printed]] = {}
        for one in self.now.cells:
            self.printed.setdefault(number[one.cell], []).append(one)
        for one in told:
            self.printed.setdefault(number[one.cell], []).append(one)
        for one in (one for each in self.before for one in each.cells):  # printed once, and not in the newest release
            self.printed.setdefault(number[one.cell], [one])
        self.bounds = [_bounds(release, number, len(every)) for release in releases]
        self.facts = _bounds(replace(self.now, cells=known), number, len(every))
        self._public: dict[int, Joint] = {}
        self._joints: dict[Known, Joint | None] = {}

    def chains(self, body: str | None) -> list[tuple[int, ...]]:
        """The earlier releases that can tell of the same cases as ours, cases only being added; each stands in one.

        A release that cannot even be read so with ours alone tells of other cases, and nothing follows from it.
        """
        chains: list[tuple[int, ...]] = []
        left, every = set(range(len(self.before))), tuple(range(len(self.before)))
        while left:
            first = max(left)
            found = self._made(Known(releases=every, body=body), first, self._public.get(first))
            if body is None and found is not None:
                self._public[first] = found
            kept = () if found is None else tuple(every[at] for at in found.kept[:-1])
            if found is not None and first in kept:
                chains.append(kept)
                self._joints[Known(releases=kept, body=body)] = replace(found, kept=tuple(range(len(found.kept))))
            left -= {first, *kept}
        return chains or [()]

    def bodies(self) -> list[str]:
        """Each body in the register, if bodies are told apart in what was published."""
        return [str(code) for code in sorted(set(self.space.part.get(INSIDER, {}).values()))]

    def joint(self, known: Known) -> Joint | None:
        """The system of all that this reader knows; None where it contradicts itself."""
        if known not in self._joints:
            self._joints[known] = self._made(known, like=self._joints.get(replace(known, facts=False, algorithm=False)))
        return self._joints[known]

    def _made(self, known: Known, first: int | None = None, like: Joint | None = None) -> Joint | None:
        every = [*(self.bounds[at] for at in known.releases), self.bounds[-1]]
        lows, highs = numpy.stack([one[0] for one in every]), numpy.stack([one[1] for one in every])
        if known.algorithm:
            half, (_, _, value, base) = (self.now.base - 1) // 2, self.bounds[-1]
            middle = (value >= 0) & (base > 1)
            lows[-1][middle] = numpy.maximum(lows[-1], value - half)[middle]
            highs[-1][middle] = numpy.minimum(highs[-1], value + half)[middle]
        if known.facts:
            lows[-1], highs[-1] = numpy.maximum(lows[-1], self.facts[0]), numpy.minimum(highs[-1], self.facts[1])
        return Joint.made(self.space, lows, highs, self._own(known), self.rows, self._fixed(known), first, like)

    def proved(self, known: Known, *, certify: bool = False) -> tuple[list[tuple[int, int, int]], dict[str, Any]]:
        """(cell, low, high) of every small cell that this reader pins down, and the certificate for the others."""
        joint = self.joint(known)
        if joint is None:
            return [], {}
        own = self.space.tabulated(*self._own(known))
        found, made = joint.proved(self.true - own, own, self.now.threshold, self.now.base, certify=certify)
        return found, made | {"releases": [*(known.releases[at] for at in joint.kept[:-1]), len(self.before)]}

    def certificate(self, made: Mapping[str, Any]) -> dict[str, Any]:
        """The certificate in words: a category per variable in each row, and the small cells it is for."""
        if "rows" not in made:
            return {}
        said = [{part: code for code, part in self.space.part[name].items()} for name in self.space.variables]
        rows = [{name: said[at][row[at]] for at, name in enumerate(self.space.variables)} for row in made["rows"]]
        small = [{"number": at, "cell": these[0].cell} for at, these in self.printed.items()
                 if 1 <= self.true[at] < self.now.threshold]  # fmt: skip
        return {**made, "rows": rows, "small": small}

    def holders(self, strongest: Known, proved: Collection[int]) -> Iterator[tuple[int, tuple[int, int, str]]]:
        """What those who know some cases prove about the others: S3 each their own row, S2 a body that print merges.

        Cells `proved` already are left out, those yielded before among them.
        """
        parts, once = self.space.part.get(INSIDER), numpy.ones(1, dtype=numpy.int64)
        merged = [code for code in sorted(self.own)
                  if not parts or sum(parts[one] == parts[code] for one in self.own) > 1]  # fmt: skip
        every = {"S3": [(self.rows[at : at + 1], once) for at in range(len(self.rows))],
                 "S2": [self.own[code] for code in merged]}  # fmt: skip
        for reader, known in every.items():
            joint = self.joint(strongest)
            if joint is None or (reader == "S3" and joint.roomy(self.now.base, self.now.threshold)):
                continue
            for cases in known:
                left = {cell for cell, _, _ in self._with_cases(strongest, cases)} - set(proved)
                for weaker in _weaker(strongest) if left else ():
                    for cell, low, high in self._with_cases(weaker, cases) if left - set(proved) else ():
                        yield cell, (low, high, _label(weaker, reader))

    def _with_cases(self, known: Known, cases: Own) -> list[tuple[int, int, int]]:
        """What this reader proves about the others once these cases are known as well."""
        joint, own = self.joint(known), self.space.tabulated(*cases)
        mine = joint and joint.with_cases(cases)
        if joint and mine is None:
            mine = Joint.made(self.space, joint.lows, joint.highs, cases, self.rows)
        return mine.proved(self.true - own, own, self.now.threshold, self.now.base)[0] if mine else []

    def same_twice(self) -> Iterator[tuple[int, tuple[int, int, str]]]:
        """What follows if a release that ours does not continue holds the same cases for the years both tell of."""
        for release, (low, high, _, _) in zip(self.before, self.bounds[:-1], strict=True):
            if release.digest in self.now.previous and not release.broken:
                continue
            years = [{code for one in each.cells for name, codes in one.cell if name == register.YEAR for code in codes}
                     for each in (release, self.now)]  # fmt: skip
            number = {one.cell: at for at, these in self.printed.items() for one in these}
            same = [number[one.cell] for one in release.cells if one.cell in number
                    and (years[0] == years[1] or register.YEAR in dict(one.cell))]  # fmt: skip
            lows, highs = self.bounds[-1][0].copy(), self.bounds[-1][1].copy()
            lows[same], highs[same] = numpy.maximum(lows, low)[same], numpy.minimum(highs, high)[same]
            nobody = (self.rows[:0], self.times[:0])
            joint = Joint.made(self.space, lows[None], highs[None], nobody, self.rows)
            if joint is not None:
                found, _ = joint.proved(self.true, self.true * 0, self.now.threshold, self.now.base)
                yield from ((cell, (least, most, "S4")) for cell, least, most in found)

    def told_apart(self) -> list[int]:
        """Hidden cells that their status or reason tells apart from other hidden ones: the small ones among them."""
        hidden = {at: one.why for at, these in self.printed.items() for one in these
                  if one.base == 0 and one.high >= published.MOST}  # fmt: skip
        kinds = {why: [at for at in hidden if hidden[at] == why] for why in set(hidden.values())}
        small = [at for at in hidden if 1 <= self.true[at] < self.now.threshold]
        return sorted(at for cells in kinds.values() if len(kinds) > 1 and set(cells) <= set(small) for at in cells)

    def broken(self) -> list[str]:
        """What makes a publication that calls itself one additive rounding something else, its releases included."""
        rounded = [one for one in self.now.cells if one.base > 1 and self.now.additive]
        found = [f"{one.table} {dict(one.key)}: exact among rounded cells" for one in self.now.cells
                 if rounded and one.base == 1 and one.value]  # fmt: skip
        found += [f"{one.table} {dict(one.key)}: not a multiple of its base" for one in rounded if one.value % one.base]
        values: dict[Any, set[int]] = {}
        for one in rounded:
            values.setdefault(one.cell, set()).add(one.value)
        found += ["the same cell is printed with two values" for several in values.values() if len(several) > 1]
        found += [f"{name}: its rows are not every combination of the codes once, in their order, which tells counts"
                  for name in self.now.disordered]  # fmt: skip
        found += [f"{name}: not what the descriptor names, by its hash" for name in self.now.strange]
        if set(self.now.previous) - {one.digest for one in self.before}:
            found.append(
                "an earlier release that this one continues is missing from the audit: give each by --previous"
            )
        low, high, value, base = self.bounds[-1]
        fixed = (base > 1) & (value >= 0)
        if rounded and not found:
            exact = Joint.made(self.space, numpy.where(fixed, value, low)[None], numpy.where(fixed, value, high)[None],
                               (self.rows[:0], self.times[:0]), self.rows)  # fmt: skip
            found += ["the rounded cells do not add up: they were not rounded as one system"] if exact is None else []
        return found

    def another_register(self) -> list[str]:
        """What is wrong if the register is not the one that was counted: then others are the small cells."""
        low, high, _, _ = self.bounds[-1]
        apart = ((self.true < low) | (self.true > high)).any()
        return ["the register has numbers that cannot be printed so: it is not the one that was counted"] * bool(apart)

    def without_register(self, *, facts: bool) -> tuple[list[str], str]:
        """What is wrong with the publication, or with the facts, if no register agrees: nothing follows, no safety."""
        if self.joint(Known()) is None:
            return ["no register agrees with the published cells: one of them is not true"], ""
        return [], CONTRADICT if facts and self.joint(Known(facts=True)) is None else ""

    def _own(self, known: Known) -> tuple[numpy.ndarray, numpy.ndarray]:
        """The cases that this reader knows, as rows and how often each occurs."""
        mine = self._of(known, self.rows)
        return self.rows[mine], self.times[mine]

    def _fixed(self, known: Known) -> tuple[int, int] | None:
        """The variable and its part that this reader knows in full."""
        return None if known.body is None else (self.space.variables.index(INSIDER), int(known.body))

    def _of(self, known: Known, rows: numpy.ndarray) -> numpy.ndarray:
        if known.body is None:
            return numpy.zeros(len(rows), dtype=bool)
        mine: numpy.ndarray = rows[:, self.space.variables.index(INSIDER)] == int(known.body)
        return mine


def _bounds(
    release: Publication, number: Mapping[Any, int], cells: int
) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """(least, most, printed value, its base) of every cell, as one release tells them."""
    low, high = numpy.zeros(cells, dtype=numpy.int64), numpy.full(cells, published.MOST)
    value, base = numpy.full(cells, -1), numpy.zeros(cells, dtype=numpy.int64)
    for one in release.cells:
        at = number[one.cell]
        low[at], high[at] = max(low[at], one.low), min(high[at], one.high)
        if one.value >= 0:
            value[at], base[at] = one.value, one.base
    return low, high, value, base
