"""Why a file is refused, each with its stable code, what would have been read, and what to do.

Raised inside the child that parses; the parent makes an errors.UnreadableDocument of it. Never quotes the file.
"""

from __future__ import annotations

from typing import Final

MOST_BYTES: Final = 50_000_000
MOST_CELLS: Final = 1_000_000
DEEPEST: Final = 500
LONGEST_LINE: Final = 1_000_000

# code: (what was expected, what to do)
REFUSALS: Final = {
    "E_ARCHIVE": (
        "a zip of at most 2,000 plain members, 200 MB, ratio 200",
        "Open it on a machine without data, save it anew",
    ),
    "E_BAD_PDF": ("a PDF whose pages form a tree", "Print it to a new PDF, and keep the original"),
    "E_CHARSET": ("UTF-8, or one Cyrillic charset throughout", "Save it as UTF-8 by hand and compare it"),
    "E_CIPHER_TEXT": (
        "letters that a person can read",
        "Read the figures by eye: the file's text is not what it shows",
    ),
    "E_CONTROL_CHAR": ("no control characters", "Look at the bytes: the file is damaged or forged"),
    "E_DEPTH": ("at most 500 elements inside one another", "Save the page anew from a browser"),
    "E_DTD": ("no document type in an office file", "Do not open it; ask the publisher for another copy"),
    "E_ENCRYPTED": ("a file without a password", "Ask for an open copy, and keep this one"),
    "E_BAD_FILE": ("a whole file of its kind", "Fetch it again, or open it and save it anew"),
    "E_LINE_LENGTH": ("lines of at most a million bytes", "Look at the file: it is not prose"),
    "E_NO_TEXT": ("text, not only pictures of it", "Read it by eye and enter the claims as transcribed"),
    "E_PARSER_CRASH": ("a parser that ends by itself", "Keep the file; read it by eye"),
    "E_PARSER_MEMORY": ("at most 768 MB for one file", "Keep the file; read it by eye, or split it"),
    "E_PARSER_TIME": (
        "at most 10 s of work and 20 s in all for one file",
        "Keep the file; read it by eye, or split it",
    ),
    "E_TABLE_SIZE": ("at most a million cells and 8 MB of text", "Keep the file; read it by eye, or split it"),
    "E_TOO_BIG": ("at most 50 MB", "Split it"),
    "E_UNSUPPORTED": ("HTML, PDF, DOCX, XLSX, XLS, ODS or plain text", "Save it as one of these"),
}


class RefusedError(Exception):
    """Inside the child: this file is not read. `code` is a key of REFUSALS."""

    def __init__(self, code: str, seen: str) -> None:
        super().__init__(code)
        self.code, self.seen = code, seen
