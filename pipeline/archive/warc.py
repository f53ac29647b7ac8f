"""WARC 1.1 records as bytes: written for one exchange, read back from a file.

Every record is a gzip member of its own, so a file cut anywhere is whole up to the cut. Knows no index.
"""

from __future__ import annotations

import base64
import hashlib
import io
import string
import uuid
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import quote

from warcio.archiveiterator import ArchiveIterator
from warcio.recordloader import ArcWarcRecord

from pipeline import guard

Headers = Sequence[tuple[str, str]]

SERVER_NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
IDENTICAL_PAYLOAD = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"

_OF_THE_HOP = ("connection", "keep-alive", "proxy-authenticate", "proxy-connection", "te", "trailer", "upgrade")
_OF_PERSONS = ("authorization", "cookie", "proxy-authorization", "set-cookie")
_NEVER_STORED = frozenset((*_OF_THE_HOP, *_OF_PERSONS, "content-length"))
_OF_THE_WIRE = frozenset(("content-encoding", "transfer-encoding", "x-archive-orig-transfer-encoding"))
NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was asked and what came back, as it goes into a WARC: de-chunked, still content-encoded."""

    url: str
    at: str
    method: str
    target: str
    asked: Headers
    status: int
    reason: str
    answered: Headers
    raw: bytes
    payload_digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Digests the content-encoded body, in the form that WARC tools compare."""
        digest = "sha256:" + base64.b32encode(hashlib.sha256(self.raw).digest()).decode()
        object.__setattr__(self, "payload_digest", digest)


@dataclass(frozen=True, slots=True)
class Original:
    """The earlier response that a revisit stands for."""

    url: str
    at: str
    payload_digest: str


@dataclass(frozen=True, slots=True)
class Stored:
    """One record read back. `fields` are the WARC headers (names in lower case), `headers` those of HTTP."""

    kind: str
    fields: Mapping[str, str]
    status: int
    headers: Headers
    raw: bytes


def warcinfo(filename: str, at: str, software: str) -> bytes:
    """The record that opens a file."""
    told = f"software: {software}\r\nformat: WARC File Format 1.1\r\n".encode()
    return _record("warcinfo", at, told, "application/warc-fields", {"WARC-Filename": filename})


def exchange(told: Exchange, original: Original | None = None) -> bytes:
    """The answer and its request, two records; a revisit record where `original` already holds the bytes."""
    name = {"WARC-Record-ID": _name(), "WARC-Target-URI": told.url}
    head = _head(f"HTTP/1.1 {told.status} {told.reason}", _storable(told))
    if original is None:
        fields = name | {"WARC-Payload-Digest": told.payload_digest}
        answer = _record("response", told.at, head + told.raw, "application/http; msgtype=response", fields)
    else:
        # A 304 has no page and no status of its own: with its block left empty, every replay tool shows the original.
        unmodified = told.status == NOT_MODIFIED
        fields = name | {
            "WARC-Profile": SERVER_NOT_MODIFIED if unmodified else IDENTICAL_PAYLOAD,
            "WARC-Refers-To-Target-URI": original.url,
            "WARC-Refers-To-Date": original.at,
            "WARC-Payload-Digest": original.payload_digest,
        }
        answer = _record("revisit", told.at, b"" if unmodified else head, "application/http; msgtype=response", fields)
    if not told.asked:  # taken in from elsewhere: the request is not known
        return answer
    asked = _head(
        f"{told.method} {told.target} HTTP/1.1", [one for one in told.asked if one[0].lower() not in _NEVER_STORED]
    )
    fields = {"WARC-Target-URI": told.url, "WARC-Concurrent-To": name["WARC-Record-ID"]}
    return answer + _record("request", told.at, asked, "application/http; msgtype=request", fields)


def failure(url: str, at: str, method: str, code: str, note: str) -> bytes:
    """A metadata record that tells why there is no answer."""
    told = f"method: {method}\r\nfailure: {code}\r\nnote: {' '.join(note.split())}\r\n".encode()
    return _record("metadata", at, told, "application/warc-fields", {"WARC-Target-URI": url})


def members(file: BinaryIO, start: int) -> Iterator[tuple[int, int, bytes]]:
    """Offset, length and content of each whole gzip member from `start` on; stops at the first torn one."""
    file.seek(start)
    left = b""
    while True:
        packer, content, length = zlib.decompressobj(31), bytearray(), 0
        while not packer.eof:
            chunk = left or file.read(1 << 20)
            left = b""
            if not chunk:
                return
            try:
                content += packer.decompress(chunk)
            except zlib.error:
                return
            length += len(chunk) - len(packer.unused_data)
        left = packer.unused_data
        yield start, length, bytes(content)
        start += length


def read(content: bytes) -> Stored:
    """The record in one member."""
    record = next(iter(ArchiveIterator(io.BytesIO(content))))
    return stored(record, record.raw_stream.read())


def stored(record: ArcWarcRecord, body: bytes) -> Stored:
    """A record of warcio's as ours."""
    http = record.http_headers
    status = http.get_statuscode() if http and record.rec_type != "request" else ""
    return Stored(
        kind=record.rec_type,
        fields={name.lower(): value for name, value in record.rec_headers.headers},
        status=int(status) if status.isdigit() else 0,
        headers=[(str(name), str(value)) for name, value in http.headers] if http else [],
        raw=body,
    )


def _record(kind: str, at: str, block: bytes, content_type: str, fields: Mapping[str, str]) -> bytes:
    """One record as a gzip member. Written here, for warcio's writer costs more than all else of an archived page."""
    named = {"WARC-Type": kind, "WARC-Record-ID": _name(), "WARC-Date": at, **fields}
    named |= {"Content-Type": content_type, "Content-Length": str(len(block))}
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return packer.compress(_head("WARC/1.1", named.items()) + block + b"\r\n\r\n") + packer.flush()


def _head(first: str, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"{first}\r\n{lines}\r\n".encode()


def _name() -> str:
    return f"<urn:uuid:{uuid.uuid4()}>"


def _storable(told: Exchange) -> list[tuple[str, str]]:
    """The answer's headers without those of the hop and of persons; the length is that of the stored body."""
    kept = []
    for name, value in told.answered:
        if name.lower() == "transfer-encoding":
            kept.append(("X-Archive-Orig-Transfer-Encoding", value))  # the chunks are gone: readers must not look
        elif name.lower() not in _NEVER_STORED:
            kept.append((name, value))
    return [*kept, ("Content-Length", str(len(told.raw)))]


def decoded(url: str, headers: Headers, raw: bytes) -> bytes:
    """The body without its content encoding. Raises: the guard's refusals."""
    if not any(name.lower() == "content-encoding" and "gzip" in value.lower() for name, value in headers):
        return raw
    inflater = guard.Inflater(url)
    inflater.feed(raw)
    return inflater.finish()


def printable(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Headers as text, what is not ASCII percent-encoded: a WARC reads the same to every tool."""
    return [
        (name.decode("ascii", "replace"), value.decode() if value.isascii() else quote(value, safe=string.printable))
        for name, value in headers
    ]


def visible(headers: Headers) -> list[tuple[str, str]]:
    """The headers that still hold for a decoded body."""
    hidden = _NEVER_STORED | _OF_THE_WIRE
    return [(name, value) for name, value in headers if name.lower() not in hidden]
