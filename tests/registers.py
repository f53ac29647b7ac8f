"""Invented registers: seeded, of any size, in the documented layout. No row is about a person.

python tests/registers.py FILE [CASES_A_YEAR [SEED [FIRST_YEAR LAST_YEAR]]]
"""

from __future__ import annotations

import csv
import json
import random
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

SHARES: Final = {
    "region": {"TJ-DU": 30, "TJ-SU": 28, "TJ-KT": 27, "TJ-RA": 12, "TJ-GB": 3},
    "alleged_body": {"police": 58, "penitentiary": 14, "scns": 8, "drug-control-agency": 6, "armed-forces": 8,
                     "prosecutors": 3, "other": 3},
    "facility_type": {"police_station": 50, "temporary_detention_ivs": 14, "pretrial_sizo": 10,
                      "penal_institution": 14, "military_unit": 8, "not_stated": 4},
    "sex": {"male": 87, "female": 13},
    "age_group": {"minor": 7, "y18_34": 52, "y35_60": 36, "y61_plus": 2, "not_stated": 3},
    "stage": {"registered": 25, "inquiry": 50, "investigation": 13, "court": 7, "final": 5},
    "criminal_article": {"none": 78, "143-1": 10, "314": 3, "316": 7, "391": 2},
    "outcome": {"pending": 40, "refused": 44, "discontinued": 9, "convicted": 6, "acquitted": 1},
}  # fmt: skip
SCHEMA: Final = Path(__file__).resolve().parent.parent / "schemas" / "register.json"
COLUMNS: Final = [one["name"] for one in json.loads(SCHEMA.read_text(encoding="utf-8"))["fields"]]
Row = dict[str, str]


def case(dice: random.Random, number: int, year: int) -> Row:
    """One invented case of a year."""
    day = f"{year}-{dice.randint(1, 12):02d}-{dice.randint(1, 28):02d}"
    row = {"case_id": f"C{number:07d}", "registration_date": day}
    row |= {name: dice.choices(list(shares), list(shares.values()))[0] for name, shares in SHARES.items()}
    return row | {"stage_date": "", "outcome_date": ""}


def cases(seed: int = 1, a_year: int = 40, years: Iterable[int] = range(2021, 2026)) -> list[Row]:
    """A register: about `a_year` cases in each year."""
    dice = random.Random(seed)
    made: list[Row] = []
    for year in years:
        for _ in range(max(1, a_year + dice.randint(-a_year // 5, a_year // 5))):
            made.append(case(dice, len(made) + 1, year))
    return made


def key_file(folder: Path, secret: bytes) -> Path:
    """A key file in `folder` that only its owner can read."""
    path = folder / "key"
    path.touch(0o600)
    path.write_bytes(secret)
    return path


def later(rows: list[Row], dice: random.Random, years: range) -> list[Row]:
    """The register some months on: a case withdrawn, two corrected, a late one and new ones added."""
    rows = [dict(row) for row in rows]
    rows.pop(dice.randrange(len(rows)))
    for row in dice.sample(rows, 2):
        row["outcome"] = dice.choice(["refused", "convicted", "discontinued"])
    number = 1 + max(int(row["case_id"][1:]) for row in rows)
    fresh = [case(dice, number + at, years[-1]) for at in range(8)]
    return [*rows, case(dice, number + 8, dice.choice(years)), *fresh]


def write(path: Path, rows: Iterable[Mapping[str, str]]) -> Path:
    """The register as CSV at `path`."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[2:]]
    span = range(numbers[2], numbers[3] + 1) if len(numbers) > 3 else range(2021, 2026)
    write(Path(sys.argv[1]), cases((numbers[1:2] or [1])[0], (numbers[:1] or [40])[0], span))
