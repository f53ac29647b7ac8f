"""Tables without rules: where the lines of a page part at the same columns of white, and whether camelot agrees.

A region is at least three lines that are parted, with a column of numbers beside another, so that prose in two
columns, contents and letterheads are none. Its columns are believed only if camelot's network or stream reader puts
its own borders into the same white: two witnesses or none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from pipeline.extract.print import Box, Letter, box_of, line_text

Run = list[Letter]
_FEWEST_LINES: Final = 3
_FLAVOURS: Final = ("network", "stream")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True)
class Region:
    """A place that looks like a table: its box, the columns of white that part it, and its lines of runs."""

    box: Box
    whites: list[tuple[float, float]]
    lines: list[list[Run]]

    @property
    def edges(self) -> list[float]:
        """The borders of the columns, the outer ones included."""
        return [self.box[0], *((left + right) / 2 for left, right in self.whites), self.box[2]]


def regions(found: Iterable[Letter]) -> list[Region]:
    """The regions that look like tables without rules, from top to bottom."""
    groups: list[list[list[Run]]] = []
    below = 0.0
    for line in _lines(found):
        _, top, _, bottom = box_of([letter for run in line for letter in run])
        size = line[0][0].size
        gaps = [after[0].left - before[-1].right for before, after in pairwise(line)]
        prose = max(map(len, line)) > 60 or (sum(map(len, line)) > 60 and max(gaps, default=0.0) < size)
        if not groups or prose or top - below > 1.8 * size:
            groups.append([])
        if not prose:
            groups[-1].append(line)
        below = bottom
    return [region for group in groups if (region := _region(group))]


def rows(region: Region) -> tuple[list[list[str]], list[set[int]]]:
    """The region on its grid: a run that crosses a white column fills the columns on both sides."""
    told: list[list[str]] = []
    own: list[set[int]] = []
    tight = _tight(region.lines)
    for place, line in enumerate(region.lines):
        row, begun = [""] * (len(region.edges) - 1), set()
        for run in line:
            left, _, right, _ = box_of(run)
            covered = [
                at for at, (low, high) in enumerate(pairwise(region.edges)) if min(right, high) - max(left, low) > 1
            ]
            for at in covered:
                row[at] = f"{row[at]} {line_text(run)}".strip()
            begun.update(covered[:1])
        goes_on = place and told[-1][0] and (not any(map(_is_number, row)) or (row[0] and not any(told[-1][1:])))
        if place in tight and goes_on:
            told[-1] = [f"{above}\n{text}".strip("\n") for above, text in zip(told[-1], row, strict=True)]
            own[-1] |= begun
        else:
            told.append(row)
            own.append(begun)
    return _labelled(told, own)


def _labelled(told: list[list[str]], own: list[set[int]]) -> tuple[list[list[str]], list[set[int]]]:
    """The same rows, a label of several lines joined to the figures that stand beside its middle."""
    at = 0
    while at < len(told):
        if not told[at][0] and any(map(_is_figure, told[at])):
            for near, label in ((at + 1, "{0}\n{1}"), (at - 1, "{1}\n{0}")):
                if 0 <= near < len(told) and told[near][0] and not any(told[near][1:]):
                    told[at][0] = label.format(told[at][0], told[near][0]).strip("\n")
                    own[at].add(0)
                    del told[near], own[near]
                    at = min(at, near)
        at += 1
    return told, own


def confirmed(found: Sequence[Region], number: int, height: float, path: str) -> list[str]:
    """For each region of a page the flavour of camelot that bears its columns out, or "".

    A flavour bears them out with the same columns; where all columns but the first hold nothing but numbers, it is
    enough that it sees a table there.
    """
    said = [""] * len(found)
    for flavour in _FLAVOURS:
        for at, region in enumerate(found):
            if said[at]:
                continue
            borders = _borders(flavour, region.box, number, height, path)
            same = len(borders) == len(region.whites) and all(
                low - 3 <= border <= high + 3 for border, (low, high) in zip(borders, region.whites, strict=True)
            )
            if same or (borders and flavour == _FLAVOURS[-1] and _all_numbers(region)):
                said[at] = f"white columns, camelot {flavour}"
    return said


def _borders(flavour: str, box: Box, number: int, height: float, path: str) -> list[float]:
    """The inner borders of the columns that camelot sees in a box."""
    import camelot.io  # noqa: PLC0415 - a second, and only where such a table is

    left, top, right, bottom = box
    area = f"{left - 2:.1f},{height - top + 2:.1f},{right + 2:.1f},{height - bottom - 2:.1f}"
    try:
        seen = camelot.io.read_pdf(path, pages=str(number), flavor=flavour, table_areas=[area], suppress_stdout=True)
        return [column[0] for column in seen[0].cols[1:]]
    except Exception:  # noqa: BLE001 - a witness that fails has not confirmed
        return []


def _all_numbers(region: Region) -> bool:
    """Whether below the headings every cell right of the first column is one number or a dash."""
    body = rows(region)[0]
    while body and not any(map(_is_figure, body[0][1:])):
        body = body[1:]
    cells = [text for row in body for text in row[1:] if text]
    return len(body) >= _FEWEST_LINES and all(map(_is_number, cells)) and not any("\t" in text for text in cells)


def _lines(found: Iterable[Letter]) -> list[list[Run]]:
    """Lines as the eye sees them, each parted at wide gaps."""
    lines: list[list[Letter]] = []
    for letter in sorted((one for one in found if not one.text.isspace()), key=lambda one: (one.base, one.left)):
        middle = (letter.top + letter.bottom) / 2
        line = next((line for line in reversed(lines[-3:]) if line[0].top < middle < line[0].bottom), None)
        if line is None:
            lines.append([letter])
        else:
            line.append(letter)
    parted = []
    for line in lines:
        line.sort(key=lambda one: one.left)
        runs = [[line[0]]]
        for last, letter in pairwise(line):
            if letter.left - last.right > 0.3 * max(letter.size, last.size):
                runs.append([])
            runs[-1].append(letter)
        parted.append(runs)
    return parted


def _region(group: Sequence[list[Run]]) -> Region | None:
    """The table that a group of near lines makes, if it makes one."""
    several = [at for at, line in enumerate(group) if len(line) > 1]
    if len(several) < _FEWEST_LINES:
        return None
    last = several[-1] + 1
    while last < len(group) and group[last][0][0].top - group[last - 1][0][0].bottom < 0.3 * group[last][0][0].size:
        last += 1  # the second line of a label
    lines = list(group[several[0] : last])
    whites = _whites(lines) or _whites([line for line in lines if len(line) > 1])
    if not whites:
        return None
    region = Region(box_of([letter for line in lines for run in line for letter in run]), whites, lines)
    texts = [line_text(run) for line in lines for run in line]
    if any("...." in text or "…" in text for text in texts):
        return None
    columns = list(zip(*rows(region)[0], strict=True))
    filled = [[text for text in column if text] for column in columns[1:]]
    numeric = [column for column in filled if sum(map(_is_number, column)) >= max(0.5 * len(column), 2)]
    return region if numeric else None


def _whites(lines: Sequence[list[Run]]) -> list[tuple[float, float]]:
    """Where every line below the headings is white, and most have letters on both sides."""
    heads = next((at for at, line in enumerate(lines) if any(map(_is_figure, map(line_text, line[1:])))), 0)
    boxes = [[(min(one.left for one in run), max(one.right for one in run)) for run in line] for line in lines[heads:]]
    places = sorted({place for line in boxes for box in line for place in box})
    size = lines[0][0][0].size
    found: list[tuple[float, float]] = []
    for low, high in pairwise(places):
        if not any(left < high - 0.01 and right > low + 0.01 for line in boxes for left, right in line):
            if found and found[-1][1] == low:
                found[-1] = (found[-1][0], high)
            else:
                found.append((low, high))
    kept: list[tuple[float, float]] = []
    for low, high in reversed(found):
        border = kept[-1][0] if kept else places[-1]
        held = sum(any(high - 0.01 <= left and right <= border + 0.01 for left, right in line) for line in boxes)
        if high - low > 0.3 * size and held >= 0.4 * len(boxes):
            kept.append((low, high))
    return kept[::-1]


def _tight(lines: Sequence[list[Run]]) -> set[int]:
    """The lines that stand nearer to the line above than rows do: a cell's second line."""
    gaps = [below[0][0].base - above[0][0].base for above, below in pairwise(lines)]
    if not gaps or max(gaps) < 1.25 * min(gaps):
        return set()
    return {at for at, gap in enumerate(gaps, 1) if gap < (min(gaps) + max(gaps)) / 2}


def is_stack(text: str) -> bool:
    """Whether a cell holds three numbers or more, one below another: rows that no rule parts."""
    return text.count("\n") >= _FEWEST_LINES - 1 and all(map(_is_number, text.split("\n")))


def _is_number(text: str) -> bool:
    digits = sum(map(str.isdigit, text))
    return text in ("-", "—", "–", "…") or digits > 0.5 * sum(map(str.isalnum, text))


def _is_figure(text: str) -> bool:
    return _is_number(text) and not _YEAR.fullmatch(text)
