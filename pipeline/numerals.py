"""Read one numeral, in digits or in words, from the pieces of a text.

A numeral is read whole or not at all: ranks must fall strictly ("пять шесть" is two numbers), cases must agree
("сорок пяти" is two numbers), a scale word may follow digits ("9 тыс. 317"). Where the numeral stands, and
whether it is a count, is for values.py.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

from pipeline import lexicon
from pipeline.errors import UnreadableValue
from pipeline.lexicon import NumberWord, Token, Words

_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:(?P<sep>[ \u00a0\u2007\u2009\u202f])[0-9]{3}(?:(?P=sep)[0-9]{3})*)")
_PLAIN = re.compile(r"0|[1-9][0-9]*")
_COMMA_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+")
_SHORT = re.compile("[0-9]{1,3}")
_CASES = frozenset("ngdaip")
_RANK = {"unit": 1, "teen": 2, "ten": 2, "hundred": 3}
_ARTICLE_WITHOUT_SUPERSCRIPT = "1431"  # article 143¹ as some files print it
_ABBREVIATED = frozenset({"тыс", "млн", "млрд", "хаз"})
_LONGEST_PLAIN, _LONGEST_GROUPED = 7, 8
_ENGLISH_SCALED = frozenset({"hundred", "thousand", "million", "billion", "dozen"})


class Numeral(NamedTuple):
    """A number and where it ends; `worded` when it was not written in digits alone."""

    value: Decimal
    end: int
    worded: bool


def starts(tokens: list[Token], at: int, words: Words) -> bool:
    """Whether a numeral, readable or not, begins here."""
    if at >= len(tokens):
        return False
    token = tokens[at]
    if token.kind == "word" and "-" in token.word:
        return any(part in words.numbers for part in token.word.split("-"))
    return token.kind == "number" or token.word in words.numbers or is_article(tokens, at, words)


def read(tokens: list[Token], at: int, language: str, *, governed: bool = False) -> Numeral:
    """The numeral that begins at this piece.

    `governed` says that a word like "более" stands before it, so that "тысячи" can be one thousand.
    Raises: UnreadableValue for anything that is not one whole cardinal number.
    """
    words = lexicon.words(language)
    numeral = (_english if language == "en" else _cyrillic)(tokens, at, language, words, governed=governed)
    if numeral.end == at:  # "five-year": to begin here is not yet to be one
        raise UnreadableValue("a number word joined to another word", "a number of its own")
    if numeral.end < len(tokens) and tokens[numeral.end].word in words.numbers:
        raise UnreadableValue("two numbers side by side, or an ordinal, a fraction or a vague amount", "one number")
    return numeral


def literal(token: Token, language: str, *, scaled: bool) -> Decimal:
    """The number that digits print; a decimal mark is understood only before a scale word."""
    text = token.text
    if text == _ARTICLE_WITHOUT_SUPERSCRIPT:
        raise UnreadableValue("1431, which some files print for article 143¹", "a number that cannot be an article")
    if len(re.sub("[^0-9]", "", text)) > (_LONGEST_PLAIN if text.isdigit() else _LONGEST_GROUPED):
        raise UnreadableValue("more digits than a count has: a phone, a date or a document number", "a count")
    if _PLAIN.fullmatch(text) or _GROUPED.fullmatch(text):
        return Decimal(re.sub(r"[^0-9]", "", text))
    if language == "en" and _COMMA_GROUPED.fullmatch(text):
        if scaled:
            raise UnreadableValue("a comma before a scale word", "a point for decimals in English")
        return Decimal(text.replace(",", ""))
    decimals = r"\.[0-9]{1,2}" if language == "en" else r"(?:\.[0-9]{1,2}|,[0-9]{1,6})"
    if scaled and re.fullmatch(rf"(?:0|[1-9][0-9]*){decimals}", text):
        return Decimal(text.replace(",", "."))
    raise UnreadableValue("digits whose marks are not those of a whole number", "1 234, or 1,234 in English")


def _scale(tokens: list[Token], at: int, words: Words) -> tuple[Decimal, int, str] | None:
    """The scale word at this place (thousand, million), where it ends, and how it may be joined."""
    if at >= len(tokens) or tokens[at].kind != "word":
        return None
    known = words.numbers.get(tokens[at].word)
    if known is None or known.role != "scale":
        return None
    end = at + 1
    if tokens[at].word in _ABBREVIATED and end < len(tokens) and tokens[end].text == "." and tokens[end].glued:
        end += 1
    return known.value, end, known.cases


class _Group(NamedTuple):
    """A number below a scale word: where it ends, its cases, and whether it is in digits or joins with nothing."""

    value: Decimal
    end: int
    digits: bool
    cases: frozenset[str] = _CASES
    alone: bool = False


def _cyrillic(tokens: list[Token], at: int, language: str, words: Words, *, governed: bool) -> Numeral:
    """Groups below 1,000, each with a falling scale: "9 тыс. 317", "як ҳазору дусад", "сто двадцать"."""
    total, last, worded, cases = Decimal(0), Decimal(10) ** 12, False, _CASES
    group: _Group | None = _implied_one(tokens, at, language, words, governed=governed)
    group = group or _group(tokens, at, language, words)
    while group is not None:
        worded = worded or not group.digits
        scale = _scale(tokens, group.end, words)
        if scale is None or scale[0] >= last:
            fits = group.value < last and group.value == int(group.value) and cases & group.cases and not group.alone
            if total and (not fits or (group.digits and (last != 1000 or not _SHORT.fullmatch(tokens[at].text)))):
                raise UnreadableValue("two numbers side by side", "one number")
            _refuse_short_for_thousands(total, group.value, last)
            return _whole(Numeral(total + group.value, group.end, worded))
        value = group.value * scale[0]
        counts_one = group.value % 10 == 1 and group.value % 100 != 11
        # "трое тысяч", "сорок тысяча": the scale word belongs to something else
        unfit = (group.alone and group.value == int(group.value)) or (scale[2] == "yes" and not counts_one)
        if value != int(value) or group.value >= 1_000_000 or unfit:
            raise UnreadableValue("a number and a scale word that do not fit", "a whole number")
        total, last, at, cases = total + value, scale[0], scale[1], group.cases
        # a decimal ends the number, and so does a Tajik scale word without its joiner
        open_ended = group.value == int(group.value) and (language != "tg" or scale[2] == "joined")
        if language == "tg" and scale[2] == "joined" and not (open_ended and starts(tokens, at, words)):
            raise UnreadableValue("a number word that announces another", "the rest of the number")
        group = _group(tokens, at, language, words) if open_ended and starts(tokens, at, words) else None
    return _whole(Numeral(total, at, worded))


def _implied_one(tokens: list[Token], at: int, language: str, words: Words, *, governed: bool) -> _Group | None:
    """One, where a scale word stands alone: "тысяча", "более тысячи", "ҳазор"; never "тысячи"."""
    scale = _scale(tokens, at, words)
    if scale is None:
        return None
    if scale[2] == "yes" or (governed and scale[2] == "governed") or language == "tg":
        return _Group(Decimal(1), at, digits=False)
    raise UnreadableValue("a scale word without a number", "a number before it")


def _refuse_short_for_thousands(total: Decimal, rest: Decimal, last: Decimal) -> None:
    """Refuse "миллион двести", which many say for a million and two hundred thousand."""
    if total and last > 1000 and rest >= 100 and rest % 100 == 0:
        raise UnreadableValue("hundreds right after a million, which may be short for thousands", "the word thousand")


def _whole(numeral: Numeral) -> Numeral:
    """The numeral, if it is a whole number."""
    if numeral.value != int(numeral.value):
        raise UnreadableValue("a number that is not whole", "a count")
    return numeral


def _group(tokens: list[Token], at: int, language: str, words: Words) -> _Group:
    """The number below a scale word that begins here."""
    if tokens[at].kind == "number":
        end = _after_ending(tokens, at, language)
        if end == at + 1 and end < len(tokens) and tokens[end].kind == "word" and tokens[end].glued:
            raise UnreadableValue("letters that touch the digits", "a space")
        scaled = end == at + 1 and _scale(tokens, end, words) is not None
        return _Group(literal(tokens[at], language, scaled=scaled), end, digits=True)
    if language == "tg":
        return _tajik_chain(tokens, at, words)
    group = _russian_chain(tokens, at, words)
    if [t.word for t in tokens[group.end : group.end + 2]] == ["с", "половиной"]:
        if group.value >= 20 or _scale(tokens, group.end + 2, words) is None:
            raise UnreadableValue("a half", "a whole number")
        return group._replace(value=group.value + Decimal("0.5"), end=group.end + 2)
    return group


def _after_ending(tokens: list[Token], at: int, language: str) -> int:
    """Where digits with a hyphenated ending end: "5-ти", "24-нафар"."""
    rest = tokens[at + 1 : at + 3]
    if len(rest) < 2 or rest[0].text != "-" or not (rest[0].glued and rest[1].glued):
        return at + 1
    digits, ending = tokens[at].text, rest[1].word
    teen, last = digits[-2:-1] == "1", digits[-1]
    fits = {
        "х": last in "234" and not teen,
        "мя": last in "234" and not teen,
        "ти": (last in "567890" or teen) and digits[-2:] not in {"0", "40", "90", "00"},
        "ми": last in "78" and not teen,
    }
    if digits.isdigit() and (fits.get(ending, False) if language == "ru" else ending in {"то", "та", "нафар"}):
        return at + 3
    raise UnreadableValue("digits with an ending that makes them an ordinal or an age", "a cardinal number")


def _known(token: Token, words: Words) -> NumberWord:
    """What a number word means; ordinals and vague amounts are refused by name."""
    word = words.numbers.get(token.word)
    if word is None:
        raise UnreadableValue("number words joined by a hyphen", "one number")
    if word.role == "ordinal":
        raise UnreadableValue("an ordinal number", "a count")
    if word.role in {"vague", "plural_one"}:
        raise UnreadableValue("a vague amount or a fraction", "a count")
    return word


def _russian_chain(tokens: list[Token], at: int, words: Words) -> _Group:
    """Number words of strictly falling rank whose cases agree."""
    total, rank, cases, alone = Decimal(0), 4, _CASES, False
    while at < len(tokens) and tokens[at].word in words.numbers:
        word = _known(tokens[at], words)
        if word.role == "scale":
            break
        alone = word.role in {"zero", "collective", "half"}  # these join with nothing
        if (alone and rank < 4) or (not alone and (_RANK[word.role] >= rank or (word.role == "teen" and rank <= 2))):
            raise UnreadableValue("two numbers side by side", "ranks that fall")
        cases &= frozenset(word.cases)
        if not cases:
            raise UnreadableValue("number words in two cases", "one case")
        total += word.value
        rank = 0 if alone or word.role in {"teen", "unit"} else _RANK[word.role]
        at += 1
    if rank == 4:
        raise UnreadableValue("two scale words side by side", "a number before each")
    return _Group(total, at, digits=False, cases=cases, alone=alone)


def _tajik_chain(tokens: list[Token], at: int, words: Words) -> _Group:
    """Number words of strictly falling rank, each but the last with its joiner: "саду бисту чор"."""
    total, rank = Decimal(0), 4
    while True:
        word = _known(tokens[at], words)
        if word.role in {"zero", "half"} and rank == 4:
            return _Group(word.value, at + 1, digits=False)
        if word.role not in _RANK or _RANK[word.role] >= rank:
            raise UnreadableValue("two numbers side by side", "ranks that fall")
        total, rank, at = total + word.value, 1 if word.role == "teen" else _RANK[word.role], at + 1
        if word.cases != "joined":
            return _Group(total, at, digits=False)
        following = words.numbers.get(tokens[at].word) if at < len(tokens) else None
        if following is None or following.role == "scale" or word.role in {"unit", "teen"}:
            raise UnreadableValue("a number word that announces another", "the rest of the number")


def _english(tokens: list[Token], at: int, language: str, words: Words, *, governed: bool) -> Numeral:
    """English numerals: "two thousand five hundred", "one hundred and twenty-four", "a dozen", "1.5 million"."""
    del governed
    if tokens[at].kind == "number":
        if at + 1 < len(tokens) and tokens[at + 1].kind == "word" and tokens[at + 1].glued:
            raise UnreadableValue("letters that touch the digits", "a space")
        scale = _scale(tokens, at + 1, words)
        value = literal(tokens[at], language, scaled=scale is not None)
        return _whole(Numeral(value * scale[0], scale[1], False) if scale else Numeral(value, at + 1, False))
    pieces, end = _english_pieces(tokens, at, words)
    return _whole(Numeral(_english_sum(pieces), end, True))


def is_article(tokens: list[Token], at: int, words: Words) -> bool:
    """Whether this is the English "a" that counts one: "a hundred", "a dozen"."""
    following = tokens[at + 1].word if tokens[at].word == "a" and at + 1 < len(tokens) else ""
    return following in _ENGLISH_SCALED and following in words.numbers


def _english_pieces(tokens: list[Token], at: int, words: Words) -> tuple[list[NumberWord], int]:
    """The number words from here on; "and" and the comma after a scale become pieces, hyphens are undone."""
    pieces: list[NumberWord] = []
    while at < len(tokens):
        token, ahead = tokens[at], [t.word for t in tokens[at + 1 : at + 4]]
        parts = [words.numbers[p] for p in token.word.split("-") if p in words.numbers]
        if is_article(tokens, at, words) and not pieces:
            pieces.append(NumberWord("unit", Decimal(1), ""))
        elif [token.word, *ahead[:2]] == ["half", "a", "dozen"] and not pieces:
            pieces.append(NumberWord("pair", Decimal(6), ""))
            at += 2
        elif token.word in words.numbers:
            pieces.append(_known(token, words))
        elif "-" in token.word and len(parts) > 1:
            if [p.role for p in parts] != ["ten", "unit"] or token.word.count("-") != 1:
                raise UnreadableValue("number words joined by a hyphen", "twenty-four")
            pieces.append(NumberWord("pair", parts[0].value + parts[1].value, ""))
        elif token.word == "and" and pieces and ahead[:2] == ["a", "half"]:
            pieces.append(NumberWord("half", Decimal("0.5"), ""))
            at += 2
        elif token.word == "and" and pieces and starts(tokens, at + 1, words):
            pieces.append(NumberWord("and", Decimal(0), ""))
        elif token.text == "," and pieces and pieces[-1].role == "scale" and _ENGLISH_SCALED & set(ahead):
            pass
        else:
            break
        at += 1
    return pieces, at


def _english_sum(pieces: list[NumberWord]) -> Decimal:
    """The value of English number words whose ranks fall strictly within each scale."""
    if [p.role for p in pieces] == ["zero"]:
        return Decimal(0)
    total, group, rank, last, before = Decimal(0), Decimal(0), 4, Decimal(10) ** 12, ""
    for role, value, _ in pieces:
        fits = before != "half" or role == "scale"
        if role == "scale":
            fits = value < last and group > 0 and before != "and"
            total, group, rank, last = total + group * value, Decimal(0), 4, value
        elif role in {"hundred", "dozen"}:
            counted = before == "unit" or (before == "teen" and role == "hundred" and 11 <= group <= 18 and not total)
            fits = fits and counted and not (role == "dozen" and total)
            group, rank = group * value, 3 if role == "hundred" else 0
        elif role == "and":
            fits = before in {"hundred", "scale"}
        elif role == "half":
            fits = before in {"unit", "teen", "ten", "pair"}
            group, rank = group + value, 0
        else:
            needed = {"unit": 1, "teen": 2, "ten": 2, "pair": 2}.get(role, 9)
            fits = fits and needed < rank and not (role == "teen" and rank == 2)
            group, rank = group + value, 2 if role == "ten" else 0
        if not fits:
            raise UnreadableValue("two numbers side by side, or number words that do not fit", "one number")
        before = role
    if before == "and":
        raise UnreadableValue("a number that breaks off", "one number")
    _refuse_short_for_thousands(total, group, last)
    return total + group
