"""Tag the words of a period, for periods.py to put together.

Every piece gets one tag (a year, a month, a day, an opening, a half …) from schemas/lexicon/period_words.csv or
from its digits; a piece without a tag is refused by name. Says nothing about dates.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

from pipeline import lexicon
from pipeline.errors import UnreadablePeriod, UnreadableValue

_LONGEST = 200
_DASHES = frozenset("—–-")
_DOTTED = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_SHORT = {"H": "half_n", "Q": "quarter_n"}
_DAY_ENDINGS: dict[str, frozenset[str]] = {
    "ru": frozenset({"го", "е", "ое", "й", "я", "ая", "м", "ом"}),
    "tg": frozenset({"ум", "уми", "юм", "юми"}),
    "en": frozenset(),
}
_YEAR_ENDINGS = {"м", "го", "й", "ом"}
_EN_DAY_ENDINGS = {"st", "nd", "rd", "th"}
_MARKS = {"(": "open", ")": "close", ",": "comma"}


class Item(NamedTuple):
    """One understood piece: its tag, its value, and the word as printed."""

    tag: str
    value: str
    text: str


@lru_cache(maxsize=1)
def _phrases() -> dict[str, dict[tuple[str, ...], tuple[str, str]]]:
    tables: dict[str, dict[tuple[str, ...], tuple[str, str]]] = {language: {} for language in lexicon.LANGUAGES}
    for row in lexicon.rows("period_words.csv"):
        key = tuple(lexicon.fold(row["text"], row["language"]).split())
        tables[row["language"]][key] = (row["tag"], row["value"])
    return tables


def items(text: str, language: str) -> list[Item]:
    """Every piece of the text with its tag, without the words for "in" that open it.

    Raises: UnreadablePeriod naming the first piece that has no tag.
    """
    if len(text) > _LONGEST or language not in lexicon.LANGUAGES:
        raise UnreadablePeriod(text[:20], "a short phrase in ru, tg or en")
    try:
        tokens = lexicon.tokens(text.strip(), language)
    except UnreadableValue as error:
        raise UnreadablePeriod(text[:20], error.expected) from error
    kept = [token for index, token in enumerate(tokens) if not _is_abbreviation_dot(tokens, index)]
    tokens = [part for token in kept for part in _parted(token, language)]
    found: list[Item] = []
    at = 0
    while at < len(tokens):
        at, item = _tagged(tokens, at, language)
        if item.tag == "blocked" or (item.tag == "noise" and at == len(tokens)):
            raise UnreadablePeriod(item.text, "a word or mark that tells time and nothing else")
        if item.tag != "noise":
            found.append(item)
    while found and found[0].tag == "in":
        found.pop(0)
    return found


def _parted(token: lexicon.Token, language: str) -> list[lexicon.Token]:
    """The token, or its parts where a hyphen joins two months: "январь-март"."""
    table = _phrases()[language]
    parts = token.word.split("-")
    if token.kind != "word" or len(parts) != 2 or not all(table.get((p,), ("", ""))[0] == "month" for p in parts):
        return [token]
    first, second = (token._replace(text=part, word=part) for part in parts)
    return [first, token._replace(kind="mark", text="-", word="-"), second]


def _is_abbreviation_dot(tokens: list[lexicon.Token], at: int) -> bool:
    """Whether this full stop only ends an abbreviation or the phrase."""
    token = tokens[at]
    if token.text != "." or not at or not token.glued:
        return False
    return at == len(tokens) - 1 or (tokens[at - 1].kind == "word" and len(tokens[at - 1].text) <= 5)


def _tagged(tokens: list[lexicon.Token], at: int, language: str) -> tuple[int, Item]:
    """The next piece with its tag, and where it ends."""
    token = tokens[at]
    if token.kind == "number":
        return _tagged_number(tokens, at, language)
    if token.kind == "word":
        return _tagged_word(tokens, at, language)
    tag = "dash" if token.text in _DASHES else _MARKS.get(token.text, "blocked")
    return at + 1, Item(tag, "", token.text)


def _tagged_word(tokens: list[lexicon.Token], at: int, language: str) -> tuple[int, Item]:
    """A word, or the longest phrase of the table that begins with it."""
    token = tokens[at]
    words = [t.word for t in takewhile(lambda t: t.kind == "word", tokens[at : at + 4])]
    for length in range(len(words), 0, -1):
        found = _phrases()[language].get(tuple(words[:length]))
        if found and found[0] == "this_year" and len(token.text) == 1 and not _dotted(tokens, at):
            continue
        if found and (found[0] != "roman" or token.text.isupper()):
            return at + length, Item(found[0], found[1], " ".join(t.text for t in tokens[at : at + length]))
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    if language == "en" and token.text in _SHORT and following and following.glued and following.text in "1234":
        return at + 2, Item(_SHORT[token.text], following.text, token.text)
    number = lexicon.words(language).numbers.get(token.word)
    if number and number.role in {"unit", "teen"} and number.cases != "joined":
        return at + 1, Item("n", str(number.value), token.text)
    if number and number.role == "half":
        return at + 1, Item("fraction", str(number.value), token.text)
    return at + 1, Item("blocked", "", token.text)


def _dotted(tokens: list[lexicon.Token], at: int) -> bool:
    """Whether a full stop was dropped between two letters: "с.г." is this year, "с г." has lost its number."""
    return tokens[at + 1].glued or tokens[at + 1].start - tokens[at].end > 1


def _tagged_number(tokens: list[lexicon.Token], at: int, language: str) -> tuple[int, Item]:
    """Digits: a full date, a year, a day with or without its ending, a fraction."""
    text = tokens[at].text
    glued = list(takewhile(lambda t: t.glued, tokens[at + 1 : at + 5]))
    ahead = [t.word for t in glued]
    if not (tokens[at].glued and tokens[at - 1].kind == "word"):
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text + "".join(ahead)):
            return at + 5, Item("date", text + "".join(ahead), text)
        if (match := _DOTTED.fullmatch(text)) and (language != "en" or int(match[1]) > 12):
            return at + 1, Item("date", f"{match[3]}-{int(match[2]):02}-{int(match[1]):02}", text)
        if re.fullmatch("(19|20)[0-9]{2}", text):
            if language == "ru" and ahead[:1] == ["-"] and ahead[1:2] and ahead[1] in _YEAR_ENDINGS:
                return at + 3, Item("y", text, text)
            if not ahead or glued[0].kind != "word" or (language == "ru" and ahead[0] in {"г", "гг"}):
                return at + 1, Item("y", text, text)
        if re.fullmatch("0?[1-9]|[1-9][0-9]", text):
            if ahead[:1] == ["-"] and ahead[1:2] and ahead[1] in _DAY_ENDINGS[language]:
                return at + 3, Item("n_ending", text, text)
            if language == "en" and ahead[:1] and ahead[0] in _EN_DAY_ENDINGS:
                return at + 2, Item("n_ending", text, text)
            if not ahead or glued[0].kind != "word":
                return at + 1, Item("n", text, text)
        if re.fullmatch("[1-9][.,]5", text) and ("," in text) == (language != "en"):
            return at + 1, Item("fraction", text.replace(",", "."), text)
    return at + 1, Item("blocked", "", text + "".join(t.text for t in glued[:2]))
