"""PDFs: the text of each page in paragraphs, and its tables, each by the engine that fits it.

A table with rules is found by pdfplumber. One without is looked for here (columns of white between lines) and
confirmed by camelot, where that is installed and sees the same columns; otherwise it is refused, not guessed. The
letters in a cell always come from print.py, so that a raised 1 is not a digit. A table that goes on over the page
break is one table, its repeated headings given once.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from typing import Any, Final

import pdfplumber
import pypdfium2
from pdfminer.pdftypes import PDFObjRef, resolve1
from pypdfium2 import raw

from pipeline.extract import unruled
from pipeline.extract.draft import Draft, Rows
from pipeline.extract.grids import header_rows
from pipeline.extract.print import Box, Letter, cell_text, letters, paragraphs, segments
from pipeline.extract.refusals import RefusedError

_MOST_PAGES: Final = 2_000
_NEAR: Final = 3.0
_CAMELOT: Final = importlib.util.find_spec("camelot") is not None


@dataclass
class Found:
    """A table on a page, before the pages are put together."""

    page: int
    box: Box
    engine: str
    rows: Rows
    own: list[set[int]]
    whites: list[tuple[float, float]]  # where its columns part
    first: bool = False
    last: bool = False


def read(body: bytes, draft: Draft, path: str) -> None:
    """Write the document into the draft; `path` leads to the same bytes.

    Raises: RefusedError for a document that is locked, circular, or not text.
    """
    try:
        document = pypdfium2.PdfDocument(body)
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower() or "security" in str(error).lower()
        raise RefusedError("E_ENCRYPTED" if locked else "E_BAD_PDF", "a PDF that does not open") from None
    if raw.FPDF_GetSecurityHandlerRevision(document) != -1:
        raise RefusedError("E_ENCRYPTED", "an encrypted PDF")
    with pdfplumber.open(BytesIO(body)) as plumbed:
        _check_tree(plumbed.doc.catalog.get("Pages"))
        if not 0 < len(document) <= _MOST_PAGES:
            raise RefusedError("E_BAD_PDF", f"{len(document):,} pages")
        pages = [_page(document[number - 1], plumbed, number, path, draft) for number in range(1, len(document) + 1)]
    if not any(found for found, _ in pages):
        raise RefusedError("E_NO_TEXT", f"{len(pages)} pages without a letter")
    _continued([tables for _, tables in pages])
    for number, (found, tables) in enumerate(pages, 1):
        _write(number, found, tables, draft)


def _check_tree(root: Any) -> None:
    """Raise RefusedError where pages contain themselves: readers stop there and say nothing."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, PDFObjRef):
            if node.objid in seen:
                raise RefusedError("E_BAD_PDF", "pages that contain themselves or stand twice")
            seen.add(node.objid)
        kids = resolve1((resolve1(node) or {}).get("Kids") or [])
        waiting += kids if isinstance(kids, list) else []
        if len(seen) > 10 * _MOST_PAGES:
            raise RefusedError("E_BAD_PDF", "too many pages")


def _page(
    page: pypdfium2.PdfPage, plumbed: Any, number: int, path: str, draft: Draft
) -> tuple[list[Letter], list[Found]]:
    """The letters of a page and the tables on it, from top to bottom."""
    frame: Box = plumbed.pages[number - 1].mediabox  # pdfium does not look for an inherited one
    if page.get_rotation() in (90, 270):
        frame = frame[1], frame[0], frame[3], frame[2]  # pdfplumber has turned it already
    found = letters(page, number, frame)
    if not found:
        draft.notice("W_NO_TEXT", f"p. {number}", "a page without text, perhaps a picture of it", "Look at the page")
        return [], []
    tables = []
    if any(True for _ in page.get_objects(filter=(raw.FPDF_PAGEOBJ_PATH,), max_depth=3)):
        tables = [table for one in plumbed.pages[number - 1].find_tables() if (table := _ruled(one, found, number))]
    outside = [letter for letter in found if not any(inside(letter, table.box) for table in tables)]
    tables = [table for table in tables if not _is_open(table, outside)]
    rest = [letter for letter in found if not any(inside(letter, table.box) for table in tables)]
    seen = unruled.regions(rest)
    known = seen and _CAMELOT and not page.get_rotation()
    engines = unruled.confirmed(seen, number, frame[3], path) if known else [""] * len(seen)
    for region, engine in zip(seen, engines, strict=True):
        if engine:
            tables.append(Found(number, region.box, engine, *unruled.rows(region), region.whites))
        else:
            draft.notice("E_UNRULED", _place(number, region.box), "a table without rules was not read as a table",
                         "Read it by eye: no engine agrees" if _CAMELOT else "Install the [pdf] extra")  # fmt: skip
    tables.sort(key=lambda one: one.box[1])
    free = [one for one in rest if not any(inside(one, table.box) for table in tables)]
    body_runs = [run for run in segments(free) if len(run) > 3]  # a page number is not text above or below
    if tables:
        tables[0].first = not any(run[0].top < tables[0].box[1] for run in body_runs if run[0].top > 60)
        tables[-1].last = not any(
            run[0].bottom > tables[-1].box[3] for run in body_runs if run[0].bottom < page.get_height() - 60
        )
    return found, tables


def inside(letter: Letter, box: Box) -> bool:
    """Whether the middle of a letter lies in a box."""
    across, down = (letter.left + letter.right) / 2, (letter.top + letter.bottom) / 2
    return box[0] <= across <= box[2] and box[1] <= down <= box[3]


def _ruled(table: Any, found: Sequence[Letter], number: int) -> Found | None:
    """A table of ruled cells on its grid, a spanning cell in each place it covers; None for a mere frame."""
    cells: list[Box] = table.cells
    lefts, tops = _edges(cell[0] for cell in cells), _edges(cell[1] for cell in cells)
    if len(lefts) < 2 or len(tops) < 2:
        return None
    near = [letter for letter in found if inside(letter, table.bbox)]
    rows = [["" for _ in lefts] for _ in tops]
    own: list[set[int]] = [set() for _ in tops]
    covered = [[False for _ in lefts] for _ in tops]
    for cell in cells:
        held = [letter for letter in near if inside(letter, cell)]
        text = cell_text(held)
        if unruled.is_stack(text) or unruled.regions(held):
            return None  # the rules frame rows or columns that they do not part
        down = [at for at, top in enumerate(tops) if cell[1] - _NEAR <= top < cell[3] - _NEAR]
        across = [at for at, left in enumerate(lefts) if cell[0] - _NEAR <= left < cell[2] - _NEAR]
        if not (down and across):
            continue  # a sliver between two rules
        for line in down:
            rows[line][across[0] : across[-1] + 1] = [text] * len(across)
            covered[line][across[0] : across[-1] + 1] = [True] * len(across)
        own[down[0]].add(across[0])
    ends = [*lefts[1:], table.bbox[2]], [*tops[1:], table.bbox[3]]
    for line, top in enumerate(tops):
        for column, left in enumerate(lefts):
            if not covered[line][column]:  # a cell that no rule closes, at the rim or between shaded rows
                box = (left, top, ends[0][column], ends[1][line])
                rows[line][column] = cell_text(letter for letter in near if inside(letter, box))
                own[line].add(column)
    if sum(1 for row in rows for text in row if text) < 3:
        return None
    return Found(
        number,
        table.bbox,
        "pdfplumber lines",
        rows,
        own,
        [(left - _NEAR, left + _NEAR) for left in (*lefts, table.bbox[2])],
    )


def _is_open(table: Found, outside: Sequence[Letter]) -> bool:
    """Whether letters stand beside most rows: its outer rules are missing, only its middle was seen."""
    beside = {round(one.base) for one in outside if table.box[1] < one.base < table.box[3]}
    return len(beside) >= 0.5 * len(table.rows)


def _edges(places: Iterator[float]) -> list[float]:
    """Where columns or rows begin; two edges nearer than a few points are one."""
    edges: list[float] = []
    for place in sorted(places):
        if not edges or place - edges[-1] > _NEAR:
            edges.append(place)
    return edges


def _continued(pages: Sequence[list[Found]]) -> None:
    """Join a table that opens a page to the one that closed the page before, if their columns stand in line."""
    for before, after in pairwise(pages):
        if not (before and after and before[-1].last and after[0].first):
            continue
        above, below = before[-1], after[0]
        if len(above.whites) != len(below.whites) or not all(
            one[0] <= two[1] and two[0] <= one[1] for one, two in zip(above.whites, below.whites, strict=True)
        ):
            continue
        repeated = 0
        while repeated < min(5, len(above.rows), len(below.rows)) and above.rows[repeated] == below.rows[repeated]:
            repeated += 1
        above.rows += below.rows[repeated:]
        above.own += below.own[repeated:]
        below.rows, below.own = above.rows, above.own  # so that a third page is joined as well
        after[0] = above


def _write(number: int, found: Sequence[Letter], tables: Sequence[Found], draft: Draft) -> None:
    """One page: its paragraphs in the order of the file, each table before the first paragraph below it."""
    boxes = [table.box for table in tables]
    free = [letter for letter in found if not any(inside(letter, box) for box in boxes)]
    waiting = list(tables)
    for box, text in paragraphs(free):
        while waiting and waiting[0].box[1] < box[1]:
            _tabulate(number, waiting.pop(0), draft)
        draft.say(text, f"p. {number}")
    for table in waiting:
        _tabulate(number, table, draft)


def _tabulate(number: int, table: Found, draft: Draft) -> None:
    if table.page == number:
        draft.claim(sum(map(len, table.rows)))
        at = _place(number, table.box)
        draft.tabulate(table.rows, at, table.engine, header_rows(table.rows), table.own, page=number)


def _place(number: int, box: Box) -> str:
    return "p. {} [{:.0f}, {:.0f}, {:.0f}, {:.0f}]".format(number, *box)
