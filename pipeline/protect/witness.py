"""Check the certificate: for each small cell two registers that agree with everything printed. Knows no solver.

Reads the printed files itself and shares no code with those who made them or the certificate: numpy, whole numbers.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy

TOTAL: Final = "_T"
NO_LIMIT: Final = 1 << 60
Key = tuple[tuple[str, frozenset[str]], ...]
Limits = dict[Key, tuple[int, int]]


def faults(
    folders: Sequence[Path], certificate: Mapping[str, Any], small: Sequence[Mapping[str, Any]],
    facts: Sequence[tuple[Key, int, int]] = (),
) -> list[str]:  # fmt: skip
    """What keeps the certificate from proving every one of the `small` cells safe; empty when it does.

    Shape: `folders` are releases, oldest first, ours last; `certificate` has `rows` (a category per variable),
    `counts` (per row and release) and `cells` (per number two changes: row, change per release); `small` gives
    `number`, `cell`; `facts` least and most of cells known from elsewhere. A fault names no count.
    """
    releases = [_limits(folder) for folder in folders]
    for key, least, most in facts:
        low, high = releases[-1].get(key, (0, NO_LIMIT))
        releases[-1][key] = (max(low, least), min(high, most))
    told = json.loads((folders[-1] / "datapackage.json").read_text(encoding="utf-8"))
    threshold, base = told["threshold"], told["base"]
    rows, counts = certificate["rows"], numpy.array(certificate["counts"], dtype=numpy.int64).reshape(-1, len(folders))
    wanted = {key for limits in releases for key in limits} | {one["cell"] for one in small}
    places = _places(rows, wanted)
    held: list[dict[Key, int]] = [dict.fromkeys(wanted, 0) for _ in folders]
    for keys, many in zip(places, counts, strict=True):
        for release, count in enumerate(many.tolist()):
            if count:
                for key in keys:
                    held[release][key] += count
    found = [] if (counts >= 0).all() and (numpy.diff(counts, axis=1) >= 0).all() else ["a case is taken away"]
    for limits, here in zip(releases, held, strict=True):
        found += ["the register does not agree with a printed cell" for key, (low, high) in limits.items()
                  if not low <= here[key] <= high]  # fmt: skip
    for one in small:
        pair = certificate["cells"].get(one["number"])
        if pair is None:
            found.append("a small cell has no two registers")
            continue
        ends = [_changed(step, places, counts, held, releases, one["cell"]) for step in pair]
        if None in ends or not _open(ends, threshold, base):
            found.append("two registers do not keep a small cell open")
    return found


def _open(ends: Sequence[int | None], threshold: int, base: int) -> bool:
    low, high = sorted(end for end in ends if end is not None)
    return high - low >= base - 1 and (low == 0 or high >= threshold)


def _changed(
    step: Sequence[tuple[int, Sequence[int]]],
    places: Sequence[Sequence[Key]],
    counts: numpy.ndarray,
    held: Sequence[Mapping[Key, int]],
    releases: Sequence[Limits],
    cell: Key,
) -> int | None:
    """The count of `cell` in the newest release after the change; None where the change breaks anything printed."""
    moved: dict[Key, numpy.ndarray] = {}
    for row, change in step:
        after: numpy.ndarray = counts[row] + numpy.array(change)
        if (after < 0).any() or (numpy.diff(after) < 0).any():
            return None
        for key in places[row]:
            moved[key] = moved.get(key, 0) + numpy.array(change)
    for key, total in moved.items():
        for release, limits in enumerate(releases):
            low, high = limits.get(key, (0, NO_LIMIT))
            if not low <= held[release][key] + int(total[release]) <= high:
                return None
    return held[-1][cell] + (int(moved[cell][-1]) if cell in moved else 0)


def _places(rows: Sequence[Mapping[str, str]], wanted: set[Key]) -> list[list[Key]]:
    """The printed cells that each row of the register falls in."""
    by_kind: dict[tuple[str, ...], dict[str, dict[str, list[frozenset[str]]]]] = {}
    for key in wanted:
        kind = by_kind.setdefault(tuple(name for name, _ in key), {})
        for name, codes in key:
            for code in codes:
                known = kind.setdefault(name, {}).setdefault(code, [])
                if codes not in known:
                    known.append(codes)
    found = []
    for row in rows:
        mine: list[Key] = []
        for names, sets in by_kind.items():
            choices = [[(name, codes) for codes in sets.get(name, {}).get(row[name], ())] for name in names]
            mine += [key for key in itertools.product(*choices) if key in wanted]
        found.append(mine)
    return found


def _limits(folder: Path) -> Limits:
    """The least and the most that each printed cell may be."""
    told = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    limits: Limits = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                if row["value"]:
                    key = _key(row, told["columns"])
                    value, around = int(row["value"]), int(row["rounded_to"]) - 1
                    low, high = limits.get(key, (0, NO_LIMIT))
                    limits[key] = (max(low, value - around), min(high, value + around))
    return limits


def _key(row: Mapping[str, str], columns: Mapping[str, Any]) -> Key:
    sets = {columns[name]["variable"]: frozenset(columns[name]["codes"][code]) for name, code in row.items()
            if name in columns and code != TOTAL}  # fmt: skip
    return tuple(sorted(sets.items()))
