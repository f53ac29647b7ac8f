"""The parent's side: hands a file to a launcher, takes at most 8 MB of JSON back, and believes none of it unchecked.

A sandbox serves one file at a time; several threads each have their own. What kills a child becomes a code.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final

from pipeline.extract.worker import WALL_S

MOST_ANSWER: Final = 8_000_000
_WORKER = str(Path(__file__).with_name("worker.py"))
_MEMORY_EXITS: Final = (101,)
_KILLS: Final = {("", signal.SIGXCPU): "E_PARSER_TIME", ("", signal.SIGKILL): "E_PARSER_TIME",
                 ("pdf", signal.SIGABRT): "E_PARSER_MEMORY", ("pdf", signal.SIGTRAP): "E_PARSER_MEMORY"}  # fmt: skip
_HELD = threading.local()


class Sandbox:
    """A launcher, started when first asked, started again after it was lost."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._launcher: subprocess.Popen[bytes] | None = None

    def answer(self, kind: str, body: bytes, content_type: str = "") -> dict[str, Any]:
        """What the child said of the file, or {"refused": code, "seen": …}; nothing in it is checked yet."""
        try:
            return self._asked(kind, body, content_type)
        except (OSError, TimeoutError):
            self.close()
            return {"refused": "E_PARSER_CRASH", "seen": "a launcher that was lost"}

    def close(self) -> None:
        """End the launcher and with it whatever it runs."""
        if self._socket is not None:
            self._socket.close()
        if self._launcher is not None:
            self._launcher.kill()
            self._launcher.wait()
        self._socket = self._launcher = None

    def _asked(self, kind: str, body: bytes, content_type: str) -> dict[str, Any]:
        launcher = self._socket or self._started()
        given = os.memfd_create("body")
        answers, answering = os.pipe()
        try:
            with open(given, "wb", closefd=False) as out:
                out.write(body)
            order = json.dumps({"kind": kind, "content_type": content_type[:200]}).encode()
            socket.send_fds(launcher, [order], [given, answering])
        finally:
            os.close(given)
            os.close(answering)
        with open(answers, "rb") as pipe:  # noqa: PTH123 - a pipe
            said = pipe.read(MOST_ANSWER + 1)
        ended = json.loads(launcher.recv(8192) or b"{}")
        if not ended:
            raise ConnectionError
        return _understood(said, ended, kind)

    def _started(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._launcher = subprocess.Popen(
                [sys.executable, "-I", _WORKER, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # a parser's complaint may quote the file
                env={"PATH": os.environ.get("PATH", ""), "OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"},
                start_new_session=True,
            )
        ours.settimeout(WALL_S + 10)
        self._socket = ours
        return ours


def held() -> Sandbox:
    """The sandbox of this thread."""
    found = getattr(_HELD, "sandbox", None)
    if found is None:
        found = _HELD.sandbox = Sandbox()
    return found


def _understood(said: bytes, ended: dict[str, Any], kind: str) -> dict[str, Any]:
    if len(said) > MOST_ANSWER:
        return {"refused": "E_TABLE_SIZE", "seen": "more than 8 MB of text"}
    if ended["late"]:
        return {"refused": "E_PARSER_TIME", "seen": f"no end within {WALL_S} s"}
    if ended["exit"] == 0:
        try:
            found = json.loads(said.decode("utf-8", "surrogatepass"))
        except (ValueError, RecursionError):
            found = None
        return found if isinstance(found, dict) else {"refused": "E_PARSER_CRASH", "seen": "an answer cut short"}
    if ended["exit"] in _MEMORY_EXITS:
        return {"refused": "E_PARSER_MEMORY", "seen": "a file that asks for more memory than it may have"}
    # pdfium aborts when it is given no more memory
    code = _KILLS.get(("", ended["signal"])) or _KILLS.get((kind, ended["signal"]), "E_PARSER_CRASH")
    seen = f"a parser stopped by signal {ended['signal']}" if ended["signal"] else "a parser that gave up"
    return {"refused": code, "seen": seen}
