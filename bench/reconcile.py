"""Reconciliation against its rivals, in one run: frictionless on the same table, networkx on the same graph.

    python bench/reconcile.py [ROWS [GROUPS]]

Prints seconds, ratio (ours ÷ rival's), rows a second and peak memory. The claims are synthetic and seeded: each group
has one true history of monthly counts; windows of 1 to 60 months tell it, with qualifiers, and one in a hundred is
wrong.
"""

from __future__ import annotations

import datetime
import itertools
import random
import resource
import sys
import tempfile
import time
from itertools import accumulate
from pathlib import Path

import frictionless
import networkx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline.reconcile import answer, contradictions, reading
from pipeline.reconcile.constraints import Window

MONTHS = 240
LENGTHS = (1, 3, 6, 12, 12, 12, 24, 60)
QUALIFIERS = ("exact", "exact", "exact", "exact", "exact", "exact", "at_least", "more_than", "at_most", "about")
SCHEMA = {
    "fields": [
        {"name": "claim_id", "type": "string", "constraints": {"required": True, "unique": True}},
        {"name": "group", "type": "string", "constraints": {"required": True}},
        {"name": "area", "type": "string", "constraints": {"required": True, "pattern": "TJ(-[A-Z]{2})?"}},
        {"name": "period_start", "type": "date", "constraints": {"required": True}},
        {"name": "period_end", "type": "date", "constraints": {"required": True}},
        {"name": "value", "type": "integer", "constraints": {"required": True, "minimum": 0}},
        {"name": "qualifier", "type": "string", "constraints": {"required": True, "enum": sorted(set(QUALIFIERS))}},
        {"name": "trust", "type": "integer", "constraints": {"required": True, "minimum": 1}},
    ],
    "primaryKey": ["claim_id"],
}


def write(path: Path, rows: int, groups: int, seed: int = 7) -> None:
    """Synthetic claims, the same for the same arguments."""
    dice = random.Random(seed)
    with path.open("w", encoding="utf-8") as file:
        file.write("claim_id,group,area,period_start,period_end,value,qualifier,trust\n")
        for group in range(groups):
            first = dice.randint(1995, 2010)
            history = list(accumulate((dice.randint(0, 9) for _ in range(MONTHS)), initial=0))
            for number in range(rows // groups):
                file.write(f"c{group:05d}-{number},g{group:05d},TJ,{claim(dice, first, history)}\n")


def claim(dice: random.Random, first: int, history: list[int]) -> str:
    """One window on a history."""
    length = dice.choice(LENGTHS)
    since = dice.randint(0, (MONTHS - length) // min(length, 12)) * min(length, 12)
    value, qualifier = history[since + length] - history[since], dice.choice(QUALIFIERS)
    value -= {"more_than": 1, "at_least": 0}.get(qualifier, 0) * (value > 0)
    value += dice.choice([-7, -3, 3, 7, 20]) if dice.random() < 0.01 else 0
    start, stop = (datetime.date(first + m // 12, m % 12 + 1, 1) for m in (since, since + length))
    return f"{start},{stop - datetime.timedelta(days=1)},{max(0, value)},{qualifier},{dice.randint(1, 5)}"


def table(rows: int, groups: int) -> None:
    """Read, solve, tell and write, against validation alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "claims.csv"
        write(path, rows, groups)
        started = time.perf_counter()
        found = answer.answer(reading.claims(path))
        size = sum(len(piece) for piece in answer.document(found))
        ours = time.perf_counter() - started
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        schema = frictionless.Schema.from_descriptor(SCHEMA)
        started = time.perf_counter()
        report = frictionless.validate(
            frictionless.Resource(path=path.name, basepath=folder, schema=schema), limit_errors=10**9
        )
        theirs = time.perf_counter() - started
    print(
        f"{rows} claims, {groups} groups: {len(found.conflicts)} contradictions, {found.bounds.height} bounds, {size} B"
    )
    print(f"  ours {ours:.1f} s, {rows / ours:,.0f} rows/s, {memory} MB")
    print(f"  frictionless {theirs:.1f} s (valid: {report.valid}); ratio {ours / theirs:.2f}")


def windows_of(claims: int, wrong: float) -> list[Window]:
    """Windows of days to years on one history of 9,000 days, a share of them wrong."""
    dice = random.Random(3)
    history = list(accumulate((dice.choice([0, 0, 0, 1, 2]) for _ in range(9000)), initial=0))
    made = []
    for _ in range(claims):
        start = dice.randrange(8999)
        stop = min(9000, start + 1 + int(dice.expovariate(1 / 300)))
        value = max(0, history[stop] - history[start] + (dice.choice([-5, 5, 11]) if dice.random() < wrong else 0))
        made.append(Window(start, stop, *dice.choice([(value, value), (value, value), (value, None), (0, value)])))
    return made


def single(claims: int, wrong: float) -> None:
    """One large group: verdict and one smallest contradiction, against networkx's Bellman-Ford on the same graph."""
    windows = windows_of(claims, wrong)
    days = sorted({day for window in windows for day in window[:2]})
    steps = [(b, a, 0) for a, b in itertools.pairwise(days)]
    steps += [(w.stop, w.start, -w.low) for w in windows if w.low]
    steps += [(w.start, w.stop, w.high) for w in windows if w.high is not None]
    graph = networkx.DiGraph()
    for a, b, weight in sorted(steps, reverse=True):
        graph.add_edge(a, b, weight=weight)
    started = time.perf_counter()
    found = contradictions.first_contradiction(windows)
    ours = (time.perf_counter() - started) * 1000
    started = time.perf_counter()
    negative = networkx.negative_edge_cycle(graph)
    theirs = (time.perf_counter() - started) * 1000
    print(
        f"one group of {claims}, {wrong:.1%} wrong: ours {ours:.1f} ms ({len(found.members) if found else 0} claims), "
        f"networkx {theirs:.1f} ms (cycle: {negative}); ratio {ours / theirs:.2f}"
    )


def main(rows: int = 1_000_000, groups: int = 50_000) -> None:
    """Print one group of 2,000 claims beside networkx, and a table of claims beside frictionless."""
    for share in (0, 0.002, 0.01, 0.1):
        single(2000, share)
    table(rows, groups)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
