"""assemble.py: each claim lands in the table of its indicator's topic, or is a finding."""

from __future__ import annotations

from dataclasses import replace

from pipeline import assemble
from pipeline.records import Ledger, Row


def schema(*columns: str, key: str) -> dict[str, object]:
    """A Table Schema of text columns."""
    return {"fields": [{"name": column} for column in columns], "primaryKey": key}


SCHEMAS = {
    "complaints": schema("claim_id", "version", "indicator", "sex", "value", "recorded_on", "status", key="claim_id"),
    "training": schema("claim_id", "version", "indicator", "value", "recorded_on", "status", key="claim_id"),
    "milestones": schema("milestone_id", "status", key="milestone_id"),
    "documents": schema("document_id", key="document_id"),
    "captures": schema("capture_sha256", "captured_at", key="capture_sha256"),
    "code_list": schema("code", "title_en", key="code"),
    "topics": schema("code", key="code"),
    "indicators": schema("indicator", "topic", key="indicator"),
}


def claim(**cells: str) -> Row:
    """One invented claim."""
    return {"claim_id": "a", "indicator": "heard", "sex": "_T", "value": "3", "status": "current",
            "version": "1", "recorded_on": "2026-11-24", "capture_sha256": ""} | cells  # fmt: skip


def ledger_of(*claims: Row, **codes: tuple[Row, ...]) -> Ledger:
    """A ledger of these claims, with two topics and an indicator in each."""
    lists = {
        "topics": ({"code": "complaints"}, {"code": "training"}),
        "indicators": ({"indicator": "heard", "topic": "complaints"}, {"indicator": "taught", "topic": "training"}),
    }
    return Ledger(claims, (), (), lists | codes, {}, {}, ())


def test_claims_are_placed_by_topic_and_sorted_by_key() -> None:
    """Each topic gets its claims, sorted, with empty cells as null."""
    book = ledger_of(claim(claim_id="b", value=""), claim(claim_id="a"), claim(claim_id="c", indicator="taught"))

    tables, findings = assemble.tables(book, SCHEMAS)
    by_name = {table.name: table.rows for table in tables}

    assert by_name["complaints"]["claim_id"].to_list() == ["a", "b"]
    assert by_name["complaints"]["value"].to_list() == ["3", None]
    assert by_name["training"]["claim_id"].to_list() == ["c"]
    assert findings == []


def test_only_current_claims_are_published() -> None:
    """The highest version of a claim is published alone, and nothing of it once that one is withdrawn."""
    book = ledger_of(
        claim(), claim(version="2", status="withdrawn"),
        claim(claim_id="b", version="9"), claim(claim_id="b", version="10", value="4"),
    )  # fmt: skip

    tables, _ = assemble.tables(book, SCHEMAS)

    assert tables[0].rows.select("claim_id", "value").rows() == [("b", "4")]


def test_a_claim_of_an_unknown_indicator_is_reported_not_dropped() -> None:
    """What fits no table is a grave finding with the claim's key."""
    _, findings = assemble.tables(ledger_of(claim(indicator="unheard")), SCHEMAS)

    assert [(one.check, one.row, one.severity) for one in findings] == [("unknown-indicator", "a", "grave")]


def test_a_breakdown_the_table_lacks_is_reported() -> None:
    """A breakdown is never squeezed into a table that cannot show it."""
    _, findings = assemble.tables(ledger_of(claim(indicator="taught", sex="female")), SCHEMAS)

    assert [(one.check, one.table, one.field) for one in findings] == [("misplaced-breakdown", "training", "sex")]


def test_a_column_the_schema_of_a_code_list_lacks_is_reported() -> None:
    """Nothing of a code list vanishes unseen."""
    book = ledger_of(sex=({"code": "female", "title_en": "Female", "colour": "blue"},))

    _, findings = assemble.tables(book, SCHEMAS)

    assert [(one.check, one.table, one.field) for one in findings] == [("unknown-column", "sex", "colour")]


def test_code_lists_keep_the_order_their_editor_gave_them() -> None:
    """The total stands first because someone put it first."""
    book = ledger_of(sex=({"code": "female", "title_en": "Female"}, {"code": "_T", "title_en": "All"}))

    tables, _ = assemble.tables(book, SCHEMAS)

    assert tables[-1].rows["code"].to_list() == ["female", "_T"]


def test_only_captures_that_a_claim_rests_on_are_published_each_once() -> None:
    """What was looked at in vain, or for a claim that has gone, is nobody's evidence; the first capture stands."""
    proofs = tuple(
        {"claim_id": name, "capture_sha256": sha256, "captured_at": at}
        for name, sha256, at in [("a", "1f", "2026-03"), ("b", "1f", "2026-01"), ("c", "2f", "2026-01"), ("d", "", "x")]
    )
    book = replace(ledger_of(claim(capture_sha256="1f"), claim(claim_id="b")), evidence=proofs)
    captures = next(table for table in assemble.tables(book, SCHEMAS)[0] if table.name == "captures")

    assert captures.rows.rows() == [("1f", "2026-01")]
