"""Thousands of small groups at once: which claims are set aside, and the tightest bounds between any two days.

For groups with the same number of days, D[i, j, g] is the most that can have been counted from day i to day j in group
g (negative: minus the least). Claims enter one by one, the most trusted first, in all groups together; one that
D already forbids is set aside, any other tightens D. All in whole numbers, 32 bits wide where a group's numbers leave
room, else 64 (`answer` refuses groups beyond that). `single` does the same for one group too large for a full table.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.reconcile.constraints import Window

Ints: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
# A table of this many days a side is still cheaper than walking from each day in turn.
SMALL = 512
CELLS = 1 << 18
SOURCES = 1024


NARROW_TOTAL, WIDE_TOTAL = 1 << 28, 1 << 60


def endless(*, wide: bool) -> int:
    """The number that stands for no limit: no sum of a group's numbers comes near it, and three of it still fit."""
    return 1 << 61 if wide else 1 << 29


def table(
    days: int, start: Ints, stop: Ints, low: Ints, high: Ints, *, wide: bool,
) -> tuple[NDArray[np.signedinteger], Flags]:  # fmt: skip
    """D for a batch of groups with `days` days each, and which of their claims were set aside.

    Shape: claims are (claim, group) arrays in order of trust, filled up with claims that demand nothing; D is (days,
    days, groups), and a value above half of `endless` means no limit.
    """
    kind = np.int64 if wide else np.int32
    groups = np.arange(start.shape[1])
    least, greatest, none = low.astype(kind), high.astype(kind), kind(endless(wide=wide))
    empty = np.where(np.tri(days, dtype=bool), kind(0), none)
    most = np.repeat(empty[:, :, None], groups.size, axis=2)
    detour = np.empty_like(most)
    aside = np.zeros(start.shape, dtype=bool)
    for claim in range(start.shape[0]):
        s, t = start[claim], stop[claim]
        up, down = most[s, t, groups], most[t, s, groups]
        aside[claim] = (least[claim] > up) | (greatest[claim] < -down)
        for a, b, step, now in ((s, t, greatest[claim], up), (t, s, -least[claim], down)):
            useful = (step < now) & ~aside[claim]
            if useful.any():
                into = most[:, a, groups] + np.where(useful, step, none)
                onward = most.swapaxes(0, 1)[:, b, groups]
                np.add(into[:, None, :], onward[None, :, :], out=detour)
                np.minimum(most, detour, out=most)
    return most, aside


def single(windows: Sequence[Window], pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int | None]]:
    """The bounds of one consistent group, low and high (None: no limit), between each pair of days.

    The claims are walked in Yen's order from up to a thousand days at once.
    """
    days = sorted({day for window in windows for day in window[:2]})
    place = {day: at for at, day in enumerate(days)}
    back: list[list[tuple[int, int]]] = [[] for _ in days]
    forth: list[list[tuple[int, int]]] = [[] for _ in days]
    for start, stop, low, high in windows:
        if low > 0:
            back[place[stop]].append((place[start], low))
        if high is not None:
            forth[place[start]].append((place[stop], high))
    wanted = [_between(days, pair) for pair in pairs]
    most: dict[tuple[int, int], int] = {}
    asked = sorted({step for steps in wanted for step in steps if step})
    sources = sorted({a for a, _ in asked})
    for first in range(0, len(sources), SOURCES):
        chunk = sources[first : first + SOURCES]
        column = {a: at for at, a in enumerate(chunk)}
        reach = np.full((len(days), len(chunk)), endless(wide=True))
        reach[chunk, np.arange(len(chunk))] = 0
        while _walk(reach, back, forth):
            pass
        most |= {(a, b): int(reach[b, column[a]]) for a, b in asked if a in column}
    return [_bounds(most, up, down) for up, down in wanted]


def _between(days: list[int], pair: tuple[int, int]) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """The steps that bound a pair of days from above and from below: outwards, and inwards, to days of claims."""
    before = [bisect_right(days, day) - 1 for day in pair]
    after = [bisect_left(days, day) for day in pair]
    up = (before[0], after[1]) if before[0] >= 0 and after[1] < len(days) else None
    down = (before[1], after[0]) if before[1] >= 0 and after[0] < len(days) else None
    return up, down


def _walk(
    reach: Ints, back: list[list[tuple[int, int]]], forth: list[list[tuple[int, int]]],
) -> bool:  # fmt: skip
    """One pass back and one forth for all sources; true if anything fell."""
    was = reach.copy()
    for at in range(len(back) - 1, -1, -1):
        if at + 1 < len(back):
            np.minimum(reach[at], reach[at + 1], out=reach[at])
        for s, low in back[at]:
            np.minimum(reach[s], reach[at] - low, out=reach[s])
    for at in range(len(forth)):
        for t, high in forth[at]:
            np.minimum(reach[t], reach[at] + high, out=reach[t])
    return bool((reach != was).any())


def _bounds(
    most: dict[tuple[int, int], int], up: tuple[int, int] | None, down: tuple[int, int] | None,
) -> tuple[int, int | None]:  # fmt: skip
    """Low and high from the two steps."""
    high = most[up] if up else endless(wide=True)
    return (max(0, -most[down]) if down else 0), (high if high <= endless(wide=True) // 2 else None)
