"""Numbers as a sheet of XLSX shows them: rounded, as percent, in thousands, with the words of their format.

Marks between thousands are left out; a format that shows dates, fractions or powers leaves the number as it is stored.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

BUILT_IN: Final = {
    "1": "0", "2": "0.00", "3": "#,##0", "4": "#,##0.00", "9": "0%", "10": "0.00%", "37": "#,##0;-#,##0",
    "38": "#,##0;-#,##0", "39": "#,##0.00;-#,##0.00", "40": "#,##0.00;-#,##0.00", "41": "#,##0", "42": "#,##0",
    "43": "#,##0.00", "44": "#,##0.00",
}  # fmt: skip
_PIECE: Final = re.compile(
    r'"(?P<words>[^"]*)"|\\(?P<sign>.)|\[\$(?P<money>[^-\]]*)[^\]]*\]|\[[^\]]*\]|[_*].'
    r"|(?P<digits>[0#?](?:[0#?., \u00a0]*[0#?])?,*)|(?P<general>General)|(?P<other>.)",
    re.DOTALL,
)
_ODD: Final = re.compile(r"[dmyhsDMYHSE/]")


def shown(value: float, code: str) -> str:
    """The number in this format; "" where the format hides it."""
    sections = code.split(";") if code else ["General"]
    place = 1 if value < 0 and len(sections) > 1 else 2 if value == 0 and len(sections) > 2 else 0
    pieces = [
        (match.lastgroup, match[match.lastgroup]) for match in _PIECE.finditer(sections[place]) if match.lastgroup
    ]
    if any(kind == "other" and _ODD.fullmatch(text) for kind, text in pieces):
        return plain(value)
    percents = sum(text == "%" for kind, text in pieces if kind == "other")
    number = Decimal(repr(abs(value) if place == 1 else value)) * 100**percents
    told = [_digits(number, text) if kind == "digits" else plain(value) if kind == "general" else text
            for kind, text in pieces]  # fmt: skip
    return "".join(told).strip()


def plain(value: float) -> str:
    """The number as it is stored."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _digits(number: Decimal, pattern: str) -> str:
    """The number rounded to the places of the pattern, in thousands for each comma at its end."""
    bare = pattern.rstrip(",")
    number /= 1000 ** (len(pattern) - len(bare))
    places = bare.partition(".")[2].replace(",", "")
    text = f"{number.quantize(Decimal(1).scaleb(-len(places)), ROUND_HALF_UP):f}"
    while places.endswith(("#", "?")) and text.endswith("0"):
        places, text = places[:-1], text[:-1]
    return text.rstrip(".") if not places else text
