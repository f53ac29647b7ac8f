"""Check figures that a person read against the archived page they were read from.

First the cited documents are fetched, a few per run; then, offline, each printed number is looked for near the words
of its claim. Says what was found; the ledger keeps it. A number that is not found is something to look at, not an
error: it may be spelled out, or stand in a picture.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Protocol
from urllib.parse import quote

import httpx

from pipeline import errors
from pipeline.records import Capture, Row
from pipeline.scrape import pages
from pipeline.scrape.polite import follow

_NEAR_LETTERS = 400
_GAP = "[ \u00a0\u202f\u2009,.']?"
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_WAYBACK = "https://web.archive.org"


class Library(Protocol):
    """Where captures of a page are found."""

    def last(self, url: str) -> Capture | None:
        """The newest, be it a failure."""

    def copies(self, url: str) -> list[Capture]:
        """Good captures of copies that came by way of others, the best first."""


def wanted(addresses: Iterable[str], library: Library, replay: httpx.BaseTransport, most: int) -> list[str]:
    """The cited addresses to ask for now, `most` of them: what was never asked for, then what failed longest ago."""
    asked: list[tuple[str, str]] = []
    for url in dict.fromkeys(addresses):
        last = library.last(url)
        try:
            answer = follow(replay.handle_request, httpx.Request("GET", url))
            good = answer.status_code == HTTPStatus.OK or answer.status_code in _GONE
        except errors.BadSource:
            good = False
        if not good:
            asked.append((last.at if last else "", url))
    return [url for _, url in sorted(asked, key=lambda one: one[0])][:most]


def checked(
    claims: Iterable[Row],
    addresses: Mapping[str, str],
    library: Library,
    replay: httpx.BaseTransport,
    *,
    near: Mapping[str, Sequence[str]] = {},
    read: pages.Read = pages.read,
) -> list[Row]:
    """What the archive says now and did not say before: a row of evidence.csv for each such claim, in their order.

    `addresses`: document_id to address. `near`: for an indicator stems of words, one of which must stand close to the
    number. `read` gives the text of a body, or None where it cannot: then nothing is said of its claims.
    """
    pages_seen: dict[str, tuple[Capture, str, bool] | None] = {}
    texts: dict[str, str | None] = {}
    rows = []
    for claim in claims:
        url = addresses.get(claim["document_id"], "")
        if url not in pages_seen:
            pages_seen[url] = _page(url, library, replay)
        if (seen := pages_seen[url]) is None:
            continue
        capture, via, gone = seen
        verdict, sha256 = "page_gone", ""
        if not gone:
            sha256 = capture.sha256
            if (claim["evidence"], claim["capture_sha256"]) == ("not_found", sha256):
                continue
            if sha256 not in texts:
                body = replay.handle_request(httpx.Request("GET", capture.url)).read()
                texts[sha256] = read(body, capture.content_type)
            if (text := texts[sha256]) is None:
                continue
            words = near.get(claim["indicator"], ())
            verdict = "in_capture" if number_stands(text, claim["printed"], claim["value"], words) else "not_found"
        if claim["evidence"] != verdict or claim["capture_sha256"] != sha256:
            proof = {"evidence": verdict, "capture_sha256": sha256, "captured_at": capture.at, "url": url, "via": via}
            rows.append({key: claim[key] for key in ("claim_id", "version", "document_id")} | proof)
    return rows


def number_stands(seen: str, printed: str, value: str, near: Sequence[str] = ()) -> bool:
    """Whether the number stands in the text as printed, close to one of the words.

    Shape: "1 170" also matches with a no-break space, never within "11 170" or "1 170,5". Where the reader did not
    note the printed form, the value is looked for with any mark between its thousands.
    """
    if printed and printed != "not_recorded":
        pattern = r"\s+".join(re.escape(part) for part in printed.casefold().split())
    elif value.isdigit():
        pattern = re.sub(r"(?<=\d)(?=(\d{3})+$)", lambda _: _GAP, value)
    else:
        pattern = re.escape(value)
    folded = seen.casefold()
    for match in re.finditer(rf"(?<![\d.,])(?<!\d\s){pattern}(?!\d)(?![.,\s]\d)", folded):
        around = folded[max(match.start() - _NEAR_LETTERS, 0) : match.end() + _NEAR_LETTERS]
        if not near or any(word in around for word in near):
            return True
    return False


def wayback(url: str, around: str, transport: httpx.BaseTransport) -> str:
    """The address of the Wayback copy nearest to `around` (YYYYMMDD), fetched and archived; "" if there is none.

    For pages that are gone or refused, never for one that robots.txt forbids. The copy is the original bytes; its
    address says where it came from. Raises: Unreachable and the guard's refusals.
    """
    query = f"url={quote(url, safe='')}&output=json&fl=timestamp,original,statuscode,digest&filter=statuscode:200"
    listed = _get(transport, f"{_WAYBACK}/cdx/search/cdx?{query}&closest={around}&sort=closest&limit=1")
    try:
        rows = json.loads(listed.read() or b"[]")
        timestamp, original = rows[1][0], rows[1][1]
    except (ValueError, LookupError, TypeError):
        return ""
    if not re.fullmatch(r"\d{14}", str(timestamp)):
        return ""
    copy = f"{_WAYBACK}/web/{timestamp}id_/{original}"
    return copy if _get(transport, copy).status_code == HTTPStatus.OK else ""


def _get(transport: httpx.BaseTransport, url: str) -> httpx.Response:
    return follow(transport.handle_request, httpx.Request("GET", url, extensions={"gap_s": 5.0}))


def copy_is_fair(capture: Capture) -> bool:
    """Whether a copy from elsewhere may be taken: the page is gone or refused, and robots.txt did not forbid it."""
    return capture.code != errors.ForbiddenByRobots.code and (
        capture.kind == "failure" or capture.status != HTTPStatus.OK
    )


def _page(url: str, library: Library, replay: httpx.BaseTransport) -> tuple[Capture, str, bool] | None:
    """The capture that stands for an address, by way of whom, and whether the page is gone; None: there is none."""
    gone = None
    try:
        answer = follow(replay.handle_request, httpx.Request("GET", url))
    except (errors.BadSource, httpx.InvalidURL):
        pass
    else:
        capture = answer.extensions["capture"]
        if answer.status_code == HTTPStatus.OK:
            return capture, "", False
        gone = (capture, "", True) if answer.status_code in _GONE else None
    copies = library.copies(url)
    return (copies[0], httpx.URL(copies[0].url).host, False) if copies else gone
