"""What protection costs and what it leaves: error, withheld tables, seconds. Invented registers only.

python -m bench.protect [ROWS]
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy
import polars

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import registers  # type: ignore[import-not-found]

from pipeline.protect import attack, design, leaving, published, register
from pipeline.protect.space import Space

HOME = Path(__file__).resolve().parent.parent
DESIGN = design.read(HOME / "schemas" / "disclosure.yml")
TODAY = "2026-12-31"
KEY = b"an invented key of the bench"


def counted(cases: polars.DataFrame, folder: Path) -> list[tuple[published.Printed, int]]:
    """Every printed cell with its true count."""
    found = []
    for one in published.read(folder).cells:
        inside = polars.all_horizontal(
            polars.lit(value=True), *(polars.col(name).is_in(sorted(codes)) for name, codes in one.cell)
        )
        found.append((one, cases.filter(inside).height))
    return found


def utility(scratch: Path) -> None:
    """Twelve registers of forty cases a year: the mean absolute error of each table, and how often it was withheld."""
    errors: dict[str, list[float]] = defaultdict(list)
    withheld: dict[str, int] = defaultdict(int)
    for seed in range(12):
        cases = register.read(registers.write(scratch / "r.csv", registers.cases(100 + seed)), TODAY)
        left = leaving.protect(cases, DESIGN, scratch / f"u{seed}", KEY + bytes([seed]), [])
        for name in left.withheld:
            withheld[name] += 1
        sums: dict[str, int] = defaultdict(int)
        for one, count in counted(cases, scratch / f"u{seed}"):
            if "_T" not in one.key.values() and one.value >= 0:
                sums[one.table] += abs(one.value - count)
        for name, total in sums.items():
            errors[name].append(total / cases.height)
    for kind, columns in (("one-way", 1), ("two-way", 2)):
        means = {name: sum(each) / len(each) for name, each in errors.items() if len(DESIGN.tables[name]) == columns}
        worst = max(means, key=lambda name: means[name])
        mean = sum(means.values()) / len(means)
        print(f"{kind}: mean absolute error {mean:.1%} of N; worst {worst} {means[worst]:.1%}")
    print(f"withheld, of 12: {dict(withheld) or 'none'}")


def vintages(scratch: Path, years: range, *, corrected: bool, many: int = 10) -> None:
    """The joint audit of `many` releases to which cases were only added, or in which some were corrected or left."""
    dice, rows = random.Random(1), registers.cases(1, years=years)
    kept: list[Path] = []
    for number in range(many):
        cases = register.read(registers.write(scratch / "v.csv", rows), TODAY)
        out = scratch / f"v{len(years)}{corrected}{number}"
        leaving.protect(cases, DESIGN, out, KEY, kept)
        kept.append(out)
        fresh = [registers.case(dice, len(rows) + 1 + at, years[-1]) for at in range(4)]
        rows = registers.later(rows, dice, years) if corrected else [*rows, *fresh]
    started = time.perf_counter()
    verdict = attack.attack(kept[-1], kept[:-1], None, cases)
    took = time.perf_counter() - started
    how = "cases added, corrected and withdrawn" if corrected else "cases only added"
    print(f"audit of {verdict.cells} cells x {many} releases, {how}: {took:.1f} s, safe: {verdict.safe}")


def tabulation(rows: int) -> None:
    """A million rows into every cell of the design, against one polars group_by of the same columns."""
    dice = numpy.random.default_rng(1)
    codes = {name: numpy.array(every) for name, every in register.codes().items()}
    years = [str(year) for year in range(2021, 2026)]
    cases = polars.DataFrame({name: dice.choice(every, rows) for name, every in codes.items()})
    cases = cases.with_columns(polars.Series(register.YEAR, dice.choice(years, rows)))
    columns = DESIGN.described(years)
    cells = list(
        dict.fromkeys(published.cell(columns, key) for name in DESIGN.tables for key in DESIGN.keys(name, years))
    )
    space = Space(cells, published.universe(columns, {**register.codes(), register.YEAR: years}))
    started = time.perf_counter()
    space.counted(cases)
    ours = time.perf_counter() - started
    started = time.perf_counter()
    cases.group_by(space.variables).len()
    theirs = time.perf_counter() - started
    ratio = ours / theirs
    print(f"{rows:,} rows into {len(cells)} cells: {ours:.2f} s; polars group_by {theirs:.2f} s; ratio {ratio:.1f}")


def large(scratch: Path) -> None:
    """Thirty years, four tables of three columns that share year and body: rounded, attacked and certified."""
    plan = scratch / "large.yml"
    names = ("criminal_article", "region", "facility_type", "outcome")
    tables = ", ".join(f"{name}: [year, alleged_body, {name}]" for name in names)
    plan.write_text(f"tables: {{{tables}}}\n", encoding="utf-8")
    rows = registers.cases(2, a_year=700, years=range(1996, 2026))
    cases = register.read(registers.write(scratch / "l.csv", rows), TODAY)
    started = time.perf_counter()
    left = leaving.protect(cases, design.read(plan), scratch / "large", KEY, [])
    took = time.perf_counter() - started
    cells = len({one.cell for one in published.read(scratch / "large").cells})
    print(f"{cells:,} cells rounded, attacked and certified: {took:.0f} s; withheld: {list(left.withheld) or 'none'}")


def main(rows: int = 1_000_000) -> None:
    """Print every figure."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        utility(scratch)
        tabulation(rows)
        for years in (range(2021, 2026), range(2008, 2026)):
            for corrected in (False, True):
                vintages(scratch, years, corrected=corrected)
        large(scratch)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
