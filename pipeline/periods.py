"""Turn printed words about time into two dates.

Periods are read here and nowhere else. A phrase is understood whole or refused with the word that blocked; a
relative one counts from the day the document was said, never from today. Knows no source and no clock.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from pipeline import tajik, timewords
from pipeline.errors import UnreadablePeriod

if TYPE_CHECKING:
    from collections.abc import Callable

PeriodType = Literal["year", "half_year", "quarter", "year_to_date", "since", "point", "span"]


@dataclass(frozen=True, slots=True)
class Period:
    """Two dates, both inside the period. `assumed` when the words leave an end open that `said_on` closes."""

    start: date
    end: date
    type: PeriodType
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class _Point:
    """A date known to the year, the month or the day; what is missing is None."""

    year: int | None = None
    month: int | None = None
    day: int | None = None

    def first(self) -> date:
        """The first day of it."""
        return date(self.year or 0, self.month or 1, self.day or 1)

    def last(self) -> date:
        """The last day of it."""
        month = self.month or 12
        return date(self.year or 0, month, self.day or calendar.monthrange(self.year or 0, month)[1])


def read_period(text: str, said_on: date | str, language: str | None = None) -> Period:
    """The period that `text` names, as two dates, both inclusive.

    Shape: "I полугодие 2021" → 2021-01-01, 2021-06-30, half_year; "с 2011 года" → ends on said_on, since;
    "в этом году" and "за последние 1,5 года" end on said_on with `assumed`.
    Raises: UnreadablePeriod naming the word that blocked: a word not understood, an impossible date, a period
    that had not ended on said_on, "аналогичный период", "с конца 2021", "до 2021".
    Source: wordings met in the recorded pages; tests/phrases holds one row for each.
    """
    said = _said(said_on)
    if language is not None:
        return _read(text, said, language)
    outcomes: list[Period] = []
    refusal: UnreadablePeriod | None = None
    candidates: tuple[str, ...] = ("ru", "tg") if re.search("[\u0400-\u04ff]", text) else ("en",)
    if tajik.unicode_text(text).writings:
        candidates = ("tg",)
    for candidate in candidates:
        try:
            outcomes.append(_read(text, said, candidate))
        except UnreadablePeriod as error:
            refusal = refusal or error
    if refusal and not outcomes:
        raise refusal
    if len(set(outcomes)) > 1:
        raise UnreadablePeriod(text[:40], "one reading whatever the language")
    return outcomes[0]


def _said(said_on: date | str) -> date:
    """The day of the document."""
    if isinstance(said_on, datetime):
        return said_on.date()
    if isinstance(said_on, date):
        return said_on
    if isinstance(said_on, str) and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", said_on):
        try:
            return date.fromisoformat(said_on)
        except ValueError:
            pass
    raise UnreadablePeriod("said_on", "the day of the document as YYYY-MM-DD")


def _read(text: str, said: date, language: str) -> Period:
    """The one reading of the whole text in one language."""
    items = timewords.items(text, language)
    reader = _Reader(items, said, language)
    readings = {period for rule in reader.rules() if (period := reader.whole(rule))}
    if not readings:
        blocked = items[reader.furthest].text if reader.furthest < len(items) else "the end"
        raise UnreadablePeriod(blocked, "a period whose every word is known")
    if len(readings) > 1:
        raise UnreadablePeriod(items[0].text, "a period with one reading")
    period = readings.pop()
    if period.start > period.end:
        raise UnreadablePeriod(items[0].text, "a start before the end")
    if period.end > said:
        raise UnreadablePeriod(items[-1].text, "a period that had ended when the document was said")
    return period


class _RefusedError(Exception):
    """A rule that does not fit here; never seen outside this room."""


class _Reader:
    """Every rule is tried on the whole phrase; the furthest piece any of them reached is the one that blocked."""

    def __init__(self, items: list[timewords.Item], said: date, language: str) -> None:
        self.items, self.said, self.language = items, said, language
        self.at = 0
        self.furthest = 0

    def rules(self) -> tuple[Callable[[], Period], ...]:
        """The wordings that are understood."""
        return (
            self._single, self._half_or_quarter, self._months, self._since, self._since_start, self._range,
            self._to_date, self._as_of, self._rolling, self._years,
        )  # fmt: skip

    def whole(self, rule: Callable[[], Period]) -> Period | None:
        """What the rule reads, if it reads everything and every date exists."""
        self.at = 0
        try:
            period = rule()
        except (_RefusedError, ValueError, OverflowError):
            self.furthest = max(self.furthest, self.at)
            return None
        self.furthest = max(self.furthest, self.at)
        return period if self.at == len(self.items) else None

    def _peek(self, ahead: int = 0) -> str:
        """The tag of a piece further on, "" at the end."""
        return self.items[self.at + ahead].tag if self.at + ahead < len(self.items) else ""

    def _take(self, *tags: str) -> timewords.Item:
        """The next piece, which must have one of these tags."""
        if self._peek() not in tags:
            raise _RefusedError
        self.at += 1
        return self.items[self.at - 1]

    def _maybe(self, *tags: str) -> timewords.Item | None:
        """The next piece if it has one of these tags."""
        return self._take(*tags) if self._peek() in tags else None

    def _year(self) -> int:
        """A year by its number, or "this year", "last year", "в текущем 2023 году" if that is the one."""
        self._maybe("whole")
        if near := self._maybe("this_year", "last_year"):
            back = int(near.value.rstrip("+") or (near.tag == "last_year"))
            named = self._maybe("y")
            if (named and int(named.value) != self.said.year - back) or (near.value.endswith("+") and not named):
                raise _RefusedError
            if named and self.language != "tg":
                self._maybe("year_word")
            return self.said.year - back
        before = self._maybe("year_word")
        year = int(self._take("y").value)
        words = [item.value for item in self.items if item.tag == "year_word"]
        if "many" in words and sum(item.tag == "y" for item in self.items) < 2:  # "солҳои 1990" is a decade
            raise _RefusedError
        if before is None and self.language != "tg":
            self._maybe("year_word")
        return year

    def _point(self) -> _Point:
        """A date, a month or a year, with what is missing left open."""
        if item := self._maybe("date"):
            found = date.fromisoformat(item.value)
            self._maybe("year_word")
            return _Point(found.year, found.month, found.day)
        day = self._maybe("n", "n_ending")
        months = self.at
        named = self._maybe("months")
        month = self._maybe("month")
        if named and (month is None or self.language != "tg"):  # only "моҳи май" puts the word before the name
            self.at = months
            raise _RefusedError
        if month is None and day is None:
            return _Point(self._year())
        if month is None:
            return _Point(day=int(day.value) if day else None)
        if self._peek() == "months" and self.items[self.at].value == "one":
            self.at += 1
        if self.language == "en":
            if day is None and self._peek() in {"n", "n_ending"} and self._peek(1) in {"y", "comma", "dash", "to"}:
                day = self._take("n", "n_ending")
            self._comma_before_year()
        year = self._year() if self._peek() in {"y", "year_word", "this_year", "last_year"} else None
        return _Point(year, int(month.value), int(day.value) if day else None)

    def _comma_before_year(self) -> None:
        """Pass the comma of "May 5, 2021"."""
        if self._peek() == "comma" and self._peek(1) == "y":
            self.at += 1

    def _single(self) -> Period:
        """A year, a month with its year, or a day."""
        relative = self._peek() == "this_year"
        point = self._point()
        if point.year is None:
            raise _RefusedError
        if relative and point.month is None:
            return Period(point.first(), self.said, "year_to_date", assumed=True)
        return _shaped(point.first(), point.last())

    def _half_or_quarter(self) -> Period:
        """A half or a quarter: "I полугодие 2021", "нимсолаи якуми соли 2021", "Q1 2019"."""
        if item := self._maybe("half_n", "quarter_n"):
            unit, number = item.tag.removesuffix("_n"), int(item.value)
        elif self.language == "tg" and self._peek() in {"half", "quarter"}:
            unit, number = self._take("half", "quarter").tag, int(self._take("ordinal", "roman").value)
        else:
            which = self._take("ordinal", "roman", "n_ending", "n")
            item = self._take("half", "quarter")
            # "3 квартала" are three quarters, "3 квартал" is the third: only the second is understood.
            if which.tag == "n" and (self.language == "en" or item.value or not which.text.isdigit()):
                raise _RefusedError
            unit, number = item.tag, int(which.value)
        months = 6 if unit == "half" else 3
        if not 1 <= number <= 12 // months:
            self.at -= 1
            raise _RefusedError
        year = self._year()
        first = date(year, months * (number - 1) + 1, 1)
        return Period(first, _Point(year, months * number).last(), "half_year" if months == 6 else "quarter")

    def _months(self) -> Period:
        """Months from January on: "за 11 месяцев 2021 года", "шаш моҳи аввали соли 2023"."""
        first = self._maybe("ordinal")
        count = int(self._take("n").value)
        self._take("months")
        if self.language == "tg":
            first = self._maybe("ordinal")
        if not 2 <= count <= 12 or (first is not None and first.value != "1"):
            raise _RefusedError
        year = self._year()
        kind: PeriodType = "year_to_date"
        if count == 12:
            kind = "year"
        elif first is not None and count in (3, 6):
            kind = "quarter" if count == 3 else "half_year"
        return Period(date(year, 1, 1), _Point(year, count).last(), kind)

    def _since(self) -> Period:
        """An open window, which ends on the day it was said: "с 2011 года", "аз соли 2012 инҷониб"."""
        opening = self._take("since", "from")
        point = self._point()
        now = self._maybe("now")
        if point.year is None or (opening.tag == "from" and self.language == "en" and now is None):
            raise _RefusedError
        # "аз 5 майи соли 2016" also dates a law, and "аз 2012" also means out of 2,012
        if self.language == "tg" and now is None and (point.day or self.items[1].tag == "y"):
            raise _RefusedError
        return Period(point.first(), self.said, "since")

    def _since_start(self) -> Period:
        """From the first of January on: "с начала года", "since the beginning of 2014", "аз аввали сол"."""
        opening = self._take("since", "from")
        if opening.tag == "from" and self.language == "en":
            raise _RefusedError
        start = self._take("start", "ordinal") if self.language == "tg" else self._take("start")
        if start.tag == "ordinal" and not start.text.lower().startswith("аввал"):
            raise _RefusedError
        if self._peek() == "year_word" and self._peek(1) in {"", "now"}:
            self.at += 1
            year = self.said.year
        else:
            year = self._year()
        self._maybe("now")
        return Period(date(year, 1, 1), self.said, "year_to_date" if year == self.said.year else "since")

    def _range(self) -> Period:
        """Two dates, months or years, the first taking from the second what it leaves out."""
        opening = self._maybe("from", "between")
        tag = opening.tag if opening else ""
        month_first = self.language == "en" and self._peek() == "month"
        start = self._point()
        joined = self._take("dash", "to", "and").tag
        end = self._point()
        if month_first and start.day and end.day and not end.month:  # "May 5–17, 2021"
            self._comma_before_year()
            end = replace(end, year=self._year(), month=start.month)
        self._maybe("inclusive")
        dated = end.year is not None
        if not dated and start.year is None and start.day and end.month and tag == "from":  # "с 5 по 17 мая"
            end = replace(end, year=self.said.year)
        fits = {
            "": joined == "dash" or (joined == "to" and self.language == "en") or _follow(start, end, joined),
            "from": joined == "to",
            "between": joined == "and",
        }[tag]
        if not fits or end.year is None or _too_loose(start, end, opened=bool(tag)):
            raise _RefusedError
        years = joined == "dash" and start.month is None and start.day is None and end.month is None
        if years and [i.value for i in self.items if i.tag == "year_word"] == ["one"]:
            raise _RefusedError  # "в 2015-2016 году" is a school year
        if start.year is None:
            start = replace(start, year=end.year, month=start.month or end.month)
        if not start.first() < end.first():
            raise _RefusedError
        return replace(_shaped(start.first(), end.last()), assumed=not dated)

    def _years(self) -> Period:
        """Years one after another: "в 2019, 2020 и 2021 годах"."""
        self._maybe("year_word")
        years = [int(self._take("y").value)]
        while self._maybe("comma", "and"):
            years.append(int(self._take("y").value))
        self._maybe("year_word")
        if len(years) < 3 or years != list(range(years[0], years[-1] + 1)):
            raise _RefusedError
        return _shaped(date(years[0], 1, 1), date(years[-1], 12, 31))

    def _to_date(self) -> Period:
        """A year that stops at a day: "в 2022 году (на 25 октября)", "2018 to 5 November"."""
        year = self._year()
        bracket = self._maybe("open", "comma")
        joint = self._take("as_of", "to")
        end = self._point()
        if bracket and bracket.tag == "open":
            self._take("close")
        if (joint.tag == "to" and self.language != "en") or end.day is None or end.month is None:
            raise _RefusedError
        if end.year not in (None, year):
            raise _RefusedError
        return Period(date(year, 1, 1), replace(end, year=year).last(), "year_to_date")

    def _as_of(self) -> Period:
        """One day of stock-taking: "на 1 января 2024 года"."""
        self._take("as_of")
        point = self._point()
        if point.year is None or point.month is None or point.day is None:
            raise _RefusedError
        return Period(point.first(), point.last(), "point")

    def _rolling(self) -> Period:
        """A window that ends, as we assume, on the day it was said: "за последние 1,5 года", "чор соли охир"."""
        if self.language != "tg":
            self._take("last")
        count = Decimal(self._take("n", "fraction").value)
        unit = self._take("months", "years") if self.language == "en" else self._take("months", "years", "year_word")
        if self.language == "tg":
            self._take("last")
        months = count * (1 if unit.tag == "months" else 12)
        if (unit.tag == "months" and unit.value == "one") or months != int(months) or not 1 < months <= 240:
            raise _RefusedError
        total = self.said.year * 12 + self.said.month - 1 - int(months)
        year, month = divmod(total, 12)
        last = calendar.monthrange(year, month + 1)[1]
        day = last if (self.said + timedelta(days=1)).day == 1 else min(self.said.day, last)
        return Period(date(year, month + 1, day) + timedelta(days=1), self.said, "span", assumed=True)


def _too_loose(start: _Point, end: _Point, *, opened: bool) -> bool:
    """Whether two ends are known to different depths: "с января 2014 по 2015", "May to 5 June", "2010 to May 2014".

    Only an opened span ("с 2014 по апрель 2015") may end more finely than it starts, for its start is plain.
    """
    alone = start.day is not None and start.month is None  # "с 5 по 17 мая": the month is in the second
    coarser = (start.day is not None and end.day is None) or (start.month is not None and end.month is None)
    finer = (start.day is None and end.day is not None) or (start.month is None and end.month is not None)
    return coarser or (finer and not alone and not opened)


def _follow(start: _Point, end: _Point, joined: str) -> bool:
    """Whether "2021 и 2022", or "в январе и феврале 2021", name two years or months one after the other."""
    if joined != "and" or end.year is None or start.day or end.day or (start.month is None) != (end.month is None):
        return False
    return replace(start, year=start.year or end.year).last() + timedelta(days=1) == end.first()


def _shaped(start: date, end: date) -> Period:
    """The period with the type its two dates give it."""
    months = (end.year - start.year) * 12 + end.month - start.month + 1
    whole = start.day == 1 and (end + timedelta(days=1)).day == 1
    kind: PeriodType = "point" if start == end else "span"
    if whole and (start.month - 1) % months == 0 and start.year == end.year:
        kind = {12: "year", 6: "half_year", 3: "quarter"}.get(months, "span")  # type: ignore[assignment]
    return Period(start, end, kind)
