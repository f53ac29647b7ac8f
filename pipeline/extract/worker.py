"""The launcher and the child: `python -I worker.py FD` serves one parent over the socket FD until it closes.

The launcher leaves the network, loads the readers of a kind when the first such file comes, and forks one child per
file, which lays limits on itself, reads, answers with JSON through a pipe, and ends; so no file can touch the next.
The launcher never looks at a file's bytes. `python -I worker.py --confine COMMAND …` runs a foreign program likewise.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import sys
from pathlib import Path
from typing import Any, Final

MEGA: Final = 1_000_000
MEMORY, CPU_S, WALL_S = 768 * MEGA, 10, 20
_NEW_NETWORK, _NEW_USER, _DIE_WITH_PARENT = 0x40000000, 0x10000000, 1
_READERS: Final = {
    "html": ("pipeline.extract.html",),
    "text": ("pipeline.extract.kinds",),
    "pdf": ("pipeline.extract.pdf",),
    "docx": ("pipeline.extract.docx",),
    "sheet": ("pipeline.extract.sheets",),
}


def main() -> None:
    """Serve, or confine."""
    leave_network()
    if sys.argv[1] == "--confine":
        limit(memory=4_000 * MEGA, cpu_s=60, file_size=300 * MEGA)
        os.execvp(sys.argv[2], sys.argv[2:])
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    serve(socket.socket(fileno=int(sys.argv[1])))


def serve(parent: socket.socket) -> None:
    """Read one file after another until the parent hangs up."""
    while True:
        message, ancillary, *_ = parent.recvmsg(8192, socket.CMSG_SPACE(8))
        if not message:
            return
        fds = array.array("i", ancillary[0][2])
        order = json.loads(message)
        for name in _READERS[order["kind"]]:
            importlib.import_module(name)
        gc.freeze()
        child = os.fork()
        if not child:
            parent.close()
            _child(order, fds[0], fds[1])
        for fd in fds:
            os.close(fd)
        parent.send(json.dumps(_ended(child, parent)).encode())


def leave_network() -> None:
    """Go where no network is, in so far as the system allows it to us."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NETWORK) != 0:
        libc.unshare(_NEW_USER | _NEW_NETWORK)


def limit(memory: int, cpu_s: int, file_size: int) -> None:
    """Own process group, death with the parent, and no more memory, work or files than this."""
    os.setsid()
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    for what, most in (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_AS, memory + 1_500 * MEGA),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, file_size),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 256),
    ):
        resource.setrlimit(what, (most, most))


def _child(order: dict[str, Any], body_fd: int, answer_fd: int) -> None:
    """Read the file and answer; never returns."""
    from pipeline.extract import readers  # noqa: PLC0415 - the sandboxed side only

    limit(MEMORY, CPU_S, 0)
    sys.setrecursionlimit(5_000)
    try:
        answer = json.dumps(readers.answer(order, body_fd), ensure_ascii=False).encode("utf-8", "surrogatepass")
    except MemoryError:
        os._exit(101)
    except BaseException:  # noqa: BLE001 - whatever a parser throws is the file's fault, and may quote it
        os._exit(102)
    with contextlib.suppress(OSError), open(answer_fd, "wb") as out:
        out.write(answer)
        out.flush()
    os._exit(0)


def _ended(child: int, parent: socket.socket) -> dict[str, int | bool]:
    """Wait for the child, for its time to be over, or for the parent to be gone."""
    ending = os.pidfd_open(child)
    waiting = select.poll()
    waiting.register(ending, select.POLLIN)
    waiting.register(parent, select.POLLHUP | select.POLLRDHUP)
    late = not any(fd == ending for fd, _ in waiting.poll(WALL_S * 1000))
    os.close(ending)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return {"late": late, "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
            "exit": os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1}  # fmt: skip


if __name__ == "__main__":
    main()
