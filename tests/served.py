"""The real package behind a real server, as `make serve` starts it: what the tests of the public face share."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import registers

from pipeline import assemble, build, ledger, project, protect, publish, vintages
from pipeline.protect import design, leaving, register
from pipeline.reconcile import tables as reconciled
from pipeline.serve import describe

HOME = Path(__file__).resolve().parent.parent
TOPICS = (
    "complaints", "prosecutions", "monitoring_visits", "victim_support", "training", "international_review", "law",
    "places_of_detention",
)  # fmt: skip
COUNTED = ("register_by_year_and_region", "register_by_outcome", "register_by_sex")
DERIVED = ("series", "conflicts", "conflict_claims", "partitions", "coverage", "vintages", "revisions")


def schema_files() -> dict[str, dict[str, Any]]:
    """Every Table Schema by the name of its file."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (HOME / "schemas").glob("*.json")}


def schemas() -> dict[str, dict[str, Any]]:
    """The Table Schema of every published resource."""
    own, lists = schema_files(), sorted(path.stem for path in (HOME / "schemas" / "codes").glob("*.csv"))
    return {
        name: own.get(name, own["code_list"])
        for name in (*TOPICS, "milestones", "documents", "captures", *DERIVED, *lists)
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(home: Path, port: int) -> subprocess.Popen[str]:
    """`make serve` on that port, back as soon as it has said its address."""
    words = [sys.executable, "-m", "pipeline", "serve", "--home", str(home), "--port", str(port)]
    running = subprocess.Popen(words, cwd=HOME, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    line = running.stderr.readline()
    if line != f"Open http://127.0.0.1:{port}/ (stop with Ctrl-C)\n":
        running.terminate()
        pytest.fail(line + running.communicate(timeout=30)[1])
    return running


@contextmanager
def client(home: Path, timeout: float = 30) -> Iterator[httpx.Client]:
    """A client of a real server over what `home` has published; the server ends with it."""
    port = free_port()
    running = start(home, port)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=timeout, trust_env=False) as asked:
            yield asked
    finally:
        running.terminate()
        running.communicate(timeout=30)


def released(home: Path) -> Path:
    """The release that publish makes of the ledger in `home`, live; what refuses has no say: half the time."""
    workspace = build.Workspace(home)
    book, tables, _ = build.reconciled(workspace)
    public = protect.public_tables(tables, home / "schemas" / "disclosure.yml")
    with publish.lock(workspace.build):
        staged = publish.stage(public, home, created=book.newest_recorded_on())
        project.project(staged, home)
        publish.go_live(staged, home)
    return workspace.current.resolve()


def published(folder: Path) -> Path:
    """A checkout that has published the real ledger: build/current names a whole release."""
    (folder / "schemas").mkdir(parents=True)
    shutil.copy(HOME / "schemas" / "package.yml", folder / "schemas")
    shutil.copy(HOME / "metadata.yml", folder)
    book = ledger.read(HOME)
    tables, _ = assemble.tables(book, schema_files())
    tables += vintages.tables(book, schema_files(), ledger.BREAKDOWNS)
    tables += reconciled.tables(book, schema_files())
    public = protect.public_tables(tables, HOME / "schemas" / "disclosure.yml")
    public += protect.register_tables(counted(folder / "counted"))
    told = {one.name: one.table.schema for one in public}
    kept = describe.refresh((folder / "metadata.yml").read_text(encoding="utf-8"), told)
    (folder / "metadata.yml").write_text(kept, encoding="utf-8")
    staged = publish.stage(public, folder, created=book.newest_recorded_on())
    project.project(staged, folder)
    (folder / "build" / "releases").mkdir(exist_ok=True)
    release = staged.rename(folder / "build" / "releases" / "0a")
    (folder / "build" / "current").symlink_to(release)
    return folder


def counted(folder: Path) -> Path:
    """Tables of an invented register, with every status that a rounded one has; a table by sex is withheld."""
    plan = folder.with_suffix(".yml")
    columns = dict(zip(COUNTED, (["year", "region"], ["outcome"], ["sex"]), strict=True))
    plan.write_text(json.dumps({"zeros_said": ["outcome"], "tables": columns}), encoding="utf-8")
    told, years = design.read(plan), ["2024", "2025"]
    rows = [row | {"outcome": "pending"} for row in registers.cases(5, 40, range(2024, 2026))]
    cases = register.read(registers.write(folder.with_suffix(".csv"), rows), "2026-11-24")
    values = leaving._rounded(cases, told, list(told.tables), years, b"an invented key of the tests", [], {})
    assert values is not None
    leaving._write(folder, told, years, values, list(told.tables)[:2], [])
    return folder
