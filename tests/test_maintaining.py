"""docs/maintaining.md is true: its walk is replayed and prints what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
DOCUMENT = (HOME / "docs" / "maintaining.md").read_text(encoding="utf-8")
MOST_YAML = 30


def blocks(kind: str) -> list[str]:
    """The fenced blocks of one kind, in order."""
    return re.findall(rf"^```{kind}\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)


def run(command: str, home: Path) -> str:
    """What a command of the walk prints, to either stream."""
    if command.startswith("python -m pipeline"):
        command = command.replace("python", sys.executable, 1) + " --home ."
    world = os.environ | {"PYTHONPATH": str(HOME), "COLUMNS": "110", "TERM": "dumb"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=home, env=world, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True
    )
    return done.stdout.decode()


def test_the_walk_prints_what_it_says(tmp_path: Path) -> None:
    """From a saved page to accepted claims, with at most 30 lines of YAML; then the page changes."""
    shutil.copytree(HOME / "sources", tmp_path / "sources")
    shutil.copytree(HOME / "schemas", tmp_path / "schemas")
    (tmp_path / "report.html").write_text(blocks("html")[0], encoding="utf-8")
    words = blocks("yaml")[0]
    printed = []
    for block in blocks("console"):
        walked = ""
        for command in re.findall(r"^\$ (.*)$", block, re.MULTILINE):
            walked += f"$ {command}\n" + run(command, tmp_path)
        printed.append(re.sub(r" +$", "", walked, flags=re.MULTILINE))
        (tmp_path / "sources" / "invented-group" / "source.yml").write_text(words, encoding="utf-8")

    assert blocks("console") == printed
    assert words.count("\n") <= MOST_YAML
