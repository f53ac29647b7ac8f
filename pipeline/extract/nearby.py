"""Say what the lines before a sentence tell of its topic: a heading "Жалобы на пытки", a paragraph about torture.

Used only where a sentence itself names no topic; what the sentence says, readings.py finds.
"""

from __future__ import annotations

import re
from typing import Final

from pipeline.extract.tagging import Tagger

TORTURE: Final = re.compile(r"пыт[ко]|жесток|tortur|ill-treat|шикан[чҷ]|шиканљ", re.IGNORECASE)
_OF_TORTURE: Final = re.compile(
    r"\b(?:жалоб|обращени|заявлени|случа|complaint|appeal|application|case|allegation|шикоят|муро[ҷч]иат|ариза|[ҳх]олат)"
    r"\w*(?: [^\W\d]+){0,3} (?:пыт[ко]|жесток|tortur|ill-treat|шикан[чҷ])"
    r"|\btortur\w+ (?:complaint|appeal|case|allegation)",
    re.IGNORECASE,
)
_OTHER_CASES: Final = re.compile(r"дедовщин|неуставн|hazing|ғайриоинном|дедовшин", re.IGNORECASE)
_HEADED: Final = frozenset("thing topic period body preposition fill mark dash done area number".split())
_LOOK_BACK: Final = 400
_TITLE: Final = 90  # a line as short as this, without a full stop, is a heading
_SUCH: Final = frozenset("такой такая такое таких такие таким подобных подобные подобная such similar чунин".split())


def lead(text: str, start: int, language: str) -> str:
    """What the text before says complaints are of: "heading" (right above), "of_torture", "near", "other" or ""."""
    before = text[:start].rstrip()
    title, line = text[:_LOOK_BACK].split("\n", maxsplit=1)[0], before.rpartition("\n")[2]
    near = before[-_LOOK_BACK:]
    if _OTHER_CASES.search(near + title):
        return "other"
    if len(line) < _TITLE and line[-1:] not in ".!?;," and _OF_TORTURE.search(line):
        told = Tagger(line, 0, len(line), language, None).run()
        plain = all(p.kind in _HEADED for p in told) and len({p.value for p in told if p.kind == "thing"}) == 1
        if plain and {p.value for p in told if p.kind == "topic"} == {"torture"}:
            return "heading"
    if _OF_TORTURE.search(near):
        return "of_torture"
    return "near" if before and TORTURE.search(near + title) else ""


def is_of_torture(lead_says: str, body: str, named: str, adjectives: set[str]) -> bool:
    """Whether a count without a topic is of torture: by the heading, "such", or a counter that counts nothing else.

    `named` is how the sentence prints the counter: "Коалиция против пыток".
    """
    if lead_says == "other":
        return False
    if body in {"coalition", "legal-aid-group"} and (lead_says or TORTURE.search(named)):
        return True
    return lead_says == "heading" or (lead_says == "of_torture" and not adjectives.isdisjoint(_SUCH))
