"""The serve room: a real Datasette, started as `make serve` starts it, asked what a reporter would ask."""

from __future__ import annotations

import asyncio
import html
import json
import re
import shutil
import socket
import sqlite3
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from served import COUNTED, HOME, TOPICS, free_port, schemas, start

from pipeline import errors
from pipeline.serve import describe, server
from pipeline.serve.plugins import guard

COALITION_2021, OMBUDSMAN_2021 = "coalition-2022conf-2021", "acca-2022ombudsman-received"
DOCUMENT = "asia-plus-2019law"
ADDRESS = "https://asiaplus.news/en/news/tajikistan/power/20191016/tajikistan-toughens-punishment-for-torture"
QUERIES = {
    "who_says_what": {"year": "2021"},
    "complaints_by_year": {},
    "prosecutions_against_complaints": {},
    "visits_by_year": {},
    "latest_figures": {},
    "document_says": {"document": DOCUMENT},
    "list_conflicts": {},
    "list_partitions": {},
    "list_series": {"indicator": "complaints_documented_coalition"},
    "silence": {},
    "as_of": {"date": "2026-11-24"},
}


def metadata() -> dict[str, Any]:
    return dict(yaml.safe_load((HOME / "metadata.yml").read_text(encoding="utf-8")))


def database() -> dict[str, Any]:
    return dict(metadata()["databases"]["statistics"])


def answer(site: httpx.Client, query: str, **parameters: str) -> list[dict[str, Any]]:
    """The rows of a named query as the documented address gives them."""
    got = site.get(f"/statistics/{query}.json", params={"_shape": "array", **parameters})
    assert got.status_code == 200, got.text
    return list(got.json())


@pytest.mark.parametrize(
    "address", ["/statistics.json?sql=select+1", "/statistics?sql=select+1", "/statistics.csv?sql=select+1",
                "/statistics/-/query.json?sql=select+1", "/statistics/complaints.json?_where=1=1",
                "/statistics/-/query?sql=select+1"],
)  # fmt: skip
def test_sql_of_a_stranger_is_never_run(site: httpx.Client, address: str) -> None:
    """Arbitrary SQL is refused at the old address and at the new one, in every format, and as a where clause."""
    assert site.get(address).status_code in {400, 403, 404}


def test_no_query_hides_a_table() -> None:
    """A query that bears a table's name would take the table's address."""
    assert not set(database()["queries"]) & set(schemas())


def test_every_query_has_its_words() -> None:
    """Each named query has a title, a description and hidden SQL; the six that were promised are there."""
    told = database()["queries"]

    assert set(told) == set(QUERIES)
    assert all(q["title"] and (q.get("description") or q["description_html"]) and q["hide_sql"] for q in told.values())


@pytest.mark.parametrize("query", [query for query in QUERIES if not query.startswith(("list_", "silence"))])
def test_a_query_says_who_when_and_where(site: httpx.Client, query: str) -> None:
    """Each row of each query carries originator, publisher, window, place, address and key, with names beside codes."""
    got = answer(site, query, **QUERIES[query])
    always = {"originator", "originator_name", "publisher", "publisher_name", "period_start", "period_end", "printed",
              "locator", "url", "document_title", "claim_id", "topic", "indicator", "indicator_title", "unit",
              "qualifier", "value", "broken_down_by", "area_name", "period_words"}  # fmt: skip

    assert got
    assert always <= set(got[0])
    assert all(row["originator_name"] and row["url"].startswith("http") and row["locator"] for row in got)


@pytest.mark.parametrize(
    ("year", "expected"),
    [
        ("2021", {("coalition", 24), ("ombudsman-tj", 15)}),
        ("2019", {("coalition", 52), ("ombudsman-tj", 13), ("ombudsman-tj", 18)}),
    ],
)
def test_the_bodies_stand_side_by_side(site: httpx.Client, year: str, expected: set[tuple[str, int]]) -> None:
    """The rival totals of one year are all there, as numbers, none chosen or added."""
    whole = [row for row in answer(site, "who_says_what", year=year) if row["covers"] == "whole year"]

    assert expected <= {(row["originator"], row["value"]) for row in whole if row["topic"] == "complaints"}


def test_a_year_shows_what_touches_it_and_says_how(site: httpx.Client) -> None:
    """Whole-year figures come first; a half-year and a longer window are there and flagged; other years are not."""
    got = answer(site, "who_says_what", year="2021")
    covers = {row["claim_id"]: row["covers"] for row in got}

    assert covers[COALITION_2021] == "whole year"
    assert covers["cabar-amnesty-amnestied-2021"] == "part of the year"
    assert covers["radio-ozodi-2021prisons-institutions"] == "one day of the year"
    assert covers["coalition-2022conf-two-years"] == "the year and more"
    assert covers["coalition-2022dispute-received"] == "across a turn of the year"
    assert all(row["period_start"] <= "2021-12-31" and row["period_end"] >= "2021-01-01" for row in got)
    assert [row["covers"] == "whole year" for row in got] == sorted(
        (c == "whole year" for c in covers.values()), reverse=True
    )


def test_a_breakdown_is_told_in_words(site: httpx.Client) -> None:
    """A part is never shown as a total: the row says what it is broken down by."""
    told = {row["claim_id"]: row["broken_down_by"] for row in answer(site, "who_says_what", year="2023")}

    assert "sex: Women" in told["central-asia-news-2023-cases-women"]
    assert "sex" not in told["central-asia-news-2023-cases-total"]


def test_years_of_complaints_keep_parts_apart(site: httpx.Client) -> None:
    """Longer windows, breakdowns and appeals on all topics stay out; a half-year is flagged; rivals all stand."""
    rows = answer(site, "complaints_by_year")
    covers = {row["claim_id"]: row["covers"] for row in rows}

    assert (covers[COALITION_2021], covers["coalition-2022conf-2022"]) == ("whole year", "part of the year")
    assert {row["value"] for row in rows if (row["year"], row["originator"]) == ("2019", "ombudsman-tj")} == {18, 13}
    assert not {"coalition-2022conf-two-years", "central-asia-news-2023-cases-women"} & set(covers)
    assert [row["indicator"] for row in rows if row["indicator"].endswith("all_topics")] == []


def test_prosecutions_stand_beside_complaints_of_the_same_days(site: httpx.Client) -> None:
    """Under each period somebody spoke of: its cases and verdicts, then the complaint totals that touch it, flagged."""
    windows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in answer(site, "prosecutions_against_complaints"):
        windows.setdefault((row["window_start"], row["window_end"]), []).append(row)
    covers = {row["claim_id"]: row["covers"] for row in windows["2018-10-26", "2022-10-25"]}

    assert all(rows[0]["topic"] == "prosecutions" for rows in windows.values())
    assert (covers["coalition-2022dispute-officers"], covers[COALITION_2021]) == ("same days", "part of the window")
    assert all(
        r["period_start"] <= end and r["period_end"] >= start for (start, end), rows in windows.items() for r in rows
    )


def test_latest_figures_are_per_body(site: httpx.Client) -> None:
    """The newest window of each body for each indicator, and no older one of the same body."""
    ids = {row["claim_id"] for row in answer(site, "latest_figures")}

    assert {"coalition-2022conf-2022", OMBUDSMAN_2021} <= ids
    assert not {COALITION_2021, "coalition-2020websites-ombudsman-2019"} & ids


@pytest.mark.parametrize("document", [DOCUMENT, f"{ADDRESS} "])
def test_a_document_tells_figures_and_events(site: httpx.Client, document: str) -> None:
    """By identifier or address, a document gives its claims and its milestones, no other's."""
    got = answer(site, "document_says", document=document)

    assert {"law", "milestones"} <= {row["topic"] for row in got}
    assert {row["document_id"] for row in got} == {DOCUMENT}


def test_words_of_a_title_find_a_document(site: httpx.Client) -> None:
    """Who remembers only the title finds the document all the same, in any letter case."""
    got = answer(site, "document_says", document=" 2023 country REPORT on human rights")

    assert {row["document_id"] for row in got} == {"us-state-department-2023"}


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/statistics/who_says_what.json?_shape=array&year=", "four digits"),
        ("/statistics/who_says_what.json?_shape=array", "four digits"),
        ("/statistics/who_says_what.json?year=last", "four digits"),
        ("/statistics/who_says_what.json?year=٢٠٢١", "four digits"),
        ("/statistics/who_says_what.csv?year=20211", "four digits"),
        ("/statistics/who_says_what?year=1850", "four digits"),
        ("/statistics/who_says_what.json?year=2021&yaer=2019", "no parameter yaer; it takes year"),
        ("/statistics/who_says_what.json?year=2021&year=2019", "more than once"),
        ("/statistics/complaints_by_year.json?year=2021", "it takes none"),
        ("/statistics/document_says.json?document=nobody-wrote-this", "No document"),
        ("/statistics/complaints.json?colour=red", "no column colour; there are claim_id"),
        ("/statistics/complaints.json?_colour=red", "no parameter _colour"),
        ("/statistics/complaints.json?_sort=colour", "no column colour"),
        ("/statistics/complaints.json?indicator=nobody", "must be a code of the list /statistics/indicators"),
        ("/statistics/complaints.csv?value__gte=many", "compared with a number"),
        ("/statistics/complaints.json?value__near=5", "no condition near"),
        ("/statistics/complaints.json?_size=5&_size=6", "_size is given more than once"),
        ("/ru/statistics/complaints?colour=red", "столбца colour нет"),
        ("/statistics/vintages?_next=2019-01-01,a,1,2", "_next is not the start of a page"),
        ("/statistics/claims.json?_next=second", "_next is not the start of a page"),
        (f"/statistics/complaints/{COALITION_2021}.json?colour=red", "no parameter colour"),
        ("/statistics.json?colour=red", "no parameter colour"),
        ("/feed/changes.atom?since=2021", "no parameter since"),
        ("/openapi.yaml?colour=red", "no parameter colour"),
        ("/statistics/who_says_what.json?year=2021&_timelimit=x", "no parameter _timelimit"),
    ],
)
def test_a_bad_parameter_gets_a_sentence(site: httpx.Client, address: str, words: str) -> None:
    """What cannot be meant is a 400 that says what to give, never an empty list."""
    got = site.get(address)

    assert (got.status_code, words in html.unescape(got.text)) == (400, True)
    assert got.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("page", "begin"),
    [
        ("/statistics/who_says_what", "/statistics/who_says_what?year=2021"),
        ("/statistics/document_says?document=", "/statistics/documents"),
    ],
)
def test_a_query_opened_without_its_parameter_starts_somewhere(site: httpx.Client, page: str, begin: str) -> None:
    """A reader who follows the bare link lands on a filled example or on the list to choose from."""
    got = site.get(page)

    assert (got.status_code, got.headers["location"]) == (302, begin)


def test_other_sites_may_read_the_data(site: httpx.Client) -> None:
    """CORS is on for tables, queries and the database file, which may be downloaded."""
    for address in ("/statistics/complaints.json", "/statistics/complaints_by_year.csv", "/statistics.db"):
        got = site.get(address)

        assert (got.status_code, got.headers["access-control-allow-origin"]) == (200, "*")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT randomblob(1000001)",
        "SELECT length(randomblob(1000001))",
        f"SELECT {'1+' * 101}1",
        "SELECT 1" + " " * 20_000,
        f"SELECT 'a' LIKE '{'%a' * 51}'",
    ],
)
def test_no_connection_builds_a_giant(sql: str) -> None:
    """Cells, statements, expressions and patterns have a cap, whatever the time limit."""
    con = sqlite3.connect(":memory:")
    assert con.execute("SELECT length(randomblob(1000000))").fetchone() == (1_000_000,)
    guard.prepare_connection(con)

    with pytest.raises((sqlite3.DataError, sqlite3.OperationalError)):
        con.execute(sql).fetchall()


def test_the_running_server_has_the_caps(site: httpx.Client) -> None:
    """The plugin is loaded: a search pattern over the cap is refused in a table's own filter."""
    got = site.get("/statistics/complaints.json", params={"note__contains": "a" * 200})

    assert (got.status_code, "too complex" in got.text) == (400, True)


@pytest.mark.parametrize("table", schemas())
def test_a_table_page_describes_its_columns(site: httpx.Client, table: str) -> None:
    """Each table answers with the title and description of the schema, and each column with its words and unit."""
    schema, page = schemas()[table], html.unescape(site.get(f"/statistics/{table}").text)

    assert schema["description"] in page
    assert [f["name"] for f in schema["fields"] if f"{f['description']} Unit: {f['unit']}." not in page] == []


class Loads(HTMLParser):
    """What a page makes a browser fetch, and its inline scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.scripts: list[str] = []
        self.inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.inside = tag == "script" and "src" not in given
        wanted = given.get("src") or (given.get("href") if tag == "link" else None) or given.get("action")
        if wanted:
            self.addresses.append(wanted)

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.scripts.append(data)

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002  the parser's word
        self.inside = False


PAGES = [
    "/",
    "/statistics",
    "/statistics/complaints",
    f"/statistics/complaints/{COALITION_2021}",
    "/nowhere",
    "/statistics/indicators",
    "/statistics/documents",
    "/statistics/who_says_what?year=2021",
    "/statistics/complaints?_size=2",
    "/statistics/latest_figures",
    f"/statistics/document_says?document={DOCUMENT}",
    "/statistics/who_says_what?year=x",
]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_loads_only_from_here(site: httpx.Client, page: str) -> None:
    """No page fetches anything from a third party; it has no script and no inline style, and its policy allows none."""
    got = site.get(page)
    loads, policy = Loads(got.text), got.headers["content-security-policy"]

    assert [a for a in loads.addresses if not re.match(r"/(?!/)|http://127\.0\.0\.1:", a)] == []
    assert loads.scripts == []
    assert "unsafe-inline" not in policy
    assert "style=" not in got.text
    assert {"nosniff", "no-referrer", "DENY"} <= set(got.headers.values())


def test_a_number_links_to_its_passport_and_a_document_to_its_page(site: httpx.Client) -> None:
    """From a query or a table one click leads from a figure to its passport, and from a document to its page."""
    query = html.unescape(site.get("/statistics/who_says_what?year=2021").text)
    table = html.unescape(site.get("/statistics/complaints?_size=max").text)
    documents = html.unescape(site.get("/statistics/documents?_size=max").text)

    assert f'<a href="/figure/{COALITION_2021}">24</a>' in query
    assert f'<a href="/figure/{COALITION_2021}">24</a>' in table
    assert '<a href="/document/acca-2022ombudsman">' in query
    assert f'<a href="/document/{DOCUMENT}">Tajikistan toughens' in documents


def test_the_front_page_shows_what_readers_want(site: httpx.Client) -> None:
    """The nine tables, series, conflicts and what they refer to are in view; the small code lists are not."""
    shown = {t["name"] for t in site.get("/statistics.json").json()["tables"] if not t["hidden"]}

    assert shown == {
        *TOPICS, "milestones", "series", "conflicts", "partitions", "coverage", "vintages", "revisions",
        "documents", "indicators", "bodies", "areas", *COUNTED,
    }  # fmt: skip


def test_an_unchanged_release_is_not_sent_twice(site: httpx.Client) -> None:
    """The tag of an answer gets 304 without a body, unless a cookie makes the request personal; errors have no tag."""
    address = "/statistics/complaints_by_year.json?_shape=array"
    tag = site.get(address).headers["etag"]
    again = site.get(address, headers={"If-None-Match": f'"other", {tag}'})
    personal = site.get(address, headers={"If-None-Match": tag, "Cookie": "a=b"})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (personal.status_code, site.get(address, headers={"If-None-Match": 'W/"other"'}).status_code) == (200, 200)
    assert "etag" not in site.get("/nowhere").headers


def test_what_a_table_is_gets_asked_once() -> None:
    """The shape of a table that is there is kept, each question apart; of a name that a stranger made up nothing is."""
    asked: list[tuple[str, ...]] = []

    async def ask(*table: str) -> str:
        asked.append(table)
        return " ".join(table)

    async def answers() -> list[str]:
        shape = guard._remembered(ask, {"complaints"})
        names = [("complaints",), ("complaints", "view"), ("made-up",)]
        return [await shape(*name) for name in names + names]

    assert asyncio.run(answers()) == ["complaints", "complaints view", "made-up"] * 2
    assert asked == [("complaints",), ("complaints", "view"), ("made-up",), ("made-up",)]


@pytest.mark.parametrize(
    "page", ["/-/databases.json", "/-/threads.json", "/-/plugins", "/-/permissions", "/-/allow-debug"]
)
def test_pages_about_the_machine_are_shut(site: httpx.Client, page: str) -> None:
    """Datasette's pages about paths, threads and plugins are nobody's business."""
    assert site.get(page).status_code == 404


def test_the_server_says_one_line_and_leaves_with_its_parent(home: Path) -> None:
    """No request reaches the log, not even a bad one; TERM ends Datasette too, and the port is free again."""
    port = free_port()
    running = start(home, port)
    for address in (
        "/statistics/complaints",
        "/statistics/who_says_what.json?year=x",
        "/nowhere",
        "/statistics.json?sql=select+1",
        f"/statistics/complaints.json?note__contains={'a' * 200}",
    ):
        httpx.get(f"http://127.0.0.1:{port}{address}", trust_env=False, timeout=30)
    running.terminate()

    assert running.communicate(timeout=30) == ("", "")
    assert running.returncode == 0
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


def test_before_a_release_the_cure_is_named(tmp_path: Path) -> None:
    """Without a published database the command says what to type."""
    with pytest.raises(errors.UsageError, match="Type: make publish"):
        server.run(tmp_path, host="127.0.0.1", port=8001)


def test_a_release_of_other_code_is_refused(home: Path, tmp_path: Path) -> None:
    """What the pages ask for would be missing from its database, and would look as if nothing were there."""
    (tmp_path / "build" / "current").mkdir(parents=True)
    older = shutil.copy(home / "build" / "current" / "statistics.db", tmp_path / "build" / "current")
    with sqlite3.connect(older) as base:
        base.execute("PRAGMA user_version = 1")

    with pytest.raises(errors.UsageError, match="has shape 1, expected 2"):
        server.run(tmp_path, host="127.0.0.1", port=8001)


def test_a_taken_port_is_named(home: Path) -> None:
    """A port in use is named with the way to another one."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]

        with pytest.raises(errors.UsageError, match=f"port {port} .*make serve PORT="):
            server.run(home, host="127.0.0.1", port=port)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_number_that_is_no_port_is_refused(home: Path, port: int) -> None:
    """Ports lie between 1 and 65535."""
    with pytest.raises(errors.UsageError, match="between 1 and 65535"):
        server.run(home, host="127.0.0.1", port=port)


def test_the_release_is_opened_by_its_own_path(home: Path) -> None:
    """The server never follows build/current again: a new release does not mix into the answers of an old one."""
    words = server.command(home / "build" / "current", home / "metadata.yml", ["--port", "8001"])

    assert str(home / "build" / "releases" / "0a" / "statistics.db") == words[words.index("--immutable") + 1]


def test_the_committed_descriptions_are_those_of_the_schemas() -> None:
    """metadata.yml is what `make publish` would write: every table and column of the schemas, and no other."""
    text = (HOME / "metadata.yml").read_text(encoding="utf-8")
    columns = {name: list(table["columns"]) for name, table in database()["tables"].items()}

    assert describe.refresh(text, dict(reversed(schemas().items()))) == text
    assert columns == {name: [field["name"] for field in schema["fields"]] for name, schema in schemas().items()}


def test_facets_and_order_name_real_columns() -> None:
    """What a hand keeps beside the schemas, facets and sort order, names columns the schemas have."""
    columns = {name: {field["name"] for field in schema["fields"]} for name, schema in schemas().items()}

    assert [name for name, facets in describe.FACETS.items() if not set(facets) <= columns[name]] == []
    assert [name for name, order in describe.SORT.items() if not set(order.values()) <= columns[name]] == []


def test_a_changed_schema_reaches_its_table_and_nothing_else_moves() -> None:
    """A new column of one topic appears in the description of its table; the part kept by hand stays as it is."""
    text = (HOME / "metadata.yml").read_text(encoding="utf-8")
    changed = json.loads(json.dumps(schemas()))
    changed["training"]["fields"].append(
        {"name": "sex", "title": "Sex", "description": "Of the trained.", "unit": "code"}
    )

    refreshed = describe.refresh(text, changed)

    assert yaml.safe_load(refreshed)["databases"]["statistics"]["tables"]["training"]["columns"]["sex"] == (
        "Sex. Of the trained. Unit: code."
    )
    assert refreshed.partition(describe.MARKER)[0] == text.partition(describe.MARKER)[0]
    assert describe.refresh(refreshed, schemas()) == text


def test_a_metadata_file_without_its_marker_is_refused() -> None:
    """Nothing is rewritten, and the message says what is missing."""
    text = (HOME / "metadata.yml").read_text(encoding="utf-8")

    with pytest.raises(errors.UsageError, match="found 0 times"):
        describe.refresh(text.replace(describe.MARKER, ""), schemas())


def test_the_view_of_all_claims_tells_every_breakdown_in_words(home: Path) -> None:
    """Each claim of each topic stands once in the view `claims`, with its breakdowns in words, and labels for codes."""
    with sqlite3.connect(home / "build" / "current" / "statistics.db") as connection:
        placed = sum(connection.execute(f"SELECT count(*) FROM {topic}").fetchone()[0] for topic in TOPICS)
        shown = connection.execute(
            "SELECT count(*), count(indicator_title), count(DISTINCT claim_id) FROM claims"
        ).fetchone()
        parts = connection.execute(
            "SELECT broken_down_by FROM claims WHERE claim_id = 'coalition-2020women-women'"
        ).fetchone()[0]

    assert shown == (placed, placed, placed)
    assert parts == "sex: Women and girls"


def test_a_reporter_reads_why_figures_disagree(site: httpx.Client) -> None:
    """Contradictions come first, each with its arithmetic in words."""
    rows = answer(site, "list_conflicts")

    assert rows[0]["kind"] == "contradiction"
    assert "24 in 2021 and 16 from 1 January to 25 October 2022 make 40" in rows[0]["explanation_en"]


@pytest.mark.parametrize(("prefix", "language"), [("", "en"), ("/ru", "ru"), ("/tg", "tg")])
def test_no_explanation_is_cut_short_on_its_page(site: httpx.Client, prefix: str, language: str) -> None:
    """A reporter reads the whole sentence in the language of the page, and in no other."""
    page = html.unescape(site.get(f"{prefix}/statistics/list_conflicts").text)
    told = answer(site, "list_conflicts")
    others = [other for other in ("en", "ru", "tg") if other != language]

    assert [row["conflict_id"] for row in told if row[f"explanation_{language}"] not in page] == []
    assert [row["conflict_id"] for row in told for other in others if row[f"explanation_{other}"] in page] == []


def test_disagreements_of_one_kind_can_be_asked_for(site: httpx.Client) -> None:
    """Without a kind all come; with one only its own; a word that is no kind is a sentence."""
    every = answer(site, "list_conflicts")
    of_kind = {kind: answer(site, "list_conflicts", kind=kind) for kind in {row["kind"] for row in every}}
    wrong = site.get("/statistics/list_conflicts.json?kind=quarrel")
    page = site.get("/statistics/list_conflicts")

    assert {kind: {row["kind"] for row in rows} for kind, rows in of_kind.items()} == {kind: {kind} for kind in of_kind}
    assert sum(map(len, of_kind.values())) == len(every)
    assert (wrong.status_code, "kind must be contradiction" in wrong.text, page.status_code) == (400, True, 200)


def test_parts_stand_beside_their_total(site: httpx.Client) -> None:
    """What is left to none of the parts comes first."""
    first = answer(site, "list_partitions")[0]

    assert (first["parts_sum"], first["total"], first["remainder"], first["fit"]) == (3444, 3450, 6, "mismatch")


def test_a_series_answers_for_one_indicator_and_refuses_an_unknown_one(site: httpx.Client) -> None:
    """Years with bounds and headline; an indicator without a series is a sentence and 400, never an empty list."""
    rows = {row["year"]: row for row in answer(site, "list_series", indicator="complaints_documented_coalition")}
    unknown = site.get("/statistics/list_series.json", params={"_shape": "array", "indicator": "no_such_thing"})

    assert (rows[2021]["headline"], rows[2022]["low"], rows[2022]["high"]) == (24, 16, None)
    assert (unknown.status_code, "No series bears this indicator" in unknown.text) == (400, True)


def test_silence_is_listed_with_its_ground(site: httpx.Client) -> None:
    """What is due and was not found names body, figure, day and ground; what is merely unasked is not listed."""
    rows = {row["coverage_id"]: row for row in answer(site, "silence")}

    assert rows["ombudsman-received.2020"]["due_on"] == "2021-04-30"
    assert "article 24" in rows["ombudsman-received.2020"]["duty_title"]
    assert {row["state"] for row in rows.values()} == {"late"}
