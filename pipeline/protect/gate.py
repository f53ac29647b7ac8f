"""The gate for figures that others have published already: no single case, no name, no telling combination.

The rules are words in schemas/disclosure.yml; this file only applies them. It knows no statistics.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars
import yaml

from pipeline import errors
from pipeline.records import PublicTable, Table

ANY: Final = "*"
TOTAL: Final = "_T"
SHOWN: Final = 20  # rows quoted in a message


def public_tables(tables: Sequence[Table], rules_file: Path) -> list[PublicTable]:
    """The same tables, cleared for publication, in the same order.

    Raises: NotPublishable naming each table, row key and rule that stands in the way; never a cell.
    """
    rules = yaml.safe_load(rules_file.read_text(encoding="utf-8"))
    barred = [refusal for table in tables for refusal in _refusals(table, rules)]
    if barred:
        lines = "\n".join(f"  {table} {row}: {sentence}" for table, row, sentence in barred[:SHOWN])
        more = f"\n  … and {len(barred) - SHOWN} more." if len(barred) > SHOWN else ""
        raise errors.NotPublishable(
            f"{len(barred)} rows must not leave; nothing was published.\n{lines}{more}\n"
            f"  Move such a row to sources/left-out.csv with its reason; the rules are in schemas/{rules_file.name}.",
            [{"table": table, "row": row, "sentence": sentence} for table, row, sentence in barred],
        )
    return [PublicTable(table) for table in tables]


def _refusals(table: Table, rules: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(table, row key, sentence) for everything of this table that must not leave."""
    is_code_list = "title_en" in table.rows.columns and "value" not in table.rows.columns and table.name != "milestones"
    if table.name not in rules["tables"] and not (is_code_list and rules["code_lists"]):
        yield table.name, "", "the table is not on the list of tables that may leave"
        return
    parts = table.schema["primaryKey"]
    keys = table.rows.select(polars.concat_str([parts] if isinstance(parts, str) else parts, separator=" ")).to_series()
    for number, sentence in (*_single_cases(table, rules), *_combinations(table, rules), *_names(table, rules)):
        yield table.name, keys[number] or f"row {number + 2}", sentence


def _single_cases(table: Table, rules: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    rule = rules["single_case"]
    history = "topic" in table.rows.columns and "value" in table.rows.columns
    if history or table.name in rule["tables"]:
        one = (
            (polars.col("value") == "1")
            & (polars.col("qualifier") == "exact")
            & polars.col("unit").is_in(rule["units"])
            & (polars.col("topic").is_in(rule["tables"]) if history else polars.lit(value=True))
        )
        for number in table.rows.with_row_index().filter(one)["index"]:
            yield number, "a figure of exactly one is a single case, not a statistic"
    if table.name in rule["remainders"]:
        left = polars.col(rule["remainders"][table.name]).is_in(["1", "-1"])
        for number in table.rows.with_row_index().filter(left)["index"]:
            yield number, "what the parts leave of the total is a single case"


def _combinations(table: Table, rules: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    for combination in rules["never_together"]:
        if set(combination) <= set(table.rows.columns):
            met = polars.all_horizontal(
                polars.col(column) != TOTAL if code == ANY else polars.col(column) == code
                for column, code in combination.items()
            )
            for number in table.rows.with_row_index().filter(met)["index"]:
                yield number, f"{' with '.join(combination)} points at people"


def _names(table: Table, rules: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """Rows with a word that looks like a personal name, in any text column, addresses included."""
    endings = "|".join(sorted(rules["names"]["endings"], key=len, reverse=True))
    spoken = re.compile(rf"\b[А-ЯЁҒӢҚӮҲҶA-Z][\w'’]{{2,}}(?i:{endings})\b")
    in_address = re.compile(rf"(?i)\b[a-z]{{3,}}(?:{endings})\b")
    innocent = {word.casefold() for word in rules["names"]["not_names"]}
    text_columns = [field["name"] for field in table.schema["fields"] if field.get("unit") in {"text", "URL"}]
    for column in text_columns:
        pattern = in_address if column == "url" else spoken
        for number, cell in enumerate(table.rows[column]):
            words = pattern.findall(cell.replace("_", "-")) if cell else ()
            if any(word.casefold() not in innocent for word in words):
                yield number, f"a word in the column {column} looks like a personal name"
