"""The only door out: what may be published, and the one maker of PublicTable.

gate.py clears figures that others have published, carried.py the tables left before. leaving.py turns the private
register into tables that attack.py cannot break. It answers for every cell that leaves; docs/methods.en.md says in
plain words what is done and why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import errors
from pipeline.protect.carried import settled
from pipeline.protect.carried import tables as register_tables
from pipeline.protect.gate import public_tables

if TYPE_CHECKING:
    from pipeline.protect.attack import Verdict
    from pipeline.protect.leaving import Left

__all__ = ["attacked", "protected", "public_tables", "register_tables", "settled"]


def protected(
    register_file: Path, out: Path, key_file: Path, design_file: Path, home: Path, today: str,
    earlier: Sequence[Path] = (), facts: Path | None = None, claims: Sequence[Mapping[str, str]] = (),
) -> Left:  # fmt: skip
    """What left for the folder `out`: the tables of the design, counted, rounded, attacked and certified.

    Shape: what `claims` of the ledger say about the same complaints are facts, as is what the table `facts` holds.
    Raises: UsageError for a key, folder or design; BadRegister; NotPublishable where nothing is proved.
    """
    from pipeline.protect import claimed, design, leaving, register  # noqa: PLC0415 - the solver loads for a register alone

    swept = [told for folder in (*earlier, out) for told in settled(folder)]
    try:
        key, plan = leaving.secret(key_file, home), design.read(design_file)
        cases = register.read(register_file, today)
        known = claimed.facts(claims, plan.known_elsewhere, cases)
        return replace(leaving.protect(cases, plan, out, key, earlier, facts, known), swept=swept)
    except errors.PipelineError as error:
        error.args = ("\n".join((str(error), *swept)),)
        raise


def attacked(
    folder: Path, register_file: Path, today: str, earlier: Sequence[Path] = (), facts: Path | None = None
) -> Verdict:
    """What can be proved from a published folder; the register only says which cells are small.

    Raises: UsageError for files that are no publication; BadRegister; NotPublishable for values that are no counts.
    """
    from pipeline.protect import attack, register  # noqa: PLC0415 - the solver loads for a register alone

    return attack.attack(folder, earlier, facts, register.read(register_file, today))
