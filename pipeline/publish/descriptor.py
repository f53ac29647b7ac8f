"""Write down what the package is: datapackage.json (Data Package v2) and dictionary.md, its twin for people.

The descriptor is also readable by clients of version 1: missing values are plain strings, `profile` stands beside
`$schema`, keys are lists, and every property that version 1 lacks is one it may ignore. Key order is fixed here.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pipeline.publish import tables
from pipeline.records import PublicTable

PROFILES: Final = "https://datapackage.org/profiles/2.0/"
PACKAGE_KEYS: Final = (
    "name", "id", "title", "labels", "description", "descriptions", "version", "created", "homepage", "keywords",
    "licenses", "contributors", "sources",
)  # fmt: skip
SCHEMA_KEYS: Final = ("title", "labels", "description", "fields", "missingValues", "fieldsMatch")
FIELD_KEYS: Final = (
    "name", "type", "format", "title", "description", "unit", "labels", "constraints", "categories",
)  # fmt: skip
DIALECT: Final = {
    "$schema": f"{PROFILES}tabledialect.json",
    "delimiter": ",",
    "lineTerminator": "\n",
    "quoteChar": '"',
    "doubleQuote": True,
    "skipInitialSpace": False,
    "header": True,
}


def package(public: Sequence[PublicTable], words: Mapping[str, Any], created: str, folder: Path) -> dict[str, Any]:
    """The descriptor of the tables whose CSVs lie in `folder`.

    Shape: `words` is schemas/package.yml; unknown keys of it are kept, after the known ones. `created` is an ISO date.
    """
    known = {**words, "created": f"{created}T00:00:00Z"}
    return {
        "$schema": f"{PROFILES}datapackage.json",
        "profile": "tabular-data-package",
        **_ordered(known, PACKAGE_KEYS),
        "resources": [resource(table, folder, title) for table, title in zip(public, _titles(public), strict=True)],
    }


def resource(table: PublicTable, folder: Path, title: str) -> dict[str, Any]:
    """One table as the descriptor tells it, with the bytes and the hash of its CSV."""
    path = f"data/{table.name}.csv"
    schema = table.table.schema
    with (folder / path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "$schema": f"{PROFILES}dataresource.json",
        "profile": "tabular-data-resource",
        "name": table.name,
        "type": "table",
        "path": path,
        "title": title,
        "labels": dict(schema.get("labels", {})),
        "description": schema["description"],
        "scheme": "file",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": DIALECT,
        "bytes": (folder / path).stat().st_size,
        "hash": f"sha256:{digest}",
        "rows": table.table.rows.height,
        "schema": _schema(table),
    }


def text(descriptor: Mapping[str, Any]) -> str:
    """The descriptor as it is committed: indented by one, letters unescaped, one newline at the end."""
    return json.dumps(descriptor, ensure_ascii=False, indent=1) + "\n"


def dictionary(descriptor: Mapping[str, Any], remarks: Sequence[str] = ()) -> str:
    """The data dictionary in Markdown: every table, field, type, unit and meaning, with titles in three languages."""
    lines = [
        f"# {descriptor['title']}: data dictionary",
        "",
        f"Version {descriptor['version']}, state of {descriptor['created'][:10]}.",
        "Written by `publish` from the Table Schemas.",
        *remarks,
        "",
        "An empty cell means: no value. Every table is a CSV file in UTF-8 with a header.",
        "",
    ]
    for one in descriptor["resources"]:
        lines += _chapter(one)
    return "\n".join(lines)


def _chapter(one: Mapping[str, Any]) -> Iterator[str]:
    schema = one["schema"]
    targets = {key["fields"][0]: key["reference"] for key in schema.get("foreignKeys", ())}
    yield f"## {one['name']}: {one['title']}"
    yield ""
    yield f"{_labels(one)}{one['description']}"
    yield ""
    yield f"{one['rows']:,} rows in `{one['path']}`. Key: {', '.join(f'`{key}`' for key in schema['primaryKey'])}."
    yield ""
    yield "| field | type | unit | meaning | по-русски | тоҷикӣ |"
    yield "|---|---|---|---|---|---|"
    for field in schema["fields"]:
        labels = field.get("labels", {})
        cells = (
            f"`{field['name']}`", field["type"], field.get("unit", ""), _meaning(field, targets.get(field["name"])),
            labels.get("ru", ""), labels.get("tg", ""),
        )  # fmt: skip
        escaped = [str(cell).replace("|", "\\|") for cell in cells]
        yield f"| {' | '.join(escaped)} |"
    yield ""


def _labels(one: Mapping[str, Any]) -> str:
    others = [one["labels"][language] for language in ("ru", "tg") if language in one["labels"]]
    return f"*{' · '.join(others)}.* " if others else ""


def _meaning(field: Mapping[str, Any], target: Mapping[str, Any] | None) -> str:
    """Title, sentence, whether it may be empty, and where its codes stand."""
    rules = field.get("constraints", {})
    parts = [f"**{field.get('title', field['name'])}.** {field.get('description', '')}"]
    if not rules.get("required"):
        parts.append("May be empty.")
    if target:
        parts.append(f"Codes: `{target['resource']}`.")
    elif "enum" in rules:
        parts.append(f"One of: {', '.join(f'`{code}`' for code in rules['enum'])}.")
    return " ".join(parts)


def _titles(public: Sequence[PublicTable]) -> list[str]:
    """The title of each table; small code lists share one schema, so theirs say which list it is."""
    shared = Counter(table.table.schema["title"] for table in public)
    titles = [(table.name, table.table.schema["title"]) for table in public]
    return [title if shared[title] == 1 else f"{title}: {name.replace('_', ' ')}" for name, title in titles]


def _schema(table: PublicTable) -> dict[str, Any]:
    """The Table Schema with keys as lists, which version 2 asks for and version 1 reads as well."""
    own = table.table.schema
    schema = _ordered(own, SCHEMA_KEYS)
    schema["fields"] = [_ordered(field, FIELD_KEYS) for field in own["fields"]]
    schema["primaryKey"] = tables.primary_key(table)
    keys = [
        {"fields": [key.column], "reference": {"resource": key.table, "fields": [key.key]}}
        for key in tables.references(table)
    ]
    if keys:
        schema["foreignKeys"] = keys
    return {"$schema": f"{PROFILES}tableschema.json", **schema}


def _ordered(known: Mapping[str, Any], first: Sequence[str]) -> dict[str, Any]:
    """The same mapping with the keys of `first` in front, the rest by name."""
    rest = sorted(key for key in known if key not in first and key != "$schema")
    return {key: known[key] for key in (*first, *rest) if key in known}
