"""The four ways in which published figures disagree, never mixed up, each with a cause or an honest "unexplained".

contradiction       one count, and its claims cannot all be true
partition_mismatch  parts that do not fit their total, or another full set of parts of the same whole
divergence          different counters, or prints of one statement that differ, for one time
definition          like words for different things (the declared pairs of look_alikes.csv)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import polars

from pipeline.reconcile import telling
from pipeline.reconcile.answer import Answer, answer
from pipeline.reconcile.constraints import ABOUT_PERCENT
from pipeline.reconcile.figures import HOUSES, Codes, Figure, figures, table, titles, witnesses
from pipeline.reconcile.partitions import Parts, partitions, rivals
from pipeline.wording import LANGUAGES

Kind = Literal["contradiction", "partition_mismatch", "divergence", "definition"]
Cause = Literal[
    "other_language", "same_origin", "different_unit", "part_year", "rounding_or_qualifier", "definition",
    "unexplained",
]  # fmt: skip
KINDS: tuple[Kind, ...] = ("contradiction", "partition_mismatch", "divergence", "definition")
# Two bodies speak of one time if what they share is this much of what either covers.
SHARED_TIME = 0.75
# Columns that divide people and places; the others may differ between two indicators by their definitions.
PARTS = ("sex", "age_group", "facility_type", "alleged_body", "form", "relation", "citizenship", "detention_status")


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One row of the table `conflicts`.

    Shape: `id` is a hash of kind and claims, so it stays as long as they do; `claims` is sorted; `set_aside` is the
    claim that a contradiction sets aside, else "".
    """

    id: str
    kind: Kind
    cause: Cause
    claims: tuple[str, ...]
    set_aside: str
    explanation_en: str
    explanation_ru: str
    explanation_tg: str


def conflicts(claims: polars.DataFrame, codes: Codes) -> list[Disagreement]:
    """Every disagreement among the current claims of the ledger, sorted by kind and id.

    Shape: `claims` has the ledger's columns as text; `codes` holds the code lists by file name, among them
    indicators, bodies and look_alikes.
    """
    made = figures(claims, codes)
    say = telling.Teller(titles(codes))
    solved = solve(made)
    found = [
        *_contradictions(made, solved, say), *_mismatches(made, say), *_divergences(made, solved, codes, say),
        *_definitions(made, codes, say),
    ]  # fmt: skip
    return sorted({one.id: one for one in found}.values(), key=lambda one: (KINDS.index(one.kind), one.id))


def solve(made: Sequence[Figure]) -> Answer | None:
    """What follows from the figures that are counted over time, each utterance once; None without such figures."""
    stands = witnesses(made)
    flows = [one for one in made if one.flow and stands[one.id] == one.id]
    return answer(table(flows)) if flows else None


def _disagreement(
    kind: Kind, cause: Cause, members: Iterable[Figure], said: dict[str, str], set_aside: str = "",
) -> Disagreement:  # fmt: skip
    """The row, with its stable id."""
    ids = tuple(sorted({one.id for one in members}))
    digest = hashlib.sha256("\n".join((kind, *ids)).encode()).hexdigest()[:12]
    return Disagreement(
        f"{kind.replace('_', '-')}-{digest}", kind, cause, ids, set_aside, said["en"], said["ru"], said["tg"]
    )


def cause(made: Sequence[Figure]) -> Cause:
    """Why figures differ: the first of the written causes that holds for all of them.

    Shape: other_language (one body, one page's house, one time, several languages) · same_origin (one body's number
    for one time, printed elsewhere) · different_unit · part_year (unequal times) · rounding_or_qualifier (a soft
    or round number, and all within the tolerance of "about") · definition (several indicators) · unexplained.
    """
    origins = {HOUSES.get(one.originator, one.originator) for one in made}
    pages = {HOUSES.get(one.publisher, one.publisher) for one in made}
    one_time = len({one.window for one in made}) == 1
    one_statement = len(origins) == 1 and one_time and len({one.document for one in made}) > 1
    near = min(one.value * (100 + ABOUT_PERCENT) for one in made) >= max(one.value * 100 for one in made)
    one_thing = len({one.indicator for one in made}) == 1
    tests: tuple[tuple[Cause, bool], ...] = (
        ("other_language", one_statement and len(pages) == 1 and len({one.language for one in made}) > 1),
        ("same_origin", one_statement),
        ("different_unit", len({one.unit for one in made}) > 1),
        ("part_year", not one_time),
        ("rounding_or_qualifier", near and one_thing and _loose(made)),
        ("definition", not one_thing),
    )
    return next((name for name, holds in tests if holds), "unexplained")


def _loose(made: Sequence[Figure]) -> bool:
    """Whether a number has a word that softens it, or is so round that it may be rounded."""
    return any(one.qualifier != "exact" or (one.value >= 100 and one.value % 10 == 0) for one in made)  # noqa: PLR2004


def _contradictions(made: Sequence[Figure], solved: Answer | None, say: telling.Teller) -> Iterator[Disagreement]:
    """What the windows of one count forbid."""
    of = {one.id: one for one in made}
    for conflict in solved.conflicts if solved else ():
        members = [of[claim] for claim in conflict.claims]
        why = _cause_of_contradiction(members)
        yield _disagreement(
            "contradiction", why, members, say.contradiction(members, conflict.explanation, why), conflict.claims[-1],
        )  # fmt: skip


def _cause_of_contradiction(members: Sequence[Figure]) -> Cause:
    """The cause, where times differ by nature: they only explain it if they do not fill each other exactly."""
    if len({one.window for one in members}) == 1 or len({one.unit for one in members}) > 1:
        return cause(members)
    whole = max(members, key=lambda one: (one.end - one.start, one.id))
    parts = [one for one in members if one is not whole]
    filled = sum((one.end - one.start).days + 1 for one in parts) == (whole.end - whole.start).days + 1
    total = sum(one.value for one in parts)
    near = 100 * abs(total - whole.value) <= ABOUT_PERCENT * max(total, whole.value)
    if not filled:
        return "part_year"
    return "rounding_or_qualifier" if near and _loose(members) else "unexplained"


def _mismatches(made: Sequence[Figure], say: telling.Teller) -> Iterator[Disagreement]:
    """Parts against totals, and full sets of parts against each other."""
    found = partitions(made)
    for parts in found:
        if not parts.fits and parts.total:
            members = [*parts.parts, parts.total]
            yield _disagreement("partition_mismatch", _cause_of_parts(parts), members, say.parts(parts))
    for a, b in rivals(found):
        yield _disagreement("partition_mismatch", "unexplained", [*a.parts, *b.parts], say.two_sums(a, b))


def _cause_of_parts(parts: Parts) -> Cause:
    """Rounding where a total is itself a round or qualified number, else unexplained."""
    total = parts.total
    return "rounding_or_qualifier" if total and total.qualifier != "exact" else "unexplained"


def _divergences(
    made: Sequence[Figure], solved: Answer | None, codes: Codes, say: telling.Teller,
) -> Iterator[Disagreement]:  # fmt: skip
    """Different counters for one time, and one counter's statements that differ."""
    contradicted = [set(one.claims) for one in solved.conflicts] if solved else []
    for members, reason in (*_one_counter(made), *_two_counters(made, _linked(codes))):
        if not any(one <= {member.id for member in members} for one in contradicted):
            why = cause(members)
            yield _disagreement("divergence", why, members, say.divergence(members, why, reason))


def _one_counter(made: Sequence[Figure]) -> Iterator[tuple[list[Figure], telling.Said | None]]:
    """Prints for one window with different numbers; and a longer window from the same day with a smaller number."""
    same: dict[tuple[object, ...], list[Figure]] = {}
    since: dict[tuple[object, ...], list[Figure]] = {}
    for one in made:
        who = one.group, one.counter, HOUSES.get(one.originator, one.originator), one.area
        same.setdefault((*who, one.breakdown, one.window), []).append(one)
        # "New" cases of a period are what others simply call cases.
        loose = tuple(part for part in one.core if part != ("case_registered", "this_year"))
        since.setdefault((*who, loose, one.start), []).append(one)
    yield from ((members, None) for members in same.values() if len({one.number for one in members}) > 1)
    for members in since.values():
        yield from (
            ([a, b], telling.SHORTER_HAS_MORE)
            for a in members for b in members if a.flow and a.end < b.end and a.value > b.value
        )  # fmt: skip


def _two_counters(
    made: Sequence[Figure], links: dict[frozenset[str], telling.Said],
) -> Iterator[tuple[list[Figure], telling.Said | None]]:  # fmt: skip
    """The best claims of two counters for about one time, where their numbers differ."""
    best: dict[tuple[object, ...], Figure] = {}
    for one in made:
        voice = HOUSES.get(one.originator, one.originator)
        best.setdefault((one.indicator, one.counter, voice, one.area, one.core, one.window), one)
    chosen = sorted(best.values(), key=lambda one: (one.start, one.end, one.id))
    for at, a in enumerate(chosen):
        for b in chosen[at + 1 :]:
            if b.start > a.end:
                break
            reason = links.get(frozenset((a.indicator, b.indicator)))
            alike = reason is not None or (a.group == b.group and a.originator != b.originator)
            if alike and (a.area, a.core) == (b.area, b.core) and a.value != b.value and _one_time(a, b):
                yield [a, b], reason


def _one_time(a: Figure, b: Figure) -> bool:
    """Whether two windows are nearly one."""
    shared = (min(a.end, b.end) - max(a.start, b.start)).days + 1
    covered = (max(a.end, b.end) - min(a.start, b.start)).days + 1
    return shared >= SHARED_TIME * covered


def _linked(codes: Codes, kind: Kind = "divergence") -> dict[frozenset[str], telling.Said]:
    """The declared pairs of indicators of one kind, with the reason in each language."""
    return {
        frozenset((row["indicator_a"], row["indicator_b"])): {key: row[f"reason_{key}"] for key in LANGUAGES}
        for row in codes["look_alikes"].iter_rows(named=True) if row["kind"] == kind
    }  # fmt: skip


def _definitions(made: Sequence[Figure], codes: Codes, say: telling.Teller) -> Iterator[Disagreement]:
    """Declared look-alikes for about one time, or for times inside one calendar year, each by its broadest figure."""
    for pair, reason in _linked(codes, "definition").items():
        first, second = sorted(pair)
        for year, area in sorted({(one.start.year, one.area) for one in made if one.indicator in pair}):
            for a, b in _pairs(_broadest(made, first, year, area), _broadest(made, second, year, area), year):
                yield _disagreement("definition", "definition", [a, b], say.divergence([a, b], "definition", reason))


def _pairs(first: Sequence[Figure], second: Sequence[Figure], year: int) -> Iterator[tuple[Figure, Figure]]:
    """Each figure of `first` with the nearest in time of `second`; a figure with an exact partner has no other."""
    exact = {a.window for a in first} & {b.window for b in second}
    for a in first:
        near = [
            b for b in second
            if (a.window == b.window or not exact & {a.window, b.window}) and _same_part(a, b)
            and (_one_time(a, b) or a.end.year == b.end.year == year)
        ]  # fmt: skip
        b = min(near, key=lambda b: (not _one_time(a, b), b.trust, b.id), default=None)
        if b is not None and b.value != a.value:
            yield a, b


def _same_part(a: Figure, b: Figure) -> bool:
    """Whether the figures can be of one thing: no column puts them in two different classes."""
    parts = dict(b.breakdown)
    return all(parts.get(column, code) == code for column, code in a.breakdown if column in PARTS)


def _broadest(made: Sequence[Figure], indicator: str, year: int, area: str) -> list[Figure]:
    """The least broken-down figures of an indicator that begin in a year, one for each window, best first."""
    mine = [one for one in made if one.indicator == indicator and one.start.year == year and one.area == area]
    if not mine:
        return []
    fewest = min(len(one.core) for one in mine)
    by_window: dict[object, Figure] = {}
    for one in mine:
        if len(one.core) == fewest:
            by_window.setdefault(one.window, one)
    return list(by_window.values())
