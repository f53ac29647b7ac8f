"""Invented documents in the layouts of the real sources, of every kind and language: each field of each figure."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import yaml

from pipeline import proposing
from pipeline.extract.figures import Number

HOME = Path(__file__).resolve().parent.parent
PAGES = HOME / "tests" / "pages"
EXPECTED = yaml.safe_load((PAGES / "figures" / "expected.yml").read_text(encoding="utf-8"))
FIELDS = [
    (name, at, field)
    for name, page in EXPECTED.items()
    for at, figure in enumerate(page["figures"])
    for field in figure
]  # fmt: skip


@cache
def numbers(name: str) -> list[Number]:
    """Every number of a document, in order."""
    page = EXPECTED[name]
    told = proposing.propose(
        HOME, str(PAGES / "figures" / name), said_on=page["said_on"], language=page["language"], write=False
    )
    return list(told.numbers)


@pytest.mark.parametrize(("name", "at", "field"), FIELDS)
def test_a_field_of_a_figure_is_read(name: str, at: int, field: str) -> None:
    """Printed text, value, qualifier, unit, indicator, period, area and breakdown."""
    proposed = [n for n in numbers(name) if n.decision == "proposed"][at]
    period = f"{proposed.period.start}..{proposed.period.end}" if proposed.period else ""
    found = {"period": period}.get(field) or getattr(proposed, field)

    assert EXPECTED[name]["figures"][at][field] == found


@pytest.mark.parametrize("name", EXPECTED)
def test_a_document_says_nothing_else(name: str) -> None:
    """No other number is proposed, and those that must be looked at are refused."""
    found = numbers(name)

    assert len(EXPECTED[name]["figures"]) == sum(n.decision == "proposed" for n in found)
    assert EXPECTED[name]["refused"] == [n.printed for n in found if n.decision == "refused"]


def test_sixty_documents_of_five_kinds_stand_here() -> None:
    """HTML, PDF, DOCX, XLSX and ODS among them, and three languages."""
    files = [path for path in PAGES.rglob("*.*") if path.name not in ("expected.yml", "expected.txt")]

    assert len(files) >= 60
    assert {path.suffix for path in files} >= {".html", ".pdf", ".docx", ".xlsx", ".ods"}
    assert {page["language"] for page in EXPECTED.values()} == {"ru", "tg", "en"}
