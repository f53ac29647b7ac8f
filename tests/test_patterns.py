"""Sentences like those that figures of the ledger were read from: invented numbers, our words, three languages."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from pipeline.extract import prose
from pipeline.extract.figures import Number

HOME = Path(__file__).parent.parent
FIGURES = next((place for place in (up / "shared" / "figures" for up in HOME.parents) if place.is_dir()), None)


def table(path: Path) -> list[dict[str, str]]:
    """The rows of one CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ROWS = table(HOME / "tests" / "prose" / "patterns.csv")


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


@pytest.mark.skipif(FIGURES is None, reason="the figures that were read by hand lie beside the clone, or nowhere")
def test_every_figure_read_by_hand_has_a_sentence_of_its_shape_or_a_reason_why_none_is_known() -> None:
    """Each figure is claimed by a pattern or by a reason, not by both, and no row names a figure unknown."""
    assert FIGURES
    figures = {row["claim_id"] for path in FIGURES.glob("*.csv") for row in table(path)}
    patterned = {one for row in ROWS for one in row["figures"].split()}
    reasoned = {one for row in table(HOME / "tests" / "prose" / "unpatterned.csv") for one in row["figures"].split()}

    assert patterned | reasoned == figures
    assert patterned & reasoned == set()


def test_most_patterns_are_read() -> None:
    """Of the patterns that hold a count, seven in ten are proposed whole: the rest count what no indicator takes."""
    counting = [row for row in ROWS if row["expected"]]
    read = [row for row in counting if " refused " not in row["expected"]]

    assert len(read) >= 0.7 * len(counting)
