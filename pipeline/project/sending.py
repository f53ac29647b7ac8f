"""Send a bundle to a portal, as a draft that a person looks at and publishes. Never called unless somebody asks.

The token comes from the environment, goes to the one host that was named, and stands in no message.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import httpx

from pipeline import errors

TIMEOUT_S: Final = 120.0
TOKEN: Final = "DEPOSIT_TOKEN"  # noqa: S105  the name of the variable
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def send(portal: str, place: Path, release: Path, address: str, token: str) -> str:
    """Where a person finds the draft; `place` is the folder that deposits.bundle wrote.

    Raises: UsageError for an address that is not https, or without a token or an owner; Unreachable, BadStatus,
    NotExpectedContent for what the portal answers. A draft that was begun stays there, unpublished.
    """
    url = _address(address)
    if not token or not token.isascii() or not token.isprintable():
        raise errors.UsageError(f"deposit: no token to send with. Put one that the portal gave you into {TOKEN}.")
    scheme = "Bearer " if portal == "zenodo" else ""
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False, headers={"Authorization": f"{scheme}{token}"}) as client:
        return _to_zenodo(client, url, place) if portal == "zenodo" else _to_ckan(client, url, place, release)


def _to_zenodo(client: httpx.Client, url: httpx.URL, place: Path) -> str:
    """Create a deposition, put the file into its bucket, then the metadata; publishing it is left to a person."""
    began = _asked(client, "POST", url.copy_with(path="/api/deposit/depositions"), json={})
    try:
        number, links = int(began["id"]), began["links"]
        bucket, draft = httpx.URL(links["bucket"]), str(links["html"])
    except (KeyError, ValueError, TypeError, httpx.InvalidURL):
        raise _unexpected(url, "a deposition with an id, a bucket and a page") from None
    if (bucket.scheme, bucket.host, bucket.port) != (url.scheme, url.host, url.port):
        raise _unexpected(url, "a bucket on the same host; the token goes to no other")
    for path in sorted(place.glob("*.zip")):
        with path.open("rb") as file:
            _asked(client, "PUT", bucket.copy_with(path=f"{bucket.path.rstrip('/')}/{path.name}"), content=file)
    told = json.loads((place / "deposition.json").read_bytes())
    _asked(client, "PUT", url.copy_with(path=f"/api/deposit/depositions/{number}"), json=told)
    return draft


def _to_ckan(client: httpx.Client, url: httpx.URL, place: Path, release: Path) -> str:
    """Create a private package, then a resource for each file; opening it is left to a person."""
    told = json.loads((place / "package_create.json").read_bytes())
    if not told["owner_org"]:
        raise errors.UsageError("deposit: a private package needs an owner. Give --organisation.")
    created = _asked(client, "POST", url.copy_with(path="/api/3/action/package_create"), json=told)
    try:
        package = str(created["result"]["id"])
    except (KeyError, TypeError):
        raise _unexpected(url, "a result with the id of the package") from None
    for one in json.loads((place / "resources.json").read_bytes()):
        path = release / one.pop("path")
        with ExitStack() as opened:
            files = {"upload": (path.name, opened.enter_context(path.open("rb")), one["mimetype"])}
            given = {key: str(value) for key, value in one.items()} | {"package_id": package}
            _asked(client, "POST", url.copy_with(path="/api/3/action/resource_create"), data=given, files=files)
    return str(url.copy_with(path=f"/dataset/{told['name']}"))


def _asked(client: httpx.Client, method: str, url: httpx.URL, **body: Any) -> Any:
    """The JSON of an answer that says yes."""
    try:
        answer = client.request(method, url, **body)
    except httpx.HTTPError as error:
        raise errors.Unreachable(
            f"deposit: {url.host}: {type(error).__name__} at {url.path}. A draft may remain there, unpublished. "
            "Check address and network, delete the draft, then run it again."
        ) from error
    if not answer.is_success:
        raise errors.BadStatus(
            f"deposit: {url.host} answered {answer.status_code} to {method} {url.path}{_fields(answer)}, expected 2xx. "
            "A draft may remain there, unpublished. Check the rights of the token and the bundle, then run it again."
        )
    try:
        return answer.json()
    except ValueError:
        raise _unexpected(url, "JSON") from None


def _fields(answer: httpx.Response) -> str:
    """The fields that CKAN refuses, by their names alone."""
    try:
        names = sorted(str(name) for name in answer.json()["error"] if str(name).isidentifier() and name[0] != "_")
    except (ValueError, KeyError, TypeError):
        return ""
    return f" ({', '.join(names)})" if names and len(names) <= len(answer.content) else ""


def _address(address: str) -> httpx.URL:
    """The portal's address: https, without a name or password in it; http only to this machine."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.userinfo or not (url.scheme == "https" or (url.scheme == "http" and url.host in LOOPBACK)) or not url.host:
        raise errors.UsageError("deposit: that is no address to send a token to. Give https://HOST.")
    return url.copy_with(path="/", query=None, fragment=None)


def _unexpected(url: httpx.URL, expected: str) -> errors.NotExpectedContent:
    return errors.NotExpectedContent(
        f"deposit: {url.host} answered something else, expected {expected}. A draft may remain there, unpublished. "
        "Check that the address is the portal's, then run it again."
    )
