"""Put the pieces of one sentence together: which words belong to which number, and what the number became.

The reading of a number itself is readings.py's; what a piece is, tagging.py says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final, Literal

from pipeline import lexicon
from pipeline.extract import nearby, vocabulary
from pipeline.extract.readings import AID, MARKS, Figure, Readings, UnclearError
from pipeline.extract.tagging import Piece, Printed
from pipeline.periods import Period

DIGITS: Final = re.compile(r"[\d⁰¹²³⁴-⁹₀-₉①-⓿❶-➓½¼¾⅐-ↈ]+(?:[.,   ]\d+)*")
_LOOK_BACK: Final = 400
# after these a body is not the one that counts: complaints from it, against it, about it
_NO_COUNTER: Final = frozenset(
    "от на против из при с со за о об про через для from against about on over with for of concerning regarding "
    "аз нисбати зидди барои бо оид".split()
)


# before a year these say something else than "in it"
_NO_WINDOW: Final = frozenset("по о об обо about on regarding concerning as к бо барои".split())


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a text and what became of it: offsets are code points of the text, `sentence` its sentence.

    `reason` says why it was not proposed, or by which rule it was; `originator` who said it first, where printed;
    `heading` the sentence that the headings of a table make of it.
    """

    printed: str
    start: int
    end: int
    sentence: tuple[int, int]
    decision: Literal["proposed", "ignored", "refused"] = "refused"
    reason: str = ""
    value: int | None = None
    qualifier: str = ""
    unit: str = ""
    indicator: str = ""
    period: Period | None = None
    area: str = ""
    breakdown: dict[str, str] = field(default_factory=dict)
    originator: str = ""
    heading: str = ""


class Sentence:
    """The pieces of one sentence, put together."""

    def __init__(self, text: str, span: tuple[int, int], pieces: list[Piece], language: str) -> None:
        self.text, self.span, self.pieces, self.language = text, span, pieces, language
        self.originator = ""
        self.figures: list[Figure] = []

    def numbers(self) -> list[Number]:
        """Every piece that is or holds a number, with its decision."""
        self._take_speakers()
        self._doubt_periods()
        at = [i for i, p in enumerate(self.pieces) if p.kind in {"number", "zero"}]
        zones = self._zones(at)
        self.figures = [self._figure(i, own) for i, own in zip(at, zones, strict=True)]
        blocked = self._blocked() or self._around()
        back = self.text[max(0, self.span[0] - _LOOK_BACK) : self.span[0]]
        ahead = self.text[self.span[1] : self.span[1] + _LOOK_BACK // 2]
        torture = nearby.TORTURE.search(back) is not None or nearby.TORTURE.search(ahead) is not None
        readings = Readings(
            self.pieces, self.figures, self.text, self.language,
            originator=self.originator, torture_near=torture, start=self.span[0],
        )  # fmt: skip
        for index, figure in enumerate(self.figures):
            figure.reason = blocked or figure.reason or figure.printed.reason
            if not figure.reason:
                try:
                    readings.understand(index)
                except UnclearError as unclear:
                    figure.reason = str(unclear)
        self._check_parts()
        return [*map(self._number, self.figures), *self._ignored()]

    def _number(self, figure: Figure) -> Number:
        piece = self.pieces[figure.at]
        printed = self.text[piece.start : piece.end]
        plain = Number(
            printed,
            piece.start,
            piece.end,
            self.span,
            "refused",
            figure.reason,
            figure.printed.value,
            figure.printed.qualifier,
        )
        if figure.reason or figure.rule is None:
            return plain
        return replace(
            plain,
            decision="proposed",
            reason=f"rule:{figure.rule['indicator']}",
            unit=figure.unit,
            indicator=figure.rule["indicator"],
            period=figure.period,
            area=figure.area,
            breakdown=figure.breakdown,
            originator=self.originator or figure.said.get("body", ""),
        )

    def _ignored(self) -> Iterator[Number]:
        """Dates, years, references and whatever else counts nothing."""
        for piece in self.pieces:
            printed = self.text[piece.start : piece.end]
            if piece.kind in {"period", "date", "no_period", "ordinal", "contrast_period"} and (
                re.search(r"\d", printed) or piece.kind in {"ordinal", "period", "date"}
            ):
                bare = re.fullmatch(r"\D*(?:19|20)\d\d\D*", printed) is not None
                reason = "year" if bare else "period"
                if piece.kind in {"date", "ordinal"} or piece.value == "date":
                    reason = "ordinal" if piece.kind == "ordinal" else "date"
                start, end = self._digits(piece)
                yield Number(self.text[start:end], start, end, self.span, "ignored", reason)
            elif piece.kind == "reference":
                yield Number(printed, piece.start, piece.end, self.span, "ignored", piece.value)

    def _digits(self, piece: Piece) -> tuple[int, int]:
        """The part of a period from its first number to its last."""
        printed = self.text[piece.start : piece.end]
        found = [m.span() for m in DIGITS.finditer(printed)]
        found += [place[:2] for place in vocabulary.number_words(printed, self.language)]
        if not found:
            return piece.start, piece.end
        return piece.start + min(a for a, _ in found), piece.start + max(b for _, b in found)

    def _blocked(self) -> str:
        """The reason that stops every figure of the sentence, or ""."""
        if any(p.value == "to_speaker" for p in self.pieces) and any(
            p.kind == "body" and p.value != self.originator for p in self.pieces
        ):
            return "role_of_body_unclear"  # "к нему и в прокуратуру поступило"
        spared = self._last_part()
        for index, piece in enumerate(self.pieces):
            if piece.kind == "unknown" and index >= spared:
                continue
            if piece.kind in {"stop", "unknown"}:
                return str(piece.value) if piece.kind == "stop" else "word_not_understood"
            if piece.kind == "body" and self._is_no_counter(index):
                return "role_of_body_unclear"
            if piece.kind == "topic" and piece.value == "other_article":
                return "other_article"
        return ""

    def _last_part(self) -> int:
        """Where a last part begins whose words are not known: "из них 21 – от туберкулёза" leaves the total alone."""
        unknown = next((i for i, p in enumerate(self.pieces) if p.kind == "unknown"), None)
        last = self.figures[-1] if len(self.figures) > 1 else None
        if unknown is None or last is None or unknown < last.at or all(p.kind != "part" for p in last.own):
            return len(self.pieces)
        if any(p.kind == "separator" for p in self.pieces[last.at :]):
            return len(self.pieces)
        last.reason = "word_not_understood"
        return last.at

    def _around(self) -> str:
        """What the text before and after says of another country, or against the figure."""
        start, end = self.span
        places = {str(p.value) for p in self.pieces if p.kind == "area"}
        if not places and vocabulary.mentions("other_country", self.language).search(
            lexicon.fold(self.text[max(0, start - _LOOK_BACK) : start], self.language)
        ):
            return "other_country_nearby"
        ahead = lexicon.fold(self.text[end : end + _LOOK_BACK // 2], self.language)
        return "contradicted" if vocabulary.mentions("contradicted", self.language).search(ahead) else ""

    def _is_no_counter(self, index: int) -> bool:
        """Whether the words before a body make it sender, target or topic instead of the one that counts."""
        for piece in reversed(self.pieces[:index]):
            word = self.text[piece.start : piece.end].lower()
            if word in {"the", "a", "an"}:
                continue
            if word in {"from", "аз", "от"} and any(p.value in AID for p in self.pieces):
                return False  # "received legal aid from the Coalition"
            own = self.text[self.pieces[index].start : self.pieces[index].end].lower()
            bare = self.language != "en" and not own.startswith(("ба ", "аз ", "дар "))
            return word in _NO_COUNTER or piece.value == "about" or (piece.kind == "thing" and bare)
        return False

    def _doubt_periods(self) -> None:
        """A window after "by", "before" or "from" is another one; "last year" beside a plain year may lean on it."""
        windows = [(i, p) for i, p in enumerate(self.pieces) if p.kind == "period"]
        plain = [re.search(r"\d{4}", self.text[p.start : p.end]) is not None for _, p in windows]
        for (index, piece), dated in zip(windows, plain, strict=True):
            before = self.pieces[index - 1] if index else piece
            word = self.text[before.start : before.end].lower()
            if (
                before.kind in {"preposition", "no_period", "ordinal"}
                or word in _NO_WINDOW
                or (any(plain) and not dated)
                or (before.value in {"amnesty", "amnestied"} and self.text[piece.start].isdigit())
            ):
                self.pieces[index] = piece._replace(kind="no_period", value="")

    def _take_speakers(self) -> None:
        """Who said it becomes the originator; a period, place or date of the saying is no period of the count."""
        if all(p.kind != "said" for p in self.pieces):
            return
        clause = 0
        clauses = []
        for piece in self.pieces:
            clause += piece.kind == "separator" and piece.value != "and"
            clauses.append(clause)
        spoken = {c for p, c in zip(self.pieces, clauses, strict=True) if p.kind == "said" and p.value == "verb"}
        counting = {c for p, c in zip(self.pieces, clauses, strict=True) if p.kind in {"number", "zero"}}
        kept: list[Piece] = []
        source = False
        for piece, c in zip(self.pieces, clauses, strict=True):
            if piece.kind == "body" and (source or (c in spoken and c not in counting)):
                self.originator = piece.value if self.originator in {"", piece.value} else "?"
                kept.append(piece._replace(kind="speaker"))
            elif c in spoken and piece.kind in {"period", "area", "contrast_period"}:
                kept.append(piece._replace(kind="date" if piece.kind != "area" else "fill"))
            else:
                kept.append(piece)
            if piece.kind not in {"fill", "mark", "preposition", "dash"} and not (
                source and (piece.kind == "body" or piece.value == "and")
            ):
                source = piece.kind == "said" and piece.value == "source"
        self.pieces = kept

    def _zones(self, at: Sequence[int]) -> list[list[Piece]]:
        """For each number the pieces that are its own: from one separator to the next."""
        cuts = [0]
        for one, other in pairwise(at):
            between = range(one + 1, other)
            marked = [i for i in between if self.pieces[i].kind in {"contrast", "contrast_period"}]
            marked += [i for i in between[1:] if self.pieces[i].kind == "part"]
            parted = [i for i in between if self.pieces[i].kind == "separator"]
            if marked:
                cuts.append(min(marked))
            elif parted:
                plain = all(p.kind in MARKS | {"separator", "period"} for p in self.pieces[parted[0] : parted[-1]])
                cuts.append(parted[0] if plain else parted[-1])
            elif one and self.pieces[one - 1].kind == "of" and any(self.pieces[i].kind == "done" for i in between):
                cuts.append(max(i for i in between if self.pieces[i].kind == "done"))  # "из 26 жалоб подтвердились три"
            else:
                cuts.append(-other)
        cuts.append(len(self.pieces))
        zones = []
        for index, place in enumerate(at):
            start, end = cuts[index], cuts[index + 1]
            zone = self.pieces[max(start, 0) if start >= 0 else place : end if end >= 0 else place + 1]
            if start < 0 or end < 0:
                zone = [Piece("unclear", "numbers_not_separated", 0, 0)]
            zones.append(zone)
        return zones

    def _figure(self, at: int, own: list[Piece]) -> Figure:
        piece = self.pieces[at]
        printed = piece.value if piece.kind == "number" else Printed(0, "exact", "", worded=True)
        return Figure(at, printed, own)

    def _check_parts(self) -> None:
        """Refuse a part that exceeds its total, parts of an unread total, and a list that does not add up."""
        if len(self.figures) > 2 and any(p.value == ":" for p in self.pieces[self.figures[0].at : self.figures[1].at]):
            total, *rest = (f.printed.value or 0 for f in self.figures)
            if total != sum(rest):
                for figure in self.figures[1:]:
                    figure.reason = figure.reason or "parts_do_not_add_up"
        told: dict[tuple[object, ...], Figure] = {}
        for figure in self.figures:
            if figure.reason or figure.rule is None:
                continue
            key = (figure.rule["indicator"], figure.period, figure.area, tuple(sorted(figure.breakdown.items())))
            other = told.setdefault(key, figure)
            if other is not figure:
                figure.reason = other.reason = "two_values_for_one_figure"
        for figure in self.figures:
            parent = figure.parent
            if figure.reason or parent is None:
                continue
            if parent.reason:
                figure.reason = "total_not_understood"
            elif (figure.printed.value or 0) > (parent.printed.value or 0) and parent.printed.qualifier == "exact":
                figure.reason = parent.reason = "part_exceeds_total"
