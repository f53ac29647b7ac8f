"""Read the private register: every cell from a closed list, or a refusal that repeats none of them.

Knows the layout in schemas/register.json, CSV and XLSX. Counts nothing and publishes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import polars

from pipeline import errors

SCHEMA: Final = Path(__file__).resolve().parent.parent.parent / "schemas" / "register.json"
YEAR: Final = "year"
DAY: Final = r"^\d{4}-\d{2}-\d{2}$"
SHOWN: Final = 10
# What a person may have typed where a code belongs: a mail address, a telephone, a passport, words of a name.
PERSONAL: Final = re.compile(r"\S@\S|\+?\d[\d ()-]{7,}\d|\b[A-ZА-Я]{1,2}\s?\d{7,8}\b|[^\W\d_]{3,}\s+[^\W\d_]{2,}")


def schema() -> dict[str, Any]:
    """The layout of the register, as schemas/register.json says it."""
    told: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return told


def codes() -> dict[str, tuple[str, ...]]:
    """The closed list of each column that has one: these columns may be counted."""
    return {
        one["name"]: tuple(one["constraints"]["enum"]) for one in schema()["fields"] if "enum" in one["constraints"]
    }


def read(path: Path, newest: str) -> polars.DataFrame:
    """The columns that may be counted, one row per case, with `year`, the year of registration.

    Shape: text; neither case numbers nor days are kept. `newest` is the last day that is not in the future.
    Raises: BadRegister naming row and column of each fault, never a cell; UsageError for no such file.
    """
    if not path.is_file():
        raise errors.UsageError("register: no file of that name. Give the path of a CSV or XLSX file.")
    rows = _sheet(path) if path.suffix.lower() == ".xlsx" else _csv(path)
    told = schema()
    wanted = [one["name"] for one in told["fields"]]
    strange = [str(at + 1) for at, name in enumerate(rows.columns) if name not in wanted]
    missing = [one["name"] for one in told["fields"] if one["constraints"].get("required") and one["name"] not in rows]
    if rows.width == 1:
        raise _refusal(["the file has one column, expected cells parted by commas"])
    if strange or missing:
        seen = [f"column {', '.join(strange)} is not in the layout (its heading is not repeated here)"] * bool(strange)
        raise _refusal([*seen, *(f"the column {name} is missing" for name in missing)])
    faults = [f"row {row + 2}, column {name}: {what}" for row, name, what in _faults(rows, told, newest)]
    if not rows.height:
        faults = ["the file holds no case"]
    if faults:
        raise _refusal(faults)
    return rows.select(polars.col("registration_date").str.slice(0, 4).alias(YEAR), *codes())


def _faults(rows: polars.DataFrame, told: Mapping[str, Any], newest: str) -> Iterator[tuple[int, str, str]]:
    """(row, column, what is wrong) for every cell that is not as the layout wants it."""
    for field in told["fields"]:
        name, rules = field["name"], field["constraints"]
        if name not in rows.columns:
            continue
        cell = polars.col(name)
        tests: list[tuple[polars.Expr, str]] = []
        if rules.get("required"):
            tests.append((cell.is_null(), "the cell is empty"))
        if field["type"] == "date":
            day = cell.str.to_date("%Y-%m-%d", strict=False)
            low = polars.lit(rules.get("minimum", "1991-01-01"))
            tests.append((cell.is_not_null() & (~cell.str.contains(DAY) | day.is_null()), "not a day as YYYY-MM-DD"))
            tests.append((day.is_not_null() & ((cell > newest) | (cell < low)), "a day in the future, or before 1991"))
        if "enum" in rules:
            tests.append((cell.is_not_null() & ~cell.is_in(rules["enum"]), "a category that is not on the list"))
        if "pattern" in rules:
            tests.append((cell.is_not_null() & ~cell.str.contains(f"^(?:{rules['pattern']})$"), "not a case number"))
        if rules.get("unique"):
            tests.append((cell.is_not_null() & cell.is_duplicated(), "a case number that stands twice"))
        for test, what in tests:
            for row in rows.select(test.arg_true()).to_series().head(SHOWN):
                personal = PERSONAL.search(rows[name][row] or "") and field["type"] != "date"
                yield row, name, f"{what}{'; it looks like personal data' if personal else ''}"


def _refusal(faults: list[str]) -> errors.BadRegister:
    more = f"\n  … and more ({len(faults)} in all)" if len(faults) > SHOWN else ""
    lines = "".join(f"\n  {fault}" for fault in faults[:SHOWN])
    return errors.BadRegister(
        f"register: refused; nothing was published.{lines}{more}\n"
        "  Expected: the columns and codes of schemas/register.json, and no free text. Mend the register itself.",
        [{"fault": fault} for fault in faults],
    )


def _csv(path: Path) -> polars.DataFrame:
    """The file as text; empty cells are null."""
    return _guarded(lambda: polars.read_csv(path, infer_schema=False).with_columns(polars.all().replace("", None)))


def _sheet(path: Path) -> polars.DataFrame:
    """The only sheet of a workbook that holds anything, as text; whole numbers and days as they are written."""
    import python_calamine  # noqa: PLC0415 - only workbooks need it

    def sheet() -> polars.DataFrame:
        book = python_calamine.CalamineWorkbook.from_path(str(path))
        found = [rows for name in book.sheet_names if (rows := book.get_sheet_by_name(name).to_python())]
        if len(found) != 1:
            raise _refusal([f"{len(found)} sheets with cells, expected 1"])
        heads, *rows = found[0]
        names = [_text(head) or "" for head in heads]
        cells = [[_text(cell) for cell in row] for row in rows]
        return polars.DataFrame(cells, dict.fromkeys(names, polars.String), orient="row")

    return _guarded(sheet)


def _text(cell: object) -> str | None:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    text = str(cell).removesuffix(" 00:00:00")
    return text or None


def _guarded(reader: Callable[[], polars.DataFrame]) -> polars.DataFrame:
    """What the reader gives; its own words are never passed on, for they may quote a cell."""
    try:
        return reader()
    except errors.BadRegister:
        raise
    except Exception:  # noqa: BLE001 - libraries raise what they like, and their text holds cells
        raise _refusal(["the file cannot be read as a table in UTF-8 with equally long rows"]) from None
