"""The end of the commands for how each publisher is, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from rich.markup import escape
from rich.padding import Padding
from rich.table import Table as Grid

from pipeline.report import PEOPLE, put

if TYPE_CHECKING:
    from pipeline.archive import Taken
    from pipeline.visiting import Round

ALARMS_SHOWN: Final = 6


def visited(met: Round, *, as_json: bool = False) -> None:
    """How each source is, and what to do about those that are not well, the worst first."""
    if as_json:
        put(asdict(met))
    PEOPLE.print()
    for sentence in met.refused:
        PEOPLE.print(f"[red]mend[/red] {escape(sentence)}")
    if met.why:
        PEOPLE.print(met.why)
        return
    grid = Grid("source", "state", "since", "last new page", "", box=None, pad_edge=False)
    for source, told in met.states.items():
        loud = sum(one["source"] == source for one in met.alarms)
        said = [f"{loud} to do, see below"] if loud else []
        if told["problems"] > loud:
            said.append(f"{told['problems'] - loud} seen once: wait for the next visit")
        grid.add_row(source, _coloured(told["state"]), told["since"], told["last_new"] or "", "; ".join(said))
    PEOPLE.print(grid)
    PEOPLE.print(
        f"\n{len(met.asked)} sources visited, {met.captures:,} answers archived, {met.parsed:,} pages read anew."
    )
    if met.evidence:
        checked = ", ".join(f"{count} {code.replace('_', ' ')}" for code, count in sorted(met.evidence.items()))
        PEOPLE.print(f"Figures looked for in their archived page: {checked}.")
    _to_do(met.alarms)


def _to_do(alarms: Sequence[Mapping[str, Any]]) -> None:
    """What was seen twice or more, and what to do about it."""
    if alarms:
        PEOPLE.print(f"\n[bold]What to do[/bold], the worst first ({len(alarms)}):")
    for number, one in enumerate(alarms[:ALARMS_SHOWN], 1):
        seen = f"{number}. [bold]{one['source']}[/bold] {_coloured(one['state'])} since {one['first_seen']}"
        PEOPLE.print(Padding(f"{seen}: {escape(one['why'])} [dim]{one['id']}[/dim]", (0, 0, 0, 1)))
        for line in one["cure"].splitlines():
            if line.startswith("python"):  # a command is one line, to be copied
                PEOPLE.print(f"    [bold]{escape(line)}[/bold]", soft_wrap=True)
            else:
                PEOPLE.print(Padding(escape(line), (0, 0, 0, 4)))
    if len(alarms) > ALARMS_SHOWN:
        PEOPLE.print(f"… and {len(alarms) - ALARMS_SHOWN} more in build/health.json.")


def _coloured(state: str) -> str:
    colour = "green" if state in ("ok", "unchanged") else "yellow" if state in ("edited", "silent") else "red"
    return f"[{colour}]{state}[/{colour}]"


def taken(answers: Taken, *, as_json: bool) -> None:
    """The end of archive import: what became of each answer."""
    if as_json:
        put(asdict(answers))
    left = "".join(f"; {count} left out: {reason}" for reason, count in answers.left_out.items())
    PEOPLE.print(f"{answers.captures} answers taken in, {answers.held} held already{left}.")
