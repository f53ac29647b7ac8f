"""Read what was published, as any stranger can: the CSV files of a folder and its descriptor, nothing else.

Gives each printed cell the numbers it may stand for. Believes no hash; whether one is broken is only told.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline import errors
from pipeline.protect.space import Cell

DESCRIPTOR: Final = "datapackage.json"
TOTAL: Final = "_T"
FACTS: Final = ("value", "rounded_to", "status", "reason")
MOST: Final = 1_000_000_000  # no count of people is higher
RANGE: Final = re.compile(r"(\d+)\s*[-–]\s*(\d+)")


@dataclass(frozen=True, slots=True)
class Printed:
    """One printed cell: where it stands, which cell it is, the least and the most it may be.

    `base` is what its value was rounded to, 1 for an exact one, 0 for none; `why` its status and reason.
    """

    table: str
    key: Mapping[str, str]
    cell: Cell
    low: int
    high: int
    base: int
    value: int
    why: str


@dataclass(frozen=True, slots=True)
class Publication:
    """A release: its printed cells and what its descriptor says. `digest` names it in the releases that follow."""

    cells: tuple[Printed, ...]
    threshold: int
    base: int
    nearest: bool
    additive: bool
    columns: Mapping[str, Any]
    previous: tuple[str, ...]
    digest: str
    broken: tuple[str, ...]


def read(folder: Path) -> Publication:
    """The release in `folder`.

    Raises: UsageError for a folder without a descriptor or CSV; NotPublishable for a cell that is no count.
    """
    path = folder / DESCRIPTOR
    try:
        content = path.read_bytes()
        told = json.loads(content)
        threshold, base = int(told["threshold"]), int(told["base"])
    except (OSError, ValueError, KeyError, TypeError):
        raise errors.UsageError(
            f"{folder.name}: no {DESCRIPTOR} with threshold and base. Give the folder that `protect --out` wrote."
        ) from None
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise errors.UsageError(f"{folder.name}: no table in it. Give the folder that `protect --out` wrote.")
    columns, rounding = told.get("columns", {}), told.get("rounding", {})
    hashes = {one["path"]: one.get("hash", "") for one in told.get("resources", ())}
    broken = [file.name for file in files if hashes.get(file.name) != f"sha256:{_digest(file)}"]
    broken += sorted(set(hashes) - {file.name for file in files})
    return Publication(
        tuple(cell for file in files for cell in cells(file, columns, base)), threshold, base,
        rounding.get("choice") == "nearest", bool(rounding.get("additive")), columns, tuple(told.get("previous", ())),
        hashlib.sha256(content).hexdigest(), tuple(broken),
    )  # fmt: skip


def cells(file: Path, columns: Mapping[str, Any], base: int) -> Iterator[Printed]:
    """Every printed cell of one table; a table of facts has the same columns and may lack the last ones."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines)
        if "value" not in (rows.fieldnames or ()):
            raise errors.UsageError(f"{file.name}: it has no column value. Expected the columns of a published table.")
        for row in rows:
            key = {name: row[name] or TOTAL for name in rows.fieldnames or () if name not in FACTS}
            sets: dict[str, frozenset[str]] = {}
            for name, code in key.items():
                if code != TOTAL:
                    variable, meant = meaning(columns, name, code)
                    sets[variable] = sets.get(variable, meant) & meant
            low, high, rounded, value = _bounds(row, file.name, rows.line_num, base)
            why = "|".join((row.get(name) or "") for name in FACTS[2:])
            yield Printed(file.stem, key, tuple(sorted(sets.items())), low, high, rounded, value, why)


def meaning(columns: Mapping[str, Any], name: str, code: str) -> tuple[str, frozenset[str]]:
    """The register's column, and its categories, that a code of a printed column stands for."""
    told = columns.get(name, {})
    return told.get("variable", name), frozenset(told.get("codes", {}).get(code, [code]))


def _bounds(row: Mapping[str, str | None], file: str, line: int, base: int) -> tuple[int, int, int, int]:
    """(least, most, base, value) that a printed cell says."""
    text, status = (row.get("value") or "").strip(), (row.get("status") or "").strip()
    if not text:
        return 0, MOST, 0, -1
    if span := RANGE.fullmatch(text):
        return int(span[1]), int(span[2]), 0, -1
    try:
        value, to = int(text), int((row.get("rounded_to") or "").strip() or ("rounded" in status and base) or 1)
    except ValueError:
        raise errors.NotPublishable(
            f"{file} line {line}: a value that is no whole count, so nothing can be proved about it. "
            "Publish counts only, or leave the cell empty."
        ) from None
    if to <= 1:
        return value, value, 1, value
    return max(0, value - to + 1), value + to - 1, to, value


def universe(columns: Mapping[str, Any], register: Mapping[str, Sequence[str]]) -> dict[str, set[str]]:
    """The categories of every column of the register, with those that the descriptor names."""
    every = {name: set(codes) for name, codes in register.items()}
    for name, told in columns.items():
        for codes in told.get("codes", {}).values():
            every.setdefault(told.get("variable", name), set()).update(codes)
    return every


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
