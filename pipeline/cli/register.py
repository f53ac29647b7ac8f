"""Commands for a private register: tables that are proved safe, and the attack on them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline import errors
from pipeline.cli.options import HERE, Home, Json, today

app = typer.Typer()
Earlier = Annotated[list[Path] | None, typer.Option("--previous", help="An earlier release; repeat for each.")]
MoreEarlier = Annotated[list[Path] | None, typer.Argument(metavar="[DIR]...", help="More earlier releases.")]
Facts = Annotated[
    Path | None, typer.Option(help="Exact figures known from elsewhere, in a table's columns: docs/design.md.")
]


@app.command()
def protect(
    register: Annotated[Path, typer.Argument(help="The private register, CSV or XLSX: schemas/register.json.")],
    out: Annotated[Path, typer.Option(help="The folder to write the tables to.")],
    key_file: Annotated[Path, typer.Option(help="The secret that decides which way counts are rounded.")],
    more: MoreEarlier = None,
    previous: Earlier = None,
    design: Annotated[Path | None, typer.Option(help="Which tables: see docs/design.md.", show_default=False)] = None,
    facts: Facts = None,
    json_: Json = False,
    home: Home = HERE,
) -> None:
    """Turn a private register into tables that are proved safe, or write nothing."""
    from pipeline import protect as protecting
    from pipeline.report import register as report

    plan = design or home / "schemas" / "disclosure.yml"
    earlier = [*(previous or ()), *(more or ())]
    report.protected(
        protecting.protected(register, out, key_file, plan, home, today().isoformat(), earlier, facts),
        out.name,
        as_json=json_,
    )


@app.command()
def attack(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that protect wrote.")],
    register: Annotated[Path, typer.Option(help="The register, to know which cells are small.")],
    more: MoreEarlier = None,
    previous: Earlier = None,
    facts: Facts = None,
    json_: Json = False,
) -> None:
    """Prove what can be proved about small cells from what was published. The answer is private."""
    from pipeline import protect as protecting
    from pipeline.report import register as report

    verdict = protecting.attacked(folder, register, today().isoformat(), [*(previous or ()), *(more or ())], facts)
    report.attacked(verdict, as_json=json_)
    if not verdict.safe:
        raise typer.Exit(errors.NotPublishable.exit_code)
