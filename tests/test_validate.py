"""Compiled validation: the written list of stricter cases, broken files, refusals, and our own tables' findings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import frictionless
import polars
import pytest
from test_validate_oracle import TWO, V2, agree, of_frictionless, of_ours

from pipeline.errors import Unsupported
from pipeline.records import Finding, Table
from pipeline.validate import compiled, csvfile, package, rules, tables

WORD = {"type": "string"}
AS_CODE = {"type": "string", "constraints": {"unique": True}}
# What frictionless passes and we do not: the field, the cell, and the rule (rules.RULES gives its reason).
STRICTER: list[tuple[dict[str, Any], str, str]] = [
    *[(WORD, cell, "formula-like") for cell in ("=1+1", "@SUM(A1)", "+7", "-", "|x", "%", "＝1", "﹢1")],
    *[(WORD, cell, "hidden-character") for cell in ("a\u202eb", "a\u200bb", "a\x07b", "a\ue000", "\u0378x", "a\0b")],
    *[(WORD, cell, "edge-space") for cell in (" a", "a ", "a\u00a0")],
    *[({"type": kind}, cell, "foreign-digit") for kind in ("integer", "number", "string") for cell in ("１２", "١٢")],
    *[(AS_CODE, cell, "look-alike") for cell in ("сode", "2О21", "ａbc")],
    *[({"type": "number"}, cell, "not-finite") for cell in ("nan", "-Infinity", "INF")],
    *[({"type": kind}, "9" * 41, "too-many-digits") for kind in ("integer", "number")],
    *[({"type": "integer"}, cell, "non-canonical") for cell in ("1_000", " 1", "01", "+1", "1\u00a0", "-0")],
    *[({"type": "number"}, cell, "non-canonical") for cell in ("1e400", "1.50", "1.", ".5", "-0")],
    *[({"type": kind}, cell, "non-canonical") for kind, cell in (("date", "2020-1-1"), ("boolean", "1"))],
    ({"type": "yearmonth"}, "2020-1", "non-canonical"),
    *[
        ({"type": "string", "format": "uri"}, cell, "loose-uri")
        for cell in ("https://a b", "http://", "javascript:1", "nope:")
    ],
    ({"type": "string", "categories": ["a", "b"]}, "c", "unknown-category"),
    ({"type": "integer", "categories": [{"value": 1, "label": "one"}]}, "2", "unknown-category"),
]


def written(folder: Path, fields: list[dict[str, Any]], body: bytes, **more: Any) -> Path:
    """The descriptor of a package of one table `t`, written to disk; `schema` and other keys go to the resource."""
    schema = {"fields": fields, **more.pop("schema", {})}
    resource = {"name": "t", "path": "t.csv", "encoding": "utf-8", "schema": schema, **more}
    (folder / "t.csv").write_bytes(body)
    descriptor = folder / "datapackage.json"
    descriptor.write_text(json.dumps({"$schema": V2, "name": "p", "resources": [resource]}), encoding="utf-8")
    return descriptor


@pytest.mark.parametrize(("field", "cell", "rule"), STRICTER, ids=lambda value: value if isinstance(value, str) else "")
def test_a_stricter_rule_speaks_where_frictionless_is_silent(
    tmp_path: Path, field: dict[str, Any], cell: str, rule: str
) -> None:
    """Each written case is valid for frictionless and for us, and named in `stricter` alone."""
    body = f'n,f\nfirst,"{cell}"\n'.encode()
    descriptor = written(tmp_path, [{"name": "n", "type": "string"}, {"name": "f", **field}], body)

    report = package.check(descriptor)

    assert frictionless.validate(str(descriptor)).valid
    assert (report["valid"], report["errors"], report["counts"]) == (True, [], {})
    assert {"resource": "t", "row": 2, "field": "f", "type": rules.BY_NAME[rule].type, "rule": rule} in report[
        "stricter"
    ]


def test_a_plain_table_breaks_no_stricter_rule(tmp_path: Path) -> None:
    """Ordinary words, dashes, quotes, superscripts and addresses in three languages pass."""
    cells = ["Жалоба № 5", "Шикоятҳо", "a, b; c — d", "1 170¹", "Art. 143-1", "30 %", "ОБСЕ / OSCE", "ст. 143¹ УК"]
    fields = [{"name": "n", "type": "string"}, {"name": "u", "type": "string", "format": "uri"}]
    rows = "".join(f'"{cell}",https://a.tj/x?y=1\n' for cell in cells)

    report = package.check(written(tmp_path, fields, f"n,u\n{rows}".encode()))

    assert report == {"valid": True, "errors": [], "counts": {}, "stricter": []}


def test_rules_between_rows_and_fields_are_stricter_too(tmp_path: Path) -> None:
    """uniqueKeys, not_before, filled_iff_empty and a guessed encoding stand in `stricter`, each at its row."""
    fields = [{"name": name, "type": "string"} for name in ("a", "b", "note")]
    schema = {
        "uniqueKeys": [["a", "b"]],
        "rules": [
            {"rule": "not_before", "field": "b", "than": "a"},
            {"rule": "filled_iff_empty", "field": "note", "other": "b"},
        ],
    }
    body = "a,b,note\n2020,2021,\n2020,2021,\n2022-05,2021-06-01,\n2020,,\nжалоба,обращение отклонено,\n".encode(
        "cp1251"
    )
    descriptor = written(tmp_path, fields, body, schema=schema)
    text = json.loads(descriptor.read_text(encoding="utf-8"))
    del text["resources"][0]["encoding"]
    descriptor.write_text(json.dumps(text), encoding="utf-8")

    report = package.check(descriptor)

    assert report["valid"]
    assert [(found["row"], found["field"], found["rule"]) for found in report["stricter"]] == [
        (None, None, "undeclared-encoding"),
        (3, "a", "unique-keys"),
        (4, "b", "not_before"),
        (5, "note", "filled_iff_empty"),
    ]


def test_every_rule_is_tried() -> None:
    """The written list and the test above name each rule of rules.RULES."""
    tried = {rule for *_, rule in STRICTER} | {"unique-keys", "not_before", "filled_iff_empty", "undeclared-encoding"}

    assert tried == set(rules.BY_NAME)


BROKEN_FILES = {
    "cp1251 bytes in a file declared UTF-8": "a,b\n1,x\n2,жалоба\n".encode("cp1251"),
    "cp1251 bytes far behind the first hundred rows": b"a,b\n" + b"1,x\n" * 9000 + "2,жалоба\n".encode("cp1251"),
    "swapped header": b"b,a\n1,x\n",
    "renamed header": b"a,c\n1,x\n",
    "doubled header": b"a,a\n1,x\n",
    "row too short": b"a,b\n1,x\n2\n",
    "row too long": b"a,b\n1,x\n2,y,z\n",
    "empty cells too many, which DuckDB drops": b"a,b\n1,x,\n2,y,,\n3,z\n",
    "blank rows": b"a,b\n1,x\n\n2,y\n\n",
    "rows of empty cells": b"a,b\n1,x\n,\n",
    "newlines inside quotes before a bad cell": b'a,b\n1,"x\ny\nz"\nbad,y\n',
    "stray quote": b'a,b\n1,x"y\n2,"x"y\n3, "x,y"\n',
    "quote never closed": b'a,b\n1,"x\n2,y\n',
    "carriage returns alone": b"a,b\r1,x\rbad,y\r",
    "mixed line ends": b"a,b\r\n1,x\nbad,y\r\n",
    "NUL": b"a,b\n1,x\0\nbad,y\n",
    "byte order mark": b"\xef\xbb\xbfa,b\n1,x\nbad,y\n",
    "empty file": b"",
    "header alone": b"a,b\n",
    "no last newline": b"a,b\n1,x\nbad,y",
}


@pytest.mark.parametrize("body", BROKEN_FILES.values(), ids=BROKEN_FILES.keys())
def test_a_broken_file_is_judged_row_by_row_as_frictionless_judges_it(body: bytes) -> None:
    """Whatever is wrong with the file as a whole, rows and error types are the oracle's."""
    resource = {"name": "t", "path": "t.csv", "encoding": "utf-8", "schema": {"fields": TWO}}

    agree({"$schema": V2, "name": "p", "resources": [resource]}, {"t.csv": body})


@pytest.mark.parametrize("body", [b'a,b\n1,"x, ""y""\nz"\n2,\n', b"a,b\r\n1,x\r\n", "\ufeffa,b\n1,жалоба\n".encode()])
def test_a_plain_file_is_read_by_duckdb_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    """The slow reader is never asked for a file whose quoting is strict, so the fast one is what the oracle tried."""

    def never(*_: object) -> None:
        raise AssertionError("row by row")

    monkeypatch.setattr(csvfile, "_read_rows", never)

    assert package.check(written(tmp_path, TWO, body))["valid"]


def test_a_long_table_is_judged_like_a_short_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns brought down to their different texts give the same findings as columns looked at cell by cell."""
    body = b"a,b\n" + b"1,x\n" * 30 + b"bad,=y\n2,\n"
    schema = {"foreignKeys": [{"fields": "b", "reference": {"resource": "codes", "fields": "code"}}]}
    descriptor = written(tmp_path, [TWO[0], {**TWO[1], "constraints": {"required": True}}], body, schema=schema)
    (tmp_path / "codes.csv").write_text("code\nx\nz\n", encoding="utf-8")
    text = json.loads(descriptor.read_text(encoding="utf-8"))
    codes = {"name": "codes", "path": "codes.csv", "encoding": "utf-8", "schema": {"fields": [{"name": "code"}]}}
    text["resources"].append(codes)
    descriptor.write_text(json.dumps(text), encoding="utf-8")
    expected = package.check(descriptor)
    monkeypatch.setattr(compiled, "SAMPLE_ROWS", 10)

    assert package.check(descriptor) == expected
    assert of_ours(descriptor) == of_frictionless(descriptor)
    assert expected["counts"] == {"constraint-error": 1, "foreign-key": 1, "type-error": 1}


def test_several_parts_compression_and_other_files_are_judged_alike(tmp_path: Path) -> None:
    """A table in two parts, a gzip, a missing file and a text beside the tables get frictionless's verdict."""
    import gzip  # noqa: PLC0415

    (tmp_path / "one.csv").write_bytes(b"a,b\n1,x\n")
    (tmp_path / "two.csv").write_bytes(b"a,b\nbad,y\n")
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,b\n1,x\nbad,y\n"))
    (tmp_path / "readme.txt").write_bytes(b"words")
    parts = [
        {"name": "parts", "path": ["one.csv", "two.csv"], "schema": {"fields": TWO}},
        {"name": "packed", "path": "t.csv.gz", "schema": {"fields": TWO, "primaryKey": "b"}},
        {"name": "absent", "path": "absent.csv", "schema": {"fields": TWO}},
        {"name": "follower", "path": "one.csv", "schema": {"fields": TWO, "foreignKeys": [
            {"fields": "b", "reference": {"resource": "absent", "fields": "b"}}]}},
        {"name": "text", "path": "readme.txt", "bytes": 4},
    ]  # fmt: skip
    descriptor = tmp_path / "datapackage.json"
    descriptor.write_text(json.dumps({"name": "p", "resources": parts}), encoding="utf-8")

    assert of_ours(descriptor) == of_frictionless(descriptor)
    assert package.check(descriptor)["counts"] == {"byte-count": 1, "scheme-error": 2, "type-error": 2}


def test_a_wrong_descriptor_gets_frictionless_own_errors(tmp_path: Path) -> None:
    """Unknown types, misspelt constraints, unsafe paths, double names and bad keys are told in its words."""
    schemas = [
        {"fields": [{"name": "a", "type": "integr"}]},
        {"fields": [{"name": "a", "type": "integer", "constraints": {"minimun": 1}}]},
        {"fields": [{"name": "a"}, {"name": "a"}]},
        {"fields": [{"name": "a"}], "primaryKey": "b"},
        {"fields": [{"name": "a"}], "fieldsMatch": ["exact"]},
        {"fields": [{"name": "a"}], "foreignKeys": [{"fields": "a", "reference": {"resource": "gone", "fields": "a"}}]},
    ]
    for schema in schemas:
        agree({"name": "p", "resources": [{"name": "t", "path": "t.csv", "schema": schema}]}, {"t.csv": b"a\n1\n"})
    agree({"name": "p", "resources": [{"name": "t", "path": "../t.csv"}]}, {})
    agree({"name": "p", "resources": [{"name": "t", "path": "t.csv"}] * 2}, {"t.csv": b"a\n1\n"})
    agree({"name": "p"}, {})

    (tmp_path / "datapackage.json").write_text("{", encoding="utf-8")
    assert of_ours(tmp_path / "datapackage.json") == of_frictionless(tmp_path / "datapackage.json")


ONE = {"name": "t", "path": "t.csv"}
REFUSED: dict[str, dict[str, Any]] = {
    "data inside the descriptor": {"name": "t", "data": [["a"], [1]]},
    "path is on the web": {**ONE, "path": "https://example.org/t.csv"},
    "schema is on the web": {**ONE, "schema": "https://example.org/s.json"},
    "profile kept on the web": {**ONE, "profile": "https://example.org/p.json"},
    "format 'json'": {**ONE, "path": "t.json", "type": "table"},
    "cannot be compared": {**ONE, "schema": {"fields": [{"name": "a", "type": "array"}], "primaryKey": "a"}},
    "rule 'later'": {**ONE, "schema": {"fields": [{"name": "a", "type": "string"}], "rules": [{"rule": "later"}]}},
    "frictionless itself fails": {
        **ONE,
        "schema": {"fields": [{**WORD, "name": "a", "constraints": {"pattern": "("}}]},
    },
}


@pytest.mark.parametrize("told", REFUSED)
def test_what_is_not_supported_is_refused_by_name(tmp_path: Path, told: str) -> None:
    """Exit 2, with the feature in the message: never a verdict that was not earned."""
    (tmp_path / "t.csv").write_text("a\n[1]\n[1]\n", encoding="utf-8")
    (tmp_path / "t.json").write_text('[["a"], [1]]', encoding="utf-8")
    text = json.dumps({"name": "p", "resources": [REFUSED[told]]})
    (tmp_path / "datapackage.json").write_text(text, encoding="utf-8")

    with pytest.raises(Unsupported, match=told) as refusal:
        package.check(tmp_path)

    assert refusal.value.exit_code == 2


def test_a_table_that_cannot_be_judged_is_no_target_of_a_key() -> None:
    """A bound that no cell can be compared with stops the tables that refer to it too, as it stops frictionless."""
    bound = {"name": "a", "type": "number", "decimalChar": ",", "constraints": {"minimum": "0.5"}}
    key = {"foreignKeys": [{"fields": "a", "reference": {"resource": "u", "fields": "a"}}]}
    one = {"name": "t", "path": "t.csv", "schema": {"fields": TWO[:1], **key}}
    two = {"name": "u", "path": "u.csv", "schema": {"fields": [bound]}}

    for resources in ([one, two], [two, one]):
        agree({"name": "p", "resources": resources}, {"t.csv": b"a\n1\n", "u.csv": b"a\n1\n"})


def test_a_line_of_more_than_a_megabyte_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    """The 200 MB line costs no memory: the bytes are looked at, not read."""
    body = b"a,b\n1,x\n2," + b"y" * 1_000_001 + b"\n"

    with pytest.raises(Unsupported, match="longer than 1,000,000 bytes"):
        package.check(written(tmp_path, TWO, body))


def test_a_folder_without_a_descriptor_is_refused(tmp_path: Path) -> None:
    """There is nothing to judge."""
    with pytest.raises(Unsupported, match=r"no datapackage\.json"):
        package.check(tmp_path)


SCHEMA: dict[str, Any] = {
    "primaryKey": "id",
    "foreignKeys": [{"fields": "area", "reference": {"resource": "areas", "fields": "code"}}],
    "rules": [
        {"rule": "not_before", "field": "end", "than": "start"},
        {"rule": "filled_iff_empty", "field": "reason", "other": "value"},
    ],
    "fields": [
        {"name": "id", "type": "string", "constraints": {"required": True, "pattern": "[a-z0-9-]+"}},
        {"name": "area", "type": "string", "constraints": {"required": True}},
        {"name": "start", "type": "date", "constraints": {"minimum": "1991-01-01"}},
        {"name": "end", "type": "date"},
        {"name": "value", "type": "number", "constraints": {"minimum": 0}},
        {"name": "reason", "type": "string", "constraints": {"enum": ["withheld"]}},
        {"name": "note", "type": "string", "constraints": {"maxLength": 40}},
    ],
}
GOOD = {
    "id": "a-2021", "area": "TJ", "start": "2021-01-01", "end": "2021-12-31",
    "value": "24", "reason": None, "note": "Слова",
}  # fmt: skip
CODES = {"primaryKey": "code", "fields": [{"name": "code", "type": "string"}]}
AREAS = Table("areas", CODES, polars.DataFrame({"code": ["TJ"]}))


def found_in(*rows: dict[str, str | None], schema: dict[str, Any] = SCHEMA) -> list[Finding]:
    """The findings on a table of these rows beside the code list of areas."""
    frame = polars.DataFrame(list(rows), schema=dict.fromkeys(GOOD, polars.String))
    return tables.findings([Table("claims", schema, frame), AREAS])


def test_good_tables_have_no_findings() -> None:
    """Nothing is said of a table that may stand."""
    assert found_in(GOOD, {**GOOD, "id": "b", "value": None, "reason": "withheld"}) == []


@pytest.mark.parametrize(
    ("field", "cell", "check"),
    [
        ("note", "=HYPERLINK(1)", "formula-like"),
        ("note", "a\x07b", "hidden-character"),
        ("note", "a\u202eb", "hidden-character"),
        ("note", "x" * 41, "maxLength"),
        ("value", "nan", "not-finite"),
        ("value", "9" * 41, "too-many-digits"),
        ("value", "１２", "foreign-digit"),
        ("value", "1О", "look-alike"),
        ("value", "1,5", "type-error"),
        ("value", "-3", "minimum"),
        ("value", "1e3", "non-canonical"),
        ("reason", "withheld", "filled_iff_empty"),
        ("start", "2023-02-29", "type-error"),
        ("start", "1990-01-01", "minimum"),
        ("end", "2020-12-31", "not_before"),
        ("area", "TJ-XX", "foreign-key"),
        ("area", "ТJ", "look-alike"),
        ("area", None, "required"),
        ("reason", "secret", "enum"),
    ],
)
def test_each_hostile_cell_has_a_finding_of_its_own(field: str, cell: str | None, check: str) -> None:
    """The finding names rule, row and field, is grave, offers a cure, and never repeats the cell."""
    row = {**GOOD, "id": "bad-one", field: cell}

    found = found_in(GOOD, row)

    assert (check, "grave", "claims", "bad-one", field) in [
        (f.check, f.severity, f.table, f.row, f.field) for f in found
    ]
    assert all(finding.sentence and finding.cure for finding in found)
    assert cell in {None, "nan", "1О", "ТJ"} or not any(str(cell) in repr(finding) for finding in found)


def test_a_double_or_unprintable_key_is_found_under_its_row() -> None:
    """A repeated id is told by its key; a key that is no plain code is told by its row number."""
    found = found_in(GOOD, GOOD, {**GOOD, "id": "имя=1"})

    assert [(f.check, f.row) for f in found] == [("primary-key", "a-2021"), ("pattern", "row 4")]


def test_columns_out_of_order_are_one_finding() -> None:
    """A swapped table is refused as a whole, before any cell is misread."""
    frame = polars.DataFrame([GOOD], schema=dict.fromkeys(reversed(GOOD), polars.String))

    found = tables.findings([Table("claims", SCHEMA, frame), AREAS])

    assert [(f.check, f.row) for f in found] == [("header", "")]


def test_a_foreign_key_to_no_table_and_a_broken_schema_are_findings() -> None:
    """Neither passes for want of something to compare with."""
    frame = polars.DataFrame([GOOD], schema=dict.fromkeys(GOOD, polars.String))
    broken = {"fields": [{"name": "id", "type": "strin"}]}

    found = tables.findings([Table("claims", SCHEMA, frame), Table("other", broken, polars.DataFrame({"id": ["a"]}))])

    assert [(f.table, f.check) for f in found] == [("other", "schema"), ("claims", "no-table")]


def test_what_was_learned_of_the_cells_of_one_run_is_forgotten_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Schemas are read once; a table whose codes were known to be few is held against its list as if never seen."""
    monkeypatch.setattr(compiled, "SAMPLE_ROWS", 0)
    claims = Table("claims", SCHEMA, polars.DataFrame([GOOD], schema=dict.fromkeys(GOOD, polars.String)))
    nowhere = Table("claims", SCHEMA, claims.rows.with_columns(area=polars.lit("XX")))

    assert tables.findings([claims, AREAS]) == []
    assert "foreign-key" in {one.check for one in tables.findings([nowhere, AREAS], {AREAS.name})}
    assert [one.check for one in tables.findings([claims])] == ["no-table"]
    assert tables.findings([claims, AREAS], {AREAS.name}) == []
