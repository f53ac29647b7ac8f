"""Letters on a page of a PDF and the lines they make: where, how large, raised or lowered.

pdfium says which letters stand where; words, lines and paragraphs are made here, for a PDF has none. A letter that
is small and high follows a "^", small and low a "_". The order of running text is that of the file, for columns; the
order inside a cell is that of the eye.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from ctypes import byref, c_double
from typing import Final, NamedTuple

import pypdfium2
from pypdfium2 import raw

from pipeline.extract.letters import UNREADABLE, strangeness
from pipeline.extract.refusals import RefusedError

Box = tuple[float, float, float, float]  # left, top, right, bottom; points from the upper left corner
MOST_LETTERS: Final = 200_000
_CID: Final = re.compile(r"\(cid:\d+\)")
_SENTENCE_END: Final = (".", ":", ";", "!", "?")


class Letter(NamedTuple):
    """One printed sign and its place."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    base: float

    @property
    def size(self) -> float:
        """Height from ascent to descent, in points."""
        return self.bottom - self.top


def letters(page: pypdfium2.PdfPage, number: int, frame: Box) -> list[Letter]:
    """The letters of a page whose frame in the file is `frame` (left, low, right, high).

    Raises: RefusedError for text that is a cipher or too much to place.
    """
    print_ = page.get_textpage()
    count = print_.count_chars()
    if count > MOST_LETTERS:
        raise RefusedError("E_PARSER_TIME", f"{count:,} letters on page {number}")
    upright = _upright(page.get_rotation(), frame)
    box, x, y = raw.FS_RECTF(), c_double(), c_double()
    found, odd = [], 0
    for place in range(count):
        code = raw.FPDFText_GetUnicode(print_, place)
        if raw.FPDFText_IsGenerated(print_, place) or code in (9, 10, 13):
            continue
        odd += (code < 32 and code != 2) or 0xE000 <= code <= 0xF8FF or code >= 0xFFFD
        raw.FPDFText_GetLooseCharBox(print_, place, byref(box))
        raw.FPDFText_GetCharOrigin(print_, place, byref(x), byref(y))
        corners = upright(box.left, box.top), upright(box.right, box.bottom)
        left, right = sorted(corner[0] for corner in corners)
        top, bottom = sorted(corner[1] for corner in corners)
        sign = "-" if code == 2 else chr(code)  # pdfium's mark for a hyphen at the end of a line
        found.append(Letter(sign, left, top, right, bottom, upright(x.value, y.value)[1]))
    text = "".join(letter.text for letter in found)
    if odd > max(20, count // 20) or len(_CID.findall(text)) > 2 or strangeness(text) > UNREADABLE:
        raise RefusedError("E_CIPHER_TEXT", f"letters on page {number} that stand for other letters")
    return found


def _upright(turned: int, frame: Box) -> Callable[[float, float], tuple[float, float]]:
    """From a place in the file to one on the page as it is shown, turned and counted from the upper left corner."""
    left, low, right, high = frame
    return {
        90: lambda x, y: (y - low, x - left),
        180: lambda x, y: (right - x, y - low),
        270: lambda x, y: (high - y, right - x),
    }.get(turned, lambda x, y: (x, high - y))


def cell_text(found: Iterable[Letter]) -> str:
    """The text of a cell: its lines from top to bottom, each from left to right."""
    lines: list[tuple[Box, list[Letter]]] = []
    for letter in sorted(found, key=lambda one: (-round(one.size), one.base, one.left)):
        middle = (letter.top + letter.bottom) / 2
        line = next((line for box, line in reversed(lines) if box[1] < middle < box[3]), None)
        if line is None:
            lines.append(((0.0, letter.top, 0.0, letter.bottom), [letter]))
        else:
            line.append(letter)
    lines.sort(key=lambda one: one[0][1])
    return "\n".join(filter(None, (line_text(sorted(line, key=lambda one: one.left)) for _, line in lines)))


def line_text(line: Sequence[Letter]) -> str:
    """The text of one line, its letters in order: gaps become spaces, raised and lowered runs follow their mark."""
    if not line:
        return ""
    size = max(letter.size for letter in line)
    base = next(letter.base for letter in line if letter.size == size)
    text, mark, space = "", "", ""
    last: Letter | None = None
    for letter in line:
        if letter.text.isspace():
            space = letter.text
            continue
        if last is not None:
            if (
                letter.text == last.text
                and abs(letter.left - last.left) < 0.1 * size
                and abs(letter.base - last.base) < 1
            ):
                continue  # the same letter twice in one place: bold by overprinting
            gap = letter.left - last.right
            if gap > 0.2 * size or (space and gap > 0.08 * size):
                text, mark = text + (space or " "), ""
        small = letter.size < 0.85 * size
        now = (
            "^"
            if small and letter.base < base - 0.12 * size
            else "_"
            if small and letter.base > base + 0.06 * size
            else ""
        )
        text += (now if now != mark else "") + letter.text
        last, mark, space = letter, now, ""
    return text.strip()


def segments(found: Sequence[Letter]) -> list[list[Letter]]:
    """Runs of letters on one line without a wide gap, in the order of the file."""
    runs: list[list[Letter]] = []
    for letter in found:
        last = runs[-1][-1] if runs else None
        size = max(letter.size, last.size) if last else 0
        if last and abs(letter.base - last.base) < 0.5 * size and -size < letter.left - last.right < 1.2 * size:
            runs[-1].append(letter)
        elif not letter.text.isspace():
            runs.append([letter])
    return runs


def box_of(found: Sequence[Letter]) -> Box:
    """The box around letters."""
    return (min(one.left for one in found), min(one.top for one in found),
            max(one.right for one in found), max(one.bottom for one in found))  # fmt: skip


def paragraphs(found: Sequence[Letter]) -> list[tuple[Box, str]]:
    """Running text: lines joined by a line break where one goes on below the other, by a tab where beside it."""
    told: list[tuple[Box, str]] = []
    for run in segments(found):
        text, box = line_text(run), box_of(run)
        if not text:
            continue
        size = box[3] - box[1]
        if told:
            above, before = told[-1]
            # the last line alone, for `above` grows with its paragraph
            beside = abs(above[3] - box[3]) < 0.4 * size and box[0] >= above[2] - size
            below = -0.3 * size < box[1] - above[3] < 0.5 * size and box[0] < above[2] and box[2] > above[0]
            ended = before.endswith(_SENTENCE_END) and box[0] > above[0] + size
            if beside or (below and not ended):
                joined = (min(above[0], box[0]), min(above[1], box[1]), max(above[2], box[2]), max(above[3], box[3]))
                told[-1] = (joined, before + ("\t" if beside else "\n") + text)
                continue
        told.append((box, text))
    return told
