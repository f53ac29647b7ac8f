"""A whole publish, rollback, withdrawal and redaction: any call that changes the disk may fail, or be the last one.

Python's own calls and those of SQLite, Polars and the workbook: counted by a library in C that is preloaded.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import invented_package as invented
import pytest
from faults import mounted

from pipeline import errors, publish

HERE = Path(__file__).resolve().parent
needs_compiler = pytest.mark.skipif(shutil.which("gcc") is None, reason="no compiler for tests/faults.c")


def tried(folder: Path, step: int) -> dict[str, int]:
    """How many faults were placed in each command; every one of them did no harm."""
    library, work = folder / "faults.so", folder / "work"
    work.mkdir()
    source = HERE / "faults.c"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
    paths = f"{HERE.parent}{os.pathsep}{HERE}"
    done = subprocess.run(
        [sys.executable, str(HERE / "whole.py"), str(library), str(work), str(step)],
        env={**os.environ, "PYTHONPATH": paths, "LD_PRELOAD": str(library)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)

    assert told["faulty"] == []
    return told["tried"]


@needs_compiler
def test_a_fault_at_some_calls_does_no_harm(tmp_path: Path) -> None:
    """ENOSPC, EIO, SIGKILL: `current` is whole each time, the refusal has its code, and a rerun completes all."""
    counts = tried(tmp_path, 83)

    assert set(counts) == {"go", "back", "withdraw", "redact"}
    assert min(counts.values()) >= 1
    assert counts["go"] >= 12


@pytest.mark.exam
@needs_compiler
def test_a_fault_at_every_call_does_no_harm(tmp_path: Path) -> None:
    """More than a thousand."""
    counts = tried(tmp_path, 1)
    sys.stderr.write(f"faults placed: {counts}\n")

    assert sum(counts.values()) > 1_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one and a half megabytes."""
    with mounted(tmp_path / "disk", "1536k") as place:
        yield place


def test_a_full_disk_ends_in_thirteen_and_the_old_release(small_disk: Path) -> None:
    """Releases that grow until the disk is full: the last good one stays live, and room makes the next run succeed."""
    (small_disk / "schemas").mkdir()
    shutil.copy(HERE.parent / "schemas" / "package.yml", small_disk / "schemas")
    refused, live = filled(small_disk)

    assert refused.exit_code == 13
    assert (small_disk / "build" / "current").resolve().name == live
    assert publish.verified(small_disk / "build")[0] == []
    (small_disk / "ballast").unlink()
    assert published(small_disk, invented.CLAIMS) != live


def filled(disk: Path) -> tuple[errors.StorageError, str]:
    """The refusal of the first release that found no room, and the release before it."""
    live, claims = "", invented.CLAIMS
    for number in range(100):
        try:
            live = published(disk, claims)
        except errors.StorageError as refused:
            return refused, live
        with contextlib.suppress(OSError):  # it fills what is left
            (disk / "ballast").write_bytes(b"x" * 60_000 * (number + 1))
        claims += f"b-{number}|visits|_T|page|2019-07-01|false|1|{number}|{'word ' * 900}\n"
    pytest.fail("the disk never became full")


def published(home: Path, claims: str) -> str:
    """The id of the release."""
    with publish.lock(home / "build"):
        staged = publish.stage(invented.public(claims), home, created=invented.CREATED)
        return publish.go_live(staged, home).id
