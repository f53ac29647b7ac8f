"""Phrases with the readings that a judge wrote down before looking at the code; a line says so above the header."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

PHRASES = Path(__file__).parent / "phrases"


def differing(name: str, language: str, found: Callable[[dict[str, str]], str]) -> Iterator[tuple[str, str, str]]:
    """Phrase, expected readings and reading of every row that is read as something else, or not as it is marked.

    "X" stands for a refusal; `today` marks a phrase that has a reading and stays refused.
    """
    with (PHRASES / name).open(encoding="utf-8", newline="") as file:
        assert file.readline().startswith("# Written as a judge")
        for row in csv.DictReader(file):
            allowed = ["X"] if row["today"] == "refused" else row["expected"].split(" / ")
            if row["language"] == language and (reading := found(row)) not in allowed:
                yield row["text"], row["expected"], reading
