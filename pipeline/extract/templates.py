"""Sentences that a source is known to print: its own words with the numbers replaced by indicator names.

"поступило {complaints_received_prosecutor} жалоб, из них {complaints_confirmed_prosecutor} подтвердились" finds its
sentence whatever the spaces, dashes, quotes and case endings; {period} stands for the words of the period. A template
tells which number is which; the numbers and periods themselves are read as everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Final

from pipeline import lexicon, values
from pipeline.errors import NotPublished, UnreadablePeriod, UnreadableValue
from pipeline.extract import sentences, vocabulary
from pipeline.extract.figures import Number
from pipeline.periods import Period, read_period

_PLACE: Final = re.compile(r"\{(\w+)((?: \w+=[\w-]+)*)\}")
_WORD: Final = re.compile(r"\w+(?:[-’']\w+)*")
_SPACES: Final = re.compile(r"\s+")
_ALIKE: Final = str.maketrans(
    {"—": "-", "–": "-", "−": "-", "«": '"', "»": '"', "“": '"', "”": '"', "„": '"', "’": "'"}
)


def plain(text: str) -> str:
    """The text as a reader sees it: one kind of space, dash and quote, no letter case."""
    return _SPACES.sub(" ", text.translate(_ALIKE)).strip().casefold()


def places(template: str) -> list[tuple[str, dict[str, str]]]:
    """The indicators of a template with their breakdowns, in order; "period" where the period stands."""
    return [(match[1], dict(part.split("=") for part in match[2].split())) for match in _PLACE.finditer(template)]


def applied(
    text: str,
    span: tuple[int, int],
    found: Sequence[Number],
    own: Sequence[str],
    *,
    language: str,
    said: date | None,
) -> list[Number]:
    """The numbers of one block, those that a template names read by it; each template counts once per sentence."""
    numbers = list(found)
    for start, end in sentences.places(text, *span):
        for template in own:
            for match in _pattern(template, language).finditer(lexicon.fold(text, language), start, end):
                numbers = [_read(n, match, template, language, said) for n in numbers]
    return numbers


@lru_cache(maxsize=256)
def _pattern(template: str, language: str) -> re.Pattern[str]:
    """What the template matches: its words in any case, its places as whatever stands there."""
    parts, at = [], 0
    for number, match in enumerate(_PLACE.finditer(template)):
        parts += [_word(word, language) for word in _WORD.findall(template[at : match.start()])]
        parts.append(rf"(?P<p{number}>[^.;!?]{{1,60}}?)")
        at = match.end()
    parts += [_word(word, language) for word in _WORD.findall(template[at:])]
    return re.compile(r"[\s,:;()\"«»“”„–—−-]+".join(parts))


def _word(word: str, language: str) -> str:
    """A word in any of its cases: what is left when the longest known ending is cut, and any known ending."""
    stem = min((cut for cut in vocabulary.stems(lexicon.fold(word, language), language)), key=len).rstrip("~")
    if len(stem) < 3 or any(char.isdigit() for char in stem):
        return rf"\b{re.escape(lexicon.fold(word, language))}\b"
    return rf"\b{re.escape(stem)}\w{{0,4}}\b"


def _read(number: Number, match: re.Match[str], template: str, language: str, said: date | None) -> Number:
    """The number as the template names it, if it stands in one of its places and can be read whole."""
    for index, (indicator, breakdown) in enumerate(places(template)):
        start, end = match.span(f"p{index}")
        if indicator == "period" or not (start <= number.start and number.end <= end):
            continue
        try:
            count = values.read_count(match.group(f"p{index}").strip(), language)
            period = _period(match, template, language, said)
        except (UnreadableValue, NotPublished):
            return replace(number, decision="refused", reason="template_number_not_understood", indicator="")
        except UnreadablePeriod:
            return replace(number, decision="refused", reason="template_period_not_understood", indicator="")
        return replace(
            number, decision="proposed", reason="template", value=count.value, qualifier=count.qualifier,
            indicator=indicator, breakdown=breakdown, period=period, area=number.area or "TJ",
        )  # fmt: skip
    return number


def _period(match: re.Match[str], template: str, language: str, said: date | None) -> Period:
    """The period at its place in the template. Raises: UnreadablePeriod, also where none is named."""
    for index, (name, _) in enumerate(places(template)):
        if name == "period":
            return read_period(match.group(f"p{index}").strip(" ,:"), said or date.max, language)
    raise UnreadablePeriod("no {period}", "a template that holds the words of its period")
