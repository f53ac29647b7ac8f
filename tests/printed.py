"""Invented reports with tables, printed to PDF by three producers: Chromium, fpdf2, LibreOffice Calc.

A report knows what its tables hold, a spanned cell in each place it covers, so that a reader can be marked.
"""

from __future__ import annotations

import html
import random
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import xlsxwriter
from fpdf import FPDF
from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace

BROWSER = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer")
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
WORDS = {
    "ru": ("Регион", "Жалобы", "Дела", "Всего", "Душанбе, Согдийская область и районы республиканского подчинения",
           ["Прокуратура", "Милиция", "Суд", "Уполномоченный", "Следственный изолятор", "Колония", "Армия"],
           "В отчётном году поступило {} обращений о пытках, из них {} признаны обоснованными, остальные отклонены."),
    "tg": ("Минтақа", "Шикоятҳо", "Парвандаҳо", "Ҳамагӣ", "Душанбе, вилояти Суғд ва ноҳияҳои тобеи ҷумҳурӣ",
           ["Прокуратура", "Милитсия", "Суд", "Ваколатдор", "Тавқифгоҳ", "Муассисаи ислоҳӣ", "Артиш"],
           "Дар соли ҳисоботӣ {} муроҷиат оид ба шиканҷа ворид гардид, ки {} адади он тасдиқ ёфт."),
    "en": ("Region", "Complaints", "Cases", "Total", "Dushanbe, Sughd province and the districts of republican rule",
           ["Prosecutor", "Police", "Court", "Ombudsman", "Remand prison", "Colony", "Army"],
           "During the year {} complaints of torture were received, of which {} were found to be justified."),
}  # fmt: skip
Cell = tuple[str, int, int]  # text, across, down


@dataclass
class Report:
    """Paragraphs and tables of cells; a table is ruled or not."""

    paragraphs: list[str]
    tables: list[list[list[Cell]]]
    ruled: bool
    headings: int

    def expected(self) -> list[list[list[str]]]:
        """What a reader should find."""
        return [grid(table) for table in self.tables]


def grid(table: Sequence[Sequence[Cell]]) -> list[list[str]]:
    """Spans laid out."""
    slots: dict[tuple[int, int], str] = {}
    for line, row in enumerate(table):
        column = 0
        for text, across, down in row:
            while (line, column) in slots:
                column += 1
            slots |= {(line + y, column + x): text for y in range(down) for x in range(across)}
            column += across
    width = max(column for _, column in slots) + 1
    return [[slots[line, column] for column in range(width)] for line in range(len(table))]


def report(seed: int, *, ruled: bool) -> Report:
    """An invented report."""
    chance = random.Random(seed)
    place, complaints, cases, total, long, bodies, sentence = WORDS[["ru", "tg", "en"][seed % 3]]
    tables = []
    two_floors = ruled and chance.random() < 0.6
    for _ in range(chance.randint(1, 2)):
        years = [str(chance.randint(2012, 2020) + n) for n in range(chance.randint(2, 3))]
        if two_floors:
            head: list[list[Cell]] = [
                [(place, 1, 2), (complaints, len(years), 1), (cases, 1, 2)],
                [(year, 1, 1) for year in years],
            ]
        else:
            head = [[(place, 1, 1), *((year, 1, 1) for year in years), (cases, 1, 1)]]
        count = chance.choice([4, 6, 9, 60]) if ruled else chance.choice([5, 8, 12])
        body: list[list[Cell]] = []
        for number in range(count):
            name = long if number == 1 and ruled else f"{chance.choice(bodies)} {number + 1}"
            values = [
                chance.choice(["—", str(chance.randint(0, 99)), f"{chance.randint(1, 9)} {chance.randint(100, 999)}"])
                for _ in years
            ]
            body.append([(name, 1, 1), *((value, 1, 1) for value in values), (str(chance.randint(0, 30)), 1, 1)])
        body.append([(total, 1, 1), *((str(chance.randint(100, 999)), 1, 1) for _ in (*years, 0))])
        tables.append([*head, *body])
    text = [" ".join(sentence.format(chance.randint(10, 99), chance.randint(1, 9)) for _ in range(4)) for _ in range(3)]
    return Report(text, tables, ruled, 2 if two_floors else 1)


def by_chromium(one: Report, folder: Path, name: str) -> Path:
    """The report printed by a browser."""
    border = "1px solid black" if one.ruled else "none"
    page = (
        f"<meta charset=utf-8><style>td,th{{border:{border};padding:3px 12px}}table{{border-collapse:collapse}}</style>"
    )
    for at, table in enumerate(one.tables):
        page += f"<p>{html.escape(one.paragraphs[at])}</p><table>"
        for line, row in enumerate(table):
            page += "<thead>" if not line else "<tbody>" if line == one.headings else ""
            cells = "".join(
                f"<td colspan={across} rowspan={down}>{html.escape(text)}</td>" for text, across, down in row
            )
            page += f"<tr>{cells}</tr>" + ("</thead>" if line == one.headings - 1 else "")
        page += "</table>"
    (folder / f"{name}.html").write_text(f"{page}<p>{html.escape(one.paragraphs[-1])}</p>", encoding="utf-8")
    subprocess.run([*BROWSER, f"--user-data-dir={folder / 'browser'}", f"--print-to-pdf={folder / name}.pdf",
                    str(folder / f"{name}.html")], check=True, capture_output=True)  # fmt: skip
    return folder / f"{name}.pdf"


def by_fpdf(one: Report, borders: str = "", *, shaded: bool = False) -> bytes:
    """The report printed by fpdf2, perhaps with other borders and every second row shaded."""
    made = FPDF()
    made.add_font("D", fname=FONT)
    made.set_font("D", size=9)
    made.add_page()
    for at, table in enumerate(one.tables):
        made.multi_cell(0, text=one.paragraphs[at], new_x="LMARGIN", new_y="NEXT")
        made.ln(4)
        layout = getattr(TableBordersLayout, borders or ("ALL" if one.ruled else "NONE"))
        shade = {"cell_fill_color": (220, 220, 220), "cell_fill_mode": "ROWS"} if shaded else {}
        with made.table(
            borders_layout=layout,
            num_heading_rows=one.headings,
            headings_style=FontFace(),
            padding=1,
            width=160,
            text_align="LEFT",
            **shade,
        ) as drawn:
            for row in table:
                line = drawn.row()
                for text, across, down in row:
                    line.cell(text, colspan=across, rowspan=down)
        made.ln(6)
    made.multi_cell(0, text=one.paragraphs[-1])
    return bytes(made.output())


def by_calc(reports: dict[str, Report], folder: Path) -> dict[str, Path]:
    """The reports printed by LibreOffice Calc, in one run."""
    for name, one in reports.items():
        with xlsxwriter.Workbook(folder / f"{name}.xlsx") as book:
            shape = book.add_format({"border": 1 if one.ruled else 0, "text_wrap": True, "valign": "top"})
            sheet = book.add_worksheet("A")
            sheet.fit_to_pages(1, 0)
            sheet.set_column(0, 0, 28)
            sheet.set_column(1, 5, 12)
            line = 0
            for at, table in enumerate(one.tables):
                sheet.merge_range(line, 0, line, 4, one.paragraphs[at], book.add_format({"text_wrap": True}))
                sheet.set_row(line, 90)
                line += 2
                for down, row in enumerate(grid(table)):
                    sheet.set_row(line + down, 18 + 18 * (max(map(len, row)) // 26))
                    for across, text in enumerate(row):
                        sheet.write_string(line + down, across, text, shape)
                for top, left, bottom, right, text in merged(table):
                    sheet.merge_range(line + top, left, line + bottom, right, text, shape)
                line += len(table) + 2
    command = [
        "soffice",
        f"-env:UserInstallation=file://{folder}/office",
        "--headless",
        "--convert-to",
        "pdf",
        "--outdir",
        str(folder),
    ]
    subprocess.run([*command, *(str(folder / f"{name}.xlsx") for name in reports)], check=True, capture_output=True)
    return {name: folder / f"{name}.pdf" for name in reports}


def merged(table: Sequence[Sequence[Cell]]) -> list[tuple[int, int, int, int, str]]:
    """The ranges that span: first row and column, last row and column, text."""
    taken: set[tuple[int, int]] = set()
    found = []
    for line, row in enumerate(table):
        column = 0
        for text, across, down in row:
            while (line, column) in taken:
                column += 1
            taken |= {(line + y, column + x) for y in range(down) for x in range(across)}
            if across * down > 1:
                found.append((line, column, line + down - 1, column + across - 1, text))
            column += across
    return found


def relations(table: Sequence[Sequence[str]]) -> Counter[tuple[str, str, str]]:
    """Which text stands left of and above which: the measure of the ICDAR-2013 competition."""
    rows = [[" ".join(text.split()) for text in row] for row in table]
    across = [(left, right, "→") for row in rows for left, right in pairwise(filter(None, row))]
    down = [
        (above, below, "↓") for column in zip(*rows, strict=True) for above, below in pairwise(filter(None, column))
    ]
    return Counter(across + down)


def marks(
    expected: Sequence[Sequence[Sequence[str]]], found: Sequence[Sequence[Sequence[str]]]
) -> tuple[int, int, int, int]:
    """Relations that agree, are expected, are found; and the tables found where none is."""
    left = [relations(table) for table in found]
    agreed = 0
    for table in expected:
        wanted = relations(table)
        best = max(left, key=lambda one: (one & wanted).total(), default=None)
        if best is not None and (best & wanted).total():
            agreed += (best & wanted).total()
            left.remove(best)
    return (
        agreed,
        sum(relations(table).total() for table in expected),
        sum(map(Counter.total, map(relations, found))),
        len(left),
    )
