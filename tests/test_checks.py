"""A read table is held against itself: its totals, cells that would run, letters that pose as others."""

from __future__ import annotations

import pytest

from pipeline import errors, extract, periods, values
from pipeline.extract import checks
from pipeline.records import PrintedTable


def table(*rows: str, header: int = 1) -> PrintedTable:
    return PrintedTable(tuple(tuple(row.split("|")) for row in rows), "t", None, "test", header)


def places(*rows: str, header: int = 1) -> list[str]:
    return [one.row for one in checks.totals(table(*rows, header=header))]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (("Регион|2020|2021", "Суғд|12|1 200", "Хатлон|3|4", "Ҳамагӣ|15|1 204"), []),
        (("Регион|2020|2021", "Суғд|12|1 200", "Хатлон|3|4", "Ҳамагӣ|16|1 204"), ["r4 c2"]),
        (("Регион|2020|2021", "Согд|12|5", "Хатлон|3|4", "Итого|16|8"), ["r4 c2", "r4 c3"]),
        (("Body|n", "Total|9", "Police|5", "Army|4"), []),
        (("Body|n", "Total|9", "Police|5", "Army|3"), ["r2 c2"]),
        (("Body|n", "Police|5", "of whom women|2", "Army|4", "Total|9"), []),
        (("Орган|n", "Суд|5", "в том числе районный|2", "Армия|4", "Всего|11"), ["r5 c2"]),
        (("a|n", "x|1", "y|2", "Итого|3", "z|4", "w|5", "Итого|9"), []),
        (("a|n", "x|1", "y|2", "Итого|3", "z|4", "w|5", "Итого|12"), ["r7 c2"]),
        (("a|n", "x|—", "y|2", "Итого|2"), []),
        (("a|n", "x|около 5", "y|2", "Итого|99"), []),
        (("a|n", "x|5^1", "y|2", "Итого|8"), ["r4 c2"]),
        (("a|n", "x|5", "Итого|8"), []),
        (("a|n", "x|5", "y|8"), []),
    ],
)
def test_a_printed_total_that_is_no_sum_is_told_by_its_place(rows: tuple[str, ...], expected: list[str]) -> None:
    """Closing and opening totals, subtotals, parts of a row, dashes, footnotes; what cannot be judged is not."""
    assert places(*rows) == expected


def test_a_wrong_total_of_a_page_is_a_finding_without_its_cell() -> None:
    """From the bytes to the finding: code, place, sentence, cure; neither number stands in it."""
    body = "<table><tr><th>Орган<th>n<tr><td>Суд<td>71<tr><td>Армия<td>82<tr><td>Итого<td>999</table>"
    (one,) = checks.findings(extract.read(body.encode()))

    assert (one.check, one.table, one.row) == ("E_TOTALS", "(//table)[1]", "r4 c2")
    assert not {"999", "153", "71"} & set(str(one).replace("'", " ").split())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("=HYPERLINK(1)", "E_FORMULA_LIKE"),
        ("＝1", "E_FORMULA_LIKE"),
        ("﹦1+1", "E_FORMULA_LIKE"),
        ("@SUM(A1)", "E_FORMULA_LIKE"),
        ("+cmd|x", "E_FORMULA_LIKE"),
        ("5\u202e2", "E_CONFUSABLE"),
        ("5\u200b2", "E_CONFUSABLE"),
        ("О2", "E_CONFUSABLE"),
        ("Cуд", "E_CONFUSABLE"),
        ("1О", "E_CONFUSABLE"),
        ("-", ""),
        ("— 5", ""),
        ("+3", ""),
        ("Суѓд", ""),
        ("давлатb", ""),
        ("ст. 143 (1) a)", ""),
        ("CAT/C/TJK/3, п. 5", ""),
    ],
)
def test_a_cell_that_would_run_or_pose_is_told(text: str, code: str) -> None:
    """Formulas in any width, direction marks, zero-width signs, Latin letters in Russian words; not Tajik fonts."""
    found = [one.check for one in checks.findings(extract.read(f"<table><tr><td>a<td>{text}</table>".encode()))]

    assert found == ([code] if code else [])


def test_markup_in_a_cell_stays_text() -> None:
    """What looks like a script is the cell's text, to be escaped by every page."""
    found = extract.read(b"<table><tr><td>&lt;script&gt;1&lt;/script&gt;<td>javascript:alert(1)</table>").tables[0]

    assert found.rows == (("<script>1</script>", "javascript:alert(1)"),)


@pytest.mark.parametrize("text", ["9" * 5000, "1e400", "nan", "-5", "1.234", "=5", "5\u202e2", "О2", "1\n170"])
def test_a_cell_that_is_no_count_is_refused_as_a_number(text: str) -> None:
    """E_NUMBER, whatever reader the cell came from."""
    (row,) = extract.read(f"<table><tr><td>a<td>{text.replace(chr(10), '<br>')}</table>".encode()).tables[0].rows
    with pytest.raises(errors.UnreadableValue) as caught:
        values.read_count(row[1], "ru")

    assert caught.value.code == "E_NUMBER"


@pytest.mark.parametrize("text", ["29 февраля 2023 года", "в 0001 году", "в 2031 году"])
def test_a_cell_that_is_no_period_is_refused_as_a_date(text: str) -> None:
    """E_DATE for a day that never was, a year before all pages, a year to come."""
    (row,) = extract.read(f"<table><tr><td>{text}<td>5</table>".encode()).tables[0].rows
    with pytest.raises(errors.UnreadablePeriod) as caught:
        periods.read_period(row[0], periods.date(2024, 5, 1), "ru")

    assert caught.value.code == "E_DATE"
