"""Carry reviewed proposals into the ledger, and begin a new source.

The ledger only grows: rows are appended, and only after the whole corridor has held with them in a copy. A decision
is kept by the hash of its sentence, so that it falls when the sentence changes. What a document says is proposing.py's.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from pipeline import build, errors, ledger, proposing
from pipeline.extract import readings
from pipeline.records import BREAKDOWNS

NEEDED: Final = (
    "value", "qualifier", "unit", "indicator", "area", "period_start", "period_end", "period_type", "period_assumed",
    "printed", "originator", "language", "source", "document_id", "title", "url", "locator", "sentence_id",
)  # fmt: skip
_CELL: Final = re.compile(r" r\d+ c\d+$")  # the place of a table's cell
_SCAFFOLD: Final = """\
title: {{en: {title}, ru: {title}, tg: {title}}}   # the publisher's name in three languages
publisher: {publisher}                  # a code of schemas/codes/bodies.csv
languages: [{language}]
licence: {{name: page of the publisher, republish: figures}}
discover:
  - pages: ["{address}"]
cadence: irregular                      # or monthly, quarterly, half-yearly, yearly with `due`
sensitivity: names                      # names, figures or law: what its pages may hold
scope: [{scope}]    # a sentence with one of these may leave no number unread
# sentences:                            # its printed sentence (or "caption, row, column: number" of a table), the
#                                       # numbers replaced by indicators
#   - "{{period}} Коалиция задокументировала {{complaints_documented_coalition}} обращений"
"""
_SCOPES: Final = {"ru": "пытк, пыток", "tg": "шиканҷа", "en": "torture"}


@dataclass(frozen=True, slots=True)
class Accepted:
    """What accept did: the claims added, how many rows were turned down, and how many still wait for a person."""

    claims: tuple[str, ...]
    rejected: int
    waiting: int
    files: tuple[str, ...]


def accept(home: Path, file: Path, recorded_on: date, say: build.Say = build.silent) -> Accepted:
    """Append the rows of a review marked `yes` to their sources' ledgers, and remember each decision.

    Raises: UsageError for a review that cannot be followed, with its line; ValidationRefused when the corridor does
    not hold with the new rows. After either, nothing was written.
    """
    rows = _reviewed(file)
    marked = [row for row in rows if row["accept"] in ("yes", "no")]
    if not marked:
        raise errors.UsageError(f"{file.name}: no row says yes or no. Fill the column accept, then accept again.")
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder)
        shutil.copytree(home / "sources", trial / "sources")
        shutil.copytree(home / "schemas", trial / "schemas")
        claims: list[str] = []
        touched: set[Path] = set()
        for source in sorted({row["source"] for row in marked}):
            own = [row for row in marked if row["source"] == source]
            claims += _append(trial / "sources" / source, own, recorded_on, touched)
        build.check(build.Workspace(trial, say))
        for path in sorted(touched):
            fresh = home / path.relative_to(trial).with_suffix(".new")
            shutil.copyfile(path, fresh)
            fresh.replace(home / path.relative_to(trial))
    return Accepted(
        tuple(claims), sum(row["accept"] == "no" for row in marked),
        sum(not row["accept"] and row["decision"] != "ignored" for row in rows),
        tuple(path.relative_to(trial).as_posix() for path in sorted(touched)),
    )  # fmt: skip


def new_source(home: Path, target: str, source_id: str, *, publisher: str, said_on: str, language: str) -> list[str]:
    """The files of a new source: source.yml, a test page (people masked) and what it should give, not yet read.

    Raises: UsageError where the source exists already; the refusals of propose.
    """
    place = home / "sources" / source_id / "source.yml"
    if place.exists():
        raise errors.UsageError(f"sources/{source_id}/source.yml exists already. Edit it, or choose another --id.")
    told = proposing.propose(home, target, said_on=said_on, language=language, write=False)
    first = next((line.strip() for line in told.text.splitlines() if line.strip()), source_id)
    spoken = language or (told.languages[0] if told.languages else "ru")
    words = _SCAFFOLD.format(
        title=f'"{first[:60]}"'.replace("\\", ""), publisher=publisher, language=spoken, scope=_SCOPES[spoken],
        address=target if target.startswith("http") else f"https://{source_id}.example/",
    )  # fmt: skip
    page = home / "tests" / "pages" / "sources" / source_id
    page.mkdir(parents=True, exist_ok=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(words, encoding="utf-8")
    (page / "page.txt").write_text(told.text, encoding="utf-8")
    lines = [f"# read_by: nobody yet; said_on: {said_on}; language: {spoken}", *expected(told)]
    (page / "expected.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [path.relative_to(home).as_posix() for path in (place, page / "page.txt", page / "expected.txt")]


def expected(told: proposing.Proposal) -> list[str]:
    """What a page gives, one proposed figure a line, for a person to compare with the page."""
    return [
        f"{n.printed} {n.indicator} {n.unit} {n.period.start}..{n.period.end} {n.area} {n.qualifier}".strip()
        + "".join(f" {column}={code}" for column, code in n.breakdown.items())
        for n in told.numbers
        if n.decision == "proposed" and n.period
    ]


def _reviewed(file: Path) -> list[dict[str, str]]:
    """The rows of a review. Raises: UsageError for a file that is none, or a row that lacks what a claim needs."""
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise errors.UsageError(f"{file}: no review can be read here. Make one: python -m pipeline propose") from None
    for number, row in enumerate(rows, 2):
        if set(row) != set(proposing.REVIEW_COLUMNS):
            raise errors.UsageError(f"{file.name}, line {number}: other columns than propose writes. Propose again.")
        if row["accept"] not in ("", "yes", "no", "done"):
            raise errors.UsageError(f"{file.name}, line {number}: accept is neither yes nor no. Write one of them.")
        missing = [column for column in NEEDED if row["accept"] == "yes" and not row[column]]
        if missing or (row["accept"] == "no" and not row["source"]):
            lacks = ", ".join(missing) or "source"
            raise errors.UsageError(f"{file.name}, line {number}: {lacks} is empty. Fill it from the page, or say no.")
    return rows


def _append(folder: Path, rows: Sequence[Mapping[str, str]], recorded_on: date, touched: set[Path]) -> list[str]:
    """Add claims, documents and decisions of one source; the ids of the claims."""
    documents = {row["document_id"] for row in _read(folder / "documents.csv")}
    claims, decisions = [], []
    for row in rows:
        claim = _claim(row, recorded_on) if row["accept"] == "yes" else None
        if claim:
            claims.append(claim)
        if claim and row["document_id"] not in documents:
            documents.add(row["document_id"])
            cells = {"title": row["title"], "publisher": claim["publisher"], "published_on": row["said_on"]}
            cells |= {"document_id": row["document_id"], "url": row["url"], "language": row["language"], "note": ""}
            _add(folder / "documents.csv", ledger.DOCUMENT_COLUMNS, [cells], touched)
        decision = {
            "sentence_id": row["sentence_id"], "printed": row["printed"], "locator": row["locator"],
            "decision": "accepted" if claim else "rejected", "claim_id": claim["claim_id"] if claim else "",
            "decided_on": recorded_on.isoformat(),
        }  # fmt: skip
        decisions.append(decision)
    if claims:
        _add(folder / "claims.csv", ledger.CLAIM_COLUMNS, claims, touched)
    _add(folder / "decisions.csv", proposing.DECISION_COLUMNS, decisions, touched)
    return [claim["claim_id"] for claim in claims]


def _claim(row: Mapping[str, str], recorded_on: date) -> dict[str, str]:
    """One reviewed row as a row of the ledger."""
    implied = next((r["implies"] for r in readings.rules() if r["indicator"] == row["indicator"]), "")
    told = f"{implied};{row['breakdown']}".strip(";")
    broken = dict(part.split("=", 1) for part in told.split(";") if "=" in part)
    same = ("indicator", "area", "period_start", "period_end", "period_type", "period_words", "period_assumed", "value",
            "unit", "qualifier", "printed", "originator", "publisher", "language", "document_id", "locator",
            "capture_sha256", "said_on")  # fmt: skip
    start = f"{row['document_id'][:44].rstrip('-')}-{row['sentence_id'][:6]}"
    cells: dict[str, Any] = dict.fromkeys(ledger.CLAIM_COLUMNS, "") | dict.fromkeys(BREAKDOWNS, "_T") | broken
    cells |= {column: row[column] for column in same} | {
        "claim_id": f"{start}-{row['printed_at']}", "version": "1",
        "method": "table" if _CELL.search(row["locator"]) else "prose",
        "evidence": "in_capture" if row["capture_sha256"] else "not_yet_checked",
        "recorded_on": recorded_on.isoformat(), "status": "current",
    }  # fmt: skip
    return cells


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _add(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]], touched: set[Path]) -> None:
    """Append rows to a file of the ledger, which begins with its header."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if not before:
        writer.writeheader()
    writer.writerows(rows)
    path.write_text(before + buffer.getvalue(), encoding="utf-8")
    touched.add(path)
