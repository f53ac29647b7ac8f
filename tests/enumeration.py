"""Small invented publications, and what follows from each by looking at every register that agrees with it.

The oracle of the attacker: no solver, no cleverness. Two categories per variable, a handful of cases.
"""

from __future__ import annotations

import csv
import hashlib
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

    def small(self) -> list[tuple[Key, list[int]]]:
        """The cells that hold few cases, each with its atoms; a cell of two tables stands twice."""
        counts = [sum(all(code in ("_T", row[name]) for name, code in key) for row in self.rows)
                  for key, *_ in self.cells]  # fmt: skip
        return [(key, members) for count, (key, members, _, _) in zip(counts, self.cells, strict=True)
                if 1 <= count < self.threshold]  # fmt: skip


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
    return _published(dice, rows, chosen, kind, (threshold, base), folder)


def successive(seed: int, folder: Path) -> list[Publication]:
    """Two publications of one table, cases having been added; the second says that it continues the first."""
    dice = random.Random(seed)
    rule = dice.choice([(3, 3), (3, 3), (2, 2)])
    names = dice.sample(sorted(VARIABLES), 2)
    rows = [{name: dice.choice(codes) for name, codes in VARIABLES.items()} for _ in range(dice.randint(2, 6))]
    first = _published(dice, rows[: dice.randint(1, len(rows))], [names], dice.choice(["mixed", "rounded"]), rule,
                       folder / "1")  # fmt: skip
    second = _published(dice, rows, [names], dice.choice(["mixed", "rounded"]), rule, folder / "2")
    digests: list[str] = []
    for told in (first, second):
        path = told.folder / "datapackage.json"
        hashes = [{"path": one.name, "hash": f"sha256:{hashlib.sha256(one.read_bytes()).hexdigest()}"}
                  for one in sorted(told.folder.glob("*.csv"))]  # fmt: skip
        more = {"previous": list(digests), "resources": hashes}
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | more), encoding="utf-8")
        digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
    return [first, second]


def _published(  # noqa: PLR0917 - one draw
    dice: random.Random, rows: list[dict[str, str]], chosen: list[list[str]], kind: str, rule: tuple[int, int],
    folder: Path,
) -> Publication:  # fmt: skip
    threshold, base = rule
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


def proved(told: Publication, before: Publication | None = None) -> set[Key] | None:
    """The small cells that some reader pins down: S0, each body, each complainant; None where there is too much.

    With a publication `before`, those who take it that cases were only added as well, if that can be.
    """
    atoms = list(itertools.product(*(VARIABLES[name] for name in told.variables)))
    true = numpy.array(
        [sum(tuple(row[name] for name in told.variables) == atom for row in told.rows) for atom in atoms]
    )
    every = _registers(told, len(atoms))
    older = None if before is None else _registers(before, len(atoms))
    if every is None or (before is not None and (older is None or len(every) * len(older) > LARGEST * 100)):
        return None
    grown = every[:0] if older is None else every[[bool((older <= one).all(axis=1).any()) for one in every]]
    found: set[Key] = set()
    for known in (every, grown):
        found |= set(pinned(told, known, true, true * 0))
        for at, atom in enumerate(atoms):
            mine = numpy.arange(len(atoms)) == at
            if true[at]:
                found |= set(pinned(told, known[known[:, at] >= 1], true, mine.astype(int)))
            if "alleged_body" in told.variables:
                mine = numpy.array([one[told.variables.index("alleged_body")] in atom for one in atoms])
                found |= set(pinned(told, known[(known == true)[:, mine].all(axis=1)], true, true * mine))
        for body in VARIABLES["alleged_body"] if "alleged_body" not in told.variables else ():
            own = numpy.array([sum(row["alleged_body"] == body and tuple(row[name] for name in told.variables) == atom
                                   for row in told.rows) for atom in atoms])  # fmt: skip
            if own.any():
                found |= set(pinned(told, known[(known >= own).all(axis=1)], true, own))
    return found


def _registers(told: Publication, atoms: int) -> numpy.ndarray | None:
    """Every register that agrees with a publication; None where there is too much to look at."""
    cap = max([high for *_, high in told.cells if high < MOST] + [told.threshold + 1, told.base]) + 2
    limits = [min([high for _, members, _, high in told.cells if at in members] + [cap]) for at in range(atoms)]
    if numpy.prod([limit + 1 for limit in limits]) > LARGEST:
        return None
    every = numpy.indices([limit + 1 for limit in limits]).reshape(len(limits), -1).T
    for _, members, low, high in told.cells:
        sums = every[:, members].sum(axis=1)
        every = every[(sums >= low) & (sums <= high)]
    return every


def pinned(told: Publication, every: numpy.ndarray, true: numpy.ndarray, own: numpy.ndarray) -> Iterator[Key]:
    """The cells whose few others are pinned down when only the registers of `every` are left."""
    for key, members, _, _ in told.cells if len(every) else ():
        known = own[members].sum()
        if 1 <= true[members].sum() - known < told.threshold:
            sums: Sequence[int] = every[:, members].sum(axis=1) - known
            low, high = min(sums), max(sums)
            wide = high - low >= told.base - 1 or (own.any() and low == 0)
            if not (wide and (low == 0 or high >= told.threshold)):
                yield key
