"""What kind of file the bytes are, never asking their name, and which charset a text is in.

UTF-8 wins wherever it fits; then what the file declares; then chardet's opinion. A text that is part UTF-8 and part
something else, or in no charset of this part of the world, is refused: one wrong letter makes another word.
"""

from __future__ import annotations

import codecs
import re
import zipfile
from io import BytesIO
from typing import Final

from pipeline.extract.letters import UNREADABLE, strangeness
from pipeline.extract.refusals import LONGEST_LINE, RefusedError

Kind = str  # html, pdf, docx, sheet, old (LibreOffice reads it first), text

_DECLARED: Final = re.compile(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.ASCII)
_CHARSETS: Final = re.compile(
    r"utf-?8|utf-?16(le|be)?|(windows-?|cp)-?\d{3,4}|koi8-[rut]|iso-8859-\d{1,2}|us-ascii|ascii|latin-?1|mac-?cyrillic",
    re.IGNORECASE,
)
_PAIR: Final = re.compile(rb"(?:\xd0[\x90-\xbf]|\xd1[\x80-\x8f]|\xd2[\x90-\xbf]|\xd3[\x80-\xbf]){2}")
_SEVEN: Final = re.compile(rb"\+(?:BD|BB|BE|Ao)[A-Za-z0-9+/]{2,}-?")
_CONTROL: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufffe\uffff]")
_HTML: Final = re.compile(
    rb"<(!doctype html|html|head|body|table|div|p|meta|title|h[1-6]|ul|ol|article|section|br)\b", re.IGNORECASE
)

_MARKS: Final = (
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"{\\rtf", "old"),
)
_NAMES: Final = {
    "htm": "html", "html": "html", "xhtml": "html", "pdf": "pdf", "docx": "docx", "docm": "docx", "xlsx": "sheet",
    "xlsm": "sheet", "xls": "sheet", "ods": "sheet", "txt": "text", "csv": "text", "tsv": "text",
    "doc": "old", "rtf": "old", "odt": "old",
}  # fmt: skip


def kind_of(body: bytes) -> Kind:
    """The kind of a file by its first bytes and, for a package, by its members. Raises: RefusedError."""
    head = body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    kind = next((kind for mark, kind in _MARKS if head.startswith(mark)), "")
    if not kind and b"%PDF-" in body[:1024]:
        return "pdf"
    if kind == "zip":
        return _package(body)
    if kind == "ole":
        return "sheet" if "Workbook".encode("utf-16-le") in body or "Book\0".encode("utf-16-le") in body else "old"
    return kind or ("html" if _HTML.search(_plain(body[:4096])) else "text")


def named_kind(name: str, content_type: str) -> Kind:
    """The kind that the name or the declared type promises, "" for none."""
    declared = content_type.partition(";")[0].strip().lower()
    by_type = {"text/html": "html", "application/xhtml+xml": "html", "application/pdf": "pdf", "text/plain": "text"}
    return by_type.get(declared) or _NAMES.get(name.rpartition(".")[2].lower(), "")


def decoded(body: bytes, content_type: str = "") -> tuple[str, str]:
    """The characters and the charset they were in. Raises: RefusedError for a mixture, a guess, control characters."""
    text, charset = _decoded(body, content_type)
    if found := _CONTROL.search(text):
        raise RefusedError("E_CONTROL_CHAR", f"a control character U+{ord(found[0]):04X} at place {found.start():,}")
    return text, charset


def check_lines(body: bytes) -> None:
    """Raise RefusedError for a line that no person wrote."""
    start = 0
    while len(body) - start > LONGEST_LINE:
        end = body.rfind(b"\n", start, start + LONGEST_LINE)
        if end < 0:
            raise RefusedError("E_LINE_LENGTH", f"a line of more than {LONGEST_LINE:,} bytes")
        start = end + 1


def _decoded(body: bytes, content_type: str) -> tuple[str, str]:
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if body.startswith(mark):
            return _strict(body, name), name
    found = _DECLARED.search(content_type.encode("ascii", "replace")) or _DECLARED.search(body[:4096])
    declared = found[1].decode("ascii").lower() if found else ""
    if declared.startswith(("utf-16", "utf16")) and b"\0" in body:
        return _strict(body, "utf-16-le" if body[1:2] == b"\0" else "utf-16-be"), declared
    if b"\0" in body[:4096] and body.count(b"\0", 0, 4096) > len(body[:4096]) // 32:
        raise RefusedError("E_CHARSET", "UTF-16 that does not say so")
    if declared in ("utf-7", "utf7") or (body.isascii() and len(_SEVEN.findall(body)) >= 3):
        raise RefusedError("E_CHARSET", "UTF-7")
    try:
        return body.decode(), "utf-8"
    except UnicodeDecodeError:
        if len(_PAIR.findall(body)) > 2 or declared in ("utf-8", "utf8"):
            raise RefusedError("E_CHARSET", "UTF-8 mixed with other bytes") from None
    if declared and _CHARSETS.fullmatch(declared):
        text = _strict(body, "mac-cyrillic" if "mac" in declared else declared)
        if strangeness(text) <= UNREADABLE:
            return text, declared
    import chardet  # noqa: PLC0415 - only what is not UTF-8 needs an opinion

    charset = str(chardet.detect(body)["encoding"] or "").lower()
    if not _CHARSETS.fullmatch(charset):
        raise RefusedError("E_CHARSET", "an undeclared charset that could not be told")
    if charset == "koi8-r" and strangeness(text := _strict(body, "koi8-t")) < strangeness(_strict(body, "koi8-r")):
        return text, "koi8-t"
    text = _strict(body, charset)
    if strangeness(text) > UNREADABLE:
        raise RefusedError("E_CHARSET", f"letters that make no words in {charset}")
    return text, charset


def _strict(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset)
    except (UnicodeDecodeError, LookupError):
        raise RefusedError("E_CHARSET", f"bytes that are not {charset}") from None


def _plain(head: bytes) -> bytes:
    return head.replace(b"\0", b"")


def _package(body: bytes) -> Kind:
    """What a zip holds. Raises: RefusedError for one that is torn or holds no known document."""
    try:
        with zipfile.ZipFile(BytesIO(body)) as package:
            names = set(package.namelist()[:2001])
            mime = (
                package.read("mimetype")[:80]
                if "mimetype" in names and package.getinfo("mimetype").file_size < 80
                else b""
            )
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError):
        raise RefusedError("E_BAD_FILE", "a zip that is torn") from None
    if "word/document.xml" in names:
        return "docx"
    if any(name.startswith("xl/") for name in names) or b"spreadsheet" in mime:
        return "sheet"
    if b"opendocument.text" in mime:
        return "old"
    raise RefusedError(
        "E_ARCHIVE"
        if any(n.lower().endswith((".zip", ".docx", ".xlsx")) or ".." in n for n in names)
        else "E_UNSUPPORTED",
        "a zip that is no document",
    )
