"""The archive on disk: one WARC file per run, and an index that can always be made anew from them.

    warc/<run>.warc.gz   the truth, only ever appended to      index.sqlite   what is where
    torn/                what a crash left half-written        lock           one writer at a time

Private: pages name victims. Nothing from here is published but hash, time and address of a capture.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import httpx

from pipeline import errors
from pipeline.archive import warc
from pipeline.records import Capture

_SYNC_RECORDS = 64
_SYNC_BYTES = 8_000_000
_RESUME_WITHIN = timedelta(hours=6)
_SOFTWARE = "tj-torture-statistics archive"
_NOT_MODIFIED = 304

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
_FIELDS = "url, at, kind, status, sha256, content_type, code, note, method, run"


def utc_now() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


def public_face(capture: Capture) -> dict[str, str]:
    """All that may be told of a capture outside: hash, time, address."""
    return {"capture_sha256": capture.sha256, "at": capture.at, "url": capture.url}


class Archive:
    """All captures in `folder`. One process at a time; its threads may share it. Use it as a context manager.

    Opening mends what a crash left: whole records that the index missed are indexed, a torn one is set aside.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], datetime] = utc_now) -> None:
        """Raises: Locked while another process has it open; StorageError if the disk refuses."""
        self._folder, self._clock = folder, clock
        self._guarded = threading.RLock()
        self._file: int | None = None
        self._unsynced_records = self._unsynced_bytes = 0
        self._took_part = False  # only a run that fetched can finish an interrupted one
        try:
            for name in ("warc", "torn"):
                (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = (folder / "lock").open("w")
            self._db = self._index()
            self._take_up_where_it_stopped()
        except BlockingIOError as error:
            raise errors.Locked(f"{folder}: another run has the archive open. Wait for it to end.") from error
        except OSError as error:
            raise errors.StorageError(f"{folder}: {error.strerror}. Make room or mend the rights.") from error
        self.run = self._new_run()

    def __enter__(self) -> Self:
        """The open archive."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes; after an error the run counts as unfinished."""
        self.close(finished=kind is None)

    def close(self, *, finished: bool = True) -> None:
        """Nothing; all is on disk. A run that is not `finished` is resumed by the next one."""
        with self._guarded:
            if self._file is not None:
                os.fsync(self._file)
                os.close(self._file)
                self._file = None
            if finished and self._took_part:
                runs = {self.run, *self._resumed}
                self._db.executemany("INSERT OR IGNORE INTO finished VALUES (?)", [(run,) for run in runs])
            self._db.commit()
            self._db.close()
            self._lock.close()

    def add(self, request: httpx.Request, response: httpx.Response) -> Capture:
        """The capture of one whole answer (httpx request and response, the decoded body in its extensions).

        Raises: BadProtocol for a 304 to a page that we do not hold.
        """
        plain: bytes = response.extensions["plain"]
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
        with self._guarded:
            return self.put(told, plain)

    def put(self, told: warc.Exchange, plain: bytes) -> Capture:
        """The capture of an exchange; a revisit where the same bytes are held already."""
        with self._guarded:
            headers, sha256 = told.answered, hashlib.sha256(plain).hexdigest()
            if told.status == _NOT_MODIFIED:
                earlier = self._row("url = ? AND method = ? AND status = 200 AND code = ''", told.url, told.method)
                if earlier is None:
                    raise errors.BadProtocol(f"{told.url}: answered 304 though nothing was quoted. Look at it by hand.")
                original: sqlite3.Row | None = (
                    self._row("sha256 = ? AND kind = 'response'", earlier["sha256"]) or earlier
                )
                headers, sha256, status = json.loads(earlier["headers"]), earlier["sha256"], 200
            else:
                status = told.status
                original = self._row(
                    "sha256 = ? AND kind = 'response' AND payload = ? AND status = ?",
                    sha256, told.payload_digest, status,
                ) if told.raw else None  # fmt: skip
            same = warc.Original(original["url"], original["at"], original["payload"]) if original else None
            kind: Literal["revisit", "response"] = "revisit" if same else "response"
            place = self._append(warc.exchange(told, same))
            payload = same.payload_digest if same else told.payload_digest
            capture = Capture(
                told.url, told.at, kind, status, sha256, _content_type(headers), method=told.method, run=self.run
            )
            self._insert(capture, place, payload, headers)
            return capture

    def add_failure(self, url: str, error: errors.BadSource, method: str = "GET") -> Capture:
        """The capture of an attempt that brought no answer."""
        with self._guarded:
            capture = Capture(
                url, self._now(), "failure", code=error.code, note=str(error)[:500], method=method, run=self.run
            )
            place = self._append(warc.failure(url, capture.at, method, error.code, capture.note))
            self._insert(capture, place, "", [])
            return capture

    def last(self, url: str, method: str = "GET", *, answered: bool = False) -> Capture | None:
        """The newest capture of `url`; with `answered`, the newest good page (status 200), failures passed over."""
        where = "url = ? AND method = ?" + (" AND status = 200 AND code = ''" if answered else "")
        row = self._row(where, url, method)
        return _capture(row) if row else None

    def validators(self, url: str, method: str = "GET") -> dict[str, str]:
        """The request headers that ask whether the page we hold is still the newest."""
        row = self._row("url = ? AND method = ? AND status = 200 AND code = ''", url, method)
        quoted = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
        held = json.loads(row["headers"]) if row else []
        return {quoted[name.lower()]: value for name, value in held if name.lower() in quoted}

    def find(self, url: str, at: str) -> Capture | None:
        """The capture of `url` made at exactly this second."""
        row = self._row("url = ? AND method = 'GET' AND at = ?", url, at)
        return _capture(row) if row else None

    def captures(self, run: str = "") -> Iterator[Capture]:
        """Every capture, or those of one run, in the order they were made."""
        where, values = ("WHERE run = ?", (run,)) if run else ("", ())
        with self._guarded:
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
        with self._guarded:
            row = self._db.execute("SELECT links FROM found WHERE sha256 = ? AND rule = ?", (sha256, rule)).fetchone()
        return json.loads(row[0]) if row else None

    def keep_links(self, sha256: str, rule: str, links: Sequence[Sequence[str]]) -> None:
        """Nothing; `links` gives them back."""
        with self._guarded:
            self._db.execute("INSERT OR REPLACE INTO found VALUES (?, ?, ?)", (sha256, rule, json.dumps(links)))

    def unfinished(self, url: str, method: str = "GET") -> Capture | None:
        """The good page that an interrupted run captured within the last hours: it need not be asked for again."""
        capture = self.last(url, method) if self._resumed else None
        if capture is None or capture.code or capture.status >= 400 or capture.run not in self._resumed:  # noqa: PLR2004
            return None
        self._took_part = True
        return capture

    def _now(self) -> str:
        return self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _path(self, run: str) -> Path:
        return self._folder / "warc" / f"{run}.warc.gz"

    def _new_run(self) -> str:
        """A name that no file has yet."""
        stem, number = self._clock().astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"), 0
        while self._path(f"{stem}-{number}").exists():
            number += 1
        return f"{stem}-{number}"

    def _index(self) -> sqlite3.Connection:
        """The index, made anew if it cannot be read."""
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path = self._folder / "index.sqlite"
        try:
            db = _opened(path)
            db.execute("PRAGMA quick_check").fetchone()
        except sqlite3.DatabaseError:
            for leftover in self._folder.glob("index.sqlite*"):
                leftover.unlink()
            db = _opened(path)
        return db

    def _take_up_where_it_stopped(self) -> None:
        """Brings index and files into step; see the class."""
        since = (self._clock().astimezone(UTC) - _RESUME_WITHIN).strftime("%Y%m%dT%H%M%SZ")
        finished = {row[0] for row in self._db.execute("SELECT run FROM finished")}
        self._resumed = set[str]()
        for path in sorted((self._folder / "warc").glob("*.warc.gz")):
            run, size = path.name.removesuffix(".warc.gz"), path.stat().st_size
            if run >= since and run not in finished:
                self._resumed.add(run)
            # After a loss of power the file may be shorter than the index says: the file is right.
            self._db.execute("DELETE FROM captures WHERE run = ? AND start + length > ?", (run, size))
            last = self._db.execute("SELECT max(start + length) FROM captures WHERE run = ?", (run,)).fetchone()[0]
            if size != (last or 0):
                self._read_on(path, run, last or 0)
        self._db.commit()

    def _read_on(self, path: Path, name: str, end: int) -> None:
        """Indexes the whole records after `end` and sets a torn rest aside."""
        with path.open("rb") as file:
            for start, length, content in warc.members(file, end):
                self._index_record(name, start, length, warc.read(content))
                end = start + length
            file.seek(end)
            torn = file.read()
        if torn:
            aside = self._folder / "torn" / f"{name}-{end}.bin"
            aside.write_bytes(torn)
            os.truncate(path, end)

    def _index_record(self, run: str, start: int, length: int, record: warc.Stored) -> None:
        url, at = record.fields.get("warc-target-uri", ""), record.fields["warc-date"]
        if record.kind == "response":
            plain = warc.decoded(url, record.headers, record.raw)
            sha256 = hashlib.sha256(plain).hexdigest()
            capture = Capture(url, at, "response", record.status, sha256, _content_type(record.headers), run=run)
            self._insert(capture, (start, length), record.fields["warc-payload-digest"], record.headers)
        elif record.kind == "revisit":
            payload = record.fields["warc-payload-digest"]
            original = self._row("payload = ? AND kind = 'response'", payload)
            if original is not None:
                unmodified = record.fields["warc-profile"] == warc.SERVER_NOT_MODIFIED
                headers = json.loads(original["headers"]) if unmodified else record.headers
                status = original["status"] if unmodified else record.status
                sha256 = original["sha256"]
                capture = Capture(url, at, "revisit", status, sha256, _content_type(headers), run=run)
                self._insert(capture, (start, length), payload, headers)
        elif record.kind == "metadata":
            told = dict(line.split(": ", 1) for line in record.raw.decode().splitlines() if ": " in line)
            if "failure" in told:
                capture = Capture(
                    url, at, "failure", code=told["failure"], note=told["note"], method=told["method"], run=run
                )
                self._insert(capture, (start, length), "", [])

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
        values = [getattr(capture, name) for name in _FIELDS.split(", ")]
        try:
            self._db.execute(
                f"INSERT INTO captures ({_FIELDS}, start, length, payload, headers) VALUES ({'?, ' * 13}?)",  # noqa: S608
                [*values, *place, payload, json.dumps(warc.visible(headers))],
            )
        except sqlite3.OperationalError as error:
            raise errors.StorageError(f"{self._folder}: index: {error}. Make room; nothing was lost.") from error

    def _row(self, where: str, *values: str | int) -> sqlite3.Row | None:
        """The newest row that fits."""
        with self._guarded:
            query = f"SELECT * FROM captures WHERE {where} ORDER BY at DESC, id DESC LIMIT 1"  # noqa: S608
            row: sqlite3.Row | None = self._db.execute(query, values).fetchone()
        return row


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")  # the WARC files are the truth: see _take_up_where_it_stopped
    db.executescript(_TABLES)
    return db


def _capture(row: sqlite3.Row) -> Capture:
    return Capture(**{name: row[name] for name in _FIELDS.split(", ")})


def _content_type(headers: warc.Headers) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), "")


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
