"""JSON-stat 2: every table whose schema has a `cube`, with a status for each value.

The schema says {"dimensions": […], "measures": {column: [columns that tell its status]}, "roles": {…}}. Of the status
columns the first that is filled counts, so a number that is withheld is absent and says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.project.package import File, Package, Row, references, text


def files(package: Package) -> Iterator[File]:
    """jsonstat/<table>.json for every table with a cube and rows."""
    for name, one in package.resources.items():
        if "cube" in one["schema"] and one["rows"]:
            yield f"jsonstat/{name}.json", text(cube(package, one))


def cube(package: Package, one: Mapping[str, Any]) -> dict[str, Any]:
    """One table as a dataset of JSON-stat; a cell that no row fills is left out."""
    shape, rows, points = one["schema"]["cube"], list(package.rows(one["name"])), references(one)
    titles = {field["name"]: field["title"] for field in one["schema"]["fields"]}
    measures = shape["measures"]
    found = {name: sorted({row[name] or "" for row in rows}) for name in shape["dimensions"]}
    places = {name: {code: at for at, code in enumerate(codes)} for name, codes in found.items()}
    value: dict[str, int | float] = {}
    status: dict[str, str] = {}
    for row in rows:
        at = 0
        for name, codes in found.items():
            at = at * len(codes) + places[name][row[name] or ""]
        for number, (measure, columns) in enumerate(measures.items()):
            where = str(at * len(measures) + number)
            if cell := row[measure]:
                value[where] = float(cell) if "." in cell else int(cell)
            if said := next((row[column] for column in columns if row[column]), None):
                status[where] = said
    dimension = {
        name: {
            "label": titles[name],
            "category": {"index": codes, "label": _labels(package, points, rows, name, codes)},
        }
        for name, codes in found.items()
    }
    categories = {"index": list(measures), "label": {name: titles[name] for name in measures}}
    lists = sorted({points[column][0] for several in measures.values() for column in several if column in points})
    known = {code: title["en"] for name in lists for code, title in package.codes.get(name, {}).items()}
    return {
        "version": "2.0", "class": "dataset", "label": one["title"], "note": [one["description"]],
        "source": package.told["title"], "updated": package.day, "id": [*found, "measure"],
        "size": [*map(len, found.values()), len(measures)], "role": {**shape.get("roles", {}), "metric": ["measure"]},
        "dimension": {**dimension, "measure": {"label": "Measure", "category": categories}},
        "value": value, "status": status,
        "extension": {"status": {code: known[code] for code in sorted(set(status.values())) if code in known}},
    }  # fmt: skip


def _labels(
    package: Package, points: Mapping[str, tuple[str, str]], rows: list[Row], name: str, codes: list[str],
) -> dict[str, str]:  # fmt: skip
    """The titles of codes; a claim is called by what it counts, who says so, and about which days."""
    if name != "claim_id":
        return {code: package.title(points.get(name, ("",))[0], code) for code in codes}
    told = [column for column in ("indicator", "originator") if column in points]
    return {
        row[name] or "": ", ".join([
            *(package.title(points[column][0], row[column]) for column in told),
            "/".join(filter(None, (row.get("period_start"), row.get("period_end")))),
        ])
        for row in rows
    }  # fmt: skip
