"""Keep the pages that were made once: the release never changes under a running server, so neither do they.

Loaded by Datasette with --plugins-dir, as the door around guard.py's. Data, questions with parameters, and requests
that are somebody's in particular are made anew each time.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import pluggy

from pipeline.serve.plugins import guard

hookimpl: Final = pluggy.HookimplMarker("datasette")

MOST: Final = 128
LANDINGS: Final = frozenset({"/", "/ru", "/ru/", "/tg", "/tg/"})
LARGEST_BYTES: Final = 300_000
# With one of these the answer may be another one.
OWN: Final = guard.PERSONAL | {b"if-none-match", b"range"}


@hookimpl
def asgi_wrapper(datasette: Any) -> Callable[[guard.App], guard.App]:
    """A page that was answered once is answered from memory, whatever its language."""
    if datasette.setting("base_url") != "/":
        return lambda app: app
    pages: dict[object, list[guard.Message]] = {}

    def keeping(app: guard.App) -> guard.App:
        async def door(scope: guard.Message, receive: guard.Receive, send: guard.Send) -> None:
            key = _key(scope)
            if key is None:
                await app(scope, receive, send)
            elif key in pages:
                for message in pages[key]:
                    await send(message)
            else:
                await app(scope, receive, _kept(pages, key, send))

        return door

    return keeping


def _key(scope: guard.Message) -> object:
    """What tells one page from another: the path and the address it was asked under, which citations repeat."""
    if scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"] or "." in scope["path"]:
        return None
    given = dict(scope["headers"])
    if OWN & set(given):
        return None
    path = scope["path"]
    # The landing asks much and repeats no address: once is enough for all.
    return path if path in LANDINGS else (path, given.get(b"host"), given.get(b"x-forwarded-proto"))


def _kept(pages: dict[object, list[guard.Message]], key: object, send: guard.Send) -> guard.Send:
    """Send an answer on, and keep it once it is whole, if it is a page of moderate size."""
    parts: list[guard.Message] = []

    async def sent(message: guard.Message) -> None:
        parts.append(message)
        await send(message)
        if message["type"] == "http.response.body" and not message.get("more_body") and _is_page(parts):
            while len(pages) >= MOST:
                pages.pop(next(iter(pages)))
            pages[key] = parts

    return sent


def _is_page(parts: list[guard.Message]) -> bool:
    kind = dict(parts[0]["headers"]).get(b"content-type", b"")
    size = sum(len(part.get("body", b"")) for part in parts)
    return parts[0]["status"] == HTTPStatus.OK and kind.startswith(b"text/html") and size <= LARGEST_BYTES
