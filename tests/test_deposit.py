"""Deposit: bundles that a portal takes as they are, and a sender that does what the portals document, and no more."""

from __future__ import annotations

import email
import email.policy
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import invented_package as invented
import pytest

from pipeline import errors, project
from pipeline.project import deposits, sending
from pipeline.publish import verify

HOME = Path(__file__).resolve().parent.parent
TOKEN = "invented-token-4711"


class Portal(BaseHTTPRequestHandler):
    """What the three APIs document of the calls we make; anything else is refused, publishing above all."""

    calls: ClassVar[list[tuple[str, str]]] = []
    files: ClassVar[dict[str, str]] = {}
    told: ClassVar[dict[str, Any]] = {}
    fault: ClassVar[str] = ""

    def answer(self, status: int, body: object) -> None:
        content = b"<html>busy</html>" if self.fault == "no json" else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def handle_one(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.calls.append((self.command, self.path))
        zenodo = self.path.startswith(("/api/deposit", "/api/files"))
        right = f"Bearer {TOKEN}" if zenodo else TOKEN
        if self.headers["Authorization"] != right:
            self.answer(401, {"message": f"no such token: {self.headers['Authorization']}"})
            return
        match self.command, self.path:
            case "POST", "/api/deposit/depositions":
                assert (self.headers["Content-Type"], body) == ("application/json", b"{}")
                host = "evil.example" if self.fault == "elsewhere" else f"127.0.0.1:{self.server.server_port}"
                links = {"bucket": f"http://{host}/api/files/5b0e", "html": f"http://{host}/deposit/77"}
                self.answer(201, {"id": 77, "links": links})
            case "PUT", path if path.startswith("/api/files/5b0e/"):
                self.files[path.rsplit("/", 1)[1]] = hashlib.sha256(body).hexdigest()
                self.answer(201, {"checksum": f"md5:{hashlib.md5(body).hexdigest()}"})
            case "PUT", "/api/deposit/depositions/77":
                self.told["metadata"] = told = json.loads(body)["metadata"]
                needed = {"title", "upload_type", "description", "creators", "access_right", "license"}
                assert needed <= {name for name, value in told.items() if value}
                self.answer(200, {"id": 77, "submitted": False})
            case "POST", "/api/3/action/package_create":
                self.told["package"] = told = json.loads(body)
                wrong = [] if re.fullmatch("[a-z0-9_-]{2,100}", told["name"]) else ["name"]
                wrong += [] if told["owner_org"] == "watch" else ["owner_org"]
                if wrong:
                    fields = {field: ["Not allowed"] for field in wrong}
                    self.answer(409, {"success": False, "error": {"__type": "Validation Error", **fields}})
                else:
                    self.answer(200, {"success": True, "result": {"id": "c0ffee"}})
            case "POST", "/api/3/action/resource_create":
                head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
                form = email.message_from_bytes(head + body, policy=email.policy.default)
                parts = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
                assert parts["package_id"].get_content().strip() == "c0ffee"
                upload = parts["upload"]
                self.files[upload.get_filename()] = hashlib.sha256(upload.get_payload(decode=True)).hexdigest()
                self.answer(200, {"success": True, "result": {"id": "1"}})
            case _:
                self.answer(404, {"message": "no such call"})

    def do_POST(self) -> None:
        self.handle_one()

    do_PUT = do_POST  # noqa: N815  the library calls it so

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def imitation(fault: str = "") -> Iterator[tuple[str, type[Portal]]]:
    """A portal on the loopback: its address, and what it was told."""
    fresh = type("Fresh", (Portal,), {"calls": [], "files": {}, "told": {}, "fault": fault})
    server = ThreadingHTTPServer(("127.0.0.1", 0), fresh)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", fresh
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def release(home) -> Path:
    return (home / "build" / "current").resolve()


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """An invented checkout whose live release is small: no identifier, no places, no days."""
    home = tmp_path_factory.mktemp("small")
    (home / "build" / "releases").mkdir(parents=True)
    folder = home / "build" / "releases" / "0a"
    folder.mkdir()
    project.project(invented.staged(folder), home)
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    listed = {name: {"bytes": path.stat().st_size, "sha256": verify.sha256(path)} for name, path in files.items()}
    (folder / verify.MANIFEST).write_bytes(verify.canonical({"files": listed}))
    (home / "build" / "current").symlink_to("releases/0a")
    return folder


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


# Bundles


@pytest.mark.parametrize("portal", ["zenodo", "ckan", "hdx"])
def test_a_bundle_is_the_same_bytes_each_time(small, tmp_path, portal):
    """The zip too, whatever the times of the files."""
    first, second = tmp_path / "first", tmp_path / "second"
    names = deposits.bundle(small, portal, first, "watch")
    os.utime(small / "dictionary.md", (0, 0))

    assert deposits.bundle(small, portal, second, "watch") == names
    assert {n: (first / n).read_bytes() for n in names} == {n: (second / n).read_bytes() for n in names}


def test_the_bundle_for_zenodo_holds_the_whole_release(release, tmp_path):
    """Every file, unharmed, under one folder; and the same facts in deposition and DataCite."""
    names = deposits.bundle(release, "zenodo", tmp_path / "zenodo")
    (archive,) = (tmp_path / "zenodo" / name for name in names if name.endswith(".zip"))
    with zipfile.ZipFile(archive) as opened:
        packed = {name.split("/", 1)[1]: opened.read(name) for name in opened.namelist()}
    told, metadata = read(release / "datapackage.json"), read(tmp_path / "zenodo" / "deposition.json")["metadata"]
    datacite = read(tmp_path / "zenodo" / "datacite.json")

    assert packed == {p.relative_to(release).as_posix(): p.read_bytes() for p in release.rglob("*") if p.is_file()}
    assert (metadata["title"], metadata["version"], metadata["license"]) == (
        told["title"],
        told["version"],
        "cc-by-4.0",
    )
    assert metadata["creators"] == [{"name": one["title"]} for one in told["contributors"]]
    assert [one["title"] for one in datacite["titles"]] == list(told["labels"].values())
    assert (datacite["version"], datacite["publicationYear"]) == (told["version"], told["created"][:4])


def test_the_bundles_for_ckan_and_hdx_describe_files_that_are_there(release, tmp_path):
    """With size and hash; every table of figures, no code list; HDX gets its days, place, source and caveats."""
    for portal in ("ckan", "hdx"):
        deposits.bundle(release, portal, tmp_path / portal, "watch")
    resources, created = read(tmp_path / "hdx" / "resources.json"), read(tmp_path / "hdx" / "package_create.json")
    wrong = [
        one["path"] for one in resources
        if one["size"] != (release / one["path"]).stat().st_size
        or one.get("hash", hashlib.sha256((release / one["path"]).read_bytes()).hexdigest())
        != hashlib.sha256((release / one["path"]).read_bytes()).hexdigest()
    ]  # fmt: skip
    names = {one["name"] for one in resources}

    assert wrong == []
    assert {"complaints.csv", "series.csv", "statistics.xlsx"} <= names
    assert "sex.csv" not in names
    assert (created["groups"], created["private"], created["owner_org"]) == ([{"name": "tjk"}], True, "watch")
    assert re.fullmatch(r"\[\d{4}-\d\d-\d\dT00:00:00 TO \d{4}-\d\d-\d\dT23:59:59\]", created["dataset_date"])
    assert min(len(created[key]) for key in ("dataset_source", "methodology_other", "caveats", "notes")) > 50
    assert "dataset_date" not in read(tmp_path / "ckan" / "package_create.json")


def test_a_bundle_of_a_package_without_places_and_days_leaves_them_out(small, tmp_path):
    """An invented package makes bundles for all three."""
    for portal in deposits.PORTALS:
        deposits.bundle(small, portal, tmp_path / portal)

    assert read(tmp_path / "hdx" / "package_create.json")["groups"] == []
    assert [one["dateType"] for one in read(tmp_path / "zenodo" / "datacite.json")["dates"]] == ["Issued"]
    assert "alternateIdentifiers" not in read(tmp_path / "zenodo" / "datacite.json")


# Sending


def test_zenodo_gets_a_deposition_with_its_file_and_metadata_and_nobody_publishes_it(small, tmp_path):
    """Three documented calls, in their order."""
    (name,) = (n for n in deposits.bundle(small, "zenodo", tmp_path / "z") if n.endswith(".zip"))
    with imitation() as (address, portal):
        draft = sending.send("zenodo", tmp_path / "z", small, address, TOKEN)

    assert draft == f"{address}/deposit/77"
    assert [method for method, _ in portal.calls] == ["POST", "PUT", "PUT"]
    assert portal.files == {name: hashlib.sha256((tmp_path / "z" / name).read_bytes()).hexdigest()}
    assert portal.told["metadata"] == read(tmp_path / "z" / "deposition.json")["metadata"]


@pytest.mark.parametrize("name", ["ckan", "hdx"])
def test_ckan_and_hdx_get_a_private_package_and_each_file(small, tmp_path, name):
    """One package_create, then a resource_create for each resource, with the bytes of the release."""
    deposits.bundle(small, name, tmp_path / name, "watch")
    resources = read(tmp_path / name / "resources.json")
    with imitation() as (address, portal):
        draft = sending.send(name, tmp_path / name, small, address, TOKEN)

    assert draft == f"{address}/dataset/invented"
    assert portal.told["package"]["private"] is True
    assert portal.calls == [
        ("POST", "/api/3/action/package_create"), *[("POST", "/api/3/action/resource_create")] * len(resources),
    ]  # fmt: skip
    assert portal.files == {
        one["name"]: hashlib.sha256((small / one["path"]).read_bytes()).hexdigest() for one in resources
    }


@pytest.mark.parametrize(
    ("portal", "fault", "token", "organisation", "error", "says"),
    [
        ("zenodo", "", "wrong", "", errors.BadStatus, "answered 401 to POST /api/deposit/depositions"),
        ("zenodo", "elsewhere", TOKEN, "", errors.NotExpectedContent, "the token goes to no other"),
        ("zenodo", "no json", TOKEN, "", errors.NotExpectedContent, "expected JSON"),
        ("ckan", "", TOKEN, "strangers", errors.BadStatus, r"answered 409 to POST .*\(owner_org\)"),
        ("ckan", "", TOKEN, "", errors.UsageError, "--organisation"),
        ("hdx", "", "", "watch", errors.UsageError, "DEPOSIT_TOKEN"),
        ("hdx", "", "two\nlines", "watch", errors.UsageError, "DEPOSIT_TOKEN"),
    ],
    ids=["token", "elsewhere", "no-json", "owner", "no-owner", "no-token", "token-of-two-lines"],
)
def test_a_portal_that_refuses_is_a_sentence_without_the_token(  # noqa: PLR0917  what is refused, and how
    small, tmp_path, portal, fault, token, organisation, error, says,
):  # fmt: skip
    """What was asked, what came, what to do; nothing that the portal's page or the token says is repeated."""
    deposits.bundle(small, portal, tmp_path / "b", organisation)
    with imitation(fault) as (address, _), pytest.raises(error, match=says) as refused:
        sending.send(portal, tmp_path / "b", small, address, token)

    assert not any(secret in str(refused.value) for secret in (TOKEN, "wrong", "two", "busy"))


@pytest.mark.parametrize(
    "address",
    ["http://portal.example", "ftp://portal.example", "portal.example", "https://me:pw@portal.example", "https://", ""],
)
def test_a_token_goes_to_https_alone(tmp_path, address):
    """Anything else is refused before a byte is sent."""
    with pytest.raises(errors.UsageError, match="no address to send a token to"):
        sending.send("zenodo", tmp_path, tmp_path, address, TOKEN)


def test_a_portal_that_is_not_there_is_unreachable(small, tmp_path):
    """The port was let go a moment ago."""
    deposits.bundle(small, "ckan", tmp_path / "b", "watch")
    with imitation() as (address, _):
        pass

    with pytest.raises(errors.Unreachable, match=r"deposit: 127\.0\.0\.1: ConnectError"):
        sending.send("ckan", tmp_path / "b", small, address, TOKEN)


# The command


def command(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", "deposit", *words, "--home", str(home)], cwd=HOME,
        env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_the_command_sends_nothing_unless_it_is_told_where_to(small):
    """Even with a token at hand; with an address it tells where the draft is, and never the token."""
    home = small.parent.parent.parent
    with imitation() as (address, portal):
        quiet = command(home, "zenodo", DEPOSIT_TOKEN=TOKEN)
        calls = list(portal.calls)
        sent = command(home, "zenodo", "--upload", address, "--json", DEPOSIT_TOKEN=TOKEN)

    assert (quiet.returncode, calls) == (0, []), quiet.stderr
    assert "Nothing was sent." in quiet.stderr
    assert (sent.returncode, json.loads(sent.stdout)["draft"]) == (0, f"{address}/deposit/77"), sent.stderr
    assert TOKEN not in quiet.stdout + quiet.stderr + sent.stdout + sent.stderr


def test_the_command_refuses_an_unknown_portal_and_a_release_that_was_changed(small, tmp_path):
    """2 for the first, 11 for a file that is not the one that was released."""
    (tmp_path / "MANIFEST.json").write_text("{}", "utf-8")
    home = small.parent.parent.parent
    unknown, changed = command(home, "attic"), command(home, "ckan", str(tmp_path))

    assert (unknown.returncode, changed.returncode) == (2, 11)
    assert "Choose: zenodo, ckan, hdx" in unknown.stderr
    assert changed.stderr.startswith("E_VALIDATION deposit: E_MANIFEST MANIFEST.json")
