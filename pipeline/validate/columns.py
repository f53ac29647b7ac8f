"""Compile a field of a Table Schema into a column: frictionless's own reader, and SQL that needs no reader.

The SQL of a column is TRUE only for cells that frictionless certainly accepts and that break none of our rules; every
other cell goes to the reader. So the SQL may be as weak as it likes, and the verdict is frictionless's to the letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from frictionless import Field, Schema
from frictionless.table.row import create_cell_handlers

from pipeline.errors import Unsupported
from pipeline.validate import rules

Reader = Callable[[str | None], tuple[Any, dict[str, str] | None]]

# Latin-1, Cyrillic and the punctuation of our languages; a text in any other letters is looked at in Python.
LETTERS = r"\x{c0}-\x{d6}\x{d8}-\x{f6}\x{f8}-\x{ff}\x{400}-\x{481}\x{48a}-\x{52f}"
MARKS = r"\x{ab}\x{bb}\x{2013}\x{2014}\x{2018}-\x{201e}\x{2026}\x{2116}"
VISIBLE = rf"!-~\x{{a1}}-\x{{ac}}\x{{ae}}-\x{{bf}}\x{{d7}}\x{{f7}}{LETTERS}{MARKS}"
TEXT = rf"""^[0-9A-Za-z_("'#\[{LETTERS}{MARKS}](?:[ \x{{a0}}{VISIBLE}]*[{VISIBLE}])?$"""
ASCII = "^[0-9A-Za-z_](?:[ -~]*[!-~])?$"
TRUE_FALSE = (["true", "True", "TRUE", "1"], ["false", "False", "FALSE", "0"])
FAMILIES = {"integer": "n", "number": "n", "date": "d", "year": "y", "yearmonth": "m", "boolean": "b"}
BOUNDS = {"minimum": ">=", "maximum": "<=", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}


@dataclass(slots=True)
class Column:
    """One column as it is read.

    Shape: `at` is its name in SQL, `accept` the SQL that is TRUE for a certainly good cell; `family` names the
    notation in which equal text is equal value ("" where only the reader can tell); `doubtful` and `unreadable` are
    set by the pass over the cells: some cell was not plainly good, some cell has the wrong type; `texts` is the table
    of the column's different texts, where they are few.
    """

    name: str
    at: str
    kind: str
    plain: bool
    family: str
    read: Reader
    missing: tuple[str, ...]
    categories: frozenset[str] | None
    unique: bool
    accept: str = "FALSE"
    doubtful: bool = field(default=False, init=False)
    unreadable: bool = field(default=False, init=False)
    texts: str = field(default="", init=False)

    @property
    def comparable(self) -> bool:
        """Whether equal text means equal value in this column, as its cells are."""
        return bool(self.family) and not (self.unreadable if self.family == "s" else self.doubtful)


def literal(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def columns(fields: list[Field], schema: Schema) -> list[Column]:
    """The columns of a table, in the order in which the data carries them.

    Raises: Unsupported where frictionless cannot build its own reader from the field.
    """
    keys = {*schema.primary_key, *(name for key in schema.foreign_keys for name in key["fields"])}
    try:
        handlers = create_cell_handlers(fields)
    except Exception as error:
        what = f"a field of the schema cannot be compiled ({type(error).__name__})"
        raise Unsupported(f"{what}: see its constraints.") from error
    found = []
    for number, (original, handler) in enumerate(zip(fields, handlers.values(), strict=True)):
        one = _column(original, handler.reader, f"v{number}", is_key=original.name in keys)
        one.accept = _accept(original, one)
        found.append(one)
    return found


def _column(described: Field, read: Reader, at: str, *, is_key: bool) -> Column:
    """What a field says about its column, the SQL still missing."""
    categories = described.custom.get("categories")
    listed = None
    if isinstance(categories, list):
        listed = frozenset(str(item["value"] if isinstance(item, dict) else item) for item in categories)
    is_code = is_key or listed is not None or bool({"pattern", "enum", "unique"} & set(described.constraints))
    kind = described.type
    if kind in {"string", "any"}:
        kind = "uri" if described.format == "uri" else "code" if is_code else "text"
    elif kind not in rules.CANONICAL:
        kind = "other"
    plain = described.format == "default" and not _own_notation(described)
    family = FAMILIES.get(kind, "")
    if described.type in {"string", "any"}:
        family = "s"
    elif not plain or "enum" in described.constraints or getattr(described, "float_number", False):
        family = ""
    own = described.has_defined("missing_values") or described.schema is None
    missing = described.missing_values if own or described.schema is None else described.schema.missing_values
    unique = bool(described.constraints.get("unique"))
    return Column(described.name, at, kind, plain, family, read, tuple(missing), listed, unique)


def _own_notation(described: Field) -> bool:
    """Whether a number or truth value is written in another way than the standard's default."""
    if described.type == "boolean":
        return [described.true_values, described.false_values] != list(TRUE_FALSE)  # type: ignore[attr-defined]
    return bool({"group_char", "decimal_char", "bare_number"} & set(described.list_defined()))


def _accept(described: Field, column: Column) -> str:
    """SQL that is TRUE for a cell that is certainly good."""
    required = bool(described.constraints.get("required"))
    enum = described.constraints.get("enum")
    if isinstance(enum, list):
        test = _any_of(column, (value for value in enum if isinstance(value, str)))
    elif column.categories is not None:
        test = _any_of(column, column.categories)
    else:
        test = _shape(described, column)
        test = " AND ".join([test, *_constraints(described, column)]) if test else "FALSE"
    return f"CASE WHEN {column.at} IS NULL THEN {not required} ELSE coalesce({test}, FALSE) END"


def _any_of(column: Column, values: Collection[str] | Any) -> str:
    """SQL for the listed values that the reader and our rules both accept."""
    good = []
    for value in values:
        try:
            good += [value] if "\0" not in value and not verdict(column, value)[1] else []
        except Unsupported:  # a constraint that fails on this value, which may stand in no cell
            continue
    return f"{column.at} IN ({', '.join(map(literal, sorted(good)))})" if good else "FALSE"


def verdict(column: Column, text: str | None) -> tuple[bool, list[tuple[str, str]]]:
    """Whether the cell has its type, and (error type, rule) for each thing wrong with it.

    Shape: frictionless's own findings have the constraint's name, or "", as rule; ours have a name of rules.RULES.
    Raises: Unsupported where frictionless's reader itself fails on the cell.
    """
    try:
        _, notes = column.read(text)
    except Exception as error:
        what = f"a constraint of field {column.name!r} cannot be applied to its cells ({type(error).__name__})"
        raise Unsupported(f"{what}: frictionless fails on it too. Correct the constraint in the schema.") from error
    found = [("type-error", "") if name == "type" else ("constraint-error", name) for name in notes or ()]
    typed = not notes or "type" not in notes
    if text is not None:
        plain = typed and column.plain
        found += [(rules.BY_NAME[name].type, name) for name in rules.broken(column.kind, text, plain=plain)]
        if column.categories is not None and text not in column.categories:
            found.append((rules.BY_NAME["unknown-category"].type, "unknown-category"))
    return typed, found


def _shape(described: Field, column: Column) -> str:
    """SQL for the plain notation of the field's type, "" where there is none."""
    at = column.at
    if column.kind == "uri":
        return f"regexp_matches({at}, '^https?://[A-Za-z0-9][!-~]*$')"
    if column.kind in {"text", "code"} and described.format == "default":
        return f"regexp_matches({at}, {literal(TEXT if column.kind == 'text' else ASCII)})"
    if not column.plain:
        return ""
    date = f"TRY_CAST({at}[:10] AS DATE) IS NOT NULL AND {at} >= '0001'"
    clock = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z?"
    return {
        "integer": f"regexp_matches({at}, '^(0|-?[1-9][0-9]{{0,14}})$')",
        "number": f"length({at}) <= 16 AND "
        f"regexp_matches({at}, '^(0|-?[1-9][0-9]{{0,14}}(\\.[0-9]{{0,13}}[1-9])?|-?0\\.[0-9]{{0,13}}[1-9])$')",
        "boolean": f"{at} IN ('true', 'false')",
        "date": f"regexp_matches({at}, '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$') AND {date}",
        "year": f"regexp_matches({at}, '^[0-9]{{4}}$')",
        "yearmonth": f"regexp_matches({at}, '^[0-9]{{4}}-(0[1-9]|1[0-2])$')",
        "time": f"regexp_matches({at}, '^{clock}$')",
        "datetime": f"regexp_matches({at}, '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{clock}$') AND {date}",
    }.get(column.kind, "")


def _constraints(described: Field, column: Column) -> list[str]:
    """SQL for each constraint; FALSE for one that only the reader understands."""
    tests = []
    for name, value in described.constraints.items():
        if name in {"required", "unique", "enum"} or value is None:
            continue
        if name in BOUNDS:
            tests.append(_bound(described, column, BOUNDS[name], value))
        elif name == "pattern":
            tests.append(_pattern(column.at, value))
        elif name in {"minLength", "maxLength"} and described.type == "string":
            tests.append(f"length({column.at}) {'>=' if name == 'minLength' else '<='} {int(value)}")
        else:
            tests.append("FALSE")
    return tests


def _bound(described: Field, column: Column, sign: str, value: object) -> str:
    """SQL that compares a plain number, year or date with its bound."""
    try:
        bound = described.create_value_reader()(value)
    except Exception:  # noqa: BLE001  the reader decides, cell by cell, and fails there as frictionless does
        return "FALSE"
    if column.kind in {"integer", "number"} and not getattr(described, "float_number", False):
        if isinstance(bound, int | Decimal) and re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,15})?", str(bound)):
            return f"TRY_CAST({column.at} AS DECIMAL(38, 15)) {sign} {bound}::DECIMAL(38, 15)"
    elif column.kind == "year" and isinstance(bound, int):
        return f"TRY_CAST({column.at} AS INTEGER) {sign} {bound}"
    elif column.kind == "date" and bound is not None:
        return f"{column.at} {sign} {literal(bound.isoformat())}"
    return "FALSE"


def _pattern(at: str, pattern: str) -> str:
    """SQL for a pattern that RE2 and Python read alike on printable ASCII; FALSE for any other.

    A field with a pattern is a code or an address, so its shape (see _shape) has left printable ASCII alone.
    """
    import duckdb  # noqa: PLC0415  the first use of the engine compiles the pattern

    if not pattern.isascii() or not pattern.isprintable() or "[:" in pattern or "{," in pattern:
        return "FALSE"
    test = rf"\A(?:^{pattern}$)"
    try:
        duckdb.execute("SELECT regexp_matches('', ?)", [test])
    except duckdb.Error:  # lookaround, back references: RE2 refuses them
        return "FALSE"
    return f"regexp_matches({at}, {literal(test)})"
