"""The download guard: the last transport before the network, and the first judge of what comes back.

It connects only to public addresses that it has checked itself, bounds every answer in time and size, and hands on
complete answers or a named refusal. Reads no page, keeps nothing, knows no source; robots, pace and retries are
scrape's, recording is archive's.

What leaves here is a response as it came over the wire (de-chunked, still content-encoded), whole and in memory,
with the decoded body beside it in `response.extensions["plain"]`.
"""

# ruff: noqa: ARG002  (httpcore's interface has a timeout in every call; here the request's deadline rules instead)

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

import httpcore
import httpx

from pipeline import errors

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[tuple[str, int]]]
Clock = Callable[[], float]
_Got = TypeVar("_Got")

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.ip_network("64:ff9b:1::/48")
_SIX_TO_FOUR = ipaddress.ip_network("2002::/16")
_COMPATIBLE = ipaddress.ip_network("::/96")
_RATIO_FLOOR_BYTES = 1_000_000  # a small page may be one word repeated; a bomb is never small


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost."""

    raw_bytes: int = 50_000_000
    plain_bytes: int = 200_000_000
    ratio: int = 100
    deadline_s: float = 60.0
    hops: int = 5


LIMITS = Limits()


def system_resolve(host: str, port: int) -> list[tuple[str, int]]:
    """Every address that the system's resolver gives for `host`, with the port to connect to."""
    return [(str(found[4][0]), int(found[4][1])) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_public(address: Address, permitted: Sequence[Network] = ()) -> bool:
    """Whether a public web site may live at `address`, tunnelled addresses decoded first.

    Source: reliability.md §4: `is_global` alone passes NAT64 and 6to4 forms of 127.0.0.1.
    """
    if any(address in network for network in permitted):
        return True
    if isinstance(address, ipaddress.IPv6Address):  # a permit opens no tunnel
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address in _SIX_TO_FOUR:
            return is_public(ipaddress.IPv4Address(int(address) >> 80 & 0xFFFFFFFF))
        if address in _COMPATIBLE or address in _NAT64_LOCAL or address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def next_hop(url: httpx.URL, location: str) -> httpx.URL:
    """The address a redirect leads to.

    Raises: SchemeRefused for anything but http and https, Downgraded from https to http, BadProtocol if unreadable.
    """
    try:
        target = url.join(location).copy_with(fragment=None)
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise errors.BadProtocol(f"{url}: redirects to an address that cannot be read. Look at it by hand.") from error
    check_url(target)
    if url.scheme == "https" and target.scheme == "http":
        raise errors.Downgraded(f"{url}: redirects from https to http. Ask the publisher; nothing was fetched.")
    return target


def check_url(url: httpx.URL, ports: Iterable[int] = (80, 443)) -> None:
    """Nothing, if `url` may be asked for. Raises: SchemeRefused, PortRefused."""
    if url.scheme not in ("http", "https") or not url.host:
        raise errors.SchemeRefused(f"{url.scheme}: address refused, only http and https are fetched. Mend the address.")
    if url.port is not None and url.port not in ports:
        raise errors.PortRefused(f"{url}: port {url.port} refused, only 80 and 443 are fetched. Mend the address.")


def within(seconds: float, call: Callable[[], _Got]) -> _Got:
    """What `call` returns, or TimeoutError: for calls that no timeout reaches (a name look-up)."""
    outcome: list[_Got] = []
    failure: list[Exception] = []

    def work() -> None:
        try:
            outcome.append(call())
        except (OSError, UnicodeError) as error:  # what a look-up raises; handed to the caller's thread
            failure.append(error)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    worker.join(max(seconds, 0.0))
    if failure:
        raise failure[0]
    if not outcome:
        raise TimeoutError
    return outcome[0]


class Inflater:
    """Reads a gzip body of one or more members under the limits; `plain` is what it held."""

    def __init__(self, url: str, limits: Limits = LIMITS) -> None:
        """An empty reader; `url` is for messages."""
        self.plain = bytearray()
        self._url, self._limits = url, limits
        self._raw_bytes = 0
        self._member = zlib.decompressobj(31)

    def feed(self, chunk: bytes) -> None:
        """Nothing. Raises: RatioExceeded, TooBig, BadEncoding."""
        self._raw_bytes += len(chunk)
        data = chunk
        while data:
            if self._member.eof:
                if not data.strip(b"\0"):
                    return  # some servers pad with zeros
                self._member = zlib.decompressobj(31)
            try:
                self.plain += self._member.decompress(data, 1 << 20)
            except zlib.error as error:
                raise errors.BadEncoding(f"{self._url}: says gzip but is not. Look at it by hand.") from error
            self._check()
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail

    def finish(self) -> bytes:
        """The whole decoded body. Raises: Truncated if the last member has no end."""
        if self._raw_bytes:
            self.plain += self._member.flush()
            self._check()
            if not self._member.eof:
                raise errors.Truncated(
                    f"{self._url}: gzip stream ended early after {self._raw_bytes} bytes. It is asked again next run."
                )
        return bytes(self.plain)

    def _check(self) -> None:
        size_bytes = len(self.plain)
        if size_bytes > self._limits.plain_bytes:
            raise errors.TooBig(
                f"{self._url}: more than {self._limits.plain_bytes} bytes unpacked. Fetch it by hand if it is wanted."
            )
        if size_bytes > _RATIO_FLOOR_BYTES and size_bytes > self._limits.ratio * self._raw_bytes:
            raise errors.RatioExceeded(
                f"{self._url}: expands more than {self._limits.ratio} times. Treat the site as hostile or broken."
            )


class _Deadline(threading.local):
    """When the request of this thread must be over."""

    until: float = 0.0


class _Stream(httpcore.NetworkStream):
    """A connection on which every wait ends at the request's deadline: headers, handshake and body alike."""

    def __init__(self, inner: httpcore.NetworkStream, left: Callable[[], float]) -> None:
        self._inner, self._left = inner, left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, self._left()), self._left)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Looks a name up once, checks all of its addresses, and connects to a checked one."""

    def __init__(self, resolve: Resolve, permitted: Sequence[Network], left: Callable[[], float]) -> None:
        self._resolve, self._permitted, self._left = resolve, permitted, left
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for address, real_port in self._checked(host, port):
            try:
                stream = self._inner.connect_tcp(address, real_port, self._left(), local_address, socket_options)
                return _Stream(stream, self._left)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def _checked(self, host: str, port: int) -> list[tuple[str, int]]:
        """Every address of `host`; one that is not public refuses the whole name."""
        try:
            found = within(self._left(), lambda: self._resolve(host, port))
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("name look-up took too long") from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("name not found") from error
        for address, _ in found:
            if not is_public(ipaddress.ip_address(address.partition("%")[0]), self._permitted):
                raise errors.PrivateAddress(
                    f"{host}: leads to {address}, which is no public address. Nothing was sent; ask the publisher."
                )
        return list(dict.fromkeys((address, real_port) for address, real_port in found))


class Guard(httpx.BaseTransport):
    """The transport that meets the network. Redirects are not followed here: each hop is asked anew."""

    def __init__(
        self,
        *,
        limits: Limits = LIMITS,
        permitted: Sequence[Network] = (),
        resolve: Resolve = system_resolve,
        tls: ssl.SSLContext | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        """A guard; `permitted` opens private networks and is for tests only (no command line reaches it)."""
        self._limits, self._clock = limits, clock
        self._deadline = _Deadline()
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls or httpx.create_ssl_context(trust_env=False),
            max_connections=32,
            keepalive_expiry=15.0,
            network_backend=_Backend(resolve, permitted, self._left),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The whole answer. Raises: Unreachable, DeadlineMissed, and every AnswerRefused but TooManyRedirects.

        `request.extensions["raw_limit"]` (bytes) lowers the size limit for this request.
        """
        check_url(request.url)
        url = str(request.url)
        self._deadline.until = self._clock() + self._limits.deadline_s
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions={"timeout": {"pool": self._limits.deadline_s}},
        )
        answer = self._answer(url, asked)
        try:
            raw, plain = self._body(url, answer, request.extensions.get("raw_limit", self._limits.raw_bytes))
        finally:
            answer.close()
        _check_whole(url, answer, plain)
        extensions = {key: answer.extensions[key] for key in ("http_version", "reason_phrase")}
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=httpx.ByteStream(raw),
            extensions={**extensions, "plain": plain},
            request=request,
        )

    def close(self) -> None:
        """Nothing; connections are shut."""
        self._pool.close()

    def _left(self) -> float:
        left_s = self._deadline.until - self._clock()
        if left_s <= 0:
            raise httpcore.ReadTimeout("deadline")
        return left_s

    def _answer(self, url: str, asked: httpcore.Request) -> httpcore.Response:
        try:
            return self._pool.handle_request(asked)
        except httpcore.TimeoutException as error:
            raise self._too_slow(url) from error
        except httpcore.RemoteProtocolError as error:
            if "without sending a response" in str(error):
                raise errors.Unreachable(f"{url}: hung up without an answer. It is asked again next run.") from error
            raise errors.BadProtocol(f"{url}: {_short(error)}. Look at it by hand.") from error
        except httpcore.LocalProtocolError as error:
            raise errors.BadProtocol(f"{url}: {_short(error)}. Mend the address.") from error
        except httpcore.NetworkError as error:
            raise errors.Unreachable(f"{url}: {_short(error)}. It is asked again next run.") from error

    def _body(self, url: str, answer: httpcore.Response, raw_limit: int) -> tuple[bytes, bytes]:
        """The body as sent and as decoded."""
        inflater = Inflater(url, self._limits) if _encoding(url, answer) == "gzip" else None
        raw = bytearray()
        try:
            for chunk in answer.iter_stream():
                raw += chunk
                if len(raw) > raw_limit:
                    raise errors.TooBig(f"{url}: more than {raw_limit} bytes. Fetch it by hand if it is wanted.")
                if inflater is not None:
                    inflater.feed(chunk)
        except httpcore.TimeoutException as error:
            raise self._too_slow(url) from error
        except (httpcore.RemoteProtocolError, httpcore.NetworkError) as error:
            raise errors.Truncated(f"{url}: {_short(error)}. It is asked again next run.") from error
        sent = bytes(raw)
        return sent, inflater.finish() if inflater is not None else sent

    def _too_slow(self, url: str) -> errors.DeadlineMissed:
        limit_s = self._limits.deadline_s
        return errors.DeadlineMissed(f"{url}: no whole answer within {limit_s:g} s. It is asked again next run.")


def _header(answer: httpcore.Response, name: bytes) -> str:
    """All values of one header, joined."""
    return ", ".join(value.decode("latin-1") for key, value in answer.headers if key.lower() == name)


def _encoding(url: str, answer: httpcore.Response) -> str:
    named = _header(answer, b"content-encoding").strip().lower()
    if named in ("", "identity"):
        return "identity"
    if named in ("gzip", "x-gzip"):
        return "gzip"
    raise errors.BadEncoding(f"{url}: content encoding {named[:40]!r}, only gzip is read. Look at it by hand.")


def _check_whole(url: str, answer: httpcore.Response, plain: bytes) -> None:
    """Refuses files without their end mark: HTTP alone cannot tell that an answer was cut."""
    if answer.status != HTTPStatus.OK:
        return
    missing = ""
    if plain.startswith(b"%PDF") and b"%%EOF" not in plain[-2048:]:
        missing = "%%EOF"
    elif plain.startswith(b"PK\x03\x04") and b"PK\x05\x06" not in plain[-65_557:]:
        missing = "the ZIP directory"
    elif (
        # Many good pages lack </html>; its absence counts only where nothing else says that the answer is whole.
        not any(_header(answer, name) for name in (b"content-length", b"transfer-encoding", b"content-encoding"))
        and "html" in _header(answer, b"content-type").lower()
        and b"</html" not in plain[-4096:].lower()
    ):
        missing = "</html>"
    if missing:
        raise errors.NoEofMark(f"{url}: {len(plain)} bytes without {missing} at the end. It is asked again next run.")


def _short(error: Exception) -> str:
    """What the library says, in one printable line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return "".join(letter for letter in text if letter.isprintable())[:160].rstrip(".")
