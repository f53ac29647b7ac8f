"""Check a release with nothing but Python: python verify.py [FOLDER] [--proof FILE] [--key PUBLIC_KEY].

Says whether every file is the one the manifest lists, no file was added or lost, the release stands in the log of
releases, the log is unbroken and only grew since a copy you kept, and, if a signature and a verifier for it are there,
who signed. Ships in each release as verify.py, so it imports nothing of ours; the pipeline uses it too.
The log is an RFC 6962 Merkle tree of lines; proofs are lists of sha256 in hex.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

MANIFEST, SIGNATURE, LOG = "MANIFEST.json", "MANIFEST.json.minisig", "releases.jsonl"
ORIGIN = "0" * 64  # what the first line of a log calls the line before it
DIGEST = re.compile("[0-9a-f]{64}")
SHOWN = 20


class Fault(NamedTuple):
    """What is wrong: a stable code, the file or line, and a sentence that says what to do."""

    code: str
    where: str
    sentence: str


def faults(folder: Path) -> list[Fault]:
    """What is wrong with the files of a release; none for one that is whole and holds nothing else."""
    try:
        raw = (folder / MANIFEST).read_bytes()
        listed = json.loads(raw)["files"]
        expected = {str(name): (int(one["bytes"]), str(one["sha256"])) for name, one in listed.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return [Fault("E_MANIFEST", MANIFEST, "cannot be read as a manifest; take the release from another copy")]
    found = []
    if raw != canonical(json.loads(raw)):
        found.append(Fault("E_MANIFEST", MANIFEST, "is not written as the pipeline writes it; take another copy"))
    here = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not _is_folder(path)}
    extra = sorted(set(here) - set(expected) - {MANIFEST, SIGNATURE})
    found += [Fault("E_EXTRA_FILE", name, "is not of this release; remove it or take another copy") for name in extra]
    for name, (size, digest) in sorted(expected.items()):
        if name not in here or here[name].is_symlink() or not here[name].is_file():
            found.append(Fault("E_MISSING", name, "is listed and not there; take another copy"))
        elif here[name].stat().st_size != size or sha256(here[name]) != digest:
            found.append(Fault("E_HASH", name, "is not the file that was released; do not use it, take another copy"))
    return found


def chain_faults(log: bytes) -> list[Fault]:
    """What is wrong with a log of releases in itself: a line that does not follow the one before, or is torn."""
    previous = ORIGIN
    for number, line in enumerate(log.splitlines(), 1):
        one = _line(line)
        if one is None or one["seq"] != number or one["previous"] != previous:
            return [Fault("E_LOG", f"line {number}", "does not follow the line before it; the log was changed or cut")]
        previous = hashlib.sha256(line).hexdigest()
    if not log.endswith(b"\n"):
        return [Fault("E_LOG", f"line {len(log.splitlines())}", "is torn; take another copy of the log")]
    return []


def log_faults(log: bytes, manifest: str, *, newest: bool = True) -> list[Fault]:
    """What is wrong with a log of releases, or with the place in it of the release of that manifest digest.

    `newest`: the release must be the log's last; an older one handed out as the newest is a rollback.
    """
    if found := chain_faults(log):
        return found
    told = [json.loads(line)["manifest"] for line in log.splitlines()]
    if manifest in (gone := _withdrawn(log.splitlines())):
        return [Fault("E_WITHDRAWN", MANIFEST, f"was withdrawn ({gone[manifest]}); delete your copy")]
    if manifest not in told:
        return [Fault("E_NOT_IN_LOG", MANIFEST, "this release was never logged; do not use it")]
    if newest and told[-1] != manifest:
        last = len(told) - told[::-1].index(manifest)
        return [Fault("E_ROLLBACK", MANIFEST, f"is release {last} of {len(told)}: an older one (allow it with --old)")]
    return []


def _withdrawn(lines: Sequence[bytes]) -> dict[str, str]:
    """Why releases were withdrawn, by the digest of their manifest."""
    told = [one for one in map(_line, lines) if one and "withdrawn" in one]
    return {one["manifest"]: one["withdrawn"] for one in told}


def proof(log: bytes, manifest: str) -> dict[str, Any]:
    """What a reader needs instead of the whole log: where the release stands in it, and how it grew.

    Shape: size and root of the log, index and line of the release, its inclusion path, and for every earlier size the
    consistency path from there, all in hex.
    """
    lines, tree = log.splitlines(), leaves(log)
    index = max(at for at, line in enumerate(lines) if (_line(line) or {}).get("manifest") == manifest)
    return {
        "size": len(tree), "root": root(tree).hex(), "index": index, "line": lines[index].decode(),
        "inclusion": [node.hex() for node in inclusion(index, tree)],
        "consistency": {
            str(size): [node.hex() for node in consistency(size, tree)] for size in range(1, len(tree))
        },
    }  # fmt: skip


def proof_faults(told: dict[str, Any], manifest: str, seen: dict[str, Any] | None, *, newest: bool) -> list[Fault]:
    """What is wrong with a proof: release not in the log, not its newest, or the log did not grow from `seen`."""
    try:
        size, top = int(told["size"]), bytes.fromhex(told["root"])
        index, line = int(told["index"]), str(told["line"]).encode()
        path = [bytes.fromhex(node) for node in told["inclusion"]]
        before, old_top = (int(seen["size"]), bytes.fromhex(seen["root"])) if seen else (size, top)
        steps = told["consistency"].get(str(before), [])
        grown = consistent(old_top, top, before, size, [bytes.fromhex(node) for node in steps])
    except (KeyError, ValueError, TypeError, AttributeError):
        return [Fault("E_PROOF", "the proof", "cannot be read as one; take another copy")]
    one = _line(line)
    if one is None or one["manifest"] != manifest:
        return [Fault("E_NOT_IN_LOG", "the proof", "is of another release")]
    found = []
    if not included(hashlib.sha256(b"\0" + line).digest(), index, size, path, top):
        found.append(Fault("E_PROOF", "the proof", "does not show that this release was logged"))
    if not grown:
        found.append(Fault("E_ROLLBACK", "the proof", "does not continue the log you knew; somebody rewrote history"))
    if "withdrawn" in one:
        found.append(Fault("E_WITHDRAWN", MANIFEST, f"was withdrawn ({one['withdrawn']}); delete your copy"))
    elif newest and index != size - 1:
        sentence = f"is release {index + 1} of {size}: an older one (allow it with --old)"
        found.append(Fault("E_ROLLBACK", MANIFEST, sentence))
    return found


def _line(line: bytes) -> dict[str, Any] | None:
    """A line of the log, or None if it is not one: seq, release, manifest and previous, and withdrawn with a reason."""
    try:
        one = json.loads(line)
    except ValueError:
        return None
    if not isinstance(one, dict) or entry(one) != line:
        return None
    return one if DIGEST.fullmatch(one["manifest"]) and one["release"] == one["manifest"][:16] else None


def entry(one: dict[str, Any]) -> bytes:
    """The line of a log, without its line end; b"" for what is no entry."""
    texts = {"release", "manifest", "previous"} | (set(one) & {"withdrawn"})
    if set(one) != {"seq", *texts} or not all(isinstance(one[name], str) for name in texts):
        return b""
    return json.dumps(one, sort_keys=True).encode()


def canonical(manifest: object) -> bytes:
    """The bytes of a manifest."""
    return (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()


def sha256(path: Path) -> str:
    """The digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


# The Merkle tree of RFC 6962: a leaf is a line of the log, a node the digest of its two halves.


def leaves(log: bytes) -> list[bytes]:
    """The digests of the lines of a log."""
    return [hashlib.sha256(b"\0" + line).digest() for line in log.splitlines()]


def root(tree: Sequence[bytes]) -> bytes:
    """The digest that stands for all the leaves."""
    if len(tree) < 2:
        return tree[0] if tree else hashlib.sha256(b"").digest()
    at = _half(len(tree))
    return _node(root(tree[:at]), root(tree[at:]))


def inclusion(index: int, tree: Sequence[bytes]) -> list[bytes]:
    """The siblings on the way from a leaf to the root."""
    if len(tree) < 2:
        return []
    at = _half(len(tree))
    if index < at:
        return [*inclusion(index, tree[:at]), root(tree[at:])]
    return [*inclusion(index - at, tree[at:]), root(tree[:at])]


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], top: bytes) -> bool:
    """Whether a leaf stands at `index` of the tree of that size and root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, rest = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            rest = _node(sibling, rest)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            rest = _node(rest, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and rest == top


def consistency(old: int, tree: Sequence[bytes], *, whole: bool = True) -> list[bytes]:
    """The nodes that prove that the tree of the first `old` leaves is a beginning of this one."""
    if old == len(tree) or not old:
        return [] if whole else [root(tree)]
    at = _half(len(tree))
    if old <= at:
        return [*consistency(old, tree[:at], whole=whole), root(tree[at:])]
    return [*consistency(old - at, tree[at:], whole=False), root(tree[:at])]


def consistent(old_top: bytes, top: bytes, old: int, size: int, path: Sequence[bytes]) -> bool:
    """Whether the proof shows that a tree grew out of the older one (RFC 9162, 2.1.4.2)."""
    if old in (0, size):
        return not path and (old == 0 or old_top == top)
    if not 0 < old < size or not path:
        return False
    nodes = [old_top, *path] if old & (old - 1) == 0 else list(path)
    node, last = old - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    before = after = nodes[0]
    for sibling in nodes[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            before, after = _node(sibling, before), _node(sibling, after)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            after = _node(after, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and (before, after) == (old_top, top)


def _half(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


# The signature, in the format of minisign.


def signed(folder: Path, key: str) -> tuple[str, list[Fault]]:
    """Who signed, in a sentence, and what is wrong with it. Without a key, or the library, the sentence says so."""
    if not (folder / SIGNATURE).is_file():
        return "Unsigned.", [Fault("E_UNSIGNED", SIGNATURE, "you gave a key and there is no signature")] if key else []
    if not key:
        return "Signed; give --key to check by whom.", []
    try:
        minisign = importlib.import_module("minisign")
    except ImportError:
        return f"Signed, not checked here: pip install py-minisign, or minisign -Vm {MANIFEST} -P {key}.", []
    try:
        signature = minisign.Signature.from_bytes((folder / SIGNATURE).read_bytes())
        minisign.PublicKey.from_base64(key.encode()).verify((folder / MANIFEST).read_bytes(), signature)
    except Exception as error:  # noqa: BLE001  whatever the library says of a forged file, it is not signed
        return "Not signed by that key.", [Fault("E_KEY", SIGNATURE, f"is not by that key ({type(error).__name__})")]
    return f"Signed by the key you gave: {signature.trusted_comment}.", []


def main(words: Sequence[str] | None = None) -> int:
    """Print what is wrong, or that all is well; 0 or 1."""
    reads = argparse.ArgumentParser(description="Check a release of the open record of torture complaints.")
    reads.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    reads.add_argument("--proof", type=Path, help="its proof, <release>.json of the folder proofs")
    reads.add_argument("--seen", type=Path, help="a proof that you kept from an earlier time: history must continue it")
    reads.add_argument("--log", type=Path, help="the whole log of releases instead, releases.jsonl")
    reads.add_argument("--old", action="store_true", help="it need not be the newest release of the log")
    reads.add_argument("--key", default="", help="the public key of minisign that must have signed")
    asked = reads.parse_args(words)
    found, said = check(asked.folder, asked.proof, asked.seen, asked.log, newest=not asked.old, key=asked.key)
    for one in found[:SHOWN]:
        print(f"{one.code} {one.where}: {one.sentence}.")
    if len(found) > SHOWN:
        print(f"... and {len(found) - SHOWN} more.")
    print(said)
    return 1 if found else 0


def check(
    folder: Path,
    proof_file: Path | None = None,
    seen: Path | None = None,
    log: Path | None = None,
    *,
    newest: bool = True,
    key: str = "",
) -> tuple[list[Fault], str]:
    """All that is wrong, and a sentence that sums up what was checked."""
    found = faults(folder)
    if found and found[0].code == "E_MANIFEST":
        return found, "Not verified."
    manifest = sha256(folder / MANIFEST)
    by, doubts = signed(folder, key)
    found += doubts
    history = "its place in history unchecked (give --proof)"
    try:
        if log:
            found += log_faults(log.read_bytes(), manifest, newest=newest)
            history = f"in the log of {len(log.read_bytes().splitlines())} releases"
        if proof_file:
            told = json.loads(proof_file.read_bytes())
            known = json.loads(seen.read_bytes()) if seen else None
            found += proof_faults(told, manifest, known, newest=newest)
            history = "proved to be in the log" + (", which continues the one you knew" if seen else "")
    except OSError as error:
        found.append(Fault("E_PROOF", Path(error.filename).name, "cannot be opened; give the path of the file"))
    except ValueError:
        found.append(Fault("E_PROOF", "the proof", "is not JSON; take another copy"))
    if found:
        return found, f"Not verified: {len(found)} fault{'s' * (len(found) > 1)}. Do not cite this copy."
    return [], f"Verified: release {manifest[:16]}, {history}. {by}"


if __name__ == "__main__":
    sys.exit(main())
