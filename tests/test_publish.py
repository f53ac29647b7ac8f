"""Publish: one package in every format, the same cells in each, the same bytes each time."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
import resource
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import frictionless
import hypothesis
import invented_package as invented
import pandas
import polars
import pyarrow.parquet
import pytest
from hypothesis import strategies

from pipeline import errors, folding, publish
from pipeline.publish import database as database_room
from pipeline.publish import search, tables, workbook
from pipeline.records import PublicTable

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return invented.staged(tmp_path_factory.mktemp("package"))


@pytest.fixture
def database(folder) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{folder / 'statistics.db'}?immutable=1", uri=True)) as connection:
        yield connection


def table(name: str) -> PublicTable:
    (one,) = (one for one in invented.public() if one.name == name)
    return one


def found(database: sqlite3.Connection, text: str) -> list[str]:
    sql = "SELECT key FROM search JOIN search_rows ON id = search.rowid WHERE search MATCH ? ORDER BY key"
    return [key for (key,) in database.execute(sql, (folding.question(text),))]


# Same input, same bytes


def test_two_builds_under_other_circumstances_are_the_same_bytes(tmp_path):
    """Folder, time zone, locale, hash seed, umask, number of threads and the date change nothing."""
    before = {"TZ": "Asia/Dushanbe", "LC_ALL": "C", "PYTHONHASHSEED": "1", "PYTHONUTF8": "0"}
    after = {"TZ": "America/Lima", "LC_ALL": "C.utf8", "PYTHONHASHSEED": "2", "POLARS_MAX_THREADS": "1"}
    digests = []
    for number, (settings, preamble, umask) in enumerate(((before, "", "0o022"), (after, invented.PAST, "0o077"))):
        target = tmp_path / ("deeper/" * number) / f"build {number}"
        target.mkdir(parents=True)
        setting = f"{preamble}\nimport os, pathlib, invented_package\nos.umask({umask})\n"
        code = f"{setting}invented_package.staged(pathlib.Path())"
        paths = f"{HERE.parent}{os.pathsep}{HERE}"
        subprocess.run(
            [sys.executable, "-c", code], cwd=target, env={"PATH": os.environ["PATH"], "PYTHONPATH": paths, **settings},
            check=True, timeout=60,
        )  # fmt: skip
        digests.append(
            {
                path.relative_to(target).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in sorted(target.rglob("*"))
                if path.is_file()
            }
        )

    assert digests[0] == digests[1]
    assert len(digests[0]) == 2 * len(invented.public()) + 5 + 7


# CSV, Parquet and SQLite hold the same cells


def test_the_csv_is_canonical(folder):
    """UTF-8 without a mark, LF, quotes only where needed, an empty cell for no value."""
    expected = (
        "claim_id,indicator,originator,document_id,period_start,period_assumed,version,value,note\n"
        'a-1,received,ombudsman,report,2021-01-01,true,1,24,"=1+1 and ""quoted"", with a comma"\n'
        "a-2,received,coalition,page,2021-01-01,false,2,2.5,https://example.org/осуждённых\n"
        "a-3,visits,coalition,page,2019-07-01,false,1,,00123\n"
        "a-4,visits,_T,page,2019-07-01,false,1,123456789012345,\n"
    )

    assert (folder / "data" / "complaints.csv").read_bytes() == expected.encode()


@pytest.mark.parametrize("name", ["complaints", "milestones", "documents", "indicators", "bodies"])
def test_every_format_reads_back_the_same_cells(folder, database, name):
    """pyarrow, pandas, DuckDB and SQLite see the cells of the schema's types."""
    expected = tables.typed(table(name)).rows()
    parquet = str(folder / "parquet" / f"{name}.parquet")
    as_sql = [tuple(cell.isoformat() if isinstance(cell, datetime.date) else cell for cell in row) for row in expected]
    frame = pandas.read_csv(folder / "data" / f"{name}.csv", dtype=str, keep_default_na=False)
    printed = [tuple(cell or "" for cell in row) for row in table(name).table.rows.rows()]

    assert [tuple(row.values()) for row in pyarrow.parquet.read_table(parquet).to_pylist()] == expected
    assert polars.from_pandas(pandas.read_parquet(parquet, dtype_backend="pyarrow")).rows() == expected
    assert duckdb.connect().execute("FROM read_parquet(?)", [parquet]).fetchall() == expected
    assert sorted(database.execute(f'SELECT * FROM "{name}"').fetchall()) == sorted(as_sql)
    assert list(frame.itertuples(index=False, name=None)) == printed


def test_parquet_carries_types_and_the_descriptor_of_its_table(folder):
    """A Parquet file alone still says what it is, under which licence."""
    read = pyarrow.parquet.ParquetFile(folder / "parquet" / "complaints.parquet")
    told = json.loads(read.metadata.metadata[b"datapackage"])
    types = {field.name: str(field.type) for field in read.schema_arrow}

    assert types["period_start"] == "date32[day]"
    assert (types["period_assumed"], types["version"], types["value"]) == ("bool", "int64", "double")
    assert [one["name"] for one in told["resources"]] == ["complaints"]
    assert told["licenses"][0]["name"] == "CC-BY-4.0"
    assert read.metadata.row_group(0).column(0).compression == "ZSTD"


def test_a_number_that_a_double_would_change_is_refused(tmp_path):
    """Sixteen digits do not pass, and the message names the row, not the cell."""
    claims = invented.CLAIMS.replace("123456789012345", "1234567890123456")

    with pytest.raises(errors.ValidationRefused, match="complaints a-4: a number in column value") as refusal:
        invented.staged(tmp_path, claims)

    assert "1234567890123456" not in str(refusal.value)


# SQLite


def test_the_database_is_sound_and_enforces_its_keys(folder, tmp_path):
    """Foreign keys, primary keys and required columns are real."""
    copy = tmp_path / "copy.db"
    copy.write_bytes((folder / "statistics.db").read_bytes())
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        row = "INSERT INTO documents VALUES (?, ?, ?)"

        connection.execute("INSERT INTO search (search) VALUES ('integrity-check')")

        assert connection.execute("SELECT count(*) FROM search").fetchone() == (5,)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        for broken in (("new", "t", "nobody"), ("page", "t", "coalition"), ("new", None, "coalition")):
            with pytest.raises(sqlite3.IntegrityError):
                connection.execute(row, broken)


def test_filtering_by_a_code_and_sorting_by_date_is_served_by_one_index(tmp_path):
    """The filter and the default order, newest first, stand in the same index."""
    database_room.write(invented.public(invented.CLAIMS.replace("period_start", "period_end")), tmp_path / "x.db")
    database = sqlite3.connect(tmp_path / "x.db")
    query = "EXPLAIN QUERY PLAN SELECT * FROM complaints WHERE indicator = 'received' ORDER BY period_end DESC"
    plan = [step[3] for step in database.execute(query)]
    (written,) = database.execute("SELECT sql FROM sqlite_master WHERE name = 'complaints_indicator'").fetchone()

    assert plan[0] == "SEARCH complaints USING INDEX complaints_indicator (indicator=?)"
    assert written.endswith('("indicator", "period_end" DESC)')


def test_narrow_tables_are_their_own_index_and_searched_ones_keep_a_rowid(database):
    """WITHOUT ROWID where it pays; the search needs rowids."""
    written = dict(database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))

    assert written["bodies"].endswith("WITHOUT ROWID")
    assert "WITHOUT ROWID" not in written["complaints"]


def test_the_search_filters_a_table_by_rowid(database):
    """The rowid of a hit is the rowid of the row, in the second searched table as well."""
    sql = "SELECT milestone_id FROM milestones WHERE rowid IN (SELECT rowid FROM search WHERE search MATCH ?)"

    assert database.execute(sql, (folding.question("Convention"),)).fetchall() == [("m-1",)]
    assert database.execute(sql, (folding.question("visits"),)).fetchall() == []


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("жалоба", ["a-1", "a-2"]),
        ("ЖАЛОБАМИ", ["a-1", "a-2"]),
        ("пыток", ["a-1", "a-2", "a-3"]),
        ("пытка жалоба", ["a-1", "a-2"]),
        ("осужденного", ["a-2", "a-3", "a-4"]),
        ("осуждё", ["a-2", "a-3", "a-4"]),
        ("жалоба омбудсмена", []),
        ("жалоба Ombudsman", ["a-1"]),
        ("шиканҷаи", ["a-1", "a-2", "a-3"]),
        ("шиканча", ["a-1", "a-2", "a-3"]),
        ("шиканджа", ["a-1", "a-2", "a-3"]),
        ("шикоят", ["a-1", "a-2"]),
        ("шикоятхои", ["a-1", "a-2"]),
        ("сугд", ["a-1", "m-1"]),
        ("Суғди", ["a-1", "m-1"]),
        ("ҳуқуқи инсон", ["a-1", "m-1"]),
        ("хукукхо инсон", ["a-1", "m-1"]),
        ("complaint", ["a-1", "a-2"]),
        ("Ҳамагӣ", []),
        ("ничего такого", []),
    ],
)
def test_words_are_found_however_they_are_typed(database, question, expected):
    """Case, ё, Tajik letters on a Russian keyboard, and endings do not hide a figure; all words must be there."""
    assert found(database, question) == expected


@hypothesis.given(strategies.text())
@hypothesis.settings(max_examples=300, deadline=None)
def test_no_question_breaks_the_search(text):
    """Whatever is typed becomes a valid expression, or none."""
    connection = sqlite3.connect(":memory:")
    connection.execute(search.INDEX)
    connection.execute("INSERT INTO search (rowid, words) VALUES (1, ?)", (folding.folded(text),))
    question = folding.question(text)
    hits = connection.execute("SELECT rowid FROM search WHERE search MATCH ?", (question or '""',)).fetchall()

    assert hits == ([(1,)] if question else [])


# XLSX


def test_the_workbook_holds_every_cell_and_no_formula(folder):
    """What looks like a formula, a link or a number with leading zeros stays text; numbers and dates are typed."""
    with zipfile.ZipFile(folder / "statistics.xlsx") as book:
        rows = invented.sheet_rows(book, 2)
        markup = "".join(book.read(name).decode() for name in book.namelist() if name.endswith((".xml", ".rels")))

    assert rows[0] == dict(zip("ABCDEFGHIJKL", [
        "claim_id", "indicator", "indicator_label", "originator", "originator_label", "document_id",
        "document_id_label", "period_start", "period_assumed", "version", "value", "note",
    ], strict=True))  # fmt: skip
    assert rows[1] == dict(zip("ABCDEFGHIJKL", [
        "a-1", "received", "Complaints of torture received", "ombudsman", "Ombudsman", "report",
        "Гузориши солона дар вилояти Суғд", "44197", "1", "1", "24", '=1+1 and "quoted", with a comma',
    ], strict=True))  # fmt: skip
    assert (rows[2]["K"], rows[2]["L"]) == ("2.5", "https://example.org/осуждённых")
    assert (rows[3].get("K"), rows[3]["L"]) == (None, "00123")
    assert rows[4]["K"] == "123456789012345"
    assert re.findall("<f>|<f |hyperlink", markup) == []


def test_the_workbook_opens_with_a_readme_and_ends_with_the_dictionary(folder):
    """A sheet per table, each with a frozen header and filters, under names a spreadsheet accepts."""
    with zipfile.ZipFile(folder / "statistics.xlsx") as book:
        sheets = ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{invented.SHEET}sheet")
        titles = [sheet.get("name") for sheet in sheets]
        sheet, readme = book.read("xl/worksheets/sheet2.xml").decode(), invented.sheet_rows(book, 1)
        stamp = book.read("docProps/core.xml").decode()

    assert titles == [
        "README", "complaints", "milestones", "documents", "indicators", "bodies",
        "a_code_list_whose_name_is_very_", "a_code_list_whose_name_is_ver~2", "dictionary",
    ]  # fmt: skip
    assert 'state="frozen"' in sheet
    assert '<autoFilter ref="A1:L5"/>' in sheet
    assert {"A": "title (tg)", "B": "Рақамҳои сохта"} in readme
    assert "2026-11-24T00:00:00Z" in stamp


def test_a_package_too_large_for_a_workbook_says_so(tmp_path, monkeypatch):
    """Above the limit there is no workbook, and the dictionary tells in a plain sentence."""
    monkeypatch.setattr(workbook, "MOST_ROWS", 5)
    invented.staged(tmp_path)

    assert not (tmp_path / "statistics.xlsx").exists()
    assert "There is no statistics.xlsx: 18 rows are more than the 5" in (tmp_path / "dictionary.md").read_text("utf-8")


def test_a_text_longer_than_a_spreadsheet_cell_is_refused(tmp_path):
    """Xlsxwriter would leave the cell empty without a word."""
    claims = invented.CLAIMS.replace("00123", "x" * 32_768)

    with pytest.raises(errors.ValidationRefused, match="complaints: row 4, column note is longer"):
        invented.staged(tmp_path, claims)


# The descriptor and its twin


def test_frictionless_finds_neither_error_nor_warning(folder):
    """The reference reader accepts the whole package."""
    report = frictionless.validate(str(folder / "datapackage.json"), limit_errors=10**9)

    assert report.flatten(["type", "note"]) == []
    assert [task.warnings for task in report.tasks if task.warnings] == []
    assert (report.valid, len(report.tasks)) == (True, len(invented.public()))


def test_the_descriptor_says_what_a_reader_of_version_1_or_2_needs(folder):
    """Fixed key order; hash and bytes of the CSV; profiles of both versions; keys as lists; labels kept."""
    told = json.loads((folder / "datapackage.json").read_text("utf-8"))
    first = told["resources"][0]
    csv = (folder / first["path"]).read_bytes()

    assert list(told) == [
        "$schema", "profile", "name", "title", "labels", "description", "version", "created", "keywords", "licenses",
        "contributors", "sources", "resources",
    ]  # fmt: skip
    assert (told["created"], told["profile"]) == ("2026-11-24T00:00:00Z", "tabular-data-package")
    assert (first["profile"], first["type"], first["rows"]) == ("tabular-data-resource", "table", 4)
    assert (first["bytes"], first["hash"]) == (len(csv), f"sha256:{hashlib.sha256(csv).hexdigest()}")
    assert (first["dialect"]["delimiter"], first["dialect"]["header"], first["encoding"]) == (",", True, "utf-8")
    assert (first["schema"]["missingValues"], first["schema"]["primaryKey"]) == ([""], ["claim_id"])
    assert first["schema"]["foreignKeys"][0] == {
        "fields": ["indicator"], "reference": {"resource": "indicators", "fields": ["indicator"]},
    }  # fmt: skip
    assert list(first["schema"]["fields"][0])[:4] == ["name", "type", "title", "description"]
    assert first["labels"]["tg"] == "complaints бо тоҷикӣ"
    assert told["resources"][-1]["title"] == "Code list: a code list whose name is very long too"


def test_the_dictionary_explains_every_field_in_three_languages(folder):
    """Type, unit, meaning, where the codes stand, and the titles; a bar in a text does not break the table."""
    text = (folder / "dictionary.md").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| `")]

    assert len(lines) == sum(len(one.table.schema["fields"]) for one in invented.public())
    assert (
        "| `originator` | string | code | **Originator.** What originator means \\| and more. Codes: `bodies`. "
        "| originator (рус) | originator (тоҷ) |"
    ) in lines
    assert "| **Note.** What note means \\| and more. May be empty. |" in text
    assert "4 rows in `data/complaints.csv`. Key: `claim_id`." in text


def test_a_foreign_key_of_two_columns_is_refused_not_dropped():
    """What the database cannot carry is named."""
    (first, *_) = invented.public()
    first.table.schema["foreignKeys"].append(
        {"fields": ["indicator", "note"], "reference": {"resource": "indicators", "fields": ["indicator", "note"]}}
    )

    with pytest.raises(errors.Unsupported, match=r"schemas/complaints\.json: a foreign key of 2 columns"):
        tables.references(first)


# The words the project really publishes under


def test_stage_takes_its_words_from_package_yml(tmp_path):
    """The committed metadata makes a valid package, with labels in three languages and no person among contributors."""
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "package.yml").write_bytes((HERE.parent / "schemas" / "package.yml").read_bytes())
    with publish.lock(tmp_path / "build"):
        staged = publish.stage(invented.public(), tmp_path, created=invented.CREATED)
    told = json.loads((staged / "datapackage.json").read_text("utf-8"))

    assert frictionless.validate(str(staged / "datapackage.json"), limit_errors=10**9).valid
    assert (told["name"], told["version"]) == ("tajikistan-torture-statistics", "0.1.0")
    assert set(told["labels"]) == set(told["descriptions"]) == {"en", "ru", "tg"}
    assert all(one["roles"] for one in told["contributors"])
    assert [one["name"] for one in told["licenses"]] == ["CC-BY-4.0"]


@pytest.mark.parametrize("most_bytes", [100, 3_000, 12_000, 40_000])
def test_a_disk_that_refuses_while_staging_is_a_storage_error(tmp_path, most_bytes):
    """Whichever format meets the limit first: exit 13, and no folder of this machine in the message."""
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "package.yml").write_text("name: x\ntitle: X\ndescription: d\n", "utf-8")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, limits[1]))
    try:
        with pytest.raises(errors.StorageError, match=r"build: .* while writing the package") as refusal:
            publish.stage(invented.public(), tmp_path, created=invented.CREATED)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert str(tmp_path) not in str(refusal.value)
