"""The compiled validation against `frictionless validate` on synthetic claims: equal verdicts, then the ratio.

python -m bench.validate [ROWS] [PAIRS]
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from bench import compare

Finding = tuple[str | None, int | None, str | None, str]
SPOILT = 1000  # each so-manieth row gets one wrong cell in the spoilt copy


def comparison(rows: int, count: int, folder: Path) -> list[compare.Comparison]:
    """Both judges on a valid package and on a copy with wrong cells.

    Raises: SystemExit if their verdicts differ.
    """
    good, spoilt = folder / "good", folder / "spoilt"
    for side, place in (("make", good), ("spoil", spoilt)):  # elsewhere: a child's peak memory begins with its parent's
        compare.run([sys.executable, "-m", "bench.validate", side, str(place), str(rows)])
    found = []
    for name, place in (("valid", good), ("with wrong cells", spoilt)):
        mine, theirs = ([sys.executable, "-m", "bench.validate", side, str(place)] for side in ("ours", "rival"))
        pair = compare.pairs(
            f"compiled validation, {name}", mine, "frictionless validate", theirs, rows=rows, count=count
        )
        verdicts = {run.printed for run in (*pair.ours, *pair.rival)}
        if len(verdicts) != 1:
            sys.exit(f"{name}: the verdicts differ: {sorted(verdicts)}")
        print(f"{name}: same verdict {verdicts.pop().strip()}", file=sys.stderr)
        found.append(pair)
    return found


def _good(folder: Path, rows: int) -> Path:
    """The descriptor of a valid synthetic package."""
    from bench import synthetic  # noqa: PLC0415  its numpy and polars would weigh on every process

    return synthetic.package(folder, rows)


def _spoilt(folder: Path, rows: int) -> None:
    """The same package, its claims holding impossible dates, unknown codes, wrong truth values and a doubled key."""
    descriptor = _good(folder, rows)
    lines = (folder / "complaints.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    changes = [("2026-11-24", "2026-11-31"), ("not_published", "hidden"), (",year,", ",yaer,"), ("true", "maybe")]
    for number in range(SPOILT, len(lines), SPOILT):
        old, new = changes[number // SPOILT % len(changes)]
        lines[number] = lines[number].replace(old, new)
    lines[-1] = lines[1]
    (folder / "complaints.csv").write_text("".join(lines), encoding="utf-8", newline="")
    text = json.loads(descriptor.read_text(encoding="utf-8"))
    for resource in text["resources"]:
        resource.pop("bytes")
    descriptor.write_text(json.dumps(text), encoding="utf-8")


def _ours(descriptor: Path) -> tuple[bool, Iterable[Finding]]:
    """The compiled verdict."""
    from pipeline.validate import package  # noqa: PLC0415  each side pays for its own imports

    report = package.check(descriptor)
    return report["valid"], [(e["resource"], e["row"], e["field"], e["type"]) for e in report["errors"]]


def _rival(descriptor: Path) -> tuple[bool, Iterable[Finding]]:
    """The verdict of frictionless."""
    import frictionless  # noqa: PLC0415

    report = frictionless.validate(str(descriptor), limit_errors=10**9)
    errors = [(task.name, error) for task in report.tasks for error in task.errors]
    return report.valid, [
        (name, getattr(error, "row_number", None), getattr(error, "field_name", None), error.type)
        for name, error in errors
    ]


def _side(side: str, descriptor: Path) -> None:
    """What one process does: judge, and print a digest of the verdict."""
    import hashlib  # noqa: PLC0415

    valid, findings = (_ours if side == "ours" else _rival)(descriptor)
    told = sorted(map(repr, findings))
    digest = hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
    print(json.dumps({"valid": valid, "findings": len(told), "digest": digest}))


def main(words: list[str]) -> None:
    """The command line: a whole comparison, or one of the processes that it consists of."""
    if words and words[0] in {"ours", "rival"}:
        _side(words[0], Path(words[1], "datapackage.json"))
        return
    if words and words[0] == "make":
        _good(Path(words[1]), int(words[2]))
        return
    if words and words[0] == "spoil":
        _spoilt(Path(words[1]), int(words[2]))
        return
    rows = int(words[0]) if words else 1_000_000
    count = int(words[1]) if len(words) > 1 else 3
    with tempfile.TemporaryDirectory() as folder:
        print(compare.table(comparison(rows, count, Path(folder))))


if __name__ == "__main__":
    main(sys.argv[1:])
