"""Office files made for tests: DOCX and ODS from their XML, XLSX by xlsxwriter."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import xlsxwriter
from hostile import package

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
ODS = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text", "style")
)


def docx(body: str, footnotes: str = "", styles: str = "") -> bytes:
    """A DOCX with this body."""
    members: dict[str, bytes | str] = {
        "word/document.xml": f"<w:document {W} {MC}><w:body>{body}</w:body></w:document>"
    }
    if footnotes:
        members["word/footnotes.xml"] = f"<w:footnotes {W}>{footnotes}</w:footnotes>"
    if styles:
        members["word/styles.xml"] = f"<w:styles {W}>{styles}</w:styles>"
    return package(members)


def run(text: str, shape: str = "") -> str:
    """A run of text, perhaps with run properties."""
    return f"<w:r><w:rPr>{shape}</w:rPr><w:t xml:space='preserve'>{text}</w:t></w:r>"


def para(*runs: str) -> str:
    """A paragraph of runs, or of plain text."""
    return f"<w:p>{''.join(one if one.startswith('<') else run(one) for one in runs)}</w:p>"


def cell(content: str, shape: str = "") -> str:
    """A table cell."""
    return f"<w:tc><w:tcPr>{shape}</w:tcPr>{content if content.startswith('<') else para(content)}</w:tc>"


def rows(*lines: str) -> str:
    """A table of rows, each the XML of its cells, perhaps with row properties before them."""
    return "<w:tbl>" + "".join(f"<w:tr>{line}</w:tr>" for line in lines) + "</w:tbl>"


def ods(body: str, styles: str = "") -> bytes:
    """An ODS with these tables."""
    content = (
        f"<office:document-content {ODS}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:spreadsheet>{body}</office:spreadsheet></office:body></office:document-content>"
    )
    return package({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": content})


def ocell(text: str, more: str = "") -> str:
    """An ODS cell."""
    return f"<table:table-cell {more}><text:p>{text}</text:p></table:table-cell>"


def xlsx(fill: Callable[[xlsxwriter.Workbook], None]) -> bytes:
    """A workbook that `fill` fills."""
    out = BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        fill(book)
    return out.getvalue()


def orow(*cells: str, more: str = "") -> str:
    """An ODS row."""
    return f"<table:table-row {more}>{''.join(cells)}</table:table-row>"


def otable(*lines: str) -> str:
    """An ODS sheet."""
    return f'<table:table table:name="A">{"".join(lines)}</table:table>'
