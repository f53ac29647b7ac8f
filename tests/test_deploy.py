"""What is shipped for a public server: the proxy as it stands in deploy/, a swap of releases, the baked site."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from served import HOME, free_port

from pipeline.serve import bake

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
QUERY = "/v1/who_says_what?year=2021"


def shipped(folder: Path, sockets: Path, files: Path, **changed: str) -> str:
    """The shipped configuration with this machine's places and without TLS; `changed` are further replacements."""
    text = (HOME / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    port, inner = free_port(), free_port()
    text = re.sub(r"server \{\s+listen 80;.*?\n\}\n", "", text, flags=re.DOTALL)
    text = re.sub(r"\s+(http2 on|ssl_certificate\w*\s.*);", "", text)
    for old, new in {
        "listen 443 ssl": f"listen 127.0.0.1:{port}",
        "127.0.0.1:8009": f"127.0.0.1:{inner}",
        "/run/record": str(sockets),
        "/etc/nginx/record-proxy.conf": str(HOME / "deploy" / "record-proxy.conf"),
        "/var/cache/nginx/record": str(folder / "cache"),
        "/var/log/nginx": str(folder),
        "/srv/record/build/current/": f"{files}/",
        **changed,
    }.items():
        assert old in text
        text = text.replace(old, new)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "" if os.getuid() else "user root;"  # these folders are nobody's but ours
    (folder / "nginx.conf").write_text(
        f"{user} pid {folder}/pid; error_log {folder}/error.log; daemon off; worker_processes 1;\n"
        f"events {{ worker_connections 512; }}\nhttp {{ {temporary}\n{text}\n}}\n"
    )
    return f"http://127.0.0.1:{port}"


def release(home: Path, folder: Path, value: int) -> Path:
    """A checkout whose release says `value` for one claim of 2021."""
    target = folder / f"says{value}"
    shutil.copytree((home / "build" / "current").resolve(), target / "build" / "releases" / f"r{value}")
    (target / "build" / "current").symlink_to(target / "build" / "releases" / f"r{value}")
    shutil.copy(home / "metadata.yml", target)
    with sqlite3.connect(target / "build" / "current" / "statistics.db") as base:
        for table in ("complaints", "vintages"):
            base.execute(f"UPDATE {table} SET value = ? WHERE claim_id = 'coalition-2022conf-2021'", (value,))
    return target


@pytest.fixture
def serving() -> Iterator[Callable[[Path, Path], subprocess.Popen[str]]]:
    """What starts a release behind a socket and comes back once it is the one that is asked; ends all at the end."""
    started = []

    def start(home: Path, sockets: Path) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "pipeline", "serve", "--home", str(home), "--sockets", str(sockets)]
        running = subprocess.Popen(words, cwd=HOME, stderr=subprocess.PIPE, text=True)
        started.append(running)
        assert running.stderr is not None
        assert "is served at" in running.stderr.readline()
        return running

    yield start
    for running in started:
        running.terminate()
        running.communicate(timeout=30)


@pytest.fixture
def proxy(home: Path, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The shipped nginx, with a ration and a cache that leave every request to the server, and its sockets."""
    if NGINX is None:
        pytest.skip("nginx is not installed")
    address = shipped(
        tmp_path, tmp_path / "sockets", home / "build" / "current",
        **{"rate=5r/s": "rate=10000r/s", "proxy_cache record;": "proxy_cache off;", "limit_conn record_open 4;": ""},
    )  # fmt: skip
    running = subprocess.Popen([NGINX, "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)])
    yield address, tmp_path / "sockets"
    running.terminate()
    running.wait(timeout=20)


@pytest.mark.exam
def test_a_new_release_takes_over_with_nobody_refused(
    home: Path, tmp_path: Path, proxy: tuple[str, Path], serving: Callable[[Path, Path], subprocess.Popen[str]]
) -> None:
    """Under load every answer is 200 and of one release; from the switch on it is the new one."""
    address, sockets = proxy
    old = serving(release(home, tmp_path, 24), sockets)
    answers: list[tuple[int, frozenset[object]]] = []
    stop = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
            while not stop.is_set():
                got = client.get(QUERY)
                told = got.json() if got.status_code == httpx.codes.OK else []
                same = {row["value"] for row in told if row["claim_id"] == "coalition-2022conf-2021"}
                answers.append((got.status_code, frozenset(same)))

    readers = [threading.Thread(target=ask) for _ in range(4)]
    for reader in readers:
        reader.start()
    serving(release(home, tmp_path, 25), sockets)
    before = len(answers)
    time.sleep(1)  # the old one answers what it had taken on
    old.terminate()
    old.wait(timeout=30)
    time.sleep(1)
    stop.set()
    for reader in readers:
        reader.join()
    last = httpx.get(f"{address}{QUERY}", trust_env=False).json()

    assert before > 20
    assert {status for status, _ in answers} == {200}
    assert {values for _, values in answers} == {frozenset({24}), frozenset({25})}
    assert [values for _, values in answers] == sorted((values for _, values in answers), key=max)
    assert {row["value"] for row in last if row["claim_id"] == "coalition-2022conf-2021"} == {25}


def test_the_shipped_configuration_is_one(home: Path, tmp_path: Path) -> None:
    """Nginx itself finds no fault in it."""
    if NGINX is None:
        pytest.skip("nginx is not installed")
    shipped(tmp_path, tmp_path / "sockets", home / "build" / "current")
    words = [NGINX, "-t", "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr


@pytest.mark.exam
def test_the_baked_site_holds_together(home: Path) -> None:
    """Every link of every baked page leads to a file that is there, and no page names the server that made it."""
    bake.bake(home, "https://record.example")
    folder = home / "build" / "bake"
    missing, named = set(), []
    pages = list(folder.rglob("index.html"))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        named += [page] * ("http://127.0.0.1" in text)
        for link in re.findall(r'(?:href|src)="([^"#]*)', text):
            if link and not link.startswith(("http:", "https:")):
                target = (page.parent / link).resolve()
                missing |= set() if target.is_file() else {f"{page.relative_to(folder)}: {link}"}

    assert len(pages) > 1000
    assert missing == set()
    assert named == []
