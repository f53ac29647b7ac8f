"""What a person reads at the end of a command, and the JSON twin of it.

Knows nouns and numbers, and a cell only where it was asked for. People's text goes to stderr, the answer of explain
and the one JSON document to stdout.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from rich.console import Console

SHOWN: Final = 20  # errors listed for a person; --json holds all
PEOPLE: Final = Console(stderr=True, highlight=False)


def say(step: str) -> None:
    """Tell a step of the corridor, on a terminal only: a log needs the end, not the way."""
    if PEOPLE.is_terminal:
        PEOPLE.print(f"[dim]· {step}[/dim]")


def put(answer: Mapping[str, Any]) -> None:
    """The answer for a program, as one document."""
    print(json.dumps(answer, ensure_ascii=False, indent=1))
