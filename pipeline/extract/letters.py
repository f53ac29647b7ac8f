"""How strange the letters of a text are: whether a person could read it, told from how often each letter occurs.

A text in Russian, Tajik or English has its frequent letters where they belong; one whose letters were exchanged (a
PDF font with a false map, a wrong charset) does not. Reads no word, and says nothing of short texts.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

# from the most frequent letter to the least, by script
_ORDERS: Final = {
    "cyrillic": ("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё", "аиороднтмбешкувсҳлйзгяфпхӣҷқӯҷчъғэюёжщц"),
    "latin": ("etaoinsrhldcumfpgwybvkxjqz",),
}
_RANKS: Final = {
    script: [{letter: rank for rank, letter in reversed(list(enumerate(order)))} for order in orders]
    for script, orders in _ORDERS.items()
}
_STRANGER: Final = 30
_ENOUGH: Final = 60
UNREADABLE: Final = 10.3


def strangeness(text: str) -> float:
    """The mean rank of the letters in the language that fits best, of the stranger script; 0 below 60 letters.

    Units: 6–8.5 for prose and table headings, above 10.5 for exchanged letters.
    """
    counts = Counter(filter(str.isalpha, text.casefold()))
    worst = 0.0
    for script, (low, high) in (("cyrillic", (0x400, 0x530)), ("latin", (0x41, 0x250))):
        own = {letter: count for letter, count in counts.items() if low <= ord(letter) < high}
        total = sum(own.values())
        if total >= _ENOUGH:
            means = [sum(ranks.get(letter, _STRANGER) * count for letter, count in own.items()) / total
                     for ranks in _RANKS[script]]  # fmt: skip
            worst = max(worst, min(means))
    return worst
