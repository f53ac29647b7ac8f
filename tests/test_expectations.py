"""The second voice of validation: suites of expectations, and what each of the committed ones refuses."""

from __future__ import annotations

import importlib
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import invented
import polars
import pytest
from polars import col

from pipeline import assemble, errors, ledger
from pipeline.reconcile import tables as reconciled
from pipeline.records import Finding, Table
from pipeline.validate import frames

COMMITTED = invented.HOME / "schemas" / "expectations"
SECRET = "Cell that nobody may see"
Written = dict[str, Any]
WHERE = {"type": "comparison", "column": {"name": "indicator"}, "operator": "==", "parameter": "apeals"}


@pytest.fixture(scope="module")
def suites() -> Any:
    """The room, imported once: GX takes seconds to start."""
    return importlib.import_module("pipeline.validate.suites")


@pytest.fixture(scope="module")
def real() -> list[Table]:
    """The tables of the committed ledger."""
    book = ledger.read(invented.HOME)
    derived = [one for one in reconciled.tables(book, invented.SCHEMAS) if isinstance(one.schema["primaryKey"], str)]
    return assemble.tables(book, invented.SCHEMAS)[0] + derived


def expectation(kind: str = "expect_column_values_to_be_between", **changes: Any) -> dict[str, Any]:
    """A well-written expectation: values of complaints between 0 and 100."""
    kwargs = changes.pop("kwargs", {"column": "value", "min_value": 0, "max_value": 100})
    meta = {"rule": "small", "sentence": "a value above 100", "notes": "we know of none", "cure": "read the page again"}
    return {"type": kind, "kwargs": kwargs, "meta": meta | changes.pop("meta", {}), **changes}


def suite(folder: Path, *held: Mapping[str, Any], name: str = "complaints", called: str = "") -> Path:
    """A folder with one suite."""
    text = json.dumps({"name": called or name, "meta": {"notes": "invented"}, "expectations": held})
    (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return folder


def test_a_value_out_of_range_is_named_by_its_key_and_never_shown(suites: Any, tmp_path: Path) -> None:
    """A broken rule names table, row, field, reason and cure, and no cell."""
    tables = [invented.complaints({}, {"value": "98765"}, {"note": SECRET})]

    found = suites.expectations(tables, suite(tmp_path, expectation()))

    assert found == (
        [Finding("small", "grave", "complaints", "c2", "a value above 100 (we know of none)", "read the page again",
                 "value")],
        0,
    )  # fmt: skip


def test_text_that_breaks_a_rule_is_not_repeated(suites: Any, tmp_path: Path) -> None:
    """Text cells stay out of findings, whatever GX puts in its answer."""
    tables = [invented.complaints({"note": SECRET}, {})]
    rule = expectation("expect_column_values_to_not_match_regex", kwargs={"column": "note", "regex": "nobody"})

    found, met = suites.expectations(tables, suite(tmp_path, rule))

    assert (found[0].row, met, SECRET in repr(found)) == ("c1", 0, False)


def test_a_met_expectation_counts_and_says_nothing(suites: Any, tmp_path: Path) -> None:
    """Good data give no finding, and an empty cell is not a number out of range."""
    tables = [invented.complaints({}, {"value": None, "missing_reason": "withheld"})]

    assert suites.expectations(tables, suite(tmp_path, expectation())) == ([], 1)


def test_a_flood_of_rows_is_capped_and_counted(suites: Any, tmp_path: Path) -> None:
    """Twenty rows are named, the rest are counted."""
    tables = [invented.complaints(*({"value": "101"} for _ in range(27)))]

    found, _ = suites.expectations(tables, suite(tmp_path, expectation()))

    assert (len(found), found[-1].row, found[-1].sentence[:12]) == (21, "", "7 more rows ")


@pytest.mark.parametrize(
    ("held", "named"),
    [
        ([expectation("expect_column_values_to_be_betwen")], "betwen"),
        ([expectation(kwargs={"column": "value", "minimum": 0})], "minimum"),
        ([expectation(kwargs={"columm": "value", "min_value": 0})], "columm"),
        ([expectation(kwargs={"column": "value", "row_condition": WHERE | {"operator": "="}})], "="),
        ([expectation(severity="sever")], "severity"),
        ([expectation(mostly=0.5)], "mostly"),
        ([expectation(meta={"exept": {}})], "exept"),
        ([expectation(meta={"except": {"c1": ""}})], "without a reason"),
        ([expectation(meta={"cure": ""})], "cure"),
        ([expectation(), expectation()], "two expectations"),
        ([], "no expectation"),
    ],
    ids=str,
)
def test_a_misspelt_suite_is_refused_by_name(suites: Any, tmp_path: Path, held: list[Any], named: str) -> None:
    """What GX would drop or take for a default stops the run, naming file and word."""
    with pytest.raises(errors.BadLedger, match=r"schemas/expectations/complaints\.json: ") as refused:
        suites.expectations([invented.complaints({})], suite(tmp_path, *held))

    assert named in str(refused.value)


def test_a_file_without_a_table_is_refused(suites: Any, tmp_path: Path) -> None:
    """A suite whose table was renamed does not fall silent."""
    with pytest.raises(errors.BadLedger, match=r"complaint\.json: no table has this name"):
        suites.expectations([invented.complaints({})], suite(tmp_path, expectation(), name="complaint"))


def test_a_file_under_another_name_is_refused(suites: Any, tmp_path: Path) -> None:
    """A copied suite that still bears the old name is not taken for the new one."""
    with pytest.raises(errors.BadLedger, match="another name"):
        suites.expectations([invented.complaints({})], suite(tmp_path, expectation(), called="law"))


@pytest.mark.parametrize(("file", "said"), [("notes.txt", "no suite"), ("complaints.json", r"complaints\.json: not a")])
def test_a_folder_without_a_readable_suite_is_refused(suites: Any, tmp_path: Path, file: str, said: str) -> None:
    """No expectation at all is not a good result, and a broken file names itself."""
    (tmp_path / file).write_text("{", encoding="utf-8")

    with pytest.raises(errors.BadLedger, match=said):
        suites.expectations([invented.complaints({})], tmp_path)


def test_a_crashed_check_is_told_apart_from_bad_data(suites: Any, tmp_path: Path) -> None:
    """A column that is gone means that nothing is known, not that the rows are bad."""
    rule = expectation(kwargs={"column": "valeu", "min_value": 0})

    found, met = suites.expectations([invented.complaints({"note": SECRET})], suite(tmp_path, rule))

    assert ([(one.check, one.severity, one.row) for one in found], met) == ([("check-crashed", "grave", "")], 0)


def test_a_check_that_crashes_on_a_cell_does_not_quote_it(suites: Any, tmp_path: Path) -> None:
    """GX's account of a crash may quote cells: only the kind of the exception is passed on."""
    rule = expectation(kwargs={"column": "note", "min_value": 0})

    found, _ = suites.expectations([invented.complaints({"note": SECRET})], suite(tmp_path, rule))

    assert (found[0].check, "Cell" in repr(found)) == ("check-crashed", False)


def test_a_check_that_looks_at_no_row_proves_nothing(suites: Any, tmp_path: Path) -> None:
    """A row_condition with a misspelt code would pass for ever."""
    rule = expectation(kwargs={"column": "value", "max_value": 100, "row_condition": WHERE})

    found, met = suites.expectations([invented.complaints({})], suite(tmp_path, rule))

    assert ([one.check for one in found], met) == (["check-idle"], 0)


def test_a_declared_exception_is_tolerated(suites: Any, tmp_path: Path) -> None:
    """A row that somebody has looked at, with a reason, breaks nothing; another row still does."""
    rule = expectation(meta={"except": {"c1": "the page prints it so"}})

    found, met = suites.expectations([invented.complaints({"value": "101"}, {"value": "102"})], suite(tmp_path, rule))

    assert ([one.row for one in found], met) == (["c2"], 0)


def test_an_exception_no_longer_needed_is_a_finding(suites: Any, tmp_path: Path) -> None:
    """An exception goes the day the row is mended, or it would hide the next slip."""
    rule = expectation(meta={"except": {"c1": "the page prints it so"}})

    found, _ = suites.expectations([invented.complaints({"value": "99"})], suite(tmp_path, rule))

    assert [(one.check, one.row) for one in found] == [("exception-stale", "c1")]


def test_a_warning_becomes_a_notice(suites: Any, tmp_path: Path) -> None:
    """What only deserves a look does not stop publishing."""
    found, _ = suites.expectations(
        [invented.complaints({"value": "101"})], suite(tmp_path, expectation(severity="warning"))
    )

    assert [one.severity for one in found] == ["notice"]


def test_a_vanished_figure_is_named_by_the_suites_own_words(suites: Any, tmp_path: Path) -> None:
    """Where a set is incomplete, the finding says which member is missing: the suite's word, not a cell."""
    kwargs = {"column": "yearly", "value_set": ["appeals coalition 2019", "appeals coalition 2020"]}
    rule = expectation("expect_column_distinct_values_to_contain_set", kwargs=kwargs)

    found, _ = suites.expectations(invented.world({}), suite(tmp_path, rule, name="claims"))

    assert found[0].sentence == "a value above 100 (we know of none); missing: appeals coalition 2019"


def test_a_pair_names_both_claims_and_the_table_of_the_first(suites: Any, tmp_path: Path) -> None:
    """In a frame of pairs a finding leads to the claim's own table; an exception names both claims of a pair."""
    tables = invented.world({"value": "9"}, {"value": "10", "sex": "female"}, {"value": "11", "sex": "male"})
    rule = expectation(
        "expect_column_pair_values_a_to_be_greater_than_b",
        kwargs={"column_A": "value", "column_B": "other_value", "or_equal": True},
        meta={"except": {"c1 / c3": "the page prints it so"}},
    )

    found, _ = suites.expectations(tables, suite(tmp_path, rule, name="parts"))

    assert [(one.table, one.row, one.sentence[-16:]) for one in found] == [("complaints", "c1", "compared with c2")]


def test_nothing_is_printed_or_left_on_the_disk(
    suites: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """No Data Docs, no project folder, no temporary files, no bars and no log, not even when a check crashes."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path / "tmp")
    crash = expectation(kwargs={"column": "note", "min_value": 0}, meta={"rule": "crash"})
    suite(tmp_path, expectation(), crash)

    suites.expectations([invented.complaints({"note": SECRET})], tmp_path)

    assert sorted(path.name for path in tmp_path.rglob("*")) == ["complaints.json", "tmp"]
    assert (*capfd.readouterr(), caplog.text) == ("", "", "")


def test_the_command_line_loads_neither_gx_nor_pandas() -> None:
    """`--help` must answer at once: the second voice is loaded only by a run that validates."""
    code = "import sys, pipeline.cli, pipeline.build, pipeline.validate; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], cwd=invented.HOME, capture_output=True, text=True, check=True)

    assert {"great_expectations", "pandas", "frictionless"} & set(loaded.stdout.split()) == set()


def test_what_gx_hardly_uses_is_loaded_when_it_is_used() -> None:
    """Statistics and drawings wait for whoever asks for them; then they are the modules themselves."""
    code = """
import sys, pandas
from pipeline.validate import suites
print(sorted({"altair", "scipy.stats"} & set(sys.modules)))
asset = suites._context().data_sources.add_pandas("x").add_dataframe_asset("x")
batch = asset.add_batch_definition_whole_dataframe("x").get_batch({"dataframe": pandas.DataFrame({"v": list("abbc")})})
gx = suites.great_expectations.expectations
expected = {"values": list("abc"), "weights": [0.3, 0.4, 0.3]}
kind = gx.ExpectColumnKLDivergenceToBeLessThan(column="v", partition_object=expected, threshold=1)
print(float(batch.validate(kind).result["observed_value"]))
print(sys.modules[gx.ExpectColumnKLDivergenceToBeLessThan.__module__].alt.Chart.__module__.partition(".")[0])
print(sorted({"altair", "scipy.stats"} & set(sys.modules)))
"""

    told = subprocess.run([sys.executable, "-c", code], cwd=invented.HOME, capture_output=True, text=True, check=True)
    before, distance, drawn, after = told.stdout.splitlines()

    assert (before, drawn, after) == ("[]", "altair", "['altair', 'scipy.stats']")
    assert float(distance) == pytest.approx(0.5 * math.log(0.25 / 0.3) + 0.5 * math.log(0.5 / 0.4))


@pytest.fixture(scope="module")
def seen(real: list[Table]) -> dict[str, frames.Frame]:
    """What the committed suites look at."""
    return frames.frames(real)


def committed() -> Iterator[tuple[str, Written]]:
    """Every committed expectation with the name of its suite."""
    for path in sorted(COMMITTED.glob("*.json")):
        for held in json.loads(path.read_text(encoding="utf-8"))["expectations"]:
            yield path.stem, held


def test_the_committed_suites_are_many_and_say_why() -> None:
    """At least thirty expectations over at least six tables, each with its reason in plain words."""
    held = list(committed())
    tables = {name for name, _ in held} & invented.SCHEMAS.keys()

    assert (len(held) >= 30, len(tables) >= 6, [one for _, one in held if len(one["meta"]["notes"]) < 15]) == (
        True,
        True,
        [],
    )


def test_rules_have_names_of_their_own() -> None:
    """A finding's rule leads to one expectation of one suite."""
    rules = [held["meta"]["rule"] for _, held in committed()]

    assert sorted(rules) == sorted(set(rules))


def test_the_real_figures_meet_every_grave_expectation(suites: Any, real: list[Table]) -> None:
    """The committed ledger passes; what only deserves a look may stand as a notice."""
    found, met = suites.expectations(real, COMMITTED)
    looked_at = {one.check for one in found}

    assert ([one for one in found if one.severity == "grave"], met + len(looked_at)) == ([], len(list(committed())))


# Cells that break a rule, where its type alone does not tell them.
BREAKS: dict[str, dict[str, str | None]] = {
    "said-before-recorded": {"said_on": "2099"},
    "window-over-before-recorded": {"period_end": "2099-12-31"},
    "said-after-window": {"said_on": "1999"},
    "since-is-long": {"period_start": "2026-01-01", "period_end": "2026-01-02"},
    "one-row-per-figure": dict.fromkeys(("document_id", "indicator", "area", "period_start", "originator", "unit"), "x")
    | {"period_end": "x"},
    "as-printed": {"printed": "123456"},
    "things-are-whole": {"value": "1.5"},
    "unit-known-for-indicator": {"unit": "nothing"},
    "speaker-known-for-indicator": {"originator": "nobody"},
    "publisher-of-its-document": {"publisher": "nobody"},
    "language-of-its-document": {"language": "xx"},
    "unit-of-the-kind-of-visit": {"unit": "nothing"},
    "event-is-past": {"date_end": "2099-01-01"},
    "day-is-a-day": {"date_end": "2099-01-01"},
    "month-is-a-month": {"date_end": "2099-01-01"},
    "year-of-an-event-is-a-year": {"date_end": "2099-01-01"},
    "span-has-length": {"date_start": "2020-01-01", "date_end": "2020-01-01"},
    "rival-dates-are-near": {"date_end": "2099-01-01"},
    "rival-rows-agree-on-kind": {"kind": "nothing"},
    "document-is-cited": {"document_id": "orphan"},
    "document-is-past": {"published_on": "2099"},
    "document-since-2000": {"published_on": "1999"},
    "indicator-is-used": {"indicator": "orphan"},
    "one-unit-per-group": {"comparable_group": "all"},
    "one-topic-per-group": {"comparable_group": "all"},
    "shares-do-not-add": {"additive": "true"},
    "year-does-not-jump": {"value": "1000000"},
    "bounds-in-order": {"low": "9999999"},
    "headline-not-above-bounds": {"headline": "9999999"},
    "headline-not-below-bounds": {"low": "9999999"},
    "a-whole-leaves-nothing": {"remainder": "5"},
    "witnesses-among-claims": {"witnesses": "9999999"},
}
EVERYWHERE = {"one-unit-per-group", "one-topic-per-group", "one-row-per-figure", "one-row-per-address"}


def in_view(held: Written, frame: frames.Frame) -> polars.DataFrame:
    """The rows that an expectation looks at and does not excuse."""
    rows, kwargs = frame.rows, held["kwargs"]
    condition = kwargs.get("row_condition")
    for one in condition["conditions"] if condition and condition["type"] == "and" else [condition] * bool(condition):
        column, value = col(one["column"]["name"]), one["parameter"]
        holds = {"==": column == value, ">=": column >= value} if not isinstance(value, list) else {}
        listed = {"IN": column.is_in(value), "NOT_IN": ~column.is_in(value)} if isinstance(value, list) else {}
        rows = rows.filter((holds | listed)[one["operator"]])
    columns = [kwargs[name] for name in ("column", "column_A", "column_B") if name in kwargs]
    return rows.filter(*(col(column).is_not_null() for column in columns)).filter(
        ~col(frame.keys[0]).is_in(list(held["meta"].get("except", ())))
    )


def out_of_range(kwargs: Mapping[str, Any]) -> dict[str, str | None]:
    """A cell just beyond the range; a long window where the range is of days."""
    column, high = kwargs["column"], "max_value" in kwargs
    bound = kwargs["max_value" if high else "min_value"]
    if column == "days":
        return {"period_end": "2099-12-31"}
    if isinstance(bound, str):
        return {column: "2099-12-31" if high else "1900-01-01"}
    return {column: str(bound + 1 if high else bound - 1)}


# Cells that break an expectation of a type; where the type is not named, rows must go.
BREAKS_BY_TYPE: dict[str, Callable[[Mapping[str, Any]], dict[str, str | None]]] = {
    "expect_column_values_to_be_between": out_of_range,
    "expect_column_pair_values_a_to_be_greater_than_b": lambda _: {"value": "9999999"},
    "expect_column_values_to_be_in_set": lambda kwargs: {kwargs["column"]: "0"},
    "expect_column_values_to_match_regex": lambda kwargs: {kwargs["column"]: "0"},
    "expect_column_values_to_not_be_in_set": lambda kwargs: {kwargs["column"]: kwargs["value_set"][0]},
    "expect_column_values_to_not_match_regex": lambda kwargs: {kwargs["column"]: "Ж"},
    "expect_column_values_to_be_unique": lambda kwargs: {kwargs["column"]: "x"},
    "expect_column_value_lengths_to_be_between": lambda kwargs: {kwargs["column"]: "x"},
    "expect_column_proportion_of_non_null_values_to_be_between": lambda kwargs: {kwargs["column"]: None},
    "expect_column_values_to_not_be_null": lambda kwargs: {kwargs["column"]: None},
}


def breaking_cells(held: Written) -> dict[str, str | None] | None:
    """Cells that break this expectation, or None where rows must go."""
    by_type = BREAKS_BY_TYPE.get(held["type"])
    return BREAKS.get(held["meta"]["rule"]) or (by_type(held["kwargs"]) if by_type else None)


def broken(frame: frames.Frame, held: Written, real: list[Table]) -> list[Table]:
    """The real tables, changed so that one expectation must fail: one row where one is enough."""
    rows, cells = in_view(held, frame), breaking_cells(held)
    if "value_set" in held["kwargs"] and cells is None:
        rows = rows.filter(col(held["kwargs"]["column"]) == held["kwargs"]["value_set"][0])
    if cells and None not in cells.values() and held["meta"]["rule"] not in EVERYWHERE:
        rows = rows.head(1)
    against = "against" in rows.columns and held["type"].startswith("expect_column_pair")
    keys = [key for cell in rows["against" if against else frame.keys[0]] for key in cell.split(" + ")]
    changed = []
    for table in real:
        key = table.schema["primaryKey"]
        hit = col(key).is_in(keys) & (frame.keys[0] == key)
        if cells is None:
            fresh = table.rows.filter(~hit)
        else:
            edits = [
                polars.when(hit).then(polars.lit(cell, polars.String)).otherwise(col(column)).alias(column)
                for column, cell in cells.items()
                if column in table.rows.columns
            ]
            fresh = table.rows.with_columns(edits)
        changed.append(Table(table.name, table.schema, fresh))
    return changed


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule[1]["meta"]["rule"]) for rule in committed()])
def test_every_committed_expectation_can_fail(
    suites: Any, real: list[Table], seen: dict[str, frames.Frame], tmp_path: Path, rule: tuple[str, Written]
) -> None:
    """A real table with one thing wrong breaks the rule that is there to see it."""
    name, held = rule

    found, met = suites.expectations(broken(seen[name], held, real), suite(tmp_path, held, name=name))

    assert (held["meta"]["rule"] in {one.check for one in found}, met) == (True, 0)
