"""Reconciliation in the corridor: its tables, its commands, and what a reporter asks of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars
import pytest

from pipeline import build, ledger
from pipeline.reconcile import tables as reconciled
from pipeline.records import Table
from pipeline.validate import tables as compiled

HOME = Path(__file__).resolve().parent.parent
HEADER = "claim_id,group,area,period_start,period_end,value,qualifier,trust"
TALK = (
    "a,g,TJ,2021-01-01,2021-12-31,24,exact,1",
    "b,g,TJ,2022-01-01,2022-10-25,16,exact,1",
    "c,g,TJ,2021-01-01,2022-10-25,40,more_than,2",
)


@pytest.fixture(scope="module")
def made() -> dict[str, Table]:
    """The three tables, from the real ledger."""
    return {table.name: table for table in reconciled.tables(ledger.read(HOME), build.table_schemas(HOME))}


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """One call of the command line."""
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *words], cwd=HOME, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_headline_is_the_counting_bodys_own_statement_for_the_year(made: dict[str, Table]) -> None:
    """The coalition's series: a headline where it spoke of exactly the year, bounds elsewhere, contradiction marked."""
    rows = made["series"].rows.filter(polars.col("indicator") == "complaints_documented_coalition")
    told = {row["year"]: row for row in rows.iter_rows(named=True)}

    assert [told[year]["headline"] for year in ("2018", "2019", "2020", "2021")] == ["44", "52", "37", "24"]
    assert (told["2022"]["headline"], told["2022"]["low"], told["2022"]["high"]) == (None, "16", None)
    assert told["2021"]["agreement"] == "contradict"
    assert told["2013"]["agreement"] == "not_known"


def test_every_conflict_is_told_in_three_languages_and_listed_claim_by_claim(made: dict[str, Table]) -> None:
    """The link table holds exactly the claims that the text column names, and marks the one set aside."""
    conflicts, members = made["conflicts"].rows, made["conflict_claims"].rows
    named = {
        (row["conflict_id"], claim) for row in conflicts.iter_rows(named=True) for claim in row["claims"].split("; ")
    }
    aside = set(members.filter(polars.col("set_aside") == "true").select("conflict_id", "claim_id").iter_rows())

    assert set(members.select("conflict_id", "claim_id").iter_rows()) == named
    assert aside == set(conflicts.drop_nulls("set_aside").select("conflict_id", "set_aside").iter_rows())
    assert conflicts.select("explanation_en", "explanation_ru", "explanation_tg").null_count().row(0) == (0, 0, 0)


def test_what_a_total_leaves_to_no_part_is_shown(made: dict[str, Table]) -> None:
    """The Ombudsman's 3,450 against 2,194 and 1,250; two full sets without a whole; no sum of a few parts alone."""
    rows = list(made["partitions"].rows.iter_rows(named=True))
    judged = {row["total_claim"]: (row["parts_sum"], row["total"], row["remainder"], row["fit"]) for row in rows}
    without = {(row["indicator"], row["divided_by"]) for row in rows if row["fit"] == "no_total"}

    assert judged["nm-tj-ombudsman-total"] == ("3444", "3450", "6", "mismatch")
    assert judged["coalition-2018monitoring-visited"] == ("7", "7", "0", "whole")
    assert judged["asia-plus-2014prisons-population"] == ("10000", "10000", None, "soft")
    assert {("prison_population", "sex"), ("prison_population", "detention_status")} < without
    assert "complaints_by_body_ombudsman_all_topics" not in {row["indicator"] for row in rows}


def test_the_tables_do_not_depend_on_the_order_of_the_ledger(made: dict[str, Table]) -> None:
    """Same claims in another order, same rows."""
    book = ledger.read(HOME)
    shuffled = type(book)(
        tuple(reversed(book.claims)), book.milestones, book.documents, book.codes, book.sources, book.places, ()
    )
    again = {table.name: table for table in reconciled.tables(shuffled, build.table_schemas(HOME))}

    assert all(again[name].rows.equals(made[name].rows) for name in made)


def test_a_bound_that_is_no_number_is_refused_by_the_schema(made: dict[str, Table]) -> None:
    """The new tables pass the compiled checks only with their code lists, and a spoilt cell is found."""
    series = made["series"]
    spoilt = Table("series", series.schema, series.rows.with_columns(low=polars.lit("few")))
    checks = {finding.check for finding in compiled.findings([spoilt]) if finding.field == "low"}

    assert checks == {"type-error"}


def test_the_command_answers_the_contract(tmp_path: Path) -> None:
    """A file of claims: contradictions with words, claims set aside, bounds after that; only JSON on stdout."""
    (tmp_path / "claims.csv").write_text("\n".join((HEADER, *TALK, "")), encoding="utf-8")
    done = command("reconcile", str(tmp_path / "claims.csv"), "--json")
    answer = json.loads(done.stdout)

    assert done.returncode == 0
    assert [set(one["claims"]) for one in answer["conflicts"]] == [{"a", "b", "c"}]
    assert set(answer["conflicts"][0]["explanation"]) == {"en", "ru", "tg"}
    assert answer["set_aside"] == ["c"]
    assert {"group": "g", "area": "TJ", "start": "2022-01-01", "end": "2022-12-31", "low": 16, "high": None} in (
        answer["bounds"]
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("a,g,TJ,2021-12-31,2021-01-01,24,exact,1", 11),
        ("a,g,TJ,2021-01-01,2021-12-31,24,roughly,1", 11),
        ("a,g,TJ,2021-01-01,2021-12-31,-3,exact,1", 11),
        ("a,g,TJ,10000000-01-01,2021-12-31,24,exact,1", 11),
    ],
    ids=["ends before it starts", "unknown qualifier", "below zero", "ten million as a year"],
)
def test_bad_rows_are_refused_with_their_key_and_no_stack_trace(tmp_path: Path, line: str, code: int) -> None:
    """The message names the claim, not what the cell holds."""
    (tmp_path / "claims.csv").write_text(f"{HEADER}\n{line}\n", encoding="utf-8")
    done = command("reconcile", str(tmp_path / "claims.csv"), "--json")

    assert done.returncode == code
    assert "claim a" in done.stderr or " a" in json.loads(done.stdout)["message"]
    assert not any(cell in done.stderr for cell in ("roughly", "10000000", "Traceback"))


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    """Exit 2 and a sentence."""
    done = command("reconcile", str(tmp_path / "nothing.csv"))

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_the_conflicts_of_the_ledger_are_listed_for_people_and_machines() -> None:
    """`conflicts --json` gives the table's rows; people read kind, cause and arithmetic on stderr."""
    done = command("conflicts", "--json")
    rows = json.loads(done.stdout)["conflicts"]

    assert done.returncode == 0
    assert {row["kind"] for row in rows} == {"contradiction", "partition_mismatch", "divergence", "definition"}
    assert "make 40" in " ".join(done.stderr.split())


def test_without_a_file_the_ledger_itself_is_summed_up() -> None:
    """`reconcile --json` gives the rows of both tables; people read them by kind and by agreement."""
    done = command("reconcile", "--json")
    answer = json.loads(done.stdout)

    assert (done.returncode, set(answer)) == (0, {"conflicts", "series"})
    assert {"1 contradiction", "2 partition_mismatch"} <= set(
        done.stderr.split("disagreements: ")[1].split(".")[0].split(", ")
    )
