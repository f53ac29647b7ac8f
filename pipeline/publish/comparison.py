"""Say what one package changes against another, by key and field, and which version that makes it.

Compares published packages, so it shows nothing that one of them does not show already. Counts for a person who waits,
the whole delta for one who checks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars

from pipeline import errors
from pipeline.publish import verify

COLUMNS: Final = ("table", "key", "change", "field", "old", "new", "cause")
KEY_JOINT: Final = " "
FIRST: Final = "0.1.0"


def changes(current: Path, staged: Path) -> dict[str, dict[str, int]]:
    """For each table whose rows differ: how many were added, removed and altered. Empty for equal packages.

    Shape: {"complaints": {"added": 3, "removed": 0, "altered": 1}}. `current` may be absent: then all is added. A row
    whose table got or lost a column counts as altered.
    """
    return _changes(current, staged, _resources(staged))


def _changes(current: Path, staged: Path, new: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """The same, where the staged package has no descriptor yet, only its resources."""
    old = _resources(current)
    return {
        name: _counted(_rows(current, old.get(name)), _rows(staged, new.get(name)), {**old, **new}[name])
        for name in sorted({*old, *new})
        if _differs(old.get(name), new.get(name))
    }


def delta(before: Path, after: Path) -> polars.DataFrame:
    """Every difference between two packages, sorted by table, key and field.

    Shape: table, key (the cells of the primary key, joined by spaces), change (added, removed, altered: rows;
    column_added, column_removed: columns), field (of an altered row), old, new, and cause: the code of
    revision_cause.csv under which the newer package records the change of a claim.
    Raises: UsageError for a folder that is no package.
    """
    old, new = _resources(before), _resources(after)
    for folder, there in ((before, old), (after, new)):
        if not there:
            raise errors.UsageError(f"diff: {folder.name} holds no datapackage.json. Give a release or its folder.")
    causes = _causes(after, new)
    told = [
        _differences(name, _rows(before, old.get(name)), _rows(after, new.get(name)), {**old, **new}[name])
        for name in sorted({*old, *new})
        if _differs(old.get(name), new.get(name))
    ]
    nothing = polars.DataFrame(schema=dict.fromkeys(COLUMNS[:-1], polars.String))
    return (
        polars.concat([nothing, *told])
        .join(causes, on=["key", "field"], how="left")
        .select(COLUMNS)
        .sort("table", "key", "field", nulls_last=False)
    )


def version(home: Path, staged: Path, told: Mapping[str, Any]) -> str:
    """The version of the staged package, of which `told` is the descriptor: computed, never typed.

    Compared with the package committed in `home`, or, where a crash left that half written, with the live release; so a
    clone gives the version that was committed. FIRST where there is neither.
    Source: the versions of Data Package 2.0: a table or column taken away or changed in type raises major, rows or a
    table added minor, all else patch. Below 1.0.0 what breaks raises minor, as semantic versioning has it.
    """
    before = next((one for one in (home, home / "build" / "current") if _is_whole(one)), None)
    if before is None:
        return FIRST
    old = json.loads((before / "datapackage.json").read_text(encoding="utf-8"))
    major, minor, patch = (int(part) for part in old["version"].split("."))
    counts = _changes(before, staged, {one["name"]: one for one in told["resources"]}).values()
    shapes, new_shapes = _shapes(old), _shapes(told)
    broken = any(new_shapes.get(name) != shape for name, shape in shapes.items()) or any(c["removed"] for c in counts)
    if broken and major:
        return f"{major + 1}.0.0"
    if broken or new_shapes != shapes or any(c["added"] for c in counts):
        return f"{major}.{minor + 1}.0"
    same = {**old, "version": ""} == {**json.loads(json.dumps(told)), "version": ""}
    return old["version"] if same else f"{major}.{minor}.{patch + 1}"


def _is_whole(package: Path) -> bool:
    """Whether every CSV of a package is the one its descriptor names."""
    return bool(there := _resources(package)) and all(
        (package / one["path"]).is_file() and f"sha256:{verify.sha256(package / one['path'])}" == one["hash"]
        for one in there.values()
    )


def _shapes(descriptor: Mapping[str, Any]) -> dict[str, object]:
    """What a reader's program relies on in each table: columns in their order with their types, and the key."""
    return {
        one["name"]: (
            [(field["name"], field["type"]) for field in one["schema"]["fields"]],
            one["schema"]["primaryKey"],
        )
        for one in descriptor["resources"]
    }


def _counted(old: polars.DataFrame, new: polars.DataFrame, resource: Mapping[str, Any]) -> dict[str, int]:
    key = resource["schema"]["primaryKey"]
    if old.is_empty() or new.is_empty():
        return {"added": new.height, "removed": old.height, "altered": 0}
    kept = new.join(old, on=key, how="semi").height
    same = 0
    if set(old.columns) == set(new.columns):
        same = new.join(old, on=new.columns, how="semi", nulls_equal=True).height
    return {"added": new.height - kept, "removed": old.height - kept, "altered": kept - same}


def _differences(
    name: str, old: polars.DataFrame, new: polars.DataFrame, resource: Mapping[str, Any],
) -> polars.DataFrame:  # fmt: skip
    """The differences of one table: rows by key, cells by column, columns by name."""
    key = resource["schema"]["primaryKey"]
    keys: Sequence[str] = [key] if isinstance(key, str) else key
    parts = []
    for there, other, change in ((new, old, "added"), (old, new, "removed")):
        alone = there if other.is_empty() or not there.width else there.join(other, on=keys, how="anti")
        if alone.width:
            parts.append(_told(name, alone, keys, change))
        if old.width and new.width:
            parts += [
                _column(name, column, f"column_{change}") for column in there.columns if column not in other.columns
            ]
    if old.height and new.height:
        # Only the keys are joined: rows are then met by number, one column at a time.
        places = new.select(keys).with_row_index("new").join(old.select(keys).with_row_index("old"), on=keys)
        at, was = places["new"], places["old"]
        for column in (one for one in new.columns if one in old.columns and one not in keys):
            cells, before = new[column].gather(at), old[column].gather(was)
            if (differ := cells.ne_missing(before)).any():
                rows = places.filter(differ).with_columns(
                    cells.filter(differ), before.filter(differ).alias(f"{column}\0")
                )
                parts.append(_told(name, rows, keys, "altered", column))
    return polars.concat(parts) if parts else polars.DataFrame(schema=dict.fromkeys(COLUMNS[:-1], polars.String))


def _told(name: str, rows: polars.DataFrame, keys: Sequence[str], change: str, column: str = "") -> polars.DataFrame:
    cell = polars.lit(None, polars.String)
    return rows.select(
        table=polars.lit(name),
        key=polars.concat_str(keys, separator=KEY_JOINT),
        change=polars.lit(change),
        field=polars.lit(column or None, polars.String),
        old=polars.col(f"{column}\0") if column else cell,
        new=polars.col(column) if column else cell,
    )


def _differs(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> bool:
    """Whether two tables can differ: one is missing, or nothing proves that they are the same bytes."""
    return old is None or new is None or not old.get("hash") or old["hash"] != new.get("hash")


def _column(name: str, column: str, change: str) -> polars.DataFrame:
    row = {"table": name, "key": None, "change": change, "field": column, "old": None, "new": None}
    return polars.DataFrame(row, schema=dict.fromkeys(COLUMNS[:-1], polars.String))


def _causes(package: Path, resources: Mapping[str, Mapping[str, Any]]) -> polars.DataFrame:
    """The newest recorded cause of each change of a claim, by claim and field."""
    rows = _rows(package, resources.get("revisions"))
    if rows.is_empty():
        return polars.DataFrame(schema=dict.fromkeys(("key", "field", "cause"), polars.String))
    newest = rows.sort(polars.col("version").cast(polars.Int64)).unique(["claim_id", "field"], keep="last")
    return newest.select(key="claim_id", field="field", cause="cause")


def _resources(package: Path) -> dict[str, Mapping[str, Any]]:
    path = package / "datapackage.json"
    if not path.is_file():
        return {}
    try:
        return {one["name"]: one for one in json.loads(path.read_text(encoding="utf-8"))["resources"]}
    except (ValueError, KeyError, TypeError):
        raise errors.UsageError(f"{path.name} of {package.name}: not a package descriptor. Restore it.") from None


def _rows(package: Path, resource: Mapping[str, Any] | None) -> polars.DataFrame:
    """The table as text; no rows where the package lacks it."""
    if resource is None:
        return polars.DataFrame()
    return polars.read_csv(package / resource["path"], infer_schema=False)
