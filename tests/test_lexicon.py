"""The word tables, and the pieces of a text that they are looked up with."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import lexicon, values
from pipeline.errors import UnreadableValue

FOLDER = Path(__file__).parent.parent / "schemas" / "lexicon"
KINDS = {
    "absent", "and", "before", "link", "never_zero", "not", "of", "percent", "qualifier_after", "qualifier_before",
    "stop", "stop_stem", "superscript_article", "zero_end", "zero_start",
}  # fmt: skip
ROLES = {
    "zero", "unit", "teen", "ten", "hundred", "scale", "half", "collective", "dozen", "ordinal", "vague", "plural_one",
}  # fmt: skip


def table(name: str) -> list[dict[str, str]]:
    """The rows of one table."""
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_has_a_language_and_a_kind_that_is_read() -> None:
    """A row whose kind no reader asks for would be a silent loss."""
    words = ("count_words.csv", "count_nouns.csv", "number_words.csv", "period_words.csv", "claim_words.csv")

    assert {row["language"] for name in words for row in table(name)} == set(lexicon.LANGUAGES)
    assert {row["kind"] for row in table("count_words.csv")} == KINDS
    assert {row["kind"] for row in table("count_nouns.csv")} == {"adjective", "before", "done", "noun"}
    assert {row["role"] for row in table("number_words.csv")} == ROLES


def test_every_qualifier_is_one_of_the_six() -> None:
    """A misspelt qualifier in the table would make its phrase unreadable."""
    found = {row["value"] for row in table("count_words.csv") if row["kind"].startswith("qualifier")}

    assert found <= set(get_args(values.Qualifier)) - {"exact"}


@pytest.mark.parametrize("name", ["count_words.csv", "count_nouns.csv", "number_words.csv", "period_words.csv"])
def test_no_row_is_there_twice(name: str) -> None:
    """Two rows for one word may disagree."""
    rows = [tuple(row.values())[:3] for row in table(name)]

    assert len(rows) == len(set(rows))


def test_no_word_to_pass_over_is_a_number_or_a_stop() -> None:
    """A word that may stand beside a number never means a number itself."""
    clashes = {}
    for language in lexicon.LANGUAGES:
        words = lexicon.words(language)
        free = {
            w for kind in ("before", "done", "link", "of") for p in words.small.get(kind, {}) if len(p) == 1 for w in p
        }
        stops = {phrase[0] for phrase in words.small["stop"] if len(phrase) == 1}
        clashes[language] = (free & set(words.numbers)) | (words.nouns & stops)

    assert clashes == {"ru": set(), "tg": set(), "en": set()}


def test_pieces_keep_their_places_and_superscripts_stay_apart() -> None:
    """A superscript is a note before anything is normalised, and offsets point into the text."""
    text = "более 1 170¹ жалоб"
    found = [(piece.kind, text[piece.start : piece.end]) for piece in lexicon.tokens(text, "ru")]

    assert found == [("word", "более"), ("number", "1 170"), ("note", "¹"), ("word", "жалоб")]


@given(st.text(max_size=60), st.sampled_from(lexicon.LANGUAGES))
def test_nothing_but_spaces_is_lost_between_pieces(text: str, language: str) -> None:
    """Either every character is in a piece or a space, or the text is refused."""
    try:
        pieces = lexicon.tokens(text, language)
    except UnreadableValue:
        return
    places = {place for piece in pieces for place in range(piece.start, piece.end)}

    assert sum(not character.isspace() for character in text) <= len(places)


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("читыре", "четыре", True),
        ("тысчи", "тысячи", True),
        ("тысяячи", "тысячи", True),
        ("тысячи", "тысячи", True),
        ("тысяич", "тысячи", True),
        ("милиции", "миллион", False),
        ("жалобы", "четыре", False),
        ("", "а", True),
    ],
)
def test_one_slip_of_the_pen_is_near(word: str, known: str, *, expected: bool) -> None:
    """One letter changed, missing, doubled or swapped."""
    assert lexicon.near(word, known) is expected
