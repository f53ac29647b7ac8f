"""A web on this machine: invented hosts on one loopback server, well-behaved pages and hostile answers alike."""

from __future__ import annotations

import email.utils
import gzip
import hashlib
import ipaddress
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
Raw = Callable[[socket.socket], None]


@dataclass(frozen=True)
class OnePort:
    """A resolver that travels to other processes: every name leads to one port of this machine."""

    port: int

    def __call__(self, *_: object) -> list[tuple[str, int]]:
        return [("127.0.0.1", self.port)]


def hurried() -> float:
    """A clock on which every pause is over by the time it is asked about."""
    return time.monotonic() * 1e6


def awake(_: float) -> None:
    """Sleeps not at all."""


HURRY = {"clock": hurried, "sleep": awake}


@dataclass
class Page:
    """What a site answers at one path; `etag` and `modified` make it answer 304 when they are quoted back."""

    body: bytes
    kind: str = "text/html; charset=utf-8"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    etag: bool = False
    modified: str = ""
    packed: bool = False
    chunked: bool = False


@dataclass(frozen=True)
class Asked:
    host: str
    path: str
    headers: dict[str, str]


class Web:
    """`sites[host][path]` is a Page or a function that is given the socket; `asked` is what was asked, in order."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.sites: dict[str, dict[str, Page | Raw]] = {}
        self.asked: list[Asked] = []
        self.elsewhere: dict[str, int] = {}
        web = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    conn = tls.wrap_socket(self.request, server_side=True) if tls else self.request
                    web._serve(conn)
                    if tls:
                        conn.unwrap()
                except OSError:
                    pass

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 64

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def resolve(self, host: str, _: int) -> list[tuple[str, int]]:
        if host in self.sites:
            return [("127.0.0.1", self.port)]
        if host in self.elsewhere:
            return [("127.0.0.1", self.elsewhere[host])]
        raise OSError(f"no such host: {host}")

    def paths(self, host: str) -> list[str]:
        return [asked.path for asked in self.asked if asked.host == host]

    def _serve(self, conn: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = conn.recv(65536)
            if not chunk:
                return
            head += chunk
        first, *lines = head.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        host, path = headers["host"].partition(":")[0], first.split(" ")[1]
        self.asked.append(Asked(host, path, headers))
        page = self.sites.get(host, {}).get(path)
        if page is None:
            page = Page(b"<html><body>Not found</body></html>", status=404)
        if callable(page):
            page(conn)
        else:
            conn.sendall(answer_to(page, headers))


def answer_to(page: Page, asked: dict[str, str]) -> bytes:
    headers = {"Content-Type": page.kind, "Connection": "close", "Date": "Tue, 03 Mar 2026 10:00:00 GMT"}
    tag = '"' + hashlib.sha256(page.body).hexdigest()[:16] + '"'
    if page.etag:
        headers["ETag"] = tag
    if page.modified:
        headers["Last-Modified"] = page.modified
    known = (page.etag and asked.get("if-none-match") == tag) or (
        page.modified and asked.get("if-modified-since") == page.modified
    )
    if page.status == 200 and known:
        return _head(304, headers | page.headers)
    body = page.body
    if page.packed and "gzip" in asked.get("accept-encoding", ""):
        body, headers["Content-Encoding"] = gzip.compress(body, mtime=0), "gzip"
    if page.chunked:
        headers["Transfer-Encoding"] = "chunked"
        pieces = [body[start : start + 1000] for start in range(0, len(body), 1000)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    else:
        headers["Content-Length"] = str(len(body))
    return _head(page.status, headers | page.headers) + body


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode()


def redirect(location: str, status: int = 302) -> Page:
    return Page(b"", status=status, headers={"Location": location})


def http_date(seconds: float) -> str:
    return email.utils.formatdate(seconds, usegmt=True)
