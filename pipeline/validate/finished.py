"""The third voice: frictionless, the reference validator, judges the finished package.

It is slow and has holes that the compiled checks close, so it only has the last word: whatever it says of the staged
folder, a warning included, is grave. Its messages repeat cells; none of them is passed on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import frictionless

from pipeline.records import Finding

NO_LIMIT: Final = 10**9  # the default stops at 1,000 errors with no more than a warning
CURE: Final = "the compiled checks let this pass: report it as a fault of pipeline/validate, with the row, not the cell"


def judge(folder: Path) -> list[Finding]:
    """Everything frictionless says against the package in `folder`; empty for a good one.

    Shape: check is frictionless's own error type (or "warning"), row is "row 2" for the first row of data.
    """
    report = frictionless.validate(str(folder / "datapackage.json"), type="package", limit_errors=NO_LIMIT)
    findings = [_finding("", error) for error in report.errors]
    findings += [_warning("", text) for text in report.warnings]
    for task in report.tasks:
        findings += [_finding(task.name, error) for error in task.errors]
        findings += [_warning(task.name, text) for text in task.warnings]
    if not findings and not (report.valid and report.tasks):
        findings.append(_warning("", "it judged no table, or calls the package invalid and names no error"))
    return findings


def _finding(resource: str, error: frictionless.Error) -> Finding:
    """One error by its type and place; of its texts only the description, which is the same for every cell."""
    row = getattr(error, "row_number", None)
    return Finding(
        error.type, "grave", resource, f"row {row}" if row else "", f"frictionless: {error.description.rstrip('.')}",
        CURE, getattr(error, "field_name", None) or "", "datapackage.json",
    )  # fmt: skip


def _warning(resource: str, text: str) -> Finding:
    return Finding("warning", "grave", resource, "", f"frictionless warns: {text}", CURE, "", "datapackage.json")
