"""The writings of Tajik, and what cannot be restored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import tajik


@pytest.mark.parametrize(
    ("printed", "restored", "writings"),
    [
        ("ҳуқуқи шаҳрвандон", "ҳуқуқи шаҳрвандон", {"unicode"}),
        ("ЊУЌУЌИ", "ҲУҚУҚИ", {"serbian"}),
        ("њашт зиндон, Суѓд, љорї, нўњ", "ҳашт зиндон, Суғд, ҷорӣ, нӯҳ", {"serbian"}),
        ("ша[рвандон", "шаҳрвандон", {"slots"}),
        ("давлатb", "давлатӣ", {"slots"}),
        ("XУМ{УРИИ", "ҶУМҲУРИИ", {"slots"}),
        ("ҳафт нафар дар Суѓд", "ҳафт нафар дар Суғд", {"unicode", "serbian"}),
        ("хашт зиндон", "хашт зиндон", set()),
        ("24 нафар [1]", "24 нафар [1]", set()),
    ],
)
def test_each_writing_is_restored_and_named(printed: str, restored: str, writings: set[str]) -> None:
    """Letters of two legacy fonts become Unicode, and the caller learns which were met."""
    found = tajik.unicode_text(printed)

    assert (found.text, found.writings, found.unread) == (restored, frozenset(writings), ())


def test_a_mixture_is_flagged() -> None:
    """Two writings in one text are a reason for a person to look."""
    assert [tajik.unicode_text(text).mixed for text in ("Суѓд ва Ҳисор", "Суѓд", "Ҳисор")] == [True, False, False]


@pytest.mark.parametrize("text", ["хukuk", "шаҳр]", "xукук", "нафap", "пан(ҷ}а"])
def test_a_mark_no_writing_explains_is_reported(text: str) -> None:
    """A Latin x may be a mistyped х or a slot for ҷ: it is named, not guessed."""
    found = tajik.unicode_text(text)

    assert (bool(found.unread), found.text) == (True, text)


def test_all_four_writings_fold_to_one_look_up() -> None:
    """Whatever the font, one key finds the word."""
    assert {tajik.fold(text) for text in ("Ҳашт", "њашт", "[ашт", "хашт")} == {"хашт"}


@given(st.text(max_size=80))
def test_offsets_stay_true(text: str) -> None:
    """The restored text has a letter for each letter."""
    found = tajik.unicode_text(text)

    assert (len(found.text), all(0 <= place < len(text) for place in found.unread)) == (len(text), True)


@given(st.text(alphabet="абвгдеиклмнопрстуқҳҷғӣӯ ", max_size=40))
def test_restoring_twice_changes_nothing_more(text: str) -> None:
    """What is already Unicode stays as it is."""
    once = tajik.unicode_text(text).text

    assert (once, tajik.unicode_text(once).text) == (text, text)
