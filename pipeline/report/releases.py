"""The end of the commands for what was published, and whether it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table as Grid

from pipeline.records import Finding, PublicTable, Release
from pipeline.report import PEOPLE, SHOWN, put
from pipeline.report.visits import visited

if TYPE_CHECKING:
    from pathlib import Path

    import polars

    from pipeline.build import Run
    from pipeline.doctor import Told
    from pipeline.publish.verify import Fault

TABLES_SHOWN: Final = 8
NOTICES_SHOWN: Final = 3


def run(told: Run, *, offline: bool, as_json: bool) -> None:
    """The end of publish: how each source is, what changed, and what to look at."""
    if as_json:
        put(asdict(told))
    grid = Grid("source", "claims", "milestones", "documents", box=None, pad_edge=False)
    for source, counts in told.sources.items():
        grid.add_row(source, *(f"{counts[kind]:>10}" for kind in ("claims", "milestones", "documents")))
    PEOPLE.print(grid)
    rows = sum(told.tables.values())
    PEOPLE.print(f"\n{len(told.tables)} tables, {rows:,} rows; {told.expectations} expectations met.")
    _notices(told.findings)
    if told.outcome == "unchanged":
        PEOPLE.print(f"Unchanged: release {told.release} still stands, no tracked file was touched.")
    else:
        _changed(told)
    if offline:
        PEOPLE.print("Offline: no source was visited; this is what the ledger holds.")
    elif told.met:
        visited(told.met)
    for sentence in told.register:
        PEOPLE.print(sentence, markup=False)
    for claim in told.accepted:
        PEOPLE.print(f"  + {claim}, read in a sentence that its source always prints", markup=False)
    if told.waiting:
        PEOPLE.print(f"{told.waiting} figures of new pages wait in build/review.csv, each with its reason.")


def _changed(told: Run) -> None:
    """What a new release changes: the tables that changed most, and the files to commit."""
    largest = sorted(told.changes.items(), key=lambda item: -sum(item[1].values()))
    for table, counts in largest[:TABLES_SHOWN]:
        if said := ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count):
            PEOPLE.print(f"  {table}: {said}")
    if len(largest) > TABLES_SHOWN:
        PEOPLE.print(f"  … and {len(largest) - TABLES_SHOWN} more tables, in build/run.json")
    PEOPLE.print(f"Published: release {told.release}, in build/current.")
    if told.changed_files:
        PEOPLE.print(f"Rewritten here, to be committed: {', '.join(told.changed_files)}", soft_wrap=True)
    PEOPLE.print("Next: make serve, or git diff data/ to see what changed.")


def checked(public: Sequence[PublicTable], findings: Sequence[Finding], expectations: int, *, as_json: bool) -> None:
    """The end of check: how many tables and expectations hold."""
    tables = {one.name: one.table.rows.height for one in public}
    if as_json:
        put({"tables": tables, "expectations": expectations, "findings": [asdict(one) for one in findings]})
    _notices(findings)
    PEOPLE.print(f"{len(tables)} tables, {sum(tables.values()):,} rows and {expectations} expectations hold.")


def verdict(answer: Mapping[str, Any], *, as_json: bool) -> None:
    """The end of validate: valid or not, errors by type, and where we are stricter than frictionless."""
    if as_json:
        put(answer)
    PEOPLE.print("Valid." if answer["valid"] else "Not valid.")
    for kind, count in answer["counts"].items():
        PEOPLE.print(f"  {kind}: {count:,}")
    for one in answer["errors"][:SHOWN]:
        place = ", ".join(f"{name} {one[name]}" for name in ("resource", "row", "field") if one[name] is not None)
        PEOPLE.print(f"  {place}: {one['type']}")
    if len(answer["errors"]) > SHOWN:
        PEOPLE.print(f"  … and {len(answer['errors']) - SHOWN:,} more: see --json.")
    if answer["stricter"]:
        count = len(answer["stricter"])
        PEOPLE.print(f"Stricter than frictionless, and not counted above: {count:,} findings (see --json).")


def differences(delta: polars.DataFrame, *, as_json: bool) -> None:
    """The end of diff: how many rows and cells differ in each table, and the first of them; --json lists all."""
    if as_json:
        put({"differences": delta.to_dicts()})
    for one in delta.head(SHOWN).iter_rows(named=True):
        where = " ".join(part for part in (one["table"], one["key"], one["field"]) if part)
        cells = f": {one['old'] or 'nothing'} → {one['new'] or 'nothing'}" if one["change"] == "altered" else ""
        why = f" ({one['cause']})" if one["cause"] else ""
        PEOPLE.print(f"{one['change']} {where}{cells}{why}", soft_wrap=True, markup=False)
    if delta.height > SHOWN:
        PEOPLE.print(f"… and {delta.height - SHOWN:,} more (--json lists all).")
    counts = Counter(delta["table"].to_list())
    PEOPLE.print("; ".join(f"{name}: {count:,}" for name, count in counts.items()) if counts else "No difference.")


def verified(faults: Sequence[Fault], said: str, *, as_json: bool) -> None:
    """The end of verify: each fault, then the verdict."""
    if as_json:
        put({"verified": not faults, "faults": [one._asdict() for one in faults], "verdict": said})
    for one in faults[:SHOWN]:
        PEOPLE.print(f"{one.code} {one.where}: {one.sentence}.", soft_wrap=True, markup=False)
    PEOPLE.print(said, soft_wrap=True)


def rolled_back(release: Release, *, as_json: bool) -> None:
    """The end of rollback: what is live, and what the next publish will do."""
    if as_json:
        put(asdict(release))
    PEOPLE.print(f"Release {release.id} is live again. Rewritten here: {', '.join(release.changed) or 'nothing'}.")
    PEOPLE.print("The ledger was not touched: correct it before the next publish, which goes forward to what it holds.")


def redacted(told: Run, gone: Sequence[str], still: Sequence[str], *, as_json: bool) -> None:
    """The end of redact: what holds the figure no more, and what nobody can recall from here."""
    if as_json:
        put({"release": told.release, "withdrawn": gone, "changed_files": told.changed_files, "still_said": still})
    PEOPLE.print(f"Published without it: release {told.release}. Gone from this server: {len(gone)} older releases.")
    PEOPLE.print(f"Rewritten here, to be committed: {', '.join(told.changed_files)}", soft_wrap=True)
    for place in still:
        PEOPLE.print(
            f"[yellow]look[/yellow] {place}: still says the number. Is it the same figure? Then redact it too."
        )
    PEOPLE.print(
        "Not reached from here: the history of git, mirrors, readers' copies, the archive of pages. "
        "docs/correcting.md says what to do about each.", soft_wrap=True,
    )  # fmt: skip


def signed(place: Path) -> None:
    """The end of sign."""
    PEOPLE.print(f"Signed: {place.name} of release {place.parent.name}. Tell readers your public key by another way.")


def deposited(place: Path, written: Sequence[str], sent: str, *, as_json: bool) -> None:
    """The end of deposit: what was written, and what a person does next."""
    if as_json:
        put({"folder": place.as_posix(), "files": written, "draft": sent})
    PEOPLE.print(f"Written to {place.as_posix()}: {', '.join(written)}", soft_wrap=True)
    PEOPLE.print(
        f"A draft is at {sent}. Look at it there, and publish it there." if sent else "Nothing was sent.",
        soft_wrap=True,
    )


def examined(told: Sequence[Told], *, as_json: bool) -> None:
    """The end of doctor: each thing that was looked at, with its cure."""
    wrong = sum(one.state == "wrong" for one in told)
    if as_json:
        put({"well": not wrong, "checks": [asdict(one) for one in told]})
    for one in told:
        cure = f" Cure: {one.cure}" if one.cure else ""
        PEOPLE.print(f"{one.state:8} {one.about}: {one.sentence}.{cure}", soft_wrap=True, markup=False)
    PEOPLE.print(f"{wrong} of {len(told)} need a cure." if wrong else "This server is well.")


def converted(place: Path, written: Sequence[str], *, as_json: bool) -> None:
    """The end of stats."""
    if as_json:
        put({"folder": place.as_posix(), "files": written})
    PEOPLE.print(f"Written to {place.as_posix()}: {len(written)} files, a .dta and a .sav of each table and language.")


def _notices(findings: Sequence[Finding]) -> None:
    """Each notice; of one kind that is frequent the first few."""
    for check, count in Counter(finding.check for finding in findings).items():
        for finding in [one for one in findings if one.check == check][:NOTICES_SHOWN]:
            where = " ".join(part for part in (finding.place, finding.table, finding.row) if part)
            PEOPLE.print(
                f"[yellow]look[/yellow] {where}: {finding.sentence}. {finding.cure[:1].upper()}{finding.cure[1:]}."
            )
        if count > NOTICES_SHOWN:
            PEOPLE.print(f"… and {count - NOTICES_SHOWN} more of this kind in build/run.json.")
