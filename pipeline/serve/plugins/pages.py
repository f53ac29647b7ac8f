"""The public pages in three languages, in one process, loaded by Datasette with --plugins-dir.

English stands at /, Russian at /ru/ and Tajik at /tg/: each of the two is a Datasette of its own over the same file,
with its own base_url, so that every link, facet and label stays in the language. Data answers carry codes and are the
same everywhere; they are always given by the English one. The templates ask the database themselves, with `ask`; the
words of the interface stand in words.yml. Leaves refusals and headers to guard.py, the API to api.py.
"""

from __future__ import annotations

import json
import re
import sqlite3
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import markdown_it
import pluggy
from datasette import Response
from datasette.app import Datasette
from datasette.database import QueryInterrupted
from markupsafe import Markup

from pipeline import folding, wording
from pipeline.serve import asking, drawing, prepared
from pipeline.serve.plugins import guard
from pipeline.serve.words import COLUMNS, WORDS, language, say

hookimpl: Final = pluggy.HookimplMarker("datasette")

DATABASE: Final = "statistics"
PACKAGE: Final = uuid.UUID("c0f0974f-9adc-564b-acc1-c483ccca5dd8")  # of schemas/package.yml: ids that outlive any host
TRANSLATED: Final = ("ru", "tg")
VIEWS: Final = ("claims", "claim_versions")
# Data answers are the same in every language.
DATA: Final = re.compile(r"/(v1|feed|files|site)(/|$)|.*\.(json|csv|db|xlsx|atom|xml|yaml|txt)$")
LABEL: Final = re.compile(r"\b(title|definition|explanation|reason)_en\b")
READ, OF_EACH, ENOUGH = 600, 40, 5
BEGINNING: Final = re.compile(r'"([^"\s]+)"\*')
Ask = Callable[..., Awaitable[list[dict[str, Any]]]]
# Of a table of figures a reader sees first what is said, who says it and about when; then the rest as it stands.
FIRST: Final = ("claim_id", "value", "qualifier", "unit", "indicator", "originator", "period_start", "period_end")
REGISTER: Final = "register_"  # so begin the names of the tables counted from the private register
# Here lie methods.en.md and so on, of the register.
METHODS: Final = Path(__file__).resolve().parent.parent.parent.parent / "docs"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS: Final = {
    "dataset.jsonld": "schema.org", "dcat-ap.jsonld": "DCAT-AP 3", "croissant.json": "Croissant",
    "csv-metadata.json": "CSVW", "codes.jsonld": "SKOS", "prov.json": "W3C PROV", "CITATION.cff": "CITATION.cff",
    "bagit.txt": "BagIt", "dictionary.md": "Markdown",
}  # fmt: skip


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
    """The metadata with the descriptions of tables and columns in one language."""
    for name, table in metadata["databases"][DATABASE]["tables"].items():
        counted = name.startswith(REGISTER)
        about = "about_register" if counted else f"about_{name}"
        table["description"] = WORDS.get(about, WORDS["about_code_list"])[tongue]
        for column, label in table["columns"].items():
            means = COLUMNS.get(f"{'register' if counted else name}.{column}") or (not counted and COLUMNS.get(column))
            table["columns"][column] = f"{label}. {means[tongue]}" if means else label
    return metadata


@hookimpl(trylast=True)  # the outermost door, so that each site below has its own guard
def asgi_wrapper(datasette: Any) -> Callable[[prepared.App], prepared.App]:
    """/ru/ and /tg/ lead to their site, without the prefix; data under them is answered by the English one.

    Around both stands what is known already.
    """

    def by_language(app: prepared.App) -> prepared.App:
        async def door(scope: prepared.Message, receive: prepared.Receive, send: prepared.Send) -> None:
            if scope["type"] != "http":
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

    if language(datasette) != "en":
        return lambda app: app
    release = prepared.release_tag(datasette)
    return lambda app: prepared.door(by_language(app), release, cors=datasette.cors)


# What is counted but nobody gave a figure for: a reader who asks for it is told so on the page of its series.
UNSAID: Final = """
SELECT 'indicators' AS resource, indicator AS key, title_en AS title, '' AS broken_down_by, NULL AS period_start,
  NULL AS period_end, indicator || ' ' || title_ru || ' ' || title_tg || ' ' || title_en AS titles, 0 AS context
FROM indicators WHERE indicator NOT IN (SELECT indicator FROM front_series)"""


def searching(ask: Ask) -> Callable[[str], Awaitable[list[Mapping[str, Any]]]]:
    """What finds the rows for a text that a reader typed, those that answer best first."""
    written: list[frozenset[str]] = []  # the folded words of all titles, once somebody asks

    async def whole(terms: str) -> str:
        """The terms with each beginning of a word as the words that begin so."""
        begun = {beginning: await ask(BEGUN, begun=beginning) for beginning in BEGINNING.findall(terms)}
        words = {one: " OR ".join(f'"{row["word"]}"' for row in rows) or f'"{one}"' for one, rows in begun.items()}
        return BEGINNING.sub(lambda one: words[one[1]], terms)

    async def read(terms: str, years: Sequence[str]) -> list[Mapping[str, Any]]:
        dated = f"({terms}) AND ({' OR '.join(f'§{year}' for year in years)})"
        rows = {row["key"]: row for some in [dated] * bool(years) + [terms] for row in await answers(some)}
        return list(rows.values())

    async def answers(terms: str) -> list[dict[str, Any]]:
        try:
            return await ask(SEARCH, asked=terms)
        except QueryInterrupted:  # many words in a large record: the first rows that bear them
            return await ask(SEARCH.replace(NEAR, FIRST_ROWS), asked=terms)

    async def found(text: str) -> list[Mapping[str, Any]]:
        if not written:
            written.append(frozenset(folding.folded(" ".join([row["title"] for row in await ask(TITLES)])).split()))
        asked = asking.question(text, written[0])
        if not asked.terms:
            return [
                row for year in asked.years[:1] for row in asking.of_year(await ask(SEARCH, asked=f"§{year}"), year)
            ]
        asked = replace(asked, terms=tuple([await whole(term) for term in asked.terms]))
        asked = asking.weighed(asked, [(await ask(COUNT, asked=term))[0]["n"] for term in asked.terms])
        hits = await read(asked.every, asked.years) + asking.named(await ask(UNSAID), asked)
        best = asking.ordered(hits, asked)
        if len(best) < ENOUGH and len(asked.terms) > 1:
            there = {row["key"] for row in best}
            more = await read(asked.some, asked.years)
            best += asking.ordered((row for row in more if row["key"] not in there), asked)
        return best

    return found


@hookimpl
def prepare_jinja2_environment(env: Any, datasette: Any) -> None:
    """What every template may use; not only the pages that Datasette renders with variables, but errors too."""
    tongue = language(datasette)
    prefix = datasette.setting("base_url").rstrip("/")
    labels = _labels(datasette)

    def t(key: str, **given: object) -> str:
        return say(key, tongue, **given)

    async def ask(sql: str, **given: object) -> list[dict[str, Any]]:
        asked = LABEL.sub(rf"\1_{tongue}", sql)
        try:
            return [dict(row) for row in (await datasette.execute(DATABASE, asked, given)).rows]
        except sqlite3.OperationalError as error:
            if str(error).startswith("no such table"):  # a release may hold less: no captures, nothing reconciled
                return []
            raise

    env.finalize = lambda value: value.translate(guard.TURNING) if isinstance(value, str) else value
    env.globals |= {
        "t": t, "ask": ask, "found": searching(ask), "language": tongue,
        "href": lambda path: Markup("{}{}").format(prefix, path),
        "label": lambda column: WORDS.get(f"column_{column}", {}).get(tongue) or labels.get(column, column),
        "told": lambda value: WORDS.get(f"value_{value}", {}).get(tongue, value),
        "window": lambda start, end: wording.window(start, end, tongue),
        "day": lambda iso: wording.day(iso, tongue),
        "shown_first": lambda cells: _shown_first(_register_in_words(cells, tongue)),
        "axes": drawing.Axes, "bars": drawing.bars, "ticks": drawing.ticks, "years": drawing.years,
        "other": lambda column, columns: (
            column.endswith(("_en", "_ru", "_tg")) and not column.endswith(tongue) and column[:-2] + tongue in columns
        ),
        "web": lambda url: url if urlsplit(url or "").scheme in {"http", "https"} else "",
        "lasting": lambda name: uuid.uuid5(PACKAGE, name).urn,
        "questions": lambda: questions(datasette), "described": lambda: list(_tables(datasette).items()),
        "site_pages": lambda: site_pages(datasette),
        "table_title": lambda name: _tables(datasette).get(name, {}).get("title", name),
        "here_address": lambda request, path: f"{address(request)}{prefix}{path}",
        "dataset": lambda here: _dataset(
            _release(datasette), url=here, name=t("site"), description=t("lead"), inLanguage=tongue
        ),
        "formats": lambda: _formats(_release(datasette)),
        "register_methods": lambda: _register_methods(tongue, _tables(datasette)),
    }  # fmt: skip


# A sitemap holds 50,000 at most.
PAGES: Final = """
SELECT DISTINCT '/topic/' || topic FROM front_series UNION ALL SELECT '/series/' || indicator FROM indicators
UNION ALL SELECT '/document/' || document_id FROM documents UNION ALL SELECT '/conflict/' || conflict_id FROM conflicts
UNION ALL SELECT '/figure/' || claim_id FROM (SELECT DISTINCT claim_id FROM vintages LIMIT 49900) LIMIT 49900"""
# A row of the index is a claim or an event. Some of each indicator are read, whatever the number that bear a word, and
# asking.py puts them in order: a common word would have SQLite weigh the whole record. Marks: publish/search.py.
NEAR: Final = f"""
WITH groups(mark) AS (SELECT replace(indicator, '_', '') FROM indicators UNION ALL SELECT 'milestones'),
near(id) AS (
  SELECT one.value FROM groups, json_each((SELECT json_group_array(rowid) FROM (
    SELECT rowid FROM search WHERE search MATCH '(' || :asked || ') AND §' || mark LIMIT {OF_EACH}))) AS one
  ORDER BY one.key LIMIT {READ})"""  # noqa: S608  our numbers
FIRST_ROWS: Final = f"WITH near(id) AS (SELECT rowid FROM search WHERE search MATCH :asked LIMIT {READ})"  # noqa: S608
SEARCH: Final = f"""{NEAR},
kept(resource, key) AS (SELECT r.resource, r.key FROM near CROSS JOIN search_rows AS r ON r.id = near.id)
SELECT k.resource, k.key, c.topic, c.indicator_title AS title, c.value, c.qualifier, c.unit_name, c.originator_name,
  c.broken_down_by, c.document_title, c.document_id, c.period_start, c.period_end,
  coalesce(i.ohchr_type = 'context', 0) AS context,
  i.indicator || ' ' || i.title_ru || ' ' || i.title_tg || ' ' || i.title_en AS titles
FROM kept AS k CROSS JOIN claims AS c ON c.claim_id = k.key JOIN indicators AS i ON i.indicator = c.indicator
UNION ALL
SELECT k.resource, k.key, '', m.title_en, NULL, NULL, NULL, NULL, NULL, d.title, m.document_id, m.date_start,
  m.date_end, 0, m.title_ru || ' ' || m.title_tg || ' ' || m.title_en
FROM kept AS k CROSS JOIN milestones AS m ON m.milestone_id = k.key
LEFT JOIN documents AS d ON d.document_id = m.document_id"""  # noqa: S608  our numbers
BEGUN: Final = "SELECT word FROM search_words WHERE word >= :begun AND word < :begun || char(1114111) LIMIT 40"
TITLES: Final = """
SELECT title_en || ' ' || title_ru || ' ' || title_tg AS title FROM indicators UNION ALL
SELECT title_en || ' ' || title_ru || ' ' || title_tg FROM bodies UNION ALL
SELECT title_en || ' ' || title_ru || ' ' || title_tg FROM areas UNION ALL SELECT title FROM documents"""
COUNT: Final = "SELECT count(*) AS n FROM (SELECT 1 FROM search WHERE search MATCH :asked LIMIT 3000)"


def address(request: Any) -> str:
    """Where this site stands, as the reader or the proxy before us says: scheme and host."""
    scheme = request.headers.get("x-forwarded-proto", "")
    return f"{scheme if scheme == 'https' else request.scheme}://{request.host}"


def _tables(datasette: Any) -> dict[str, dict[str, Any]]:
    return (datasette.metadata("databases") or {}).get(DATABASE, {}).get("tables") or {}


async def site_pages(datasette: Any) -> list[str]:
    """The path of every page of ours, without the language."""
    fixed = "search sources coverage methods dictionary downloads api".split()
    kept = await datasette.execute(DATABASE, PAGES)
    return ["/", *(f"/{page}" for page in fixed), *sorted(row[0] for row in kept.rows)]


def questions(datasette: Any) -> list[dict[str, str]]:
    """The named queries with their words, and `example`, the parameters of a first answer."""
    queries = datasette.metadata("queries", database=DATABASE, fallback=False) or {}
    found = []
    for name, query in queries.items():
        rules = (query.get("parameters") or {}).values()
        example = next((rule["example"] for rule in rules if "example" in rule), "")
        found.append({**query, "name": name, "example": example})
    return found


def _shown_first(cells: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The columns of a table of figures, or the cells of one row, in the order in which a reader wants them."""
    names = [cell.get("column") or cell["name"] for cell in cells]
    place = {name: at for at, name in enumerate(FIRST)} if "value" in names else {}
    return [cell for _, cell in sorted(zip(names, cells, strict=True), key=lambda one: place.get(one[0], len(FIRST)))]


def _register_in_words(cells: Sequence[Mapping[str, Any]], tongue: str) -> Sequence[Mapping[str, Any]]:
    """The cells of a row of the register in words: a rounded 0 reads as 0–4, for a bare 0 would read as nobody."""
    told = {cell.get("column"): cell.get("raw") for cell in cells}
    if not {"value", "rounded_to", "status"} <= set(told):
        return cells
    value, base, status = told["value"], told["rounded_to"] or 1, str(told["status"])
    said = {column: WORDS[f"register_{code}"][tongue] for column, code in told.items() if f"register_{code}" in WORDS}
    if value is not None and base > 1:
        said["status"] = say("register_between", tongue, low=max(0, value - base + 1), high=value + base - 1)
        said |= {} if value else {"value": status}
    return [{**cell, "value": said.get(cell["column"], cell["value"])} for cell in cells]


def _register_methods(tongue: str, tables: Iterable[str]) -> Markup:
    """docs/methods.*.md for a page that has its own first heading; nothing where no register was counted."""
    if not any(name.startswith(REGISTER) for name in tables):
        return Markup()
    text = (METHODS / f"methods.{tongue}.md").read_text(encoding="utf-8")
    return Markup(markdown_it.MarkdownIt().render(re.sub(r"^#", "##", text, flags=re.MULTILINE)))  # noqa: S704  ours


def _labels(datasette: Any) -> dict[str, str]:
    """The name of each column in words: the first sentence of its description, or its label."""
    return {column: text.split(". ")[0] for column, text in meanings(datasette).items()}


def meanings(datasette: Any) -> dict[str, str]:
    """What each column means, as the tables say, or its label where only queries have it."""
    said = {key[7:]: told["en"] for key, told in WORDS.items() if key.startswith("column_")}
    for table in _tables(datasette).values():
        said |= table.get("columns") or {}
    return said


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
