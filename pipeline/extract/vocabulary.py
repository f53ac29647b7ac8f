"""Look up what the words of a sentence may be in the tables of schemas/lexicon, whatever their ending.

Says nothing of what a word is in its place: that is tagging.py's.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, NamedTuple

from pipeline import lexicon

_ENDINGS: Final[dict[str, frozenset[str]]] = {
    "ru": frozenset(
        " а я о е и ы у ю ь й ой ей ою ею ом ем ам ям ами ями ах ях ов ев ий ый ая яя ое ее ые ие ого его ому ему ым "
        "им ыми ими ых их ую юю ия ию ием ии иям иями иях ла ло ли л ны на но н лся лась лось лись "
        "ен ена ено ены".split(" ")
    ),
    "tg": frozenset(" и хо хои ро хоро иро у ю е аш ашон гон гони гонро гонеро ест анд ааст аанд ии".split(" ")),
    "en": frozenset(" s es 's ' d ed".split(" ")),
}
_LETTERS: Final = re.compile(r"[^\W\d_]+")


class Phrase(NamedTuple):
    """A phrase of claim_words.csv; a word that ends in "~" stands with any ending."""

    words: tuple[str, ...]
    kind: str
    value: str


@lru_cache(maxsize=4)
def _phrases(language: str) -> dict[str, list[Phrase]]:
    """First word → the phrases of claim_words.csv that begin with it."""
    found: dict[str, list[Phrase]] = {}
    for row in lexicon.rows("claim_words.csv"):
        if row["language"] == language:
            for phrase in row["words"].split("|"):
                words = tuple(lexicon.fold(phrase, language).split())
                found.setdefault(words[0], []).append(Phrase(words, row["kind"], row["value"]))
    return found


@lru_cache(maxsize=4)
def time_words(language: str) -> dict[str, frozenset[str]]:
    """Every word that may stand in a period, with its tags; those of a whole phrase begin with a "~"."""
    found: dict[str, set[str]] = {}
    for row in lexicon.rows("period_words.csv"):
        if row["language"] == language and row["tag"] != "blocked":
            words = lexicon.fold(row["text"], language).split()
            for word in words:
                found.setdefault(word, set()).add(row["tag"] if len(words) == 1 else f"~{row['tag']}")
    return {word: frozenset(tags) for word, tags in found.items()}


@lru_cache(maxsize=4)
def references(language: str) -> list[tuple[str, re.Pattern[str]]]:
    """The patterns of numbers that count nothing, for one language."""
    rows = lexicon.rows("not_counts.csv")
    return [(row["reason"], re.compile(row["pattern"])) for row in rows if row["language"] in ("*", language)]


def number_words(text: str, language: str) -> list[tuple[int, int, str]]:
    """Start, end and role of every word that may be a number, as the tables spell it."""
    numbers, spelt = lexicon.words(language).numbers, lexicon.fold(text, language)
    if len(spelt) != len(text) or numbers.keys().isdisjoint(_LETTERS.findall(spelt)):
        return []
    return [(m.start(), m.end(), numbers[m.group()].role) for m in _LETTERS.finditer(spelt) if m.group() in numbers]


@lru_cache(maxsize=8)
def mentions(value: str, language: str) -> re.Pattern[str]:
    """A pattern for every phrase of claim_words.csv that has this value: "other_country", "contradicted"."""
    rows = (r for r in lexicon.rows("claim_words.csv") if r["language"] == language and r["value"] == value)
    found = [lexicon.fold(phrase, language) for row in rows for phrase in row["words"].split("|")]
    spelt = (re.escape(p.rstrip("~")) + ("" if p.endswith("~") else r"\b") for p in found)
    return re.compile(r"\b(?:" + "|".join(spelt) + ")")


@lru_cache(maxsize=20_000)
def stems(word: str, language: str) -> tuple[str, ...]:
    """The keys under which a word may stand in a table: itself, and itself without each known ending."""
    endings = _ENDINGS[language]
    cut = (word[:size] + "~" for size in range(len(word), max(len(word) - 5, 1), -1) if word[size:] in endings)
    return (word, *cut)


@lru_cache(maxsize=20_000)
def phrases(word: str, language: str) -> tuple[Phrase, ...]:
    """The phrases that may begin with this word: the longest first, and of two alike the one that stops."""
    table = _phrases(language)
    found = [option for stem in stems(word, language) for option in table.get(stem, ())]
    return tuple(sorted(found, key=lambda one: (-len(one.words), one.kind != "stop")))


@lru_cache(maxsize=1)
def rules() -> tuple[dict[str, Any], ...]:
    """The rows of figure_rules.csv, their lists as sets; "-" stands for none said."""
    lists = ("things", "done", "bodies", "topics")
    return tuple(
        {
            key: frozenset("" if v == "-" else v for v in cell.split()) if key in lists else cell
            for key, cell in row.items()
        }
        for row in lexicon.rows("figure_rules.csv")
    )
