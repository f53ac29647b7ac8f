"""Ledger claims as reconciliation needs them: what was counted, by whom, when, and how far the number is trusted.

Two figures compare only inside one comparable group and one breakdown, and constrain one count only if one body did
the counting. Leaves every judgement to `disagreements` and `series`.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars

from pipeline.reconcile.constraints import constrained
from pipeline.records import BREAKDOWNS
from pipeline.wording import LANGUAGES

Codes = Mapping[str, polars.DataFrame]
ALL = "_T"
# Columns that can belong to an indicator's definition; whose figures it is (sex, age, …) never does.
DEFINING = (
    "receiving_body",
    "criminal_article",
    "outcome",
    "stage",
    "mechanism",
    "law_status",
    "cause",
    "facility_type",
)
# Each figure of these topics counts one event or one text, never all of its window.
EVENT_TOPICS = ("training", "law")
# Groups of the coalition publish on its page and speak for it.
HOUSES = {"legal-aid-group": "coalition", "rehabilitation-group": "coalition"}
# The written order of trust, after the originator's own page (1): official document, UN body, press and all others.
TRUST = {"state": 2, "un": 3, "intergovernmental": 3, "foreign_state": 3}
LEAST_TRUST = 4
PEOPLE = ("person", "officer")


@dataclass(frozen=True, slots=True)
class Figure:
    """One current claim with a whole number.

    `core` is the breakdown without what the indicator's own definition says already; `system` names the one count
    that the figure constrains; `flow` is true for events counted over time, false for stocks and places.
    """

    id: str
    indicator: str
    group: str
    counter: str
    system: str
    area: str
    breakdown: tuple[tuple[str, str], ...]
    core: tuple[tuple[str, str], ...]
    start: datetime.date
    end: datetime.date
    value: int
    qualifier: str
    low: int
    high: int | None
    unit: str
    originator: str
    publisher: str
    language: str
    document: str
    said_on: str
    trust: int
    flow: bool

    @property
    def window(self) -> tuple[datetime.date, datetime.date]:
        """First and last day, both inside."""
        return self.start, self.end

    @property
    def number(self) -> tuple[int, str]:
        """The number with its qualifier: what two witnesses must share to agree."""
        return self.value, self.qualifier


def figures(claims: polars.DataFrame, codes: Codes) -> list[Figure]:
    """The current claims that state a whole number, from the most trusted to the least.

    Shape: `claims` has the ledger's columns as text; `codes` the code lists by name (indicators, bodies, …).
    """
    indicators = {row["indicator"]: row for row in codes["indicators"].iter_rows(named=True)}
    kinds = dict(codes["bodies"].select("code", "kind").iter_rows())
    rows = claims.filter(
        (polars.col("status") == "current") & polars.col("value").fill_null("").str.contains("^[0-9]{1,15}$"),
    ).sort("claim_id")  # fmt: skip
    fixed = _fixed(rows)
    made = [_figure(row, indicators[row["indicator"]], kinds, fixed) for row in rows.iter_rows(named=True)]
    return sorted(_with_limits(made), key=lambda one: (one.trust, one.id))


def _fixed(rows: polars.DataFrame) -> set[tuple[str, str]]:
    """(indicator, column) where every claim has one and the same code: it belongs to the definition."""
    many = rows.group_by("indicator").agg(polars.col(DEFINING).n_unique())
    return {(row["indicator"], name) for row in many.iter_rows(named=True) for name in DEFINING if row[name] == 1}


def _figure(
    row: dict[str, str], indicator: dict[str, str], kinds: Mapping[str, str], fixed: set[tuple[str, str]],
) -> Figure:  # fmt: skip
    """One ledger row, read. Its limits are filled in by `_with_limits`."""
    breakdown = tuple((name, row[name]) for name in BREAKDOWNS if row[name] != ALL)
    core = tuple(part for part in breakdown if (row["indicator"], part[0]) not in fixed)
    counter = indicator["counted_by"] or row["originator"]
    people = row["unit"] in PEOPLE and indicator["unit"] not in PEOPLE
    system = f"{indicator['comparable_group']}|{counter}|{'people' if people else ''}"
    own = HOUSES.get(row["originator"], row["originator"]) == HOUSES.get(row["publisher"], row["publisher"])
    day = datetime.date.fromisoformat
    return Figure(
        row["claim_id"], row["indicator"], indicator["comparable_group"], counter, system, row["area"], breakdown, core,
        day(row["period_start"]), day(row["period_end"]), int(row["value"]), row["qualifier"], 0, None, row["unit"],
        row["originator"], row["publisher"], row["language"], row["document_id"], row["said_on"] or "",
        1 if own else TRUST.get(kinds.get(row["publisher"], ""), LEAST_TRUST),
        indicator["additive"] == "true" and row["period_type"] != "point" and indicator["topic"] not in EVENT_TOPICS,
    )  # fmt: skip


def table(made: Sequence[Figure]) -> polars.DataFrame:
    """The figures as `answer` takes them: one group for each count, a breakdown for each way it is broken down."""
    columns = ("claim_id", "group", "area", "breakdown", "period_start", "period_end", "value", "qualifier", "trust")
    rows = [
        (f.id, f.system, f.area, "|".join(code for part in f.breakdown for code in part), *f.window, *f.number, f.trust)
        for f in made
    ]
    return polars.DataFrame(rows, schema=columns, orient="row")


def _with_limits(made: list[Figure]) -> list[Figure]:
    """The figures with what their qualifiers allow."""
    if not made:
        return []
    limits = {id_: limit for id_, *limit in constrained(table(made)).select("claim_id", "low", "high").iter_rows()}
    return [replace(one, low=limits[one.id][0], high=limits[one.id][1]) for one in made]


def witnesses(made: Sequence[Figure]) -> dict[str, str]:
    """For each claim, the one that stands for its utterance: reprints and translations are not further witnesses.

    Shape: claim_id → the most trusted claim of the same count, area, breakdown and window, said by the same body with
    the same number.
    """
    first: dict[tuple[object, ...], str] = {}
    stands: dict[str, str] = {}
    for one in made:
        said = (one.system, one.area, one.breakdown, one.window, one.number, HOUSES.get(one.originator, one.originator))
        stands[one.id] = first.setdefault(said, one.id)
    return stands


def titles(codes: Codes) -> dict[tuple[str, str], dict[str, str]]:
    """The title of every code in each language: ("sex", "female") → {"en": "Women and girls", …}."""
    return {
        (name, row[table.columns[0]]): {language: row[f"title_{language}"] for language in LANGUAGES}
        for name, table in codes.items() if "title_en" in table.columns
        for row in table.iter_rows(named=True)
    }  # fmt: skip
