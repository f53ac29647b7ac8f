"""Tables stand as a browser draws them and as a printer prints them: Chromium and three makers of PDF as oracles."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import browser
import printed
import pytest
import xlsxwriter
from hostile import page

from pipeline import extract
from pipeline.extract import pdf
from pipeline.records import Document

HOME = Path(__file__).resolve().parent.parent


def ours(table: str) -> list[list[str]]:
    found = extract.read(browser.page([table]).encode()).tables
    return [list(row) for row in found[0].rows] if found else []


def differing(count: int, folder: Path) -> list[int]:
    tables = [browser.random_table(seed) for seed in range(count)]
    seen = browser.grids(tables, folder)
    return [seed for seed, grid in enumerate(seen) if grid != ours(tables[seed])]


def test_random_tables_stand_as_chromium_draws_them(tmp_path: Path) -> None:
    """Spans, groups out of order, hidden rows and cells, broken attributes: each place holds the browser's cell."""
    assert differing(40, tmp_path) == []


def test_tables_drawn_otherwise_than_they_look_stand_as_chromium_draws_them(tmp_path: Path) -> None:
    """Style sheets that hide, show again, or are of another medium; spans that overlap; tags that nobody closed."""
    tables = [browser.nasty_table(rows) for rows in browser.NASTY]
    seen = browser.grids(tables, tmp_path)

    assert [(rows, grid) for rows, grid, table in zip(browser.NASTY, seen, tables, strict=True)
            if grid != ours(table)] == []  # fmt: skip


@pytest.mark.exam
def test_three_hundred_random_tables_stand_as_chromium_draws_them(tmp_path: Path) -> None:
    """The same on 300 tables."""
    assert differing(300, tmp_path) == []


@pytest.mark.exam
def test_a_folder_of_pages_is_measured_against_chromium(tmp_path: Path) -> None:
    """Python -m bench.tables FOLDER: a page whose charset and marks a browser understands too is read cell for cell."""
    names = ("spans-en", "rows-ru", "list-ru", "prison-ru", "years-tg", "percent-en")
    for name in names:
        shutil.copy(HOME / "tests" / "pages" / "tables" / f"{name}.html", tmp_path)
    command = [sys.executable, "-m", "bench.tables", str(tmp_path)]
    told = subprocess.run(command, check=True, capture_output=True, text=True, cwd=HOME).stdout
    own = json.loads(told.splitlines()[-1].removeprefix("all "))["ours"]

    assert (own["f1"], own["exact"]) == (1.0, 1.0)
    assert own["tables"] >= 5


def marked(read: dict[str, Document], reports: dict[str, printed.Report]) -> tuple[float, int, int]:
    """Cell F1 over all reports, tables invented, tables found."""
    sums = [0, 0, 0, 0]
    for name, report in reports.items():
        marks = printed.marks(report.expected(), [table.rows for table in read[name].tables])
        sums = [one + other for one, other in zip(sums, marks, strict=True)]
    return 2 * sums[0] / (sums[1] + sums[2]), sums[3], sum(len(document.tables) for document in read.values())


def test_printed_tables_are_read_back(tmp_path: Path) -> None:
    """Two producers, ruled and not, one table over three pages: nearly every cell is in its place, none is invented."""
    reports = {f"{maker}{seed}": printed.report(seed, ruled=seed != 1) for maker in "cf" for seed in (1, 8)}
    read = {}
    for name, report in reports.items():
        if name.startswith("f"):
            read[name] = extract.read(printed.by_fpdf(report))
        else:
            read[name] = extract.read_file(printed.by_chromium(report, tmp_path, name))
    score, invented, found = marked(read, reports)

    assert score >= 0.98
    assert invented <= found / 10


@pytest.mark.exam
def test_thirty_printed_reports_are_read_back(tmp_path: Path) -> None:
    """Three producers, three languages, half of them without rules: F1 at least .85, one table in ten invented."""
    made = {
        maker: {f"{maker}{seed}": printed.report(seed, ruled=seed % 2 == 0) for seed in range(20, 30)}
        for maker in ("chromium", "fpdf", "calc")
    }
    read = {name: extract.read(printed.by_fpdf(report)) for name, report in made["fpdf"].items()}
    for name, report in made["chromium"].items():
        read[name] = extract.read_file(printed.by_chromium(report, tmp_path, name))
    for name, path in printed.by_calc(made["calc"], tmp_path).items():
        read[name] = extract.read_file(path)
    reports = {name: report for several in made.values() for name, report in several.items()}
    score, invented, found = marked(read, reports)

    assert score >= 0.85
    assert invented <= found / 10


def test_a_table_over_pages_is_one_and_its_headings_stand_once() -> None:
    """fpdf2 repeats the headings on each page; the reader gives one table, on the page where it begins."""
    report = printed.report(0, ruled=True)
    width = len(printed.grid(report.tables[0])[0])
    body = [[(f"Район {n}", 1, 1), *[(str(n), 1, 1)] * (width - 1)] for n in range(90)]
    report.tables = [[*report.tables[0][: report.headings], *body]]
    document = extract.read(printed.by_fpdf(report))

    assert [report.expected()[0]] == [[list(row) for row in table.rows] for table in document.tables]
    assert document.tables[0].page == 1
    assert document.tables[0].at.startswith("p. 1 [")
    assert document.tables[0].engine == "pdfplumber lines"


@pytest.mark.parametrize(
    "borders", ["INTERNAL", "MINIMAL", "NO_HORIZONTAL_LINES", "HORIZONTAL_LINES", "SINGLE_TOP_LINE"]
)
@pytest.mark.parametrize("shaded", [False, True])
def test_a_table_with_some_of_its_rules_loses_no_cell(borders: str, shaded: bool) -> None:  # noqa: FBT001
    """Outer rules missing, only lines across, shaded rows: each row of the body is whole."""
    report = printed.report(0, ruled=False)
    report.tables = report.tables[:1]
    (table,) = extract.read(printed.by_fpdf(report, borders, shaded=shaded)).tables
    expected = report.expected()[0][1:]

    assert expected == [[" ".join(cell.split()) for cell in row] for row in table.rows[-len(expected) :]]


def test_without_camelot_a_table_without_rules_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No guess: its place is told, its text stays text."""
    from pipeline.extract.draft import Draft  # noqa: PLC0415 - the child's side, here in the open

    monkeypatch.setattr(pdf, "_CAMELOT", False)
    draft = Draft("pdf")
    pdf.read(printed.by_fpdf(printed.report(1, ruled=False)), draft, "")
    answer = draft.answer()

    assert (answer["tables"], [notice[0] for notice in answer["notices"]]) == ([], ["E_UNRULED"])
    assert answer["notices"][0][3] == "Install the [pdf] extra"


def test_prose_frames_and_contents_are_no_tables() -> None:
    """A box around a paragraph, a letterhead, numbered paragraphs and a list of contents with dots."""
    head = [("United Nations", "CAT/C/5"), ("Committee", "Distr. General"), ("Session", "Original English")]
    words = [(40, 640, "In a box 24 complaints")]
    for n, (left, right) in enumerate(head):
        words += [(40, 800 - 14 * n, left), (400, 800 - 14 * n, right)]
    for n in range(5):
        words += [(40, 500 - 14 * n, f"Chapter {n} {'.' * 40}"), (300, 500 - 14 * n, str(10 + n))]
        words += [
            (40, 300 - 14 * n, f"{n}."),
            (70, 300 - 14 * n, "The delegation said that complaints were few, and so on."),
        ]
    lines = ["q 30 600 400 60 re S Q", *(f"BT /F 10 Tf {x} {y} Td ({text}) Tj ET" for x, y, text in words)]

    assert extract.read(page("\n".join(lines).encode())).tables == ()


@pytest.mark.parametrize(
    ("degrees", "turn"), [(0, ""), (90, "0 1 -1 0 595 0 cm"), (180, "-1 0 0 -1 595 842 cm"), (270, "0 -1 1 0 0 842 cm")]
)
def test_a_turned_page_is_read_as_it_is_shown(degrees: int, turn: str) -> None:
    """Wide tables are often printed sideways and the page turned."""
    places = [(60 + 120 * column, 500 - 30 * row, f"{row}{column}") for row in range(4) for column in range(3)]
    drawn = [f"{x} {y} 120 30 re S BT /F 10 Tf {x + 5} {y + 10} Td ({text}) Tj ET" for x, y, text in places]
    body = page("\n".join(["1 w", turn, *drawn]).encode())
    turned = body.replace(b"/MediaBox [0 0 595 842]", b"/MediaBox [0 0 595 842] /Rotate %d" % degrees)
    (table,) = extract.read(turned).tables

    assert [[f"{row}{column}" for column in range(3)] for row in range(4)] == [list(row) for row in table.rows]


def test_raised_digits_of_a_pdf_are_no_digits() -> None:
    """A small 1 above the line follows its mark, in running text and in cells."""
    raised = (
        b"BT /F 12 Tf 40 700 Td (article 143) Tj /F 7 Tf 5 Ts (1) Tj 0 Ts /F 12 Tf ( and 52) Tj /F 7 Tf 5 Ts (2) Tj ET"
    )

    assert extract.read(page(raised)).blocks[0].text == "article 143^1 and 52^2"


def test_letters_printed_twice_for_boldness_are_read_once() -> None:
    """Some printers make bold by printing again a little to the right."""
    twice = b"".join(b"BT /F 12 Tf %.1f 700 Td (52 complaints) Tj ET\n" % left for left in (40, 40.4))

    assert extract.read(page(twice)).text == "52 complaints\n"


def test_the_command_prints_one_document(tmp_path: Path) -> None:
    """`tables FILE --json`: rows, page and place of each table on stdout, people's text on stderr."""
    (tmp_path / "a.html").write_text("<table><tr><td rowspan=2>a<td>1<tr><td>2</table>", encoding="utf-8")
    command = [sys.executable, "-m", "pipeline", "tables", str(tmp_path / "a.html"), "--json"]
    shown = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=True)
    table = {"rows": [["a", "1"], ["a", "2"]], "page": None, "at": "(//table)[1]", "engine": "selectolax"}

    assert {"tables": [table], "findings": []} == json.loads(shown.stdout)


def test_the_command_refuses_in_words(tmp_path: Path) -> None:
    """A refused file ends with its code and exit 10, on stdout as JSON, without a stack trace."""
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4\n")
    command = [sys.executable, "-m", "pipeline", "tables", str(tmp_path / "a.pdf"), "--json"]
    shown = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)

    assert (shown.returncode, json.loads(shown.stdout)["error"]) == (10, "E_BAD_PDF")
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize(("charset", "mark"), [("cp1251", ";"), ("koi8-r", "\t"), ("utf-8", ",")])
def test_a_separated_text_is_a_table_where_one_mark_cuts_all_its_lines(charset: str, mark: str) -> None:
    """The cells are those between the marks; a text whose lines have different numbers of cells is none, and told."""
    rows = [["Год", "Жалобы на пытки"], ["2021", '"1 024"'], ["2022", "52"]]
    body = "\n".join(mark.join(row) for row in rows).encode(charset)
    (table,) = extract.read(body, "figures.csv").tables
    torn = extract.read(body + f"\n2023{mark}1{mark}2".encode(charset), "figures.csv")

    assert [list(row) for row in table.rows] == [["Год", "Жалобы на пытки"], ["2021", "1 024"], ["2022", "52"]]
    assert extract.read(body, "figures.txt").tables == torn.tables == ()
    assert "W_TABLE" in {finding.check for finding in torn.findings}


def test_an_error_of_a_sheet_is_printed_and_not_left_empty() -> None:
    """A cell that says #DIV/0! says something else than an empty one."""
    made = BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Дел", 12])
        sheet.write_formula(1, 0, "=1/0", None, "#DIV/0!")
        sheet.write_number(1, 1, 34, book.add_format({"num_format": "!0"}))  # a format is no error, however it begins
    (table,) = extract.read(made.getvalue()).tables

    assert [list(row) for row in table.rows] == [["Дел", "12"], ["#DIV/0!", "!34"]]
