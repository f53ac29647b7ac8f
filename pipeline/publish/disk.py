"""Bytes on a disk, so that a reader sees the old file or the new and power may fail at any moment.

What a crash leaves half done bears a temporary name, by which release.py sweeps it. Knows nothing of what it writes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

TEMPORARY: Final = ".tmp-"


def exchange(target: Path, content: bytes) -> None:
    """Give `target` new content in one step: readers see the old or the new. The folder is synced by the caller."""
    fresh = target.with_name(f"{TEMPORARY}{target.name}")
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
