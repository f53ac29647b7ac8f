"""Stata and SPSS files of a release, in each language, with labels of columns and codes. Needs the extra [stats].

They stand beside the release, not in it: a release is the same bytes on every machine, whatever is installed there.
A code is a number here, its place in the code list, and its label says the code of the CSV and the title.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import polars

from pipeline import errors
from pipeline.project.package import Package, references
from pipeline.wording import LANGUAGES

# Both formats hold the time of writing; equal releases must make equal files.
SAV_TIME: Final = (slice(92, 109), b"01 Jan 8000:00:00")
DTA_TIME: Final = (re.compile(rb"<timestamp>\x11.{17}</timestamp>"), b"<timestamp>\x1101 Jan 1980 00:00</timestamp>")
TYPES: Final = {"integer": polars.Int64, "year": polars.Int64, "number": polars.Float64}
TRUTH: Final = {"false": 0, "true": 1}


def write(package: Package, place: Path) -> list[str]:
    """The names of the files in `place`: <table>.<language>.dta and .sav of every table that is no code list.

    Raises: UsageError without the library; ValidationRefused for a cell too long for the format; StorageError.
    """
    try:
        import pyreadstat  # noqa: PLC0415  an extra: [stats]
    except ImportError:
        raise errors.UsageError("stats: the library is missing. pip install pyreadstat, then run it again.") from None
    place.mkdir(parents=True, exist_ok=True)
    for name in package.resources:
        if name in package.codes or not package.resources[name]["rows"]:
            continue
        frame, codes = coded(package, name)
        for language in LANGUAGES:
            told: dict[str, Any] = {
                "column_labels": _labels(package, name, language),
                "variable_value_labels": {
                    column: {place: f"{code}: {titles.get(language, '')}".rstrip(": ") for code, place, titles in known}
                    for column, known in codes.items()
                },
            }  # fmt: skip
            path = place / f"{name}.{language}"
            try:
                pyreadstat.write_sav(frame, f"{path}.sav", row_compress=True, **told)
                pyreadstat.write_dta(frame, f"{path}.dta", version=15, **told)
                _stamp(path)
            except pyreadstat.ReadstatError as error:
                raise errors.ValidationRefused(
                    f"stats: {name}: the format refuses a cell or a label, most often for its length. "
                    "Shorten it in the ledger or the code list, or use the CSV."
                ) from error
            except OSError as error:
                raise errors.StorageError(
                    f"stats: {error.strerror or 'the disk refused'}. Make room, run again."
                ) from error
    return sorted(path.name for path in place.iterdir())


def coded(package: Package, name: str) -> tuple[polars.DataFrame, dict[str, list[tuple[str, int, dict[str, str]]]]]:
    """The rows with types, codes as numbers; and of each coded column every code with its number and its titles."""
    points, fields = references(package.resources[name]), package.resources[name]["schema"]["fields"]
    codes: dict[str, list[tuple[str, int, dict[str, str]]]] = {}
    casts: list[Any] = []
    for field in fields:
        column = field["name"]
        if field["type"] == "boolean":
            codes[column] = [(code, number, {}) for code, number in TRUTH.items()]
        elif (target := points.get(column, ("",))[0]) in package.codes:
            codes[column] = [(code, at, titles) for at, (code, titles) in enumerate(package.codes[target].items(), 1)]
        if column in codes:
            numbers = {code: number for code, number, _ in codes[column]}
            casts.append(polars.col(column).replace_strict(numbers, return_dtype=polars.Int64))
        elif field["type"] == "date":
            casts.append(polars.col(column).str.to_date("%Y-%m-%d"))
        else:
            casts.append(polars.col(column).cast(TYPES.get(field["type"], polars.String)))
    return package.frame(name).select(casts), codes


def _labels(package: Package, name: str, language: str) -> dict[str, str]:
    fields = package.resources[name]["schema"]["fields"]
    return {field["name"]: field.get("labels", {}).get(language) or field["title"] for field in fields}


def _stamp(path: Path) -> None:
    """One time for all."""
    sav, dta = Path(f"{path}.sav"), Path(f"{path}.dta")
    content = bytearray(sav.read_bytes())
    content[SAV_TIME[0]] = SAV_TIME[1]
    sav.write_bytes(content)
    dta.write_bytes(DTA_TIME[0].sub(DTA_TIME[1], dta.read_bytes(), count=1))
