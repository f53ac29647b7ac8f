"""Examine a server: what is well, what is not, and the command that cures it.

Looks and changes nothing. What cannot be told on a machine (no systemd, no clock service) is said to be so and is no
fault. Leaves judging figures to check, and a release in all its parts to verify.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

OLDEST_PYTHON: Final = (3, 11)
LEAST_BYTES: Final = 200_000_000  # a release of today and the archive of a run
STALE: Final = datetime.timedelta(days=8)  # the timer runs twice a week
TIMER: Final = "torture-statistics.timer"
SKEW_S: Final = 300  # between the clock of a disk and ours
SECRET: Final = b"untrusted comment: minisign encrypted secret key"


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that was looked at. `cure` is a command, empty where nothing is wrong."""

    about: str
    state: Literal["ok", "wrong", "not told"]
    sentence: str
    cure: str = ""


def examine(home: Path, now: datetime.datetime, keys: Sequence[Path] = ()) -> list[Told]:
    """What was found, in the order in which it should be cured. `now` bears a time zone, `keys` are secret files."""
    looks: Sequence[Callable[[], Iterator[Told]]] = (
        lambda: _versions(home), lambda: _permissions(home), lambda: _keys(home, keys), lambda: _clock(home, now),
        lambda: _disk(home), lambda: _release(home), _timer, lambda: _last_run(home, now),
        lambda: _health(home),
    )  # fmt: skip
    return [told for look in looks for told in _told(look)]


def _told(look: Callable[[], Iterator[Told]]) -> list[Told]:
    """What a look found; a package that is missing is told by its own look, and shall not hide the others."""
    try:
        return list(look())
    except ImportError as error:
        return [Told("publishing", "not told", f"{error.name} cannot be loaded: cure the packages first")]


def _versions(home: Path) -> Iterator[Told]:
    """Python, SQLite with its full-text search, and every package at the version of the lock."""
    seen = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        yield Told(
            "Python", "wrong", f"{seen}; 3.11 or newer is needed", "rm -rf .venv && make PYTHON=python3.11 check"
        )
    else:
        yield Told("Python", "ok", seen)
    try:
        with sqlite3.connect(":memory:") as database:
            database.execute("CREATE VIRTUAL TABLE words USING fts5(word)")
        yield Told("SQLite", "ok", f"{sqlite3.sqlite_version}, with full-text search")
    except sqlite3.OperationalError:
        cure = "rm -rf .venv && make PYTHON=/usr/bin/python3 check"
        yield Told("SQLite", "wrong", f"{sqlite3.sqlite_version} cannot search text: it lacks FTS5", cure)
    yield _packages(home / "requirements.txt")


def _packages(lock: Path) -> Told:
    """Whether what is installed is what the lock names."""
    try:
        from packaging.requirements import Requirement  # noqa: PLC0415  may be what is missing
    except ImportError:
        return Told("packages", "wrong", "packaging is not installed", "rm -f .venv/run.stamp && make check")
    if not lock.is_file():
        return Told("packages", "wrong", "requirements.txt is not there", "git checkout requirements.txt")
    differ = []
    lines = (line.rstrip(" \\") for line in lock.read_text(encoding="utf-8").splitlines())
    for wanted in (Requirement(line) for line in lines if line[:1].isalnum()):
        if wanted.marker is None or wanted.marker.evaluate():
            try:
                found = importlib.metadata.version(wanted.name)
            except importlib.metadata.PackageNotFoundError:
                found = "missing"
            if found == "missing" or not wanted.specifier.contains(found, prereleases=True):
                differ.append(f"{wanted.name} {found} (the lock says {str(wanted.specifier).lstrip('=')})")
    if differ:
        return Told("packages", "wrong", "; ".join(differ), "rm -f .venv/run.stamp && make check")
    return Told("packages", "ok", "each is the one of requirements.txt")


def _permissions(home: Path) -> Iterator[Told]:
    """What a run writes must be ours to write; what names victims nobody else's to read."""
    shut = [
        name
        for name in (".", "build", "build/releases", "build/proofs", "data", "changes", "sources", "archive")
        if (home / name).is_dir() and not os.access(home / name, os.W_OK | os.X_OK, effective_ids=True)
    ]
    if shut:
        cure = f"sudo chown -R $(id -un): {' '.join(shut)} && chmod -R u+rwX {' '.join(shut)}"
        yield Told("permissions", "wrong", f"this user cannot write {', '.join(shut)}", cure)
    else:
        yield Told("permissions", "ok", "this user can write all that a run writes")
    archive = home / "archive"
    if archive.is_dir():
        if archive.stat().st_mode & stat.S_IRWXO:
            yield Told("archive", "wrong", "others can read it, and its pages name victims", "chmod o-rwx archive")
        else:
            yield Told("archive", "ok", "nobody else can read it")


def _keys(home: Path, keys: Sequence[Path]) -> Iterator[Told]:
    """A secret is readable by its owner alone, and lies outside the checkout."""
    for path in keys:
        if not path.is_file():
            yield Told("key", "wrong", f"{path.name} is not there", f"ls -l {path}")
        elif path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield Told("key", "wrong", f"{path.name} can be read by others", f"chmod 600 {path}")
        elif path.resolve().is_relative_to(home.resolve()):
            yield Told("key", "wrong", f"{path.name} lies inside the checkout", f"mv {path} ~/")
        else:
            yield Told("key", "ok", f"{path.name} is its owner's alone")
    lost = [path for path in sorted(home.iterdir()) if path.is_file() and _is_secret(path)]
    for path in lost:
        yield Told("key", "wrong", f"{path.name} is a secret key inside the checkout", f"mv {path} ~/")
    if not keys and not lost:
        yield Told("keys", "not told", "none lies in the checkout; name one with --key to have it looked at")


def _is_secret(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(SECRET)) == SECRET


def _clock(home: Path, now: datetime.datetime) -> Iterator[Told]:
    """The clock is not behind what was published, and somebody keeps it."""
    cure = "sudo timedatectl set-ntp true"
    log = home / "build" / "releases.jsonl"
    created = _json(home / "build" / "current" / "datapackage.json").get("created", "")
    last = log.stat().st_mtime if log.is_file() else 0.0
    if created and now < datetime.datetime.fromisoformat(created):
        yield Told("clock", "wrong", f"it says {now:%Y-%m-%d}, the live release is of {created[:10]}", cure)
    elif now.timestamp() < last - SKEW_S:
        yield Told("clock", "wrong", f"it says {now:%Y-%m-%d %H:%M}, before the last line of the log of releases", cure)
    else:
        yield Told("clock", "ok", f"{now:%Y-%m-%d %H:%M} UTC, after all that was published")
    match _asked("timedatectl", "show", "-p", "NTPSynchronized", "--value"):
        case "yes":
            yield Told("clock service", "ok", "the clock is kept by the network")
        case "no":
            yield Told("clock service", "wrong", "nothing keeps the clock", cure)
        case _:
            yield Told("clock service", "not told", "this machine does not say who keeps its clock")


def _disk(home: Path) -> Iterator[Told]:
    """Room for the next release: what publish asks for, before it asks."""
    from pipeline.publish.release import ROOM  # noqa: PLC0415  loads what may be missing

    place = next(one for one in (home / "build", home) if one.is_dir())
    live = (home / "build" / "current").resolve()
    size = sum(path.stat().st_size for path in live.rglob("*") if path.is_file()) if live.is_dir() else 0
    free = os.statvfs(place)
    room, needed = free.f_bavail * free.f_frsize, max(LEAST_BYTES, int(ROOM * size))
    if room < needed:
        said = f"{room:,} bytes are free, {needed:,} are needed; old releases: build/releases"
        yield Told("disk", "wrong", said, "du -xsh build/* archive ~/.cache")
    elif free.f_files and not free.f_favail:
        yield Told("disk", "wrong", "no new file can be made: the disk has no inode left", "df -i .")
    else:
        yield Told("disk", "ok", f"{room:,} bytes are free, {needed:,} are needed")


def _release(home: Path) -> Iterator[Told]:
    """The live release is whole, and the log follows from line to line."""
    from pipeline.publish import verify  # noqa: PLC0415  loads what may be missing

    live, log = home / "build" / "current", home / "build" / verify.LOG
    if not live.is_dir():
        yield Told("release", "wrong", "nothing is published", "make publish OFFLINE=1")
        return
    found = verify.faults(live.resolve()) + (verify.chain_faults(log.read_bytes()) if log.is_file() else [])
    if found:
        sentence = f"{found[0].where} {found[0].sentence}"
        yield Told("release", "wrong", sentence, "python -m pipeline rollback && make publish OFFLINE=1")
    else:
        yield Told("release", "ok", f"{live.resolve().name} is whole, and the log of releases is unbroken")


def _timer() -> Iterator[Told]:
    """Whether systemd runs us."""
    match _asked("systemctl", "is-active", TIMER):
        case "active":
            yield Told("timer", "ok", f"{TIMER} is active")
        case "inactive" | "failed" | "unknown":
            yield Told("timer", "wrong", f"{TIMER} is not active", f"sudo systemctl enable --now {TIMER}")
        case _:
            yield Told("timer", "not told", "no systemd runs here; see that cron or a person does")


def _last_run(home: Path, now: datetime.datetime) -> Iterator[Told]:
    """How the last run ended, and that it was not long ago."""
    path = home / "build" / "run.json"
    told = _json(path)
    if not told:
        yield Told("last run", "wrong", "no run has ended here", "make publish OFFLINE=1")
        return
    ended = datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC)
    if told.get("outcome") == "refused":
        said = f"it was refused, with {len(told.get('findings', ()))} findings"
        yield Told("last run", "wrong", said, "python -m pipeline check")
    elif now - ended > STALE:
        said = f"it ended {(now - ended).days} days ago; a run is due twice a week"
        yield Told("last run", "wrong", said, "make publish")
    else:
        yield Told("last run", "ok", f"{told.get('outcome')}, {ended:%Y-%m-%d %H:%M} UTC")


def _health(home: Path) -> Iterator[Told]:
    """What the visits say of the sources."""
    told = _json(home / "build" / "health.json")
    if not told:
        yield Told("sources", "not told", "no source was visited from here")
    elif told.get("alarms"):
        said = f"{len(told['alarms'])} problems are open: {', '.join(map(str, told['alarms'][:3]))}"
        yield Told("sources", "wrong", said, "make scrape")
    else:
        yield Told("sources", "ok", "no problem is open")


def _json(path: Path) -> dict[str, Any]:
    """The object of a file; empty for none."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _asked(*words: str) -> str:
    """What a program of the machine answers in a word; "" where there is none, or it cannot tell."""
    program = shutil.which(words[0])
    if program is None:
        return ""
    try:
        done = subprocess.run([program, *words[1:]], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
