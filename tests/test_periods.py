"""The period reader, on phrases of the real pages' kind and on anything at all."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import blind
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import periods
from pipeline.errors import UnreadablePeriod

PHRASES = Path(__file__).parent / "phrases"
LANGUAGES = ("ru", "tg", "en")
SAID = "2022-10-25"
REFUSED = ("unreadable", "", "", "", "")


def rows(language: str, part: str) -> list[dict[str, str]]:
    """The rows of one phrase file."""
    with (PHRASES / f"periods-{language}-{part}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def outcome(text: str, said_on: date | str, language: str | None) -> tuple[str, ...]:
    """What the reader makes of a text, in the columns of the phrase files."""
    try:
        period = periods.read_period(text, said_on, language)
    except UnreadablePeriod:
        return REFUSED
    return ("read", period.start.isoformat(), period.end.isoformat(), period.type, str(period.assumed).lower())


def blocker(text: str, said_on: str = SAID) -> str:
    """The word that a refusal names."""
    with pytest.raises(UnreadablePeriod) as error:
        periods.read_period(text, said_on)
    return error.value.token


@pytest.mark.parametrize("part", ["seen", "heldout"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_phrase_is_silently_wrong_and_19_of_20_are_right(language: str, part: str) -> None:
    """Of the phrases of a language none is read as other dates, and at least 95 % are right."""
    score: Counter[str] = Counter()
    wrong = []
    for row in rows(language, part):
        expected = (row["outcome"], row["start"], row["end"], row["type"], row["assumed"])
        found = outcome(row["text"], row["said_on"], language)
        score["right" if found == expected else "refused" if found == REFUSED else "wrong"] += 1
        if found not in (expected, REFUSED):
            wrong.append((row["text"], expected, found))
    print(f"periods {language} {part}: {dict(score)}")  # noqa: T201 - the score is what this test reports

    assert wrong == []
    assert score["right"] / score.total() >= 0.95


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_phrases_of_a_blind_judge_are_read_or_refused_as_they_say(language: str) -> None:
    """Every phrase has one of its expected readings, or is one that is marked as refused today."""

    def reading(row: dict[str, str]) -> str:
        kind, start, end, *_ = outcome(row["text"], row["said_on"], language)
        return f"{start}..{end}" if kind == "read" else "X"

    assert list(blind.differing("blind-periods.csv", language, reading)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_found_by_the_reader_changes_nothing(language: str) -> None:
    """Without a language the reader gives the same dates, or refuses."""
    differing = []
    for row in (row for part in ("seen", "heldout") for row in rows(language, part)):
        named = outcome(row["text"], row["said_on"], language)
        if named != REFUSED and outcome(row["text"], row["said_on"], None) not in (named, REFUSED):
            differing.append(row["text"])

    assert differing == []


@given(st.text(max_size=60), st.sampled_from([*LANGUAGES, None]))
def test_anything_at_all_is_read_or_refused(text: str, language: str | None) -> None:
    """Arbitrary text raises nothing but the declared error."""
    assert outcome(text, SAID, language)[0] in {"read", "unreadable"}


PIECES = st.sampled_from(
    "в за с по на 1 17 31 2021 2019–2021 года году мая январь I первое полугодие квартал месяцев начала прошлого "
    "текущего года последние 1,5 ( ) , - and since the first half of last year May to 2020 as of соли 2016 аз то моҳи "
    "нимсолаи якуми ҷорӣ 12.03.2019 2019-03-12 охир се".split()
)


@given(st.lists(PIECES, max_size=9), st.sampled_from(LANGUAGES), st.dates(date(1999, 1, 1), date(2030, 1, 1)))
def test_whatever_is_read_lies_in_the_past_and_runs_forward(pieces: list[str], language: str, said: date) -> None:
    """Known words in any order give no period that starts after its end or ends after the day it was said."""
    found = outcome(" ".join(pieces), said, language)

    assert found == REFUSED or found[1] <= found[2] <= said.isoformat()


@given(st.dates(date(1991, 9, 9), date(2026, 1, 1)))
def test_a_full_date_is_itself_in_three_languages(day: date) -> None:
    """Every date that exists is read as one day."""
    ru = "января февраля марта апреля мая июня июля августа сентября октября ноября декабря".split()[day.month - 1]
    tg = "январи феврали марти апрели майи июни июли августи сентябри октябри ноябри декабри".split()[day.month - 1]
    said = day + timedelta(days=3)
    expected = ("read", day.isoformat(), day.isoformat(), "point", "false")

    assert outcome(f"{day.day} {ru} {day.year} года", said, "ru") == expected
    assert outcome(f"{day.day}-уми {tg} соли {day.year}", said, "tg") == expected
    assert outcome(f"{day.day} {day:%B} {day.year}", said, "en") == expected
    assert outcome(f"{day:%d.%m.%Y}", said, "ru") == expected


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("по сравнению с 2021 годом", "сравнению"),
        ("за аналогичный период прошлого года", "аналогичный"),
        ("летом 2021 года", "летом"),
        ("с конца 2021 года", "конца"),
        ("since the previous review", "previous"),
        ("в 5 квартале 2021 года", "квартале"),
        ("дар муқоиса бо соли 2021", "муқоиса"),
        ("в 2021 году жалоб", "жалоб"),
    ],
)
def test_a_refusal_names_the_word_that_blocked(text: str, named: str) -> None:
    """The maintainer sees at once which word is not understood."""
    assert blocker(text) == named


def test_relative_words_count_from_the_day_of_the_document() -> None:
    """The same words said in two years mean two years, whatever the clock says."""
    found = [periods.read_period("в прошлом году", f"{year}-02-01", "ru").start.year for year in (2012, 2024)]

    assert found == [2011, 2023]


@pytest.mark.parametrize("said", [date(2022, 10, 25), datetime(2022, 10, 25, 12, tzinfo=UTC), "2022-10-25"])
def test_the_day_of_the_document_may_be_a_date_or_its_text(said: date | str) -> None:
    """A date, a moment and an ISO text are the same day."""
    assert periods.read_period("с 2011 года", said).end == date(2022, 10, 25)


@pytest.mark.parametrize("said", ["2022", "2022-10", "2022-13-01", "", "25.10.2022", None])
def test_a_day_that_is_no_day_is_refused(said: str) -> None:
    """Without the document's day nothing is resolved."""
    with pytest.raises(UnreadablePeriod) as error:
        periods.read_period("2011", said)

    assert error.value.token == "said_on"


def test_a_period_that_had_not_ended_is_refused() -> None:
    """A whole year named in October cannot be the whole year; the first of January after it can be trusted."""
    found = [outcome("в 2022 году", said, "ru")[0] for said in ("2022-10-25", "2022-12-30", "2022-12-31", "2023-01-01")]

    assert found == ["unreadable", "unreadable", "read", "read"]
