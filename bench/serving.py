"""The public face under load: `python -m bench.serving [CLAIMS]`, with wrk and nginx of the system.

Each line is a ratio taken in one run on one machine; the clients share its cores. The claims are synthetic: the real
release with a topic filled up, so that every page and query works as it does on the real one.
"""

from __future__ import annotations

import importlib
import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from pipeline.serve import server

HOME = Path(__file__).resolve().parent.parent
SECONDS, CONNECTIONS = 5, 8
QUERY = "/v1/list_series?indicator=complaints_documented_coalition"
TABLE = "/statistics/complaints.json?_shape=array&_size=50&"
FILTERS = ("indicator=complaints_documented_coalition", "originator=ombudsman-tj", "area=TJ")
ATTACKS = (
    "/statistics.json?sql=with+recursive+r(n)+as+(select+1+union+all+select+n%2B1+from+r)+select+count(*)+from+r",
    "/statistics/complaints.json?_facet=note&_facet=locator",
    "/statistics/complaints.json?note__contains=zz&_sort=note",
    "/statistics/complaints.csv?_size=max&_stream=on",
    "/statistics.json?sql=select+hex(randomblob(100000000))",
)
FILL = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
INSERT INTO complaints ({columns}) SELECT {values} FROM n JOIN (
  SELECT *, row_number() OVER () AS at, count(*) OVER () AS all_of FROM complaints) AS c ON c.at = 1 + n.i % c.all_of"""
BARE = """
import json, sqlite3, threading
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route
LOCAL = threading.local()
def rows(value):
    if not hasattr(LOCAL, "base"):
        LOCAL.base = sqlite3.connect("file:{db}?immutable=1", uri=True)
        LOCAL.base.row_factory = sqlite3.Row
    return json.dumps([dict(row) for row in LOCAL.base.execute({sql!r}, {{"indicator": value}})])
async def answer(request):
    return Response(await run_in_threadpool(rows, request.query_params["indicator"]), media_type="application/json")
app = Starlette(routes=[Route("/", answer)])
"""


def filled(folder: Path, rows: int) -> Path:
    """A checkout whose release holds `rows` complaints."""
    target = folder / "build" / "releases" / "synthetic"
    shutil.copytree((HOME / "build" / "current").resolve(), target)
    (folder / "build" / "current").symlink_to(target)
    shutil.copy(HOME / "metadata.yml", folder)
    with sqlite3.connect(target / "statistics.db") as base:
        names = [row[1] for row in base.execute("PRAGMA table_info(complaints)")]
        day = "date('2000-01-01', (n.i * 7919 % 9000) || ' days')"
        own = {"claim_id": "'s-' || n.i", "period_end": day, "note": "c.note || n.i"}
        values = ", ".join(own.get(name, f"c.{name}") for name in names)
        base.execute(FILL.format(rows=rows, columns=", ".join(names), values=values))
        base.execute("ANALYZE")
    return folder


@contextmanager
def running(words: list[str], address: str, cwd: Path = HOME) -> Iterator[subprocess.Popen[bytes]]:
    """A server, once it answers, until the block ends."""
    started = subprocess.Popen(words, cwd=cwd, stderr=subprocess.DEVNULL, env=server.surroundings())
    for _ in range(600):
        try:
            if httpx.get(address, trust_env=False, timeout=30).status_code < httpx.codes.BAD_REQUEST:
                break
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait()


def rate(address: str, *headers: str) -> float:
    """Answers a second to wrk, none of them bad."""
    words = [
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{SECONDS}s",
        "--timeout",
        "30s",
        *(f"-H{one}" for one in headers),
        address,
    ]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in told:
        sys.exit(f"bench: {address} was refused")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1])  # type: ignore[index]


def polite(address: str, path: str, times: int = 100, gap_s: float = 0.05) -> tuple[int, float]:
    """How many of a polite reader's requests are answered well, and the 95th percentile of their seconds."""
    took = []
    with httpx.Client(base_url=address, trust_env=False, timeout=5) as client:
        for _ in range(times):
            start = time.perf_counter()
            try:
                good = client.get(path).status_code == httpx.codes.OK
            except httpx.HTTPError:
                good = False
            if good:
                took.append(time.perf_counter() - start)
            time.sleep(gap_s)
    return len(took), sorted(took)[int(len(took) * 0.95) - 1] if took else float("inf")


def memory_mb(server: int) -> float:
    """The largest resident memory of a process and its children, so far."""
    children = subprocess.run(["pgrep", "-P", str(server)], capture_output=True, text=True, check=False).stdout.split()
    peaks = []
    for one in (server, *map(int, children)):
        status = Path(f"/proc/{one}/status")
        if status.is_file():
            peaks.append(int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) / 1024)  # type: ignore[index]
    return max(peaks)


def attacked(direct: str, path: str) -> None:
    """One attacker with eight connections, until told to stop by the thread that started it."""
    subprocess.run(["wrk", "-t1", "-c8", "-d8s", f"{direct}{path}"], capture_output=True, check=False)


def main(rows: int = 1_000_000) -> None:
    """Print every ratio of the acceptance list, one a line."""
    sys.path.insert(0, str(HOME / "tests"))
    shipped = importlib.import_module("test_deploy")  # the tests run the same proxy

    with tempfile.TemporaryDirectory(prefix="serving") as scratch:
        folder = Path(scratch)
        home, sockets = filled(folder / "home", rows), folder / "sockets"
        print(f"{rows:,} claims are in", flush=True)
        address = shipped.shipped(folder, sockets, home / "build" / "current")
        port = shipped.free_port()
        direct = f"http://127.0.0.1:{port}"
        serve = [sys.executable, "-m", "pipeline", "serve", "--home", str(home)]
        (home / "build" / "current" / "answer.json").write_text("")
        started = time.perf_counter()
        with (
            running([*serve, "--port", str(port)], f"{direct}/robots.txt") as own,
            running([*serve, "--sockets", str(sockets)], f"{direct}/robots.txt"),
            running([str(shipped.NGINX), "-c", str(folder / "nginx.conf"), "-p", str(folder)], f"{address}/robots.txt"),
        ):
            print(f"up in {time.perf_counter() - started:.1f} s, two servers at once", flush=True)
            for path in ("/", "/ru/", "/tg/"):
                start = time.perf_counter()
                httpx.get(f"{direct}{path}", trust_env=False, timeout=120).raise_for_status()
                print(f"landing {path}, the first time: {1000 * (time.perf_counter() - start):.0f} ms", flush=True)
            speeds(home, direct, address, folder)
            idle = polite(address, QUERY)[1]
            fair = address
            for path in ATTACKS:
                attacker = threading.Thread(target=attacked, args=(fair, path))
                attacker.start()
                time.sleep(1)
                good, p95 = polite(address, QUERY)
                attacker.join()
                print(
                    f"attack {path[:60]}: {good} of 100, p95 {p95 / idle:.1f} of idle {1000 * idle:.1f} ms", flush=True
                )
            print(f"memory of the server: {memory_mb(own.pid):.0f} MB", flush=True)


def speeds(home: Path, direct: str, address: str, folder: Path) -> None:
    """The ratios of speed."""
    base = home / "build" / "current" / "statistics.db"
    for name, path in (("page", "/"), ("API", QUERY)):
        body = httpx.get(f"{direct}{path}", trust_env=False, timeout=120).content
        (home / "build" / "current" / "answer.json").write_bytes(body)
        httpx.get(f"{address}{path}", trust_env=False, timeout=120).raise_for_status()
        static, cached = rate(f"{address}/files/answer.json"), rate(f"{address}{path}")
        print(f"cached {name}: {cached:.0f}/s, nginx static {static:.0f}/s, ratio {cached / static:.2f}", flush=True)
    sql = json.loads(httpx.get(f"{direct}/-/metadata.json", trust_env=False).text)
    asked = sql["databases"]["statistics"]["queries"]["list_series"]["sql"]
    (folder / "bare.py").write_text(BARE.format(db=base, sql=asked))
    port = int(direct.rsplit(":", 1)[1]) + 1
    words = [
        sys.executable,
        "-m",
        "uvicorn",
        "bare:app",
        "--port",
        str(port),
        "--log-level",
        "error",
        "--no-access-log",
    ]
    with running(words, f"http://127.0.0.1:{port}/?indicator=x", folder):
        bare = rate(f"http://127.0.0.1:{port}/?indicator=complaints_documented_coalition")
        named = rate(f"{direct}{QUERY}")
    print(f"named query: {named:.0f}/s, bare Starlette {bare:.0f}/s, ratio {named / bare:.2f}", flush=True)
    tag = httpx.get(f"{direct}{QUERY}", trust_env=False).headers["etag"]
    known = rate(f"{direct}{QUERY}", f"If-None-Match: {tag}")
    print(f"304: {known:.0f}/s, ratio to the named query {known / named:.1f}", flush=True)
    landing = rate(f"{direct}/")
    print(f"landing, not from the proxy: {landing:.0f}/s, named query is {named / landing:.2f} of it", flush=True)
    against_single_indexes(home, direct, folder / "single")


def against_single_indexes(home: Path, direct: str, single: Path) -> None:
    """Filter and sort over our indexes, and over one index for each column that is filtered by."""
    ours = [rate(f"{direct}{TABLE}{one}") for one in FILTERS]
    shutil.copytree(home, single, symlinks=False)
    with sqlite3.connect(single / "build" / "current" / "statistics.db") as plain:
        made = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        for (index,) in plain.execute(made).fetchall():
            plain.execute(f"DROP INDEX [{index}]")
        for column in ("indicator", "area", "originator", "document_id"):
            plain.execute(f"CREATE INDEX complaints_only_{column} ON complaints ({column})")
        plain.execute("ANALYZE")
    other = int(direct.rsplit(":", 1)[1]) + 2
    words = server.command(single / "build" / "current", single / "metadata.yml", ["--port", str(other)])
    patient = ["--setting", "sql_time_limit_ms", "60000"]  # ours gives up after half a second
    with running([*words, *patient], f"http://127.0.0.1:{other}/robots.txt"):
        baseline = [rate(f"http://127.0.0.1:{other}{TABLE}{one}") for one in FILTERS]
    for one, own, plain_rate in zip(FILTERS, ours, baseline, strict=True):
        ratio = own / max(plain_rate, 0.1)
        print(f"filter {one} and sort: {own:.0f}/s, single-column {plain_rate:.1f}/s, ratio {ratio:.0f}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
