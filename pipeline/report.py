"""What a person reads at the end of a command, and the JSON twin of it.

Knows nouns and numbers, and a cell only where it was asked for. People's text goes to stderr, the answer of explain
and the one JSON document to stdout.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from pipeline import explain
from pipeline.records import Document, Finding, PublicTable, Release

if TYPE_CHECKING:
    from pathlib import Path

    import polars

    from pipeline.accepting import Accepted
    from pipeline.archive import Taken
    from pipeline.build import Run
    from pipeline.protect.attack import Verdict
    from pipeline.protect.leaving import Left
    from pipeline.publish.verify import Fault
    from pipeline.reconcile.answer import Answer
    from pipeline.visiting import Round

ALARMS_SHOWN: Final = 6
TABLES_SHOWN: Final = 8
NOTICES_SHOWN: Final = 3
SHOWN: Final = 20  # errors listed for a person; --json holds all
PEOPLE = Console(stderr=True, highlight=False)


def say(step: str) -> None:
    """Tell a step of the corridor, on a terminal only: a log needs the end, not the way."""
    if PEOPLE.is_terminal:
        PEOPLE.print(f"[dim]· {step}[/dim]")


def run(told: Run, *, offline: bool, as_json: bool) -> None:
    """The end of publish: how each source is, what changed, and what to look at."""
    if as_json:
        _document(asdict(told))
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
        _document({"tables": tables, "expectations": expectations, "findings": [asdict(one) for one in findings]})
    _notices(findings)
    PEOPLE.print(f"{len(tables)} tables, {sum(tables.values()):,} rows and {expectations} expectations hold.")


def verdict(answer: Mapping[str, Any], *, as_json: bool) -> None:
    """The end of validate: valid or not, errors by type, and where we are stricter than frictionless."""
    if as_json:
        _document(answer)
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


def reconciled(answer: Answer) -> None:
    """The end of reconcile: each contradiction in words, what was set aside, how many bounds follow."""
    for one in answer.conflicts:
        PEOPLE.print(f"[bold]{', '.join(one.claims)}[/bold]\n  {one.explanation['en']}")
    if answer.conflicts:
        PEOPLE.print(f"Set aside before the bounds were drawn: {', '.join(answer.set_aside)}.")
    PEOPLE.print(
        f"{len(answer.conflicts):,} contradictions; {answer.bounds.height:,} bounds follow (--json lists them)."
    )


def conflicts(rows: Sequence[Mapping[str, str | None]], *, as_json: bool) -> None:
    """The end of conflicts: each disagreement with its kind, cause and arithmetic."""
    if as_json:
        _document({"conflicts": list(rows)})
    for row in rows:
        PEOPLE.print(f"[bold]{row['kind']}[/bold] ({row['cause']})  [dim]{row['conflict_id']}[/dim]")
        PEOPLE.print(f"  {row['explanation_en']}\n  [dim]{row['claims']}[/dim]\n")
    PEOPLE.print(f"{len(rows)} disagreements. All figures stand; none is corrected.")


def explained(passport: Mapping[str, Any], *, as_json: bool) -> None:
    """The passport of a claim: the answer itself, so people's text goes to stdout as well."""
    if as_json:
        _document(passport)
    else:
        print("\n".join(explain.lines(passport)))


def differences(delta: polars.DataFrame, *, as_json: bool) -> None:
    """The end of diff: how many rows and cells differ in each table, and the first of them; --json lists all."""
    if as_json:
        _document({"differences": delta.to_dicts()})
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
        _document({"verified": not faults, "faults": [one._asdict() for one in faults], "verdict": said})
    for one in faults[:SHOWN]:
        PEOPLE.print(f"{one.code} {one.where}: {one.sentence}.", soft_wrap=True, markup=False)
    PEOPLE.print(said, soft_wrap=True)


def rolled_back(release: Release, *, as_json: bool) -> None:
    """The end of rollback: what is live, and what the next publish will do."""
    if as_json:
        _document(asdict(release))
    PEOPLE.print(f"Release {release.id} is live again. Rewritten here: {', '.join(release.changed) or 'nothing'}.")
    PEOPLE.print("The ledger was not touched: correct it before the next publish, which goes forward to what it holds.")


def redacted(told: Run, gone: Sequence[str], still: Sequence[str], *, as_json: bool) -> None:
    """The end of redact: what holds the figure no more, and what nobody can recall from here."""
    if as_json:
        _document(
            {"release": told.release, "withdrawn": gone, "changed_files": told.changed_files, "still_said": still}
        )
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


def protected(left: Left, folder: str, *, as_json: bool) -> None:
    """The end of protect: which tables left, and which were withheld whole."""
    if as_json:
        _document({"release": left.release, "tables": left.tables, "withheld": left.withheld})
    for table in left.withheld:
        PEOPLE.print(f"[yellow]withheld[/yellow] {table}: it could not be made safe together with the others.")
    PEOPLE.print(
        f"Release {left.release}: {len(left.tables) - len(left.withheld)} tables in {folder}, attacked and certified."
    )


def attacked(verdict: Verdict, *, as_json: bool) -> None:
    """The end of attack: each cell that is proved, by whom and between which numbers. For the keeper's eyes only."""
    if as_json:
        _document({"safe": verdict.safe, "cells": verdict.cells, "proved": verdict.proved, "broken": verdict.broken})
    for one in verdict.proved[:SHOWN]:
        key = ", ".join(f"{name} {code}" for name, code in one["key"].items())
        PEOPLE.print(f"{one['table']} {key}: between {one['low']} and {one['high']} ({one['scenario']})", markup=False)
    for sentence in verdict.broken[:SHOWN]:
        PEOPLE.print(sentence, markup=False)
    PEOPLE.print("Safe." if verdict.safe else "Not safe. This answer is private.")


def visited(met: Round, *, as_json: bool = False) -> None:
    """How each source is, and what to do about those that are not well, the worst first."""
    if as_json:
        _document(asdict(met))
    PEOPLE.print()
    for sentence in met.refused:
        PEOPLE.print(f"[red]mend[/red] {escape(sentence)}")
    if met.why:
        PEOPLE.print(met.why)
        return
    grid = Grid("source", "state", "since", "last new page", "", box=None, pad_edge=False)
    for source, told in met.states.items():
        loud = sum(one["source"] == source for one in met.alarms)
        said = [f"{loud} to do, see below"] if loud else []
        if told["problems"] > loud:
            said.append(f"{told['problems'] - loud} seen once: wait for the next visit")
        grid.add_row(source, _coloured(told["state"]), told["since"], told["last_new"] or "", "; ".join(said))
    PEOPLE.print(grid)
    PEOPLE.print(
        f"\n{len(met.asked)} sources visited, {met.captures:,} answers archived, {met.parsed:,} pages read anew."
    )
    if met.evidence:
        checked = ", ".join(f"{count} {code.replace('_', ' ')}" for code, count in sorted(met.evidence.items()))
        PEOPLE.print(f"Figures looked for in their archived page: {checked}.")
    _to_do(met.alarms)


def _to_do(alarms: Sequence[Mapping[str, Any]]) -> None:
    """What was seen twice or more, and what to do about it."""
    if alarms:
        PEOPLE.print(f"\n[bold]What to do[/bold], the worst first ({len(alarms)}):")
    for number, one in enumerate(alarms[:ALARMS_SHOWN], 1):
        seen = f"{number}. [bold]{one['source']}[/bold] {_coloured(one['state'])} since {one['first_seen']}"
        PEOPLE.print(Padding(f"{seen}: {escape(one['why'])} [dim]{one['id']}[/dim]", (0, 0, 0, 1)))
        for line in one["cure"].splitlines():
            if line.startswith("python"):  # a command is one line, to be copied
                PEOPLE.print(f"    [bold]{escape(line)}[/bold]", soft_wrap=True)
            else:
                PEOPLE.print(Padding(escape(line), (0, 0, 0, 4)))
    if len(alarms) > ALARMS_SHOWN:
        PEOPLE.print(f"… and {len(alarms) - ALARMS_SHOWN} more in build/health.json.")


def _coloured(state: str) -> str:
    colour = "green" if state in ("ok", "unchanged") else "yellow" if state in ("edited", "silent") else "red"
    return f"[{colour}]{state}[/{colour}]"


def taken(answers: Taken, *, as_json: bool) -> None:
    """The end of archive import: what became of each answer."""
    if as_json:
        _document(asdict(answers))
    left = "".join(f"; {count} left out: {reason}" for reason, count in answers.left_out.items())
    PEOPLE.print(f"{answers.captures} answers taken in, {answers.held} held already{left}.")


def tables(document: Document, findings: Sequence[Finding], *, as_json: bool) -> None:
    """The tables of a document: the answer itself, so they go to stdout; what was left out or not read to stderr."""
    if as_json:
        told = [{"rows": one.rows, "page": one.page, "at": one.at, "engine": one.engine} for one in document.tables]
        _document({"tables": told, "findings": [asdict(one) for one in findings]})
    for one in document.tables if not as_json else ():
        grid = Grid(title=escape(f"{one.at} ({one.engine})"), title_justify="left", show_header=False, show_lines=True)
        for row in one.rows:
            grid.add_row(*map(escape, row))
        Console(highlight=False).print(grid)
    for finding in findings:
        PEOPLE.print(
            f"{finding.check} {finding.row}: {finding.sentence}. {finding.cure}.", markup=False, soft_wrap=True
        )
    PEOPLE.print(f"{len(document.tables)} tables.")


def proposed(answer: Mapping[str, Any], text: str, sentences: Sequence[tuple[int, int]], *, as_json: bool) -> None:
    """The end of propose: each sentence with its numbers marked, and below it what each of them became."""
    if as_json:
        _document(answer)
        return
    colours = {"proposed": "green", "refused": "red", "ignored": "dim"}
    shown: tuple[int, int] | None = None
    for number, (start, end) in zip(answer["numbers"], sentences, strict=True):
        if (start, end) != shown:
            shown = (start, end)
            line = Text(text[start:end].strip())
            offset = start + len(text[start:end]) - len(text[start:end].lstrip())
            for other in answer["numbers"]:
                if start <= other["start"] < end:
                    style = f"underline {colours[other['decision']]}"
                    line.stylize(style, other["start"] - offset, other["end"] - offset)
            PEOPLE.print()
            PEOPLE.print(line)
        facts = [number[key] for key in ("indicator", "unit", "period_start", "period_end", "area") if number[key]]
        facts += [f"{column}={code}" for column, code in number["breakdown"].items()]
        told = " ".join(facts) if number["decision"] == "proposed" else number["reason"]
        before = f"  (decided before: {number['decided_before']})" if number["decided_before"] else ""
        before += f"  (it stood at {number['moved_from']})" if number["moved_from"] else ""
        PEOPLE.print(
            f"  {number['printed']}: {number['decision']}  {told}{before}", style=colours[number["decision"]],
            markup=False, soft_wrap=True,
        )  # fmt: skip
    for gone in answer["gone"]:
        PEOPLE.print(f"gone: the sentence of {gone['claim_id'] or gone['printed']} is no longer there", markup=False)
    counts = Counter(number["decision"] for number in answer["numbers"])
    PEOPLE.print(
        f"\n{counts['proposed']} proposed, {counts['refused']} refused, {counts['ignored']} ignored; "
        f"{len(answer['alarms'])} refused inside the source's scope. Review build/review.csv, then: "
        "python -m pipeline accept"
    )


def accepted(done: Accepted, *, as_json: bool) -> None:
    """The end of accept: what is in the ledger now."""
    if as_json:
        _document(asdict(done))
    for claim in done.claims:
        PEOPLE.print(f"  + {claim}", markup=False)
    PEOPLE.print(
        f"{len(done.claims)} accepted, {done.rejected} rejected, {done.waiting} still wait. "
        "Commit sources/, then: make publish"
    )


def begun(made: Sequence[str]) -> None:
    """The end of source new: what to read and what to edit."""
    for path in made:
        PEOPLE.print(f"  + {path}", markup=False)
    PEOPLE.print("Edit source.yml; compare expected.txt with the page and write your name in its first line.")


def summary(rows: Mapping[str, Sequence[Mapping[str, str | None]]], *, as_json: bool) -> None:
    """The end of reconcile without a file: the ledger's disagreements by kind, and its years by agreement."""
    if as_json:
        _document(rows)
    for table, column, noun in (("conflicts", "kind", "disagreements"), ("series", "agreement", "years of series")):
        told = ", ".join(f"{count} {code}" for code, count in Counter(row[column] for row in rows[table]).items())
        PEOPLE.print(f"{len(rows[table])} {noun}: {told}.", soft_wrap=True)
    PEOPLE.print("Next: python -m pipeline conflicts tells each in words.")


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


def _document(answer: Mapping[str, Any]) -> None:
    print(json.dumps(answer, ensure_ascii=False, indent=1))
