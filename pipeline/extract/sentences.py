"""Cut a text into sentences, headings and list entries, at full stops that end something and at short lines.

Knows the abbreviations after which a sentence goes on; nothing of what a sentence says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_ABBREVIATIONS: Final = re.compile(
    r"(?:\b(?:г|гг|ст|тыс|млн|млрд|ҳаз|т|е|д|ч|п|пп|им|стр|с|р|ул|кв|тел|в|др|пр|прим|прил|No|Nos|art|arts|para|paras|p|pp|"
    r"vol|Mr|Mrs|Ms|Dr|St|vs|e\.g|i\.e|саҳ|ҷ|х|[A-ZА-ЯЁҚҲҶҒӢӮ]))\.$"
)
_BREAK: Final = re.compile(r"(?<=[.!?…])[»”\"')\]]*\s+|\n\s*\n|\n(?=\s*[-–—•*·▪]\s)|\n(?=\s*\(?\d{1,3}[.)]\s)")
_HEADING: Final = re.compile(r"[^\d\n]{1,54}[^\d\n,–—-]\r?")  # a longer line, or one with a figure, may only be folded
_ENDED: Final = re.compile(r"[.!?…;:][»”\"')\]]*\s*$")
_LIST_NUMBER: Final = re.compile(r"(?:^|\n)\s*\(?\d{1,3}[.)]$")


def places(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Start and end of every sentence, heading or list entry between two places, in order."""
    for match in _BREAK.finditer(text, start, stop):
        near = text[max(start, match.start() - 8) : match.start()]
        if "\n" not in match.group() and (
            _ABBREVIATIONS.search(near) or _LIST_NUMBER.search(text[start : match.start()])
        ):
            continue
        yield from _lines(text, start, match.start())
        start = match.end()
    yield from _lines(text, start, stop)


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The piece, cut after a line that ended, and after a heading; any other line goes on in the next."""
    at = start
    while (newline := text.find("\n", at, end)) >= 0:
        line, rest = text[at:newline], text[newline + 1 : end].lstrip()
        if _ENDED.search(line) or (_HEADING.fullmatch(line) and not rest[:1].islower()):
            if text[start:newline].strip():
                yield start, newline
            start = newline + 1
        at = newline + 1
    if text[start:end].strip():
        yield start, end
