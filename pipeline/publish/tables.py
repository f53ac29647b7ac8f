"""What the table formats share: a published table as typed columns, and what its schema says about keys.

Text becomes a number, a date or a truth value here, once, so that Parquet, XLSX and SQLite cannot disagree.
Writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars

from pipeline import errors
from pipeline.records import PublicTable

# A binary double carries 15 decimal digits unharmed; a longer number would come out changed.
EXACT_DIGITS: Final = 15
# Code columns whose label a reader wants beside the code; the other lists are short.
NAMED: Final = ("indicator", "area", "alleged_body", "mechanism", "kind", "originator", "publisher", "document_id")


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key of one column: this column, and the table and column it points to."""

    column: str
    table: str
    key: str


def columns(table: PublicTable) -> dict[str, Mapping[str, Any]]:
    """The fields of the schema by name, in the order of the columns."""
    return {field["name"]: field for field in table.table.schema["fields"]}


def primary_key(table: PublicTable) -> list[str]:
    """The columns of the primary key; a schema may write one as a plain string."""
    return as_list(table.table.schema["primaryKey"])


def references(table: PublicTable) -> list[Reference]:
    """The foreign keys of one column. Ours have no others.

    Raises: Unsupported for a key of several columns.
    """
    found = []
    for key in table.table.schema.get("foreignKeys", ()):
        here, there = as_list(key["fields"]), as_list(key["reference"]["fields"])
        if len(here) != 1 or len(there) != 1:
            raise errors.Unsupported(
                f"schemas/{table.name}.json: a foreign key of {len(here)} columns, expected 1. "
                "Give the referenced table a key of one column."
            )
        found.append(Reference(here[0], key["reference"].get("resource") or table.name, there[0]))
    return found


def typed(table: PublicTable) -> polars.DataFrame:
    """The rows with the types of the schema: Int64, Float64, Boolean, Date, else String.

    Numbers become doubles, not decimals: every tool reads a double, a decimal needs one scale for the whole column
    (12.5 would come back as 12.500), and pandas turns it into slow objects. Nothing is lost up to 15 digits.
    Raises: ValidationRefused for a longer number, naming the column and the row key.
    """
    rows = table.table.rows
    casts = []
    for name, field in columns(table).items():
        match field["type"]:
            case "number":
                _refuse_long_numbers(table, name)
                casts.append(polars.col(name).cast(polars.Float64))
            case "integer" | "year":
                casts.append(polars.col(name).cast(polars.Int64))
            case "boolean":
                casts.append((polars.col(name) == "true").alias(name))
            case "date":
                casts.append(polars.col(name).str.to_date("%Y-%m-%d"))
    return rows.with_columns(casts)


def as_list(names: str | Sequence[str]) -> list[str]:
    """The names of a key, which a schema writes as one string or as a list."""
    return [names] if isinstance(names, str) else list(names)


def quoted(name: str) -> str:
    """A name as SQL wants it."""
    return '"' + name.replace('"', '""') + '"'


def _refuse_long_numbers(table: PublicTable, column: str) -> None:
    rows = table.table.rows
    long = rows.filter(polars.col(column).str.count_matches("[0-9]") > EXACT_DIGITS)
    if long.height:
        key = long[primary_key(table)[0]][0]
        raise errors.ValidationRefused(
            f"{table.name} {key}: a number in column {column} has more than {EXACT_DIGITS} digits and would be "
            "changed by Parquet, SQLite and Excel. Shorten it in the ledger."
        )
