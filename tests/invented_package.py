"""A small invented package: every type, every kind of key, text in three scripts, and text that looks dangerous."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import polars

from pipeline.publish import package
from pipeline.records import PublicTable, Table

CREATED = "2026-11-24"
WORDS = {
    "licenses": [{"name": "CC-BY-4.0", "title": "CC BY 4.0", "path": "https://creativecommons.org/licenses/by/4.0/"}],
    "description": "Invented.",
    "title": "Invented figures",
    "labels": {"en": "Invented figures", "ru": "Вымышленные цифры", "tg": "Рақамҳои сохта"},
    "name": "invented",
    "keywords": ["invented"],
    "contributors": [{"title": "Nobody", "roles": ["creator"]}],
    "sources": [{"title": "Nowhere", "path": "https://example.org"}],
}
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
# Run before the pipeline is imported: every clock stands in 1999.
PAST = """
import datetime
class Past(datetime.datetime):
    now = classmethod(lambda cls, tz=None: cls(1999, 1, 1, tzinfo=tz))
    utcnow = classmethod(lambda cls: cls(1999, 1, 1))
    today = utcnow
datetime.datetime = Past
"""
LONG_NAMES = ("a_code_list_whose_name_is_very_long", "a_code_list_whose_name_is_very_long_too")

CLAIMS = """claim_id|indicator|originator|document_id|period_start|period_assumed|version|value|note
a-1|received|ombudsman|report|2021-01-01|true|1|24|=1+1 and "quoted", with a comma
a-2|received|coalition|page|2021-01-01|false|2|2.5|https://example.org/осуждённых
a-3|visits|coalition|page|2019-07-01|false|1||00123
a-4|visits|_T|page|2019-07-01|false|1|123456789012345|
"""
MILESTONES = """milestone_id|event|date_start|originator|document_id|title_en|title_ru|title_tg
m-1|ratified|1995-01-11|ombudsman|report|Convention ratified|Конвенция ратифицирована|Конвенсия тасдиқ шуд
"""
INDICATORS = """indicator|title_en|title_ru|title_tg
received|Complaints of torture received|Жалобы на пытки, поступило|Шикоятҳо аз шиканҷа, ворид гардид
visits|Visits to places of detention|Посещения мест лишения свободы|Боздид аз ҷойҳои маҳрум сохтан аз озодӣ
"""
BODIES = """code|title_en|title_ru|title_tg
_T|Total / all|Всего|Ҳамагӣ
ombudsman|Ombudsman|Уполномоченный по правам человека|Ваколатдор оид ба ҳуқуқи инсон
coalition|Coalition against Torture|Коалиция против пыток|Эътилоф зидди шиканҷа
"""
DOCUMENTS = """document_id|title|publisher
page|Как исчезают осуждённые в Согде|coalition
report|Гузориши солона дар вилояти Суғд|ombudsman
"""
TYPES = {
    "date_start": "date",
    "period_start": "date",
    "period_assumed": "boolean",
    "version": "integer",
    "value": "number",
}
POINTS_TO = {"indicator": "indicators", "originator": "bodies", "publisher": "bodies", "document_id": "documents"}
MAY_BE_EMPTY = {"value", "note", "remark", "missing_reason", "old", "new", "reason"}


def public(claims: str = CLAIMS) -> list[PublicTable]:
    """The invented tables; `claims` may be another text of the same columns."""
    lists = [table(name, BODIES, title="Code list") for name in LONG_NAMES]
    return [
        table("complaints", claims),
        table("milestones", MILESTONES),
        table("documents", DOCUMENTS),
        table("indicators", INDICATORS),
        table("bodies", BODIES),
        *lists,
    ]


def table(name: str, text: str, *, title: str = "") -> PublicTable:
    """A table from lines of cells between bars; the first column is the key."""
    head, *lines = (line.split("|") for line in text.splitlines())
    rows = polars.DataFrame(
        [[cell or None for cell in line] for line in lines], schema=dict.fromkeys(head, polars.String), orient="row"
    )
    schema = {
        "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
        "title": title or name.title(),
        "labels": {"en": name, "ru": f"{name} по-русски", "tg": f"{name} бо тоҷикӣ"},
        "description": f"About {name}.",
        "fields": [_field(column) for column in head],
        "missingValues": [""],
        "primaryKey": head[0],
        "foreignKeys": [
            {"fields": column, "reference": {"resource": target, "fields": key}} for column, target, key in _keys(head)
        ],
    }
    return PublicTable(Table(name, schema, rows))


def staged(folder: Path, claims: str = CLAIMS) -> Path:
    """The same folder, once it holds the complete package."""
    package.write(public(claims), WORDS, CREATED, folder, folder / "no such home")
    return folder


def sheet_rows(book: zipfile.ZipFile, number: int) -> list[dict[str, str]]:
    """The rows of one sheet as text by column letter."""
    root = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
    rows = root.iter(f"{SHEET}row")
    return [{re.sub("[0-9]", "", cell.get("r")): "".join(cell.itertext()) for cell in row} for row in rows]


def _field(column: str) -> dict[str, object]:
    field: dict[str, object] = {
        "labels": {"en": column, "ru": f"{column} (рус)", "tg": f"{column} (тоҷ)"},
        "name": column,
        "type": TYPES.get(column, "string"),
        "title": column.title(),
        "description": f"What {column} means | and more.",
        "unit": "code",
    }
    if column not in MAY_BE_EMPTY:
        field["constraints"] = {"required": True}
    return field


def _keys(head: list[str]) -> list[tuple[str, str, str]]:
    own_key = {"indicators": "indicator", "documents": "document_id"}
    return [(name, POINTS_TO[name], own_key.get(POINTS_TO[name], "code")) for name in head[1:] if name in POINTS_TO]
