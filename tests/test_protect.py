"""protect/: only what may leave becomes a PublicTable."""

from __future__ import annotations

from pathlib import Path

import polars
import pytest

from pipeline import errors, protect
from pipeline.records import Table

RULES = Path(__file__).resolve().parent.parent / "schemas" / "disclosure.yml"
COLUMNS = {
    "claim_id": "code", "sex": "code", "age_group": "code", "alleged_body": "code", "value": "see column unit",
    "unit": "code", "qualifier": "code", "note": "text",
}  # fmt: skip


def complaints(**cells: str | None) -> Table:
    """A table of one invented figure."""
    row = {"claim_id": "invented-2020", "sex": "_T", "age_group": "_T", "alleged_body": "_T", "value": "24",
           "unit": "complaint", "qualifier": "exact", "note": None} | cells  # fmt: skip
    fields = [{"name": name, "unit": unit} for name, unit in COLUMNS.items()]
    rows = polars.DataFrame({name: [row[name]] for name in COLUMNS}, schema=dict.fromkeys(COLUMNS, polars.String))
    return Table("complaints", {"fields": fields, "primaryKey": "claim_id"}, rows)


def refusal(table: Table) -> str:
    """What the gate says to this table."""
    with pytest.raises(errors.NotPublishable) as raised:
        protect.public_tables([table], RULES)
    return str(raised.value)


def test_an_aggregate_passes_unchanged() -> None:
    """A national figure about many people leaves as it is."""
    table = complaints()

    assert [public.table for public in protect.public_tables([table], RULES)] == [table]


def test_a_table_that_is_not_on_the_list_stays_in() -> None:
    """A register, or any table nobody allowed, is refused by name."""
    table = complaints()

    said = refusal(Table("register", table.schema, table.rows))

    assert "register" in said
    assert "not on the list of tables that may leave" in said


@pytest.mark.parametrize(
    "cells",
    [
        {"value": "1"},
        {"sex": "female", "age_group": "minor"},
        {"sex": "male", "alleged_body": "defence"},
        {"note": "Reported by Rustam Qodirzoda"},
        {"note": "по словам Каримовой и Собирова Рустама"},
        {"note": "со слов САФАРОВА"},
    ],
    ids=["single case", "children by sex", "conscripts by sex", "Latin name", "Russian name", "capitals"],
)
def test_what_points_at_people_is_refused_without_being_quoted(cells: dict[str, str]) -> None:
    """The refusal names the row and the rule and repeats no cell."""
    said = refusal(complaints(**cells))

    assert "complaints invented-2020" in said
    assert not any(word in said for cell in cells.values() for word in cell.split() if word[:1].isupper())


def test_a_floor_of_one_and_a_one_of_visits_may_leave() -> None:
    """Only exactly one of something that is a person or a case is a single case."""
    passed = protect.public_tables(
        [complaints(value="1", qualifier="at_least"), complaints(value="1", unit="visit")], RULES
    )

    assert len(passed) == 2


@pytest.mark.parametrize("left", ["1", "-1"])
def test_a_single_case_left_over_by_parts_is_refused(left: str) -> None:
    """What a total leaves to none of its parts is a figure like any other."""
    fields = [{"name": "partition_id", "unit": "code"}, {"name": "remainder", "unit": "see the unit of the indicator"}]
    rows = polars.DataFrame({"partition_id": ["parts-0", "parts-1"], "remainder": [left, "6"]})

    said = refusal(Table("partitions", {"fields": fields, "primaryKey": "partition_id"}, rows))

    assert ("parts-0: what the parts leave" in said, "parts-1" in said) == (True, False)
