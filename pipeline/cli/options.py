"""What several commands ask for in the same words, and the one clock they may look at."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Home = Annotated[Path, typer.Option("--home", help="The checkout to work in.", show_default=False)]
Contact = Annotated[
    str,
    typer.Option(
        envvar="CONTACT", show_default=False,
        help="How a publisher reaches you: a mail address or a page. Sent with every request.",
    ),
]  # fmt: skip
Only = Annotated[list[str] | None, typer.Option("--source", help="Visit only this source; may be repeated.")]
Workers = Annotated[
    str, typer.Option("--executor", help="Who fetches and reads: threads, processes, or dask://HOST:PORT.")
]
HERE = Path(__file__).resolve().parent.parent.parent


def today() -> datetime.date:
    """The day a person records something, and after which one of a register is in the future. Decides nothing else."""
    return datetime.datetime.now(tz=datetime.UTC).date()
