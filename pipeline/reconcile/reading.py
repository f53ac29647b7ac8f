"""Read a claims file for reconciliation, or refuse it with the key of every bad row.

Anybody's file is welcome as long as it says what each column means. Nothing is guessed and nothing is dropped:
one bad row refuses the whole file. Leaves the meaning of windows and numbers to `constraints`.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars

from pipeline.errors import BadLedger, UsageError
from pipeline.records import BREAKDOWNS

REQUIRED = ("claim_id", "group", "area", "period_start", "period_end", "value", "qualifier", "trust")
# A file may break its claims down; claims are then compared only where every breakdown agrees.
KINDS = ("breakdown", *BREAKDOWNS)
QUALIFIERS = ("exact", "at_least", "more_than", "at_most", "less_than", "about")
FIRST_YEAR, LAST_YEAR = 1900, 2100
LARGEST_VALUE = 10**15
SHOWN = 20
TEXT = ("claim_id", "group", "area")
# Control and direction-changing characters: a key that looks like another key.
UNPRINTABLE = "[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\ufeff]"


def claims(path: Path) -> polars.DataFrame:
    """The claims of `path`, typed, in the file's own order.

    Shape: claim_id, group, area, breakdown (the declared breakdowns joined, "" if there are none), period_start and
    period_end (dates, both inside the window), value and trust (whole numbers), qualifier.
    Raises: UsageError if the file cannot be opened or is not UTF-8; BadLedger for a header or rows that cannot be
    read as they must be, naming line and claim_id of each, at most twenty.
    """
    text = _text(path)
    header = _header(text, path)
    rows = _rows(text, header, path)
    _refuse(_problems(rows), path)
    broken_down = [name for name in KINDS if name in header]
    breakdown = polars.concat_str(broken_down, separator="|") if broken_down else polars.lit("")
    return rows.select(
        "claim_id", "group", "area", breakdown.alias("breakdown"),
        polars.col("period_start", "period_end").str.to_date("%Y-%m-%d"),
        polars.col("value").cast(polars.Int64), "qualifier", polars.col("trust").cast(polars.Int64),
    )  # fmt: skip


def _text(path: Path) -> bytes:
    """The bytes of the file, known to be UTF-8, without a byte order mark."""
    try:
        text = path.read_bytes()
        text.decode("utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be opened ({error.strerror}). Give the path of a CSV file.") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: byte {error.start} is not UTF-8. Save the file as CSV in UTF-8.") from None
    return text.removeprefix(b"\xef\xbb\xbf")


def _header(text: bytes, path: Path) -> list[str]:
    """The column names, all known, none twice, none missing."""
    if not text.strip():
        raise BadLedger(f"{path}: empty. Expected a header ({', '.join(REQUIRED)}) and one claim a line.")
    header = next(csv.reader(io.StringIO(text.split(b"\n", 1)[0].decode("utf-8"), newline="")), [])
    missing = [name for name in REQUIRED if name not in header]
    unknown = [str(place) for place, name in enumerate(header, 1) if name not in (*REQUIRED, *KINDS)]
    if missing:
        raise BadLedger(f"{path}:1: columns missing: {', '.join(missing)}. Expected {', '.join(REQUIRED)}.")
    if unknown:
        raise BadLedger(
            f"{path}:1: column number {', '.join(unknown)} has a name that is not known. Expected "
            f"{', '.join(REQUIRED)} and, where claims are broken down, {', '.join(KINDS)}. Rename or remove it.",
        )
    if len(set(header)) != len(header):
        raise BadLedger(f"{path}:1: a column stands twice. Keep one of each.")
    return header


def _rows(text: bytes, header: list[str], path: Path) -> polars.DataFrame:
    """The rows as text, each with the line of the file where it starts."""
    try:
        rows = polars.read_csv(io.BytesIO(text), infer_schema=False, empty_string_is_null=False)
        ragged = rows.columns != header
    except polars.exceptions.PolarsError:
        ragged = True
    simple = text.count(b'"') == 0
    if ragged or not simple or b"\n\n" in text or b"\r" in text:
        rows = _rows_one_by_one(text, header, path)
    else:
        short = text.count(b",") != (len(header) - 1) * (rows.height + 1)
        rows = _rows_one_by_one(text, header, path) if short else rows.with_row_index("line", offset=2)
    if not rows.height:
        raise BadLedger(f"{path}: a header and no claims. Expected one claim a line.")
    return rows


def _rows_one_by_one(text: bytes, header: list[str], path: Path) -> polars.DataFrame:
    """The rows of a file that needs care: quotes, line ends, or a row too short or too long."""
    reader = csv.reader(io.StringIO(text.decode("utf-8"), newline=""), strict=True)
    kept: list[list[str]] = []
    line = 1
    try:
        next(reader)
        while True:
            line = reader.line_num + 1
            row = next(reader, None)
            if row is None:
                break
            if len(row) != len(header):
                raise BadLedger(f"{path}:{line}: {len(row)} cells, expected {len(header)}. Complete or remove the row.")
            kept.append([str(line), *row])
    except csv.Error:
        raise BadLedger(
            f"{path}:{line}: quotes that do not close, or a cell too long to be one. Mend the row."
        ) from None
    rows = polars.DataFrame(kept, schema=dict.fromkeys(["line", *header], polars.String), orient="row")
    return rows.with_columns(polars.col("line").cast(polars.UInt32))


def _problems(rows: polars.DataFrame) -> polars.DataFrame:
    """Every row that breaks a rule, with the first rule that it breaks: line, claim_id, why."""
    whole = "^(0|[1-9][0-9]*)$"
    value, trust = polars.col("value"), polars.col("trust")
    start, end = polars.col("period_start"), polars.col("period_end")
    rules: list[tuple[polars.Expr, str]] = [
        ((polars.col(name) == "") | polars.col(name).str.contains(UNPRINTABLE),
         f"{name} is empty or holds an invisible character; expected printable text") for name in TEXT
    ]  # fmt: skip
    for name, day in (("period_start", start), ("period_end", end)):
        dashed = day.str.contains(r"^[0-9]+-[0-9]{2}-[0-9]{2}$")
        year = day.str.extract(r"^([0-9]+)-").str.zfill(4)
        out = (year.str.len_chars() > 4) | (year < str(FIRST_YEAR)) | (year > str(LAST_YEAR))  # noqa: PLR2004
        digits = day.str.contains("^[0-9]{5,}$")
        rules += [
            ((dashed & out) | digits, f"{name} has a year outside {FIRST_YEAR} to {LAST_YEAR}"),
            (day.str.to_date("%Y-%m-%d", strict=False).is_null() | ~day.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
             f"{name} is not a date of the calendar written YYYY-MM-DD"),
        ]  # fmt: skip
    rules += [
        (end < start, "the window ends before it starts: period_end is earlier than period_start"),
        (value.str.contains("^-[0-9]"), "value is below zero; a count is 0 or more"),
        (~value.str.contains(whole), "value is not a whole number written in plain digits"),
        (
            value.cast(polars.Int64, strict=False).fill_null(LARGEST_VALUE + 1) > LARGEST_VALUE,
            f"value is too large; the limit is {LARGEST_VALUE}",
        ),
        (~polars.col("qualifier").is_in(QUALIFIERS), f"qualifier unknown; expected one of {', '.join(QUALIFIERS)}"),
        (~trust.str.contains("^[1-9][0-9]{0,8}$"), "trust is not a whole number from 1 (the most trusted)"),
        (polars.col("claim_id").is_first_distinct().not_(), "this claim_id stands twice; every claim has its own"),
    ]
    why = polars.coalesce([polars.when(broken).then(polars.lit(sentence)) for broken, sentence in rules])
    return rows.select("line", "claim_id", why.alias("why")).filter(polars.col("why").is_not_null())


def _refuse(problems: polars.DataFrame, path: Path) -> None:
    """Raise if there is anything to say."""
    if not problems.height:
        return
    told = []
    for line, claim_id, why in problems.sort("line").head(SHOWN).iter_rows():
        key = f" {claim_id}" if claim_id.isprintable() and claim_id and len(claim_id) <= 100 else ""  # noqa: PLR2004
        told.append(f"{path}:{line}:{key}: {why}.")
    more = problems.height - len(told)
    rest = f"\nAnd {more} more." if more > 0 else ""
    raise BadLedger("\n".join(told) + rest + "\nNothing was computed. Correct the file and run again.")
