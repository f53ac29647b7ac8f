"""Commands for the publishers and the private archive of what they answered."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline import errors
from pipeline.cli.options import HERE, Contact, Home, Json, Only, Workers

app = typer.Typer()
archives = typer.Typer(no_args_is_help=True, help="The private archive of what publishers answered.")
app.add_typer(archives, name="archive")


@app.command()
def scrape(
    *,
    source: Only = None,
    contact: Contact = "",
    executor: Workers = "threads",
    settle: Annotated[
        str, typer.Option(help="Visit nobody: close the problem with this id, what its page shows now is the rule.")
    ] = "",
    json_: Json = False,
    home: Home = HERE,
) -> None:
    """Visit the publishers politely, archive what they answer, say how each of them is, and publish nothing."""
    from pipeline import visiting
    from pipeline.report import visits as report

    if settle:
        visiting.settle(home, settle, visiting.utc_now().date())
        return
    met = visiting.visits(home, visiting.World(contact, source or (), executor))
    report.visited(met, as_json=json_)
    if met.alarms or met.refused:
        raise typer.Exit(errors.BadSource.exit_code)


@archives.command("import")
def archive_import(
    file: Annotated[Path, typer.Argument(help="A WARC or ARC file made elsewhere, or a list of addresses to fetch.")],
    contact: Contact = "",
    executor: Workers = "threads",
    json_: Json = False,
    home: Home = HERE,
) -> None:
    """Take the answers of a WARC made elsewhere, or of a list of addresses, into the archive; twice changes nothing."""
    from pipeline import visiting
    from pipeline.report import visits as report

    report.taken(visiting.imported(home, file, visiting.World(contact, workers=executor)), as_json=json_)


@archives.command("show")
def archive_show(
    digest: Annotated[str, typer.Argument(help="The first letters of a capture's sha256.")], home: Home = HERE
) -> None:
    """Write the bytes of an archived answer to stdout: to compare, never to publish, for pages name victims."""
    from pipeline import visiting

    sys.stdout.buffer.write(visiting.shown(home, digest))
