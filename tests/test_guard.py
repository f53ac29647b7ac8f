"""The guard and the polite client against the hostile site: the network cases of reliability.md, section 8."""

from __future__ import annotations

import ipaddress
import resource
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from web import hostile
from web.loopback import LOOPBACK, Page, Web, answer_to, redirect

from pipeline import errors, guard
from pipeline.scrape import polite

PATIENT = guard.Limits(deadline_s=20.0)  # 50 MB of an endless answer take a busy machine more than a moment
SHORT = guard.Limits(deadline_s=1.5)  # a whole page still arrives within it where eight programs share two cores


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    stop = threading.Event()
    with Web() as web:
        web.sites[hostile.HOST] = hostile.site(stop)
        yield web
        stop.set()


class Time:
    """A clock that only `sleep` moves."""

    def __init__(self) -> None:
        self.now_s, self.slept = 100.0, []

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


def polite_over(
    web: Web, resolve: guard.Resolve | None = None, limits: guard.Limits = PATIENT, **options
) -> polite.Polite:
    inner = guard.Guard(limits=limits, permitted=LOOPBACK, resolve=resolve or web.resolve)
    time_ = Time()
    return polite.Polite(inner, **{"gap_s": 0.0, "clock": time_.clock, "sleep": time_.sleep, **options})


def get(transport: httpx.BaseTransport, url: str) -> httpx.Response:
    return polite.follow(transport.handle_request, httpx.Request("GET", url))


NETWORK_CASES = {
    "/bomb": "E_RATIO",
    "/half-gzip": "E_TRUNCATED",
    "/not-gzip": "E_ENCODING",
    "/short": "E_TRUNCATED",
    "/half-chunk": "E_TRUNCATED",
    "/half.pdf": "E_NO_EOF_MARK",
    "/half.html": "E_NO_EOF_MARK",
    "/half.docx": "E_NO_EOF_MARK",
    "/slow-headers": "E_DEADLINE",
    "/slow-body": "E_DEADLINE",
    "/endless": "E_TOO_BIG",
    "/huge-headers": "E_PROTOCOL",
    "/two-lengths": "E_PROTOCOL",
    "/loop": "E_REDIRECTS",
    "/far-0": "E_REDIRECTS",
    "/to-metadata": "E_PRIVATE_ADDR",
    "/to-file": "E_SCHEME",
    "/to-ftp": "E_SCHEME",
    "/to-port": "E_PORT",
    "/brotli": "E_ENCODING",
    "/stacked": "E_ENCODING",
    "/wait": "E_RETRY_CAP",
    "/private/x": "E_ROBOTS",
}


@pytest.mark.parametrize(("path", "code"), NETWORK_CASES.items())
def test_each_hostile_answer_ends_in_its_own_error_within_its_deadline(web: Web, path: str, code: str) -> None:
    """A hostile answer becomes its code in time, without filling memory, and the next page is still read."""

    def resolve(host: str, port: int) -> list[tuple[str, int]]:
        return [("169.254.169.254", port)] if host == "metadata.example" else web.resolve(host, port)

    limits = SHORT if code == "E_DEADLINE" else PATIENT
    client = polite_over(web, resolve, limits)
    started, before_kb = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(errors.BadSource) as refused:
        get(client, f"http://{hostile.HOST}{path}")
    took_s = time.monotonic() - started
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb

    assert refused.value.code == code
    assert took_s < limits.deadline_s + 5.0
    assert grown_kb < 150_000
    assert get(client, f"http://{hostile.HOST}/good").extensions["plain"] == b"<html><body>24 appeals</body></html>"


def test_complete_answers_pass_the_same_checks(web: Web) -> None:
    """A whole PDF without a length, and gzip in two members, are read whole."""
    client = polite_over(web)

    assert get(client, f"http://{hostile.HOST}/whole.pdf").extensions["plain"] == hostile.WHOLE_PDF
    assert get(client, f"http://{hostile.HOST}/two-members").extensions["plain"] == b"<html>one two</html>"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fec0::1",
        "ff0e::1",
        "::ffff:10.0.0.1",
        "::7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "198.18.0.1",
        "192.0.2.1",
    ],
)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    """Private, special and tunnelled private addresses are no web sites."""
    assert guard.is_public(ipaddress.ip_address(address)) is False


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8"]
)
def test_a_public_address_passes_even_when_tunnelled(address: str) -> None:
    """The check refuses no ordinary site."""
    assert guard.is_public(ipaddress.ip_address(address)) is True


@pytest.mark.parametrize("bad", ["10.0.0.7", "64:ff9b::7f00:1", "2002:7f00:1::"])
def test_one_private_address_among_public_ones_refuses_the_name(web: Web, bad: str) -> None:
    """All answers of the name server are checked, not the first; nothing is sent."""
    asked = len(web.asked)
    client = polite_over(web, lambda _, port: [("127.0.0.1", web.port), (bad, port)])
    with pytest.raises(errors.PrivateAddress):
        client.handle_request(httpx.Request("GET", "http://mixed.example/"))

    assert len(web.asked) == asked


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "017700000001", "[::1]", "localhost"])
def test_loopback_by_any_spelling_is_refused_without_a_permit(host: str) -> None:
    """The system's resolver is believed only after the check."""
    with pytest.raises((errors.PrivateAddress, errors.Unreachable)):
        guard.Guard(limits=PATIENT).handle_request(httpx.Request("GET", f"http://{host}/"))


def test_a_name_that_changes_between_check_and_connection_changes_nothing(web: Web) -> None:
    """The name is looked up once and the checked address is the one connected to (rebinding)."""
    answers = [[("127.0.0.1", web.port)]]
    client = guard.Guard(limits=PATIENT, permitted=LOOPBACK, resolve=lambda *_: answers.pop(0))
    response = client.handle_request(httpx.Request("GET", f"http://{hostile.HOST}/good"))

    assert response.status_code == 200
    assert answers == []


def test_a_resolver_that_hangs_ends_at_the_deadline() -> None:
    """No name server can hold a run."""
    stop = threading.Event()
    client = guard.Guard(limits=guard.Limits(deadline_s=0.2), resolve=lambda *_: [stop.wait(20)][:0])
    started = time.monotonic()
    with pytest.raises(errors.DeadlineMissed):
        client.handle_request(httpx.Request("GET", "http://slow.example/"))
    stop.set()

    assert time.monotonic() - started < 1.5


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=safe.example"]
    command += [
        "-addext",
        "subjectAltName=DNS:safe.example",
        "-keyout",
        str(folder / "key"),
        "-out",
        str(folder / "crt"),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "crt", folder / "key"


def test_tls_is_verified_against_the_name_and_never_downgraded(certificate: tuple[Path, Path]) -> None:
    """The pinned connection keeps the name for TLS; a redirect to http is refused."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*certificate)
    trusted = ssl.create_default_context(cafile=str(certificate[0]))
    with Web(server) as web:
        pages = {"/good": Page(b"safe"), "/down": redirect("http://safe.example/good")}
        web.sites = {"safe.example": pages, "other.example": pages}
        client = guard.Guard(limits=PATIENT, permitted=LOOPBACK, resolve=web.resolve, tls=trusted)

        assert get(client, "https://safe.example/good").extensions["plain"] == b"safe"
        with pytest.raises(errors.Downgraded):
            get(client, "https://safe.example/down")
        with pytest.raises(errors.Unreachable, match="certificate"):
            get(client, "https://other.example/good")


@pytest.mark.parametrize(
    ("robots", "expected"),
    [
        (Page(b"", status=404), None),
        (Page(b"", status=403), None),
        (Page(b"", status=500), "E_ROBOTS"),
        (Page(b"", status=503), "E_ROBOTS"),
        (Page(b"", status=429), "E_ROBOTS"),
        (hostile.endless, "E_ROBOTS"),
        (redirect("http://robots.example/other.txt"), None),
        (redirect("file:///etc/passwd"), "E_ROBOTS"),
    ],
)
def test_robots_that_cannot_be_read_mean_no_and_absent_ones_mean_yes(robots: object, expected: str | None) -> None:
    """A fault of the site forbids, a missing file permits (RFC 9309)."""
    with Web() as web:
        web.sites["robots.example"] = {"/robots.txt": robots, "/page": Page(b"page")}
        client = polite_over(web)
        try:
            get(client, "http://robots.example/page")
            code = None
        except errors.ForbiddenByRobots as error:
            code = error.code

        assert code == expected
        assert ("/page" in web.paths("robots.example")) is (expected is None)


def test_the_longer_of_our_pause_and_the_crawl_delay_is_kept() -> None:
    """Two requests to one host are apart by max(own gap, Crawl-delay); another host need not wait."""
    with Web() as web:
        web.sites["slow.example"] = {
            "/robots.txt": Page(b"User-agent: *\nCrawl-delay: 12\n", "text/plain"),
            **{path: Page(b"x") for path in ("/1", "/2")},
        }
        web.sites["fast.example"] = {path: Page(b"x") for path in ("/1", "/2")}
        time_ = Time()
        client = polite_over(web, gap_s=5.0, clock=time_.clock, sleep=time_.sleep)
        for host in ("slow.example", "fast.example"):
            for path in ("/1", "/2"):
                get(client, f"http://{host}{path}")

        assert time_.slept == [12.0, 12.0, 5.0, 5.0]


def test_a_busy_server_is_asked_again_after_the_pause_it_names() -> None:
    """429 with Retry-After is obeyed to the second, then the answer is taken; the agent names itself each time."""
    with Web() as web:
        answers = [Page(b"", status=429, headers={"Retry-After": "77"}), Page(b"", status=503), Page(b"24 appeals")]
        served = iter(answers)
        web.sites["busy.example"] = {"/page": lambda conn: conn.sendall(answer_to(next(served), {}))}
        time_ = Time()
        client = polite_over(web, gap_s=2.0, clock=time_.clock, sleep=time_.sleep, agent="us/1 (+mailto:us@us.example)")
        response = get(client, "http://busy.example/page")

        assert response.extensions["plain"] == b"24 appeals"
        assert time_.slept == [2.0, 77.0, 77.0 * 2]
        assert {asked.headers["user-agent"] for asked in web.asked} == {"us/1 (+mailto:us@us.example)"}


@pytest.mark.parametrize("hosts", [1, 4])
@pytest.mark.parametrize("clients", [1, 4])
def test_one_host_is_never_asked_twice_at_a_time_and_several_are(tmp_path: Path, hosts: int, clients: int) -> None:
    """Four threads wait for each other at one host, and not at four; so do clients that share only a folder."""
    busy, most, lock = 0, 0, threading.Lock()

    def slow(conn: socket.socket) -> None:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        threading.Event().wait(0.05)
        with lock:
            busy -= 1
        conn.sendall(answer_to(Page(b"x"), {}))

    with Web() as web, ThreadPoolExecutor(4) as threads:
        web.sites |= {f"h{number}.example": {"/": slow} for number in range(4)}
        several = [polite_over(web, turns=tmp_path) for _ in range(clients)]
        list(threads.map(lambda n: get(several[n % clients], f"http://h{n % hosts}.example/"), range(8)))

    assert (most == 1) is (hosts == 1)


@pytest.mark.parametrize("host", ["..", "x" * 300, "a.example"])
def test_the_name_of_a_host_touches_no_path(tmp_path: Path, host: str) -> None:
    """Whatever a redirect calls its host, the file that holds its turn lies where it should."""
    with Web() as web, pytest.raises(errors.BadSource):
        get(polite_over(web, turns=tmp_path), f"http://{host}/")

    assert [len(path.name) for path in tmp_path.iterdir()] == [32]


def test_a_dead_host_is_asked_a_few_times_and_then_left_alone() -> None:
    """An outage costs one site a few tries, not one for each of its pages."""
    looked_up: list[str] = []

    def resolve(host: str, _: int) -> list[tuple[str, int]]:
        looked_up.append(host)
        raise OSError

    client = polite_over(Web(), resolve)
    for page in range(20):
        with pytest.raises(errors.Unreachable):
            get(client, f"http://dead.example/{page}")

    assert len(looked_up) <= 3
