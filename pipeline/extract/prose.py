"""Sentences → candidate figures: every number is proposed, ignored or refused, each with its reason.

A figure is proposed only when every word of its sentence is known and number, thing counted, counter, window, unit,
area and part-of relation leave one reading (figures.py). What a piece of a sentence is, tagging.py says; people are
found by people.py; documents are read elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final, Literal

from pipeline import lexicon
from pipeline.errors import UnreadableValue
from pipeline.extract import people, sentences, vocabulary
from pipeline.extract.figures import DIGITS, Number, Sentence
from pipeline.extract.readings import MARKS
from pipeline.extract.tagging import Piece, Tagger

_NEAR: Final = 4  # a sentence that begins farther on is in another paragraph
_NO_COUNT: Final = {"ordinal": "ordinal", "vague": "vague_amount", "plural_one": "vague_amount"}
_OF_THEM: Final = re.compile(r"\b(?:из|of|онҳо|онхо)\b")
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
    for start, end in sentences.places(text, *(span or (0, len(text)))):
        pieces: list[Piece] = []
        own: list[Number] = []
        words = vocabulary.number_words(text[start:end], language)
        if DIGITS.search(text, start, end) or any(role not in _NO_COUNT for *_, role in words):
            try:
                pieces = Tagger(text, start, end, language, said_on).run()
            except UnreadableValue:
                pieces = []
            own = _sentence(text, (start, end), language, pieces, before[1] if start - before[0] < _NEAR else [])
        found += [*own, *_left_over(text, (start, end), words, own)]
        before = (end, pieces)
    return sorted(found, key=lambda number: number.start)


def _sentence(
    text: str, span: tuple[int, int], language: str, pieces: list[Piece], before: list[Piece]
) -> list[Number]:
    """The numbers of one sentence, with those that its pieces leave out; "Of them …" goes on from the one before."""
    opening = next((p for p in pieces if p.kind not in MARKS), None)
    leans = opening and (
        opening.kind == "part" or (opening.kind == "zero" and _OF_THEM.search(text[opening.start : opening.end]))
    )
    joined = [*before, Piece("separator", ";", span[0], span[0])] if before and leans else []
    found = [n for n in Sentence(text, span, joined + pieces, language).numbers() if n.start >= span[0]]
    if any(n.indicator for n in found) and people.spans(text[span[0] : span[1]], language):
        found = [
            replace(n, decision="refused", reason="names_a_person", **_NOTHING) if n.indicator else n for n in found
        ]
    return found


def _left_over(
    text: str, span: tuple[int, int], words: Sequence[tuple[int, int, str]], found: Sequence[Number]
) -> Iterator[Number]:
    """The digits and number words that no piece covers, so that nothing is passed over."""
    places = [(*m.span(), "") for m in DIGITS.finditer(text, *span)]
    places += [(span[0] + start, span[0] + end, role) for start, end, role in words]
    for start, end, role in places:
        if all(end <= n.start or n.end <= start for n in found):
            decision: Literal["ignored", "refused"] = "ignored" if role == "ordinal" else "refused"
            yield Number(text[start:end], start, end, span, decision, _NO_COUNT.get(role, "not_understood"))
