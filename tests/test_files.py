"""Small files: replaced whole and for certain, ledgers appended to whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from faults import Recorder

from pipeline import files

COLUMNS = ("id", "note")


@pytest.mark.parametrize("number", range(1, 7))
def test_a_fault_at_any_operation_leaves_the_old_ledger_or_the_new(tmp_path: Path, number: int) -> None:
    """Open, sync, rename, open the folder, sync it: never a torn row."""
    ledger = tmp_path / "claims.csv"
    files.append(ledger, COLUMNS, [{"id": "a", "note": "1"}])
    before = ledger.read_text("utf-8")

    def fail() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    recorder = Recorder(number, fail)
    with recorder.watching(), pytest.raises(OSError, match="No space"):
        files.append(ledger, COLUMNS, [{"id": "b", "note": "2"}])

    assert ledger.read_text("utf-8") in (before, before + "b,2\n")


def test_a_saved_file_and_its_folder_are_on_the_disk_when_save_returns(tmp_path: Path) -> None:
    """The file before it gets its name, the folder after."""
    with Recorder().watching() as recorder:
        files.save(tmp_path / "new" / "one.txt", "text")
    kinds = [(name, Path(path).name.split("-")[0]) for name, path in recorder.calls if name in ("fsync", "replace")]

    assert kinds == [("fsync", ".tmp"), ("replace", "one.txt"), ("fsync", "new")]


def test_a_ledger_without_a_last_newline_gets_its_row_on_a_line_of_its_own(tmp_path: Path) -> None:
    """An editor that drops the last newline must not join two rows."""
    ledger = tmp_path / "claims.csv"
    ledger.write_text("id,note\na,1", "utf-8")
    files.append(ledger, COLUMNS, [{"id": "b", "note": 'say "x"'}])

    assert ledger.read_text("utf-8") == 'id,note\na,1\nb,"say ""x"""\n'
    assert files.rows(ledger) == [{"id": "a", "note": "1"}, {"id": "b", "note": 'say "x"'}]
    assert files.rows(tmp_path / "none.csv") == []
