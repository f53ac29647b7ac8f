"""What stock Datasette leaves open, closed: one small plugin, loaded by Datasette with --plugins-dir.

It caps what one request may cost in memory, adds the headers a public page needs, answers 304 before any SQL while
the release is the same, refuses a named query's bad parameter with a sentence instead of an empty list, keeps
readers' addresses and requests out of the log, and gives each claim one permanent address, /claim/<claim_id>. It stands
alone: Datasette imports it by path, so it imports nothing of ours.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sqlite3
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, TextIO, cast
from urllib.parse import parse_qs, quote, urlencode

import pluggy
import uvicorn.config
from datasette import Response
from datasette.plugins import pm
from markupsafe import Markup

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

hookimpl: Final = pluggy.HookimplMarker("datasette")

# With SQL closed these are the second lock: randomblob(10**9) took the server to 4.6 GB without the first.
LIMITS: Final = {
    sqlite3.SQLITE_LIMIT_LENGTH: 1_000_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 20_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 100,
}
HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
# The pages under /-/ that tell paths, threads or memory of this machine stay shut; these do not.
OPEN_INTERNALS: Final = frozenset({"static", "static-plugins", "versions", "metadata", "settings"})
PERSONAL: Final = frozenset({b"cookie", b"authorization"})
INLINE_SCRIPT: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)


class Discreet:
    """Standard error without the lines in which Datasette repeats what a reader typed."""

    def __init__(self, stream: TextIO) -> None:
        """`stream` stays the one that is written to."""
        self.stream = stream

    def write(self, text: str) -> int:
        """All of the text, or nothing if Datasette names a failed statement in it."""
        return len(text) if text.startswith("ERROR: conn=") else self.stream.write(text)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the stream's."""
        return getattr(self.stream, name)


@hookimpl
def prepare_connection(conn: sqlite3.Connection) -> None:
    """Cap what one connection may build: a cell, a statement, an expression, a pattern."""
    for limit, most in LIMITS.items():
        conn.setlimit(limit, most)


@hookimpl
async def startup(datasette: Any) -> None:
    """Keep requests out of the log, and tell Datasette what `datasette inspect` would.

    No access lines, no failed SQL with what the reader typed, and no stock error handler, which prints a stack with
    the values in it. Rows are counted for the tables that metadata.yml describes: those are the package; the search
    index beside them cannot be counted.
    """
    sys.stderr = cast("TextIO", Discreet(sys.stderr))
    handlers = uvicorn.config.LOGGING_CONFIG["handlers"]
    handlers["access"] = {"class": "logging.NullHandler"}
    handlers["default"] |= {"level": "WARNING"}
    pm.unregister(name="datasette.handle_exception")
    datasette.inspect_data = {
        name: {"hash": db.hash, "size": db.size, "tables": await db.execute_fn(partial(_counts, described))}
        for name, db in datasette.databases.items()
        if db.hash and (described := datasette.metadata("tables", database=name, fallback=False))
    }


def _counts(described: Iterable[str], conn: sqlite3.Connection) -> dict[str, dict[str, int]]:
    """The number of rows of each described table that is there."""
    there = {name for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return {
        name: {"count": conn.execute(f"SELECT count(*) FROM [{name}]").fetchone()[0]}  # noqa: S608  our metadata
        for name in described
        if name in there
    }


@hookimpl
async def handle_exception(datasette: Any, request: Any, exception: Exception) -> object:
    """The error page or JSON of stock Datasette; only a fault of ours is logged, without values."""
    status = getattr(exception, "status", HTTPStatus.INTERNAL_SERVER_ERROR)
    sentence = getattr(exception, "message", None) or (exception.args[0] if exception.args else "Not found")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        traceback.print_exc()
        sentence = "The server failed on this request. The fault is ours, not yours."
    if getattr(exception, "message_is_html", False):
        sentence = "This took longer than the server allows. Ask for less, or download the whole database and query it."
    return await _error(datasette, request.path, status, str(sentence))


@hookimpl
def render_cell(row: sqlite3.Row, value: object, column: str, database: str, datasette: Any) -> object:
    """A link from a claim to its whole row, and from a document to all that it says; None for any other cell."""
    if value is None:
        return None
    columns = row.keys()
    if column == "claim_id" and "topic" in columns and "superseded_on" not in columns:
        topic = row["topic"]["value"] if isinstance(row["topic"], dict) else row["topic"]  # a labelled foreign key
        href = datasette.urls.row(database, topic, quote(str(value)))
    elif column == "claim_id":
        href = datasette.urls.path(f"/claim/{quote(str(value))}")
    elif column in {"document_title", "title"} and "document_id" in columns:
        href = datasette.urls.query(database, "document_says") + "?" + urlencode({"document": row["document_id"]})
    else:
        return None
    return Markup('<a href="{}">{}</a>').format(href, value)


@hookimpl
def register_routes() -> list[tuple[str, Callable[..., Awaitable[object]]]]:
    """/claim/<claim_id>, with .json or .csv if wanted: the address of a claim that outlives its versions."""
    return [(r"^/claim/(?P<claim>[^/.]+)(?P<extension>\.json|\.csv)?/?$", _claim)]


async def _claim(datasette: Any, request: Any) -> object:
    """To the row of a claim that stands, to the history of one that was withdrawn, or a sentence."""
    claim, extension = request.url_vars["claim"], request.url_vars["extension"] or ""
    newest = "SELECT topic, status FROM vintages WHERE claim_id = :claim ORDER BY version DESC LIMIT 1"
    for name in [name for name, db in datasette.databases.items() if await db.table_exists("vintages")]:
        for topic, status in await datasette.execute(name, newest, {"claim": claim}):
            if status != "withdrawn":
                return Response.redirect(f"{datasette.urls.row(name, topic, quote(claim))}{extension}")
            history = datasette.urls.table(name, "vintages")
            return Response.redirect(f"{history}{extension}?{urlencode({'claim_id': claim})}")
    sentence = "No claim bears this id. All ids stand in /statistics/vintages, withdrawn ones included."
    return await _error(datasette, request.path, 404, sentence)


@hookimpl
def asgi_wrapper(datasette: Any) -> Callable[[App], App]:
    """Every request through one door: refusals, 304, headers."""
    fixed = HEADERS | {"content-security-policy": _policy(datasette)}
    tag = _tag(datasette)

    def guarded(app: App) -> App:
        async def door(scope: Message, receive: Receive, send: Send) -> None:
            async def dressed(message: Message) -> None:
                if message["type"] == "http.response.start":
                    message = {**message, "headers": _dressed(message, fixed, tag)}
                await send(message)

            if scope["type"] != "http":
                await app(scope, receive, send)
            elif refused := await _refusal(datasette, scope):
                await refused.asgi_send(dressed)
            elif _is_known(dict(scope["headers"]), tag):
                await Response("", status=304, headers=_cors(datasette) | {"etag": tag}).asgi_send(dressed)
            else:
                await app(scope, receive, dressed)

        return door

    return guarded


def _dressed(message: Message, fixed: Mapping[str, str], tag: str) -> Headers:
    """The headers of an answer with ours added; a page that is whole also gets the tag of the release."""
    headers: Headers = list(message["headers"])
    there = {name.lower() for name, _ in headers}
    added = {**fixed, "etag": tag} if message["status"] == HTTPStatus.OK else fixed
    return headers + [(k.encode(), v.encode()) for k, v in added.items() if k.encode() not in there]


def _is_known(given: Mapping[bytes, bytes], tag: str) -> bool:
    """Whether If-None-Match names our tag, weak or strong, in a request that is nobody's in particular."""
    asked = given.get(b"if-none-match", b"").decode("latin-1").split(",")
    return tag in {f"W/{one.strip().removeprefix('W/')}" for one in asked} and not PERSONAL & set(given)


def _tag(datasette: Any) -> str:
    """One validator for every page: databases are immutable, so release, words, settings and code decide all."""
    parts = [db.hash for db in datasette.databases.values() if db.hash]
    parts += [json.dumps(datasette.metadata(), sort_keys=True, default=str), str(datasette.settings_dict())]
    parts.append(Path(__file__).read_text(encoding="utf-8"))
    return f'W/"{hashlib.sha256("".join(parts).encode()).hexdigest()[:32]}"'


def _policy(datasette: Any) -> str:
    """Nothing from anywhere else, and no inline script but the ones in the templates of the Datasette installed."""
    environment, hashes = datasette.jinja_env, set()
    for name in environment.list_templates(filter_func=lambda name: name.endswith(".html")):
        source = environment.loader.get_source(environment, name)[0]
        for script in INLINE_SCRIPT.findall(source):
            text = script.replace("{{ datasette_allow_facet }}", json.dumps(datasette.setting("allow_facet")))
            if "{{" not in text and "{%" not in text:
                hashes.add("'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'")
    return (
        f"default-src 'none'; script-src 'self' {' '.join(sorted(hashes))}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


async def _refusal(datasette: Any, scope: Message) -> Any:
    """The answer to a request that must not reach Datasette as it stands, or None.

    A named query's page that is opened without its parameters goes where a reader can start.
    """
    path, arguments = scope["path"], parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    first, _, rest = path.strip("/").partition("/")
    name, _, extension = rest.partition(".")
    if first == "-" and name.partition("/")[0] not in OPEN_INTERNALS:
        return await _error(datasette, path, 404, "There is no such page.")
    if "_timelimit" in arguments:
        return await _error(datasette, path, 400, "_timelimit is not offered here.")
    query = await datasette.get_canned_query(first, name, None) if first in datasette.databases else None
    if not query:
        return None
    declared = query.get("parameters") or {}
    asked = {argument: values for argument, values in arguments.items() if not argument.startswith("_")}
    start = next((rule["start"] for rule in declared.values() if "start" in rule), None)  # none: all may be left out
    if start and not extension and not "".join(value for values in asked.values() for value in values).strip():
        return Response.redirect(datasette.urls.path(start))
    fault = await _fault(datasette, first, declared, asked)
    return await _error(datasette, path, 400, f"{name}: {fault}") if fault else None


async def _fault(
    datasette: Any, database: str, declared: Mapping[str, Mapping[str, str]], asked: Mapping[str, list[str]]
) -> str | None:
    """What is wrong with the parameters of a named query, in a sentence that says what to give."""
    if unknown := sorted(set(asked) - set(declared)):
        takes = f"it takes {', '.join(declared)}" if declared else "it takes none"
        return f"there is no parameter {', '.join(unknown)}; {takes}."
    if twice := sorted(name for name, values in asked.items() if len(values) > 1):
        return f"{', '.join(twice)} is given more than once; give it once."
    for name, rule in declared.items():
        value = asked.get(name, [""])[0]
        if not re.fullmatch(rule["pattern"], value):
            return rule["sentence"]
        if "known" in rule and not (await datasette.execute(database, rule["known"], {name: value})).first():
            return rule["unknown"]
    return None


async def _error(datasette: Any, path: str, status: int, sentence: str) -> Any:
    """An error as stock Datasette words it: JSON or text for a data address, else the error page."""
    said = {"ok": False, "error": sentence, "status": status, "title": None}
    if path.endswith(".json"):
        return Response.json(said, status=status, headers=_cors(datasette))
    if path.endswith(".csv"):
        return Response.text(sentence, status=status, headers=_cors(datasette))
    template = datasette.jinja_env.select_template([f"{status}.html", "error.html"])
    page = {**said, "urls": datasette.urls, "app_css_hash": datasette.app_css_hash(), "menu_links": list}
    return Response.html(await template.render_async(page), status=status, headers=_cors(datasette))


def _cors(datasette: Any) -> dict[str, str]:
    return {"Access-Control-Allow-Origin": "*"} if datasette.cors else {}
