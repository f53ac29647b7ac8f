"""Take the number and the words of one claim out of the ledger, in every version: somebody could be found by them.

The one place where rows of the ledger are edited. A first version stays, emptied, and a second says since when the
figure is withheld and of which kind the reason is. Leaves publishing, and the releases that still hold the figure, to
build; what git and mirrors hold, to docs/correcting.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml

from pipeline import errors, files
from pipeline.records import BREAKDOWNS, Row

# Why a figure may be taken away; the class stands in the log of releases for ever, the story nowhere.
REASONS: Final[Mapping[str, str]] = {
    "identifies_person": "A person could be recognised by the figure or its words.",
    "endangers_person": "The figure or its words could put a person in danger.",
    "named_in_error": "A person was named or counted in error.",
}
SHORT: Final = 2  # digits; a number as short as this stands in many sentences and tells nothing outside its document
SPOKEN: Final = ("note", "printed", "title", "title_en", "title_ru", "title_tg", "locator", "period_words")
EMPTIED: Final = {
    "value": "", "printed": "not_recorded", "missing_reason": "suppressed", "note": "", "period_words": "",
    "locator": "withheld", "qualifier": "exact", "capture_sha256": "", "evidence": "not_yet_checked",
    **dict.fromkeys(BREAKDOWNS, "_T"),
}  # fmt: skip


def redact(home: Path, claim: str, reason: str, day: str) -> tuple[list[str], list[str]]:
    """The files that were rewritten, and the rows elsewhere that still say the number, for a person to judge.

    No version of the claim holds number, words, place or breakdown any more, its evidence and the decision that made it
    are gone, and no note of another claim repeats its number. A claim that was redacted before rewrites nothing.
    Shape: `day` is the ISO date of the decision; the second list holds "file: key".
    Raises: UsageError for a claim that the ledger does not hold, or a reason that is not one of REASONS; StorageError.
    """
    if reason not in REASONS:
        raise errors.UsageError(f"redact: unknown reason; it must be one of {', '.join(REASONS)}.")
    tables = {path: files.rows(path) for path in sorted((home / "sources").glob("*/[!.]*.csv"))}
    columns = {path: list(rows[0]) for path, rows in tables.items() if rows}
    found = [path for path, rows in tables.items() if any(row.get("claim_id") == claim for row in rows)]
    own = next((path for path in found if path.name == "claims.csv"), None)
    if own is None:
        raise errors.UsageError("redact: no claim bears this id. All ids stand in data/vintages.csv.")
    rows = tables[own]
    mine = [row for row in rows if row["claim_id"] == claim]
    if mine == (emptied := _emptied(mine, mine[-1]["recorded_on"])):
        return [], []
    emptied[1]["recorded_on"] = day
    at = rows.index(mine[0])
    rows[:] = [*(row for row in rows[:at] if row not in mine), *emptied, *(r for r in rows[at:] if r not in mine)]
    repeats = _repeats({row[name] for row in mine for name in ("value", "printed")} - {"", "not_recorded"})
    documents = {row["document_id"] for row in mine}
    rewritten = [own, own.with_name("corrections.yml")]
    for path in (path for path in found if path != own):  # evidence and decisions lead to the page and its words
        tables[path][:] = [row for row in tables[path] if row["claim_id"] != claim]
        rewritten.append(path)
    for path in (path for path in tables if path.name == "claims.csv"):
        for row in tables[path]:
            if repeats.search(row["note"]) and (len(mine[0]["value"]) > SHORT or row["document_id"] in documents):
                row["note"] = ""
                rewritten.append(path)
    try:
        files.save(own.with_name("corrections.yml"), _declared(own.with_name("corrections.yml"), claim, reason))
        # The claim itself last: as long as it stands, running again finds what else is to go.
        for path in sorted({one for one in rewritten if one.suffix == ".csv"}, key=lambda path: (path == own, path)):
            files.save(path, files.table(columns[path], tables[path]))
    except OSError as error:
        raise errors.StorageError(
            f"redact: {error.strerror}. The figure still stands, here and in what is published. Make room or mend the "
            "disk, then run redact again: it takes away what is left."
        ) from error
    still = [
        f"{path.relative_to(home).as_posix()}: {next(iter(row.values()))}"
        for path, held in tables.items()
        for row in held
        if any(repeats.search(row.get(name, "")) for name in SPOKEN) and len(mine[0]["value"]) > SHORT
    ]
    return [path.relative_to(home).as_posix() for path in dict.fromkeys(rewritten)], still


def _repeats(said: set[str]) -> re.Pattern[str]:
    """The number in any grouping of its digits, and its printed words, wherever they stand whole."""
    spellings = [
        r"[\s,.\u00a0\u202f]?".join(one) if one.isdecimal() and len(one) > SHORT else re.escape(one) for one in said
    ]
    return re.compile(rf"(?<![\d\w])(?:{'|'.join(sorted(spellings))})(?![\d\w])" if spellings else r"(?!)")


def _emptied(mine: list[Row], day: str) -> list[Row]:
    """The two versions that are left of a claim."""
    bare = {**mine[0], **EMPTIED, "status": "current"}
    return [bare | {"version": "1", "recorded_on": mine[0]["recorded_on"]}, bare | {"version": "2", "recorded_on": day}]


def _declared(path: Path, claim: str, reason: str) -> str:
    """corrections.yml without what it said of the claim, and with why it is withheld."""
    held = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else []
    told = [one for one in held if one["claim"] != claim]
    told.append({"claim": claim, "version": 2, "cause": "redaction", "reason": REASONS[reason]})
    return yaml.safe_dump(told, allow_unicode=True, sort_keys=False, width=110)
