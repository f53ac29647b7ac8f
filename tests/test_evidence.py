"""Figures read by people, checked against the archived page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

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


def claim(name: str, document: str, printed: str, value: str = "") -> dict[str, str]:
    return {"claim_id": name, "document_id": document, "printed": printed, "value": value or printed}


PATHS = {"news": "/news/1", "old": "/old", "report": "/report.pdf", "gone": "/gone", "sick": "/sick", "never": "/never"}
ADDRESSES = {name: f"http://coalition.example{path}" for name, path in PATHS.items()} | {"book": "", "paper": "p. 12"}


def test_each_claim_gets_the_evidence_that_the_archive_holds(store: archive.Archive, web: Web) -> None:
    """Found, not found, gone, or not looked at: each with the page it rests on, after a redirect too."""
    addresses = {name: url for name, url in ADDRESSES.items() if name != "never"}
    evidence.fetched(
        [url for url in addresses.values() if url.startswith("http")], live(store, web), archive.Replay(store)
    )
    claims = [
        claim("a", "news", "24"), claim("b", "old", "1 170"), claim("c", "news", "25"), claim("d", "report", "31"),
        claim("e", "gone", "5"), claim("f", "sick", "5"), claim("g", "never", "5"),
        claim("h", "book", "5"), claim("i", "paper", "5"),
        claim("j", "news", "not_recorded", "1170"),
    ]  # fmt: skip
    found = {
        one.claim_id: (one.evidence, bool(one.capture_sha256))
        for one in evidence.checked(claims, ADDRESSES, archive.Replay(store), near=["пыт", "обращ"])
    }

    assert found == {
        "a": ("in_capture", True), "b": ("in_capture", True), "c": ("not_found", True), "d": ("not_yet_checked", True),
        "e": ("page_gone", False), "f": ("not_yet_checked", False), "g": ("not_yet_checked", False),
        "h": ("not_yet_checked", False), "i": ("not_yet_checked", False), "j": ("in_capture", True),
    }  # fmt: skip


def test_a_reader_of_reports_can_be_given(store: archive.Archive, web: Web) -> None:
    """What extract reads from a PDF counts like a page."""
    evidence.fetched([ADDRESSES["report"]], live(store, web), archive.Replay(store))
    found = evidence.checked(
        [claim("d", "report", "31")], ADDRESSES, archive.Replay(store), read=lambda body, _: body.decode()
    )

    assert found[0].evidence == "in_capture"


def test_a_few_documents_a_run_are_fetched_and_the_rest_next_time(store: archive.Archive, web: Web) -> None:
    """What is held or gone is not asked for again; what failed comes after what was never asked."""
    urls = [ADDRESSES[name] for name in ("sick", "news", "gone", "report", "old")]
    asked = []
    for _ in range(4):
        start = len(web.asked)
        evidence.fetched(urls, live(store, web), archive.Replay(store), most=2)
        asked.append(list(dict.fromkeys(one.path for one in web.asked[start:] if one.path != "/robots.txt")))

    assert asked == [["/sick", "/news/1"], ["/gone", "/report.pdf"], ["/old", "/news/1", "/sick"], ["/sick"]]


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


def test_the_copy_nearest_in_time_is_taken_from_the_wayback_machine(store: archive.Archive, web: Web) -> None:
    """Its address, kept in the archive, says that it came by way of another."""
    asked: list[str] = []

    class Wayback(scrape.Polite):
        def handle_request(self, request):
            asked.append(str(request.url))
            request.url = request.url.copy_with(scheme="http")
            return super().handle_request(request)

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

    web.sites["web.archive.org"] = Paths({copy: Page(sites.page("2019", "52 жалобы"))})
    transport = Wayback(
        archive.Recording(store, guard.Guard(permitted=LOOPBACK, resolve=web.resolve)), sleep=lambda _: None
    )
    found = evidence.wayback("http://coalition.example/gone", "20190101", transport)
    del rows[1:]
    nothing = evidence.wayback("http://coalition.example/other", "20190101", transport)

    assert found == f"https://web.archive.org{copy}"
    assert nothing == ""
    assert "closest=20190101" in asked[0]
    assert store.last(f"http://web.archive.org{copy}").status == 200


def test_a_document_of_a_dead_site_is_no_crash(store: archive.Archive, web: Web) -> None:
    """An outage leaves the claim as it was."""
    url = "http://dead.example/x"

    assert evidence.fetched([url], live(store, web), archive.Replay(store)) == 1
    assert store.last(url) is None or store.last(url).code == errors.Unreachable.code
    assert evidence.checked([claim("a", "x", "5")], {"x": url}, archive.Replay(store))[0].evidence == "not_yet_checked"
