"""Files that harm a reader, made on the spot: name, bytes, and the code each must end in."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO

import xlsxwriter
from fpdf import FPDF
from fpdf.enums import EncryptionMethod

OOXML = "http://schemas.openxmlformats.org"


def package(members: dict[str, bytes | str]) -> bytes:
    """A zip of these members."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        for name, body in members.items():
            made.writestr(name, body)
    return out.getvalue()


def workbook(sheet: str, more: dict[str, bytes | str] | None = None) -> bytes:
    """The bare members of an XLSX with one sheet of this XML."""
    main, links = f"{OOXML}/spreadsheetml/2006/main", f"{OOXML}/officeDocument/2006/relationships"
    return package({
        "[Content_Types].xml": f'<Types xmlns="{OOXML}/package/2006/content-types"/>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{links}"/>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>',
        **(more or {}),
    })  # fmt: skip


def sparse() -> bytes:
    """A workbook of two cells, as far apart as can be."""
    out = BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as made:
        sheet = made.add_worksheet()
        sheet.write(0, 0, 1)
        sheet.write(1_048_575, 16_383, 1)
    return out.getvalue()


def pdf(*objects: bytes) -> bytes:
    """A PDF of these objects, numbered from 1, the first its catalogue."""
    body, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(body)
    return (body + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table
            + b"trailer <</Size %d /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))  # fmt: skip


def page(
    stream: bytes, extra: bytes = b"", font: bytes = b"<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>"
) -> bytes:
    """A PDF of one page with this content."""
    return pdf(
        b"<</Type /Catalog /Pages 2 0 R>>",
        b"<</Type /Pages /Kids [3 0 R] /Count 1>>",
        b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources <</Font <</F 5 0 R>>>>>>",
        b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(stream), extra, stream),
        font,
    )


def bomb() -> bytes:
    """A page whose content is a gigabyte of nothing, packed twice: one packed piece, a hundred times."""
    packer = zlib.compressobj(9)
    first, again = (packer.compress(bytes(10_000_000)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return page(zlib.compress(first + again * 99 + packer.flush(), 9), b" /Filter [/FlateDecode /FlateDecode]")


def glyphs(count: int) -> bytes:
    """A page with this many letters."""
    words = b"the state party notes that complaints of torture are rare and here is one more line"
    lines = b"".join(b"BT /F 1 Tf 1 0 0 1 %d %.2f Tm (%s) Tj ET\n" % (20 + n % 9 * 60, 10 + n // 9 * 0.5, words)
                     for n in range(count // len(words)))  # fmt: skip
    return page(zlib.compress(lines), b" /Filter /FlateDecode")


def kids_loop() -> bytes:
    """Pages that contain themselves."""
    return pdf(b"<</Type /Catalog /Pages 2 0 R>>", b"<</Type /Pages /Kids [2 0 R 3 0 R] /Count 2>>",
               b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 200 200]>>")  # fmt: skip


def encrypted(*, open_: bool) -> bytes:
    """A PDF with a password: for the owner only, or for every reader."""
    made = FPDF()
    made.set_encryption(
        owner_password="o", user_password=None if open_ else "u", encryption_method=EncryptionMethod.RC4
    )
    made.add_page()
    made.set_font("Helvetica", size=12)
    made.cell(text="24 complaints")
    return bytes(made.output())


def scanned() -> bytes:
    """A page that is only a picture."""
    return page(b"q 500 0 0 700 40 40 cm BI /W 2 /H 2 /CS /G /BPC 8 ID \x00\xff\xff\x00 EI Q")


def cipher() -> bytes:
    """A page whose font says that its letters are others."""
    text = b"In 2021 the prosecutor received complaints of torture and opened several criminal cases against officers"
    lower = bytes(range(97, 123))
    turned = text.lower().translate(bytes.maketrans(lower, b"qwxzjkvbpygfmcudlhrsnioate"))
    return page(b"BT /F 9 Tf 40 700 Td (" + turned + b") Tj ET")


def cid() -> bytes:
    """A page whose text is the numbers of glyphs."""
    return page(b"BT /F 9 Tf 40 700 Td (\\(cid:12\\)\\(cid:33\\)\\(cid:7\\)\\(cid:12\\) 24) Tj ET")


def nested(depth: int) -> bytes:
    """A page with elements inside one another."""
    return b"<html><body>" + b"<div>" * depth + b"5" + b"</div>" * depth


def member(name: str, *, link: bool = False) -> bytes:
    """A workbook with one more member of this name, perhaps a link."""
    out = BytesIO(workbook(""))
    with zipfile.ZipFile(out, "a") as made:
        entry = zipfile.ZipInfo(name)
        if link:
            entry.external_attr = 0o120777 << 16
        made.writestr(entry, b"x")
    return out.getvalue()


RUSSIAN = (
    "В 2021 году в прокуратуру поступило двадцать четыре жалобы на применение пыток, из них шестнадцать рассмотрены. "
)


_ROW = '<row r="{0}"><c r="{1}{0}"><v>1</v></c></row>'
_DOCTYPE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><x>&a;</x>'
_SPAN = b"<td rowspan=65534 colspan=1000>1</td>"
# Each harmful file with its code and what makes it; the numbers are those of the list of threats.
CASES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "22 a PDF that unpacks to a gigabyte": ("E_PARSER_MEMORY", bomb),
    "23 a page of a million letters": ("E_PARSER_TIME", lambda: glyphs(1_000_000)),
    "24 pages that contain themselves": ("E_BAD_PDF", kids_loop),
    "25 a PDF locked for readers": ("E_ENCRYPTED", lambda: encrypted(open_=False)),
    "25 a PDF locked by its owner": ("E_ENCRYPTED", lambda: encrypted(open_=True)),
    "26 a picture of text": ("E_NO_TEXT", scanned),
    "27 a workbook with one far cell": ("E_PARSER_CRASH", sparse),
    "28 a workbook that unpacks to 250 MB": ("E_PARSER_MEMORY", lambda: workbook(" " * 250_000_000)),
    "29 a document type in a workbook": (
        "E_DTD",
        lambda: workbook(_ROW.format(1, "A"), {"xl/sharedStrings.xml": _DOCTYPE}),
    ),
    "30 a member that climbs out": ("E_ARCHIVE", lambda: member("../../etc/cron.d/x")),
    "30 a member from the root": ("E_ARCHIVE", lambda: member("/etc/x")),
    "30 a member that is a link": ("E_ARCHIVE", lambda: member("xl/link", link=True)),
    "30 twenty thousand members": ("E_ARCHIVE", lambda: package({f"xl/{n}": b"" for n in range(20_000)})),
    "30 a zip in the zip": ("E_ARCHIVE", lambda: member("xl/embeddings/a.zip")),
    "32 a page 500,000 elements deep": ("E_DEPTH", lambda: nested(500_000)),
    "33 a table that spans the earth": ("E_TABLE_SIZE", lambda: b"<table><tr>" + _SPAN * 50),
    "34 UTF-16 that does not say so": ("E_CHARSET", lambda: RUSSIAN.encode("utf-16-le")),
    "34 UTF-7": ("E_CHARSET", lambda: RUSSIAN.encode("utf-7")),
    "34 UTF-8 and cp1251 in one file": ("E_CHARSET", lambda: RUSSIAN.encode() + RUSSIAN.encode("cp1251")),
    "34 letters of no charset": ("E_CHARSET", lambda: bytes(range(128, 256)) * 9),
    "35 a mark of UTF-8 and a NUL": ("E_CONTROL_CHAR", lambda: b"\xef\xbb\xbf5\x00 complaints, <table>"),
    "36 a line of 200 MB": ("E_LINE_LENGTH", lambda: b"5 " * 100_000_000),
    "a PDF of exchanged letters": ("E_CIPHER_TEXT", cipher),
    "a PDF of glyph numbers": ("E_CIPHER_TEXT", cid),
    "a torn zip": ("E_BAD_FILE", lambda: workbook("")[:300]),
    "a torn PDF": ("E_BAD_PDF", lambda: b"%PDF-1.4\n1 0 obj\n<<"),
}
