"""One figure walked from the ledger to the API, as the README tells it: every line it prints is true."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from pathlib import Path

import yaml

HOME = Path(__file__).resolve().parent.parent
README = (HOME / "README.md").read_text(encoding="utf-8")


def told_row() -> dict[str, str]:
    """The ledger row as the README prints it."""
    return dict(re.findall(r"^    ([a-z_]+) {2,}(\S.*)$", README, re.MULTILINE))


def told_answers() -> list[dict[str, object]]:
    """The API rows as the README prints them."""
    return [json.loads(text) for text in re.findall(r"^    (\{.*?\})$", README, re.MULTILINE | re.DOTALL)]


def test_the_readme_prints_the_row_that_stands_in_the_ledger() -> None:
    """Each printed cell is the cell of sources/coalition/claims.csv."""
    told = told_row()
    with (HOME / "sources" / "coalition" / "claims.csv").open(encoding="utf-8", newline="") as lines:
        row = next(row for row in csv.DictReader(lines) if row["claim_id"] == told["claim_id"])

    assert len(told) >= 10
    assert {column: row[column] for column in told} == told


def test_the_readme_prints_what_the_named_query_answers(tmp_path: Path) -> None:
    """The committed CSVs, loaded into the release's own database, answer who_says_what with the printed rows."""
    from pipeline import assemble, build, ledger, protect  # noqa: PLC0415
    from pipeline.publish import database  # noqa: PLC0415

    tables, _ = assemble.tables(ledger.read(HOME), build.table_schemas(HOME))
    database.write(protect.public_tables(tables, HOME / "schemas" / "disclosure.yml"), tmp_path / "statistics.db")
    metadata = yaml.safe_load((HOME / "metadata.yml").read_text(encoding="utf-8"))
    sql = metadata["databases"]["statistics"]["queries"]["who_says_what"]["sql"]
    with sqlite3.connect(tmp_path / "statistics.db") as connection:
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute(sql, {"year": "2021"})]
    told = told_answers()

    assert [answer["value"] for answer in told] == [24, 15]
    assert [{key: rows[at][key] for key in answer} for at, answer in enumerate(told)] == told
