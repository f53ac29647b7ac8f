"""DOCX: paragraphs, footnotes and tables in the order of the body.

Hidden text and rows and deleted revisions are left out and told; inserted ones count as printed. Raised text follows
a "^", by its own format or its style; a footnote's mark is its number after a "^", its text a block at the end.
Merged cells (gridSpan, vMerge) are repeated; a table that holds a table is layout.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pipeline.extract.draft import Draft
from pipeline.extract.grids import header_rows
from pipeline.extract.packages import Package

_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STRICT: Final = b"http://purl.oclc.org/ooxml/wordprocessingml/main"
_M: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_TRANSPARENT: Final = {_M + "oMath", _M + "oMathPara"} | {
    _W + name for name in ("sdt", "sdtContent", "ins", "smartTag", "hyperlink", "customXml", "fldSimple", "moveTo")
}
_DEEPEST_STYLE: Final = 10
_ALTERNATE: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"


def read(body: bytes, draft: Draft) -> None:
    """Write the document into the draft. Raises: RefusedError for a document type or a torn package."""
    package = Package(body)
    tree = package.tree("word/document.xml")
    found = _Reading(draft, package.tree("word/styles.xml"))
    found.blocks(tree.find(_W + "body"))
    notes = package.tree("word/footnotes.xml")
    texts = {note.get(_W + "id"): note for note in notes.iter(_W + "footnote")} if notes is not None else {}
    for number, key in enumerate(found.notes, 1):
        if key in texts:
            words = "\n".join(filter(None, (found.paragraph(one) for one in texts[key].iter(_W + "p"))))
            draft.say(f"^{number} {words}", f"footnote {number}")
    if found.hidden:
        draft.notice("W_HIDDEN", "document", "hidden or deleted text was left out", "Open the file and show all marks")


class _Reading:
    """One pass over a body."""

    def __init__(self, draft: Draft, styles: Any) -> None:
        self.draft = draft
        self.styles = {
            one.get(_W + "styleId"): one for one in (styles.iter(_W + "style") if styles is not None else ())
        }
        self.notes: list[str] = []
        self.hidden = False
        self.boxes: list[Any] = []
        self.count = 0

    def blocks(self, parent: Any) -> None:
        """Paragraphs and tables below an element, as blocks of the draft."""
        for node in _children(parent):
            if node.tag == _W + "p":
                self.count += 1
                self.draft.say(self.paragraph(node), f"paragraph {self.count}")
                boxes, self.boxes = self.boxes, []
                for box in boxes:
                    self.blocks(box)
            elif node.tag == _W + "tbl":
                self.table(node)

    def paragraph(self, paragraph: Any) -> str:
        """The printed text of a paragraph."""
        pieces: list[str] = []
        mark = ""
        vanishes = self.said(paragraph.find(f"{_W}pPr/{_W}pStyle"), "vanish")
        for run in self.runs(paragraph):
            said = self.said(run.find(f"{_W}rPr/{_W}rStyle"), "vanish") if run.tag == _W + "r" else None
            own = run.find(f"{_W}rPr/{_W}vanish")
            if _on(next((one for one in (own, said, vanishes) if one is not None), None)):
                self.hidden = True
                continue
            if text := self.run(run):
                now = self.mark(run)
                pieces.append(now + text if now != mark and text.strip() else text)
                mark = now
        return "".join(pieces).strip(" \t\n")

    def said(self, named: Any, what: str) -> Any:
        """What a named style, or one that it rests on, says of its text."""
        for _ in range(_DEEPEST_STYLE):
            style = self.styles.get(named.get(_W + "val")) if named is not None else None
            if style is None:
                return None
            if (found := style.find(f"{_W}rPr/{_W}{what}")) is not None:
                return found
            named = style.find(_W + "basedOn")
        return None

    def runs(self, parent: Any) -> Iterator[Any]:
        for node in _children(parent):
            if node.tag in (_W + "r", _M + "r"):
                yield node
            elif node.tag in (_W + "del", _W + "moveFrom"):
                self.hidden = True

    def run(self, run: Any) -> str:
        text = ""
        for node in _inner(run):
            name = node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""
            if name == "txbxContent":
                self.boxes.append(node)
            elif name == "t":
                text += node.text or ""
            elif name in ("br", "cr"):
                text += "\n"
            elif name == "tab" and node.getparent().tag == _W + "r":
                text += "\t"
            elif name == "noBreakHyphen":
                text += "-"
            elif name in ("footnoteReference", "endnoteReference"):
                self.notes.append(node.get(_W + "id", ""))
                text += f"^{len(self.notes)}"
        return text

    def mark(self, run: Any) -> str:
        """Raised or lowered, by the run's own format, its place or its style."""
        if run.find(_W + "footnoteReference") is not None:
            return ""
        align, place = (run.find(f"{_W}rPr/{_W}{name}") for name in ("vertAlign", "position"))
        if align is None:
            align = self.said(run.find(f"{_W}rPr/{_W}rStyle"), "vertAlign")
        value = align.get(_W + "val") if align is not None else ""
        if place is not None and not value:
            height = place.get(_W + "val", "0")
            value = "subscript" if height.startswith("-") else "superscript" if height.strip("0") else ""
        return {"superscript": "^", "subscript": "_"}.get(value or "", "")

    def table(self, table: Any) -> None:
        """A table on its grid; one that holds a table is told as running text with that table in it."""
        if table.find(f".//{_W}tbl") is not None:
            for cell in table.iter(_W + "tc"):
                if next(cell.iterancestors(_W + "tbl")) is table:
                    self.blocks(cell)
            return
        at = self.draft.place("w:tbl")
        rows: list[list[str]] = []
        own: list[set[int]] = []
        headings = 0
        for row in (node for node in _children(table) if node.tag == _W + "tr"):
            if any(_on(row.find(f"{_W}trPr/{_W}{name}")) for name in ("hidden", "del")):
                self.hidden = True
                continue
            begun: set[int] = set()
            line = [""] * _whole(row.find(f"{_W}trPr/{_W}gridBefore"), 0)
            for cell in (node for node in _children(row) if node.tag == _W + "tc"):
                across = min(max(_whole(cell.find(f"{_W}tcPr/{_W}gridSpan"), 1), 1), 1000)
                merge, beside = (cell.find(f"{_W}tcPr/{_W}{name}") for name in ("vMerge", "hMerge"))
                if beside is not None and beside.get(_W + "val") != "restart" and line:
                    text = line[-1]
                elif merge is not None and merge.get(_W + "val") != "restart" and rows and len(line) < len(rows[-1]):
                    text = rows[-1][len(line)]
                else:
                    begun.add(len(line))
                    text = "\n".join(filter(None, map(self.paragraph, cell.iter(_W + "p"))))
                self.draft.claim(across)
                line += [text] * across
            headings += _on(row.find(f"{_W}trPr/{_W}tblHeader")) and headings == len(rows)
            rows.append(line)
            own.append(begun)
        width = max(map(len, rows), default=0)
        if width:
            rows = [line + [""] * (width - len(line)) for line in rows]
            self.draft.tabulate(rows, at, "lxml", headings or header_rows(rows), own)


def _children(parent: Any) -> Iterator[Any]:
    """The children, looking through what only wraps them."""
    for node in parent:
        if node.tag in _TRANSPARENT:
            yield from _children(node)
        elif node.tag == _ALTERNATE + "AlternateContent":
            yield from _children(node[0])
        else:
            yield node


def _inner(node: Any) -> Iterator[Any]:
    """What is in a run, without the inside of text boxes and their second copy for old programs."""
    for child in node:
        if child.tag != _ALTERNATE + "Fallback":
            yield child
            if child.tag != _W + "txbxContent":
                yield from _inner(child)


def _on(switch: Any) -> bool:
    return switch is not None and switch.get(_W + "val") not in ("0", "false", "off", "none")


def _whole(node: Any, otherwise: int) -> int:
    text = node.get(_W + "val", "") if node is not None else ""
    return int(text) if text.isdecimal() else otherwise
