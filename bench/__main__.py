"""Every comparison that BENCHMARKS.md prints, in one run: `make bench`, or python -m bench [ROWS] [PAIRS]."""

import sys
import tempfile
from pathlib import Path

from bench import compare, validate, whole


def main(rows: int = 1_000_000, count: int = 3) -> None:
    """Print one Markdown table."""
    with tempfile.TemporaryDirectory() as scratch:
        found = validate.comparison(rows, count, Path(scratch))
        found.append(whole.comparison(rows, count, Path(scratch) / "whole"))
    print(compare.table(found))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
