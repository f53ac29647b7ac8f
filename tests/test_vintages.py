"""Versions of claims: what the ledger held on any day, every change with its cause, and the passport of one claim."""

from __future__ import annotations

import csv
import json
import random
import shutil
import sqlite3
import textwrap
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import served
import yaml
from invented import SCHEMAS
from test_build import command, spoken

from pipeline import assemble, errors, explain, ledger, protect, vintages
from pipeline.publish import database as publishing
from pipeline.records import Ledger, Table
from pipeline.validate import tables as compiled

HOME = Path(__file__).resolve().parent.parent
FIRST, DAYS = date(2026, 2, 20), 30  # so that 30 February would lie inside
SECRET, ALSO_SECRET, WORDS = "90210", "80808", "ninety thousand"
Event = tuple[int, str, str | None]  # day, claim, its value from then on; None: withdrawn
PLANNED: list[Event] = [
    (0, "kept", "10"),
    (0, "revised", "20"), (7, "revised", "21"), (19, "revised", "22"),
    (2, "withdrawn", "30"), (11, "withdrawn", None),
    (3, "returned", "40"), (9, "returned", None), (15, "returned", "41"),
    (5, "twice-a-day", "50"), (5, "twice-a-day", "51"), (12, "twice-a-day", "52"), (12, "twice-a-day", None),
    (29, "last", "60"),
]  # fmt: skip


def chance(seed: int) -> list[Event]:
    """Invented claims whose values come, change, go and come back."""
    dice = random.Random(seed)
    events: list[Event] = []
    for at in range(25):
        days = sorted(dice.choices(range(DAYS), k=dice.randint(1, 6)))
        events += [(day, f"chance-{at}", dice.choice([None, *"23456789"])) for day in days]
    kept: list[Event] = []
    last: dict[str, str | None] = {}
    for day, claim, value in events:
        if (claim in last or value is not None) and last.get(claim, "") != value:
            kept.append((day, claim, value))
            last[claim] = value
    return kept


EVENTS = PLANNED + chance(6)


def held(day: int, events: Sequence[Event]) -> dict[str, str]:
    """The oracle: replay what happened, in order, up to the end of that day."""
    standing: dict[str, str] = {}
    for when, claim, value in events:
        if when <= day and value is not None:
            standing[claim] = value
        elif when <= day:
            del standing[claim]
    return standing


def iso(day: int) -> str:
    return (FIRST + timedelta(days=day)).isoformat()


def row(claim: str, version: int, day: int, value: str, **cells: str) -> dict[str, str]:
    """One invented row of claims.csv."""
    filled = dict.fromkeys(ledger.CLAIM_COLUMNS, "") | dict.fromkeys(ledger.BREAKDOWNS, "_T")
    return filled | {
        "claim_id": claim, "version": str(version), "indicator": "complaints_documented_coalition", "area": "TJ",
        "period_start": "2020-01-01", "period_end": "2020-12-31", "period_type": "year", "period_assumed": "false",
        "value": value, "unit": "appeal", "qualifier": "exact", "printed": value, "originator": "coalition",
        "publisher": "coalition", "language": "en", "document_id": "paper", "locator": "para 1",
        "method": "transcribed", "evidence": "not_yet_checked", "said_on": "2021", "recorded_on": iso(day),
        "status": "current",
    } | cells  # fmt: skip


def rows_of(events: Sequence[Event]) -> Iterator[dict[str, str]]:
    """The rows a maintainer would append for these events."""
    count: dict[str, int] = {}
    before: dict[str, str] = {}
    for day, claim, value in events:
        count[claim] = count.get(claim, 0) + 1
        status = "current" if value else "withdrawn"
        before[claim] = value or before[claim]
        yield row(claim, count[claim], day, before[claim], status=status)


SUPPRESSED = [
    row("hidden", 1, 1, SECRET, note=WORDS, sex="female", locator=WORDS),
    row("hidden", 2, 4, ALSO_SECRET, note=WORDS),
    row("hidden", 3, 8, "", missing_reason="suppressed", printed="not_recorded"),
    row("gone", 1, 1, SECRET, period_words=WORDS),
    row("gone", 2, 6, SECRET, status="withdrawn"),
    row("gone", 3, 7, ALSO_SECRET, status="withdrawn"),
]


def why(one: dict[str, str]) -> dict[str, object]:
    """The entry of corrections.yml for one row."""
    hides = (one["claim_id"], one["version"]) in {("hidden", "3"), ("gone", "2")}
    cause = "suppression" if hides else "source_removed" if one["status"] == "withdrawn" else "source_revised"
    reason = "it pointed at people" if hides else f"the page said {WORDS}" if one in SUPPRESSED else "the page changed"
    return {"claim": one["claim_id"], "version": int(one["version"]), "cause": cause, "reason": reason}


def written(home: Path, rows: Sequence[dict[str, str]], corrections: object) -> Path:
    """A checkout whose ledger holds these rows and declarations."""
    source = home / "sources" / "invented"
    source.mkdir(parents=True, exist_ok=True)
    if not (home / "schemas").exists():
        (home / "schemas").symlink_to(HOME / "schemas")
    with (source / "claims.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ledger.CLAIM_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    documents = f"{','.join(ledger.DOCUMENT_COLUMNS)}\npaper,A paper,coalition,https://example.org/,2021-02,en,\n"
    (source / "documents.csv").write_text(documents, encoding="utf-8")
    (source / "corrections.yml").write_text(yaml.safe_dump(corrections), encoding="utf-8")
    return home


def tables_of(book: Ledger) -> list[Table]:
    tables, misfits = assemble.tables(book, SCHEMAS)
    tables += vintages.tables(book, SCHEMAS, ledger.BREAKDOWNS)
    assert (book.findings, misfits, compiled.findings(tables)) == ((), [], [])
    return tables


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with the invented ledger, and its release."""
    folder = tmp_path_factory.mktemp("history")
    rows = [*rows_of(EVENTS), *SUPPRESSED]
    written(folder, rows, [why(one) for one in rows if one["version"] != "1"])
    release = folder / "build" / "current"
    release.mkdir(parents=True)
    public = protect.public_tables(tables_of(ledger.read(folder)), HOME / "schemas" / "disclosure.yml")
    publishing.write(public, release / "statistics.db")
    shutil.copy(HOME / "metadata.yml", folder)
    return folder


@pytest.fixture(scope="module")
def book(home: Path) -> Ledger:
    return ledger.read(home)


@pytest.fixture(scope="module")
def site(home: Path) -> Iterator[httpx.Client]:
    with served.client(home) as client:
        yield client


@pytest.mark.parametrize("day", range(DAYS))
def test_each_day_of_the_ledger_is_answered_as_it_was(book: Ledger, day: int) -> None:
    """Of every claim the version that stood at the end of that day, and none that was withdrawn or yet to come."""
    hidden = {"hidden", "gone"}
    answered = {one["claim_id"]: one["value"] for one in ledger.state(book, iso(day)) if one["claim_id"] not in hidden}

    assert answered == held(day, EVENTS)


@pytest.mark.parametrize("day", range(DAYS))
def test_each_day_of_the_release_is_answered_as_it_was(site: httpx.Client, day: int) -> None:
    """The query as_of says the same, with labels; what is withheld today is there without its number."""
    got = site.get("/statistics/as_of.json", params={"_shape": "array", "date": iso(day)})
    answered = {one["claim_id"]: one["value"] for one in got.json()}
    numbers = {claim: int(value) for claim, value in held(day, EVENTS).items()}
    withheld = {"hidden": None} if day >= 1 else {}
    if 1 <= day < 6:
        withheld["gone"] = None

    assert answered == numbers | withheld
    assert {one["indicator_title"] for one in got.json()} == {
        "Appeals on torture and ill-treatment documented by the Coalition"
    }


def test_a_withdrawn_claim_leaves_today_and_stays_in_the_past(book: Ledger) -> None:
    """It is in no topic table, and its history says until when it stood, and why it went."""
    by_name = {table.name: table.rows for table in tables_of(book)}
    history = by_name["vintages"].filter(claim_id="withdrawn").select("version", "status", "superseded_on").rows()
    change = by_name["revisions"].filter(claim_id="withdrawn").select("field", "old", "new", "cause").rows()

    assert "withdrawn" not in by_name["complaints"]["claim_id"]
    assert "returned" in by_name["complaints"]["claim_id"]
    assert history == [("1", "superseded", iso(11)), ("2", "withdrawn", None)]
    assert change == [("status", "current", "withdrawn", "source_removed")]


def test_each_change_is_a_row_with_its_cause(book: Ledger) -> None:
    """Old, new, day, cause and reason of every column that changed."""
    revisions = next(table.rows for table in tables_of(book) if table.name == "revisions")
    columns = ["version", "field", "old", "new", "recorded_on", "cause", "reason"]

    assert revisions.filter(claim_id="revised", field="value").select(columns).rows() == [
        ("2", "value", "20", "21", iso(7), "source_revised", "the page changed"),
        ("3", "value", "21", "22", iso(19), "source_revised", "the page changed"),
    ]


def test_what_is_suppressed_today_is_nowhere(home: Path, site: httpx.Client) -> None:
    """No number and no word of a suppressed claim is in the database, in any version, change or reason."""
    with sqlite3.connect(home / "build" / "current" / "statistics.db") as connection:
        found = "\n".join(connection.iterdump())
    shown = site.get("/statistics/vintages.json", params={"_shape": "array", "claim_id": "hidden"}).json()

    assert [secret for secret in (SECRET, ALSO_SECRET, WORDS) if secret in found] == []
    assert [(one["version"], one["value"], one["sex"], one["missing_reason"]) for one in shown] == [
        (1, None, None, "suppressed"), (2, None, None, "suppressed"), (3, None, None, "suppressed"),
    ]  # fmt: skip


def test_a_single_case_is_stopped_in_an_older_version_too(tmp_path: Path) -> None:
    """A first version of exactly one, corrected since, would leave with the history."""
    rows = [row("a", 1, 0, "1"), row("a", 2, 1, "7")]
    book = ledger.read(written(tmp_path, rows, [why(rows[1])]))

    with pytest.raises(errors.NotPublishable, match="vintages a 1: a figure of exactly one"):
        protect.public_tables(tables_of(book), HOME / "schemas" / "disclosure.yml")


@pytest.mark.parametrize(
    "day", [iso(DAYS), iso(-1), "2999-01-01", "2026-02-30", "20260310", "yesterday", "", "٢٠٢٦-03-05"]
)
def test_a_day_without_an_answer_is_refused(book: Ledger, site: httpx.Client, day: str) -> None:
    """A day to come, before the first, or no day at all never gets today's figures, from either."""
    with pytest.raises(errors.UsageError, match=f"a day from {iso(0)} to {iso(DAYS - 1)}"):
        ledger.state(book, day)
    got = site.get("/statistics/as_of.json", params={"date": day})

    assert (got.status_code, "as_of:" in got.text) == (400, True)


def test_a_day_written_in_another_way_is_refused() -> None:
    """20251231 sorts between the days of two years, and is still no day written like them."""
    rows = (row("a", 1, 0, "5", recorded_on="2025-06-01"), row("b", 1, 0, "5", recorded_on="2026-06-01"))

    with pytest.raises(errors.UsageError, match="a day from 2025-06-01 to 2026-06-01"):
        ledger.state(Ledger(rows, (), (), {}, {}, {}, ()), "20251231")


def test_an_empty_ledger_knows_no_day() -> None:
    """Nothing is made up before the first claim."""
    with pytest.raises(errors.UsageError, match="a ledger with claims"):
        ledger.state(Ledger((), (), (), {}, {}, {}, ()), "2026-03-01")


def test_a_claim_has_one_address_for_ever(site: httpx.Client) -> None:
    """It leads to the passport; as data to the row that stands or the history of one withdrawn; or it is a sentence."""
    stands, withdrawn = site.get("/claim/returned"), site.get("/claim/withdrawn.json")
    unknown = site.get("/claim/nobody-said-this")

    assert (stands.status_code, stands.headers["location"]) == (302, "/figure/returned")
    assert site.get("/claim/returned.json").headers["location"] == "/statistics/complaints/returned.json"
    assert (withdrawn.status_code, withdrawn.headers["location"]) == (
        302,
        "/statistics/vintages.json?claim_id=withdrawn",
    )
    assert [site.get(one.headers["location"]).status_code for one in (stands, withdrawn)] == [200, 200]
    assert "was withdrawn" in site.get("/figure/withdrawn").text
    assert (unknown.status_code, "No claim bears this id" in unknown.text) == (404, True)


Change = Callable[[list[dict[str, str]], list[Any]], object]
FAULTS: dict[str, Change] = {
    "version-gap": lambda rows, told: (rows[1].update(version="3"), told[0].update(version=3)),
    "recorded-backwards": lambda rows, _: rows[1].update(recorded_on=iso(-1)),
    "version-identical": lambda rows, _: rows[1].update(value="5", printed="5"),
    "version-status": lambda rows, _: rows[0].update(status="superseded"),
    "suppressed-printed": lambda rows, _: rows[1].update(value="", missing_reason="suppressed"),
    "undeclared-change": lambda _, told: told.clear(),
    "undeclared-change (first version)": lambda rows, _: rows[0].update(status="withdrawn"),
    "stale-correction": lambda _, told: told[0].update(expect={"value": 6}),
    "corrections (cause)": lambda _, told: told[0].update(cause="whim"),
    "corrections (reason)": lambda _, told: told[0].update(reason=" "),
    "corrections (key)": lambda _, told: told[0].update(colour="blue"),
    "corrections (version)": lambda _, told: told[0].update(version="two"),
    "corrections (expect)": lambda _, told: told[0].update(expect=[1]),
    "corrections (no such row)": lambda _, told: told.append({**told[0], "version": 9}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_a_version_has_its_own_name_and_cure(tmp_path: Path, fault: str) -> None:
    """What is wrong with versions or their declarations is grave, and names its cure."""
    rows: list[dict[str, str]] = [row("a", 1, 0, "5"), row("a", 2, 1, "7")]
    told: list[Any] = [why(rows[1]) | {"expect": {"value": 5}}]
    assert ledger.read(written(tmp_path, rows, told)).findings == ()

    FAULTS[fault](rows, told)
    findings = ledger.read(written(tmp_path, rows, told)).findings

    assert fault.partition(" ")[0] in {one.check for one in findings}
    assert all(one.severity == "grave" and one.cure for one in findings)


@pytest.mark.parametrize("text", ["claim: a", "[unclosed"])
def test_declarations_that_are_no_list_are_refused(tmp_path: Path, text: str) -> None:
    """A file that is not a YAML list gives one finding at its place."""
    home = written(tmp_path, [row("a", 1, 0, "5")], [])
    (home / "sources" / "invented" / "corrections.yml").write_text(text, encoding="utf-8")

    found = [(one.check, one.place) for one in ledger.read(home).findings]

    assert found == [("corrections", "sources/invented/corrections.yml")]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed figures, to append to."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("schemas", "sources"):
        shutil.copytree(HOME / name, folder / name)
    return folder


def test_a_new_version_without_a_cause_is_exit_11_with_its_place(checkout: Path) -> None:
    """A maintainer who appends a version and says nothing is told where, and what to write."""
    path = checkout / "sources" / "coalition" / "claims.csv"
    text = path.read_text(encoding="utf-8")
    with path.open(encoding="utf-8", newline="") as file:
        first = next(csv.DictReader(file))
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, ledger.CLAIM_COLUMNS, lineterminator="\n").writerow(first | {"version": "2", "value": "5"})
    done = spoken(checkout, "check", "--json")
    path.write_text(text, encoding="utf-8")
    findings = json.loads(done.stdout)["findings"]

    assert done.returncode == 11
    assert [(one["check"], one["place"]) for one in findings] == [
        ("undeclared-change", f"sources/coalition/claims.csv:{text.count(chr(10)) + 1}")
    ]
    assert "add {claim, version, cause, reason} to corrections.yml" in done.stderr.replace("\n", " ").lower()


PASSPORT = """\
coalition-2022conf-2021 · version 1 · current

figure         exactly 24 (appeal)
indicator      Appeals on torture and ill-treatment documented by the Coalition
"""


def test_the_passport_of_a_real_claim(checkout: Path) -> None:
    """Number, words, place, clocks, rivals, bounds and three citations, in lines of at most 100 columns."""
    done = spoken(checkout, "explain", "coalition-2022conf-2021")
    flat = " ".join(done.stdout.split())

    assert (done.returncode, done.stdout[: len(PASSPORT)]) == (0, PASSPORT)
    assert [line for line in done.stdout.splitlines() if len(line) > 100 and "https://" not in line] == []
    for said in (
        'window 2021 (calendar year); in the words of the source: "2021"',
        "said by Civil Society Coalition against Torture and Impunity on a page of Civil Society Coalition",
        "place para 2 printed 24",
        "about 2021-01-01 to 2021-12-31 said on 2022-10-25 recorded on 2026-11-24",
        "revisions none",
        "· more than 40 (appeal); 1 January 2021 – 25 October 2022; Civil Society Coalition",
        "[coalition-2022conf-two-years]",
        "2021: from 24 to 24",
        "Claim coalition-2022conf-2021, version 1, recorded 24 November 2026, in: The open record",
        "2021 год: ровно 24 (обращение). В: Head of the",
        "соли 2021: дақиқан 24 (муроҷиат). Дар: Head of the",
    ):
        assert said in flat


def test_the_passport_of_a_total_tells_what_its_parts_leave(checkout: Path) -> None:
    """The division stands with its sum, the total and the remainder."""
    done = spoken(checkout, "explain", "nm-tj-ombudsman-total")

    assert "by form parts make 3444 of 3450, which leaves 6; Parts do not fit the total" in " ".join(
        done.stdout.split()
    )


def test_the_passport_is_one_json_document(checkout: Path) -> None:
    """A program gets the same passport whole."""
    told = json.loads(command(checkout, "explain", "coalition-2022conf-2021", "--json").stdout)

    assert (told["claim"]["value"], told["window"], told["revisions"]) == ("24", "2021", [])
    assert "coalition-2022conf-two-years" in {one["claim_id"] for one in told["rivals"]}
    assert set(told["citation"]) == {"en", "ru", "tg"}


def test_an_unknown_claim_is_exit_2_with_the_nearest_ids(checkout: Path) -> None:
    """A slip of the finger is answered with what may have been meant."""
    done = spoken(checkout, "explain", "coalition-2022conf-2012")

    assert (done.returncode, done.stdout) == (2, "")
    assert "coalition-2022conf-2021" in done.stderr


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (
            "withdrawn",
            ["· withdrawn", "status from current to withdrawn. the page changed", "WITHDRAWN. Civil Society"],
        ),
        ("hidden", ["— (withheld to protect people)", "value from nothing to nothing. it pointed at people"]),
        ("revised", [f"version 2, {iso(7)}, source_revised: value from 20 to 21", "figure exactly 22 (appeal)"]),
    ],
)
def test_the_passport_tells_changes_and_keeps_what_is_withheld(
    book: Ledger, claim: str, expected: Sequence[str]
) -> None:
    """A withdrawn claim is cited as withdrawn; a suppressed one shows no number of any version."""
    told = explain.passport({table.name: table for table in tables_of(book)}, claim)
    text = textwrap.dedent(" ".join(" ".join(explain.lines(told)).split()))

    assert [said for said in expected if said not in text] == []
    assert [secret for secret in (SECRET, ALSO_SECRET, WORDS) if secret in text] == []
