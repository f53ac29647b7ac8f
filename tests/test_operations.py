"""The schedule: units that systemd accepts and confines, one run at a time, pages that explain each file."""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from web.loopback import LOOPBACK

from pipeline import errors, visiting

HOME = Path(__file__).resolve().parent.parent
DEPLOY = HOME / "deploy"
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *map(str, words)], capture_output=True, text=True, timeout=60, check=False
    )


@needs_systemd
def test_systemd_accepts_every_unit_without_a_word(tmp_path: Path) -> None:
    """Verified as they are, but for the interpreter, which stands elsewhere on this machine."""
    for unit in [*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")]:
        text = re.sub(r"/\S+/\.venv/bin/python", sys.executable, unit.read_text("utf-8"))
        (tmp_path / unit.name).write_text(text, "utf-8")
    verdict = analyze("verify", *sorted(tmp_path.iterdir()))

    assert (verdict.returncode, verdict.stdout + verdict.stderr) == (0, "")


@needs_systemd
def test_a_run_is_confined() -> None:
    """Systemd's own measure of exposure, from 0 to 10: at most 2.5."""
    verdict = analyze("security", "--offline=true", "--threshold=25", DEPLOY / "torture-statistics.service")

    assert verdict.returncode == 0, verdict.stdout[-200:]


def test_a_missed_run_is_made_up_for_and_a_failed_one_is_told() -> None:
    """The timer is persistent, and the service names an alarm that exists."""
    alarm = re.search(r"^OnFailure=(.+)$", (DEPLOY / "torture-statistics.service").read_text("utf-8"), re.MULTILINE)

    assert "Persistent=true" in (DEPLOY / "torture-statistics.timer").read_text("utf-8")
    assert alarm is not None
    assert (DEPLOY / alarm[1]).exists()


def test_a_second_run_at_the_same_time_is_refused_at_once(tmp_path: Path) -> None:
    """Whoever comes second ends with 14 and one sentence, before anything is asked, read or written."""
    for name in ("build", "archive"):
        (tmp_path / name).mkdir()
    shutil.copytree(HOME / "schemas", tmp_path / "schemas")
    (tmp_path / "sources").mkdir()
    with (tmp_path / "build" / ".lock").open("w") as one, (tmp_path / "archive" / "lock").open("w") as two:
        fcntl.flock(one, fcntl.LOCK_EX)
        fcntl.flock(two, fcntl.LOCK_EX)
        words = [sys.executable, "-m", "pipeline", "publish", "--home", str(tmp_path)]
        second = subprocess.run(words, cwd=HOME, capture_output=True, text=True, timeout=60, check=False)
        with pytest.raises(errors.Locked, match="another run"):
            visiting.visits(tmp_path, visiting.World("x@example.org", permitted=LOOPBACK))

    assert (second.returncode, second.stdout) == (14, "")
    assert second.stderr.startswith("E_LOCKED build/.lock is held by another run.")
    assert [path.name for path in (tmp_path / "build").iterdir()] == [".lock"]


def test_the_workflow_tests_and_rebuilds_and_visits_nobody() -> None:
    """It may read and no more, and publishes offline alone."""
    workflow = yaml.safe_load((HOME / ".github" / "workflows" / "test.yml").read_text("utf-8"))
    steps = [step.get("run", "") for step in workflow["jobs"]["test"]["steps"]]

    assert workflow["permissions"] == {"contents": "read"}
    assert [step.partition(" && ")[0] for step in steps if "make publish" in step] == ["make publish OFFLINE=1"]
    assert "make test" in steps


def test_the_page_for_the_keeper_explains_each_file_and_each_state() -> None:
    """Every file of deploy/ is told of there or in docs/deploy.md; so is every exit code, every state of a source."""
    page = (HOME / "docs" / "operations.md").read_text("utf-8")
    both = page + (HOME / "docs" / "deploy.md").read_text("utf-8")
    states = ("unreachable", "walled", "redesigned", "broken", "removed", "edited", "silent")
    told = (errors.BadSource, errors.StorageError, errors.Locked, errors.DurabilityUnproven)

    assert [path.name for path in DEPLOY.iterdir() if path.name not in both] == []
    assert [state for state in states if f"| {state} |" not in page] == []
    assert [error.code for error in told if f"| {error.exit_code} |" not in page] == []
