"""Write the whole package into one folder: every format of every table, and the descriptor.

Same input, same bytes: nothing here reads the clock, the locale, the environment or the name of the folder.
Leaves going live to release.py.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pipeline.publish import changelog, comparison, database, descriptor, tables, verify, workbook
from pipeline.records import PublicTable

ROW_GROUP: Final = 262_144


def write(
    public: Sequence[PublicTable], words: Mapping[str, Any], created: str, folder: Path, home: Path,
) -> None:  # fmt: skip
    """Write data/*.csv, parquet/*.parquet, statistics.db, statistics.xlsx, dictionary.md, datapackage.json, changes/.

    Shape: `words` is schemas/package.yml, `created` an ISO date; the version follows from what `home` holds. verify.py
    goes with it. The workbook is left out above 200,000 rows, and dictionary.md says so.
    Raises: ValidationRefused for a cell that one of the formats cannot hold.
    """
    for name in ("data", "parquet"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for table in public:
        _write_csv(table, folder)
    database.write(public, folder / "statistics.db")
    told = descriptor.package(public, {**words, "version": comparison.FIRST}, created, folder)
    told["version"] = comparison.version(home, folder, told)
    for table, resource in zip(public, told["resources"], strict=True):
        _write_parquet(table, {**told, "resources": [resource]}, folder)
    shutil.copyfile(verify.__file__, folder / "verify.py")
    remarks = _write_workbook(public, told, folder)
    (folder / "dictionary.md").write_text(descriptor.dictionary(told, remarks), encoding="utf-8", newline="\n")
    (folder / "datapackage.json").write_text(descriptor.text(told), encoding="utf-8", newline="\n")
    changelog.write(folder, home)


def _write_csv(table: PublicTable, folder: Path) -> None:
    """UTF-8 without a mark, LF, quotes only where needed, an empty cell for no value; rows as assembled."""
    table.table.rows.write_csv(
        folder / "data" / f"{table.name}.csv", line_terminator="\n", null_value="", quote_style="necessary"
    )


def _write_parquet(table: PublicTable, told: Mapping[str, Any], folder: Path) -> None:
    """Typed columns; the descriptor of this one table travels in the footer as `datapackage`."""
    tables.typed(table).rechunk().write_parquet(
        folder / "parquet" / f"{table.name}.parquet",
        compression="zstd",
        row_group_size=ROW_GROUP,
        metadata={"datapackage": json.dumps(told, ensure_ascii=False)},
    )


def _write_workbook(public: Sequence[PublicTable], told: Mapping[str, Any], folder: Path) -> list[str]:
    """Nothing to remark once written; else the sentence that says why there is none."""
    rows = sum(table.table.rows.height for table in public)
    if rows > workbook.MOST_ROWS:
        return [f"There is no statistics.xlsx: {rows:,} rows are more than the {workbook.MOST_ROWS:,} it is made for."]
    workbook.write(public, told, folder / "statistics.xlsx")
    return []
