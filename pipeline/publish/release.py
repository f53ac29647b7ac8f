"""Make a staged package the live one, so that a crash at any moment leaves the old release or the new.

    fsync every file → MANIFEST.json last → rename to releases/<digest> → log line → `current` replaced → data/ rolled
    forward, datapackage.json last → old releases pruned

Until `current` moves nothing that a reader sees has changed; whatever a crash leaves half done, the next run under
the same lock sweeps or completes. Knows files and digests, not what is in them.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pipeline import errors, files
from pipeline.publish import changelog, history, verify
from pipeline.records import Release

KEPT_RELEASES: Final = 10
# A release is written twice (staged, and copied to data/); half as much again for logs, links and other programs.
ROOM: Final = 2.5


@contextmanager
def lock(build: Path) -> Iterator[None]:
    """Hold build/.lock; it goes when the process ends, however it ends.

    Raises: Locked when another run holds it; StorageError where it cannot be made.
    """
    try:
        build.mkdir(parents=True, exist_ok=True)
        held = os.open(build / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise _refused(error) from error
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise errors.Locked(
                f"{build.name}/.lock is held by another run. Wait for it to end, then run the command again."
            ) from error
        yield
    finally:
        os.close(held)


def new_folder(home: Path) -> Path:
    """An empty staging folder in home/build; what crashed runs left behind is gone. Only under the lock."""
    (home / "build").mkdir(parents=True, exist_ok=True)
    _sweep(home)
    staged = home / "build" / f"{files.TEMPORARY}stage"
    staged.mkdir()
    return staged


def go_live(staged: Path, home: Path) -> Release:
    """The release that `staged` became, once build/current and the copies under `home` are it. Only under the lock.

    `staged` is a folder of new_folder(home), which has swept what crashed runs left.
    Shape: `changed` names the tracked files that were rewritten or removed; empty for an unchanged package, for which
    no new release is made either.
    Raises: StorageError with everything as it was; DurabilityUnproven when the release is live and something after
    that failed: running again completes it.
    """
    try:
        _refuse_full_disk(staged)
        name = _settle(staged, home / "build")
    except OSError as error:
        raise _refused(error) from error
    return _make_current(home, name)


def rollback(home: Path, name: str = "") -> Release:
    """The release that is live again: the named one, else the last one of the log that is not live now.

    Only under the lock. Going back is history too: the log gets a line more. data/ and datapackage.json follow; the
    ledger does not, so the next publish goes forward to what it holds.
    Raises: UsageError if there is no such release here; ValidationRefused if its files are not what was released.
    """
    build = home / "build"
    _sweep(home)
    live = (build / "current").resolve().name
    earlier = [one for one in dict.fromkeys(reversed(history.logged(build))) if one != live]
    kept = [one for one in earlier if (build / "releases" / one).is_dir()]
    if not kept or (name and name not in kept):
        known = f"Kept here: {', '.join(kept)}." if kept else "None but the live one is kept here."
        raise errors.UsageError(f"rollback: there is no {f'release {name}' if name else 'earlier release'}. {known}")
    chosen = name or kept[0]
    if found := verify.faults(build / "releases" / chosen):
        raise errors.ValidationRefused(
            f"rollback: release {chosen} is not as it was released ({found[0].code} {found[0].where}). "
            "The live release still stands. Choose another, or restore this one from a mirror."
        )
    return _make_current(home, chosen)


def withdraw_others(home: Path, reason: str) -> list[str]:
    """The ids of the releases that are gone from this server: all but the live one. Only under the lock.

    The log keeps their digests and the class of the reason; a reader's old copy then fails to verify, and says why.
    Raises: StorageError where the disk refuses; running again completes it.
    """
    build = home / "build"
    live = (build / "current").resolve()
    try:
        _sweep(home)
        gone = history.withdraw(build, verify.sha256(live / verify.MANIFEST), reason)
        for path in sorted((build / "releases").iterdir()):
            if path.name != live.name:
                _remove(path)
        files.sync(build / "releases")
    except OSError as error:
        raise _refused(error) from error
    return gone


def _make_current(home: Path, name: str) -> Release:
    """The whole release of that id, once it is logged, live, and copied to the tracked files."""
    build = home / "build"
    try:
        history.append(build, verify.sha256(build / "releases" / name / verify.MANIFEST))
        _point(build, name)
    except OSError as error:
        raise _refused(error) from error
    try:
        # Synced even if nothing moved: the run before may have ended between the move and its sync.
        files.sync(build)
        changed = _roll_forward(build / "releases" / name, home)
        _prune(build, name)
    except OSError as error:
        raise errors.DurabilityUnproven(
            f"{_place(error)}: {_reason(error)}. Release {name} is live, but the disk did not confirm all of it. "
            "Mend the disk, then run publish again: it completes what is missing."
        ) from error
    return Release(name, _tables(build / "releases" / name), tuple(changed))


def _refused(error: OSError) -> errors.StorageError:
    return errors.StorageError(
        f"{_place(error)}: {_reason(error)}. Nothing was published, the last release still stands. "
        "Make room or mend the disk, then run publish again."
    )


def _settle(staged: Path, build: Path) -> str:
    """The id of the release, once build/releases/<id> holds every byte of it for certain."""
    written = sorted(path for path in staged.rglob("*") if path.is_file() and path.name != verify.MANIFEST)
    listed = {}
    for path in written:
        digest = verify.sha256(path)
        files.sync(path)
        listed[path.relative_to(staged).as_posix()] = {"bytes": path.stat().st_size, "sha256": digest}
    manifest = verify.canonical({"files": listed})
    name = hashlib.sha256(manifest).hexdigest()[:16]
    files.write(staged / verify.MANIFEST, manifest)
    for folder in sorted({path.parent for path in written} | {staged}, reverse=True):
        files.sync(folder)
    releases = build / "releases"
    if not releases.is_dir():
        releases.mkdir()
    if (releases / name).is_dir() and not _is_whole(releases / name, listed):
        (releases / name).rename(releases / f"{files.TEMPORARY}{name}")
    if (releases / name).is_dir():
        shutil.rmtree(staged)
    else:
        staged.rename(releases / name)
    files.sync(releases)
    return name


def _is_whole(release: Path, listed: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether every listed file is there unharmed; it is, unless the disk or a hand spoilt it since."""
    return all(
        (release / path).is_file() and verify.sha256(release / path) == expected["sha256"]
        for path, expected in listed.items()
    )


def _point(build: Path, name: str) -> None:
    """Let `current` name the release, in one step: it is the old link or the new one, never absent."""
    target, current = f"releases/{name}", build / "current"
    if current.is_symlink() and current.readlink() == Path(target):
        return
    link = build / f"{files.TEMPORARY}current"
    link.symlink_to(target)
    link.replace(current)


def _roll_forward(release: Path, home: Path) -> list[str]:
    """The tracked files that had to change: data/*.csv, of which some go, then changes/, datapackage.json last."""
    data = home / "data"
    if not data.is_dir():
        data.mkdir()
    wanted = sorted(path.name for path in (release / "data").glob("*.csv"))
    changed = [f"data/{name}" for name in wanted if _copied(release / "data" / name, data / name)]
    for path in sorted(data.glob("*.csv")):
        if path.name not in wanted:
            path.unlink()
            changed.append(f"data/{path.name}")
    files.sync(data)
    if (release / changelog.FOLDER).is_dir():
        if not (home / changelog.FOLDER).is_dir():
            (home / changelog.FOLDER).mkdir()
        told = [f"{changelog.FOLDER}/{path.name}" for path in sorted((release / changelog.FOLDER).iterdir())]
        changed += [name for name in told if _copied(release / name, home / name)]
        files.sync(home / changelog.FOLDER)
    if _copied(release / "datapackage.json", home / "datapackage.json"):
        changed.append("datapackage.json")
    files.sync(home)
    return changed


def _prune(build: Path, live: str) -> None:
    """Remove all but the newest releases of the log; never the live one."""
    newest = list(dict.fromkeys(reversed(history.logged(build))))[:KEPT_RELEASES]
    for path in sorted((build / "releases").iterdir()):
        if path.name not in (*newest, live):
            _remove(path)


def _remove(release: Path) -> None:
    """A release is whole or gone."""
    doomed = release.with_name(f"{files.TEMPORARY}{release.name}")
    release.rename(doomed)
    shutil.rmtree(doomed)


def _sweep(home: Path) -> None:
    """Remove what crashed runs left under a temporary name."""
    build = home / "build"
    left: list[Path] = []
    for folder in (build, build / "releases", build / history.PROOFS, home, home / "data", home / changelog.FOLDER):
        left += sorted(folder.glob(f"{files.TEMPORARY}*"))
    for path in left:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif os.path.lexists(path):
            path.unlink()


def _copied(source: Path, target: Path) -> bool:
    """Whether `target` had to be replaced to hold the bytes of `source`."""
    content = source.read_bytes()
    if target.is_file() and target.read_bytes() == content:
        return False
    files.exchange(target, content)
    return True


def _tables(staged: Path) -> dict[str, int]:
    """Rows per table, as the descriptor counts them."""
    told = json.loads((staged / "datapackage.json").read_text(encoding="utf-8"))
    return {resource["name"]: resource["rows"] for resource in told["resources"]}


def _refuse_full_disk(staged: Path) -> None:
    """ENOSPC before anything is touched: what is staged already counts towards the room a release needs."""
    size = sum(path.stat().st_size for path in staged.rglob("*") if path.is_file())
    free = os.statvfs(staged)
    if free.f_bavail * free.f_frsize < (ROOM - 1) * size:
        raise OSError(errno.ENOSPC, f"{ROOM - 1:g} times the {size:,} bytes of the package must be free", str(staged))


def _place(error: OSError) -> str:
    """The file's name, without the folders of this machine."""
    return Path(error.filename).name if isinstance(error.filename, str | Path) else "the disk"


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
