"""The views of statistics.db: every claim in one list, with labels beside the codes.

`claims` are those of every topic that stand now, `claim_versions` all that ever stood; `claims_ru`, `claims_tg` and so
on are the same rows in Russian and Tajik.
Made from the Table Schemas, so that a new breakdown column reaches it with no one's help. The named queries of
metadata.yml select from it, and so may anyone who downloads the database. front.sql chooses what the first page shows.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pipeline.records import PublicTable
from pipeline.wording import LANGUAGES

Schema = Mapping[str, Any]

# The order in which a claim is shown: what is said, who says it, about when, where to check, then the codes.
COLUMNS: Final = """\
c.value, c.qualifier, u.title_en AS unit_name, i.title_en AS indicator_title, c.broken_down_by,
o.title_en AS originator_name, c.period_words, c.period_start, c.period_end, c.printed, c.locator, d.url,
p.title_en AS publisher_name, d.title AS document_title, c.said_on, c.note, a.title_en AS area_name, c.missing_reason,
c.period_type, c.period_assumed, t.title_en AS topic_title, c.topic, c.indicator, c.unit, c.originator, c.publisher,
c.area, c.language, c.document_id, c.claim_id"""
LABELS: Final = """\
LEFT JOIN indicators AS i ON i.indicator = c.indicator LEFT JOIN units AS u ON u.code = c.unit
LEFT JOIN bodies AS o ON o.code = c.originator LEFT JOIN bodies AS p ON p.code = c.publisher
LEFT JOIN areas AS a ON a.code = c.area LEFT JOIN topics AS t ON t.code = c.topic
LEFT JOIN documents AS d ON d.document_id = c.document_id"""
COMMON: Final = """\
claim_id, indicator, area, period_start, period_end, period_type, period_words, period_assumed, value, unit, qualifier,
printed, missing_reason, originator, publisher, language, document_id, locator, said_on, note"""
STOOD: Final = "version, status, recorded_on, superseded_on"
SHOWN_FIRST: Final = frozenset(
    {"complaints", "monitoring_visits", "prosecutions", "vintages", "conflicts", "conflict_claims", "documents"}
)
LABELLED: Final = frozenset({"indicators", "units", "bodies", "areas", "topics", "documents"})


def all_views(public: Sequence[PublicTable]) -> str:
    """Every CREATE VIEW, to be run as one script: claims and claim_versions in each language, if they can be made."""
    made = [view(public, language) for language in LANGUAGES for view in (claims, versions)]
    return ";\n".join(filter(None, made))


def front(public: Sequence[PublicTable]) -> str:
    """The script of front.sql, or "" for a package that lacks what it asks."""
    return (Path(__file__).with_name("front.sql").read_text(encoding="utf-8")) if _names(public) >= SHOWN_FIRST else ""


def claims(public: Sequence[PublicTable], language: str = "en") -> str:
    """CREATE VIEW claims, or "" for a package that has no claims or lacks the lists that label them.

    Shape: `broken_down_by` tells the breakdowns in words, such as "sex: women; form: written", "" for a total.
    """
    topics = {one.name: one.table.schema for one in public if one.table.schema["primaryKey"] == "claim_id"}
    if not topics or not _names(public) >= LABELLED:
        return ""
    rows = "\nUNION ALL\n".join(_bare(name, schema, f"'{name}' AS topic", language) for name, schema in topics.items())
    columns = _labelled(COLUMNS, language)
    name = f"claims{_suffix(language)}"
    return f"CREATE VIEW {name} AS\nSELECT {columns}\nFROM (\n{textwrap.indent(rows, '  ')}\n) AS c\n{LABELS}"


def versions(public: Sequence[PublicTable], language: str = "en") -> str:
    """CREATE VIEW claim_versions, the columns of claims and when each version stood; "" where there is no history."""
    history = next((one.table.schema for one in public if one.name == "vintages"), None)
    if history is None or not _names(public) >= LABELLED:
        return ""
    rows = _bare("vintages", history, f"topic, {STOOD}", language)
    columns = ", ".join([_labelled(COLUMNS, language), *(f"c.{column}" for column in STOOD.split(", "))])
    return f"CREATE VIEW claim_versions{_suffix(language)} AS\nSELECT {columns}\nFROM (\n{rows}\n) AS c\n{LABELS}"


def _names(public: Sequence[PublicTable]) -> set[str]:
    return {one.name for one in public}


def _suffix(language: str) -> str:
    return "" if language == "en" else f"_{language}"


def _labelled(sql: str, language: str) -> str:
    return sql.replace("title_en", f"title_{language}")


def _bare(table: str, schema: Schema, topic: str, language: str) -> str:
    """The rows of one table of claims in the columns common to all, its breakdowns told in words."""
    parts = "\n|| ".join(_breakdown(field, schema["foreignKeys"], language) for field in _breakdowns(schema["fields"]))
    return f"SELECT {topic}, {COMMON},\nsubstr({parts}, 3) AS broken_down_by\nFROM {table} AS c"


def _breakdown(field: Schema, keys: Iterable[Schema], language: str) -> str:
    """One breakdown in words, such as "; sex: women"; nothing for _T, nor for a body that counts what it received."""
    name = field["name"]
    lists = next(key["reference"]["resource"] for key in keys if key["fields"] in (name, [name]))
    not_a_part = "'_T', c.originator" if lists == "bodies" else "'_T'"
    label = f"SELECT title_{language} FROM {lists} AS l WHERE l.code = c.{name} AND l.code NOT IN ({not_a_part})"  # noqa: S608
    return f"coalesce('; {field['labels'][language].lower()}: ' || ({label}), '')"


def _breakdowns(fields: Sequence[Schema]) -> Sequence[Schema]:
    """The columns between the period and the value: contract of every claim table."""
    names = [field["name"] for field in fields]
    return fields[names.index("period_assumed") + 1 : names.index("value")]
