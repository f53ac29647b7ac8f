"""What a read table says against itself: totals that are no sums, cells that would run, letters that pose as others.

Takes nouns, gives findings, changes nothing; no finding quotes a cell. Whether a number can be read is said by
values.py, whether a period can by periods.py.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from pipeline import errors, tajik, values
from pipeline.records import Document, Finding, PrintedTable

_TOTAL: Final = re.compile(r"\W*(?:итого|всего|ҳамагӣ|њамагї|ҷамъ|љамъ|total)\b", re.IGNORECASE)
_PART: Final = re.compile(r"\W*(?:из них|в том числе|в т\. ?ч|аз онҳо|аз ҷумла|of wh|including|incl)", re.IGNORECASE)
_RUNS: Final = re.compile(r"\s*(?:[=@|]|[+-][^\W\d_])")
_MIXED: Final = re.compile("[a-z][\u0400-\u052f]|[\u0400-\u052f][a-z]|\\d[оoзl]\\b|\\b[оol]\\d", re.IGNORECASE)
_HARMLESS: Final = "\u00ad\u200c\u200d"  # hyphens and joiners that change no letter


def findings(document: Document) -> list[Finding]:
    """What to look at in the tables of a document: E_TOTALS, E_FORMULA_LIKE, E_CONFUSABLE; places, never cells."""
    found = []
    for table in document.tables:
        found += totals(table)
        cells = [(f"r{line} c{at}", text) for line, row in enumerate(table.rows, 1) for at, text in enumerate(row, 1)]
        for check, odd, sentence, cure in (
            ("E_FORMULA_LIKE", _would_run, "{} cells that a spreadsheet would run", "Read them by eye, publish none"),
            ("E_CONFUSABLE", _poses, "{} cells with signs that pose as others", "Look at the letters, type by hand"),
        ):
            places = [place for place, text in cells if odd(text)]
            if places:
                found.append(Finding(check, "grave", table.at, places[0], sentence.format(len(places)), cure))
    return found


def totals(table: PrintedTable) -> list[Finding]:
    """E_TOTALS for each column whose printed total is not the sum of the rows it closes, or opens.

    A total closes the rows since the headings or the total before it; a lone one in the first row opens all others.
    Rows that tell a part of the row above ("из них", "of whom") are not added. A column with a cell that is no plain
    number is not judged, nor one that holds years.
    """
    ends = [line for line, row in enumerate(table.rows) if line >= table.header and _TOTAL.match(row[0])]
    opens = ends == [table.header]
    found = []
    for place, end in enumerate(ends):
        start = end + 1 if opens else ends[place - 1] + 1 if place else table.header
        rows = table.rows[start : None if opens else end]
        parts = [row for row in rows if not _PART.match(row[0])]
        for column in range(1, len(table.rows[0])) if len(parts) > 1 else ():
            total, numbers = _number(table.rows[end][column]), [_number(row[column]) for row in parts]
            known = [number for number in numbers if number is not None]
            if total is not None and len(known) == len(numbers) and sum(known) != total:
                at, sentence = f"r{end + 1} c{column + 1}", "a printed total is not the sum of its column"
                cure = "Compare with the page: a row was misread, or the source adds otherwise"
                found.append(Finding("E_TOTALS", "notice", table.at, at, sentence, cure))
    return found


def is_total(label: str) -> bool:
    """Whether a row with this label closes rows with their sum."""
    return _TOTAL.match(label) is not None


def _number(text: str) -> int | None:
    """The number of a cell; 0 for a place that says there is none, None for what is not plain."""
    try:
        count = values.read_count(text, "ru")
    except errors.NotPublished:
        return 0
    except errors.UnreadableValue:
        return None
    return count.value if count.qualifier == "exact" else None


def _would_run(text: str) -> bool:
    return bool(_RUNS.match(unicodedata.normalize("NFKC", text)))


def _poses(text: str) -> bool:
    posing = _MIXED.search(text) and _MIXED.search(tajik.unicode_text(text).text)
    return bool(posing) or any(unicodedata.category(one) == "Cf" and one not in _HARMLESS for one in text)
