"""Clear the register's tables for publication: the folder that protect left, byte for byte, with a schema for each.

Believes only a folder whose hashes hold; puts in order what a killed run left beside one. Counts nothing, and needs
neither register nor solver.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import polars

from pipeline import errors, files
from pipeline.protect import published, register
from pipeline.records import PublicTable, Table

FIELDS: Final = Path(__file__).resolve().parent.parent.parent / "schemas" / "register_tables.json"
PREFIX: Final = "register_"
FROM: Final = "Counted from the private register of the coalition's member organisations. "
ROUNDED: Final = (
    "Every number is rounded to a multiple of {base}, all as one system, so that no small number can be proved: a "
    "printed {three} stands for {least} to {most}. A 0 with the status 0–{last} is not none: it stands for 0 to "
    "{last}. Only the status zero is a true zero. A difference smaller than {two} means nothing. "
)
LEFT_OUT: Final = "Small numbers, and those that would give one away, are left out: an empty value is not none. "
WITHHELD: Final = (
    "This table is withheld whole, for it could not be made safe: no value says anything about the cases. "
)
WHERE: Final = "How it is done, and what may be concluded: Methods and limits on the site, docs/methods.en.md."


def tables(folder: Path) -> list[PublicTable]:
    """The tables of a release of the register, as they were left.

    Raises: NotPublishable for a file whose hash is broken, or that is missing; UsageError for a name that is not ours.
    """
    release = published.read(folder)
    if release.broken:
        raise errors.NotPublishable(
            f"register/{folder.name}: {', '.join(release.broken)} is not what was certified (its hash differs). "
            "Nothing was published. Restore the folder from git."
        )
    told = json.loads((folder / published.DESCRIPTOR).read_text(encoding="utf-8"))
    if others := [one["name"] for one in told["resources"] if not one["name"].startswith(PREFIX)]:
        raise errors.UsageError(
            f"design: table {others[0]} is to stand beside the tables of figures, so its name must begin with "
            f"{PREFIX}. Nothing was published."
        )
    return [
        PublicTable(Table(one["name"], _schema(one, told, rows["status"].eq("withheld").all()), rows))
        for one in told["resources"]
        for rows in (polars.read_csv(folder / one["path"], infer_schema=False),)
    ]


def settled(out: Path) -> list[str]:
    """What became of all that a killed run left beside `out`: removed, but a release set aside is back in its place."""
    rest, told = temporary(out), []
    if (rest / "old").is_dir() and not out.exists():
        (rest / "old").rename(out)
        told.append(f"{out.name}: a run ended while it exchanged this release; the earlier one is back in its place.")
    if rest.is_dir():
        shutil.rmtree(rest, ignore_errors=True)
        told.append(f"{rest.name}: left by a run that did not end, removed; tables not yet certified, no case, no key.")
    return told


def temporary(out: Path) -> Path:
    """The folder beside `out` that holds `new`, what is being made for it, and `old`, what it takes the place of."""
    return out.with_name(f"{files.TEMPORARY}{out.name}")


def _schema(resource: Mapping[str, Any], told: Mapping[str, Any], withheld: bool) -> dict[str, Any]:  # noqa: FBT001
    """The Table Schema of one table: its columns as the register's layout words them, then what every table has."""
    base, columns = told["base"], told["columns"]
    said = ROUNDED.format(base=base, three=3 * base, least=2 * base + 1, most=4 * base - 1, last=base - 1, two=2 * base)
    note = WITHHELD if withheld else said if told["rounding"] else LEFT_OUT
    common = json.loads(FIELDS.read_text(encoding="utf-8"))["fields"]
    known = {one["name"]: one for one in (*register.schema()["fields"], *common)}
    fields = []
    for name in resource["dimensions"]:
        variable, codes = columns[name]["variable"], columns[name]["codes"]
        meant = "; ".join(f"{code}: {', '.join(kept)}" for code, kept in codes.items() if kept != [code])
        means = f"{known[variable]['description']} _T: all together.{f' Put together: {meant}.' if meant else ''}"
        rules = {"required": True, "enum": [published.TOTAL, *codes]}
        fields.append(known[variable] | {"name": name, "type": "string", "description": means, "constraints": rules})
    for field in (one for one in common if one["name"] in published.FACTS):
        text = json.dumps(field, ensure_ascii=False)
        fields.append(json.loads(text.replace("0–4", f"0–{base - 1}").replace("0 to 4", f"0 to {base - 1}")))
    titles = {"en": resource["name"].replace("_", " ").capitalize(), **resource.get("labels", {})}
    return {
        "title": titles["en"],
        "labels": titles,
        "description": FROM + note + WHERE,
        "fields": fields,
        "primaryKey": list(resource["dimensions"]),
    }
