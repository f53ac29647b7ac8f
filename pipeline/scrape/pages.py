"""What a page says on its face: its text, its links, and which numbers stand in which sentences.

Enough to find pages, to tell a page from a wall, and to see that a figure was changed. Reads no value: digits are
compared, never counted. Every pattern is linear in the size of the page, so a hostile page costs no more than a
long one; nothing here builds a tree.
"""

from __future__ import annotations

import codecs
import hashlib
import html
import re
from collections.abc import Callable, Mapping, Sequence

import httpx

from pipeline import guard

Link = tuple[str, str]  # address, title
Read = Callable[[bytes, str], str | None]  # body and declared type → its text, None where it cannot be read

_MOST_BYTES = 5_000_000
_MOST_LINKS = 5_000
_LONGEST_WALL = 3_000
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.ASCII)
# Not every codec that Python knows: some unpack, some take quadratic time.
_READ_CHARSETS = re.compile(
    r"utf-?8|utf-?16(le|be)?|(windows-?|cp)\d{3,4}|koi8-[rut]|iso-8859-\d{1,2}|us-ascii|latin-?1", re.IGNORECASE
)
_TAG = re.compile(r"<[^<>]*>")
_ANCHOR = re.compile(r"<a\s[^<>]{0,2000}?href\s{0,9}=\s{0,9}(\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>]+)[^<>]*>", re.IGNORECASE)
_LOC = re.compile(r"<loc>\s*(?:<!\[CDATA\[)?([^<>\]]{1,2000})", re.IGNORECASE)
_ENTRY = re.compile(r"<(?:item|entry)\b", re.IGNORECASE)
_ENTRY_LINK = re.compile(
    r"<link(?:\s[^<>]*?href=[\"']([^\"'<>]+)[\"'][^<>]*>|>\s*(?:<!\[CDATA\[)?([^<>\]]+))", re.IGNORECASE
)
_ENTRY_TITLE = re.compile(r"<title[^<>]*>(?:<!\[CDATA\[)?([^<>]*)", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?]\s|\n")
_DIGITS = re.compile(r"\d+")
_SILENT = ("script", "style", "noscript", "template")
_WALLS = (
    "captcha", "are you a robot", "not a robot", "вы не робот", "checking your browser", "just a moment...",
    "ddos-guard", "проверка браузера", "enable javascript and cookies", "access denied", "attention required",
)  # fmt: skip


def markup(body: bytes, content_type: str = "") -> str:
    """The bytes as characters. The charset is that of the byte order mark, the header or the page itself.

    Source: httpx reads an undeclared charset as UTF-8, which ruins a cp1251 page that says so only in <meta>.
    """
    head = body[:_MOST_BYTES]
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return head.decode(name, "replace")
    named = _CHARSET.search(content_type.encode("ascii", "replace")) or _CHARSET.search(head[:4096])
    declared = [named[1].decode("ascii")] if named else []
    for charset in [*declared, "utf-8", "cp1251"]:
        if not _READ_CHARSETS.fullmatch(charset):
            continue
        try:
            return head.decode(charset, "replace" if len(head) == _MOST_BYTES else "strict")
        except (LookupError, UnicodeDecodeError):
            continue
    return head.decode("utf-8", "replace")


def text(marked: str) -> str:
    """What a reader sees, one line per block."""
    return html.unescape(_TAG.sub(lambda tag: "\n" if tag[0][1:2] in "/pdlhtb" else " ", _without_scripts(marked)))


def read(body: bytes, content_type: str = "") -> str | None:
    """What a reader of the page sees; None for a file that is no page."""
    return None if kind_of(body) in ("pdf", "zip", "ole") else text(markup(body, content_type))


def links(kind: str, marked: str, base: str) -> list[Link]:
    """Every link of a listing, a sitemap or a feed, absolute and in its order."""
    if kind == "sitemap":
        found = [(match[1].strip(), "") for match in _LOC.finditer(marked)]
    elif kind == "feed":
        found = [link for piece in _ENTRY.split(marked)[1:] for link in _entry(piece)]
    else:
        found = list(_anchors(marked))
    absolute: dict[str, str] = {}
    for href, title in found[:_MOST_LINKS]:
        try:
            url = httpx.URL(base).join(html.unescape(href)).copy_with(fragment=None)
        except (httpx.InvalidURL, ValueError):
            continue
        if url.scheme in ("http", "https") and url.host:
            absolute[str(url)] = absolute.get(str(url)) or title
    return list(absolute.items())


def is_sitemap_index(marked: str) -> bool:
    """Whether a sitemap lists sitemaps instead of pages."""
    return "<sitemapindex" in marked[:2000].lower()


def unpacked(body: bytes, url: str) -> bytes:
    """The body of a file that is itself gzip (sitemap.xml.gz). Raises: the guard's refusals."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    inflater = guard.Inflater(url)
    inflater.feed(body)
    return inflater.finish()


def figures(seen: str, keywords: Sequence[str]) -> dict[str, str]:
    """For each sentence with a keyword and a number: a hash of its words, and one of its numbers.

    The same words with other numbers mean that a figure was changed. Hashes, so that no text of a page leaves.
    """
    found: dict[str, str] = {}
    for raw in _SENTENCE_END.split(seen):
        sentence = " ".join(raw.split()).casefold()
        numbers = _DIGITS.findall(sentence)
        if numbers and (not keywords or any(word in sentence for word in keywords)):
            found.setdefault(_hash(_DIGITS.sub("#", sentence)), _hash(" ".join(numbers)))
    return found


def changed_figures(before: Mapping[str, str], after: Mapping[str, str]) -> int:
    """How many sentences stand there still, with other numbers."""
    return sum(words in after and after[words] != numbers for words, numbers in before.items())


def is_wall(marked: str, seen: str) -> bool:
    """Whether this looks like a page that asks who we are. Such pages are short; a long one only has a login box."""
    folded = seen.casefold()
    if len(folded) > _LONGEST_WALL:
        return False
    return any(word in folded for word in _WALLS) or 'type="password"' in marked.lower().replace("'", '"')


def kind_of(body: bytes) -> str:
    """What the first bytes say a file is: pdf, zip, ole, html, or "" for anything else."""
    head = body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "html"
    marks = {b"%pdf": "pdf", b"pk\x03\x04": "zip", b"\xd0\xcf\x11\xe0": "ole"}
    return next((kind for mark, kind in marks.items() if head.startswith(mark)), "")


def _without_scripts(marked: str) -> str:
    """The page without comments and without what a browser runs or hides."""
    folded, kept, at = marked.lower(), [], 0
    starts = re.compile(rf"<(?:(!--)|({'|'.join(_SILENT)})[\s>])")
    while match := starts.search(folded, at):
        kept.append(marked[at : match.start()])
        end = folded.find("-->" if match[1] else f"</{match[2]}", match.end())
        if end < 0:
            return "".join(kept)
        at = end + 3 if match[1] else end
    return "".join([*kept, marked[at:]])


def _anchors(marked: str) -> Sequence[Link]:
    page = _without_scripts(marked)
    found = list(_ANCHOR.finditer(page))
    ends = [match.start() for match in found[1:]] + [len(page)]
    return [
        (match[1].strip("\"'"), _line(page[match.end() : min(end, match.end() + 1000)].partition("</a")[0]))
        for match, end in zip(found, ends, strict=False)  # ends has one too many when nothing was found
    ]


def _entry(piece: str) -> Sequence[Link]:
    link, title = _ENTRY_LINK.search(piece), _ENTRY_TITLE.search(piece)
    return [((link[1] or link[2]).strip(), _line(title[1]) if title else "")] if link else []


def _line(marked: str) -> str:
    return " ".join(text(marked).split()).removesuffix("]]>")


def _hash(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:16]
