"""Twelve invented sites in the style of the real ones, and the source files that describe them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from web.loopback import Page, Web, redirect

WORDS = "Коалиция рассмотрела обращения граждан, юристы оказали помощь. " * 40


def page(title: str, body: str, *links: str, lang: str = "ru") -> bytes:
    anchors = "".join(
        f'<li><a class="more" href="{link.partition(" ")[0]}">{link.partition(" ")[2]}</a></li>\n' for link in links
    )
    return (
        f'<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title>'
        f"<script>var a = '<a href=\"/trap\">x</a>';</script></head>\n<body><h1>{title}</h1>\n<p>{body}</p>\n"
        f"<ul>{anchors}</ul><p>Свобода от пыток · notorture</p></body></html>"
    ).encode()


def pdf(words: str) -> bytes:
    return (
        b"%PDF-1.4\n1 0 obj << /Type /Catalog >> endobj\n% " + words.encode() + b"\ntrailer << /Root 1 0 R >>\n%%EOF\n"
    )


def docx(words: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in ("[Content_Types].xml", "word/document.xml"):
            packed.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), f"<w:t>{words}</w:t>")
    return out.getvalue()


def _coalition() -> dict[str, object]:
    """Drupal-like: language prefixes, pagers, slugs cut short."""
    site: dict[str, object] = {"/robots.txt": Page(b"User-agent: *\nCrawl-delay: 2\nDisallow: /admin/\n", "text/plain")}
    for prefix, word in (
        ("", "24 новых случая пыток"),
        ("/en", "24 new cases of torture"),
        ("/tj", "24 ҳолати нави шиканҷа"),
    ):
        for number in range(3):
            news = [f"{prefix}/news/pytki-{number}-{n} {word} ({n})" for n in range(2)]
            other = [f"{prefix}/news/shakhmaty-{number} Шахматный турнир", f"{prefix}/admin/x Пытки", "#top Вверх"]
            site[f"{prefix}/news" + (f"?page={number}" if number else "")] = Page(
                page("Новости", "", *news, *other), etag=True, packed=True
            )
            for n in range(2):
                site[f"{prefix}/news/pytki-{number}-{n}"] = Page(
                    page(word, f"{word}. {WORDS}{number} {n}"), etag=True, packed=True
                )
    return site


def _ombudsman() -> dict[str, object]:
    """WordPress-like: archives by date, a feed."""
    items = "".join(
        f"<item><title><![CDATA[Гузориш оид ба шиканҷа {year}]]></title><link>http://ombudsman.example/{year}/04/30/guzorish/</link></item>"
        for year in (2023, 2024, 2025)
    )
    feed = f'<?xml version="1.0"?><rss><channel><title>x</title><link>http://ombudsman.example/</link>{items}</channel></rss>'
    site: dict[str, object] = {
        "/feed/": Page(feed.encode(), "application/rss+xml", modified="Tue, 03 Mar 2026 09:00:00 GMT")
    }
    for year in (2023, 2024, 2025):
        site[f"/{year}/04/30/guzorish/"] = Page(page("Гузориш", f"Соли {year} 15 муроҷиат оид ба шиканҷа.", lang="tg"))
    return site


def _press() -> dict[str, object]:
    """Dates in the address; a sitemap of sitemaps."""
    news = "http://press.example/en/news"
    inner = "<sitemap><loc>http://press.example/sitemap-2026.xml</loc></sitemap>"
    urls = f"<url><loc>{news}/laworder/20260301/torture-complaints</loc></url>"
    urls += f"<url><loc>{news}/sport/20260301/chess</loc></url>"
    story = page("Torture", "Prosecutors received 20 complaints of torture. None was confirmed.", lang="en")
    return {
        "/sitemap.xml": Page(f"<?xml version='1.0'?><sitemapindex>{inner}</sitemapindex>".encode(), "text/xml"),
        "/sitemap-2026.xml": Page(f"<?xml version='1.0'?><urlset>{urls}</urlset>".encode(), "text/xml"),
        "/en/news/laworder/20260301/torture-complaints": Page(story, chunked=True),
    }


def _cp1251(body: str, *links: str) -> Page:
    marked = page("Прокуратура", body, *links).decode().replace('charset="utf-8"', "charset=windows-1251")
    return Page(marked.encode("cp1251", "xmlcharrefreplace"), "text/html")


DOCSTORE = "/SelfServices/FilesHandler.ashx?enc=6QkG1d%2fPPRiCAqhKb7yhsh"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def _treaty() -> Page:
    """UN-style: a list of documents whose files lie elsewhere under opaque addresses, with &amp; in the markup."""
    files = [f"http://docstore.example{DOCSTORE}1 CAT/C/TJK/3", f"http://docstore.example{DOCSTORE}2 CAT/C/TJK/CO/3"]
    return Page(page("Documents", "", *files, lang="en").replace(b"&Lang", b"&amp;Lang"))


def _radio() -> dict[str, object]:
    """Numbers for names; an Atom feed with relative links."""
    entry = '<entry><title>Пытки в колонии</title><link rel="alternate" href="/a/32701137.html"/></entry>'
    return {
        "/feed.atom": Page(f"<feed>{entry}</feed>".encode(), "application/atom+xml"),
        "/a/32701137.html": Page(page("Пытки", "За год поступило 16 жалоб на пытки."), packed=True),
    }


def build(web: Web) -> None:
    population = "<table><tr><td>Prison population</td><td>14 911</td></tr></table>"
    web.sites |= {
        "coalition.example": _coalition(),
        "ombudsman.example": _ombudsman(),
        "press.example": _press(),
        "treaty.example": {"/Countries.aspx?CountryCode=TJK&Lang=EN": _treaty()},
        "docstore.example": {
            f"{DOCSTORE}1": Page(pdf("89 complaints"), "application/pdf", etag=True),
            f"{DOCSTORE}2": Page(docx("4 convictions"), WORD),
        },
        "prosecutor.example": {
            "/news-tj/": _cp1251("", "/news-tj/1291-shikoyat-400.html Шикоят: 20 жалоб на пытки"),
            "/news-tj/1291-shikoyat-400.html": _cp1251("Поступило 20 жалоб на пытки."),
        },
        "radio.example": _radio(),
        "atlas.example": {
            f"/en/document/8a1u?page={n}": Page(page("CAT", f"{n} complaints of torture.", lang="en"), etag=True)
            for n in range(1, 5)
        },
        "laws.example": {"/SEARCH/DocumentView?DocumentId=12632": redirect("http://www.laws.example/doc/12632", 301)},
        "www.laws.example": {"/doc/12632": Page(page("Кодекс", "Статья 143-1. Пытки: от 2 до 5 лет."))},
        "prisons.example": {
            "/country/tajikistan": Page(
                page("Tajikistan", population, lang="en"), modified="Sun, 01 Mar 2026 00:00:00 GMT"
            )
        },
        "index.example": {
            "/data": Page(page("Data", "", "/files/tjk.json JSON", lang="en")),
            "/files/tjk.json": Page(b'[{"text": "Investigate 3 complaints"}]', "application/json"),
        },
    }


RULES = {
    "coalition": """
discover:
  - {listing: "http://coalition.example/news", pager: "?page={n}", pages_back: 2, links: "/news/"}
  - {listing: "http://coalition.example/en/news", links: "/en/news/"}
  - {listing: "http://coalition.example/tj/news", links: "/tj/news/"}
keywords: [пытк, пыток, tortur, шиканҷа]
anchors: [notorture]
cadence: yearly
due: "03-31"
""",
    "ombudsman": """
discover: [{feed: "http://ombudsman.example/feed/"}]
keywords: [шиканҷа]
cadence: yearly
due: "04-30"
""",
    "press": """
discover: [{sitemap: "http://press.example/sitemap.xml"}]
keywords: [tortur]
cadence: irregular
""",
    "treaty": """
discover: [{listing: "http://treaty.example/Countries.aspx?CountryCode=TJK&Lang=EN", links: FilesHandler}]
cadence: irregular
""",
    "prosecutor": """
discover: [{listing: "http://prosecutor.example/news-tj/", links: "/news-tj/[0-9]"}]
keywords: [пытк]
cadence: irregular
""",
    "radio": """
discover: [{feed: "http://radio.example/feed.atom", links: /a/}]
keywords: [пытк]
cadence: irregular
""",
    "atlas": """
discover: [{numbered: "http://atlas.example/en/document/8a1u?page={n}", first: 1, last: 4}]
cadence: fixed
""",
    "laws": """
discover: [{pages: "http://laws.example/SEARCH/DocumentView?DocumentId=12632"}]
cadence: irregular
""",
    "prisons": """
discover: [{pages: "http://prisons.example/country/tajikistan"}]
anchors: [tajikistan]
cadence: irregular
""",
    "index": """
discover: [{listing: "http://index.example/data", links: "[.]json"}]
cadence: irregular
""",
}


def describe(home: Path, names: tuple[str, ...] = tuple(RULES)) -> None:
    """Writes the source files."""
    for name in names:
        folder = home / "sources" / name
        folder.mkdir(parents=True)
        (folder / "source.yml").write_text(
            f"title: {{en: {name}, ru: {name}, tg: {name}}}\npublisher: {name}\nlanguages: [ru]\n"
            f"licence: {{name: invented, republish: figures}}\nsensitivity: figures{RULES[name]}",
            "utf-8",
        )
