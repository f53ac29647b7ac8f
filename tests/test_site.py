"""The public pages: three languages, every number with its passport, nothing that runs in a reader's browser."""

from __future__ import annotations

import gzip
import html
import json
import re
import sqlite3
import zipfile
from pathlib import Path

import httpx
import pytest
import yaml
from served import HOME, schemas

from pipeline.serve.words import COLUMNS

CLAIM, WORDS = "coalition-2022conf-2021", HOME / "pipeline" / "serve" / "words.yml"
LANGUAGES = ("", "/ru", "/tg")
KINDS = (
    "/", "/topic/complaints", "/series/complaints_documented_coalition", "/conflict/contradiction-dc030813c406",
    "/document/acca-2022ombudsman", f"/figure/{CLAIM}", "/search?q=2021", "/sources", "/coverage", "/methods",
    "/dictionary", "/downloads", "/api", "/statistics", "/statistics/complaints", f"/statistics/complaints/{CLAIM}",
    "/statistics/register_by_sex", "/statistics/register_by_year_and_region/2025,not_stated",
    "/statistics/who_says_what?year=2021", "/statistics/list_conflicts",
)  # fmt: skip


def words() -> dict[str, dict[str, str]]:
    """The words of the interface."""
    return dict(yaml.safe_load(WORDS.read_text(encoding="utf-8")))


def text(page: str) -> str:
    """What a reader sees of a page."""
    return html.unescape(re.sub(r"<[^>]+>", " ", page))


@pytest.mark.parametrize("prefix", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_stands_in_its_language(site: httpx.Client, kind: str, prefix: str) -> None:
    """Each kind of page answers in each language, says which, names the other two and links only to its own."""
    got = site.get(prefix + kind)
    language = prefix[1:] or "en"
    body = re.sub(r"<head>.*</head>|<nav class=.languages.*?</nav>", "", got.text, flags=re.DOTALL)
    links = re.findall(r'href="(/[^"]*)"', body)
    common = re.compile(r"/(v1|feed|files|site|claim|openapi)[/.]|.*\.(json|csv)(\?|$)")

    assert (got.status_code, f'<html lang="{language}">' in got.text) == (200, True)
    assert got.text.count('rel="alternate" hreflang=') == 3
    assert [link for link in links if not common.match(link) and not link.startswith(prefix or "/")] == []
    assert words()["caveat"][language] in text(got.text)


def test_every_word_of_the_interface_stands_in_three_languages() -> None:
    """No word is missing in a language; table descriptions stand in the schemas for English."""
    wanted = {key: {"ru", "tg"} if key.startswith("about_") else {"en", "ru", "tg"} for key in words()}

    assert {key: set(told) for key, told in words().items()} == wanted


SAID = {
    "": ("rounded: 0 to 4", "none", "the whole table is withheld", "is not none", "could not be made safe"),
    "/ru": ("округлено: от 0 до 4", "ни одной", "вся таблица не публикуется", "не «ни одной»", "безопасной"),
    "/tg": ("яклухт: аз 0 то 4", "ҳеҷ", "тамоми ҷадвал нашр намешавад", "«ҳеҷ»-ро надорад", "бехатар"),
}


@pytest.mark.parametrize("prefix", LANGUAGES)
def test_a_rounded_zero_never_reads_as_nobody(site: httpx.Client, prefix: str) -> None:
    """On the page of the table and of the row: 0–4 in the place of the number; true zeros and empty cells are told."""

    def column(name: str, page: str) -> list[str]:
        return re.findall(rf'class="col-{name} [^>]*>([^<]*)<', page)

    between, none, withheld, about, reason = SAID[prefix]
    table, row, zeros, hidden = (
        site.get(f"{prefix}/statistics/register_by_{path}").text
        for path in ("year_and_region", "year_and_region/2025,not_stated", "outcome", "sex")
    )
    shown = list(zip(column("value", table), column("status", table), strict=True))

    assert (len(shown), shown.count(("0–4", between)), [one for one in shown if one[0] == "0"]) == (21, 4, [])
    assert about in text(table)
    assert all(f'<dd dir="auto">{one}</dd>' in row for one in ("0–4", between))
    assert column("status", zeros).count(none) == 5
    assert column("status", hidden) == [withheld] * 4
    assert not any(re.search(r"\d", value) for value in column("value", hidden))
    assert reason in text(hidden)


def test_the_methods_of_the_register_stand_on_the_site(site: httpx.Client) -> None:
    """In each language, as docs/ has them; a table of the register leads there."""
    for prefix in LANGUAGES:
        page, table = (site.get(prefix + path).text for path in ("/methods", "/statistics/register_by_outcome"))
        told = (HOME / "docs" / f"methods.{prefix[1:] or 'en'}.md").read_text(encoding="utf-8")
        kept = re.sub(r"[#*`]|^(-|\d\.) ", "", told, flags=re.MULTILINE)

        assert "".join(kept.split()) in "".join(text(page).split())
        assert (page.count("<h1"), f'href="{prefix}/methods#register"' in table) == (1, True)


def test_the_methods_say_as_much_in_each_language() -> None:
    """As many headings, steps and conclusions, with the same numbers, marks and files in each of them."""
    told = [(HOME / "docs" / f"methods.{tongue}.md").read_text(encoding="utf-8") for tongue in ("en", "ru", "tg")]
    parts = [re.split(r"^(?:#+ |- |\d\. )", one, flags=re.MULTILINE) for one in told]
    said = [[sorted(re.findall(r"\d+|`[^`]+`", part)) for part in several] for several in parts]

    assert len(parts[0]) >= 24
    assert said[0] == said[1] == said[2]


def test_the_workbook_and_the_data_say_a_rounded_zero(home: Path) -> None:
    """The workbook shows 0–4 and holds 0, as CSV, SQLite and the schema do, each with the status beside it."""
    release = home / "build" / "current"
    told = json.loads((release / "datapackage.json").read_text(encoding="utf-8"))
    schema = next(one for one in told["resources"] if one["name"] == "register_by_year_and_region")["schema"]
    fields = {field["name"]: field for field in schema["fields"]}
    with zipfile.ZipFile(release / "statistics.xlsx") as book:
        styles, names = (book.read(f"xl/{name}.xml").decode() for name in ("styles", "workbook"))
        number = re.findall(r'<sheet name="([^"]+)"', names).index("register_by_year_and_region") + 1
        sheet = book.read(f"xl/worksheets/sheet{number}.xml").decode()
    format_ = re.search(r'numFmtId="(\d+)" formatCode="&quot;0–4&quot;"', styles)
    cells = re.findall(r'<c r="C\d+"(?: s="(\d+)")?><v>(\d+)</v>', sheet)
    shown = re.findall(r'<xf numFmtId="(\d+)"', styles.split("<cellXfs")[1])

    assert format_
    assert len(cells) == 21
    assert all((shown[int(style or 0)] == format_[1]) == (value == "0") for style, value in cells)
    with sqlite3.connect(f"file:{release / 'statistics.db'}?mode=ro", uri=True) as database:
        assert database.execute("SELECT DISTINCT rounded_to, status FROM register_by_year_and_region WHERE value = 0"
                                ).fetchall() == [(5, "0–4")]  # fmt: skip
    assert fields["status"]["constraints"]["enum"][:2] == ["rounded", "0–4"]
    assert "0–4 is not none" in fields["value"]["description"]
    assert "0–4 is not none" in schema["description"]


def test_every_column_is_told_in_three_languages(site: httpx.Client) -> None:
    """No column lacks its sentence, and a table's page shows it in the language of the page."""
    columns = {field["name"] for schema in schemas().values() for field in schema["fields"]}
    shown = text(site.get("/ru/statistics/complaints").text)

    assert columns <= set(COLUMNS)
    assert {frozenset(told) for told in COLUMNS.values()} == {frozenset({"ru", "tg"})}
    assert COLUMNS["qualifier"]["ru"] in shown


@pytest.mark.parametrize(("prefix", "told"), [("/ru", "из четырёх цифр"), ("/tg", "аз чор рақам")])
def test_a_refusal_speaks_the_language_of_its_page(site: httpx.Client, prefix: str, told: str) -> None:
    """What is wrong with a question is said in Russian and Tajik too."""
    got = site.get(f"{prefix}/statistics/who_says_what?year=x")

    assert (got.status_code, told in text(got.text)) == (400, True)


def test_a_passport_of_no_claim_is_a_sentence(site: httpx.Client) -> None:
    """An unknown id is a 404 that says where the ids stand."""
    got = site.get("/figure/nobody-said-this")

    assert (got.status_code, "/statistics/vintages" in got.text) == (404, True)


@pytest.mark.parametrize("prefix", LANGUAGES)
def test_the_landing_is_light(site: httpx.Client, prefix: str) -> None:
    """With its stylesheet the landing takes at most 15 kB gzipped, and no script; it draws three charts."""
    page, sheet = site.get(f"{prefix}/").text, site.get("/site/site.css").content
    weight = len(gzip.compress(page.encode(), 6)) + len(gzip.compress(sheet, 6))

    assert (weight <= 15_000, "<script" in page, page.count("<svg")) == (True, False, 3)


def test_a_chart_shows_bounds_gaps_and_contradictions(site: httpx.Client) -> None:
    """A bound is a band, a year without a figure is named, a figure that cannot stand beside others is marked."""
    page = site.get("/").text

    assert 'class="band' in page
    assert "No figure for the whole year: 2016, 2022" in text(page)
    assert re.search(r'aria-label="2021: 24,[^>]*>(?:(?!</a>).)*24✕', page, flags=re.DOTALL)
    assert "no figure" in page


def test_data_is_the_same_in_every_language(site: httpx.Client) -> None:
    """JSON and CSV carry codes and do not depend on the language they are asked under."""
    answers = {site.get(f"{prefix}/statistics/complaints.json?_shape=array&_size=3").text for prefix in LANGUAGES}

    assert len(answers) == 1


def test_the_code_of_the_country_leads_to_the_language(site: httpx.Client) -> None:
    """/tj/ is taken for /tg/ by many."""
    assert site.get("/tj/sources").headers["location"] == "/tg/sources"


def test_a_page_made_once_is_the_same_page(site: httpx.Client) -> None:
    """The second answer is the first to the byte, headers and all; under another host it names that host."""
    first, second = (site.get("/figure/coalition-2022conf-2021") for _ in range(2))
    other = site.get("/figure/coalition-2022conf-2021", headers={"Host": "record.example"})

    assert (first.content, first.headers["etag"]) == (second.content, second.headers["etag"])
    assert "http://record.example/figure/" in other.text
    assert "record.example" not in site.get("/figure/coalition-2022conf-2021").text


def test_no_page_sets_a_cookie(site: httpx.Client) -> None:
    """Nothing is stored at the reader's."""
    assert [kind for kind in KINDS if "set-cookie" in site.get(kind).headers] == []


@pytest.mark.parametrize(
    "address", ["/ru/statistics.json?sql=select+1", "/tg/statistics?sql=select+1", "/v1/as_of?sql=select+1"]
)
def test_sql_is_closed_on_every_address(site: httpx.Client, address: str) -> None:
    """Also below the languages and under /v1/."""
    assert site.get(address).status_code in {400, 403, 404}
