"""The history of releases on this server: the hash-chained log, its proofs, and the signature of a release.

The log holds digests only, never a figure: it outlives what had to be redacted. verify.py judges it, here and in the
hands of a stranger. Leaves making releases, and going back, to release.py.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import stat
import sys
from pathlib import Path
from typing import Final

from pipeline import errors, files
from pipeline.publish import verify

PROOFS: Final = "proofs"


def append(build: Path, manifest: str) -> None:
    """Log the release of that manifest digest, unless it is the last line; its proof follows.

    Raises: StorageError for a log that was changed or cut: nothing is published onto a broken history; NotPublishable
    for a release that was withdrawn, whoever brought its files back.
    """
    lines = _lines(build)
    if any(one["manifest"] == manifest and "withdrawn" in one for one in map(json.loads, lines)):
        raise errors.NotPublishable(
            f"release {manifest[:16]} was withdrawn to protect a person; it does not go live again. The release before "
            "still stands. Take the figure out of the ledger (docs/correcting.md), then publish."
        )
    last = json.loads(lines[-1]) if lines else {}
    if last.get("manifest") != manifest or "withdrawn" in last:
        _add(lines, manifest)
        files.save(build / verify.LOG, b"\n".join(lines) + b"\n")
    _prove(build, lines, manifest)


def withdraw(build: Path, live: str, reason: str) -> list[str]:
    """The ids of all releases but the live one, once the log says of each that it was withdrawn, and why.

    Shape: `live` is a manifest digest, `reason` a class. The log ends with the live release; a release that was
    withdrawn before is not named again.
    """
    lines = _lines(build)
    told = [json.loads(line) for line in lines]
    gone = {one["manifest"] for one in told if "withdrawn" in one}
    others = [one for one in dict.fromkeys(one["manifest"] for one in told) if one not in gone | {live}]
    for manifest in others:
        _add(lines, manifest, withdrawn=reason)
    if others:
        _add(lines, live)
        files.save(build / verify.LOG, b"\n".join(lines) + b"\n")
    for manifest in (*gone - {live}, *others, live):
        _prove(build, lines, manifest)
    return [manifest[:16] for manifest in (*gone - {live}, *others)]


def _add(lines: list[bytes], manifest: str, **more: str) -> None:
    previous = hashlib.sha256(lines[-1]).hexdigest() if lines else verify.ORIGIN
    told = {"seq": len(lines) + 1, "release": manifest[:16], "manifest": manifest, "previous": previous}
    lines.append(verify.entry({**told, **more}))


def _prove(build: Path, lines: list[bytes], manifest: str) -> None:
    """Put the proof of a release where readers find it, if it is not there already."""
    proof = verify.canonical(verify.proof(b"\n".join(lines) + b"\n", manifest))
    place = build / PROOFS / f"{manifest[:16]}.json"
    if not place.is_file() or place.read_bytes() != proof:
        files.save(place, proof)


def logged(build: Path) -> list[str]:
    """The ids of the releases of the log that stand, oldest first; one that was gone back to stands twice."""
    told = [json.loads(line) for line in _lines(build)]
    gone = {one["manifest"] for one in told if "withdrawn" in one}
    return [one["release"] for one in told if one["manifest"] not in gone]


def _lines(build: Path) -> list[bytes]:
    path = build / verify.LOG
    log = path.read_bytes() if path.exists() else b""
    if log and (found := verify.chain_faults(log)):
        raise errors.StorageError(
            f"build/{verify.LOG}: {found[0].where} {found[0].sentence}. Nothing was published. Restore the log from a "
            "copy; if there is none, move it aside and tell readers that history begins anew."
        )
    return log.splitlines()


def sign(build: Path, key_file: Path) -> Path:
    """The signature of the live release, in the format of minisign, beside its manifest.

    Raises: UsageError without a release, without the library, or for a key that is missing, no key, inside the
    checkout, or readable by others.
    """
    try:
        import minisign  # noqa: PLC0415  an extra: [sign]
    except ImportError:
        raise errors.UsageError("sign: the library is missing. pip install py-minisign, or use minisign -Sm.") from None
    folder = (build / "current").resolve()
    if not (folder / verify.MANIFEST).is_file():
        raise errors.UsageError("sign: nothing was published yet. Run make publish first.")
    _refuse_careless(key_file, build.resolve().parent)
    try:
        key = minisign.SecretKey.from_bytes(key_file.read_bytes())
        if key.is_encrypted():
            key.decrypt(
                getpass.getpass("Password of the key: ") if sys.stdin.isatty() else sys.stdin.readline().strip()
            )
    except (minisign.Error, ValueError) as error:
        raise errors.UsageError(f"sign: {key_file.name} cannot be opened as a secret key of minisign.") from error
    proof = json.loads((build / PROOFS / f"{folder.name}.json").read_bytes())
    comment = f"release {folder.name}, {proof['index'] + 1} of the log, root {proof['root']}"
    signature = key.sign((folder / verify.MANIFEST).read_bytes(), trusted_comment=comment)
    files.exchange(folder / verify.SIGNATURE, bytes(signature))
    return folder / verify.SIGNATURE


def _refuse_careless(key_file: Path, checkout: Path) -> None:
    """A key that others can read, or that could be committed, signs nothing."""
    if not key_file.is_file():
        raise errors.UsageError(f"sign: {key_file.name} is not there. Give the path of your secret key.")
    if key_file.resolve().is_relative_to(checkout):
        raise errors.UsageError(f"sign: {key_file.name} lies inside the checkout. Keep the key outside it.")
    if stat.S_IMODE(key_file.stat().st_mode) & 0o077:
        raise errors.UsageError(f"sign: {key_file.name} can be read by others. Run chmod 600 on it.")
