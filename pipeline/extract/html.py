"""Web pages: what a reader sees, block by block, and each table on the grid that a browser would draw.

Left out: whatever a browser does not show (scripts, `hidden`, display:none, a select's options). White space is
collapsed as a browser does, a no-break space stays, `<br>` and inner blocks make a line break, `<sup>` follows a "^"
and `<sub>` a "_", so that 52¹ never becomes 521. A table that holds a table is layout: its cells are running text.

selectolax mends the markup as browsers do and marks what is hidden; the walk goes over the mended markup, tag by tag,
which is several times faster than going from node to node.
"""

from __future__ import annotations

import re
from html import unescape
from itertools import accumulate
from operator import sub
from typing import Final, NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from pipeline.extract import styles
from pipeline.extract.draft import Draft
from pipeline.extract.grids import Span, header_rows, laid
from pipeline.extract.refusals import DEEPEST, RefusedError
from pipeline.extract.styles import MARK

_BLOCKS: Final = frozenset(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure"
    " footer form h1 h2 h3 h4 h5 h6 header legend li main menu nav ol p pre section summary table tbody td tfoot th"
    " thead tr ul".split()
)
_UNSEEN: Final = frozenset(
    "template noscript title select datalist textarea svg math object video audio canvas".split()
)
_VOID: Final = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_PARTS: Final = frozenset(("thead", "tbody", "tfoot", "tr", "td", "th"))
_ATTRS: Final = r"(?:\s(?:[^\">]++|\"[^\"]*+\")*+)?"
_ROW: Final = r"((?:\s*+<t[dh]>[^<]*+</t[dh]>)++\s*+)</tr>"
_TOKEN, _NO_ROW = (
    re.compile(
        rf"<!--.*?-->|<(script|style|iframe|noembed|noframes|xmp)\b.*?</\1>|<tr>{row}"
        rf"|<([a-z][^\s/>]*)({_ATTRS})>([^<]*)</\3>|<(/?)([a-zA-Z][^\s/>]*)({_ATTRS})>",
        re.DOTALL,
    )
    for row in (_ROW, "((?!))")
)
_CELL: Final = re.compile("<t([dh])>([^<]*)<")
# Elements that change neither text nor grid, unless they are marked.
_PLAIN: Final = "a b i em strong span font u s small big abbr cite q label time code mark ins del tt nobr o:p".split()
_PLAIN_TAG: Final = re.compile(rf"</?(?:{'|'.join(_PLAIN)}){_ATTRS}>")
_ODD_NAME: Final = re.compile(r"<[a-zA-Z][^\s/><]*<")  # "a<b<em>" makes an element named "b<em"
# An end tag of these may be missing without nesting what follows.
_FLAT: Final = (
    "p|li|d[td]|t[dhr]|tbody|thead|tfoot|option|optgroup|colgroup|r[pt]|area|base|br|col|embed|hr|img|input|link|meta"
    "|param|source|track|wbr|html|head|body"
)
_DEEPENING: Final = re.compile(rf"<(/?)(?!(?:{_FLAT})[\s/>])[a-z]".encode(), re.IGNORECASE)
_RAW: Final = re.compile(
    rb"<!--(?:.*?-->|.*)|<(script|style|textarea|title)\b(?:.*?</\1|.*)", re.IGNORECASE | re.DOTALL
)
_SPACE: Final = re.compile(r"[ \t\n\r\f]+")
_UNEVEN: Final = re.compile(r"[\t-\r]|  ")
_LINES: Final = re.compile(r" *\x0b[ \x0b]*")
_BROKEN: Final = "\x0b"
_PIECE: Final = 4_096


def read(marked: str, draft: Draft) -> None:
    """Write the page into the draft. Raises: RefusedError for a page nested or spanned beyond reason."""
    check_depth(marked.encode("utf-8", "replace"))
    tree = LexborHTMLParser(marked)
    if tree.body is not None:
        tags = styles.mark(tree)
        _mark_layout(tree)
        markup = tree.body.html or ""
        if not tags.intersection(_PLAIN) and not _ODD_NAME.search(markup):
            markup = _PLAIN_TAG.sub("", markup)
        _Walk(draft).page(markup)


def check_depth(body: bytes) -> None:
    """Raise RefusedError for more than 500 open elements: the parser takes quadratic time for such."""
    shown = _RAW.sub(b"", body)
    if _is_shallow(shown):
        return
    heights = list(accumulate(-1 if end else 1 for end in _DEEPENING.findall(shown)))
    if max(map(sub, heights, accumulate(heights, min, initial=0)), default=0) > DEEPEST:
        raise RefusedError("E_DEPTH", f"more than {DEEPEST} elements inside one another")


def _is_shallow(body: bytes) -> bool:
    """Whether tags that begin never outnumber those that end by much, looked at piece by piece."""
    height = 0
    for start in range(0, len(body), _PIECE):
        begun_or_ended, ended = body.count(b"<", start, start + _PIECE), body.count(b"</", start, start + _PIECE)
        if height + begun_or_ended - ended > DEEPEST:
            return False
        height = max(height + begun_or_ended - 2 * ended, 0)
    return True


class _Row(NamedTuple):
    """A row before it is laid."""

    cells: list[Span]
    folded: bool
    blank: bool


class _Table:
    """An open table: its groups of rows in the order of the file."""

    def __init__(self, at: str, before: list[str]) -> None:
        self.at, self.before = at, before  # its place, and the open text that it interrupts
        self.groups: list[tuple[str, list[_Row]]] = []
        self.group = ""  # the attributes of the open group of rows
        self.cell = ""  # and of the open cell

    def lay(self, draft: Draft) -> None:
        """On the grid: the first thead above all, the first tfoot below all, as browsers draw them."""
        for name, place in (("thead", 0), ("tfoot", len(self.groups))) if len(self.groups) > 1 else ():
            first = next((group for group in self.groups if group[0] == name), None)
            if first:
                self.groups.remove(first)
                self.groups.insert(place, first)
        rows, own = laid([[row.cells for row in group] for _, group in self.groups], draft)
        lines = [(name, row) for name, group in self.groups for row in group]
        if any(row.folded for _, row in lines):  # a folded row takes part, unseen
            shown = [at for at, (_, row) in enumerate(lines) if not row.folded]
            lines, rows, own = [lines[at] for at in shown], [rows[at] for at in shown], [own[at] for at in shown]
        if rows and rows[0]:
            heads = 0
            for name, row in lines:
                if name != "thead" and not (row.cells and all(cell.head for cell in row.cells)):
                    break
                heads += 1
            draft.tabulate(rows, self.at, "selectolax", heads % len(rows) or header_rows(rows), own)


class _Walk:
    """One pass over the mended markup."""

    def __init__(self, draft: Draft) -> None:
        self.draft, self.counts = draft, draft.counts
        self.pieces: list[str] = []
        self.blocks = [("body", 1)]
        self.table: _Table | None = None
        self.in_cell = False
        self.hidden = False
        # raised, lowered and preformatted text: its tag, how often that is open, its mark, the text before it
        self.open: list[tuple[str, list[int], str, list[str]]] = []

    def page(self, markup: str) -> None:
        """Walk the whole page."""
        self.walk(_TOKEN, markup)
        self.flush()
        if self.hidden:
            self.draft.notice("W_HIDDEN", "page", "rows or cells of a table that the page hides were left out",
                              "Look at the page's source if a total does not fit")  # fmt: skip

    def walk(self, token: re.Pattern[str], markup: str) -> None:
        """One tag after another; a row of plain cells, of which tables are mostly made, at once."""
        tokens = token.split(markup)
        counts, skipped, depth = self.counts, "", 0
        parts = (tokens[start::9] for start in range(2, 10))
        for row, leaf, leaf_attrs, inner, end, tag, attrs, text in zip(*parts, strict=True):
            if row:
                if not skipped and (self.table is None or self.open):
                    self.walk(_NO_ROW, f"<tr>{row}</tr>")
                elif skipped != "template":
                    self.row(row, seen=not skipped)
            elif leaf:
                if skipped != "template":
                    counts[leaf] = counts.get(leaf, 0) + 1
                if not skipped and leaf not in _UNSEEN:
                    self.leaf(leaf, leaf_attrs, inner)
            elif tag:
                if not end and skipped != "template":
                    counts[tag] = counts.get(tag, 0) + 1
                if skipped:
                    if tag == skipped:
                        depth += -1 if end else 1
                    if depth:
                        continue
                    skipped = ""
                elif end:
                    self.close(tag)
                elif tag in _UNSEEN or (MARK in attrs and self.unseen(tag, attrs)):
                    skipped, depth = tag, 1
                    continue
                else:
                    self.start(tag, attrs)
            if text and not skipped:
                self.pieces.append(text)

    def row(self, row: str, *, seen: bool) -> None:
        """A row of cells without attributes or elements; it is counted even where it is not seen."""
        counts = self.counts
        counts["tr"] = counts.get("tr", 0) + 1
        for tag in ("th", "td"):
            if number := row.count(f"<{tag}>"):
                counts[tag] = counts.get(tag, 0) + number
        if seen and self.table is not None:
            group = self.table.group
            fold, blank = (_marked(group, "fold"), _marked(group, "blank")) if group else (False, False)
            cells = [Span("" if fold or blank else text if text.isalnum() else _collapsed([text]), 1, 1, kind == "h")
                     for kind, text in _CELL.findall(row)]  # fmt: skip
            self.table.groups[-1][1].append(_Row(cells, fold, blank))
            self.pieces = []

    def leaf(self, tag: str, attrs: str, text: str) -> None:
        """An element that holds text alone: begun and ended at once."""
        if MARK in attrs and self.unseen(tag, attrs):
            return
        if tag in ("sup", "sub") and not self.open:
            if raised := _collapsed([text]):
                self.pieces.append(("^" if tag == "sup" else "_") + raised.replace("&", "&amp;"))
        elif self.open or tag == "pre" or tag not in _BLOCKS:
            self.start(tag, attrs)
            self.pieces.append(text)
            self.close(tag)
        elif self.table is not None and tag in _PARTS:
            if tag in ("td", "th"):
                self.table.cell, self.pieces = attrs, [text]
                self.cell(tag)
            else:
                self.part(tag, attrs)
        else:
            self.flush()
            self.blocks.append((tag, self.counts[tag]))
            self.pieces.append(text)
            self.flush()
            self.blocks.pop()

    def unseen(self, tag: str, attrs: str) -> bool:
        """Whether a marked element is passed over; parts of a table that are only drawn blank keep their place."""
        gone, fold = _marked(attrs, "gone"), _marked(attrs, "fold")
        if self.table is not None and tag in _PARTS:
            self.hidden |= gone or (fold and tag not in ("td", "th"))
            return gone
        return (gone or fold or _marked(attrs, "blank")) and tag not in _VOID

    def start(self, tag: str, attrs: str) -> None:
        """An element begins."""
        if tag in _BLOCKS:
            if self.table is not None and tag in _PARTS:
                self.part(tag, attrs)
                return
            self.flush()
            self.blocks.append((tag, self.counts[tag]))
            if tag == "table" and not _marked(attrs, "layout"):
                self.table = _Table(f"(//table)[{self.counts['table']}]", self.pieces)
                self.pieces = []
        if tag in ("sup", "sub", "pre") or (
            MARK in attrs and _marked(attrs, "up") and tag not in _BLOCKS and tag not in _VOID
        ):
            self.open.append((tag, [0], {"sub": "_", "pre": ""}.get(tag, "^"), self.pieces))
            self.pieces = []
        if self.open and self.open[-1][0] == tag:
            self.open[-1][1][0] += 1
        elif tag == "br":
            self.pieces.append(_BROKEN)
        elif tag == "hr":
            self.flush()

    def close(self, tag: str) -> None:
        """An element ends."""
        if self.open and self.open[-1][0] == tag:
            self.open[-1][1][0] -= 1
            if not self.open[-1][1][0]:
                _, _, mark, before = self.open.pop()
                inner, self.pieces = self.pieces, before
                if tag == "pre":
                    self.pieces += [piece.strip("\n").replace("\n", _BROKEN) for piece in inner]
                elif text := _collapsed(inner):
                    self.pieces.append(mark + text.replace("&", "&amp;").replace("\n", _BROKEN))
        if tag not in _BLOCKS:
            return
        if self.table is not None and tag in _PARTS:
            if self.in_cell and tag in ("td", "th"):
                self.cell(tag)
            return
        if tag == "table" and self.table is not None:
            self.table.lay(self.draft)
            self.pieces = self.table.before + (self.pieces if self.open else [])  # a caption in raised text
            self.table = None
        self.flush()
        if len(self.blocks) > 1:
            self.blocks.pop()

    def part(self, tag: str, attrs: str) -> None:
        """A group, a row or a cell of the open table begins."""
        table = self.table
        if table is None:
            return
        if tag in ("td", "th"):
            self.pieces, self.in_cell, table.cell = [], True, attrs
        elif tag == "tr":
            folded, blank = (_marked(attrs, mark) or _marked(table.group, mark) for mark in ("fold", "blank"))
            table.groups[-1][1].append(_Row([], folded, blank))
        else:
            table.group = attrs
            table.groups.append((tag, []))

    def cell(self, tag: str) -> None:
        """A cell of the open table ends."""
        if self.table is None:
            return
        row, attrs = self.table.groups[-1][1][-1], self.table.cell
        across = min(max(_whole(attrs, "colspan"), 1), 1000) if "colspan" in attrs else 1
        down = min(_whole(attrs, "rowspan"), 65534) if "rowspan" in attrs else 1
        blank = row.blank or row.folded or (MARK in attrs and (_marked(attrs, "blank") or _marked(attrs, "fold")))
        row.cells.append(Span("" if blank else _collapsed(self.pieces), across, down, tag == "th"))
        self.pieces, self.in_cell = [], False

    def flush(self) -> None:
        """End the running text: one block of the draft, or a line break inside a cell."""
        if self.in_cell or self.open:
            self.pieces.append(_BROKEN)
        elif self.pieces:
            text = _collapsed(self.pieces)
            if text:
                self.draft.say(text, "(//{})[{}]".format(*self.blocks[-1]))
            self.pieces.clear()


def _mark_layout(tree: LexborHTMLParser) -> None:
    """Mark each table in which another is shown."""
    for table in tree.css("table table"):
        node: LexborNode | None = table
        while node is not None and node.tag not in _UNSEEN and " gone;" not in (node.attrs.get(MARK) or ""):
            node = node.parent
            if node is not None and node.tag == "table":
                node.attrs[MARK] = f"{node.attrs.get(MARK) or ''} layout;"
                break


def _marked(attrs: str, mark: str) -> bool:
    """Whether an element bears a mark of ours, which stands after its own attributes."""
    return MARK in attrs and f" {mark};" in attrs.rpartition(MARK)[2]


def _whole(attrs: str, name: str) -> int:
    """A whole number as HTML reads attributes: leading digits count, 1 where there are none."""
    match = re.search(rf"\s{name}=\"\s*\+?([0-9]{{1,9}})", attrs)
    return int(match[1]) if match else 1


def _collapsed(pieces: list[str]) -> str:
    """Text with white space as a browser shows it."""
    text = "".join(pieces)
    if _UNEVEN.search(text):
        text = _LINES.sub("\n", _SPACE.sub(" ", text))
    text = text.strip(" \n").replace("&nbsp;", "\u00a0")
    return unescape(text) if "&" in text else text
