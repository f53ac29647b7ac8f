"""What the ledger says about the complaints that the register holds: exact facts for every reader of its tables.

Which figures these are stands in schemas/disclosure.yml, under known_elsewhere. A figure about part of a year, or about
people whom the register does not tell apart, says of the wider cell that it holds at least so many. A figure that is
not true of the register proves nothing about it; it is then tried as "at least so many", and else left aside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import polars

from pipeline.protect import register
from pipeline.protect.published import MOST, Printed
from pipeline.protect.space import Cell
from pipeline.records import BREAKDOWNS

COUNTRY: Final = "TJ"
ALL: Final = {"", "_T", "this_year"}  # new cases of a year are what the register counts in it
ROOM: Final = {"exact": (0, 0), "at_least": (0, MOST), "more_than": (1, MOST), "at_most": (-MOST, 0),
               "less_than": (-MOST, -1)}  # fmt: skip


def facts(
    claims: Iterable[Mapping[str, str]], known: Mapping[str, Sequence[str]], cases: polars.DataFrame
) -> tuple[Printed, ...]:
    """What is known of the cells of a register from `claims`, each once, in the strongest way that is true of it.

    Shape: `known` maps an indicator to those whose figures count; every version of a claim was public and counts.
    """
    years = set(cases[register.YEAR].unique().to_list())
    found: dict[tuple[Cell, int, int], Printed] = {}
    for claim in claims:
        if claim["originator"] not in known.get(claim["indicator"], ()) or claim["qualifier"] not in ROOM:
            continue
        first, last = claim["period_start"][:4], claim["period_end"][:4]
        span = {str(year) for year in range(int(first), int(last) + 1)}
        if not claim["value"].isdecimal() or not span <= years:
            continue
        cell, whole = _meant(claim, span, known[claim["indicator"]])
        least, most = (max(0, int(claim["value"]) + room) for room in ROOM[claim["qualifier"]])
        count = cases.filter([polars.col(name).is_in(sorted(codes)) for name, codes in cell]).height
        for low, high in ((least, min(most, MOST)), (least, MOST)) if whole else ((least, MOST),):
            if low <= count <= high and (low, high) != (0, MOST):
                found[cell, low, high] = Printed("ledger", {}, cell, low, high, 0, -1, "")
                break
    return tuple(found.values())


def _meant(claim: Mapping[str, str], span: set[str], those: Sequence[str]) -> tuple[Cell, bool]:
    """The narrowest cell of the register that holds all a claim counts, and whether it holds nothing else."""
    whole = claim["period_start"].endswith("-01-01") and claim["period_end"].endswith("-12-31")
    meant, codes = {register.YEAR: frozenset(span)}, register.codes()
    told = {name: claim.get(name, "") for name in BREAKDOWNS if claim.get(name, "") not in ALL}
    if told.get("receiving_body") in those:
        del told["receiving_body"]
    if claim["area"] != COUNTRY:
        told["region"] = claim["area"]
    for name, code in told.items():
        if code in codes.get(name, ()):
            meant[name] = frozenset({code})
        else:
            whole = False
    return tuple(sorted(meant.items())), whole
