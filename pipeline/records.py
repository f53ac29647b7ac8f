"""The nouns. Frozen, and without input or output.

What a stage hands on is one of these; what a noun means is said here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import polars

Severity = Literal["grave", "notice"]
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows and the Table Schema that describes them, not yet cleared for publication.

    Shape: every column of `rows` is text exactly as it will be printed in the CSV, null for an empty cell;
    the columns are the schema's fields, in the schema's order; rows are sorted by the primary key.
    """

    name: str
    schema: Mapping[str, Any]
    rows: polars.DataFrame


@dataclass(frozen=True, slots=True)
class PublicTable:
    """A Table that passed `protect`. Only that room makes one, and `publish` takes nothing else."""

    table: Table

    @property
    def name(self) -> str:
        """The resource name."""
        return self.table.name


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at: which rule, where, and what to do. Never holds a cell.

    `table` is the resource; `row` is the row's key (claim_id where there is one) or "" for the whole table;
    `place` is the ledger file and line when known, as "sources/x/claims.csv:12".
    """

    check: str
    severity: Severity
    table: str
    row: str
    sentence: str
    cure: str
    field: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """A complete published state: its content-addressed id and what it holds."""

    id: str
    tables: Mapping[str, int] = field(default_factory=dict)
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the committed files hold.

    Shape: rows are dicts of text, "" for an empty cell; `sources` maps a source id to its numbers of claims,
    milestones and documents; `places` maps a key (claim_id, milestone_id, document_id) to "file:line".
    """

    claims: tuple[Row, ...]
    milestones: tuple[Row, ...]
    documents: tuple[Row, ...]
    codes: dict[str, tuple[Row, ...]]
    sources: dict[str, dict[str, int]]
    places: dict[str, str]
    findings: tuple[Finding, ...]

    def newest_recorded_on(self) -> str:
        """The latest recorded_on of all rows, as an ISO date: the clock of every judgement and stamp."""
        return max((row["recorded_on"] for row in (*self.claims, *self.milestones)), default="")
