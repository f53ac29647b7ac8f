"""The document a reader is writing: text, blocks and tables in reading order, as plain data for the way out.

Knows no kind of file. The parent turns `answer()` into a records.Document.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.extract.refusals import MOST_CELLS, RefusedError

Rows = list[list[str]]


class Draft:
    """Collects what a reader says, in the order in which it says it."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.blocks: list[tuple[str, int, int, int]] = []
        self.tables: list[dict[str, Any]] = []
        self.notices: list[tuple[str, str, str, str]] = []
        self.counts: dict[str, int] = {}
        self._pieces: list[str] = []
        self._length = 0
        self._cells = 0

    def place(self, tag: str) -> str:
        """The XPath of the next element of this name."""
        self.counts[tag] = count = self.counts.get(tag, 0) + 1
        return f"(//{tag})[{count}]"

    def claim(self, cells: int) -> None:
        """Count cells before they are made. Raises: RefusedError beyond the cap."""
        self._cells += cells
        if self._cells > MOST_CELLS:
            raise RefusedError("E_TABLE_SIZE", f"tables that claim more than {MOST_CELLS:,} cells")

    def say(self, text: str, at: str, table: int = -1, end: str = "\n") -> None:
        """Add a block."""
        if text:
            self.blocks.append((at, self._length, self._length + len(text), table))
            self._pieces += (text, end)
            self._length += len(text) + len(end)

    def gap(self, space: str) -> None:
        """Add what lies between blocks of a plain text."""
        self._pieces.append(space)
        self._length += len(space)

    def tabulate(
        self, rows: Rows, at: str, engine: str, header: int, own: Sequence[set[int]], *, page: int | None = None
    ) -> None:
        """Add a table; `own` are the columns of each row where a cell begins, which alone enter the text."""
        number, length = len(self.tables), self._length
        block, piece = self.blocks.append, self._pieces.append
        for line, (row, begun) in enumerate(zip(rows, own, strict=True), 1):
            for place in sorted(begun):
                if text := row[place]:
                    end = length + len(text)
                    block((f"{at} r{line} c{place + 1}", length, end, number))
                    piece(text)
                    piece("\t")
                    length = end + 1
            if length > self._length:
                self._pieces[-1] = "\n"
                self._length = length
        self.tables.append({"rows": rows, "at": at, "page": page, "engine": engine, "header": header})

    def notice(self, check: str, at: str, sentence: str, cure: str) -> None:
        """Add a finding, once."""
        if (check, at, sentence, cure) not in self.notices:
            self.notices.append((check, at, sentence, cure))

    def answer(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        text = "".join(self._pieces)
        return {"kind": self.kind, "text": text, "blocks": self.blocks, "tables": self.tables, "notices": self.notices}
