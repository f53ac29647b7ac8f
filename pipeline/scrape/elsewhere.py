"""Spread a run over threads, processes or machines: any concurrent.futures.Executor takes the same shards.

A shard holds all that one site is asked for, so politeness holds however many workers there are; a shard may be done
twice, for what a worker hands back is taken once. What a worker does with a shard is the conductor's.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx

from pipeline import errors
from pipeline.records import Source

AT_ONCE = 8  # sites that threads visit at a time
_DASK = "dask://"


def site(url: str) -> str:
    """What an address shares with its siblings: the last two names of its host."""
    return ".".join(httpx.URL(url).host.split(".")[-2:])


def sites(source: Source) -> set[str]:
    """The sites whose addresses a source.yml names."""
    return {site(address) for rule in source.rules for address in rule.addresses}


def shards(sources: Iterable[Source], cited: Iterable[str] = ()) -> list[tuple[set[str], list[Source], list[str]]]:
    """Sites, sources and cited addresses that belong together, for no two shards ask the same site."""
    parts: list[tuple[set[str], list[Source], list[str]]] = []
    for source in sources:
        named, joined = sites(source), [source]
        for part in [part for part in parts if part[0] & named]:
            parts.remove(part)
            named, joined = named | part[0], part[1] + joined
        parts.append((named, joined, []))
    for url in cited:
        home = next((part for part in parts if site(url) in part[0]), None)
        if home is None:
            parts.append(home := ({site(url)}, [], []))
        home[2].append(url)
    return parts


@contextmanager
def executor(named: str) -> Iterator[Executor]:
    """The workers that `named` asks for: threads, processes, or dask://HOST:PORT.

    Raises: UsageError for any other name or without the extra `cluster`; Unreachable if no scheduler answers.
    """
    if named == "threads":
        with ThreadPoolExecutor(AT_ONCE) as threads:
            yield threads
    elif named == "processes":
        with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as processes:
            yield processes
    elif named.startswith(_DASK):
        try:
            import distributed  # noqa: PLC0415  (seconds to load, and an extra)

            connect: Any = distributed.Client
            client = connect(named.replace(_DASK, "tcp://"), timeout=5, set_as_default=False)
        except ImportError as error:
            raise errors.UsageError("executor: dask is not installed. Install the extra `cluster`.") from error
        except (OSError, ValueError) as error:
            raise errors.Unreachable(f"{named}: no scheduler answers there. Start it, or use threads.") from error
        with client:
            yield client.get_executor()
    else:
        raise errors.UsageError(f"executor: {named!r}; expected threads, processes or dask://HOST:PORT.")
