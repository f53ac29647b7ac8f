"""What every test shares: no network but loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest

LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection and every name that is not this machine."""
    connect, getaddrinfo = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
            raise OSError("tests reach loopback only")
        connect(self, address)

    def guarded_getaddrinfo(host: Any, *rest: Any, **options: Any) -> Any:
        if host is not None and not str(host).startswith(LOOPBACK):
            raise OSError("tests look up loopback only")
        return getaddrinfo(host, *rest, **options)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)


@pytest.fixture
def web() -> Iterator[Any]:
    """The loopback web with every invented site."""
    from web import sites  # noqa: PLC0415  only tests of visits pay for it
    from web.loopback import Web  # noqa: PLC0415

    with Web() as loopback:
        sites.build(loopback)
        yield loopback


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout that has published the real ledger; made once for all tests."""
    import served  # noqa: PLC0415  only tests of the public face pay for it

    return served.published(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def site(home: Path) -> Iterator[httpx.Client]:
    """A client of one real server over that package; started once for all tests."""
    import served  # noqa: PLC0415  only tests of the public face pay for it

    with served.client(home) as client:
        yield client


# The same examples on every machine and no clock: a busy machine is no fault of what is tested.
hypothesis.settings.register_profile("ours", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ours")
