"""The corridor: from the ledger to a release, one stage after another.

Only this room calls the stages; they do not know each other. It decides what a finding means for the run,
and writes build/run.json whatever happens.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline import errors, files
from pipeline.records import BREAKDOWNS, Finding, Ledger, PublicTable, Row, Table

if TYPE_CHECKING:
    from pipeline.accepting import Accepted
    from pipeline.visiting import Round, World

Say = Callable[[str], None]
Counted = tuple[list[PublicTable], list[str]]
COPIES: Final = ("bake", "deposit", "stats")  # of a release, made on demand: they say what a redaction takes away
SHOWN: Final = 20  # findings quoted in a message; build/run.json holds all


def silent(_step: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where a run reads and writes, and how it tells its steps."""

    home: Path
    say: Say = silent

    @property
    def build(self) -> Path:
        """Everything derived; not in git."""
        return self.home / "build"

    @property
    def current(self) -> Path:
        """The last good release."""
        return self.build / "current"


@dataclass(frozen=True, slots=True)
class Register:
    """A private register to count: its file, the secret key, and the day after which a day is in the future."""

    file: Path
    key_file: Path
    today: str


@dataclass(frozen=True, slots=True)
class Run:
    """What a run did, as build/run.json tells it.

    `outcome` is published, unchanged or refused; `changes` counts rows added, removed and altered per table;
    `changed_files` are the tracked files rewritten; `register` tells what the keeper of a register should know; `met`
    is what the visits met, None where none was wanted; `accepted` are claims of known series taken from new pages,
    `waiting` counts what waits in build/review.csv.
    """

    outcome: str
    release: str = ""
    sources: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    tables: Mapping[str, int] = field(default_factory=dict)
    changes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    changed_files: Sequence[str] = ()
    expectations: int = 0
    findings: Sequence[Finding] = ()
    error: str = ""
    register: Sequence[str] = ()
    met: Round | None = None
    accepted: Sequence[str] = ()
    waiting: int = 0


def publish(workspace: Workspace, world: World | None = None, register: Register | None = None) -> Run:
    """Visit the publishers, if `world` is given, and carry the ledger and a register to a live release.

    Raises: the refusals of errors.py; after any of them the last good release still stands, untouched.
    """
    from pipeline import project as projecting
    from pipeline import publish as publishing

    with publishing.lock(workspace.build):
        met = visit(workspace, world) if world else None
        taken = take_known(workspace, met, world) if met and world else None
        book, public, findings, expectations = check(workspace)
        with counted(workspace, register, book.claims) as (tables, told):
            public += tables
            workspace.say("writing every format")
            staged = publishing.stage(public, workspace.home, created=book.newest_recorded_on())
            workspace.say("saying it again for libraries, portals and archives")
            projecting.project(staged, workspace.home)
            workspace.say("judging the finished package")
            judge(workspace, staged)
            workspace.say("going live")
            changes = publishing.changes(workspace.current, staged)
            before = workspace.current.resolve().name
            release = publishing.go_live(staged, workspace.home)
            described = _describe(workspace.home, public)
    return _told(
        workspace,
        Run(
            outcome="unchanged" if release.id == before and not (release.changed or described) else "published",
            release=release.id,
            sources=book.sources,
            tables=release.tables,
            changes=changes,
            changed_files=(
                *(met.changed if met else ()),
                *(taken.files if taken else ()),
                *release.changed,
                *described,
            ),
            expectations=expectations,
            findings=findings,
            register=told,
            met=met,
            accepted=taken.claims if taken else (),
            waiting=taken.waiting if taken else 0,
        ),
    )


def redact(workspace: Workspace, claim: str, reason: str, day: str) -> tuple[Run, list[str], list[str]]:
    """What was published without the claim's number and words, the releases that are gone, and who still says it.

    Raises: UsageError from redaction.redact; the refusals of publish, after which the ledger is emptied already and
    the live release still holds the figure: mend what it says and run again.
    """
    from pipeline import publish as publishing
    from pipeline import redaction

    rewritten, still = redaction.redact(workspace.home, claim, reason, day)
    for copy in COPIES:
        shutil.rmtree(workspace.build / copy, ignore_errors=True)
    (workspace.build / "review.csv").unlink(missing_ok=True)
    run = publish(workspace)
    with publishing.lock(workspace.build):
        gone = publishing.withdraw_others(workspace.home, reason)
    return replace(run, changed_files=(*rewritten, *run.changed_files)), gone, still


def visit(workspace: Workspace, world: World) -> Round:
    """What the publishers answered; a fault of theirs, or of what should reach them, stops nothing."""
    from pipeline import visiting

    workspace.say("visiting the publishers")
    try:
        return visiting.visits(workspace.home, world)
    except errors.BadSource as error:
        return visiting.Round(why=f"No publisher was visited. {error}", refused=(str(error),))


def take_known(workspace: Workspace, met: Round, world: World) -> Accepted:
    """The figures of known series that new pages say, in the ledger if it holds with them; the rest waits."""
    from pipeline import accepting

    workspace.say("looking for figures of known series")
    return accepting.take_known(
        workspace.home, met.fresh, world.now().date(), lambda home: check(replace(workspace, home=home))
    )


@contextmanager
def counted(workspace: Workspace, register: Register | None, claims: Sequence[Row]) -> Iterator[Counted]:
    """The register's tables: those of `register`, kept in register/ if the run ends well, else those kept last.

    Shape: the tables, and what their keeper should know of them.
    """
    from pipeline import protect

    home, swept = workspace.home, []
    for rest in sorted((home / "register").glob(f"{files.TEMPORARY}*")):
        swept += protect.settled(rest.with_name(rest.name.removeprefix(files.TEMPORARY)))
    kept = sorted(path for path in (home / "register").glob("[0-9]*") if path.is_dir())
    if register is None:
        newest, told = kept[-1] if kept else None, swept
        if newest and not all(_same(path, home / "data" / path.name) for path in newest.glob("*.csv")):
            told.append(f"register/{newest.name} was certified by a run that did not end; it goes live now.")
        yield protect.register_tables(newest) if newest else [], told
        return
    workspace.say("counting the register, and attacking what was counted")
    fresh, design = home / "register" / f"{len(kept) + 1:04d}", home / "schemas" / "disclosure.yml"
    left = protect.protected(register.file, fresh, register.key_file, design, home, register.today, kept, claims=claims)
    try:
        yield protect.register_tables(fresh), [*swept, *left.sentences()]
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def _same(one: Path, other: Path) -> bool:
    """Whether there is the other file as well, byte for byte."""
    return other.is_file() and other.read_bytes() == one.read_bytes()


def check(workspace: Workspace) -> tuple[Ledger, list[PublicTable], list[Finding], int]:
    """The corridor as far as the gate: the ledger read, assembled, validated and cleared. Writes nothing.

    Shape: the ledger, the public tables, the findings that are only notices, how many expectations were met.
    Raises: ValidationRefused when a finding is grave; NotPublishable from the gate.
    """
    from pipeline import protect

    book, tables, findings = reconciled(workspace)
    expectations = 0
    if not _grave(findings):
        from pipeline.validate import suites  # great-expectations: seconds to load, so only for clean tables

        unmet, expectations = suites.expectations(tables, workspace.home / "schemas" / "expectations")
        findings += unmet
    try:
        findings = _without_grave(book, findings)
    except errors.ValidationRefused:
        _told(workspace, Run(outcome="refused", sources=book.sources, findings=_placed(book, findings)))
        raise
    workspace.say("guarding what leaves")
    return book, protect.public_tables(tables, workspace.home / "schemas" / "disclosure.yml"), findings, expectations


def reconciled(workspace: Workspace) -> tuple[Ledger, list[Table], list[Finding]]:
    """The corridor as far as reconciliation: every table of the package, and what is wrong with it so far.

    Shape: after a grave finding the tables of history and reconciliation are missing.
    """
    from pipeline import assemble, ledger, vintages
    from pipeline.reconcile import tables as reconciliation
    from pipeline.validate import tables as compiled

    workspace.say("reading the ledger")
    book = ledger.read(workspace.home)
    workspace.say("assembling the tables")
    schemas = table_schemas(workspace.home)
    tables, misfits = assemble.tables(book, schemas)
    workspace.say("validating")
    findings = [*book.findings, *misfits, *compiled.findings(tables)]
    if not _grave(findings):
        workspace.say("reconciling the claims")
        clean = {table.name for table in tables}
        tables += vintages.tables(book, schemas, BREAKDOWNS)
        tables += reconciliation.tables(book, schemas)
        findings += compiled.findings(tables, clean)
    return book, tables, findings


def explain(workspace: Workspace, claim_id: str) -> dict[str, Any]:
    """The passport of one claim, as the ledger holds it now (see explain.passport).

    Raises: UsageError for a claim the ledger never held; ValidationRefused when the ledger has a grave finding.
    """
    from pipeline import explain as explaining

    book, tables, findings = reconciled(workspace)
    _without_grave(book, findings)
    return explaining.passport({table.name: table for table in tables}, claim_id)


def rows(workspace: Workspace, *names: str) -> dict[str, list[dict[str, str | None]]]:
    """The rows of the named tables, as the ledger gives them now; whether expectations hold is for check to say.

    Raises: ValidationRefused when the ledger has a grave finding; NotPublishable from the gate.
    """
    from pipeline import protect

    book, tables, findings = reconciled(workspace)
    _without_grave(book, findings)
    asked = [table for table in tables if table.name in names]
    public = protect.public_tables(asked, workspace.home / "schemas" / "disclosure.yml")
    return {one.name: one.table.rows.to_dicts() for one in public}


def judge(workspace: Workspace, staged: Path) -> None:
    """Let frictionless judge the finished package; anything it says, a warning included, is a refusal."""
    from pipeline.validate import finished

    findings = finished.judge(staged)
    if findings:
        _told(workspace, Run(outcome="refused", findings=findings))
        raise errors.ValidationRefused(_refusal(findings), [asdict(finding) for finding in findings])


def _describe(home: Path, public: Sequence[PublicTable]) -> list[str]:
    """Bring metadata.yml in step with the schemas, CITATION.cff with the release: those that had to be rewritten."""
    from pipeline.serve import describe

    metadata = (home / "metadata.yml").read_text(encoding="utf-8")
    fresh = {
        "CITATION.cff": (home / "build" / "current" / "CITATION.cff").read_text(encoding="utf-8"),
        "metadata.yml": describe.refresh(metadata, {one.name: one.table.schema for one in public}),
    }
    changed = [
        name for name, text in fresh.items() if not (home / name).is_file() or (home / name).read_text("utf-8") != text
    ]
    for name in changed:
        files.save(home / name, fresh[name])
    return changed


def table_schemas(home: Path) -> dict[str, Any]:
    """Every Table Schema of schemas/, by resource name.

    Raises: BadLedger for a schema that is not JSON.
    """
    schemas = {}
    for path in sorted((home / "schemas").glob("*.json")):
        try:
            schemas[path.stem] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise errors.BadLedger(f"schemas/{path.name}: not JSON ({error}). Restore it from git.") from error
    return schemas


def _place(book: Ledger, row: str) -> str:
    """Where the row of a key stands in the ledger, of a version as "id,2" its own line; "" if unknown."""
    claim, *version = row.split(",")[:2]
    return book.places.get(" version ".join([claim, *version])) or book.places.get(claim, "")


def _placed(book: Ledger, findings: Sequence[Finding]) -> list[Finding]:
    return [replace(finding, place=finding.place or _place(book, finding.row)) for finding in findings]


def _without_grave(book: Ledger, findings: Sequence[Finding]) -> list[Finding]:
    """The findings with their places. Raises: ValidationRefused when one is grave."""
    placed = _placed(book, findings)
    if _grave(placed):
        raise errors.ValidationRefused(_refusal(placed), [asdict(finding) for finding in placed])
    return placed


def _grave(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity == "grave"]


def _refusal(findings: Sequence[Finding]) -> str:
    """One paragraph for the terminal: each grave finding with its place, rule and cure; never a cell."""
    grave = _grave(findings)
    lines = [f"{len(grave)} grave finding{'s' * (len(grave) > 1)}; nothing was published."]
    for finding in grave[:SHOWN]:
        where = " ".join(part for part in (finding.place, finding.table, finding.row, finding.field) if part)
        lines.append(f"  {where}: [{finding.check}] {finding.sentence}. {finding.cure[:1].upper()}{finding.cure[1:]}.")
    if len(grave) > SHOWN:
        lines.append(f"  … and {len(grave) - SHOWN} more in build/run.json.")
    return "\n".join(lines)


def _told(workspace: Workspace, run: Run) -> Run:
    """The same run, once build/run.json holds it."""
    text = json.dumps(asdict(run), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    files.save(workspace.build / "run.json", text)
    return run
