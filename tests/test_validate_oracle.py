"""The compiled checks say what frictionless says, on random packages of nasty cells: only `stricter` may differ."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import frictionless
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import Unsupported
from pipeline.validate import columns, package, rules

Findings = tuple[bool, Counter[tuple[str | None, int | None, str | None, str]]]

V2 = "https://datapackage.org/profiles/2.0/datapackage.json"
NASTY = [
    *["", " ", "0", "1", "-1", "1.0", "1.50", "01", "+5", "-0", "-0.5", "1_000", " 1", "1 ", "1\xa0", "١٢"],
    *["１２", "9" * 41, "1e3", "1e400", "nan", "NaN", "-inf", "Infinity", "sNaN", "0x1f", "1,5", "1.170", "5%"],
    *["$5", "12 people", "1/2", "true", "True", "TRUE", "false", "yes", "no", "да", "None", "null", "NA"],
    *["-", "n/a", "_T", "abc", "ABC", "a b", "2020-01-01", "2020-1-1", "2023-02-29", "0000-01-01"],
    *["0001-01-01", "9999-12-31", "20200101", "01.02.2020", "2020", "0099", "99", "20205", "2020-01"],
    *["2020-13", "2020-1", "-2020-01", "２０２０", "2020-01-01T00:00:00Z", "2020-01-01T00:00:00+00:00"],
    *["2020-01-01T25:00:00", "2020-01-01 10:00:00", "12:30:00", "12:30", "24:00:00", "12:30:00Z", "P1Y"],
    *["PT1H", "P", "1.5,2.5", "-69.1, 38.5", "200,1", "[1, 2]", '{"a": 1}', "[]", "{}"],
    *['{"lon": 1, "lat": 2}', "[", "a,b", "https://a.tj/x", "https://a b", "http://", "javascript:1"],
    *["mailto:a@b.tj", "a@b.tj", "a@b", "//x/y", "nope:", "urn:x", "POINT (1 2)", "YQ==", "YQ"],
    *["123e4567-e89b-12d3-a456-426614174000", '{"type": "Point", "coordinates": [1, 2]}', "=1+1", "＝1", "@x"],
    *["+x", "|x", "%x", "\tx", "x\u202ey", "x\u200by", "x\x07y", "О2", "сode", "ab\n", "a\nb", "a\r\nb"],
    *['say "hi"', '"', '""', "a;b", "a|b", "a\tb", "it's", "#note", "é", "é", "👩\u200d👩\u200d👧", "ſ", "K"],
    *["ß", "İ", "Душанбе", "қ"],
]
PATTERNS = [
    *["[a-z]+", "a|b", "\\d{1,4}", "\\w+", "[^\\d]+", ".*", "^a.*", "a$", "(a)(b)?", "(?=a)abc", "(a)\\1"],
    *["[\\w-]+", "x{,2}", "[[:alpha:]]+", "\\S+", "[А-Яа-я]+", "\\D*", "(?:ab|abc)c?", "[a-zA-Z]{3}"],
    *["\\bабв\\b", "a\\Z", ".", "[^a]*"],
]
TYPES: dict[str, list[str]] = {
    "string": ["default", "uri", "email", "uuid", "binary", "wkt"],
    "integer": ["default"],
    "number": ["default"],
    "boolean": ["default"],
    "date": ["default", "any", "%d.%m.%Y", "fmt:%Y%m%d"],
    "datetime": ["default", "any", "%Y-%m-%d %H:%M:%S"],
    "time": ["default", "any", "%H:%M"],
    "year": ["default"],
    "yearmonth": ["default"],
    "duration": ["default"],
    "geopoint": ["default", "array", "object"],
    "geojson": ["default"],
    "object": ["default"],
    "array": ["default"],
    "list": ["default"],
    "any": ["default"],
}
BOUNDS = {
    "integer": [0, 1, 5, -3, "7"],
    "number": [0, 1.5, -2, "0.5", 10**20],
    "date": ["2020-01-01", "2021-12-31"],
    "year": [2000, 2020, "1999"],
    "yearmonth": ["2020-01", "2021-06"],
    "time": ["12:00:00"],
    "datetime": ["2020-01-01T00:00:00Z"],
}
EACH_BOUND = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
PLAIN = {
    "string": ["abc", "b-1", "Душанбе", "x"],
    "integer": ["1", "2", "30", "-4"],
    "number": ["1", "2.5", "-0.25", "100"],
    "boolean": ["true", "false"],
    "date": ["2020-01-01", "2021-03-04"],
    "year": ["2020", "1999"],
    "yearmonth": ["2020-01", "2021-12"],
}


def of_frictionless(descriptor: Path) -> Findings:
    """The oracle's verdict and its findings, each counted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = frictionless.validate(str(descriptor), limit_errors=10**9)
    found = [(None, error) for error in report.errors]
    found += [(task.name, error) for task in report.tasks for error in task.errors]
    return report.valid, Counter(
        (name, getattr(error, "row_number", None), getattr(error, "field_name", None), error.type)
        for name, error in found
    )


def of_ours(descriptor: Path) -> Findings:
    """Our verdict and findings without the stricter ones."""
    report = package.check(descriptor)
    found = Counter((error["resource"], error["row"], error["field"], error["type"]) for error in report["errors"])

    assert report["counts"] == dict(Counter(kind for *_, kind in found.elements()))
    return report["valid"], found


@st.composite
def fields(draw: Callable[..., Any], name: str, *, plain: bool) -> dict[str, Any]:  # noqa: C901, PLR0912  one draw each
    """A field of any type with any constraints that its type knows."""
    kind = draw(st.sampled_from(sorted(PLAIN if plain else TYPES)))
    field: dict[str, Any] = {"name": name, "type": kind, "constraints": {}}
    rules = field["constraints"]
    if not plain and draw(st.booleans()):
        field["format"] = draw(st.sampled_from(TYPES[kind]))
    if draw(st.integers(0, 3)) == 0:
        rules["required"] = draw(st.booleans())
    if draw(st.integers(0, 5)) == 0 and kind not in {"array", "object", "geojson", "list"}:
        rules["unique"] = True
    if kind in BOUNDS and field.get("format", "default") == "default" and kind not in {"time", "datetime"}:
        for bound in draw(st.sets(st.sampled_from(EACH_BOUND), max_size=2)):
            rules[bound] = draw(st.sampled_from(BOUNDS[kind]))
    if kind == "string" and draw(st.booleans()):
        rules["pattern"] = draw(st.sampled_from(PATTERNS))
    if kind in {"string", "array", "list", "object"} and draw(st.integers(0, 3)) == 0:
        rules[draw(st.sampled_from(["minLength", "maxLength"]))] = draw(st.integers(0, 4))
    if kind != "list" and draw(st.integers(0, 5)) == 0:
        rules["enum"] = draw(st.lists(st.sampled_from(PLAIN.get(kind, NASTY)), min_size=1, max_size=4, unique=True))
    if kind in {"integer", "number"} and draw(st.integers(0, 4)) == 0:
        field["bareNumber"] = draw(st.booleans())
    if kind == "number" and draw(st.integers(0, 4)) == 0:
        field |= draw(
            st.sampled_from([{"decimalChar": ","}, {"groupChar": ","}, {"groupChar": " "}, {"floatNumber": True}])
        )
    if kind == "boolean" and draw(st.integers(0, 3)) == 0:
        field |= {"trueValues": ["yes", "да"], "falseValues": ["no", "0"]}
    if kind == "list" and draw(st.booleans()):
        field |= {"delimiter": ";", "itemType": draw(st.sampled_from(["integer", "string", "date"]))}
    if kind == "array" and draw(st.integers(0, 3)) == 0:
        field["arrayItem"] = {"type": "integer"}
    if draw(st.integers(0, 6)) == 0:
        words = draw(st.lists(st.sampled_from(["", "NA", "-", "None", "0", "_T"]), max_size=3, unique=True))
        field["missingValues"] = [{"value": word} for word in words] if words and draw(st.booleans()) else words
    return field


@st.composite
def tables(draw: Callable[..., Any], name: str) -> dict[str, Any]:
    """A schema and rows: now plain ones, now nasty ones, some of another width, some blank."""
    plain = draw(st.booleans())
    count = draw(st.integers(1, 5))
    described = [draw(fields(f"f{number}", plain=plain)) for number in range(count)]
    nasty = st.sampled_from(NASTY) if draw(st.integers(0, 3)) else st.text(max_size=5)
    rows = []
    for _ in range(draw(st.integers(0, 12))):
        row = []
        for field in described:
            values = PLAIN.get(field["type"]) if plain and draw(st.integers(0, 9)) else None
            row.append(draw(st.sampled_from(values) if values else nasty))
        rows.append(row)
    if draw(st.integers(0, 3)) == 0:
        for row in rows:
            change = draw(st.integers(0, 9))
            if change < 3:
                row[:] = [row[:-1], [*row, "x"], []][change]
    keyed = [field["name"] for field in described if field["type"] not in {"array", "object", "geojson", "list"}]
    schema: dict[str, Any] = {"fields": described}
    if keyed and draw(st.booleans()):
        schema["primaryKey"] = draw(st.lists(st.sampled_from(keyed), min_size=1, max_size=2, unique=True))
    if draw(st.integers(0, 5)) == 0:
        schema["missingValues"] = draw(st.lists(st.sampled_from(["", "NA", "-", "n/a"]), max_size=3, unique=True))
    return {"name": name, "schema": schema, "rows": rows, "keyed": keyed}


@st.composite
def packages(draw: Callable[..., Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A descriptor of one to three tables, and the bytes of their files."""
    drawn = [draw(tables(f"t{number}")) for number in range(draw(st.integers(1, 3)))]
    descriptor: dict[str, Any] = {"name": "p", "resources": []}
    if draw(st.integers(0, 3)):
        descriptor["$schema"] = V2
    files = {}
    for table in drawn:
        other = draw(st.sampled_from(drawn))
        if table["keyed"] and other["keyed"] and draw(st.booleans()):
            size = draw(st.integers(1, min(2, len(table["keyed"]), len(other["keyed"]))))
            table["schema"]["foreignKeys"] = [
                {
                    "fields": table["keyed"][:size],
                    "reference": {"resource": "" if other is table else other["name"], "fields": other["keyed"][:size]},
                }
            ]
        resource, body = draw(files_of(table))
        descriptor["resources"].append(resource)
        files[resource["path"]] = body
    return descriptor, files


@st.composite
def files_of(  # noqa: C901, PLR0912  one draw each
    draw: Callable[..., Any], table: dict[str, Any]
) -> tuple[dict[str, Any], bytes]:
    """A table written in some dialect and encoding, its header true, renamed, swapped, short, long or absent."""
    header = [field["name"] for field in table["schema"]["fields"]]
    dialect: dict[str, Any] = {}
    resource = {"name": table["name"], "path": f"{table['name']}.csv", "schema": table["schema"], "encoding": "utf-8"}
    change = draw(st.integers(0, 12))
    if change < 5:
        header = [header[::-1], [*header, "more"], header[:-1], [*header[:-1], ""], [name.upper() for name in header]][
            change
        ]
        dialect["headerCase"] = draw(st.booleans())
    if draw(st.integers(0, 3)) == 0:
        table["schema"]["fieldsMatch"] = draw(st.sampled_from(["exact", "equal", "subset", "superset", "partial"]))
    options: dict[str, Any] = {"lineterminator": draw(st.sampled_from(["\n", "\r\n", "\n", "\n"]))}
    if draw(st.integers(0, 2)) == 0:
        options["delimiter"] = dialect["delimiter"] = draw(st.sampled_from([";", "\t", "|", ","]))
    if draw(st.integers(0, 5)) == 0:
        options["quotechar"] = dialect["quoteChar"] = "'"
    if draw(st.integers(0, 8)) == 0:
        dialect |= {"commentChar": "#"}
    if draw(st.integers(0, 8)) == 0:
        dialect |= {"skipInitialSpace": True}
    if draw(st.integers(0, 8)) == 0:
        dialect |= {"skipBlankRows": True}
    lines = io.StringIO()
    writer = csv.writer(lines, **options)
    if draw(st.integers(0, 8)):
        writer.writerow(header)
    else:
        dialect["header"] = False
    writer.writerows(table["rows"])
    text = lines.getvalue()
    if draw(st.integers(0, 12)) == 0:
        text = text.replace('"', "") + draw(st.sampled_from(["", "\n", "\n\n", ',"', 'x"y"z\n']))
    encoding = draw(st.sampled_from(["utf-8"] * 8 + ["utf-8-sig", "utf-16", "cp1251"]))
    if draw(st.integers(0, 8)) == 0:
        resource["encoding"] = encoding
    body = text.encode(encoding, "replace")
    if draw(st.integers(0, 9)) == 0:
        dialect["headerRows"] = draw(st.sampled_from([[1, 2], [2], [1]]))
    if dialect:
        resource["dialect"] = dialect
    if draw(st.integers(0, 9)) == 0 and "foreignKeys" not in table["schema"]:
        del resource["schema"]
    if draw(st.integers(0, 8)) == 0:
        resource |= draw(
            st.sampled_from([{"hash": "0" * 32}, {"bytes": len(body)}, {"bytes": 3}, {"hash": "sha256:00"}])
        )
    return resource, body


def agree(descriptor: dict[str, Any], files: dict[str, bytes]) -> None:
    """Both verdicts are the same, or frictionless fails with an exception of its own and we say `Unsupported`."""
    with tempfile.TemporaryDirectory() as folder:
        for name, body in files.items():
            Path(folder, name).write_bytes(body)
        written = Path(folder, "datapackage.json")
        written.write_text(json.dumps(descriptor), encoding="utf-8")
        try:
            expected = of_frictionless(written)
        except Exception:  # noqa: BLE001  whatever it is, there is no verdict to equal
            with pytest.raises(Unsupported):
                package.check(written)
            return
        valid, found = of_ours(written)

        assert found - expected[1] == Counter()
        assert expected[1] - found == Counter()
        assert valid == expected[0]


SAMPLE = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
EXAM = settings(SAMPLE, max_examples=4_000)


BYTES = st.text(alphabet='a1,;"\n\r \té\0', max_size=40).map(str.encode) | st.text(alphabet='a,"\n', max_size=30).map(
    str.encode
)


@SAMPLE
@given(BYTES, st.integers(1, 3), st.sampled_from([{}, {"delimiter": ","}, {"delimiter": ",", "header": False}]))
def test_random_bytes_are_cut_into_rows_as_frictionless_cuts_them(
    body: bytes, width: int, dialect: dict[str, Any]
) -> None:
    """Quotes, delimiters, line ends and NUL in any order give the same rows, widths and row numbers."""
    fields = [{"name": "a" * (number + 1), "type": "integer"} for number in range(width)]
    header = ",".join(field["name"] for field in fields).encode() + b"\n"
    resource = {"name": "t", "path": "t.csv", "encoding": "utf-8", "schema": {"fields": fields}, "dialect": dialect}

    agree({"name": "p", "resources": [resource]}, {"t.csv": header + body})


@SAMPLE
@given(packages())
def test_random_packages_get_frictionless_own_verdict(drawn: tuple[dict[str, Any], dict[str, bytes]]) -> None:
    """Valid, rows, fields, error types and their numbers are frictionless's, whatever stands in the files."""
    agree(*drawn)


@pytest.mark.exam
@EXAM
@given(packages())
def test_many_random_packages_get_frictionless_own_verdict(drawn: tuple[dict[str, Any], dict[str, bytes]]) -> None:
    """The same on twenty thousand packages."""
    agree(*drawn)


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_every_nasty_cell_in_every_type_is_read_as_frictionless_reads_it(kind: str) -> None:
    """Each nasty string in a column of each type and format, and as a foreign key to itself, gets the same verdict."""
    body = io.StringIO()
    csv.writer(body, lineterminator="\n").writerows([["n", "f"], *[[n, cell] for n, cell in enumerate(NASTY)]])
    for form in TYPES[kind]:
        fields = [{"name": "n", "type": "integer"}, {"name": "f", "type": kind, "format": form}]
        resource = {"name": "t", "path": "t.csv", "encoding": "utf-8", "schema": {"fields": fields}}

        agree({"name": "p", "resources": [resource]}, {"t.csv": body.getvalue().encode()})


TWO = [{"name": "a", "type": "integer"}, {"name": "b", "type": "string"}]
KEYED = {"fields": [TWO[0], {**TWO[1], "constraints": {"required": True}}], "primaryKey": "a"}
ROWS = b"a,b\n1,x\nbad,y\n1,\n"
SHAPES: dict[str, tuple[dict[str, Any], bytes]] = {
    "no schema": ({}, ROWS),
    "two header rows": ({"schema": KEYED, "dialect": {"headerRows": [1, 2]}}, b"x,y\n" + ROWS),
    "a title above the header": ({"schema": KEYED}, b"Report\n" + ROWS),
    "rows to leave out": ({"schema": KEYED, "dialect": {"commentRows": [2], "commentChar": "#"}}, ROWS + b"#x,y\n"),
    "no header": ({"schema": KEYED, "dialect": {"header": False}}, ROWS),
    "header in capitals": ({"schema": KEYED, "dialect": {"headerCase": False}}, ROWS.replace(b"a,b", b"A,B")),
    "escaped quotes": ({"schema": KEYED, "dialect": {"escapeChar": "\\", "doubleQuote": False}}, ROWS + b'2,"x\\"y"\n'),
    "no quotes": ({"schema": KEYED, "dialect": {"quoteChar": ""}}, ROWS + b'2,"x\n'),
    "delimiter of two characters": ({"schema": KEYED, "dialect": {"delimiter": "||"}}, ROWS),
    "delimiter undeclared": ({"schema": KEYED}, ROWS.replace(b",", b";")),
    "UTF-16": ({"schema": KEYED, "encoding": "utf-16"}, ROWS.decode().encode("utf-16")),
    "an encoding that does not exist": ({"schema": KEYED, "encoding": "nope"}, ROWS),
    "wrong sums": ({"schema": KEYED, "hash": "sha256:00", "bytes": 1, "rows": 2, "fields": 9}, ROWS),
    "another hash": ({"schema": KEYED, "hash": "sha1:00"}, ROWS),
    "numbers that are equal": (
        {"schema": {"fields": [{"name": "a", "type": "number", "constraints": {"unique": True}}]}},
        b"a\n1\n1.0\n1e0\nnan\nnan\n",
    ),
    "a key to the table itself": (
        {"schema": {**KEYED, "foreignKeys": [{"fields": "b", "reference": {"resource": "", "fields": "b"}}]}},
        ROWS,
    ),
    "a key between types": (
        {"schema": {**KEYED, "foreignKeys": [{"fields": "a", "reference": {"resource": "", "fields": "b"}}]}},
        ROWS + b"7,1\n",
    ),
    "a key to no field": (
        {"schema": {**KEYED, "foreignKeys": [{"fields": "a", "reference": {"resource": "t", "fields": "z"}}]}},
        ROWS,
    ),
    "tabular data resource": ({"profile": "tabular-data-resource", "schema": KEYED}, ROWS),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_resource_gets_frictionless_own_verdict(shape: str) -> None:
    """Dialects, encodings, sums and keys of v1 and v2 descriptors are followed as the oracle follows them."""
    more, body = SHAPES[shape]

    agree({"name": "p", "resources": [{"name": "t", "path": "t.csv", **more}]}, {"t.csv": body})
    agree({"$schema": V2, "name": "p", "resources": [{"name": "t", "path": "t.csv", **more}]}, {"t.csv": body})


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_matches_what_python_matches(pattern: str) -> None:
    """Where RE2 and Python read a pattern apart, or RE2 refuses it, the verdict is Python's."""
    cells = [*NASTY, "xx", "x{,2}", "aa", "abcc", "a]", ":alpha:", "aл", "абв", "ab\n"]
    body = io.StringIO()
    csv.writer(body, lineterminator="\n").writerows([["n", "f"], *[[n, cell] for n, cell in enumerate(cells)]])
    fields = [{"name": "n", "type": "integer"}, {"name": "f", "type": "string", "constraints": {"pattern": pattern}}]
    resource = {"name": "t", "path": "t.csv", "encoding": "utf-8", "schema": {"fields": fields}}

    agree({"name": "p", "resources": [resource]}, {"t.csv": body.getvalue().encode()})


def test_sql_lets_no_character_pass_that_the_reading_of_a_cell_would_stop() -> None:
    """Of all characters that Unicode assigns, at each end and inside a text, SQL accepts only such as break no rule."""
    planes = (range(1, 0xD800), range(0xE000, 0x34000), range(0xE0000, 0xE0200), range(0x10FFF0, 0x110000))
    letters = [chr(code) for plane in planes for code in plane]
    for kind, accepted in (("text", columns.TEXT), ("code", columns.ASCII)):
        for before, after in (("", ""), ("a", ""), ("", "a"), ("a", "b")):
            texts = [before + letter + after for letter in letters]
            query = "SELECT text FROM (SELECT unnest(?::VARCHAR[]) AS text) WHERE regexp_matches(text, ?)"
            passed = [text for (text,) in duckdb.execute(query, [texts, accepted]).fetchall()]

            assert len(passed) > 60
            assert [text for text in passed if rules.broken(kind, text, plain=False)] == []
