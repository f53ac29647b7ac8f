"""Visit a source: find its pages by its own rules, ask for each, and say what was met.

Asks through a transport that is polite and records; decides nothing about figures. What a visit met is a list of
Sightings; health.py makes states and problems of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import chain
from typing import Literal, Protocol

import httpx

from pipeline import errors
from pipeline.records import Capture, Rule, Source
from pipeline.scrape import pages
from pipeline.scrape.polite import follow

State = Literal["ok", "unchanged", "unreachable", "walled", "redesigned", "removed", "broken"]
Page = Mapping[str, object]

_MOST_SITEMAPS = 20
_GIVE_UP_AFTER = 3  # pages in a row that could not be reached
_REFUSED_AT_THE_DOOR = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED)
_DECLARED = {"application/pdf": "pdf", "openxmlformats": "zip", "application/zip": "zip", "application/msword": "ole"}


class Memory(Protocol):
    """What was found in a body before (the archive keeps it)."""

    def links(self, sha256: str, rule: str) -> list[list[str]] | None:
        """The links, or None."""

    def keep_links(self, sha256: str, rule: str, links: Sequence[Sequence[str]]) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one address showed on one visit.

    `entry`: a page on which links are looked for. `figures` is None where the bytes are those of last time.
    """

    url: str
    state: State
    why: str = ""
    code: str = ""
    capture: Capture | None = None
    figures: Mapping[str, str] | None = None
    entry: bool = False


@dataclass(slots=True)
class Visit:
    """Everything one source showed; `parsed` counts the bodies that had to be read."""

    source: str
    sightings: list[Sighting] = field(default_factory=list)
    parsed: int = 0


def visit(
    source: Source,
    transport: httpx.BaseTransport,
    memory: Memory,
    known: Mapping[str, Page] = {},
    watch: Sequence[str] = (),
    *,
    read: pages.Read = pages.read,
) -> Visit:
    """What the source shows today, the pages in `watch` asked for first; `known` is what each address showed last.

    Raises: StorageError when the disk is full; nothing for a fault of the source.
    """
    visited = Visit(source.id)
    asking = _Asking(source, transport, memory, known, visited, read)
    wanted = dict.fromkeys(watch)
    for rule in source.rules:
        wanted |= dict.fromkeys(asking.discover(rule))
    for url in list(wanted)[: source.most_pages + len(watch)]:
        if asking.gave_up:
            break
        asking.page(url)
    return visited


@dataclass(slots=True)
class _Asking:
    """One visit under way."""

    source: Source
    transport: httpx.BaseTransport
    memory: Memory
    known: Mapping[str, Page]
    visited: Visit
    read: pages.Read

    @property
    def gave_up(self) -> bool:
        """Whether the last answers were none: the site is down, its other pages can wait."""
        last = self.visited.sightings[-_GIVE_UP_AFTER:]
        return len(last) == _GIVE_UP_AFTER and all(sighting.state == "unreachable" for sighting in last)

    def discover(self, rule: Rule) -> Iterator[str]:
        """The addresses that a rule finds and that matter to the source."""
        if rule.kind == "pages":
            yield from rule.addresses
            return
        for address in rule.addresses:
            if self.gave_up:
                return
            for url, title in self._links(rule, address):
                matters = not self.source.keywords or any(
                    word in f"{title} {url}".casefold() for word in self.source.keywords
                )
                if matters and re.search(rule.links, url):
                    yield url

    def page(self, url: str) -> None:
        """Asks for one page and notes what it showed."""
        response = self._ask(url, entry=False)
        if response is None:
            return
        capture: Capture = response.extensions["capture"]
        before = self.known.get(url, {})
        if before.get("sha256") == capture.sha256:
            state = before["state"]
            same: State = "unchanged" if state in ("ok", "unchanged") else state  # type: ignore[assignment]
            why, code = (str(before.get(key, "")) for key in ("why", "code"))
            self.visited.sightings.append(Sighting(url, same, why, code, capture))
            return
        self.visited.parsed += 1
        self.visited.sightings.append(self._judged(url, capture, response.read()))

    def _judged(self, url: str, capture: Capture, body: bytes) -> Sighting:
        """What a new body is: the page expected, a wall, another design, or bytes of another kind."""
        kind = pages.kind_of(body)
        declared = next((kind for mark, kind in _DECLARED.items() if mark in capture.content_type.lower()), "")
        if kind in ("pdf", "zip", "ole") and declared in ("", kind):
            return Sighting(url, "ok", capture=capture, figures={"the whole file": capture.sha256[:16]})
        marked = pages.markup(body, capture.content_type)
        seen = self.read(body, capture.content_type) or ""
        found = pages.figures(seen, self.source.keywords)
        anchored = any(word in f"{seen} {marked}".casefold() for word in self.source.anchors)
        if pages.is_wall(marked, seen) and not (self.source.anchors and anchored and found):
            why = "a page that asks for a login or a proof of being human"
            return Sighting(url, "walled", why, errors.NotExpectedContent.code, capture, found)
        if declared and kind != declared:
            why = f"declared as {declared}, but the bytes are {kind or 'something else'}"
            return Sighting(url, "broken", why, errors.TypeMismatch.code, capture, found)
        if self.source.anchors and not anchored:
            state: State = "redesigned" if found else "broken"
            why = f"none of its anchors stands there; {len(found)} sentences with numbers do"
            return Sighting(url, state, why, errors.NotExpectedContent.code, capture, found)
        return Sighting(url, "ok", capture=capture, figures=found)

    def _links(self, rule: Rule, address: str) -> list[pages.Link]:
        """The links of one entry page; from memory where its bytes are known."""
        response = self._ask(address, entry=True)
        if response is None:
            return []
        capture: Capture = response.extensions["capture"]
        key = f"{rule.kind} {address}"
        remembered = self.memory.links(capture.sha256, key)
        if remembered is None:
            self.visited.parsed += 1
            body = pages.unpacked(response.read(), address)
            marked = pages.markup(body, capture.content_type)
            found = pages.links(rule.kind, marked, address)
            if rule.kind == "sitemap" and pages.is_sitemap_index(marked):
                found = [("sitemap:" + url, title) for url, title in found[:_MOST_SITEMAPS]]
            elif rule.kind == "listing" and not found and pages.is_wall(marked, pages.text(marked)):
                found = [("wall:", "")]
            self.memory.keep_links(capture.sha256, key, found)
        else:
            found = [(url, title) for url, title in remembered]
        self._note_entry(rule, address, capture, found)
        nested = [url.removeprefix("sitemap:") for url, _ in found if url.startswith("sitemap:")]
        return [*found, *chain.from_iterable(self._links(rule, url) for url in nested)]

    def _note_entry(self, rule: Rule, address: str, capture: Capture, found: Sequence[pages.Link]) -> None:
        """What an entry page showed: links, a wall, or a design in which our rule finds nothing."""
        state: State = "unchanged" if capture.kind == "revisit" else "ok"
        why = ""
        if ("wall:", "") in found:
            state, why = "walled", "a page that asks for a login or a proof of being human"
        elif not any(url.startswith("sitemap:") or re.search(rule.links, url) for url, _ in found):
            state, why = "redesigned", f"no link on it fits the rule {rule.links or rule.kind!r}, of {len(found)} links"
        code = errors.NotExpectedContent.code if why else ""
        self.visited.sightings.append(Sighting(address, state, why, code, capture, entry=True))

    def _ask(self, url: str, *, entry: bool) -> httpx.Response | None:
        """A page, or None once it is noted why there is none."""
        request = httpx.Request("GET", url, extensions={"gap_s": self.source.gap_s})
        try:
            response = follow(self.transport.handle_request, request)
        except errors.BadSource as error:
            self.visited.sightings.append(Sighting(url, _state_of(error), str(error)[:300], error.code, entry=entry))
            return None
        status, capture = response.status_code, response.extensions.get("capture")
        if status == HTTPStatus.OK:
            return response
        state: State = "broken"
        if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            state = "removed" if url in self.known else "broken"
        elif status in _REFUSED_AT_THE_DOOR:
            state = "walled"
        elif status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            state = "unreachable"
        code = errors.PageGone.code if state == "removed" else errors.BadStatus.code
        self.visited.sightings.append(Sighting(url, state, f"answered {status}", code, capture, entry=entry))
        return None


def _state_of(error: errors.BadSource) -> State:
    """The state that a refusal points to."""
    if isinstance(error, errors.Unreachable | errors.RobotsUnknown | errors.RetryCapped):
        return "unreachable"
    return "walled" if isinstance(error, errors.ForbiddenByRobots) else "broken"
