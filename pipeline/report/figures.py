"""The end of the commands for figures: read, accepted, at odds with each other, and the passport of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid
from rich.text import Text

from pipeline import explain
from pipeline.records import Document, Finding
from pipeline.report import PEOPLE, put

if TYPE_CHECKING:
    from pipeline.accepting import Accepted
    from pipeline.reconcile.answer import Answer


def reconciled(answer: Answer) -> None:
    """The end of reconcile: each contradiction in words, what was set aside, how many bounds follow."""
    for one in answer.conflicts:
        PEOPLE.print(f"[bold]{', '.join(one.claims)}[/bold]\n  {one.explanation['en']}")
    if answer.conflicts:
        PEOPLE.print(f"Set aside before the bounds were drawn: {', '.join(answer.set_aside)}.")
    PEOPLE.print(
        f"{len(answer.conflicts):,} contradiction{'s' * (len(answer.conflicts) != 1)}; "
        f"{answer.bounds.height:,} bounds follow (--json lists them)."
    )


def conflicts(rows: Sequence[Mapping[str, str | None]], *, as_json: bool) -> None:
    """The end of conflicts: each disagreement with its kind, cause and arithmetic."""
    if as_json:
        put({"conflicts": list(rows)})
    for row in rows:
        PEOPLE.print(f"[bold]{row['kind']}[/bold] ({row['cause']})  [dim]{row['conflict_id']}[/dim]")
        PEOPLE.print(f"  {row['explanation_en']}\n  [dim]{row['claims']}[/dim]\n")
    PEOPLE.print(f"{len(rows)} disagreements. All figures stand; none is corrected.")


def explained(passport: Mapping[str, Any], *, as_json: bool) -> None:
    """The passport of a claim: the answer itself, so people's text goes to stdout as well."""
    if as_json:
        put(passport)
    else:
        print("\n".join(explain.lines(passport)))


def summary(rows: Mapping[str, Sequence[Mapping[str, str | None]]], *, as_json: bool) -> None:
    """The end of reconcile without a file: the ledger's disagreements by kind, and its years by agreement."""
    if as_json:
        put(rows)
    for table, column, noun in (("conflicts", "kind", "disagreements"), ("series", "agreement", "years of series")):
        told = ", ".join(f"{count} {code}" for code, count in Counter(row[column] for row in rows[table]).items())
        PEOPLE.print(f"{len(rows[table])} {noun}: {told}.", soft_wrap=True)
    PEOPLE.print("Next: python -m pipeline conflicts tells each in words.")


def tables(document: Document, findings: Sequence[Finding], *, as_json: bool) -> None:
    """The tables of a document: the answer itself, so they go to stdout; what was left out or not read to stderr."""
    if as_json:
        told = [{"rows": one.rows, "page": one.page, "at": one.at, "engine": one.engine} for one in document.tables]
        put({"tables": told, "findings": [asdict(one) for one in findings]})
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
        put(answer)
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
        put(asdict(done))
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
