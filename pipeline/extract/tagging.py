"""Say of every piece of a sentence what it is, for figures.py to put together.

A piece is a number, a period, a word of schemas/lexicon/claim_words.csv, a reference that is no count
(not_counts.csv), a separator, or unknown; nothing is passed over. Where a sentence ends, sentences.py says.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import lru_cache
from typing import Any, Final, NamedTuple

from pipeline import lexicon, numerals, periods, values
from pipeline.errors import NotPublished, UnreadablePeriod, UnreadableValue
from pipeline.extract import vocabulary
from pipeline.lexicon import Token

_LONGEST_PERIOD: Final = 14
_TIME_TAGS: Final = frozenset(
    "month months half quarter half_n quarter_n years year_word this_year last_year y".split()
)
_DATING: Final = frozenset("this_year last_year last month ~this_year ~last_year ~last".split())
_TWO_DAYS: Final = (date(9000, 6, 15), date(8000, 3, 10))
_STRANGE: Final = re.compile(r"[^\w\s.,:;()«»\"“”„–—−\-%№/+?!…’'\[{]|_")
_TORTURE_ARTICLE: Final = re.compile(r"143 ?(?:¹|\^1|-1|\.1|\(1\)|,? ?прим\w*\.? ?1|,? [Nn]ote\.? ?1)(?!\d)")
_SEPARATORS: Final = frozenset(",;:()")
_BULLET: Final = re.compile(r"\s*[•●▪■◦‣∙○·]\s")
_STOCK: Final = re.compile(r"(?:as of|as at|на|по состоянию|ба|то)\b", re.IGNORECASE)
_SENTENCED: Final = frozenset("на к до от to of from ба то".split())
_DASHES: Final = frozenset("—–−-")


class Piece(NamedTuple):
    """One understood (or unknown) piece: offsets are code points of the whole text."""

    kind: str
    value: Any
    start: int
    end: int


class Printed(NamedTuple):
    """A numeral as read: `value` None with the reason when it cannot be read."""

    value: int | None
    qualifier: str
    reason: str
    worded: bool = False


def _article(text: str) -> str:
    """143-1 where the reference names that article and nothing else; a part of it, or another beside it, differs."""
    rest = _TORTURE_ARTICLE.sub("", text)
    return "other_article" if rest == text or re.search(r"\d", rest) else "143-1"


@lru_cache(maxsize=20_000)
def read_period(text: str, said: date | None, language: str) -> periods.Period | None:
    """The period of a text; without the document's day only what does not depend on it."""
    try:
        read = {periods.read_period(text, day, language) for day in ((said,) if said else _TWO_DAYS)}
    except UnreadablePeriod:
        return None
    return read.pop() if len(read) == 1 else None


@lru_cache(maxsize=20_000)
def _counted(text: str, language: str) -> int | None:
    """What the reader of phrases makes of a numeral."""
    try:
        return values.read_count(text, language).value
    except (UnreadableValue, NotPublished):
        return None


class Tagger:
    """One sentence in one language, walked from left to right."""

    def __init__(self, text: str, start: int, end: int, language: str, said: date | None) -> None:
        """`start` and `end` cut the sentence out of `text`; `said` is the day of the document."""
        self.text, self.places = lexicon.joined(text[start:end])
        self.base, self.language, self.said = start, language, said
        self.words = lexicon.words(language)
        self.pieces: list[Piece] = []
        self.tokens: list[Token] = []
        self.matches: dict[int, tuple[int, str, str] | None] = {}

    def run(self) -> list[Piece]:
        """Every piece, in order. Raises: UnreadableValue for letters that no table can compare."""
        if unicodedata.normalize("NFC", self.text) != self.text:
            raise UnreadableValue("letters that change when they are composed", "composed letters")
        spans = self._spans()
        blank = list(self.text)
        if bullet := _BULLET.match(self.text):
            blank[: bullet.end()] = "…" * bullet.end()
        for _, start, end in spans:
            blank[start:end] = "…" * (end - start)
        self.tokens = lexicon.tokens(_STRANGE.sub("/", "".join(blank)), self.language)
        covered = {start: (reason, end) for reason, start, end in spans}
        at = 0
        while at < len(self.tokens):
            token = self.tokens[at]
            if token.start in covered:
                reason, end = covered[token.start]
                self._add("reference", reason, token.start, end)
                if reason in {"article", "paragraph"}:
                    self._add("topic", _article(self.text[token.start : end]), token.start, token.start)
                while at < len(self.tokens) and self.tokens[at].start < end:
                    at += 1
            else:
                at = self._period(at) or self._number(at) or self._phrase(at) or self._rest(at)
        return self.pieces

    def _spans(self) -> list[tuple[str, int, int]]:
        """Where references stand; of two that overlap, the longer."""
        found = [
            (reason, *match.span())
            for reason, pattern in vocabulary.references(self.language)
            for match in pattern.finditer(self.text)
            if match.end() > match.start()
        ]
        kept: list[tuple[str, int, int]] = []
        for span in sorted(found, key=lambda s: s[1] - s[2]):
            if all(span[2] <= other[1] or span[1] >= other[2] for other in kept):
                kept.append(span)
        return [(r, s + len(self.text[s:e]) - len(self.text[s:e].lstrip()), e) for r, s, e in kept]

    def _add(self, kind: str, value: Any, start: int, end: int) -> None:
        self.pieces.append(Piece(kind, value, self.base + self.places[start], self.base + self.places[end]))

    def _period(self, at: int) -> int | None:
        """A period that begins here: the longest run of words about time that can be read whole."""
        known = vocabulary.time_words(self.language)
        first = self.tokens[at]
        if not (first.word in known or first.kind == "number" or first.word in self.words.numbers):
            return None
        end = at
        while end < len(self.tokens) and end - at < _LONGEST_PERIOD:
            token = self.tokens[end]
            timely = token.word in known or (token.kind == "number" and len(token.text) <= 10)
            joint = token.text in {",", ".", "(", ")", "-", "–", "—"} and end > at
            worded = token.word in self.words.numbers
            ending = token.glued and end > at and self.tokens[end - 1].text == "-"  # "2022-м"
            months = "-" in token.word and all(part in known for part in token.word.split("-"))
            if not (timely or joint or worded or ending or months):
                break
            end += 1
        dated = any(t.kind == "number" or known.get(t.word, frozenset()) & _DATING for t in self.tokens[at:end])
        while dated and end > at:
            last = self.tokens[end - 1]
            if last.kind != "mark" or last.text == ")" or (last.text == "." and end - 1 > at):
                period = self._read_period(at, end)
                yearless = any("month" in known.get(t.word, ()) for t in self.tokens[at:end])
                if period is not None and not (period.assumed and yearless):  # the page may speak of another year
                    return self._accepted(period, at, end)
            end -= 1
        return None

    def _read_period(self, at: int, end: int) -> periods.Period | None:
        """The period of these tokens; without the document's day only what does not depend on it."""
        text = self.text[self.tokens[at].start : self.tokens[end - 1].end]
        if text.count("(") != text.count(")") or text.endswith(","):
            return None
        return read_period(text, self.said, self.language)

    def _accepted(self, period: periods.Period, at: int, end: int) -> int:
        """Note a period; a bare "2021" before a noun may be a count, a single day is only a date."""
        start, stop = self.tokens[at].start, self.tokens[end - 1].end
        bare = end == at + 1 and self.tokens[at].kind == "number"
        glued = end < len(self.tokens) and self.tokens[end].glued and self.tokens[end].kind in {"word", "note"}
        if (bare and self._is_thing(end)) or glued:
            self._add("number", Printed(None, "exact", "may_be_a_year"), start, stop)
        elif period.start == period.end and not _STOCK.match(self.text, start):
            self._add("date", period, start, stop)
        else:
            self._add("period", period, start, stop)
        return end

    def _is_thing(self, at: int) -> bool:
        """Whether a counted noun stands here."""
        found = self._match(at)
        return found is not None and (found[1] in {"thing", "adjective"})

    def _match(self, at: int) -> tuple[int, str, str] | None:
        """The longest phrase of the table that begins here: where it ends, its kind and value."""
        if at not in self.matches:
            self.matches[at] = self._matched(at)
        return self.matches[at]

    def _matched(self, at: int) -> tuple[int, str, str] | None:
        token = self.tokens[at] if at < len(self.tokens) else None
        if token is None or token.kind != "word":
            return None
        for words, kind, value in vocabulary.phrases(token.word, self.language):
            for word, ahead in zip(words[1:], self.tokens[at + 1 : at + len(words)], strict=False):
                if ahead.kind != "word" or word not in vocabulary.stems(ahead.word, self.language):
                    break
            else:
                if at + len(words) <= len(self.tokens):
                    return at + len(words), kind, value
        return None

    def _counts(self, at: int) -> bool:
        """Whether a number, with or without its qualifier, stands here."""
        before = self.words.match("qualifier_before", self.tokens, at)
        return numerals.starts(self.tokens, before[0] if before else at, self.words)

    def _number(self, at: int) -> int | None:
        """A numeral with its qualifier."""
        token = self.tokens[at]
        role = self.words.numbers[token.word].role if token.word in self.words.numbers else ""
        if role in {"ordinal", "vague", "plural_one"} and not self._match(at):
            kind = "ordinal" if role == "ordinal" else "number"
            self._add(kind, Printed(None, "exact", "vague_amount"), token.start, token.end)
            return at + 1
        before = self.words.match("qualifier_before", self.tokens, at)
        if (phrase := self._match(at)) and (
            phrase[1] == "zero"
            or (phrase[1] == "zero_noun" and not before)
            or (phrase[1] in {"stop", "fill", "part", "contrast", "topic", "said"} and phrase[0] > at + 1)
        ):
            return None
        begin, qualifier = before or (at, "exact")
        if not numerals.starts(self.tokens, begin, self.words):
            return None
        end, printed = self._printed(begin, qualifier)
        if printed.reason == "" and (after := self.words.match("qualifier_after", self.tokens, end)):
            end, printed = (
                after[0],
                printed._replace(qualifier=after[1], reason="" if qualifier == "exact" else "two_qualifiers"),
            )
        return self._noted(begin, end, printed)

    def _printed(self, at: int, qualifier: str) -> tuple[int, Printed]:
        """The numeral that begins here, checked by the reader of phrases, and where it ends."""
        try:
            numeral = numerals.read(self.tokens, at, self.language, governed=qualifier != "exact")
        except UnreadableValue:
            end = at + 1
            while end < len(self.tokens) and (self.tokens[end].word in self.words.numbers):
                end += 1
            return end, Printed(None, qualifier, "number_not_understood")
        first, last = self.tokens[at], self.tokens[numeral.end - 1]
        text = self.text[first.start : last.end]
        before = self.tokens[at - 1].text if at and first.glued else ""
        after = self.tokens[numeral.end] if numeral.end < len(self.tokens) else None
        reason = ""
        if (before and before not in '(«“":') or (
            after and after.glued and after.kind != "note" and after.text not in set(',.;:)»”"?!…%')
        ):
            reason = "touches_a_letter_or_mark"
        elif text.isdigit() and 1950 <= int(text) <= 2050:
            reason = "may_be_a_year"
        value = _counted(text, self.language)
        if value is None:
            value, reason = int(numeral.value), reason or ("" if qualifier != "exact" else "number_not_understood")
        if value != int(numeral.value):
            reason = "number_not_understood"
        if qualifier == "about" and value == 1:
            reason = "vague_amount"
        return self._repeated(at, numeral.end, value), Printed(value, qualifier, reason, numeral.worded)

    def _repeated(self, at: int, end: int, value: int) -> int:
        """Where the number ends, with its own repetition in brackets if there is one: "24 (двадцать четыре)"."""
        closing = next((i for i in range(end + 1, min(end + 8, len(self.tokens))) if self.tokens[i].text == ")"), 0)
        if closing and self.tokens[end].text == "(" and numerals.starts(self.tokens, end + 1, self.words):
            text = self.text[self.tokens[at].start : self.tokens[closing].end]
            return closing + 1 if _counted(text, self.language) == value else end
        return end

    def _noted(self, at: int, end: int, printed: Printed) -> int:
        """Add the numeral with its footnote mark, or what the word after it makes of it."""
        if end < len(self.tokens) and self.tokens[end].text == "%":
            self._add("reference", "percent", self.tokens[at].start, self.tokens[end].end)
            return end + 1
        found = self._match(end)
        if end < len(self.tokens) and "month" in vocabulary.time_words(self.language).get(self.tokens[end].word, ()):
            self._add("no_period", "date", self.tokens[at].start, self.tokens[end].end)
            return end + 1
        year = re.fullmatch("(?:19|20)[0-9]{2}", self.text[self.tokens[at].start : self.tokens[end - 1].end])
        lead = self.pieces[-1] if self.pieces else None
        word = self.text[: self.tokens[at].start].lower().split()[-1:]
        within = lead is not None and lead.kind == "preposition" and not _SENTENCED & set(word)
        if found and found[1] == "unit" and (year or (within and found[2] == "duration")):  # "за 5 месяцев"
            self._add("no_period", "", self.tokens[at].start, self.tokens[found[0] - 1].end)
            return found[0]
        if found and found[1] == "unit":
            self._add("reference", found[2], self.tokens[at].start, self.tokens[found[0] - 1].end)
            return found[0]
        self._add("number", printed, self.tokens[at].start, self.tokens[end - 1].end)
        return end

    def _phrase(self, at: int) -> int | None:
        """A phrase of the table."""
        found = self._match(at)
        if not found:
            return None
        kind = found[1]
        if kind == "of" and not self._counts(found[0]):
            kind = "preposition"
        if kind == "unit" and found[2] == "duration":  # "in the first months of 2022"
            kind = "no_period"
        if kind == "zero_noun":  # "no complaints", "ягон шикоят"
            kind = "zero" if self._is_thing(found[0]) else "stop"
        self._add(kind, found[2], self.tokens[at].start, self.tokens[found[0] - 1].end)
        return found[0]

    def _rest(self, at: int) -> int:
        """A mark, a preposition of time, or a word that nobody knows."""
        token = self.tokens[at]
        tags = vocabulary.time_words(self.language).get(token.word)
        kind, value = "unknown", token.text
        if token.text in _SEPARATORS:
            kind, value = "separator", token.text
        elif token.text in _DASHES or token.text in '."“”„«»…+':
            kind = "dash" if token.text in _DASHES else "mark"
        elif token.text in {"?", "/", "%", "№"} or token.kind == "note":
            kind, value = ("stop", "question") if token.text == "?" else ("unknown", token.text)
        elif tags is not None:
            kind = "no_period" if tags & _TIME_TAGS else "preposition"
            following = self.tokens[at + 1] if at + 1 < len(self.tokens) else token
            if "month" in tags and following.kind == "number" and len(following.text) < 3:
                self._add(kind, "date", token.start, following.end)
                return at + 2
        self._add(kind, value, token.start, token.end)
        return at + 1
