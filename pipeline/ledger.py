"""The ledger: every accepted claim, milestone and document, and the code lists they are written in.

Reads committed files strictly and reports everything that is wrong with them at once, by file and line. A claim
changes by a new row of the next version and an entry in corrections.yml of its source that says why; no row is edited.
What a cell may hold is the Table Schema's business (validate/); which table a claim belongs to is assemble's.
"""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml

from pipeline import errors, files
from pipeline.records import BREAKDOWNS, WITHHOLD, Correction, Finding, Ledger, Row, version

CLAIM_COLUMNS: Final = (
    "claim_id", "version", "indicator", "area", "period_start", "period_end", "period_type", "period_words",
    "period_assumed", *BREAKDOWNS, "value", "unit", "qualifier", "printed", "missing_reason", "originator",
    "publisher", "language", "document_id", "locator", "capture_sha256", "method", "evidence", "said_on",
    "recorded_on", "status", "note", "input_id",
)  # fmt: skip
MILESTONE_COLUMNS: Final = (
    "milestone_id", "event", "kind", "date_start", "date_end", "date_precision", "area", "mechanism", "title_en",
    "title_ru", "title_tg", "originator", "publisher", "language", "document_id", "locator", "recorded_on", "status",
    "note", "input_id",
)  # fmt: skip
DOCUMENT_COLUMNS: Final = ("document_id", "title", "publisher", "url", "published_on", "language", "note")
EVIDENCE_COLUMNS: Final = (
    "claim_id", "version", "evidence", "capture_sha256", "captured_at", "document_id", "url", "via",
)  # fmt: skip
LONGEST_LINE: Final = 20_000  # bytes; the longest honest line of a ledger is under 2,000
CORRECTION_KEYS: Final = ({"claim", "version", "cause", "reason"}, {"reported_to", "expect"})  # needed, allowed
VERSION_RULES: Final = {  # what is wrong, the cure, the column
    "version-gap": (
        "its versions are not 1, 2, 3 without a gap", "number the new row one above the row it replaces", "version",
    ),
    "version-status": (
        "superseded is never written into the ledger",
        "leave it current; the row of the next version takes its place by itself", "status",
    ),
    "suppressed-printed": (
        "a suppressed figure still has its printed number", "write not_recorded in the column printed", "printed",
    ),
    "undeclared-change": (
        "no entry of corrections.yml says why this version was made",
        "add {claim, version, cause, reason} to corrections.yml beside this file", "version",
    ),
    "recorded-backwards": (
        "it was recorded before the version that it replaces", "write the day on which the new row was added",
        "recorded_on",
    ),
    "version-identical": (
        "it says the same as the version before", "take the row out, or write what has changed", "version",
    ),
    "stale-correction": (
        "the version before no longer says what corrections.yml expects",
        "compare both with the page, then mend or remove the correction", "version",
    ),
}  # fmt: skip
EVIDENCE_MISSED: Final = {  # what the archive shows of a figure, and the cure
    "not_found": (
        "its number does not stand in its page near its words",
        "compare the page with the claim; it may be spelled out, or stand in a picture",
    ),
    "page_gone": (
        "its page was gone before it could be archived",
        "look for a copy (publish --wayback), or cite another page of the publisher",
    ),
}
OWN_TO_VERSION: Final = frozenset({"version", "recorded_on"})


def read(home: Path) -> Ledger:
    """The whole ledger below `home` (sources/*/ and schemas/codes/).

    A file that cannot be read strictly gives findings and no rows; the others are still read, so that a
    maintainer sees every fault in one run.
    """
    findings: list[Finding] = []
    places: dict[str, str] = {}
    sources: dict[str, dict[str, int]] = {}
    proofs: list[tuple[str, Row]] = []
    rows: dict[str, list[Row]] = {"claims": [], "milestones": [], "documents": []}
    columns = {"claims": CLAIM_COLUMNS, "milestones": MILESTONE_COLUMNS, "documents": DOCUMENT_COLUMNS}
    for folder in sorted(path for path in (home / "sources").iterdir() if path.is_dir()):
        counts = sources[folder.name] = dict.fromkeys(rows, 0)
        for kind, header in columns.items():
            path = folder / f"{kind}.csv"
            if not path.exists():
                continue
            read_rows = _read(path, home, header, findings)
            _note_places(kind, read_rows, places, findings)
            rows[kind] += [row for _, row in read_rows]
            counts[kind] = len(read_rows)
        if (path := folder / "evidence.csv").exists():
            proofs += _read(path, home, EVIDENCE_COLUMNS, findings)
    codes = {}
    for path in sorted((home / "schemas" / "codes").glob("*.csv")):
        codes[path.stem] = tuple(row for _, row in _read(path, home, None, findings))
    declared: list[Correction] = []
    for path in sorted((home / "sources").glob("*/corrections.yml")):
        declared += _corrections(path, home, {row["code"] for row in codes.get("revision_cause", ())}, findings)
    findings += _version_findings(rows["claims"], declared, places)
    _prove(rows["claims"], proofs, findings)
    return Ledger(
        tuple(rows["claims"]), tuple(rows["milestones"]), tuple(rows["documents"]), codes, sources, places,
        tuple(findings), tuple(declared), tuple(row for _, row in proofs),
    )  # fmt: skip


def state(book: Ledger, day: str) -> list[Row]:
    """What the ledger held at the end of `day`: the row of each claim that stood then, as it was written.

    Shape: `day` as 2026-11-24, from the first recorded_on of a claim to the newest.
    Raises: UsageError for any other day: one that is still to come is never answered with today's figures.
    """
    days = sorted(row["recorded_on"] for row in book.claims)
    try:
        known = datetime.date.fromisoformat(day).isoformat() == day
    except ValueError:
        known = False
    if not known or not days or not days[0] <= day <= days[-1]:
        span = f"a day from {days[0]} to {days[-1]}, written like that" if days else "a ledger with claims"
        raise errors.UsageError(f"as of: a day the ledger knows nothing of, expected {span}. Ask for a day inside.")
    return book.held(day)


def append_evidence(home: Path, book: Ledger, rows: Iterable[Row]) -> list[str]:
    """The evidence.csv files that got a row: what the archive says of a claim stands beside the claim.

    Shape: rows of EVIDENCE_COLUMNS. Raises: StorageError.
    """
    by_file: dict[str, list[Row]] = {}
    for row in rows:
        folder = book.places[row["claim_id"]].rpartition("/")[0]
        by_file.setdefault(f"{folder}/evidence.csv", []).append(row)
    for name, added in sorted(by_file.items()):
        try:
            files.append(home / name, EVIDENCE_COLUMNS, added)
        except OSError as error:
            raise errors.StorageError(f"{name}: {error.strerror}. Make room or mend the rights.") from error
    return sorted(by_file)


def _prove(claims: Sequence[Row], proofs: Sequence[tuple[str, Row]], findings: list[Finding]) -> None:
    """Gives each claim the evidence of its last row in evidence.csv; what was looked for in vain is a notice."""
    last = {(row["claim_id"], row["version"]): (place, row) for place, row in proofs}
    for claim in claims:
        place, row = last.pop((claim["claim_id"], claim["version"]), ("", {}))
        claim.update({key: row[key] for key in ("evidence", "capture_sha256") if row})
        if row and row["evidence"] in EVIDENCE_MISSED:
            findings.append(
                Finding("evidence", "notice", "claims", claim["claim_id"], *EVIDENCE_MISSED[row["evidence"]], "", place)
            )
    for place, _ in last.values():
        cure = "take the row out: evidence belongs to a version of a claim that the ledger holds"
        findings.append(Finding("evidence", "grave", "claims", "", "evidence for no version we hold", cure, "", place))


def _corrections(path: Path, home: Path, causes: set[str], findings: list[Finding]) -> Iterator[Correction]:
    """The declared changes of one source; what cannot be read as one is a finding."""
    place = path.relative_to(home).as_posix()
    cure = "write a list of {claim, version, cause, reason}, with reported_to and expect where they apply"
    try:
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        declared = None
    if not isinstance(declared, list):
        findings.append(Finding("corrections", "grave", "corrections", "", "not a list in YAML", cure, "", place))
        return
    needed, allowed = CORRECTION_KEYS
    for at, one in enumerate(declared, 1):
        if not isinstance(one, dict) or not needed <= one.keys() <= needed | allowed:
            seen, mend = "a key is missing or unknown", cure
        elif one["cause"] not in causes:
            seen, mend = "an unknown cause", "name a code of schemas/codes/revision_cause.csv"
        elif not (isinstance(one["version"], int) and isinstance(one["reason"], str) and one["reason"].strip()):
            seen, mend = "a version that is no number, or no reason", cure
        elif not isinstance(expect := one.get("expect", {}), dict) or not expect.keys() <= set(CLAIM_COLUMNS):
            seen, mend = "an expect that does not map columns of claims.csv to cells", cure
        else:
            cells = {column: str(cell) for column, cell in expect.items()}
            told = str(one.get("reported_to", ""))
            yield Correction(str(one["claim"]), one["version"], one["cause"], one["reason"].strip(), told, cells)
            continue
        findings.append(Finding("corrections", "grave", "corrections", f"entry {at}", seen, mend, "", place))


def _version_findings(
    claims: Sequence[Row], declared: Sequence[Correction], places: Mapping[str, str]
) -> Iterator[Finding]:
    """What is wrong with the versions of each claim and with the declarations of their causes."""
    by_claim: dict[str, dict[int, Row]] = {}
    for row in claims:
        by_claim.setdefault(row["claim_id"], {}).setdefault(version(row), row)
    for one in declared:
        if one.version not in by_claim.get(one.claim, {}):
            cure = "append the row of this version, or take the entry out of corrections.yml"
            sentence = "corrections.yml declares a version that claims.csv does not have"
            slug = one.claim if one.claim.isascii() and one.claim.replace("-", "").isalnum() else "an unreadable claim"
            yield Finding("corrections", "grave", "corrections", f"{slug} version {one.version}", sentence, cure)
    reasons = {(one.claim, one.version): one for one in declared}
    for claim, versions in by_claim.items():
        for row, check in _broken([versions[number] for number in sorted(versions)], reasons):
            place = places.get(f"{claim} version {row['version']}", "")
            sentence, cure, column = VERSION_RULES[check]
            yield Finding(check, "grave", "claims", claim, sentence, cure, column, place)


def _broken(chain: Sequence[Row], reasons: Mapping[tuple[str, int], Correction]) -> Iterator[tuple[Row, str]]:
    """(row, rule) for each rule that a version of one claim breaks."""
    if [version(row) for row in chain] != list(range(1, len(chain) + 1)):
        yield chain[-1], "version-gap"
    for old, row in zip([None, *chain[:-1]], chain, strict=True):
        why = reasons.get((row["claim_id"], version(row)))
        broken = {
            "version-status": row["status"] == "superseded",
            "suppressed-printed": row["missing_reason"] == "suppressed" and row["printed"] != "not_recorded",
            "undeclared-change": why is None and (old is not None or row["status"] == "withdrawn"),
        }
        if old is not None:
            broken |= {
                "recorded-backwards": row["recorded_on"] < old["recorded_on"],
                # A redaction empties every version alike: only its day and its cause are left to tell.
                "version-identical": all(row[column] == old[column] for column in row.keys() - OWN_TO_VERSION)
                and not (why and why.cause in WITHHOLD and row["missing_reason"] == "suppressed"),
                "stale-correction": why is not None and any(old[name] != cell for name, cell in why.expect.items()),
            }
        yield from ((row, check) for check, is_broken in broken.items() if is_broken)


def _note_places(kind: str, rows: Sequence[tuple[str, Row]], places: dict[str, str], findings: list[Finding]) -> None:
    """Remember where each key stands; one key twice is a finding that names both places."""
    key_column = {"claims": "claim_id", "milestones": "milestone_id", "documents": "document_id"}[kind]
    for place, row in rows:
        key = row[key_column]
        versioned = f"{key} version {row['version']}" if kind == "claims" else key
        if versioned in places:
            sentence = f"this {key_column} stands already at {places[versioned]}"
            cure = "give the new row a key of its own, or a higher version if it replaces the old one"
            findings.append(Finding("duplicate-key", "grave", kind, "", sentence, cure, key_column, place))
        places[versioned] = places[key] = place


def _read(path: Path, home: Path, header: Sequence[str] | None, findings: list[Finding]) -> list[tuple[str, Row]]:
    """(place, row) for each data row of one file; a file with a fault gives a finding and no rows."""
    name = path.relative_to(home).as_posix()
    try:
        return [(f"{name}:{line}", row) for line, row in _rows(_text(path.read_bytes()), header)]
    except _Fault as fault:
        place = f"{name}:{fault.line}"
        findings.append(Finding(fault.check, "grave", path.stem, "", fault.sentence, fault.cure, "", place))
        return []


class _Fault(Exception):
    """A file that cannot be read as it must be."""

    def __init__(self, line: int, check: str, sentence: str, cure: str) -> None:
        super().__init__(sentence)
        self.line, self.check, self.sentence, self.cure = line, check, sentence, cure


def _text(raw: bytes) -> str:
    """The file's text, once its lines are short, its bytes UTF-8 and none of them NUL."""
    lines = raw.split(b"\n")
    longest = max(map(len, lines))
    if longest > LONGEST_LINE:
        line = next(n for n, line in enumerate(lines, 1) if len(line) > LONGEST_LINE)
        seen = f"a line of {longest:,} bytes, expected at most {LONGEST_LINE:,}"
        raise _Fault(line, "line-length", seen, "a quote is probably never closed above this line: close it")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        cure = "save the file as UTF-8 (in a spreadsheet: CSV UTF-8); cp1251 and koi8-r are not accepted"
        line = raw.count(b"\n", 0, error.start) + 1
        raise _Fault(line, "encoding", "bytes that are not UTF-8", cure) from error
    if "\x00" in text:
        raise _Fault(text.count("\n", 0, text.index("\x00")) + 1, "control-character", "a NUL byte", "delete it")
    return text


def _rows(text: str, header: Sequence[str] | None) -> Iterator[tuple[int, Row]]:
    """(line, row) for each data row; the header must be exactly `header`, where one is given."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        found = next(reader, [])
        if header is not None and tuple(found) != tuple(header):
            pairs = enumerate(zip(found, header, strict=False), 1)
            at = next((at for at, (one, other) in pairs if one != other), min(len(found), len(header)) + 1)
            seen = f"columns that differ from the {len(header)} expected, first at column {at}"
            raise _Fault(1, "header", seen, "restore the header from git; the order of the columns matters")
        for cells in reader:
            if len(cells) != len(found):
                seen = f"{len(cells)} cells, expected {len(found)}"
                raise _Fault(
                    reader.line_num, "ragged-row", seen, "quote each cell that holds a comma; close each quote"
                )
            yield reader.line_num, dict(zip(found, cells, strict=True))
    except csv.Error as error:
        raise _Fault(reader.line_num, "csv", "a line that is not CSV", "close or double its quotes") from error
