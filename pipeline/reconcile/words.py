"""Sentences about numbers and windows, in English, Russian and Tajik.

What a reader needs to check a contradiction with pencil and paper: each number with its own time, the sum, and the
number it does not fit. Names no source and judges nobody.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.wording import LANGUAGES, MONTHS

RU_MONTH = ("январь", "февраль", "март", "апрель", "май", "июнь", "июль", "август", "сентябрь", "октябрь", "ноябрь",
            "декабрь")  # fmt: skip
RU_HALF, RU_QUARTER = ("первое", "второе"), ("первый", "второй", "третий", "четвёртый")
EN_ORDER, TG_ORDER = ("first", "second", "third", "fourth"), ("якуми", "дуюми", "сеюми", "чоруми")
QUALIFIED = {
    "exact": ("{}", "{}", "{}"),
    "at_least": ("at least {}", "не менее {}", "на камтар аз {}"),
    "more_than": ("more than {}", "более {}", "бештар аз {}"),
    "at_most": ("at most {}", "не более {}", "на бештар аз {}"),
    "less_than": ("fewer than {}", "менее {}", "камтар аз {}"),
    "about": ("about {}", "около {}", "тақрибан {}"),
}


class Part(NamedTuple):
    """One claim of a contradiction: its window, its number, and what the number allows."""

    start: datetime.date
    end: datetime.date
    value: int
    qualifier: str
    low: int
    high: int | None


def number(value: int, language: str) -> str:
    """Digits in groups of three: 3,450 in English, 3 450 (no-break space) in Russian and Tajik."""
    return f"{value:,}" if language == "en" else f"{value:,}".replace(",", "\u00a0")


def quantity(value: int, qualifier: str, language: str) -> str:
    """A number with its qualifier: "more than 40", "более 40", "бештар аз 40"."""
    return QUALIFIED[qualifier][LANGUAGES.index(language)].format(number(value, language))


def plural(count: int, one: str, few: str, many: str) -> str:
    """The Russian form for a number: 1 утверждение, 3 утверждения, 11 утверждений."""
    if count % 10 == 1 and count % 100 != 11:  # noqa: PLR2004
        return one
    return few if count % 10 in (2, 3, 4) and count % 100 not in (12, 13, 14) else many


def listed(phrases: Sequence[str], language: str) -> str:
    """Phrases joined as a sentence joins them: "a, b and c"."""
    joint = {"en": " and ", "ru": " и ", "tg": " ва "}[language]
    return joint.join([", ".join(phrases[:-1]), phrases[-1]] if len(phrases) > 1 else phrases)


@functools.lru_cache(maxsize=65_536)
def window(start: datetime.date, end: datetime.date, language: str) -> str:
    """A window as one says it: "2021", "the first half of 2017", "1 January to 25 October 2022".

    Shape: in English a noun ("for 2021"); in Russian with its preposition ("за 2021 год"), in Tajik too ("дар соли
    2021").
    """
    months = (end.year - start.year) * 12 + end.month - start.month + 1
    whole = start.day == 1 and (end + datetime.timedelta(days=1)).day == 1
    year, first = start.year, start.month
    if start == end:
        day = _day(start, language)
        return {"en": day, "ru": f"за один день, {day}", "tg": f"дар як рӯз, {day}"}[language]
    if whole and first == 1 and months % 12 == 0:
        return _years(year, end.year, language)
    if whole and months == 1:
        name = f"{MONTHS['en'][first - 1]} {year}"
        return {"en": name, "ru": f"за {RU_MONTH[first - 1]} {year} года",
                "tg": f"дар моҳи {MONTHS['tg'][first - 1]} соли {year}"}[language]  # fmt: skip
    if whole and months in (3, 6) and (first - 1) % months == 0:
        at = (first - 1) // months
        en, ru, tg = ("quarter", f"{RU_QUARTER[at]} квартал", "семоҳаи") if months == 3 else (  # noqa: PLR2004
            "half", f"{RU_HALF[at]} полугодие", "нимсолаи")  # fmt: skip
        return {"en": f"the {EN_ORDER[at]} {en} of {year}", "ru": f"за {ru} {year} года",
                "tg": f"дар {tg} {TG_ORDER[at]} соли {year}"}[language]  # fmt: skip
    since, until = _day(start, language, year=start.year != end.year), _day(end, language)
    return {"en": f"{since} to {until}", "ru": f"за период с {since} по {until}",
            "tg": f"дар давраи аз {since} то {until}"}[language]  # fmt: skip


def _years(first: int, last: int, language: str) -> str:
    """One whole year or several."""
    if first == last:
        return {"en": f"{first}", "ru": f"за {first} год", "tg": f"дар соли {first}"}[language]
    return {"en": f"{first} to {last}", "ru": f"за {first}–{last} годы", "tg": f"дар солҳои {first}–{last}"}[language]


def _day(day: datetime.date, language: str, *, year: bool = True) -> str:
    """A date in words; Tajik binds month and year: 25 октябри соли 2022, but 1 январ."""
    if language == "tg" and not year:
        return f"{day.day} {MONTHS['tg'][day.month - 1].removesuffix('и')}"
    after = {"en": f" {day.year}", "ru": f" {day.year} года", "tg": f" соли {day.year}"}[language] if year else ""
    return f"{day.day} {MONTHS[language][day.month - 1]}{after}"


def claimed(part: Part, language: str) -> str:
    """A claim in a breath: "24 in 2021", "16 from 1 January to 25 October 2022"."""
    return f"{quantity(part.value, part.qualifier, language)} {when(part.start, part.end, language)}"


def when(start: datetime.date, end: datetime.date, language: str) -> str:
    """A window after a number: "in 2021", "from 1 January to 25 October 2022", "за 2021 год"."""
    told = window(start, end, language)
    if language != "en":
        return told
    return ("on " if start == end else "from " if " to " in told else "in ") + told


def as_of(day: datetime.date, language: str) -> str:
    """The day of a count that is taken, not added up: "on 1 January 2024", "на 1 января 2024 года"."""
    return {"en": "on ", "ru": "на ", "tg": "дар санаи "}[language] + _day(day, language)


def contradiction(upper: Sequence[Part], lower: Sequence[Part]) -> dict[str, str]:
    """Why the claims cannot all be true, with the arithmetic, in each language.

    `lower` demand together more than `upper` allow, although `upper` cover every day at least as often.
    """
    return {language: _contradiction(upper, lower, language) for language in LANGUAGES}


def _contradiction(upper: Sequence[Part], lower: Sequence[Part], language: str) -> str:
    """The sentence that fits the number of claims on each side, and the verdict."""
    if not lower:
        return NEVER_NEGATIVE[language].format(claimed(upper[0], language))
    most, least = sum(part.high or 0 for part in upper), sum(part.low for part in lower)
    same = _times(upper) == _times(lower)
    if len(lower) == 1 and len(upper) == 1:
        kind = "same" if same else "inside"
    elif len(lower) == 1:
        kind = "sum_too_small"
    elif len(upper) == 1:
        kind = "sum_too_large"
    else:
        kind = "both"
    whole = upper[0] if kind == "sum_too_large" else lower[0]
    exact = {part.qualifier for part in (lower if kind == "sum_too_large" else upper)} == {"exact"}
    say = SENTENCES[language]
    sentence = say[kind].format(
        upper=listed([claimed(part, language) for part in upper], language),
        lower=listed([claimed(part, language) for part in lower], language),
        time=window(whole.start, whole.end, language),
        here=say["same_time" if same else "inside_time"],
        there=say["same_time" if same else "outside_time"],
        number=quantity(whole.value, whole.qualifier, language),
        small=quantity(lower[0].value, lower[0].qualifier, language),
        large=quantity(upper[0].value, upper[0].qualifier, language),
        outer=window(upper[0].start, upper[0].end, language),
        most=number(most, language), least=number(least, language),
        up_to="" if exact else say["up_to"], at_least="" if exact else say["at_least"],
        meaning_least="" if lower[0].low == lower[0].value else say["meaning_least"].format(number(least, language)),
        meaning_most="" if upper[0].high == upper[0].value else say["meaning_most"].format(number(most, language)),
    )  # fmt: skip
    return f"{sentence[0].upper()}{sentence[1:]} {_verdict(len(upper) + len(lower), language)}"


def _verdict(count: int, language: str) -> str:
    """That they cannot all be true."""
    if count == 2:  # noqa: PLR2004
        return {"en": "Both cannot be true.", "ru": "Оба утверждения вместе не могут быть верны.",
                "tg": "Ҳар дуи ин гуфта якҷоя дуруст буда наметавонад."}[language]  # fmt: skip
    noun = plural(count, "утверждение", "утверждения", "утверждений")
    return {"en": f"These {count} claims cannot all be true.", "ru": f"Эти {count} {noun} вместе не могут быть верны.",
            "tg": f"Ин {count} гуфта якҷоя дуруст буда наметавонанд."}[language]  # fmt: skip


def _times(parts: Sequence[Part]) -> list[tuple[datetime.date, int]]:
    """How often each day is covered, as the days where that changes."""
    change: dict[datetime.date, int] = {}
    for part in parts:
        change[part.start] = change.get(part.start, 0) + 1
        after = part.end + datetime.timedelta(days=1)
        change[after] = change.get(after, 0) - 1
    return sorted((day, step) for day, step in change.items() if step)


NEVER_NEGATIVE = {
    "en": "The claim is {}, but a count is never below 0. It cannot be true.",
    "ru": "Заявлено: {}, но количество не бывает меньше 0. Это утверждение не может быть верным.",
    "tg": "Гуфта шудааст: {}, вале шумора ҳеҷ гоҳ аз 0 кам намешавад. Ин гуфта дуруст буда наметавонад.",
}
SENTENCES = {
    "en": {
        "same": "For {time}, one claim is {small}{meaning_least} and another {large}{meaning_most}.",
        "inside": "The claim for {time} is {small}{meaning_least}, but that time lies within {outer}, for which the "
                  "claim is {large}{meaning_most}.",
        "sum_too_small": "{upper} make {up_to}{most}, but the claim for {time}, {here}, is {number}{meaning_least}.",
        "sum_too_large": "{lower} make {at_least}{least}, but the claim for {time}, {there}, is "
                         "{number}{meaning_most}.",
        "both": "{lower} make at least {least} together; {upper} allow at most {most} together, although they cover "
                "every day of the former at least as often.",
        "same_time": "the same time", "inside_time": "which lies within that time",
        "outside_time": "which contains that time", "up_to": "at most ", "at_least": "at least ",
        "meaning_least": ", which means at least {}", "meaning_most": ", which means at most {}",
    },
    "ru": {
        "same": "{time} одно утверждение даёт {small}{meaning_least}, другое — {large}{meaning_most}.",
        "inside": "{time} заявлено {small}{meaning_least}, но это время входит в другое: {outer} заявлено "
                  "{large}{meaning_most}.",
        "sum_too_small": "{upper} в сумме дают {up_to}{most}, но {time}, {here}, заявлено {number}{meaning_least}.",
        "sum_too_large": "{lower} в сумме дают {at_least}{least}, но {time}, {there}, заявлено {number}{meaning_most}.",
        "both": "{lower} вместе дают не менее {least}; {upper} вместе допускают не более {most}, хотя охватывают "
                "каждый день первых не реже.",
        "same_time": "то есть за то же время", "inside_time": "то есть за часть этого времени",
        "outside_time": "то есть за время, в которое всё это входит", "up_to": "не более ", "at_least": "не менее ",
        "meaning_least": ", то есть не менее {}", "meaning_most": ", то есть не более {}",
    },
    "tg": {
        "same": "{time} як гуфта {small}{meaning_least} аст, гуфтаи дигар {large}{meaning_most}.",
        "inside": "{time} {small} гуфта шудааст{meaning_least}, вале ин вақт дар дохили вақти дигар аст: {outer} "
                  "{large} гуфта шудааст{meaning_most}.",
        "sum_too_small": "{upper} якҷоя {up_to}{most} мешаванд, вале {time}, {here}, {number} гуфта "
                         "шудааст{meaning_least}.",
        "sum_too_large": "{lower} якҷоя {at_least}{least} мешаванд, вале {time}, {there}, {number} гуфта "
                         "шудааст{meaning_most}.",
        "both": "{lower} якҷоя на камтар аз {least} мешаванд; {upper} якҷоя на бештар аз {most} иҷозат медиҳанд, "
                "ҳарчанд ҳар рӯзи гуфтаҳои аввалро на камтар аз онҳо дар бар мегиранд.",
        "same_time": "яъне дар ҳамон вақт", "inside_time": "яъне дар як қисми ҳамин вақт",
        "outside_time": "яъне дар вақте ки ҳамаи инро дар бар мегирад", "up_to": "на бештар аз ",
        "at_least": "на камтар аз ", "meaning_least": ", яъне на камтар аз {}",
        "meaning_most": ", яъне на бештар аз {}",
    },
}  # fmt: skip
