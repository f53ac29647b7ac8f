"""Random tables as Tau-Argus suppresses them, and between which numbers its audit leaves each cell: JSON on stdout.

python tau.py HOW_MANY, in an environment of its own (`make checkers`).
"""

import json
import os
import random
import sys

from pytauargus import protect
from pytauargus.engine import Engine

REGIONS = ["TJ-DU", "TJ-SU", "TJ-KT", "TJ-RA"]
PLACES = ["police_station", "pretrial_sizo", "military_unit", "other"]

# Its audit lets a reader know that no cell lies outside the smallest and largest of the table. Ours does not.
Engine._table_cell_bounds = lambda _self, _table: (0.0, 1000.0)


def suppressed(seed):
    dice = random.Random(seed)
    regions, places = REGIONS[: dice.randint(2, 4)], PLACES[: dice.randint(2, 4)]
    rows = [
        {"region": dice.choices(regions, range(1, len(regions) + 1))[0], "facility_type": dice.choice(places), "n": 1}
        for _ in range(dice.randint(15, 70))
    ]
    done = protect(rows, ["region", "facility_type"], "n", safety_rules="FREQ(5,20)", suppress="OPT(1)")
    said = [
        [cell[name].strip().replace("Total", "_T") for name in ("region", "facility_type")]
        for cell in done.tables[0].dataframe()
    ]
    cells = [
        [*key, int(cell["n"]), cell["status"] in "UM"]
        for key, cell in zip(said, done.tables[0].dataframe(), strict=True)
    ]
    return {
        "rows": rows,
        "cells": cells,
        "audit": [[*said[one["cell"]], round(one["min"]), round(one["max"])] for one in done.engine.audit(0)],
    }


if __name__ == "__main__":
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the engine speaks on stdout
    json.dump([suppressed(seed) for seed in range(int(sys.argv[1]))], out)
    out.close()
