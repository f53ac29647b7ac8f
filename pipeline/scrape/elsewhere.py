"""Let other threads, processes or machines do the asking: the guard's place taken by any concurrent.futures.Executor.

Only the bare request travels. Robots, pauses and the archive stay with the one process that runs the visit, so
politeness holds however many workers there are, and a worker that dies takes nothing with it but one request.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor
from concurrent.futures import TimeoutError as FutureTimeoutError

import httpx

from pipeline import errors, guard

Make = Callable[[], httpx.BaseTransport]
Headers = list[tuple[bytes, bytes]]
Answer = tuple[int, Headers, bytes, dict[str, bytes]]

_GRACE_S = 60.0  # a task may wait for a worker, or be done again because one died
_made: dict[bytes, httpx.BaseTransport] = {}


class Elsewhere(httpx.BaseTransport):
    """Hands each request to a worker. `make` builds the worker's own guard and must be picklable."""

    def __init__(self, executor: Executor, make: Make = guard.Guard, *, deadline_s: float | None = None) -> None:
        self._executor, self._make = executor, pickle.dumps(make)
        self._deadline_s = deadline_s or guard.LIMITS.deadline_s + _GRACE_S

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The worker's answer. Raises: what the guard raises; DeadlineMissed or Unreachable if no worker answers."""
        limit = request.extensions.get("raw_limit")
        asked = (request.method, str(request.url), request.headers.raw, limit)
        try:
            future = self._executor.submit(answer, self._make, *asked)
            status, headers, raw, kept = future.result(timeout=self._deadline_s)
        except errors.BadSource:
            raise
        except (FutureTimeoutError, CancelledError) as error:
            raise errors.DeadlineMissed(f"{request.url}: no worker answered within {self._deadline_s:g} s.") from error
        except Exception as error:  # executors have errors of their own kinds; each means that no worker is left
            raise errors.Unreachable(f"{request.url}: no worker ({type(error).__name__}). Start them again.") from error
        plain = kept.pop("plain", raw)
        return httpx.Response(
            status, headers=headers, stream=httpx.ByteStream(raw), extensions={**kept, "plain": plain}, request=request
        )


def answer(make: bytes, method: str, url: str, headers: Headers, raw_limit: int | None) -> Answer:
    """What one request brings, on a worker: safe to do twice. Status, headers, body as sent, and what goes with it."""
    transport = _made.get(make)
    if transport is None:
        transport = _made.setdefault(make, pickle.loads(make)())  # noqa: S301  (made by our own Elsewhere)
    extensions = {} if raw_limit is None else {"raw_limit": raw_limit}
    response = transport.handle_request(httpx.Request(method, url, headers=headers, extensions=extensions))
    raw, plain = b"".join(response.iter_raw()), response.extensions["plain"]
    kept = {key: response.extensions[key] for key in ("http_version", "reason_phrase")}
    return response.status_code, response.headers.raw, raw, kept if plain == raw else {**kept, "plain": plain}
