"""Figures read by people, checked against the archived page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from web import sites
from web.loopback import LOOPBACK, Page, Web, redirect

from pipeline import archive, errors, guard, scrape
from pipeline.scrape import evidence

NEWS = "http://coalition.example/news/1"


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as web:
        web.sites["coalition.example"] = {
            "/news/1": Page(
                sites.page(
                    "Новости", "В 2021 году коалиция документировала 24 случая пыток, всего 1\u00a0170 обращений."
                )
            ),
            "/old": redirect("/news/1", 301),
            "/report.pdf": Page(sites.pdf("31"), "application/pdf"),
            "/gone": Page(b"", status=410),
            "/sick": Page(b"", status=500),
        }
        yield web


@pytest.fixture
def store(tmp_path: Path) -> Iterator[archive.Archive]:
    with archive.Archive(tmp_path) as store:
        yield store


def live(store: archive.Archive, web: Web) -> scrape.Polite:
    inner = archive.Recording(store, guard.Guard(permitted=LOOPBACK, resolve=web.resolve))
    return scrape.Polite(inner, gap_s=0.0, sleep=lambda _: None)


def claim(name: str, document: str, printed: str, value: str = "", **told: str) -> dict[str, str]:
    known = {"version": "1", "indicator": "appeals", "evidence": "not_yet_checked", "capture_sha256": ""}
    return known | {"claim_id": name, "document_id": document, "printed": printed, "value": value or printed} | told


PATHS = {"news": "/news/1", "old": "/old", "report": "/report.pdf", "gone": "/gone", "sick": "/sick", "never": "/never"}
ADDRESSES = {name: f"http://coalition.example{path}" for name, path in PATHS.items()} | {"book": "", "paper": "p. 12"}
NEAR = {"appeals": ["пыт", "обращ"]}


def checked(store: archive.Archive, claims: list[dict[str, str]], **options) -> dict[str, dict[str, str]]:
    found = evidence.checked(claims, ADDRESSES, store, archive.Replay(store), near=NEAR, **options)
    return {row["claim_id"]: row for row in found}


def test_each_claim_gets_the_evidence_that_the_archive_holds(store: archive.Archive, web: Web) -> None:
    """Found, not found, gone, or nothing said: each with the page it rests on, after a redirect too."""
    client = live(store, web)
    for name in ("news", "old", "report", "gone", "sick"):
        scrape.follow(client.handle_request, httpx.Request("GET", ADDRESSES[name]))
    claims = [
        claim("a", "news", "24"), claim("b", "old", "1 170"), claim("c", "news", "25"), claim("d", "report", "31"),
        claim("e", "gone", "5"), claim("f", "sick", "5"), claim("g", "never", "5"),
        claim("h", "book", "5"), claim("i", "paper", "5"),
        claim("j", "news", "not_recorded", "1170"),
    ]  # fmt: skip
    found = checked(store, claims)
    known = [one | {key: found[one["claim_id"]][key] for key in ("evidence", "capture_sha256")} for one in claims
             if one["claim_id"] in found]  # fmt: skip
    read = checked(store, [claims[3]], read=lambda body, _: f"{body.decode()} обращений")

    assert {name: (row["evidence"], bool(row["capture_sha256"])) for name, row in found.items()} == {
        "a": ("in_capture", True), "b": ("in_capture", True), "c": ("not_found", True), "e": ("page_gone", False),
        "j": ("in_capture", True),
    }  # fmt: skip
    assert found["b"]["url"] == ADDRESSES["old"]
    assert checked(store, known) == {}
    assert read["d"]["evidence"] == "in_capture"
    assert (
        checked(store, [claims[3]], read=lambda body, _: f"{body.decode()} обращений")["d"]["evidence"] == "in_capture"
    )


@pytest.mark.parametrize(
    ("seen", "printed", "expected"),
    [
        ("24 случая", "24", True),
        ("124 случая", "24", False),
        ("24,5 %", "24", False),
        ("1 124 дела", "124", False),
        ("24 000 сомони", "24", False),
        ("всего 24.", "24", True),
        ("24, из них", "24", True),
        ("1\u202f170", "1 170", True),
        ("более 40 жалоб", "Более 40", True),
        ("no number", "24", False),
        ("(24)", "24", True),
        ("143(1)", "1", True),
        ("a+b", "(", False),
    ],
)
def test_a_number_stands_there_only_as_a_whole(seen: str, printed: str, *, expected: bool) -> None:
    """Never as a part of another number."""
    assert evidence.number_stands(seen, printed, printed) is expected


def test_a_number_far_from_its_words_is_not_its_evidence() -> None:
    """A page number or a date elsewhere proves nothing."""
    text = "24 марта. " + "слово " * 200 + "жалобы на пытки"

    assert evidence.number_stands(text, "24", "24", ["пытк"]) is False
    assert evidence.number_stands(text, "24", "24") is True


def test_the_copy_nearest_in_time_stands_for_a_page_that_is_gone(store: archive.Archive, web: Web) -> None:
    """What the Wayback Machine kept is evidence, and says by way of whom it came; where it kept nothing, nothing is."""

    class Wayback(scrape.Polite):
        def handle_request(self, request):
            asked.append(str(request.url))
            request.url = request.url.copy_with(scheme="http")
            return super().handle_request(request)

    asked: list[str] = []
    rows = [
        ["timestamp", "original", "statuscode", "digest"],
        ["20190304050607", "http://coalition.example/gone", "200", "X"],
    ]
    copy = "/web/20190304050607id_/http://coalition.example/gone"

    def cdx(conn) -> None:
        body = json.dumps(rows).encode()
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    class Paths(dict):
        def get(self, path, default=None):
            return cdx if path.startswith("/cdx/") else dict.get(self, path, default)

    web.sites["web.archive.org"] = Paths({copy: Page(sites.page("2019", "52 обращения"))})
    scrape.follow(live(store, web).handle_request, httpx.Request("GET", ADDRESSES["gone"]))
    fair = evidence.copy_is_fair(store.last(ADDRESSES["gone"]))
    transport = Wayback(
        archive.Recording(store, guard.Guard(permitted=LOOPBACK, resolve=web.resolve)), sleep=lambda _: None
    )
    found = evidence.wayback(ADDRESSES["gone"], "20190101", transport)
    del rows[1:]
    nothing = evidence.wayback("http://coalition.example/other", "20190101", transport)
    row = checked(store, [claim("x", "gone", "52")])["x"]

    assert (fair, found, nothing) == (True, f"https://web.archive.org{copy}", "")
    assert "closest=20190101" in asked[0]
    assert (row["evidence"], row["via"], row["url"]) == ("in_capture", "web.archive.org", ADDRESSES["gone"])


def test_a_page_that_robots_forbids_is_not_fetched_by_way_of_others(store: archive.Archive) -> None:
    """The publisher's no holds for copies too; an outage and a refusal at the door do not count as one."""
    verdicts = [
        evidence.copy_is_fair(store.add_failure("http://a.example/", error("x")))
        for error in (errors.ForbiddenByRobots, errors.Unreachable)
    ]

    assert verdicts == [False, True]
