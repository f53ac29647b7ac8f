"""Answer what is known already, before Datasette is entered: 304 to who holds the answer, and the pages made once.

The release never changes under a running server, so neither do its answers. Questions with parameters, and requests
that are somebody's in particular, are made anew each time.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

MOST: Final = 128
LANDINGS: Final = frozenset({"/", "/ru", "/ru/", "/tg", "/tg/"})
LARGEST_BYTES: Final = 300_000
SOURCES: Final = {".py", ".html", ".yml", ".css", ".atom", ".xml", ".yaml", ".txt"}
# With one of these the answer may be another one.
OWN: Final = frozenset({b"cookie", b"authorization", b"range"})
READS: Final = frozenset({"GET", "HEAD"})
KEPT: Final = (b"cache-control", b"public, max-age=300")


def release_tag(datasette: Any) -> str:
    """What every answer depends on, in short: databases are immutable, so release, words, settings and code decide."""
    parts = [db.hash for db in datasette.databases.values() if db.hash]
    parts += [json.dumps(datasette.metadata(), sort_keys=True, default=str), str(datasette.settings_dict())]
    room = Path(__file__).parent
    parts += [path.read_text(encoding="utf-8") for path in sorted(room.rglob("*")) if path.suffix in SOURCES]
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:32]


def door(app: App, release: str, *, cors: bool) -> App:
    """`app` behind what is known: `release` is its release_tag; every whole answer leaves with an ETag of its own."""
    pages: dict[object, list[Message]] = {}
    landings: dict[object, list[Message]] = {}
    start = f'"{release}-'.encode()
    open_to_all = [(b"access-control-allow-origin", b"*")] if cors else []

    async def known(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in READS:
            await app(scope, receive, send)
            return
        path, query = scope["path"], scope["query_string"]
        tag = b'%s%08x"' % (start, zlib.crc32(path.encode() + b"?" + query))
        given = dict(scope["headers"])
        own = not OWN.isdisjoint(given)
        if tag in given.get(b"if-none-match", b"") and not own:
            headers = [(b"etag", b"W/" + tag), KEPT, *open_to_all]
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body"})
            return
        # The landing asks much and repeats no address: once is enough for all, and it is never given up.
        kept, key = (
            (landings, path)
            if path in LANDINGS
            else (pages, (path, given.get(b"host"), given.get(b"x-forwarded-proto")))
        )
        if own or query or "." in path or scope["method"] != "GET":
            await app(scope, receive, _tagged(send, tag))
        elif key in kept:
            for message in kept[key]:
                await send(message)
        else:
            await app(scope, receive, _tagged(_kept(kept, key, send), tag))

    return known


def _tagged(send: Send, tag: bytes) -> Send:
    """Send an answer on; one that is whole also says its tag, unless it has one."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == HTTPStatus.OK:
            headers = list(message["headers"])
            if all(name.lower() != b"etag" for name, _ in headers):
                message = {**message, "headers": [*headers, (b"etag", b"W/" + tag)]}
        await send(message)

    return sent


def _kept(pages: dict[object, list[Message]], key: object, send: Send) -> Send:
    """Send an answer on, and keep it once it is whole, if it is a page of moderate size."""
    parts: list[Message] = []

    async def sent(message: Message) -> None:
        parts.append(message)
        await send(message)
        if message["type"] == "http.response.body" and not message.get("more_body") and _is_page(parts):
            while len(pages) >= MOST:
                pages.pop(next(iter(pages)))
            pages[key] = parts

    return sent


def _is_page(parts: list[Message]) -> bool:
    kind = dict(parts[0]["headers"]).get(b"content-type", b"")
    size = sum(len(part.get("body", b"")) for part in parts)
    return parts[0]["status"] == HTTPStatus.OK and kind.startswith(b"text/html") and size <= LARGEST_BYTES
