"""Ask politely: robots.txt first, one request at a time per host, pauses kept, a few patient retries.

A transport over another one. What is asked and why is visit.py's; what may come back is the guard's.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path

import httpx
import stamina
import stamina.instrumentation
from protego import Protego

from pipeline import errors, guard

Ask = Callable[[httpx.Request], httpx.Response]

AGENT = "tj-torture-statistics/0.1"
_TIME_BYTES = 24
_ROBOTS_BYTES = 512_000  # RFC 9309 asks for at least 500 KiB
_RETRY_LATER = frozenset({429, 500, 502, 503, 504})
_STRIKES = 2  # a host that failed this often in a row is left alone for the rest of the run

stamina.instrumentation.set_on_retry_hooks([])  # a retry is told in the run's table, not on stderr


class _TryLaterError(Exception):
    """An answer that asks us to come back."""

    def __init__(self, response: httpx.Response, wait_s: float | None) -> None:
        super().__init__()
        self.response, self.wait_s = response, wait_s


def utc_now() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


def follow(ask: Ask, request: httpx.Request, hops: int = guard.LIMITS.hops) -> httpx.Response:
    """The answer at the end of the redirects, each hop asked for anew through `ask`.

    Raises: TooManyRedirects after `hops` or in a circle; SchemeRefused, Downgraded for a hop that leads astray.
    """
    seen = {request.url}
    for _ in range(hops + 1):
        response = ask(request)
        if not response.has_redirect_location:
            return response
        target = guard.next_hop(request.url, response.headers["location"])
        if target in seen:
            raise errors.TooManyRedirects(f"{request.url}: redirects in a circle. Look at it by hand.")
        seen.add(target)
        headers = [(key, value) for key, value in request.headers.items() if key != "host"]
        request = httpx.Request(request.method, target, headers=headers, extensions=request.extensions)
    raise errors.TooManyRedirects(f"{request.url}: more than {hops} redirects. Look at it by hand.")


class Polite(httpx.BaseTransport):
    """Keeps the rules of each site. It may be used from several threads; other processes wait their turn in `turns`.

    `agent` is sent and matched against robots.txt; it should end with a way to reach us. `gap_s` is the least pause
    between two requests to a host; `request.extensions["gap_s"]` makes it longer for one source.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport,
        *,
        agent: str = AGENT,
        gap_s: float = 5.0,
        attempts: int = 3,
        retry_cap_s: float = 3600.0,
        turns: Path | None = None,
        clock: guard.Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._inner, self._agent, self._gap_s = inner, agent, gap_s
        self._attempts, self._retry_cap_s = attempts, retry_cap_s
        self._clock, self._sleep, self._now, self._turns = clock, sleep, now, turns
        self._turn: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._free_at: dict[str, float] = {}
        self._strikes: defaultdict[str, int] = defaultdict(int)
        self._rules: dict[str, Protego | errors.BadSource] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, once it is our turn.

        Raises: ForbiddenByRobots, RobotsUnknown, RetryCapped, and whatever lies beneath.
        """
        guard.check_url(request.url)
        host = request.url.host
        request.headers["User-Agent"] = self._agent
        request.headers["Accept-Encoding"] = "gzip"
        with self._turn[host], self._among_processes(host):
            rules = self._robots(request.url)
            if not rules.can_fetch(str(request.url), self._agent):
                raise errors.ForbiddenByRobots(f"{request.url}: robots.txt forbids it. Ask the publisher for a copy.")
            gap_s = max(float(request.extensions.get("gap_s", self._gap_s)), rules.crawl_delay(self._agent) or 0.0)
            if gap_s > self._retry_cap_s:
                raise errors.RetryCapped(f"{host}: robots.txt asks for pauses of {gap_s:.0f} s. Ask the publisher.")
            return self._patient(request, gap_s)

    def close(self) -> None:
        """Nothing; what lies beneath is shut."""
        self._inner.close()

    @contextmanager
    def _among_processes(self, host: str) -> Iterator[None]:
        """Holds the host's file, in which the last to ask it left the time."""
        if self._turns is None:
            yield
            return
        name = hashlib.sha256(host.encode()).hexdigest()[:32]  # what a redirect calls its host touches no path
        file = os.open(self._turns / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            left = float(os.pread(file, _TIME_BYTES, 0) or 0.0)
            if 0.0 < left <= self._clock():  # a later time is one from before the machine was started
                self._free_at[host] = max(left, self._free_at.get(host, 0.0))
            yield
        finally:
            os.pwrite(file, f"{self._free_at.get(host, 0.0):0{_TIME_BYTES}.6f}".encode(), 0)
            os.close(file)

    def _robots(self, url: httpx.URL) -> Protego:
        """The site's rules, asked for once a run; a failure stands for the run too."""
        site = f"{url.scheme}://{url.netloc.decode('ascii')}"
        known = self._rules.get(site)
        if known is None:
            try:
                known = self._read_robots(httpx.URL(f"{site}/robots.txt"))
            except errors.BadSource as error:
                known = error
            self._rules[site] = known
        if isinstance(known, errors.BadSource):
            raise known
        return known

    def _read_robots(self, address: httpx.URL) -> Protego:
        request = httpx.Request("GET", address, extensions={"raw_limit": _ROBOTS_BYTES})
        request.headers["User-Agent"] = self._agent
        request.headers["Accept-Encoding"] = "gzip"
        try:
            response = follow(lambda hop: self._patient(hop, self._gap_s, attempts=1), request)
        except (errors.Unreachable, errors.PrivateAddress):
            raise  # not a matter of robots.txt: the site itself cannot be asked
        except errors.BadSource as error:
            raise errors.RobotsUnknown(f"{address}: cannot be read ({error.code}): no page is asked for.") from error
        status = response.status_code
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            raise errors.RobotsUnknown(f"{address}: answered {status}: no page is asked for. It is asked next run.")
        text = response.read().decode("utf-8", "replace") if response.is_success else ""
        return Protego.parse(text)

    def _patient(self, request: httpx.Request, gap_s: float, attempts: int | None = None) -> httpx.Response:
        """The answer, after as many tries as the host may expect of us."""
        host, pause_s = request.url.host, 0.0
        if self._strikes[host] >= _STRIKES:
            raise errors.Unreachable(f"{host}: failed {_STRIKES} times in a row, left alone for this run.")

        def again(error: Exception) -> bool | float:
            nonlocal pause_s
            if isinstance(error, errors.DeadlineMissed) or not isinstance(error, _TryLaterError | errors.Unreachable):
                return False
            wanted_s = error.wait_s if isinstance(error, _TryLaterError) else None
            pause_s = wanted_s if wanted_s is not None else max(pause_s * 2, gap_s, 1.0)
            return 0.0 if pause_s <= self._retry_cap_s else False  # stamina does not wait: our own sleep does

        try:
            for attempt in stamina.retry_context(on=again, attempts=attempts or self._attempts, timeout=None):
                with attempt:
                    if attempt.num > 1:
                        self._sleep(pause_s)
                    response = self._once(request, gap_s)
                    self._strikes[host] = 0
                    return response
        except _TryLaterError as error:
            if error.wait_s is not None and error.wait_s > self._retry_cap_s:
                raise errors.RetryCapped(
                    f"{request.url}: asked for a pause of {min(error.wait_s, 1e12):.0f} s, the longest we make is "
                    f"{self._retry_cap_s:.0f}. It is asked again next run."
                ) from None
            return error.response
        except errors.Unreachable:
            self._strikes[host] += 1
            raise
        raise AssertionError  # the loop above returns or raises

    def _once(self, request: httpx.Request, gap_s: float) -> httpx.Response:
        """One try, after the pause that the host is owed."""
        host = request.url.host
        wait_s = self._free_at.get(host, 0.0) + gap_s - self._clock()
        if host in self._free_at and wait_s > 0:
            self._sleep(wait_s)
        try:
            response = self._inner.handle_request(request)
        finally:
            self._free_at[host] = self._clock()
        if response.status_code in _RETRY_LATER:
            raise _TryLaterError(response, self._retry_after(response))
        return response

    def _retry_after(self, response: httpx.Response) -> float | None:
        """Seconds the server asks us to wait, if it says so."""
        text = response.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            return float(text[:15])
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        return max((moment.replace(tzinfo=moment.tzinfo or UTC) - self._now()).total_seconds(), 0.0)
