"""Captures in WARC files and an index of what is where: written record by record, found again by address or digest.

A `Store` is one writer's part of the archive: the whole of it (library.py), or what one worker of a run needs to know
and the file it writes.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import httpx

from pipeline import errors
from pipeline.archive import warc
from pipeline.records import Capture

Row = tuple[Any, ...]

_SYNC_RECORDS = 64
_SYNC_BYTES = 8_000_000
_SOFTWARE = "tj-torture-statistics archive"
_GOOD = "method = ? AND status = 200 AND code = ''"
_FIELDS = ("url", "at", "kind", "status", "sha256", "content_type", "code", "note", "method", "run")
COLUMNS = ", ".join((*_FIELDS, "start", "length", "payload", "headers"))
SHA256, RUN = _FIELDS.index("sha256"), _FIELDS.index("run")  # where they stand in a row of a Part
_TABLES = """
CREATE TABLE IF NOT EXISTS finished (run TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS captures (
    id INTEGER PRIMARY KEY, url TEXT NOT NULL, at TEXT NOT NULL, kind TEXT NOT NULL, status INTEGER NOT NULL,
    sha256 TEXT NOT NULL, content_type TEXT NOT NULL, code TEXT NOT NULL, note TEXT NOT NULL, method TEXT NOT NULL,
    run TEXT NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL, payload TEXT NOT NULL, headers TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_url ON captures (url, method, at, id);
CREATE INDEX IF NOT EXISTS by_body ON captures (sha256, kind);
CREATE INDEX IF NOT EXISTS by_run ON captures (run, start);
CREATE TABLE IF NOT EXISTS found (sha256 TEXT, rule TEXT, links TEXT NOT NULL, PRIMARY KEY (sha256, rule));
"""


def utc_now() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Part:
    """What one writer knows or has learned: rows of captures and of links found, and runs to take up again."""

    captures: Sequence[Row] = ()
    found: Sequence[Row] = ()
    resumed: frozenset[str] = frozenset()


class Store:
    """Captures below `folder`, this run's in a file of its own. For one thread. A context manager."""

    def __init__(
        self, folder: Path, run: str = "", known: Part = Part(), *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        """A store that knows what `known` tells and writes warc/`run`.warc.gz, under another name if there is one."""
        self._folder, self._clock = folder, clock
        self._file: int | None = None
        self._unsynced_records = self._unsynced_bytes = 0
        self._files = dict[str, bool]()
        self._db = opened("")
        self.adopt(known)
        self._resumed = known.resumed
        self._took_part = False  # only a run that fetched can finish an interrupted one
        self.run = self._free(run or clock().astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"))

    def __enter__(self) -> Self:
        """The open store."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes; after an error the run counts as unfinished."""
        self.close(finished=kind is None)

    def close(self, *, finished: bool = True) -> None:  # noqa: ARG002  (the whole archive asks)
        """Nothing; all is on disk."""
        if self._file is not None:
            os.fsync(self._file)
            os.close(self._file)
            self._file = None
        self._db.close()

    def add(self, request: httpx.Request, response: httpx.Response, held: sqlite3.Row | None) -> Capture:
        """The capture of one whole answer (httpx request and response, the decoded body in its extensions).

        `held` is what the request was made conditional on. Raises: BadProtocol for a 304 to a page we do not hold.
        """
        told = warc.Exchange(
            url=str(request.url),
            at=self._now(),
            method=request.method,
            target=request.url.raw_path.decode("ascii"),
            asked=warc.printable(request.headers.raw),
            status=response.status_code,
            reason=response.reason_phrase,
            answered=warc.printable(response.headers.raw),
            raw=b"".join(response.iter_raw()),
        )
        if told.status != warc.NOT_MODIFIED:
            return self.put(told, response.extensions["plain"])
        if held is None:
            raise errors.BadProtocol(f"{told.url}: answered 304 though nothing was quoted. Look at it by hand.")
        first = held
        if held["kind"] != "response":
            first = self._row("sha256 = ? AND kind = 'response'", held["sha256"]) or held
        return self._keep(told, held["sha256"], 200, json.loads(held["headers"]), first)

    def put(self, told: warc.Exchange, plain: bytes) -> Capture:
        """The capture of an answer; a revisit where the same bytes are held already."""
        sha256 = hashlib.sha256(plain).hexdigest()
        same = "sha256 = ? AND kind = 'response' AND payload = ? AND status = ?"
        first = self._row(same, sha256, told.payload_digest, told.status) if told.raw else None
        return self._keep(told, sha256, told.status, told.answered, first)

    def add_failure(self, url: str, error: errors.BadSource, method: str = "GET") -> Capture:
        """The capture of an attempt that brought no answer."""
        capture = Capture(
            url, self._now(), "failure", code=error.code, note=str(error)[:500], method=method, run=self.run
        )
        place = self._append(warc.failure(url, capture.at, method, error.code, capture.note))
        self._insert(capture, place, "", [])
        return capture

    def last(self, url: str, method: str = "GET", *, answered: bool = False) -> Capture | None:
        """The newest capture of `url`; with `answered`, the newest good page (status 200), failures passed over."""
        row = self.held(url, method) if answered else self._row("url = ? AND method = ?", url, method)
        return _capture(row) if row else None

    def held(self, url: str, method: str = "GET") -> sqlite3.Row | None:
        """The newest good page of `url`, as the index has it, where its bytes can still be given back."""
        row = self._row(f"url = ? AND {_GOOD}", url, method)
        return row if row is not None and self._has(row["run"]) else None

    def find(self, url: str, at: str) -> Capture | None:
        """The capture of `url` made at exactly this second."""
        row = self._row("url = ? AND method = 'GET' AND at = ?", url, at)
        return _capture(row) if row else None

    def captures(self, run: str = "") -> Iterator[Capture]:
        """Every capture, or those of one run and its workers, in the order they were made."""
        where, values = ("WHERE run = ? OR run LIKE ? || '.%'", (run, run)) if run else ("", ())
        rows = self._db.execute(f"SELECT * FROM captures {where} ORDER BY at, id", values).fetchall()  # noqa: S608
        return map(_capture, rows)

    def headers(self, capture: Capture) -> list[tuple[str, str]]:
        """The HTTP headers of a capture; for one that was not modified, those of its original."""
        where = "url = ? AND method = ? AND at = ? AND sha256 = ?"
        row = self._row(where, capture.url, capture.method, capture.at, capture.sha256)
        return [(name, value) for name, value in json.loads(row["headers"])] if row else []

    def body(self, sha256: str) -> bytes:
        """The decoded bytes with this digest. Raises: NotArchived; BadArchive if the file no longer holds them."""
        row = self._row("sha256 = ? AND kind = 'response'", sha256)
        if row is None:
            raise errors.NotArchived(f"{sha256}: no such body in {self._folder}. Import the WARC that holds it.")
        path = self._path(row["run"])
        try:
            with path.open("rb") as file:
                _, _, content = next(warc.members(file, row["start"]))
        except (OSError, StopIteration) as error:
            raise errors.BadArchive(f"{path.name}: unreadable at {row['start']}. Restore it from a copy.") from error
        record = warc.read(content)
        plain = warc.decoded(row["url"], record.headers, record.raw)
        if hashlib.sha256(plain).hexdigest() != sha256:
            raise errors.BadArchive(f"{path.name}: bytes at {row['start']} have changed. Restore it from a copy.")
        return plain

    def links(self, sha256: str, rule: str) -> list[list[str]] | None:
        """What `rule` found in this body before, so that an unchanged page is not read again."""
        row = self._db.execute("SELECT links FROM found WHERE sha256 = ? AND rule = ?", (sha256, rule)).fetchone()
        return json.loads(row[0]) if row else None

    def keep_links(self, sha256: str, rule: str, links: Sequence[Sequence[str]]) -> None:
        """Nothing; `links` gives them back."""
        self._db.execute("INSERT OR REPLACE INTO found VALUES (?, ?, ?)", (sha256, rule, json.dumps(links)))

    def unfinished(self, url: str, method: str = "GET") -> Capture | None:
        """The good page that an interrupted run captured within the last hours: it need not be asked for again."""
        capture = self.last(url, method) if self._resumed else None
        if capture is None or capture.code or capture.status >= 400 or capture.run not in self._resumed:  # noqa: PLR2004
            return None
        self._took_part = True
        return capture

    def adopt(self, learned: Part) -> None:
        """Nothing; the index knows what another writer learned."""
        self._db.executemany(f"INSERT INTO captures ({COLUMNS}) VALUES ({'?, ' * 13}?)", learned.captures)  # noqa: S608
        self._db.executemany("INSERT OR REPLACE INTO found VALUES (?, ?, ?)", learned.found)
        self._took_part = True

    def learned(self) -> Part:
        """What this run added."""
        rows = self._db.execute(f"SELECT {COLUMNS} FROM captures WHERE run = ? ORDER BY id", (self.run,))  # noqa: S608
        return Part([tuple(row) for row in rows], [tuple(row) for row in self._db.execute("SELECT * FROM found")])

    def _now(self) -> str:
        return self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _path(self, run: str) -> Path:
        return self._folder / "warc" / f"{run}.warc.gz"

    def _free(self, stem: str) -> str:
        """A name that no file has yet, nor a worker's file."""
        names = chain([stem], (f"{stem}-{number}" for number in count(2)))
        return next(name for name in names if not any((self._folder / "warc").glob(f"{name}.*")))

    def _has(self, run: str) -> bool:
        """Whether the file of a run can be reached from here."""
        if run not in self._files:
            self._files[run] = run == self.run or self._path(run).exists()
        return self._files[run]

    def _keep(
        self, told: warc.Exchange, sha256: str, status: int, headers: warc.Headers, first: sqlite3.Row | None
    ) -> Capture:
        """The capture of an exchange, once it is in the file and in the index; `first` holds its bytes already."""
        same = warc.Original(first["url"], first["at"], first["payload"]) if first else None
        kind: Literal["revisit", "response"] = "revisit" if same else "response"
        place = self._append(warc.exchange(told, same))
        capture = Capture(
            told.url, told.at, kind, status, sha256, content_type(headers), method=told.method, run=self.run
        )
        self._insert(capture, place, same.payload_digest if same else told.payload_digest, headers)
        return capture

    def _append(self, record: bytes) -> tuple[int, int]:
        """Where the record now stands."""
        path = self._path(self.run)
        try:
            if self._file is None:
                self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
                self._took_part = True
                _sync_folder(path.parent)
                _write(self._file, warc.warcinfo(path.name, self._now(), _SOFTWARE), 0)
            start = os.fstat(self._file).st_size
            _write(self._file, record, start)
            self._unsynced_records += 1
            self._unsynced_bytes += len(record)
            if self._unsynced_records >= _SYNC_RECORDS or self._unsynced_bytes >= _SYNC_BYTES:
                os.fsync(self._file)
                self._db.commit()  # the index never tells of bytes that are not on the disk
                self._unsynced_records = self._unsynced_bytes = 0
        except OSError as error:
            raise errors.StorageError(f"{path.name}: {error.strerror}. Make room; nothing was lost.") from error
        return start, len(record)

    def _insert(self, capture: Capture, place: tuple[int, int], payload: str, headers: warc.Headers) -> None:
        values = [getattr(capture, name) for name in _FIELDS]
        try:
            self.adopt(Part([(*values, *place, payload, json.dumps(warc.visible(headers)))]))
        except sqlite3.OperationalError as error:
            raise errors.StorageError(f"{self._folder}: index: {error}. Make room; nothing was lost.") from error

    def _row(self, where: str, *values: str | int) -> sqlite3.Row | None:
        """The newest row that fits."""
        query = f"SELECT * FROM captures WHERE {where} ORDER BY at DESC, id DESC LIMIT 1"  # noqa: S608
        row: sqlite3.Row | None = self._db.execute(query, values).fetchone()
        return row


def opened(path: Path | str) -> sqlite3.Connection:
    """An index, empty where there was none; "" for one that lives as long as its connection."""
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")  # the WARC files are the truth: see library.py
    db.executescript(_TABLES)
    return db


def content_type(headers: warc.Headers) -> str:
    """The declared type, or ""."""
    return next((value for name, value in headers if name.lower() == "content-type"), "")


def _capture(row: sqlite3.Row) -> Capture:
    return Capture(**{name: row[name] for name in _FIELDS})


def _write(file: int, content: bytes, start: int) -> None:
    """All of it or nothing of it."""
    left = memoryview(content)
    try:
        while left:
            left = left[os.write(file, left) :]
    except OSError:
        os.ftruncate(file, start)
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
