"""The same captures whoever does the asking: threads, processes, or a cluster that loses a worker."""

from __future__ import annotations

import functools
import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from web import hostile
from web.loopback import LOOPBACK, Page, Web

from pipeline import archive, errors, guard, scrape
from pipeline.scrape.elsewhere import Elsewhere

HERE = Path(__file__).parent
HOSTS = [f"h{number}.example" for number in range(4)]


def one_port(port: int, *_: object) -> list[tuple[str, int]]:
    return [("127.0.0.1", port)]


def make(port: int) -> Callable[[], guard.Guard]:
    limits = guard.Limits(deadline_s=5.0)
    return functools.partial(guard.Guard, limits=limits, permitted=LOOPBACK, resolve=functools.partial(one_port, port))


def fill(web: Web, pages: int = 40) -> list[list[str]]:
    web.sites |= {
        host: {f"/{n}": Page(f"<html>{host} {n}</html>".encode() * 50, packed=True) for n in range(pages)}
        for host in HOSTS
    }
    return [[f"http://{host}/{n}" for n in range(pages)] for host in HOSTS]


def captures(
    folder: Path, transport: httpx.BaseTransport, urls: list[list[str]], done: list[str] | None = None
) -> set[tuple]:
    """What a thread for each host archived (which of two equal bodies came first is chance, so it is not told)."""
    with archive.Archive(folder) as store, ThreadPoolExecutor(len(urls)) as threads:
        client = scrape.Polite(archive.Recording(store, transport), gap_s=0.0)

        def visit(several: list[str]) -> None:
            for url in several:
                client.handle_request(httpx.Request("GET", url))
                if done is not None:
                    done.append(url)

        list(threads.map(visit, urls))
        return {(one.url, one.status, one.sha256) for one in store.captures()}


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_any_executor_makes_the_same_captures(tmp_path: Path, kind: type[Executor]) -> None:
    """What is archived does not depend on who asked."""
    with Web() as web, kind(2) as executor:
        urls = fill(web)
        here = captures(tmp_path / "here", make(web.port)(), urls)
        there = captures(tmp_path / "there", Elsewhere(executor, make(web.port)), urls)

        assert there == here
        assert len(here) == 4 * 41


def test_a_refusal_travels_with_its_code() -> None:
    """A worker's refusal is the refusal; a pool that broke is an outage, not a crash."""
    with Web() as web, ProcessPoolExecutor(1) as executor:
        web.sites[hostile.HOST] = {"/bomb": hostile.says("HTTP/1.1 200 OK\nContent-Encoding: gzip\n", hostile.bomb(20))}
        transport = Elsewhere(executor, make(web.port))
        request = httpx.Request("GET", f"http://{hostile.HOST}/bomb")
        with pytest.raises(errors.RatioExceeded):
            transport.handle_request(request)
        for pid in list(executor._processes):
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(errors.Unreachable, match="no worker"):
            transport.handle_request(request)


def test_no_worker_at_all_ends_at_the_deadline() -> None:
    """A future that nobody works on is not waited for."""
    with ThreadPoolExecutor(1) as executor:
        executor.submit(time.sleep, 0.5)
        with pytest.raises(errors.DeadlineMissed):
            Elsewhere(executor, deadline_s=0.1).handle_request(httpx.Request("GET", "http://a.example/"))


@pytest.fixture
def cluster(tmp_path: Path):
    """A real scheduler and two worker processes on this machine; gives the client and the workers."""
    distributed = importlib.import_module("distributed")  # in the lock: a missing one fails
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)])}
    started: list[subprocess.Popen] = []

    def start(*command: str) -> subprocess.Popen:
        quiet = subprocess.DEVNULL
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", *command], env=environment, cwd=tmp_path, stdout=quiet, stderr=quiet
            )
        )
        return started[-1]

    told = tmp_path / "scheduler.json"
    start(
        "distributed.cli.dask_scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--no-dashboard",
        "--scheduler-file",
        str(told),
    )
    workers = [
        start(
            "distributed.cli.dask_worker",
            "--scheduler-file",
            str(told),
            "--no-dashboard",
            "--no-nanny",
            "--nthreads",
            "2",
            "--host",
            "127.0.0.1",
        )
        for _ in range(2)
    ]
    until = time.monotonic() + 30
    while not told.exists() and time.monotonic() < until:
        time.sleep(0.05)
    with distributed.Client(scheduler_file=str(told), set_as_default=False) as client:
        client.wait_for_workers(2, timeout=30)
        yield client, workers
    for process in started:
        process.kill()
        process.wait()


def test_a_cluster_makes_the_same_captures_though_one_worker_is_killed(tmp_path: Path, cluster) -> None:
    """A scheduler, two workers, one killed half-way: its request is done by the other, and nothing is missing."""
    client, workers = cluster
    with Web() as web:
        urls = fill(web)
        here = captures(tmp_path / "here", make(web.port)(), urls)

        class Half(list):
            def append(self, url: str) -> None:
                super().append(url)
                if len(self) == 60:
                    workers[0].send_signal(signal.SIGKILL)

        done = Half()
        there = captures(tmp_path / "there", Elsewhere(client.get_executor(), make(web.port)), urls, done)

        assert len(done) == 160
        assert there == here
        assert len(client.scheduler_info()["workers"]) == 1
