"""Faults placed at a chosen operation, and what must hold of a published folder after one."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

OPERATIONS = ("open", "write", "fsync", "rename", "replace", "symlink", "unlink", "mkdir", "rmdir")


class Recorder:
    """Stands in for the functions of os that touch the disk; acts at the N-th of them, counts and names them all."""

    def __init__(self, act_at: int = 0, act: Callable[[], None] = lambda: None) -> None:
        self.calls: list[tuple[str, str]] = []
        self.act_at, self.act = act_at, act

    @contextmanager
    def watching(self) -> Iterator[Recorder]:
        real = {name: getattr(os, name) for name in OPERATIONS}
        try:
            for name, function in real.items():
                setattr(os, name, self._watched(name, function))
            yield self
        finally:
            for name, function in real.items():
                setattr(os, name, function)

    def _watched(self, name: str, function: Callable) -> Callable:
        def watched(*arguments, **options):
            about = arguments[1] if name in {"rename", "replace", "symlink"} else arguments[0]
            self.calls.append(
                (name, str(Path(f"/proc/self/fd/{about}").readlink() if isinstance(about, int) else about))
            )
            if len(self.calls) == self.act_at:
                self.act()
            return function(*arguments, **options)

        return watched


def broken(home: Path) -> list[str]:
    """What is wrong with the release that readers see: the invariants of a crash-safe publish."""
    current, found = home / "build" / "current", []
    releases = home / "build" / "releases"
    folders = [path for path in releases.iterdir() if not path.name.startswith(".")] if releases.is_dir() else []
    for folder in folders:
        manifest = (folder / "MANIFEST.json").read_bytes() if (folder / "MANIFEST.json").is_file() else b"{}"
        listed = json.loads(manifest).get("files", {})
        here = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        if hashlib.sha256(manifest).hexdigest()[:16] != folder.name:
            found.append(f"{folder.name} is not the digest of its manifest")
        if here - {"MANIFEST.json"} != set(listed):
            found.append(f"{folder.name} holds other files than it lists")
        found += [
            f"{folder.name}/{name} is not what the manifest says"
            for name, file in listed.items()
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != file["sha256"]
        ]
    if current.is_symlink() and current.resolve() not in [folder.resolve() for folder in folders]:
        found.append("current names no complete release")
    return found


def left_over(home: Path) -> list[str]:
    return sorted(path.relative_to(home).as_posix() for path in home.rglob(".tmp-*"))


def copies(home: Path) -> dict[str, bytes]:
    """The tracked files."""
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in home.glob("data/[!.]*.csv")} | {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in (*home.glob("changes/[!.]*"), home / "datapackage.json")
    }


def as_tracked(package: Path) -> dict[str, bytes]:
    return {
        path.relative_to(package).as_posix(): path.read_bytes()
        for path in (*package.glob("data/*.csv"), *package.glob("changes/*"), package / "datapackage.json")
    }


def state(home: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of every file and folder but the lock: equal only if nothing was touched."""
    return {
        path.relative_to(home).as_posix(): (path.lstat().st_ino, path.lstat().st_mtime_ns)
        for path in home.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def torn(home: Path, old: Path, new: Path) -> list[str]:
    """Tracked files that are neither the old nor the new one; and all of them, if the descriptor promises too much."""
    now, before, after = copies(home), as_tracked(old), as_tracked(new)
    mixed = [name for name, content in now.items() if content not in (before.get(name), after.get(name))]
    promised = now["datapackage.json"] == after["datapackage.json"] and now != after
    return ["datapackage.json came before the tables it describes", *mixed] if promised else mixed


@contextmanager
def mounted(place: Path, size: str) -> Iterator[Path]:
    """A disk of its own at `place`, of a size as mount says it; without the right to mount, the test is skipped."""
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
