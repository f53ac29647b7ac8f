"""The whole build (validate, CSV, Parquet, SQLite with indexes and search) against `frictionless validate` alone.

python -m bench.whole [ROWS] [PAIRS]
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from bench import compare


def comparison(rows: int, count: int, folder: Path) -> compare.Comparison:
    """Ours builds all from the package's CSVs; the rival only validates them."""
    compare.run([sys.executable, "-m", "bench.validate", "make", str(folder), str(rows)])
    ours = [sys.executable, "-m", "bench.whole", "ours", str(folder)]
    rival = [sys.executable, "-m", "bench.validate", "rival", str(folder)]
    name = "whole build: validate, CSV, Parquet, SQLite"
    return compare.pairs(name, ours, "frictionless validate", rival, rows=rows, count=count)


def _build(folder: Path) -> None:
    """Read the synthetic package, check it, and write every format but XLSX, which stops at 200,000 rows."""
    import polars  # noqa: PLC0415  each side pays for its own imports
    import yaml  # noqa: PLC0415

    from pipeline.publish import package  # noqa: PLC0415
    from pipeline.records import PublicTable, Table  # noqa: PLC0415
    from pipeline.validate import tables  # noqa: PLC0415

    descriptor = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    read = [
        Table(one["name"], one["schema"], polars.read_csv(folder / one["path"], infer_schema=False))
        for one in descriptor["resources"]
    ]
    if found := tables.findings(read):
        sys.exit(f"the synthetic package has {len(found)} findings, first {found[0]}")
    words = yaml.safe_load(Path("schemas/package.yml").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as out:
        package.write(
            [PublicTable(table) for table in read], words, "2026-11-24", Path(out), Path(out) / "no such home"
        )
        print(sorted(path.name for path in Path(out).iterdir()))


if __name__ == "__main__":
    if sys.argv[1:2] == ["ours"]:
        _build(Path(sys.argv[2]))
    else:
        wanted, times = ([*map(int, sys.argv[1:]), 1_000_000, 3][at] for at in (0, 1))
        with tempfile.TemporaryDirectory() as scratch:
            print(compare.table([comparison(wanted, times, Path(scratch) / "package")]))
