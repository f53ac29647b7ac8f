"""Every version of every claim, and every change between two: the tables `vintages` and `revisions`.

What is withheld today to protect people is withheld in its whole history. Judges no version: ledger.py finds what is
wrong with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

import polars

from pipeline.records import WITHHOLD, Correction, Ledger, Row, Table, version

Schemas = Mapping[str, Mapping[str, Any]]
Cells = Mapping[str, str]

# What can tell a withheld figure or the people behind it: numbers, words, and how it is broken down.
TELLING: Final = frozenset({"value", "printed", "note", "period_words", "locator"})
OWN_TO_VERSION: Final = frozenset({"version", "recorded_on", "input_id"})


def tables(ledger: Ledger, schemas: Schemas, breakdowns: Iterable[str]) -> list[Table]:
    """The tables `vintages` and `revisions`; the second is empty as long as no claim has changed.

    Shape: as records.Table asks, sorted by key. In vintages, status is current, superseded (by a later version) or
    withdrawn; `superseded_on` the day the next version was recorded. `breakdowns` are the columns
    that say what a figure is a part of.
    """
    topic_of = {row["indicator"]: row["topic"] for row in ledger.codes.get("indicators", ())}
    declared = {(one.claim, one.version): one for one in ledger.corrections}
    telling = TELLING | frozenset(breakdowns)
    by_claim: dict[str, dict[int, Row]] = {}
    for row in ledger.claims:
        by_claim.setdefault(row["claim_id"], {}).setdefault(version(row), row)
    vintages: list[Cells] = []
    revisions: list[Cells] = []
    for versions in by_claim.values():
        chain = [versions[number] for number in sorted(versions)]
        shown = _shown(chain, declared, telling)
        for at, cells in enumerate(shown):
            following = chain[at + 1 :]
            withdrawn = cells["status"] == "withdrawn"
            vintages.append(
                {
                    **cells,
                    "topic": topic_of.get(cells["indicator"], ""),
                    "superseded_on": following[0]["recorded_on"] if following else "",
                    "status": "withdrawn" if withdrawn else "superseded" if following else "current",
                }
            )
        pairs = zip(pairwise(chain), pairwise(shown), strict=True)
        revisions += [change for raw, masked in pairs for change in _changes(raw, masked, declared, telling)]
    return [_table("vintages", schemas["vintages"], vintages), _table("revisions", schemas["revisions"], revisions)]


def _shown(
    chain: list[Row], declared: Mapping[tuple[str, int], Correction], telling: frozenset[str]
) -> list[dict[str, str]]:
    """The versions of one claim as they may be shown.

    Up to its last suppression nothing telling is left of any version; after it, only of one that stands again.
    """
    at = [(row["claim_id"], version(row)) for row in chain]
    barred = [
        row["missing_reason"] == "suppressed" or (key in declared and declared[key].cause in WITHHOLD)
        for key, row in zip(at, chain, strict=True)
    ]
    last = max((place for place, bar in enumerate(barred) if bar), default=-1)
    return [
        {**row, **dict.fromkeys(telling, ""), "missing_reason": "suppressed"}
        if place <= last or (last >= 0 and row["status"] == "withdrawn")
        else dict(row)
        for place, row in enumerate(chain)
    ]


def _changes(
    raw: tuple[Row, Row], masked: tuple[Cells, Cells], declared: Mapping[tuple[str, int], Correction],
    telling: frozenset[str],
) -> Iterator[Cells]:  # fmt: skip
    """One row for each column that differs between a version and the next; nothing telling where either is withheld.

    Of reasons, only that of the suppression itself was written by someone who knew what must not be said.
    """
    old, new = raw
    why = declared.get((new["claim_id"], version(new)))
    hidden = any(cells["missing_reason"] == "suppressed" for cells in masked)
    redacted = why is not None and why.cause in WITHHOLD and old["missing_reason"] == "suppressed"
    for column in new:
        if redacted and column == "missing_reason":
            old = {**old, column: ""}  # emptied in the ledger itself: the day it was withheld is still a change
        if column not in OWN_TO_VERSION and old[column] != new[column]:
            bare = hidden and column in telling
            yield {
                "claim_id": new["claim_id"],
                "version": new["version"],
                "field": column,
                "old": "" if bare else old[column],
                "new": "" if bare else new[column],
                "recorded_on": new["recorded_on"],
                "cause": why.cause if why else "",
                "reason": why.reason if why and (not hidden or why.cause in WITHHOLD) else "",
            }


def _table(name: str, schema: Mapping[str, Any], rows: list[Cells]) -> Table:
    """A Table of the schema's columns; "" becomes null."""
    columns = [field["name"] for field in schema["fields"]]
    frame = polars.DataFrame(
        {column: [row.get(column) or None for row in rows] for column in columns},
        schema=dict.fromkeys(columns, polars.String),
    )
    by_number = polars.col("version").cast(polars.Int64, strict=False)
    return Table(name, schema, frame.sort("claim_id", by_number, *columns[2:3]))
