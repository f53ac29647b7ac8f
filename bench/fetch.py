"""Throughput of the scrape and archive rooms against a real nginx: `python bench/fetch.py [PAGES]`.

Prints one JSON document: pages a second for wget --warc-file and for us (one host, eight hosts), the CPU time of a
first and of a second run, and the memory after a thousand and after all pages.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

HOME = Path(__file__).parents[1]
sys.path[:0] = [str(HOME), str(HOME / "tests")]

from web.loopback import LOOPBACK  # noqa: E402
from web.nginx import Nginx  # noqa: E402

from pipeline import archive, guard, scrape  # noqa: E402

_HOSTS = 8


def fill(nginx: Nginx, pages: int) -> None:
    """Pages of 20 kB that pack like prose."""
    words = [
        "обращение",
        "жалоба",
        "пытки",
        "дело",
        "суд",
        "прокурор",
        "следствие",
        "адвокат",
        "случай",
        "задержание",
        "колония",
    ]
    for number in range(pages):
        chance = random.Random(number)
        text = " ".join(chance.choices(words, k=1300))
        (nginx.www / f"{number}.html").write_text(f"<html><body>{number} {text}</body></html>", "utf-8")


def fetch(
    folder: Path, nginx: Nginx, urls: list[list[str]], marks: dict[int, int] | None = None
) -> tuple[float, float]:
    """Seconds by the wall and by the CPU for visiting lists of addresses, one thread for each list."""
    wall, cpu, done = time.monotonic(), time.process_time(), 0
    with archive.Archive(folder) as store:
        client = scrape.Polite(
            archive.Recording(store, guard.Guard(permitted=LOOPBACK, resolve=nginx.resolve)), gap_s=0.0
        )

        def visit(several: list[str]) -> None:
            nonlocal done
            for url in several:
                client.handle_request(httpx.Request("GET", url))
                done += 1
                if marks is not None and done % 1000 == 0:
                    marks[done] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

        with ThreadPoolExecutor(len(urls)) as threads:
            list(threads.map(visit, urls))
    return time.monotonic() - wall, time.process_time() - cpu


def wget(folder: Path, nginx: Nginx, pages: int) -> float:
    """Seconds that wget takes for the same pages into a WARC."""
    folder.mkdir()
    listed = folder / "urls"
    listed.write_text("".join(f"http://127.0.0.1:{nginx.port}/{number}.html\n" for number in range(pages)))
    start = time.monotonic()
    command = [shutil.which("wget") or "wget", "-q", "--header=Accept-Encoding: gzip", f"--warc-file={folder / 'w'}"]
    subprocess.run([*command, "-O", str(folder / "out"), "-i", str(listed)], check=True)
    return time.monotonic() - start


def main(pages: int) -> dict[str, object]:
    """The measurements."""
    folder = Path(tempfile.mkdtemp(prefix="bench-fetch-"))
    try:
        with Nginx(folder / "nginx") as nginx:
            fill(nginx, pages)
            one = [[f"http://a.example/{number}.html" for number in range(pages)]]
            eight = [
                [f"http://h{host}.example/{number}.html" for number in range(host, pages, _HOSTS)]
                for host in range(_HOSTS)
            ]
            best: dict[str, float] = {}
            marks: dict[int, int] = {}
            cpu_first = cpu_second = 0.0
            for turn in range(3):
                theirs = wget(folder / f"wget{turn}", nginx, pages)
                ours, cpu_first = fetch(folder / f"one{turn}", nginx, one, marks if turn == 0 else None)
                _, cpu_second = fetch(folder / f"one{turn}", nginx, one)
                many, _ = fetch(folder / f"eight{turn}", nginx, eight)
                for name, took in (("wget", theirs), ("one_host", ours), ("eight_hosts", many)):
                    best[name] = max(best.get(name, 0.0), round(pages / took, 1))
            return {
                "pages": pages,
                "pages_per_s": best,
                "to_wget": round(best["one_host"] / best["wget"], 2),
                "eight_to_one": round(best["eight_hosts"] / best["one_host"], 2),
                "cpu_s": {"first": round(cpu_first, 2), "second": round(cpu_second, 2)},
                "rss_mb": {str(done): size for done, size in marks.items()},
            }
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000), indent=1))
