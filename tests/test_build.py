"""The corridor end to end on the real figures: what it publishes and refuses, and that a refusal leaves no trace."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import registers
import yaml

from pipeline import build, cli, errors

HOME = Path(__file__).resolve().parent.parent
TRACKED = ("datapackage.json", "metadata.yml")
LEDGER = "sources/coalition/claims.csv"
Row = dict[str, str]


def fingerprint(home: Path) -> dict[str, str]:
    """sha256 of every published file of a checkout, and where build/current leads."""
    files = [home / name for name in TRACKED if (home / name).is_file()] + sorted(home.glob("data/*"))
    files += sorted(home.glob("changes/*"))
    prints = {path.relative_to(home).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    current = home / "build" / "current"
    return prints | ({"current": str(current.readlink())} if current.is_symlink() else {})


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of the committed figures, published once by the command line."""
    home = tmp_path_factory.mktemp("checkout")
    for name in ("schemas", "sources", "data", "changes"):
        shutil.copytree(HOME / name, home / name)
    for name in ("datapackage.json", "metadata.yml"):
        shutil.copy(HOME / name, home / name)
    done = command(home, "publish", "--offline", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcome"] == "published"
    return home


def command(home: Path, verb: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """One verb of the command line, run in a process of its own on `home`."""
    words = [sys.executable, "-m", "pipeline", verb, "--home", str(home), *options]
    return subprocess.run(
        words, cwd=HOME, capture_output=True, text=True, timeout=300, check=False, env=os.environ | environment
    )


def spoken(home: Path, verb: str, *options: str) -> subprocess.CompletedProcess[str]:
    """The same, spoken in this process: for what hangs on no process of its own, in half its time."""
    words = ["pipeline", verb, "--home", str(home), *options]
    out, told = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(told):
        patch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as left:
            cli.main()
    return subprocess.CompletedProcess(words, int(left.value.code or 0), out.getvalue(), told.getvalue())


@pytest.fixture
def checkout(published: Path, tmp_path: Path) -> Path:
    """A published checkout to spoil."""
    shutil.copytree(published, tmp_path / "home", symlinks=True)
    return tmp_path / "home"


def test_publishing_the_committed_figures_changes_no_tracked_file(published: Path) -> None:
    """What is committed is what publish writes, byte for byte."""
    ours = {name: value for name, value in fingerprint(HOME).items() if name != "current"}
    theirs = {name: value for name, value in fingerprint(published).items() if name != "current"}

    assert theirs == ours


def test_a_derived_table_is_held_against_its_schema_too(checkout: Path) -> None:
    """What reconciliation computes is judged like what people wrote: here the schema allows no year it has."""
    path = checkout / "schemas" / "series.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    next(one for one in schema["fields"] if one["name"] == "year")["constraints"]["maximum"] = 1999
    path.write_text(json.dumps(schema), encoding="utf-8")
    with pytest.raises(errors.ValidationRefused) as refused:
        build.check(build.Workspace(checkout))

    assert {("series", "year", "maximum")} == {(f["table"], f["field"], f["check"]) for f in refused.value.details}


def test_another_machine_builds_the_same_release(published: Path, tmp_path: Path) -> None:
    """Other folder, user, umask, locale, time zone, hash seed, cores and day: every file has the same bytes."""
    home = tmp_path / "a folder of — another"
    for name in ("schemas", "sources", "data", "changes"):
        shutil.copytree(published / name, home / name)
    for name in ("datapackage.json", "metadata.yml", "CITATION.cff"):
        shutil.copy(published / name, home / name)
    words = [sys.executable, "-m", "pipeline", "publish", "--offline", "--home", str(home)]
    there = os.environ | {
        "TZ": "Asia/Dushanbe", "LC_ALL": "C", "PYTHONHASHSEED": "7", "POLARS_MAX_THREADS": "1", "USER": "another",
        "LOGNAME": "another", "HOME": str(tmp_path), "CLOCK_SHIFT": str(500 * 24 * 3600),
    }  # fmt: skip
    if shutil.which("gcc"):
        words_of_c = [
            "gcc",
            "-shared",
            "-fPIC",
            "-o",
            str(tmp_path / "clock.so"),
            str(HOME / "tests" / "clock.c"),
            "-ldl",
        ]
        subprocess.run(words_of_c, check=True)
        there["LD_PRELOAD"] = str(tmp_path / "clock.so")
    if shutil.which("taskset"):
        words = ["taskset", "--cpu-list", str(min(os.sched_getaffinity(0))), *words]
    subprocess.run(words, cwd=HOME, env=there, umask=0o077, check=True, capture_output=True)
    here, other = ((one / "build" / "current").resolve() for one in (published, home))

    assert contents(other) == contents(here)
    assert other.name == here.name


def contents(folder: Path) -> dict[str, str]:
    """sha256 of every file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_second_run_says_unchanged_to_people_and_to_machines(checkout: Path) -> None:
    """Same input, same release, no tracked file touched; stdout and build/run.json hold the run, stderr tells it."""
    before = fingerprint(checkout)
    done = spoken(checkout, "publish", "--offline", "--json")
    run = json.loads(done.stdout)

    assert (done.returncode, run["outcome"], run["changed_files"]) == (0, "unchanged", [])
    assert fingerprint(checkout) == before
    assert run == json.loads((checkout / "build" / "run.json").read_text(encoding="utf-8"))
    assert set(run["sources"]) == {path.name for path in (HOME / "sources").iterdir() if path.is_dir()}
    assert "coalition" in done.stderr
    assert "Unchanged: release" in done.stderr


def spoil(home: Path, change: Callable[[list[Row]], None]) -> None:
    """Rewrite the ledger of the coalition after `change` had its way with the rows."""
    path = home / LEDGER
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    change(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


def cell(column: str, value: str) -> Callable[[list[Row]], None]:
    """A change that puts one hostile value into the first row."""
    return lambda rows: rows[0].update({column: value})


HOSTILE = {
    "formula-like": cell("note", "=HYPERLINK(A1)"),
    "hidden-character": cell("note", "bell \x07"),
    "hidden-character (right-to-left override)": cell("locator", "para \u202e3"),
    "not-finite": cell("value", "nan"),
    "too-many-digits": cell("value", "9" * 41),
    "type-error (29 February 2023)": cell("period_end", "2023-02-29"),
    "not_before": cell("period_start", "2031-01-01"),
    "foreign-key": cell("originator", "nobody"),
    "duplicate-key": lambda rows: rows.append(dict(rows[0])),
    "foreign-digit": cell("value", "２４"),
}


@pytest.mark.parametrize("fault", HOSTILE)
def test_a_hostile_row_is_refused_by_its_own_name_and_nothing_is_published(checkout: Path, fault: str) -> None:
    """Each fault of a cell has its own finding with file, line, key and cure; no cell is printed; all stands."""
    before = fingerprint(checkout)
    spoil(checkout, HOSTILE[fault])

    with pytest.raises(errors.ValidationRefused) as refused:
        build.check(build.Workspace(checkout))
    findings = [one for one in refused.value.details if one["severity"] == "grave"]

    assert fault.partition(" ")[0] in {one["check"] for one in findings}
    assert all(str(one["place"]).startswith(LEDGER) and one["cure"] for one in findings)
    assert not any(hostile in str(refused.value) for hostile in ("HYPERLINK", "９" * 3, "9" * 41, "nobody", "２４"))
    assert fingerprint(checkout) == before


def test_a_refusal_on_the_command_line_is_exit_11_with_findings_and_no_trace(checkout: Path) -> None:
    """A script gets exit 11 and JSON findings, a person the place and the cure, and neither a stack trace."""
    before = fingerprint(checkout)
    spoil(checkout, cell("originator", "nobody"))

    done = command(checkout, "publish", "--offline", "--json")
    answer = json.loads(done.stdout)

    assert done.returncode == 11
    assert answer["error"] == "E_VALIDATION"
    assert answer["findings"][0]["place"].startswith(f"{LEDGER}:")
    assert "Traceback" not in done.stderr
    assert fingerprint(checkout) == before


def test_a_single_case_is_stopped_at_the_gate_with_exit_12(checkout: Path) -> None:
    """A figure of exactly one complaint never leaves."""
    before = fingerprint(checkout)
    spoil(
        checkout,
        lambda rows: next(row for row in rows if row["unit"] == "complaint").update(value="1", qualifier="exact"),
    )

    done = spoken(checkout, "publish", "--offline")

    assert done.returncode in {11, 12}, done.stderr
    assert fingerprint(checkout) == before


@pytest.mark.exam
def test_a_figure_of_the_ledger_and_a_table_of_the_register_never_prove_a_small_number(
    checkout: Path, tmp_path: Path
) -> None:
    """Three women of a year: refused while the coalition's own figure tells it, published when the ledger is silent."""
    rules = yaml.safe_load((checkout / "schemas" / "disclosure.yml").read_text(encoding="utf-8"))
    rules["register"]["tables"] = {"register_complaints_by_sex": {"by": ["year", "sex"], "title": {}}}
    (checkout / "schemas" / "disclosure.yml").write_text(yaml.safe_dump(rules, allow_unicode=True), encoding="utf-8")
    rows = [row | {"sex": "male"} for row in registers.cases(3, years=range(2024, 2026))]
    rows[:3] = [row | {"sex": "female"} for row in rows[:3]]
    register = registers.write(tmp_path / "register.csv", rows)
    key = tmp_path / "key"
    key.touch(0o600)
    key.write_text("an invented key of the tests")
    words = ("--offline", "--json", "--register", str(register), "--key-file", str(key))
    claims, before = checkout / "sources" / "coalition" / "claims.csv", fingerprint(checkout)
    silent = claims.read_text(encoding="utf-8")
    row = next(one for one in csv.DictReader(silent.splitlines()) if one["claim_id"] == "coalition-2020women-women")
    told = row | {"claim_id": "invented-2024-women", "value": "3", "printed": "3", "period_words": "2024", "note": "",
                  "period_start": "2024-01-01", "period_end": "2024-12-31"}  # fmt: skip
    with claims.open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, list(row), lineterminator="\n").writerow(told)

    refused = command(checkout, "publish", *words)

    assert refused.returncode == 12, refused.stderr
    assert "figures known from elsewhere" in refused.stderr
    assert fingerprint(checkout) == before
    assert not list((checkout / "register").glob("*"))
    claims.write_text(silent, encoding="utf-8")
    done = command(checkout, "publish", *words)
    assert done.returncode == 0, done.stderr
    assert (checkout / "data" / "register_complaints_by_sex.csv").read_bytes() == (
        checkout / "register" / "0001" / "register_complaints_by_sex.csv"
    ).read_bytes()
