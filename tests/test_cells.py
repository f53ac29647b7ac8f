"""Numbers in cells of tables: read through their headings, or refused."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline import extract
from pipeline.extract import cells

SAID = date(2024, 2, 1)
RECEIVED = "Жалобы на пытки, поступившие в прокуратуру"
DOCUMENTED = "Случаи пыток, задокументированные Коалицией"


def table(*rows: str, caption: str = "", after: str = "") -> str:
    """A page with one table: cells of a row stand between "|", the first row holds headings."""
    lines = [
        "".join(f"<{tag}>{cell.strip()}</{tag}>" for cell in row.split("|"))
        for row, tag in zip(rows, ["th", *["td"] * len(rows)], strict=False)
    ]
    texts = [f"<p>{text}</p>" if text else "" for text in (caption, after)]
    return f"{texts[0]}<table><tr>{'</tr><tr>'.join(lines)}</tr></table>{texts[1]}"


def read(page: str, language: str, *own: str) -> dict[str, str]:
    """Printed number → what it became: "indicator year area breakdown", or its reason."""
    document = extract.read(f"<meta charset=utf-8>{page}".encode())
    found = {}
    for n in cells.numbers(document, 0, language, SAID, own):
        broken = "".join(f" {column}={code}" for column, code in n.breakdown.items())
        years = f"{n.period.start:%Y}" if n.period and n.period.type == "year" else str(n.period)
        found[n.printed] = f"{n.indicator} {years} {n.area}{broken}" if n.decision == "proposed" else n.reason
    return found


GOOD = {
    "years across": (
        "ru",
        table("Показатель | 2021 | 2022", f"{RECEIVED} | 24 | 16"),
        {"24": "complaints_received_prosecutor 2021 TJ", "16": "complaints_received_prosecutor 2022 TJ"},
    ),
    "years down": (
        "ru",
        table("Год | Поступило жалоб на пытки в прокуратуру", "2021 | 24", "2022 | 16"),
        {"24": "complaints_received_prosecutor 2021 TJ", "16": "complaints_received_prosecutor 2022 TJ"},
    ),
    "areas and a total that fits": (
        "ru",
        table(
            "Область | 2021", "Душанбе | 24", "Согдийская область | 9", "Всего | 33", caption=f"Таблица 2. {RECEIVED}"
        ),
        {
            "24": "complaints_received_prosecutor 2021 TJ-DU",
            "9": "complaints_received_prosecutor 2021 TJ-SU",
            "33": "complaints_received_prosecutor 2021 TJ",
        },
    ),
    "a breakdown": (
        "ru",
        table("Показатель | 2021", f"{DOCUMENTED} | 33", f"{DOCUMENTED}, в отношении женщин | 5"),
        {"33": "complaints_documented_coalition 2021 TJ", "5": "complaints_documented_coalition 2021 TJ sex=female"},
    ),
    "numbered rows": (
        "ru",
        table("№ | Показатель | 2021", f"1 | {RECEIVED} | 24"),
        {"24": "complaints_received_prosecutor 2021 TJ"},
    ),
    "english": (
        "en",
        table("Indicator | 2021", "Complaints of torture received by prosecutors | 1,024"),
        {"1,024": "complaints_received_prosecutor 2021 TJ"},
    ),
    "tajik": (
        "tg",
        table("Нишондиҳанда | 2021", "Шикоятҳо оид ба шиканҷа, ки ба прокуратура ворид шуданд | 24"),
        {"24": "complaints_received_prosecutor 2021 TJ"},
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_cell_is_read_through_its_headings(name: str) -> None:
    """Caption, label of the row and heading of the column together name the figure."""
    language, page, expected = GOOD[name]
    found = read(page, language)

    assert expected == {printed: found[printed] for printed in expected}


WHOLE = f"{RECEIVED} в 2021 году"
BAD = {
    "an unknown word": table("Область | 2021 (план)", "Душанбе | 24", caption=RECEIVED),
    "thousands": table("Область | 2021, тыс.", "Душанбе | 24", caption=RECEIVED),
    "percent": table("Область | 2021, %", "Душанбе | 24", caption=RECEIVED),
    "half a year above": table("Область | 2021", "Душанбе | 24", caption=f"{RECEIVED} за первое полугодие"),
    "another year above": table("Область | 2021", "Душанбе | 24", caption=f"{RECEIVED} в 2020 году"),
    "another country above": f"<h2>Казахстан</h2>{table('Область | 2021', 'Всего | 24', caption=RECEIVED)}",
    "another country as a row above": table("Область | 2021", "Узбекистан |", "Всего | 24", caption=RECEIVED),
    "a note below": table("Область | 2021", "Душанбе | 24", caption=RECEIVED, after="* за девять месяцев"),
    "a note in the last row": table("Область | 2021", "Душанбе | 24", "За девять месяцев |", caption=RECEIVED),
    "a taken back table": table("Область | 2021", "Душанбе | 24", caption=RECEIVED, after="Эти данные опровергнуты."),
    "a footnote in the heading": table("Область | 2021*", "Душанбе | 24", caption=RECEIVED),
    "a footnote in the cell": table("Область | 2021", "Душанбе | 24<sup>1</sup>", caption=RECEIVED),
    "a month in digits": table("Год | Месяц | Поступило", "2021 | 3 | 24", caption=RECEIVED),
    "a quarter": table("Год | Квартал | Всего", "2021 | II | 24", caption=RECEIVED),
    "a part": table("Показатель | 2021", f"{RECEIVED} | 31", "из них подтвердились | 24"),
    "no label": table("Область | 2021", "Душанбе | 31", " | 24", caption=RECEIVED),
    "numbered columns": table("Область | 2021", "1 | 24", "Душанбе | 31", caption=RECEIVED),
    "one figure twice": table("Показатель | 2021 | 2021", f"{RECEIVED} | 24 | 31"),
    "two columns without headings": f"<p>{WHOLE}</p><table><tr><td>Душанбе<td>31<td>24</table>",
    "a total that does not fit": table("Область | 2021", "Душанбе | 24", "Хатлонская область | 3", "Всего | 28",
                                       caption=RECEIVED),
    "bodies complained about": table("Орган | Число", "Прокуратура | 24",
                                     caption="Жалобы на пытки, поступившие в 2021 году"),
    "over two years": f"<p>{RECEIVED}</p><table><tr><th>Область<th>2020<th>2021<tr><td>Душанбе<td colspan=2>24</table>",
    "over two rows": f"<p>{RECEIVED}</p><table><tr><th>Область<th>2020<tr><td>Суғд<td rowspan=2>24<tr><td>ГБАО</table>",
    "a total of one section": table("Область | 2021", "Душанбе |", "Всего | 24", caption=RECEIVED),
    "no subject": table("Область | 2021", "Душанбе | 24"),
    "a year or a count": table("Показатель | Число", f"{RECEIVED} | 2019", f"{DOCUMENTED} | 24"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_cell_whose_headings_leave_a_doubt_is_refused(name: str) -> None:
    """24 is never proposed, and its reason says that it stands in a table."""
    found = read(BAD[name], "ru")

    assert found["24"].startswith("table_cell")


AREAS = "… Участок {area}, {period}: {complaints_received_prosecutor sex=female}"


def test_a_template_reads_a_table_that_the_words_do_not_explain() -> None:
    """Its places take whole headings: an area that is none, or another table's caption, is refused."""
    page = table("Участок | 2021 | 2022", "Душанбе | 24 | 16", "Исфара | 9 | 5", caption="Сводка отдела")
    woman = "complaints_received_prosecutor {} TJ-DU sex=female"

    assert read(page, "ru", AREAS) == {
        "2021": "year", "2022": "year", "24": woman.format(2021), "16": woman.format(2022),
        "9": "template_area_not_understood", "5": "template_area_not_understood",
    }  # fmt: skip
    assert read(page, "ru", AREAS.replace("…", "Отчёт"))["24"] == "table_cell:word_not_understood"


def test_a_proposed_cell_tells_the_sentence_that_was_read() -> None:
    """A decision is kept by this sentence, so that it falls when a heading changes."""
    document = extract.read(table("Показатель | 2021", f"{RECEIVED} | 24").encode())

    assert [n.heading for n in cells.numbers(document, 0, "ru", SAID)] == ["", f"{RECEIVED}, 2021: 24"]
