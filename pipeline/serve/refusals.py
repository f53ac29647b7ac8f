"""Judge what a reader asks for: a sentence that says what to give instead, or None where nothing is wrong.

A named query takes what metadata.yml declares, a table its own columns and the options of Datasette. An unknown
parameter or value is never answered with an empty list. Knows no header and no page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipeline.serve.words import language, say

Asked = Mapping[str, Sequence[str]]
Rule = Mapping[str, str]

OPTIONS: Final = frozenset(
    "_shape _size _sort _sort_desc _next _col _nocol _labels _nl _json _stream _nocount _nofacet _nosuggest _dl _header"
    " _where _facet _facet_size _facet_array _facet_date _hide_sql sql".split()  # where, facets, sql: shut by settings
)
ONCE: Final = frozenset({"_shape", "_size", "_sort", "_sort_desc", "_next"})
# What is one answer, whatever stands behind the question mark.
WHOLE: Final = re.compile(r"/(feed/changes\.atom|openapi\.yaml|sitemap\.xml|robots\.txt|claim/.*\.(json|csv))")
FORM: Final = re.compile(r"_filter_(column|op|value)(_\d+)?|_sort_by_desc")
OPERATORS: Final = frozenset(
    "exact not contains notcontains endswith startswith gt gte lt lte like notlike glob in notin isnull notnull isblank"
    " notblank date".split()
)
COMPARED: Final = frozenset({"exact", "not", "gt", "gte", "lt", "lte"})
NUMBER: Final = re.compile(r"-?\d{1,15}(\.\d{1,6})?")
NUMERIC: Final = frozenset({"INTEGER", "NUMERIC"})


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of a table with their types, the list each takes its codes from, and how many make its key."""

    columns: Mapping[str, str]
    lists: Mapping[str, tuple[str, str]]
    keys: int


async def of_query(
    datasette: Any, database: str, declared: Mapping[str, Mapping[str, str]], asked: Asked
) -> str | None:
    """What is wrong with the parameters of a named query."""
    tongue = language(datasette)
    if unknown := sorted(set(asked) - set(declared)):
        takes = say("takes", tongue, names=", ".join(declared)) if declared else say("takes_none", tongue)
        return say("no_parameter", tongue, names=", ".join(unknown), takes=takes)
    if twice := _twice(asked, tongue):
        return twice
    for name, rule in declared.items():
        value = asked.get(name, [""])[0]
        if not re.fullmatch(rule["pattern"], value):
            return rule["sentence"]
        if "known" in rule and not (await datasette.execute(database, rule["known"], {name: value})).first():
            return rule["unknown"]
    return None


async def of_address(datasette: Any, path: str, asked: Asked) -> str | None:
    """What is wrong with the filters and options of a table, a row or a whole file; pages take anything."""
    first, *rest = path.strip("/").split("/")
    first = first.removesuffix(".json")
    table = rest[0].partition(".")[0] if len(rest) == 1 else ""
    if first in datasette.databases and table and (shape := await _shape(datasette, first, table)).columns:
        wrong = await _of_table(datasette, first, shape, asked)
    elif first in datasette.databases or WHOLE.fullmatch(path):
        wrong = of_options(asked, language(datasette))
    else:
        wrong = None
    return f"{table or rest[-1] if rest else first}: {wrong}" if wrong else None


def of_options(asked: Asked, tongue: str) -> str | None:
    """What is wrong with the options of an address that takes no filter."""
    if unknown := sorted(name for name in asked if name not in OPTIONS and not FORM.fullmatch(name)):
        return say("no_parameter", tongue, names=", ".join(unknown), takes=say("takes_none", tongue))
    return _twice({name: values for name, values in asked.items() if name in ONCE}, tongue)


async def _of_table(datasette: Any, database: str, shape: Shape, asked: Asked) -> str | None:
    tongue = language(datasette)
    options = {name: values for name, values in asked.items() if name.startswith("_") and "__" not in name[1:]}
    filters = {name: values for name, values in asked.items() if name not in options}
    columns = {column for name in ("_sort", "_sort_desc", "_col", "_nocol") for column in asked.get(name, ()) if column}
    columns |= {name.partition("__")[0] for name in filters}
    if unknown := sorted(name for name in options if name not in OPTIONS and not FORM.fullmatch(name)):
        return say("no_parameter", tongue, names=", ".join(unknown), takes=say("takes", tongue, names=_names(shape)))
    if wrong := of_options(options, tongue) or _of_next(shape, asked.get("_next", ()), tongue):
        return wrong
    if missing := sorted(columns - shape.columns.keys()):
        return say("no_column", tongue, name=", ".join(missing), columns=_names(shape))
    for name, values in filters.items():
        column, _, operator = name.partition("__")
        if wrong := _of_filter(shape, column, operator or "exact", values, tongue):
            return wrong
        if column in shape.lists and operator in {"", "exact"}:
            other, key = shape.lists[column]
            known = f"SELECT 1 FROM [{other}] WHERE [{key}] = :code"  # noqa: S608  names of our own tables
            if not all([(await datasette.execute(database, known, {"code": value})).first() for value in values]):
                return say("no_code", tongue, name=column, list=other)
    return None


def _of_next(shape: Shape, starts: Sequence[str], tongue: str) -> str | None:
    """A page of a table starts after a key, with or without the value it is sorted by; one of a view after a number."""
    lengths = {shape.keys - 1, shape.keys}
    good = all(start.count(",") in lengths if shape.keys else re.fullmatch("[0-9]{1,9}", start) for start in starts)
    return None if good else say("no_next", tongue)


def _of_filter(shape: Shape, column: str, operator: str, values: Sequence[str], tongue: str) -> str | None:
    if operator not in OPERATORS:
        return say("no_operator", tongue, name=operator, names=", ".join(sorted(OPERATORS)))
    if operator in COMPARED and shape.columns[column] in NUMERIC and not all(map(NUMBER.fullmatch, values)):
        return say("no_number", tongue, name=column)
    return None


def _names(shape: Shape) -> str:
    return ", ".join(shape.columns)


def _twice(asked: Asked, tongue: str) -> str | None:
    twice = sorted(name for name, values in asked.items() if len(values) > 1)
    return say("twice", tongue, names=", ".join(twice)) if twice else None


async def _shape(datasette: Any, database: str, table: str) -> Shape:
    """What one table is; asked once, for the file never changes."""
    kept: dict[tuple[str, str], Shape] = datasette.__dict__.setdefault("shapes", {})
    if (database, table) not in kept:
        columns = await datasette.execute(database, "SELECT name, type, pk FROM pragma_table_info(:t)", {"t": table})
        keys = await datasette.execute(
            database, 'SELECT "from", "table", "to" FROM pragma_foreign_key_list(:t)', {"t": table}
        )
        kept[database, table] = Shape(
            {row[0]: row[1].upper() for row in columns.rows},
            {row[0]: (row[1], row[2]) for row in keys.rows},
            sum(row[2] > 0 for row in columns.rows),
        )
    return kept[database, table]
