"""Web pages: what a reader sees, block by block, and each table on the grid that a browser would draw.

Left out: whatever a browser does not show (scripts, `hidden`, display:none, a select's options). White space is
collapsed as a browser does, a no-break space stays, `<br>` and inner blocks make a line break, `<sup>` follows a "^"
and `<sub>` a "_", so that 52¹ never becomes 521. A table that holds a table is layout: its cells are running text.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from pipeline.extract.draft import Draft
from pipeline.extract.grids import Span, header_rows, laid
from pipeline.extract.refusals import DEEPEST, RefusedError

_BLOCKS: Final = frozenset(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure"
    " footer form h1 h2 h3 h4 h5 h6 header hr legend li main menu nav ol p pre section summary table tbody td tfoot th"
    " thead tr ul".split()
)
_UNSEEN: Final = frozenset(
    "script style template noscript head title select datalist textarea svg math iframe object embed video audio canvas"
    " colgroup col -comment".split()
)
# An end tag of these may be missing without nesting what follows.
_FLAT: Final = frozenset(
    b"p li dt dd td th tr tbody thead tfoot option optgroup colgroup rp rt area base br col embed hr img input link"
    b" meta param source track wbr html head body".split()
)
_TAG: Final = re.compile(
    rb"<!--(?:.*?-->|.*)|<(script|style|textarea|title)\b(?:.*?</\1|.*)|<(/?)([a-z][a-z0-9:-]*)",
    re.IGNORECASE | re.DOTALL,
)
_SPACE: Final = re.compile(r"[ \t\n\r\f]+")
_LINES: Final = re.compile(r" *\x0b[ \x0b]*")
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE: Final = re.compile(r"([^{}]+)\{([^{}]*)\}")
_MEDIA: Final = re.compile(r"@[^{};]*(?:;|\{(?:[^{}]*\{[^{}]*\})*[^{}]*\})")
_GONE: Final = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_BLANK: Final = re.compile(r"visibility\s*:\s*(?:hidden|collapse)", re.IGNORECASE)
_FOLDED: Final = re.compile(r"visibility\s*:\s*collapse", re.IGNORECASE)
_RAISED: Final = re.compile(r"vertical-align\s*:\s*super", re.IGNORECASE)
_BROKEN: Final = "\x0b"


def read(marked: str, draft: Draft) -> None:
    """Write the page into the draft. Raises: RefusedError for a page nested or spanned beyond reason."""
    check_depth(marked.encode("utf-8", "replace"))
    tree = LexborHTMLParser(marked)
    if tree.body is not None:
        _Walk(tree, draft).page(tree.body)


def check_depth(body: bytes) -> None:
    """Raise RefusedError for more than 500 open elements: the parser takes quadratic time for such."""
    depth = 0
    for match in _TAG.finditer(body):
        name = match[3]
        if name and name.lower() not in _FLAT:
            depth = max(depth - 1, 0) if match[2] else depth + 1
            if depth > DEEPEST:
                raise RefusedError("E_DEPTH", f"more than {DEEPEST} elements inside one another")


class _Row(NamedTuple):
    """A row before it is laid."""

    cells: list[Span]
    folded: bool
    head: bool


class _Walk:
    """One pass over a page."""

    def __init__(self, tree: LexborHTMLParser, draft: Draft) -> None:
        self.draft = draft
        self.pieces: list[str] = []
        self.at = ("body", 1)
        self.in_cell = False
        self.gone, self.blank, self.raised, self.folded = _styled(tree)

    def page(self, body: LexborNode) -> None:
        self.inside(body)
        self.flush()
        if self.draft.counts.pop("hidden", 0):
            self.draft.notice("W_HIDDEN", "page", "rows or cells of a table that the page hides were left out",
                              "Look at the page's source if a total does not fit")  # fmt: skip

    def inside(self, node: LexborNode) -> None:
        """Everything in an element, in order."""
        child = node.child
        while child is not None:
            tag = child.tag or ""
            if tag == "-text":
                self.pieces.append(child.text_content or "")
            elif tag in _UNSEEN or child.mem_id in self.gone:
                self.skip(child)
            elif tag == "br":
                self.pieces.append(_BROKEN)
            elif tag in ("sup", "sub") or child.mem_id in self.raised:
                self.count(tag)
                self.pieces.append(self.marked(child, "_" if tag == "sub" else "^"))
            elif tag == "table" and not self.layout(child):
                self.flush()
                self.table(child)
            elif tag in _BLOCKS:
                self.block(child)
            elif child.mem_id in self.blank:
                self.skip(child)
            else:
                self.count(tag)
                self.inside(child)
            child = child.next

    def block(self, node: LexborNode) -> None:
        """A block of its own: what came before it ends, and so does it."""
        self.flush()
        outer, self.at = self.at, (node.tag or "", self.count(node.tag or ""))
        if node.tag == "pre":
            before = len(self.pieces)
            self.inside(node)
            self.pieces[before:] = [piece.strip("\n").replace("\n", _BROKEN) for piece in self.pieces[before:]]
        elif node.mem_id not in self.blank:
            self.inside(node)
        self.flush()
        self.at = outer

    def flush(self) -> None:
        """End the running text: one block of the draft, or a line break inside a cell."""
        if self.in_cell:
            self.pieces.append(_BROKEN)
        elif self.pieces:
            self.draft.say(_clean("".join(self.pieces)), "(//{})[{}]".format(*self.at))
            self.pieces.clear()

    def text(self, node: LexborNode) -> str:
        """The text of a cell."""
        outer, self.pieces = self.pieces, []
        held, self.in_cell = self.in_cell, True
        if node.mem_id in self.blank:
            self.skip(node, counted=False)
        else:
            self.inside(node)
        self.pieces, pieces, self.in_cell = outer, self.pieces, held
        return _clean("".join(pieces))

    def marked(self, node: LexborNode, mark: str) -> str:
        """Raised or lowered text after its mark, "" where there is none."""
        text = self.text(node)
        return mark + text if text else ""

    def layout(self, table: LexborNode) -> bool:
        """Whether a shown table stands inside this one."""
        inner = table.css("table")
        return len(inner) > 1 and any(self.shown(node, table) for node in inner if node.mem_id != table.mem_id)

    def shown(self, node: LexborNode | None, up_to: LexborNode) -> bool:
        while node is not None and node.mem_id != up_to.mem_id:
            if node.mem_id in self.gone or node.tag in _UNSEEN:
                return False
            node = node.parent
        return True

    def table(self, table: LexborNode) -> None:
        """A table on its grid: the first thead above all, the first tfoot below all, as browsers draw them."""
        at_table = f"(//table)[{self.count('table')}]"
        groups: list[tuple[str, list[_Row]]] = []
        for part in _elements(table):
            if part.mem_id in self.gone:
                self.hide(part)
            elif part.tag == "caption":
                self.block(part)
            elif part.tag in ("thead", "tbody", "tfoot"):
                self.count(part.tag)
                groups.append((part.tag, self.rows(part)))
            else:
                self.skip(part)
        for name, place in (("thead", 0), ("tfoot", len(groups))):
            first = next((group for group in groups if group[0] == name), None)
            if first:
                groups.remove(first)
                groups.insert(place, first)
        rows, own = laid([[row.cells for row in group] for _, group in groups], self.draft)
        lines = [row for _, group in groups for row in group]
        shown = [at for at, row in enumerate(lines) if not row.folded]  # a folded row takes part in the grid, unseen
        rows, own = [rows[at] for at in shown], [own[at] for at in shown]
        if rows and rows[0]:
            heads = next((line for line, at in enumerate(shown) if not lines[at].head), 0)
            self.draft.tabulate(rows, at_table, "selectolax", heads or header_rows(rows), own)

    def rows(self, group: LexborNode) -> list[_Row]:
        """The rows of a row group that a browser lays out."""
        found = []
        for row in _elements(group):
            if row.tag != "tr":
                self.skip(row)
            elif row.mem_id in self.gone:
                self.hide(row)
            else:
                folded = row.mem_id in self.folded or group.mem_id in self.folded
                self.count("tr")
                if folded:
                    self.count("hidden")
                blank = row.mem_id in self.blank or group.mem_id in self.blank
                cells = [span for cell in _elements(row) if (span := self.cell(cell, blank=blank))]
                found.append(
                    _Row(cells, folded, group.tag == "thead" or (bool(cells) and all(one.head for one in cells)))
                )
        return found

    def cell(self, cell: LexborNode, *, blank: bool) -> Span | None:
        if cell.mem_id in self.gone:
            self.hide(cell)
            return None
        self.count(cell.tag or "")
        across = min(max(_whole(cell.attrs.get("colspan"), 1), 1), 1000)
        down = min(_whole(cell.attrs.get("rowspan"), 1), 65534)
        text = self.text(cell)
        return Span("" if blank else text, across, down, head=cell.tag == "th")

    def count(self, tag: str) -> int:
        counts = self.draft.counts
        counts[tag] = number = counts.get(tag, 0) + 1
        return number

    def hide(self, node: LexborNode) -> None:
        self.count("hidden")
        self.skip(node)

    def skip(self, node: LexborNode, *, counted: bool = True) -> None:
        """Count the elements that are passed over, so that places stay true."""
        for inner in node.traverse(include_text=False):
            if counted or inner.mem_id != node.mem_id:
                self.count(inner.tag or "")


def _styled(tree: LexborHTMLParser) -> tuple[set[int], ...]:
    """The elements not drawn, drawn blank, raised, and (rows) folded: by attribute, own style or plain style sheet."""
    gone = {node.mem_id for node in tree.css("[hidden]")}
    blank: set[int] = set()
    raised: set[int] = set()
    folded: set[int] = set()
    kinds = ((gone, _GONE), (blank, _BLANK), (raised, _RAISED), (folded, _FOLDED))
    for node in tree.css("[style]"):
        style = node.attrs.get("style") or ""
        for found, pattern in kinds:
            if pattern.search(style):
                found.add(node.mem_id)
    for sheet in tree.css("style"):
        for selectors, style in _RULE.findall(_MEDIA.sub("", _COMMENT.sub("", sheet.text()))):
            for found, pattern in kinds:
                if pattern.search(style):
                    found.update(_selected(tree, selectors))
    return gone, blank, raised, folded


def _selected(tree: LexborHTMLParser, selectors: str) -> set[int]:
    try:
        return {node.mem_id for node in tree.css(selectors.strip())}
    except (ValueError, RuntimeError):  # a selector that the parser does not know hides nothing
        return set()


def _elements(node: LexborNode) -> list[LexborNode]:
    found, child = [], node.child
    while child is not None:
        if not (child.tag or "-").startswith("-"):
            found.append(child)
        child = child.next
    return found


def _whole(text: str | None, otherwise: int) -> int:
    """A whole number as HTML reads attributes: leading digits count."""
    match = re.match(r"\s*\+?([0-9]{1,9})", text or "")
    return int(match[1]) if match else otherwise


def _clean(text: str) -> str:
    return _LINES.sub("\n", _SPACE.sub(" ", text)).strip(" \n")
