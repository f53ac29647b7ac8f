"""Documents are read as a reader sees them: each table of each kind, cell by cell, and the text around it."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

import office
import pytest
import yaml
from office import cell, docx, ocell, ods, orow, otable, para, rows, run

from pipeline import errors, extract
from pipeline.records import Document

PAGES = Path(__file__).parent / "pages" / "tables"
EXPECTED = yaml.safe_load((PAGES / "expected.yml").read_text(encoding="utf-8"))
M = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
RAISED = '<w:vertAlign w:val="superscript"/>'
START, GO_ON = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"


@cache
def read(name: str) -> Document:
    """The document; the test is skipped where an old file needs a LibreOffice that is not here."""
    if EXPECTED[name].get("old") and not has_writer():
        pytest.skip("LibreOffice Writer is not installed")
    return extract.read_file(PAGES / name)


@cache
def has_writer() -> bool:
    """Whether LibreOffice reads text documents here."""
    try:
        return "7" in extract.read(rb"{\rtf1 7}").text
    except errors.PipelineError:
        return False


def told(document: Document, check: str) -> bool:
    return any(finding.check == check for finding in document.findings)


@pytest.mark.parametrize(
    ("name", "number"), [(name, number) for name, page in EXPECTED.items() for number in range(len(page["tables"]))]
)
def test_a_table_of_a_page_is_read_cell_for_cell(name: str, number: int) -> None:
    """Spans repeated, hidden cells left out, raised text after its mark, white space as a browser shows it."""
    found = [list(row) for row in read(name).tables[number].rows]

    assert EXPECTED[name]["tables"][number] == found


@pytest.mark.parametrize("name", EXPECTED)
def test_a_page_has_no_other_table(name: str) -> None:
    """Layout, hidden and empty tables are none."""
    assert len(EXPECTED[name]["tables"]) == len(read(name).tables)


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, page in EXPECTED.items() for text in page.get("blocks", [])]
)
def test_running_text_is_a_block_of_its_own(name: str, text: str) -> None:
    """Each paragraph, heading or entry stands apart, at its place in the whole text."""
    document = read(name)
    block = next((one for one in document.blocks if one.text == text), None)

    assert block
    assert text == document.text[block.start : block.start + len(text)]


def test_nothing_that_a_browser_hides_is_text() -> None:
    """Scripts, comments, templates, menus of a form and hidden rows leave no digit behind."""
    seen = "".join(read(name).text for name in ("list-ru.html", "select-en.html", "hidden-en.html"))

    assert [number for number in ("99", "98", "97", "55", "2019", "0004") if number in seen] == []


def test_a_cell_knows_the_headings_above_and_the_words_left_of_it() -> None:
    """A cell of the body bears its column's headings, each once, and its row's label."""
    found = {(one.text, one.column, one.row) for one in read("ombudsman-tg.html").tables[0].cells()}

    assert ("120", ("Минтақа", "хаттӣ"), ("Душанбе",)) not in found
    assert ("120", ("Муроҷиатҳо", "хаттӣ"), ("Душанбе",)) in found


def test_a_place_finds_its_element_again() -> None:
    """The place of a block is an XPath that a browser's console understands; hidden elements count."""
    assert next(one.at for one in read("treaty-en.html").blocks if one.text.startswith("4.")) == "(//p)[2]"
    assert read("layout-ru.html").tables[1].at == "(//table)[3]"


def test_a_plain_text_keeps_every_character() -> None:
    """The document's text is the file's, so that places in it are places in the file."""
    text = "раз  два\r\n\r\n\tтри 3\n\nчетыре"

    assert text == extract.read(text.encode()).text


def test_what_is_left_out_is_told() -> None:
    """Hidden rows of a page are not silently gone."""
    assert told(read("hidden-en.html"), "W_HIDDEN")
    assert not told(read("treaty-en.html"), "W_HIDDEN")


@pytest.mark.parametrize(
    ("name", "charset"), [("cp1251-ru.html", "windows-1251"), ("koi8-ru.html", "koi8-r"), ("koi8-tg.html", "koi8-t")]
)
def test_a_guessed_charset_is_told(name: str, charset: str) -> None:
    """What is not UTF-8 is read, and said."""
    assert [charset] == [
        one.sentence.rpartition(" ")[2].replace("cp1251", "windows-1251")
        for one in read(name).findings
        if one.check == "W_CHARSET"
    ]


DOCX = {
    "plain": (docx(rows(cell("Год") + cell("Дела"), cell("2020") + cell("5"))), [["Год", "Дела"], ["2020", "5"]]),
    "across": (
        docx(rows(cell("Жалобы", '<w:gridSpan w:val="2"/>') + cell("Дела"), cell("2019") + cell("2020") + cell("3"))),
        [["Жалобы", "Жалобы", "Дела"], ["2019", "2020", "3"]],
    ),
    "down": (
        docx(rows(cell("Суғд", START) + cell("18"), cell("", GO_ON) + cell("24"), cell("Хатлон") + cell("3"))),
        [["Суғд", "18"], ["Суғд", "24"], ["Хатлон", "3"]],
    ),
    "both": (
        docx(
            rows(
                cell("A", '<w:gridSpan w:val="2"/>' + START) + cell("1"),
                cell("", '<w:gridSpan w:val="2"/>' + GO_ON) + cell("2"),
            )
        ),
        [["A", "A", "1"], ["A", "A", "2"]],
    ),
    "raised": (
        docx(rows(cell(para("ст. 143", run("1", RAISED))) + cell(para(run("5"), run("2"), run("[3]", RAISED))))),
        [["ст. 143^1", "52^[3]"]],
    ),
    "raised by style": (
        docx(
            rows(cell(para("52", run("1", '<w:rStyle w:val="Mark"/>')))),
            styles=f'<w:style w:styleId="Mark"><w:rPr>{RAISED}</w:rPr></w:style>',
        ),
        [["52^1"]],
    ),
    "hidden row": (
        docx(rows(cell("Police") + cell("12"), "<w:trPr><w:hidden/></w:trPr>" + cell("Draft") + cell("99"))),
        [["Police", "12"]],
    ),
    "revisions": (
        docx(
            rows(cell("<w:p><w:del><w:r><w:delText>5</w:delText></w:r></w:del><w:ins>" + run("7") + "</w:ins></w:p>"))
        ),
        [["7"]],
    ),
    "two paragraphs": (docx(rows(cell(para("16") + para("из них 2 — женщины")))), [["16\nиз них 2 — женщины"]]),
    "gap before": (
        docx(rows(cell("a") + cell("b"), '<w:trPr><w:gridBefore w:val="1"/></w:trPr>' + cell("c"))),
        [["a", "b"], ["", "c"]],
    ),
    "wrapped": (
        docx(
            "<w:sdt><w:sdtContent>"
            + rows("<w:sdt><w:sdtContent>" + cell("Cases") + "</w:sdtContent></w:sdt>" + cell("4"))
            + "</w:sdtContent></w:sdt>"
        ),
        [["Cases", "4"]],
    ),
    "raised by its place": (docx(rows(cell(para("52", run("1", '<w:position w:val="6"/>'))))), [["52^1"]]),
    "a formula": (
        docx(rows(cell(f"<w:p><m:oMath {M}><m:r><m:t>52</m:t></m:r></m:oMath></w:p>") + cell("1"))),
        [["52", "1"]],
    ),
    "merged the old way": (
        docx(rows(cell("A", '<w:hMerge w:val="restart"/>') + cell("", "<w:hMerge/>"), cell("1") + cell("2"))),
        [["A", "A"], ["1", "2"]],
    ),
    "hidden by a style": (
        docx(
            rows(cell(para("7", run("99", '<w:rStyle w:val="Own"/>')))),
            styles='<w:style w:styleId="Base"><w:rPr><w:vanish/></w:rPr></w:style>'
            '<w:style w:styleId="Own"><w:basedOn w:val="Base"/></w:style>',
        ),
        [["7"]],
    ),
    "nested": (docx(rows(cell(para("left") + rows(cell("in") + cell("8")) + para("")) + cell("right"))), [["in", "8"]]),
}


@pytest.mark.parametrize("name", DOCX)
def test_a_table_of_a_word_file_is_read_cell_for_cell(name: str) -> None:
    """Merged cells repeated, hidden rows and deleted words left out, raised digits marked."""
    body, expected = DOCX[name]

    assert [expected] == [[list(row) for row in table.rows] for table in extract.read(body).tables]


def test_a_word_file_is_read_in_its_order_with_its_footnotes() -> None:
    """Paragraphs and tables stand as in the body; a footnote's mark is its number, its text stands at the end."""
    mark = '<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:footnoteReference w:id="7"/></w:r>'
    note = f'<w:footnote w:id="7">{para("Без области.")}</w:footnote>'
    document = extract.read(docx(para("Всего 24", mark, " жалобы") + rows(cell("a")) + para("Конец"), note))

    assert [one.text for one in document.blocks] == ["Всего 24^1 жалобы", "a", "Конец", "^1 Без области."]


def test_hidden_text_of_a_word_file_is_left_out_and_told() -> None:
    """Text that Word does not print is not read, and a notice says so."""
    document = extract.read(docx(para("24", run("99", "<w:vanish/>"))))

    assert (document.blocks[0].text, told(document, "W_HIDDEN")) == ("24", True)


def test_a_text_box_is_read_once() -> None:
    """A box is written twice in the file, for new and for old programs."""
    box = f"<w:txbxContent>{para('В рамке 7')}</w:txbxContent>"
    new, old = (
        f"<mc:Choice><w:drawing>{box}</w:drawing></mc:Choice>",
        f"<mc:Fallback><w:pict>{box}</w:pict></mc:Fallback>",
    )
    both = f"<mc:AlternateContent>{new}{old}</mc:AlternateContent>"
    document = extract.read(docx(f"<w:p>{run('Абзац')}<w:r>{both}</w:r></w:p>"))

    assert [one.text for one in document.blocks] == ["Абзац", "В рамке 7"]


def fill_plain(book: office.xlsxwriter.Workbook) -> None:
    sheet = book.add_worksheet("Отчёт")
    sheet.merge_range("B2:C2", "Жалобы")
    sheet.merge_range("A2:A3", "Регион")
    for place, value in {
        "B3": "2019",
        "C3": "2020",
        "A4": "Согд",
        "B4": 12,
        "C4": 1204,
        "A5": "Итого",
        "C5": 1204.5,
    }.items():
        sheet.write(place, value)


def fill_hidden(book: office.xlsxwriter.Workbook) -> None:
    sheet = book.add_worksheet("A")
    for line in range(4):
        for column in range(3):
            sheet.write(line, column, 10 * line + column)
    sheet.set_row(1, None, None, {"hidden": True})
    sheet.set_column(1, 1, None, None, {"hidden": True})
    book.add_worksheet("B").hide()


def fill_printed(book: office.xlsxwriter.Workbook) -> None:
    sheet = book.add_worksheet("A")
    raised = book.add_format({"font_script": 1})
    sheet.write_rich_string("A1", "52", raised, "1", " сноска")
    sheet.write("B1", 0.125, book.add_format({"num_format": "0.0%"}))
    sheet.write("C1", 12.5, book.add_format({"num_format": "0.00"}))
    sheet.write_datetime("D1", date(2021, 3, 1), book.add_format({"num_format": "dd.mm.yyyy"}))
    sheet.write_string("E1", "1 204,5")
    sheet.write_boolean("F1", True)  # noqa: FBT003 - its signature
    sheet.write_formula("G1", "=1+1", None, 2)


def fill_formats(book: office.xlsxwriter.Workbook) -> None:
    sheet = book.add_worksheet("A")
    for column, (value, code) in enumerate(FORMATS):
        sheet.write(0, column, value, book.add_format({"num_format": code}))


FORMATS = (
    (2.5, "0"), (1.005, "0.00"), (0, "0;-0;;@"), (5, ";;;"), (5, '0" чел."'), (2021, '0" г."'), (7, 'General" дел"'),
    (1234567, "#,##0,"), (-1234.5, "#,##0.0;[Red]-#,##0.0"), (0.07, "0%"), (12, "0.##"), (0, '0;-0;"—"'),
    (1689, "# ##0"), (3, "[$$-409]0"), (0.5, "# ?/?"),
)  # fmt: skip


def fill_flat(book: office.xlsxwriter.Workbook) -> None:
    sheet = book.add_worksheet("A")
    for line in range(3):
        sheet.write_row(line, 0, [line, 10 + line, 20 + line])
    sheet.set_row(1, 0)
    sheet.set_column(1, 1, 0)


SHEETS = {
    "number formats": (
        office.xlsx(fill_formats),
        [["3", "1.01", "", "", "5 чел.", "2021 г.", "7 дел", "1235", "-1234.5", "7%", "12", "—", "1689", "$3", "0.5"]],
    ),
    "rows and columns without height": (office.xlsx(fill_flat), [["0", "20"], ["2", "22"]]),
    "ods shown": (
        ods(
            otable(
                '<table:table-column table:visibility="visible"/>', orow(ocell("1"), more='table:visibility="visible"')
            )
        ),
        [["1"]],
    ),
    "ods lowered, a note, a list": (
        ods(
            otable(
                orow(
                    ocell('5<text:span text:style-name="T">1</text:span>'),
                    ocell(
                        "6<text:note><text:note-citation>2</text:note-citation><text:note-body><text:p>n</text:p>"
                        "</text:note-body></text:note>"
                    ),
                    "<table:table-cell><text:list><text:list-item><text:p>7</text:p></text:list-item></text:list>"
                    "</table:table-cell>",
                )
            ),
            '<style:style style:name="T"><style:text-properties style:text-position="-33% 58%"/></style:style>',
        ),
        [["5_1", "6^2", "7"]],
    ),
    "merged": (
        office.xlsx(fill_plain),
        [["Регион", "Жалобы", "Жалобы"], ["Регион", "2019", "2020"], ["Согд", "12", "1204"], ["Итого", "", "1204.5"]],
    ),
    "hidden": (office.xlsx(fill_hidden), [["0", "2"], ["20", "22"], ["30", "32"]]),
    "as printed": (
        office.xlsx(fill_printed),
        [["52^1 сноска", "12.5%", "12.50", "2021-03-01", "1 204,5", "TRUE", "2"]],
    ),
    "ods spans": (
        ods(
            otable(
                orow(ocell("Шикоят", 'table:number-columns-spanned="2"'), "<table:covered-table-cell/>", ocell("3")),
                orow(ocell("7", 'table:number-columns-repeated="3"')),
            )
        ),
        [["Шикоят", "Шикоят", "3"], ["7", "7", "7"]],
    ),
    "ods hidden": (
        ods(
            otable(
                orow(ocell("1")),
                orow(ocell("99"), more='table:visibility="collapse"'),
                orow(ocell("98"), more='table:visibility="filter"'),
            )
        ),
        [["1"]],
    ),
    "ods raised": (
        ods(
            otable(orow(ocell('52<text:span text:style-name="T">1</text:span>'))),
            '<style:style style:name="T"><style:text-properties style:text-position="super 58%"/></style:style>',
        ),
        [["52^1"]],
    ),
    "ods far": (
        ods(
            otable(
                orow(ocell("5"), '<table:table-cell table:number-columns-repeated="16000"/>'),
                orow("<table:table-cell/>", more='table:number-rows-repeated="1048000"'),
            )
        ),
        [["5"]],
    ),
}


@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet_is_read_cell_for_cell(name: str) -> None:
    """Merged ranges repeated, hidden rows and columns left out, percent and decimals as printed."""
    body, expected = SHEETS[name]

    assert [expected] == [[list(row) for row in table.rows] for table in extract.read(body).tables]


def test_hidden_sheets_rows_and_columns_are_told() -> None:
    """A person must look at a workbook that hides something."""
    found = [one.row for one in extract.read(SHEETS["hidden"][0]).findings if one.check == "W_HIDDEN"]

    assert found == ["A", "sheet 2"]


@pytest.mark.parametrize(
    ("name", "body", "promised"), [("a.pdf", b"<html><p>5", "pdf"), ("a.html", SHEETS["merged"][0], "html")]
)
def test_the_bytes_say_what_a_file_is_and_a_wrong_name_is_told(name: str, body: bytes, promised: str) -> None:
    """A web page named .pdf is read as a page, and a notice says so."""
    sentences = [one.sentence for one in extract.read(body, name).findings if one.check == "W_KIND"]

    assert [f"it is named as {promised}, its bytes are {'html' if body.startswith(b'<') else 'sheet'}"] == sentences
