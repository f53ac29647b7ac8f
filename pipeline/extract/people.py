"""Find people in a text, so that nobody is written into review, logs or package: names, phones, papers, addresses.

A closed world: a capitalised word that no list of ours knows (codes, lexicon, names.csv) is taken for a name. That
masks a strange place now and then, which costs a glance; a model that misses one name in five costs a person.
Knows no figures.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from pipeline import lexicon, tajik

MASK: Final = "█"
_LETTERS: Final = r"A-Za-zÀ-ɏ\u0400-\u04ff"
_REST: Final = rf"[{_LETTERS}]*(?:[-’'][{_LETTERS}]+)*"
_WORD: Final = re.compile(f"[{_LETTERS}]{_REST}")
# What must precede is looked at after the first letter, by which a text is searched: several times faster.
_BEGINS: Final = rf"(?<![{_LETTERS}].)(?<![{_LETTERS}][-’'].)"
_CAPITALS: Final = "".join(filter(str.isupper, re.findall(f"[{_LETTERS}]", "".join(map(chr, range(0x500))))))
_CAPITALISED: Final = re.compile(rf"[{_CAPITALS}](?=[-’']?[{_LETTERS}]){_BEGINS}{_REST}")
_BESIDE: Final = re.compile(rf"[{_LETTERS}]{_BEGINS}{_REST}")
_INITIALS: Final = re.compile(r"[A-ZА-ЯЁҚҲҶҒӢӮ](?<!\w.)\.\s?(?:[A-ZА-ЯЁҚҲҶҒӢӮ]\.\s?)?")
_AGED: Final = re.compile(r"['’]s?\b|,? (?:aged\b|\d\d[- ]?(?:years?|лет|год|сола))")
# written small, only what ends as nothing but a name does
_SMALL: Final = re.compile(
    r"(?:зод[ае]|заде|шоев[ау]?|джонов|ҷонов|иддинов|беков[ау]|ович|евич|zoda|zade|shoy?ev|shoeva|jonov|iddinov|bekova|"
    rf"ovich|evich)(?:ро|а|у|ем)?(?![{_LETTERS}]|[-’'][{_LETTERS}])"
)
_OPENING: Final = re.compile(r"(?:^|[.!?…:\n][»”\"')\]]*\s+|^[\s«“\"'(\[–—•*-]+|\n[\s«“\"'(–—•*-]*)$")
_MAIL: Final = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
_PAPERS: Final = (
    re.compile(r"(?i)\b(?:паспорт\w*|шиноснома\w*|passport|инн|рмa?|inn|id)\b[^\d\n]{0,20}\d[\d ]{4,14}\d"),
    re.compile(r"\b[A-ZА-Я]{1,2} ?№? ?\d{6,9}\b"),
    re.compile(r"\b\d{9,14}\b"),
)
_STREETS: Final = (
    re.compile(
        r"(?i)\b(?:ул\.|улиц[аеыу]|проспект\w*|пр-т|переул\w+|мкр\.?|микрорайон\w*|кӯча(?:и|ҳои)|кучаи|маҳаллаи|хиёбони)"
        r"\s?[«\"]?[\w.-]+(?: [A-ZА-ЯҚҲҶҒӢӮ][\w.-]+)?[»\"]?"
        r"(?:,? ?(?:дом|д\.|хонаи|кв\.|квартира|корп\.|№)? ?\d+[а-яa-z]?(?:/\d+)?)*"
    ),
    re.compile(
        r"\b\d{1,4}[a-z]?,? (?:[A-Z][\w-]+ ){1,2}(?:Street|St\.|Avenue|Ave\.|Road|Lane)"
        r"(?:,? (?:apt\.?|flat|apartment) ?\d+)?"
    ),
    re.compile(r"\b(?:[A-Z][\w-]+ ){1,2}(?:Street|Avenue|Road|Lane),? \d+[a-z]?(?:,? (?:apt\.?|flat|apartment) ?\d+)?"),
)
_STREET_WORDS: Final = "ул. улиц проспект пр-т переул мкр микрорайон кӯча куча маҳалла хиёбон".split()
_ENGLISH_STREETS: Final = "Street St. Avenue Ave. Road Lane".split()
_LONG_DIGITS: Final = re.compile(r"\d(?:[ ()\-]*\d){6}")
_DIGITS: Final = re.compile(r"[\d+＋](?:(?<=[+＋])|[\d ]{4,14}\d|(?:[^\w\n]{0,4}\d){8})")  # what papers and phones need
_SHORTEST_PHONE: Final = 7


def spans(text: str, language: str) -> list[tuple[int, int]]:
    """Where people stand in the text: sorted, without overlap."""
    text, places = lexicon.joined(text)  # a soft hyphen, or an accent apart, hides no name
    folded = text.casefold()
    found = _names(text, language)
    if any(word in folded for word in _STREET_WORDS):
        found += [match.span() for match in _STREETS[0].finditer(text)]
    if any(word in text for word in _ENGLISH_STREETS):
        found += [match.span() for pattern in _STREETS[1:] for match in pattern.finditer(text)]
    if "@" in text:
        found += [match.span() for match in _MAIL.finditer(text)]
    dialled = _LONG_DIGITS.search(text) is not None
    for start, end in _lines(text, _DIGITS):
        found += [match.span() for pattern in _PAPERS for match in pattern.finditer(text, start, end)]
        if dialled:
            found += [(start + one, start + other) for one, other in _phones(text[start:end])]
    joined: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return [(places[start], places[end]) for start, end in joined]


def _lines(text: str, needed: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """The lines in which the pattern, which crosses no line, is found."""
    end = 0
    while match := needed.search(text, end):
        start = text.rfind("\n", 0, match.start()) + 1
        end = text.find("\n", match.end())
        end = len(text) if end < 0 else end
        yield start, end


def masked(text: str, language: str) -> str:
    """The text with every letter and digit of a person covered; it keeps its length, so offsets stay."""
    kept, at = [], 0
    for start, end in spans(text, language):
        kept += [text[at:start], *(MASK if char.isalnum() else char for char in text[start:end])]
        at = end
    return "".join([*kept, text[at:]])


def _phones(text: str) -> list[tuple[int, int]]:
    """Phone numbers, as Google's library reads them for a caller in Tajikistan."""
    import phonenumbers  # noqa: PLC0415 - 10 ms and 1 MB that most texts do not need

    matcher = phonenumbers.PhoneNumberMatcher(text, "TJ", min_candidate_length=_SHORTEST_PHONE)
    return [(match.start, match.end) for match in matcher]


def _names(text: str, language: str) -> list[tuple[int, int]]:
    """Capitalised words that are no known word, with the initials beside them."""
    found = [m.span() for m in _INITIALS.finditer(text) if _beside_name(text, m)]
    words = list(_CAPITALISED.finditer(text))
    for index, match in enumerate(words):
        word = match.group()
        follows = index + 1 < len(words) and text[match.end() : words[index + 1].start()] == " "
        if _is_known(word) and not _is_given(word):
            continue
        if word.isupper() and len(word) < 6 and not _is_given(word) and not _is_surname(word):
            continue  # an acronym
        before = text[max(0, match.start() - 12) : match.start()]
        opens = (_OPENING.search(before) is not None or match.start() == 0) and not _INITIALS.search(before[-4:])
        beside = (follows and not _is_known(words[index + 1].group())) or _AGED.match(text, match.end()) is not None
        if not opens or beside or _is_given(word) or _is_surname(word) or _speaks(text, match.end(), language):
            found.append(match.span())
    for start, end in _lines(text, _SMALL):
        found += [m.span() for m in _WORD.finditer(text, start, end)
                  if _SMALL.search(text, m.start(), m.end()) and not _is_known(m.group())]  # fmt: skip
    known = {text[start:end] for start, end in found}
    for start, end in found[:]:
        begin = max(text.rfind(" ", 0, max(start - 1, 0)), start - 80, 0)
        near = [m for m in _WORD.finditer(text, begin, end) if m.end() in (start - 1, end - 1)]
        near += filter(None, [_BESIDE.match(text, end + 1)])
        found += [m.span() for m in near if _is_kin(m.group())]
    return found + [match.span() for match in words if match.group() in known]


def _is_kin(word: str) -> bool:
    """Whether a word beside a name belongs to it."""
    return _is_given(word) or _is_surname(word) or (word.isupper() and not _is_known(word))


def _beside_name(text: str, match: re.Match[str]) -> bool:
    """Whether a capitalised word touches these initials."""
    before = text[: match.start()].split()[-1:]
    after = text[match.end() :].split()[:1]
    return any(w[:1].isupper() and len(w) > 2 and w[1:2].islower() for w in (*before, *after))


@lru_cache(maxsize=1)
def _lists() -> dict[str, frozenset[str]]:
    """names.csv by kind, folded."""
    found: dict[str, set[str]] = {}
    for row in lexicon.rows("names.csv"):
        found.setdefault(row["kind"], set()).update(_fold(word) for word in row["words"].split())
    return {kind: frozenset(words) for kind, words in found.items()}


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    """The stems of every word that our own code lists and word tables hold."""
    words = set(_lists()["proper"])
    for path in sorted((lexicon.FOLDER.parent / "codes").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            words.update(w for row in csv.reader(file) for cell in row for w in _WORD.findall(cell))
    for name, column in (
        ("claim_words.csv", "words"),
        ("count_nouns.csv", "forms"),
        ("count_words.csv", "text"),
        ("period_words.csv", "text"),
        ("number_words.csv", "form"),
    ):
        words.update(w for row in lexicon.rows(name) for w in _WORD.findall(row[column]))
    return frozenset(_stem(_fold(word)) for word in words)


def _fold(word: str) -> str:
    return tajik.fold(word).replace("’", "'")


def _stem(word: str) -> str:
    """The word without an ending: enough to know it again in another case."""
    word = word.removesuffix("'s")
    cut = re.sub(
        r"(?:ами|ями|ого|его|ому|ему|ыми|ими|ах|ях|ов|ев|ей|ой|ий|ый|ая|яя|ое|ее|ые|ие|ых|их|ую|ом|ем|ам|ям|"
        r"хои|хо|хоро|ро|иро|гон|ing|ed|es|[аяоеиыуюьйs])$",
        "",
        word,
    )
    return cut if len(cut) > 3 else word


@lru_cache(maxsize=20_000)
def _is_known(word: str) -> bool:
    """Whether one of our lists holds the word."""
    folded = _fold(word)
    parts = (folded, *folded.split("-")) if "-" in folded else (folded,)
    return _stem(folded) in _known() or (len(parts) > 1 and all(_stem(p) in _known() for p in parts[1:]))


@lru_cache(maxsize=20_000)
def _is_given(word: str) -> bool:
    """Whether it is a given name of the closed list, in any case."""
    folded, given = _fold(word), _lists()["given"]
    cases = (
        folded[: -len(end)]
        for end in ("а", "у", "я", "ю", "и", "ы", "е", "ом", "ем", "ро", "'s")
        if folded.endswith(end)
    )
    return folded in given or any(case in given for case in cases)


@lru_cache(maxsize=20_000)
def _is_surname(word: str) -> bool:
    """Whether it ends as surnames and patronymics do."""
    folded = _fold(word)
    ends = tuple(_lists()["ending"])
    return len(folded) > 4 and folded.removesuffix("ро").endswith(ends) and folded not in _lists()["common"]


def _speaks(text: str, end: int, language: str) -> bool:
    """Whether the next word says what people do or what is done to them."""
    match = _WORD.search(text, end)
    return match is not None and match.start() - end < 3 and lexicon.fold(match.group(), language) in _lists()["verb"]
