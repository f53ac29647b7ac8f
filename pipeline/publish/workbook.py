"""Write statistics.xlsx for people who open figures in a spreadsheet.

README first, a sheet for each table, the dictionary last; plain cells only: no formula, no link, no macro.
Leaves the words to the descriptor.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from pipeline import errors
from pipeline.publish import tables
from pipeline.records import PublicTable

LONGEST_SHEET_NAME: Final = 31
MOST_ROWS: Final = 200_000
WIDTHS: Final = {"date": 12, "number": 10, "integer": 10, "boolean": 10}
WIDE: Final = 28
WORDS_ONLY: Final = {"strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False}

Cell = str | int | float | bool | datetime.date | None


def write(public: Sequence[PublicTable], descriptor: Mapping[str, Any], path: Path) -> None:
    """Write the workbook to `path`, stamped with the descriptor's `created`, never with the clock.

    Raises: ValidationRefused for a text that is longer than a cell can hold.
    """
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, **WORDS_ONLY})
    created = datetime.datetime.fromisoformat(descriptor["created"]).replace(tzinfo=None)
    book.set_properties({"title": descriptor["title"], "created": created})
    styles = {
        "head": book.add_format({"bold": True, "bg_color": "#E8EEF4", "border": 1}),
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
    }
    counted = [one.table.rows["status"] for one in public if "rounded_to" in one.table.rows.columns]
    for status in sorted({status for statuses in counted for status in statuses if "–" in status}):
        styles[status] = book.add_format({"num_format": f'"{status}"'})  # a bare 0 would read as nobody
    titles = _sheet_titles([table.name for table in public])
    _fill(book.add_worksheet("README"), ["", ""], _readme(descriptor, titles), styles)
    labels = _labels(public)
    for table in public:
        frame = _with_labels(table, labels)
        sheet = book.add_worksheet(titles[table.name])
        _fill(sheet, frame.columns, frame.iter_rows(), styles)
        for place, name in enumerate(frame.columns):
            kind = tables.columns(table).get(name, {}).get("type", "string")
            sheet.set_column(place, place, WIDTHS.get(kind, WIDE if name.endswith("_label") else 16))
        sheet.autofilter(0, 0, frame.height, frame.width - 1)
    _fill(book.add_worksheet("dictionary"), DICTIONARY, _dictionary(descriptor), styles)
    book.close()


DICTIONARY: Final = ["table", "field", "type", "unit", "title", "meaning", "title_ru", "title_tg", "codes in"]


def _fill(sheet: Worksheet, head: Sequence[str], rows: Iterator[tuple[Cell, ...]], styles: dict[str, Format]) -> None:
    """Header, frozen, and the rows below it, each cell by its type."""
    for place, name in enumerate(head):
        sheet.write_string(0, place, name, styles["head"])
    sheet.freeze_panes(1, 0)
    status = head.index("status") if "rounded_to" in head else None
    for number, row in enumerate(rows, start=1):
        for place, cell in enumerate(row):
            style = styles["date"] if isinstance(cell, datetime.date) else None
            if status is not None and head[place] == "value":
                style = styles.get(str(row[status]))
            if cell is not None and _put(sheet, number, place, cell, style):
                raise errors.ValidationRefused(
                    f"{sheet.get_name()}: row {number + 1}, column {head[place]} is longer than the 32,767 characters "
                    "a spreadsheet cell can hold. Shorten it in the ledger."
                )


def _put(sheet: Worksheet, row: int, column: int, cell: Cell, style: Format | None) -> int:
    """0 once written; text is written as text whatever it looks like."""
    match cell:
        case bool():
            outcome = sheet.write_boolean(row, column, cell)
        case int() | float():
            outcome = sheet.write_number(row, column, cell, style)
        case datetime.date():
            outcome = sheet.write_datetime(row, column, cell, style)
        case _:
            outcome = sheet.write_string(row, column, str(cell))
    return int(outcome)


def _labels(public: Sequence[PublicTable]) -> dict[str, dict[str, str]]:
    """For each table that others point to: its English title by code."""
    labels = {}
    for table in public:
        rows, key = table.table.rows, tables.primary_key(table)[0]
        title = next((name for name in ("title_en", "title") if name in rows.columns), None)
        if title:
            labels[table.name] = dict(zip(rows[key], rows[title], strict=True))
    return labels


def _with_labels(table: PublicTable, labels: Mapping[str, Mapping[str, str]]) -> polars.DataFrame:
    """The typed rows with a label column to the right of each named code."""
    targets = {key.column: key.table for key in tables.references(table) if key.column in tables.NAMED}
    frame = tables.typed(table)
    chosen = []
    for name in frame.columns:
        chosen.append(polars.col(name))
        if targets.get(name) in labels:
            texts = labels[targets[name]]
            label = polars.col(name).replace_strict(texts, default=None, return_dtype=polars.String)
            chosen.append(label.alias(f"{name}_label"))
    return frame.select(chosen)


def _readme(descriptor: Mapping[str, Any], titles: Mapping[str, str]) -> Iterator[tuple[Cell, ...]]:
    for key, label in descriptor.get("labels", {"en": descriptor["title"]}).items():
        yield f"title ({key})", label
    for key, label in descriptor.get("descriptions", {"en": descriptor["description"]}).items():
        yield f"about ({key})", label
    yield "version", descriptor["version"]
    yield "state of", descriptor["created"][:10]
    for licence in descriptor.get("licenses", ()):
        yield "licence", f"{licence.get('title', licence['name'])}: {licence['path']}"
    yield "empty cell", "no value"
    yield "", ""
    yield "sheet", "rows"
    for one in descriptor["resources"]:
        yield titles[one["name"]], f"{one['title']}: {one['rows']:,}"
    yield "dictionary", "what each column means"


def _dictionary(descriptor: Mapping[str, Any]) -> Iterator[tuple[Cell, ...]]:
    for one in descriptor["resources"]:
        targets = {key["fields"][0]: key["reference"]["resource"] for key in one["schema"].get("foreignKeys", ())}
        for field in one["schema"]["fields"]:
            labels = field.get("labels", {})
            yield (
                one["name"], field["name"], field["type"], field.get("unit", ""), field.get("title", ""),
                field.get("description", ""), labels.get("ru", ""), labels.get("tg", ""),
                targets.get(field["name"], ""),
            )  # fmt: skip


def _sheet_titles(names: Sequence[str]) -> dict[str, str]:
    """A sheet name for each table: at most 31 characters, none twice whatever the case."""
    taken = {"readme", "dictionary", "history"}
    titles = {}
    for name in names:
        title, number = name[:LONGEST_SHEET_NAME], 2
        while title.casefold() in taken:
            title = f"{name[: LONGEST_SHEET_NAME - 1 - len(str(number))]}~{number}"
            number += 1
        taken.add(title.casefold())
        titles[name] = title
    return titles
