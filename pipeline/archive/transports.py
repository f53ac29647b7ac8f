"""The archive as a transport: one that records what passes, and one that answers from what was recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import httpx

from pipeline import errors
from pipeline.archive import warc
from pipeline.archive.store import Store
from pipeline.records import Capture

_QUOTED: Mapping[str, str] = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


class _Stored(httpx.SyncByteStream):
    """A body that is read from the archive only when someone looks at it."""

    def __init__(self, archive: Store, sha256: str) -> None:
        self._archive, self._sha256 = archive, sha256

    def __iter__(self) -> Iterator[bytes]:
        yield self._archive.body(self._sha256)


class Recording(httpx.BaseTransport):
    """Archives every exchange and every failure before anyone sees it.

    A page that is held is asked for by its ETag and Last-Modified; the answer "not modified" becomes a revisit, and
    the page comes back from the archive. `response.extensions["capture"]` is the Capture; the body is decoded.
    """

    def __init__(self, archive: Store, inner: httpx.BaseTransport) -> None:
        self._archive, self._inner = archive, inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, archived. Raises: whatever lies beneath, archived too."""
        url = str(request.url)
        unfinished = self._archive.unfinished(url, request.method)
        if unfinished is not None:
            return _answer(self._archive, unfinished, self._archive.headers(unfinished))
        held = self._archive.held(url, request.method)
        headers = json.loads(held["headers"]) if held else []
        request.headers.update({_QUOTED[name.lower()]: value for name, value in headers if name.lower() in _QUOTED})
        try:
            response = self._inner.handle_request(request)
            capture = self._archive.add(request, response, held)
        except errors.BadSource as error:
            self._archive.add_failure(url, error, request.method)
            raise
        if response.status_code == warc.NOT_MODIFIED:
            return _answer(self._archive, capture, headers)
        extensions = {"plain": response.extensions["plain"], "capture": capture}
        headers = warc.visible(warc.printable(response.headers.raw))
        plain = httpx.ByteStream(response.extensions["plain"])
        return httpx.Response(capture.status, headers=headers, stream=plain, extensions=extensions)

    def close(self) -> None:
        """Nothing; what lies beneath is shut. The archive stays open."""
        self._inner.close()


class Replay(httpx.BaseTransport):
    """Answers from the archive alone: the newest capture of each address, a recorded failure raised again."""

    def __init__(self, archive: Store) -> None:
        self._archive = archive

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The archived answer.

        Raises: NotArchived for an address never captured (a robots.txt never captured counts as absent: nobody
        is asked); the recorded refusal for a failure.
        """
        url = str(request.url)
        capture = self._archive.last(url, request.method)
        if capture is None and request.url.path == "/robots.txt":
            return httpx.Response(404, content=b"")
        if capture is None:
            raise errors.NotArchived(f"{url}: not in the archive. Visit it once with a network, or import a WARC.")
        if capture.kind == "failure":
            raise _refusals()[capture.code](capture.note)
        return _answer(self._archive, capture, self._archive.headers(capture))


def _answer(archive: Store, capture: Capture, headers: warc.Headers) -> httpx.Response:
    stream = _Stored(archive, capture.sha256)
    return httpx.Response(capture.status, headers=[*headers], stream=stream, extensions={"capture": capture})


def _refusals() -> dict[str, type[errors.BadSource]]:
    """The class of each code; of two that share one, the nearer to the root."""
    found: dict[str, type[errors.BadSource]] = {}
    classes = [errors.BadSource]
    for kind in classes:
        found.setdefault(kind.code, kind)
        classes += kind.__subclasses__()
    return found
