"""The corridor's first half: visit the publishers, archive what they answer, say how each of them is.

Runs by itself (`make scrape`): publishing needs no network and no archive. Conducts catalog, archive and scrape as
build conducts the other stages, and writes archive/ and build/health.json.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from pipeline import archive, catalog, errors, guard, ledger, scrape
from pipeline.records import Source

AT_ONCE = 8  # hosts; each is asked one thing at a time


@dataclass(frozen=True, slots=True)
class World:
    """What lies outside: how to reach it and what day it is. The command line never sets `permitted`."""

    contact: str
    permitted: Sequence[guard.Network] = ()
    resolve: guard.Resolve = guard.system_resolve
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    polite: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of visits met.

    `online` False: nothing was asked; `health` is as build/health.json has it, `lines` the table for a terminal.
    """

    online: bool
    asked: Sequence[str]
    captures: int
    parsed: int
    health: Mapping[str, Any]
    alarms: Sequence[Mapping[str, Any]]
    lines: Sequence[str] = ()


def visits(home: Path, world: World, only: Sequence[str] = ()) -> Round:
    """Visit the sources of the catalogue, or those named in `only`, one request at a time to each host.

    Raises: UsageError for an unknown source, BadSourceFile, Locked, StorageError; never for a publisher's fault.
    """
    chosen = _chosen(home, only)
    told = scrape.health.load(home / "build" / "health.json")
    hosts = [httpx.URL(source.rules[0].addresses[0]).host for source in chosen]
    if not world.permitted and not scrape.is_online(hosts, resolve=world.resolve):
        return Round(online=False, asked=(), captures=0, parsed=0, health=told, alarms=scrape.health.alarms(told))
    with archive.Archive(home / "archive", clock=world.now) as store, ThreadPoolExecutor(AT_ONCE) as threads:
        inner = guard.Guard(permitted=world.permitted, resolve=world.resolve)
        agent = f"{scrape.AGENT} ({world.contact})"
        with scrape.Polite(archive.Recording(store, inner), agent=agent, **world.polite) as client:
            met = scrape.visit_all(chosen, client, store, scrape.health.pages(told), executor=threads)
        captures = len(list(store.captures(store.run)))
    for source, visit in zip(chosen, met, strict=True):
        told[source.id] = scrape.health.judged(source, visit, told.get(source.id), world.now().date())
    (home / "build").mkdir(exist_ok=True)
    scrape.health.save(home / "build" / "health.json", told)
    parsed = sum(visit.parsed for visit in met)
    return Round(
        online=True, asked=[source.id for source in chosen], captures=captures, parsed=parsed, health=told,
        alarms=scrape.health.alarms(told), lines=scrape.health.lines(told),
    )  # fmt: skip


def imported(home: Path, warc: Path) -> archive.Taken:
    """What became of each answer in a WARC made elsewhere. Raises: BadArchive, Locked, StorageError."""
    with archive.Archive(home / "archive") as store:
        return archive.take_in(store, warc)


def _chosen(home: Path, only: Sequence[str]) -> list[Source]:
    publishers = {row["code"] for row in ledger.read(home).codes.get("bodies", ())}
    catalogue = catalog.sources(home, publishers)
    if unknown := sorted(set(only) - {source.id for source in catalogue}):
        known = ", ".join(source.id for source in catalogue)
        raise errors.UsageError(f"scrape: no sources/{unknown[0]}/source.yml. Those that have one: {known}.")
    return [source for source in catalogue if not only or source.id in only]
