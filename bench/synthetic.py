"""Synthetic claims of any size: a valid Data Package shaped like ours, from our own schemas and code lists.

The same size and seed give the same bytes. The figures are invented and say nothing about anyone.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import polars

HOME = Path(__file__).resolve().parent.parent
V2 = "https://datapackage.org/profiles/2.0/datapackage.json"
OWN_SCHEMAS = {"bodies", "indicators", "documents"}
NOTES = [None, None, "Counted by year of registration", 'По словам ведомства, "без повторных", 14', "Рӯйхати солона"]
WORDS = ["2021", "за 12 месяцев", "since the previous review", "соли ҷорӣ"]
ROWS_PER_DOCUMENT = 200
MISSING = 0.05


def package(folder: Path, rows: int, *, topic: str = "complaints", seed: int = 1) -> Path:
    """The descriptor of a package in `folder`: one topic table of `rows` claims, its documents, all its code lists.

    Shape: the schema of the topic, with every foreign key resolved inside the package.
    """
    folder.mkdir(parents=True, exist_ok=True)
    schema = _schema(topic)
    needed = {*_lists(schema).values(), *_lists(_schema("indicators")).values(), *_lists(_schema("documents")).values()}
    codes = {name: _code_list(folder, name) for name in sorted(needed - {"documents"})}
    documents = _documents(rows // ROWS_PER_DOCUMENT + 1, codes)
    documents.write_csv(folder / "documents.csv")
    claims(rows, schema, {**codes, "documents": documents["document_id"].to_list()}, seed=seed).write_csv(
        folder / f"{topic}.csv"
    )
    resources = [_resource(folder, name) for name in (topic, "documents", *codes)]
    descriptor = folder / "datapackage.json"
    text = json.dumps({"$schema": V2, "name": "synthetic", "resources": resources}, ensure_ascii=False, indent=1)
    descriptor.write_text(text, encoding="utf-8")
    return descriptor


def claims(rows: int, schema: dict[str, Any], codes: dict[str, list[str]], *, seed: int) -> polars.DataFrame:
    """Claims in the fields of a topic's schema, all text, each code drawn from its list.

    Shape: columns in the schema's order; about one value in twenty is missing, with its reason.
    """
    draw = numpy.random.default_rng(seed)
    number = polars.Series(numpy.arange(1, rows + 1)).cast(polars.String)
    year = polars.Series(draw.integers(1991, 2026, rows)).cast(polars.String)
    missing = polars.Series(draw.random(rows) < MISSING)
    value = polars.Series(draw.integers(0, 5000, rows)).cast(polars.String)
    none = polars.Series([None], dtype=polars.String)
    made: dict[str, polars.Series] = {
        "claim_id": "synthetic-" + number,
        "version": _drawn(["1"], rows, draw),
        "period_start": year + "-01-01",
        "period_end": year + "-12-31",
        "period_type": _drawn(["year"], rows, draw),
        "period_words": _drawn(WORDS, rows, draw),
        "period_assumed": _drawn(["true", "false"], rows, draw),
        "value": value.zip_with(~missing, none.new_from_index(0, rows)),
        "missing_reason": _drawn(["not_published"], rows, draw).zip_with(missing, none.new_from_index(0, rows)),
        "printed": value,
        "locator": "p. " + polars.Series(draw.integers(1, 300, rows)).cast(polars.String),
        "capture_sha256": none.new_from_index(0, rows),
        "said_on": year + _drawn(["", "-06", "-06-26"], rows, draw),
        "recorded_on": _drawn(["2026-11-24"], rows, draw),
        "note": _drawn(NOTES, rows, draw),
        "input_id": "synthetic:" + number,
    }
    lists = _lists(schema)
    for field in schema["fields"]:
        name = field["name"]
        if name not in made:
            made[name] = _drawn(field.get("constraints", {}).get("enum") or codes[lists[name]], rows, draw)
    return polars.DataFrame({field["name"]: made[field["name"]] for field in schema["fields"]})


def _drawn(words: Sequence[str | None], rows: int, draw: numpy.random.Generator) -> polars.Series:
    """A column of words drawn from a list."""
    return polars.Series(words, dtype=polars.String).gather(draw.integers(0, len(words), rows))


def _schema(name: str) -> dict[str, Any]:
    """Our own Table Schema of a resource."""
    known = (HOME / "schemas" / f"{name}.json").is_file()
    text = (HOME / "schemas" / f"{name if known else 'code_list'}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _lists(schema: dict[str, Any]) -> dict[str, str]:
    """The code list of each field that has one."""
    return {key["fields"]: key["reference"]["resource"] for key in schema.get("foreignKeys", [])}


def _code_list(folder: Path, name: str) -> list[str]:
    """The codes of a list, its file copied into the package."""
    source = HOME / "schemas" / "codes" / f"{name}.csv"
    shutil.copyfile(source, folder / source.name)
    with source.open(encoding="utf-8", newline="") as file:
        return [row[0] for row in csv.reader(file)][1:]


def _documents(count: int, codes: dict[str, list[str]]) -> polars.DataFrame:
    """Documents for the claims to cite."""
    number = polars.Series(numpy.arange(1, count + 1)).cast(polars.String)
    made = {
        "document_id": "document-" + number,
        "title": "Annual report no. " + number,
        "publisher": polars.Series([codes["bodies"][1]]).new_from_index(0, count),
        "url": "https://example.org/report/" + number,
        "published_on": polars.Series(["2022-01"]).new_from_index(0, count),
        "language": polars.Series(["en"]).new_from_index(0, count),
    }
    fields = [field["name"] for field in _schema("documents")["fields"]]
    return polars.DataFrame(
        {name: made.get(name, polars.Series([None] * count, dtype=polars.String)) for name in fields}
    )


def _resource(folder: Path, name: str) -> dict[str, Any]:
    """A resource of the descriptor, its schema cut to the columns that its file has."""
    path = folder / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    schema = _schema(name)
    known = {field["name"]: field for field in schema["fields"]}
    schema["fields"] = [known.get(label, {"name": label, "type": "string"}) for label in header]
    return {"name": name, "path": path.name, "encoding": "utf-8", "bytes": path.stat().st_size, "schema": schema}
