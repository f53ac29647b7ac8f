"""The doctor: each thing that can be wrong on a server is found, and told with the command that cures it."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import invented_package as invented
import pytest
from faults import mounted

from pipeline import doctor, publish
from pipeline.publish import release as releasing

HOME = Path(__file__).resolve().parent.parent


def after() -> datetime.datetime:
    """A moment after what a test has made, however long the tests run; the invented release is of 24 November."""
    now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=1)
    return max(now, datetime.datetime(2026, 11, 25, tzinfo=datetime.UTC))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A server that is well: a release, a run that ended, the lock of this checkout."""
    home = tmp_path / "home"
    home.mkdir()
    with publish.lock(home / "build"):
        staged = releasing.new_folder(home)
        invented.staged(staged)
        publish.go_live(staged, home)
    (home / "build" / "run.json").write_text('{"outcome": "published", "findings": []}', "utf-8")
    os.utime(home / "build" / "run.json", (after().timestamp(),) * 2)
    (home / "requirements.txt").write_text("typer>=0.1\n", "utf-8")
    return home


def wrong(home: Path, now: datetime.datetime | None = None, keys: tuple[Path, ...] = ()) -> dict[str, tuple[str, str]]:
    """What needs a cure, but for what this machine itself lacks."""
    told = doctor.examine(home, now or after(), keys)

    assert all(bool(one.cure) == (one.state == "wrong") for one in told)
    return {
        one.about: (one.sentence, one.cure)
        for one in told
        if one.state == "wrong" and one.about not in ("timer", "clock service")
    }


def test_a_server_that_is_well_is_said_to_be(home: Path) -> None:
    """Nothing to cure; the release is named."""
    told = {one.about: one for one in doctor.examine(home, after())}

    assert wrong(home) == {}
    assert {"Python", "SQLite", "packages", "permissions", "clock", "disk", "release", "last run"} <= set(told)
    assert (home / "build" / "current").resolve().name in told["release"].sentence


def test_the_command_prints_each_cure_and_ends_with_eleven(home: Path) -> None:
    """For people on stderr, for a monitor as one document."""
    shutil.rmtree(home / "build")
    words = [sys.executable, "-m", "pipeline", "doctor", "--json", "--home", str(home)]
    done = subprocess.run(words, cwd=HOME, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)

    assert (done.returncode, told["well"]) == (11, False)
    assert "wrong    release: nothing is published. Cure: make publish OFFLINE=1" in done.stderr.splitlines()
    assert {one["about"] for one in told["checks"] if one["state"] == "wrong"} >= {"release", "last run"}


def test_a_package_that_is_missing_or_of_another_version_is_named(home: Path) -> None:
    """As the lock writes them, with markers and hashes; what is not for this machine is not missed."""
    lock = home / "requirements.txt"
    lock.write_text(
        "typer==0.0.1 \\\n    --hash=sha256:00\nno-such-package==1.0 \\\n    --hash=sha256:00\n"
        "not-for-us==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:00\n",
        "utf-8",
    )
    sentence, cure = wrong(home)["packages"]

    assert "no-such-package missing (the lock says 1.0)" in sentence
    assert "typer" in sentence
    assert "not-for-us" not in sentence
    assert cure == "rm -f .venv/run.stamp && make check"
    lock.unlink()
    assert wrong(home)["packages"][1] == "git checkout requirements.txt"


def test_a_folder_that_another_user_owns_is_found(home: Path) -> None:
    """The user that runs us may not write: told before a run fails at it."""
    code = (
        "import os, sys, datetime, pathlib\n"
        "from pipeline import doctor\n"
        "home = pathlib.Path(sys.argv[1])\n"
        "if os.geteuid() == 0: os.setegid(65534); os.seteuid(65534)\n"
        "print(*(one.sentence + '|' + one.cure for one in doctor._permissions(home) if one.state == 'wrong'))\n"
    )
    for path in home.parents:
        if Path(tempfile.gettempdir()) in path.parents:
            path.chmod(0o755)
    (home / "build").chmod(0o555)
    home.chmod(0o777)
    done = subprocess.run(
        [sys.executable, "-c", code, str(home)], cwd=HOME, capture_output=True, text=True, check=True
    ).stdout
    (home / "build").chmod(0o755)

    assert done.startswith("this user cannot write build")
    assert "|sudo chown -R $(id -un): build" in done


def test_a_package_that_cannot_be_loaded_hides_nothing_else(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The looks that need it say so, the others are told as ever."""
    monkeypatch.setitem(sys.modules, "pipeline.publish.release", None)
    monkeypatch.setitem(sys.modules, "pipeline.publish", None)
    told = {one.about: one for one in doctor.examine(home, after())}

    assert told["publishing"].sentence == "pipeline.publish cannot be loaded: cure the packages first"
    assert {"Python", "packages", "permissions", "last run"} <= told.keys()


def test_an_archive_that_others_can_read_is_found(home: Path) -> None:
    """Pages name victims."""
    (home / "archive").mkdir(mode=0o755)
    (home / "archive").chmod(0o755)

    assert wrong(home)["archive"][1] == "chmod o-rwx archive"
    (home / "archive").chmod(0o750)
    assert wrong(home) == {}


def test_a_careless_key_is_found(home: Path, tmp_path: Path) -> None:
    """Readable by others, missing, or forgotten inside the checkout."""
    key = tmp_path / "secret.key"
    key.write_bytes(doctor.SECRET + b"\n")
    key.chmod(0o640)

    assert wrong(home, keys=(key,))["key"] == ("secret.key can be read by others", f"chmod 600 {key}")
    key.chmod(0o600)
    assert wrong(home, keys=(key,)) == {}
    assert wrong(home, keys=(tmp_path / "none.key",))["key"][0] == "none.key is not there"
    shutil.copy(key, home / "minisign.key")
    assert wrong(home)["key"][0] == "minisign.key is a secret key inside the checkout"


def test_a_clock_behind_the_last_release_is_found(home: Path) -> None:
    """Behind its day, and behind the last line of the log."""
    assert wrong(home, datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))["clock"] == (
        "it says 2026-01-01, the live release is of 2026-11-24", "sudo timedatectl set-ntp true",
    )  # fmt: skip
    later = (after() + datetime.timedelta(days=1)).timestamp()
    os.utime(home / "build" / "releases.jsonl", (later, later))

    assert "before the last line of the log of releases" in wrong(home)["clock"][0]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    with mounted(tmp_path / "disk", "1m") as place:
        yield place


def test_a_disk_without_room_is_found(small_disk: Path) -> None:
    """A real one."""
    sentence, cure = wrong(small_disk)["disk"]

    assert sentence.startswith("1,048,576 bytes are free, 200,000,000 are needed")
    assert cure.startswith("du ")


def test_a_spoilt_release_and_a_cut_log_are_found(home: Path) -> None:
    """Named by file and line."""
    log = home / "build" / "releases.jsonl"
    kept = log.read_bytes()
    log.write_bytes(kept[:-5])
    assert "line 1" in wrong(home)["release"][0]
    log.write_bytes(kept)
    (home / "build" / "current" / "data" / "complaints.csv").write_bytes(b"x")

    assert wrong(home)["release"][0].startswith("data/complaints.csv is not the file that was released")


def test_a_run_long_ago_and_a_refused_one_are_found(home: Path) -> None:
    """The timer runs twice a week; a refusal waits for a person."""
    assert "9 days ago" in wrong(home, after() + datetime.timedelta(days=9, hours=1))["last run"][0]
    (home / "build" / "run.json").write_text('{"outcome": "refused", "findings": [{}, {}]}', "utf-8")
    assert wrong(home)["last run"] == ("it was refused, with 2 findings", "python -m pipeline check")
    (home / "build" / "run.json").unlink()
    assert wrong(home)["last run"] == ("no run has ended here", "make publish OFFLINE=1")


def test_open_problems_of_sources_are_told(home: Path) -> None:
    """By their ids, as a run lists them."""
    (home / "build" / "health.json").write_text('{"alarms": ["a-1", "b-2"], "sources": {}}', "utf-8")

    assert wrong(home)["sources"] == ("2 problems are open: a-1, b-2", "make scrape")


def test_a_timer_that_does_not_run_is_found(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As systemd and the clock service answer on a server; here two programs of the same names."""
    for name, answer in (("systemctl", "inactive"), ("timedatectl", "no")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {answer}\n", "utf-8")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    told = {one.about: (one.state, one.cure) for one in doctor.examine(home, after())}

    assert told["timer"] == ("wrong", "sudo systemctl enable --now torture-statistics.timer")
    assert told["clock service"] == ("wrong", "sudo timedatectl set-ntp true")
