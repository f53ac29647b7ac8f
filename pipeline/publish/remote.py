"""Fetch a release that somebody serves, to be verified here. Trusts nothing: verify.py judges what arrives."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Final

import httpx

from pipeline import errors
from pipeline.publish import verify

MOST_BYTES: Final = 1 << 30
TIMEOUT_S: Final = 30.0


def fetch(address: str, place: Path) -> Path | None:
    """The proof of the release at `address` (its folder, as a web server shows build/), once its files lie in `place`.

    Shape: the files in place/release as the manifest lists them; the proof is looked for at ../../proofs/<id>.json,
    None without one.
    Raises: Unreachable for an address without an answer or a manifest; ValidationRefused for a manifest that leads
    outside, or promises more than a gigabyte.
    """
    base = httpx.URL(address.removesuffix(verify.MANIFEST).rstrip("/") + "/")
    folder = place / "release"
    with httpx.Client(timeout=TIMEOUT_S, follow_redirects=True, trust_env=False) as client:
        manifest = _asked(client, base.join(verify.MANIFEST))
        if manifest is None:
            raise errors.Unreachable(
                f"verify: {base.host} has no {verify.MANIFEST} at that address. Check the address."
            )
        for name in [verify.MANIFEST, verify.SIGNATURE, *_listed(manifest)]:
            content = manifest if name == verify.MANIFEST else _asked(client, base.join(name))
            if content is not None:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
        told = _asked(client, base.join(f"../../proofs/{base.path.rstrip('/').rpartition('/')[2]}.json"))
    if told is None:
        return None
    (place / "proof.json").write_bytes(told)
    return place / "proof.json"


def _listed(manifest: bytes) -> list[str]:
    """The names of the files, none of which leads out of the folder."""
    try:
        files = json.loads(manifest)["files"]
        size = sum(int(one["bytes"]) for one in files.values())
    except (ValueError, KeyError, TypeError, AttributeError):
        return []  # verify.py says what is wrong with it
    if (
        any(PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts for name in files)
        or size > MOST_BYTES
    ):
        raise errors.ValidationRefused(
            f"verify: the manifest names files outside its folder, or {size:,} bytes; the limit is {MOST_BYTES:,}. "
            "This is no release of ours: do not use it."
        )
    return list(files)


def _asked(client: httpx.Client, url: httpx.URL) -> bytes | None:
    """The body of an answer of 200, None for any other status."""
    try:
        answer = client.get(url)
    except httpx.HTTPError as error:
        raise errors.Unreachable(f"verify: {url.host}: {type(error).__name__}. Try again, or take a mirror.") from error
    return answer.content if answer.status_code == httpx.codes.OK else None
