"""The archive: what is recorded, what is replayed, what a crash leaves."""

from __future__ import annotations

import gzip
import importlib
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from warcio.archiveiterator import ArchiveIterator
from warcio.cli import main as warcio
from web.loopback import LOOPBACK, Page, Web

from pipeline import archive, errors, guard

NEWS = "http://coalition.example/news"
LONG = "<html><body>" + "Коалиция документировала 24 новых случая. " * 200 + "</body></html>"
CP1251 = "<html><head><meta charset=windows-1251></head><body>15 жалоб</body></html>".encode("cp1251")


class Calendar:
    """A clock that goes one minute further each time it is read."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.moment += timedelta(minutes=1)
        return self.moment


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as web:
        web.sites["coalition.example"] = {
            "/news": Page(LONG.encode(), etag=True, packed=True, headers={"Set-Cookie": "session=secret-cookie"}),
            "/chunked": Page(LONG.encode() + b"<!-- 2 -->", chunked=True),
            "/dated": Page(b"<html>dated</html>", modified="Tue, 03 Mar 2026 09:00:00 GMT"),
            "/plain": Page(b"<html>no validator at all</html>"),
            "/cp1251": Page(CP1251, "text/html"),
            "/gone": Page(b"<html>gone</html>", status=410),
            "/moved": Page(b"", status=301, headers={"Location": "/news"}),
            "/report.pdf": Page(b"%PDF-1.4\n%%EOF\n", "application/pdf"),
        }
        web.sites["mirror.example"] = {"/copy": Page(b"<html>no validator at all</html>")}
        yield web


PATHS = ("/news", "/chunked", "/dated", "/plain", "/cp1251", "/gone", "/moved", "/report.pdf")


def fetch_all(store: archive.Archive, web: Web, paths: tuple[str, ...] = PATHS) -> dict[str, tuple[int, bytes]]:
    client = archive.Recording(store, guard.Guard(permitted=LOOPBACK, resolve=web.resolve))
    return read_all(client, paths)


def read_all(client: httpx.BaseTransport, paths: tuple[str, ...] = PATHS) -> dict[str, tuple[int, bytes]]:
    answers = {}
    for path in paths:
        request = httpx.Request(
            "GET", f"http://coalition.example{path}", headers={"Accept-Encoding": "gzip", "Cookie": "a=b"}
        )
        response = client.handle_request(request)
        answers[path] = (response.status_code, response.read())
    return answers


def records(folder: Path) -> list[tuple[str, dict[str, str], object]]:
    found = []
    for path in sorted((folder / "warc").iterdir()):
        with path.open("rb") as file:
            found += [(one.rec_type, dict(one.rec_headers.headers), one.http_headers) for one in ArchiveIterator(file)]
    return found


def check(folder: Path) -> int:
    with pytest.raises(SystemExit) as left:
        warcio(["check", *map(str, sorted((folder / "warc").iterdir()))])
    return int(left.value.code or 0)


def test_replay_gives_back_every_answer_byte_for_byte_and_offline(tmp_path: Path, web: Web) -> None:
    """What came over the wire comes out of the archive: status, decoded body, headers that matter."""
    with archive.Archive(tmp_path, clock=Calendar()) as store:
        live = fetch_all(store, web)
        asked = len(web.asked)

        assert read_all(archive.Replay(store)) == live
        assert live["/news"][1] == LONG.encode()
        assert live["/cp1251"][1] == CP1251
        assert len(web.asked) == asked


def test_records_are_warc_1_1_dechunked_with_digests_and_without_secrets(tmp_path: Path, web: Web) -> None:
    """Warcio accepts the file; nothing in it names a cookie; chunking is told, not kept."""
    with archive.Archive(tmp_path, clock=Calendar()) as store:
        fetch_all(store, web)
    found = records(tmp_path)
    responses = {fields["WARC-Target-URI"]: http for kind, fields, http in found if kind == "response"}
    whole = b"".join(gzip.decompress(path.read_bytes()) for path in (tmp_path / "warc").iterdir())

    assert check(tmp_path) == 0
    assert {kind for kind, _, _ in found} == {"warcinfo", "response", "request"}
    assert whole.count(b"WARC/1.1\r\n") == len(found)
    assert responses["http://coalition.example/chunked"].get_header("X-Archive-Orig-Transfer-Encoding") == "chunked"
    assert responses["http://coalition.example/chunked"].get_header("Transfer-Encoding") is None
    assert responses["http://coalition.example/news"].get_header("Content-Encoding") == "gzip"
    assert b"secret-cookie" not in whole
    assert b"Cookie" not in whole


def test_a_second_visit_makes_only_revisits_that_name_their_original(tmp_path: Path, web: Web) -> None:
    """Unchanged pages cost no bytes: 304 or identical payload, each with address, date and digest of the original."""
    clock = Calendar()
    with archive.Archive(tmp_path, clock=clock) as store:
        first = fetch_all(store, web)
        originals = {capture.url: capture for capture in store.captures(store.run)}
    with archive.Archive(tmp_path, clock=clock) as store:
        second = fetch_all(store, web)
        third = fetch_all(store, web)
        captures = list(store.captures(store.run))
        replayed = read_all(archive.Replay(store))
    digests = {
        fields["WARC-Target-URI"]: fields["WARC-Payload-Digest"]
        for kind, fields, _ in records(tmp_path)
        if kind == "response"
    }
    revisits = [(fields, http) for kind, fields, http in records(tmp_path) if kind == "revisit"]

    assert first == second == third == replayed
    assert {capture.kind for capture in captures if capture.url != "http://coalition.example/moved"} == {"revisit"}
    assert {fields["WARC-Profile"].rpartition("/")[2] for fields, _ in revisits} == {
        "server-not-modified",
        "identical-payload-digest",
    }
    for fields, _ in revisits:
        original = originals[fields["WARC-Refers-To-Target-URI"]]
        assert fields["WARC-Refers-To-Date"] == original.at
        assert fields["WARC-Payload-Digest"] == digests[original.url]
    assert check(tmp_path) == 0


def test_the_same_bytes_at_another_address_are_a_revisit_of_the_first(tmp_path: Path, web: Web) -> None:
    """A mirror is stored once, and replayed at its own address."""
    with archive.Archive(tmp_path, clock=Calendar()) as store:
        fetch_all(store, web, ("/plain",))
        client = archive.Recording(store, guard.Guard(permitted=LOOPBACK, resolve=web.resolve))
        response = client.handle_request(httpx.Request("GET", "http://mirror.example/copy"))

        assert response.extensions["capture"].kind == "revisit"
        assert response.read() == b"<html>no validator at all</html>"


def test_a_changed_page_is_a_new_response_and_both_bodies_stay(tmp_path: Path, web: Web) -> None:
    """The archive loses nothing that it had."""
    with archive.Archive(tmp_path, clock=Calendar()) as store:
        fetch_all(store, web, ("/news",))
        before = store.last(NEWS)
        web.sites["coalition.example"]["/news"] = Page(LONG.replace("24", "25").encode(), etag=True)
        fetch_all(store, web, ("/news",))
        after = store.last(NEWS)

        assert (before.kind, after.kind) == ("response", "response")
        assert store.body(before.sha256) == LONG.encode()
        assert store.body(after.sha256) == LONG.replace("24", "25").encode()


def test_a_failure_is_a_capture_and_is_raised_again_in_replay(tmp_path: Path, web: Web) -> None:
    """An outage is evidence too; the last good page stays within reach."""
    with archive.Archive(tmp_path, clock=Calendar()) as store:
        fetch_all(store, web, ("/news",))
        good = store.last(NEWS)
        web.sites["coalition.example"]["/news"] = lambda conn: conn.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"
        )
        for client in (
            archive.Recording(store, guard.Guard(permitted=LOOPBACK, resolve=web.resolve)),
            archive.Replay(store),
        ):
            with pytest.raises(errors.Truncated):
                client.handle_request(httpx.Request("GET", NEWS))

        assert (store.last(NEWS).kind, store.last(NEWS).code) == ("failure", "E_TRUNCATED")
        assert store.last(NEWS, answered=True) == good
    assert check(tmp_path) == 0


def test_an_address_never_captured_says_so(tmp_path: Path) -> None:
    """Replay invents nothing."""
    with archive.Archive(tmp_path) as store, pytest.raises(errors.NotArchived, match=r"nowhere\.example"):
        archive.Replay(store).handle_request(httpx.Request("GET", "http://nowhere.example/"))


def test_a_dangerous_file_name_stays_a_header(tmp_path: Path, web: Web) -> None:
    """Case 19: what a server calls its file touches no path of ours."""
    for name in ("../../etc/cron.d/x", "CON", "n" * 300, "\u202etxt.exe"):
        page = Page(
            b"%PDF-1.4 %%EOF", "application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )
        web.sites["coalition.example"]["/name"] = lambda conn, page=page: conn.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Disposition: "
            + page.headers["Content-Disposition"].encode()
            + b"\r\nContent-Length: 14\r\n\r\n"
            + page.body
        )
        with archive.Archive(tmp_path / "a", clock=Calendar()) as store:
            fetch_all(store, web, ("/name",))
    names = {path.name for path in (tmp_path / "a").rglob("*") if path.is_file()}

    assert all(name.endswith(".warc.gz") or name in ("index.sqlite", "lock") for name in names)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert check(tmp_path / "a") == 0


def rows(folder: Path) -> list[tuple]:
    query = "SELECT url, at, kind, status, sha256, code, content_type, headers, payload FROM captures ORDER BY at, id"
    with sqlite3.connect(folder / "index.sqlite") as db:
        return db.execute(query).fetchall()


@pytest.mark.parametrize("damage", ["missing", "garbage"])
def test_the_index_is_made_anew_from_the_files(tmp_path: Path, web: Web, damage: str) -> None:
    """A lost or broken index loses nothing: the same rows come from the WARCs."""
    clock = Calendar()
    for _ in range(2):
        with archive.Archive(tmp_path, clock=clock) as store:
            fetch_all(store, web)
            store.add_failure(NEWS, errors.Unreachable("no answer"))
    before = rows(tmp_path)
    for path in tmp_path.glob("index.sqlite*"):
        path.unlink()
    if damage == "garbage":
        (tmp_path / "index.sqlite").write_bytes(b"no database at all" * 1000)
    archive.Archive(tmp_path, clock=clock).close()

    assert rows(tmp_path) == before
    assert len(before) == 18


def test_a_file_cut_at_any_byte_keeps_every_whole_record(tmp_path: Path, web: Web) -> None:
    """The torn last record is set aside, the rest is readable, and the next run goes on."""
    with archive.Archive(tmp_path / "whole", clock=Calendar()) as store:
        fetch_all(store, web, ("/news", "/plain", "/dated"))
    path = next((tmp_path / "whole" / "warc").iterdir())
    content = path.read_bytes()
    ends = [
        row[0]
        for row in sqlite3.connect(tmp_path / "whole" / "index.sqlite").execute(
            "SELECT start + length FROM captures ORDER BY start"
        )
    ]
    for cut in [0, 1, 5, *random.Random(4).sample(range(len(content)), 25), len(content) - 1, len(content)]:
        folder = tmp_path / str(cut)
        (folder / "warc").mkdir(parents=True)
        (folder / "warc" / path.name).write_bytes(content[:cut])
        with archive.Archive(folder, clock=Calendar()) as store:
            kept = len(list(store.captures()))
            torn = sum(len(piece.read_bytes()) for piece in (folder / "torn").iterdir())
            left = (folder / "warc" / path.name).stat().st_size

        assert left + torn == cut
        assert kept >= sum(end <= cut for end in ends)
        assert check(folder) == 0


def test_a_changed_byte_in_the_archive_is_noticed(tmp_path: Path, web: Web) -> None:
    """A body that no longer has its digest is never handed out."""
    with archive.Archive(tmp_path, clock=Calendar()) as store:
        fetch_all(store, web, ("/chunked",))
        sha256 = store.last("http://coalition.example/chunked").sha256
        path = next((tmp_path / "warc").iterdir())
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        with pytest.raises(errors.BadArchive):
            store.body(sha256)


def test_an_index_that_points_at_other_bytes_is_noticed(tmp_path: Path, web: Web) -> None:
    """A whole record that is not the one asked for is never handed out."""
    with archive.Archive(tmp_path, clock=Calendar()) as store:
        fetch_all(store, web, ("/news", "/plain"))
        sha256 = store.last(NEWS).sha256
        store._db.execute("UPDATE captures SET start = (SELECT max(start) FROM captures)")
        with pytest.raises(errors.BadArchive):
            store.body(sha256)


def test_a_second_run_at_the_same_time_is_refused(tmp_path: Path) -> None:
    """One writer at a time, by a lock that dies with its holder."""
    with archive.Archive(tmp_path), pytest.raises(errors.Locked):
        archive.Archive(tmp_path)
    archive.Archive(tmp_path).close()


KILLED = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    sys.path[:0] = [{root!r}, {tests!r}]
    import httpx
    from pipeline import archive, guard
    from web.loopback import LOOPBACK
    store = archive.Archive(Path({folder!r}))
    below = guard.Guard(permitted=LOOPBACK, resolve=lambda *_: [("127.0.0.1", {port})])
    client = archive.Recording(store, below)
    print("ready", flush=True)
    for number in range({pages}):
        client.handle_request(httpx.Request("GET", f"http://many.example/{{number}}"))
        print(number, flush=True)
    store.close()
    """
)


def kill_once(folder: Path, web: Web, pages: int, chance: random.Random) -> int:
    """How many pages the run had told of when it was killed, somewhere in the midst of one."""
    root = Path(__file__).parents[1]
    script = KILLED.format(root=str(root), tests=str(root / "tests"), folder=str(folder), port=web.port, pages=pages)
    run = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert run.stdout.readline() == "ready\n"
    before = chance.randrange(pages // 2)
    for _ in range(before):
        run.stdout.readline()
    time.sleep(chance.uniform(0, 0.004))
    run.send_signal(signal.SIGKILL)
    told = before + len(run.stdout.read().split())
    run.wait()
    assert told < pages
    return told


def killed_runs(tmp_path: Path, runs: int, seed: int) -> None:
    pages, chance = 300, random.Random(seed)
    with Web() as web:
        web.sites["many.example"] = {
            f"/{number}": Page(f"<html>{number} {random.Random(number).randbytes(20_000).hex()}</html>".encode())
            for number in range(pages)
        }
        for run in range(runs):
            folder = tmp_path / str(run)
            web.asked.clear()
            told = kill_once(folder, web, pages, chance)
            asked = len(web.asked)
            with archive.Archive(folder) as store:
                kept = [capture for capture in store.captures() if capture.kind == "response"]
                assert told <= len(kept) <= asked <= told + 2
                assert all(store.body(capture.sha256) for capture in kept)
                client = archive.Recording(store, guard.Guard(permitted=LOOPBACK, resolve=web.resolve))
                for number in range(pages):
                    client.handle_request(httpx.Request("GET", f"http://many.example/{number}"))
                assert len(web.asked) <= pages + 1
                assert len({capture.url for capture in store.captures()}) == pages
            assert check(folder) == 0


def test_kill_9_loses_nothing_and_fetches_nothing_twice(tmp_path: Path) -> None:
    """Killed while fetching and archiving: readable at once, resumed where it stopped, at most one page asked twice."""
    killed_runs(tmp_path, runs=4, seed=4)


@pytest.mark.exam
def test_kill_9_fifty_times(tmp_path: Path) -> None:
    """The same at fifty random moments."""
    killed_runs(tmp_path, runs=50, seed=50)


def test_a_full_disk_is_named_and_leaves_a_whole_file(tmp_path: Path, web: Web) -> None:
    """A write that fails half-way is taken back."""
    with archive.Archive(tmp_path, clock=Calendar()) as store:
        fetch_all(store, web, ("/news",))
        write = os.write
        try:
            os.write = lambda file, content: (
                write(file, content[:100])
                if len(content) > 100
                else (_ for _ in ()).throw(OSError(28, "No space left"))
            )
            with pytest.raises(errors.StorageError):
                fetch_all(store, web, ("/plain",))
        finally:
            os.write = write
        fetch_all(store, web, ("/dated",))

        assert [capture.url.rpartition("/")[2] for capture in store.captures()] == ["news", "dated"]
    assert check(tmp_path) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def pywb(tmp_path: Path) -> Iterator[httpx.Client]:
    """A pywb over a collection `all` in tmp_path/pywb, asked once `add` has been called with WARC files."""
    importlib.import_module("pywb")  # in the lock: a missing one fails
    folder, port = tmp_path / "pywb", free_port()
    folder.mkdir()
    manager = [sys.executable, "-m", "pywb.manager.manager"]
    started: list[subprocess.Popen] = []

    def add(files: list[Path]) -> httpx.Client:
        for command in (["init", "all"], ["add", "all", *map(str, files)]):
            subprocess.run([*manager, *command], cwd=folder, check=True, capture_output=True)
        script = Path(__file__).parent / "web" / "replay_pywb.py"
        started.append(subprocess.Popen([sys.executable, script, str(port)], cwd=folder, stderr=subprocess.DEVNULL))
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                client.get("/")
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return client
        raise AssertionError("pywb did not start")

    yield add
    for process in started:
        process.kill()
        process.wait()


def test_pywb_replays_every_captured_page_with_the_same_body(tmp_path: Path, web: Web, pywb) -> None:
    """A tool that knows nothing of us shows what we captured, revisits of both kinds included."""
    clock = Calendar()
    paths = tuple(path for path in PATHS if path != "/moved")
    for _ in range(2):
        with archive.Archive(tmp_path / "ours", clock=clock) as store:
            fetch_all(store, web, paths)
    client = pywb(sorted((tmp_path / "ours" / "warc").iterdir()))
    with archive.Archive(tmp_path / "ours", clock=clock) as store:
        captures = list(store.captures())
        for capture in captures:
            shown = client.get(f"/all/{re.sub('[-:TZ]', '', capture.at)}id_/{capture.url}")

            assert (shown.status_code, shown.content) == (capture.status, store.body(capture.sha256))
    assert [capture.kind for capture in captures] == ["response"] * 7 + ["revisit"] * 7


def test_a_warc_made_elsewhere_is_taken_in_once(tmp_path: Path, web: Web) -> None:
    """Wget's chunked and gzipped records become captures with their own dates; a second import changes nothing."""
    if shutil.which("wget") is None:
        pytest.skip("wget is not installed")
    web.sites["127.0.0.1"] = web.sites["coalition.example"]
    addresses = [f"http://127.0.0.1:{web.port}{path}" for path in ("/news", "/chunked", "/plain", "/plain", "/gone")]
    command = ["wget", "-q", "--header=Accept-Encoding: gzip", "--warc-file=theirs", "-O", "out", *addresses]
    subprocess.run(command, cwd=tmp_path, check=False)
    with archive.Archive(tmp_path / "ours", clock=Calendar()) as store:
        first = archive.take_in(store, tmp_path / "theirs.warc.gz")
        again = archive.take_in(store, tmp_path / "theirs.warc.gz")
        answers = {capture.url: (capture.status, store.body(capture.sha256)) for capture in store.captures()}

    assert (first.captures + first.held, first.left_out) == (5, {})
    assert (again.captures, again.held) == (0, 5)
    assert answers[addresses[0]] == (200, LONG.encode())
    assert answers[addresses[1]] == (200, LONG.encode() + b"<!-- 2 -->")
    assert answers[addresses[4]] == (410, b"<html>gone</html>")
    assert check(tmp_path / "ours") == 0


def test_our_own_warc_can_be_taken_in_by_another_archive_with_its_revisits(tmp_path: Path, web: Web) -> None:
    """Two machines can join their archives."""
    clock = Calendar()
    for _ in range(2):
        with archive.Archive(tmp_path / "one", clock=clock) as store:
            live = fetch_all(store, web)
    with archive.Archive(tmp_path / "two", clock=clock) as other:
        for path in sorted((tmp_path / "one" / "warc").iterdir()):
            assert archive.take_in(other, path).left_out == {}

        assert read_all(archive.Replay(other)) == live
    assert check(tmp_path / "two") == 0


@pytest.mark.parametrize("content", [b"", b"no archive", gzip.compress(b"neither", mtime=0)])
def test_a_file_that_is_no_warc_is_refused(tmp_path: Path, content: bytes) -> None:
    """Nothing is guessed about foreign bytes."""
    (tmp_path / "x.warc.gz").write_bytes(content)
    with archive.Archive(tmp_path / "a") as store, pytest.raises(errors.BadArchive):
        archive.take_in(store, tmp_path / "x.warc.gz")
