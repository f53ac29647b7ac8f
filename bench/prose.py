"""Prose against selectolax's own parse and text, on one page of 200 kB: how much dearer understanding is than reading.

    python -m bench.prose [ROUNDS]

The page is invented: paragraphs without numbers and the sentences of tests/prose, as a report mixes them. The child
that reads foreign bytes is left out: it is started before, and its price is told elsewhere.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import yaml
from selectolax.lexbor import LexborHTMLParser

from pipeline import proposing
from pipeline.extract import people, prose

SIZE_BYTES = 200_000
SAID = "2023-07-20"
FILLER = (
    "Правозащитники отмечают, что доступ к адвокату в первые часы после задержания остаётся главной гарантией, а "
    "страх перед местью мешает пострадавшим обращаться за помощью и рассказывать о случившемся врачам и следователям. "
)
BLOCK = """<div class="views-row views-row-odd">
<article class="node node--type-news node--view-mode-teaser clearfix">
<header class="node__header">
<h2 class="node__title"><a href="/node/1" rel="bookmark" class="link link--title">
<span class="field field--name-title field--type-string field--label-hidden">Новости</span></a></h2></header>
<div class="node__content clearfix"><div class="field field--name-body field--type-text-with-summary">
<p class="text-align-justify"><span style="font-size:14px"><span lang="RU">{sentence}</span></span></p>
<p class="text-align-justify"><span style="font-size:14px"><span lang="RU">{filler}</span></span></p></div>
<ul class="links inline list-inline"><li class="node-readmore"><a href="/node/1">Далее</a></li></ul></div>
</article></div>
"""
TESTS = Path(__file__).resolve().parent.parent / "tests" / "prose"


PLAIN: Final = "<p>{sentence}</p><p>{filler}</p>\n"


def page(block: str = BLOCK) -> str:
    """The page: blocks as a content management system prints them, one sentence with numbers to a paragraph without."""
    words = yaml.safe_load((TESTS / "ru.yml").read_text(encoding="utf-8"))
    sentences = itertools.cycle(one[0] for part in ("seen", "heldout") for one in words[part])
    body = '<html><head><meta charset="utf-8"></head><body>'
    while len(body.encode()) < SIZE_BYTES:
        body += block.format(sentence=next(sentences), filler=FILLER)
    return body + "</body></html>"


def seconds(work: Callable[[], object], rounds: int) -> float:
    """The median processor time of one round: other work on the machine does not count."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times)


def main(rounds: int = 5) -> None:
    """Print the two times and their ratio, for a page as it is made and for one of text alone."""
    said = proposing.day(SAID)
    print("| page | selectolax parse and text | prose and people | ratio | numbers |\n|---|---|---|---|---|")
    for body in (page(), page(PLAIN)):
        text = LexborHTMLParser(body).text(separator="\n")
        plain = seconds(lambda body=body: LexborHTMLParser(body).text(separator="\n"), rounds * 10)  # type: ignore[misc]
        ours = seconds(lambda text=text: (prose.numbers(text, "ru", said), people.masked(text, "ru")), rounds)  # type: ignore[misc]
        found = len(prose.numbers(text, "ru", said))
        size = f"{len(body.encode()):,} bytes, {len(text):,} letters of text"
        print(f"| {size} | {plain * 1000:.1f} ms | {ours * 1000:.0f} ms | {ours / plain:.0f} | {found} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
