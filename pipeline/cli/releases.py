"""Commands for what is published: build, judge, compare, prove, take back, serve."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Annotated

import typer

from pipeline import errors
from pipeline.cli.options import HERE, Contact, Home, Json, Only, Workers, today

app = typer.Typer()


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
    from pipeline import build, visiting
    from pipeline.report import releases as report
    from pipeline.report import say

    world = None if offline else visiting.World(contact, source or (), executor, wayback)
    if (register is None) != (key_file is None):
        raise errors.UsageError("publish: --register and --key-file go together. Give both or neither.")
    counted = build.Register(register, key_file, today().isoformat()) if register and key_file else None
    run = build.publish(build.Workspace(home, say), world, counted)
    report.run(run, offline=offline, as_json=json_)
    if run.met and (run.met.alarms or run.met.refused):
        raise typer.Exit(errors.BadSource.exit_code)


@app.command()
def check(json_: Json = False, home: Home = HERE) -> None:
    """Do all that publish does up to the gate, and write no release."""
    from pipeline import build
    from pipeline.report import releases as report
    from pipeline.report import say

    _, public, findings, expectations = build.check(build.Workspace(home, say))
    report.checked(public, findings, expectations, as_json=json_)


@app.command()
def validate(
    package: Annotated[Path, typer.Argument(help="A datapackage.json, or the folder that holds it.")],
    json_: Json = False,
) -> None:
    """Check any Data Package with CSV resources against its own schemas."""
    from pipeline.report import releases as report
    from pipeline.validate import package as packages

    verdict = packages.check(package)
    report.verdict(verdict, as_json=json_)
    if not verdict["valid"]:
        raise typer.Exit(errors.ValidationRefused.exit_code)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(help="The older release: its id, or the folder of a package.")],
    after: Annotated[str, typer.Argument(help="The newer one. Without it: the live release.")] = "current",
    json_: Json = False,
    home: Home = HERE,
) -> None:
    """Show every row and cell in which two releases differ, with the cause of each change of a claim."""
    from pipeline import publish
    from pipeline.report import releases as report

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
    from pipeline import publish
    from pipeline.report import releases as report

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
    from pipeline import publish
    from pipeline.report import releases as report

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
    from pipeline import build
    from pipeline.report import releases as report
    from pipeline.report import say

    report.redacted(*build.redact(build.Workspace(home, say), claim, reason, today().isoformat()), as_json=json_)


@app.command()
def sign(
    key_file: Annotated[Path, typer.Argument(help="Your secret key of minisign, kept outside the checkout.")],
    home: Home = HERE,
) -> None:
    """Sign the live release in the format of minisign."""
    from pipeline import publish
    from pipeline.report import releases as report

    with publish.lock(home / "build"):
        report.signed(publish.sign(home / "build", key_file))


@app.command()
def deposit(
    portal: Annotated[str, typer.Argument(help="zenodo, ckan or hdx.")],
    release: Annotated[str, typer.Argument(help="An id or a folder. Without it: the live release.")] = "current",
    *,
    organisation: Annotated[str, typer.Option(help="Who owns it there: ckan and hdx.")] = "",
    upload: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="Also send it there as a draft; the token is read from DEPOSIT_TOKEN."),
    ] = "",
    json_: Json = False,
    home: Home = HERE,
) -> None:
    """Write what a portal asks of a deposit into build/deposit, and send nothing unless --upload says where to."""
    from pipeline import publish
    from pipeline.project import deposits, sending
    from pipeline.report import releases as report

    folder = publish.folder(home / "build", release)
    if found := publish.verified(home / "build", str(folder), newest=False)[0]:
        raise errors.ValidationRefused(f"deposit: {found[0].code} {found[0].where} {found[0].sentence}.")
    place = home / "build" / "deposit" / portal
    written = deposits.bundle(folder, portal, place, organisation)
    sent = sending.send(portal, place, folder, upload, os.environ.get(sending.TOKEN, "")) if upload else ""
    report.deposited(place.relative_to(home), written, sent, as_json=json_)


@app.command()
def doctor(
    *,
    key: Annotated[list[Path] | None, typer.Option(help="A secret key to look at; may be repeated.")] = None,
    json_: Json = False,
    home: Home = HERE,
) -> None:
    """Look whether this server can publish: versions, rights, keys, clock, disk, timer, last run; say each cure."""
    from pipeline import doctor as doctors
    from pipeline.report import releases as report

    told = doctors.examine(home, datetime.datetime.now(datetime.UTC), key or ())
    report.examined(told, as_json=json_)
    if any(one.state == "wrong" for one in told):
        raise typer.Exit(errors.ValidationRefused.exit_code)


@app.command()
def stats(
    release: Annotated[str, typer.Argument(help="An id or a folder. Without it: the live release.")] = "current",
    json_: Json = False,
    home: Home = HERE,
) -> None:
    """Write Stata and SPSS files of a release into build/stats, with labels in three languages."""
    from pipeline import publish
    from pipeline.project import Package, statistical
    from pipeline.report import releases as report

    place = home / "build" / "stats"
    written = statistical.write(Package.of(publish.folder(home / "build", release)), place)
    report.converted(place.relative_to(home), written, as_json=json_)


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
