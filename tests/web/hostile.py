"""The hostile site: one path for each thing a server can do to a client (reliability.md, section 8, cases 1 to 21)."""

from __future__ import annotations

import functools
import gzip
import socket
import threading
import zlib

from web.loopback import Page, Raw, redirect

HOST = "hostile.example"
HALF_PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\n"
WHOLE_PDF = HALF_PDF + b"endobj\ntrailer << >>\n%%EOF\n"


@functools.cache
def bomb(size_mb: int = 1000) -> bytes:
    """About a thousandth of its size, as one gzip stream (its checksum is wrong, but nobody may get that far)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08" + bytes(7) + block * size_mb + packer.flush() + bytes(8)


def says(head: str, body: bytes = b"") -> Raw:
    def answer(conn: socket.socket) -> None:
        conn.sendall(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n" + body)

    return answer


def dribbles(stop: threading.Event, start: bytes, piece: bytes, pause_s: float) -> Raw:
    """One piece after another with pauses, until the test is over."""

    def answer(conn: socket.socket) -> None:
        conn.sendall(start)
        while not stop.wait(pause_s):
            conn.sendall(piece)

    return answer


def endless(conn: socket.socket) -> None:
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    block = b"x" * 1_000_000
    while True:
        conn.sendall(block)


def site(stop: threading.Event) -> dict[str, Page | Raw]:
    half_gzip = gzip.compress(bytes(range(256)) * 4000)
    ok = "HTTP/1.1 200 OK\nContent-Type: text/html\n"
    return {
        "/bomb": says(ok + "Content-Encoding: gzip\n", bomb()),
        "/half-gzip": says(ok + "Content-Encoding: gzip\n", half_gzip[: len(half_gzip) // 2]),
        "/not-gzip": says(ok + "Content-Encoding: gzip\n", b"<html></html>"),
        "/two-members": says(
            ok + "Content-Encoding: gzip\n", gzip.compress(b"<html>one ") + gzip.compress(b"two</html>")
        ),
        "/short": says(ok + "Content-Length: 1000\n", b"<html>"),
        "/half-chunk": says(ok + "Transfer-Encoding: chunked\n", b"5\r\nhello\r\n"),
        "/half.pdf": says("HTTP/1.1 200 OK\nContent-Type: application/pdf\n", HALF_PDF),
        "/whole.pdf": says("HTTP/1.1 200 OK\nContent-Type: application/pdf\n", WHOLE_PDF),
        "/half.html": says(ok, b"<html><body>15 appeals"),
        "/half.docx": says("HTTP/1.1 200 OK\nContent-Type: application/zip\n", b"PK\x03\x04" + bytes(200)),
        "/slow-headers": dribbles(stop, b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a", 0.05),
        "/slow-body": dribbles(stop, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"b", 0.05),
        "/endless": endless,
        "/huge-headers": says("HTTP/1.1 200 OK\nX-Long: " + "h" * 2_000_000 + "\n"),
        "/two-lengths": says(ok + "Content-Length: 5\nContent-Length: 6\n", b"hello"),
        "/loop": redirect("/loop-2"),
        "/loop-2": redirect("/loop"),
        **{f"/far-{n}": redirect(f"/far-{n + 1}") for n in range(9)},
        "/to-metadata": redirect("http://metadata.example/latest/meta-data/"),
        "/to-file": redirect("file:///etc/passwd"),
        "/to-ftp": redirect("ftp://hostile.example/x"),
        "/to-port": redirect("http://hostile.example:22/"),
        "/brotli": says(ok + "Content-Encoding: br\n", b"...."),
        "/stacked": says(ok + "Content-Encoding: gzip, gzip\n", gzip.compress(gzip.compress(b"x"))),
        "/wait": Page(b"", status=429, headers={"Retry-After": "1000000000"}),
        "/name": Page(
            b"%PDF-1.7 %%EOF",
            "application/pdf",
            headers={"Content-Disposition": 'attachment; filename="../../etc/cron.d/x"'},
        ),
        "/login": Page(b"<html><body><form>Enter <input type='password'></form></body></html>"),
        "/captcha": Page("<html><body>Подтвердите, что вы не робот: captcha</body></html>".encode()),
        "/html.pdf": Page(b"<html><body>Sign in</body></html>", "application/pdf"),
        "/good": Page(b"<html><body>24 appeals</body></html>"),
        "/robots.txt": Page(b"User-agent: *\nDisallow: /private/\n", "text/plain"),
        "/private/x": Page(b"<html></html>"),
    }
