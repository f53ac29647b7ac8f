"""The compiled checks on our own tables before they leave memory: every finding grave, none repeating a cell.

The verdicts are those of package.py (types, constraints, keys) and every stricter rule besides; here each becomes a
sentence with its cure, under the key of its row. The file on disk is judged elsewhere.
"""

# ruff: noqa: S608  queries are put together from names of our making (t0, v3) and quoted literals
from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

import duckdb
import polars
from frictionless import FrictionlessException, Schema

from pipeline.errors import Unsupported
from pipeline.records import Finding, Table
from pipeline.validate import rules
from pipeline.validate.columns import Column, columns
from pipeline.validate.compiled import Checker, Flaw
from pipeline.validate.csvfile import Loaded, without_missing

SAFE_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,59}")
TYPES = {
    "integer": ("a cell is not a whole number", "write the number with the digits 0-9 alone, or leave the cell empty"),
    "number": ("a cell is not a number", "write it as 1170 or 0.5, or leave the cell empty and give the reason"),
    "boolean": ("a cell is neither true nor false", "write true or false"),
    "date": ("a cell is not a date that exists", "write the day as 2023-02-28 and look it up in a calendar"),
    "year": ("a cell is not a year", "write the year with four digits"),
}
CHECKS = {
    "": ("a cell does not have the type of its field", "compare the cell with the document and the schema"),
    "required": ("a cell that must be filled is empty", "fill the cell, with _T where nothing is broken down"),
    "minimum": ("a value lies below the lowest that the schema allows", "compare the value with the document"),
    "maximum": ("a value lies above the highest that the schema allows", "compare the value with the document"),
    "exclusiveMinimum": ("a value is not above the limit of the schema", "compare the value with the document"),
    "exclusiveMaximum": ("a value is not below the limit of the schema", "compare the value with the document"),
    "minLength": ("a text is shorter than the schema allows", "write the text out"),
    "maxLength": ("a text is longer than the schema allows", "shorten the text; move words to the note"),
    "pattern": ("a text does not have the form that the schema asks for", "compare it with the pattern in the schema"),
    "enum": ("a value is not on the list of the schema", "use a listed value, or add it to schema and code list"),
    "unique-error": ("a value that must be unique stands in an earlier row", "give the row a key of its own"),
    "primary-key": ("the key of the row is empty or stands in an earlier row", "give the row a key of its own"),
    "foreign-key": ("a code is not in the code list it refers to", "use a code of the list, or add the code"),
    "blank-row": ("the row is empty", "remove the row"),
    "header": ("the columns are not the schema's fields in their order", "put the columns in the order of the schema"),
    "schema": ("the schema cannot be used", "validate the schema: frictionless validate --type schema"),
    "no-table": ("a foreign key refers to a table that is not there", "add the table, or remove the foreign key"),
}


def findings(tables: Sequence[Table], clean: Collection[str] = ()) -> list[Finding]:
    """What is wrong with the tables, by themselves and with each other; empty when they may stand.

    `clean`: names of tables that were judged before, which others are only held against.
    Shape: all severities are grave. `check` is the frictionless error type, the broken constraint or the name of a
    stricter rule; `row` the primary key where it is safe to print, else "row 12".
    """
    con = duckdb.connect()
    try:
        checker = Checker(con)
        loaded: dict[str, Loaded] = {}
        found: list[Finding] = []
        for number, table in enumerate(tables):
            try:
                schema, compiled = _compiled(json.dumps(dict(table.schema)))
            except (FrictionlessException, Unsupported):
                found.append(_whole(table.name, "schema"))
                continue
            if table.rows.columns != schema.field_names:
                found.append(_whole(table.name, "header"))
                continue
            own = [replace(column) for column in compiled]  # what a pass over the cells learns is this table's alone
            at = _registered(con, table, own, f"t{number}")
            loaded[table.name] = Loaded(table.name, at, own, schema, rows=table.rows.height)
        for table in tables:
            if table.name in loaded and table.name not in clean:
                found += _of_table(checker, table, loaded)
        return found
    finally:
        con.close()


@lru_cache(maxsize=256)
def _compiled(written: str) -> tuple[Schema, list[Column]]:
    """A schema and its columns: a run judges the same schemas twice, and reading them takes longer than the rows."""
    schema = Schema.from_descriptor(json.loads(written))
    return schema, columns(list(schema.fields), schema)


def _registered(con: duckdb.DuckDBPyConnection, table: Table, compiled: list[Column], at: str) -> str:
    """The frame of a table as relation `at`; row 2 is the first, as it will be in the CSV."""
    frame = table.rows.select(polars.all().cast(polars.String)).rename({c.name: c.at for c in compiled})
    cells = ", ".join(without_missing(column) for column in compiled)
    # DuckDB reads polars' own buffers: a copy of a million rows would double the memory of the run.
    con.register(f"{at}_frame", frame.with_row_index("r", offset=2).to_arrow(compat_level=polars.CompatLevel.newest()))
    con.execute(f"CREATE VIEW {at} AS SELECT r::BIGINT AS r, {cells} FROM {at}_frame")
    return at


def _of_table(checker: Checker, table: Table, loaded: dict[str, Loaded]) -> Iterable[Finding]:
    """The findings of one table and of its foreign keys."""
    here = loaded[table.name]
    flaws = checker.table_flaws(here)
    keys = here.schema.foreign_keys
    missing = [key for key in keys if (key["reference"]["resource"] or table.name) not in loaded]
    flaws += checker.foreign_key_flaws(here, loaded, [key for key in keys if key not in missing])
    told = [_whole(table.name, "no-table", "|".join(key["fields"])) for key in missing]
    flaws.sort(key=lambda flaw: (flaw.row or 0, flaw.field or "", flaw.type, flaw.rule))
    return told + [_finding(flaw, table, here) for flaw in flaws]


def _whole(table: str, check: str, field: str = "") -> Finding:
    """A finding about a table as a whole."""
    sentence, cure = CHECKS[check]
    return Finding(check, "grave", table, "", sentence, cure, field)


def _finding(flaw: Flaw, table: Table, loaded: Loaded) -> Finding:
    """A flaw in words, under the key of its row."""
    field = flaw.field or (flaw.rule if flaw.type == "foreign-key" else "")
    if flaw.stricter:
        check, sentence, cure = flaw.rule, rules.BY_NAME[flaw.rule].sentence, rules.BY_NAME[flaw.rule].cure
    else:
        check = flaw.rule if flaw.type == "constraint-error" else flaw.type
        sentence, cure = _words(flaw, loaded.column(field))
    return Finding(check, "grave", table.name, _row_key(flaw.row, table, loaded), sentence, cure, field)


def _words(flaw: Flaw, column: Column | None) -> tuple[str, str]:
    """Sentence and cure of one of frictionless's own errors."""
    if flaw.type == "type-error":
        return TYPES.get(column.kind if column else "", CHECKS[""])
    return CHECKS[flaw.rule if flaw.type == "constraint-error" else flaw.type]


def _row_key(row: int | None, table: Table, loaded: Loaded) -> str:
    """The primary key of a row if each part is a plain code, else its number in the CSV."""
    if row is None:
        return ""
    parts = [table.rows[row - 2, name] for name in loaded.schema.primary_key]
    if parts and all(isinstance(part, str) and SAFE_KEY.fullmatch(part) for part in parts):
        return ",".join(parts)
    return f"row {row}"
