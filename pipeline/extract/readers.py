"""Inside the child: from the bytes of one file to an answer in plain data. Imports one reader, that of its kind."""

from __future__ import annotations

import importlib
import os
from typing import Any

from pipeline.extract import kinds
from pipeline.extract.draft import Draft
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
