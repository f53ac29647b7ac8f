"""Bring in WARCs that others made: their pages become captures of ours, at the time they were made.

Chunked and encoded bodies are decoded first, under the guard's limits; a revisit is resolved to its original.
What cannot be taken in is counted by reason, never dropped in silence.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord

from pipeline import errors, guard
from pipeline.archive import warc
from pipeline.archive.library import Archive

_PIECE_BYTES = 1 << 20
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@dataclass(frozen=True, slots=True)
class Taken:
    """How many records were taken in, were held already, and were left out by reason."""

    captures: int
    held: int
    left_out: Mapping[str, int]


def take_in(archive: Archive, path: Path, limits: guard.Limits = guard.LIMITS) -> Taken:
    """What became of each answer in a WARC or ARC file; twice the same file changes nothing.

    Raises: BadArchive if the file cannot be read to its end (what came before stays).
    """
    counted: Counter[str] = Counter()
    by_digest: dict[str, str] = {}
    try:
        with path.open("rb") as file:
            for record in ArchiveIterator(file, arc2warc=True):
                if record.rec_type in ("response", "revisit") and record.http_headers is not None:
                    counted[_take(archive, record, by_digest, limits)] += 1
    except (OSError, ArchiveLoadFailed, EOFError, ValueError) as error:
        raise errors.BadArchive(
            f"{path.name}: cannot be read to its end after {sum(counted.values())} answers. "
            "Try `warcio recompress` on it, then import again."
        ) from error
    if not counted:
        raise errors.BadArchive(f"{path.name}: holds no answer of a web server. Is it a WARC file?")
    return Taken(counted.pop("taken", 0), counted.pop("held", 0), dict(counted))


def _take(archive: Archive, record: ArcWarcRecord, by_digest: dict[str, str], limits: guard.Limits) -> str:
    """What became of one record: taken, held, or why not."""
    told = warc.stored(record, b"")
    url, at = told.fields.get("warc-target-uri", ""), _to_the_second(told.fields.get("warc-date", ""))
    if not url.startswith(("http://", "https://")) or not at:
        return "no address or time"
    status, digest = told.status, told.fields.get("warc-payload-digest", "")
    try:
        if record.rec_type == "response":
            plain = _plain(record, url, limits)
            by_digest[digest] = hashlib.sha256(plain).hexdigest()
        else:
            original = archive.find(
                told.fields.get("warc-refers-to-target-uri", ""),
                _to_the_second(told.fields.get("warc-refers-to-date", "")),
            )
            plain = archive.body(original.sha256 if original else by_digest.get(digest, ""))
            if told.fields.get("warc-profile", "").endswith("server-not-modified"):
                status = original.status if original else int(HTTPStatus.OK)
    except errors.BadSource as error:
        return error.code
    if status in (0, HTTPStatus.NOT_MODIFIED):
        return "no page"
    held = archive.find(url, at)
    if held is not None and held.sha256 == hashlib.sha256(plain).hexdigest():
        return "held"
    target = url.partition("://")[2].partition("/")[2]
    archive.put(warc.Exchange(url, at, "GET", f"/{target}", [], status, "", warc.visible(told.headers), plain), plain)
    return "taken"


def _plain(record: ArcWarcRecord, url: str, limits: guard.Limits) -> bytes:
    """The decoded body, under the guard's limit of size."""
    encoding = (record.http_headers.get_header("Content-Encoding") or "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise errors.BadEncoding(f"{url}: content encoding {encoding[:40]!r}, only gzip and deflate are read.")
    stream, plain = record.content_stream(), bytearray()
    while piece := stream.read(_PIECE_BYTES):
        plain += piece
        if len(plain) > limits.plain_bytes:
            raise errors.TooBig(f"{url}: more than {limits.plain_bytes} bytes unpacked.")
    return bytes(plain)


def _to_the_second(moment: str) -> str:
    """A WARC date without fractions; "" if it is none."""
    return f"{moment[:19]}Z" if _DATE.fullmatch(moment) else ""
