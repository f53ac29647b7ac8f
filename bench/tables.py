"""Tables of other people's pages, ours beside Chromium's own grid: `python -m bench.tables FOLDER...`.

For each folder of HTML files it prints tables, cell F1 and the share of tables read exactly, and pandas.read_html's;
with --show, the first tables that differ. A page is drawn without its scripts and linked files, for the reader sees
neither; tables that hold tables, that nobody sees, or wider than 60 columns are left out.
"""

from __future__ import annotations

import argparse
import gzip
import html
import json
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

HOME = Path(__file__).parents[1]
sys.path[:0] = [str(HOME), str(HOME / "tests")]

from bench import extract  # noqa: E402
from bench.extract import Tables, score  # noqa: E402

BATCH, LARGEST = 12, 250_000
SCRIPT = """<script>
const style = `*{text-transform:none!important;float:none!important;direction:ltr!important}
table{table-layout:fixed!important;width:2400px!important;min-width:0!important;max-width:none!important;
border-spacing:0!important;border-collapse:separate!important}
td,th,td *,th *{padding:0!important;margin:0!important;font-size:0!important;line-height:0!important;border:0!important;
position:static!important;min-width:0!important;max-width:none!important;transform:none!important;overflow:visible!important}
td,th{height:20px!important;width:auto!important}tr{height:20px!important}
td img,th img,td svg,td iframe,td input{width:0!important;height:0!important}`;
const grid = (doc, table) => {
  for (const old of table.querySelectorAll('col,colgroup')) old.remove();
  const columns = doc.createElement('colgroup');
  columns.innerHTML = '<col style="width:40px">'.repeat(60);
  table.prepend(columns);
  const cells = [...table.querySelectorAll('td,th')];
  const left = () => table.getBoundingClientRect().left;
  const rows = [...table.rows].map(row => [row, row.getBoundingClientRect()]).filter(([, box]) => box.height > 0)
    .sort(([, one], [, two]) => one.top - two.top);
  const shown = rows.map(([row]) => {
    row.scrollIntoView({block: 'center'});
    const box = row.getBoundingClientRect(), edge = left();
    return [...Array(60).keys()].map(column => {
      const hit = doc.elementsFromPoint(edge + column * 40 + 20, box.top + Math.min(box.height / 2, 10))
        .map(one => one.closest('td,th')).find(one => one && table.contains(one));
      return hit && doc.defaultView.getComputedStyle(hit).visibility == 'visible' ? hit.innerText : null;
    });
  });
  const width = Math.max(0, ...cells.map(cell => Math.round((cell.getBoundingClientRect().right - left()) / 40)));
  return width > 60 ? null : shown.map(row => row.slice(0, width));
};
onload = () => {
  const answer = [...document.querySelectorAll('iframe')].map(frame => {
    const doc = frame.contentDocument;
    for (const closed of doc.querySelectorAll('details')) closed.open = true;
    for (const sup of doc.querySelectorAll('sup')) sup.prepend('^');
    for (const sub of doc.querySelectorAll('sub')) sub.prepend('_');
    doc.head.append(Object.assign(doc.createElement('style'), {textContent: style}));
    return [...doc.querySelectorAll('table')]
      .filter(table => !table.querySelector('table') && table.getBoundingClientRect().height > 0)
      .map(table => grid(doc, table));
  });
  document.body.innerHTML = '<pre id=answer></pre>';
  document.getElementById('answer').textContent = JSON.stringify(answer);
};
</script>"""


def decoded(body: bytes) -> str:
    """The text of a page, by the charset that it names."""
    named = re.search(rb"charset=[\"']?([\w-]+)", body[:2000])
    try:
        return body.decode(named[1].decode() if named else "utf-8")
    except (LookupError, UnicodeDecodeError):
        return body.decode("latin-1")


def drawn(bodies: Sequence[bytes]) -> list[Tables]:
    """What Chromium shows of the tables of each page."""
    frame = '<iframe sandbox="allow-same-origin" style="width:2600px;height:1500px" srcdoc="{}"></iframe>'
    linked = re.compile(r"<link\b[^>]*>|<base\b[^>]*>|<noscript\b.*?</noscript>", re.IGNORECASE | re.DOTALL)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "pages.html"
        frames = [frame.format(html.escape(linked.sub("", decoded(body)))) for body in bodies]
        path.write_text("<!doctype html><meta charset=utf-8>" + "".join(frames) + SCRIPT, encoding="utf-8")
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--window-size=2700,2000",
                   f"--user-data-dir={name}/browser", "--virtual-time-budget=60000", "--dump-dom",
                   str(path)]  # fmt: skip
        shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    answer = re.search(r'<pre id="answer">(.*?)</pre>', shown, re.DOTALL)
    said = json.loads(html.unescape(answer[1])) if answer else [[] for _ in bodies]
    return [[[[" ".join((cell or "").split()) for cell in row] for row in table] for table in page if table]
            for page in said]  # fmt: skip


def told(table: Sequence[Sequence[str]]) -> bool:
    """Whether a table says anything: one cell beside nothing is a box, not a table."""
    return sum(bool(cell) for row in table for cell in row) > 1


def ours(body: bytes) -> Tables:
    """Our reader's tables that say anything."""
    return [table for table in extract.ours(body) if told(table)]


def by_pandas(body: bytes) -> Tables:
    """Those of pandas.read_html."""
    return [table for table in extract.by_pandas(body) if told(table)]


def bodies(folder: Path, pages: int) -> Iterator[bytes]:
    """So many pages with tables of a folder, chosen by lot but alike on every machine."""
    paths = sorted(path for path in folder.rglob("*.htm*") if path.is_file() and path.stat().st_size < LARGEST)
    random.Random(0).shuffle(paths)
    for path in paths:
        body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        if re.search(rb"<table\b", body, re.IGNORECASE):
            yield body
            pages -= 1
            if not pages:
                return


def cases(folder: Path, pages: int) -> list[tuple[Tables, bytes]]:
    """Each page with what Chromium draws of its tables."""
    chosen = list(bodies(folder, pages))
    seen = [one for at in range(0, len(chosen), BATCH) for one in drawn(chosen[at : at + BATCH])]
    return [([table for table in tables if told(table)], body) for tables, body in zip(seen, chosen, strict=True)]


def differing(page: tuple[Tables, bytes]) -> Iterator[tuple[Sequence[Sequence[str]], Tables]]:
    """The drawn tables of a page that are not found cell for cell, with all that was found."""
    found = [[[" ".join(cell.split()) for cell in row] for row in table] for table in ours(page[1])]
    return ((table, found) for table in page[0] if list(table) not in found)


def main(folders: Sequence[Path], pages: int, show: int) -> None:
    """Print a line per folder and one for all."""
    every: list[tuple[Tables, bytes]] = []
    for folder in folders:
        own = [page for page in cases(folder, pages) if page[0]]
        every += own
        if own:
            print(folder.name, json.dumps({read.__name__: score(own, read) for read in (ours, by_pandas)}), flush=True)
        for table, found in [pair for page in own for pair in differing(page)][:show]:
            near = max(
                found, key=lambda one: len({c for r in one for c in r} & {c for r in table for c in r}), default=[]
            )
            print("  drawn", json.dumps(table, ensure_ascii=False)[:600])
            print("  read ", json.dumps(near, ensure_ascii=False)[:600])
    print("all", json.dumps({read.__name__: score(every, read) for read in (ours, by_pandas)}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--pages", type=int, default=12, help="so many pages of each folder")
    parser.add_argument("--show", type=int, default=0, help="so many differing tables of each folder")
    told_of = parser.parse_args()
    main(told_of.folders, told_of.pages, told_of.show)
