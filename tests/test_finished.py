"""The third voice of validation: frictionless judges the finished package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.validate import finished

SECRET = "Cell that nobody may see"


def package(folder: Path, cells: str, **resource: Any) -> Path:
    """A staged package of one table."""
    described = {
        "name": "numbers", "type": "table", "path": "numbers.csv", "format": "csv", "encoding": "utf-8",
        "schema": {"fields": [{"name": "id", "type": "integer"}, {"name": "n", "type": "integer"}]}, **resource,
    }  # fmt: skip
    (folder / "numbers.csv").write_text(f"id,n\n{cells}", encoding="utf-8")
    (folder / "datapackage.json").write_text(json.dumps({"name": "probe", "resources": [described]}), encoding="utf-8")
    return folder


def test_the_judge_is_silent_on_a_good_package(tmp_path: Path) -> None:
    """Nothing to say is an empty list."""
    assert finished.judge(package(tmp_path, "1,5\n")) == []


def test_the_judge_names_table_row_and_field_and_no_cell(tmp_path: Path) -> None:
    """A planted error is grave, placed, and its cell stays unseen."""
    found = finished.judge(package(tmp_path, f"1,5\n2,{SECRET}\n"))

    assert [(one.check, one.severity, one.table, one.row, one.field) for one in found] == [
        ("type-error", "grave", "numbers", "row 3", "n")
    ]
    assert SECRET not in repr(found)


def test_the_judge_takes_a_warning_for_grave(tmp_path: Path) -> None:
    """Frictionless calls this package valid and only warns that the hash was not checked."""
    found = finished.judge(package(tmp_path, "1,5\n", hash="sha512:00"))

    assert [(one.check, one.severity, one.table) for one in found] == [("warning", "grave", "numbers")]


def test_the_judge_counts_past_a_thousand_errors(tmp_path: Path) -> None:
    """Every error is a finding: the default limit would stop with a warning."""
    assert len(finished.judge(package(tmp_path, "1,x\n" * 1500))) == 1500


@pytest.mark.parametrize(
    ("resources", "check"),
    [
        ([], "warning"),
        ([{"name": "numbers"}], "resource-error"),
        ([{"name": "numbers", "path": "../numbers.csv"}], "resource-error"),
    ],
)
def test_the_judge_refuses_what_holds_no_table(tmp_path: Path, resources: list[Any], check: str) -> None:
    """An empty, broken or escaping package is not a good one."""
    (tmp_path / "datapackage.json").write_text(json.dumps({"name": "x", "resources": resources}), encoding="utf-8")

    assert [one.check for one in finished.judge(tmp_path)] == [check]


def test_the_judge_refuses_a_package_that_is_not_there(tmp_path: Path) -> None:
    """A folder without a descriptor is a finding, not a crash."""
    assert [one.check for one in finished.judge(tmp_path)] == ["package-error"]
