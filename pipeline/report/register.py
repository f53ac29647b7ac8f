"""The end of the commands for the register and the attack on it; for the keeper alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.report import PEOPLE, SHOWN, put

if TYPE_CHECKING:
    from pipeline.protect.attack import Verdict
    from pipeline.protect.leaving import Left


def protected(left: Left, folder: str, *, as_json: bool) -> None:
    """The end of protect: which tables left, which were withheld whole, which earlier releases tell of other cases."""
    if as_json:
        put({"release": left.release, "tables": left.tables, "withheld": left.withheld, "apart": left.apart})
    for sentence in left.sentences():
        PEOPLE.print(sentence, markup=False)
    PEOPLE.print(
        f"Release {left.release}: {len(left.tables) - len(left.withheld)} tables in {folder}, attacked and certified."
    )


def attacked(verdict: Verdict, *, as_json: bool) -> None:
    """The end of attack: each cell that is proved, by whom and between which numbers. For the keeper's eyes only."""
    if as_json:
        told = {"proved": verdict.proved, "broken": verdict.broken, "facts": verdict.facts}
        put({"safe": verdict.safe, "cells": verdict.cells, **told})
    for one in verdict.proved[:SHOWN]:
        key = ", ".join(f"{name} {code}" for name, code in one["key"].items())
        PEOPLE.print(f"{one['table']} {key}: between {one['low']} and {one['high']} ({one['scenario']})", markup=False)
    for sentence in (*verdict.broken[:SHOWN], *filter(None, [verdict.facts])):
        PEOPLE.print(sentence, markup=False)
    PEOPLE.print("Safe." if verdict.safe else "Not safe. This answer is private.")
