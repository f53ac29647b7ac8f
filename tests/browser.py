"""Chromium's own grid of a table: which cell a reader sees in each place, asked of the browser point by point."""

from __future__ import annotations

import html
import json
import random
import re
import subprocess
from pathlib import Path

# Every column is 40 pixels wide and every row at least 20 high, so that each place of the grid is a point on the page;
# letters take no room, for where cells overlap the letters of both are seen.
STYLE = """<style>table{table-layout:fixed;width:2400px;border-spacing:0;border-collapse:separate}
td,th,p{padding:0;margin:0;font-size:0}td,th{height:20px}tr{height:20px}</style>"""
SCRIPT = """<script>
for (const sup of document.querySelectorAll('sup')) sup.prepend('^');
const answer = [...document.querySelectorAll('table')].map(table => {
  table.scrollIntoView();
  const rows = [...table.rows].map(row => row.getBoundingClientRect()).filter(box => box.height > 0)
    .sort((one, two) => one.top - two.top), left = table.getBoundingClientRect().left;
  const grid = rows.map(box => [...Array(60).keys()].map(column => {
    const seen = document.elementFromPoint(left + column * 40 + 20, box.top + Math.min(box.height / 2, 10));
    const cell = seen && seen.closest('td,th');
    return cell && table.contains(cell) && getComputedStyle(cell).visibility == 'visible' ? cell.innerText : null;
  }));
  const width = Math.max(0, ...[...table.querySelectorAll('td,th')].map(cell => cell.getBoundingClientRect())
    .map(box => Math.round((box.right - left) / 40)));
  return grid.map(row => row.slice(0, width));
});
document.body.innerHTML = '<pre id=answer></pre>';
document.getElementById('answer').textContent = JSON.stringify(answer);
</script>"""


def random_table(seed: int) -> str:
    """A table with spans, groups in any order, hidden rows and cells, broken spans, raised text."""
    chance = random.Random(seed)
    groups = chance.choice([["tbody"], ["thead", "tbody"], ["tfoot", "thead", "tbody"], ["thead", "tbody", "tfoot"],
                            ["tbody", "thead", "tbody", "thead"], ["tbody", "tfoot", "tbody", "tfoot"]])  # fmt: skip
    made = "<table>" + "<col style='width:40px'>" * 60
    number = 0
    for group in groups:
        made += f"<{group}>"
        for _ in range(chance.randint(1, 5)):
            shown = chance.choice([""] * 12 + [" hidden", " style='display:none'", " style='visibility:collapse'"])
            made += f"<tr{shown}>"
            for _ in range(chance.randint(0 if chance.random() < 0.1 else 1, 5)):
                number += 1
                tag = chance.choice(["td", "th"])
                spans = (
                    f" colspan={chance.choice(['0', '1', '2', '3', '2x', '-1', 'x'])}" if chance.random() < 0.35 else ""
                )
                spans += (
                    f" rowspan={chance.choice(['0', '1', '2', '3', '9', ' 2', '2.5'])}"
                    if chance.random() < 0.35
                    else ""
                )
                shown = chance.choice([""] * 15 + [" hidden", " style='display : NONE'", " style='visibility:hidden'"])
                text = chance.choice([
                    f"c{number}", f"c{number} <b>x</b>\n y", f"c{number}<sup>1</sup>", f"c{number}<br>z",
                    f"c{number}&nbsp;5", f"<p>c{number}</p><p>w</p>", f" {number} <span hidden>q</span>",
                ])  # fmt: skip
                made += f"<{tag}{spans}{shown}>{text}</{tag}>"
            made += "</tr>"
        made += f"</{group}>"
    return made + "</table>"


def page(tables: list[str]) -> str:
    """A page with these tables."""
    return f"<!doctype html><meta charset=utf-8>{STYLE}" + "".join(tables)


def grids(tables: list[str], folder: Path) -> list[list[list[str]]]:
    """What the browser shows of each, in one run; a place without a cell is ""."""
    (folder / "page.html").write_text(page(tables) + SCRIPT, encoding="utf-8")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--window-size=2600,2000",
               f"--user-data-dir={folder / 'browser'}", "--dump-dom", str(folder / "page.html")]  # fmt: skip
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    answer = re.search(r'<pre id="answer">(.*?)</pre>', shown, re.DOTALL)
    assert answer
    said = json.loads(html.unescape(answer[1]))
    return [[[re.sub(r"\n+", "\n", cell or "").strip(" \n") for cell in row] for row in table] for table in said]
