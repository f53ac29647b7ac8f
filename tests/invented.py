"""Invented tables with the committed schemas, for tests that need no real figure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import polars

from pipeline.records import Table
from pipeline.validate import frames

HOME: Final = Path(__file__).resolve().parent.parent
SCHEMAS: Final = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (HOME / "schemas").glob("*.json")}
CLAIM: Final = dict.fromkeys(frames.BREAKDOWNS, "_T") | {
    "version": "1", "indicator": "appeals", "area": "TJ", "period_start": "2020-01-01", "period_end": "2020-12-31",
    "period_type": "year", "period_assumed": "false", "value": "10", "unit": "appeal", "qualifier": "exact",
    "originator": "coalition", "publisher": "coalition", "language": "ru", "document_id": "paper",
    "said_on": "2021", "recorded_on": "2026-11-24", "status": "current",
}  # fmt: skip


def table(name: str, rows: Sequence[Mapping[str, str | None]], **cells: str) -> Table:
    """A table of `name`: each row over the cells that all rows share; what neither names is empty."""
    columns = [field["name"] for field in SCHEMAS[name]["fields"]]
    frame = polars.DataFrame(
        {column: [{**cells, **row}.get(column) for row in rows] for column in columns},
        schema=dict.fromkeys(columns, polars.String),
    )
    return Table(name, SCHEMAS[name], frame)


def complaints(*rows: Mapping[str, str | None]) -> Table:
    """Complaints c1, c2, … with the cells of CLAIM where a row gives none."""
    return table("complaints", [{"claim_id": f"c{at}", **row} for at, row in enumerate(rows, 1)], **CLAIM)


def world(*rows: Mapping[str, str | None]) -> list[Table]:
    """Complaints with the registers and documents they need, one of each unused."""
    return [
        complaints(*rows),
        table("indicators", [{"indicator": "appeals"}, {"indicator": "idle", "unit": "case"}], topic="complaints",
              unit="appeal", additive="true", comparable_group="one", counted_by="coalition"),
        table("documents", [{"document_id": "paper", "published_on": "2021-02"}, {"document_id": "idle"}],
              publisher="coalition", language="ru"),
        table("milestones", [{"milestone_id": "m", "recorded_on": "2026-11-25", "document_id": "paper"}]),
    ]  # fmt: skip
