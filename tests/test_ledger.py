"""ledger.py: committed files are read whole or refused by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import ledger
from pipeline.ledger import CLAIM_COLUMNS, DOCUMENT_COLUMNS, LONGEST_LINE, MILESTONE_COLUMNS

NUL = "a\x00b"
BROKEN = '"closed" too early'
HEADER = ",".join(CLAIM_COLUMNS)


def claim_line(**cells: str) -> str:
    """One invented row of claims.csv."""
    row = dict.fromkeys(CLAIM_COLUMNS, "_T") | {"claim_id": "a-1", "version": "1", "recorded_on": "2026-01-02"} | cells
    return ",".join(row[column] for column in CLAIM_COLUMNS)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A checkout with one source of one claim."""
    (tmp_path / "schemas" / "codes").mkdir(parents=True)
    source = tmp_path / "sources" / "invented"
    source.mkdir(parents=True)
    (source / "claims.csv").write_text(f"{HEADER}\n{claim_line()}\n", encoding="utf-8")
    (source / "documents.csv").write_text(",".join(DOCUMENT_COLUMNS) + "\n", encoding="utf-8")
    (source / "milestones.csv").write_text(",".join(MILESTONE_COLUMNS) + "\n", encoding="utf-8")
    return tmp_path


def test_a_clean_ledger_is_read_with_the_place_of_each_key(home: Path) -> None:
    """Rows come back as text, and each key knows its file and line."""
    book = ledger.read(home)

    assert [row["claim_id"] for row in book.claims] == ["a-1"]
    assert book.places["a-1"] == "sources/invented/claims.csv:2"
    assert book.sources == {"invented": {"claims": 1, "milestones": 0, "documents": 0}}
    assert book.newest_recorded_on() == "2026-01-02"
    assert book.findings == ()


FAULTS = {
    "encoding": HEADER.encode() + b"\n" + claim_line(note="жалоба").encode("cp1251") + b"\n",
    "control-character": f"{HEADER}\n{claim_line(note=NUL)}\n".encode(),
    "ragged-row": f"{HEADER}\n{claim_line()},one more\n".encode(),
    "header": (HEADER.replace("value,unit", "unit,value") + f"\n{claim_line()}\n").encode(),
    "line-length": f"{HEADER}\n{claim_line(note='x' * LONGEST_LINE)}\n".encode(),
    "csv": f"{HEADER}\n{claim_line(note=BROKEN)}\n".encode(),
    "duplicate-key": f"{HEADER}\n{claim_line()}\n{claim_line()}\n".encode(),
}


@pytest.mark.parametrize("check", FAULTS)
def test_each_fault_of_a_file_has_its_own_name_and_place(home: Path, check: str) -> None:
    """A faulty file gives one finding that names the file, the line and the cure, and quotes nothing."""
    path = home / "sources" / "invented" / "claims.csv"
    path.write_bytes(FAULTS[check])

    findings = ledger.read(home).findings

    assert [finding.check for finding in findings] == [check]
    assert findings[0].place.startswith("sources/invented/claims.csv:")
    assert findings[0].severity == "grave"
    assert findings[0].cure
    assert "жалоба" not in findings[0].sentence


def test_two_versions_of_one_claim_are_no_duplicate(home: Path) -> None:
    """A claim may stand twice if its versions differ and the second has its reason."""
    lines = "\n".join([HEADER, claim_line(), claim_line(version="2", value="3"), ""])
    (home / "schemas" / "codes" / "revision_cause.csv").write_text("code\nevidence\n", encoding="utf-8")
    reason = "- {claim: a-1, version: 2, cause: evidence, reason: seen again}\n"
    (home / "sources" / "invented" / "corrections.yml").write_text(reason, encoding="utf-8")
    (home / "sources" / "invented" / "claims.csv").write_text(lines, encoding="utf-8")

    book = ledger.read(home)

    assert book.findings == ()
    assert [row["version"] for row in book.claims] == ["1", "2"]


def test_a_faulty_file_hides_no_other_fault(home: Path) -> None:
    """All files are read, so a maintainer sees every fault in one run."""
    (home / "sources" / "invented" / "claims.csv").write_bytes(FAULTS["header"])
    (home / "sources" / "invented" / "documents.csv").write_bytes(b"wrong\n")

    checks = [finding.check for finding in ledger.read(home).findings]

    assert checks == ["header", "header"]
