"""Numbers in cells of tables, each read as the sentence that its headings make.

"Caption, heading of the row, heading of the column: number" goes to the readers of prose, or to a template of the
source. Without a template every word of caption and headings must be understood and the table be plain: labels on the
left, no part that hangs from the row above, no note that may change it, no cell over several columns, no two figures
that are one, printed totals that fit. Anything else is refused; which headings a cell has, grids.py and checks.py say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Final

from pipeline import lexicon
from pipeline.errors import UnreadableValue
from pipeline.extract import checks, people, prose, templates
from pipeline.extract.figures import Number
from pipeline.extract.tagging import Tagger
from pipeline.records import Block, Document, PrintedTable

_NUMBER: Final = re.compile(r"\d[\d\u00a0\u202f\u2009 .,]*")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_NUMBERED: Final = re.compile(r"(?:таблица|табл\.|ҷадвали?|table)\s*№?\s*[\d.]*\d[.:)]?\s*", re.IGNORECASE)
_NOTE: Final = re.compile(r"\s*(?:[*^†]|примеч|сноск|эзоҳ|note\b|в тыс)", re.IGNORECASE)
_NEAR: Final = 400


@dataclass(frozen=True, slots=True)
class _Cell:
    """A number of the body: its place, its headings, and what stops it."""

    line: int
    column: int
    start: int
    parts: tuple[str, ...]
    printed: str
    reason: str

    @property
    def sentence(self) -> str:
        """What its headings say of it."""
        return f"{', '.join(self.parts)}: {self.printed}"


def numbers(document: Document, table: int, language: str, said: date | None, own: Sequence[str] = ()) -> list[Number]:
    """Every number of one table in order; `heading` of a proposed one is the sentence that was read."""
    blocks = [block for block in document.blocks if block.table == table]
    grid = document.tables[table]
    found = {n.start: n for one in blocks
             for n in prose.numbers(document.text, language, said, (one.start, one.start + len(one.text)))}  # fmt: skip
    caption, around = _around(document, table)
    read: dict[int, Number] = {}
    columns: dict[int, int] = {}
    doubted: set[int] = set()  # rows in which a number was not understood: it may have belonged to those right of it
    for cell in _Table(grid, blocks, caption).cells():
        number = found.get(cell.start)
        if number is None or number.end - number.start != len(cell.printed.strip()):
            doubted.add(cell.line)
            continue
        seen = templates.cell(cell.sentence, number, own, language=language, said=said)
        reason = cell.reason or ("left_of_it_not_understood" if seen is None and cell.line in doubted else "")
        seen = _refused(number, reason) if reason else seen or _read(around, cell, number, language, said)
        if seen.decision != "proposed":
            doubted.add(cell.line)
        read[cell.start], columns[cell.start] = seen, cell.column
    _check(grid, read, columns)
    return [read.get(start) or (n if n.decision == "ignored" else _refused(n, "")) for start, n in found.items()]


def _read(around: tuple[str, str], cell: _Cell, number: Number, language: str, said: date | None) -> Number:
    """What the sentence of the headings says, for the number that ends it, between the texts around the table."""
    before, after = around
    if _NOTE.match(after):
        return _refused(number, "a_note_under_the_table")
    if not all(_known(part, language, said) for part in cell.parts):
        return _refused(number, "word_not_understood")
    text, sentence = f"{before}\n\n{cell.sentence}\n\n{after}", cell.sentence
    start = len(before) + 2
    end = start + len(sentence)
    told = prose.numbers(text, language, said, (start, end))
    counts = [n for n in told if n.decision != "ignored" or n.end == end]
    if any(n.reason == "footnote" for n in told):
        return _refused(number, "footnote")
    if len(counts) != 1 or counts[0].end != end or counts[0].decision != "proposed":
        return _refused(number, "numbers_in_headings" if len(counts) > 1 else counts[0].reason if counts else "")
    heading = people.masked(sentence, language)
    return replace(counts[0], printed=number.printed, start=number.start, end=number.end, sentence=number.sentence,
                   reason=f"table_{counts[0].reason}", heading=heading)  # fmt: skip


def _refused(number: Number, why: str) -> Number:
    """The number without a meaning: its headings do not give one."""
    reason = f"table_cell:{why}" if why else "table_cell"
    return Number(number.printed, number.start, number.end, number.sentence, "refused", reason, number.value,
                  number.qualifier)  # fmt: skip


def _check(grid: PrintedTable, read: dict[int, Number], columns: dict[int, int]) -> None:
    """Refuse what the table itself contradicts: totals that do not fit, two values for one figure."""
    wrong = {int(finding.row.rpartition("c")[2]) - 1 for finding in checks.totals(grid)}
    told: dict[tuple[object, ...], int] = {}
    for start, number in list(read.items()):
        if number.decision != "proposed":
            continue
        if columns[start] in wrong:
            read[start] = _refused(number, "total_does_not_fit")
        key = (number.indicator, number.period, number.area, tuple(sorted(number.breakdown.items())))
        if (other := told.setdefault(key, start)) != start:
            read[start] = _refused(number, "two_values_for_one_figure")
            read[other] = _refused(read[other], "two_values_for_one_figure")


@lru_cache(maxsize=4_096)
def _known(part: str, language: str, said: date | None) -> bool:
    """Whether every word of one heading is known: most tables are about something else, and stop here."""
    try:
        pieces = Tagger(part, 0, len(part), language, said).run()
    except UnreadableValue:
        return False
    return all(one.kind not in {"unknown", "stop"} for one in pieces)


def _around(document: Document, table: int) -> tuple[str, tuple[str, str]]:
    """The running text right before the table, then that before it and that right after it; "" for another table."""
    at = [place for place, block in enumerate(document.blocks) if block.table == table]
    if not at:
        return "", ("", "")
    first, last = at[0] - 1, at[-1] + 1
    blocks, start = document.blocks, document.blocks[at[0]].start
    caption = blocks[first].text if first >= 0 and blocks[first].table < 0 else ""
    after = blocks[last].text[:_NEAR] if last < len(blocks) and blocks[last].table < 0 else ""
    return caption, (document.text[max(0, start - _NEAR) : max(0, start - len(caption) - 1)], after)


class _Table:
    """One table: which rows are headings, which columns are labels."""

    def __init__(self, grid: PrintedTable, blocks: Sequence[Block], caption: str) -> None:
        heads, self.body = grid.rows[: grid.header], grid.rows[grid.header :]
        self.grid = grid
        titles = [row for row in heads if len({text for text in row if text}) == 1]
        self.heads = [row for row in heads if row not in titles]
        said = [caption, *(next(filter(None, row)) for row in titles)]
        self.caption = ", ".join(_NUMBERED.sub("", text.strip(), count=1).rstrip(" .:,") for text in said if text)
        self.begins = {block.at: block.start for block in blocks}
        width = len(grid.rows[0]) if grid.rows else 0
        ranks = {at for at in range(width) if self.head(at).casefold() in _words()["rank"]}
        counts = [at for at in range(width) if at not in ranks and any(map(_is_count, (row[at] for row in self.body)))]
        self.first = counts[0] if counts else 0
        self.labels = [at for at in range(self.first) if at not in ranks]
        self.counts = counts

    def head(self, column: int) -> str:
        """The headings of a column, from top to bottom; "Years" above a year says nothing."""
        told = dict.fromkeys(row[column] for row in self.heads if row[column])
        dated = any(map(_YEAR.search, told))
        return ", ".join(one for one in told if not (dated and one.casefold() in _words()["period"]))

    def cells(self) -> Iterator[_Cell]:
        """Each number of the body with its sentence."""
        closed = len(self.body) > 1 and self._is_section(self.body[-1])
        section = ""
        for line, row in enumerate(self.body):
            if self._is_section(row):
                section = next(filter(None, row))
                continue
            labels = [row[at] for at in self.labels]
            for column in self.counts:
                place = f"{self.grid.at} r{self.grid.header + line + 1} c{column + 1}"
                if not _NUMBER.fullmatch(row[column]) or place not in self.begins:
                    continue
                words = [self.caption, section, self._corner(labels), *labels, self.head(column)]
                parts = tuple(dict.fromkeys(" ".join(one.split()) for one in words if one.strip()))
                reason = "a_note_in_the_table" if closed else self._unclear(line, column, labels, section)
                yield _Cell(line, column, self.begins[place], parts, row[column], reason)

    def _unclear(self, line: int, column: int, labels: Sequence[str], section: str) -> str:
        """Why the headings of a cell may not be all that belongs to it, or ""."""
        row = self.body[line]
        if not labels or not all(labels):
            return "no_label"
        if any("*" in text or "†" in text for text in (*labels, self.head(column), self.caption)):
            return "footnote"
        if section and checks.is_total(labels[0]):
            return "total_of_what"
        if len(self.counts) > 1 and not self.head(column):
            return "no_heading"
        for down, across in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            if not (0 <= line + down < len(self.body) and 0 <= column + across < len(row)):
                continue
            place = f"{self.grid.at} r{self.grid.header + line + down + 1} c{column + across + 1}"
            if self.body[line + down][column + across] == row[column] and place not in self.begins:
                return "cell_over_several"
        return ""

    def _corner(self, labels: Sequence[str]) -> str:
        """The headings of the labels, without those that only say what kind of word a label is."""
        kept = []
        for at, label in zip(self.labels, labels, strict=True):
            head = self.head(at)
            kind = next((kind for kind, words in _words().items() if head.casefold() in words), "")
            dated = _YEAR.search(label) is not None
            if not (
                kind == "any" or (kind == "period" and dated) or (kind == "area" and not any(map(str.isdigit, label)))
            ):
                kept.append(head)
        return ", ".join(kept)

    def _is_section(self, row: Sequence[str]) -> bool:
        """A row that only names what follows."""
        told = {text for text in row if text}
        return len(row) > 1 and len(told) == 1 and not any(map(_is_count, told))


def _is_count(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None and not _YEAR.fullmatch(text)


@lru_cache(maxsize=1)
def _words() -> dict[str, frozenset[str]]:
    """table_words.csv: the headings that say nothing of a figure, by what they stand above."""
    return {row["kind"]: frozenset(row["words"].split("|")) for row in lexicon.rows("table_words.csv")}
