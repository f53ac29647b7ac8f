"""Going live: whatever moment a crash picks, readers see the old release or the new, and a rerun completes it.

Faults are placed, not only random: every operation that touches the disk is numbered, and each number in turn fails
(ENOSPC, EIO) or is the last thing the process does (SIGKILL).
"""

from __future__ import annotations

import errno
import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import invented_package as invented
import pytest
from faults import Recorder, as_tracked, broken, copies, left_over, state, torn

from pipeline import errors, publish
from pipeline.publish import history
from pipeline.publish import release as releasing
from pipeline.records import Release

OLD, NEW = invented.CLAIMS, invented.CLAIMS.replace("|24|", "|25|")


@pytest.fixture(scope="module")
def packages(tmp_path_factory) -> dict[str, Path]:
    """Two complete packages that differ in one cell; the new one lacks a table of the old."""
    made = {text: invented.staged(tmp_path_factory.mktemp("staged"), text) for text in (OLD, NEW)}
    (made[NEW] / "data" / f"{invented.LONG_NAMES[1]}.csv").unlink()
    return {"old": made[OLD], "new": made[NEW]}


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch) -> None:
    """A kill loses nothing that reached the kernel: it matters when and on what fsync is called, not what it does."""
    monkeypatch.setattr(os, "fsync", lambda _file: None)


@pytest.fixture
def one_kept(monkeypatch) -> None:
    """Every publish prunes too."""
    monkeypatch.setattr(releasing, "KEPT_RELEASES", 1)


@pytest.fixture
def home(tmp_path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def lay(package: Path, home: Path) -> Path:
    """A staging folder under the lock, as stage() leaves it."""
    staged = releasing.new_folder(home)
    return shutil.copytree(package, staged, dirs_exist_ok=True)


def go(package: Path, home: Path) -> Release:
    with publish.lock(home / "build"):
        return publish.go_live(lay(package, home), home)


# Without a fault


def test_a_release_is_named_by_its_manifest_and_copied_to_the_tracked_files(packages, home):
    """Everything is listed, `current` points to it, data/ and datapackage.json hold the same bytes."""
    release = go(packages["old"], home)

    assert (home / "build" / "current").readlink() == Path("releases", release.id)
    assert broken(home) == []
    assert left_over(home) == []
    assert copies(home) == as_tracked(packages["old"])
    assert release.tables["complaints"] == 4
    assert release.changed[-1] == "datapackage.json"
    assert len(release.changed) == len(invented.public()) + 7 + 1


def test_an_unchanged_package_makes_no_release_and_touches_no_file(packages, home):
    """Not even an inode or a time differs afterwards."""
    first = go(packages["old"], home)
    before = state(home)
    second = go(packages["old"], home)

    assert state(home) == before
    assert (second.id, second.changed) == (first.id, ())


def test_a_new_release_rewrites_only_what_differs_and_removes_what_is_gone(packages, home):
    """One CSV differs, one table is gone, the descriptor comes last; the old release is kept."""
    old = go(packages["old"], home)
    new = go(packages["new"], home)

    assert new.changed == ("data/complaints.csv", f"data/{invented.LONG_NAMES[1]}.csv", "datapackage.json")
    assert copies(home) == as_tracked(packages["new"])
    assert {path.name for path in (home / "build" / "releases").iterdir()} == {old.id, new.id}
    assert history.logged(home / "build") == [old.id, new.id]


def test_ten_releases_are_kept_by_order_and_never_the_live_one_removed(packages, home, monkeypatch):
    """The order is the log's, not the clock's: going back to an old release makes it the newest."""
    monkeypatch.setattr(releasing, "KEPT_RELEASES", 2)
    first = go(packages["old"], home)
    second = go(packages["new"], home)
    go(packages["old"], home)
    third_package = home.parent / "third"
    shutil.copytree(packages["old"], third_package)
    (third_package / "dictionary.md").write_text("other words", "utf-8")
    third = go(third_package, home)

    assert {path.name for path in (home / "build" / "releases").iterdir()} == {first.id, third.id}
    assert third.id != second.id


def test_a_tracked_file_changed_by_hand_is_put_right(packages, home):
    """A rerun compares bytes, so a half-edited clone heals."""
    go(packages["old"], home)
    (home / "data" / "complaints.csv").write_text("edited", "utf-8")

    assert go(packages["old"], home).changed == ("data/complaints.csv",)


def test_a_spoilt_release_is_replaced_not_trusted(packages, home):
    """A file that rotted inside build/releases does not stay there for ever."""
    release = go(packages["old"], home)
    (home / "build" / "releases" / release.id / "dictionary.md").write_text("rotten", "utf-8")
    go(packages["old"], home)

    assert broken(home) == []


# The lock


def test_a_second_run_is_refused_and_the_lock_goes_with_its_holder(home):
    """Exit 14 while another holds it; free as soon as it ends."""
    with (
        publish.lock(home / "build"),
        pytest.raises(errors.Locked, match="held by another run"),
        publish.lock(home / "build"),
    ):
        pass
    with publish.lock(home / "build"):
        held = os.open(home / "build" / ".lock", os.O_RDWR)
        with pytest.raises(BlockingIOError):
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(held)


# Order of operations


def test_everything_is_on_the_disk_before_it_is_named(packages, home):
    """Each file and folder is synced before the rename that shows it, the manifest written after all other files."""
    go(packages["old"], home)
    with publish.lock(home / "build"):
        staged = lay(packages["new"], home)
        files = {str(path) for path in staged.rglob("*") if path.is_file()}
        folders = {str(path) for path in staged.rglob("*") if path.is_dir()} | {str(staged)}
        with Recorder().watching() as recorder:
            publish.go_live(staged, home)
    calls = recorder.calls
    renamed = next(place for place, (name, path) in enumerate(calls) if name == "rename")
    moved = calls.index(("replace", str(home / "build" / "current")))
    manifest = calls.index(("fsync", str(staged / "MANIFEST.json")))
    synced = [path for name, path in calls[:renamed] if name == "fsync"]

    assert set(synced) == files | folders | {str(staged / "MANIFEST.json")}
    assert [path for name, path in calls[manifest + 1 : renamed] if name == "fsync" and path in files] == []
    assert ("fsync", str(home / "build" / "releases")) in calls[renamed:moved]
    assert ("fsync", str(home / "build")) in calls[renamed:moved]  # the log
    assert ("fsync", str(home / "build" / "proofs")) in calls[renamed:moved]
    assert ("fsync", str(home / "build")) in calls[moved:]
    assert [Path(path).parent.name for name, path in calls[:moved] if name == "replace"] == ["build", "proofs"]
    assert calls.index(("replace", str(home / "datapackage.json"))) > calls.index(("fsync", str(home / "data")))
    assert calls[-2:] == [("open", str(home)), ("fsync", str(home))]


# Errors at every operation


@pytest.mark.usefixtures("one_kept")
@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EIO])
def test_an_error_at_any_operation_leaves_the_old_release_or_says_the_new_one_is_live(packages, tmp_path, fault):
    """Exit 13 means nothing moved; exit 15 means it moved; a rerun completes either."""
    outcomes = {errors.StorageError: 0, errors.DurabilityUnproven: 0}
    template = made_home(tmp_path / "template", packages["old"])
    old, was = (template / "build" / "current").readlink(), copies(template)

    def fail() -> None:
        raise OSError(fault, os.strerror(fault))

    for number in range(1, 1000):
        home = tmp_path / f"{fault}-{number}"
        shutil.copytree(template, home, symlinks=True)
        with publish.lock(home / "build"):
            staged = lay(packages["new"], home)
            recorder = Recorder(number, fail)
            refusal = refused(recorder, staged, home)
        if not refusal:
            break
        outcomes[type(refusal)] += 1
        moved = (home / "build" / "current").readlink() != old

        assert moved == isinstance(refusal, errors.DurabilityUnproven), recorder.calls[-1]
        assert moved or copies(home) == was
        assert str(tmp_path) not in str(refusal)
        assert broken(home) == [], recorder.calls[-1]
        assert torn(home, packages["old"], packages["new"]) == [], recorder.calls[-1]
        assert_rerun_completes(packages["new"], home)
        shutil.rmtree(home)

    assert len(recorder.calls) < number
    assert min(outcomes.values()) > 10


def refused(recorder: Recorder, staged: Path, home: Path) -> errors.PipelineError | None:
    """The refusal of going live under this recorder; None when it went through."""
    with recorder.watching():
        try:
            publish.go_live(staged, home)
        except (errors.StorageError, errors.DurabilityUnproven) as refusal:
            return refusal
    return None


def test_a_disk_without_room_is_refused_before_anything_is_written(packages, home, monkeypatch):
    """The preflight asks for two and a half times the package, what is staged counted in."""
    go(packages["old"], home)
    before = state(home)
    real = os.statvfs(home)
    monkeypatch.setattr(os, "statvfs", lambda _path: os.statvfs_result([*real[:4], 1, *real[5:10]]))
    with pytest.raises(errors.StorageError, match=r"times the .* bytes of the package must be free"):
        go(packages["new"], home)
    shutil.rmtree(home / "build" / ".tmp-stage")

    assert state(home) == before


# Kills at every operation


@pytest.mark.usefixtures("one_kept")
def test_a_kill_at_any_operation_leaves_the_old_release_or_the_new(packages, tmp_path):
    """SIGKILL in a child before its N-th operation, for every N; a reader never sees a mixture, a rerun repairs all."""
    template = made_home(tmp_path / "template", packages["old"])
    killed = 0
    for number in range(1, 1000):
        home = tmp_path / str(number)
        shutil.copytree(template, home, symlinks=True)
        if not killed_child(packages["new"], home, number):
            break
        killed += 1

        assert (home / "build" / "current").is_symlink()
        assert broken(home) == [], number
        assert torn(home, packages["old"], packages["new"]) == [], number
        assert_rerun_completes(packages["new"], home)
        shutil.rmtree(home)

    assert killed > 50


def test_a_kill_during_the_first_publish_leaves_none_or_a_whole_one(packages, tmp_path):
    """Where there was no release before, every seventh operation."""
    for number in range(1, 1000, 7):
        home = tmp_path / str(number)
        home.mkdir()
        if not killed_child(packages["old"], home, number):
            break

        assert broken(home) == [], number
        assert_rerun_completes(packages["old"], home)

    assert number > 70


@pytest.mark.exam
def test_two_hundred_kills_at_random_moments_of_the_whole_run(tmp_path):
    """Staging and going live in a process of its own, killed at any time: never mixed, always repaired."""
    home = tmp_path / "home"
    (home / "schemas").mkdir(parents=True)
    shutil.copy(Path(__file__).parent.parent / "schemas" / "package.yml", home / "schemas")
    code = (
        "import sys, pathlib, invented_package as i\n"
        "from pipeline import publish\n"
        "home = pathlib.Path(sys.argv[1]); print('ready', flush=True)\n"
        "with publish.lock(home / 'build'):\n"
        "    text = i.CLAIMS.replace('|24|', f'|{sys.argv[2]}|')\n"
        "    publish.go_live(publish.stage(i.public(text), home, created=i.CREATED), home)\n"
    )
    here = Path(__file__).parent
    settings = {**os.environ, "PYTHONPATH": f"{here.parent}{os.pathsep}{here}"}

    def started(number: int) -> subprocess.Popen:
        command = [sys.executable, "-c", code, str(home), str(number)]
        child = subprocess.Popen(command, env=settings, stdout=subprocess.PIPE)
        child.stdout.readline()
        return child

    def whole_run() -> float:
        child, since = started(0), time.monotonic()
        assert child.wait() == 0
        return time.monotonic() - since

    chance, killed, took_s = random.Random(3), 0, whole_run()
    for number in range(200):
        child = started(number)
        try:
            child.wait(timeout=chance.uniform(0, took_s))
        except subprocess.TimeoutExpired:
            child.kill()
            killed += child.wait() != 0

        assert broken(home) == [], number
    whole_run()

    assert broken(home) == []
    assert left_over(home) == []
    assert copies(home) == as_tracked(home / "build" / "current")
    assert killed > 100


def made_home(home: Path, package: Path) -> Path:
    home.mkdir()
    go(package, home)
    return home


def killed_child(package: Path, home: Path, number: int) -> bool:
    """Whether a child that goes live with `package` died at its N-th operation; False when it needed fewer."""
    with publish.lock(home / "build"):
        staged = lay(package, home)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with (
                publish.lock(home / "build"),
                Recorder(number, lambda: os.kill(os.getpid(), signal.SIGKILL)).watching(),
            ):
                publish.go_live(staged, home)
            status = 0
        finally:
            os._exit(status)
    status = os.waitpid(child, 0)[1]

    assert status in {0, signal.SIGKILL}
    return status == signal.SIGKILL


def assert_rerun_completes(package: Path, home: Path) -> None:
    go(package, home)

    assert broken(home) == []
    assert left_over(home) == []
    assert copies(home) == as_tracked(package)
    assert (home / "build" / "current" / "dictionary.md").read_bytes() == (package / "dictionary.md").read_bytes()
