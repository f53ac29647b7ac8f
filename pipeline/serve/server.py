"""Start Datasette over the last good release.

The release is opened by its resolved path and as immutable, so a publication that goes live meanwhile never mixes
into an answer: a new release is served by a new start. Nothing is loaded from the net; nothing is written.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from pipeline import errors
from pipeline.records import DATABASE_SHAPE

DATABASE: Final = "statistics.db"
PLUGINS: Final = Path(__file__).resolve().parent / "plugins"
STATIC: Final = Path(__file__).resolve().parent / "static"
TEMPLATES: Final = Path(__file__).resolve().parent / "templates"
PORTS: Final = range(1, 65536)
START_LIMIT_S: Final = 60.0

# Measured against one attacker with eight connections: a query may not hold a thread for long, and no page may make
# the server count what nobody asked for. The file itself may be downloaded: that is the answer to "let me use SQL".
SETTINGS: Final[Mapping[str, str]] = {
    "default_allow_sql": "off",
    "allow_facet": "off",  # the facets of metadata.yml are still shown
    "suggest_facets": "off",
    "allow_csv_stream": "off",
    "allow_download": "on",
    "default_page_size": "50",
    "max_returned_rows": "1000",
    "num_sql_threads": "8",
    "sql_time_limit_ms": "500",
    "facet_time_limit_ms": "200",
    "default_cache_ttl": "300",
    "truncate_cells_html": "2000",  # an explanation is read whole
}


def command(release: Path, metadata: Path, where: Sequence[str]) -> list[str]:
    """The command line that serves `release`; `where` are Datasette's words for a port or a socket.

    Raises: UsageError when there is no release yet, or one whose pages this code cannot make.
    """
    database = release.resolve() / DATABASE
    if not database.is_file():
        raise errors.UsageError(
            f"serve: no published {DATABASE} was found, expected one in build/current: nothing is published yet. "
            "Type: make publish"
        )
    with database.open("rb") as file:
        shape = int.from_bytes(file.read(64)[60:64], "big")  # PRAGMA user_version
    if shape != DATABASE_SHAPE:
        raise errors.UsageError(
            f"serve: {DATABASE} of release {database.parent.name} has shape {shape}, expected {DATABASE_SHAPE}: other "
            "code made it, and these pages ask for more. Type: make publish OFFLINE=1, or check out that code"
        )
    settings = [word for name, value in SETTINGS.items() for word in ("--setting", name, value)]
    return [
        *(sys.executable, "-m", "datasette", "serve", "--immutable", str(database)),
        *("--metadata", str(metadata.resolve()), "--plugins-dir", str(PLUGINS), "--cors"),
        *("--template-dir", str(TEMPLATES), "--static", f"site:{STATIC}"),
        *("--static", f"files:{database.parent}"),  # the release as files: a proxy before us serves them itself
        *where,
        *settings,
    ]


def run(home: Path, *, host: str, port: int) -> None:
    """Serve the last good release of the checkout `home` until Ctrl-C or a TERM signal; one line says the address.

    Raises: UsageError when nothing is published yet, the port is no port or is taken; PipelineError when
    Datasette ends by itself.
    """
    words = command(home / "build" / "current", home / "metadata.yml", ["--host", host, "--port", str(port)])
    _refuse_port(host, port)
    _serve(words, (host, port), lambda: f"Open http://{_in_url(host)}:{port}/ (stop with Ctrl-C)")


def run_behind(home: Path, sockets: Path) -> None:
    """Serve the last good release on a socket of its own; once it answers, current.sock in `sockets` leads to it.

    A proxy that connects to current.sock goes to the new release from then on, with nothing refused in between; whoever
    served before may be stopped after that.
    Raises: as run.
    """
    release = (home / "build" / "current").resolve()
    own = sockets.resolve() / f"{release.name}-{os.getpid()}.sock"
    words = command(release, home / "metadata.yml", ["--uds", str(own)])
    sockets.mkdir(parents=True, exist_ok=True)

    def switched() -> str:
        fresh = own.with_suffix(".new")
        fresh.symlink_to(own.name)
        fresh.replace(sockets / "current.sock")
        return f"Release {release.name} is served at {sockets / 'current.sock'}"

    try:
        _serve(words, str(own), switched)
    finally:
        own.unlink(missing_ok=True)


def _serve(words: Sequence[str], address: tuple[str, int] | str, ready: Callable[[], str]) -> None:
    """Start Datasette, say what `ready` says once it answers, and end when it or the caller's patience ends."""
    server = subprocess.Popen(words, stdin=subprocess.DEVNULL, env=surroundings())  # noqa: S603  the words are ours
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # TERM ends us as Ctrl-C does: the server goes first
    try:
        await_answer(server, address)
        sys.stderr.write(f"{ready()}\n")
        sys.stderr.flush()
        ended = server.wait()
    except KeyboardInterrupt:
        return
    finally:
        server.terminate()
        server.wait()
    raise errors.PipelineError(f"serve: Datasette ended by itself with exit code {ended}; its own words stand above.")


def surroundings() -> dict[str, str]:
    """The environment of Datasette: our plugins import us, wherever the command was given."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent.parent)}


def _refuse_port(host: str, port: int) -> None:
    """Say so before Datasette does, when it cannot listen there."""
    other = "Choose another: make serve PORT=8002"
    if port not in PORTS:
        raise errors.UsageError(f"serve: a port lies between 1 and 65535; {port} does not. {other}")
    with socket.socket(_family((host, port)), socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            seen = f"serve: cannot listen on port {port} of {host} ({error.strerror})"
            raise errors.UsageError(f"{seen}. {other}") from error


def await_answer(server: subprocess.Popen[bytes], address: tuple[str, int] | str) -> None:
    """Return once the server answers a request with a whole page, not only takes connections."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if (code := server.poll()) is not None:
            raise errors.PipelineError(
                f"serve: Datasette did not start (exit code {code}); its own words stand above. "
                "Next: make test, then look at metadata.yml."
            )
        try:
            with socket.socket(_family(address), socket.SOCK_STREAM) as probe:
                probe.settimeout(5)
                probe.connect(address)
                probe.sendall(b"GET /robots.txt HTTP/1.0\r\nHost: localhost\r\n\r\n")
                if probe.recv(64).startswith(b"HTTP/1.1 200"):
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise errors.PipelineError(f"serve: Datasette did not answer within {START_LIMIT_S:.0f} s.")


def _family(address: tuple[str, int] | str) -> socket.AddressFamily:
    if isinstance(address, str):
        return socket.AF_UNIX
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
