"""Small invented publications, and what follows from each by looking at every register that agrees with it.

The oracle of the attacker: no solver, no cleverness. Two categories per variable, a handful of cases.
"""

from __future__ import annotations

import csv
import itertools
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import polars

VARIABLES = {"alleged_body": ["police", "scns"], "region": ["TJ-DU", "TJ-SU"], "sex": ["female", "male"]}
MOST = 10**9
LARGEST = 60_000  # registers looked at
Key = tuple[tuple[str, str], ...]


@dataclass
class Publication:
    """An invented publication in `folder`, the register behind it, and its printed cells."""

    folder: Path
    rows: list[dict[str, str]]
    threshold: int
    base: int
    variables: list[str]
    cells: list[tuple[Key, list[int], int, int]]

    def register(self) -> polars.DataFrame:
        """The register as the attacker takes it."""
        return polars.DataFrame({name: [row[name] for row in self.rows] for name in VARIABLES})


def write(folder: Path, tables: dict[str, list[dict[str, Any]]], threshold: int, base: int, **more: Any) -> Path:
    """A folder as protect writes it: `tables` gives the rows of each."""
    folder.mkdir(parents=True)
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    told = {"threshold": threshold, "base": base, "columns": {}, **more}
    (folder / "datapackage.json").write_text(json.dumps(told), encoding="utf-8")
    return folder


def invented(seed: int, folder: Path) -> Publication:
    """One publication: some cells exact, some hidden, some rounded, apart from each other."""
    dice = random.Random(seed)
    threshold, base = dice.choice([(3, 3), (5, 5), (2, 2)])
    names = dice.sample(sorted(VARIABLES), dice.choice([2, 2, 3]))
    rows = [{name: dice.choice(codes) for name, codes in VARIABLES.items()} for _ in range(dice.randint(2, 7))]
    pairs = [list(pair) for pair in itertools.combinations(names, 2)]
    chosen = [names] if dice.random() < 0.3 else dice.sample(pairs, dice.randint(1, len(pairs)))
    kind = dice.choice(["mixed", "rounded", "mixed", "exact"])
    variables = sorted({name for table in chosen for name in table})
    atoms = list(itertools.product(*(VARIABLES[name] for name in variables)))
    tables, cells = {}, []
    for number, table in enumerate(chosen):
        tables[f"t{number}"] = []
        for codes in itertools.product(*(["_T", *VARIABLES[name]] for name in table)):
            key = tuple(zip(table, codes, strict=True))
            count = sum(all(code in ("_T", row[name]) for name, code in key) for row in rows)
            low, high, said = printed(dice, kind, count, base)
            tables[f"t{number}"].append(dict(key) | said)
            members = [at for at, atom in enumerate(atoms)
                       if all(code in ("_T", atom[variables.index(name)]) for name, code in key)]  # fmt: skip
            cells.append((key, members, low, high))
    return Publication(write(folder, tables, threshold, base), rows, threshold, base, variables, cells)


def printed(dice: random.Random, kind: str, count: int, base: int) -> tuple[int, int, dict[str, Any]]:
    """(least, most, what is printed) of one cell."""
    chance = dice.random()
    if kind == "exact" or (kind == "mixed" and chance < 0.3):
        return count, count, {"value": count, "rounded_to": 1, "status": "exact", "reason": ""}
    if chance < 0.55:
        return 0, MOST, {"value": "", "rounded_to": "", "status": "suppressed", "reason": ""}
    value = count // base * base + base * (dice.random() < count % base / base)
    said = {"value": value, "rounded_to": base, "status": "rounded", "reason": ""}
    return max(0, value - base + 1), value + base - 1, said


def proved(told: Publication) -> set[Key] | None:
    """The small cells that some reader pins down: S0, each body, each complainant; None where there is too much."""
    atoms = list(itertools.product(*(VARIABLES[name] for name in told.variables)))
    true = numpy.array(
        [sum(tuple(row[name] for name in told.variables) == atom for row in told.rows) for atom in atoms]
    )
    cap = max([high for *_, high in told.cells if high < MOST] + [told.threshold + 1, told.base]) + 2
    limits = [min([high for _, members, _, high in told.cells if at in members] + [cap]) for at in range(len(atoms))]
    if numpy.prod([limit + 1 for limit in limits]) > LARGEST:
        return None
    every = numpy.indices([limit + 1 for limit in limits]).reshape(len(limits), -1).T
    for _, members, low, high in told.cells:
        sums = every[:, members].sum(axis=1)
        every = every[(sums >= low) & (sums <= high)]
    found = set(pinned(told, every, true, true * 0))
    for at, atom in enumerate(atoms):
        mine = numpy.arange(len(atoms)) == at
        if true[at]:
            found |= set(pinned(told, every[every[:, at] >= 1], true, mine.astype(int)))
        if "alleged_body" in told.variables:
            mine = numpy.array([one[told.variables.index("alleged_body")] in atom for one in atoms])
            found |= set(pinned(told, every[(every == true)[:, mine].all(axis=1)], true, true * mine))
    return found


def pinned(told: Publication, every: numpy.ndarray, true: numpy.ndarray, own: numpy.ndarray) -> Iterator[Key]:
    """The cells whose few others are pinned down when only the registers of `every` are left."""
    for key, members, _, _ in told.cells:
        known = own[members].sum()
        if 1 <= true[members].sum() - known < told.threshold:
            sums: Sequence[int] = every[:, members].sum(axis=1) - known
            low, high = min(sums), max(sums)
            wide = high - low >= told.base - 1 or (own.any() and low == 0)
            if not (wide and (low == 0 or high >= told.threshold)):
                yield key
