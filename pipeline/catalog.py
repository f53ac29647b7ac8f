"""Read sources/*/source.yml: where we look, what we expect, how often, how carefully.

A file is words that a lawyer can read and mend. What it says is taken key by key; a key that nobody takes, a wrong
type or an address that cannot be visited is refused with file, key and cure. Asks no network.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Hashable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar, get_args, get_type_hints

import httpx
import yaml

from pipeline import errors, guard, wording
from pipeline.records import Rule, Source

_Kind = TypeVar("_Kind")
_LANGUAGES = ("ru", "en", "tg", "de", "es", "fr")
_MOST_ADDRESSES = 200
_LEAST_GAP_S, _LONGEST_GAP_S = 1.0, 3600.0
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def sources(home: Path, publishers: Collection[str] = ()) -> tuple[list[Source], list[str]]:
    """Every source of the catalogue, sorted by id, and of each file that is wrong why: one takes no other with it.

    `publishers`: the codes of bodies.csv; when given, a publisher must be one of them.
    """
    found, refused = [], []
    for path in sorted((home / "sources").glob("*/source.yml")):
        try:
            found.append(source(path, publishers))
        except errors.BadSourceFile as error:
            refused.append(str(error))
    return found, refused


def source(path: Path, publishers: Collection[str] = ()) -> Source:
    """The source that one file describes. Raises: BadSourceFile."""
    name = path.parent.name
    try:
        words = yaml.load(path.read_text("utf-8"), Loader=_OneOfEach)  # noqa: S506  (a SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}" if mark else "somewhere"
        problem = getattr(error, "problem", None) or "no YAML"
        raise errors.BadSourceFile(f"sources/{name}/source.yml, {line}: {problem}. Mend that line.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise errors.BadSourceFile(f"sources/{name}/source.yml: cannot be read as UTF-8. Save it as UTF-8.") from error
    whole = _Words(words, f"sources/{name}/source.yml")
    if not _ID.fullmatch(name):
        whole.refuse("", f"the folder is named {name!r}", "name it in small letters, digits and hyphens")
    title = whole.part("title")
    licence = whole.part("licence")
    found = Source(
        id=name,
        title={language: title.take(language, str) for language in wording.LANGUAGES},
        publisher=whole.take("publisher", str),
        languages=whole.several("languages"),
        licence=licence.take("name", str),
        republish=licence.choice("republish", "republish"),
        rules=_rules(whole),
        cadence=whole.choice("cadence", "cadence"),
        sensitivity=whole.choice("sensitivity", "sensitivity"),
        keywords=tuple(word.casefold() for word in whole.several("keywords", ())),
        anchors=tuple(word.casefold() for word in whole.several("anchors", ())),
        due=tuple(_day(whole, text) for text in whole.several("due", ())),
        gap_s=float(whole.number("gap_s", 10.0, _LEAST_GAP_S, _LONGEST_GAP_S)),
        scope=tuple(word.casefold() for word in whole.several("scope", ())),
        sentences=whole.several("sentences", ()),
        most_pages=int(whole.number("most_pages", 20, 1, _MOST_ADDRESSES)),
    )
    for part in (title, licence, whole):
        part.done()
    _check(found, whole, publishers)
    return found


def _check(found: Source, whole: _Words, publishers: Collection[str]) -> None:
    """What one key cannot tell alone."""
    if publishers and found.publisher not in publishers:
        close = difflib.get_close_matches(found.publisher, sorted(publishers), 3, 0.5)
        cure = (
            f"use a code of schemas/codes/bodies.csv, such as {', '.join(close)}" if close else "add it to bodies.csv"
        )
        whole.refuse("publisher", f"is {found.publisher!r}, which is no body", cure)
    for template in found.sentences:
        places = re.findall(r"\{([^{}]*)\}", template)
        if places.count("period") != 1 or len(places) < 2 or template.count("{") != len(places):  # noqa: PLR2004
            cure = "write it with one {period} and each number as {indicator}, a code of schemas/codes/indicators.csv"
            whole.refuse("sentences", f"holds {template!r}, which cannot be followed", cure)
    for language in found.languages:
        if language not in _LANGUAGES:
            whole.refuse("languages", f"holds {language!r}", f"use codes among {', '.join(_LANGUAGES)}")
    if found.due and found.cadence in ("irregular", "fixed"):
        whole.refuse("due", f"is given though cadence is {found.cadence}", "drop `due`, or name a cadence")


def _rules(whole: _Words) -> tuple[Rule, ...]:
    """What `discover` says: a list of rules, each with exactly one way to find pages."""
    listed = whole.take("discover", list)
    if not listed:
        whole.refuse("discover", "is empty", "give at least one rule")
    rules = []
    for number, said in enumerate(listed):
        words = _Words(said, whole.file, f"discover[{number}].")
        ways = [way for way in ("pages", "listing", "sitemap", "feed", "numbered") if way in words]
        if len(ways) != 1:
            words.refuse(
                "", f"names {len(ways)} ways to find pages", "name one: pages, listing, sitemap, feed, numbered"
            )
        rules.append(_rule(words, ways[0]))
        words.done()
    return tuple(rules)


def _rule(words: _Words, way: str) -> Rule:
    if way == "numbered":
        pattern = words.take("numbered", str)
        first, last = (int(words.number(key, None, 0, 10**9)) for key in ("first", "last"))
        if "{n}" not in pattern:
            words.refuse("numbered", "has no {n}", "write {n} where the number stands")
        if not 0 <= last - first < _MOST_ADDRESSES:
            words.refuse("last", f"makes {last - first + 1} addresses", f"make it 1 to {_MOST_ADDRESSES}")
        return Rule(
            "pages", tuple(words.address("numbered", pattern.replace("{n}", str(n))) for n in range(first, last + 1))
        )
    if way == "pages":
        return Rule("pages", tuple(words.address("pages", text) for text in words.several("pages")))
    start, links = words.take(way, str), words.take("links", str, "")
    try:
        re.compile(links)
    except re.error as error:
        words.refuse("links", f"is no regular expression ({error})", "write part of the address, such as /news/")
    addresses = [start]
    if way == "listing" and "pager" in words:
        pager, count = words.take("pager", str), int(words.number("pages_back", None, 1, _MOST_ADDRESSES))
        if "{n}" not in pager:
            words.refuse("pager", "has no {n}", "write {n} where the page number stands, such as ?page={n}")
        addresses += [str(httpx.URL(start).join(pager.replace("{n}", str(n)))) for n in range(1, count + 1)]
    kind: Literal["listing", "sitemap", "feed"] = (
        "listing" if way == "listing" else "sitemap" if way == "sitemap" else "feed"
    )
    return Rule(kind, tuple(words.address(way, text) for text in addresses), links)


def _day(words: _Words, text: str) -> tuple[int, int]:
    """Month and day of "04-30"."""
    if re.fullmatch(r"\d\d-\d\d", text):
        try:
            day = date(2001, int(text[:2]), int(text[3:]))
        except ValueError:
            pass
        else:
            return day.month, day.day
    return words.refuse("due", f"holds {text!r}", "write month and day in quotes, such as '04-30'")


class _Words:
    """One mapping of the file, from which each key is taken as it is used."""

    def __init__(self, words: object, file: str, place: str = "") -> None:
        self.file, self._place = file, place
        if not isinstance(words, dict) or not all(isinstance(key, str) for key in words):
            self.refuse("", f"is {_named(words)}", "write `key: value` lines here")
        self._words, self._taken = dict(words), set[str]()

    def __contains__(self, key: str) -> bool:
        """Whether the file says it."""
        return key in self._words

    def refuse(self, key: str, seen: str, cure: str) -> NoReturn:
        """Raises: BadSourceFile with file, key, what was seen and the cure."""
        where = (self._place + key).rstrip(".") or "the file"
        raise errors.BadSourceFile(f"{self.file}: {where}: {seen}; {cure}.")

    def take(self, key: str, kind: type[_Kind], default: _Kind | None = None) -> _Kind:
        """The value of `key`, of exactly this kind."""
        self._taken.add(key)
        value = self._words.pop(key, default)
        if value is None:
            self.refuse(key, "is missing or empty", f"add it, as {_kind(kind)}")
        if (
            not isinstance(value, kind)
            or isinstance(value, bool)
            or (isinstance(value, str) and not value and default is None)
        ):
            self.refuse(key, f"is {_named(value)}", f"write {_kind(kind)}")
        return value

    def part(self, key: str) -> _Words:
        """A mapping within this one."""
        return _Words(self.take(key, dict), self.file, f"{self._place}{key}.")

    def several(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """A list of texts; one text alone will do."""
        if key not in self._words and default is not None:
            self._taken.add(key)
            return default
        if isinstance(self._words.get(key), str):
            return (self.take(key, str),)
        values = self.take(key, list)
        for value in values:
            if not isinstance(value, str) or not value.strip():
                self.refuse(key, f"holds {_named(value)}", "put texts in it, in quotes where they look like numbers")
        if not values or len(set(values)) < len(values):
            self.refuse(key, "is empty or says something twice", "give each value once")
        return tuple(values)

    def number(self, key: str, default: float | None, least: float, most: float) -> float:
        """A number within bounds."""
        self._taken.add(key)
        value = self._words.pop(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            self.refuse(key, f"is {_named(value)}", f"write a number from {least:g} to {most:g}")
        return value

    def choice(self, key: str, field: str) -> Any:
        """One of the words that the field of Source allows."""
        allowed = get_args(get_type_hints(Source)[field])
        value = self.take(key, str)
        if value not in allowed:
            self.refuse(key, f"is {value!r}", f"write one of {', '.join(allowed)}")
        return value

    def address(self, key: str, text: str) -> str:
        """An address that can be visited."""
        try:
            url = httpx.URL(text)
            guard.check_url(url)
        except (httpx.InvalidURL, errors.AnswerRefused):
            self.refuse(key, f"holds {text!r}", "write a whole address that starts with https://")
        if url.userinfo or "." not in url.host or not re.search("[a-z]", url.host.rpartition(".")[2]):
            self.refuse(key, f"holds {text!r}", "write the public address of a site, without a password")
        return str(url)

    def done(self) -> None:
        """Raises: BadSourceFile if a key was left over."""
        for key in self._words:
            close = difflib.get_close_matches(key, sorted(self._taken), 1)
            self.refuse(key, "is not a key we know", f"did you mean `{close[0]}`?" if close else "drop it")


class _OneOfEach(yaml.SafeLoader):
    """YAML in which saying a key twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        """The mapping. Raises: yaml.YAMLError for a key said twice."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is said twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _named(value: object) -> str:
    """A value as it may stand in a message."""
    names: Mapping[type, str] = {dict: "a mapping", list: "a list", type(None): "empty"}
    return names.get(type(value), f"{str(value)[:60]!r}")


def _kind(kind: type[object]) -> str:
    if kind is dict:
        return "`key: value` lines"
    return "a list" if kind is list else "a text"
