"""Sentences like those that figures of the ledger were read from: invented numbers, our words, three languages."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from pipeline.extract import prose
from pipeline.extract.figures import Number

with (Path(__file__).parent / "prose" / "patterns.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))


def told(n: Number) -> str:
    """A number as the table prints it: printed value indicator unit period [area] [~qualifier] [column=code]."""
    printed = n.printed.replace(" ", "_")
    if n.decision == "refused" or n.period is None:
        return f"{printed} refused {n.reason}"
    period = f"{n.period.start:%Y}" if n.period.type == "year" else f"{n.period.start}..{n.period.end}"
    more = [n.area if n.area != "TJ" else "", f"~{n.qualifier}" if n.qualifier != "exact" else ""]
    more += [f"{column}={code}" for column, code in n.breakdown.items()]
    return " ".join(filter(None, [printed, str(n.value), n.indicator, n.unit, period, *more]))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['language']} {row['figures']}")
def test_a_sentence_of_a_known_pattern_is_read_or_refused_as_its_row_says(row: dict[str, str]) -> None:
    """Each number: what it counts, or why it is refused; what counts nothing is ignored."""
    found = prose.numbers(row["sentence"], row["language"], date.fromisoformat(row["said_on"]))

    assert row["expected"] == " | ".join(told(n) for n in found if n.decision != "ignored")


def test_most_patterns_are_read() -> None:
    """Of the figures whose pattern stands here, four in five are proposed whole."""
    read = [row for row in ROWS if row["expected"] and " refused " not in row["expected"]]

    assert len(read) >= 0.8 * len(ROWS)
