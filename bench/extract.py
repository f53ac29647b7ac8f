"""Readers of documents against named rivals: `python -m bench.extract [REPORTS]`.

Prints one JSON document: cell F1, share of tables read exactly and seconds for our reader, pandas.read_html,
pdfplumber and camelot on invented pages and printed reports; the time of a 200 kB page as a ratio to selectolax's
parse and text (child start apart); documents a second with one child and with two; the parent's peak memory.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from io import BytesIO, StringIO
from pathlib import Path

HOME = Path(__file__).parents[1]
sys.path[:0] = [str(HOME), str(HOME / "tests")]

import browser  # noqa: E402
import camelot.io  # noqa: E402
import pandas as pd  # noqa: E402
import pdfplumber  # noqa: E402
import printed  # noqa: E402
import yaml  # noqa: E402
from selectolax.lexbor import LexborHTMLParser  # noqa: E402

from pipeline import extract  # noqa: E402
from pipeline.extract import html  # noqa: E402
from pipeline.extract.draft import Draft  # noqa: E402

Tables = Sequence[Sequence[Sequence[str]]]
PAGES = HOME / "tests" / "pages" / "tables"


def score(cases: Sequence[tuple[Tables, bytes]], read: Callable[[bytes], Tables]) -> dict[str, float]:
    """F1 of relations between cells, share of exact tables, invented tables, seconds."""
    sums, exact, start = [0, 0, 0, 0], 0, time.perf_counter()
    for expected, body in cases:
        try:
            found = [[[" ".join(cell.split()) for cell in row] for row in table] for table in read(body)]
        except (ValueError, ImportError, IndexError):
            found = []
        sums = [one + other for one, other in zip(sums, printed.marks(expected, found), strict=True)]
        exact += sum([[" ".join(cell.split()) for cell in row] for row in table] in found for table in expected)
    total = sum(len(expected) for expected, _ in cases)
    took = time.perf_counter() - start
    return {
        "f1": round(2 * sums[0] / max(sums[1] + sums[2], 1), 3),
        "exact": round(exact / total, 2),
        "invented": sums[3],
        "tables": total,
        "s": round(took, 1),
    }


def ours(body: bytes) -> Tables:
    """Our reader."""
    return [table.rows for table in extract.read(body).tables]


def by_pandas(body: bytes) -> Tables:
    """What pandas.read_html finds, with the headings it took off put back as a row."""
    found = []
    for frame in pd.read_html(StringIO(body.decode("utf-8", "replace")), keep_default_na=False):
        named = [[str(name) for name in frame.columns]] if frame.columns.dtype == object else []
        found.append([*named, *([str(cell) for cell in row] for row in frame.to_numpy())])
    return found


def by_pdfplumber(body: bytes) -> Tables:
    """What pdfplumber finds with its own settings."""
    with pdfplumber.open(BytesIO(body)) as document:
        return [
            [[cell or "" for cell in row] for row in table]
            for page in document.pages
            for table in page.extract_tables()
        ]


def by_camelot(body: bytes) -> Tables:
    """What camelot's hybrid reader finds, its best on the ICDAR-2013 set."""
    return [table.data for table in camelot.io.read_pdf(body, pages="all", flavor="hybrid", suppress_stdout=True)]


def pages() -> list[tuple[Tables, bytes]]:
    """The invented pages of the tests."""
    listed = yaml.safe_load((PAGES / "expected.yml").read_text(encoding="utf-8"))
    return [(page["tables"], (PAGES / name).read_bytes()) for name, page in listed.items() if name.endswith("html")]


def spans() -> list[tuple[Tables, bytes]]:
    """A hundred random span tables as Chromium draws them."""
    tables = [browser.random_table(seed) for seed in range(1000, 1100)]
    with tempfile.TemporaryDirectory() as folder:
        seen = browser.grids(tables, Path(folder))
    return [([grid], browser.page([table]).encode()) for grid, table in zip(seen, tables, strict=True) if grid]


def reports(count: int) -> list[tuple[Tables, bytes]]:
    """Printed reports of three producers, half of them without rules."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = {maker: {f"{maker}{seed}": printed.report(seed, ruled=seed % 2 == 0) for seed in range(40, 40 + count)}
                for maker in ("chromium", "fpdf", "calc")}  # fmt: skip
        bodies = {name: printed.by_fpdf(one) for name, one in made["fpdf"].items()}
        bodies |= {name: printed.by_chromium(one, folder, name).read_bytes() for name, one in made["chromium"].items()}
        bodies |= {name: path.read_bytes() for name, path in printed.by_calc(made["calc"], folder).items()}
    return [(one.expected(), bodies[name]) for several in made.values() for name, one in several.items()]


def long_page() -> str:
    """A page of 200 kB as news sites make them: scripts, a menu, an article with links, a list and tables."""
    script = "<script>" + "var menu = {'a': 1, 'b': \"<div>\"}; window.dataLayer.push(menu);\n" * 600 + "</script>"
    entry = "<li class='menu-entry'><a href='/ru/news/{0}' title='Новости'>Раздел {0}</a></li>"
    menu = "".join(map(entry.format, range(150)))
    text = (
        "<p class=text>За {0} год коалиция задокументировала <b>{0}</b> новых обращений о пытках, из них"
        " <a href='/news/{0}'>{1} подтвердились</a>, остальные отклонены; в прокуратуру направлено {1} заявлений от"
        " родственников. Представители ведомства сообщили, что по каждому обращению проведена проверка, а по итогам"
        " проверки возбуждены уголовные дела, и добавили, что о ходе следствия расскажут в начале года.</p>\n"
    )
    row = "<tr><td>{0}</td><td>{1}<sup>1</sup></td><td>{1}&nbsp;000</td><td>—</td></tr>\n"
    tables = ["<table>" + "".join(row.format(f"Район {n}", n) for n in range(12)) + "</table>" for _ in range(6)]
    made = f"<!doctype html><meta charset=utf-8><title>Новости</title>{script}<body><ul class=menu>{menu}</ul><article>"
    number = 0
    while len(made.encode()) < 190_000:
        made += text.format(number, number % 97) + (tables.pop() if tables and number % 10 == 9 else "")
        number += 1
    return made + "</article></body>"


def tiny_tables() -> str:
    """A page of 200 kB that is nothing but small tables, the worst that a reader of tables can meet."""
    table = "<table><tr><th>Год<th>Дела<tr><td>20{:02d}<td>{}</table>"
    return f"<meta charset=utf-8><body>{''.join(table.format(n % 30, n) for n in range(2_700))}"


def best_ms(work: Callable[[], object], times: int = 25) -> float:
    """The shortest of several runs, in milliseconds of CPU, for the machine may be busy."""
    took = []
    for _ in range(times):
        start = time.process_time()
        work()
        took.append(time.process_time() - start)
    return min(took) * 1000


def walked(page: str) -> tuple[float, float]:
    """Milliseconds of selectolax's parse and text, and of our reader."""

    def read() -> None:
        draft = Draft("html")
        html.read(page, draft)
        draft.answer()

    def parsed() -> None:
        tree = LexborHTMLParser(page)
        if tree.body:
            tree.body.text()

    return best_ms(parsed), best_ms(read)


def speed() -> dict[str, float]:
    """The 200 kB page, and a thousand documents."""
    page = long_page()
    (base, own), (tiny_base, tiny_own) = (walked(one) for one in (page, tiny_tables()))
    body = page.encode()
    small = [f"<p>Дело {n}</p><table><tr><td>{n}</table>".encode() * 20 for n in range(1000)]
    rates = []
    for workers in (1, 2):
        start = time.perf_counter()
        list(extract.read_many(small, workers))
        rates.append(1000 / (time.perf_counter() - start))
    start = time.perf_counter()
    extract.read(body)
    return {"selectolax_ms": round(base, 1), "reader_ms": round(own, 1), "ratio": round(own / base, 1),
            "tiny_tables_ratio": round(tiny_own / tiny_base, 1),
            "with_child_ms": round(1000 * (time.perf_counter() - start), 1), "documents_per_s_1": round(rates[0]),
            "documents_per_s_2": round(rates[1]), "two_to_one": round(rates[1] / rates[0], 2)}  # fmt: skip


def main(count: int = 5) -> dict[str, object]:
    """The measurements."""
    sets = {"pages": pages(), "spans": spans(), "pdf": reports(count)}
    rivals = {"pages": [by_pandas], "spans": [by_pandas], "pdf": [by_pdfplumber, by_camelot]}
    scores = {
        name: {read.__name__: score(cases, read) for read in (ours, *rivals[name])} for name, cases in sets.items()
    }
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return {**scores, "speed": speed(), "cores": os.cpu_count(), "parent_peak_mb": int(peak.split()[1]) // 1024}


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:])), indent=1))
