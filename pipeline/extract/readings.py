"""Find the one reading of a number: what it counts, of which total it is part, when, where, by which indicator.

Every rule refuses when it finds no reading, or two. The indicators that a reading may have stand in
figure_rules.csv; which words belong to which number, figures.py says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from pipeline.extract import nearby
from pipeline.extract.tagging import Piece, Printed
from pipeline.extract.vocabulary import rules
from pipeline.periods import Period

MARKS: Final = frozenset({"mark", "fill", "adjective", "preposition", "dash"})
_INHERITED: Final = ("done", "body", "topic")
_TIMES: Final = frozenset({"period", "contrast_period"})
_TELLING: Final = frozenset({"done", "area", "break", "part", "body", "topic"})
# a verb and its noun that may stand apart: "получили в 2023 году правовую помощь"
_TOGETHER: Final = {
    frozenset(pair): done
    for done, noun, verbs in (
        ("helped", "legal_aid", "received provided"),
        ("rehabilitated", "rehabilitation", "received provided attended"),
        ("rehabilitated", "rehabilitated", "attended"),
        ("trained", "trained", "attended"),
        ("amnestied", "amnesty", "released"),
        ("trained", "lesson", "attended"),
        ("sent_to_court", "to_court", "sent"),
    )
    for pair in ((noun, verb) for verb in verbs.split())
}


_PARTICIPLE: Final = re.compile(r"\w+(?:вших|вшихся|нных|мых|емых)", re.IGNORECASE)  # "26 поступивших жалоб"
AID: Final = frozenset({"helped", "legal_aid", "rehabilitation"})


class UnclearError(Exception):
    """A figure with more than one reading, or none; the message is its reason."""


@dataclass(slots=True)
class Figure:
    """One count on its way to an indicator."""

    at: int  # its place among the pieces
    printed: Printed
    own: list[Piece]
    thing: str = ""
    said: dict[str, str] = field(default_factory=dict)
    breakdown: dict[str, str] = field(default_factory=dict)
    period: Period | None = None
    area: str = "TJ"
    parent: Figure | None = None
    rule: dict[str, Any] | None = None
    unit: str = ""
    reason: str = ""


class Readings:
    """The numbers of one sentence, understood one after another, for a later one may lean on an earlier one."""

    def __init__(
        self, pieces: Sequence[Piece], figures: Sequence[Figure], text: str, language: str, *, originator: str,
        torture_near: bool, start: int,
    ) -> None:  # fmt: skip
        """`text` is what pieces point into, from `start`; `torture_near` whether the lines around speak of it."""
        self.pieces, self.figures, self.text, self.language = pieces, figures, text, language
        self.originator, self.torture_near, self.start = originator, torture_near, start

    def understand(self, index: int) -> None:
        """Find thing, counter, window, area and relation of one number, or say what is unclear."""
        figure = self.figures[index]
        self._check_place(figure)
        before = self.figures[index - 1] if index else None
        thing, breaks = self._thing(figure)
        own = {p.kind for p in figure.own}
        # "а в 2022 году – 16 случаев", "в Хатлоне 5 случаев": names the thing again and leaves out all else
        apart = own & (_TIMES | {"area"}) and not own & (_TELLING - {"area"})
        again = before is not None and thing == before.thing and not breaks and apart
        elliptic = not thing or (again and all(p.value != "total" for p in figure.own))
        if not thing and before is None and "break" in own:  # "812 письменных и 1 045 устных обращений"
            thing, elliptic = self._thing_ahead(index), False
        if elliptic:
            if before is None or before.reason or not own & (_TIMES | _TELLING) - {"body", "topic"}:
                raise UnclearError("thing_not_understood")
            thing = before.thing
        figure.thing = thing
        is_part = self._parent(index, breaks)
        base = figure.parent or (before if elliptic else None)
        for kind in _INHERITED:
            figure.said[kind] = self._one(figure, kind, index, base)
        inherited = base.breakdown if base else {}
        figure.breakdown = {**inherited, **breaks, **self._breaks(figure)}
        figure.area = self._one(figure, "area", index, base) or "TJ"
        figure.period = self._period(index, base)
        figure.rule = self._rule(figure, is_part=is_part)
        figure.unit = figure.rule["unit"] or figure.thing
        if figure.rule["window"] == "flow" and figure.breakdown.get("detention_status") == "convicted":
            del figure.breakdown["detention_status"]  # pages say "осуждённый" of everyone who died or was freed
        if figure.unit in {"victim", "prisoner"}:
            figure.unit = "person"
        if figure.printed.value == 1:
            raise UnclearError("single_case")

    def _check_place(self, figure: Figure) -> None:
        """Refuse a number in brackets, in a range, or after a preposition that makes it no count."""
        unclear = next((p for p in figure.own if p.kind == "unclear"), None)
        if unclear:
            raise UnclearError(str(unclear.value))
        before = self.pieces[figure.at - 1] if figure.at else None
        if before is not None and (before.kind == "preposition" or before.value == "about"):
            word = self._printed(before).lower()
            if word not in {"to", "ба"} or not {p.value for p in figure.own} & AID:  # "legal aid to 41 victims"
                raise UnclearError(f"preposition_before_number:{word}")
        after = self.pieces[figure.at + 1 : figure.at + 3]
        ofs = [i for i, p in enumerate(self.pieces) if p.kind == "of"]
        firsts = any(self.pieces[i - 1].kind == "ordinal" for i in ofs if i)  # "первую из 20 жалоб"
        if ofs and (firsts or self.pieces[self.figures[0].at - 1].kind != "of"):
            raise UnclearError("share_of_another_number")
        for pair in (self.pieces[max(figure.at - 2, 0) : figure.at], after[::-1]):
            kinds = [p.kind for p in pair]
            if kinds in (["number", "dash"], ["number", "separator"]):
                raise UnclearError("range" if kinds[1] == "dash" else "numbers_side_by_side")
        if before is not None and before.value == "(":
            inside = [p.kind for p in after if p.kind != "preposition"]
            if inside[:1] != ["period"] or ")" not in {p.value for p in self.pieces[figure.at + 2 : figure.at + 4]}:
                raise UnclearError("number_in_brackets")

    def _thing(self, figure: Figure) -> tuple[str, dict[str, str]]:
        """The noun counted right after the number, or right before it ("жалоб: 24"), with what it breaks down."""
        after = figure.at + 1
        kinds = [p.value if p.value == "footnote" else p.kind for p in self.pieces] + ["", ""]
        while kinds[after] in {"adjective", "footnote"} or (
            kinds[after] in {"break", "topic"} and kinds[after + 1] == "thing"
        ):
            after += 1
        things = [p for p in figure.own if p.kind == "thing"]
        if kinds[after] == "done" and _PARTICIPLE.fullmatch(self._printed(self.pieces[after])):
            while kinds[after] in MARKS | {"done", "body", "period", "area"}:
                after += 1
        if kinds[after] == "thing":
            if any(p is not self.pieces[after] for p in things):
                raise UnclearError("two_things_counted")
            return _split(self.pieces[after].value)
        if things and figure.printed.value is not None:
            place = self.pieces[figure.at].start
            ahead = [p for p in things if p.start < place]
            if len(things) == 1 and ahead and self._reaches(ahead[0], figure):
                return _split(ahead[0].value)
            raise UnclearError("thing_not_understood")
        return "", {}

    def _thing_ahead(self, index: int) -> str:
        """The noun of the next number, where only a breakdown and "and" stand between."""
        ahead = self.figures[index + 1] if index + 1 < len(self.figures) else None
        between = self.pieces[self.figures[index].at + 1 : ahead.at] if ahead else []
        if ahead is None or [p.value if p.kind == "separator" else p.kind for p in between] != ["break", "and"]:
            raise UnclearError("thing_not_understood")
        thing, breaks = self._thing(ahead)
        if not thing or breaks:
            raise UnclearError("thing_not_understood")
        return thing

    def _printed(self, piece: Piece) -> str:
        """The text of one piece."""
        return self.text[piece.start : piece.end]

    def _reaches(self, noun: Piece, figure: Figure) -> bool:
        """Whether only the noun's own words stand between it and the number."""
        place = self.pieces.index(noun)
        return all(
            p.kind in MARKS | {"topic", "done", "body", "break", "area", "period", "speaker"}
            or p.value in {":", ",", "that"}
            for p in self.pieces[place + 1 : figure.at]
        )

    def _parent(self, index: int, breaks: dict[str, str]) -> bool:
        """Whether the number is part of an earlier one, which becomes its parent."""
        figure = self.figures[index]
        marks = [p for p in figure.own if p.kind == "part"]
        marks = [p for p in marks if p.start < self.pieces[figure.at].start or p is self.pieces[figure.at + 1]]
        before = self.figures[index - 1] if index else None
        of = next((f for f in self.figures[:index] if any(p.kind == "of" for p in f.own)), None)
        zero = self.pieces[figure.at].kind == "zero" and before is not None
        after_colon = len(self.figures) > 2 and any(p.value == ":" for p in self.pieces[self.figures[0].at : figure.at])
        listed = not marks and before is not None and before.parent is not None and bool(breaks or self._breaks(figure))
        if marks or zero:
            figure.parent = self._whole(index)
        elif listed and before is not None:
            figure.parent = before.parent
        elif of is not None:
            figure.parent = of
        elif after_colon and (breaks or self._breaks(figure)):
            figure.parent = self.figures[0]
        if figure.parent is not None and (figure.parent.reason or figure.parent.rule is None):
            raise UnclearError("total_not_understood")
        return figure.parent is not None

    def _whole(self, index: int) -> Figure:
        """The total that a part belongs to: the number before the first part."""
        earlier = self.figures[:index]
        totals = [f for f in earlier if f.parent is None]
        if len(totals) != 1:
            raise UnclearError("part_of_what")
        if (
            len(earlier) > 1
            and "done" in {p.kind for p in self.figures[index].own}
            and earlier[-1].said.get("done") != earlier[0].said.get("done")
        ):
            raise UnclearError("part_of_what")
        return totals[0]

    def _breaks(self, figure: Figure) -> dict[str, str]:
        """The breakdowns printed in the number's own part of the sentence."""
        found: dict[str, str] = {}
        for piece in figure.own:
            if piece.kind == "break":
                column, _, code = str(piece.value).partition("=")
                if found.setdefault(column, code) != code:
                    raise UnclearError("two_breakdowns")
        return found

    def _one(self, figure: Figure, kind: str, index: int, base: Figure | None) -> str:
        """The one word of this kind that belongs to the number: its own, the opening's, or its base's."""
        own = {str(p.value) for p in figure.own if p.kind == kind}
        if kind == "topic" and len(own) > 1:
            own -= {"torture"} if own >= {"143-1"} or own >= {"torture_alone"} else set()
        if kind == "done" and frozenset(own) in _TOGETHER:
            own = {_TOGETHER[frozenset(own)]}
        if len(own) > 1:
            raise UnclearError(f"two_of_{kind}")
        if own:
            return own.pop()
        if base is not None:
            return base.area if kind == "area" else base.said.get(kind, "")
        return self._one_of_all(figure, kind, index)

    def _one_of_all(self, figure: Figure, kind: str, index: int) -> str:
        """The word that the opening, a list, the whole sentence, who speaks or the lines before give to a number."""
        first = self.figures[0]
        opening = {str(p.value) for p in self.pieces[: first.at] if p.kind == kind} if index else set()
        if len(opening) == 1:
            return opening.pop()
        if shared := self._shared_words(kind):
            return shared
        whole = {str(p.value) for p in self.pieces if p.kind == kind}
        chained = all(not any(p.kind == "thing" for p in f.own) for f in self.figures[1:])
        last = {str(p.value) for p in self.pieces[self.figures[-1].at :] if p.kind == kind}
        verb_last = kind == "done" and self.language == "tg" and figure.parent is None
        if (verb_last or (kind in {"done", "body"} and not index and chained)) and len(whole) == 1 == len(last):
            return whole.pop()
        we = any(p.value == "to_speaker" for p in self.pieces) or self.originator in {"coalition", "legal-aid-group"}
        if kind == "body" and not whole and we:
            return self.originator.replace("?", "")
        return "torture" if kind == "topic" and not whole and self._is_led(figure) else ""

    def _shared_words(self, kind: str) -> str:
        """What is said once, after a plain list: "24 адвоката и 12 судей прошли обучение"; topics after the verb."""
        first, last = self.figures[0].at, self.figures[-1].at
        listed = MARKS | {"thing", "break", "number"}
        if first == last or any(p.kind not in listed and p.value not in {"and", ","} for p in self.pieces[first:last]):
            return ""
        after = self.pieces[last:]
        if kind == "topic":
            verbs = [i for i, p in enumerate(after) if p.kind == "done"]
            after = after[verbs[0] :] if verbs else []
        found = {str(p.value) for p in after if p.kind == kind}
        found = {_TOGETHER[frozenset(found)]} if frozenset(found) in _TOGETHER else found
        return found.pop() if len(found) == 1 else ""

    def _is_led(self, figure: Figure) -> bool:
        """Whether the lines before, or the counter's own name, say that what is counted is of torture."""
        body = figure.said["body"]
        named = next((self._printed(p) for p in self.pieces if p.kind in {"body", "speaker"} and p.value == body), "")
        adjectives = {self._printed(p).lower() for p in figure.own if p.kind == "adjective"}
        said = nearby.lead(self.text, self.start, self.language)
        return nearby.is_of_torture(said, body, named, adjectives)

    def _period(self, index: int, base: Figure | None) -> Period:
        """The window of a number: its own, or the only one of the sentence."""
        figure = self.figures[index]
        if any(p.kind == "no_period" for p in self.pieces):
            raise UnclearError("period_not_understood")
        shifted = [p for p in figure.own if p.kind == "contrast_period"]
        if shifted:
            named: list[Period] = [p.value for p in figure.own if p.kind == "period"]
            if len(named) != (shifted[0].value == "same_period") or any(p.type != "year" for p in named):
                raise UnclearError("period_unclear")
            return _moved(self.figures[index - 1].period if index else None, named)
        marks = [p for p in self.pieces if p.kind in {"period", "number", "zero"}]
        windows: list[Period] = [p.value for p in marks if p.kind == "period"]
        order = "".join("P" if p.kind == "period" else "N" for p in marks)
        if len(windows) > 1 and not any(f.parent for f in self.figures) and re.fullmatch("(NP)+|(PN)+", order):
            return windows[index]
        own: set[Period] = {p.value for p in figure.own if p.kind == "period"}
        opening: set[Period] = {p.value for p in self.pieces[: self.figures[0].at] if p.kind == "period"}
        inherited = base.period if base else None
        if len(own) > 1 or len(opening) > 1 or not windows:
            raise UnclearError("period_unclear" if windows else "no_period")
        if any(inherited and not inherited.start <= p.start <= p.end <= inherited.end for p in own if figure.parent):
            raise UnclearError("part_outside_total")
        if own and figure.parent is not None and own != {inherited} and any(p.kind == "done" for p in figure.own):
            raise UnclearError("period_unclear")
        found = own or ({inherited} if inherited else opening or self._shared(windows))
        if not found or None in found:
            raise UnclearError("period_unclear")
        return found.pop()

    def _shared(self, windows: list[Period]) -> set[Period]:
        """The one window that ends a plain list of things: "33 monitorings and 27 inspections in 2021"."""
        last = self.figures[-1]
        ends = len(windows) == 1 and any(p.kind == "period" for p in self.pieces[last.at :])
        joined = any(p.value == "and" for p in last.own)
        told = {p.kind for f in self.figures[1:] for p in f.own} & (_TELLING | {"contrast"}) - {"topic"}
        things = {p.value for f in self.figures for p in f.own if p.kind == "thing"}  # one each, and no two alike
        return set(windows) if ends and joined and not told and len(things) == len(self.figures) else set()

    def _rule(self, figure: Figure, *, is_part: bool) -> dict[str, Any]:
        """The one rule of figure_rules.csv that the figure fits."""
        parent = figure.parent.rule["indicator"] if figure.parent and figure.parent.rule else ""
        fits = [r for r in rules() if r["parent"] == parent and self._fits(r, figure)] if is_part else []
        own_done = any(p.kind == "done" for p in figure.own) or self.pieces[figure.at].kind == "zero"
        split = figure.breakdown != (figure.parent.breakdown if figure.parent else {})
        if (
            is_part
            and not fits
            and not own_done
            and figure.parent
            and (split or figure.area != figure.parent.area or figure.period != figure.parent.period)
        ):
            same_unit = figure.thing == figure.parent.thing or figure.parent.unit in {"person", figure.thing}
            same_unit = same_unit or (figure.thing == "person" and figure.parent.thing in {"prisoner", "soldier"})
            if not same_unit:
                raise UnclearError("unit_differs_from_total")
            return figure.parent.rule  # type: ignore[return-value]
        if not is_part:
            if not figure.said["body"] and all("" not in r["bodies"] for r in rules() if _counts(r, figure)):
                raise UnclearError("who_counted_unclear")
            fits = [r for r in rules() if not r["parent"] and self._fits(r, figure)]
        names = {r["indicator"] for r in fits}
        if len(names) != 1:
            raise UnclearError("no_indicator" if not names else "two_indicators")
        rule = fits[0]
        nearby = self.torture_near or any(p.kind == "topic" and p.value != "penal" for p in self.pieces)
        if rule["topics"] >= {"all_topics", ""} and not figure.said["topic"] and nearby:
            raise UnclearError("topic_unclear")
        point = figure.period is not None and figure.period.start == figure.period.end
        if (rule["window"] == "stock") != point:
            raise UnclearError("window_does_not_fit")
        return rule

    def _fits(self, rule: dict[str, Any], figure: Figure) -> bool:
        said = figure.said
        done = said["done"]
        if self.pieces[figure.at].kind == "zero":  # "ни одна не подтвердилась", but "none were confirmed"
            if done.startswith("not_") == (self.language == "en"):
                return False
            done = done.removeprefix("not_")
        return (
            _counts(rule, figure)
            and done in rule["done"]
            and said["body"] in rule["bodies"]
            and said["topic"] in rule["topics"]
        )


def _counts(rule: dict[str, Any], figure: Figure) -> bool:
    """Whether a rule is of what the figure counts: its thing, or a column by which that is broken down."""
    return figure.thing in rule["things"] or not rule["things"].isdisjoint(figure.breakdown)


def _moved(period: Period | None, named: list[Period]) -> Period:
    """The same months of the year before, or of the year that is named."""
    if period is None or period.start.year != period.end.year or period.assumed:
        raise UnclearError("period_unclear")
    back = period.start.year - named[0].start.year if named else 1
    after = period.end + timedelta(days=1)
    try:
        end = after.replace(year=after.year - back) - timedelta(days=1)
        return replace(period, start=period.start.replace(year=period.start.year - back), end=end)
    except ValueError:  # the 29th of February
        raise UnclearError("period_unclear") from None


def _split(value: str) -> tuple[str, dict[str, str]]:
    """A thing and what it breaks down: "facility:facility_type=pretrial_sizo"."""
    thing, _, rest = value.partition(":")
    column, _, code = rest.partition("=")
    return thing, {column: code} if column else {}
