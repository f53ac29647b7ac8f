"""Every comparison that BENCHMARKS.md prints, in one run: `make bench`, or python -m bench [ROWS] [PAIRS]."""

import json
import sys
import tempfile
from pathlib import Path

from bench import compare, extract, fetch, prose, protect, reconcile, release, serving, validate, whole


def main(rows: int = 1_000_000, count: int = 3) -> None:
    """Print one Markdown table, then what each room's own comparison prints."""
    with tempfile.TemporaryDirectory() as scratch:
        found = validate.comparison(rows, count, Path(scratch))
        found.append(whole.comparison(rows, count, Path(scratch) / "whole"))
    print(compare.table(found))
    print(json.dumps(fetch.main(1_000, 10_000), indent=1))
    print(json.dumps(extract.main(), indent=1))
    prose.main()
    reconcile.main(rows, rows // 20)
    protect.main(rows)
    release.main(rows, 1)
    serving.main(rows)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
