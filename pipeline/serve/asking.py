"""Turn what a reader types into a question to the full-text index, and put the answers in order.

A word is folded as the index is, and finds what people call by another word (synonyms.yml). First come rows that bear
every word, then those that bear some. Knows no database and no page.
"""

from __future__ import annotations

import difflib
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

import yaml

from pipeline import folding

LONGEST: Final = 200
MOST_WORDS: Final = 12
SHORTEST_MISSPELT, NEAR = 5, 0.8
YEAR: Final = re.compile(r"\b(199\d|20\d\d)\b")
WORD: Final = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """`terms` are FTS5 expressions, one for each word that matters; `stems` the folded words each of them accepts.

    `weights` say how much each word counts: a rare one more than one that nearly every row bears.
    """

    terms: tuple[str, ...]
    stems: tuple[frozenset[str], ...]
    years: tuple[str, ...]
    weights: tuple[float, ...] = ()

    @property
    def every(self) -> str:
        """The expression for rows that bear every word."""
        return " AND ".join(self.terms)

    @property
    def some(self) -> str:
        """The expression for rows that bear any."""
        return " OR ".join(self.terms)


def question(text: str, written: frozenset[str] = frozenset()) -> Question:
    """What `text` asks for; without terms and years when it holds no word that matters.

    Shape: `written` are folded words of the record: one that is in none of them is also looked for as its nearest.
    """
    kept = text[:LONGEST]
    phrases, idle = _vocabulary()
    words = [word for word in WORD.findall(YEAR.sub(" ", kept).lower()) if folding.folded(word)]
    words = [part for word in words for part in (word.split("-") if _splits(word, phrases) else [word])]
    words = [word for word in words if word not in idle] or words
    terms, stems = [], []
    for phrase in _phrases(words[:MOST_WORDS], phrases):
        ways = phrases.get(_key(phrase)) or _respelled(phrase, written, phrases)
        terms.append("(" + " OR ".join(f"({folding.question(way)})" for way in dict.fromkeys((phrase, *ways))) + ")")
        stems.append(frozenset(stem for way in (phrase, *ways) for stem in folding.folded(way).split()))
    return Question(tuple(terms), tuple(stems), tuple(YEAR.findall(kept)))


def weighed(asked: Question, counts: Sequence[int]) -> Question:
    """The same question, once it is known how many rows bear each of its words."""
    most = max(counts, default=0)
    return replace(asked, weights=tuple(1 + math.log((1 + most) / (1 + count)) for count in counts))


def ordered(rows: Iterable[Row], asked: Question) -> list[Row]:
    """The rows, those that answer best first; of each indicator the best one before the second of any."""
    scored = sorted(rows, key=lambda row: _score(row, asked))
    seen: Counter[tuple[object, str]] = Counter()
    placed = []
    for row in scored:
        level = _score(row, asked)[:2]
        seen[level, row["title"]] += 1
        placed.append(((level, seen[level, row["title"]]), row))
    return [row for _, row in sorted(placed, key=lambda one: one[0])]


def of_year(rows: Iterable[Row], year: str) -> list[Row]:
    """The figures that touch a year: first those for the whole of it, of complaints, and country totals."""
    whole = (f"{year}-01-01", f"{year}-12-31")
    figures = [row for row in rows if row["topic"]]
    figures.sort(key=lambda row: (row["period_end"], row["key"]), reverse=True)
    return sorted(
        figures,
        key=lambda row: (
            (row["period_start"], row["period_end"]) != whole,
            row["topic"] != "complaints",
            row["context"],
            bool(row["broken_down_by"]),
        ),
    )


def named(rows: Iterable[Row], asked: Question) -> list[Row]:
    """The rows whose titles bear every word."""
    return [row for row in rows if asked.stems and all(stems & _stems(row["titles"]) for stems in asked.stems)]


def _score(row: Row, asked: Question) -> tuple[Any, ...]:
    """Lower is better: words in its title and its breakdown, its own year, a total, no context, the newest."""
    told = _stems(row["titles"]), _stems(row["broken_down_by"] or "")
    weights = asked.weights or (1.0,) * len(asked.stems)
    named = sum(weight for stems, weight in zip(asked.stems, weights, strict=True) for part in told if stems & part)
    start, end = row["period_start"] or "", row["period_end"] or row["period_start"] or ""
    inside = sum(1 for year in asked.years if start[:4] == year == end[:4])
    touched = sum(1 for year in asked.years if start[:4] <= year <= end[:4])
    whole = start[4:] == "-01-01" and end[4:] == "-12-31"
    newest = -int(end[:4] or 0) * 10_000 - int(end[5:7] or 0)
    return (
        -2 * touched - 2 * inside - named,
        row["context"],
        bool(row["broken_down_by"]) and not any(stems & told[1] for stems in asked.stems),
        -(whole and bool(asked.years)),
        newest,
        row["key"],
    )


def _splits(word: str, phrases: Mapping[str, object]) -> bool:
    """Whether the halves of a word with a hyphen stand better alone: ВИЧ-инфицированные, but not 143-1."""
    return "-" in word and not any(letter.isdigit() for letter in word) and _key(word) not in phrases


def _respelled(phrase: str, written: frozenset[str], phrases: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """A word that nobody wrote, with the nearest that somebody did, or with all that are called the same."""
    form = _key(phrase)
    if not written or len(form) < SHORTEST_MISSPELT or any(word.startswith(form) for word in written):
        return (phrase,)
    near = difflib.get_close_matches(form, [*phrases, *written], n=1, cutoff=NEAR)
    return (phrase, *(phrases.get(near[0]) or near)) if near else (phrase,)


def _key(phrase: str) -> str:
    """A phrase folded, one form for each word."""
    return " ".join(forms.split()[0] for word in WORD.findall(phrase) if (forms := folding.folded(word)))


@lru_cache(4096)
def _stems(text: str) -> frozenset[str]:
    return frozenset(folding.folded(text).split())


def _phrases(words: Sequence[str], known: Mapping[str, Sequence[str]]) -> list[str]:
    """The words one by one, but known phrases of three or two words whole."""
    found, at = [], 0
    while at < len(words):
        lengths = (n for n in (4, 3, 2) if at + n <= len(words))
        length = next((n for n in lengths if _key(" ".join(words[at : at + n])) in known), 1)
        found.append(" ".join(words[at : at + length]))
        at += length
    return found


@cache
def _vocabulary() -> tuple[dict[str, tuple[str, ...]], frozenset[str]]:
    """For each folded word or phrase the words that find the same, and the words that say nothing."""
    told = yaml.safe_load(Path(__file__).with_name("synonyms.yml").read_text(encoding="utf-8"))
    same: dict[str, tuple[str, ...]] = {}
    for group in told["same"]:
        for word in group:
            key = _key(word)
            same[key] = (*same.get(key, ()), *group)
    return same, frozenset(told["idle"].split())
