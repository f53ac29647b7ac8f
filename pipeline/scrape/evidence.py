"""Check figures that a person read against the archived page they were read from.

First the cited documents are fetched, a few per run; then, offline, each printed number is looked for near the words
of its claim. Says what was found; the ledger keeps it. A number that is not found is something to look at, not an
error: it may be spelled out, or stand in a picture.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal
from urllib.parse import quote

import httpx

from pipeline import errors
from pipeline.scrape import pages
from pipeline.scrape.polite import follow

Read = Callable[[bytes, str], str | None]

_NEAR_LETTERS = 400
_GAP = "[ \u00a0\u202f\u2009,.']?"
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_WAYBACK = "https://web.archive.org"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the archive says of one claim; `capture_sha256` is the page looked at, "" where there is none."""

    claim_id: str
    evidence: Literal["in_capture", "not_found", "page_gone", "not_yet_checked"]
    capture_sha256: str = ""


def fetched(
    addresses: Iterable[str], transport: httpx.BaseTransport, replay: httpx.BaseTransport, most: int = 5
) -> int:
    """How many of the cited addresses were asked for now: those never captured, then those that failed."""
    never, failed = [], []
    for url in dict.fromkeys(addresses):
        try:
            answer = follow(replay.handle_request, httpx.Request("GET", url))
        except errors.NotArchived:
            never.append(url)
        except errors.BadSource:
            failed.append(url)
        else:
            if answer.status_code != HTTPStatus.OK and answer.status_code not in _GONE:
                failed.append(url)
    chosen = [*never, *failed][:most]
    for url in chosen:
        try:
            follow(transport.handle_request, httpx.Request("GET", url))
        except errors.BadSource:
            continue  # archived as a failure; asked again when its turn comes
    return len(chosen)


def checked(
    claims: Iterable[Mapping[str, str]],
    addresses: Mapping[str, str],
    replay: httpx.BaseTransport,
    *,
    near: Sequence[str] = (),
    read: Read | None = None,
) -> list[Evidence]:
    """The evidence for each claim (claim_id, document_id, printed, value), in their order.

    `addresses`: document_id to address. `near`: stems of words one of which must stand close to the number.
    `read` gives the text of a body that is no page (PDF, DOCX), or None; without it such claims stay unchecked.
    """
    texts: dict[str, tuple[str | None, str, bool]] = {}
    found = []
    for claim in claims:
        url = addresses.get(claim["document_id"], "")
        if url not in texts:
            texts[url] = _text(url, replay, read)
        seen, sha256, gone = texts[url]
        if gone:
            found.append(Evidence(claim["claim_id"], "page_gone"))
        elif seen is None:
            found.append(Evidence(claim["claim_id"], "not_yet_checked", sha256))
        else:
            stands = number_stands(seen, claim["printed"], claim["value"], near)
            found.append(Evidence(claim["claim_id"], "in_capture" if stands else "not_found", sha256))
    return found


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


def _text(url: str, replay: httpx.BaseTransport, read: Read | None) -> tuple[str | None, str, bool]:
    """The archived text of an address, its sha256, and whether the page is gone."""
    if not url.startswith(("http://", "https://")):
        return None, "", False
    try:
        answer = follow(replay.handle_request, httpx.Request("GET", url))
    except errors.BadSource:
        return None, "", False
    if answer.status_code in _GONE:
        return None, "", True
    if answer.status_code != HTTPStatus.OK:
        return None, "", False
    body, capture = answer.read(), answer.extensions["capture"]
    if pages.kind_of(body) in ("pdf", "zip", "ole"):
        return (read(body, capture.content_type) if read else None), capture.sha256, False
    return pages.text(pages.markup(body, capture.content_type)), capture.sha256, False
