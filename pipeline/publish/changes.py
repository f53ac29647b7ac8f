"""Say what a staged package changes against the live one, table by table, in numbers of rows.

Compares by primary key. Never holds or prints a cell.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars


def changes(current: Path, staged: Path) -> dict[str, dict[str, int]]:
    """For each table whose rows differ: how many were added, removed and altered. Empty for equal packages.

    Shape: {"complaints": {"added": 3, "removed": 0, "altered": 1}}. `current` may be absent: then all is added. A row
    whose table got or lost a column counts as altered.
    """
    old, new = _resources(current), _resources(staged)
    told = {}
    for name in sorted({*old, *new}):
        if old.get(name, {}).get("hash") != new.get(name, {}).get("hash"):
            told[name] = _counted(_rows(current, old.get(name)), _rows(staged, new.get(name)), {**old, **new}[name])
    return told


def _counted(old: polars.DataFrame, new: polars.DataFrame, resource: Mapping[str, Any]) -> dict[str, int]:
    key = resource["schema"]["primaryKey"]
    if old.is_empty() or new.is_empty():
        return {"added": new.height, "removed": old.height, "altered": 0}
    kept = new.join(old, on=key, how="semi").height
    same = 0
    if set(old.columns) == set(new.columns):
        same = new.join(old, on=new.columns, how="semi", nulls_equal=True).height
    return {"added": new.height - kept, "removed": old.height - kept, "altered": kept - same}


def _resources(package: Path) -> dict[str, Mapping[str, Any]]:
    path = package / "datapackage.json"
    if not path.is_file():
        return {}
    return {one["name"]: one for one in json.loads(path.read_text(encoding="utf-8"))["resources"]}


def _rows(package: Path, resource: Mapping[str, Any] | None) -> polars.DataFrame:
    """The table as text; no rows where the package lacks it."""
    if resource is None:
        return polars.DataFrame()
    return polars.read_csv(package / resource["path"], infer_schema=False)
