"""What the expectations look at: every table with real types, and frames that set claims against each other.

Derived frames hold one row per claim or per pair of claims that must agree, so that a plain built-in expectation
can say the rule. Knows no rule and no library of expectations; judges nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars
from polars import col, lit

from pipeline.records import BREAKDOWNS, Table

FLOORS: Final = ("exact", "at_least", "more_than")  # the true number is not smaller
CEILINGS: Final = ("exact", "at_most", "less_than")  # the true number is not greater
PART_OF: Final = {  # a count that another count contains, when window, document and breakdown are the same
    "torture_only_complaints_received_ombudsman": "torture_complaints_received_ombudsman",
    "torture_complaints_confirmed_ombudsman": "torture_complaints_received_ombudsman",
    "on_site_complaints_confirmed_ombudsman": "complaints_checked_on_site_ombudsman",
    "complaints_confirmed_prosecutor": "complaints_received_prosecutor",
    "cases_sent_to_court_torture_unspecified": "criminal_cases_opened_torture_unspecified",
    "suspended_sentences_143_1": "persons_convicted_143_1",
    "penalty_min_imprisonment": "penalty_max_imprisonment",
    "penalty_min_fine": "penalty_max_fine",
    "penal_institutions_supplied": "penal_institutions",
}
PAIR: Final = ("topic", "claim_id", "against", "value", "other_value")


@dataclass(frozen=True, slots=True)
class Frame:
    """Typed rows, and the columns that name a row of the package.

    Shape: `keys` are primary-key columns; a derived frame also tells `topic`, the table its claim stands in, and,
    where it sets two claims against each other, `against`, the other one.
    """

    rows: polars.DataFrame
    keys: tuple[str, ...]
    told: tuple[str, ...] = ()


def frames(tables: Sequence[Table]) -> dict[str, Frame]:
    """Each table by its name, typed by its schema, and the derived frames beside them.

    Shape: every frame may have columns beside its schema's (see _claims, _milestones, _registers). Derived are
    `claims` (all topic tables as one), `nested_windows` (value of a window, other_value of a window inside it),
    `parts` (value of a total, other_value of one part), `sums` (value of a total, other_value of the sum of its parts
    along one column) and `following_years` (value of a year, other_value of the year before); these need the tables
    indicators and documents.
    A cell that is not of its type is missing here: the compiled checks have refused it before.
    """
    seen = {table.name: Frame(_typed(table), _keys(table)) for table in tables}
    dated = [frame.rows["recorded_on"] for frame in seen.values() if "recorded_on" in frame.rows.columns]
    clock = lit(polars.concat(dated).max() if dated else None, polars.Date)
    for name, derive in (("milestones", _milestones), ("documents", _documents), ("indicators", _indicators)):
        if name in seen:
            seen[name] = Frame(derive(seen[name].rows).with_columns(clock=clock), seen[name].keys)
    topics = [
        name for name, frame in seen.items() if frame.keys == ("claim_id",) and "period_start" in frame.rows.columns
    ]
    if not topics or "indicators" not in seen or "documents" not in seen:
        return seen
    claims = _claims({name: seen[name].rows for name in topics}, seen["indicators"].rows, seen["documents"].rows)
    claims = claims.with_columns(clock=clock)
    for name in topics:
        seen[name] = Frame(claims.filter(topic=name), ("claim_id",), ("topic",))
    cited = [claims["document_id"], *(seen[name].rows["document_id"] for name in seen.keys() & {"milestones"})]
    used = {"indicators": claims["indicator"], "documents": polars.concat(cited)}
    for name, keys in used.items():
        rows = seen[name].rows
        seen[name] = Frame(
            rows.with_columns(used=col(*seen[name].keys).is_in(keys.unique().implode())), seen[name].keys
        )
    parts = _parts(claims)
    pairs = {
        "nested_windows": _nested_windows(claims),
        "parts": parts,
        "sums": _sums(parts),
        "following_years": _following_years(claims),
    }
    paired = {name: Frame(rows, ("claim_id",), ("topic", "against")) for name, rows in pairs.items()}
    return seen | paired | {"claims": Frame(claims, ("claim_id",), ("topic",))}


def _typed(table: Table) -> polars.DataFrame:
    """The rows with the types of their schema."""
    casts: list[polars.Expr] = []
    for described in table.schema["fields"]:
        cell = col(described["name"])
        match described["type"]:
            case "integer":
                casts.append(cell.cast(polars.Int64, strict=False))
            case "number":
                casts.append(cell.cast(polars.Float64, strict=False))
            case "boolean":
                casts.append(cell.replace_strict({"true": True, "false": False}, default=None))
            case "date":
                casts.append(cell.str.to_date("%Y-%m-%d", strict=False))
            case _:
                casts.append(cell)
    return table.rows.select(casts)


def _keys(table: Table) -> tuple[str, ...]:
    key = table.schema.get("primaryKey", ())
    return (key,) if isinstance(key, str) else tuple(key)


def _bounded(rows: polars.DataFrame, column: str) -> polars.DataFrame:
    """The rows with the first and last day that a year, month or day in `column` can mean."""
    first = (col(column) + "-01-01").str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    length = col(column).str.len_chars()
    year_end = polars.date(first.dt.year(), 12, 31)
    last = (
        polars.when(length == len("2021")).then(year_end)
        .when(length == len("2021-05")).then(first.dt.month_end())
        .otherwise(first)
    )  # fmt: skip
    return rows.with_columns(first.alias(f"{column}_first"), last.alias(f"{column}_last"))


def _documents(rows: polars.DataFrame) -> polars.DataFrame:
    """Documents with the first and last day they may have been published."""
    return _bounded(rows, "published_on")


def _indicators(rows: polars.DataFrame) -> polars.DataFrame:
    """Indicators with the number of units and topics that their comparable group mixes."""
    return rows.with_columns(
        group_units=col("unit").n_unique().over("comparable_group"),
        group_topics=col("topic").n_unique().over("comparable_group"),
    )


def _milestones(rows: polars.DataFrame) -> polars.DataFrame:
    """Milestones with their length, and how far the rival dates and kinds of one event are apart."""
    spread = col("date_end").max().over("event") - col("date_start").min().over("event")
    return rows.with_columns(
        days=(col("date_end") - col("date_start")).dt.total_days() + 1,
        rivals=polars.len().over("event"),
        rival_days=spread.dt.total_days() + 1,
        rival_kinds=col("kind").n_unique().over("event"),
    )


def _claims(
    topics: Mapping[str, polars.DataFrame], indicators: polars.DataFrame, documents: polars.DataFrame
) -> polars.DataFrame:
    """All topic tables as one, each claim with what follows from its cells and what the registers say of it."""
    rows = polars.concat([rows.with_columns(topic=lit(name)) for name, rows in topics.items()], how="diagonal")
    present = [column for column in BREAKDOWNS if column in rows.columns]
    rows = rows.with_columns(col(*present).fill_null("_T"))
    register = indicators.select("indicator", "additive", "counted_by", register_unit="unit")
    cited = documents.select("document_id", document_publisher="publisher", document_language="language")
    rows = rows.join(register, on="indicator", how="left").join(cited, on="document_id", how="left")
    named = [polars.when(col(column) != "_T").then(lit(f"{column}=") + col(column)) for column in present]
    split = [(col(column) != "_T") & (col(column).n_unique().over("indicator") > 1) for column in present]
    is_total = ~polars.any_horizontal(*split, col("area") != "TJ") & col("value").is_not_null()
    year = col("period_start").dt.year()
    year_words = polars.when(period_type="year").then(lit("")).when(period_type="year_to_date").then(lit(" to date"))
    figure = polars.concat_str("indicator", lit(" "), "originator", lit(" "), year, year_words)
    return _bounded(rows, "said_on").with_columns(
        breakdown=polars.concat_str(named, separator="; ", ignore_nulls=True),
        days=(col("period_end") - col("period_start")).dt.total_days() + 1,
        fraction=col("value") % 1,
        printed_number=_plain_number("printed"),
        year=year,
        yearly=polars.when(is_total).then(figure),
        told_by=polars.when(col("originator") != col("counted_by")).then(
            polars.concat_str("counted_by", "originator", separator=" < ")
        ),
        other_unit=polars.when(col("unit") != col("register_unit")).then(
            polars.concat_str("indicator", "unit", separator=" in ")
        ),
    )


def _plain_number(column: str) -> polars.Expr:
    """A number printed as digits, with spaces, commas or points between thousands; null for anything else."""
    printed = col(column)
    plain = printed.str.contains(r"^[0-9]{1,3}([ ,.\x{a0}\x{202f}]?[0-9]{3})*$")
    return polars.when(plain).then(printed.str.replace_all("[^0-9]", "").cast(polars.Float64, strict=False))


def _floors_and_ceilings(claims: polars.DataFrame) -> tuple[polars.DataFrame, polars.DataFrame]:
    """The claims whose true number is at least, and at most, their value; the first under names for a join."""
    floors = claims.filter(col("qualifier").is_in(FLOORS), col("value").is_not_null())
    ceilings = claims.filter(col("qualifier").is_in(CEILINGS), col("value").is_not_null())
    return floors.with_columns(against="claim_id", other_value="value"), ceilings


def _nested_windows(claims: polars.DataFrame) -> polars.DataFrame:
    """Pairs of one originator's counts, the other window inside this one: it cannot hold more."""
    floors, ceilings = _floors_and_ceilings(claims.filter("additive"))
    inner = floors.with_columns(inner_start="period_start", inner_end="period_end", inner_language="language")
    by = ["indicator", "originator", "area", "breakdown"]
    both = ceilings.join(inner.select(*by, "against", "other_value", "^inner_.*$"), on=by)
    longer = (col("inner_start") > col("period_start")) | (col("inner_end") < col("period_end"))
    inside = (col("inner_start") >= col("period_start")) & (col("inner_end") <= col("period_end"))
    return both.filter(longer & inside).select(
        *PAIR,
        same_start=col("inner_start") == col("period_start"),
        same_language=col("inner_language") == col("language"),
    )


def _parts(claims: polars.DataFrame) -> polars.DataFrame:
    """Each total with each of its parts: the same window and document, split further or by PART_OF.

    `column` is the one column that splits them; null where several do, or where the part is another indicator.
    """
    columns = ["area", *(column for column in BREAKDOWNS if column in claims.columns)]
    floors, ceilings = _floors_and_ceilings(claims)
    part = floors.with_columns(col(column).alias(f"part_{column}") for column in columns).with_columns(
        whole=col("indicator").replace_strict(PART_OF, default=None)
    )
    same = ["originator", "period_start", "period_end", "document_id"]
    cells = ["against", "other_value", "^part_.*$"]
    split = [polars.when(col(column) != col(f"part_{column}")).then(lit(column)) for column in columns]
    fits = [
        (col(column) == ("TJ" if column == "area" else "_T")) | (col(column) == col(f"part_{column}"))
        for column in columns
    ]
    by = [*same, "indicator", "unit"]
    own = ceilings.join(part.select(*by, *cells), on=by).filter(col("claim_id") != col("against"), *fits)
    names = polars.concat_list(split).list.drop_nulls()
    own = own.with_columns(column=polars.when(names.list.len() == 1).then(names.list.first()))
    other = part.select(*same, "whole", *cells)
    other = ceilings.join(other, left_on=[*same, "indicator"], right_on=[*same, "whole"]).filter(fits)
    return polars.concat([own.filter(names.list.len() > 0), other], how="diagonal").select(*PAIR, "column")


def _sums(parts: polars.DataFrame) -> polars.DataFrame:
    """Each total with the sum of its parts along one column: they cannot overlap there."""
    summed = (
        parts.filter(col("column").is_not_null())
        .group_by("topic", "claim_id", "column", maintain_order=True)
        .agg(col("value").first(), col("other_value").sum(), col("against").sort().str.join(" + "), parts=polars.len())
    )
    return summed.filter(col("parts") > 1).select(*PAIR, "column")


def _following_years(claims: polars.DataFrame) -> polars.DataFrame:
    """Each whole-year count with the same originator's count of the year before."""
    years = claims.filter(col("value").is_not_null(), period_type="year")
    by = ["indicator", "unit", "originator", "area", "breakdown", "year"]
    before = years.select(*by, against="claim_id", other_value="value").with_columns(year=col("year") + 1)
    both = years.join(before, on=by).with_columns(larger=polars.max_horizontal("value", "other_value"))
    return both.select(*PAIR, "larger", times=col("larger") / polars.min_horizontal("value", "other_value"))
