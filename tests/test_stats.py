"""Stata and SPSS: read back, every cell is that of the CSV, every label that of the schema and the code list."""

from __future__ import annotations

import csv
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import invented_package as invented
import pyreadstat
import pytest

from pipeline import project
from pipeline.project import Package, statistical

HOME = Path(__file__).resolve().parent.parent
READ = {"dta": pyreadstat.read_dta, "sav": pyreadstat.read_sav}


@pytest.fixture(scope="module")
def release(home) -> Path:
    return (home / "build" / "current").resolve()


@pytest.fixture(scope="module")
def written(release, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("stats")
    statistical.write(Package.of(release), place)
    return place


def rows(release: Path, table: str) -> list[dict[str, str]]:
    with (release / "data" / f"{table}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def cell(value: Any, kind: str, labels: dict[float, str] | None) -> str:
    """What the CSV would say of a cell that was read back."""
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return ""
    if labels:
        return labels[value].split(": ")[0]
    match kind:
        case "number":
            return f"{value:.15g}"
        case "integer" | "year":
            return str(int(value))
        case "date":
            return value.isoformat()
    return value


def printed(text: str, kind: str) -> str:
    return f"{float(text):.15g}" if kind == "number" and text else text


@pytest.mark.parametrize("suffix", ["dta", "sav"])
def test_every_cell_read_back_is_the_cell_of_the_csv(release, written, suffix):
    """Every table that is no code list; codes by their label, in each language."""
    resources = {one["name"]: one for one in json.loads((release / "datapackage.json").read_text("utf-8"))["resources"]}
    wrong, looked = [], 0
    for path in sorted(written.glob(f"*.{suffix}")):
        table = path.name.split(".")[0]
        frame, meta = READ[suffix](path, output_format="dict")
        kinds = {field["name"]: field["type"] for field in resources[table]["schema"]["fields"]}
        for column, kind in kinds.items():
            labels = meta.variable_value_labels.get(column)
            found = [cell(value, kind, labels) for value in frame[column]]
            looked += len(found)
            if found != [printed(row[column], kind) for row in rows(release, table)]:
                wrong.append((path.name, column))

    assert wrong == []
    assert looked > 50_000


@pytest.mark.parametrize("suffix", ["dta", "sav"])
@pytest.mark.parametrize("language", ["en", "ru", "tg"])
def test_columns_and_codes_bear_their_labels(release, written, suffix, language):
    """Those of the schema and of the list, in the language of the file."""
    _, meta = READ[suffix](written / f"complaints.{language}.{suffix}", metadataonly=True)
    schema = next(
        one["schema"] for one in json.loads((release / "datapackage.json").read_text("utf-8"))["resources"]
        if one["name"] == "complaints"
    )  # fmt: skip
    titles = {row["code"]: row[f"title_{language}"] for row in rows(release, "sex")}
    bodies = {row["code"]: row[f"title_{language}"] for row in rows(release, "bodies")}
    shown = dict(one.split(": ", 1) for one in meta.variable_value_labels["originator"].values())

    assert meta.column_names_to_labels == {field["name"]: field["labels"][language] for field in schema["fields"]}
    assert dict(one.split(": ", 1) for one in meta.variable_value_labels["sex"].values()) == titles
    assert {code: bodies[code][: len(said)] for code, said in shown.items()} == shown
    assert set(shown) == set(bodies)
    assert [meta.variable_value_labels["sex"][at].split(": ")[0] for at in range(1, len(titles) + 1)] == list(titles)


def test_the_bytes_depend_on_the_release_alone(tmp_path):
    """Not on the day: one process lives in 1999, and seconds pass between the two anyhow."""
    (tmp_path / "package").mkdir()
    folder = invented.staged(tmp_path / "package")
    project.project(folder, folder)
    told = []
    for name, seed in (("first", "1"), ("second", "2")):
        code = (
            "import pathlib; from pipeline.project import Package, statistical\n"
            f"statistical.write(Package.of(pathlib.Path({str(folder)!r})), pathlib.Path({str(tmp_path / name)!r}))"
        )
        subprocess.run([sys.executable, "-c", code], cwd=HOME, env={**os.environ, "PYTHONHASHSEED": seed}, check=True)
        told.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})

    values, _ = pyreadstat.read_sav(tmp_path / "first" / "complaints.en.sav", output_format="dict")

    assert told[0] == told[1]
    assert values["value"][3] == 123_456_789_012_345
    assert all(b"01 Jan 1980 00:00" in content[:300] for name, content in told[0].items() if name.endswith(".dta"))
    assert all(b"01 Jan 8000:00:00" in content[:120] for name, content in told[0].items() if name.endswith(".sav"))


def test_the_command_says_what_is_missing_and_what_it_wrote(home):
    """Without the library a sentence; with it the number of files."""
    words = ["stats", "--home", str(home)]
    blocked = "import sys; sys.modules['pyreadstat'] = None; from pipeline.cli import main; sys.argv[1:] = " + repr(
        words
    )
    without = subprocess.run(
        [sys.executable, "-c", f"{blocked}; main()"], cwd=HOME, capture_output=True, text=True, check=False
    )
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *words], cwd=HOME, capture_output=True, text=True, check=False
    )

    assert (without.returncode, done.returncode) == (2, 0), done.stderr
    assert "pip install pyreadstat" in without.stderr
    assert f"{len(list((home / 'build' / 'stats').iterdir()))} files" in " ".join(done.stderr.split())
