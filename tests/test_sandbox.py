"""Foreign bytes are parsed where they can do no harm: each harmful file ends in its code, and the parent lives on."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import hostile
import pytest

from pipeline import errors, extract
from pipeline.extract import kinds, sandbox
from pipeline.extract import office as office_room
from pipeline.extract.refusals import REFUSALS, RefusedError

HOME = Path(__file__).resolve().parent.parent
# A container may forbid new networks to everybody; elsewhere these tests hold the door.
NAMESPACES = pytest.mark.skipif(
    subprocess.run(["unshare", "--user", "--net", "true"], capture_output=True, check=False).returncode != 0,
    reason="this system lets nobody leave the network",
)


def refusal(body: bytes, name: str = "") -> errors.PipelineError:
    with pytest.raises(errors.PipelineError) as caught:
        extract.read(body, name)
    return caught.value


@pytest.mark.parametrize("name", hostile.CASES)
def test_a_harmful_file_ends_in_its_own_code(name: str) -> None:
    """Within twenty seconds, with the code that the list of threats gives it, as exit 10; the next file is read."""
    code, make = hostile.CASES[name]
    body = make()
    start = time.monotonic()
    error = refusal(body)

    assert (code, 10) == (error.code, error.exit_code)
    assert time.monotonic() - start < 20
    assert extract.read("5 жалоб".encode()).text == "5 жалоб"


def test_the_parent_stays_small_and_alive() -> None:
    """A process that meets the worst files grows by nothing like their size."""
    probe = (
        "import sys, json; sys.path.insert(0, 'tests'); from pathlib import Path\n"
        "from pipeline import errors, extract\n"
        "codes = []\n"
        "for path in sys.argv[1:]:\n"
        "    try: extract.read_file(Path(path))\n"
        "    except errors.PipelineError as error: codes.append(error.code)\n"
        "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "print(json.dumps([codes, int(peak.split()[1]) // 1024]))"
    )
    names = (
        "22 a PDF that unpacks to a gigabyte",
        "27 a workbook with one far cell",
        "32 a page 500,000 elements deep",
    )
    given = [os.memfd_create("given") for _ in names]
    for fd, name in zip(given, names, strict=True):
        os.write(fd, hostile.CASES[name][1]())
    paths = [f"/proc/self/fd/{fd}" for fd in given]
    shown = subprocess.run(
        [sys.executable, "-c", probe, *paths], cwd=HOME, pass_fds=given, capture_output=True, check=True
    )
    for fd in given:
        os.close(fd)
    codes, megabytes = json.loads(shown.stdout)

    assert [hostile.CASES[name][0] for name in names] == codes
    assert megabytes < 250


def inside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str) -> dict[str, object]:
    """What a sandbox says whose reader of texts runs this code instead, with `body` and `draft` at hand."""
    copy = tmp_path / "pipeline"
    copy.symlink_to(HOME / "pipeline")
    worker = tmp_path / "worker.py"
    source = (HOME / "pipeline/extract/worker.py").read_text(encoding="utf-8")
    assert "parents[2]" in source
    attack = (
        "import pipeline.extract.readers as readers\ndef attack(order, body_fd):\n"
        f"    import os, socket, time, ctypes\n    {code}\nreaders.answer = attack\n"
    )
    hooked = source.replace(
        "    serve(socket.socket(", f"    exec({attack!r}, {{}})\n    serve(socket.socket("
    ).replace("str(Path(__file__).resolve().parents[2])", repr(str(HOME)))
    worker.write_text(hooked, encoding="utf-8")
    monkeypatch.setattr(sandbox, "_WORKER", str(worker))
    box = sandbox.Sandbox()
    try:
        return box.answer("text", b"x")
    finally:
        box.close()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("return {'ok': 1}", {"ok": 1}),
        pytest.param(
            "socket.create_connection(('127.0.0.1', PORT), timeout=2); return {'ok': 1}",
            "E_PARSER_CRASH",
            marks=NAMESPACES,
        ),
        ("open('FILE', 'w').write('x' * 10_000); return {'ok': 1}", "E_PARSER_CRASH"),
        ("return {'x': 'y' * 1_500_000_000}", "E_PARSER_MEMORY"),
        ("return {'x': 'y' * 9_000_000}", "E_TABLE_SIZE"),
        ("os.kill(os.getpid(), 11)", "E_PARSER_CRASH"),
        ("ctypes.string_at(0)", "E_PARSER_CRASH"),
        ("os._exit(0)", "E_PARSER_CRASH"),
        pytest.param("while True: pass", "E_PARSER_TIME", marks=pytest.mark.exam),
        ("1 / 0", "E_PARSER_CRASH"),
    ],
)
def test_what_a_parser_does_wrong_becomes_a_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, expected: object
) -> None:
    """Network, files, memory, work and a false answer: each is stopped, and named."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        code = code.replace("PORT", str(listening.getsockname()[1])).replace("FILE", str(tmp_path / "written"))
        said = inside(monkeypatch, tmp_path, code)

    assert expected == (said if isinstance(expected, dict) else said.get("refused"))


@NAMESPACES
def test_a_child_has_no_network_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the system allows it, even this machine's own address is out of reach."""
    code = "return {'seen': open('/proc/net/dev').read().count(':')}"
    said = inside(monkeypatch, tmp_path, code)

    assert said == {"seen": 1}  # lo alone


def test_a_lost_launcher_is_started_again() -> None:
    """Somebody kills the launcher between two files: one file is refused at most, the next is read."""
    box = sandbox.Sandbox()
    assert box.answer("text", b"5")["text"] == "5"
    launcher = box._launcher
    assert launcher
    os.kill(launcher.pid, signal.SIGKILL)
    launcher.wait()

    assert box.answer("text", b"5")["refused"] == "E_PARSER_CRASH"
    assert box.answer("text", b"5")["text"] == "5"
    box.close()


def test_an_answer_of_another_shape_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child has read foreign bytes: what it says is checked before it becomes a noun."""
    good = {"kind": "text", "text": "5", "blocks": [["line 1", 0, 1, -1]], "tables": [], "notices": []}
    wrong = [
        {**good, "blocks": [["line 1", 0, 9, -1]]},
        {**good, "text": 5},
        {**good, "kind": "exe"},
        {**good, "tables": [{"rows": [[5]], "at": "", "page": None, "engine": "", "header": 0}]},
        {**good, "notices": [["a"]]},
        {"kind": "text"},
    ]

    class Forged:
        def answer(self, *_: object) -> dict[str, object]:
            return wrong.pop()

    monkeypatch.setattr(sandbox, "held", Forged)
    codes = {refusal(b"5").code for _ in list(wrong)}

    assert {"E_PARSER_CRASH"} == codes


def test_a_refusal_has_five_parts_and_quotes_nothing() -> None:
    """Where, what was seen, what was expected, what to do; never a word of the file."""
    error = refusal("Иванова \x01 5".encode(), "a.txt")

    assert (
        str(error) == "a.txt: a control character U+0001 at place 8; expected no control characters."
        " Look at the bytes: the file is damaged or forged."
    )


def test_each_code_of_refusal_is_told_with_its_cure() -> None:
    """What is expected and what to do stand in one table, each a phrase."""
    assert [code for code, (expected, cure) in REFUSALS.items() if not expected or not cure or cure.endswith(".")] == []


def test_an_old_word_file_needs_libreoffice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the file is refused in plain words, as a kind that is not read."""
    monkeypatch.setattr(office_room.shutil, "which", lambda _: None)

    assert ((error := refusal(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))).code, error.exit_code) == (
        "E_UNSUPPORTED",
        2,
    )


def test_an_old_word_file_goes_through_libreoffice_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever soffice makes of it is read as DOCX, and a notice says so; here a stand-in copies a made file."""
    from office import cell, docx, rows  # noqa: PLC0415 - the maker of files, not the room

    made = tmp_path / "made.docx"
    made.write_bytes(docx(rows(cell("Год") + cell("5"))))
    program = tmp_path / "soffice"
    program.write_text(f'#!/bin/sh\nwhile [ "$1" != --outdir ]; do shift; done\ncp {made} "$2/given.docx"\n')
    program.chmod(0o755)
    monkeypatch.setattr(office_room.shutil, "which", lambda _: str(program))
    document = extract.read(b"{\\rtf1 x}")

    assert document.tables[0].rows == (("Год", "5"),)
    assert [one.check for one in document.findings] == ["W_KIND"]


@pytest.mark.parametrize("charset", ["cp1251", "koi8-r", "iso8859-5", "cp866", "mac-cyrillic"])
def test_undeclared_cyrillic_is_told_apart_or_refused(charset: str) -> None:
    """A prose text in an old charset is read right or refused, never read as something else."""
    body = (hostile.RUSSIAN * 3).encode(charset)
    try:
        text, _ = kinds.decoded(body)
    except RefusedError as refused:
        text = refused.code

    assert text in (hostile.RUSSIAN * 3, "E_CHARSET")
    assert charset not in ("cp1251", "koi8-r") or text == hostile.RUSSIAN * 3


def test_many_documents_use_several_children() -> None:
    """Answers come in the order of the files; a refused one is its error."""
    found = list(extract.read_many([b"1", b"\xef\xbb\xbf\x00", b"<p>3"], workers=2))

    assert [one.text if not isinstance(one, errors.PipelineError) else one.code for one in found] == [
        "1",
        "E_CONTROL_CHAR",
        "3\n",
    ]
