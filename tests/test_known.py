"""Figures of a known series are taken from new pages without a person, anything else waits and says why."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from invented import HOME
from web import sites
from web.loopback import HURRY, LOOPBACK, Page, Web

from pipeline import accepting, build, files, ledger, proposing, visiting

SOURCE = """\
title: {en: Invented group, ru: Группа, tg: Гурӯҳ}
publisher: coalition
languages: [ru]
licence: {name: invented, republish: figures}
discover: [{pages: "http://group.example/page"}]
cadence: irregular
sensitivity: names
gap_s: 1
scope: [пытк]
sentences:
  - "{period} Коалиция приняла {complaints_documented_coalition} обращений о пытках"
  - "{period} Коалиция добилась {compensation_awards_torture} компенсаций"
  - "… {period}, Принято обращений о пытках: {complaints_documented_coalition}"
"""
SAID = "{} Коалиция приняла {} обращений о пытках."
NEXT = datetime(2026, 11, 25, 6, tzinfo=UTC)


def put(web: Web, *said: str) -> None:
    """The page of the group."""
    web.sites["group.example"] = {"/page": Page(sites.page("Итоги", "</p><p>".join(said)))}


def visited(home: Path, web: Web) -> accepting.Accepted:
    """What one more visit brings into the ledger."""
    world = visiting.World(
        "a@example.org", ["group"], permitted=LOOPBACK, resolve=web.resolve, polite=HURRY, now=lambda: NEXT
    )
    met = visiting.visits(home, world)
    return build.take_known(build.Workspace(home), met, world)


def review(home: Path) -> dict[str, str]:
    """Printed number → why it waits."""
    with (home / "build" / "review.csv").open(encoding="utf-8", newline="") as file:
        return {row["printed"]: row["reason"] for row in csv.DictReader(file)}


def added(home: Path) -> list[dict[str, str]]:
    """The claims of the group, as the ledger holds them now."""
    return [row for row in ledger.read(home).held() if row["document_id"].startswith("group-")]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A checkout of the real ledger, in which the Coalition's appeals are 24 to 52 a year, with one more source."""
    for name in ("sources", "schemas"):
        shutil.copytree(HOME / name, tmp_path / name)
    (tmp_path / "sources" / "group").mkdir()
    (tmp_path / "sources" / "group" / "source.yml").write_text(SOURCE, encoding="utf-8")
    return tmp_path


def test_known_sentences_are_taken_without_a_person_and_a_changed_one_waits_for_one(home: Path, web: Web) -> None:
    """A sentence and a declared table are taken with the bytes they were read from; then one number changes."""
    table = "<table><tr><th>Год<th>Принято обращений о пытках<tr><td>2024<td>31<tr><td>2025<td>27</table>"
    put(web, SAID.format("В 2023 году", 24), table)
    first = visited(home, web)
    claims = {row["period_start"][:4]: row for row in added(home)}

    assert (len(first.claims), first.waiting) == (3, 0)
    assert {year: row["value"] for year, row in claims.items()} == {"2023": "24", "2024": "31", "2025": "27"}
    assert [claims[year]["method"] for year in sorted(claims)] == ["prose", "table", "table"]
    assert {(row["evidence"], len(row["capture_sha256"]), row["originator"]) for row in claims.values()} == {
        ("in_capture", 64, "coalition")
    }
    assert visited(home, web) == accepting.Accepted((), 0, 0, ())
    put(web, SAID.format("В 2023 году", 26), table)
    changed = visited(home, web)
    assert (changed.claims, review(home), claims["2023"] in added(home)) == ((), {"26": "waits:source_revised"}, True)


WAITING = {
    "another sentence": ("В 2023 году Коалиция задокументировала 24 обращения о пытках.",
                         "waits:not_a_sentence_of_the_source"),
    "another series": ("В 2023 году Коалиция добилась 24 компенсаций.", "waits:first_of_its_series"),
    "a qualifier": (SAID.format("В 2023 году", "более 24"), "waits:qualified_or_in_words"),
    "far above": (SAID.format("В 2023 году", "240"), "waits:out_of_bounds"),
    "far below": (SAID.format("В 2023 году", "2"), "waits:out_of_bounds"),
    "one case": (SAID.format("В 2023 году", "1"), "waits:single_case"),
    "a month": (SAID.format("В марте 2023 года", "24"), "waits:other_unit_or_kind_of_period"),
    "a year not over": (SAID.format("В 2026 году", "24"), "waits:period_not_over"),
    "a year known otherwise": (SAID.format("В 2021 году", "25"), "waits:said_otherwise_before"),
    "an undated last year": (SAID.format("В прошлом году", "24"), "template_period_not_understood"),
    "a name": (SAID.format("В 2023 году", "24").replace(".", " и Мирафзала Тирозода."), "waits:names_a_person"),
}  # fmt: skip


@pytest.mark.parametrize("name", WAITING)
def test_whatever_is_not_wholly_known_waits_and_says_why(home: Path, web: Web, name: str) -> None:
    """Nothing is written into the ledger; build/review.csv names the reason."""
    sentence, why = WAITING[name]
    put(web, sentence)
    done = visited(home, web)

    assert (done.claims, added(home), list(review(home).values())) == ((), [], [why])


def test_a_withheld_figure_is_never_taken_again(home: Path, web: Web) -> None:
    """What was taken out to protect somebody stays out, though a page prints it still."""
    path = home / "sources" / "coalition" / "claims.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    hidden = {"value": "", "printed": "not_recorded", "missing_reason": "suppressed", "locator": "withheld"}
    rows = [row | hidden if row["document_id"] == "coalition-2018report" else row for row in rows]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ledger.CLAIM_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    put(web, SAID.format("В 2018 году", 44))
    done = visited(home, web)

    assert (done.claims, review(home)) == ((), {"44": "waits:withheld_before"})


def test_what_breaks_an_expectation_waits(home: Path, web: Web) -> None:
    """The whole corridor is tried in a copy; where it does not hold, the rows wait."""
    path = home / "schemas" / "complaints.json"
    schema = json.loads(path.read_text("utf-8"))
    next(one for one in schema["fields"] if one["name"] == "period_start")["constraints"]["maximum"] = "2022-12-31"
    path.write_text(json.dumps(schema), encoding="utf-8")
    put(web, SAID.format("В 2023 году", 24))
    done = visited(home, web)

    assert (done.claims, review(home)) == ((), {"24": "waits:expectations"})


def test_marks_of_a_person_are_kept(home: Path, web: Web) -> None:
    """A half reviewed file gets the new rows after its own."""
    mine = dict.fromkeys(proposing.REVIEW_COLUMNS, "") | {"accept": "no", "printed": "7", "sentence_id": "x"}
    files.save(home / "build" / "review.csv", files.table(proposing.REVIEW_COLUMNS, [mine]))
    put(web, SAID.format("В 2023 году", "240"))
    visited(home, web)

    assert review(home) == {"7": "", "240": "waits:out_of_bounds"}
