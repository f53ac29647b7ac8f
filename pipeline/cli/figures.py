"""Commands for figures: read from documents, taken into the ledger, compared, explained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import HERE, Home, Json, today

app = typer.Typer()
sources = typer.Typer(no_args_is_help=True, help="The sources of the catalogue.")
app.add_typer(sources, name="source")


@app.command()
def reconcile(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="A CSV of claims: claim_id, group, area, period_start, period_end, value, qualifier, trust. "
            "Without it: the ledger."
        ),
    ] = None,
    json_: Json = False,
    home: Home = HERE,
) -> None:
    """Say which claims of a file cannot be true together, and between which numbers each year must lie."""
    from pipeline import build
    from pipeline.reconcile import answer, reading
    from pipeline.report import figures as report
    from pipeline.report import say

    if file is None:
        report.summary(build.rows(build.Workspace(home, say), "conflicts", "series"), as_json=json_)
        return
    found = answer.answer(reading.claims(file))
    if json_:
        for piece in answer.document(found):
            print(piece, end="")
    report.reconciled(found)


@app.command()
def conflicts(json_: Json = False, home: Home = HERE) -> None:
    """Show where the published figures of the ledger disagree, of which kind, and why as far as is known."""
    from pipeline import build
    from pipeline.report import figures as report
    from pipeline.report import say

    report.conflicts(build.rows(build.Workspace(home, say), "conflicts")["conflicts"], as_json=json_)


@app.command()
def explain(
    claim: Annotated[str, typer.Argument(help="The claim_id of a figure, as it stands in the tables.")],
    json_: Json = False,
    home: Home = HERE,
) -> None:
    """Show the passport of one figure: who said it, where, about when, its changes, rivals, bounds, and how to cite."""
    from pipeline import build
    from pipeline.report import figures as report
    from pipeline.report import say

    report.explained(build.explain(build.Workspace(home, say), claim), as_json=json_)


@app.command()
def tables(
    file: Annotated[Path, typer.Argument(help="A web page, PDF, DOCX, DOC, XLSX, XLS or ODS file.")],
    json_: Json = False,
) -> None:
    """Show each table of a document as a reader would see it: spanned cells repeated, hidden ones left out."""
    from pipeline import extract
    from pipeline.extract import checks
    from pipeline.report import figures as report

    document = extract.read_file(file)
    report.tables(document, [*document.findings, *checks.findings(document)], as_json=json_)


@app.command()
def propose(
    target: Annotated[str, typer.Argument(help="A document, or an address that was archived.")],
    source: Annotated[str, typer.Option(help="The source it belongs to: a folder of sources/.")] = "",
    said_on: Annotated[str, typer.Option(help="The day of the document, YYYY-MM-DD: relative periods need it.")] = "",
    language: Annotated[str, typer.Option(help="ru, tg or en; without it each block tells by its letters.")] = "",
    url: Annotated[str, typer.Option(help="Where a file was published, if it was saved by hand.")] = "",
    json_: Json = False,
    home: Home = HERE,
) -> None:
    """Say of every number in a document whether it is proposed as a figure, ignored or refused, and why."""
    from pipeline import proposing
    from pipeline.report import figures as report

    told = proposing.propose(home, target, source_id=source, url=url, said_on=said_on, language=language)
    report.proposed(proposing.answer(told), told.text, [n.sentence for n in told.numbers], as_json=json_)


@app.command()
def accept(
    file: Annotated[Path | None, typer.Argument(help="A reviewed CSV; without it build/review.csv.")] = None,
    on: Annotated[str, typer.Option(help="The day to record, YYYY-MM-DD; without it today.")] = "",
    json_: Json = False,
    home: Home = HERE,
) -> None:
    """Append the rows of a review that say yes to the ledger; nothing is written unless all of it still holds."""
    from pipeline import accepting, build, proposing
    from pipeline.report import figures as report
    from pipeline.report import say

    day = proposing.day(on) or today()
    review = file or home / "build" / "review.csv"
    done = accepting.accept(home, review, day, lambda trial: build.check(build.Workspace(trial, say)))
    report.accepted(done, as_json=json_)


@sources.command("new")
def source_new(
    target: Annotated[str, typer.Argument(help="A document of the source, or an address that was archived.")],
    id_: Annotated[str, typer.Option("--id", help="The folder of sources/ to make.")],
    publisher: Annotated[str, typer.Option(help="A code of schemas/codes/bodies.csv.")],
    said_on: Annotated[str, typer.Option(help="The day of the document, YYYY-MM-DD.")] = "",
    language: Annotated[str, typer.Option(help="ru, tg or en; without it each block tells by its letters.")] = "",
    home: Home = HERE,
) -> None:
    """Begin a source: its source.yml, a test page and the figures it should give, which fail until someone reads."""
    from pipeline import accepting
    from pipeline.report import figures as report

    made = accepting.new_source(home, target, id_, publisher=publisher, said_on=said_on, language=language)
    report.begun(made)
