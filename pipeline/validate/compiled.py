"""The compiled rules: one pass over all cells of a table, then keys by grouping, foreign keys by anti-join.

Rows are fetched only for rules that failed, and cells only to be read again. The verdicts are frictionless's
(package.py says where each of its errors comes from); findings of rules.RULES stand beside them as `stricter`.
"""

# ruff: noqa: S608  queries are put together from names of our making (t0, v3) and quoted literals
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from pipeline.errors import Unsupported
from pipeline.validate import rules
from pipeline.validate.columns import Column, verdict
from pipeline.validate.csvfile import Loaded

SAMPLE_ROWS = 20_000
FEW_TEXTS = 500
NEVER_EQUAL = -1  # the id of nan, which equals nothing, itself included


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong: frictionless's error type, where, and the constraint or the stricter rule that says so."""

    resource: str | None
    row: int | None
    field: str | None
    type: str
    rule: str = ""

    @property
    def stricter(self) -> bool:
        """Whether only we object."""
        return self.rule in rules.BY_NAME


class Checker:
    """The checks over tables that share one DuckDB connection.

    `ids` numbers the typed values of columns whose text cannot be compared: equal for Python means equal number.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        self.ids: dict[Any, int] = {}
        self.views = 0
        self.repeats: dict[tuple[str, str], list[int]] = {}

    def table_flaws(self, table: Loaded) -> list[Flaw]:
        """What is wrong inside one table: cells, width and blankness of rows, unique fields, primary key, row rules."""
        blank = set(self._blank_rows(table))
        flaws = [flaw for column in self._doubtful(table) for flaw in self._cell_flaws(table, column)]
        flaws += self._ragged(table)
        flaws = [flaw for flaw in flaws if flaw.row not in blank]
        flaws += [Flaw(table.name, row, None, "blank-row") for row in blank]
        for column in table.columns:
            if column.unique:
                repeated = self._repeated(table, [column.name], parts_may_be_null=False)
                flaws += [Flaw(table.name, row, column.name, "unique-error") for row in repeated]
        flaws += self._primary_key(table)
        for key in table.schema.custom.get("uniqueKeys", []):
            names = [key] if isinstance(key, str) else list(key)
            repeated = self._repeated(table, names, parts_may_be_null=False)
            flaws += [Flaw(table.name, row, names[0], "unique-error", "unique-keys") for row in repeated]
        return flaws + self._row_rules(table)

    def foreign_key_flaws(self, table: Loaded, others: Mapping[str, Loaded], keys: Sequence[Any]) -> list[Flaw]:
        """The rows for which one of these foreign keys leads nowhere. `others` holds the tables by name."""
        flaws = []
        for key in keys:
            names, reference = list(key["fields"]), key["reference"]
            if not names or any(table.column(name) is None for name in names):
                continue  # frictionless passes over a key whose fields the data does not carry
            target = others[reference["resource"] or table.name]
            pairs = [(table.column(a), target.column(b)) for a, b in zip(names, reference["fields"], strict=True)]
            raw = all(a and b and a.comparable and b.comparable and a.family == b.family for a, b in pairs)
            if raw and len(names) == 1 and self._all_known(*pairs[0], target):
                continue
            ours = self._keys(table, names, raw=raw, side=0)
            theirs = self._keys(target, list(reference["fields"]), raw=raw, side=1)
            parts = range(len(names))
            same = " AND ".join(f"a.k{n} IS NOT DISTINCT FROM b.k{n}" for n in parts)
            distinct = f"SELECT DISTINCT {', '.join(f'k{n}' for n in parts)} FROM {theirs}"
            on = "a.k0 = b.k0" if len(names) == 1 else same
            filled = " OR ".join(f"a.k{n} IS NOT NULL" for n in parts)
            rows = self._rows(f"SELECT r FROM {ours} a ANTI JOIN ({distinct}) b ON {on} WHERE {filled}")
            flaws += [Flaw(table.name, row, None, "foreign-key", "|".join(names)) for row in rows]
        return flaws

    def _all_known(self, ours: Column | None, theirs: Column | None, target: Loaded) -> bool:
        """Whether a column that repeats a few texts has only texts of the other column: the rows need no look."""
        if ours is None or theirs is None or not ours.texts:
            return False
        known = f"SELECT {theirs.at} AS text FROM {theirs.texts or target.at}"
        lost = f"{ours.texts} a ANTI JOIN ({known}) b ON a.{ours.at} = b.text WHERE a.{ours.at} IS NOT NULL"
        return not self._rows(f"SELECT count(*) FROM {lost}")[0]

    def forget(self, table: Loaded) -> None:
        """Drop a table that no foreign key leaves or leads to."""
        is_view = self._rows("SELECT count(*) FROM duckdb_views() WHERE view_name = ?", [table.at])[0]
        self.con.execute(f"DROP {'VIEW' if is_view else 'TABLE'} {table.at}")
        self.con.execute(f"DROP TABLE IF EXISTS {table.at}_cells")

    def _rows(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        """The first column of a query's answer."""
        return [row[0] for row in self.con.execute(sql, list(values)).fetchall()]

    def _blank_rows(self, table: Loaded) -> list[int]:
        """Rows without any value."""
        if not table.columns:
            return self._rows(f"SELECT r FROM {table.at}")
        cells = ", ".join(column.at for column in table.columns)
        nothing = f"coalesce({cells}) IS NULL" if len(table.columns) > 1 else f"{cells} IS NULL"
        return self._rows(f"SELECT r FROM {table.at} WHERE {nothing}")

    def _doubtful(self, table: Loaded) -> list[Column]:
        """The columns with at least one cell that is not plainly good: one pass over the table.

        In a long table a column that repeats a few texts is first brought down to them: grouping is cheaper than
        matching.
        """
        few = self._repetitive(table) if table.rows > SAMPLE_ROWS else []
        many = [column for column in table.columns if column not in few]
        doubtful = []
        for column in few:
            column.texts = f"{table.at}_{column.at}_texts"
            self.con.execute(f"CREATE TABLE {column.texts} AS SELECT DISTINCT {column.at} FROM {table.at}")
            bad = self._rows(f"SELECT count(*) FROM {column.texts} WHERE NOT ({column.accept})")
            doubtful += [column] if bad[0] else []
        if many:
            counts = ", ".join(f"count(*) FILTER (WHERE NOT ({column.accept}))" for column in many)
            found = self.con.execute(f"SELECT {counts} FROM {table.at}").fetchone() or ()
            doubtful += [column for column, cells in zip(many, found, strict=True) if cells]
        return doubtful

    def _repetitive(self, table: Loaded) -> list[Column]:
        """The columns that show few different texts in the first rows."""
        counts = ", ".join(f"count(DISTINCT {column.at})" for column in table.columns)
        found = (
            self.con.execute(f"SELECT {counts} FROM (SELECT * FROM {table.at} LIMIT {SAMPLE_ROWS})").fetchone() or ()
        )
        return [column for column, texts in zip(table.columns, found, strict=True) if texts < FEW_TEXTS]

    def _cell_flaws(self, table: Loaded, column: Column) -> list[Flaw]:
        """Read the doubtful cells of a column, each distinct text once, and find the rows of the bad ones."""
        bad: dict[str | None, list[tuple[str, str]]] = {}
        texts = self._rows(f"SELECT DISTINCT {column.at} FROM {column.texts or table.at} WHERE NOT ({column.accept})")
        for text in texts:
            typed, wrong = verdict(column, text)
            column.doubtful |= text is not None
            column.unreadable |= not typed
            if wrong:
                bad[text] = wrong
        if not bad:
            return []
        chosen = f"{column.at} IN (SELECT unnest(?::VARCHAR[])) {f'OR {column.at} IS NULL' if None in bad else ''}"
        query = f"SELECT r, {column.at} FROM {table.at} WHERE {chosen}"
        rows = self.con.execute(query, [[text for text in bad if text is not None]]).fetchall()
        return [Flaw(table.name, row, column.name, kind, rule) for row, text in rows for kind, rule in bad[text]]

    def _ragged(self, table: Loaded) -> list[Flaw]:
        """A finding for each cell too many, and for each field left without a cell."""
        flaws = []
        width = len(table.columns)
        for row, cells in table.ragged.items():
            flaws += [Flaw(table.name, row, "", "extra-cell")] * (cells - width)
            flaws += [Flaw(table.name, row, column.name, "missing-cell") for column in table.columns[cells:]]
        return flaws

    def _primary_key(self, table: Loaded) -> list[Flaw]:
        """Rows without a primary key, and rows that repeat one."""
        names = list(table.schema.primary_key)
        if not names or any(table.column(name) is None for name in names):
            return []
        if table.ignore_case:
            lowered = {name.lower() for name in names}
            names = [column.name for column in table.columns if column.name.lower() in lowered]
        rows = self._repeated(table, names, parts_may_be_null=True)
        return [Flaw(table.name, row, None, "primary-key") for row in rows]

    def _repeated(self, table: Loaded, names: Sequence[str], *, parts_may_be_null: bool) -> list[int]:
        """Rows whose key stood in an earlier row; with `parts_may_be_null` also those whose key is all null."""
        found = [table.column(name) for name in names]
        if not names or any(column is None for column in found):
            return []
        raw = all(column is not None and column.comparable for column in found)
        keys = self._keys(table, names, raw=raw, side=0)
        filled = " AND ".join(f"k{n} IS NOT NULL" for n in range(len(names)))
        empty = " AND ".join(f"k{n} IS NULL" for n in range(len(names)))
        kept = f"NOT ({empty})" if parts_may_be_null else filled
        if len(names) > 1:
            rows = self._later_rows(keys, len(names), kept)
        else:  # a unique field is often the primary key too
            known = (table.at, names[0])
            if known not in self.repeats:
                self.repeats[known] = self._later_rows(keys, 1, kept)
            rows = self.repeats[known]
        return rows + (self._rows(f"SELECT r FROM {keys} WHERE {empty}") if parts_may_be_null else [])

    def _later_rows(self, keys: str, width: int, kept: str) -> list[int]:
        """The rows whose key stood in an earlier row, fetched only if there are any."""
        parts = ", ".join(f"k{n}" for n in range(width))
        groups = f"SELECT 1 FROM {keys} WHERE {kept} GROUP BY {parts} HAVING count(*) > 1"
        if not self._rows(f"SELECT count(*) FROM ({groups})")[0]:
            return []
        numbered = f"SELECT r, row_number() OVER (PARTITION BY {parts} ORDER BY r) AS n FROM {keys} WHERE {kept}"
        return self._rows(f"SELECT r FROM ({numbered}) WHERE n > 1")

    def _keys(self, table: Loaded, names: Sequence[str], *, raw: bool, side: int) -> str:
        """A view with `r` and one comparable value for each name; null for a column that the data does not carry."""
        self.views += 1
        view = f"keys{self.views}"
        values, joins = [], []
        for number, name in enumerate(names):
            column = table.column(name)
            if column is None:
                values.append(f"NULL AS k{number}")
            elif raw:
                values.append(f"t.{column.at} AS k{number}")
            else:
                joins.append(f"LEFT JOIN {self._numbered(table, column)} i{number} ON i{number}.text = t.{column.at}")
                own = f"-2 - 2 * t.r - {side}"
                values.append(f"CASE WHEN i{number}.id = {NEVER_EQUAL} THEN {own} ELSE i{number}.id END AS k{number}")
        self.con.execute(f"CREATE VIEW {view} AS SELECT t.r, {', '.join(values)} FROM {table.at} t {' '.join(joins)}")
        return view

    def _numbered(self, table: Loaded, column: Column) -> str:
        """A table of each distinct text of a column with the id of its typed value; null where it has no type."""
        name = f"{table.at}_{column.at}_ids"
        if self._rows("SELECT count(*) FROM duckdb_tables() WHERE table_name = ?", [name])[0]:
            return name
        texts = self._rows(f"SELECT DISTINCT {column.at} FROM {table.at} WHERE {column.at} IS NOT NULL")
        numbers: list[int | None] = []
        for text in texts:
            value, notes = column.read(text)
            try:
                is_nan = bool(value != value)  # noqa: PLR0124  what nan is
                known = None if notes and "type" in notes else self.ids.setdefault(value, len(self.ids))
            except Exception as error:
                kind = f"field {column.name!r} of type {column.kind!r} cannot be a key: its values cannot be compared"
                raise Unsupported(f"{table.name}: {kind} ({type(error).__name__}).") from error
            numbers.append(NEVER_EQUAL if is_nan and known is not None else known)
        pairs = "unnest(?::VARCHAR[]) AS text, unnest(?::BIGINT[]) AS id"
        self.con.execute(f"CREATE TABLE {name} AS SELECT {pairs}", [texts, numbers])
        return name

    def _row_rules(self, table: Loaded) -> list[Flaw]:
        """The rules that a schema declares between two fields of a row."""
        flaws = []
        for rule in table.schema.custom.get("rules", []):
            name = rule.get("rule") if isinstance(rule, dict) else None
            if name not in {"not_before", "filled_iff_empty"}:
                raise Unsupported(
                    f"{table.name}: rule {name!r} is not known, only not_before and filled_iff_empty are."
                )
            field, other = table.column(rule["field"]), table.column(rule["than" if name == "not_before" else "other"])
            if field is None or other is None:
                raise Unsupported(f"{table.name}: rule {name!r} names a field that the table does not have.")
            if name == "not_before":
                broken = f"{field.at} < {other.at} AND " + " AND ".join(
                    rf"regexp_matches({at}, '^[0-9]{{4}}(-[0-9]{{2}}){{0,2}}$')" for at in (field.at, other.at)
                )
            else:
                broken = f"({field.at} IS NULL) = ({other.at} IS NULL)"
            rows = self._rows(f"SELECT r FROM {table.at} WHERE {broken}")
            flaws += [Flaw(table.name, row, field.name, rules.BY_NAME[name].type, name) for row in rows]
        return flaws
