"""The corridor's first half: visit the publishers, archive what they answer, check our figures against it.

Conducts catalog, archive, scrape and ledger as build conducts the other stages. Writes archive/, build/health.json
and, where a figure was found in its page or not, sources/<id>/evidence.csv.
"""

from __future__ import annotations

import contextlib
import functools
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Future
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from pipeline import archive, catalog, errors, extract, guard, ledger, scrape
from pipeline.records import Ledger, Source
from pipeline.scrape import elsewhere, evidence, health
from pipeline.wording import LANGUAGES

CITED_A_RUN: Final = 20  # cited pages never seen before, asked for in one run
WITHIN_S: Final = 6 * 3600  # the longest that one site may take
_NO_WORKER: Final = (BrokenExecutor, CancelledError, TimeoutError)
NO_NETWORK: Final = "No network: no publisher answered within a few seconds, so none was visited."
NO_CONTACT: Final = (
    "No publisher was visited: each must know how to reach you. Say it with CONTACT=you@example.org or a page of "
    "yours, or once and for all with `contact` in CITATION.cff."
)


def utc_now() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class World:
    """What lies outside and how to reach it. The command line never sets `permitted`.

    `only`: ids of sources, () for all. `workers`: threads, processes, dask://HOST:PORT. `wayback`: whether copies that
    the Wayback Machine holds are taken where a cited page is gone or refused.
    """

    contact: str = ""
    only: Sequence[str] = ()
    workers: str = "threads"
    wayback: bool = False
    permitted: tuple[guard.Network, ...] = ()
    resolve: guard.Resolve = guard.system_resolve
    now: Callable[[], datetime] = utc_now
    polite: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of visits met.

    `asked` is empty and `why` tells, where nobody was asked. `states`: of each source its state, since when, the day
    of its last new page and its open problems; `alarms` as build/health.json has them; `refused`: what could not be
    begun; `evidence`: how many figures were found in their page now, and so on; `changed`: files written for it;
    `fresh`: of each source that knows its sentences, the addresses whose bytes are new.
    """

    why: str = ""
    asked: Sequence[str] = ()
    captures: int = 0
    parsed: int = 0
    states: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    alarms: Sequence[Mapping[str, Any]] = ()
    refused: Sequence[str] = ()
    evidence: Mapping[str, int] = field(default_factory=dict)
    changed: Sequence[str] = ()
    fresh: Mapping[str, Sequence[str]] = field(default_factory=dict)


def visits(home: Path, world: World) -> Round:
    """Visit the sources of the catalogue and the pages our figures cite; check the figures against the archive.

    Raises: UsageError for an unknown source or executor, Locked, StorageError; never for a publisher's fault.
    """
    book = ledger.read(home)
    sources, refused = _chosen(home, book, world.only)
    told = health.load(home / "build" / "health.json")
    hosts = [httpx.URL(source.rules[0].addresses[0]).host for source in sources]
    if not world.permitted and not scrape.is_online(hosts, resolve=world.resolve):
        return Round(NO_NETWORK, refused=refused)
    if not (world.contact or contact(home)):
        return Round(NO_CONTACT, refused=refused)
    with archive.Archive(home / "archive", clock=world.now) as store:
        cited = {row["document_id"]: row["url"] for row in book.documents if not world.only}
        wanted = evidence.wanted(cited.values(), store, archive.Replay(store), CITED_A_RUN)
        held = [url for url in cited.values() if url not in wanted]
        met = visit_all(home, world, store, sources, told, wanted=wanted, held=held)
        if world.wayback:
            _copies(home, world, store, cited.values())
        changed, counts = _checked(home, book, store)
        captures = len(list(store.captures(store.run)))
    for source, visit in zip(sources, met, strict=True):
        told[source.id] = health.judged(source, visit, told.get(source.id), world.now().date())
    health.save(home / "build" / "health.json", told)
    return Round(
        asked=[source.id for source in sources], captures=captures, parsed=sum(visit.parsed for visit in met),
        states=health.states(told), alarms=health.alarms(told), refused=refused, evidence=counts, changed=changed,
        fresh={source.id: urls for source, visit in zip(sources, met, strict=True) if source.sentences and (
            urls := [one.url for one in visit.sightings if one.state == "ok" and one.figures is not None])},
    )  # fmt: skip


def settle(home: Path, problem: str, today: date) -> None:
    """Nothing; a problem with that id is closed, for what its page shows now is the rule. Raises: UsageError."""
    path = home / "build" / "health.json"
    told = health.load(path)
    for source, entry in told.items():
        if any(one["id"] == problem and not one["closed_on"] for one in entry["problems"]):
            told[source] = health.accepted(entry, problem, today)
            health.save(path, told)
            return
    raise errors.UsageError(f"no open problem {problem!r} in build/health.json. The last run lists their ids.")


def contact(home: Path) -> str:
    """How a publisher reaches the keepers of this checkout: the mail or page of `contact` in CITATION.cff, or ""."""
    try:
        said = yaml.safe_load((home / "CITATION.cff").read_text("utf-8")).get("contact", ())
    except (OSError, yaml.YAMLError, AttributeError):
        return ""
    return next((str(one.get("email") or one.get("website") or "") for one in said), "")


@dataclass(frozen=True, slots=True)
class Shard:
    """All that one site is asked for in a run, and what a worker must know for it."""

    folder: Path
    run: str
    name: str
    sources: Sequence[Source]
    cited: Sequence[str]
    known: Mapping[str, Mapping[str, scrape.Page]]
    watch: Mapping[str, Sequence[str]]
    part: archive.Part
    world: World
    agent: str


@dataclass(frozen=True, slots=True)
class Done:
    """What a worker brings back; `file` is its WARC where it does not share the archive's folder."""

    visits: Sequence[scrape.Visit]
    learned: archive.Part
    file: bytes = b""


def work(shard: Shard) -> Done:
    """What a shard brought: any worker may do it, and may do it twice. Raises: StorageError."""
    lock = shard.folder / "lock"
    shared = lock.is_file() and lock.read_text() == shard.run
    with tempfile.TemporaryDirectory() as own:
        folder = shard.folder if shared else Path(own)
        for name in ("warc", "hosts"):
            (folder / name).mkdir(exist_ok=True)
        with archive.Store(folder, f"{shard.run}.{shard.name}", shard.part, clock=shard.world.now) as store:
            recording = archive.Recording(store, _guard(shard.world.permitted, shard.world.resolve))
            client = scrape.Polite(recording, agent=shard.agent, turns=folder / "hosts", **shard.world.polite)
            visits = [
                scrape.visit(one, client, store, shard.known.get(one.id, {}), shard.watch.get(one.id, ()), read=read)
                for one in shard.sources
            ]
            for url in shard.cited:
                try:
                    scrape.follow(client.handle_request, httpx.Request("GET", url))
                except errors.BadSource as error:
                    store.add_failure(url, error)  # robots.txt forbids above the archive: told here
            learned = store.learned()
        made = folder / "warc" / f"{store.run}.warc.gz"
        return Done(visits, learned, b"" if shared or not learned.captures else made.read_bytes())


def read(body: bytes, content_type: str) -> str | None:
    """The text of a document, as the readers see it; None where they refuse it."""
    try:
        return extract.read(body, "", content_type).text
    except errors.PipelineError:
        return None


@functools.lru_cache(maxsize=4)
def _guard(permitted: tuple[guard.Network, ...], resolve: guard.Resolve) -> guard.Guard:
    """One guard for all shards of a process: its connections and its trust in certificates are shared."""
    return guard.Guard(permitted=permitted, resolve=resolve)


def visit_all(
    home: Path, world: World, store: archive.Archive, sources: Sequence[Source], told: Mapping[str, health.Health],
    *, wanted: Sequence[str], held: Sequence[str] = (),
) -> list[scrape.Visit]:  # fmt: skip
    """One visit for each source, in their order; `wanted` and `held` are other addresses to ask for and to watch."""
    known, agent = health.pages(told), _agent(home, world)
    parted = elsewhere.shards(sources, wanted)
    at = {name: number for number, (sites, _, _) in enumerate(parted) for name in sites}
    seen_by = {url: n for n, (_, several, _) in enumerate(parted) for one in several for url in known.get(one.id, ())}
    parts = store.parts(lambda url: seen_by.get(url, at.get(elsewhere.site(url), -1)))
    shards = []
    for number, (_, several, cited) in enumerate(parted):
        watch = {one.id: [url for url in held if elsewhere.site(url) in elsewhere.sites(one)] for one in several}
        seen = {one.id: known.get(one.id, {}) for one in several}
        part, folder = parts.get(number, archive.Part()), (home / "archive").absolute()
        shards.append(Shard(folder, store.run, str(number), several, cited, seen, watch, part, world, agent))
    by_id: dict[str, scrape.Visit] = {}
    with elsewhere.executor(world.workers) as workers:
        for shard, future in [(shard, workers.submit(work, shard)) for shard in shards]:
            done = _done(shard, future)
            store.take(done.learned, done.file)
            by_id |= {visit.source: visit for visit in done.visits}
    return [by_id[source.id] for source in sources]


def _done(shard: Shard, future: Future[Done]) -> Done:
    """What became of a shard; where no worker did it, its sources count as unreachable and the next run goes on."""
    try:
        return future.result(timeout=WITHIN_S)
    except Exception as error:
        if not isinstance(error, _NO_WORKER) and not type(error).__module__.startswith("distributed"):
            raise
        why = f"no worker finished it ({type(error).__name__}); the next run goes on where it stopped"
        visits = []
        for source in shard.sources:
            seen = scrape.Sighting(
                source.rules[0].addresses[0], "unreachable", why, errors.Unreachable.code, entry=True
            )
            visits.append(scrape.Visit(source.id, [seen]))
        return Done(visits, archive.Part())


def _copies(home: Path, world: World, store: archive.Archive, cited: Iterable[str]) -> None:
    """Copies of cited pages that are gone or refused, from the Wayback Machine into the archive."""
    inner = archive.Recording(store, _guard(world.permitted, world.resolve))
    client = scrape.Polite(inner, agent=_agent(home, world), turns=home / "archive" / "hosts", **world.polite)
    for url in dict.fromkeys(cited):
        last = store.last(url)
        if last is not None and evidence.copy_is_fair(last) and not store.copies(url):
            with contextlib.suppress(errors.BadSource):
                evidence.wayback(url, last.at[:10].replace("-", ""), client)


def _agent(home: Path, world: World) -> str:
    return f"{scrape.AGENT} ({world.contact or contact(home)})"


def _checked(home: Path, book: Ledger, store: archive.Archive) -> tuple[list[str], Counter[str]]:
    """The evidence files that had to grow, and how many figures were found in their page now, and so on."""
    addresses = {row["document_id"]: row["url"] for row in book.documents}
    unproved = [claim for claim in book.held() if claim["value"] and claim["evidence"] != "in_capture"]
    found = evidence.checked(unproved, addresses, store, archive.Replay(store), near=_words(book), read=read)
    return ledger.append_evidence(home, book, found), Counter(row["evidence"] for row in found)


def _words(book: Ledger) -> dict[str, list[str]]:
    """For each indicator the stems of the words that its titles use, in three languages."""
    titles = {row["indicator"]: [row[f"title_{one}"] for one in LANGUAGES] for row in book.codes["indicators"]}
    words = {code: re.findall(r"\w{4,}", " ".join(several).casefold()) for code, several in titles.items()}
    return {code: sorted({word[:5] for word in several}) for code, several in words.items()}


def shown(home: Path, digest: str) -> bytes:
    """The archived bytes whose sha256 begins like this. Raises: NotArchived, UsageError if several do."""
    with archive.Archive(home / "archive") as store:
        found = {one.sha256 for one in store.captures() if one.sha256.startswith(digest.lower())}
        if len(found) > 1:
            raise errors.UsageError(f"{digest}: {len(found)} captures begin so. Give more of the digest.")
        return store.body(found.pop() if found else digest)


def imported(home: Path, path: Path, world: World) -> archive.Taken:
    """What became of each answer in a WARC made elsewhere, or of each address in a list of them, asked for now.

    Raises: BadArchive, Locked, StorageError; UsageError for a list without a contact.
    """
    with archive.Archive(home / "archive", clock=world.now) as store:
        urls = _listed(path)
        if not urls:
            return archive.take_in(store, path)
        if not (world.contact or contact(home)):
            raise errors.UsageError(f"{path.name}: {NO_CONTACT}")
        visit_all(home, world, store, [], {}, wanted=urls)
        last = [store.last(url) for url in urls]
        bad = Counter(one.code or f"status {one.status}" for one in last if one and (one.code or one.status >= 400))  # noqa: PLR2004
        held = sum(one is not None and one.kind == "revisit" for one in last)
        return archive.Taken(len(urls) - held - bad.total(), held, bad)


def _listed(path: Path) -> list[str]:
    """The addresses of a list, one a line, # for remarks; none where the file is anything else."""
    try:
        lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError):
        return []
    urls = [line for line in lines if line and not line.startswith("#")]
    return urls if all(url.startswith(("http://", "https://")) for url in urls) else []


def _chosen(home: Path, book: Ledger, only: Iterable[str]) -> tuple[list[Source], list[str]]:
    """The sources to visit, and what is wrong with files that describe others."""
    catalogue, refused = catalog.sources(home, {row["code"] for row in book.codes.get("bodies", ())})
    if unknown := sorted(set(only) - {source.id for source in catalogue}):
        known = ", ".join(source.id for source in catalogue)
        raise errors.UsageError(f"no usable sources/{unknown[0]}/source.yml. Those that have one: {known}.")
    return [source for source in catalogue if not only or source.id in only], refused
