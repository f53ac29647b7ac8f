"""Redaction: a figure that endangers somebody is gone from every surface; history says only that it was withdrawn."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import polars
import pytest
import served
import yaml

from pipeline import build, errors, ledger, redaction
from pipeline.proposing import DECISION_COLUMNS
from pipeline.publish import verify

HOME = Path(__file__).resolve().parent.parent
CLAIM = "asia-plus-2007amnesty-released"
NUMBER = re.compile(rb"6[ ,.\xa0]?731(?!\d)|6\xc2\xa0731")
DIGEST = re.compile(rb"[0-9a-f]{16,}")  # holds any four digits now and then
DAY = "2026-11-25"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """The committed figures, published twice, the claim that is to go in both releases; proved, reviewed and baked."""
    folder = tmp_path_factory.mktemp("redaction") / "home"
    for name in ("schemas", "sources"):
        shutil.copytree(HOME / name, folder / name)
    shutil.copy(HOME / "metadata.yml", folder)
    source = folder / "sources" / "asia-plus"
    proof = [
        CLAIM,
        "1",
        "in_capture",
        "a" * 64,
        "2026-11-24T00:00:00Z",
        "asia-plus-2007amnesty",
        "https://example.org/",
        "",
    ]
    (source / "evidence.csv").write_text("\n".join(map(",".join, (ledger.EVIDENCE_COLUMNS, proof))) + "\n", "utf-8")
    decision = ["0" * 16, "6731", "accepted", CLAIM, "p. 1", "2026-11-24"]
    (source / "decisions.csv").write_text("\n".join(map(",".join, (DECISION_COLUMNS, decision))) + "\n", "utf-8")
    for name in ("bake/index.html", "deposit/zenodo/metadata.json", "stats/complaints.en.csv", "review.csv"):
        path = folder / "build" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("6,731", "utf-8")
    served.released(folder)
    path = folder / "sources" / "coalition" / "documents.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("(Russian)", "(in Russian)", 1), encoding="utf-8")
    served.released(folder)
    return folder


@pytest.fixture(scope="module")
def kept(home) -> Path:
    """The copy of a reader who downloaded the first release, with its proof."""
    build_folder = home / "build"
    first = json.loads((build_folder / "releases.jsonl").read_bytes().splitlines()[0])["release"]
    copy = shutil.copytree(build_folder / "releases" / first, home.parent / "reader" / first)
    shutil.copy(build_folder / "proofs" / f"{first}.json", home.parent / "reader")
    return copy


@pytest.fixture(scope="module")
def redacted(home, kept) -> subprocess.CompletedProcess[str]:
    """The command, run once."""
    assert kept.is_dir()
    assert said_in(home)
    words = [*"-m pipeline redact".split(), CLAIM, "--reason", "identifies_person", "--home", str(home)]
    return subprocess.run([sys.executable, *words], cwd=HOME, capture_output=True, text=True, check=True)


def said_in(folder: Path) -> set[str]:
    """The files that still say the number: as bytes, in workbooks, in Parquet, in free pages of the database."""
    found = set()
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        contents = [path.read_bytes()]
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as book:
                contents = [book.read(name) for name in book.namelist()]
        elif path.suffix == ".parquet":
            contents = [polars.read_parquet(path).write_csv().encode()]
        if any(NUMBER.search(DIGEST.sub(b"", content)) for content in contents):
            found.add(path.relative_to(folder).as_posix())
    return found


def test_the_figure_is_in_no_file_of_the_checkout_and_of_no_release(home, redacted):
    """Ledger, tables, every format, older releases, logs: nothing says the number, in any grouping of its digits."""
    assert said_in(home) == set()
    assert len(list((home / "build" / "releases").iterdir())) == 1
    assert f"Published without it: release {(home / 'build' / 'current').resolve().name}" in redacted.stderr


@pytest.mark.usefixtures("redacted")
def test_the_search_finds_the_number_no_more(home):
    """Neither the index nor the row."""
    with sqlite3.connect(home / "build" / "current" / "statistics.db") as db:
        hits = db.execute("SELECT count(*) FROM search WHERE search MATCH '6731'").fetchone()
        value, reason = db.execute(
            "SELECT value, missing_reason FROM places_of_detention WHERE claim_id = ?", [CLAIM]
        ).fetchone()

    assert (hits, value, reason) == ((0,), None, "suppressed")


@pytest.mark.usefixtures("redacted")
def test_what_led_to_the_figure_is_gone_with_it(home):
    """No evidence, no decision, no capture leads to the page that still says it."""
    source = home / "sources" / "asia-plus"

    assert [CLAIM in (source / name).read_text("utf-8") for name in ("evidence.csv", "decisions.csv")] == [False] * 2
    assert "a" * 64 not in (home / "data" / "captures.csv").read_text("utf-8")


@pytest.mark.usefixtures("redacted")
def test_readers_see_that_and_since_when_it_is_withheld(home):
    """A tombstone in the tables: the claim stands, empty, in both versions; the revision has its day and its class."""
    vintages = polars.read_csv(home / "data" / "vintages.csv", infer_schema=False).filter(claim_id=CLAIM)
    revisions = polars.read_csv(home / "data" / "revisions.csv", infer_schema=False).filter(claim_id=CLAIM)

    assert vintages.select("version", "value", "printed", "missing_reason").rows() == [
        ("1", None, None, "suppressed"), ("2", None, None, "suppressed"),
    ]  # fmt: skip
    assert revisions.select("field", "old", "new", "cause", "reason").rows() == [
        ("missing_reason", None, "suppressed", "redaction", redaction.REASONS["identifies_person"])
    ]


@pytest.mark.usefixtures("redacted")
def test_notes_that_repeat_the_number_are_emptied_and_nothing_else(home):
    """The four other claims that told it lose their notes; every other row of the ledger is as it was."""
    before = {row["claim_id"]: row for row in ledger.read(HOME).claims}
    after = {row["claim_id"]: row for row in ledger.read(home).claims}
    changed = {
        (claim, column)
        for claim, row in after.items()
        for column in row
        if claim != CLAIM and row[column] != before[claim][column]
    }

    assert len(changed) == 4
    assert {column for _, column in changed} == {"note"}


@pytest.mark.usefixtures("redacted")
def test_the_log_verifies_and_an_old_copy_is_told_why_it_is_void(home, kept):
    """Digest and class of reason remain; the reader's copy fails with that reason, by log and by proof."""
    log = home / "build" / "releases.jsonl"
    live = (home / "build" / "current").resolve()
    proofs = home / "build" / "proofs"

    assert verify.check(live, proofs / f"{live.name}.json", kept.with_suffix(".json"), log)[0] == []
    assert [fault.code for fault in verify.check(kept, log=log)[0]] == ["E_WITHDRAWN"]
    assert [fault.sentence for fault in verify.check(kept, proofs / f"{kept.name}.json")[0]] == [
        "was withdrawn (identifies_person); delete your copy"
    ]
    assert CLAIM.encode() not in log.read_bytes()


@pytest.mark.usefixtures("redacted")
def test_a_second_redaction_changes_nothing(home):
    """Neither a file nor the log."""
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and path.name != "run.json"}
    run, gone, still = build.redact(build.Workspace(home), CLAIM, "identifies_person", DAY)

    assert (run.outcome, run.changed_files, still) == ("unchanged", (), [])
    assert {path: path.read_bytes() for path in before} == before
    assert set(gone) <= {path.stem for path in (home / "build" / "proofs").iterdir()}


def test_a_title_that_says_the_number_is_left_to_a_person(tmp_path):
    """A document's title is not ours to empty; the maintainer is told where it stands."""
    for name in ("schemas", "sources"):
        shutil.copytree(HOME / name, tmp_path / name)
    _, still = redaction.redact(tmp_path, "asia-plus-2014prisons-convicts", "endangers_person", DAY)
    declared = yaml.safe_load((tmp_path / "sources" / "asia-plus" / "corrections.yml").read_text(encoding="utf-8"))

    assert "sources/asia-plus/documents.csv: asia-plus-2014prisons" in still
    assert [(one["claim"], one["cause"]) for one in declared] == [("asia-plus-2014prisons-convicts", "redaction")]


@pytest.mark.parametrize(
    ("claim", "reason", "said"),
    [("no-such-claim", "identifies_person", "no claim bears this id"), (CLAIM, "because", "unknown reason")],
)
def test_what_cannot_be_redacted_is_a_question_of_usage(tmp_path, claim, reason, said):
    """Nothing is written."""
    shutil.copytree(HOME / "sources", tmp_path / "sources")

    with pytest.raises(errors.UsageError, match=said):
        redaction.redact(tmp_path, claim, reason, DAY)
    assert list(tmp_path.rglob("corrections.yml")) == []
