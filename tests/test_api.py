"""The API at /v1/: stable addresses, whole answers or a sentence, and files that tell the truth about it."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from served import HOME, client, schemas
from test_site import KINDS

from pipeline.serve.plugins.pages import PACKAGE

QUERIES = {
    "who_says_what": "?year=2021", "complaints_by_year": "", "prosecutions_against_complaints": "",
    "visits_by_year": "", "latest_figures": "", "document_says": "?document=asia-plus-2019law", "list_conflicts": "",
    "list_partitions": "", "list_series": "?indicator=complaints_documented_coalition", "silence": "",
    "as_of": "?date=2026-11-24",
}  # fmt: skip
HOSTILE = (
    '=HYPERLINK("http://e.example")', "<script>alert(1)</script>", "javascript:alert(1)", "\u202egnp.exe",
    '"><img src=x onerror=alert(1)>',
)  # fmt: skip
ATOM = "{http://www.w3.org/2005/Atom}"
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def workbook(content: bytes) -> list[list[str]]:
    """The cells of the only sheet of a workbook, each as text."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        shared = ["".join(one.itertext()) for one in ET.fromstring(book.read("xl/sharedStrings.xml"))]
        rows = ET.fromstring(book.read("xl/worksheets/sheet1.xml")).iter(f"{SHEET}row")
        return [
            [
                shared[int(cell.findtext(f"{SHEET}v") or 0)]
                if cell.get("t") == "s"
                else cell.findtext(f"{SHEET}v") or ""
                for cell in row
            ]
            for row in rows
        ]


@pytest.mark.parametrize("query", QUERIES)
def test_every_form_of_an_answer_holds_the_same_rows(site: httpx.Client, query: str) -> None:
    """JSON, CSV, the CSV for Excel and XLSX tell the same columns and rows as the query's own page."""
    asked = QUERIES[query]
    rows = site.get(f"/v1/{query}{asked}").json()
    plain = list(csv.reader(io.StringIO(site.get(f"/v1/{query}.csv{asked}").text)))
    excel = site.get(f"/v1/{query}.csv-excel{asked}")
    book = workbook(site.get(f"/v1/{query}.xlsx{asked}").content)
    named = f"/statistics/{query}.json{asked}{'&' if asked else '?'}_shape=array"

    assert rows == site.get(named).json() == site.get(f"/v1/{query}.json{asked}").json()
    assert [plain[0], len(plain) - 1] == [list(rows[0]), len(rows)]
    assert excel.content.startswith(b"\xef\xbb\xbf")
    assert list(csv.reader(io.StringIO(excel.text.lstrip("\ufeff")), delimiter=";")) == plain
    assert [book[0], len(book)] == [plain[0], len(plain)]


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/v1/who_says_what", 400, "four digits"),
        ("/v1/who_says_what?year=2021&yaer=1", 400, "no parameter yaer"),
        ("/v1/who_says_what?year=1850", 400, "four digits"),
        ("/v1/who_says_what?year=2021&year=2022", 400, "more than once"),
        ("/v1/who_says_what?year=2021&_shape=object", 400, "_shape is array"),
        ("/v1/who_says_what?year=2021&_size=5", 400, "no parameter _size"),
        ("/v1/who_says_what.csv?year=x", 400, "four digits"),
        ("/v1/who_says_what.xlsx?year=x", 400, "four digits"),
        ("/v1/complaints_by_year?region=XX", 400, "it takes none"),
        ("/v1/list_series?indicator=nobody", 400, "No series"),
        ("/v1/document_says?document=nobody-wrote-this", 400, "No document"),
        ("/v1/as_of?date=2999-01-01", 400, "first recorded_on"),
        ("/v1/nothing", 404, "who_says_what"),
        ("/v1/who_says_what.exe?year=2021", 404, ".xlsx"),
        ("/v1/who_says_what.json?sql=select+1&year=2021", 400, "no parameter sql"),
    ],
)
def test_what_cannot_be_meant_gets_a_sentence(site: httpx.Client, address: str, status: int, words: str) -> None:
    """An unknown address, parameter or value is refused with what to ask instead, never with an empty list."""
    got = site.get(address)

    assert (got.status_code, words in got.text) == (status, True)
    assert got.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_the_site_only_reads(site: httpx.Client, method: str) -> None:
    """Any other method is a 405 that says so."""
    assert site.request(method, "/v1/complaints_by_year").status_code == 405


def test_metadata_stands_beside_each_query(site: httpx.Client) -> None:
    """Unit, definition, licence and citation of every answer, and what each of its columns means."""
    for query in QUERIES:
        told = site.get(f"/v1/{query}.metadata.json").json()

        assert all(told[key] for key in ("title", "description", "unit", "definition", "licence", "citation"))
        assert f"/v1/{query}" in told["citation"]
        assert list(told["columns"]) == list(site.get(f"/v1/{query}{QUERIES[query]}").json()[0])


def test_openapi_names_what_is_there(site: httpx.Client) -> None:
    """Every path it tells answers with the type it tells, given its example; every query is told."""
    told = yaml.safe_load(site.get("/openapi.yaml").text)
    for path, operations in told["paths"].items():
        get = operations["get"]
        given = {one["name"]: one["example"] for one in get.get("parameters", []) if "example" in one}
        answer = site.get(path, params=given)
        kinds = list(get["responses"]["200"]["content"])

        assert (path, answer.status_code) == (path, 200)
        assert [answer.headers["content-type"].partition(";")[0]] == kinds

    assert {path.split("/")[2].split(".")[0] for path in told["paths"]} == set(QUERIES)


def test_the_feed_keeps_the_rules_of_atom(site: httpx.Client) -> None:
    """What RFC 4287 asks: one id, title and date each, ids that last on any host, whole links, the newest day above."""
    text = site.get("/feed/changes.atom").text
    there = site.get("/feed/changes.atom", headers={"Host": "b.example"}).text
    feed, elsewhere = ET.fromstring(text), ET.fromstring(there)
    entries, day = feed.findall(f"{ATOM}entry"), re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
    ids = [one.findtext(f"{ATOM}id") for one in feed.iter() if one.find(f"{ATOM}id") is not None]

    for one in (feed, *entries):
        assert [len(one.findall(f"{ATOM}{name}")) for name in ("id", "title", "updated")] == [1, 1, 1]
        assert day.fullmatch(one.findtext(f"{ATOM}updated", ""))
        assert one.findtext(f"{ATOM}title", "").strip()
        assert len([link for link in one.findall(f"{ATOM}link") if link.get("rel") == "alternate"]) == 1
    assert {link.get("href", "").split("/")[0] for link in feed.iter(f"{ATOM}link")} == {"http:"}
    assert feed.find(f"{ATOM}link").get("href") == f"{site.base_url}/feed/changes.atom"
    assert len(ids) == len(set(ids)) == len(entries) + 1
    assert ids == [one.findtext(f"{ATOM}id") for one in elsewhere.iter() if one.find(f"{ATOM}id") is not None]
    assert {urn[:9] for urn in ids} == {"urn:uuid:"}
    assert feed.findtext(f"{ATOM}updated") == max(entry.findtext(f"{ATOM}updated") for entry in entries)
    assert str(PACKAGE) in (HOME / "schemas" / "package.yml").read_text(encoding="utf-8")


@pytest.mark.exam
def test_openapi_is_true_under_schemathesis(site: httpx.Client, tmp_path: Path) -> None:
    """Schemathesis, all its checks on, finds nothing that the description does not tell and no bad request taken."""
    words = ["run", f"{site.base_url}/openapi.yaml", "--max-examples", "30", "--no-color"]
    tool = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    assert tool is not None
    ran = subprocess.run([tool, *words], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout[-4000:]


def test_the_feed_and_the_sitemap_are_well_formed(site: httpx.Client) -> None:
    """The feed has an entry with a link to a passport for each change; every page of the sitemap exists."""
    feed = ET.fromstring(site.get("/feed/changes.atom").content)
    places = [one.text or "" for one in ET.fromstring(site.get("/sitemap.xml").content).iter() if "loc" in one.tag]

    assert feed.findall(f"{ATOM}entry")
    assert all("/figure/" in (entry.find(f"{ATOM}link").attrib["href"]) for entry in feed.findall(f"{ATOM}entry"))
    assert len(places) > 400
    assert {site.get(place).status_code for place in places[::25]} == {200}


def snippets(page: str) -> dict[str, str]:
    """The code of each snippet of the page for developers."""
    import html  # noqa: PLC0415

    found = re.findall(r'class="snippet-(\w+)">(.*?)</pre>', page, flags=re.DOTALL)
    return {name: html.unescape(code) for name, code in found}


def test_the_snippets_run(site: httpx.Client) -> None:
    """What stands there to be copied works as it stands: curl, Python, R; the addresses for Excel and Sheets answer."""
    told = snippets(site.get("/api").text)
    curl = subprocess.run(["sh", "-c", told["curl"]], capture_output=True, text=True, check=True)
    python = subprocess.run([sys.executable, "-c", told["python"]], capture_output=True, text=True, check=True)

    assert json.loads(curl.stdout)
    assert "24 Appeals on torture" in python.stdout
    assert site.get(told["excel"]).content.startswith(b"PK")
    assert site.get(re.search(r'"(.*)"', told["sheets"])[1]).text.startswith("covers,")
    if shutil.which("Rscript"):
        r = subprocess.run(["Rscript", "-e", told["r"]], capture_output=True, text=True, check=True)
        assert "Appeals on torture" in r.stdout


def free_texts(schema: dict[str, Any]) -> list[str]:
    """The columns of a table that hold words, not codes, keys or days."""
    codes = {str(key["fields"]).strip("[']") for key in schema.get("foreignKeys", ())}
    keys = {*codes, *str(schema["primaryKey"]).strip("[']").split("', '")}
    keys |= {"claims", "parts", "total_claim", "set_aside", "claim_id", "field", "divided_by"}
    return [
        field["name"]
        for field in schema["fields"]
        if field["type"] == "string" and field["name"] not in keys and field["unit"] in {"text", "URL"}
    ]


@pytest.fixture(scope="module")
def hostile(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server whose every free text is an attack: what publishing refuses, once it were in the file all the same."""
    folder = tmp_path_factory.mktemp("hostile")
    shutil.copytree((home / "build" / "current").resolve(), folder / "build" / "releases" / "0b")
    (folder / "build" / "current").symlink_to(folder / "build" / "releases" / "0b")
    shutil.copy(home / "metadata.yml", folder)
    text = " ".join(HOSTILE)
    with sqlite3.connect(folder / "build" / "current" / "statistics.db") as base:
        base.execute("PRAGMA foreign_keys = OFF")
        for table, schema in schemas().items():
            for column in free_texts(schema):
                base.execute(f"UPDATE [{table}] SET [{column}] = ?", (text,))
    with client(folder) as asked:
        yield asked


PAGES = (*KINDS, *(f"/ru{kind}" for kind in KINDS), "/search?q=alert", "/statistics/documents", "/statistics/vintages",
         "/tg/statistics/latest_figures", "/feed/changes.atom", "/sitemap.xml", "/openapi.yaml")  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_hostile_text_is_inert_on_a_page(hostile: httpx.Client, page: str) -> None:
    """No text becomes a tag, an attribute or an address that runs, and none turns the direction of others."""
    got = hostile.get(page)

    assert got.status_code == 200
    assert [part for part in ("<script>alert", "<img", "\u202e") if part in got.text] == []
    assert re.findall(r'(?:href|src|action)="\s*(?:javascript|data|=)[^"]*"', got.text, flags=re.IGNORECASE) == []


SHEETS = [f"/v1/{query}.{form}{asked}" for query, asked in QUERIES.items() for form in ("csv", "csv-excel", "xlsx")
          if query != "list_series"]  # fmt: skip


@pytest.mark.parametrize("address", ["/statistics/complaints.csv", "/statistics/documents.csv?_size=max", *SHEETS])
def test_hostile_text_is_inert_in_a_spreadsheet(hostile: httpx.Client, address: str) -> None:
    """No cell begins as a formula does, and none turns the direction of text."""
    got = hostile.get(address)
    if ".xlsx" in address:
        cells = [cell for row in workbook(got.content) for cell in row]
    else:
        mark = ";" if "excel" in address else ","
        cells = [cell for row in csv.reader(io.StringIO(got.text.lstrip("\ufeff")), delimiter=mark) for cell in row]

    assert any(cell and "HYPERLINK" in cell for cell in cells)
    assert [cell for cell in cells if cell and (cell[0] in "=+@|%" or "\u202e" in cell)] == []
