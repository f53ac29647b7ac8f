"""WARC 1.1 records as bytes: written for one exchange, read back from a file.

Every record is a gzip member of its own, so a file cut anywhere is whole up to the cut. Knows no index.
"""

from __future__ import annotations

import base64
import hashlib
import io
import string
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import quote

from warcio.archiveiterator import ArchiveIterator
from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

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
    out = io.BytesIO()
    writer = _writer(out)
    record = writer.create_warcinfo_record(filename, {"software": software, "format": "WARC File Format 1.1"})
    record.rec_headers.replace_header("WARC-Date", at)
    writer.write_record(record)
    return _member(out)


def exchange(told: Exchange, original: Original | None = None) -> bytes:
    """The answer and its request, two records; a revisit record where `original` already holds the bytes."""
    out = io.BytesIO()
    writer = _writer(out)
    http = StatusAndHeaders(f"{told.status} {told.reason}", _storable(told), protocol="HTTP/1.1")
    fields = {"WARC-Date": told.at}
    if original is None:
        fields["WARC-Payload-Digest"] = told.payload_digest
        answer = writer.create_warc_record(
            told.url, "response", io.BytesIO(told.raw), len(told.raw), http_headers=http, warc_headers_dict=fields
        )
    else:
        # A 304 has no page and no status of its own: with its block left empty, every replay tool shows the original.
        unmodified = told.status == NOT_MODIFIED
        answer = writer.create_revisit_record(
            told.url,
            original.payload_digest,
            original.url,
            original.at,
            http_headers=None if unmodified else http,
            warc_headers_dict=fields,
        )
        answer.rec_headers.replace_header("WARC-Profile", SERVER_NOT_MODIFIED if unmodified else IDENTICAL_PAYLOAD)
    writer.write_record(answer)
    if not told.asked:  # taken in from elsewhere: the request is not known
        return _member(out)
    first = _member(out)
    asked = [(name, value) for name, value in told.asked if name.lower() not in _NEVER_STORED]
    request = writer.create_warc_record(
        told.url,
        "request",
        http_headers=StatusAndHeaders(f"{told.method} {told.target} HTTP/1.1", asked, is_http_request=True),
        warc_headers_dict={
            "WARC-Date": told.at,
            "WARC-Concurrent-To": answer.rec_headers.get_header("WARC-Record-ID"),
        },
    )
    writer.write_record(request)
    return first + _member(out)


def failure(url: str, at: str, method: str, code: str, note: str) -> bytes:
    """A metadata record that tells why there is no answer."""
    out = io.BytesIO()
    writer = _writer(out)
    text = f"method: {method}\r\nfailure: {code}\r\nnote: {' '.join(note.split())}\r\n".encode()
    record = writer.create_warc_record(
        url, "metadata", io.BytesIO(text), len(text), "application/warc-fields", {"WARC-Date": at}
    )
    writer.write_record(record)
    return _member(out)


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


def _writer(out: BinaryIO) -> WARCWriter:
    return WARCWriter(out, gzip=False, warc_version="1.1")


def _member(out: io.BytesIO) -> bytes:
    """What was written since the last call, as one gzip member."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    packed = packer.compress(out.getbuffer()) + packer.flush()
    out.seek(0)
    out.truncate()
    return packed


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
