"""Days and windows as one writes them, in English, Russian and Tajik: for pages, passports, citations and sentences.

Knows no claim. The sentences of reconcile/ bend what is said here into the cases they need.
"""

from __future__ import annotations

import datetime
from typing import Final

LANGUAGES: Final = ("en", "ru", "tg")
MONTHS: Final = {
    "en": "January February March April May June July August September October November December".split(),
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря".split(),
    "tg": "январи феврали марти апрели майи июни июли августи сентябри октябри ноябри декабри".split(),
}


def day(iso: str, language: str) -> str:
    """A day: "25 October 2022", "25 октября 2022", "25 октябри соли 2022"."""
    one = datetime.date.fromisoformat(iso)
    return f"{one.day} {MONTHS[language][one.month - 1]} {'соли ' * (language == 'tg')}{one.year}"


def window(start: str, end: str, language: str) -> str:
    """A window that both its ends belong to: a whole year as its number, one day as a day, else its two ends."""
    if start[4:] == "-01-01" and end == f"{start[:4]}-12-31":
        return start[:4]
    return " – ".join(dict.fromkeys([day(start, language), day(end, language)]))
