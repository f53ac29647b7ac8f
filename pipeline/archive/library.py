"""The whole archive on disk: WARC files of every run, and an index that can always be made anew from them.

    warc/<run>.warc.gz   the truth, only ever appended to      index.sqlite   what is where
    torn/                what a crash left half-written        lock           one run at a time

Private: pages name victims. Nothing from here is published but hash, time and address of a capture.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline import errors
from pipeline.archive import warc
from pipeline.archive.store import COLUMNS, RUN, SHA256, Part, Row, Store, content_type, opened, utc_now
from pipeline.records import Capture

_RESUME_WITHIN = timedelta(hours=6)


class Archive(Store):
    """All captures in `folder`, for one process at a time. Use it as a context manager.

    Opening mends what a crash left: whole records that the index missed are indexed, a torn one is set aside.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], datetime] = utc_now) -> None:
        """Raises: Locked while another process has it open; StorageError if the disk refuses."""
        super().__init__(folder, clock=clock)
        try:
            for name in ("warc", "torn", "hosts"):
                (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = (folder / "lock").open("a+")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._db = self._index()
            self._take_up_where_it_stopped()
            self._lock.truncate(0)
            self._lock.write(self.run)  # tells a worker whether the folder it sees is this one
            self._lock.flush()
        except BlockingIOError as error:
            raise errors.Locked(f"{folder}: another run has the archive open. Wait for it to end.") from error
        except OSError as error:
            raise errors.StorageError(f"{folder}: {error.strerror}. Make room or mend the rights.") from error

    def close(self, *, finished: bool = True) -> None:
        """Nothing; all is on disk. A run that is not `finished` is resumed by the next one."""
        if finished and self._took_part:
            runs = {_whole(run) for run in (self.run, *self._resumed)}
            self._db.executemany("INSERT OR IGNORE INTO finished VALUES (?)", [(run,) for run in runs])
        if self._file is not None:
            os.fsync(self._file)
        self._db.commit()
        super().close()
        self._lock.close()

    def parts(self, of: Callable[[str], int]) -> dict[int, Part]:
        """What each worker must know, by what `of` says of an address.

        The newest answers of each address, the response that holds their bytes, and the links found in them.
        """
        answers = f"SELECT {COLUMNS}, max(at) FROM captures WHERE code = '' GROUP BY url, method, status"  # noqa: S608
        first = f"SELECT {COLUMNS} FROM captures WHERE sha256 = ? AND kind = 'response' LIMIT 1"  # noqa: S608
        known: dict[int, dict[tuple[str, str], Row]] = {}
        for row in self._db.execute(answers).fetchall():
            shard = known.setdefault(of(row["url"]), {})
            shard[row["url"], row["at"]] = tuple(row)[:-1]
            if row["kind"] == "revisit":
                shard |= {(one["url"], one["at"]): tuple(one) for one in self._db.execute(first, (row["sha256"],))}
        found: dict[str, list[Row]] = {}
        for row in self._db.execute("SELECT * FROM found"):
            found.setdefault(row["sha256"], []).append(tuple(row))
        return {
            number: Part(
                list(shard.values()),
                [one for sha256 in {row[SHA256] for row in shard.values()} for one in found.get(sha256, ())],
                self._resumed,
            )
            for number, shard in known.items()
        }

    def take(self, learned: Part, file: bytes = b"") -> None:
        """Nothing; a worker's captures are ours. `file` is its WARC, where it does not share this folder."""
        if file:
            self._take_file(str(learned.captures[0][RUN]), file)
        self.adopt(learned)

    def _take_file(self, run: str, content: bytes) -> None:
        path = self._path(run)
        beside = path.with_suffix(".part")
        try:
            with beside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except OSError as error:
            raise errors.StorageError(f"{path.name}: {error.strerror}. Make room; it is fetched next run.") from error

    def copies(self, url: str) -> list[Capture]:
        """Good captures of copies of `url` that another archive keeps (addresses that end in it), newest first."""
        query = "SELECT url FROM captures WHERE url LIKE '%id\\_/' || ? ESCAPE '\\' AND status = 200 GROUP BY url"
        found = [self.last(row[0], answered=True) for row in self._db.execute(query, (url,)).fetchall()]
        return sorted((one for one in found if one is not None), key=lambda one: one.url, reverse=True)

    def _index(self) -> sqlite3.Connection:
        """The index, made anew if it cannot be read."""
        path = self._folder / "index.sqlite"
        try:
            db = opened(path)
            db.execute("PRAGMA quick_check").fetchone()
        except sqlite3.DatabaseError:
            for leftover in self._folder.glob("index.sqlite*"):
                leftover.unlink()
            db = opened(path)
        return db

    def _take_up_where_it_stopped(self) -> None:
        """Brings index and files into step; see the class."""
        since = (self._clock().astimezone(UTC) - _RESUME_WITHIN).strftime("%Y%m%dT%H%M%SZ")
        finished = {row[0] for row in self._db.execute("SELECT run FROM finished")}
        resumed = set[str]()
        for path in sorted((self._folder / "warc").glob("*.warc.gz")):
            run, size = path.name.removesuffix(".warc.gz"), path.stat().st_size
            if run >= since and _whole(run) not in finished:
                resumed.add(run)
            # After a loss of power the file may be shorter than the index says: the file is right.
            self._db.execute("DELETE FROM captures WHERE run = ? AND start + length > ?", (run, size))
            last = self._db.execute("SELECT max(start + length) FROM captures WHERE run = ?", (run,)).fetchone()[0]
            if size != (last or 0):
                self._read_on(path, run, last or 0)
        self._resumed, self._took_part = frozenset(resumed), False
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
            capture = Capture(url, at, "response", record.status, sha256, content_type(record.headers), run=run)
            self._insert(capture, (start, length), record.fields["warc-payload-digest"], record.headers)
        elif record.kind == "revisit":
            payload = record.fields["warc-payload-digest"]
            original = self._row("payload = ? AND kind = 'response'", payload)
            if original is not None:
                unmodified = record.fields["warc-profile"] == warc.SERVER_NOT_MODIFIED
                headers = json.loads(original["headers"]) if unmodified else record.headers
                status = original["status"] if unmodified else record.status
                sha256 = original["sha256"]
                capture = Capture(url, at, "revisit", status, sha256, content_type(headers), run=run)
                self._insert(capture, (start, length), payload, headers)
        elif record.kind == "metadata":
            told = dict(line.split(": ", 1) for line in record.raw.decode().splitlines() if ": " in line)
            if "failure" in told:
                capture = Capture(
                    url, at, "failure", code=told["failure"], note=told["note"], method=told["method"], run=run
                )
                self._insert(capture, (start, length), "", [])


def _whole(run: str) -> str:
    """The run that a worker's file belongs to."""
    return run.partition(".")[0]
