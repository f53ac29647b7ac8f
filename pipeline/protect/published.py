"""Read what was published, as any stranger can: the CSV files of a folder and its descriptor, nothing else.

Gives each printed cell the numbers it may stand for. Reads a file whose hash is broken too, and tells that it is.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
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
    """A release: its printed cells and what its descriptor says. `digest` names it in the releases that follow.

    Shape: `broken` files whose hash differs or is not told; `disordered` tables whose rows are not in the order of the
    codes, each combination once; `strange` what is not as the descriptor tells.
    """

    cells: tuple[Printed, ...]
    threshold: int
    base: int
    nearest: bool
    additive: bool
    columns: Mapping[str, Any]
    previous: tuple[str, ...]
    digest: str
    broken: tuple[str, ...]
    disordered: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()


def read(folder: Path) -> Publication:
    """The release in `folder`.

    Raises: UsageError for a folder without a descriptor or CSV; NotPublishable for a cell that is no count.
    """
    path = folder / DESCRIPTOR
    try:
        content = path.read_bytes()
        told = json.loads(content)
        threshold, base = int(told["threshold"]), int(told["base"])
        columns = {name: {**one, "codes": dict(one.get("codes", {}))} for name, one in told.get("columns", {}).items()}
        rounding, previous = dict(told.get("rounding", {})), tuple(map(str, told.get("previous", ())))
        hashes = {str(one["path"]): one.get("hash", "") for one in told.get("resources", ())}
        _within(threshold, 2)
        _within(base, 1)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise errors.UsageError(
            f"{folder.name}: no {DESCRIPTOR} with threshold, base and columns. "
            "Give the folder that `protect --out` wrote."
        ) from None
    files = sorted(one for one in folder.glob("*.csv") if one.is_file())
    if not files:
        raise errors.UsageError(f"{folder.name}: no table in it. Give the folder that `protect --out` wrote.")
    broken = [file.name for file in files if hashes.get(file.name) != f"sha256:{_digest(file)}"]
    broken += sorted(set(hashes) - {file.name for file in files})
    printed = {file.stem: list(cells(file, columns, base)) for file in files}
    disordered = []
    for table, these in printed.items():
        keys = [tuple(one.key.values()) for one in these]
        lists = [[TOTAL, *columns[name]["codes"]] for name in (these[0].key if these else ()) if name in columns]
        every = list(itertools.product(*lists)) if these and len(lists) == len(these[0].key) else keys
        if keys != every:
            disordered.append(table)
            names = list(these[0].key)
            absent = [dict(zip(names, key, strict=True)) for key in every if key not in set(keys)]
            these += [Printed(table, key, cell(columns, key), 0, MOST, 0, -1, "missing|") for key in absent]
    strange = [one.name for one in folder.iterdir() if one not in files and one.name != DESCRIPTOR]
    strange = sorted({*strange, *(broken if hashes else ())})
    return Publication(
        tuple(one for these in printed.values() for one in these), threshold, base,
        rounding.get("choice") == "nearest", bool(rounding.get("additive")), columns, previous,
        hashlib.sha256(content).hexdigest(), tuple(broken), tuple(disordered), tuple(strange),
    )  # fmt: skip


def cells(file: Path, columns: Mapping[str, Any], base: int) -> Iterator[Printed]:
    """Every printed cell of one table; a table of facts has the same columns and may lack the last ones."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            heads, *rows = [one for one in csv.reader(lines, strict=True) if one] or [[]]
    except (OSError, ValueError, csv.Error):
        raise errors.UsageError(
            f"{file.name}: missing, or no CSV table in UTF-8. Give a table with the columns of a published one."
        ) from None
    if "value" not in heads or len(set(heads)) < len(heads):
        raise errors.UsageError(
            f"{file.name}: it has no column value, or two of one name. Expected the columns of a published table."
        )
    for line, texts in enumerate(rows, 2):
        if len(texts) != len(heads):
            raise errors.UsageError(f"{file.name} line {line}: expected as many cells as in the heading. Mend it.")
        row = dict(zip(heads, texts, strict=True))
        key = {name: row[name] or TOTAL for name in heads if name not in FACTS}
        low, high, rounded, value = _bounds(row, file.name, line, base)
        why = "|".join(row.get(name, "") for name in FACTS[2:])
        yield Printed(file.stem, key, cell(columns, key), low, high, rounded, value, why)


def cell(columns: Mapping[str, Any], key: Mapping[str, str]) -> Cell:
    """The cell that a printed key means."""
    sets: dict[str, frozenset[str]] = {}
    for name, code in key.items():
        if code != TOTAL:
            variable, meant = meaning(columns, name, code)
            sets[variable] = sets.get(variable, meant) & meant
    return tuple(sorted(sets.items()))


def meaning(columns: Mapping[str, Any], name: str, code: str) -> tuple[str, frozenset[str]]:
    """The register's column, and its categories, that a code of a printed column stands for."""
    told = columns.get(name, {})
    return told.get("variable", name), frozenset(told.get("codes", {}).get(code, [code]))


def _bounds(row: Mapping[str, str], file: str, line: int, base: int) -> tuple[int, int, int, int]:
    """(least, most, base, value) that a printed cell says."""
    text, status = row["value"].strip(), row.get("status", "").strip()
    if not text:
        return 0, MOST, 0, -1
    if span := RANGE.fullmatch(text):
        return int(span[1]), int(span[2]), 0, -1
    try:
        value, to = int(text), int(row.get("rounded_to", "").strip() or ("rounded" in status and base) or 1)
        _within(value)
        _within(to)
    except ValueError:
        raise errors.NotPublishable(
            f"{file} line {line}: a value that is no whole count, so nothing can be proved about it. "
            "Publish counts only, or leave the cell empty."
        ) from None
    if to <= 1:
        return value, value, 1, value
    return max(0, value - to + 1), value + to - 1, to, value


def _within(count: int, least: int = 0) -> None:
    """Nothing. Raises: ValueError for a number that counts no people."""
    if not least <= count <= MOST:
        raise ValueError


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
