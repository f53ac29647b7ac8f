"""Write statistics.db: the tables with real keys, the indexes that serve them, and a search over their words.

Loaded without a journal into a file that nobody reads yet. The bytes depend only on the tables and on the SQLite
library. Leaves the search's words to search.py and the pages to serve/.
"""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import numpy
import polars

from pipeline.publish import search, tables, views
from pipeline.records import DATABASE_SHAPE, PublicTable

SQL_TYPES: Final = {"integer": "INTEGER", "year": "INTEGER", "boolean": "INTEGER", "number": "NUMERIC"}
BATCH_ROWS: Final = 20_000

# Readers filter by these and sort by the newest period. Other foreign keys get no index: SQLite needs one only to
# delete parents, and nothing is ever deleted here.
FILTERED: Final = ("indicator", "area", "originator", "document_id", "event", "claim_id")
NEWEST_FIRST: Final = ("period_end", "date_start")

# Without a rollback journal a failed load leaves a useless file; it is in a staging folder that is then thrown away.
LOADING: Final = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
PRAGMA cache_size = -200000; PRAGMA temp_store = MEMORY; PRAGMA threads = 2;
"""


def write(public: Sequence[PublicTable], path: Path) -> None:
    """Write every table, its indexes and the search to a new file at `path`.

    Shape: `search` is FTS5 without content, `search_rows` maps its rowid to a table and a key; the rowid is also that
    of the row in its table, so `rowid IN (SELECT rowid FROM search WHERE search MATCH ?)` filters a table.
    """
    firsts = search.first_rowids(public)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection, _no_garbage_rounds():
        connection.executescript(LOADING)
        connection.execute("BEGIN")
        for table in public:
            connection.execute(_create(table, clustered=table.name not in firsts))
            _load(connection, table, firsts.get(table.name))
        for table in public:
            _index(connection, table)
        connection.execute("COMMIT")
        connection.executescript(views.all_views(public))
        connection.executescript(views.front(public))
        search.fill(connection, public)
        connection.execute(f"PRAGMA user_version = {DATABASE_SHAPE}")
        connection.execute("PRAGMA analysis_limit = 1000")
        connection.execute("ANALYZE")


def _create(table: PublicTable, *, clustered: bool) -> str:
    """CREATE TABLE with types, NOT NULL, the primary key and every foreign key."""
    parts = []
    for name, field in tables.columns(table).items():
        needed = " NOT NULL" if field.get("constraints", {}).get("required") else ""
        parts.append(f"{tables.quoted(name)} {SQL_TYPES.get(field['type'], 'TEXT')}{needed}")
    parts.append(f"PRIMARY KEY ({', '.join(map(tables.quoted, tables.primary_key(table)))})")
    parts += [
        f"FOREIGN KEY ({tables.quoted(key.column)}) REFERENCES {tables.quoted(key.table)} ({tables.quoted(key.key)})"
        for key in tables.references(table)
    ]
    # A narrow table is its own primary index; a wide one is smaller and quicker with a rowid, and the search needs it.
    body = ",\n  ".join(parts)
    return f"CREATE TABLE {tables.quoted(table.name)} (\n  {body}\n){' WITHOUT ROWID' * clustered}"


def _load(connection: sqlite3.Connection, table: PublicTable, first_rowid: int | None) -> None:
    """Insert the rows as text: the column's affinity makes 24 an integer and 2.5 a real, as printed."""
    rows = table.table.rows.with_columns(
        polars.col(name).replace({"true": "1", "false": "0"})
        for name, field in tables.columns(table).items()
        if field["type"] == "boolean"
    )
    target = f"INSERT INTO {tables.quoted(table.name)}"
    holes = ", ".join("?" * len(rows.columns))
    if first_rowid and rows.height:
        # SQLite numbers the rows on from the first.
        named = ", ".join(["rowid", *map(tables.quoted, rows.columns)])
        connection.execute(f"{target} ({named}) VALUES ({first_rowid}, {holes})", rows.row(0))
        rows = rows.slice(1)
    for batch in rows.iter_slices(BATCH_ROWS):
        connection.executemany(f"{target} VALUES ({holes})", zip(*map(_cells, batch.iter_columns()), strict=True))


def _cells(column: polars.Series) -> list[str | None]:
    """The cells as objects; a repeated text is one object, which halves the time of a column of codes."""
    coded = column.to_arrow().dictionary_encode()
    if len(coded.dictionary) * 4 > len(column):
        return column.to_list()
    texts = numpy.array([*coded.dictionary.to_pylist(), None], dtype=object)
    picked: list[str | None] = texts[coded.indices.fill_null(len(texts) - 1).to_numpy()].tolist()
    return picked


def _index(connection: sqlite3.Connection, table: PublicTable) -> None:
    names = tables.columns(table)
    newest = [name for name in NEWEST_FIRST if name in names]
    for name in FILTERED:
        if name in names and name != tables.primary_key(table)[0]:
            order = ", ".join([tables.quoted(name), *(f"{tables.quoted(sort)} DESC" for sort in newest)])
            title = tables.quoted(f"{table.name}_{name}")
            connection.execute(f"CREATE INDEX {title} ON {tables.quoted(table.name)} ({order})")
    if {"recorded_on", "version"} <= names.keys() and tables.primary_key(table) == ["claim_id", "version"]:
        connection.execute(
            f"CREATE INDEX changes ON {tables.quoted(table.name)} (recorded_on DESC, version DESC, claim_id)"
        )
    for sort in newest:  # the whole table, newest first, as it is opened
        title = tables.quoted(f"{table.name}_{sort}")
        connection.execute(f"CREATE INDEX {title} ON {tables.quoted(table.name)} ({tables.quoted(sort)} DESC)")


@contextmanager
def _no_garbage_rounds() -> Iterator[None]:
    """Millions of short-lived tuples make the collector walk the heap for nothing: a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
