"""Disagreements told so that a reporter can print them: who says what, for which time, and what may lie behind it.

A body is named before a colon, so that no name must be declined in Russian; numbers stand as digits, so no noun must
agree with them. "They count different people" is said, "disagree by 9" is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.reconcile import words
from pipeline.reconcile.figures import HOUSES, Figure
from pipeline.reconcile.partitions import Parts
from pipeline.wording import LANGUAGES

Said = dict[str, str]
# Units without which a number says nothing.
MEASURES = ("year", "somoni", "per_100000")
# Columns whose codes are bodies or areas.
LISTS = {"alleged_body": "bodies", "receiving_body": "bodies", "area": "areas"}

CAUSES: dict[str, Said] = {
    "other_language": {
        "en": "It is one statement in different languages.",
        "ru": "Это одно и то же высказывание на разных языках.",
        "tg": "Ин як гуфта бо забонҳои гуногун аст.",
    },
    "same_origin": {
        "en": "These numbers go back to one statement; a reprint is not a second witness.",
        "ru": "Эти числа восходят к одному высказыванию; перепечатка — не второй свидетель.",
        "tg": "Ин рақамҳо аз як гуфта сарчашма мегиранд; чопи дубора шоҳиди дуюм нест.",
    },
    "different_unit": {
        "en": "They count in different units: {units}.",
        "ru": "Единицы счёта разные: {units}.",
        "tg": "Воҳидҳои ҳисоб гуногунанд: {units}.",
    },
    "part_year": {
        "en": "The times differ, so the numbers need not agree.",
        "ru": "Сроки не совпадают, поэтому числа и не обязаны совпадать.",
        "tg": "Муҳлатҳо як хел нестанд, бинобар ин рақамҳо ҳам набояд ҳатман як хел бошанд.",
    },
    "rounding_or_qualifier": {
        "en": "Rounding or a loose word such as “more than” may explain it.",
        "ru": "Причиной может быть округление или неточное слово вроде «более».",
        "tg": "Сабаб метавонад яклухткунӣ ё калимаи ноаниқе мисли «бештар аз» бошад.",
    },
    "definition": {
        "en": "They count different things and may overlap.",
        "ru": "Они считают разное, и посчитанное может частично совпадать.",
        "tg": "Онҳо чизҳои гуногунро мешуморанд ва қисман метавонанд мувофиқ оянд.",
    },
    "unexplained": {
        "en": "The sources do not explain the difference.",
        "ru": "Источники не объясняют расхождение.",
        "tg": "Манбаъҳо ин фарқро шарҳ намедиҳанд.",
    },
}
# Of one count: the shorter of two times that begin together cannot hold more.
SHORTER_HAS_MORE = {
    "en": "The shorter time has the larger number, so one of the times may be printed wrongly.",
    "ru": "За меньший срок число больше, поэтому один из сроков, возможно, напечатан неверно.",
    "tg": "Барои муҳлати кӯтоҳтар рақам бештар аст, бинобар ин шояд яке аз муҳлатҳо нодуруст чоп шудааст.",
}
STATED_BY = {"en": "Stated by", "ru": "Источник чисел", "tg": "Манбаи рақамҳо"}
TOTAL = {
    "en": "{head}, {when}: the total is {total}, but {parts} make {sum}, {apart} {side}.",
    "ru": "{head}, {when}: всего {total}, но {parts} в сумме дают {sum}, это на {apart} {side}.",
    "tg": "{head}, {when}: ҳамагӣ {total}, вале {parts} якҷоя {sum} мешаванд, яъне {apart} {side}.",
}
MORE = {"en": "more", "ru": "больше", "tg": "бештар"}
FEWER = {"en": "fewer", "ru": "меньше", "tg": "камтар"}
TWO_SUMS = {
    "en": "{head}, {when}, in one document: {a} make {sum_a}, but {b} make {sum_b}. The difference is {apart}.",
    "ru": "{head}, {when}, в одном документе: {a} в сумме дают {sum_a}, но {b} дают {sum_b}. Разница — {apart}.",
    "tg": "{head}, {when}, дар як ҳуҷҷат: {a} якҷоя {sum_a} мешаванд, вале {b} {sum_b} мешаванд. Фарқ {apart} аст.",
}
PUBLISHED = {"en": "as published by {}", "ru": "публикация: {}", "tg": "нашр: {}"}
IN_LANGUAGE = {"en": "in {}", "ru": "язык: {}", "tg": "забон: {}"}
UNIT = {"en": "unit: {}", "ru": "единица: {}", "tg": "воҳид: {}"}


class Teller:
    """Sentences with the titles of the code lists."""

    def __init__(self, titles: Mapping[tuple[str, str], Said]) -> None:
        self.titles = titles

    def contradiction(self, members: Sequence[Figure], arithmetic: Said, cause: str) -> Said:
        """What is counted, the arithmetic, who stated it, the cause."""
        return {
            language: f"{self._heads(members, language)}. {arithmetic[language]} {self._end(members, cause, language)}"
            for language in LANGUAGES
        }

    def divergence(self, members: Sequence[Figure], cause: str, reason: Said | None = None) -> Said:
        """Who says which number for which time, side by side, then the declared reason or the cause."""
        return {language: self._divergence(members, cause, reason, language) for language in LANGUAGES}

    def _divergence(self, members: Sequence[Figure], cause: str, reason: Said | None, language: str) -> str:
        """One language."""
        bodies = {one.originator for one in members}
        whats = {(one.indicator, one.core) for one in members}
        told = []
        for one in members:
            number = f"{words.quantity(*one.number, language)} {self._when(one, language)}"
            notes = [self._lowered(self._what(one, language))] if len(whats) > 1 else []
            if cause == "other_language":
                name = self.titles["language", one.language][language]
                notes.append(IN_LANGUAGE[language].format(name if language == "en" else self._lowered(name)))
            elif HOUSES.get(one.publisher, one.publisher) != HOUSES.get(one.originator, one.originator):
                notes.append(PUBLISHED[language].format(self.titles["bodies", one.publisher][language]))
            note = f" ({'; '.join(notes)})" if notes else ""
            body = f"{self.titles['bodies', one.originator][language]}: " if len(bodies) > 1 else ""
            told.append(f"{body}{number}{note}")
        head = "" if len(whats) > 1 else self._what(members[0], language) + ". "
        body = f"{self.titles['bodies', members[0].originator][language]}: " if len(bodies) == 1 else ""
        why = [reason[language]] if reason else []
        if reason is None or cause == "different_unit":
            why.append(self._cause(members, cause, language))
        return f"{head}{body}{'; '.join(told)}. {' '.join(why)}"

    def parts(self, parts: Parts) -> Said:
        """A total and parts that do not fit it."""
        if parts.total is None:
            raise AssertionError("parts without a total have nothing to mismatch")
        total, printed = parts.total, parts.printed
        return {
            language: TOTAL[language].format(
                head=self._what(total, language), when=self._when(total, language),
                total=words.quantity(*total.number, language), parts=self._sum(parts, language),
                sum=words.number(printed, language), apart=words.number(abs(printed - total.value), language),
                side=(MORE if printed > total.value else FEWER)[language],
            ) + " " + self._end([total], "unexplained", language)
            for language in LANGUAGES
        }  # fmt: skip

    def two_sums(self, a: Parts, b: Parts) -> Said:
        """Two full sets of parts of one whole."""
        return {
            language: TWO_SUMS[language].format(
                head=self.titles["indicators", a.parts[0].indicator][language], when=self._when(a.parts[0], language),
                a=self._sum(a, language), b=self._sum(b, language), sum_a=words.number(a.printed, language),
                sum_b=words.number(b.printed, language), apart=words.number(abs(a.printed - b.printed), language),
            ) + " " + self._end(a.parts, "unexplained", language)
            for language in LANGUAGES
        }  # fmt: skip

    def _sum(self, parts: Parts, language: str) -> str:
        """The parts by name: "13,556 (convicted) and 1,355 (not yet convicted)"."""
        return words.listed(
            [
                f"{words.quantity(*one.number, language)} "
                f"({self._lowered(self._title(parts.column, _code(one, parts.column), language))})"
                for one in parts.parts
            ], language,
        )  # fmt: skip

    def _heads(self, members: Sequence[Figure], language: str) -> str:
        """Everything that is counted."""
        return "; ".join(dict.fromkeys(self._what(one, language) for one in members))

    def _what(self, one: Figure, language: str) -> str:
        """What is counted: the indicator, how it is broken down, and a unit that its number does not speak of."""
        title = self.titles["indicators", one.indicator][language]
        parts = [self._lowered(self._title(column, code, language)) for column, code in one.core]
        if one.unit in MEASURES:
            parts.append(UNIT[language].format(self._lowered(self.titles["units", one.unit][language])))
        return ", ".join([title, *parts])

    def _when(self, one: Figure, language: str) -> str:
        """The window, or the day of a count that is not added up over time."""
        stock = not one.flow and one.start == one.end
        return words.as_of(one.start, language) if stock else words.when(*one.window, language)

    def _end(self, members: Sequence[Figure], cause: str, language: str) -> str:
        """Who stated the numbers, and the cause."""
        bodies = dict.fromkeys(self.titles["bodies", one.originator][language] for one in members)
        return f"{STATED_BY[language]}: {'; '.join(bodies)}. {self._cause(members, cause, language)}"

    def _cause(self, members: Sequence[Figure], cause: str, language: str) -> str:
        """The cause in a sentence."""
        units = dict.fromkeys(self._lowered(self.titles["units", one.unit][language]) for one in members)
        return CAUSES[cause][language].format(units=", ".join(units))

    def _title(self, column: str, code: str, language: str) -> str:
        """The title of a code of a claim's column."""
        return self.titles[LISTS.get(column, column), code][language]

    def _lowered(self, title: str) -> str:
        """A title inside a sentence, without its bracket; abbreviations and names in capitals keep them."""
        bare = title if title.count("(") != 1 or not title.endswith(")") else title[: title.index(" (")]
        return bare if bare[1:2].isupper() else bare[:1].lower() + bare[1:]


def _code(one: Figure, column: str) -> str:
    """The figure's code in a column."""
    return one.area if column == "area" else dict(one.breakdown)[column]
