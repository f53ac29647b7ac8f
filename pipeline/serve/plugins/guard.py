"""What stock Datasette leaves open, closed: one small plugin, loaded by Datasette with --plugins-dir.

It caps what one request may cost in memory, adds the headers a public page needs, refuses a parameter that cannot be
meant with a sentence instead of an empty list (refusals.py judges), keeps readers' addresses and requests out of the
log, and gives each claim one permanent address, /claim/<claim_id>.
"""

from __future__ import annotations

import csv
import io
import re
import sqlite3
import sys
import traceback
from collections.abc import Awaitable, Callable, Container, Iterable
from functools import partial
from http import HTTPStatus
from typing import Any, Final, TextIO, cast
from urllib.parse import parse_qs, quote, urlencode

import pluggy
import uvicorn.config
from datasette import Response
from datasette.database import QueryInterrupted
from datasette.plugins import pm
from markupsafe import Markup

from pipeline.serve.prepared import KEPT, App, Message, Receive, Send
from pipeline.serve.refusals import of_address, of_options, of_query
from pipeline.serve.words import language, say

Headers = list[tuple[bytes, bytes]]

hookimpl: Final = pluggy.HookimplMarker("datasette")

# With SQL closed these are the second lock: randomblob(10**9) took the server to 4.6 GB without the first.
# Publishing refuses all of these; here stands the second lock. Control marks and those that turn the direction of text:
TURNING: Final = dict.fromkeys([*range(9), 11, 12, *range(14, 32), *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
# What a spreadsheet would compute.
FORMULA: Final = re.compile(r"\s*(?:[=@+|%]|-(?![\d.]))")
LIMITS: Final = {
    sqlite3.SQLITE_LIMIT_LENGTH: 1_000_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 20_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 100,
}
# Nothing from anywhere else, no script at all, no style but the one sheet.
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
TEXTS: Final = (".csv", ".atom", ".yaml", ".xml", ".txt")  # their errors are plain text
# The pages under /-/ that tell paths, threads or memory of this machine stay shut; these do not.
OPEN_INTERNALS: Final = frozenset({"static", "static-plugins", "versions", "metadata", "settings"})

# What Datasette asks of a table at each request, through a thread each time: half of a filtered table's time.
LASTING: Final = (
    "table_exists", "get_view_definition", "get_table_definition", "primary_keys", "table_columns",
    "foreign_keys_for_table", "label_column_for_table",
)  # fmt: skip


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
def get_metadata(datasette: Any, key: str | None) -> dict[str, Any]:
    """What metadata.yml says of a database, save to the question who may see a table, which copies it all each time.

    Those copies were half of a table's time. Whoever gives a table an `allow` of its own gets the copies back.
    """
    told = {} if key == "tables" else getattr(datasette, "told", {})
    return {"databases": dict(told)} if told else {}


@hookimpl
def prepare_connection(conn: sqlite3.Connection) -> None:
    """Cap what one connection may build: a cell, a statement, an expression, a pattern."""
    for limit, most in LIMITS.items():
        conn.setlimit(limit, most)
    conn.text_factory = str  # Datasette's own mends broken letters, of which there are none, one call for each cell


@hookimpl
async def startup(datasette: Any) -> None:
    """Keep requests out of the log, and tell Datasette what `datasette inspect` would.

    No access lines, no failed SQL with what the reader typed, and no stock error handler, which prints a stack with
    the values in it. Rows are counted for the tables that metadata.yml describes: those are the package; the search
    index beside them cannot be counted.
    """
    if pm.has_plugin("datasette.handle_exception"):  # the first Datasette of the process
        sys.stderr = cast("TextIO", Discreet(sys.stderr))
        handlers = uvicorn.config.LOGGING_CONFIG["handlers"]
        handlers["default"] |= {"level": "WARNING"}
        uvicorn.config.LOGGING_CONFIG["loggers"]["uvicorn.access"]["handlers"] = []  # none, so no line is ever made
        pm.unregister(name="datasette.handle_exception")
    databases = datasette.metadata("databases") or {}
    if not any("allow" in table for said in databases.values() for table in said.get("tables", {}).values()):
        datasette.told = {name: databases.pop(name) for name in list(databases)}
    datasette.inspect_data = {
        name: {"hash": db.hash, "size": db.size, "tables": await db.execute_fn(partial(_counts, described))}
        for name, db in datasette.databases.items()
        if db.hash and (described := (datasette.metadata("databases") or {}).get(name, {}).get("tables"))
    }
    for name, known in datasette.inspect_data.items():
        for question in LASTING:
            db = datasette.databases[name]
            setattr(db, question, _remembered(getattr(db, question), known["tables"]))


def _remembered(ask: Callable[..., Awaitable[Any]], tables: Container[str]) -> Callable[..., Awaitable[Any]]:
    """The same question about a table, asked once: the file never changes. A name a stranger made up is not kept."""
    told: dict[tuple[str, ...], Any] = {}

    async def answer(*table: str) -> Any:
        if table in told:
            return told[table]
        found = await ask(*table)
        if table[0] in tables:
            told[table] = found
        return found

    return answer


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
    if isinstance(exception, QueryInterrupted) or getattr(exception, "message_is_html", False):
        status, sentence = HTTPStatus.BAD_REQUEST, say("too_long", language(datasette))
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        traceback.print_exc()
        sentence = say("our_fault", language(datasette))
    return await error(datasette, request.path, status, str(sentence))


@hookimpl
def forbidden(datasette: Any, request: Any) -> object:
    """A sentence for who tries SQL, in the form that was asked for."""
    return error(datasette, request.path, HTTPStatus.FORBIDDEN, say("no_sql", language(datasette)))


# Which page tells more of a cell: its column, the page, and the column that bears the key if it is another.
LINKS: Final = {
    **dict.fromkeys(("claim_id", "headline_claim", "set_aside", "total_claim"), ("figure", "")),
    **dict.fromkeys(("value", "headline"), ("figure", "claim_id")), "total": ("figure", "total_claim"),
    **dict.fromkeys(("document_title", "title"), ("document", "document_id")),
    "document_id": ("document", ""), "indicator": ("series", ""), "conflict_id": ("conflict", ""),
}  # fmt: skip
SEVERAL: Final = frozenset({"claims", "parts"})


@hookimpl
def render_cell(row: sqlite3.Row, value: object, column: str, datasette: Any) -> object:
    """A link from a figure to its passport, and to the page of a document, a series or a disagreement; else None."""
    cells = {name: row[name] for name in row.keys()}  # noqa: SIM118  a row iterates over its values
    if column in SEVERAL and isinstance(value, str):
        links = [_link(datasette, "figure", claim, claim) for claim in value.split("; ")]
        return Markup("; ").join(links)
    page, key = LINKS.get(column, ("", ""))
    label = value["label"] if isinstance(value, dict) else value
    bearer = cells.get("headline_claim") if column == "headline" else cells.get(key or column)
    if isinstance(bearer, dict):  # a foreign key with its label
        bearer = bearer["value"]
    return _link(datasette, page, bearer, label) if page and bearer and label is not None else None


def _link(datasette: Any, page: str, key: object, label: object) -> Markup:
    return Markup('<a href="{}">{}</a>').format(datasette.urls.path(f"/{page}/{quote(str(key))}"), label)


@hookimpl
def register_routes() -> list[tuple[str, Callable[..., Awaitable[object]]]]:
    """/claim/<claim_id>, with .json or .csv if wanted: the address of a claim that outlives its versions."""
    return [(r"^/claim/(?P<claim>[^/.]+)(?P<extension>\.json|\.csv)?/?$", _claim)]


async def _claim(datasette: Any, request: Any) -> object:
    """To the passport of a claim; as data to its row, or to the history of one that was withdrawn; or a sentence."""
    claim, extension = request.url_vars["claim"], request.url_vars["extension"] or ""
    newest = "SELECT topic, status FROM vintages WHERE claim_id = :claim ORDER BY version DESC LIMIT 1"
    for name in [name for name, db in datasette.databases.items() if await db.table_exists("vintages")]:
        for topic, status in await datasette.execute(name, newest, {"claim": claim}):
            if not extension:
                return Response.redirect(datasette.urls.path(f"/figure/{quote(claim)}"))
            if status != "withdrawn":
                return Response.redirect(f"{datasette.urls.row(name, topic, quote(claim))}{extension}")
            history = datasette.urls.table(name, "vintages")
            return Response.redirect(f"{history}{extension}?{urlencode({'claim_id': claim})}")
    sentence = "No claim bears this id. All ids stand in /statistics/vintages, withdrawn ones included."
    return await error(datasette, request.path, 404, sentence)


def _is_answer(path: str) -> bool:
    """Whether a CSV is made for this request; the files of the release are sent as they were released and signed."""
    return path.endswith(".csv") and not path.startswith("/files/")


@hookimpl(tryfirst=True)  # the innermost door: prepared.py keeps what leaves it
def asgi_wrapper(datasette: Any) -> Callable[[App], App]:
    """Every request through one door: refusals and headers."""

    def guarded(app: App) -> App:
        async def door(scope: Message, receive: Receive, send: Send) -> None:
            async def dressed(message: Message) -> None:
                if message["type"] == "http.response.start":
                    message = {**message, "headers": _dressed(message)}
                elif _is_answer(scope["path"]) and message.get("body"):
                    message = {**message, "body": _inert_csv(message["body"])}
                await send(message)

            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            try:
                if refused := await _refusal(datasette, scope):
                    await refused.asgi_send(dressed)
                else:
                    await app(scope, receive, dressed)
            except QueryInterrupted:  # within a page of ours, before a byte was sent
                late = await error(datasette, scope["path"], 400, say("too_long", language(datasette)))
                await late.asgi_send(dressed)

        return door

    return guarded


def _inert_csv(rows: bytes) -> bytes:
    """The rows of Datasette's own CSV, of which each is sent whole, with nothing that a spreadsheet would run."""
    out = io.StringIO()
    csv.writer(out).writerows(
        [inert(cell) for cell in row] for row in csv.reader(io.StringIO(rows.decode(), newline=""))
    )
    return out.getvalue().encode()


def _dressed(message: Message) -> Headers:
    """The headers of an answer with ours added; one that is whole may also be kept for a while."""
    headers: Headers = list(message["headers"])
    there = {name.lower() for name, _ in headers}
    added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    added += [KEPT] if message["status"] == HTTPStatus.OK else []
    return headers + [one for one in added if one[0] not in there]


async def _refusal(datasette: Any, scope: Message) -> Any:
    """The answer to a request that must not reach Datasette as it stands, or None.

    A named query's page that is opened without its parameters goes where a reader can start.
    """
    path, arguments = scope["path"], parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    first, _, rest = path.strip("/").partition("/")
    name, _, extension = rest.partition(".")
    if first == "-" and name.partition("/")[0] not in OPEN_INTERNALS:
        return await error(datasette, path, 404, say("no_page", language(datasette)))
    if scope["method"] not in {"GET", "HEAD", "OPTIONS"}:
        refused = await error(datasette, ".json", 405, say("only_reads", language(datasette)))
        refused.headers["allow"] = "GET, HEAD"
        return refused
    query = await datasette.get_canned_query(first, name, None) if first in datasette.databases else None
    if not query:
        wrong = await of_address(datasette, path, arguments)
        return await error(datasette, path, 400, wrong) if wrong else None
    declared = query.get("parameters") or {}
    asked = {argument: values for argument, values in arguments.items() if not argument.startswith("_")}
    start = next((rule["start"] for rule in declared.values() if "start" in rule), None)  # none: all may be left out
    if start and not extension and not "".join(value for values in asked.values() for value in values).strip():
        return Response.redirect(datasette.urls.path(start))
    wrong = await of_query(datasette, first, declared, asked)
    wrong = wrong or of_options(
        {name: arguments[name] for name in arguments.keys() - asked.keys()}, language(datasette)
    )
    return await error(datasette, path, 400, f"{name}: {wrong}") if wrong else None


def inert(cell: object) -> object:
    """A cell for a spreadsheet: a text that would be a formula gets an apostrophe, marks that turn text are gone."""
    if not isinstance(cell, str):
        return cell
    kept = cell.translate(TURNING)
    return f"'{kept}" if FORMULA.match(kept) else kept


async def error(datasette: Any, path: str, status: int, sentence: str) -> Any:
    """An error as stock Datasette words it: JSON or text for a data address, else the error page."""
    said = {"ok": False, "error": sentence, "status": status, "title": None}
    if path.endswith(".json"):
        return Response.json(said, status=status, headers=cors(datasette))
    if path.endswith(TEXTS):
        return Response.text(sentence, status=status, headers=cors(datasette))
    template = datasette.jinja_env.select_template([f"{status}.html", "error.html"])
    page = {**said, "urls": datasette.urls, "app_css_hash": datasette.app_css_hash(), "menu_links": list}
    return Response.html(await template.render_async(page), status=status, headers=cors(datasette))


def cors(datasette: Any) -> dict[str, str]:
    """The header that lets other sites read our data."""
    return {"Access-Control-Allow-Origin": "*"} if datasette.cors else {}
