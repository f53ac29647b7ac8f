"""Small files on a disk: replaced whole, so that a reader sees the old one or the new whatever moment power fails.

Also the one way in which CSV files of the ledger are read and written by those who need no places of lines. What a
crash leaves half done bears a temporary name, by which it is swept. Knows nothing of what it writes.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

TEMPORARY: Final = ".tmp-"


def save(target: Path, content: str | bytes) -> None:
    """Give `target` new content for certain: when this returns, no loss of power brings the old one back."""
    if not target.parent.is_dir():
        target.parent.mkdir(parents=True)
    exchange(target, content.encode() if isinstance(content, str) else content)
    sync(target.parent)


def exchange(target: Path, content: bytes) -> None:
    """Give `target` new content in one step: readers see the old or the new. The folder is synced by the caller."""
    fresh = target.with_name(f"{TEMPORARY}{target.name}-{os.getpid()}")
    write(fresh, content)
    fresh.replace(target)


def write(path: Path, content: bytes) -> None:
    """A file of exactly this content, on the disk."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(file, rest) :]
        os.fsync(file)
    finally:
        os.close(file)


def sync(path: Path) -> None:
    """Ask the disk to keep a file or folder; a file that another library wrote is synced just as well this way."""
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file; none where there is no file. Raises: csv.Error, UnicodeDecodeError."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def table(columns: Sequence[str], lines: Iterable[Mapping[str, str]], *, header: bool = True) -> str:
    """The text of a CSV file."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def append(path: Path, columns: Sequence[str], lines: Iterable[Mapping[str, str]]) -> None:
    """Add rows at the end of a CSV file, which begins with its header; all of them, or none."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if before and not before.endswith("\n"):
        before += "\n"
    save(path, before + table(columns, lines, header=not before))
