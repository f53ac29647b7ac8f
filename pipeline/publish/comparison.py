"""Say what one package changes against another, by key and field, for which cause, and which version that makes it.

Compares published packages. A diff can say more than either side: where the newer one withholds a figure, nothing that
the older one said of it is repeated; tables of a register are only named. Leaves the words to changelog.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars

from pipeline import errors
from pipeline.publish import verify
from pipeline.records import WITHHOLD

COLUMNS: Final = ("table", "key", "change", "field", "old", "new", "cause")
KEY_JOINT: Final = " "
TOLD: Final = dict.fromkeys(COLUMNS[:-1], polars.String)
OF_REGISTER: Final = {"value", "rounded_to", "status", "reason"}  # the columns that end each table of a register
DERIVED: Final = {"series", "conflicts", "conflict_claims", "partitions", "coverage"}
EVIDENCE: Final = {"evidence", "capture_sha256", "captured_at", "document_id", "url", "via"}
RECORDED: Final = {"milestones", "documents"}  # rows that people write, without versions
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
    column_added, column_removed: columns; table_added, table_removed, table_altered: a table of which no more is told),
    field (of an altered row), old, new, and cause: a code of revision_cause.csv or of changes.yml. If the newer package
    withholds a figure that the older one gives, no field and no cell is told, and of other tables than those of claims
    no row.
    Raises: UsageError for a folder that is no package.
    """
    old, new = _resources(before), _resources(after)
    for folder, there in ((before, old), (after, new)):
        if not there:
            raise errors.UsageError(f"diff: {folder.name} holds no datapackage.json. Give a release or its folder.")
    fresh = _revised(before, old, after, new)
    hidden = hides(before, after)
    told = [polars.DataFrame(schema=TOLD | {"cause": polars.String})]
    for name in (name for name in sorted({*old, *new}) if _differs(old.get(name), new.get(name))):
        resource = {**old, **new}[name]
        rows = [_rows(before, old.get(name)), _rows(after, new.get(name))]
        if name not in old or name not in new or _of_register(resource):
            parts = _named(name, "altered" if name in old and name in new else "added" if name in new else "removed")
        elif hidden and _keys(resource)[0] != "claim_id":
            parts = _named(name, "altered")
        else:
            parts = _differences(name, rows[0], rows[1], resource)
        told.append(parts.with_columns(cause=_cause(name, resource, fresh, hides=hidden)))
    found = polars.concat(told)
    if hidden:
        found = found.with_columns(
            polars.lit(None, polars.String).alias(name) for name in ("field", "old", "new")
        ).unique()
    return found.select(COLUMNS).sort("table", "key", "field", nulls_last=False)


def hides(before: Path, after: Path) -> bool:
    """Whether the newer package withholds a figure that the older one gives."""
    old, new = _resources(before), _resources(after)
    for name in (name for name in old.keys() & new.keys() if _differs(old[name], new[name])):
        columns = [*_keys(new[name]), "missing_reason"]
        if all(set(columns) <= {field["name"] for field in one[name]["schema"]["fields"]} for one in (old, new)):
            withheld = _rows(after, new[name], columns).filter(missing_reason="suppressed")
            given = _rows(before, old[name], columns).filter(polars.col("missing_reason").ne_missing("suppressed"))
            if not withheld.join(given, on=columns[:-1], how="semi").is_empty():
                return True
    return False


def version(home: Path, staged: Path, told: Mapping[str, Any]) -> str:
    """The version of the staged package, of which `told` is the descriptor: computed, never typed.

    Compared with the package committed in `home`, or, where a crash left that half written, with the live release; so a
    clone gives the version that was committed. FIRST where there is neither.
    Source: the versions of Data Package 2.0: a table or column taken away or changed in type raises major, rows or a
    table added minor, all else patch. Below 1.0.0 what breaks raises minor, as semantic versioning has it.
    """
    before = base(home)
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


def base(home: Path) -> Path | None:
    """The package that the next one follows: the committed one, or the live release where that is half written."""
    return next((one for one in (home, home / "build" / "current") if _is_whole(one)), None)


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
    keys = _keys(resource)
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
    return polars.concat(parts) if parts else polars.DataFrame(schema=TOLD)


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
    return polars.DataFrame(row, schema=TOLD)


def _named(name: str, change: str) -> polars.DataFrame:
    """A table of which it is only said that it changed."""
    return polars.DataFrame({**dict.fromkeys(TOLD), "table": name, "change": f"table_{change}"}, schema=TOLD)


def _cause(name: str, resource: Mapping[str, Any], fresh: Mapping[str, str], *, hides: bool) -> polars.Expr:
    """Why a row of this table changed: as the newer package records it of a claim, else what the table is made of."""
    change, field = polars.col("change"), polars.col("field")
    if _of_register(resource):
        return polars.lit("register")
    if name in DERIVED:
        return polars.lit("derived")
    if name == "captures":
        return polars.lit("evidence")
    recorded = name in RECORDED or _keys(resource)[0] == "claim_id"
    if not recorded:
        return polars.lit("definition")
    said = polars.col("key").str.extract(r"^(\S+)").replace_strict(fresh, default=None, return_dtype=polars.String)
    return (
        polars.when(change.str.contains("_"))
        .then(polars.lit("definition"))
        .when(said.is_not_null() & polars.lit(name not in RECORDED))
        .then(said)
        .when(change == "added")
        .then(polars.lit("new_source"))
        .when(field.is_in(sorted(EVIDENCE)) & polars.lit(name not in RECORDED))
        .then(polars.lit("evidence"))
        .otherwise(
            polars.lit(next((one for one in sorted(WITHHOLD) if hides and one in fresh.values()), "our_correction"))
        )
    )


def _revised(
    before: Path, old: Mapping[str, Mapping[str, Any]], after: Path, new: Mapping[str, Mapping[str, Any]],
) -> dict[str, str]:  # fmt: skip
    """The newest cause of each claim that was revised between the two packages."""
    rows, known = (_rows(package, told.get("revisions")) for package, told in ((after, new), (before, old)))
    if rows.is_empty():
        return {}
    if not known.is_empty():
        rows = rows.join(known, on=["claim_id", "version", "field"], how="anti")
    newest = rows.sort(polars.col("version").cast(polars.Int64)).unique("claim_id", keep="last")
    return dict(newest.select("claim_id", "cause").iter_rows())


def _keys(resource: Mapping[str, Any]) -> Sequence[str]:
    key = resource["schema"]["primaryKey"]
    return [key] if isinstance(key, str) else key


def _of_register(resource: Mapping[str, Any]) -> bool:
    return {field["name"] for field in resource["schema"]["fields"]} >= OF_REGISTER


def _resources(package: Path) -> dict[str, Mapping[str, Any]]:
    path = package / "datapackage.json"
    if not path.is_file():
        return {}
    try:
        return {one["name"]: one for one in json.loads(path.read_text(encoding="utf-8"))["resources"]}
    except (ValueError, KeyError, TypeError):
        raise errors.UsageError(f"{path.name} of {package.name}: not a package descriptor. Restore it.") from None


def _rows(package: Path, resource: Mapping[str, Any] | None, columns: Sequence[str] | None = None) -> polars.DataFrame:
    """The table as text, or some columns of it; no rows where the package lacks it."""
    if resource is None:
        return polars.DataFrame()
    return polars.read_csv(package / resource["path"], infer_schema=False, columns=columns)
