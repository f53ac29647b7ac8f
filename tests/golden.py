"""The answers of every documented address over an invented package that never changes.

`PYTHONPATH=. python tests/golden.py` writes them anew, after a change that was meant; read what changed before you
commit it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
import polars
import python_calamine
import yaml
from served import HOME, client, schemas

from pipeline.publish import database
from pipeline.records import PublicTable, Table

HERE = Path(__file__).resolve().parent / "golden"
ANSWERS = HERE / "answers.json"
TITLES = ("code", "title_en", "title_ru", "title_tg")
GIVEN = {
    "who_says_what": "?year=2021", "document_says": "?document=report", "as_of": "?date=2026-11-10",
    "list_series": "?indicator=complaints_documented_coalition",
}  # fmt: skip
REFUSED = (
    "/v1/who_says_what?year=x", "/v1/document_says?document=nobody", "/v1/as_of?date=2030-01-01",
    "/v1/list_series?indicator=nobody", "/v1/list_conflicts?kind=quarrel", "/v1/silence?colour=red",
    "/v1/silence?_shape=object", "/v1/nothing", "/statistics/complaints.json?colour=red",
    "/statistics/complaints.json?_colour=red", "/statistics/complaints.json?sex=blue", "/statistics/nothing.json",
    "/statistics.json?sql=select+1", "/claim/nobody.json", "/feed/changes.atom?colour=red",
)  # fmt: skip


def addresses() -> list[str]:
    """Every documented address: each query in each form, each table, row, file, and what is refused."""
    metadata = yaml.safe_load((HOME / "metadata.yml").read_text(encoding="utf-8"))
    queries = list(metadata["databases"]["statistics"]["queries"])
    forms = ("", ".csv", ".csv-excel", ".xlsx")
    named = [f"/v1/{query}{form}{GIVEN.get(query, '')}" for query in queries for form in forms]
    named += [f"/v1/{query}.metadata.json" for query in queries] + ["/v1/list_conflicts?kind=divergence"]
    tables = [f"/statistics/{table}.json?_shape=array" for table in sorted(schemas())]
    rows = [
        "/statistics/complaints.csv?sex=female", "/statistics/complaints/page-2021.json?_shape=array",
        "/statistics/complaints.json?_shape=array&_sort=value&value__gte=10&_size=1", "/claim/page-2021.json",
        "/claim/taken-back.json", "/feed/changes.atom", "/sitemap.xml", "/robots.txt", "/openapi.yaml",
    ]  # fmt: skip
    return [*named, *tables, *rows, *REFUSED]


def published(folder: Path) -> Path:
    """A checkout whose release holds the invented package."""
    told = yaml.safe_load((HERE / "package.yml").read_text(encoding="utf-8"))
    lists = {name: [dict(zip(TITLES, row, strict=True)) for row in rows] for name, rows in told.pop("lists").items()}
    (folder / "build" / "releases" / "golden").mkdir(parents=True)
    (folder / "build" / "current").symlink_to(folder / "build" / "releases" / "golden")
    shutil.copy(HOME / "metadata.yml", folder)
    public = [_table(name, schema, {**told, **lists}.get(name, [])) for name, schema in schemas().items()]
    database.write(public, folder / "build" / "current" / "statistics.db")
    return folder


def _table(name: str, schema: dict[str, Any], rows: list[dict[str, str]]) -> PublicTable:
    """The rows with what they leave out: the total of a breakdown, the first version."""
    columns = {field["name"]: _default(field) for field in schema["fields"]}
    full = [{column: row.get(column, default) for column, default in columns.items()} for row in rows]
    shape = dict.fromkeys(columns, polars.String)
    return PublicTable(Table(name, schema, polars.DataFrame(full, schema=shape)))


def _default(field: dict[str, Any]) -> str | None:
    if not field.get("constraints", {}).get("required"):
        return None
    own = {"evidence": "not_yet_checked", "method": "by_hand", "status": "current", "recorded_on": "2026-11-24"}
    of_type = {"integer": "1", "boolean": "false", "date": "2026-11-24"}
    return own.get(field["name"]) or of_type.get(field["type"], "_T")


def answers(folder: Path) -> dict[str, Any]:
    """What each address answers, shortly: JSON as it is, other forms as a digest of what they hold."""
    with client(published(folder), timeout=60) as site:
        return {address: _told(site.get(address), str(site.base_url)) for address in addresses()}


def _told(got: httpx.Response, here: str) -> list[Any]:
    kind = got.headers.get("content-type", "").partition(";")[0]
    text = got.text.replace(here, "http://record.example")
    if got.is_redirect:
        return [got.status_code, got.headers["location"]]
    if kind == "application/json":
        told = json.loads(text)
        wide = isinstance(told, list) and str(got.url.path).startswith("/statistics/")
        return [got.status_code, [_filled(row) for row in told] if wide else told]
    if "spreadsheet" in kind:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(got.content))
        text = "\n".join(",".join(map(str, row)) for row in book.get_sheet_by_index(0).to_python())
    head = next(csv.reader(io.StringIO(text)), []) if got.status_code == httpx.codes.OK else [text.strip()]
    return [got.status_code, kind, ",".join(head)[:80], hashlib.sha256(text.encode()).hexdigest()[:16]]


def _filled(row: dict[str, Any]) -> dict[str, Any]:
    """Of a table's row what is neither empty nor a total, and its number of columns."""
    return {"columns": len(row), **{name: cell for name, cell in row.items() if cell not in (None, "_T")}}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        told = answers(Path(scratch))
    lines = [f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in told.items()]
    ANSWERS.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    sys.stderr.write(f"{len(told)} answers are in {ANSWERS.relative_to(HOME)}\n")
