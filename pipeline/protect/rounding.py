"""Controlled rounding: every printed cell a multiple of the base next to its count, adding up as one register would.

The whole system is rounded at once over the joint cells, so the printed numbers are themselves the tables of a
register: that alone is what a reader learns. A system of the usual size goes through one whole-number programme, a
large one through search.py. Which way a count goes is drawn with a secret key; a number printed before stays while it
may. Part of the protector; reads and writes nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

import numpy

from pipeline.protect import search
from pipeline.protect.published import MOST
from pipeline.protect.solver import Program
from pipeline.protect.space import Cell, Space

FAR: Final = 0.03  # how often the key sends a count to the farther multiple: enough that each may be any
MARGIN: Final = 6.0  # the weight of a total over all but one variable: it is read most
STAY: Final = 60.0  # what a changed number costs, against at most `base` for a cell
PUSH: Final = 150.0  # what it costs to leave a number where an audit found it to give something away
GAP: Final = 0.005
LARGE: Final = 500  # counts that must be rounded: with more, the best numbers take longer than they are worth
HOPELESS: Final = 2000  # with more, the programme finds in no time anyone waits what the search did not find
LOOSE: Final = 0.1  # the gap between the two
ATTEMPTS: Final = 3


def rounded(
    space: Space, cells: Sequence[Cell], held: numpy.ndarray, true: numpy.ndarray, history: numpy.ndarray,
    said: numpy.ndarray, seen: numpy.ndarray, closed: numpy.ndarray, base: int, key: bytes, pushed: numpy.ndarray,
) -> numpy.ndarray | None:  # fmt: skip
    """The rounded number of every cell, or None where no such numbers exist.

    Shape: `held` the count of every atom, `true` of every cell; `history` per release and cell, -1 for none, oldest
    first; `said` marks cells whose zero is printed as one; `seen` those that everybody knows not to be empty;
    `closed` numbers the years that were over when last told, 0 for others; `pushed` how often an audit asks for more
    (or, below 0, less).
    """
    floor, rest = numpy.divmod(true, base)
    open_ = numpy.flatnonzero(rest)
    mine = [cells[at] for at in open_.tolist()]
    dice = numpy.array([drawn(key, cell) for cell in mine])
    margin = numpy.array([len(cell) for cell in mine]) <= 1
    swap = (dice < FAR) & ~(margin & (true[open_] >= base))
    up = numpy.where(swap, rest[open_], base - rest[open_]) - numpy.where(swap, base - rest[open_], rest[open_])
    last = history[-1] if len(history) else numpy.full(len(true), -1)
    cost = numpy.where(margin, MARGIN, 1.0) * (up + 0.5 * dice)
    moved = closed[(last >= 0) & (numpy.abs(last - true) >= base)]  # closed years of which some number must change
    stay = numpy.where(numpy.isin(closed[open_], [0, *moved]), STAY, 2 * STAY)
    cost += stay * ((last[open_] == base * floor[open_]) * 1 - (last[open_] == base * (floor[open_] + 1)))
    cost -= PUSH * pushed[open_]
    # A small number that was once printed as 5 must not now be 0: nobody takes cases away, a reader would say.
    was_up = (history >= base).any(axis=0) if len(history) else numpy.zeros(len(true), dtype=bool)
    forced = ((true < base) & (was_up | said | seen))[open_]
    if len(open_) > LARGE:
        least, most = floor.copy(), floor.copy()
        least[open_] += forced | (pushed[open_] > 0)
        most[open_] += forced | (pushed[open_] >= 0)
        found = _searched(space, held, last, least, most, base, key)
        if found is not None or len(open_) > HOPELESS:
            return found
    rows, atoms, values = space.triples
    width, height = int(space.starts[-1]), space.cells + space.seams
    each = numpy.arange(len(open_))
    steps = numpy.full(len(open_), -float(base))
    triples = numpy.append(rows, open_), numpy.append(atoms, width + each), numpy.append(values, steps)
    right = numpy.append(base * floor, numpy.zeros(space.seams))
    low = numpy.append(numpy.zeros(width), forced)
    high = numpy.append(numpy.full(width, float(true.max(initial=0) + base)), numpy.ones(len(open_)))
    stays = (last[open_] == base * floor[open_]) | (last[open_] == base * (floor[open_] + 1))
    up_before = (last[open_] > base * floor[open_]).astype(float)
    kept = numpy.append(numpy.zeros(width, dtype=bool), stays & (pushed[open_] == 0) & (up_before >= forced))
    offset, gap = float(numpy.abs(cost).sum()), GAP if len(open_) <= LARGE else LOOSE
    before = numpy.append(low[:width], up_before)
    for stuck in (kept, kept & False) if kept.any() else (kept,):  # all numbers as they were, if the others can follow
        least, most = (numpy.where(stuck, before, bound) for bound in (low, high))
        shape = (height, width + len(open_))
        program = Program(shape, triples, (right, right), (least, most), gap, offset)
        point = program.smallest(numpy.append(numpy.zeros(width), cost))
        if point is not None:
            answer = base * floor
            answer[open_] += base * point[width:]
            return answer
    return None


def _searched(
    space: Space, held: numpy.ndarray, last: numpy.ndarray, least: numpy.ndarray, most: numpy.ndarray, base: int,
    key: bytes,
) -> numpy.ndarray | None:  # fmt: skip
    """The rounded number of every cell of a large system, set out from draws of the key and what was printed last."""
    seed = int.from_bytes(hmac.digest(key, b"a large system", hashlib.sha256), "big")
    start = (held + numpy.random.default_rng(seed).integers(0, base, len(held))) // base
    cells, atoms = (one[last[space.single[0]] >= 0] for one in space.single)
    # A cell that is one atom stays, if it may.
    start[atoms] = numpy.clip(last[cells] // base, least[cells], most[cells])
    none, any_ = numpy.zeros(len(held), dtype=numpy.int64), numpy.full(len(held), MOST)
    found = (search.tables(space, start, (least, most), seed + attempt, none, any_) for attempt in range(ATTEMPTS))
    told = next((one for one in found if one is not None), None)
    return None if told is None else base * space.held(told)


def drawn(key: bytes, cell: Cell) -> float:
    """A number between 0 and 1 that only the holder of the key can tell; the same for a cell in every release."""
    name = "\n".join(f"{variable}={'|'.join(sorted(codes))}" for variable, codes in cell)
    return int.from_bytes(hmac.digest(key, name.encode(), hashlib.sha256)[:8], "big") / 2**64
