"""Hand the readers their words: the tables of schemas/lexicon, and the pieces of a text.

The tables are data that a lawyer can extend; the forms in them are written once by tools/number_forms.py, so
nothing is declined at run time. Knows what a word may be; leaves what it means in its place to values.py and
periods.py.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from pipeline import tajik
from pipeline.errors import UnreadableValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FOLDER = Path(__file__).resolve().parent.parent / "schemas" / "lexicon"
LANGUAGES = ("ru", "tg", "en")
Kind = Literal["number", "word", "note", "mark"]
Phrases = dict[tuple[str, ...], str]

SPACES = " \u00a0\u2007\u2009\u202f"
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_LETTER = "A-Za-z\u0400-\u04ff"
_TOKEN = re.compile(
    rf"(?P<number>(?:[0-9]{{1,3}}(?:[{SPACES}][0-9]{{3}}(?![0-9]))+|[0-9]+)(?:[.,][0-9]+)*)"
    r"|(?P<note>[⁰¹²³⁴⁵⁶⁷⁸⁹]+⁾?|\^(?:[0-9]{1,2}|\*{1,3})|\^?\[(?:[0-9]{1,3}|\*{1,3})\]|\*{1,3}|[†‡])"
    rf"|(?P<word>[{_LETTER}]+(?:[-’'][{_LETTER}]+)*)"
    r"|(?P<mark>[.,:;()«»\"“”„–—−\-%№/+?!…])"
    rf"|(?P<space>[{SPACES}\n\t\r]+)|(?P<other>(?s:.))"
)
_HIDDEN = rf"(?<=[{_LETTER}\u0300-\u036f])[\u00ad\u200b-\u200d\u2060]"
_APART = re.compile(rf"[\u0300-\u036f\u00ad\u200b-\u200d\u2060](?:(?<=[\u0300-\u036f])|(?<=[{_LETTER}\u0300-\u036f].))")
_CLUSTER = re.compile(rf"(?P<hidden>{_HIDDEN})|[^\u0300-\u036f][\u0300-\u036f]*|[\u0300-\u036f]+", re.DOTALL)
_CYRILLIC_WORD = re.compile("[\u0400-\u04ff’'-]+")
_LATIN_WORD = re.compile("[A-Za-z’'-]+")


class NumberWord(NamedTuple):
    """What one form means as a number: `role` is its place, `cases` its cases or how it may be joined."""

    role: str
    value: Decimal
    cases: str


class Token(NamedTuple):
    """One piece of a text; `word` is the folded form for look-ups; `glued` means no space before it."""

    kind: Kind
    text: str
    word: str
    start: int
    end: int
    glued: bool


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language, folded. `labels` are nouns in a form that only names one thing ("дело 24")."""

    numbers: Mapping[str, NumberWord]
    nouns: frozenset[str]
    labels: frozenset[str]
    small: Mapping[str, Phrases]
    openers: Mapping[str, frozenset[str]]
    stems: tuple[str, ...]
    risky: Mapping[int, tuple[str, ...]]

    def mistyped(self, word: str) -> bool:
        """Whether a word is one slip of the pen away from a word that would change a number."""
        lengths = (len(word) - 1, len(word), len(word) + 1)
        return any(_slips(word, self.risky.get(length, ())) for length in lengths)

    def match(self, kind: str, tokens: list[Token], start: int) -> tuple[int, str] | None:
        """Where the longest phrase of this kind that begins here ends, and its value."""
        if start >= len(tokens) or tokens[start].word not in self.openers.get(kind, ()):
            return None
        phrases = self.small[kind]
        words = [t.word for t in tokens[start : start + 4] if t.kind == "word"]
        for length in range(len(words), 0, -1):
            value = phrases.get(tuple(words[:length]))
            if value is not None and all(t.kind == "word" for t in tokens[start : start + length]):
                return start + length, value
        return None

    def has(self, kind: str, word: str) -> bool:
        """Whether one word is of this kind."""
        return (word,) in self.small.get(kind, {})


def fold(text: str, language: str) -> str:
    """The text, already in Unicode letters, as the tables of this language spell it."""
    return tajik.fold(text) if language == "tg" else text.lower().replace("ё", "е").replace("’", "'")


@lru_cache(maxsize=1)
def _all_words() -> Mapping[str, Words]:
    numbers: dict[str, dict[str, NumberWord]] = {language: {} for language in LANGUAGES}
    for row in rows("number_words.csv"):
        form = fold(row["form"], row["language"])
        numbers[row["language"]].setdefault(form, NumberWord(row["role"], Decimal(row["value"] or 0), row["cases"]))
    nouns: dict[str, set[str]] = {language: set() for language in LANGUAGES}
    labels: dict[str, set[str]] = {language: set() for language in LANGUAGES}
    small: dict[str, dict[str, Phrases]] = {language: {} for language in LANGUAGES}
    for row in rows("count_nouns.csv"):
        forms = fold(row["forms"], row["language"]).split()
        if row["kind"] != "noun":
            small[row["language"]].setdefault(row["kind"], {}).update(((form,), "") for form in forms)
        if row["kind"] in {"noun", "adjective"}:
            nouns[row["language"]].update(forms)
            labels[row["language"]].update(fold(row["labels"], row["language"]).split())
    for row in rows("count_words.csv"):
        words = tuple(fold(row["text"], row["language"]).split())
        small[row["language"]].setdefault(row["kind"], {})[words] = row["value"]
    return {lang: _words(numbers[lang], nouns[lang], labels[lang], small[lang]) for lang in LANGUAGES}


def _words(numbers: dict[str, NumberWord], nouns: set[str], labels: set[str], small: dict[str, Phrases]) -> Words:
    """The tables of one language, with the words that a misspelt word must not come near."""
    stems = tuple(words[0] for words in small.get("stop_stem", {}))
    # "24 жалобы, по меньшей мере": a qualifier that comes too late must not be passed over
    late = (word for phrase in small.get("qualifier_before", {}) for word in phrase if len(word) > 3)
    small.setdefault("stop", {}).update(((word,), "") for word in late)
    risky = set(numbers)
    for kind in ("qualifier_before", "stop"):
        risky.update(word for phrase in small.get(kind, {}) for word in phrase)
    by_length: dict[int, tuple[str, ...]] = {}
    for word in risky:
        if len(word) > 3:
            by_length[len(word)] = (*by_length.get(len(word), ()), word)
    openers = {kind: frozenset(phrase[0] for phrase in phrases) for kind, phrases in small.items()}
    return Words(numbers, frozenset(nouns - set(numbers)), frozenset(labels), small, openers, stems, by_length)


def rows(name: str) -> Iterable[dict[str, str]]:
    """Every row of one table of schemas/lexicon."""
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def words(language: str) -> Words:
    """The tables of one language.

    Raises: UnreadableValue for a language we do not read.
    """
    if language not in LANGUAGES:
        raise UnreadableValue("a language we do not read", "expected ru, tg or en")
    return _all_words()[language]


def tokens(text: str, language: str) -> list[Token]:
    """Every piece of the text, in order; spaces are left out, nothing else is.

    Shape: superscripts are read as notes before anything is normalised; offsets are those of the NFC text.
    Raises: UnreadableValue for a character that has no place in a figure: look-alike digits, other scripts,
    invisible marks, words that mix two alphabets.
    """
    text = unicodedata.normalize("NFC", text)
    if language == "tg":
        writing = tajik.unicode_text(text)
        if writing.unread:
            raise UnreadableValue("a letter that no known Tajik writing explains", "convert the page first")
        text = writing.text
    pieces: list[Token] = []
    end = -1
    for match in _TOKEN.finditer(text):
        kind: Kind | Literal["space", "other"] = match.lastgroup  # type: ignore[assignment]
        if kind == "space":
            continue
        piece, start = match.group(), match.start()
        if kind == "other":
            raise UnreadableValue("a character that has no place in a figure", "digits 0-9, letters, plain marks")
        if kind == "word" and not (_CYRILLIC_WORD.fullmatch(piece) or _LATIN_WORD.fullmatch(piece)):
            raise UnreadableValue("a word that mixes two alphabets", "one alphabet per word")
        word = fold(piece, language) if kind == "word" else piece.translate(_SUPERSCRIPTS)
        pieces.append(Token(kind, piece, word, start, match.end(), start == end))
        end = match.end()
    return pieces


def joined(text: str) -> tuple[str, Sequence[int]]:
    """The text with accents on their letters and soft hyphens gone from within words, and the place of each letter.

    Shape: "о\u0306" is one letter; the list has one place more than the text, its end.
    """
    if text.isascii() or not _APART.search(text):
        return text, range(len(text) + 1)
    letters: list[str] = []
    places: list[int] = []
    for match in _CLUSTER.finditer(text):
        cluster = "" if match["hidden"] else unicodedata.normalize("NFC", match.group())
        letters += cluster
        places += [match.start()] * len(cluster)
    return "".join(letters), [*places, len(text)]


@lru_cache(maxsize=20_000)
def _slips(word: str, known: tuple[str, ...]) -> bool:
    """Whether a word is one slip of the pen away from one of these."""
    return any(near(word, one) for one in known)


def near(word: str, known: str) -> bool:
    """Whether two words are one slip of the pen apart (a letter changed, missing, doubled or swapped)."""
    if abs(len(word) - len(known)) > 1 or word == known:
        return word == known
    head = 0
    while head < min(len(word), len(known)) and word[head] == known[head]:
        head += 1
    rest, other = word[head:], known[head:]
    return (
        rest[1:] == other
        or rest == other[1:]
        or rest[1:] == other[1:]
        or (rest[:2] == other[1::-1] and rest[2:] == other[2:])
    )
