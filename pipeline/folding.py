"""Fold words so that a Russian, Tajik or English word is found however it is typed.

The search table of statistics.db holds folded words; whoever searches folds the question with `question` and gets
the same forms. Folding: NFC, lower case, stress marks gone, ё→е, the six Tajik letters to their nearest Russian key
(ғ→г ӣ→и қ→к ӯ→у ҳ→х ҷ→ч, and дж beside ч), then the inflected ending cut.

Endings are cut by one short list for both languages, the same way in index and question, so that a wrong cut still
meets itself. Snowball was left out: it knows no Tajik, keeps пытки and пыток apart, and would need the language of
each question. Knows no table and no file.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

SHORTEST_STEM: Final = 3
LETTERS: Final = str.maketrans("ёғӣқӯҳҷ", "егикухч")
TAJIK_J: Final = ("ҷ", "дж")
WORD: Final = re.compile(r"[^\W_]+")
STRESS: Final = re.compile("[\u0300\u0301]")
CYRILLIC: Final = re.compile("[а-я]")
DOUBLED_N: Final = re.compile("н{2,}$")
FLEETING: Final = re.compile("([бвгджзклмнпрстфхцчшщ])[ое]([кц])$")

# Folded spelling, so Tajik -ҳо stands as -хо and -ӣ as -и.
ENDINGS: Final = tuple(
    """
    иями
    хоро гон ами ями иях иям ием ого его ому ему ыми ими хои
    ам ям ах ях ом ем ов ев ей ой ий ый ая яя ое ее ые ие ым им ых их ую юю ия ию ии ью хо ро он
    а е и о у ы э ю я й ь
    """.split()
)


def folded(text: str) -> str:
    """The searchable words of `text`, folded, each once, in order, separated by single spaces.

    Shape: "О пытках и ҷазо" → "о пытк и чаз джаз".
    """
    forms = (form for word in WORD.findall(_lower(text)) for form in _forms(word))
    return " ".join(dict.fromkeys(forms))


def question(text: str) -> str:
    """The FTS5 expression that finds rows bearing every word of `text`, in any of its forms or begun by it.

    Shape: "жалобы" → '("жалоб" OR "жалобы"*)'; "" for a text without a word. Safe for any text: each term is quoted.
    """
    terms = []
    for word in WORD.findall(_lower(text)):
        whole = [f'"{form}"' for form in _forms(word)]
        begun = [f'"{plain}"*' for plain in _spellings(word)]
        terms.append(f"({' OR '.join(whole + begun)})")
    return " AND ".join(terms)


def _lower(text: str) -> str:
    """NFC, so that й and ё are one letter each; then case and stress marks go."""
    return STRESS.sub("", unicodedata.normalize("NFC", text).casefold())


def _spellings(word: str) -> list[str]:
    """The word on a Russian keyboard: ҷ is typed ч by some and дж by others."""
    return list(dict.fromkeys(word.replace("ҷ", letter).translate(LETTERS) for letter in TAJIK_J))


def _forms(word: str) -> list[str]:
    return list(dict.fromkeys(stem for spelling in _spellings(word) for stem in _stems(spelling)))


def _stems(word: str) -> list[str]:
    """The word without its endings; a second form where a vowel flees (пыток beside пытк)."""
    if not CYRILLIC.search(word):
        plural = len(word) > SHORTEST_STEM and word.endswith("s") and not word.endswith("ss")
        return [word[:-1] if plural else word]
    stem = DOUBLED_N.sub("н", _cut(word))
    fled = FLEETING.sub(r"\1\2", stem)
    return [stem] if fled == stem else [stem, fled]


def _cut(word: str) -> str:
    """Endings taken off, longest first, again and again: шиканчахо → шиканча → шиканч."""
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            return _cut(word[: -len(ending)])
    return word
