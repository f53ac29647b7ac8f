"""Bring the rows of a CSV resource into DuckDB, all text, each under the row number that frictionless gives it.

A file is first looked at as bytes: only where every quote, newline and line length is beyond doubt does DuckDB's own
reader take it, whole and in parallel. Anything else (ragged or blank rows, stray quotes, another encoding, comments,
compression, several parts) goes through Python's csv module as frictionless uses it. Says nothing about cells.
"""

# ruff: noqa: S608  queries are put together from names of our making (t0, v3) and quoted literals
from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy
from frictionless import FrictionlessException, Schema
from frictionless.formats import CsvControl
from frictionless.resources import TableResource

from pipeline.errors import Unsupported
from pipeline.validate.columns import Column, literal

if TYPE_CHECKING:
    from frictionless import Error

LONGEST_LINE_BYTES = 1_000_000
WINDOW_BYTES = 32_000_000
BATCH_ROWS = 50_000
BUFFER_BYTES = 64_000_000  # of one thread; with DuckDB's own 32 MB keeping the rows in order costs half as much again
NO_NULL = "\x1fno cell is this\x1f"  # read_csv must have a word for null; this one stands in no file


@dataclass(slots=True)
class Loaded:
    """A table inside DuckDB: relation `at` has the row number `r` and the columns v0, v1, …, null for a missing value.

    Shape: `ragged` gives the number of cells of each row that has too few or too many; `broken` is the error that
    ended the reading early.
    """

    name: str
    at: str
    columns: list[Column]
    schema: Schema
    ignore_case: bool = False
    rows: int = 0
    ragged: dict[int, int] = field(default_factory=dict)
    broken: Error | None = None

    def column(self, name: str) -> Column | None:
        """The column of that name, if the data carries it."""
        return next((column for column in self.columns if column.name == name), None)


def loaded(con: duckdb.DuckDBPyConnection, resource: TableResource, columns: list[Column], at: str) -> Loaded:
    """The rows of an open resource as relation `at`; afterwards `resource.stats` counts as frictionless counts.

    Raises: Unsupported for a line of more than 1 MB.
    """
    table = Loaded(resource.name, at, columns, resource.schema)
    path = _plain_path(resource)
    delimiters = _strict_delimiters(path, resource) if path is not None and columns else None
    if path is None or delimiters is None or not _read_whole(con, resource, table, path, delimiters):
        _read_rows(con, resource, table)
    return table


def _plain_path(resource: TableResource) -> Path | None:
    """The one local file of a resource; lines of any file longer than 1 MB are refused before a parser sees them."""
    for path in map(Path, resource.normpaths):
        if path.is_file() and path.stat().st_size and not resource.compression:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                _refuse_long_lines(data, path.name)
    if resource.multipart or resource.compression or resource.scheme != "file" or not resource.normpath:
        return None
    return Path(resource.normpath) if Path(resource.normpath).is_file() else None


def _refuse_long_lines(data: mmap.mmap, name: str) -> None:
    """Raise if a line is longer than a parser should be fed."""
    start = 0
    while len(data) - start > LONGEST_LINE_BYTES:
        end = data.rfind(b"\n", start, start + LONGEST_LINE_BYTES + 1)
        if end < 0 and b"\r" not in data[start : start + LONGEST_LINE_BYTES + 1]:
            raise Unsupported(
                f"{name}: a line is longer than {LONGEST_LINE_BYTES:,} bytes; no row of figures is. "
                "Look for a missing line break or quote, and validate again."
            )
        start = end + 1 if end >= 0 else start + LONGEST_LINE_BYTES


def _strict_delimiters(path: Path, resource: TableResource) -> int | None:
    """The number of delimiters of a file that every CSV parser reads alike; None for any other file or dialect."""
    dialect, control = resource.dialect, CsvControl.from_dialect(resource.dialect)
    marks = (control.delimiter, control.quote_char)
    plain = (
        resource.encoding in {"utf-8", "utf-8-sig"}
        and (not dialect.header or dialect.header_rows == [1])
        and not (dialect.comment_char or dialect.comment_rows or dialect.skip_blank_rows)
        and not (control.escape_char or control.skip_initial_space)
        and all(len(mark) == 1 and mark.isascii() and mark not in "\r\n\0 " for mark in marks)
        and control.delimiter != control.quote_char
        and not set("*?[") & set(str(path))  # read_csv would take the path for a pattern
    )
    if not plain or path.stat().st_size == 0:
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _delimiters(data, *marks) if _lines_are_plain(data, tab=resource.format == "tsv") else None


def _lines_are_plain(data: mmap.mmap, *, tab: bool) -> bool:
    """Whether lines end all in LF or all in CR LF, none is blank, and no NUL stands anywhere."""
    if data[:1] in {b"\n", b"\r"} or data.find(b"\0") >= 0 or data.find(b"\n\n") >= 0:
        return False
    if data.find(b"\r") < 0:
        return True
    whole = numpy.frombuffer(data, dtype=numpy.uint8)
    try:
        returns, feeds = numpy.flatnonzero(whole == ord("\r")), numpy.flatnonzero(whole == ord("\n"))
        paired = len(returns) == len(feeds) and bool(numpy.all(returns + 1 == feeds))
    finally:
        del whole  # else the map cannot be closed
    return paired and not tab and data.find(b"\n\r") < 0


def _delimiters(data: mmap.mmap, delimiter: str, quote: str) -> int | None:
    """The number of delimiters outside quotes; None unless each quote opens a cell, closes one, or is doubled inside.

    The test is RFC 4180 without leniency. The number is what DuckDB's rows must add up to: its reader lets empty
    cells at the end of a row pass, however many.
    """
    before = numpy.zeros(256, dtype=bool)
    before[[ord(delimiter), ord("\n"), ord(quote)]] = True
    after = before.copy()
    after[ord("\r")] = True
    whole = numpy.frombuffer(data, dtype=numpy.uint8)
    begin = 3 if data[:3] == b"\xef\xbb\xbf" else 0
    quotes = found = 0
    try:
        for start in range(0, len(whole), WINDOW_BYTES):
            window = whole[start : start + WINDOW_BYTES]
            places = numpy.flatnonzero(window == ord(quote))
            inside = quotes % 2
            opening, closing = places[inside::2] + start, places[1 - inside :: 2] + start
            opening = opening[opening > begin]
            closing = closing[closing < len(whole) - 1]
            if not (before[whole[opening - 1]].all() and after[whole[closing + 1]].all()):
                return None
            quotes += len(places)
            found += _outside(window == ord(delimiter), places, inside)
    finally:
        del whole, window
    return None if quotes % 2 else found


def _outside(marks: numpy.ndarray[Any, Any], quotes: numpy.ndarray[Any, Any], inside: int) -> int:
    """How many marks of a window stand outside quotes, when it begins inside (1) or outside (0) of them."""
    if not len(quotes):
        return 0 if inside else int(numpy.count_nonzero(marks))
    places = numpy.flatnonzero(marks)
    parity = numpy.diff(numpy.searchsorted(places, quotes), prepend=0, append=len(places))
    return int(parity[inside::2].sum())


def _read_whole(
    con: duckdb.DuckDBPyConnection, resource: TableResource, table: Loaded, path: Path, delimiters: int
) -> bool:
    """Let DuckDB read a plain file; False if it will not, or if rows of another width slipped through."""
    control = CsvControl.from_dialect(resource.dialect)
    shared = {column.missing for column in table.columns}
    words = sorted(shared.pop()) if len(shared) == 1 else []
    kinds = ", ".join(f"'{column.at}': 'VARCHAR'" for column in table.columns)
    cells = ", ".join(column.at if words else without_missing(column) for column in table.columns)
    try:
        con.execute(
            f"CREATE TABLE {table.at}_cells AS SELECT {cells} FROM read_csv({literal(str(path))}, "
            f"auto_detect = false, header = {resource.dialect.header}, encoding = 'utf-8', compression = 'none', "
            f"delim = {literal(control.delimiter)}, quote = {literal(control.quote_char)}, "
            f"escape = {literal(control.quote_char)}, columns = {{{kinds}}}, "
            f"{f'buffer_size = {BUFFER_BYTES}, ' if path.stat().st_size > BUFFER_BYTES else ''}"
            f"nullstr = [{', '.join(map(literal, words or [NO_NULL]))}])"
        )
    except duckdb.Error:  # ragged rows, bytes that are not UTF-8: the other reader says exactly where
        con.execute(f"DROP TABLE IF EXISTS {table.at}_cells")
        return False
    rows = count(con, f"{table.at}_cells")
    lines = rows + int(resource.dialect.header)
    if delimiters != lines * (len(table.columns) - 1):
        con.execute(f"DROP TABLE {table.at}_cells")
        return False
    table.rows = rows
    first = 2 if resource.dialect.header else 1  # rowid is the order of the file
    names = ", ".join(column.at for column in table.columns)
    con.execute(f"CREATE VIEW {table.at} AS SELECT rowid + {first} AS r, {names} FROM {table.at}_cells")
    _sum_up(resource, path)
    return True


def _sum_up(resource: TableResource, path: Path) -> None:
    """Size and, where the descriptor declares one, hash of the file, as frictionless would have counted them."""
    resource.stats.bytes = path.stat().st_size
    head, colon, _ = (resource.hash or "").partition(":")
    algorithm = head if colon else "md5"
    if resource.hash and algorithm in {"md5", "sha256"}:
        with path.open("rb") as file:
            setattr(resource.stats, algorithm, hashlib.file_digest(file, algorithm).hexdigest())


def count(con: duckdb.DuckDBPyConnection, relation: str) -> int:
    """The number of rows of a relation."""
    found = con.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return int(found[0]) if found else 0


def without_missing(column: Column) -> str:
    """SQL for a cell with its own missing values as null."""
    words = [word for word in column.missing if "\0" not in word]
    if not words:
        return column.at
    return f"CASE WHEN {column.at} IN ({', '.join(map(literal, words))}) THEN NULL ELSE {column.at} END AS {column.at}"


def _read_rows(con: duckdb.DuckDBPyConnection, resource: TableResource, table: Loaded) -> None:
    """Read row by row as frictionless does, remembering rows of another width and the error that ends the file."""
    import pyarrow  # noqa: PLC0415  only files that are not plain pay for it

    width = len(table.columns)
    kinds = ", ".join(["r BIGINT", *(f"{column.at} VARCHAR" for column in table.columns)])
    con.execute(f"CREATE TABLE {table.at} ({kinds})")
    for batch in _batches(resource, table):
        numbers = [number for number, _ in batch]
        rows = [cells if len(cells) == width else _fitted(cells, width) for _, cells in batch]
        arrays: list[Any] = [pyarrow.array(numbers, pyarrow.int64())]
        for column, cells in zip(table.columns, zip(*rows, strict=True), strict=True):
            missing = frozenset(column.missing)
            arrays.append(pyarrow.array([None if cell in missing else cell for cell in cells], pyarrow.string()))
        con.register("batch", pyarrow.table(arrays, names=["r", *(column.at for column in table.columns)]))
        con.execute(f"INSERT INTO {table.at} SELECT * FROM batch")
        con.unregister("batch")
        table.rows += len(rows)


def _fitted(cells: list[str], width: int) -> list[str | None]:
    """A row of another width, cut or filled to fit."""
    return [*cells[:width], *[None] * (width - len(cells))]


def _batches(resource: TableResource, table: Loaded) -> Iterator[list[tuple[int, list[str]]]]:
    """The numbered rows in batches, until the end or the error that frictionless reports instead of it."""
    stream = iter(resource.dialect.read_enumerated_content_stream(resource.cell_stream))
    width = len(table.columns)
    batch: list[tuple[int, list[str]]] = []
    while True:
        try:
            number, cells = next(stream)
        except StopIteration:
            break
        except FrictionlessException as exception:
            table.broken = exception.error
            break
        if len(cells) != width:
            table.ragged[number] = len(cells)
        batch.append((number, cells))
        if len(batch) >= BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch
