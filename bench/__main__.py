"""Every comparison that BENCHMARKS.md prints, in one run: `make bench`, or python -m bench [ROWS] [PAIRS]."""

import json
import sys
import tempfile
from pathlib import Path

from bench import compare, fetch, protect, serving, validate, whole


def main(rows: int = 1_000_000, count: int = 3) -> None:
    """Print one Markdown table."""
    with tempfile.TemporaryDirectory() as scratch:
        found = validate.comparison(rows, count, Path(scratch))
        found.append(whole.comparison(rows, count, Path(scratch) / "whole"))
    print(compare.table(found))
    print(json.dumps(fetch.main(1_000, 10_000), indent=1))
    protect.main(rows)
    serving.main(rows)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
