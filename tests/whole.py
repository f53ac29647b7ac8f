"""Every call by which a whole publish, rollback, withdrawal or redaction changes the disk, failed or killed in turn.

Run with tests/faults.c preloaded: python whole.py LIBRARY FOLDER STEP, where every STEP-th call is tried. Polars must
not be used before a fork, so this process only forks, copies and looks; each child does one thing. Prints one JSON
document.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import invented_package as invented
from faults import broken, left_over, torn

from pipeline import errors, project, publish, redaction
from pipeline.publish import release as releasing
from pipeline.publish import verify

HERE = Path(__file__).resolve().parent.parent
OLD, NEW = invented.CLAIMS, invented.CLAIMS.replace("|24|", "|25|")
FAULTS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "SIGKILL": 0}
CLAIM, DAY = "asia-plus-2007amnesty-released", "2026-11-25"
FOLDER = Path("sources", "asia-plus")


def go(home: Path, text: str) -> None:
    """All that publish does with a disk, from the staging folder to the pruned releases."""
    with publish.lock(home / "build"):
        staged = publish.stage(invented.public(text), home, created=invented.CREATED)
        project.project(staged, home)
        publish.changes(home / "build" / "current", staged)
        publish.go_live(staged, home)


def back(home: Path) -> None:
    with publish.lock(home / "build"):
        if ",25," in (home / "build" / "current" / "data" / "complaints.csv").read_text("utf-8"):
            publish.rollback(home)
        else:  # the rerun of one that went back already
            go_on(home)


def go_on(home: Path) -> None:
    """A rerun after the release is live: completes the tracked files."""
    releasing._sweep(home)
    releasing._make_current(home, (home / "build" / "current").resolve().name)


def withdraw(home: Path) -> None:
    with publish.lock(home / "build"):
        publish.withdraw_others(home, "identifies_person")


def redact(home: Path) -> None:
    redaction.redact(home, CLAIM, "identifies_person", DAY)


def child(act: Callable[[], None], library: Any, at: int, fault: int) -> str:
    """What became of `act` in a process of its own: ok, killed, the code of a refusal, or a trace; and calls seen."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        said = "ok"
        try:
            library.fault_arm(at, fault)
            act()
        except errors.PipelineError as error:
            said = error.code
        except BaseException as error:  # noqa: BLE001  anything else would be a stack trace for a person
            said = f"trace {type(error).__name__}: {error}"
        said += f" {library.fault_disarm()}"
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as told:
        said = told.read().decode()
    status = os.waitpid(pid, 0)[1]
    return said or ("killed" if status == signal.SIGKILL else f"trace status {status}")


def wrong(home: Path, said: str, name: str, template: Path) -> list[str]:
    """What does not hold after a fault."""
    found = [said] if said.startswith("trace") else []
    if name == "redact":
        for path in (home / FOLDER).glob("[!.]*"):
            old, new = template / FOLDER / path.name, template / "after" / path.name
            if path.read_bytes() not in (old.read_bytes() if old.exists() else b"", new.read_bytes()):
                found.append(f"{path.name} is torn")
        return found
    found += broken(home)
    old, new = (template / "packages" / text for text in ("old", "new"))
    found += torn(home, old, new) if name != "back" else torn(home, new, old)
    live, before = (one / "build" / "current" for one in (home, template))
    if not (live / "datapackage.json").is_file():
        found.append("no release is live")
    moved = live.readlink() != before.readlink() if live.is_symlink() else False
    if (
        name in ("go", "back")
        and said.split(maxsplit=1)[0] not in ("killed", "ok")
        and moved != said.startswith("E_DURABILITY")
    ):
        found.append(f"moved: {moved}, but it said {said}")
    if name == "withdraw" and moved:
        found.append("another release is live")
    return found


def finished(home: Path, name: str, template: Path) -> list[str]:
    """What is not as it must be once the command was run again."""
    if name == "redact":
        here = {path.name: path.read_bytes() for path in (home / FOLDER).glob("[!.]*")}
        there = {path.name: path.read_bytes() for path in (template / "after").iterdir()}
        return [] if here == there else ["the rerun did not complete the redaction"]
    build, live = home / "build", (home / "build" / "current").resolve()
    wanted = {"go": ",25,", "back": ",24,", "withdraw": ",25,"}[name]
    found = broken(home) + left_over(home) + torn(home, live, live)
    found += [
        fault.sentence
        for fault in verify.check(live, build / "proofs" / f"{live.name}.json", None, build / verify.LOG)[0]
    ]
    if wanted not in (home / "data" / "complaints.csv").read_text("utf-8"):
        found.append("the rerun did not bring the wanted release")
    if name == "withdraw" and len(list((build / "releases").iterdir())) > 1:
        found.append("a withdrawn release is still here")
    return found


def made(folder: Path) -> dict[str, Path]:
    """A home to start from, for each command."""
    one, two, ledger = folder / "one", folder / "two", folder / "ledger"
    shutil.copytree(HERE / "schemas", one / "schemas")
    shutil.copytree(HERE / FOLDER, ledger / FOLDER)
    library = ctypes.CDLL(sys.argv[1])

    def first() -> None:
        go(one, OLD)
        shutil.copytree((one / "build" / "current").resolve(), one / "packages" / "old")
        shutil.copytree(one, two, symlinks=True)
        go(two, NEW)
        for home in (one, two):
            shutil.copytree((two / "build" / "current").resolve(), home / "packages" / "new")

    def emptied() -> None:
        shutil.copytree(ledger / FOLDER, ledger / "kept")
        redact(ledger)
        shutil.copytree(ledger / FOLDER, ledger / "after")
        shutil.rmtree(ledger / FOLDER)
        (ledger / "kept").rename(ledger / FOLDER)

    for act in (first, emptied):
        said = child(act, library, 0, 0)
        if not said.startswith("ok"):
            sys.exit(said)
    return {"go": one, "back": two, "withdraw": two, "redact": ledger}


def main(folder: Path, step: int) -> None:
    """Try every step-th call of each command with each fault."""
    library = ctypes.CDLL(sys.argv[1])
    homes = made(folder)
    tried, faulty = dict.fromkeys(homes, 0), []
    for name, act in {"go": lambda home: go(home, NEW), "back": back, "withdraw": withdraw, "redact": redact}.items():
        releasing.KEPT_RELEASES = 1 if name == "go" else 10  # publish prunes too; others need what it would prune
        for kind, fault in FAULTS.items():
            for at in range(1, 10_000, step):
                home = folder / "home"
                shutil.copytree(homes[name], home, symlinks=True, ignore=shutil.ignore_patterns("packages", "after"))
                said = child(lambda home=home, act=act: act(home), library, at, fault)
                last = said != "killed" and int(said.split()[-1]) < at
                if not last:
                    tried[name] += 1
                    found = wrong(home, said, name, homes[name])
                    again = child(lambda home=home, act=act: act(home), library, 0, 0)
                    found += [] if again.startswith("ok") else [f"the rerun said {again}"]
                    found += finished(home, name, homes[name])
                    if found:
                        faulty.append([name, kind, at, said, found])
                shutil.rmtree(home)
                if last:
                    break
    sys.stdout.write(json.dumps({"tried": tried, "faulty": faulty}))


if __name__ == "__main__":
    main(Path(sys.argv[2]), int(sys.argv[3]))
