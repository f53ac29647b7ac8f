"""Claims as constraints on one count that never falls.

Let F(d) be how many had been counted before day d. A claim "v from s to e" speaks of F(e + 1) - F(s): at least
`low`, at most `high`. F never falls. That is all the later steps know; words, trust and sources stay outside.
"""

from __future__ import annotations

from typing import NamedTuple

import polars

# "About 200" is read as 180 to 220: every whole number within this share, both ends inside.
ABOUT_PERCENT = 10
NO_LIMIT = None


class Window(NamedTuple):
    """What one claim demands of the days from `start` up to, not including, `stop`: low <= count <= high or none."""

    start: int
    stop: int
    low: int
    high: int | None


def constrained(claims: polars.DataFrame) -> polars.DataFrame:
    """The claims as numbers, sorted by group and, within it, from the most trusted to the least.

    Shape: the columns of `claims` and: system (0, 1, … for each group, area and breakdown, in that order), start and
    stop (days, stop not inside), low and high (the least and the greatest whole number that the claim allows, high
    null where it sets no limit): more than 40 → 41, null; less than 40 → 0, 39; about 203 → 183, 223 (a tenth less
    and more, rounded inwards, in whole numbers throughout); less than 0 → 0, -1, which nothing satisfies.
    Equal trust is ordered by claim_id: the later one in the alphabet counts as the less trusted, so the order of the
    file never matters.
    """
    value, qualifier = polars.col("value"), polars.col("qualifier")
    low = (
        polars.when(qualifier.is_in(["exact", "at_least"])).then(value)
        .when(qualifier == "more_than").then(value + 1)
        .when(qualifier == "about").then((value * (100 - ABOUT_PERCENT) + 99) // 100)
        .otherwise(0)
    )  # fmt: skip
    high = (
        polars.when(qualifier.is_in(["exact", "at_most"])).then(value)
        .when(qualifier == "less_than").then(value - 1)
        .when(qualifier == "about").then(value * (100 + ABOUT_PERCENT) // 100)
        .otherwise(NO_LIMIT)
    )  # fmt: skip
    key = ["group", "area", "breakdown"]
    day = polars.col("period_start", "period_end").cast(polars.Int32).cast(polars.Int64)
    rows = claims.sort([*key, "trust", "claim_id"])
    number = polars.struct(key).rle_id().cast(polars.Int64).alias("system")
    return rows.with_columns(
        number, low.alias("low"), high.alias("high"),
        day.name.map({"period_start": "start", "period_end": "stop"}.__getitem__),
    ).with_columns(polars.col("stop") + 1)  # fmt: skip
