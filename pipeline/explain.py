"""The passport of one claim: what is printed where, by whom, about when, what changed, who says otherwise, how to cite.

Works on the tables of the package alone, so it shows nothing that is withheld there. Judges nothing: bounds are read
from `series`, disagreements from `conflicts`.
"""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pipeline import errors, wording
from pipeline.records import Table

Cells = dict[str, Any]
Passport = dict[str, Any]

WIDTH: Final = 100
LABEL: Final = 15
CITED: Final = {
    "en": "{originator}. {indicator}, {window}: {figure}{parts}. In: {title}, {locator}. {url}. Claim {id}, version "
    "{version}, recorded {recorded}, in: The open record of torture complaints in Tajikistan.",
    "ru": "{originator}. {indicator}, {window}: {figure}{parts}. В: {title}, {locator}. {url}. Запись {id}, версия "
    "{version}, внесена {recorded}, в: Открытый свод данных о жалобах на пытки в Таджикистане.",
    "tg": "{originator}. {indicator}, {window}: {figure}{parts}. Дар: {title}, {locator}. {url}. Сабти {id}, версияи "
    "{version}, дохил шуд {recorded}, дар: Маҷмӯи кушодаи маълумот дар бораи шикоятҳо аз шиканҷа дар Тоҷикистон.",
}
WITHDRAWN: Final = {"en": "WITHDRAWN. ", "ru": "ОТОЗВАНО. ", "tg": "БОЗПАС ГИРИФТА ШУД. "}


def passport(tables: Mapping[str, Table], claim_id: str) -> Passport:
    """All that is known of one claim, in its newest version, codes beside their titles.

    Shape: claim (the row of vintages), figure and window in words, titles of its codes, definition, document, archived,
    clocks, revisions, rivals (figures of its comparable group about a time that touches its own), disagreements,
    divisions (the parts and totals it belongs to) and bounds (all three empty where nothing was reconciled), citation
    by language.
    Raises: UsageError for a claim the ledger never held, naming those most like it.
    """
    versions = list(tables["vintages"].rows.iter_rows(named=True))
    newest = {row["claim_id"]: row for row in versions}
    if claim_id not in newest:
        near = difflib.get_close_matches(claim_id, newest, n=5, cutoff=0.5)
        likely = f"Near it: {', '.join(near)}. " if near else ""
        raise errors.UsageError(
            f"explain: no claim bears this id among the {len(newest):,} of the ledger. {likely}"
            "All ids stand in data/vintages.csv."
        )
    lists = {name: _by_key(table) for name, table in tables.items() if isinstance(table.schema["primaryKey"], str)}
    claim = newest[claim_id]
    indicator, document = lists["indicators"][claim["indicator"]], lists["documents"][claim["document_id"]]
    titles = {language: _titles(claim, tables["vintages"], lists, language) for language in wording.LANGUAGES}
    group = {
        code for code, row in lists["indicators"].items() if row["comparable_group"] == indicator["comparable_group"]
    }
    return {
        "claim": claim,
        "figure": _figure(titles["en"]),
        "window": _window(claim, "en"),
        "titles": titles["en"],
        "definition": indicator["definition_en"],
        "document": {"title": document["title"], "url": document["url"], "locator": claim["locator"]},
        "archived": claim["capture_sha256"] or "no archived page yet",
        "clocks": {"period": [claim["period_start"], claim["period_end"]]}
        | {name: claim[name] for name in ("said_on", "recorded_on")},
        "revisions": [row for row in _rows(tables, "revisions") if row["claim_id"] == claim_id],
        "rivals": [
            _rival(row, _titles(row, tables["vintages"], lists, "en"))
            for row in newest.values()
            if row["indicator"] in group and row["status"] == "current" and row is not claim and _touch(row, claim)
        ],
        "disagreements": [
            row["explanation_en"] for row in _rows(tables, "conflicts") if claim_id in row["claims"].split("; ")
        ],
        "divisions": [
            row | {"fit_name": lists["partition_fit"][row["fit"]]["title_en"]}
            for row in _rows(tables, "partitions")
            if claim_id in (*row["parts"].split("; "), row["total_claim"])
        ],
        "bounds": [
            row | {"agreement_name": lists["agreement"][row["agreement"]]["title_en"]}
            for row in _rows(tables, "series")
            if (row["indicator"], row["area"]) == (claim["indicator"], claim["area"])
            and claim["period_start"][:4] <= row["year"] <= claim["period_end"][:4]
        ],
        "citation": {language: _citation(claim, document, said, language) for language, said in titles.items()},
    }


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """The passport for a terminal, at most 100 columns wide where no single word is longer."""
    claim, titles, document = told["claim"], told["titles"], told["document"]
    yield f"{claim['claim_id']} · version {claim['version']} · {claim['status']}"
    yield ""
    words = f'; in the words of the source: "{claim["period_words"]}"' if claim["period_words"] else ""
    assumed = "; assumed by us, see the note" if claim["period_assumed"] == "true" else ""
    yield from _entry("figure", told["figure"])
    yield from _entry("indicator", titles["indicator"])
    yield from _entry("", told["definition"])
    yield from _entry("parts", titles["parts"] or "a total: not broken down")
    yield from _entry("area", titles["area"])
    yield from _entry("window", f"{told['window']} ({titles['period_type'].lower()}){words}{assumed}")
    yield from _entry("said by", titles["originator"])
    yield from _entry("on a page of", titles["publisher"])
    yield from _entry("document", document["title"])
    yield from _entry("", document["url"])
    yield from _entry("place", document["locator"] or "withheld")
    yield from _entry(
        "printed", {"not_recorded": "not recorded", None: "withheld"}.get(claim["printed"], claim["printed"])
    )
    yield from _entry("archived", told["archived"])
    yield from _entry("clocks", f"about {' to '.join(told['clocks']['period'])}")
    yield from _entry("", f"said on {claim['said_on'] or 'a day we do not know'}")
    yield from _entry("", f"recorded on {claim['recorded_on']}")
    yield from _entry("note", claim["note"] or "none")
    yield from _entry("revisions", "none" if not told["revisions"] else "")
    for one in told["revisions"]:
        said = f"version {one['version']}, {one['recorded_on']}, {one['cause']}: {one['field']} "
        yield from _entry(
            "", f"{said}from {one['old'] or 'nothing'} to {one['new'] or 'nothing'}. {one['reason'] or ''}"
        )
    yield from _entry("rivals", "none" if not told["rivals"] else "figures of the same group, each with its own window")
    for one in told["rivals"]:
        parts = f"; {one['parts']}" if one["parts"] else ""
        yield from _entry("", f"· {one['figure']}; {one['window']}{parts}; {one['originator']} [{one['claim_id']}]")
    yield from _entry("disagreements", "none found" if not told["disagreements"] else "")
    for one in told["disagreements"]:
        yield from _entry("", f"· {one}")
    for one in told["divisions"]:
        left = f", which leaves {one['remainder']}" if one["remainder"] not in {None, "0"} else ""
        whole = f" of {one['total']}" if one["total"] else ""
        yield from _entry(f"by {one['divided_by']}", f"parts make {one['parts_sum']}{whole}{left}; {one['fit_name']}")
    yield from _entry("bounds", "what follows for each year" if told["bounds"] else "no series tells of this claim")
    for one in told["bounds"]:
        limits = f"from {one['low']} to {one['high'] or 'no limit'}"
        yield from _entry("", f"· {one['year']}: {limits}; {one['agreement_name'].lower()}")
    for language in wording.LANGUAGES:
        yield from _entry(f"cite ({language})", told["citation"][language])


def _rows(tables: Mapping[str, Table], name: str) -> list[Cells]:
    """The rows of a table of reconciliation; none where nothing was reconciled."""
    return tables[name].rows.to_dicts() if name in tables else []


def _by_key(table: Table) -> dict[str, Cells]:
    return {row[table.schema["primaryKey"]]: row for row in table.rows.iter_rows(named=True)}


def _titles(claim: Cells, vintages: Table, lists: Mapping[str, Mapping[str, Cells]], language: str) -> dict[str, str]:
    """The titles of a claim's codes by column, and under `value` its number, under `parts` its breakdowns in words."""
    told, parts = {"value": claim["value"] or ""}, []
    names = [field["name"] for field in vintages.schema["fields"]]
    broken = set(names[names.index("period_assumed") + 1 : names.index("value")])
    columns = {field["name"]: field["labels"][language] for field in vintages.schema["fields"]}
    for key in vintages.schema["foreignKeys"]:
        column, source = key["fields"], lists[key["reference"]["resource"]]
        if claim[column] and column != "document_id":
            told[column] = source[claim[column]][f"title_{language}"]
            if column in broken and claim[column] not in {"_T", claim["originator"]}:
                parts.append(f"{columns[column].lower()}: {told[column]}")
    return told | {"parts": "; ".join(parts)}


def _figure(titles: Mapping[str, str]) -> str:
    """The figure in words, such as "exactly 24 (appeal)", or why there is none."""
    if not titles["value"]:
        return f"— ({titles['missing_reason'].lower()})"
    return f"{titles['qualifier'].lower()} {titles['value']} ({titles['unit'].lower()})"


def _rival(row: Cells, titles: Mapping[str, str]) -> dict[str, str]:
    return {
        "claim_id": row["claim_id"], "figure": _figure(titles), "window": _window(row, "en"), "parts": titles["parts"],
        "originator": titles["originator"], "indicator": titles["indicator"], "area": titles["area"],
    }  # fmt: skip


def _touch(one: Cells, other: Cells) -> bool:
    return bool(one["period_start"] <= other["period_end"] and other["period_start"] <= one["period_end"])


def _window(claim: Cells, language: str) -> str:
    """The window in words, a whole year with the word for it."""
    told = wording.window(claim["period_start"], claim["period_end"], language)
    return {"en": "{}", "ru": "{} год", "tg": "соли {}"}[language].format(told) if told.isdigit() else told


def _citation(claim: Cells, document: Cells, titles: Mapping[str, str], language: str) -> str:
    withdrawn = WITHDRAWN[language] if claim["status"] == "withdrawn" else ""
    return withdrawn + CITED[language].format(
        originator=titles["originator"], indicator=titles["indicator"], window=_window(claim, language),
        figure=_figure(titles), parts=f"; {titles['parts']}" if titles["parts"] else "", title=document["title"],
        locator=claim["locator"] or "—", url=document["url"], id=claim["claim_id"], version=claim["version"],
        recorded=wording.day(claim["recorded_on"], language),
    )  # fmt: skip


def _entry(label: str, text: str) -> list[str]:
    """A label and its text, wrapped and hung under the first word."""
    hang = " " * LABEL
    wrapped = textwrap.wrap(text, WIDTH - LABEL, break_long_words=False, break_on_hyphens=False)
    return [f"{label:<{LABEL}}{(wrapped or [''])[0]}".rstrip(), *(f"{hang}{line}" for line in wrapped[1:])]
