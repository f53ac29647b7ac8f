"""One command per verb. Thin: reads arguments, calls build or one room, prints; imports nothing heavy.

People's text and progress go to stderr; with --json one document goes to stdout. Exit codes: errors.py.
"""

from __future__ import annotations

import json
import sys

import typer

from pipeline import errors
from pipeline.cli import figures, register, releases, visits

TITLE = "The open record of torture complaints, prosecutions and monitoring in Tajikistan."
app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=TITLE)
for part in (releases, figures, visits, register):
    app.add_typer(part.app)


def main() -> None:
    """Run the command line; a foreseeable fault is a sentence and an exit code, never a stack trace."""
    as_json = "--json" in sys.argv
    try:
        app()
    except errors.PipelineError as error:
        if as_json:
            answer = {"error": error.code, "message": str(error), "findings": error.details}
            print(json.dumps(answer, ensure_ascii=False, indent=1))
        print(f"{error.code} {error}", file=sys.stderr)
        sys.exit(error.exit_code)
