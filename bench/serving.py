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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import polars

from pipeline import build
from pipeline.publish import database
from pipeline.records import PublicTable, Table
from pipeline.serve import server

HOME = Path(__file__).resolve().parent.parent
SECONDS, CONNECTIONS = 5, 8
QUERY = "/v1/list_series?indicator=complaints_documented_coalition"
TABLE = "/statistics/complaints.json?_shape=array&_size=50&_sort_desc=period_end&"
FILTERS = ("indicator=complaints_documented_coalition", "originator=ombudsman-tj", "area=TJ")
ATTACKS = (
    "/statistics.json?sql=with+recursive+r(n)+as+(select+1+union+all+select+n%2B1+from+r)+select+count(*)+from+r",
    "/statistics/complaints.json?_facet=note&_facet=locator",
    "/statistics/complaints.json?note__contains=zz&_sort=note",
    "/statistics/complaints.csv?_size=max&_stream=on",
    "/statistics.json?sql=select+hex(randomblob(100000000))",
)
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
    """A checkout whose release holds `rows` complaints with their history, documents, disagreements and search."""
    target = folder / "build" / "releases" / "synthetic"
    shutil.copytree((HOME / "build" / "current").resolve(), target)
    (folder / "build" / "current").symlink_to(target)
    shutil.copy(HOME / "metadata.yml", folder)
    told = json.loads((target / "datapackage.json").read_text(encoding="utf-8"))["resources"]
    tables = {one["name"]: polars.read_csv(target / one["path"], infer_schema=False) for one in told}
    tables |= _stretched(tables, rows)
    (target / server.DATABASE).unlink()
    own = build.table_schemas(HOME)
    public = [PublicTable(Table(name, own.get(name, own["code_list"]), rows)) for name, rows in tables.items()]
    database.write(public, target / server.DATABASE)
    return folder


def _stretched(tables: Mapping[str, polars.DataFrame], rows: int) -> dict[str, polars.DataFrame]:
    """The tables that grow with the claims: half of them in the documents that are there, half in new ones."""
    n = polars.col("n")
    day = polars.date(2000, 1, 1) + polars.duration(days=n * 7919 % 9000)
    claims = _more(tables["complaints"], rows).with_columns(
        polars.format("s-{}", n).alias("claim_id"),
        day.dt.strftime("%Y-01-01").alias("period_start"),
        day.dt.strftime("%Y-%m-%d").alias("period_end"),
        polars.concat_str(polars.col("note").fill_null(""), n.cast(polars.String)).alias("note"),
        polars.when(n % 2 == 1).then(polars.format("s-{}", n // 400)).otherwise("document_id").alias("document_id"),
    )
    history = claims.with_columns(polars.lit("complaints").alias("topic"))
    absent = [name for name in tables["vintages"].columns if name not in history.columns]
    history = history.with_columns(polars.lit(None if name == "superseded_on" else "_T").alias(name) for name in absent)
    documents = _more(tables["documents"], rows // 400 + 1).with_columns(polars.format("s-{}", n).alias("document_id"))
    conflicts = _more(tables["conflicts"], rows // 50).with_columns(
        polars.concat_str("conflict_id", polars.format("-{}", n)).alias("conflict_id"),
        polars.format("s-{}; s-{}", 2 * n, 2 * n + 1).alias("claims"),
        polars.lit(None).alias("set_aside"),
    )
    members = conflicts.with_columns(
        polars.col("claims").str.split("; ").alias("claim_id"),
        polars.lit("complaints").alias("topic"),
        polars.lit("false").alias("set_aside"),
    ).explode("claim_id")
    grown = {"complaints": claims, "vintages": history, "documents": documents, "conflicts": conflicts,
             "conflict_claims": members}  # fmt: skip
    return {name: polars.concat([tables[name], made.select(tables[name].columns)]) for name, made in grown.items()}


def _more(table: polars.DataFrame, rows: int) -> polars.DataFrame:
    """`rows` rows, those of the table again and again, numbered in `n`."""
    n = polars.int_range(rows, eager=True).alias("n")
    return table[(n % table.height)].with_columns(n)


@contextmanager
def running(words: list[str], address: str, cwd: Path = HOME) -> Iterator[subprocess.Popen[bytes]]:
    """A server, once it answers, until the block ends."""
    quiet = subprocess.DEVNULL
    started = subprocess.Popen(words, cwd=cwd, stdout=quiet, stderr=quiet, env=server.surroundings())
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


def rate(address: str, *headers: str, connections: int = CONNECTIONS, seconds: int = SECONDS) -> float:
    """Answers a second to wrk, none of them bad."""
    shape = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s"]
    words = ["wrk", *shape, *(f"-H{one}" for one in headers), address]
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
    """Filter and sort here, and in a plain Datasette over one index for each column that is filtered by.

    The same path and the same clients; the rival has as much time as it wants, ours gives up after half a second.
    """
    single.mkdir()
    shutil.copy(home / "build" / "current" / server.DATABASE, single)
    with sqlite3.connect(single / server.DATABASE) as plain:
        made = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        for (index,) in plain.execute(made).fetchall():
            plain.execute(f"DROP INDEX [{index}]")
        for column in ("indicator", "area", "originator", "document_id"):
            plain.execute(f"CREATE INDEX complaints_only_{column} ON complaints ({column})")
        plain.execute("ANALYZE")
    port = str(int(direct.rsplit(":", 1)[1]) + 2)
    words = [sys.executable, "-m", "datasette", "serve", "--immutable", str(single / server.DATABASE), "--port", port]
    other = f"http://127.0.0.1:{port}"
    for connections in (CONNECTIONS, 1):
        ours = [rate(f"{direct}{TABLE}{one}", connections=connections) for one in FILTERS]
        with running([*words, "--setting", "sql_time_limit_ms", "60000"], f"{other}/-/versions.json"):
            rival = [rate(f"{other}{TABLE}{one}", connections=connections, seconds=4 * SECONDS) for one in FILTERS]
        for one, own, plain_rate in zip(FILTERS, ours, rival, strict=True):
            told = f"{own:.0f}/s, plain Datasette {plain_rate:.1f}/s, ratio {own / max(plain_rate, 0.05):.0f}"
            print(f"filter {one} and sort, connections: {connections}: {told}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
