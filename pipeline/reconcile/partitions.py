"""Parts against their total: regions, sexes, ages, bodies and so on, inside one document.

Parts above their total do not fit it. Parts below leave a remainder, which is shown; it is a mismatch where the parts
are by their meaning all there are (written and oral, women and men). Two full sets of parts of one whole must agree
with each other even where nobody printed the whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.reconcile.figures import Figure
from pipeline.records import BREAKDOWNS

WHOLE_COUNTRY = "TJ"
# Codes that together are all there is, by their meaning.
COMPLETE = {
    "form": ("written", "oral"), "sex": ("female", "male"), "detention_status": ("convicted", "pretrial"),
    "relation": ("direct_victim", "relative"), "case_registered": ("this_year", "earlier_years"),
    "citizenship": ("national", "foreign"), "age_group": ("minor", "adult"),
}  # fmt: skip
# Columns whose codes can overlap, so that their sum means nothing.
OVERLAPPING = ("facility_type", "criminal_article", "outcome", "stage", "cause", "mechanism", "law_status")
MIXED = ("female_and_minors", "body-unclear", "law-enforcement", "full_or_reduced")


@dataclass(frozen=True, slots=True)
class Parts:
    """Figures that divide one whole along one column, and the figure for the whole, if it was printed."""

    column: str
    parts: tuple[Figure, ...]
    total: Figure | None
    complete: bool

    @property
    def area(self) -> str:
        """The area of the whole."""
        return WHOLE_COUNTRY if self.column == "area" else self.parts[0].area

    @property
    def low(self) -> int:
        """The least that the parts add up to."""
        return sum(part.low for part in self.parts)

    @property
    def high(self) -> int | None:
        """The most that the parts add up to, None without limit."""
        highs = [part.high for part in self.parts]
        return None if None in highs else sum(high or 0 for high in highs)

    @property
    def printed(self) -> int:
        """The parts as printed, added up."""
        return sum(part.value for part in self.parts)

    @property
    def remainder(self) -> int | None:
        """What the total leaves to no part: negative if the parts are more; None without exact numbers."""
        exact = self.total is not None and {one.qualifier for one in (*self.parts, self.total)} == {"exact"}
        return self.total.value - self.printed if exact and self.total else None

    @property
    def id(self) -> str:
        """A hash of the claims: it stays as long as they do."""
        members = sorted(one.id for one in (*self.parts, self.total) if one)
        return f"parts-{hashlib.sha256(chr(10).join([self.column, *members]).encode()).hexdigest()[:12]}"

    @property
    def fit(self) -> str:
        """A code of partition_fit.csv: whole, remainder, mismatch, soft or no_total."""
        if self.total is None:
            return "no_total"
        if not self.fits:
            return "mismatch"
        return {None: "soft", 0: "whole"}.get(self.remainder, "remainder")

    @property
    def fits(self) -> bool:
        """Whether parts and total can both be true."""
        if self.total is None:
            return True
        above = self.total.high is not None and self.low > self.total.high
        below = self.complete and self.high is not None and self.high < self.total.low
        return not (above or below)


def partitions(made: Sequence[Figure]) -> list[Parts]:
    """Every set of at least two parts of one whole that one document gives for one window."""
    wholes: dict[tuple[object, ...], dict[str, Figure]] = {}
    totals: dict[tuple[object, ...], Figure] = {}
    for one in made:
        where = (*_place(one), one.area, one.breakdown)
        totals.setdefault(where, one)
        for column, code in one.breakdown:
            rest = tuple(part for part in one.breakdown if part[0] != column)
            if column not in OVERLAPPING and code not in MIXED:
                wholes.setdefault((column, *_place(one), one.area, rest), {}).setdefault(code, one)
        if one.area != WHOLE_COUNTRY:
            wholes.setdefault(("area", *_place(one), WHOLE_COUNTRY, one.breakdown), {}).setdefault(one.area, one)
    found = [
        Parts(
            str(key[0]), tuple(parts[code] for code in sorted(parts)), totals.get(key[1:]),
            set(COMPLETE.get(str(key[0]), ("?",))) <= set(parts),
        )
        for key, parts in wholes.items() if len(parts) > 1
    ]  # fmt: skip
    order = (*BREAKDOWNS, "area")
    return sorted(found, key=lambda one: (one.parts[0].start, one.parts[0].indicator, order.index(one.column)))


def rivals(found: Sequence[Parts]) -> list[tuple[Parts, Parts]]:
    """Pairs of full sets of parts of one whole whose sums cannot both be true."""
    full = [one for one in found if one.complete]
    pairs = [(a, b) for at, a in enumerate(full) for b in full[at + 1 :] if _whole(a) == _whole(b)]
    return [(a, b) for a, b in pairs if _apart(a, b) or _apart(b, a)]


def _apart(a: Parts, b: Parts) -> bool:
    """Whether all of `a` lies below all of `b`."""
    return a.high is not None and a.high < b.low


def _place(one: Figure) -> tuple[object, ...]:
    """What parts and whole must share."""
    return one.indicator, one.unit, one.window, one.originator, one.document


def _whole(one: Parts) -> tuple[object, ...]:
    """The whole that the parts divide."""
    part = one.parts[0]
    return (*_place(part), part.area, tuple(cell for cell in part.breakdown if cell[0] != one.column))
