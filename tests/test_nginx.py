"""The polite client and the archive against a real web server: what our own test server might get wrong too."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from web.loopback import LOOPBACK
from web.nginx import Nginx, installed

from pipeline import archive, guard, scrape

pytestmark = pytest.mark.skipif(not installed(), reason="nginx is not installed")
PAGE = ("<html><body>" + "24 новых случая. " * 300 + "</body></html>").encode()


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Nginx]:
    with Nginx(tmp_path / "nginx") as server:
        (server.www / "slow").mkdir()
        for name in ("a.html", "b.html", "slow/a.html", "slow/b.html"):
            (server.www / name).write_bytes(PAGE + name.encode())
        (server.www / "empty.html").write_bytes(b"")
        yield server


def client(store: archive.Archive, nginx: Nginx, slept: list[float] | None = None) -> scrape.Polite:
    def sleep(wait_s: float) -> None:
        if slept is not None:
            slept.append(wait_s)
            time.sleep(0.12)  # nginx keeps its own time: ten requests a second

    recording = archive.Recording(store, guard.Guard(permitted=LOOPBACK, resolve=nginx.resolve))
    return scrape.Polite(recording, gap_s=0.0, sleep=sleep)


def get(transport: httpx.BaseTransport, path: str) -> httpx.Response:
    return transport.handle_request(httpx.Request("GET", f"http://site.example{path}"))


def test_a_gzipped_page_is_stored_as_sent_and_asked_for_by_its_etag(tmp_path: Path, nginx: Nginx) -> None:
    """Nginx weakens its ETag when it packs; quoted back it answers 304, which becomes a revisit of the same bytes."""
    with archive.Archive(tmp_path / "archive") as store:
        first, second = (get(client(store, nginx), "/a.html") for _ in range(2))
        captures = [capture for capture in store.captures() if capture.url.endswith("a.html")]
        whole = b"".join(gzip.decompress(path.read_bytes()) for path in (tmp_path / "archive" / "warc").iterdir())

        assert first.read() == second.read() == PAGE + b"a.html"
        assert [capture.kind for capture in captures] == ["response", "revisit"]
        assert b"server-not-modified" in whole
        assert b"Content-Encoding: gzip" in whole
        assert PAGE not in whole


def test_connections_are_kept_and_an_empty_page_is_a_page(tmp_path: Path, nginx: Nginx) -> None:
    """One connection serves a whole visit to a host."""
    with archive.Archive(tmp_path / "archive") as store:
        transport = client(store, nginx)
        answers = [get(transport, path) for path in ("/a.html", "/b.html", "/empty.html")]

        assert len({answer.headers["x-connection"] for answer in answers}) == 1
        assert answers[2].read() == b""


def test_a_429_of_a_real_server_is_waited_out_and_archived(tmp_path: Path, nginx: Nginx) -> None:
    """Retry-After is obeyed; the refusal is a capture like any other."""
    slept: list[float] = []
    with archive.Archive(tmp_path / "archive") as store:
        transport = client(store, nginx, slept)
        pages = [get(transport, path).read() for path in ("/slow/a.html", "/slow/b.html")]
        statuses = [capture.status for capture in store.captures() if "/slow/" in capture.url]

        assert pages == [PAGE + b"slow/a.html", PAGE + b"slow/b.html"]
        assert statuses == [200, 429, 200]
        assert slept == [1.0]


def test_a_part_of_a_page_is_never_asked_for(tmp_path: Path, nginx: Nginx) -> None:
    """Nginx offers ranges; half a page is no evidence."""
    with archive.Archive(tmp_path / "archive") as store:
        answer = get(client(store, nginx), "/a.html")
        whole = b"".join(gzip.decompress(path.read_bytes()) for path in (tmp_path / "archive" / "warc").iterdir())

        assert answer.status_code == 200
        assert b"Range: " not in whole
