"""From any number on any page to its passport in one click, and to the cited page in two."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from pipeline.wording import MONTHS

LANGUAGES = ("", "/ru", "/tg")
PAGES = {  # of which every one is walked, and the table that lists them
    "/topic/": "SELECT code FROM topics WHERE code <> '_T'",
    "/series/": "SELECT DISTINCT indicator FROM claims",
    "/conflict/": "SELECT conflict_id FROM conflicts",
    "/document/": "SELECT document_id FROM documents",
}
SOME = 7  # in Russian and Tajik every seventh page
NUMBER = re.compile(r"\d+(?:[ \u00a0\u202f,]\d{3})*(?:[.,]\d+)?")
MONTH_NAMES = "|".join(sorted({month for names in MONTHS.values() for month in names}))
NAMED = re.compile(  # days, years, the article
    rf"\d{{4}}-\d\d(?:-\d\d)?|\d{{1,2}} (?:{MONTH_NAMES})\b|\b(?:19|20)\d\d(?:[–-](?:19|20)?\d\d)?\b|\b143[-–]1\b",
    re.IGNORECASE,
)
# Names of documents and pages, places in them, scales, counts of rows; a definition; what was computed or told of a
# disagreement, which stands beside or behind a link to its claims; the caption of a chart, whose bars are links.
NO_CLAIM = (
    "a:not([href*='/figure/']), h1, form, nav, figcaption, dd[lang=en], "
    ".lead, .axis, .place, .count, .computed, .explanation"
)


@pytest.fixture(scope="module")
def base(home: Path) -> Iterator[sqlite3.Connection]:
    """The database that is served."""
    address = f"file:{home / 'build' / 'current' / 'statistics.db'}?mode=ro"
    with sqlite3.connect(address, uri=True) as connection:
        connection.row_factory = sqlite3.Row
        yield connection


@pytest.fixture(scope="module")
def titles(base: sqlite3.Connection) -> list[str]:
    """Every title of a code that holds a digit ("Article 143-1", "19 to 34 years"), the longest first."""
    lists = base.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%\"title_tg\"%'").fetchall()
    sql = "SELECT title_en, title_ru, title_tg FROM [{}]"
    found = {title for one in lists for row in base.execute(sql.format(one["name"])) for title in row}
    return sorted((title for title in found if re.search(r"\d", title or "")), key=len, reverse=True)


def plain(number: str) -> str:
    """The digits of a number without what parts its thousands."""
    return re.sub(r"[ \u00a0\u202f,]", "", number)


def main_of(page: str) -> LexborNode:
    """What a page holds between its head and its foot."""
    main = LexborHTMLParser(page).css_first("main")
    assert main is not None
    return main


def without_passport(page: str, titles: list[str]) -> set[str]:
    """The numbers that a reader sees, that are claims as far as the page tells, and lead to no passport."""
    main = main_of(page)
    links = main.css("a[href*='/figure/']")
    told = " ".join(f"{one.text()} {one.attributes.get('aria-label') or ''}" for one in links)
    linked = {plain(number) for number in NUMBER.findall(NAMED.sub(" ", told))}
    for node in (*links, *main.css(NO_CLAIM)):
        node.decompose()
    text = main.text(separator="\n").lower()
    for title in titles:
        text = text.replace(title.lower(), " ")
    return {number for number in NUMBER.findall(NAMED.sub(" ", text)) if plain(number) not in linked}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_on_every_page_of_figures_leads_to_its_passport(
    site: httpx.Client, base: sqlite3.Connection, titles: list[str], language: str
) -> None:
    """Landing, topics, series, disagreements and documents: a number that somebody said is a link."""
    keys = [f"{place}{row[0]}" for place, sql in PAGES.items() for row in base.execute(f"{sql} ORDER BY 1")]
    asked = ["/", *(keys[:: SOME if language else 1])]
    pages = {key: site.get(language + key) for key in asked}
    lost = {key: left for key, page in pages.items() if (left := without_passport(page.text, titles))}

    assert {page.status_code for page in pages.values()} == {200}
    assert sum(len(main_of(page.text).css("a[href*='/figure/']")) for page in pages.values()) > len(pages)
    assert lost == {}


def test_a_disagreement_leads_to_the_passport_of_each_of_its_claims(
    site: httpx.Client, base: sqlite3.Connection
) -> None:
    """Its explanation tells their numbers."""
    for (key,) in base.execute("SELECT conflict_id FROM conflicts").fetchall():
        claims = {row[0] for row in base.execute("SELECT claim_id FROM conflict_claims WHERE conflict_id = ?", [key])}
        links = main_of(site.get(f"/conflict/{key}").text).css("a[href*='/figure/']")

        assert claims <= {str(one.attributes["href"]).rsplit("/", 1)[1] for one in links}


def test_every_claim_has_a_passport_with_its_page_and_a_whole_citation(
    site: httpx.Client, base: sqlite3.Connection
) -> None:
    """The citation holds number, body, year, version and address; the cited page is one click further."""
    lacking = {}
    rows = base.execute("SELECT claim_id, value, originator_name, period_end, url, locator FROM claims").fetchall()
    for claim, value, body, end, url, locator in rows:
        main = main_of(site.get(f"/figure/{claim}").text)
        citation = plain(main.css_first(".citation").text())
        said = "" if value is None else str(value)
        parts = (said, body, end[:4], "version 1", url, f"/figure/{claim}")
        left = [part for part in parts if plain(part) not in citation]
        left += [part for part in (said or "—", locator) if part not in main.text()]
        if left or url not in {one.attributes.get("href") for one in main.css("a")}:
            lacking[claim] = left

    assert len(rows) > 200
    assert lacking == {}
