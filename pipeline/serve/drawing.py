"""Where the parts of a chart lie: pure numbers, in the units of its picture.

The templates draw; this says where, so that no number covers a bar or another number. Knows no page and no database.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

THICK: Final = 6
# Of the type on a phone, where it is largest against the picture.
LETTER_WIDE, LETTER_HIGH = 8.5, 12
Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True, slots=True)
class Axes:
    """The field of a chart: its corner, its size, its first and last year and the number at its top."""

    left: float
    over: float
    wide: float
    high: float
    first: int
    after: int
    top: float

    def x(self, years: float) -> float:
        """Where a moment stands from left to right."""
        return self.left + self.wide * (years - self.first) / (self.after - self.first)

    def y(self, number: float) -> float:
        """Where a number stands from top to bottom."""
        return self.over + self.high - self.high * number / self.top


def bars(axes: Axes, claims: Sequence[Mapping[str, Any]], signs: Sequence[str]) -> list[dict[str, Any]]:
    """A bar for each claim and a place for its number, the first claims first; a number that fits nowhere has none.

    Shape: x, y, w of the bar, whose middle line is y; `text`, `at`, `level` of the number, `level` None if nowhere.
    """
    made: list[dict[str, Any]] = []
    for claim, sign in zip(claims, signs, strict=True):
        start, end = year_fraction(claim["period_start"]), year_fraction(claim["period_end"], 1)
        x, y = axes.x(start), axes.y(claim["value"])
        wide = max(axes.x(end) - x - 1, 3)
        made.append({"claim": claim, "x": x, "y": y, "w": wide, "text": f"{claim['value']}{sign}"})
    solid = [(bar["x"], bar["y"] - THICK / 2, bar["x"] + bar["w"], bar["y"] + THICK / 2) for bar in made]
    for bar in made:
        half = LETTER_WIDE * len(bar["text"]) / 2
        middle = min(max(bar["x"] + bar["w"] / 2, axes.left + half), axes.left + axes.wide + 2 - half)
        beside = [(bar["x"] + bar["w"] + half + 2, bar["y"] + 4)]
        near = [(middle + aside, bar["y"] + down) for aside in (0, 8, -8) for down in (-6, 14)]
        bar["at"], bar["level"] = middle, None
        for at, level in near + beside:
            box = (at - half, level - LETTER_HIGH + 2, at + half, level + 1)
            inside = box[0] >= axes.left - 1 and box[2] <= axes.left + axes.wide + 3 and box[3] <= axes.y(0) - 1
            if inside and not any(_meet(box, other) for other in solid):
                bar["at"], bar["level"] = at, level
                solid.append(box)
                break
    return made


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def year_fraction(iso: str, after: int = 0) -> float:
    """A day as years: the first of July 2021 is 2021.5, nearly; with `after` 1, the end of the day."""
    day = datetime.date.fromisoformat(iso)
    return day.year + (day.timetuple().tm_yday - 1 + after) / 366


def ticks(most: float) -> list[int]:
    """Round numbers from zero to at least `most`, five or so."""
    rough = max(most, 4) / 4
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * nice for nice in (1, 2, 5, 10) if size * nice >= rough)
    return [int(step * n) for n in range(math.ceil(max(most, 4) / step) + 1)]


def years(told: Iterable[object]) -> str:
    """Years in words as short as they can be: "2010, 2012–2014"."""
    runs = []
    for _, run in groupby(enumerate(sorted({int(str(year)) for year in told})), lambda one: one[1] - one[0]):
        own = [year for _, year in run]
        runs.append(f"{own[0]}" if len(own) == 1 else f"{own[0]}–{own[-1]}")
    return ", ".join(runs)
