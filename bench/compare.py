"""Run ours and a rival in turn, each in a process of its own, and say how they compare.

Each pair runs one after the other, so that a busy machine slows both; the ratio is the median over the pairs.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Run:
    """One process: wall-clock seconds, peak resident memory in bytes, and what it printed."""

    seconds: float
    peak_bytes: int
    printed: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Pairs of runs over `rows` rows."""

    name: str
    rival_name: str
    rows: int
    ours: tuple[Run, ...]
    rival: tuple[Run, ...]

    @property
    def ratio(self) -> float:
        """How many times longer the rival takes: the median over the pairs."""
        return statistics.median(b.seconds / a.seconds for a, b in zip(self.ours, self.rival, strict=True))


def run(command: Sequence[str]) -> Run:
    """One process, timed and weighed from outside.

    Raises: SystemExit with the process's own words if it fails.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        start = time.perf_counter()
        process = subprocess.Popen(list(command), stdout=out, text=True)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        printed = out.read()
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{printed}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(seconds, usage.ru_maxrss * unit, printed)


def pairs(
    name: str, ours: Sequence[str], rival_name: str, rival: Sequence[str], *, rows: int, count: int = 3
) -> Comparison:
    """`count` pairs of runs, ours first in each."""
    done = [(run(ours), run(rival)) for _ in range(count)]
    return Comparison(name, rival_name, rows, tuple(a for a, _ in done), tuple(b for _, b in done))


def table(comparisons: Sequence[Comparison]) -> str:
    """A Markdown table: medians of seconds, rows per second and peak memory, and the median ratio."""
    lines = [
        "| what | rows | seconds | rows/s | peak MB | rival | seconds | rows/s | peak MB | ratio (pairs) |",
        "|---|--:|--:|--:|--:|---|--:|--:|--:|--:|",
    ]
    for one in comparisons:
        ours, rival = _cells(one.ours, one.rows), _cells(one.rival, one.rows)
        ratio = f"**{one.ratio:.1f}×** ({len(one.ours)})"
        lines.append(f"| {one.name} | {one.rows:,} | {ours} | {one.rival_name} | {rival} | {ratio} |")
    return "\n".join(lines)


def _cells(runs: Sequence[Run], rows: int) -> str:
    """Seconds, rows per second and peak megabytes of a side."""
    seconds = statistics.median(one.seconds for one in runs)
    return f"{seconds:.2f} | {rows / seconds:,.0f} | {max(one.peak_bytes for one in runs) / 1e6:,.0f}"
