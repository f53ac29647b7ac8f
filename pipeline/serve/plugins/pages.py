"""The public pages in three languages, in one process, loaded by Datasette with --plugins-dir.

English stands at /, Russian at /ru/ and Tajik at /tg/: each of the two is a Datasette of its own over the same file,
with its own base_url, so that every link, facet and label stays in the language. Data answers carry codes and are the
same everywhere; they are always given by the English one. The templates ask the database themselves, with `ask`; the
words of the interface stand in words.yml. Leaves refusals and headers to guard.py, the API to api.py.
"""

from __future__ import annotations

import datetime
import json
import math
import re
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pluggy
import yaml
from datasette import Response
from datasette.app import Datasette
from markupsafe import Markup

from pipeline.serve import asking
from pipeline.serve.plugins import guard

Message = MutableMapping[str, Any]
App = Callable[[Message, Any, Any], Awaitable[None]]

hookimpl: Final = pluggy.HookimplMarker("datasette")

DATABASE: Final = "statistics"
TRANSLATED: Final = ("ru", "tg")
VIEWS: Final = ("claims", "claim_versions")
WORDS: Final[Mapping[str, Mapping[str, str]]] = yaml.safe_load(
    (Path(__file__).parent.parent / "words.yml").read_text(encoding="utf-8")
)
# Data answers are the same in every language.
DATA: Final = re.compile(r"/(v1|feed|files|site)(/|$)|.*\.(json|csv|db|xlsx|atom|xml|yaml|txt)$")
LABEL: Final = re.compile(r"\b(title|definition|explanation|reason)_en\b")
READ, ENOUGH, SHOWN = 300, 5, 50
LABEL_WIDE, LABEL_HIGH = 22, 11
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS: Final = {
    "dataset.jsonld": "schema.org", "dcat-ap.jsonld": "DCAT-AP 3", "croissant.json": "Croissant",
    "csv-metadata.json": "CSVW", "codes.jsonld": "SKOS", "prov.json": "W3C PROV", "CITATION.cff": "CITATION.cff",
    "bagit.txt": "BagIt", "dictionary.md": "Markdown",
}  # fmt: skip


def language(datasette: Any) -> str:
    """The language of one Datasette: the prefix it is served under, English without one."""
    return datasette.setting("base_url").strip("/") or "en"


@hookimpl
def prepare_connection(conn: sqlite3.Connection, database: str, datasette: Any) -> None:
    """In Russian and Tajik the named queries see the views with labels in that language."""
    tongue = language(datasette)
    if database == DATABASE and tongue != "en":
        conn.execute("PRAGMA temp_store = MEMORY")
        for view in VIEWS:
            conn.execute(f"CREATE TEMP VIEW {view} AS SELECT * FROM main.{view}_{tongue}")  # noqa: S608  our names


@hookimpl
async def startup(datasette: Any) -> None:
    """Start the Russian and the Tajik site beside the English one."""
    datasette.sites = {}
    if language(datasette) != "en":
        return
    for tongue in TRANSLATED:
        child = Datasette(
            immutables=[db.path for db in datasette.databases.values() if db.path and not db.is_mutable],
            inspect_data=datasette.inspect_data,
            metadata=_described(localised(datasette.metadata(), tongue), tongue),
            template_dir=datasette.template_dir,
            static_mounts=datasette.static_mounts,
            settings={**datasette.settings_dict(), "base_url": f"/{tongue}/"},
            cors=datasette.cors,
        )
        await child.invoke_startup()
        datasette.sites[tongue] = child.app()


def localised(part: Any, tongue: str) -> Any:
    """The metadata with the words of one language: `title_ru` takes the place of `title`, labels are asked in Russian.

    Shape: the same as it was given; nothing that has no words in the language is changed.
    """
    if isinstance(part, dict):
        kept = {name: localised(value, tongue) for name, value in part.items()}
        own = {name.removesuffix(f"_{tongue}"): value for name, value in kept.items() if name.endswith(f"_{tongue}")}
        if "description" in own:
            kept.pop("description_html", None)
        kept |= {name: value for name, value in own.items() if name not in {"title", "definition"} or value != ""}
        return kept
    if isinstance(part, list):
        return [localised(one, tongue) for one in part]
    return re.sub(r"\btitle_en\b", f"title_{tongue}", part) if isinstance(part, str) else part


def _described(metadata: Any, tongue: str) -> Any:
    """The metadata with the descriptions of the tables in one language, as words.yml has them."""
    for name, table in metadata["databases"][DATABASE]["tables"].items():
        table["description"] = WORDS.get(f"about_{name}", WORDS["about_code_list"])[tongue]
    return metadata


@hookimpl(trylast=True)  # the outermost door, so that each site below has its own guard
def asgi_wrapper(datasette: Any) -> Callable[[App], App]:
    """/ru/ and /tg/ lead to their site, without the prefix; data under them is answered by the English one."""

    def by_language(app: App) -> App:
        async def door(scope: Message, receive: Any, send: Any) -> None:
            if scope["type"] != "http" or not getattr(datasette, "sites", None):
                await app(scope, receive, send)
                return
            _, first, rest = (scope["path"] + "/").split("/", 2)
            if first == "tj":  # the country's code, which some take for the language's
                await Response.redirect(f"/tg/{rest}".removesuffix("/") or "/tg").asgi_send(send)
                return
            if first not in datasette.sites:
                await app(scope, receive, send)
                return
            path = "/" + rest.removesuffix("/") if rest != "/" else "/"
            raw = scope.get("raw_path", scope["path"].encode()).partition(b"?")[0].removeprefix(f"/{first}".encode())
            inner = {**scope, "path": path, "raw_path": raw or b"/"}
            await (app if DATA.match(path) else datasette.sites[first])(inner, receive, send)

        return door

    return by_language


# What is counted but nobody gave a figure for: a reader who asks for it is told so on the page of its series.
UNSAID: Final = """
SELECT 'indicators' AS resource, indicator AS key, title_en AS title, '' AS broken_down_by, NULL AS period_start,
  NULL AS period_end, indicator || ' ' || title_ru || ' ' || title_tg || ' ' || title_en AS titles, 0 AS context
FROM indicators WHERE indicator NOT IN (SELECT indicator FROM claims)"""


@hookimpl
def prepare_jinja2_environment(env: Any, datasette: Any) -> None:
    """What every template may use; not only the pages that Datasette renders with variables, but errors too."""
    tongue = language(datasette)
    prefix = datasette.setting("base_url").rstrip("/")
    labels = _labels(datasette)

    def t(key: str, **given: object) -> str:
        text = WORDS[key][tongue]
        return text.format(**given) if given else text

    async def ask(sql: str, **given: object) -> list[dict[str, Any]]:
        asked = LABEL.sub(rf"\1_{tongue}", sql)
        try:
            return [dict(row) for row in (await datasette.execute(DATABASE, asked, given)).rows]
        except sqlite3.OperationalError as error:
            if str(error).startswith("no such table"):  # a release may hold less: no captures, nothing reconciled
                return []
            raise

    async def ask_at_length(sql: str) -> list[dict[str, Any]]:
        asked = LABEL.sub(rf"\1_{tongue}", sql)
        base = datasette.get_database(DATABASE)
        return list(await base.execute_fn(lambda conn: [dict(row) for row in conn.execute(asked)]))

    async def found(text: str) -> list[Mapping[str, Any]]:
        asked = asking.question(text)
        if not asked.terms:
            return []
        hits = await ask(SEARCH, asked=asked.every) + asking.named(await ask(UNSAID), asked)
        best = asking.ordered(hits, asked)
        if len(best) < ENOUGH and len(asked.terms) > 1:
            there = {row["key"] for row in best}
            more = await ask(SEARCH, asked=asked.some)
            best += asking.ordered((row for row in more if row["key"] not in there), asked)
        return best[:SHOWN]

    env.finalize = lambda value: value.translate(guard.TURNING) if isinstance(value, str) else value
    env.globals |= {
        "t": t, "ask": ask, "ask_at_length": ask_at_length, "found": found, "language": tongue,
        "href": lambda path: Markup("{}{}").format(prefix, path),
        "label": lambda column: WORDS.get(f"column_{column}", {}).get(tongue) or labels.get(column, column),
        "told": lambda value: WORDS.get(f"value_{value}", {}).get(tongue, value),
        "window": lambda start, end: _window(start, end, tongue),
        "day": lambda iso: _day(iso, tongue),
        "year_fraction": _year_fraction, "ticks": _ticks, "free_level": _free_level,
        "other": lambda column, columns: (
            column.endswith(("_en", "_ru", "_tg")) and not column.endswith(tongue) and column[:-2] + tongue in columns
        ),
        "web": lambda url: url if urlsplit(url or "").scheme in {"http", "https"} else "",
        "questions": lambda: questions(datasette), "described": lambda: list(_tables(datasette).items()),
        "site_pages": lambda: site_pages(datasette),
        "table_title": lambda name: _tables(datasette).get(name, {}).get("title", name),
        "here_address": lambda request, path: f"{address(request)}{prefix}{path}",
        "dataset": lambda here: _dataset(
            _release(datasette), url=here, name=t("site"), description=t("lead"), inLanguage=tongue
        ),
        "formats": lambda: _formats(_release(datasette)),
    }  # fmt: skip


PAGES: Final = """
SELECT DISTINCT '/topic/' || topic FROM claims UNION ALL SELECT '/series/' || indicator FROM indicators
UNION ALL SELECT '/conflict/' || conflict_id FROM conflicts UNION ALL SELECT '/document/' || document_id FROM documents
UNION ALL SELECT DISTINCT '/figure/' || claim_id FROM vintages"""
# A row of the index is a claim or an event; the nearest are read, asking.py puts them in order.
SEARCH: Final = f"""
SELECT r.resource, r.key, coalesce(i.title_en, m.title_en) AS title, c.value, c.qualifier, c.unit_name,
  c.originator_name, c.broken_down_by, d.title AS document_title, m.document_id,
  coalesce(c.period_start, m.date_start) AS period_start, coalesce(c.period_end, m.date_end) AS period_end,
  coalesce(i.indicator || ' ' || i.title_ru || ' ' || i.title_tg, m.title_ru || ' ' || m.title_tg) || ' '
  || coalesce(i.title_en, m.title_en) AS titles, coalesce(i.ohchr_type = 'context', 0) AS context
FROM (SELECT rowid, rank FROM search WHERE search MATCH :asked ORDER BY rank LIMIT {READ}) AS s
JOIN search_rows AS r ON r.id = s.rowid
LEFT JOIN claims AS c ON c.claim_id = r.key LEFT JOIN milestones AS m ON m.milestone_id = r.key
LEFT JOIN indicators AS i ON i.indicator = c.indicator
LEFT JOIN documents AS d ON d.document_id = coalesce(c.document_id, m.document_id)"""  # noqa: S608  our number


def address(request: Any) -> str:
    """Where this site stands, as the reader or the proxy before us says: scheme and host."""
    scheme = request.headers.get("x-forwarded-proto", "")
    return f"{scheme if scheme == 'https' else request.scheme}://{request.host}"


def _tables(datasette: Any) -> dict[str, dict[str, Any]]:
    return datasette.metadata("tables", database=DATABASE, fallback=False) or {}


async def site_pages(datasette: Any) -> list[str]:
    """The path of every page of ours, without the language."""
    fixed = "search sources coverage methods dictionary downloads api".split()
    kept = await datasette.execute(DATABASE, PAGES)
    return ["/", *(f"/{page}" for page in fixed), *(row[0] for row in kept.rows)]


def questions(datasette: Any) -> list[dict[str, str]]:
    """The named queries with their words, and `example`, the parameters of a first answer."""
    queries = datasette.metadata("queries", database=DATABASE, fallback=False) or {}
    found = []
    for name, query in queries.items():
        rules = (query.get("parameters") or {}).values()
        example = next((rule["example"] for rule in rules if "example" in rule), "")
        found.append({**query, "name": name, "example": example})
    return found


def _labels(datasette: Any) -> dict[str, str]:
    """The name of each column in words: the first sentence of its description, or its label."""
    columns = (table.get("columns") or {} for table in _tables(datasette).values())
    return {column: text.split(". ")[0] for of_table in columns for column, text in of_table.items()}


def _year_fraction(iso: str, after: int = 0) -> float:
    """A day as years: the first of July 2021 is 2021.5, nearly; with `after` 1, the end of the day."""
    day = datetime.date.fromisoformat(iso)
    return day.year + (day.timetuple().tm_yday - 1 + after) / 366


def _ticks(most: float) -> list[int]:
    """Round numbers from zero to at least `most`, five or so."""
    rough = max(most, 4) / 4
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * nice for nice in (1, 2, 5, 10) if size * nice >= rough)
    return [int(step * n) for n in range(math.ceil(max(most, 4) / step) + 1)]


def _free_level(taken: list[tuple[float, float]], x: float, y: float) -> float | None:
    """Where the number of a bar at (x, y) may stand, above it or below, away from those `taken`; None if nowhere."""
    for level in (y - 6, y + 13):
        if all(abs(x - other) > LABEL_WIDE or abs(level - beside) > LABEL_HIGH for other, beside in taken):
            taken.append((x, level))
            return level
    return None


def _day(iso: str, tongue: str) -> str:
    day = datetime.date.fromisoformat(iso)
    month = WORDS["months"][tongue].split()[day.month - 1]
    return f"{day.day} {month} {'соли ' * (tongue == 'tg')}{day.year}"


def _window(start: str, end: str, tongue: str) -> str:
    """A whole year as its number, one day as a day, else its two ends."""
    if start[4:] == "-01-01" and end == f"{start[:4]}-12-31":
        return start[:4]
    return " – ".join(dict.fromkeys([_day(start, tongue), _day(end, tongue)]))


def _release(datasette: Any) -> Path:
    """The folder of the release that is served."""
    return Path(datasette.get_database(DATABASE).path).parent


def _dataset(release: Path, **own: str) -> Markup:
    """The JSON-LD that the release bears, with the words of this page; no text in it can close the block."""
    if not (release / "dataset.jsonld").is_file():  # a release from before it had one
        return Markup()
    told = json.loads((release / "dataset.jsonld").read_text(encoding="utf-8")) | own
    for one in told["distribution"]:
        one["contentUrl"] = f"/files/{one['contentUrl']}"
    text = json.dumps(told, ensure_ascii=False).replace("<", "\\u003c")
    return Markup('<script type="application/ld+json">{}</script>').format(Markup(text))  # noqa: S704  no < is left


def _formats(release: Path) -> list[tuple[str, str]]:
    """The path and name of each format of the whole record that the release holds, then of each cube."""
    cubes = sorted(path.name for path in release.glob("jsonstat/*.json"))
    return [
        *((path, name) for path, name in FORMATS.items() if (release / path).is_file()),
        *((f"jsonstat/{name}", f"JSON-stat, {name.removesuffix('.json')}") for name in cubes),
    ]
