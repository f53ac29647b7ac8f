"""Turn printed text into values.

Numbers are read here and nowhere else. Nothing is guessed: every word of the phrase must be known or stand where
it cannot change the number, and what cannot be read whole raises UnreadableValue. Knows no source, no file but
the word tables, and no network.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from itertools import takewhile
from typing import TYPE_CHECKING, Literal, get_args

from pipeline import lexicon, numerals
from pipeline.errors import NotPublished, UnreadableValue

if TYPE_CHECKING:
    from pipeline.lexicon import Token, Words

Qualifier = Literal["exact", "at_least", "more_than", "at_most", "less_than", "about"]

# A longer text is a paragraph, not a phrase that holds one number.
_LONGEST = 400
_OPENING_QUOTES, _CLOSING_QUOTES = frozenset('"«“„'), frozenset('"»”“')
_OPEN = _OPENING_QUOTES | {"("}
# "2021 complaints" are as often the complaints of 2021, and "over 2019" may be a time.
_YEARS = range(1950, 2051)


@dataclass(frozen=True, slots=True)
class Count:
    """A whole number as printed: `qualifier` as its words say, `note` the footnote mark that touches it, or ""."""

    value: int
    qualifier: Qualifier = "exact"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """A percentage as printed. `value` is in percent: "3,7 %" is 3.7."""

    value: Decimal
    qualifier: Qualifier = "exact"
    note: str = ""


def read_count(text: str, language: str) -> Count:
    """The whole number printed in `text`, with its qualifier and footnote mark.

    Shape: "1 170¹" → Count(1170, exact, "1"); "более 40 жалоб" → Count(40, more_than); "ни одной" → Count(0).
    Units: whatever the sentence or column counts; never a percentage (see read_share), a year, an article or an age.
    Raises: UnreadableValue for "1.170" (thousands or decimals?), "17 (семь)", "10–15", "почти 40", "до 40", a
    second number, a word that is not understood; NotPublished for "—", "н/д".
    Source: notations met in the recorded pages; tests/phrases holds one row for each.
    """
    words = lexicon.words(language)
    _refuse_absent(text, language, words)
    tokens = _trimmed(lexicon.tokens(text, language))
    return _Phrase(tokens, language, words).count()


def read_share(text: str, language: str) -> Share:
    """The percentage printed in `text`: digits, then a percent sign or word, and nothing else but a qualifier.

    Shape: "3,7 %" → Share(3.7); "fewer than 2 percent" → Share(2, less_than).
    Units: percent, 0 to 100.
    Raises: UnreadableValue for anything else; NotPublished for "—", "н/д".
    """
    words = lexicon.words(language)
    _refuse_absent(text, language, words)
    tokens = _trimmed(lexicon.tokens(text, language))
    found = words.match("qualifier_before", tokens, 0)
    qualifier, at = (_qualifier(found[1]), found[0]) if found else ("exact", 0)
    rest = tokens[at:]
    if not rest or rest[0].kind != "number" or not re.fullmatch(r"[0-9]{1,3}([.,][0-9]{1,2})?", rest[0].text):
        raise UnreadableValue("no plain digits where the percentage should be", "12,5 %")
    note = rest[2].word.strip("^[]") if len(rest) == 3 and rest[2].kind == "note" else ""
    if language == "en" and "," in rest[0].text:
        raise UnreadableValue("a comma in an English percentage", "12.5 %")
    if len(rest) - bool(note) != 2 or not (rest[1].text == "%" or words.has("percent", rest[1].word)):
        raise UnreadableValue("digits without one percent sign or word after them", "12,5 %")
    value = Decimal(rest[0].text.replace(",", "."))
    if value > 100 or re.match("0[0-9]", rest[0].text):
        raise UnreadableValue("a share above 100 percent", "0 to 100")
    return Share(value, qualifier, note)


def _refuse_absent(text: str, language: str, words: Words) -> None:
    """Say that no number is printed, where the text says so."""
    if len(text) > _LONGEST:
        raise UnreadableValue("a text too long for one number", f"at most {_LONGEST} characters")
    reason = words.small.get("absent", {}).get(tuple(lexicon.fold(text, language).split()))
    if reason:
        raise NotPublished(reason)


def _trimmed(tokens: list[Token]) -> list[Token]:
    """The tokens without a full stop after the last word, and without one pair of quotes round everything."""
    if len(tokens) > 1 and tokens[-1].text == "." and tokens[-2].kind in {"word", "note"}:
        tokens = tokens[:-1]
    if len(tokens) > 2 and tokens[0].text in _OPENING_QUOTES and tokens[-1].text in _CLOSING_QUOTES:
        tokens = [tokens[1]._replace(glued=False), *tokens[2:-1]]
    return tokens


def _qualifier(name: str) -> Qualifier:
    """The qualifier that a table names."""
    if name not in get_args(Qualifier):
        raise UnreadableValue("a qualifier the tables do not know", "a code of qualifier.csv")
    return name  # type: ignore[return-value]


class _Phrase:
    """One phrase, read from left to right: words before, the number, words after."""

    def __init__(self, tokens: list[Token], language: str, words: Words) -> None:
        self.tokens, self.language, self.words = tokens, language, words
        self.at = 0
        self.qualifier: Qualifier = "exact"
        self.note = ""
        self.needs_noun = False
        self.negated = False
        self.named = False  # the words before name the thing counted, or announce a number

    def count(self) -> Count:
        """The number, when every word has its place."""
        if not self.tokens:
            raise UnreadableValue("no text", "a number")
        zero = self._before()
        if zero is not None:
            if zero == "end" and self.at < len(self.tokens):
                raise UnreadableValue("a word after none", "none, or none of the")
            self._after(zero=True, first=zero)
            return Count(0, "exact", self.note)
        if self.negated:
            raise UnreadableValue("a negation before the number", "a plain number")
        value = self._number()
        self._after(zero=False, first="noun" if self.needs_noun else "")
        return Count(value, self.qualifier, self.note)

    def _before(self) -> str | None:
        """Walk to the number; "" or "noun" when the phrase opens a zero ("ни одной", "no complaints")."""
        nouns = False
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            qualifier = self._match("qualifier_before")
            if qualifier is None and (found := self._match("zero_start")) and not nouns:
                self._check_zero(found[0])
                self.at = found[0]
                return found[1]
            if found := qualifier:
                self.qualifier, self.at = _qualifier(found[1]), found[0]
                if nouns or not self._is_number():  # "complaints about 24 officers" is no estimate
                    raise UnreadableValue(
                        "a qualifier that does not stand between words and number", "a number after it"
                    )
                return None
            if self._is_number():
                if nouns:
                    raise UnreadableValue("a noun right before the number, which may mean roughly", "a colon between")
                return None
            if self._ends_in_none(nouns=nouns):
                self.at = len(self.tokens)
                return ""
            nouns = self._step_before(token, nouns=nouns)
        raise UnreadableValue("no number", "a number")

    def _ends_in_none(self, *, nouns: bool) -> bool:
        """Whether the phrase is "жалоб не поступало"; "дело не зарегистрировано" is about one case."""
        found = self._match("zero_end")
        counted = nouns and not self.needs_noun and self.tokens[self.at - 1].word not in self.words.labels
        return found is not None and found[0] == len(self.tokens) and counted

    def _step_before(self, token: Token, *, nouns: bool) -> bool:
        """Whether a noun is still open after one more word; a word not understood is refused."""
        if found := self._match("not"):
            self.negated, self.at = True, found[0]
        elif found := self._match("before") or self._match("done"):
            self.named, self.at = True, found[0]
        elif found := self._match("of"):
            self.needs_noun, self.at = True, found[0]
        elif token.word in self.words.nouns:
            self.named = self.named or token.word not in self.words.labels
            self.at += 1
            return True
        elif token.text == ":" or (token.text in {"—", "–"} and self.at and not token.glued):
            after = self.tokens[self.at + 1 : self.at + 2]
            if not after or after[0].glued or not self.named:
                raise UnreadableValue("a label with its number, or a dash that touches it", "жалоб: 24")
            self.at += 1
            return False
        else:
            raise UnreadableValue("a word or mark before the number that is not understood", "a known word")
        return nouns

    def _is_number(self) -> bool:
        """Whether a numeral begins here."""
        return numerals.starts(self.tokens, self.at, self.words)

    def _match(self, kind: str) -> tuple[int, str] | None:
        return self.words.match(kind, self.tokens, self.at)

    def _check_zero(self, end: int) -> None:
        """Refuse "no. 5" and whatever else makes the opening of a zero something else."""
        if end < len(self.tokens) and self.tokens[end].kind != "word":
            raise UnreadableValue("a mark after a word for none", "a noun")
        head = ""
        for token in self.tokens[end:]:
            if token.word not in self.words.nouns:
                break
            head = token.word
        if self.words.has("never_zero", head):
            raise UnreadableValue("no report, which is not a report of none", "a count of none")

    def _number(self) -> int:
        """The numeral here, its footnote mark, and the same number in brackets if it is repeated."""
        governed = self.qualifier != "exact"
        numeral = self._numeral(self.at, governed=governed)
        if self.qualifier == "about" and numeral.value == 1:
            raise UnreadableValue("about one, or someone", "a plain number")
        self._refuse_year(numeral)
        self._refuse_label(numeral)
        self._take_note(numeral)
        after = self.tokens[self.at : self.at + 2]
        if len(after) == 2 and after[0].text == "(" and numerals.starts(self.tokens, self.at + 1, self.words):
            repeated = self._numeral(self.at + 1, governed=False)
            end = repeated.end
            closed = end < len(self.tokens) and self.tokens[end].text == ")"
            if repeated.value != numeral.value or repeated.worded == numeral.worded or not closed:
                raise UnreadableValue("a number in brackets that does not repeat the first in words", "7 (семь)")
            self.at = end + 1
        if found := self._match("qualifier_after"):
            if self.qualifier != "exact":
                raise UnreadableValue("two qualifiers", "one")
            self.qualifier, self.at = _qualifier(found[1]), found[0]
        return int(numeral.value)

    def _numeral(self, at: int, *, governed: bool) -> numerals.Numeral:
        """The numeral at this place, with nothing glued to it that would change it."""
        first = self.tokens[at]
        if first.kind == "word" and "-" in first.word and self.language != "en":
            raise UnreadableValue("number words joined by a hyphen", "one number")
        numeral = numerals.read(self.tokens, at, self.language, governed=governed)
        if first.kind == "number" and first.glued and self.tokens[at - 1].text not in _OPEN | {":"}:
            raise UnreadableValue("a letter or mark that touches the digits", "a space")
        following = self.tokens[numeral.end] if numeral.end < len(self.tokens) else None
        if (
            following is not None
            and following.glued
            and not (following.kind == "note" or following.text in {",", ")", ";", "("})
        ):
            raise UnreadableValue("a letter or mark that touches the digits", "a space")
        return numeral

    def _refuse_year(self, numeral: numerals.Numeral) -> None:
        """Refuse four digits that may be a year: they are a count only where nothing stands beside them."""
        if numeral.worded or len(self.tokens) == 1:
            return
        if not self.tokens[self.at].text.isdigit() or int(self.tokens[self.at].text) not in _YEARS:
            return
        plain_words = self.tokens[self.at - 1].word if self.at else ""
        counted = numeral.end < len(self.tokens) and self.tokens[numeral.end].word in self.words.nouns
        if numeral.value == 2000 and counted and self.qualifier != "exact" and plain_words != "over":
            return
        raise UnreadableValue("four digits that may be a year", "a separator, as in 2 021 or 2,021")

    def _refuse_label(self, numeral: numerals.Numeral) -> None:
        """Refuse a noun that the number does not count but numbers: "12 место", "12 District"."""
        nouns = list(takewhile(lambda token: token.word in self.words.nouns, self.tokens[numeral.end :]))
        if not nouns or self.language == "tg":
            return
        counted = nouns[-1] if self.language == "en" else nouns[0]
        one = numeral.value % 10 == 1 and numeral.value % 100 != 11 if self.language == "ru" else numeral.value == 1
        if counted.word in self.words.labels and not one:
            raise UnreadableValue("a noun in the singular, which the number does not count", "24 дела, not 24 дело")

    def _take_note(self, numeral: numerals.Numeral) -> None:
        """Take the footnote mark after the number."""
        self.at = numeral.end
        if self.at >= len(self.tokens) or self.tokens[self.at].kind != "note":
            return
        if numeral.value == 10 or self.words.has("superscript_article", str(numeral.value)):
            raise UnreadableValue("a superscript that may make an article or a power", "a footnote mark")
        if _mark(self.tokens[self.at]).startswith("0"):
            raise UnreadableValue("a superscript that may be a degree", "a footnote mark")
        self.note = _mark(self.tokens[self.at])
        self.at += 1
        if (
            self.at < len(self.tokens)
            and self.tokens[self.at].kind in {"word", "number"}
            and self.tokens[self.at].glued
        ):
            raise UnreadableValue("a word that touches a footnote mark", "a space")

    def _after(self, *, zero: bool, first: str) -> None:
        """Every word after the number: a counted noun must open it, then nothing may change the number."""
        seen = zero and first != "noun"
        counted = False
        plain = True
        depth = 0
        for index in range(self.at, len(self.tokens)):
            token = self.tokens[index]
            if token.kind == "note" and not self.note and index == len(self.tokens) - 1:
                self.note = _mark(token)
            elif token.text in {"(", ")"}:
                depth += 1 if token.text == "(" else -1
                if depth not in (0, 1) or not seen:
                    raise UnreadableValue("brackets that are not understood", "a plain phrase")
            elif token.text in {",", "«", "»", '"', "“", "”"} and seen:
                continue
            elif token.kind == "word":
                self._pass_word(index, seen=seen, zero=zero)
                previous = self.tokens[index - 1].word
                if plain and token.word in self.words.labels and self.words.has("and", previous):
                    raise UnreadableValue("one more thing after the number", "a phrase that counts one thing")
                plain = plain and not (self.words.has("link", token.word) and not self.words.has("and", token.word))
                seen = seen or token.word in self.words.nouns
                counted = counted or (token.word in self.words.nouns and not self.words.has("adjective", token.word))
            else:
                raise UnreadableValue("a second number or a mark after the number", "one number")
        if depth or (first == "noun" and not counted):
            raise UnreadableValue("a phrase that breaks off", "the thing that is counted")

    def _pass_word(self, index: int, *, seen: bool, zero: bool) -> None:
        """Pass one word after the number, or refuse it."""
        token = self.tokens[index]
        word = token.word
        if word in self.words.numbers or any(part in self.words.numbers for part in word.split("-")):
            raise UnreadableValue("a second number, an ordinal or a vague amount", "one number")
        if self.words.has("done", word) or (zero and (self.words.has("not", word) or self.words.has("before", word))):
            return
        if self.words.match("stop", self.tokens, index):
            raise UnreadableValue("a word that makes it a date, a share, a rate, a difference or an article", "a count")
        if word in self.words.nouns or (seen and self.words.has("link", word)):
            return
        if word.startswith(self.words.stems):
            raise UnreadableValue("a word that makes it a date, a share, a rate, a difference or an article", "a count")
        if not seen:
            raise UnreadableValue("a word right after the number that is not a known thing to count", "a known noun")
        capital = token.text[0].isupper()
        if token.text[0].isascii() != (self.language == "en") or (len(word) < 4 and not capital):
            raise UnreadableValue("a word after the number that is not understood", "a known word")
        if zero and self.language == "en":  # "no complaints data" is no zero
            raise UnreadableValue("a word after none that is not understood", "a known word")
        if not capital and self.words.mistyped(word):
            raise UnreadableValue("a word that may be a mistyped number", "correct spelling")


def _mark(token: Token) -> str:
    """The footnote mark without its dress: "[1]", "^1" and "¹" are all "1"."""
    return token.word.strip("^[]⁾")
