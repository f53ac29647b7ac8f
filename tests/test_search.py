"""The search page: questions a reader would type, in three languages, and the answers that must come first."""

from __future__ import annotations

import csv
import html
import re
import sqlite3
from pathlib import Path

import httpx
import pytest
from served import HOME

from pipeline.serve import asking
from pipeline.serve.plugins import pages

FIRST = 5
HIT = re.compile(r"<li>.*?</li>", re.DOTALL)
KEY = re.compile(r"/(?:figure|series)/([a-z0-9_-]+)\"")


def hits(site: httpx.Client, prefix: str, question: str) -> list[str]:
    """What the page of answers shows, one text for each hit, nearest first."""
    got = site.get(f"{prefix}/search", params={"q": question})
    assert got.status_code == 200
    return HIT.findall(got.text.partition('<ol class="hits">')[2])


def test_a_question_too_long_for_the_clock_is_answered_with_the_first_rows(home: Path) -> None:
    """What is asked instead tells the same of each row."""
    with sqlite3.connect(home / "build" / "current" / "statistics.db") as base:
        near = base.execute(pages.SEARCH, {"asked": '"torture"'})
        first = base.execute(pages.SEARCH.replace(pages.NEAR, pages.FIRST_ROWS), {"asked": '"torture"'})

        assert [one[0] for one in first.description] == [one[0] for one in near.description]
        assert len(set(first.fetchall()) & set(near.fetchall())) > 20


@pytest.mark.parametrize("language", ["en", "ru", "tg"])
@pytest.mark.parametrize("part", ["shown", "held", "asked"])
def test_a_question_finds_its_answer_in_the_first_five(
    site: httpx.Client, home: Path, language: str, part: str
) -> None:
    """At least 95 of 100 of each list: `held` was written before any was tried, `asked` as reporters type."""
    with sqlite3.connect(home / "build" / "current" / "statistics.db") as base:
        indicators = dict(base.execute("SELECT claim_id, indicator FROM claims"))
    pairs = [
        pair
        for pair in csv.DictReader((HOME / "tests" / "search" / f"{language}.csv").open(encoding="utf-8"))
        if pair["part"] == part
    ]
    missed = []
    for pair in pairs:
        first = hits(site, "" if language == "en" else f"/{language}", pair["question"])[:FIRST]
        keys = {indicators.get(key, key) for hit in first for key in KEY.findall(hit)}
        told = " ".join(html.unescape(hit) for hit in first).casefold()
        if pair["answer"] not in keys and not (pair["words"] and pair["words"] in told):
            missed.append(pair["question"])

    assert len(pairs) >= 10
    assert (len(missed) <= len(pairs) * 0.05, missed) == (True, missed)


@pytest.mark.parametrize(("one", "other"), [("сугд", "суғд"), ("жалоба", "жалобы"), ("шиканча", "шиканҷаҳо")])
def test_a_word_is_found_however_it_is_typed(site: httpx.Client, one: str, other: str) -> None:
    """A word form or a letter of another keyboard gives the same answers."""
    found = [sorted(KEY.findall(" ".join(hits(site, "/ru", word)))) for word in (one, other)]

    assert found[0]
    assert found[0] == found[1]


@pytest.mark.parametrize("question", ["", '"', "*", "NEAR(", "a" * 5000, "' OR 1=1 --", "<b>", "AND OR NOT", "и в на"])
def test_any_text_is_a_question(site: httpx.Client, question: str) -> None:
    """No text breaks the search or comes back as markup."""
    got = site.get("/search", params={"q": question})

    assert (got.status_code, "<b>" in got.text) == (200, False)


def test_words_that_say_nothing_do_not_narrow_the_answer() -> None:
    """A question in a sentence asks for its nouns, and its year apart."""
    asked = asking.question("Сколько жалоб получил омбудсмен в 2019 году?")

    assert (len(asked.terms), asked.years) == (3, ("2019",))
