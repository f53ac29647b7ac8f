"""The published tables of reconciliation: series, conflicts, the claims of each conflict, and coverage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars

from pipeline.reconcile.coverage import coverage
from pipeline.reconcile.disagreements import conflicts
from pipeline.reconcile.figures import figures
from pipeline.reconcile.partitions import partitions
from pipeline.reconcile.series import series
from pipeline.records import Ledger, Table

Schemas = Mapping[str, Mapping[str, Any]]


def tables(ledger: Ledger, schemas: Schemas) -> list[Table]:
    """The tables `series`, `conflicts`, `conflict_claims`, `partitions` and `coverage`, from what the ledger holds now.

    Shape: as records.Table asks, sorted by key. The ledger must have passed validation: a bad cell is not met here.
    """
    claims = polars.DataFrame(ledger.held())
    codes = {name: polars.DataFrame(rows) for name, rows in ledger.codes.items() if rows}
    topic = {row["indicator"]: row["topic"] for row in ledger.codes["indicators"]}
    topics = {row["claim_id"]: topic[row["indicator"]] for row in ledger.claims}
    found = conflicts(claims, codes)
    years = (
        (
            *(f"{one.indicator}.{one.area}.{one.year}", one.indicator, one.area, one.year, one.low, one.high),
            *(one.headline, one.headline_qualifier, one.headline_claim, one.rule),
            *(len(one.claims), one.witnesses, one.agreement),
        )
        for one in series(claims, codes)
    )
    told = (
        (
            *(one.id, one.kind, one.cause, "; ".join(one.claims), one.set_aside),
            *(one.explanation_en, one.explanation_ru, one.explanation_tg),
        )
        for one in found
    )
    members = (
        (one.id, claim, topics[claim], str(claim == one.set_aside).lower()) for one in found for claim in one.claims
    )
    divided = (
        (
            *(one.id, one.parts[0].indicator, one.area, one.column, *one.parts[0].window),
            *(one.parts[0].originator, one.parts[0].document, "; ".join(part.id for part in one.parts), one.printed),
            *((one.total.id, one.total.value) if one.total else (None, None)),
            *(one.remainder, one.fit),
        )
        for one in partitions(figures(claims, codes))
        if one.total or one.complete  # a few parts without their whole have no sum that means anything
    )
    owed = (
        (
            *(f"{one.duty}.{one.year}", one.duty, one.body, one.indicator, one.year, one.state),
            *(one.due_on, one.claim, one.document, one.others),
        )
        for one in coverage(claims, codes, ledger.newest_recorded_on())
    )
    return [
        _table("series", schemas, years),
        _table("conflicts", schemas, told),
        _table("conflict_claims", schemas, members),
        _table("partitions", schemas, divided),
        _table("coverage", schemas, owed),
    ]


def _table(name: str, schemas: Schemas, rows: Iterable[Sequence[object]]) -> Table:
    """The rows as text in the schema's columns, "" and None as null, sorted by the primary key."""
    columns = [field["name"] for field in schemas[name]["fields"]]
    texts = [[None if cell in (None, "") else str(cell) for cell in row] for row in rows]
    frame = polars.DataFrame(texts, schema=dict.fromkeys(columns, polars.String), orient="row")
    return Table(name, schemas[name], frame.sort(schemas[name]["primaryKey"]))
