"""Keep metadata.yml in step with the Table Schemas.

The descriptions of tables and columns in Datasette's own file follow from schemas/*.json and would drift if a person
kept them. `refresh` rewrites them and leaves every other character alone. Text in, text out: reads no file.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from pipeline import errors

Schema = Mapping[str, Any]

TRANSLATED: Final = ("ru", "tg")
MARKER: Final = "    # ---- Below this line: written by `make publish` from schemas/*.json. Edits here are lost. ----\n"

# What a reader narrows down by, and what stands first. Everything else about a table is in its schema.
CLAIM_FACETS: Final = ("originator", "indicator")
FACETS: Final[Mapping[str, Sequence[str]]] = {
    "complaints": (*CLAIM_FACETS, "outcome"),
    "prosecutions": (*CLAIM_FACETS, "criminal_article"),
    "monitoring_visits": (*CLAIM_FACETS, "facility_type"),
    "victim_support": (*CLAIM_FACETS, "relation"),
    "training": (*CLAIM_FACETS, "profession"),
    "international_review": (*CLAIM_FACETS, "mechanism"),
    "law": (*CLAIM_FACETS, "law_status"),
    "places_of_detention": (*CLAIM_FACETS, "detention_status"),
    "milestones": ("kind", "mechanism"),
    "documents": ("publisher", "language"),
    "series": ("indicator", "agreement"),
    "conflicts": ("kind", "cause"),
    "coverage": ("state", "body", "indicator"),
    "indicators": ("topic", "unit"),
    "bodies": ("kind",),
}
SORT: Final[Mapping[str, Mapping[str, str]]] = {
    "milestones": {"sort_desc": "date_start"},
    "documents": {"sort_desc": "published_on"},
    "series": {"sort_desc": "year"},
    "conflicts": {"sort": "kind"},
    "coverage": {"sort_desc": "year"},
    "indicators": {"sort": "topic"},
}
FRONT_PAGE: Final = frozenset(
    {
        "series",
        "conflicts",
        "partitions",
        "coverage",
        "vintages",
        "revisions",
        "documents",
        "indicators",
        "bodies",
        "areas",
    }
)  # of all that hold no figure or event
SOURCE: Final = "The document each row cites"


def refresh(metadata_text: str, schemas: Mapping[str, Schema]) -> str:
    """The text of metadata.yml with everything after MARKER as `schemas` now have it; the rest is untouched.

    `schemas` maps every published table to its schema, in any order: {table.name: table.schema for table in tables}.
    Raises: UsageError when the marker line is missing.
    """
    head, marker, _ = metadata_text.partition(MARKER)
    if not marker:
        raise errors.UsageError(
            "metadata.yml: the line that opens the generated part was found 0 times, expected 1. "
            "Restore it from git, or put it back as pipeline/serve/describe.py has it in MARKER."
        )
    return head + MARKER + tables_block(dict(sorted(schemas.items())))


def tables_block(schemas: Mapping[str, Schema]) -> str:
    """The `tables:` part of metadata.yml: titles, descriptions, units, labels, facets and order of every resource.

    Shape: YAML text, indented to stand under a database.
    """
    titles = [schema["title"] for schema in schemas.values()]
    named = _named_by_columns(schemas)
    tables = {
        name: _table(name, schema, named.get(name, {}) if titles.count(schema["title"]) > 1 else schema["labels"])
        for name, schema in schemas.items()
    }
    text = yaml.safe_dump({"tables": tables}, allow_unicode=True, sort_keys=False, width=110)
    return textwrap.indent(text, "    ")


def _named_by_columns(schemas: Mapping[str, Schema]) -> dict[str, Mapping[str, str]]:
    """For each code list the labels of the first column that takes its codes."""
    return {
        key["reference"]["resource"]: field["labels"]
        for schema in reversed(list(schemas.values()))
        for key in schema.get("foreignKeys", ())
        for field in reversed(schema["fields"])
        if key["fields"] in (field["name"], [field["name"]])
    }


def _table(name: str, schema: Schema, labels: Mapping[str, str]) -> dict[str, object]:
    """One table as Datasette wants it; a title that several lists share names none of them, so a column does.

    `title_ru`, `columns_ru` and so on take the place of `title` and `columns` on the site in that language.
    """
    names = [field["name"] for field in schema["fields"]]
    kept = schema["primaryKey"] in ("claim_id", "milestone_id")
    own = labels is schema["labels"]
    said: dict[str, object] = {
        "title": schema["title"] if own else name.replace("_", " ").capitalize(),
        **{f"title_{language}": labels.get(language, name) for language in TRANSLATED},
        "description": schema["description"],
    }
    if kept:
        said["source"] = SOURCE
    if label := next((column for column in ("title_en", "title") if column in names), None):
        said["label_column"] = label
    said |= SORT.get(name, {"sort_desc": "period_end"} if "period_end" in names else {})
    said["facets"] = [column for column in FACETS.get(name, ()) if column in names]
    if not said["facets"]:
        del said["facets"]
    if not kept and name not in FRONT_PAGE and not name.startswith("register_"):
        said["hidden"] = True
    said["columns"] = {field["name"]: _column(field) for field in schema["fields"]}
    for language in TRANSLATED:
        said[f"columns_{language}"] = {
            field["name"]: field.get("labels", {}).get(language, field["title"]) for field in schema["fields"]
        }
    return said


def _column(field: Schema) -> str:
    """The sentence beside a column: its name in words, what it says, its unit."""
    return f"{field['title']}. {field['description']} Unit: {field['unit']}."
