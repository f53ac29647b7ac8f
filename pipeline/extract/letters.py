"""How strange the letters of a text are: whether a person could read it, told from how often each letter occurs.

A text in Russian, Tajik or English has its frequent letters where they belong; one whose letters were exchanged (a
PDF font with a false map, a wrong charset) does not. Reads no word, and says nothing of short texts.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

_ORDERS: Final = (
    "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
    "аиороднтмбешкувсҳлйзгяфпхӣҷқӯҷчъғэюёжщц",
    "etaoinsrhldcumfpgwybvkxjqz",
)
_RANKS: Final = tuple({letter: rank for rank, letter in reversed(list(enumerate(order)))} for order in _ORDERS)
_STRANGER: Final = 30
_ENOUGH: Final = 60


def strangeness(text: str) -> float:
    """The mean rank of the text's letters in the language that fits best; 0 for fewer than 60 letters.

    Units: about 6–9 for prose and table headings, above 11 for exchanged letters.
    """
    counts = Counter(filter(str.isalpha, text.casefold()))
    total = counts.total()
    if total < _ENOUGH:
        return 0.0
    return min(sum(ranks.get(letter, _STRANGER) * n for letter, n in counts.items()) for ranks in _RANKS) / total
