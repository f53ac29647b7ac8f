"""Turn the four writings of Tajik into one, so that no look-up fails in silence.

Tajik pages hold Unicode letters, a font with Serbian letters in their place (Њ for Ҳ), a font with ASCII marks
in their place ("ша[рвандон"), plain Russian letters ("хашт"), and mixtures on one page. `unicode_text` restores
the first three letter for letter, so offsets stay true, and says which writings it met; what the fourth lost
cannot be restored, only compared, which is what `fold` is for. Knows no words, numbers or files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Each pair was seen in a real page: the Ombudsman's report of 2012 for the Serbian letters.
_SERBIAN = dict(zip("ЌќЊњЉљЃѓЇїЎў", "ҚқҲҳҶҷҒғӢӣӮӯ", strict=True))
# Seen: "ша[рвандон", "давлатb", "XУМ{УРИИ". Other slots of such fonts are unknown, and are never guessed.
_SLOTS = {"[": "ҳ", "{": "Ҳ", "b": "ӣ", "X": "Ҷ", "x": "ҷ"}
_CLOSING = {"[": "]", "{": "}"}
# A Latin x inside Cyrillic is as often a mistyped х, so it is a slot only beside a slot that cannot be anything else.
_DOUBTFUL = frozenset("Xx")

_TAJIK = frozenset("ҚқҲҳҶҷҒғӢӣӮӯ")
_CYRILLIC = re.compile("[\u0400-\u04ff]")
_FOLD = str.maketrans("қҳҷғӣӯё", "кхчгиуе")
_LEGACY = re.compile(r"[ЌќЊњЉљЃѓЇїЎў\[{bXx]")
_FOREIGN = r"[A-Za-z\[\]{}\\|~`<>@#$^_=+]"
_MIXED_WORD = re.compile(rf"[\u0400-\u04ff]{_FOREIGN}|{_FOREIGN}[\u0400-\u04ff]")


@dataclass(frozen=True, slots=True)
class Writing:
    """Tajik text in Unicode letters, and how it had been written.

    Shape: `text` has the length of the original, letter for letter; `writings` holds "unicode", "serbian" and
    "slots" for each kind met (empty: plain Russian letters, or no Tajik letter needed); `unread` holds the places
    of letters or marks inside Cyrillic words that no known writing explains.
    """

    text: str
    writings: frozenset[str]
    unread: tuple[int, ...]

    @property
    def mixed(self) -> bool:
        """Whether two writings meet in one text: a reason for a person to look."""
        return len(self.writings) > 1


def unicode_text(text: str) -> Writing:
    """The text with every legacy letter replaced by its Unicode letter, and what was met on the way.

    Shape: "њашт зиндон" → "ҳашт зиндон", writings {"serbian"}; "ша[рвандон" → "шаҳрвандон", writings {"slots"}.
    """
    found: set[str] = set()
    letters = list(text)
    last_closing = {mark: text.rfind(closing) for mark, closing in _CLOSING.items()}
    slots = [index for index, mark in enumerate(text) if mark in _SLOTS and _is_slot(text, index, last_closing)]
    if all(text[index] in _DOUBTFUL for index in slots):
        slots = []
    for index in slots:
        letters[index] = _SLOTS[text[index]]
        found.add("slots")
    for index, letter in enumerate(text):
        if letter in _SERBIAN:
            letters[index] = _SERBIAN[letter]
            found.add("serbian")
        elif letter in _TAJIK:
            found.add("unicode")
    out = "".join(letters)
    unread = tuple(match.start() for match in _MIXED_WORD.finditer(out))
    return Writing(out, frozenset(found), unread)


def fold(text: str) -> str:
    """The text as it is compared: Unicode letters, lower case, Tajik letters as a Russian keyboard types them.

    Shape: "Ҳашт", "њашт", "[ашт" and "хашт" all give "хашт". For look-ups only: never print it.
    """
    if not _LEGACY.search(text):
        return text.lower().translate(_FOLD)
    return unicode_text(text).text.lower().translate(_FOLD)


def _is_slot(text: str, index: int, last_closing: dict[str, int]) -> bool:
    """Whether this mark stands for a letter: it touches Cyrillic, and no bracket closes after it."""
    mark = text[index]
    before = text[index - 1] if index else " "
    after = text[index + 1] if index + 1 < len(text) else " "
    if mark in _CLOSING:
        if last_closing[mark] > index:
            return False
        return bool(_CYRILLIC.match(after)) or bool(_CYRILLIC.match(before))
    return bool(_CYRILLIC.match(before)) or (mark in _DOUBTFUL and bool(_CYRILLIC.match(after)))
