"""Which tables leave a register, fixed in advance: docs/design.md tells the format. Knows no case."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

import yaml

from pipeline import errors
from pipeline.protect import register
from pipeline.protect.published import FACTS, TOTAL

METHODS: Final = ("rounding", "suppression")
KNOWN: Final = {
    "method", "threshold", "base", "fewest_cases", "zeros_said", "columns", "tables", "known_elsewhere", "scenarios",
    "signed",
}  # fmt: skip
NAME: Final = re.compile(r"[a-z0-9_]{1,100}")


@dataclass(frozen=True, slots=True)
class Design:
    """The tables of a publication.

    Shape: `columns` maps a printed column to its `variable` and, if categories are put together, its `codes`, each
    with the categories it stands for; `tables` a table to its columns; `titles` to its titles by language;
    `zeros_said` are variables of which a zero over all years is printed as a zero; `known_elsewhere` whose figures of
    which indicator of the ledger speak of the same complaints; `method` is one of METHODS.
    """

    threshold: int
    base: int
    fewest_cases: int
    zeros_said: frozenset[str]
    columns: Mapping[str, Mapping[str, Any]]
    tables: Mapping[str, Sequence[str]]
    titles: Mapping[str, Mapping[str, str]]
    known_elsewhere: Mapping[str, Sequence[str]]
    method: str

    def codes(self, column: str, years: Sequence[str]) -> dict[str, frozenset[str]]:
        """The codes of a printed column, in the order of the lists, and the categories each stands for."""
        told = self.columns.get(column, {})
        variable = told.get("variable", column)
        every = years if variable == register.YEAR else register.codes()[variable]
        codes = told.get("codes", {code: [code] for code in every})
        return {str(code): frozenset(map(str, meant)) for code, meant in codes.items()}

    def keys(self, table: str, years: Sequence[str]) -> list[dict[str, str]]:
        """The key of every row of a table: all combinations, totals first, whatever the register holds."""
        columns = self.tables[table]
        return [dict(zip(columns, codes, strict=True))
                for codes in product(*([TOTAL, *self.codes(column, years)] for column in columns))]  # fmt: skip

    def described(self, years: Sequence[str]) -> dict[str, Any]:
        """The printed columns as the descriptor tells them to a reader."""
        names = dict.fromkeys(column for columns in self.tables.values() for column in columns)
        return {
            name: {"variable": self.columns.get(name, {}).get("variable", name),
                   "codes": {code: sorted(meant) for code, meant in self.codes(name, years).items()}}
            for name in names
        }  # fmt: skip


def read(path: Path) -> Design:
    """The design in `path`: a file of its own, or the part `register` of schemas/disclosure.yml.

    Raises: UsageError naming the key that is not as docs/design.md has it.
    """
    try:
        told = yaml.load(path.read_text(encoding="utf-8"), Loader=_OneOfEach)  # noqa: S506 - a SafeLoader
        told = told.get("register", told)
        tables = {str(name): one if isinstance(one, Mapping) else {"by": one} for name, one in told["tables"].items()}
        if fault := _misspelt(told, tables):
            raise errors.UsageError(f"{path.name}: {fault}. docs/design.md tells the format; nothing was published.")
        design = Design(
            int(told.get("threshold", 5)), int(told.get("base", 5)), int(told.get("fewest_cases", 20)),
            frozenset(told.get("zeros_said", ())), told.get("columns", {}),
            {name: [str(column) for column in one["by"]] for name, one in tables.items()},
            {name: dict(one.get("title", {})) for name, one in tables.items()},
            {str(name): [str(one) for one in those] for name, those in told.get("known_elsewhere", {}).items()},
            str(told.get("method", METHODS[0])),
        )  # fmt: skip
        fault = _fault(told, design)
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        fault = f"it cannot be read as a design ({type(error).__name__})"
    if fault:
        raise errors.UsageError(f"{path.name}: {fault}. docs/design.md tells the format; nothing was published.")
    return design


class _OneOfEach(yaml.SafeLoader):
    """YAML in which saying a key twice is an error: of two tables of one name the first would vanish."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        keys = [key.value for key, _ in node.value]
        if len(set(map(str, keys))) < len(keys):
            raise yaml.constructor.ConstructorError(None, None, "a key is said twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _misspelt(told: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Which word or number would not be taken as it was meant, "" for none."""
    if strange := sorted({key for one in tables.values() for key in one} - {"by", "title"}):
        return f"unknown keys of a table: {', '.join(strange)}"
    if strange := sorted({key for one in told.get("columns", {}).values() for key in one} - {"variable", "codes"}):
        return f"unknown keys of a column: {', '.join(strange)}"
    if any(type(told.get(key, 0)) is not int for key in ("threshold", "base", "fewest_cases")):
        return "threshold, base and fewest_cases are whole numbers"
    return ""


def _fault(told: Mapping[str, Any], design: Design) -> str:  # noqa: C901, PLR0911, PLR0912 - one line per rule
    """What is wrong with a design, "" for nothing."""
    variables = {register.YEAR, *register.codes()}
    if strange := sorted(set(told) - KNOWN):
        return f"unknown keys: {', '.join(strange)}"
    if design.method not in METHODS:
        return f"expected a method of {', '.join(METHODS)}"
    if design.threshold < 2 or design.base < design.threshold or design.fewest_cases < design.base:  # noqa: PLR2004
        return "expected threshold ≥ 2, base ≥ threshold and fewest_cases ≥ base"
    if isinstance(told.get("zeros_said"), str) or design.zeros_said - variables:
        return "zeros_said is a list of columns of the register"
    if not design.tables:
        return "it names no table"
    for name, one in design.columns.items():
        variable = one.get("variable", name)
        if variable not in variables:
            return f"column {name}: the register has no countable column {variable}"
        if not re.fullmatch(r"\w{1,100}", name) or name in FACTS:
            return f"a column's name is made of letters, digits and _, and is none of {', '.join(FACTS)}"
        if {"", TOTAL} & {str(code).strip() for code in one.get("codes", ())}:
            return f"column {name}: a code is empty, or {TOTAL}, which is the total"
        if "codes" in one and variable != register.YEAR:
            meant = {code for codes in one["codes"].values() for code in codes}
            if meant != set(register.codes()[variable]):
                return f"column {name}: its codes must cover the categories of {variable}, each of them and no others"
    for name, columns in design.tables.items():
        kinds = [design.columns.get(column, {}).get("variable", column) for column in columns]
        if not NAME.fullmatch(name):
            return "a table's name is not made of small letters, digits and _, or longer than 100"
        if not columns or set(kinds) - variables or len(set(kinds)) < len(kinds):
            return f"table {name}: expected distinct columns of the register, or of this design"
    return ""
