"""Where we are stricter than frictionless, and why: the written list, and the reading of one suspicious cell.

Every rule here stands beside frictionless's own verdict and never changes it. SQL (compiled.py) lets through what is
plainly in order; only what it does not recognise comes here. Knows one cell at a time, and no file.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One stricter rule: its name, the frictionless error type nearest to it, what is wrong, what to do, and why."""

    name: str
    type: str
    sentence: str
    cure: str
    reason: str


RULES = (
    Rule(
        "formula-like",
        "constraint-error",
        "a text begins with a sign that a spreadsheet takes for a formula (= + - @ | % or a tab)",
        "begin the text with a word or a number; write a dash as — and a minus as −",
        "a spreadsheet that opens the CSV would run it; frictionless reads any text",
    ),
    Rule(
        "hidden-character",
        "constraint-error",
        "a cell holds a control, direction-changing, private or unassigned character",
        "type the cell again as plain text in one line",
        "such characters hide or reorder what a reader sees; frictionless passes even NUL",
    ),
    Rule(
        "edge-space",
        "constraint-error",
        "a text begins or ends with a space",
        "remove the space",
        "two texts that look the same must be the same",
    ),
    Rule(
        "foreign-digit",
        "type-error",
        "a digit is not one of 0-9 (fullwidth, Arabic-Indic or another script)",
        "type the number with the digits 0-9",
        "Python reads these digits as numbers, other readers do not",
    ),
    Rule(
        "look-alike",
        "constraint-error",
        "Latin and Cyrillic letters stand in one word, or a Cyrillic О or З touches a digit",
        "type the word again on one keyboard layout",
        "codes that look the same would be counted apart",
    ),
    Rule(
        "not-finite",
        "type-error",
        "a number is nan or infinite",
        "leave the cell empty and fill the missing reason",
        "frictionless accepts nan and Infinity as numbers",
    ),
    Rule(
        "too-many-digits",
        "type-error",
        "a number has more than 15 digits",
        "check the number against the document: no published count is that long",
        "15 digits are what every reader (JSON, spreadsheets, SQLite) keeps exactly; frictionless sets no limit",
    ),
    Rule(
        "non-canonical",
        "type-error",
        "a number, date or truth value is readable but not written in its one plain form",
        "write numbers as 1170 or 0.5 (no spaces, +, exponent or trailing zero), dates as 2023-02-28, true or false",
        "frictionless reads 1_000, ' 1', 1e3, 2020-1-1; another reader does not, or reads something else",
    ),
    Rule(
        "loose-uri",
        "type-error",
        "an address is not a web address with a host, or holds a space or a letter outside ASCII",
        "copy the address from the browser, beginning with https://",
        "frictionless passes 'https://a b', 'http://' and 'javascript:'",
    ),
    Rule(
        "unknown-category",
        "constraint-error",
        "a value is not among the categories of its field",
        "use a listed category, or add it to the schema first",
        "frictionless keeps categories and never looks at them",
    ),
    Rule(
        "unique-keys",
        "unique-error",
        "two rows have the same values in fields that the schema lists in uniqueKeys",
        "remove the row that stands twice, or correct its key",
        "frictionless keeps uniqueKeys and never looks at them",
    ),
    Rule(
        "not_before",
        "constraint-error",
        "an end lies before its beginning",
        "compare both dates with the document",
        "a Table Schema cannot compare two fields",
    ),
    Rule(
        "filled_iff_empty",
        "constraint-error",
        "a value and its missing reason are both filled, or both empty",
        "fill exactly one of the two",
        "a Table Schema cannot tie one field to another",
    ),
    Rule(
        "undeclared-encoding",
        "encoding-error",
        "a file is not UTF-8, and its encoding is guessed",
        "save the file as UTF-8, or declare its encoding",
        "frictionless guesses the encoding, and may guess wrong",
    ),
)
BY_NAME = {rule.name: rule for rule in RULES}

CANONICAL = {
    "integer": re.compile(r"0|-?[1-9][0-9]*"),
    "number": re.compile(r"0|-?[1-9][0-9]*(\.[0-9]*[1-9])?|-?0\.[0-9]*[1-9]"),
    "boolean": re.compile(r"true|false"),
    "date": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "year": re.compile(r"[0-9]{4}"),
    "yearmonth": re.compile(r"[0-9]{4}-[0-9]{2}"),
    "time": re.compile(r"[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})?"),
    "datetime": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})?"),
}
DIGITS = 15
HIDDEN = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"})
NOT_FINITE = re.compile(r"[+-]?(s?nan[0-9]*|inf(inity)?)", re.IGNORECASE)
WEB_ADDRESS = re.compile(r"(https?|ftp)://[A-Za-z0-9][!-~]*|(mailto|urn|doi|tel):[!-~]+")
MIXED = re.compile(r"[A-Za-z][\u0400-\u052f]|[\u0400-\u052f][A-Za-z]|[0-9][ОЗоз]|[ОЗоз][0-9]")


def broken(kind: str, text: str, *, plain: bool) -> list[str]:
    """The names of the cell rules that `text` breaks as a cell of a column of `kind`.

    Shape: `plain` says that the cell has its type and the column the standard's default notation, so that there is
    one canonical form.
    """
    found = []
    if any(unicodedata.category(letter) in HIDDEN for letter in text):
        found.append("hidden-character")
    if not text.isascii() and any(letter.isdecimal() and not letter.isascii() for letter in text):
        found.append("foreign-digit")
    if kind in {"text", "code", "uri"}:
        if unicodedata.normalize("NFKC", text).startswith(tuple("=+-@\t\r|%")):
            found.append("formula-like")
        if text != text.strip():
            found.append("edge-space")
    if kind not in {"text", "uri", "other"} and _looks_alike(text, whole=kind == "code"):
        found.append("look-alike")
    if kind == "uri" and not WEB_ADDRESS.fullmatch(text):
        found.append("loose-uri")
    if not found and plain and kind in CANONICAL:
        found.extend(_uncanonical(kind, text))
    return found


def _looks_alike(text: str, *, whole: bool) -> bool:
    """Whether letters of two alphabets meet, or (in a code) compatibility letters stand for plain ones."""
    bare = "".join(letter for letter in text if not letter.isdecimal() or letter.isascii())
    compatible = unicodedata.normalize("NFKC", bare) != unicodedata.normalize("NFC", bare)
    return bool(MIXED.search(bare)) or (whole and compatible)


def _uncanonical(kind: str, text: str) -> list[str]:
    """What keeps a readable number or date from its one plain form."""
    if kind in {"integer", "number"}:
        if NOT_FINITE.fullmatch(text.strip()):
            return ["not-finite"]
        if sum(letter.isdigit() for letter in text.lower().split("e")[0].lstrip("-+0. ")) > DIGITS:
            return ["too-many-digits"]
    return [] if CANONICAL[kind].fullmatch(text) else ["non-canonical"]
