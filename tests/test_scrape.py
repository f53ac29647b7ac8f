"""Visits to the loopback web: discovery, a second run, replay, and how a year of troubles is told apart."""

from __future__ import annotations

import json
import re
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from web import hostile, sites
from web.loopback import HURRY, LOOPBACK, Page, Web, redirect

from pipeline import archive, catalog, errors, guard, scrape
from pipeline.records import Rule, Source
from pipeline.scrape import health, pages

FIRST_DAY = date(2026, 3, 3)
WHOLE = sites.page("Новости", "24 новых случая пыток")


class World:
    """The loopback web, an archive, and days that pass."""

    def __init__(self, folder: Path, web: Web) -> None:
        self.folder, self.web, self.today = folder, web, FIRST_DAY
        self.health: dict[str, health.Health] = {}
        self.last_run = ""

    def visit(self, sources: list[Source], *, watch=None) -> list[scrape.Visit]:
        moment = datetime(self.today.year, self.today.month, self.today.day, 6, tzinfo=UTC)
        with archive.Archive(self.folder / "archive", clock=lambda: moment) as store:
            client = self.client(archive.Recording(store, guard.Guard(permitted=LOOPBACK, resolve=self.web.resolve)))
            return self._visited(sources, client, store, watch or {})

    def replay(self, sources: list[Source]) -> list[scrape.Visit]:
        with archive.Archive(self.folder / "archive") as store:
            return [scrape.visit(one, self.client(archive.Replay(store)), store) for one in sources]

    def client(self, inner) -> scrape.Polite:
        return scrape.Polite(inner, **HURRY)

    def _visited(self, sources, client, store, watch) -> list[scrape.Visit]:
        known = health.pages(self.health)
        visits = [scrape.visit(one, client, store, known.get(one.id, {}), watch.get(one.id, ())) for one in sources]
        self.last_run = store.run
        for source, visited in zip(sources, visits, strict=True):
            self.health[source.id] = health.judged(source, visited, self.health.get(source.id), self.today)
        self.today += timedelta(days=7)
        return visits

    def captures(self, run: str = "") -> list:
        with archive.Archive(self.folder / "archive") as store:
            return list(store.captures(run))


@pytest.fixture
def world(tmp_path: Path, web: Web) -> World:
    sites.describe(tmp_path)
    return World(tmp_path, web)


def told(visits: list[scrape.Visit]) -> list[tuple]:
    return [
        (visit.source, one.url, one.state, one.code, one.capture.sha256 if one.capture else "")
        for visit in visits
        for one in visit.sightings
    ]


def test_ten_sites_are_discovered_archived_and_replayed_offline_to_the_same_bytes(world: World, web: Web) -> None:
    """Listings with pagers, feeds, sitemaps, numbers, redirects, cp1251, PDF, DOCX: each page found, no other."""
    sources = catalog.sources(world.folder)[0]
    first = world.visit(sources)
    asked = len(web.asked)
    again = world.replay(sources)
    urls = {one.url for visit in first for one in visit.sightings if not one.entry}

    assert [one for visit in first for one in visit.sightings if one.state != "ok"] == []
    assert told(again) == told(first)
    assert len(web.asked) == asked
    assert sum("coalition.example" in url for url in urls) == 10
    assert "http://coalition.example/tj/news/pytki-0-1" in urls
    assert "http://press.example/en/news/laworder/20260301/torture-complaints" in urls
    assert "http://radio.example/a/32701137.html" in urls
    assert sum("docstore.example" in url for url in urls) == 2
    assert [url for url in urls if re.search("chess|shakhmaty|admin|trap", url)] == []
    assert {visit.source for visit in first} == set(sites.RULES)


def test_a_second_run_on_an_unchanged_web_parses_nothing_and_stores_no_byte_twice(world: World) -> None:
    """Every answered page is a 304 or a revisit, and every source is unchanged."""
    sources = catalog.sources(world.folder)[0]
    first = world.visit(sources)
    second = world.visit(sources)
    kinds = {(capture.kind, capture.status) for capture in world.captures(world.last_run)}

    assert sum(visit.parsed for visit in first) > 30
    assert sum(visit.parsed for visit in second) == 0
    assert kinds <= {("revisit", 200), ("revisit", 404), ("response", 301)}
    assert {world.health[source.id]["state"] for source in sources} == {"unchanged"}
    assert [one.url for visit in second for one in visit.sightings] == [
        one.url for visit in first for one in visit.sightings
    ]


def test_a_hostile_source_takes_no_other_with_it(world: World, web: Web) -> None:
    """Each of its pages ends in its own code, login pages and false types included; the next source is read."""
    stop = threading.Event()
    web.sites[hostile.HOST] = hostile.site(stop)
    codes = {
        "/login": "E_NOT_EXPECTED_CONTENT",
        "/captcha": "E_NOT_EXPECTED_CONTENT",
        "/html.pdf": "E_TYPE_MISMATCH",
        "/half.pdf": "E_NO_EOF_MARK",
        "/bomb": "E_RATIO",
        "/private/x": "E_ROBOTS",
        "/to-file": "E_SCHEME",
        "/loop": "E_REDIRECTS",
        "/short": "E_TRUNCATED",
        "/name": "",
        "/good": "",
    }
    addresses = tuple(f"http://{hostile.HOST}{path}" for path in codes)
    source = Source("hostile", {}, "x", ("en",), "x", "figures", (Rule("pages", addresses),), "irregular", "figures")
    atlas = catalog.source(world.folder / "sources" / "atlas" / "source.yml")
    visits = world.visit([source, atlas])
    stop.set()

    assert {one.url.removeprefix(f"http://{hostile.HOST}"): one.code for one in visits[0].sightings} == codes
    assert {one.state for one in visits[1].sightings} == {"ok"}
    assert {capture.code for capture in world.captures() if capture.kind == "failure"} >= {
        "E_RATIO",
        "E_TRUNCATED",
        "E_NO_EOF_MARK",
    }


COALITION = "http://coalition.example/news"


@pytest.fixture
def coalition(world: World) -> Source:
    return catalog.source(world.folder / "sources" / "coalition" / "source.yml")


def outage(site: dict) -> None:
    for path in list(site):
        site[path] = Page(b"", status=502)


def wall(site: dict) -> None:
    for path in list(site):
        if path != "/robots.txt":
            site[path] = Page("<html><body>Проверка браузера. Подтвердите, что вы не робот.</body></html>".encode())


def redesign(site: dict) -> None:
    for path in [path for path in site if re.search(r"/news(\?|$)", path)]:
        site[path] = Page(sites.page("Лента", "24 случая пыток", "/lenta/1 Пытки", "/lenta/2 Пытки"))


def edit(site: dict) -> None:
    site["/news/pytki-0-0"] = Page(
        site["/news/pytki-0-0"].body.replace("24 новых".encode(), "19 новых".encode()), etag=True
    )


def delete(site: dict) -> None:
    site["/news/pytki-0-0"] = Page(b"<html>no</html>", status=404)


def test_a_file_of_the_wrong_kind_stays_one_problem_though_its_bytes_do_not_change(
    world: World, coalition: Source
) -> None:
    """A remembered page keeps its code: the second sighting belongs to the first."""
    site = world.web.sites["coalition.example"]
    world.visit([coalition])
    site["/news/pytki-0-0"] = Page(WHOLE, "application/pdf", etag=True)
    for _ in range(3):
        world.visit([coalition])

    assert [(one["code"], one["sightings"]) for one in world.health["coalition"]["problems"]] == [
        ("E_TYPE_MISMATCH", 3)
    ]


def test_a_report_that_is_replaced_in_silence_is_seen(world: World) -> None:
    """A PDF at the same address with other bytes is an edit, though no sentence of it is read here."""
    treaty = catalog.source(world.folder / "sources" / "treaty" / "source.yml")
    site = world.web.sites["docstore.example"]
    path = next(path for path in site if path.endswith("1"))
    world.visit([treaty])
    site[path] = Page(sites.pdf("98 complaints"), "application/pdf", etag=True)
    for _ in range(2):
        world.visit([treaty])

    assert [one["state"] for one in health.alarms(world.health)] == ["edited"]


def test_the_same_trouble_a_second_time_is_a_new_problem(world: World, coalition: Source) -> None:
    """An id belongs to one outage, not to outages as such."""
    site = world.web.sites["coalition.example"]
    whole = dict(site)
    for _ in range(2):
        site |= whole
        world.visit([coalition])
        outage(site)
        world.visit([coalition])

    assert len({problem["id"] for problem in world.health["coalition"]["problems"]}) == 2


def test_an_outage_hides_no_other_problem_and_closes_none(world: World, coalition: Source) -> None:
    """What could not be looked at is not mended."""
    site = world.web.sites["coalition.example"]
    whole = dict(site)
    world.visit([coalition])
    delete(site)
    world.visit([coalition])
    broken = dict(site)
    outage(site)
    world.visit([coalition])
    site |= broken
    world.visit([coalition])
    removed = [problem for problem in world.health["coalition"]["problems"] if problem["state"] == "removed"]
    site |= whole

    assert [(problem["sightings"], problem["closed_on"]) for problem in removed] == [(2, "")]


def test_an_outage_does_not_end_a_silence(world: World) -> None:
    """A report that is overdue stays overdue while the site is down."""
    ombudsman = catalog.source(world.folder / "sources" / "ombudsman" / "source.yml")
    site = world.web.sites["ombudsman.example"]
    world.today = date(2025, 5, 20)
    world.visit([ombudsman])
    world.today = date(2026, 5, 20)
    world.visit([ombudsman])
    outage(site)
    world.visit([ombudsman])
    problems = world.health["ombudsman"]["problems"]

    assert [(one["state"], one["closed_on"]) for one in problems] == [("silent", ""), ("unreachable", "")]


def test_a_page_that_was_not_looked_at_is_not_mended(world: World, coalition: Source) -> None:
    """A removed page that no list names any more stays a problem until someone deals with it."""
    url = "http://coalition.example/news/old-report"
    world.web.sites["coalition.example"]["/news/old-report"] = Page(sites.page("2012", "31 жалоба на пытки"))
    world.visit([coalition], watch={"coalition": [url]})
    del world.web.sites["coalition.example"]["/news/old-report"]
    world.visit([coalition], watch={"coalition": [url]})
    world.visit([coalition])

    assert [(one["state"], one["closed_on"]) for one in world.health["coalition"]["problems"]] == [("removed", "")]


@pytest.mark.parametrize(
    ("last_new", "today", "expected"),
    [
        (date(2025, 4, 20), date(2026, 5, 13), None),
        (date(2025, 4, 20), date(2026, 5, 14), date(2026, 4, 30)),
        (date(2025, 11, 1), date(2026, 5, 14), None),
        (date(2026, 5, 2), date(2026, 5, 14), None),
        (date(2024, 12, 1), date(2026, 1, 5), None),
        (date(2024, 6, 1), date(2026, 1, 5), date(2025, 4, 30)),
    ],
)
def test_a_figure_is_overdue_two_weeks_after_its_day(last_new: date, today: date, expected: date | None) -> None:
    """Anything new within half a period before the day, or after it, counts."""
    source = Source("x", {}, "x", ("en",), "x", "figures", (), "yearly", "figures", due=((4, 30),))

    assert health.overdue(source, last_new, today) == expected


def test_what_health_keeps_and_prints_holds_no_word_of_a_page(world: World, coalition: Source) -> None:
    """Pages name victims; health.json and the table hold hashes, times, addresses and our own sentences."""
    site = world.web.sites["coalition.example"]
    site["/news/pytki-0-0"] = Page(sites.page("Ном", "Рахимов Рахим, 24 случая пыток."), etag=True)
    world.visit([coalition])
    site["/news/pytki-0-0"] = Page(sites.page("Ном", "Рахимов Рахим, 25 случаев пыток."), etag=True)
    redesign(site)
    for _ in range(2):
        world.visit([coalition], watch={"coalition": ["http://coalition.example/news/pytki-0-0"]})
    health.save(world.folder / "build" / "health.json", world.health)
    kept = (world.folder / "build" / "health.json").read_text("utf-8")
    shown = json.dumps([health.states(world.health), health.alarms(world.health)], ensure_ascii=False)

    assert health.load(world.folder / "build" / "health.json") == world.health
    assert "ахимов" not in kept + shown
    assert "случа" not in kept + shown
    assert "source.yml" in shown
    assert json.loads(kept)["alarms"]


def test_a_machine_without_network_is_noticed_once_and_in_seconds() -> None:
    """Names that are not found, or look-ups that hang, are answered within the time allowed."""
    stop = threading.Event()

    def nothing(*_: object) -> list[tuple[str, int]]:
        raise OSError

    def hangs(*_: object) -> list[tuple[str, int]]:
        stop.wait(30)
        return []

    started = time.monotonic()
    answers = [
        scrape.is_online(["a.example", "b.example"], resolve=resolve, wait_s=0.3) for resolve in (nothing, hangs)
    ]
    took_s = time.monotonic() - started
    stop.set()
    with Web() as web:
        web.sites["b.example"] = {}
        answers.append(scrape.is_online(["a.example", "b.example"], resolve=web.resolve, wait_s=2.0))

    assert answers == [False, False, True]
    assert took_s < 1.5


def test_pages_that_figures_rest_on_are_asked_for_even_when_no_list_names_them(world: World, coalition: Source) -> None:
    """A cited page that disappears is noticed though it left the listing long ago."""
    url = "http://coalition.example/news/old-report"
    world.web.sites["coalition.example"]["/news/old-report"] = Page(sites.page("2012", "31 жалоба на пытки"))
    for _ in range(3):
        world.visit([coalition], watch={"coalition": [url]})
        world.web.sites["coalition.example"].pop("/news/old-report", None)

    assert [(one["state"], one["urls"]) for one in health.alarms(world.health)] == [("removed", [url])]


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        ("15 жалоб".encode(), "text/html", "15 жалоб"),
        ("15 жалоб".encode("cp1251"), "text/html; charset=windows-1251", "15 жалоб"),
        (
            b"<meta charset=windows-1251>" + "15 жалоб".encode("cp1251"),
            "text/html",
            "<meta charset=windows-1251>15 жалоб",
        ),
        ("15 жалоб".encode("cp1251"), "text/html", "15 жалоб"),
        ("15 жалоб".encode("utf-16"), "text/html", "15 жалоб"),
        ("ҷ".encode("utf-8-sig"), "text/html; charset=cp1251", "ҷ"),
        ("жалоб".encode("koi8-r"), "text/html; charset=KOI8-R", "жалоб"),
        (b"abc", "text/html; charset=punycode", "abc"),
        (b"abc", "text/html; charset=no-such", "abc"),
    ],
)
def test_a_page_is_read_in_its_own_charset(body: bytes, content_type: str, expected: str) -> None:
    """Mark, header, meta, UTF-8, cp1251, in this order; no codec that unpacks or computes."""
    assert pages.markup(body, content_type) == expected


def test_links_are_absolute_in_order_and_not_from_scripts_or_comments() -> None:
    """What a reader can click, with its words."""
    marked = (
        "<!-- <a href='/no'>no</a> --><script>'<a href=\"/no\">'</script><A HREF=/one?a=1&amp;b=2#x>One <b>two</b></A>"
        "<a\nclass=x href='http://other.example/'>Other</a><a href='javascript:x()'>J</a><a href='mailto:x@x'>M</a>"
        "<a href='/one?a=1&amp;b=2'>again</a>"
    )

    assert pages.links("listing", marked, "http://a.example/news/") == [
        ("http://a.example/one?a=1&b=2", "One two"),
        ("http://other.example/", "Other"),
    ]


@pytest.mark.parametrize(
    "unit", ["<", "<a ", "<a href=", "<script>", "<!--", "<item>", "<loc> ", "1 ", "&", "<a href='x'>", "charset="]
)
def test_a_hostile_page_costs_no_more_than_a_long_one(unit: str) -> None:
    """Two megabytes of the same trap are read in linear time."""
    body = (unit * (2_000_000 // len(unit))).encode()
    started = time.process_time()
    marked = pages.markup(body)
    for kind in ("listing", "feed", "sitemap"):
        pages.links(kind, marked, "http://a.example/")
    pages.figures(pages.text(marked), ["a"])

    assert time.process_time() - started < 5


def test_a_changed_number_in_the_same_words_is_seen_and_a_new_sentence_is_not_a_change() -> None:
    """Counters and dates elsewhere on the page do not matter."""
    before = pages.figures("В 2021 году 24 жалобы на пытки. Просмотров: 12", ["пытк"])
    added = pages.figures("В 2021 году 24 жалобы на пытки. Просмотров: 99\nВ 2022 году 16 жалоб на пытки.", ["пытк"])
    edited = pages.figures("В 2021 году 19 жалобы на пытки. Просмотров: 99", ["пытк"])

    assert pages.changed_figures(before, added) == 0
    assert pages.changed_figures(before, edited) == 1


def test_a_redirect_to_a_wall_is_seen_as_a_wall(world: World, coalition: Source) -> None:
    """Some sites send robots to a login page with status 200."""
    site = world.web.sites["coalition.example"]
    site["/login"] = Page(b"<html><body><form>Log in <input type='password'></form></body></html>")
    site |= {path: redirect("/login") for path in site if path.startswith("/news")}
    visited = world.visit([coalition])[0]

    assert {one.state for one in visited.sightings if one.url.startswith(COALITION)} == {"walled"}
    assert {one.code for one in visited.sightings if one.url.startswith(COALITION)} == {errors.NotExpectedContent.code}
