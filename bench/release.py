"""A release of a million rows: its comparison by cell against csv-diff, its verification against sha256sum.

Run: python -m bench.release [ROWS] [PAIRS]. csv-diff compares one file by one key, so the package here has one table.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import polars

from bench import compare, synthetic
from pipeline.publish import verify

TABLE = "complaints.csv"
DIFF = """
import sys
from pathlib import Path
from pipeline import publish
print(publish.delta(*map(Path, sys.argv[1:])).height)
"""
ALTERED = 1_000  # one row in so many


def comparison(rows: int, count: int, scratch: Path) -> list[compare.Comparison]:
    """Our delta against csv-diff on two releases that differ in a row of a thousand; verify.py against sha256sum.

    Exits with a word if the two comparisons do not find the same changes.
    """
    old, new = scratch / "old", scratch / "new"
    synthetic.package(old, rows)
    shutil.copytree(old, new)
    table = polars.read_csv(old / TABLE, infer_schema=False)
    nth = polars.int_range(polars.len()) % ALTERED == 0
    table.with_columns(locator=polars.when(nth).then(polars.lit("p. 0")).otherwise("locator")).write_csv(new / TABLE)
    python, tools = sys.executable, Path(sys.executable).parent
    diff = compare.pairs(
        "two releases compared by cell", [python, "-c", DIFF, str(old), str(new)],
        "csv-diff", [str(tools / "csv-diff"), str(old / TABLE), str(new / TABLE), "--key=claim_id", "--json"],
        rows=rows, count=count,
    )  # fmt: skip
    theirs = json.loads(diff.rival[0].printed)
    found = sum(len(one["changes"]) for one in theirs["changed"]) + len(theirs["added"]) + len(theirs["removed"])
    if found != int(diff.ours[0].printed):
        sys.exit(f"csv-diff finds {found} differences, we {diff.ours[0].printed}")
    files = sorted(path for path in old.rglob("*") if path.is_file())
    told = {
        path.relative_to(old).as_posix(): {"bytes": path.stat().st_size, "sha256": verify.sha256(path)}
        for path in files
    }
    (old / verify.MANIFEST).write_bytes(verify.canonical({"files": told}))
    checked = compare.pairs(
        "a release verified", [python, str(Path(verify.__file__)), str(old)],
        "sha256sum of its files", ["sha256sum", *map(str, files)], rows=rows, count=count,
    )  # fmt: skip
    return [diff, checked]


def main(rows: int = 1_000_000, count: int = 3) -> None:
    """Print one Markdown table."""
    with tempfile.TemporaryDirectory() as scratch:
        print(compare.table(comparison(rows, count, Path(scratch))))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
