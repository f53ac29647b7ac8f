"""The API at /v1/: every named query of metadata.yml at a stable address, as JSON, CSV, a CSV for Excel and XLSX.

An answer is whole or refused with a sentence, never cut and never an empty list for a question that makes no sense.
Beside it stand the feed of changes, openapi.yaml, the sitemap and robots.txt, each a template. Loaded by Datasette
with --plugins-dir. What a parameter may be is judged in refusals.py.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final
from urllib.parse import parse_qs

import pluggy
import xlsxwriter
from datasette import Response
from datasette.database import QueryInterrupted
from markupsafe import Markup

from pipeline.serve import refusals
from pipeline.serve.plugins import guard, pages
from pipeline.serve.words import WORDS

hookimpl: Final = pluggy.HookimplMarker("datasette")

DATABASE: Final = pages.DATABASE
WHOLE: Final = "The whole tables stand at /files/statistics.db"
TEMPLATES: Final = {
    "feed/changes.atom": ("feed.atom", "application/atom+xml"),
    "openapi.yaml": ("openapi.yaml", "application/yaml"),
    "sitemap.xml": ("sitemap.xml", "application/xml"),
    "robots.txt": ("robots.txt", "text/plain"),
}
Row = Sequence[object]


@hookimpl
def register_routes() -> list[tuple[str, Callable[..., Awaitable[object]]]]:
    """/v1/<query> with its extensions, and the few whole files."""
    files = "|".join(name.replace(".", r"\.") for name in TEMPLATES)
    return [
        (r"^/v1/(?P<query>[^/.]+)(?P<extension>\.[a-z.-]+)?$", _answer),
        (rf"^/(?P<name>{files})$", _file),
    ]


async def _file(datasette: Any, request: Any) -> Any:
    """One of the files that are templates."""
    template, kind = TEMPLATES[request.url_vars["name"]]
    text = await datasette.render_template(template, {"here": pages.address(request)}, request=request)
    return Response(text, content_type=f"{kind}; charset=utf-8", headers=guard.cors(datasette))


async def _answer(datasette: Any, request: Any) -> Any:
    """The rows of a named query in the form that its extension names, or a sentence that says what to ask."""
    name, extension = request.url_vars["query"], request.url_vars["extension"] or ".json"
    given = parse_qs(request.query_string, keep_blank_values=True)
    query = await datasette.get_canned_query(DATABASE, name, None)
    if not query or extension not in FORMS:
        known = ", ".join(one["name"] for one in pages.questions(datasette))
        forms = ", ".join(FORMS)
        sentence = f"There is no such address under /v1/. Queries: {known}. Forms: {forms}; without one, JSON."
        return await _refused(datasette, request, 404, sentence)
    if extension == ".metadata.json":
        return Response.json(await _metadata(datasette, request, name, query), headers=guard.cors(datasette))
    found, refusal = await _found(datasette, query, given)
    if refusal:
        return await _refused(datasette, request, 400, f"{name}: {refusal}")
    body, kind = FORMS[extension]([str(column) for column in found.columns], [tuple(row) for row in found.rows])
    headers = guard.cors(datasette)
    if extension in {".xlsx", ".csv-excel"}:
        headers["content-disposition"] = f'attachment; filename="{name}.{"xlsx" if extension == ".xlsx" else "csv"}"'
    return Response(body, content_type=kind, headers=headers)


async def _found(datasette: Any, query: Any, given: dict[str, list[str]]) -> tuple[Any, str]:
    """The result of a named query, or why there is none."""
    if given.pop("_shape", ["array"]) != ["array"]:
        return None, "_shape is array, which is also what comes without it."
    declared = query.get("parameters") or {}
    if wrong := await refusals.of_query(datasette, DATABASE, declared, given):
        return None, wrong
    values = {parameter: given.get(parameter, [""])[0] for parameter in declared}
    try:
        found = await datasette.execute(DATABASE, query["sql"], values, truncate=True)
    except QueryInterrupted:
        return None, f"this took longer than the server allows. {WHOLE}"
    if found.truncated:
        return None, f"more than {datasette.setting('max_returned_rows')} rows fit. Ask for less. {WHOLE}"
    return found, ""


async def _refused(datasette: Any, request: Any, status: int, sentence: str) -> Any:
    """An error of the API is JSON, whatever was asked for; only a CSV is answered in plain text."""
    path = request.path if request.path.endswith(".csv") else ".json"
    return await guard.error(datasette, path, status, sentence)


def _json(columns: Sequence[str], rows: Iterable[Row]) -> tuple[str, str]:
    told = [dict(zip(columns, row, strict=True)) for row in rows]
    return json.dumps(told, ensure_ascii=False), "application/json; charset=utf-8"


def _csv(columns: Sequence[str], rows: Iterable[Row], *, excel: bool = False) -> tuple[str, str]:
    """CSV by RFC 4180; for Excel with Russian settings with a BOM and semicolons."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";" if excel else ",", lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([guard.inert(cell) for cell in row] for row in rows)
    return "\ufeff" * excel + out.getvalue(), "text/csv; charset=utf-8"


def _xlsx(columns: Sequence[str], rows: Iterable[Row]) -> tuple[bytes, str]:
    """A workbook of one sheet in which no text is a formula, a link or a number."""
    out = io.BytesIO()
    safe = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, safe) as book:
        sheet = book.add_worksheet("answer")
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, columns, book.add_format({"bold": True}))
        for at, row in enumerate(rows, start=1):
            sheet.write_row(at, 0, [guard.inert(cell) for cell in row])
    return out.getvalue(), pages.XLSX


FORMS: Final[dict[str, Callable[..., tuple[Any, str]]]] = {
    ".json": _json,
    ".csv": _csv,
    ".csv-excel": lambda columns, rows: _csv(columns, rows, excel=True),
    ".xlsx": _xlsx,
    ".metadata.json": lambda _columns, _rows: ("", ""),
}


async def _metadata(datasette: Any, request: Any, name: str, query: dict[str, Any]) -> dict[str, object]:
    """What stands beside an answer: its words, parameters and columns, where units stand, licence, citation."""
    none = dict.fromkeys(query.get("parameters") or {}, "")
    empty = await datasette.execute(DATABASE, f"SELECT * FROM ({query['sql']}) LIMIT 0", none)  # noqa: S608  our query
    meanings = pages.meanings(datasette)
    here = pages.address(request)
    site = WORDS["site"]["en"]
    return {
        "name": name,
        "title": query["title"],
        "description": query.get("description") or Markup(query["description_html"]).striptags(),  # noqa: S704  ours
        "url": f"{here}/v1/{name}",
        "parameters": {key: rule["sentence"] for key, rule in (query.get("parameters") or {}).items()},
        "columns": {column: meanings.get(column, column) for column in empty.columns},
        "unit": "Each row names its own in unit or unit_name; units stand in /statistics/units.json?_shape=array",
        "definition": "Of each indicator: /statistics/indicators.json?_shape=array; of each column: /dictionary",
        "licence": "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/",
        "citation": f"{site}. {query['title']}. {here}/v1/{name}. For one figure: {here}/figure/<claim_id>.",
        "caveat": WORDS["caveat"]["en"],
    }
