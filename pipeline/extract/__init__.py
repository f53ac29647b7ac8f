"""Documents: bytes of a publisher → a `records.Document` of printed text and tables, each piece with its place.

One reader per kind (html, pdf, docx, sheets, plain text), each run in a child that can be killed (sandbox.py). Says
what was printed and where; what a number means is left to values.py, periods.py and prose.py. What cannot be read
whole is refused (refusals.py), what is left out is told as a Finding: a silent wrong answer is never given.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from pipeline import errors
from pipeline.extract import kinds, office, sandbox
from pipeline.extract.refusals import MOST_BYTES, REFUSALS, RefusedError
from pipeline.records import Block, Document, DocumentKind, Finding, PrintedTable

_SHOWN_KINDS: Final[dict[str, DocumentKind]] = {
    "html": "html", "pdf": "pdf", "docx": "docx", "sheet": "sheet", "text": "text",
}  # fmt: skip


def read(body: bytes, name: str = "", content_type: str = "") -> Document:
    """What the document prints. `name` is told in messages; kind and charset come from the bytes.

    Raises: UnreadableDocument with a code of refusals.py; Unsupported for a kind that is not read here.
    """
    try:
        return _read(body, name, content_type)
    except RefusedError as refusal:
        code = refusal.code if refusal.code in REFUSALS else "E_PARSER_CRASH"
        expected, cure = REFUSALS[code]
        if code == "E_UNSUPPORTED":
            raise errors.Unsupported(f"{name or 'document'}: {refusal.seen}; expected {expected}. {cure}.") from None
        raise errors.UnreadableDocument(code, name, refusal.seen, expected, cure + ".") from None


def read_file(path: Path) -> Document:
    """What the file prints. Raises: UsageError where there is no such file, else as `read`."""
    try:
        with path.open("rb") as file:
            body = file.read(4 * MOST_BYTES + 1)
    except OSError as error:
        raise errors.UsageError(f"{path}: cannot be opened ({error.strerror}); expected a document.") from None
    return read(body, path.name)


def read_many(bodies: Iterable[bytes], workers: int = 2) -> Iterator[Document | errors.PipelineError]:
    """Each document, or why it is refused, in the order given; `workers` children at once."""
    with ThreadPoolExecutor(workers) as threads:
        yield from threads.map(_read_or_error, bodies)


def _read(body: bytes, name: str, content_type: str) -> Document:
    """The document, or the reader's own refusal."""
    if len(body) > MOST_BYTES and kinds.kind_of(body[:1_000_000]) != "text":
        raise RefusedError("E_TOO_BIG", f"{len(body):,} bytes")
    kind, body, told = _prepared(body)
    separated = name.lower().endswith((".csv", ".tsv")) or content_type.startswith("text/csv")
    answer = sandbox.held().answer(kind, body, "text/csv" if separated and kind == "text" else content_type)
    if "refused" in answer:
        raise RefusedError(str(answer["refused"]), str(answer["seen"]))
    promised = kinds.named_kind(name, content_type)
    if promised not in ("", kind, "old"):
        told.append(f"it is named as {promised}, its bytes are {kind}")
    try:
        return _document(answer, name, told)
    except (KeyError, TypeError, ValueError):
        raise RefusedError("E_PARSER_CRASH", "an answer that is not of the agreed shape") from None


def _read_or_error(body: bytes) -> Document | errors.PipelineError:
    try:
        return read(body)
    except errors.PipelineError as error:
        return error


def _prepared(body: bytes) -> tuple[str, bytes, list[str]]:
    """The kind, the bytes to read, and what was done to them: old office files go through LibreOffice first.

    An XLS file is read as it is where LibreOffice is absent or fails.
    """
    kind = kinds.kind_of(body)
    if kind == "text":
        kinds.check_lines(body)
    if kind in ("docx", "sheet") and body.startswith(b"PK"):
        office.check_package(body)
    elif kind == "sheet":
        with contextlib.suppress(RefusedError):
            return kind, office.modern(body, "xlsx"), ["LibreOffice turned it into XLSX before it was read"]
    if kind != "old":
        return kind, body, []
    return "docx", office.modern(body), ["LibreOffice turned it into DOCX before it was read"]


def _document(answer: dict[str, Any], name: str, told: list[str]) -> Document:
    """The child's answer as nouns, each field checked: the child has read foreign bytes."""
    text = _is(answer["text"], str)
    cut = []
    for at, start, end, table in answer["blocks"]:
        if not 0 <= _is(start, int) <= _is(end, int) <= len(text):
            raise ValueError
        cut.append(Block(text[start:end], _is(at, str), start, _is(table, int)))
    tables = tuple(
        PrintedTable(
            tuple(tuple(_is(cell, str) for cell in row) for row in table["rows"]),
            _is(table["at"], str),
            None if table["page"] is None else _is(table["page"], int),
            _is(table["engine"], str),
            _is(table["header"], int),
        )
        for table in answer["tables"]
    )
    findings = [_finding(name, *(_is(part, str) for part in notice)) for notice in answer["notices"]]
    findings += [_finding(name, "W_KIND", "", one, "Look whether it is the file you meant") for one in told]
    return Document(_SHOWN_KINDS[answer["kind"]], text, tuple(cut), tables, tuple(findings))


def _finding(name: str, check: str, at: str, sentence: str, cure: str) -> Finding:
    return Finding(check, "notice", name or "document", at, sentence, cure)


def _is(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError
    return value
