"""Build the full-text search of statistics.db: which words stand in or behind each claim and milestone.

A row is found by the titles of its codes in three languages and by its own texts; it also bears marks that nobody can
type: §2021 for each year it touches, and one for its indicator, such as §prisonpopulation, or §milestones. Leaves the
folding to folding.py and the tables to database.py.
"""

# ruff: noqa: S608 - every name put into SQL comes from our own schemas, and is quoted
from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import polars

from pipeline import folding
from pipeline.publish import tables
from pipeline.records import PublicTable

BATCH_ROWS: Final = 20_000
# A table is searched if its key is one of these alone: what stands now, not its history.
KEYS: Final = ("claim_id", "milestone_id")
CODES: Final = ("indicator", "area", "alleged_body", "mechanism", "kind", "originator", "document_id")
TEXTS: Final = ("title_en", "title_ru", "title_tg", "period_words", "note")
TITLES: Final = ("title", "title_en", "title_ru", "title_tg")

SPANS: Final = (("period_start", "period_end"), ("date_start", "date_end"))
MOST_YEARS: Final = 60

# The words are folded already, so the tokenizer only splits at spaces; nothing asks for positions or columns.
INDEX: Final = "CREATE VIRTUAL TABLE search USING fts5 (words, content = '', detail = none, tokenize = 'ascii')"
# Every word that begins with a letter: who asks for the beginning of one is quicker with the words than with a prefix.
WORDS: Final = """
CREATE TABLE search_words (word TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab ('main', 'search', 'row');
INSERT INTO search_words SELECT term FROM vocabulary WHERE term NOT GLOB '[0-9§]*';
DROP TABLE temp.vocabulary;
"""
ROWS: Final = "CREATE TABLE search_rows (id INTEGER PRIMARY KEY, resource TEXT NOT NULL, key TEXT NOT NULL)"


def first_rowids(public: Sequence[PublicTable]) -> dict[str, int]:
    """The rowid of the first row of each searched table: they run on from table to table, so one number is one row."""
    firsts, following = {}, 1
    for table in public:
        if tables.primary_key(table) in ([key] for key in KEYS):
            firsts[table.name] = following
            following += table.table.rows.height
    return firsts


def fill(connection: sqlite3.Connection, public: Sequence[PublicTable]) -> None:
    """Write the index of the loaded tables, search_rows, which says whose rowid it is, and search_words."""
    connection.execute(INDEX)
    connection.execute(ROWS)
    code_words = {table.name: dict(_code_words(table)) for table in public}
    firsts = first_rowids(public)
    connection.execute("BEGIN")
    # Filled in memory and written once, without merging; readers get the usual settings back.
    _settings(connection, hashsize=200_000_000, automerge=0)
    for table in public:
        if table.name in firsts:
            texts = enumerate(_row_words(table, code_words), start=firsts[table.name])
            connection.executemany("INSERT INTO search (rowid, words) VALUES (?, ?)", texts)
            key = tables.quoted(tables.primary_key(table)[0])
            rows = f"SELECT rowid, ?, {key} FROM {tables.quoted(table.name)}"
            connection.execute(f"INSERT INTO search_rows {rows}", (table.name,))
    connection.execute("INSERT INTO search (search) VALUES ('optimize')")
    _settings(connection, hashsize=1_048_576, automerge=4)
    connection.execute("COMMIT")
    connection.executescript(WORDS)


def _settings(connection: sqlite3.Connection, **settings: int) -> None:
    for name, value in settings.items():
        connection.execute("INSERT INTO search (search, rank) VALUES (?, ?)", (name, value))


def _row_words(table: PublicTable, code_words: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """For each row the words of its codes and of its own texts; each distinct text is folded once a batch."""
    codes = [key for key in tables.references(table) if key.column in CODES]
    texts = [name for name in TEXTS if name in table.table.rows.columns]
    for batch in table.table.rows.iter_slices(BATCH_ROWS):
        parts = [_replaced(batch[key.column], code_words.get(key.table, {})) for key in codes]
        parts += [_replaced(batch[name], _folded(batch[name].unique())) for name in texts]
        parts.append(_group(table.name, batch))
        parts += [_years(*batch[span]) for span in SPANS if {*span} <= {*batch.columns}]
        yield from batch.select(polars.concat_str(parts, separator=" ")).to_series()


def _group(table: str, batch: polars.DataFrame) -> polars.Series:
    """The mark of what a row is counted with: its indicator, or its table."""
    names = (
        batch["indicator"] if "indicator" in batch.columns else polars.Series([table]).new_from_index(0, batch.height)
    )
    return "§" + names.str.replace_all("_", "")


def _years(starts: polars.Series, ends: polars.Series) -> polars.Series:
    """The marks of the years that each row touches; none for one without a date."""
    first = starts.str.head(4).cast(polars.Int32)
    last = ends.str.head(4).cast(polars.Int32).fill_null(first).clip(first, first + MOST_YEARS)
    years = polars.int_ranges(first, last + 1, eager=True).cast(polars.List(polars.String)).list.join(" §")
    return ("§" + years).fill_null("")


def _folded(texts: polars.Series) -> dict[str, str]:
    return {text: folding.folded(text) for text in texts.drop_nulls()}


def _replaced(column: polars.Series, texts: Mapping[str, str]) -> polars.Series:
    return column.replace_strict(texts, default="", return_dtype=polars.String).fill_null("")


def _code_words(table: PublicTable) -> Iterator[tuple[str, str]]:
    """(code, folded words of its titles) of each row of a code list; a total has no words of its own."""
    key = tables.primary_key(table)[0]
    titles = [name for name in TITLES if name in table.table.rows.columns]
    if titles and key not in KEYS:
        for row in table.table.rows.select(key, *titles).iter_rows():
            if row[0] != "_T":
                yield row[0], folding.folded(" ".join(text or "" for text in row[1:]))
