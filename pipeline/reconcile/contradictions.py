"""Which claims cannot be true together, down to the smallest set, and which of them to set aside.

Claims are taken in from the most trusted to the least. One that cannot be true beside those already taken in is set
aside, together with the smallest set of them that it contradicts. So what is set aside depends on the order of trust
alone, never on which of several cycles happens to be found first, and every contradiction is named by its least
trusted claim. Knows windows and numbers only.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

import numpy as np

from pipeline.reconcile.constraints import Window

HIGH, LOW = 0, 1
# When a large group's sweeps give way to `_settle`, how long that tries, and from where it could leave 64 bits.
PATIENCE, MANY, ROUNDS, FAR = 3, 256, 100, 1 << 61


class Contradiction(NamedTuple):
    """A smallest set of claims (places in the given order) that cannot all be true.

    The counts that `lower` demand together are more than `upper` allow, although `upper` cover every day at least as
    often. Each claim of the set is in exactly one of the two.
    """

    upper: tuple[int, ...]
    lower: tuple[int, ...]

    @property
    def members(self) -> tuple[int, ...]:
        """All claims of the contradiction, from the most trusted to the least."""
        return tuple(sorted(self.upper + self.lower))


class _Taken:
    """Claims known to be true together, with one count for each day that satisfies them all.

    Bellman-Ford in Yen's order: all steps back in time, then all forward, until nothing falls any more. A step back
    without a claim costs nothing, because a count never falls. Exact: Python's own whole numbers.
    """

    def __init__(self, windows: Sequence[Window], among: Sequence[int]) -> None:
        self.windows = windows
        days = sorted({day for i in among for day in windows[i][:2]})
        self.place = {day: at for at, day in enumerate(days)}
        self.back: list[list[tuple[int, int, int]]] = [[] for _ in days]
        self.forth: list[list[tuple[int, int, int]]] = [[] for _ in days]
        self.least = [0] * len(days)
        self.tail: dict[int, int] = {}

    def take(self, claims: Sequence[int]) -> Contradiction | None:
        """Take all of `claims` in, or none of them: then a contradiction among them and those taken before."""
        before = self.least.copy()
        via = [-1] * len(before)
        self._add(claims)
        for sweep in count(1):
            if not self._sweep(via) or (sweep == PATIENCE and len(claims) >= MANY and self._settle()):
                break
            cycle = _cycle(via, self.tail)
            if cycle:
                self._remove(claims)
                self.least = before
                return Contradiction(
                    tuple(sorted(edge >> 1 for edge in cycle if edge & 1 == HIGH)),
                    tuple(sorted(edge >> 1 for edge in cycle if edge & 1 == LOW)),
                )
        return None

    def _add(self, claims: Sequence[int]) -> None:
        """A step forth for what a claim allows, a step back for what it demands."""
        for i in claims:
            start, stop, low, high = self.windows[i]
            s, t = self.place[start], self.place[stop]
            self.tail[2 * i + LOW], self.tail[2 * i + HIGH] = t, s
            if low > 0:
                self.back[t].append((s, low, 2 * i + LOW))
            if high is not None:
                self.forth[s].append((t, high, 2 * i + HIGH))

    def _remove(self, claims: Sequence[int]) -> None:
        """Undo `_add`, the last first."""
        for i in reversed(claims):
            start, stop, low, high = self.windows[i]
            if low > 0:
                self.back[self.place[stop]].pop()
            if high is not None:
                self.forth[self.place[start]].pop()

    def _settle(self) -> bool:
        """Go on with all steps at once; true if nothing falls any more. A contradiction is left to the sweeps.

        What contradicts itself shows in the first sweeps; what does not can need many, and this is ten times faster.
        """
        if min(self.least) < -FAR:
            return False
        back = np.array([(at, s, -low) for at, steps in enumerate(self.back) for s, low, _ in steps], dtype=np.int64)
        forth = np.array([(at, t, high) for at, steps in enumerate(self.forth) for t, high, _ in steps], dtype=np.int64)
        least = np.array(self.least, dtype=np.int64)
        for _ in range(ROUNDS):
            before = least
            for steps in (back.reshape(-1, 3).T, forth.reshape(-1, 3).T):
                least = least.copy()
                np.minimum.at(least, steps[1], least[steps[0]] + steps[2])
                least = np.minimum.accumulate(least[::-1])[::-1]
            if (least == before).all():
                self.least = least.tolist()
                return True
        return False

    def _sweep(self, via: list[int]) -> bool:
        """One pass back and one forth; true if anything fell. `via` keeps the step that made each day fall last."""
        least, fell, ahead = self.least, False, len(via) - 1
        for at in range(ahead, -1, -1):
            here = least[at]
            if least[ahead] < here:
                here = least[at] = least[ahead]
                via[at] = via[ahead]
                fell = True
            ahead = at
            for s, low, edge in self.back[at]:
                if here - low < least[s]:
                    least[s] = here - low
                    via[s] = edge
                    fell = True
        for at, steps in enumerate(self.forth):
            for t, high, edge in steps:
                if least[at] + high < least[t]:
                    least[t] = least[at] + high
                    via[t] = edge
                    fell = True
        return fell


def negative_cycle(windows: Sequence[Window], among: Sequence[int]) -> Contradiction | None:
    """Some claims of `among` that contradict each other (not yet the smallest set), or None if all can be true."""
    return _Taken(windows, among).take(among)


def _cycle(via: list[int], tail: dict[int, int]) -> list[int]:
    """The edges of a circle among the latest causes; a circle of causes is a negative cycle."""
    walk_of = [-1] * len(via)
    for first in range(len(via)):
        at, path = first, []
        while via[at] >= 0 and walk_of[at] < 0:
            walk_of[at] = first
            path.append(at)
            at = tail[via[at]]
        if via[at] >= 0 and walk_of[at] == first:
            return [via[node] for node in path[path.index(at) :]]
    return []


def smallest(windows: Sequence[Window], found: Contradiction) -> Contradiction:
    """`found` shrunk until dropping any one claim leaves claims that can all be true.

    The least trusted are tried first, so that of two ways to the same contradiction the better witnesses stay.
    """
    needed: list[int] = []
    rest = list(found.members)
    while rest:
        tried = rest.pop()
        fewer = negative_cycle(windows, needed + rest)
        if fewer is None:
            needed.append(tried)
        else:
            found = fewer
            kept = set(fewer.members)
            rest = [i for i in rest if i in kept]
    return found


def contradictions(windows: Sequence[Window]) -> list[Contradiction]:
    """Every contradiction among claims given from the most trusted to the least, one for each claim set aside.

    The claim set aside is the last member of each. Takes in as many claims at a time as agree, and halves its way to
    the first that does not, so that a group of thousands is not tried claim by claim.
    """
    taken = _Taken(windows, range(len(windows)))
    found: list[Contradiction] = []
    at, stride, pending = 0, len(windows), None
    while at < len(windows):
        block = range(at, min(at + stride, len(windows)))
        cycle = taken.take(block)
        if cycle is None:
            at += stride
            stride *= 2
        else:
            pending = cycle
        while pending is not None and pending.members[-1] == at:
            found.append(smallest(windows, pending))
            pending, at, stride = None, at + 1, max(1, stride // 2)
        if pending is not None:
            stride = pending.members[-1] - at
    return found


def first_contradiction(windows: Sequence[Window]) -> Contradiction | None:
    """One smallest contradiction, or None: the quick verdict on a single large group."""
    cycle = negative_cycle(windows, range(len(windows)))
    return None if cycle is None else smallest(windows, cycle)
