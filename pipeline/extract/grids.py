"""Spanned cells laid on a grid, whatever kind of document they come from; which rows are headings.

The HTML standard's way of forming a table: a cell takes the first free place of its row and covers what its spans
say, cut off at the end of its group of rows; where two cells cover one place, the later one that prints anything is
seen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from pipeline.extract.draft import Draft, Rows

Own = list[set[int]]
_MOST_HEADINGS: Final = 5
_YEAR: Final = re.compile(r"\D*(?:19|20)\d\d(?:\s*[-–—/]\s*(?:19|20)?\d\d)?\D*")


class Span(NamedTuple):
    """A cell before it is laid: `down` 0 means to the end of its group."""

    text: str
    across: int = 1
    down: int = 1
    head: bool = False


def laid(groups: Sequence[Sequence[Sequence[Span]]], draft: Draft) -> tuple[Rows, Own]:
    """The rows with each span repeated, all of one length, and the columns of each where a cell begins."""
    plain = [row for group in groups for row in group]
    width = len(plain[0]) if plain else 0
    spread = {cell[1:3] for row in plain for cell in row}  # how wide and high cells are
    if width and spread == {(1, 1)} and set(map(len, plain)) == {width}:
        draft.claim(width * len(plain))
        return [[cell[0] for cell in row] for row in plain], [set(range(width))] * len(plain)
    slots: list[dict[int, str]] = []
    own: Own = []
    claimed = 0
    for group in groups:
        first = len(slots)
        slots += [{} for _ in group]
        own += [set() for _ in group]
        for line, row in enumerate(group):
            claims = sum(cell.across * max(cell.down, 1) for cell in row)
            draft.claim(claims)
            claimed += claims
            column = 0
            for cell in row:
                while column in slots[first + line]:
                    column += 1
                own[first + line].add(column)
                last = min(line + cell.down, len(group)) if cell.down else len(group)
                for below in range(first + line, first + last):
                    for across in range(column, column + cell.across):
                        slots[below][across] = cell.text or slots[below].get(across, "")
                column += cell.across
    width = max((max(row, default=-1) for row in slots), default=-1) + 1
    draft.claim(max(width * len(slots) - claimed, 0))
    return [[row.get(column, "") for column in range(width)] for row in slots], own


def header_rows(rows: Rows) -> int:
    """How many rows at the top hold words or years only, where a row with other numbers follows; else 0."""
    for line, row in enumerate(rows[: _MOST_HEADINGS + 1]):
        if any(any(map(str.isdigit, text)) and not _YEAR.fullmatch(text) for text in row):
            return line
    return 0
