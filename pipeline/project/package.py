"""A staged package as the projections read it: its descriptor, its rows, and names for the things in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import polars
import yaml

from pipeline.wording import LANGUAGES

WORDS: Final[Mapping[str, Any]] = yaml.safe_load(Path(__file__).with_name("words.yml").read_text(encoding="utf-8"))
File = tuple[str, bytes]
Row = dict[str, str | None]


@dataclass(frozen=True)
class Package:
    """The package in `folder`. `told` is its descriptor, `contact` whom CITATION.cff names, or ()."""

    folder: Path
    told: Mapping[str, Any]
    contact: Any = ()

    @classmethod
    def of(cls, folder: Path, contact: Any = ()) -> Package:
        """The package that lies in a folder."""
        return cls(folder, json.loads((folder / "datapackage.json").read_bytes()), contact)

    @property
    def id(self) -> str:
        """The identifier, if it is one that has a scheme, else ""."""
        return found if ":" in (found := str(self.told.get("id", ""))) else ""

    @property
    def day(self) -> str:
        """The day of the state that is published."""
        return str(self.told["created"])[:10]

    @cached_property
    def resources(self) -> dict[str, Mapping[str, Any]]:
        """The resources by name."""
        return {one["name"]: one for one in self.told["resources"]}

    @cached_property
    def codes(self) -> dict[str, dict[str, dict[str, str]]]:
        """For each table that others point to and that has titles: those of every key, by language."""
        lists = sorted({table for one in self.told["resources"] for table, _ in references(one).values()})
        return {
            name: {str(row[self.resources[name]["schema"]["primaryKey"][0]]): _titles(row) for row in self.rows(name)}
            for name in lists if "title_en" in self.columns(name)
        }  # fmt: skip

    def iri(self, kind: str, *parts: str | None) -> str:
        """The name of a thing in the package; relative to the file where the package has no identifier."""
        return f"{self.id}#{'.'.join([kind, *(quote(part or '', safe='') for part in parts)])}"

    def columns(self, name: str) -> list[str]:
        """The columns of a table, none for a table that is not there."""
        return [field["name"] for field in self.resources.get(name, {"schema": {"fields": ()}})["schema"]["fields"]]

    def frame(self, name: str) -> polars.DataFrame:
        """The rows of a table as text, null where a cell is empty."""
        return polars.read_csv(self.folder / self.resources[name]["path"], infer_schema=False)

    def rows(self, name: str) -> Iterator[Row]:
        """The rows of a table, none for a table that is not there."""
        return self.frame(name).iter_rows(named=True) if name in self.resources else iter(())

    def title(self, table: str, key: str | None, language: str = "en") -> str:
        """The title of a key of a table, or the key."""
        return self.codes.get(table, {}).get(key or "", {}).get(language) or key or ""


def references(resource: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """For each column that points to another table: that table and its key."""
    keys = resource["schema"].get("foreignKeys", ())
    return {
        key["fields"][0]: (key["reference"].get("resource") or resource["name"], key["reference"]["fields"][0])
        for key in keys
    }


def labels(thing: Mapping[str, Any]) -> list[dict[str, str]]:
    """The labels of a table or field as JSON-LD, its title where it has none."""
    told = thing.get("labels") or {"en": thing["title"]}
    return [{"@value": said, "@language": language} for language, said in told.items()]


def text(told: object) -> bytes:
    """JSON as it is written: indented by one, letters unescaped, one newline at the end."""
    return (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode()


def _titles(row: Row) -> dict[str, str]:
    return {language: row.get(f"title_{language}") or row["title_en"] or "" for language in LANGUAGES}
