"""Carry reviewed proposals into the ledger, and those of a known series that need no review; begin a new source.

The ledger only grows: rows are appended, and only after the whole corridor has held with them in a copy. A decision
is kept by the hash of its sentence, so that it falls when the sentence changes; a page that says another number than
its claim makes the claim's next version, and only a person lets it. What a document says is proposing.py's.
"""

from __future__ import annotations

import csv
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import yaml

from pipeline import errors, files, ledger, proposing
from pipeline.extract import people, vocabulary
from pipeline.records import BREAKDOWNS, Ledger

Check = Callable[[Path], object]  # the corridor over a checkout; raises ValidationRefused when it does not hold
NEEDED: Final = (
    "value", "qualifier", "unit", "indicator", "area", "period_start", "period_end", "period_type", "period_assumed",
    "printed", "originator", "language", "source", "document_id", "title", "url", "locator", "sentence_id",
)  # fmt: skip
_SERIES: Final = ("indicator", "area", *BREAKDOWNS)
_COMPARED: Final = ("year", "half_year", "quarter", "point")  # kinds of period of which two are alike
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


def accept(home: Path, file: Path, recorded_on: date, check: Check) -> Accepted:
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
        standing = {_key(row): row for row in ledger.read(trial).held()}
        _refuse_two_revisions(file.name, rows, standing, recorded_on)
        for source in sorted({row["source"] for row in marked}):
            own = [row for row in marked if row["source"] == source]
            claims += _append(trial / "sources" / source, own, recorded_on, touched, standing)
        check(trial)
        for path in sorted(touched):
            files.save(home / path.relative_to(trial), path.read_bytes())
    return Accepted(
        tuple(claims), sum(row["accept"] == "no" for row in marked),
        sum(not row["accept"] and row["decision"] != "ignored" for row in rows),
        tuple(path.relative_to(trial).as_posix() for path in sorted(touched)),
    )  # fmt: skip


def take_known(home: Path, fresh: Mapping[str, Sequence[str]], day: date, check: Check) -> Accepted:
    """Accept what new pages say in a source's own sentences of a known series; let the rest wait in build/review.csv.

    `fresh`: source to the addresses whose bytes are new. Why a row waits stands in its reason, as "waits:…".
    Nothing of what a person has marked in build/review.csv is touched.
    """
    book = ledger.read(home)
    rows: list[dict[str, str]] = []
    for source, addresses in sorted(fresh.items()):
        for url in addresses:
            try:
                told = proposing.propose(home, url, source_id=source, write=False)
            except errors.PipelineError:
                continue  # the visit has told of a page that cannot be read
            kept = [row for row, n in zip(proposing.rows(told), told.numbers, strict=True)
                    if row["accept"] != "done" and (n.decision == "proposed" or n.start in told.alarms)]  # fmt: skip
            rows += [_judged(row, book, day) for row in kept]
    known = [row for row in rows if row["accept"] == "yes"]
    done = Accepted((), 0, 0, ())
    if known:
        path = home / "build" / ".known.csv"
        files.save(path, files.table(proposing.REVIEW_COLUMNS, known))
        try:
            done = accept(home, path, day, check)
        except errors.ValidationRefused:
            rows = [
                row | {"accept": "", "reason": "waits:expectations"} if row["accept"] == "yes" else row for row in rows
            ]
        finally:
            path.unlink()
    waiting = [row for row in rows if row["accept"] == ""]
    review = home / "build" / "review.csv"
    if waiting:
        here = {(row["document_id"], row["sentence_id"], row["printed_at"]) for row in waiting}
        before = [row for row in files.rows(review) if set(row) == set(proposing.REVIEW_COLUMNS)]
        others = [r for r in before if (r["document_id"], r["sentence_id"], r["printed_at"]) not in here]
        files.save(review, files.table(proposing.REVIEW_COLUMNS, [*others, *waiting]))
    return Accepted(done.claims, 0, len(waiting), done.files)


def _judged(row: dict[str, str], book: Ledger, day: date) -> dict[str, str]:
    """The row marked `yes`, `done` where the ledger says the same of the page, or with the reason why it waits."""
    if row["decision"] != "proposed":
        return row
    claim = _claim(row, day)
    held = [one for one in book.held() if one["publisher"] == row["publisher"] and one["value"].isdecimal()
            and all(one[column] == claim[column] for column in _SERIES)]  # fmt: skip
    same = [one for one in held if all(one[at] == claim[at] for at in ("period_start", "period_end"))]
    if any(one["value"] == claim["value"] and one["document_id"] == claim["document_id"] for one in same):
        return row | {"accept": "done"}
    withheld = [one for one in book.held() if one["missing_reason"] and all(
        one[at] == claim[at] for at in ("indicator", "publisher", "period_start", "period_end"))]  # fmt: skip
    earlier = [int(one["value"]) for one in held if all(one[at] == row[at] for at in ("unit", "period_type"))]
    tests = {
        "not_a_sentence_of_the_source": row["reason"] != "template",
        "withheld_before": bool(withheld),
        "first_of_its_series": not held,
        "who_counted": len({one["originator"] for one in held}) > 1,
        "names_a_person": people.MASK in row["sentence"] + row["printed"],
        "single_case": row["value"] == "1",
        "qualified_or_in_words": row["qualifier"] != "exact" or re.sub(r"\D", "", row["printed"]) != row["value"],
        "period_assumed": row["period_assumed"] != "false",
        "period_not_over": row["period_end"] > day.isoformat(),
        "other_unit_or_kind_of_period": not earlier or row["period_type"] not in _COMPARED,
        "not_archived": not row["capture_sha256"],
        "source_revised": any(one["document_id"] == claim["document_id"] for one in same),
        "said_otherwise_before": bool(same),
        "out_of_bounds": not min(earlier, default=0) <= 2 * int(row["value"]) <= 4 * max(earlier, default=0),
    }
    why = next((name for name, waits in tests.items() if waits), "")
    return row | ({"reason": f"waits:{why}"} if why else {"accept": "yes", "originator": held[0]["originator"]})


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


def _append(
    folder: Path, rows: Sequence[Mapping[str, str]], recorded_on: date, touched: set[Path],
    standing: dict[tuple[str, ...], dict[str, str]],
) -> list[str]:  # fmt: skip
    """Add claims or versions of them, documents and decisions of one source; the claims that are new or changed."""
    documents = {row["document_id"] for row in files.rows(folder / "documents.csv")}
    claims, decisions, told = [], [], []
    for row in rows:
        claim = _claim(row, recorded_on) if row["accept"] == "yes" else None
        old = standing.get(_key(claim)) if claim else None
        if claim and old:
            claim["claim_id"] = old["claim_id"]
            claim["version"] = str(int(old["version"]) + 1)
        if claim and (not old or old["value"] != claim["value"]):
            claims.append(claim)
            told.append(claim["claim_id"] + (f" version {claim['version']}" if old else ""))
            if old:
                _revised(folder / "corrections.yml", claim, old, touched)
                standing[_key(claim)] = claim  # the page may print its new number twice
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
    return told


def _refuse_two_revisions(
    name: str, rows: Sequence[Mapping[str, str]], standing: Mapping[tuple[str, ...], Mapping[str, str]], day: date
) -> None:
    """Raise UsageError for two rows that give one claim of the ledger different new numbers."""
    lines: dict[tuple[str, ...], tuple[int, str]] = {}
    for number, row in enumerate(rows, 2):
        key = _key(_claim(row, day)) if row["accept"] == "yes" else ()
        first, value = lines.setdefault(key, (number, row["value"]))
        if key in standing and value != row["value"]:
            raise errors.UsageError(
                f"{name}, lines {first} and {number}: both revise {standing[key]['claim_id']}, to {value} and to "
                f"{row['value']}. One page has one number for one figure: say no to one of them, or tell them apart."
            )


def _revised(path: Path, claim: Mapping[str, str], old: Mapping[str, str], touched: set[Path]) -> None:
    """Declare that the source changed its figure."""
    entry = {
        "claim": claim["claim_id"], "version": int(claim["version"]), "cause": "source_revised",
        "reason": "The page says another number than when it was read before.", "expect": {"value": old["value"]},
    }  # fmt: skip
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(before + yaml.safe_dump([entry], sort_keys=False), encoding="utf-8")
    touched.add(path)


def _key(claim: Mapping[str, str]) -> tuple[str, ...]:
    """What makes two claims say something of one figure on one page."""
    return tuple(claim[column] for column in ("document_id", "period_start", "period_end", *_SERIES))


def _claim(row: Mapping[str, str], recorded_on: date) -> dict[str, str]:
    """One reviewed row as a row of the ledger."""
    implied = next((r["implies"] for r in vocabulary.rules() if r["indicator"] == row["indicator"]), "")
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


def _add(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]], touched: set[Path]) -> None:
    files.append(path, columns, rows)
    touched.add(path)
