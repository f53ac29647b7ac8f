"""One command per verb. Thin: reads arguments, calls build or one room, prints; imports nothing heavy.

People's text and progress go to stderr; with --json one document goes to stdout. Exit codes: errors.py.
"""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline import doctor, errors

TITLE = "The open record of torture complaints, prosecutions and monitoring in Tajikistan."
app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=TITLE)
archives = typer.Typer(no_args_is_help=True, help="The private archive of what publishers answered.")
app.add_typer(archives, name="archive")
sources = typer.Typer(no_args_is_help=True, help="The sources of the catalogue.")
app.add_typer(sources, name="source")
app.command()(doctor.doctor)
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Home = Annotated[Path, typer.Option("--home", help="The checkout to work in.", show_default=False)]
Contact = Annotated[
    str,
    typer.Option(
        envvar="CONTACT", show_default=False,
        help="How a publisher reaches you: a mail address or a page. Sent with every request.",
    ),
]  # fmt: skip
Only = Annotated[list[str] | None, typer.Option("--source", help="Visit only this source; may be repeated.")]
Workers = Annotated[
    str, typer.Option("--executor", help="Who fetches and reads: threads, processes, or dask://HOST:PORT.")
]
HERE = Path(__file__).resolve().parent.parent


@app.command()
def publish(
    *,
    json_: Json = False,
    offline: Annotated[bool, typer.Option("--offline", help="Visit no source: publish what the ledger holds.")] = False,
    source: Only = None,
    contact: Contact = "",
    executor: Workers = "threads",
    wayback: Annotated[
        bool, typer.Option("--wayback", help="Take the Wayback Machine's copy where a cited page is gone or refused.")
    ] = False,
    register: Annotated[Path | None, typer.Option(help="A private register to count anew.", show_default=False)] = None,
    key_file: Annotated[Path | None, typer.Option(help="The secret for it.", show_default=False)] = None,
    home: Home = HERE,
) -> None:
    """Visit the publishers, validate the ledger and publish it as a new release; what is unchanged changes nothing."""
    from pipeline import build, report, visiting

    world = None if offline else visiting.World(contact, source or (), executor, wayback)
    if (register is None) != (key_file is None):
        raise errors.UsageError("publish: --register and --key-file go together. Give both or neither.")
    counted = build.Register(register, key_file, _today()) if register and key_file else None
    run = build.publish(build.Workspace(home, report.say), world, counted)
    report.run(run, offline=offline, as_json=json_)
    if run.met and (run.met.alarms or run.met.refused):
        raise typer.Exit(errors.BadSource.exit_code)


@app.command()
def check(json_: Json = False, home: Home = HERE) -> None:
    """Do all that publish does up to the gate, and write no release."""
    from pipeline import build, report

    _, public, findings, expectations = build.check(build.Workspace(home, report.say))
    report.checked(public, findings, expectations, as_json=json_)


@app.command()
def validate(
    package: Annotated[Path, typer.Argument(help="A datapackage.json, or the folder that holds it.")],
    json_: Json = False,
) -> None:
    """Check any Data Package with CSV resources against its own schemas."""
    from pipeline import report
    from pipeline.validate import package as packages

    verdict = packages.check(package)
    report.verdict(verdict, as_json=json_)
    if not verdict["valid"]:
        raise typer.Exit(errors.ValidationRefused.exit_code)


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
    from pipeline import build, report
    from pipeline.reconcile import answer, reading

    if file is None:
        report.summary(build.rows(build.Workspace(home, report.say), "conflicts", "series"), as_json=json_)
        return
    found = answer.answer(reading.claims(file))
    if json_:
        for piece in answer.document(found):
            print(piece, end="")
    report.reconciled(found)


@app.command()
def conflicts(json_: Json = False, home: Home = HERE) -> None:
    """Show where the published figures of the ledger disagree, of which kind, and why as far as is known."""
    from pipeline import build, report

    report.conflicts(build.rows(build.Workspace(home, report.say), "conflicts")["conflicts"], as_json=json_)


@app.command()
def explain(
    claim: Annotated[str, typer.Argument(help="The claim_id of a figure, as it stands in the tables.")],
    json_: Json = False,
    home: Home = HERE,
) -> None:
    """Show the passport of one figure: who said it, where, about when, its changes, rivals, bounds, and how to cite."""
    from pipeline import build, report

    report.explained(build.explain(build.Workspace(home, report.say), claim), as_json=json_)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(help="The older release: its id, or the folder of a package.")],
    after: Annotated[str, typer.Argument(help="The newer one. Without it: the live release.")] = "current",
    json_: Json = False,
    home: Home = HERE,
) -> None:
    """Show every row and cell in which two releases differ, with the cause of each change of a claim."""
    from pipeline import publish, report

    folders = [publish.folder(home / "build", one) for one in (before, after)]
    report.differences(publish.delta(*folders), as_json=json_)


@app.command()
def verify(
    release: Annotated[str, typer.Argument(help="An id, a folder or an address. Without it: the live release.")] = "",
    *,
    seen: Annotated[Path | None, typer.Option(help="A proof kept from an earlier time.")] = None,
    old: Annotated[bool, typer.Option("--old", help="It need not be the newest release.")] = False,
    key: Annotated[str, typer.Option(help="The public key that must have signed.")] = "",
    json_: Json = False,
    home: Home = HERE,
) -> None:
    """Check a release: every file, its place in the log, that history only grew, and who signed."""
    from pipeline import publish, report

    found, said = publish.verified(home / "build", release, seen, newest=not old, key=key)
    report.verified(found, said, as_json=json_)
    if found:
        raise typer.Exit(errors.ValidationRefused.exit_code)


@app.command()
def rollback(
    release: Annotated[str, typer.Argument(help="Its id. Without it: the one before the live one.")] = "",
    json_: Json = False,
    home: Home = HERE,
) -> None:
    """Make an earlier release the live one again; the ledger stays as it is."""
    from pipeline import publish, report

    with publish.lock(home / "build"):
        report.rolled_back(publish.rollback(home, release), as_json=json_)


@app.command()
def redact(
    claim: Annotated[str, typer.Argument(help="The claim_id of a figure that endangers somebody.")],
    reason: Annotated[str, typer.Option(help="identifies_person, endangers_person or named_in_error.")],
    json_: Json = False,
    home: Home = HERE,
) -> None:
    """Take a figure and its words out of the ledger, every table, and every release kept here."""
    from datetime import UTC, datetime

    from pipeline import build, report

    day = datetime.now(UTC).date().isoformat()
    report.redacted(*build.redact(build.Workspace(home, report.say), claim, reason, day), as_json=json_)


@app.command()
def sign(
    key_file: Annotated[Path, typer.Argument(help="Your secret key of minisign, kept outside the checkout.")],
    home: Home = HERE,
) -> None:
    """Sign the live release in the format of minisign."""
    from pipeline import publish, report

    with publish.lock(home / "build"):
        report.signed(publish.sign(home / "build", key_file))


Earlier = Annotated[list[Path] | None, typer.Option("--previous", help="An earlier release; repeat for each.")]
MoreEarlier = Annotated[list[Path] | None, typer.Argument(metavar="[DIR]...", help="More earlier releases.")]
Facts = Annotated[Path | None, typer.Option(help="Exact figures known from elsewhere, in a published table's columns.")]


@app.command()
def protect(
    register: Annotated[Path, typer.Argument(help="The private register, CSV or XLSX: schemas/register.json.")],
    out: Annotated[Path, typer.Option(help="The folder to write the tables to.")],
    key_file: Annotated[Path, typer.Option(help="The secret that decides which way counts are rounded.")],
    more: MoreEarlier = None,
    previous: Earlier = None,
    design: Annotated[Path | None, typer.Option(help="Which tables: see docs/design.md.", show_default=False)] = None,
    facts: Facts = None,
    json_: Json = False,
    home: Home = HERE,
) -> None:
    """Turn a private register into tables that are proved safe, or write nothing."""
    from pipeline import protect as protecting
    from pipeline import report

    plan = design or home / "schemas" / "disclosure.yml"
    earlier = [*(previous or ()), *(more or ())]
    report.protected(
        protecting.protected(register, out, key_file, plan, home, _today(), earlier, facts), out.name, as_json=json_
    )


@app.command()
def attack(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that protect wrote.")],
    register: Annotated[Path, typer.Option(help="The register, to know which cells are small.")],
    more: MoreEarlier = None,
    previous: Earlier = None,
    facts: Facts = None,
    json_: Json = False,
) -> None:
    """Prove what can be proved about small cells from what was published. The answer is private."""
    from pipeline import protect as protecting
    from pipeline import report

    verdict = protecting.attacked(folder, register, _today(), [*(previous or ()), *(more or ())], facts)
    report.attacked(verdict, as_json=json_)
    if not verdict.safe:
        raise typer.Exit(errors.NotPublishable.exit_code)


def _today() -> str:
    """The one clock a register meets: a day after it is in the future. It decides nothing else."""
    return datetime.datetime.now(tz=datetime.UTC).date().isoformat()


@app.command()
def tables(
    file: Annotated[Path, typer.Argument(help="A web page, PDF, DOCX, DOC, XLSX, XLS or ODS file.")],
    json_: Json = False,
) -> None:
    """Show each table of a document as a reader would see it: spanned cells repeated, hidden ones left out."""
    from pipeline import extract, report
    from pipeline.extract import checks

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
    from pipeline import proposing, report

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
    import datetime

    from pipeline import accepting, proposing, report

    day = proposing.day(on) or datetime.datetime.now(datetime.UTC).date()
    report.accepted(accepting.accept(home, file or home / "build" / "review.csv", day, report.say), as_json=json_)


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
    from pipeline import accepting, report

    made = accepting.new_source(home, target, id_, publisher=publisher, said_on=said_on, language=language)
    report.begun(made)


@app.command()
def scrape(
    *,
    source: Only = None,
    contact: Contact = "",
    executor: Workers = "threads",
    settle: Annotated[
        str, typer.Option(help="Visit nobody: close the problem with this id, what its page shows now is the rule.")
    ] = "",
    json_: Json = False,
    home: Home = HERE,
) -> None:
    """Visit the publishers politely, archive what they answer, say how each of them is, and publish nothing."""
    from pipeline import report, visiting

    if settle:
        visiting.settle(home, settle, visiting.utc_now().date())
        return
    met = visiting.visits(home, visiting.World(contact, source or (), executor))
    report.visited(met, as_json=json_)
    if met.alarms or met.refused:
        raise typer.Exit(errors.BadSource.exit_code)


@archives.command("import")
def archive_import(
    file: Annotated[Path, typer.Argument(help="A WARC or ARC file made elsewhere, or a list of addresses to fetch.")],
    contact: Contact = "",
    executor: Workers = "threads",
    json_: Json = False,
    home: Home = HERE,
) -> None:
    """Take the answers of a WARC made elsewhere, or of a list of addresses, into the archive; twice changes nothing."""
    from pipeline import report, visiting

    report.taken(visiting.imported(home, file, visiting.World(contact, workers=executor)), as_json=json_)


@archives.command("show")
def archive_show(
    digest: Annotated[str, typer.Argument(help="The first letters of a capture's sha256.")], home: Home = HERE
) -> None:
    """Write the bytes of an archived answer to stdout: to compare, never to publish, for pages name victims."""
    from pipeline import visiting

    sys.stdout.buffer.write(visiting.shown(home, digest))


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 8001,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    sockets: Annotated[Path | None, typer.Option(help="Serve on a socket in this folder, behind a proxy.")] = None,
    home: Home = HERE,
) -> None:
    """Serve the last good release with Datasette."""
    from pipeline.serve import server

    server.run_behind(home, sockets) if sockets else server.run(home, host=host, port=port)


def main() -> None:
    """Run the command line; a foreseeable fault is a sentence and an exit code, never a stack trace."""
    as_json = "--json" in sys.argv
    try:
        app()
    except errors.PipelineError as error:
        if as_json:
            answer = {"error": error.code, "message": str(error), "findings": error.details}
            print(json.dumps(answer, ensure_ascii=False, indent=1))
        print(f"{error.code} {error}", file=sys.stderr)
        sys.exit(error.exit_code)
