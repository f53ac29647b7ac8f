"""Sentences → candidate figures: every number is proposed, ignored or refused, each with its reason.

A figure is proposed only when every word of its sentence is known and number, thing counted, counter, window, unit,
area and part-of relation leave one reading (figures.py). What a piece of a sentence is, tagging.py says; people are
found by people.py; documents are read elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from pipeline import lexicon
from pipeline.errors import UnreadableValue
from pipeline.extract import people, tagging
from pipeline.extract.figures import DIGITS, Number, Sentence
from pipeline.extract.readings import MARKS
from pipeline.extract.tagging import Piece, Tagger

_NEAR: Final = 4  # a sentence that begins farther on is in another paragraph
_NOTHING: Final[dict[str, Any]] = {"indicator": "", "unit": "", "area": "", "breakdown": {}, "period": None}


def numbers(text: str, language: str, said_on: date | None, span: tuple[int, int] | None = None) -> list[Number]:
    """Every number of the text in order; each digit run and number word lies inside exactly one.

    `span` cuts one block out of the text, around which other blocks stand. Without `said_on` a relative period is
    refused.

    Raises: UnreadableValue for a language we do not read.
    """
    lexicon.words(language)
    found: list[Number] = []
    before: tuple[int, list[Piece]] = (-1, [])
    for start, end in tagging.sentences(text, *(span or (0, len(text)))):
        pieces = None
        if _has_number(text[start:end], language):
            try:
                pieces = Tagger(text, start, end, language, said_on).run()
            except UnreadableValue:
                pieces = []
            found += _sentence(text, (start, end), language, pieces, before[1] if start - before[0] < _NEAR else [])
        before = (end, pieces or [])
    return sorted(found, key=lambda number: number.start)


def _sentence(
    text: str, span: tuple[int, int], language: str, pieces: list[Piece], before: list[Piece]
) -> list[Number]:
    """The numbers of one sentence, with those that its pieces leave out; "Of them …" goes on from the one before."""
    opening = next((p.kind for p in pieces if p.kind not in MARKS), "")
    joined = [*before, Piece("separator", ";", span[0], span[0])] if before and opening == "part" else []
    found = [n for n in Sentence(text, span, joined + pieces, language).numbers() if n.start >= span[0]]
    if people.spans(text[span[0] : span[1]], language):
        found = [
            replace(n, decision="refused", reason="names_a_person", **_NOTHING) if n.indicator else n for n in found
        ]
    return found + list(_left_over(text, span, language, found))


def _has_number(text: str, language: str) -> bool:
    """Whether a digit or a number word, or a word for none, stands here."""
    return bool(DIGITS.search(text) or tagging.number_words(language).search(tagging.folded(text, language)))


def _left_over(text: str, span: tuple[int, int], language: str, found: Sequence[Number]) -> Iterator[Number]:
    """What no piece covers: refused, so that nothing is passed over."""
    start, end = span
    covered = [(n.start, n.end) for n in found]
    folded = tagging.folded(text[start:end], language)
    places = [m.span() for m in DIGITS.finditer(text, start, end)]
    if len(folded) == end - start:
        places += [(start + m.start(), start + m.end()) for m in tagging.number_words(language).finditer(folded)]
    for one, other in sorted(places):
        if all(other <= a or one >= b for a, b in covered):
            covered.append((one, other))
            yield Number(text[one:other], one, other, span, "refused", "not_understood")
