"""What a page's own styles hide, fold, blank or raise: marks on its elements, for html.py to read.

The cascade as far as it decides this: importance, specificity, order, then the element's own `style`; of media those
of a desktop screen. Style sheets in other files are not known, and a selector that the parser does not know, hides
nothing.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

MARK: Final = f"x{secrets.token_hex(6)}"  # an attribute that no page can have
Rank = tuple[bool, int, int, int, int]  # important, ids, classes, tags, order
_SAID: Final = re.compile(
    r"(?:^|[;\s])(display|visibility|vertical-align)\s*:\s*([a-z-]+)\s*(!\s*important)?", re.IGNORECASE
)
_MARKS: Final = {("display", "none"): "gone", ("visibility", "collapse"): "fold", ("visibility", "hidden"): "blank",
                 ("vertical-align", "super"): "up"}  # fmt: skip
_COMMENT: Final = re.compile(r"/\*.*?\*/|<!--|-->", re.DOTALL)
_RULE: Final = re.compile(r"([^{}]+)\{([^{}]*)\}")
_AT: Final = re.compile(r"@([\w-]+)([^{};]*)(?:;|\{((?:[^{}]*\{[^{}]*\})*[^{}]*)\})")
_ELSEWHERE: Final = re.compile(
    r"\bnot\b|\bprint\b|\bspeech\b|max-(?:device-)?width|min-width\s*:\s*(?:1[3-9]|[2-9]\d)\d\dpx"
)
_COMMA: Final = re.compile(r",(?![^(\[]*[)\]])")
_DECIDES: Final = ",".join(f'[style*="{name}" i]' for name in ("display", "visibility", "vertical-align"))
_KINDS: Final = (re.compile("#"), re.compile(r"\.|\[|(?<!:):(?!:)"), re.compile(r"(?:^|[\s>+~])[a-zA-Z]"))


def mark(tree: LexborHTMLParser) -> set[str]:
    """Mark each element that is not drawn (gone), drawn blank, folded away or raised; the tags of those marked."""
    found: dict[int, tuple[LexborNode, dict[str, tuple[Rank, str]]]] = {}
    rules = list(_rules(tree))
    for node in tree.css("[hidden]"):
        _note(found, node, "display", (False, -1, 0, 0, 0), "gone")
    for hides in (True, False):  # what only shows matters where something else hides
        for selector, name, marked, rank in rules:
            if bool(marked) is hides and (hides or found):
                for node in _selected(tree, selector):
                    if hides or node.mem_id in found:
                        _note(found, node, name, rank, marked)
    for node in tree.css(_DECIDES):
        for name, marked, important in _said(node.attrs.get("style") or ""):
            if marked or node.mem_id in found:
                _note(found, node, name, (important, 1_000, 0, 0, 0), marked)
    tags = set()
    for node, said in found.values():
        if marks := " ".join(f"{marked};" for _, marked in said.values() if marked):
            node.attrs[MARK] = f" {marks}"
            tags.add(node.tag or "")
    return tags


def _note(found: dict[int, tuple[LexborNode, dict[str, tuple[Rank, str]]]], node: LexborNode, name: str, rank: Rank,
          marked: str) -> None:  # fmt: skip
    """Keep what the strongest rule says of a property."""
    _, said = found.setdefault(node.mem_id, (node, {}))
    if name not in said or said[name][0] <= rank:
        said[name] = rank, marked


def _rules(tree: LexborHTMLParser) -> Iterator[tuple[str, str, str, Rank]]:
    """Selector, property, mark and rank of each rule that may hide or show something."""
    sheet = "\n".join(one.text() for one in tree.css("style"))
    plain = _AT.sub(_of_screen, _COMMENT.sub("", sheet))
    for order, (selectors, body) in enumerate(_RULE.findall(plain)):
        for name, marked, important in _said(body):
            for selector in map(str.strip, _COMMA.split(selectors)):
                ids, classes, tags = (len(kind.findall(selector)) for kind in _KINDS)
                yield selector, name, marked, (important, ids, classes, tags, order)


def _of_screen(block: re.Match[str]) -> str:
    """The rules of a block that applies to a desktop screen."""
    name, condition, inner = block[1].lower(), block[2].lower(), block[3]
    applies = name == "supports" or (name == "media" and not _ELSEWHERE.search(condition))
    return inner if inner and applies else ""


def _said(style: str) -> Iterator[tuple[str, str, bool]]:
    """Property, its mark ("" for one that shows) and whether it is important."""
    for name, value, important in _SAID.findall(style):
        yield name.lower(), _MARKS.get((name.lower(), value.lower()), ""), bool(important)


def _selected(tree: LexborHTMLParser, selector: str) -> list[LexborNode]:
    try:
        return tree.css(selector)
    except (SelectolaxError, ValueError, RuntimeError):
        return []
