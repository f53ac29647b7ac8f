"""The pages in a real browser: nothing leaves this machine, nothing complains, axe finds no fault."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import httpx
import pytest
from served import HOME

PAGES = {
    "landing": "/", "topic": "/topic/complaints", "series": "/series/complaints_documented_coalition",
    "conflict": "/conflict/contradiction-dc030813c406", "document": "/document/acca-2022ombudsman",
    "figure": "/figure/coalition-2022conf-2021", "search": "/search?q=2021", "sources": "/sources",
    "coverage": "/coverage", "methods": "/methods", "dictionary": "/dictionary", "downloads": "/downloads",
    "api": "/api", "database": "/statistics", "table": "/statistics/complaints?_size=20",
    "filtered": "/statistics/complaints?_size=5&originator=coalition",
    "row": "/statistics/complaints/coalition-2022conf-2021", "query": "/statistics/who_says_what?year=2021",
    "nothing": "/nowhere",
}  # fmt: skip
WIDTHS = (1280, 390)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# A text is clipped where it is drawn outside its picture.
CLIPPED = """[...document.querySelectorAll('svg')].flatMap(svg => {
  const box = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].filter(text => {
    const own = text.getBoundingClientRect();
    return own.left < box.left - 1 || own.right > box.right + 1 || own.top < box.top - 1 || own.bottom > box.bottom + 1;
  }).map(text => text.textContent);
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One headless Chromium, that of the system."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield running
        running.close()


@pytest.mark.exam
@pytest.mark.parametrize("prefix", ["", "/ru", "/tg"], ids=["en", "ru", "tg"])
@pytest.mark.parametrize("kind", PAGES)
def test_a_page_is_sound_in_a_browser(site: httpx.Client, browser: Any, kind: str, prefix: str) -> None:
    """No axe violation, no word in the console, no request off loopback, no text clipped, at two widths."""
    shots = HOME / "build" / "screenshots"
    shots.mkdir(parents=True, exist_ok=True)
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    seen: dict[str, list[str]] = {"console": [], "elsewhere": [], "axe": [], "clipped": [], "overflow": []}
    for width in WIDTHS:
        context = browser.new_context(viewport={"width": width, "height": 900})
        page = context.new_page()
        page.on("console", lambda message: seen["console"].append(message.text))
        page.on("request", lambda asked: seen["elsewhere"].append(asked.url))
        page.goto(f"{site.base_url}{prefix}{PAGES[kind]}")
        name = shots / f"{kind}-{prefix[1:] or 'en'}-{width}.png"
        page.screenshot(path=name, full_page=True)
        seen["clipped"] += page.evaluate(CLIPPED)
        seen["overflow"] += [f"{width}: {page.evaluate(OVERFLOW)}"] * (page.evaluate(OVERFLOW) > 0)
        page.evaluate(axe)
        found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
        seen["axe"] += [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found["violations"]]
        if width == WIDTHS[0]:
            page.emulate_media(media="print")
            page.screenshot(path=shots / f"{kind}-{prefix[1:] or 'en'}-print.png", full_page=True)
        context.close()
    seen["elsewhere"] = [url for url in seen["elsewhere"] if not url.startswith(str(site.base_url))]
    seen["console"] = [text for text in seen["console"] if kind != "nothing" or "404" not in text]

    assert seen == {"console": [], "elsewhere": [], "axe": [], "clipped": [], "overflow": []}
