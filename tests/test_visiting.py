"""Rounds of visits over the loopback web: a scripted year, figures checked against their pages, any kind of worker."""

from __future__ import annotations

import csv
import importlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from invented import HOME
from rich.console import Console
from web import sites
from web.loopback import HURRY, LOOPBACK, OnePort, Page, Web

from pipeline import archive, build, errors, ledger, visiting
from pipeline.report import visits

TESTS = Path(__file__).parent
COALITION, OMBUDSMAN = "coalition.example", "ombudsman.example"


class Days:
    """A clock of days that travels to other processes."""

    def __init__(self, day: str) -> None:
        self.moment = datetime.fromisoformat(day).replace(hour=6, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A checkout with the real code lists, the invented sources, and no figure yet."""
    shutil.copytree(HOME / "schemas", tmp_path / "home" / "schemas")
    bodies = tmp_path / "home" / "schemas" / "codes" / "bodies.csv"
    columns = len(bodies.read_text("utf-8").splitlines()[0].split(","))
    with bodies.open("a", encoding="utf-8") as file:
        file.writelines(f"{name}{',' * (columns - 1)}\n" for name in {*sites.RULES} - {"coalition"})
    sites.describe(tmp_path / "home")
    return tmp_path / "home"


def world(web: Web, **options) -> visiting.World:
    return visiting.World(
        "nobody@example.org", permitted=LOOPBACK, **{"resolve": web.resolve, "polite": HURRY, **options}
    )


def redesigned(site: dict) -> None:
    for path in [path for path in site if re.search(r"/news(\?|$)", path)]:
        site[path] = Page(sites.page("Лента", "24 случая пыток", "/lenta/1 Пытки", "/lenta/2 Пытки"))


def walled(site: dict) -> None:
    for path in [path for path in site if path != "/robots.txt"]:
        site[path] = Page("<html><body>Проверка браузера. Подтвердите, что вы не робот.</body></html>".encode())


def unreachable(site: dict) -> None:
    for path in list(site):
        site[path] = Page(b"", status=502)


def edited(site: dict) -> None:
    body = site["/news/pytki-0-0"].body.replace("24 новых".encode(), "19 новых".encode())
    site["/news/pytki-0-0"] = Page(body, etag=True)


def removed(site: dict) -> None:
    site["/news/pytki-0-0"] = Page(b"<html>no</html>", status=404)


def zero(site: dict) -> None:
    item = "<item><title>шиканҷа</title><link>http://ombudsman.example/2026/</link></item></channel>"
    feed = site["/feed/"].body.replace(b"</channel>", item.encode())
    site["/feed/"] = Page(feed, "application/rss+xml")
    site["/2026/"] = Page(sites.page("Гузориш", "Соли 2026 0 муроҷиат оид ба шиканҷа."))


def shown(met: visiting.Round) -> list[str]:
    """What a terminal of 100 columns shows."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(visits, "PEOPLE", Console(file=io.StringIO(), width=100, highlight=False))
        visits.visited(met)
        return visits.PEOPLE.file.getvalue().splitlines()


def test_a_scripted_year_is_told_apart_week_by_week(home: Path, web: Web) -> None:
    """Redesign, bot wall, outage, silent editor, deleted page, overdue report, real zero: each one alarm, each healed.

    One sighting is no alarm, two are; the id stays; what heals is closed with its proof, the other sources stay well.
    """
    clock = Days("2025-07-01")
    whole = dict(web.sites[COALITION])

    def week() -> visiting.Round:
        met = visiting.visits(home, world(web, now=clock))
        clock.moment += timedelta(days=7)
        return met

    def alarms(met: visiting.Round) -> list[tuple[str, str]]:
        return [(one["source"], one["state"]) for one in met.alarms]

    assert [(week().alarms, week().alarms)] == [([], [])]
    for trouble in (redesigned, walled, unreachable, edited, removed):
        trouble(web.sites[COALITION])
        met = [week() for _ in range(3)]
        web.sites[COALITION].clear()
        web.sites[COALITION].update(whole)
        healed = week()
        lines = shown(met[2])

        assert [alarms(one) for one in met] == [[], *[[("coalition", trouble.__name__)]] * 2]
        assert len({alarm["id"] for one in met for alarm in one.alarms}) == 1
        assert (healed.alarms, healed.states["coalition"]["problems"]) == ([], 0)
        assert max(map(len, lines)) <= 100
        assert "What to do, the worst first (1):" in lines
        assert len(lines) <= 40
    closed = visiting.health.load(home / "build" / "health.json")["coalition"]["problems"]
    clock.moment = datetime(2026, 5, 11, 6, tzinfo=UTC)
    web.sites[COALITION]["/news/pytki-0-0"] = Page(sites.page("2025", "31 новый случай пыток в 2025 году."))
    late = [week() for _ in range(3)]
    zero(web.sites[OMBUDSMAN])
    arrived = week()
    again = week()

    assert [problem["closed_by"][64:68] for problem in closed] == [" at "] * 5
    assert [alarms(one) for one in late] == [[], [], [("ombudsman", "silent")]]
    assert (arrived.alarms, arrived.states["ombudsman"]["state"]) == ([], "ok")
    assert (again.alarms, again.states["ombudsman"]["state"]) == ([], "unchanged")
    assert {told["problems"] for told in again.states.values()} == {0}


def test_a_changed_figure_stands_once_a_keeper_has_settled_it(home: Path, web: Web) -> None:
    """The alarm is closed by its id; the page as it is now is what the next visits compare with."""
    clock = Days("2026-03-03")

    def week() -> visiting.Round:
        clock.moment += timedelta(days=7)
        return visiting.visits(home, world(web, now=clock, only=["coalition"]))

    week()
    edited(web.sites[COALITION])
    alarm = (week(), week())[1].alarms[0]
    before, now = (visiting.shown(home, line[-12:]) for line in alarm["cure"].splitlines() if " show " in line)
    visiting.settle(home, alarm["id"], clock().date())
    after = week()

    assert ("24 новых" in before.decode(), "19 новых" in now.decode()) == (True, True)
    assert alarm["id"] in alarm["cure"]
    assert (after.alarms, after.states["coalition"]["problems"]) == ([], 0)
    with pytest.raises(errors.UsageError, match="no open problem"):
        visiting.settle(home, alarm["id"], clock().date())


def test_a_second_round_on_an_unchanged_web_parses_nothing_and_changes_nothing(home: Path, web: Web) -> None:
    """Every answered page is a 304 or a revisit of bytes that are held; the table says so."""
    first = visiting.visits(home, world(web, now=Days("2026-03-03")))
    second = visiting.visits(home, world(web, now=Days("2026-03-10")))
    with archive.Archive(home / "archive") as store:
        kinds = {(one.kind, one.status) for one in store.captures() if one.at > "2026-03-05"}

    assert set(first.asked) == set(sites.RULES)
    assert first.parsed > 30
    with pytest.raises(errors.UsageError, match="begin so"):
        visiting.shown(home, "")
    with pytest.raises(errors.NotArchived):
        visiting.shown(home, "0" * 64)
    assert (second.parsed, second.captures) == (0, first.captures)
    assert kinds <= {("revisit", 200), ("revisit", 404), ("response", 301)}
    assert {told["state"] for told in second.states.values()} == {"unchanged"}
    with pytest.raises(errors.UsageError, match="Those that have one"):
        visiting.visits(home, world(web, only=["nowhere"]))


def test_a_wrong_source_file_takes_no_other_source_with_it(home: Path, web: Web) -> None:
    """It is named with file, key and cure, and the others are visited."""
    (home / "sources" / "radio" / "source.yml").write_text("title: x", "utf-8")
    met = visiting.visits(home, world(web))

    assert set(met.asked) == set(sites.RULES) - {"radio"}
    assert [sentence.partition(":")[0] for sentence in met.refused] == ["sources/radio/source.yml"]


def test_without_a_network_or_a_contact_nobody_is_asked_and_nothing_is_written(home: Path, web: Web) -> None:
    """One sentence says so, in seconds; a contact in CITATION.cff will do."""
    before = sorted(home.rglob("*"))
    started = time.monotonic()
    alone = visiting.visits(home, visiting.World("nobody@example.org", resolve=lambda *_: []))
    took_s = time.monotonic() - started
    nameless = visiting.visits(home, replace(world(web), contact=""))

    assert sorted(home.rglob("*")) == before
    assert (alone.why, alone.asked, nameless.why) == (visiting.NO_NETWORK, (), visiting.NO_CONTACT)
    assert took_s < 5
    assert visiting.contact(home) == ""
    (home / "CITATION.cff").write_text("contact: [{name: K, email: keeper@example.org}]", "utf-8")
    assert visiting.contact(home) == "keeper@example.org"


CLAIM = {
    "version": "1", "area": "TJ", "period_start": "2021-01-01", "period_end": "2021-12-31", "period_type": "year",
    "indicator": "complaints_documented_coalition", "unit": "appeal", "qualifier": "exact", "originator": "coalition",
    "publisher": "coalition", "language": "ru", "method": "transcribed", "evidence": "not_yet_checked",
    "recorded_on": "2026-03-01", "status": "current",
}  # fmt: skip


def cite(home: Path, documents: dict[str, str], claims: dict[str, tuple[str, str]]) -> None:
    """Writes a ledger: documents by address, claims by document and printed number."""
    folder = home / "sources" / "coalition"
    with (folder / "documents.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, ledger.DOCUMENT_COLUMNS, restval="")
        rows.writeheader()
        rows.writerows({"document_id": name, "url": url, "language": "ru"} for name, url in documents.items())
    with (folder / "claims.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, ledger.CLAIM_COLUMNS, restval="")
        rows.writeheader()
        rows.writerows(
            CLAIM | {"claim_id": name, "document_id": document, "printed": printed, "value": printed.replace(" ", "")}
            for name, (document, printed) in claims.items()
        )


def evidence(home: Path) -> dict[str, tuple[str, str]]:
    """What the published tables will say of each claim, and by way of whom the page came."""
    book = ledger.read(home)
    via: dict[str, str] = {row["claim_id"]: row["via"] for row in book.evidence}
    return {row["claim_id"]: (row["evidence"], via.get(row["claim_id"], "")) for row in book.held()}


def test_figures_are_checked_against_their_page_and_only_what_is_learned_is_written(home: Path, web: Web) -> None:
    """Found, not found, gone: each beside its claim, once; no row of the ledger is edited; the table of captures."""
    web.sites["paper.example"] = {
        "/a": Page(sites.page("2021", "Коалиция получила 24 обращения о пытках.")),
        "/gone": Page(b"", status=410),
        "/sick": Page(b"", status=500),
    }
    documents = {name: f"http://paper.example/{name}" for name in ("a", "gone", "sick")}
    cite(
        home,
        documents,
        {"yes": ("a", "24"), "no": ("a", "25"), "lost": ("gone", "5"), "later": ("sick", "5"), "none": ("a", "")},
    )
    claims = (home / "sources" / "coalition" / "claims.csv").read_bytes()
    met = [visiting.visits(home, world(web)) for _ in range(2)]
    told = evidence(home)
    _, tables, findings = build.reconciled(build.Workspace(home))
    captures = next(table for table in tables if table.name == "captures").rows.to_dicts()

    assert told == {
        "yes": ("in_capture", ""), "no": ("not_found", ""), "lost": ("page_gone", ""), "later": ("not_yet_checked", ""),
        "none": ("not_yet_checked", ""),
    }  # fmt: skip
    assert (met[0].changed, dict(met[0].evidence)) == (
        ["sources/coalition/evidence.csv"], {"in_capture": 1, "not_found": 1, "page_gone": 1},
    )  # fmt: skip
    assert (met[1].changed, dict(met[1].evidence)) == ([], {})
    assert (home / "sources" / "coalition" / "claims.csv").read_bytes() == claims
    assert [(row["document_id"], row["url"], row["via"]) for row in captures] == [("a", documents["a"], None)]
    assert {one.row for one in findings if one.check == "evidence"} == {"no", "lost"}


def test_cited_pages_are_fetched_a_few_a_run_until_all_are_held(
    home: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is held is not asked for again, and a run that was cut short loses nothing."""
    monkeypatch.setattr(visiting, "CITED_A_RUN", 2)
    web.sites["paper.example"] = {f"/{n}": Page(sites.page("x", f"{n} обращений")) for n in range(5)}
    cite(home, {f"d{n}": f"http://paper.example/{n}" for n in range(5)}, {})
    asked = []
    for _ in range(4):
        start = len(web.asked)
        visiting.visits(home, world(web))
        asked.append(
            [one.path for one in web.asked[start:] if one.host == "paper.example" and "robots" not in one.path]
        )

    assert asked == [["/0", "/1"], ["/2", "/3"], ["/4"], []]


def test_a_list_of_addresses_is_taken_into_the_archive(home: Path, web: Web) -> None:
    """Each is asked for politely; a second time nothing new comes; what is wrong is counted by its code."""
    listed = home / "list.txt"
    addresses = [
        "http://coalition.example/news",
        "# a remark",
        "http://coalition.example/admin/x",
        "http://no.example/",
    ]
    listed.write_text("\n".join(addresses), "utf-8")
    first, second = (visiting.imported(home, listed, world(web)) for _ in range(2))

    assert (first.captures, first.held, dict(first.left_out)) == (1, 0, {"E_ROBOTS": 1, "E_UNREACHABLE": 1})
    assert (second.captures, second.held) == (0, 1)


HOSTS = [f"h{number}.{name}" for number, name in enumerate(("a.example", "b.test", "c.invalid", "d.example"))]


@pytest.fixture
def four(tmp_path: Path, web: Web) -> list[Path]:
    """Two checkouts that visit the same four sites of forty pages."""
    for host in HOSTS:
        web.sites[host] = {f"/{n}": Page(f"<html>{host} {n}</html>".encode() * 50, packed=True) for n in range(40)}
    homes = [tmp_path / "one", tmp_path / "two"]
    for home in homes:
        (home / "schemas" / "codes").mkdir(parents=True)
        shutil.copy(HOME / "schemas" / "codes" / "indicators.csv", home / "schemas" / "codes")
        for host in HOSTS:
            rule = (
                f'discover: [{{numbered: "http://{host}/{{n}}", first: 0, last: 39}}]\ncadence: fixed\nmost_pages: 40\n'
            )
            sites.RULES[host.partition(".")[0]] = "\n" + rule
        sites.describe(home, tuple(host.partition(".")[0] for host in HOSTS))
    for host in HOSTS:
        del sites.RULES[host.partition(".")[0]]
    return homes


def captures(home: Path) -> set[tuple]:
    with archive.Archive(home / "archive") as store:
        return {(one.url, one.status, one.sha256) for one in store.captures()}


@pytest.mark.parametrize("workers", ["threads", "processes"])
def test_any_executor_makes_the_same_captures_and_the_same_health(four: list[Path], web: Web, workers: str) -> None:
    """What is archived does not depend on who asked; a second run of other workers asks with the first one's ETags."""
    clock = Days("2026-03-03")
    base = world(web, resolve=OnePort(web.port), now=clock)
    here = visiting.visits(four[0], base)
    there = visiting.visits(four[1], replace(base, workers=workers))
    again = visiting.visits(four[1], replace(base, workers=workers))

    assert len(captures(four[0])) == 4 * 41
    assert captures(four[1]) == captures(four[0])
    assert (here.parsed, there.parsed, again.parsed) == (160, 160, 0)
    assert there.states == here.states


def test_a_worker_that_does_not_share_the_folder_sends_its_file(
    four: list[Path], web: Web, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another machine writes its WARC in a folder of its own; here it is whole, and its bodies can be read."""
    monkeypatch.setattr(
        visiting, "work", lambda shard, work=visiting.work: work(replace(shard, folder=tmp_path / "no"))
    )
    for _ in range(2):
        met = visiting.visits(four[0], world(web))
    with archive.Archive(four[0] / "archive") as store:
        bodies = [store.body(one.sha256) for one in store.captures() if one.status == 200]

    assert (len(met.asked), len(bodies)) == (4, 320)
    assert not (tmp_path / "no").exists()


def test_a_pool_that_breaks_is_an_outage_and_the_next_run_goes_on(four: list[Path], web: Web) -> None:
    """No crash: each site whose worker died is unreachable today, with the reason; next time all is well."""
    page, lock = web.sites[HOSTS[0]]["/3"], threading.Lock()

    def deadly(conn) -> None:
        with lock:
            for pid in subprocess.run(
                ["pgrep", "-P", str(os.getpid()), "-f", "spawn_main"], capture_output=True, text=True, check=False
            ).stdout.split():
                os.kill(int(pid), signal.SIGKILL)
        conn.close()

    web.sites[HOSTS[0]]["/3"] = deadly
    hurt = visiting.visits(four[0], world(web, resolve=OnePort(web.port), workers="processes"))
    web.sites[HOSTS[0]]["/3"] = page
    well = visiting.visits(four[0], world(web))

    assert "unreachable" in {told["state"] for told in hurt.states.values()}
    assert {told["problems"] for told in well.states.values()} == {0}
    assert len({url for url, status, _ in captures(four[0]) if status == 200}) == 160


KILLED = """
from pathlib import Path
from pipeline import visiting
from web.loopback import HURRY, LOOPBACK, OnePort
world = visiting.World("x@example.org", permitted=LOOPBACK, resolve=OnePort({port}), polite=HURRY, workers={workers!r})
if __name__ == "__main__":
    visiting.visits(Path({home!r}), world)
"""


@pytest.mark.parametrize("workers", ["threads", "processes"])
def test_a_round_killed_half_way_is_taken_up_where_it_stopped(four: list[Path], web: Web, workers: str) -> None:
    """SIGKILL of the whole run: what its workers had archived is indexed, and hardly a page is asked for twice."""
    script = four[0] / "run.py"
    script.write_text(KILLED.format(port=web.port, workers=workers, home=str(four[0])), "utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}
    run = subprocess.Popen(
        [sys.executable, str(script)], env=environment, start_new_session=True, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 60
    while len(web.asked) < 60 and time.monotonic() < until:
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    first = len(web.asked)
    met = visiting.visits(four[0], world(web))

    assert 60 <= first < 4 * 41
    assert len({url for url, status, _ in captures(four[0]) if status == 200}) == 160
    assert len(web.asked) <= 4 * 41 + 2 * 4
    assert {told["problems"] for told in met.states.values()} == {0}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen]]]:
    """A real scheduler and two worker processes on this machine; gives the address and the workers."""
    distributed = importlib.import_module("distributed")  # in the lock: a missing one fails
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}
    told = tmp_path / "scheduler.json"
    common = ["--no-dashboard", "--scheduler-file", str(told), "--host", "127.0.0.1"]
    commands = [
        ["distributed.cli.dask_scheduler", "--port", "0", *common],
        *[["distributed.cli.dask_worker", "--no-nanny", "--nthreads", "2", *common]] * 2,
    ]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", *command], env=environment, cwd=tmp_path,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for command in commands
    ]  # fmt: skip
    until = time.monotonic() + 30
    while not told.exists() and time.monotonic() < until:
        time.sleep(0.05)
    with distributed.Client(scheduler_file=str(told), set_as_default=False) as client:
        client.wait_for_workers(2, timeout=30)
        yield client.scheduler.address.replace("tcp://", "dask://"), started[1:]
    for process in started:
        process.kill()
        process.wait()


def test_a_cluster_makes_the_same_captures_though_one_worker_is_killed(four: list[Path], web: Web, cluster) -> None:
    """A scheduler, two workers, one killed half-way: its site is done by the other, and nothing is missing."""
    address, workers = cluster
    base = world(web, resolve=OnePort(web.port), now=Days("2026-03-03"))
    here = visiting.visits(four[0], base)
    page = web.sites[HOSTS[1]]["/20"]

    def deadly(conn) -> None:
        web.sites[HOSTS[1]]["/20"] = page
        workers[0].send_signal(signal.SIGKILL)
        workers[0].wait()
        conn.close()

    web.sites[HOSTS[1]]["/20"] = deadly
    there = visiting.visits(four[1], replace(base, workers=address))

    assert workers[0].poll() is not None
    assert there.states == here.states
    assert captures(four[1]) >= captures(four[0])
    assert {one for one in captures(four[1]) if one[1]} == captures(four[0])


@pytest.mark.parametrize("workers", ["fibres", "dask://127.0.0.1:1"])
def test_workers_that_do_not_exist_are_refused_with_what_to_do(four: list[Path], web: Web, workers: str) -> None:
    """An unknown kind is a wrong command; a scheduler that does not answer is an outage."""
    with pytest.raises((errors.UsageError, errors.Unreachable), match=r"expected threads|no scheduler"):
        visiting.visits(four[0], world(web, workers=workers))
