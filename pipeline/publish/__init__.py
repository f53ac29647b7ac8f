"""Publish: from public tables to a live release.

`stage` writes the whole package into a folder of its own, `changes` says what it would change, `go_live` makes it the
release that readers see, `rollback` an earlier one, `sign` signs it; all under `lock`. `delta` compares any two. Takes
nothing but what protect cleared, and leaves judging the finished package to validate.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars.exceptions
import xlsxwriter.exceptions
import yaml

from pipeline import errors
from pipeline.publish import history, package, remote, verify
from pipeline.publish.comparison import changes, delta
from pipeline.publish.history import sign
from pipeline.publish.release import go_live, lock, new_folder, rollback, withdraw_others
from pipeline.records import PublicTable

__all__ = ["changes", "delta", "folder", "go_live", "lock", "rollback", "sign", "stage", "verified", "withdraw_others"]

DISK_CODES: Final = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
# What the writers of the formats raise when the disk refuses, and sometimes for other causes.
WRITERS_RAISE: Final = (
    OSError,
    sqlite3.OperationalError,
    polars.exceptions.ComputeError,
    xlsxwriter.exceptions.FileCreateError,
)


def stage(public: Sequence[PublicTable], home: Path, *, created: str) -> Path:
    """The folder that holds the complete package, not yet live. Only under the lock.

    Shape: `created` is the newest recorded_on; schemas/package.yml gives the package its words.
    Raises: ValidationRefused for a cell that one of the formats cannot hold; StorageError when the disk refuses.
    """
    words = yaml.safe_load((home / "schemas" / "package.yml").read_text(encoding="utf-8"))
    try:
        staged = new_folder(home)
        package.write(public, words, created, staged, home)
    except WRITERS_RAISE as error:
        reason = _disk_reason(error)
        if not reason:
            raise
        raise errors.StorageError(
            f"build: {reason} while writing the package. Nothing was published, the last release still stands. "
            "Make room or mend the disk, then run publish again."
        ) from error
    return staged


def folder(build: Path, name: str) -> Path:
    """The folder of a release named by its id, "current", or the folder of any package.

    Raises: UsageError where there is none.
    """
    found = next((one for one in (build / "releases" / name, build / name, Path(name)) if name and one.is_dir()), None)
    if found is None:
        kept = sorted(one.name for one in (build / "releases").glob("[0-9a-f]*"))
        raise errors.UsageError(f"There is no release or folder of that name. Kept here: {', '.join(kept) or 'none'}.")
    return found.resolve()


def verified(
    build: Path, name: str = "", seen: Path | None = None, *, newest: bool = True, key: str = "",
) -> tuple[list[verify.Fault], str]:  # fmt: skip
    """What is wrong with a release (an id, a folder, an address, "" for the live one), and the verdict in a sentence.

    Raises: UsageError where there is no such release; Unreachable for an address that does not answer.
    """
    if name.startswith(("http://", "https://")):
        with tempfile.TemporaryDirectory() as place:
            proof = remote.fetch(name, Path(place))
            return verify.check(Path(place) / "release", proof, seen, newest=newest, key=key)
    release = folder(build, name or "current")
    proofs = release.parent.parent / history.PROOFS / f"{release.name}.json"
    log = release.parent.parent / verify.LOG
    return verify.check(
        release, proofs if proofs.is_file() else None, seen, log if log.is_file() else None, newest=newest, key=key
    )


def _disk_reason(error: Exception) -> str:
    """What the disk said, without paths; "" where the error is not the disk's."""
    match error:
        case OSError():
            return error.strerror or "the disk refused"
        case sqlite3.OperationalError():
            # The low byte is the kind, the rest is detail.
            return "the disk refused the database" if error.sqlite_errorcode & 0xFF in DISK_CODES else ""
        case polars.exceptions.ComputeError():
            told = str(error)
            return "the disk refused the Parquet files" if "IO error" in told or "transport error" in told else ""
    return "the disk refused the workbook"
