"""Clear the register's tables for publication: the folder that protect left, byte for byte, with a schema for each.

Believes only a folder whose hashes hold. Counts nothing, and needs neither register nor solver.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import polars

from pipeline import errors
from pipeline.protect import published, register
from pipeline.records import PublicTable, Table

FIELDS: Final = Path(__file__).resolve().parent.parent.parent / "schemas" / "register_tables.json"
NOTE: Final = (
    "Counted from the private register of the coalition's member organisations. Every number is rounded to a multiple "
    "of the base as part of one system, so that no small number can be proved; docs/methods.en.md says how, and what "
    "may be concluded. Differences smaller than twice the base mean nothing."
)


def tables(folder: Path) -> list[PublicTable]:
    """The tables of a release of the register, as they were left.

    Raises: NotPublishable for a file whose hash is broken, or that is missing.
    """
    release = published.read(folder)
    if release.broken:
        raise errors.NotPublishable(
            f"register/{folder.name}: {', '.join(release.broken)} is not what was certified (its hash differs). "
            "Nothing was published. Restore the folder from git."
        )
    told = json.loads((folder / published.DESCRIPTOR).read_text(encoding="utf-8"))
    return [
        PublicTable(Table(one["name"], _schema(one, told["columns"]),
                          polars.read_csv(folder / one["path"], infer_schema=False)))
        for one in told["resources"]
    ]  # fmt: skip


def _schema(resource: Mapping[str, Any], columns: Mapping[str, Any]) -> dict[str, Any]:
    """The Table Schema of one table: its columns as the register's layout words them, then what every table has."""
    common = json.loads(FIELDS.read_text(encoding="utf-8"))["fields"]
    known = {one["name"]: one for one in (*register.schema()["fields"], *common)}
    fields = []
    for name in resource["dimensions"]:
        variable, codes = columns[name]["variable"], columns[name]["codes"]
        meant = "; ".join(f"{code}: {', '.join(kept)}" for code, kept in codes.items() if kept != [code])
        told = f"{known[variable]['description']} _T: all together.{f' Put together: {meant}.' if meant else ''}"
        rules = {"required": True, "enum": [published.TOTAL, *codes]}
        fields.append(known[variable] | {"name": name, "type": "string", "description": told, "constraints": rules})
    titles = {"en": resource["name"].replace("_", " ").capitalize(), **resource.get("labels", {})}
    return {
        "title": titles["en"],
        "labels": titles,
        "description": NOTE,
        "fields": [*fields, *(one for one in common if one["name"] in published.FACTS)],
        "primaryKey": list(resource["dimensions"]),
    }
