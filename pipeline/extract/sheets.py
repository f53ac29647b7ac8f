"""Workbooks (XLSX, XLS, ODS): one table per shown sheet, merged ranges repeated, what is hidden left out and told.

calamine gives the values of XLSX and XLS; how they are printed (percent, decimals, raised digits) and what is hidden
stands in the XML beside them. An ODS file holds the printed text itself. A value is printed without thousands marks,
a date as YYYY-MM-DD. In an XLS file that LibreOffice did not turn first, hidden rows and raised digits are not told: a
notice says so.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from io import BytesIO
from typing import Any, Final

import python_calamine

from pipeline.extract import numberformats
from pipeline.extract.draft import Draft
from pipeline.extract.grids import header_rows
from pipeline.extract.packages import Package
from pipeline.extract.refusals import RefusedError

_S: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_R: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_TABLE: Final = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT: Final = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_STYLE: Final = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_ANNOTATION: Final = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}annotation"
_MOST_REPEATED: Final = 1_000
_YES: Final = ("1", "true")
_SPACES: Final = {_TEXT + "s": " ", _TEXT + "line-break": "\n", _TEXT + "tab": "\t"}
Hidden = tuple[set[int], set[int]]  # rows, columns
Merge = tuple[int, int, int, int]  # first row, first column, last row, last column


def read(body: bytes, draft: Draft) -> None:
    """Write each shown sheet into the draft. Raises: RefusedError for a locked or torn workbook."""
    package = Package(body) if body.startswith(b"PK") else None
    if package and "content.xml" in package.names:
        _open_document(package, draft)
        return
    try:
        book = python_calamine.load_workbook(BytesIO(body))
    except python_calamine.PasswordError:
        raise RefusedError("E_ENCRYPTED", "a workbook with a password") from None
    except (python_calamine.CalamineError, OSError):
        raise RefusedError("E_BAD_FILE", "a workbook that does not open") from None
    beside = _Beside(package) if package else None
    if package is None:
        draft.notice("W_HIDDEN", "workbook", "in an XLS file hidden rows and raised digits cannot be told from others",
                     "Save it as XLSX and read that")  # fmt: skip
    elif any("vbaproject" in name.lower() or "externallinks/" in name.lower() for name in package.names):
        draft.notice(
            "W_HIDDEN", "workbook", "it holds macros or links to other workbooks", "Compare a few cells by eye"
        )
    for place, sheet in enumerate(book.sheets_metadata):
        if sheet.visible != python_calamine.SheetVisibleEnum.Visible:
            draft.notice("W_HIDDEN", f"sheet {place + 1}", "a hidden sheet was left out", "Unhide it if it is meant")
            continue
        if sheet.typ == python_calamine.SheetTypeEnum.WorkSheet:
            table = book.get_sheet_by_index(place)
            values = table.to_python(skip_empty_area=False)
            draft.claim(len(values) * max(map(len, values), default=0))
            hidden, codes = beside.sheet(sheet.name) if beside else ((set(), set()), {})
            raised = beside.raised if beside else {}
            rows = [[_printed(value, codes.get((down, across), ""), raised) for across, value in enumerate(row)]
                    for down, row in enumerate(values)]  # fmt: skip
            merges = [(*first, *last) for first, last in table.merged_cell_ranges or ()]
            _tabulate(sheet.name, rows, merges, hidden, draft)


class _Shown(str):
    """What a cell shows in place of a value, such as #DIV/0!."""

    __slots__ = ()


class _Beside:
    """What calamine does not tell of an XLSX file: what is hidden, number formats, raised digits."""

    def __init__(self, package: Package) -> None:
        self.package = package
        relations = package.tree("xl/_rels/workbook.xml.rels")
        targets = {one.get("Id"): one.get("Target", "") for one in (relations if relations is not None else ())}
        book = package.tree("xl/workbook.xml")
        self.paths = {sheet.get("name"): "xl/" + targets.get(sheet.get(_R), "").removeprefix("/xl/").removeprefix("xl/")
                      for sheet in (book.iter(_S + "sheet") if book is not None else ())}  # fmt: skip
        self.formats = _formats(package.tree("xl/styles.xml"))
        self.raised: dict[str, str] = {}
        self.strings(package.tree("xl/sharedStrings.xml"), "si")

    def strings(self, tree: Any, name: str) -> None:
        """Note the strings in which some digits are raised, by their plain text."""
        for string in tree.iter(_S + name) if tree is not None else ():
            plain, marked = "", ""
            for run in string.iter(_S + "r"):
                text = "".join(one.text or "" for one in run.iter(_S + "t"))
                align = run.find(f"{_S}rPr/{_S}vertAlign")
                mark = {"superscript": "^", "subscript": "_"}.get(align.get("val", "") if align is not None else "", "")
                plain, marked = plain + text, marked + mark + text
            if marked != plain:
                self.raised[plain] = marked

    def sheet(self, name: str) -> tuple[Hidden, dict[tuple[int, int], str]]:
        """The hidden rows and columns of a sheet; the number formats of its cells, or the errors they show."""
        tree = self.package.tree(self.paths.get(name, ""))
        if tree is None:
            return (set(), set()), {}
        self.strings(tree, "is")
        columns = {
            at
            for one in tree.iter(_S + "col")
            if one.get("hidden") in _YES or float(one.get("width", "1")) == 0
            for at in range(int(one.get("min")) - 1, min(int(one.get("max")), 20_000))
        }
        rows = {
            int(one.get("r", "0")) - 1
            for one in tree.iter(_S + "row")
            if one.get("hidden") in _YES or float(one.get("ht", "1")) == 0
        }
        codes = {
            _place(cell.get("r")): self.formats[cell.get("s")]
            for cell in tree.iter(_S + "c")
            if cell.get("s") in self.formats and cell.get("r")
        } | {_place(cell.get("r")): _Shown(cell.findtext(f"{_S}v", "")) for cell in tree.iter(_S + "c")
             if cell.get("t") == "e" and cell.get("r")}  # fmt: skip
        return (rows, columns), codes


def _formats(styles: Any) -> dict[str, str]:
    """Style number to the code of its number format, where it has one."""
    shapes = styles.find(_S + "cellXfs") if styles is not None else None
    if shapes is None:
        return {}
    codes = numberformats.BUILT_IN | {
        one.get("numFmtId"): one.get("formatCode", "") for one in styles.iter(_S + "numFmt")
    }
    return {str(at): codes[one.get("numFmtId")] for at, one in enumerate(shapes) if one.get("numFmtId") in codes}


def _printed(value: Any, code: str, raised: dict[str, str]) -> str:
    """A value as the sheet shows it, without thousands marks."""
    if isinstance(code, _Shown):
        return str(code)
    if isinstance(value, str):
        return raised.get(value, value.strip(" \t\r\n"))
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return numberformats.shown(value, code)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    return str(value)


def _tabulate(
    name: str,
    rows: list[list[str]],
    merges: Iterable[Merge],
    hidden: Hidden,
    draft: Draft,
    *,
    engine: str = "calamine",
) -> None:
    """One sheet on its grid, down to its last filled row and column."""
    covered: set[tuple[int, int]] = set()
    for top, left, bottom, right in merges:
        draft.claim((bottom - top + 1) * (right - left + 1))
        for down in range(top, min(bottom, len(rows) - 1) + 1):
            rows[down] += [""] * (right + 1 - len(rows[down]))
            for across in range(left, right + 1):
                rows[down][across] = rows[top][left]
                covered.add((down, across))
        covered.discard((top, left))
    if (any(any(rows[line]) for line in hidden[0] if line < len(rows))
            or any(row[place] for row in rows for place in hidden[1] if place < len(row))):  # fmt: skip
        draft.notice("W_HIDDEN", name, "hidden rows or columns were left out", "Unhide them if a total does not fit")
    width = max(map(len, rows), default=0)
    filled_rows = [line for line, row in enumerate(rows) if any(row) and line not in hidden[0]]
    filled = [
        place
        for place in range(width)
        if place not in hidden[1] and any(place < len(rows[line]) and rows[line][place] for line in filled_rows)
    ]
    if not filled:
        return
    lines = [line for line in range(filled_rows[0], filled_rows[-1] + 1) if line not in hidden[0]]
    places = [place for place in range(filled[0], filled[-1] + 1) if place not in hidden[1]]
    shown = [[rows[line][place] if place < len(rows[line]) else "" for place in places] for line in lines]
    own = [{at for at, place in enumerate(places) if (line, place) not in covered} for line in lines]
    at = f"{name}!{_letters(places[0])}{lines[0] + 1}:{_letters(places[-1])}{lines[-1] + 1}"
    draft.tabulate(shown, at, engine, header_rows(shown), own)


def _open_document(package: Package, draft: Draft) -> None:
    """An ODS file: the printed text of each cell."""
    tree = package.tree("content.xml")
    if "META-INF/manifest.xml" in package.names and b"encryption-data" in package.bytes("META-INF/manifest.xml"):
        raise RefusedError("E_ENCRYPTED", "a workbook with a password")
    styles = {one.get(_STYLE + "name"): one for one in tree.iter(_STYLE + "style")}
    off, marks = set(), {_TEXT + "note-citation": "^"}
    for name, one in styles.items():
        if any(kind.get(_TABLE + "display") == "false" for kind in one.iter(_STYLE + "table-properties")):
            off.add(name)
        for kind in one.iter(_STYLE + "text-properties"):
            if match := re.match("super|sub|-?[1-9]", kind.get(_STYLE + "text-position", "")):
                marks[name] = "_" if match[0].startswith(("sub", "-")) else "^"
    for shapes in list(tree.iter(_TABLE + "shapes")):
        shapes.getparent().remove(shapes)
    for number, table in enumerate(tree.iter(_TABLE + "table"), 1):
        if table.get(_TABLE + "style-name") in off:
            draft.notice("W_HIDDEN", f"sheet {number}", "a hidden sheet was left out", "Unhide it if it is meant")
            continue
        columns = [one for one in table.iter(_TABLE + "table-column") for _ in range(_repeated(one, "columns"))]
        hidden: Hidden = (set(), {at for at, one in enumerate(columns) if _is_hidden(one)})
        rows: list[list[str]] = []
        merges: list[Merge] = []
        for row in table.iter(_TABLE + "table-row"):
            line: list[str] = []
            for cell in row:
                across, down = (int(cell.get(f"{_TABLE}number-{way}-spanned", "1")) for way in ("columns", "rows"))
                if across > 1 or down > 1:
                    last = len(rows) + min(down, _MOST_REPEATED) - 1, len(line) + min(across, _MOST_REPEATED) - 1
                    merges.append((len(rows), len(line), *last))
                line += [_open_text(cell, marks).strip(" \t\n")] * _repeated(cell, "columns")
            draft.claim(len(line))
            for _ in range(_repeated(row, "rows") if any(line) else 1):
                if _is_hidden(row):
                    hidden[0].add(len(rows))
                rows.append(list(line))
        _tabulate(table.get(_TABLE + "name") or f"sheet {number}", rows, merges, hidden, draft, engine="lxml")


def _is_hidden(node: Any) -> bool:
    return bool(node.get(_TABLE + "visibility", "visible") != "visible")


def _repeated(node: Any, way: str) -> int:
    return min(int(node.get(f"{_TABLE}number-{way}-repeated", "1")), _MOST_REPEATED)


def _open_text(node: Any, marks: dict[Any, str]) -> str:
    """What is printed below a node, comments and notes left out, each paragraph a line."""
    told = [node.text or ""] if node.tag != _TABLE + "table-cell" else []
    for child in node:
        if child.tag not in (_ANNOTATION, _TEXT + "note-body"):
            mark = marks.get(child.get(_TEXT + "style-name") if child.tag == _TEXT + "span" else child.tag, "")
            inner = _SPACES.get(child.tag, "") + mark + _open_text(child, marks)
            told.append(("\n" if child.tag == _TEXT + "p" and any(told) else "") + inner)
        told.append(child.tail or "" if node.tag != _TABLE + "table-cell" else "")
    return "".join(told)


def _place(reference: str) -> tuple[int, int]:
    """Row and column, from 0, of a reference like B3."""
    letters = reference.rstrip("0123456789")
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return int(reference[len(letters) :] or "1") - 1, column - 1


def _letters(column: int) -> str:
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name
