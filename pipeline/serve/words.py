"""The words of the interface in three languages: words.yml and columns.yml, read once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

WORDS: Final[Mapping[str, Mapping[str, str]]] = yaml.safe_load(
    Path(__file__).with_suffix(".yml").read_text(encoding="utf-8")
)
# What the columns mean in Russian and Tajik; English stands in the schemas.
COLUMNS: Final[Mapping[str, Mapping[str, str]]] = yaml.safe_load(
    Path(__file__).with_name("columns.yml").read_text(encoding="utf-8")
)


def language(datasette: Any) -> str:
    """The language of one Datasette: the prefix it is served under, English without one."""
    return datasette.setting("base_url").strip("/") or "en"


def say(key: str, tongue: str, **given: object) -> str:
    """One text of words.yml, filled in."""
    text = WORDS[key][tongue]
    return text.format(**given) if given else text
