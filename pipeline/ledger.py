"""The ledger: every accepted claim, milestone and document, and the code lists they are written in.

Reads committed files strictly and reports everything that is wrong with them at once, by file and line.
What a cell may hold is the Table Schema's business (validate/); which table a claim belongs to is assemble's.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from pipeline.records import Finding, Ledger, Row

BREAKDOWNS: Final = (
    "alleged_body", "receiving_body", "sex", "age_group", "facility_type", "criminal_article", "stage", "outcome",
    "form", "relation", "cause", "detention_status", "case_registered", "profession", "mechanism", "citizenship",
    "law_status", "release_type",
)  # fmt: skip
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
LONGEST_LINE: Final = 20_000  # bytes; the longest honest line of a ledger is under 2,000


def read(home: Path) -> Ledger:
    """The whole ledger below `home` (sources/*/ and schemas/codes/).

    A file that cannot be read strictly gives findings and no rows; the others are still read, so that a
    maintainer sees every fault in one run.
    """
    findings: list[Finding] = []
    places: dict[str, str] = {}
    sources: dict[str, dict[str, int]] = {}
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
    codes = {}
    for path in sorted((home / "schemas" / "codes").glob("*.csv")):
        codes[path.stem] = tuple(row for _, row in _read(path, home, None, findings))
    return Ledger(
        tuple(rows["claims"]), tuple(rows["milestones"]), tuple(rows["documents"]), codes, sources, places,
        tuple(findings),
    )  # fmt: skip


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
