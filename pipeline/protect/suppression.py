"""Cell suppression, for a design that asks for it: which cells to leave out, and which more after an attack.

Small cells and zeros that must not be said are left out first, then cells that would give them away in their own line.
Whether that is enough says the attack alone: for each cell it still proves, one more is left out in each line of it.
The cheapest goes, the key deciding between cells that cost nearly the same. Part of the protector; reads and writes
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from pipeline.protect.rounding import drawn
from pipeline.protect.space import Cell


def hidden(
    counts: Mapping[Cell, int], lines: Sequence[Sequence[Cell]], said: Collection[Cell], threshold: int, key: bytes
) -> set[Cell]:
    """The cells left out before any attack: each line lacks none, or at least two that hold enough together.

    Shape: `lines` are a total and its parts; `said` are cells whose zero is printed.
    """
    out = {cell for cell, count in counts.items() if count < threshold and not (count == 0 and cell in said)}
    found: set[Cell] = out
    while found:
        found = set()
        for line in lines:
            gone = out & set(line)
            if gone and (len(gone) < 2 or sum(counts[cell] for cell in gone) < threshold):  # noqa: PLR2004 - it and one more
                found |= set(_cheapest(counts, [line], out, key))
        out |= found
    return out


def more(
    counts: Mapping[Cell, int],
    lines: Sequence[Sequence[Cell]],
    out: Collection[Cell],
    proved: Collection[Cell],
    key: bytes,
) -> set[Cell]:
    """The cells to leave out as well, for the attack proved these; empty where no line of theirs has one left."""
    return {one for cell in proved for one in _cheapest(counts, [line for line in lines if cell in line], out, key)}


def _cheapest(
    counts: Mapping[Cell, int], lines: Sequence[Sequence[Cell]], out: Collection[Cell], key: bytes
) -> Iterator[Cell]:
    """Of each line the printed cell that holds least, or nearly least."""
    for line in lines:
        printed = [cell for cell in line if cell not in out]
        if printed:
            yield min(printed, key=lambda cell: (1 + counts[cell]) * (1 + drawn(key, cell)))
