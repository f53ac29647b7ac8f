"""From the ledger to the published tables: which claim stands in which table, in which columns.

Decides nothing about values: it selects, arranges and sorts. What fits no table is a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import polars

from pipeline.records import Finding, Ledger, Row, Table

Schemas = Mapping[str, Mapping[str, Any]]
NOT_BROKEN_DOWN: Final = frozenset({"", "_T"})


def tables(ledger: Ledger, schemas: Schemas) -> tuple[list[Table], list[Finding]]:
    """Every table of the package, sorted by its key, and what could not be placed.

    Shape: topics in the order of the code list `topics`, then milestones, documents, captures, and the code lists.
    Only what the ledger holds now is placed: older versions and withdrawn claims are told by vintages.
    """
    findings: list[Finding] = []
    topic_of = {row["indicator"]: row["topic"] for row in ledger.codes.get("indicators", ())}
    topics = [row["code"] for row in ledger.codes.get("topics", ()) if row["code"] in schemas]
    by_topic: dict[str, list[Row]] = {topic: [] for topic in topics}
    findings += [_unplaced(claim) for claim in ledger.claims if topic_of.get(claim["indicator"]) not in by_topic]
    for claim in ledger.held():
        topic = topic_of.get(claim["indicator"])
        if topic in by_topic:
            findings += _misplaced_breakdowns(claim, schemas[topic], topic)
            by_topic[topic].append(claim)
    placed = [_table(topic, schemas[topic], rows) for topic, rows in by_topic.items()]
    milestones = [row for row in ledger.milestones if row["status"] == "current"]
    placed.append(_table("milestones", schemas["milestones"], milestones))
    placed.append(_table("documents", schemas["documents"], ledger.documents))
    placed.append(_table("captures", schemas["captures"], _captures(ledger)))
    for name, rows in ledger.codes.items():
        schema = schemas.get(name, schemas["code_list"])
        findings += _foreign_columns(name, schema, rows)
        placed.append(_table(name, schema, rows, keep_order=True))
    return placed, findings


def _table(name: str, schema: Mapping[str, Any], rows: Sequence[Row], *, keep_order: bool = False) -> Table:
    """A Table of the schema's columns; "" becomes null; code lists keep the order their editor gave them."""
    columns = [field["name"] for field in schema["fields"]]
    frame = polars.DataFrame(
        {column: _cells(rows, column) for column in columns}, schema=dict.fromkeys(columns, polars.String)
    )
    return Table(name, schema, frame if keep_order else frame.sort(schema["primaryKey"]))


def _cells(rows: Iterable[Row], column: str) -> list[str | None]:
    return [row.get(column) or None for row in rows]


def _captures(ledger: Ledger) -> list[Row]:
    """The archived pages that a claim rests on, each once, as it was first captured."""
    rests_on = {claim["capture_sha256"] for claim in ledger.held()}
    newest_first = sorted(ledger.evidence, key=lambda row: row["captured_at"], reverse=True)
    return list(
        {row["capture_sha256"]: row for row in newest_first if row["capture_sha256"] in rests_on - {""}}.values()
    )


def _unplaced(claim: Row) -> Finding:
    return Finding(
        "unknown-indicator", "grave", "claims", claim["claim_id"], "its indicator belongs to no published topic",
        "name an indicator of schemas/codes/indicators.csv, or add one there with its topic", "indicator",
    )  # fmt: skip


def _foreign_columns(name: str, schema: Mapping[str, Any], rows: Sequence[Row]) -> list[Finding]:
    """A finding for each column of a code list that its schema does not describe: nothing is dropped unseen."""
    columns = {field["name"] for field in schema["fields"]}
    cure = "describe the column in the schema or take it out of the file"
    return [
        Finding("unknown-column", "grave", name, "", "the code list has a column its schema lacks", cure, column)
        for column in (rows[0] if rows else ())
        if column not in columns
    ]


def _misplaced_breakdowns(claim: Row, schema: Mapping[str, Any], topic: str) -> list[Finding]:
    """One finding for each column that the topic's table lacks and the claim fills all the same."""
    columns = {field["name"] for field in schema["fields"]}
    cure = f"put _T there, or add the column to schemas/{topic}.json if real figures need it"
    return [
        Finding("misplaced-breakdown", "grave", topic, claim["claim_id"],
                "it is broken down by a column this table does not have", cure, column)
        for column, cell in claim.items()
        if column not in columns and cell not in NOT_BROKEN_DOWN
    ]  # fmt: skip
