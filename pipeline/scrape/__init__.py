"""Visit the publishers: politely, by their own rules, and say how each of them is.

`Polite` is an httpx transport that keeps robots.txt, pauses and retries; `visit` finds and asks for the pages of a
source through it; health.py makes states and problems of what was met, evidence.py checks figures that are held, and
elsewhere.py spreads a run over workers. Archiving lies beneath the transport, reading figures is extract's. Nobody is
asked when `is_online` says that there is no network.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Sequence

from pipeline import guard
from pipeline.scrape.polite import AGENT, Polite, follow
from pipeline.scrape.visit import Page, Sighting, Visit, visit

__all__ = ["AGENT", "Page", "Polite", "Sighting", "Visit", "follow", "is_online", "visit"]

_ASKED_HOSTS = 6


def is_online(hosts: Sequence[str], *, resolve: guard.Resolve = guard.system_resolve, wait_s: float = 4.0) -> bool:
    """Whether any of the first few hosts takes a connection within `wait_s`: asked once, instead of page by page."""
    answers: queue.Queue[bool] = queue.Queue()

    def knock(host: str) -> None:
        taken = False
        try:
            with socket.create_connection(resolve(host, 443)[0], timeout=wait_s):
                taken = True
        except (OSError, IndexError):
            pass
        answers.put(taken)

    asked = list(dict.fromkeys(hosts))[:_ASKED_HOSTS]
    for host in asked:
        threading.Thread(target=knock, args=(host,), daemon=True).start()
    until = time.monotonic() + wait_s
    try:
        return any(answers.get(timeout=max(until - time.monotonic(), 0.0)) for _ in asked)
    except queue.Empty:
        return False
