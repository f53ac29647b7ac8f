"""Throughput of the scrape and archive rooms against a real nginx: `python -m bench.fetch [PAGES] [LONG]`.

Prints one JSON document: pages a second for wget --warc-file and for us (one host, a pool of two processes and a
cluster of two workers at eight hosts), the CPU time of a first and of a second round of visits, and the memory over a
run of LONG pages. Interpreters are started and pools warmed before the clock is; of three turns the best counts.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest import mock

import httpx

HOME = Path(__file__).parents[1]
sys.path[:0] = [str(HOME), str(HOME / "tests")]

from web.loopback import LOOPBACK, OnePort  # noqa: E402
from web.nginx import Nginx  # noqa: E402

from pipeline import archive, guard, scrape, visiting  # noqa: E402
from pipeline.records import Rule, Source  # noqa: E402
from pipeline.scrape import elsewhere, health  # noqa: E402

_HOSTS = 8
_TURNS = 3
_WORDS = "обращение жалоба пытки дело суд прокурор следствие адвокат случай задержание колония 24 1170 2021".split()


def fill(nginx: Nginx, pages: int) -> None:
    """Pages of 20 kB of prose with numbers in it, between the menus of a news site."""
    menu = "".join(f'<li class="menu-item"><a href="/en/section/{n}">Section {n}</a></li>\n' for n in range(60))
    for number in range(pages):
        words = random.Random(number).choices(_WORDS, k=1300)
        prose = "".join(f"<p>{number} {' '.join(words[start : start + 50])}.</p>\n" for start in range(0, 1300, 50))
        body = f"<html><body><ul>{menu}</ul><article>{prose}</article><ul>{menu}</ul></body></html>"
        (nginx.www / f"{number}.html").write_text(body, "utf-8")


def wget(folder: Path, nginx: Nginx, pages: int) -> float:
    """Seconds that wget takes for the pages into a WARC."""
    folder.mkdir()
    listed = folder / "urls"
    listed.write_text("".join(f"http://127.0.0.1:{nginx.port}/{number}.html\n" for number in range(pages)))
    start = time.monotonic()
    command = [shutil.which("wget") or "wget", "-q", "--header=Accept-Encoding: gzip", f"--warc-file={folder / 'w'}"]
    subprocess.run([*command, "-O", str(folder / "out"), "-i", str(listed)], check=True)
    return time.monotonic() - start


def fetch(folder: Path, nginx: Nginx, pages: int, marks: dict[str, int] | None = None) -> float:
    """Seconds for asking one host for its pages politely, with gap 0, and archiving them."""
    start = time.monotonic()
    with archive.Archive(folder) as store:
        inner = guard.Guard(permitted=LOOPBACK, resolve=nginx.resolve)
        with scrape.Polite(archive.Recording(store, inner), gap_s=0.0) as client:
            for number in range(pages):
                client.handle_request(httpx.Request("GET", f"http://a.example/{number}.html"))
                if marks is not None and (number + 1) % max(pages // 10, 1) == 0:
                    marks[str(number + 1)] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return time.monotonic() - start


def sources(pages: int, hosts: int) -> list[Source]:
    """Sources that share the pages among so many hosts."""
    found = []
    for host in range(hosts):
        urls = tuple(f"http://site.h{host}/{number}.html" for number in range(host, pages, hosts))
        rules = (Rule("pages", urls),)
        more: dict[str, Any] = {"keywords": ("пытк", "жалоб"), "gap_s": 0.0, "most_pages": pages}
        found.append(Source(f"h{host}", {}, "x", ("ru",), "x", "figures", rules, "fixed", "figures", **more))
    return found


def cpu_s() -> float:
    """CPU time of this process and of all it started, nginx left out."""
    psutil: Any = importlib.import_module("psutil")
    ours = psutil.Process()
    times = [one.cpu_times() for one in [ours, *ours.children(recursive=True)] if one.name() != "nginx"]
    return float(sum(one.user + one.system + one.children_user + one.children_system for one in times))


def visits(
    folder: Path, nginx: Nginx, several: Sequence[Source], told: dict[str, health.Health], workers: Executor
) -> tuple[float, float, int, set[tuple[str, str]]]:
    """One round: seconds by the wall and by the CPU, pages parsed, and what was captured."""
    world = visiting.World("bench@example.org", permitted=LOOPBACK, resolve=OnePort(nginx.port), polite={"gap_s": 0.0})

    @contextmanager
    def ready(_: str) -> Iterator[Executor]:
        yield workers

    warmed = mock.patch.object(elsewhere, "executor", ready)
    wall, cpu = time.monotonic(), cpu_s()
    with archive.Archive(folder / "archive") as store, warmed:
        met = visiting.visit_all(folder, world, store, several, told, wanted=[])
        taken = {(one.url, one.sha256) for one in store.captures(store.run)}
    for source, visit in zip(several, met, strict=True):
        told[source.id] = health.judged(source, visit, told.get(source.id), world.now().date())
    return time.monotonic() - wall, cpu_s() - cpu, sum(one.parsed for one in met), taken


@contextmanager
def cluster(folder: Path) -> Iterator[Executor]:
    """A scheduler and two workers of dask on this machine."""
    distributed: Any = importlib.import_module("distributed")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HOME), str(HOME / "tests")])}
    with (
        mock.patch.dict(os.environ, environment),
        distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None, local_directory=str(folder)) as local,
        distributed.Client(local) as client,
    ):
        yield client.get_executor()


def main(pages: int, long: int) -> dict[str, object]:
    """The measurements."""
    folder = Path(tempfile.mkdtemp(prefix="bench-fetch-"))
    best: dict[str, float] = {}
    cpu: dict[str, float] = {}
    marks: dict[str, int] = {}

    def note(name: str, seconds: float) -> None:
        best[name] = max(best.get(name, 0.0), round(pages / seconds, 1))

    try:
        with Nginx(folder / "nginx") as nginx:
            fill(nginx, max(pages, long))
            fetch(folder / "long", nginx, long, marks)
            one, eight = sources(pages, 1), sources(pages, _HOSTS)
            with (
                ThreadPoolExecutor(1) as threads,
                ProcessPoolExecutor(2, get_context("spawn")) as pool,
                cluster(folder) as dask,
            ):
                for workers in (pool, dask):  # every worker imports what it needs
                    visits(folder / f"warm{id(workers)}", nginx, sources(80, _HOSTS), {}, workers)
                for turn in range(_TURNS):
                    note("wget", wget(folder / f"wget{turn}", nginx, pages))
                    note("one_host", fetch(folder / f"fetch{turn}", nginx, pages))
                    told: dict[str, health.Health] = {}
                    for name in ("first", "second"):
                        _, cpu[name], parsed, _ = visits(folder / f"one{turn}", nginx, one, told, threads)
                    for name, several in (("visits_one_host", one), ("visits_eight_hosts", eight)):
                        took, _, _, there = visits(folder / f"{name}{turn}", nginx, several, {}, pool)
                        note(name, took)
                    took, _, _, theirs = visits(folder / f"dask{turn}", nginx, eight, {}, dask)
                    note("visits_eight_hosts_dask", took)
            return {
                "pages": pages,
                "pages_per_s": best,
                "to_wget": round(best["one_host"] / best["wget"], 2),
                "eight_to_one": round(best["visits_eight_hosts"] / best["visits_one_host"], 2),
                "dask_same_captures": theirs == there and len(there) == pages + _HOSTS,
                "cpu_s": {name: round(seconds, 2) for name, seconds in cpu.items()},
                "cpu_second_to_first": round(cpu["second"] / cpu["first"], 2),
                "parsed_again": parsed,
                "rss_mb": marks,
            }
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    print(json.dumps(main(*(int(word) for word in [*sys.argv[1:], "1000", "10000"][:2])), indent=1))
