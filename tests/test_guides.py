"""The guides, followed to the letter: a stranger verifies, a reporter cites, a maintainer corrects and goes back."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import served
import yaml

from pipeline import ledger, redaction
from pipeline.publish import verify

HOME = Path(__file__).resolve().parent.parent
DOCS = HOME / "docs"


def commands(guide: str) -> list[str]:
    """The command lines of a guide: indented, and neither output nor YAML."""
    lines = [
        line.strip() for line in (DOCS / guide).read_text(encoding="utf-8").splitlines() if line.startswith("    ")
    ]
    return [line for line in lines if re.match(r"(cd|python3?|sha256sum|make) ", line)]


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A checkout that was published once."""
    folder = tmp_path_factory.mktemp("guides") / "home"
    for name in ("schemas", "sources", "pipeline"):
        shutil.copytree(HOME / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HOME / "metadata.yml", folder)
    served.released(folder)
    return folder


def run(home: Path, line: str) -> subprocess.CompletedProcess[str]:
    """One line of a guide, in a checkout."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        line, shell=True, cwd=home, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )


def test_a_stranger_verifies_in_three_commands(home):
    """Every line of docs/verifying.md; the line it promises is the line that comes."""
    release = (home / "build" / "current").resolve().name
    lines = [line.replace("RELEASE", release) for line in commands("verifying.md")]
    first, *later = [line.replace("OLD-PROOF.json", f"../../proofs/{release}.json") for line in lines]
    told = [run(home / "build" / "releases", f"{first} && {line}") for line in later]

    assert [one.returncode for one in told] == [0, 0, 0]
    assert told[0].stdout == f"Verified: release {release}, proved to be in the log. Unsigned.\n"
    assert told[1].stdout.split()[0] == verify.sha256(home / "data" / "complaints.csv")
    assert "which continues the one you knew" in told[2].stdout


def test_every_code_of_a_fault_is_in_the_guide():
    """And the guide names no code that does not exist."""
    source = Path(verify.__file__).read_text(encoding="utf-8")
    used = set(re.findall(r'"(E_[A-Z_]+)"', source)) - {"E_LOG"}  # the server's own log: docs/operations.md

    assert set(re.findall(r"`(E_[A-Z_]+)`", (DOCS / "verifying.md").read_text(encoding="utf-8"))) == used


def test_a_citation_holds_what_the_guide_promises(home):
    """Body, number, period, page, version and id, in three languages."""
    line, deposit = commands("citing.md")
    told, given = " ".join(run(home, line).stdout.split()), run(home, deposit)

    for said in (
        "Civil Society Coalition",
        "exactly 24 (appeal)",
        "2021",
        "notorturetj.org",
        "version 1",
        "coalition-2022conf-2021",
    ):
        assert said in told
    assert all(f"cite ({language})" in told for language in ("en", "ru", "tg"))
    assert (given.returncode, "Nothing was sent." in given.stderr) == (0, True), given.stderr
    assert {path.name for path in (home / "build" / "deposit" / "zenodo").iterdir()} >= {
        "deposition.json",
        "datacite.json",
    }


def test_a_correction_is_published_and_a_release_taken_back(home):
    """The entry of the guide, with the row it asks for; then the release before is live again."""
    before = (home / "build" / "current").resolve().name
    text = (DOCS / "correcting.md").read_text(encoding="utf-8")
    entry = re.search(r"(?m)^    - claim: .*(?:\n      .*)+", text)
    assert entry
    (declared,) = yaml.safe_load(entry[0])
    folder = home / "sources" / "coalition"
    (folder / "corrections.yml").write_text(yaml.safe_dump([declared]), encoding="utf-8")
    row = next(row for row in ledger.read(HOME).claims if row["claim_id"] == declared["claim"])
    with (folder / "claims.csv").open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, ledger.CLAIM_COLUMNS, lineterminator="\n").writerow(
            {**row, "version": "2", "value": "25", "printed": "25"}
        )
    published = run(home, "python -m pipeline publish --offline")
    diff, back = (
        run(home, line.replace("BEFORE", before))
        for line in ("python -m pipeline diff BEFORE", "python -m pipeline rollback")
    )

    assert (published.returncode, diff.returncode, back.returncode) == (0, 0, 0)
    assert "altered complaints coalition-2022conf-2021 value: 24 → 25 (our_correction)" in diff.stderr
    assert (home / "build" / "current").resolve().name == before
    assert {"python -m pipeline rollback"} < set(commands("correcting.md"))


def test_the_guide_names_every_class_of_reason():
    """For redact takes no other."""
    text = (DOCS / "correcting.md").read_text(encoding="utf-8")

    assert [
        reason for reason in redaction.REASONS if f"`{reason}`" not in text and f"--reason {reason}" not in text
    ] == []
