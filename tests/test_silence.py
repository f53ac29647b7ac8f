"""What a run with a register leaves behind, says, or keeps when it is killed: nothing but what was published."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import registers
from faults import Recorder

from pipeline import build, errors
from pipeline.protect import carried, design, leaving, register

HOME = Path(__file__).resolve().parent.parent
TODAY = "2026-11-24"
SECRET = b"n0t-a-key-but-looked-for-Qm7"
SMALL = "tables: {register_a: [year, sex], register_b: [year, region]}"
Row = dict[str, str]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key file that only its owner can read."""
    path = tmp_path_factory.mktemp("secret") / "key"
    path.touch(0o600)
    path.write_bytes(SECRET)
    return path


def run(*words: object, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own; `before` is run there first."""
    code = f"{before}\nimport sys\nfrom pipeline.cli import main\nsys.argv[0] = 'pipeline'\nmain()"
    command = [sys.executable, "-c", code, *map(str, words)]
    paths = {"PYTHONPATH": str(HOME / "tests"), **environment}
    return subprocess.run(
        command, cwd=HOME, capture_output=True, text=True, timeout=300, check=False, env=os.environ | paths
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The releases `one` and `two` of an invented register, by a small design."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "design.yml").write_text(SMALL, encoding="utf-8")
    plan = design.read(folder / "design.yml")
    for name, seed in (("one", 3), ("two", 4)):
        held = register.read(registers.write(folder / f"{name}.csv", registers.cases(seed)), TODAY)
        leaving.protect(held, plan, folder / name, SECRET, [])
    return folder


def exchange(folder: Path, at: int, act: Callable[[], None]) -> int:
    """What became of a process that puts rest/new in the place of `out`, and does `act` at one of its operations."""
    pid = os.fork()
    if pid == 0:  # uses no polars, which does not survive a fork
        with Recorder(at, act).watching():
            leaving._exchange(carried.temporary(folder / "out"), folder / "out")
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def test_a_release_is_never_lost_whenever_the_exchange_is_killed(two: Path, tmp_path: Path) -> None:
    """At every call to the disk: then the next run has the old release or the new one, whole, and nothing beside it."""
    old, new = contents(two / "one"), contents(two / "two")
    seen, missing = set(), 0
    for at in range(1, 100):
        home = tmp_path / str(at)
        shutil.copytree(two / "one", home / "out")
        shutil.copytree(two / "two", home / ".tmp-out" / "new")
        status = exchange(home, at, lambda: os.kill(os.getpid(), signal.SIGKILL))
        missing += not (home / "out").exists()
        told = carried.settled(home / "out")

        assert contents(home / "out") in (old, new)
        assert [path.name for path in home.iterdir()] == ["out"]
        assert told
        if status == 0:
            break
        assert status == signal.SIGKILL
        seen.add("new" if contents(home / "out") == new else "old")
    assert seen == {"old", "new"}
    assert missing == 1


def test_the_next_run_puts_a_killed_exchange_in_order_and_says_so(two: Path, key: Path, tmp_path: Path) -> None:
    """Killed between the two renames. A run that is refused then finds the old release back; a good one tells it."""
    shutil.copytree(two / "one", tmp_path / "out")
    (tmp_path / "bad.csv").write_text("case_id\nx,y\n", encoding="utf-8")
    words = ("--out", tmp_path / "out", "--key-file", key, "--design", two / "design.yml")
    kill = (
        "import os, pathlib, signal\nreal = pathlib.Path.rename\n"
        "def rename(self, to):\n    if self.name == 'new': os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return real(self, to)\npathlib.Path.rename = rename"
    )

    killed = run("protect", two / "two.csv", *words, before=kill)

    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    assert contents(tmp_path / ".tmp-out" / "old") == contents(two / "one")
    assert set(contents(tmp_path / ".tmp-out" / "new")) == set(contents(two / "one"))
    assert (tmp_path / ".tmp-out").stat().st_mode & 0o077 == 0
    shutil.copytree(tmp_path / ".tmp-out", tmp_path / "again" / ".tmp-out")
    refused = run("protect", tmp_path / "bad.csv", *words)
    assert refused.returncode == 12, refused.stderr
    assert "the earlier one is back in its place" in " ".join(refused.stderr.split())
    assert contents(tmp_path / "out") == contents(two / "one")
    assert not list(tmp_path.glob(".tmp-*"))
    done = run("protect", two / "two.csv", "--previous", tmp_path / "again" / "out",
               "--out", tmp_path / "next", *words[2:])  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "the earlier one is back in its place" in " ".join(done.stderr.split())
    assert "left by a run that did not end, removed" in " ".join(done.stderr.split())
    assert contents(tmp_path / "again" / "out") == contents(two / "one")


def test_what_a_killed_publication_left_goes_with_the_next_one(two: Path, tmp_path: Path) -> None:
    """Whether a register is counted then or not; both say so."""
    home = build.Workspace(tmp_path)
    shutil.copytree(two / "two", tmp_path / "register" / ".tmp-0001" / "new")
    with build.counted(home, None, []) as (tables, told):
        assert (tables, len(told)) == ([], 1)
    assert not list((tmp_path / "register").iterdir())


def test_a_disk_that_refuses_is_told_in_a_sentence(two: Path, tmp_path: Path) -> None:
    """At every call, the renames too: the release before stands, byte for byte, and nothing is left beside it."""
    held, plan = register.read(two / "two.csv", TODAY), design.read(two / "design.yml")
    refused = []

    def refuse() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for at in range(2, 100):  # the first asks whether the folder above is there
        home = tmp_path / str(at)
        shutil.copytree(two / "one", home / "out")
        disk = Recorder(at, refuse)
        with disk.watching(), contextlib.suppress(errors.StorageError):
            leaving.protect(held, plan, home / "out", SECRET, [])
            break  # nothing that matters was left to do
        refused.append(disk.calls[at - 1][0])

        assert contents(home / "out") == contents(two / "one")
        assert [path.name for path in home.iterdir()] == ["out"]
    assert refused.count("rename") == 2
    assert {"mkdir", "fsync"} <= set(refused)
