"""History: a log that cannot be changed unseen, a stranger's check of a release, the way back, the signature."""

from __future__ import annotations

import functools
import http.server
import json
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import invented_package as invented
import minisign
import pymerkle
import pytest

from pipeline import errors, publish
from pipeline.publish import history, verify
from pipeline.publish import release as releasing

TEXTS = [invented.CLAIMS.replace("|24|", f"|{number}|") for number in (24, 25, 26)]


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """A home with three releases in its log, the third live."""
    home = tmp_path_factory.mktemp("history") / "home"
    home.mkdir()
    for text in TEXTS:
        package = invented.staged(tmp_path_factory.mktemp("staged"), text)
        with publish.lock(home / "build"):
            publish.go_live(shutil.copytree(package, releasing.new_folder(home), dirs_exist_ok=True), home)
    return home


@pytest.fixture
def home(published, tmp_path) -> Path:
    """A copy to break."""
    return shutil.copytree(published, tmp_path / "home", symlinks=True)


def live(home: Path) -> Path:
    return (home / "build" / "current").resolve()


def proof_of(home: Path, release: str) -> Path:
    return home / "build" / "proofs" / f"{release}.json"


def codes(*arguments, **options) -> set[str]:
    """The codes of the faults that a check finds."""
    return {fault.code for fault in verify.check(*arguments, **options)[0]}


def stranger(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The shipped verify.py, run by a Python that has nothing but its standard library."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify.py"), *words], capture_output=True, text=True, check=False
    )


# A whole release


def test_a_stranger_verifies_a_release_with_the_standard_library_alone(home):
    """Files, place in the log and the missing signature are told in one line."""
    told = stranger(live(home), "--proof", str(proof_of(home, live(home).name)))

    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == f"Verified: release {live(home).name}, proved to be in the log. Unsigned.\n"


def test_history_is_proved_to_continue_what_a_reader_knew(home):
    """A proof kept from the first or second release is continued by the third; an older one is a rollback."""
    ids = history.logged(home / "build")

    assert [codes(live(home), proof_of(home, ids[2]), proof_of(home, known)) for known in ids] == [set()] * 3
    assert codes(home / "build" / "releases" / ids[0], proof_of(home, ids[2])) == {"E_NOT_IN_LOG"}


def test_an_older_release_handed_out_as_the_newest_is_refused(home):
    """Unless the reader says that an older one is wanted."""
    ids = history.logged(home / "build")
    log, old = home / "build" / "releases.jsonl", home / "build" / "releases" / ids[1]

    assert codes(old, log=log) == {"E_ROLLBACK"}
    assert codes(old, log=log, newest=False) == set()


def test_a_reader_who_knew_more_history_than_is_shown_refuses_it(home):
    """Somebody cut the log and replays the release before."""
    ids = history.logged(home / "build")
    with publish.lock(home / "build"):
        kept = shutil.copy(proof_of(home, ids[2]), home / "kept.json")
        log = home / "build" / "releases.jsonl"
        log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:2]))
        proof_of(home, ids[1]).unlink()
        publish.rollback(home, ids[1])

    assert codes(live(home), proof_of(home, ids[1]), Path(kept)) == {"E_ROLLBACK"}


# Tampering


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda folder: (folder / "data" / "complaints.csv").write_bytes(b"x"), "E_HASH"),
        (lambda folder: (folder / "data" / "complaints.csv").unlink(), "E_MISSING"),
        (lambda folder: (folder / "data" / "more.csv").write_bytes(b"x"), "E_EXTRA_FILE"),
        (lambda folder: (folder / "MANIFEST.json").write_bytes(b"{}"), "E_MANIFEST"),
        (lambda folder: (folder / "MANIFEST.json").unlink(), "E_MANIFEST"),
        (lambda folder: (folder / "extra").symlink_to("data"), "E_EXTRA_FILE"),
        (
            lambda folder: (folder / "MANIFEST.json").write_bytes(
                (folder / "MANIFEST.json").read_bytes().replace(b" ", b"  ", 1)
            ),
            "E_MANIFEST",
        ),
    ],
    ids=["changed", "removed", "added", "empty manifest", "no manifest", "link", "reformatted manifest"],
)
def test_a_tampered_release_is_found_out(home, spoil, code):
    """Each fault has its code; the verdict says not to cite it."""
    spoil(live(home))
    found, said = verify.check(live(home))

    assert code in {fault.code for fault in found}
    assert said.startswith("Not verified")


@pytest.mark.parametrize("seed", range(40))
def test_a_random_tamper_is_found_out(home, seed):
    """One byte flipped, a file dropped or added, two swapped, the log cut or changed, a proof forged."""
    assert tampered(home, random.Random(seed)) != set()


@pytest.mark.exam
def test_ten_thousand_random_tampers_are_found_out(published, tmp_path):
    """Every one of them; each is undone before the next."""
    home = shutil.copytree(published, tmp_path / "home", symlinks=True)
    chance, missed = random.Random(143), []
    for number in range(10_000):
        before = {path: path.read_bytes() for path in (home / "build").rglob("*") if path.is_file()}
        if not tampered(home, chance):
            missed.append(number)
        for path in (home / "build").rglob("*"):
            if path.is_file() and path not in before:
                path.unlink()
        for path, content in before.items():
            path.write_bytes(content)

    assert missed == []


def tampered(home: Path, chance: random.Random) -> set[str]:
    """What the checks of a reader say after one random change."""
    build, folder = home / "build", live(home)
    ids = history.logged(build)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    log, proof = build / "releases.jsonl", proof_of(home, ids[-1])
    one, other = chance.sample([path for path in files if path.name != "MANIFEST.json"], 2)
    kind = chance.choice(["flip", "drop", "add", "swap", "log", "cut", "proof", "replay"])
    match kind:
        case "flip":
            flip(chance.choice(files), chance)
        case "drop":
            chance.choice(files).unlink()
        case "add":
            (one.parent / f"x{chance.random()}").write_bytes(b"")
        case "swap" if one.read_bytes() != other.read_bytes():
            kept = one.read_bytes()
            one.write_bytes(other.read_bytes())
            other.write_bytes(kept)
        case "log" | "swap":
            flip(log, chance)
        case "cut":
            log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[: chance.randrange(3)]))
        case "proof":
            forge(proof, chance)
        case "replay":
            return codes(build / "releases" / chance.choice(ids[:-1]), log=log)
    return codes(folder, proof, proof_of(home, ids[0]), log)


def flip(path: Path, chance: random.Random) -> None:
    """One bit of one byte."""
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def forge(path: Path, chance: random.Random) -> None:
    """A proof with one of its parts invented, of the kind that a liar would invent."""
    told = json.loads(path.read_bytes())
    lie = chance.randbytes(32).hex()
    match chance.choice(["root", "inclusion", "consistency", "index"]):
        case "root":
            told["root"] = lie
        case "inclusion":
            told["inclusion"][chance.randrange(len(told["inclusion"]))] = lie
        case "consistency":
            told["consistency"]["1"][chance.randrange(len(told["consistency"]["1"]))] = lie
        case "index":
            told["index"] = chance.choice([-1, 0, 1, 3])
    path.write_text(json.dumps(told))


# The tree


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8, 9, 20])
def test_roots_and_proofs_are_those_of_another_implementation(size):
    """An independent library builds the same root; every proof holds, and none holds for another root."""
    lines = [f"line {number}".encode() for number in range(size)]
    other = pymerkle.InmemoryTree(algorithm="sha256")
    for line in lines:
        other.append_entry(line)
    tree = verify.leaves(b"\n".join(lines))
    top, forged = verify.root(tree), verify.root(tree[::-1] + tree[:1])

    assert top == other.get_root()
    for at in range(size):
        path = verify.inclusion(at, tree)

        assert verify.included(tree[at], at, size, path, top)
        assert not verify.included(tree[at], at, size, path, forged)
        assert not verify.included(tree[at], at, size, [*path, top], top)
    for old in range(1, size + 1):
        path, before = verify.consistency(old, tree), verify.root(tree[:old])

        assert verify.consistent(before, top, old, size, path)
        assert not verify.consistent(forged, top, old, size, path)
        assert not verify.consistent(before, forged, old, size, path)


# The log


def test_a_log_that_was_changed_stops_the_next_release(home):
    """History is mended first; nothing is published onto a broken one."""
    log = home / "build" / "releases.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([lines[0], lines[2]]))

    with publish.lock(home / "build"), pytest.raises(errors.StorageError) as refused:
        publish.rollback(home)

    assert "releases.jsonl: line 2 does not follow" in str(refused.value)
    assert refused.value.exit_code == 13


def test_the_log_holds_no_figure(home):
    """Digests, ids and a number; it may outlive a redaction."""
    told = [json.loads(line) for line in (home / "build" / "releases.jsonl").read_bytes().splitlines()]

    assert [set(one) for one in told] == [{"seq", "release", "manifest", "previous"}] * 3
    assert [one["seq"] for one in told] == [1, 2, 3]


# Going back


def test_the_release_before_is_live_again_and_history_says_so(home):
    """current, data/ and the descriptor go back; the log gets a line more, and the next publish goes on from it."""
    ids = history.logged(home / "build")
    with publish.lock(home / "build"):
        back = publish.rollback(home)
    csv = (home / "data" / "complaints.csv").read_text(encoding="utf-8")

    assert (back.id, live(home).name, history.logged(home / "build")) == (ids[1], ids[1], [*ids, ids[1]])
    assert (",25," in csv, ",26," in csv) == (True, False)
    assert (home / "datapackage.json").read_bytes() == (live(home) / "datapackage.json").read_bytes()
    assert codes(live(home), proof_of(home, ids[1]), proof_of(home, ids[0])) == set()


def test_a_withdrawn_release_brought_back_from_a_copy_does_not_go_live_again(home, tmp_path):
    """Neither by rollback nor by publishing its bytes anew: a person was to be protected."""
    first, *_, last = history.logged(home / "build")
    kept = shutil.copytree(home / "build" / "releases" / first, tmp_path / "kept")
    with publish.lock(home / "build"):
        publish.withdraw_others(home, "identifies_person")
        shutil.copytree(kept, home / "build" / "releases" / first)
        with pytest.raises(errors.UsageError, match="None but the live one"):
            publish.rollback(home, first)
        staged = shutil.copytree(kept, releasing.new_folder(home), dirs_exist_ok=True)
        with pytest.raises(errors.NotPublishable, match="was withdrawn"):
            publish.go_live(staged, home)

    assert live(home).name == last


def test_a_spoilt_release_is_not_gone_back_to(home):
    """The live one stays."""
    ids = history.logged(home / "build")
    flip(home / "build" / "releases" / ids[0] / "data" / "complaints.csv", random.Random(1))

    with publish.lock(home / "build"), pytest.raises(errors.ValidationRefused) as refused:
        publish.rollback(home, ids[0])

    assert ("E_HASH data/complaints.csv" in str(refused.value), live(home).name) == (True, ids[2])


@pytest.mark.parametrize("name", ["0123456789abcdef", "current"])
def test_a_release_that_is_not_kept_is_a_question_of_usage(home, name):
    """The message names those that are kept."""
    with publish.lock(home / "build"), pytest.raises(errors.UsageError) as refused:
        publish.rollback(home, name)

    assert history.logged(home / "build")[1] in str(refused.value)


# The signature


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> tuple[Path, str]:
    """A secret key, without a password, and its public half."""
    pair = minisign.KeyPair.generate()
    place = tmp_path_factory.mktemp("keys") / "secret.key"
    place.write_bytes(bytes(pair.secret_key))
    place.chmod(0o600)
    return place, pair.public_key.to_base64().decode()


def test_a_signed_release_names_its_place_in_history(home, keys):
    """The trusted comment holds release, number and root; the files of the release stay the same."""
    secret, public = keys
    publish.sign(home / "build", secret)
    found, said = verify.check(live(home), key=public)

    assert found == []
    assert f"Signed by the key you gave: release {live(home).name}, 3 of the log, root " in said


def test_a_signature_by_another_key_or_over_other_bytes_is_refused(home, keys):
    """Somebody else's key, and a signature that was copied to another release."""
    secret, public = keys
    signature = publish.sign(home / "build", secret)
    other = minisign.KeyPair.generate().public_key.to_base64().decode()
    older = home / "build" / "releases" / history.logged(home / "build")[0]
    shutil.copy(signature, older)

    assert codes(live(home), key=other) == {"E_KEY"}
    assert codes(older, key=public) == {"E_KEY"}
    assert codes(home / "build" / "releases" / history.logged(home / "build")[1], key=public) == {"E_UNSIGNED"}


def test_a_careless_key_signs_nothing(home, keys):
    """Readable by others, inside the checkout, missing, or no key."""
    secret, _ = keys
    inside, open_key = home / "secret.key", home.parent / "open.key"
    nonsense = home.parent / "nonsense.key"
    for place, mode in ((inside, 0o600), (open_key, 0o644)):
        shutil.copy(secret, place)
        place.chmod(mode)
    nonsense.touch(0o600)
    said = []
    for place in (inside, open_key, nonsense, home.parent / "none.key"):
        with pytest.raises(errors.UsageError) as refused:
            publish.sign(home / "build", place)
        said.append(str(refused.value).removeprefix(f"sign: {place.name} ").partition(".")[0])

    assert said == [
        "lies inside the checkout", "can be read by others", "cannot be opened as a secret key of minisign",
        "is not there",
    ]  # fmt: skip
    assert not (live(home) / "MANIFEST.json.minisig").exists()


# Over the web


@pytest.fixture
def address(home) -> Iterator[str]:
    """build/ as a web server on this machine shows it."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=home / "build")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_release_is_verified_where_it_is_served(home, address):
    """With its proof; a byte changed there is found."""
    release = f"{address}/releases/{live(home).name}"
    good = publish.verified(home / "build", release)
    flip(live(home) / "data" / "bodies.csv", random.Random(2))
    bad = publish.verified(home / "build", release)

    assert good == ([], f"Verified: release {live(home).name}, proved to be in the log. Unsigned.")
    assert [(fault.code, fault.where) for fault in bad[0]] == [("E_HASH", "data/bodies.csv")]


def test_an_address_without_a_release_is_said_to_be_one(home, address):
    """No manifest, nobody listening, and a manifest that leads outside its folder."""
    (home / "build" / "evil").mkdir()
    listed = {"files": {"../../outside": {"bytes": 1, "sha256": "0" * 64}}}
    (home / "build" / "evil" / "MANIFEST.json").write_bytes(verify.canonical(listed))

    with pytest.raises(errors.Unreachable, match=r"has no MANIFEST\.json"):
        publish.verified(home / "build", f"{address}/proofs")
    with pytest.raises(errors.ValidationRefused, match="outside its folder"):
        publish.verified(home / "build", f"{address}/evil")
    with pytest.raises(errors.Unreachable, match="ConnectError"):
        publish.verified(home / "build", "http://127.0.0.1:9")
