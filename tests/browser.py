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

# Tables that are drawn otherwise than their markup looks at first sight; rows of each, without the table around them.
NASTY = (
    "<tr><td rowspan=0>a<td>b<tr><td>c<tr><td>d",
    "<tr><td rowspan=2>a<td>b<td>c<tr><td colspan=2>d<td>e<td>f",
    "<tbody><tr><th>h<td>1<tr><th>i<td>2</tbody>",
    "<tr class=hid><td>x<td>y<tr><td>1<td>2<style>.hid{display:none}</style>",
    "<tr class=scr><td>x<td>y<tr><td>1<td>2<style>@media screen{.scr{display:none}}</style>",
    "<tr class=prn><td>x<td>y<tr><td>1<td>2<style>@media print{.prn{display:none}}</style>",
    "<tr><td>a<td class=n2>b<td>c<tr><td>1<td class=n2>2<td>3<style>td.n2,th.n2{display:none!important}</style>",
    "<tr><td>52<sup><a href='#'>1</a></sup><td>3<br>4<td>5&nbsp;6",
    "<caption>Cap</caption><tr><td>1<td>2",
    "<tr><td>a</tr>text<tr><td>b</td></tr>",
    "<tr><td><div>a</div><div>b</div><td><ul><li>x<li>y</ul>",
    "<tr><td><i style='display:none'>9</i>8<td><i hidden>7</i>6<td><i style='visibility:hidden'>5</i>4",
    "<tr style='VISIBILITY:COLLAPSE'><td>a<td>b<tr><td>1<td>2",
    "<tr><td colspan=3>a<td rowspan=3>z<tr><td>1<td>2<td>3<tr><td colspan=2>4",
    "<thead><tr><th colspan=2>H</thead><tfoot><tr><td>F<td>G</tfoot><tbody><tr><td>1<td>2</tbody>",
    "<tr><td>a<td><noscript>n</noscript>b<td><script>1</script>c<td><template>q</template>d",
    "<tr><td>1<!-- <td>2 -->3<td>4",
    "<tr><td><p>a<p>b<td>c<hr>d",
    "<tr><td>a&#8203;b<td>c&shy;d<td>e&zwnj;f",
    "<tr><td><b>1</b>2<td><i> 3 </i>4<td>5 <b> 6</b>",
    "<tr><td style='display:none'>a<td>b<tr><td>c<td>d",
    "<tr><th>&lt;b&gt;<td>a &amp; b<td>&#1234;",
    "<tr><td colspan=2 rowspan=2>a<td>b<tr><td>c<tr><td>d<td>e<td>f",
    "<tr><td>a</td></td></tr></tr><td>b",
    "<tr id=idh><td>a<tr><td>b<style>#idh > td{display:none}</style>",
    "<tr><td>x<tr class='k1 k2'><td>y<style>.k1.k2{display:none} .k1{color:red}</style>",
    "<tr><td>x<td class=vis>z<tr><td>y<td>w<style>.vis{display:none} td.vis{display:table-cell}</style>",
    "<tr><td>x<tr class=c5><td>y<style><!-- .c5{display:none} --></style>",
    "<tr><td>x<tr class=c6><td>y<style>.c6{ color:red; /* a */ display:none }</style>",
    "<tr><td>x<tr class=c7><td>y<style>@media (min-width: 100px) {.c7{display:none}}</style>",
    "<tr><td>x<tr class=c8><td>y<style>@import url(x.css); .c8{display:none}</style>",
    "<tr><td>x<tr class=c9><td>y<style>tr.c9:not(.z){display:none}</style>",
    "<tr><td>x<tr data-k=1><td>y<style>tr[data-k='1']{display:none}</style>",
    "<tr><td>x<tr class=c10><td>y<style>TR.c10{DISPLAY : NONE}</style>",
    "<tr><td>4<td>5<style>@supports (display:grid){.c11{display:none}}</style><tr class=c11><td>6<td>7",
)


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


def nasty_table(rows: str) -> str:
    """The table of these rows."""
    return "<table>" + "<col style='width:40px'>" * 60 + rows + "</table>"


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
