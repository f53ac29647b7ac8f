"""Write the whole public site as files: the same pages with relative links, and the commonest answers of the API.

For mirrors, and for the day the server is down. It asks a server of its own, page by page, so that a baked page is the
page a reader would get; a link to what only a server can do (a search, a filter) loses its address and stays as text.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote

import httpx

from pipeline.serve import server

LANGUAGES: Final = ("", "/ru", "/tg")
ANSWERS: Final = (
    "complaints_by_year", "visits_by_year", "latest_figures", "prosecutions_against_complaints", "list_conflicts",
    "list_partitions", "silence",
)  # fmt: skip
FORMS: Final = ("json", "csv", "xlsx")
LOCATION: Final = re.compile(r"<loc>(.*?)</loc>")
LINK: Final = re.compile(r'(href|action)="(/[^"#]*)(#[^"]*)?"')
NAMED: Final = re.compile(r'href="/statistics/([a-z_]+)"')


def bake(home: Path, address: str = "") -> str:
    """What was written to build/bake, in a sentence. `address` is the public one that citations and feeds name.

    Raises: UsageError when nothing is published yet; PipelineError when the server does not start.
    """
    target = home / "build" / "bake"
    fresh = target.with_name(f".bake-{os.getpid()}")
    with _site(home) as site:
        pages, files = _wanted(site)
        for path in [*pages, *files]:
            answer = site.get(path)
            answer.raise_for_status()
            body = answer.content.replace(str(site.base_url).encode(), address.encode()) if address else answer.content
            place = fresh / _place(path, pages)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(_linked(body.decode(), path, {*pages, *files}, pages).encode() if path in pages else body)
    shutil.copytree((home / "build" / "current").resolve(), fresh / "files", dirs_exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    return f"Baked {len(pages):,} pages and {len(files):,} answers into build/bake. Open build/bake/index.html"


def _wanted(site: httpx.Client) -> tuple[frozenset[str], frozenset[str]]:
    """The paths of the pages and of the files."""
    plain = [location.removeprefix(str(site.base_url)) for location in LOCATION.findall(site.get("/sitemap.xml").text)]
    plain += ["/statistics", *(f"/statistics/{name}" for name in NAMED.findall(site.get("/statistics").text))]
    plain = [path for path in plain if path != "/search" and not site.get(path).is_redirect]
    pages = {f"{prefix}{path}" for prefix in LANGUAGES for path in plain}
    files = {f"/v1/{name}.{form}" for name in ANSWERS for form in FORMS}
    files |= {"/feed/changes.atom", "/openapi.yaml", "/sitemap.xml", "/robots.txt", "/site/site.css"}
    return frozenset(pages), frozenset(files)


def _place(path: str, pages: frozenset[str]) -> str:
    """Where an answer lies in the folder: a page is the index of a folder of its own."""
    inside = unquote(path).strip("/")
    return f"{inside}/index.html".lstrip("/") if path in pages else inside


def _linked(page: str, path: str, there: set[str], pages: frozenset[str]) -> str:
    """The page with every link relative, and none to what is not in the folder."""
    up = "../" * len(PurePosixPath(_place(path, pages)).parent.parts)

    def link(found: re.Match[str]) -> str:
        name, aim, fragment = found[1], found[2], found[3] or ""
        if name == "href" and aim.startswith("/files/"):
            return f'href="{up}{aim[1:]}"'
        known = next((one for one in (aim, aim.rstrip("/"), f"{aim}.json") if one in there), None)
        if known is None:
            return f'{name}="#content"' if name == "action" else 'aria-disabled="true"'
        return f'{name}="{up}{_place(known, pages)}{fragment}"'

    return LINK.sub(link, page)


@contextmanager
def _site(home: Path) -> Iterator[httpx.Client]:
    """A server of our own over the last good release, and a client of it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    where = ["--host", "127.0.0.1", "--port", str(port)]
    words = server.command(home / "build" / "current", home / "metadata.yml", where)
    running = subprocess.Popen(words, env=server.surroundings())  # noqa: S603  the words are ours
    try:
        server.await_answer(running, ("127.0.0.1", port))
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
            yield client
    finally:
        running.terminate()
        running.wait()


if __name__ == "__main__":
    sys.stderr.write(bake(Path.cwd(), *sys.argv[1:2]) + "\n")
