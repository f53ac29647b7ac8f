"""The official checkers of every format, in environments of their own, find nothing wrong, and would if there were.

`make checkers` installs them from tests/checkers/*.txt, locked with hashes. The judge says how much each looked at.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import project

pytestmark = pytest.mark.exam
HERE = Path(__file__).parent
PLACE = Path(os.environ.get("CHECKERS", Path(sys.prefix) / "checkers"))
FORMATS = ("dcat_ap", "csvw", "croissant", "jsonstat", "prov", "bag", "linked", "cff")


def judged(folder: Path, *names: str) -> dict[str, Any]:
    """What the checkers say of a release: looked_at and faults of each format."""
    told: dict[str, Any] = {}
    for environment in ("cff", "formats"):
        wanted = [name for name in names if (name == "cff") == (environment == "cff")]
        python = PLACE / environment / "bin" / "python"
        assert python.exists(), "The checkers are not installed here. Next: make checkers"
        if wanted:
            done = subprocess.run(
                [python, HERE / "checkers" / "judge.py", folder, *wanted],
                capture_output=True, text=True, check=False, timeout=600,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            told |= json.loads(done.stdout)
    return told


@pytest.fixture(scope="module")
def release(home) -> Path:
    return (home / "build" / "current").resolve()


@pytest.fixture
def copy(release, tmp_path) -> Path:
    """A release to spoil."""
    return shutil.copytree(release, tmp_path / "copy")


def test_every_official_checker_finds_a_release_clean(release):
    """No error and no warning; each looked at hundreds of things."""
    told = judged(release, *FORMATS)
    rows = sum(one["rows"] for one in json.loads((release / "datapackage.json").read_text("utf-8"))["resources"])

    assert {name: one["faults"] for name, one in told.items()} == {name: [] for name in FORMATS}
    assert told["csvw"]["looked_at"] == told["croissant"]["looked_at"] == rows
    assert {name for name, one in told.items() if one["looked_at"] < 100} <= {"cff"}


def change(name: str, alter: Callable[[Any], object]) -> Callable[[Path], None]:
    """A spoiler of one JSON file of a release."""

    def spoil(folder: Path) -> None:
        told = json.loads((folder / name).read_text("utf-8"))
        alter(told)
        (folder / name).write_text(json.dumps(told, ensure_ascii=False), "utf-8")

    return spoil


def rewrite(name: str, old: str, new: str) -> Callable[[Path], None]:
    """A spoiler that replaces text of a file."""

    def spoil(folder: Path) -> None:
        text = (folder / name).read_text("utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), "utf-8")

    return spoil


SPOILT = {
    "dcat_ap without a title": (
        "dcat_ap", change("dcat-ap.jsonld", lambda told: told["dcat:dataset"][1].pop("dct:title")),
    ),
    "dcat_ap without an address": (
        "dcat_ap",
        change("dcat-ap.jsonld", lambda told: told["dcat:dataset"][0]["dcat:distribution"][0].pop("dcat:accessURL")),
    ),
    "dcat_ap without a dataset": ("dcat_ap", change("dcat-ap.jsonld", lambda told: told.pop("dcat:dataset"))),
    "csvw with a cell that is no number": ("csvw", rewrite("data/series.csv", ",TJ,2", ",TJ,two thousand")),
    "csvw with a code that is in no list": ("csvw", rewrite("data/complaints.csv", ",appeal,", ",applause,")),
    "csvw without a column": (
        "csvw", change("csv-metadata.json", lambda told: told["tables"][0]["tableSchema"]["columns"].pop(3)),
    ),
    "croissant with another digest": (
        "croissant", change("croissant.json", lambda told: told["distribution"][0].update(sha256="0" * 64)),
    ),
    "croissant of a column that is not there": (
        "croissant",
        rewrite("croissant.json", '"column": "claim_id"', '"column": "no_such_column"'),
    ),
    "jsonstat with a dimension too few": ("jsonstat", change("jsonstat/series.json", lambda told: told["id"].pop())),
    "prov with an unknown prefix": ("prov", rewrite("prov.json", '"rec:run"', '"nowhere:run"')),
    "prov with a relation nobody knows": ("prov", rewrite("prov.json", '"wasDerivedFrom"', '"wasGuessedFrom"')),
    "bag with a changed payload": ("bag", rewrite("data/sex.csv", "code", "Code")),
    "bag with a changed tag file": ("bag", rewrite("dictionary.md", "#", "##")),
    "cff of a type that does not exist": ("cff", rewrite("CITATION.cff", "type: dataset", "type: rumour")),
    "cff without authors": ("cff", rewrite("CITATION.cff", "authors:", "writers:")),
    "linked data that is no JSON": ("linked", rewrite("codes.jsonld", '"@graph"', "@graph")),
}  # fmt: skip


@pytest.mark.parametrize("fault", SPOILT)
def test_a_checker_sees_the_fault_that_is_put_in(copy, fault):
    """So that a clean verdict means that somebody looked."""
    name, spoil = SPOILT[fault]
    spoil(copy)

    assert judged(copy, name)[name]["faults"] != []


def test_a_checker_that_looks_at_nothing_is_a_fault(copy):
    """A release without cubes, and a catalogue whose things have no type."""
    shutil.rmtree(copy / "jsonstat")
    (copy / "dcat-ap.jsonld").write_text("{}", "utf-8")
    told = judged(copy, "jsonstat", "dcat_ap")

    assert told["jsonstat"]["faults"] == ["looked at nothing"]
    assert "no Dataset was looked at" in told["dcat_ap"]["faults"]


def test_a_package_that_the_checkers_have_not_met_is_clean_too(tmp_path):
    """Invented tables, no identifier, no places: what is optional is left out, not left empty."""
    import invented_package as invented  # noqa: PLC0415

    project.project(invented.staged(tmp_path), tmp_path)
    told = judged(tmp_path, "dcat_ap", "csvw", "croissant", "prov", "bag", "linked", "cff")

    assert {name: one["faults"] for name, one in told.items() if one["faults"]} == {}
