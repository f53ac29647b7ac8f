"""Inside the child: from the bytes of one file to an answer in plain data. Imports one reader, that of its kind."""

from __future__ import annotations

import csv
import importlib
import os
from typing import Any

from pipeline.extract import kinds
from pipeline.extract.draft import Draft
from pipeline.extract.grids import header_rows
from pipeline.extract.refusals import RefusedError


def answer(order: dict[str, Any], body_fd: int) -> dict[str, Any]:
    """The draft of the file, or {"refused": code, "seen": …}. Any other exception is a parser's own."""
    body = os.pread(body_fd, os.fstat(body_fd).st_size, 0)
    draft = Draft(order["kind"])
    try:
        if order["kind"] in ("html", "text"):
            text, charset = kinds.decoded(body, order["content_type"])
            if charset not in ("utf-8", "utf-8-sig"):
                draft.notice("W_CHARSET", "document", f"the text was read as {charset}", "Compare a name or two by eye")
            if order["kind"] == "text":
                lines(text, draft)
                if order["content_type"] == "text/csv":
                    separated(text, draft)
            else:
                importlib.import_module("pipeline.extract.html").read(text, draft)
        elif order["kind"] == "pdf":
            importlib.import_module("pipeline.extract.pdf").read(body, draft, f"/proc/self/fd/{body_fd}")
        else:
            module = {"docx": "docx", "sheet": "sheets"}[order["kind"]]
            importlib.import_module(f"pipeline.extract.{module}").read(body, draft)
    except RefusedError as refusal:
        return {"refused": refusal.code, "seen": refusal.seen}
    return draft.answer()


def lines(text: str, draft: Draft) -> None:
    """A plain text: each line with words is a block, and the draft's text is the file's, character by character."""
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        words = line.rstrip("\r\n")
        draft.say(words, f"line {number}", end=line[len(words) :])
        if not words:
            draft.gap(line)


def separated(text: str, draft: Draft) -> None:
    """A table of the lines, where one mark cuts each into the same number of cells; the text is there already."""
    for mark in "\t;,|":
        try:
            rows = [row for row in csv.reader(text.splitlines(keepends=True), delimiter=mark, strict=True) if any(row)]
        except csv.Error:
            continue
        if len({len(row) for row in rows}) == 1 < min(len(rows), len(rows[0])):
            draft.claim(len(rows) * len(rows[0]))
            shown = [[cell.strip(" \t\r\n") for cell in row] for row in rows]
            at = f"lines 1-{len(text.splitlines())}"
            draft.tables.append({"rows": shown, "at": at, "page": None, "engine": "csv", "header": header_rows(shown)})
            return
    draft.notice("W_TABLE", "document", "no mark cuts its lines into the same number of cells, so none is a table",
                 "Save it anew as CSV or XLSX")  # fmt: skip
