"""Sentences that a source is known to print: its own words with the numbers replaced by indicator names.

"поступило {complaints_received_prosecutor} жалоб, из них {complaints_confirmed_prosecutor} подтвердились" finds its
sentence whatever the spaces, dashes, quotes and case endings; {period} and {area} stand for the words of the period and
the area. A template tells which number is which; numbers, periods and areas themselves are read as everywhere. The
number of a table's cell ends the sentence "caption, row, column: number", all of which its template must say; a "…"
at its beginning stands for any caption.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Final

from pipeline import lexicon, values
from pipeline.errors import NotPublished, UnreadableValue
from pipeline.extract import people, sentences, tagging, vocabulary
from pipeline.extract.figures import Number
from pipeline.extract.tagging import Tagger

WORDS: Final = frozenset({"period", "area"})  # places that hold no number
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
    """The indicators of a template with their breakdowns, in order; "period" and "area" where those stand."""
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


def cell(sentence: str, number: Number, own: Sequence[str], *, language: str, said: date | None) -> Number | None:
    """The number as the template says that fits the whole sentence of a table's headings; None where none does."""
    folded = lexicon.fold(sentence, language)
    for template in own:
        if match := _pattern(template, language, "[^,:]{1,60}").fullmatch(folded):
            start, end = len(sentence) - len(number.printed), len(sentence)
            read = _read(replace(number, start=start, end=end), match, template, language, said)
            return replace(read, start=number.start, end=number.end, heading=people.masked(sentence, language))
    return None


@lru_cache(maxsize=256)
def _pattern(template: str, language: str, place: str = "[^.;!?]{1,60}?") -> re.Pattern[str]:
    """What the template matches: its words in any case, its places as whatever stands there."""
    parts, at = [".*?"] if template.startswith("…") else [], 0
    for number, match in enumerate(_PLACE.finditer(template)):
        parts += [_word(word, language) for word in _WORD.findall(template[at : match.start()])]
        parts.append(f"(?P<p{number}>{place})")
        at = match.end()
    parts += [_word(word, language) for word in _WORD.findall(template[at:])]
    return re.compile(r"[\s,:;()\"«»“”„–—−-]+".join(parts), re.DOTALL)


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
        if indicator in WORDS or not (start <= number.start and number.end <= end):
            continue
        try:
            count = values.read_count(match.group(f"p{index}").strip(), language)
        except (UnreadableValue, NotPublished):
            return replace(number, decision="refused", reason="template_number_not_understood", indicator="")
        period = tagging.read_period(_word_at("period", match, template), said, language)
        area = _area(_word_at("area", match, template), language, said)
        if period is None or not area:
            what = "area" if period else "period"
            return replace(number, decision="refused", reason=f"template_{what}_not_understood", indicator="")
        return replace(
            number, decision="proposed", reason="template", value=count.value, qualifier=count.qualifier,
            indicator=indicator, breakdown=breakdown, period=period, area=area,
        )  # fmt: skip
    return number


def _word_at(name: str, match: re.Match[str], template: str) -> str:
    """What is printed at the place of that name, "" without one."""
    at = next((index for index, (one, _) in enumerate(places(template)) if one == name), None)
    return "" if at is None else match.group(f"p{at}").strip(" ,:")


def _area(text: str, language: str, said: date | None) -> str:
    """The code of an area: the country where none is printed, "" for words that name none."""
    pieces = [
        one for one in Tagger(text, 0, len(text), language, said).run() if one.kind not in {"fill", "preposition"}
    ]
    return str(pieces[0].value) if [one.kind for one in pieces] == ["area"] else "" if text else "TJ"
