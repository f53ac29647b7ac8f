"""Contradictions, claims set aside and bounds equal what trying every possibility gives."""

import datetime
import itertools
import json
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars
import pytest
import scipy.optimize

from pipeline.errors import BadLedger, UsageError
from pipeline.reconcile import answer as reconcile
from pipeline.reconcile import closure, reading
from pipeline.reconcile import contradictions as contradictions_room
from pipeline.reconcile.constraints import Window
from pipeline.reconcile.contradictions import contradictions, first_contradiction

HEADER = "claim_id,group,area,period_start,period_end,value,qualifier,trust"
DAY = datetime.timedelta(days=1)
QUALIFIERS = ["exact", "exact", "exact", "at_least", "more_than", "at_most", "less_than", "about"]


def claims(path: Path, lines: list[str], header: str = HEADER) -> polars.DataFrame:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return reading.claims(path)


@dataclass
class Claim:
    id: str
    start: datetime.date
    end: datetime.date
    value: int
    qualifier: str
    trust: int

    def line(self, group: str) -> str:
        return f"{self.id},{group},TJ,{self.start},{self.end},{self.value},{self.qualifier},{self.trust}"

    def allows(self, count):
        """Written out once more, in fractions, so that a slip in the rounding shows."""
        return {
            "exact": count == self.value,
            "at_least": count >= self.value,
            "more_than": count > self.value,
            "at_most": count <= self.value,
            "less_than": count < self.value,
            "about": (10 * count >= 9 * self.value) & (10 * count <= 11 * self.value),
        }[self.qualifier]


class EveryPossibility:
    """All ways to count 0 to `top` events in each stretch between two days that matter; for small numbers."""

    def __init__(self, group: list[Claim], asked: list[tuple[datetime.date, datetime.date]]) -> None:
        self.cuts = sorted(
            {day for c in group for day in (c.start, c.end + DAY)} | {day for pair in asked for day in pair}
        )
        self.top = max(c.value for c in group) + 1
        stretches = len(self.cuts) - 1
        worlds = np.indices([self.top + 1] * stretches, dtype=np.int8).reshape(stretches, -1)
        self.worlds = worlds
        self.total = np.vstack([np.zeros(worlds.shape[1], dtype=np.int16), np.cumsum(worlds, axis=0, dtype=np.int16)])
        self.true = {c.id: c.allows(self.count(c.start, c.end + DAY)) for c in group}

    def count(self, start: datetime.date, stop: datetime.date):
        return self.total[self.cuts.index(stop)] - self.total[self.cuts.index(start)]

    def possible(self, ids) -> bool:
        return bool(np.logical_and.reduce([self.true[i] for i in ids]).any()) if ids else True

    def bounds(self, ids, start, stop):
        worlds = (
            np.logical_and.reduce([self.true[i] for i in ids]) if ids else np.ones(self.worlds.shape[1], dtype=bool)
        )
        counts = self.count(start, stop)[worlds]
        free = self.worlds[self.cuts.index(start) : self.cuts.index(stop), worlds] == self.top
        return int(counts.min()), None if free.any() else int(counts.max())


class IntegerProgram:
    """The same questions put to an integer-programming solver; for large numbers."""

    def __init__(self, group: list[Claim], asked: list[tuple[datetime.date, datetime.date]]) -> None:
        self.cuts = sorted(
            {day for c in group for day in (c.start, c.end + DAY)} | {day for pair in asked for day in pair}
        )
        self.group = {c.id: c for c in group}

    def row(self, start, stop):
        row = np.zeros(len(self.cuts) - 1)
        row[self.cuts.index(start) : self.cuts.index(stop)] = 1
        return row

    def solve(self, ids, objective):
        limits = []
        for c in (self.group[i] for i in ids):
            allowed = {
                "exact": (c.value, c.value),
                "at_least": (c.value, np.inf),
                "more_than": (c.value + 1, np.inf),
                "at_most": (0, c.value),
                "less_than": (-np.inf, c.value - 1),
                "about": (0.9 * c.value, 1.1 * c.value),
            }[c.qualifier]
            limits.append(scipy.optimize.LinearConstraint(self.row(c.start, c.end + DAY), *allowed))
        whole = np.ones(len(objective))
        return scipy.optimize.milp(objective, constraints=limits, integrality=whole, bounds=scipy.optimize.Bounds(0))

    def possible(self, ids) -> bool:
        return self.solve(ids, np.zeros(len(self.cuts) - 1)).status == 0

    def bounds(self, ids, start, stop):
        low, high = self.solve(ids, self.row(start, stop)), self.solve(ids, -self.row(start, stop))
        return round(low.fun), round(-high.fun) if high.status == 0 else None


def instance(seed: int, *, large: bool) -> list[Claim]:
    """A group of one to eight claims on few days, true of one history and then spoilt here and there."""
    dice = random.Random(seed)
    new_year = datetime.date(2020, 1, 1)
    days = sorted({*dice.sample(range(1, 730), dice.choice([2, 3])), *dice.choice([[0], [366], [0, 366], []])})
    if large:
        days = sorted(dice.sample(range(730), 9))
    step = (lambda: dice.randint(0, 4000)) if large else (lambda: dice.randint(0, 2))
    history = list(itertools.accumulate([step() for _ in days[1:]], initial=0))
    group = []
    for number in range(dice.randint(1, 8)):
        a, b = sorted(dice.sample(range(len(days)), 2))
        value = history[b] - history[a]
        spoilt = dice.random() < 0.3
        value = dice.randint(0, 10_000 if large else 3) if spoilt else value
        group.append(Claim(
            f"c{dice.randint(0, 10**6)}-{number}", new_year + days[a] * DAY, new_year + (days[b] - 1) * DAY,
            min(value, 10_000 if large else 3), dice.choice(QUALIFIERS), dice.randint(1, 3),
        ))  # fmt: skip
    return group


def asked_of(group: list[Claim]) -> set[tuple[datetime.date, datetime.date]]:
    years = range(min(c.start for c in group).year, max(c.end for c in group).year + 1)
    claimed = {(c.start, c.end + DAY) for c in group}
    return claimed | {(datetime.date(y, 1, 1), datetime.date(y + 1, 1, 1)) for y in years}


def check(groups: dict[str, list[Claim]], found: reconcile.Answer) -> int:
    """Compare verdict, contradictions, set aside and bounds with the oracle; how many groups were contradictory."""
    of = {c.id: name for name, group in groups.items() for c in group}
    bounds = {name: {} for name in groups}
    for name, _, _, start, end, low, high in found.bounds.iter_rows():
        bounds[name][start, end + DAY] = (low, high)
    contradictory = 0
    for name, group in groups.items():
        large = max(c.value for c in group) > 10
        oracle = (IntegerProgram if large else EveryPossibility)(group, sorted(asked_of(group)))
        kept, aside = [], []
        for c in sorted(group, key=lambda c: (c.trust, c.id)):
            (kept if oracle.possible([*kept, c.id]) else aside).append(c.id)
        conflicts = [one.claims for one in found.conflicts if of[one.claims[0]] == name]
        contradictory += bool(aside)

        assert [one[-1] for one in conflicts] == aside, (name, group)
        for one in conflicts:
            assert not oracle.possible(one), (name, one)
            assert all(oracle.possible([i for i in one if i != left]) for left in one), (name, one)
            assert set(one[:-1]) <= set(kept), (name, one)
        assert bounds[name] == {pair: oracle.bounds(kept, *pair) for pair in asked_of(group)}, (name, group)
    return contradictory


def instances(count: int, first: int = 0) -> dict[str, list[Claim]]:
    made = {f"g{seed:05d}": instance(seed, large=seed % 5 == 0) for seed in range(first, first + count)}
    return {name: [Claim(f"{name}-{c.id}", *list(vars(c).values())[1:]) for c in group] for name, group in made.items()}


def test_three_hundred_random_groups_equal_an_exhaustive_or_integer_programming_oracle(tmp_path):
    """Verdict, minimality of every contradiction, claims set aside and every bound."""
    groups = instances(300)
    table = claims(tmp_path / "c.csv", [c.line(name) for name, group in groups.items() for c in group])

    contradictory = check(groups, reconcile.answer(table))

    assert 60 < contradictory < 240


def test_the_way_of_large_groups_gives_the_same_as_the_oracle(tmp_path, monkeypatch):
    """With every group treated as a large one, two days walked from at a time, and all steps at once early on."""
    monkeypatch.setattr(closure, "SMALL", 0)
    monkeypatch.setattr(closure, "SOURCES", 2)
    monkeypatch.setattr(contradictions_room, "MANY", 0)
    monkeypatch.setattr(contradictions_room, "PATIENCE", 1)
    groups = instances(80, first=300)
    table = claims(tmp_path / "c.csv", [c.line(name) for name, group in groups.items() for c in group])

    assert check(groups, reconcile.answer(table)) > 15


@pytest.mark.exam
@pytest.mark.parametrize("first", range(0, 10_000, 500))
def test_ten_thousand_random_groups_equal_the_oracle(tmp_path, first, monkeypatch):
    """Both ways, in lots of five hundred."""
    groups = instances(500, first=first)
    table = claims(tmp_path / "c.csv", [c.line(name) for name, group in groups.items() for c in group])
    found = reconcile.answer(table)
    check(groups, found)
    monkeypatch.setattr(closure, "SMALL", 0)
    monkeypatch.setattr(contradictions_room, "MANY", 0)

    again = reconcile.answer(table)

    assert (again.set_aside, again.bounds.equals(found.bounds)) == (found.set_aside, True)


TALK = [
    "coalition-2021,documented,TJ,2021-01-01,2021-12-31,24,exact,1",
    "coalition-2022,documented,TJ,2022-01-01,2022-10-25,16,exact,1",
    "coalition-both,documented,TJ,2021-01-01,2022-10-25,40,more_than,1",
]


def test_the_talk_of_october_2022_contradicts_itself_in_three_languages(tmp_path):
    """24 and 16 make 40, and more than 40 is said of the same time."""
    found = reconcile.answer(claims(tmp_path / "c.csv", TALK))

    assert found.set_aside == ("coalition-both",)
    assert found.conflicts == (
        reconcile.Conflict(("coalition-2021", "coalition-2022", "coalition-both"), {
            "en": "24 in 2021 and 16 from 1 January to 25 October 2022 make 40, but the claim for 1 January 2021 to "
                  "25 October 2022, the same time, is more than 40, which means at least 41. "
                  "These 3 claims cannot all be true.",
            "ru": "24 за 2021 год и 16 за период с 1 января по 25 октября 2022 года в сумме дают 40, но за период с "
                  "1 января 2021 года по 25 октября 2022 года, то есть за то же время, заявлено более 40, то есть не "
                  "менее 41. Эти 3 утверждения вместе не могут быть верны.",
            "tg": "24 дар соли 2021 ва 16 дар давраи аз 1 январ то 25 октябри соли 2022 якҷоя 40 мешаванд, вале дар "
                  "давраи аз 1 январи соли 2021 то 25 октябри соли 2022, яъне дар ҳамон вақт, бештар аз 40 гуфта "
                  "шудааст, яъне на камтар аз 41. Ин 3 гуфта якҷоя дуруст буда наметавонанд.",
        }),
    )  # fmt: skip


def test_the_answer_is_one_json_document_of_the_agreed_shape(tmp_path):
    """Conflicts, set aside, and bounds with a null where nothing limits a year."""
    text = "".join(reconcile.document(reconcile.answer(claims(tmp_path / "c.csv", TALK))))

    answer = json.loads(text)

    assert list(answer) == ["conflicts", "set_aside", "bounds"]
    assert [sorted(one) for one in answer["conflicts"]] == [["claims", "explanation"]]
    assert answer["bounds"] == [
        {"group": "documented", "area": "TJ", "start": start, "end": end, "low": low, "high": high}
        for start, end, low, high in [
            ("2021-01-01", "2021-12-31", 24, 24), ("2021-01-01", "2022-10-25", 40, 40),
            ("2022-01-01", "2022-10-25", 16, 16), ("2022-01-01", "2022-12-31", 16, None),
        ]
    ]  # fmt: skip


SHAPES = {
    "For 2021, one claim is 30 and another at most 20. Both cannot be true.": [
        "2021-01-01,2021-12-31,30,exact,1",
        "2021-01-01,2021-12-31,20,at_most,2",
    ],
    "The claim for the first half of 2021 is 12, but that time lies within 2021, for which the claim is fewer than 10, "
    "which means at most 9. Both cannot be true.": [
        "2021-01-01,2021-06-30,12,exact,1",
        "2021-01-01,2021-12-31,10,less_than,2",
    ],
    "At least 10 in 2019 and 15 in March 2020 make at least 25, but the claim for 2019 to 2020, which contains that "
    "time, is about 22, which means at most 24. These 3 claims cannot all be true.": [
        "2019-01-01,2019-12-31,10,at_least,1",
        "2020-03-01,2020-03-31,15,exact,1",
        "2019-01-01,2020-12-31,22,about,2",
    ],
    "8 in 2021 and 4 from 1 April to 30 September 2021 make at least 12 together; 5 from 1 January to 30 September "
    "2021 and 6 from 1 April to 31 December 2021 allow at most 11 together, although they cover every day of the "
    "former at least as often. These 4 claims cannot all be true.": [
        "2021-01-01,2021-09-30,5,exact,1",
        "2021-04-01,2021-12-31,6,exact,1",
        "2021-01-01,2021-12-31,8,exact,1",
        "2021-04-01,2021-09-30,4,exact,2",
    ],
    "The claim is fewer than 0 on 1 May 2021, but a count is never below 0. It cannot be true.": [
        "2021-05-01,2021-05-01,0,less_than,1",
    ],
}


@pytest.mark.parametrize("sentence", SHAPES)
def test_each_shape_of_contradiction_has_its_sentence(tmp_path, sentence):
    """The numbers, their times, and the sum that does not fit."""
    table = claims(tmp_path / "c.csv", [f"c{at},g,TJ,{row}" for at, row in enumerate(SHAPES[sentence])])

    (conflict,) = reconcile.answer(table).conflicts

    assert conflict.explanation["en"] == sentence


def test_disjoint_contradictions_are_all_found(tmp_path):
    """Three years of one group, each with two numbers that differ; the less trusted of each is set aside."""
    lines = [
        f"c{year}-{trust},g,TJ,{year}-01-01,{year}-12-31,{10 + trust},exact,{trust}"
        for year in (2001, 2005, 2009) for trust in (2, 1)
    ]  # fmt: skip

    found = reconcile.answer(claims(tmp_path / "c.csv", lines))

    assert found.set_aside == ("c2001-2", "c2005-2", "c2009-2")


def test_areas_and_breakdowns_are_never_mixed(tmp_path):
    """Men, women and all have a group each, and the bounds say which."""
    header = HEADER + ",sex"
    lines = [
        f"c{at},g,{area},2021-01-01,2021-12-31,{at},exact,1,{sex}"
        for at, (area, sex) in enumerate([("TJ", "_T"), ("TJ", "male"), ("TJ-SU", "_T"), ("TJ-SU", "male")])
    ]

    found = reconcile.answer(claims(tmp_path / "c.csv", lines, header))

    assert found.conflicts == ()
    assert json.loads("".join(reconcile.document(found)))["bounds"][1]["breakdown"] == "male"


def test_numbers_up_to_the_limit_stay_exact(tmp_path):
    """Ten to the fifteenth, beyond what 32 bits or a fraction of 53 bits would add up rightly."""
    big = 10**15
    lines = [f"c{y},g,TJ,{y}-01-01,{y}-12-31,{big - y},exact,1" for y in range(2000, 2020)]
    lines.append(f"all,g,TJ,2000-01-01,2019-12-31,{big},exact,2")
    total = 20 * big - sum(range(2000, 2020))

    found = reconcile.answer(claims(tmp_path / "c.csv", lines))

    assert found.set_aside == ("all",)
    assert found.bounds.filter(polars.col("end").dt.year() != polars.col("start").dt.year()).rows()[0][-2:] == (
        total,
        total,
    )


def test_values_too_large_to_add_up_are_refused_by_the_name_of_a_claim(tmp_path):
    """Two thousand times ten to the fifteenth."""
    table = claims(tmp_path / "c.csv", [f"c{n},g,TJ,2000-01-01,2000-12-31,{10**15},exact,1" for n in range(2000)])

    with pytest.raises(BadLedger, match=r"group of claim c0: .*too large to add up"):
        reconcile.answer(table)


def test_the_order_of_the_rows_and_the_number_of_workers_change_nothing(tmp_path):
    """The same document, byte for byte."""
    lines = [c.line(name) for name, group in instances(60).items() for c in group]
    shuffled = random.Random(1).sample(lines, len(lines))

    one = "".join(reconcile.document(reconcile.answer(claims(tmp_path / "a.csv", lines), workers=1)))
    two = "".join(reconcile.document(reconcile.answer(claims(tmp_path / "b.csv", shuffled), workers=4)))

    assert one == two


def test_one_group_of_two_thousand_claims_gives_the_planted_contradiction_alone():
    """Two thousand months-long windows of one history, and one number too high in the middle."""
    dice = random.Random(5)
    windows = []
    for _ in range(2000):
        start = dice.randrange(8000)
        stop = start + dice.randrange(1, 400)
        windows.append(Window(start, stop, stop - start, stop - start))
    windows.append(Window(4000, 4100, 150, None))

    found = contradictions(windows)

    assert [one.members[-1] for one in found] == [2000]
    assert first_contradiction(windows) is not None
    assert first_contradiction(windows[:-1]) is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("c1,g,TJ,2021-12-31,2021-01-01,4,exact,1", "ends before it starts"),
        ("c1,g,TJ,2021-01-01,2021-12-31,4,roughly,1", "qualifier unknown"),
        ("c1,g,TJ,2021-01-01,2021-12-31,-4,exact,1", "value is below zero"),
        ("c1,g,TJ,2021-01-01,2021-12-31,4.5,exact,1", "not a whole number"),
        ("c1,g,TJ,2021-01-01,2021-12-31,,exact,1", "not a whole number"),
        ("c1,g,TJ,2021-01-01,2021-12-31,٤,exact,1", "not a whole number"),
        ("c1,g,TJ,2021-01-01,2021-12-31,1e3,exact,1", "not a whole number"),
        ("c1,g,TJ,2021-01-01,2021-12-31,1000000000000001,exact,1", "value is too large"),
        ("c1,g,TJ,2021-01-01,2021-12-31,99999999999999999999999999,exact,1", "value is too large"),
        ("c1,g,TJ,10000000-01-01,2021-12-31,4,exact,1", "period_start has a year outside 1900 to 2100"),
        ("c1,g,TJ,2021-01-01,10000000,4,exact,1", "period_end has a year outside 1900 to 2100"),
        ("c1,g,TJ,0021-01-01,2021-12-31,4,exact,1", "period_start has a year outside 1900 to 2100"),
        ("c1,g,TJ,2023-02-29,2023-12-31,4,exact,1", "period_start is not a date of the calendar"),
        ("c1,g,TJ,2023,2023-12-31,4,exact,1", "period_start is not a date of the calendar"),
        ("c1,g,TJ,2021-01-01,2021-12-31,4,exact,0", "trust is not a whole number from 1"),
        ("c1,g,TJ,2021-01-01,2021-12-31,4,exact,high", "trust is not a whole number from 1"),
        ("c1,,TJ,2021-01-01,2021-12-31,4,exact,1", "group is empty"),
        ("c0,g,TJ,2021-01-01,2021-12-31,4,exact,1", "this claim_id stands twice"),
    ],
)
def test_a_bad_row_is_refused_by_line_and_claim(tmp_path, row, reason):
    """Its key and the rule it breaks; nothing of the cell."""
    with pytest.raises(BadLedger) as refusal:
        claims(tmp_path / "c.csv", ["c0,g,TJ,2020-01-01,2020-12-31,1,exact,1", row])

    told = str(refusal.value)
    assert f"c.csv:3: {row[:2]}: " in told
    assert reason in told
    assert "roughly" not in told
    assert "99999" not in told


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (HEADER + "\n", "a header and no claims"),
        (HEADER.replace("trust", "rank") + "\n", "columns missing: trust"),
        (
            HEADER + ",opinion\nc,g,TJ,2020-01-01,2020-12-31,1,exact,1,x\n",
            "column number 9 has a name that is not known",
        ),
        (HEADER + ",trust\nc,g,TJ,2020-01-01,2020-12-31,1,exact,1,1\n", "stands twice"),
        (HEADER + "\nc,g,TJ,2020-01-01,2020-12-31,1,exact\n", ":2: 7 cells, expected 8"),
        (HEADER + "\nc,g,TJ,2020-01-01,2020-12-31,1,exact,1,9\n", ":2: 9 cells, expected 8"),
        (HEADER + '\n"c,g,TJ,2020-01-01,2020-12-31,1,exact,1\n', ":2: quotes that do not close"),
        (HEADER + "\nc\u202e,g,TJ,2020-01-01,2020-12-31,1,exact,1\n", ":2:: claim_id is empty or holds an invisible"),
    ],
)
def test_a_bad_file_is_refused_with_its_cure(tmp_path, text, reason):
    """Header, raggedness, quotes."""
    (tmp_path / "c.csv").write_text(text, encoding="utf-8")

    with pytest.raises(BadLedger) as refusal:
        reading.claims(tmp_path / "c.csv")

    assert reason in str(refusal.value)


def test_a_file_that_cannot_be_read_is_a_question_of_usage(tmp_path):
    """Absent, a folder, or not UTF-8."""
    (tmp_path / "c.csv").write_bytes((HEADER + "\nc,g,TJ,2020-01-01,2020-12-31,1,exact,1\n").encode("utf-16"))

    for path in (tmp_path / "absent.csv", tmp_path, tmp_path / "c.csv"):
        with pytest.raises(UsageError):
            reading.claims(path)


def test_quotes_line_ends_and_a_byte_order_mark_are_read(tmp_path):
    """What a spreadsheet writes."""
    rows = ['\ufeff"claim_id",group,area,period_start,period_end,value,qualifier,trust',
            '"c1","a, b",TJ,2020-01-01,2020-12-31,1,exact,1']  # fmt: skip
    (tmp_path / "c.csv").write_bytes("\r\n".join([*rows, ""]).encode())

    assert reading.claims(tmp_path / "c.csv")["group"].to_list() == ["a, b"]
