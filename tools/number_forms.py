"""Write the static tables of word forms that the number reader looks up.

Run by hand when a word is added, never at run time: it needs pymorphy3 (Russian word forms), which is not a
dependency of the pipeline. It writes `schemas/lexicon/number_words.csv` whole, and fills the columns
`forms` and `labels` of `schemas/lexicon/count_nouns.csv` from the lemma that a person put in each row.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LEXICON = Path(__file__).resolve().parent.parent / "schemas" / "lexicon"
Row = tuple[str, str, str, str, str]  # language, form, role, value, cases

CASES = {"nomn": "n", "gent": "g", "gen2": "g", "datv": "d", "accs": "a", "ablt": "i", "loct": "p"}
RU_CARDINALS: dict[int, str] = dict(
    enumerate(
        "ноль один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать четырнадцать "
        "пятнадцать шестнадцать семнадцать восемнадцать девятнадцать двадцать".split()
    )
)
RU_TENS = "тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто".split()
RU_CARDINALS |= dict(zip(range(30, 100, 10), RU_TENS, strict=True))
RU_VARIANTS = {"восьмью": 8, "восьмьюдесятью": 80, "восьмьюстами": 800}
RU_HUNDREDS = "сто двести триста четыреста пятьсот шестьсот семьсот восемьсот девятьсот".split()
RU_COLLECTIVE = "двое трое четверо пятеро шестеро семеро восьмеро девятеро десятеро".split()
RU_SCALES = {1000: "тысяча", 10**6: "миллион", 10**9: "миллиард"}
RU_ORDINALS = (
    "нулевой первый второй третий четвертый пятый шестой седьмой восьмой девятый десятый одиннадцатый двенадцатый "
    "тринадцатый четырнадцатый пятнадцатый шестнадцатый семнадцатый восемнадцатый девятнадцатый двадцатый тридцатый "
    "сороковой пятидесятый шестидесятый семидесятый восьмидесятый девяностый сотый двухсотый трехсотый тысячный "
    "двухтысячный миллионный"
).split()
RU_VAGUE = (
    "несколько десяток сотня пара дюжина половина треть четверть множество масса большинство меньшинство единица ряд "
    "тройка пятерка семерка десятка оба полсотни осьмушка восьмушка куча часть доля процент пятеро-семеро"
).split()
EN_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
EN_TENS = dict(zip(range(20, 100, 10), "twenty thirty forty fifty sixty seventy eighty ninety".split(), strict=True))
EN_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth "
    "ninetieth hundredth thousandth millionth"
).split()
EN_VAGUE = (
    "half halves thirds quarter quarters fifths tenths several many few couple couples dozens scores hundreds "
    "thousands millions billions numerous various both pair pairs score once twice thrice double triple majority "
    "most nobody single handful fraction portion percent percentage part parts much plenty lots loads twenties "
    "thirties forties"
).split()
TG_WORDS: dict[int, tuple[str, ...]] = {
    0: ("сифр",), 1: ("як",), 2: ("ду",), 3: ("се",), 4: ("чор", "чаҳор"), 5: ("панҷ",), 6: ("шаш",), 7: ("ҳафт",),
    8: ("ҳашт",), 9: ("нӯҳ", "нуҳ"), 10: ("даҳ",), 11: ("ёздаҳ",), 12: ("дувоздаҳ",), 13: ("сездаҳ", "сенздаҳ"),
    14: ("чордаҳ", "чаҳордаҳ"), 15: ("понздаҳ",), 16: ("шонздаҳ",), 17: ("ҳабдаҳ", "ҳафтдаҳ"),
    18: ("ҳаждаҳ", "ҳашдаҳ", "ҳаштдаҳ"), 19: ("нуздаҳ", "нӯздаҳ"), 20: ("бист",), 30: ("сӣ",), 40: ("чил", "чиҳил"),
    50: ("панҷоҳ",), 60: ("шаст",), 70: ("ҳафтод",), 80: ("ҳаштод",), 90: ("навад",), 100: ("сад", "яксад"),
    200: ("дусад",), 300: ("сесад",), 400: ("чорсад", "чаҳорсад"), 500: ("панҷсад", "понсад"), 600: ("шашсад",),
    700: ("ҳафтсад",), 800: ("ҳаштсад",), 900: ("нӯҳсад", "нуҳсад"),
}  # fmt: skip
TG_SCALES = {1000: ("ҳазор",), 10**6: ("миллион",), 10**9: ("миллиард",)}
TG_HALVES = {"1.5": "якуним", "2.5": "дуюним", "3.5": "сеюним", "4.5": "чоруним", "5.5": "панҷуним"}
TG_VAGUE = (
    "якчанд чанд чандин чандто чандтан баъзе баъзеи садҳо даҳҳо даҳҳоҳо ҳазорон ҳазорҳо садҳову миллионҳо ҳарду ҳарсе "
    "ним нима нисф нисфи сеяк чоряк панҷяк бисёр зиёде аксар аксари ҳисса ҳиссаи дарсад фоиз фоизи "
    "дучанд сечанд қатор қатори ягон ягонто даҳҳост даҳҳову фисад"
).split()
TG_NOUN_ENDINGS = (
    "", "и", "ро", "ҳо", "ҳои", "ҳоро", "е", "он", "они", "онро", "гон", "гони", "ён", "ёни", "ам", "аш",
    "ҳояш", "ҳое", "гонро", "ёнро", "яш",
)  # fmt: skip


def _role(value: int) -> str:
    """The place of a number below 1,000: zero, unit, teen, ten or hundred."""
    if value == 0:
        return "zero"
    if value < 10:
        return "unit"
    return "teen" if value < 20 else "ten" if value < 100 else "hundred"


class _Russian:
    """Russian word forms from pymorphy3."""

    def __init__(self) -> None:
        import pymorphy3  # type: ignore[import-not-found]

        self.analyzer = pymorphy3.MorphAnalyzer()

    def parse(self, lemma: str, parts: tuple[str, ...]) -> object:
        """The dictionary entry of a lemma that is one of these parts of speech."""
        entries = [p for p in self.analyzer.parse(lemma) if p.normal_form == lemma and p.tag.POS in parts]
        if not entries:
            entries = [p for p in self.analyzer.parse(lemma) if p.tag.POS in parts]
        return entries[0] if entries else None

    def labels(self, lemma: str) -> list[str]:
        """The forms of a noun that are nominative singular and nothing else: "дело 24", never "24 дело"."""
        labels: set[str] = set()
        others: set[str] = set()
        for form in getattr(self.parse(lemma, ("NOUN",)), "lexeme", ()):
            alone = form.tag.number == "sing" and form.tag.case in {"nomn", "accs"}
            (labels if alone else others).add(form.word.replace("ё", "е"))
        return sorted(labels - others)

    def forms(self, lemma: str, parts: tuple[str, ...]) -> dict[str, str]:
        """Every form of the lemma with the letters of its cases."""
        out: dict[str, str] = {}
        for form in getattr(self.parse(lemma, parts), "lexeme", ()):
            if form.tag.POS not in parts:
                continue
            case = CASES.get(str(form.tag.case), "")
            word = form.word.replace("ё", "е")
            out[word] = "".join(sorted(set(out.get(word, "") + case)))
        return out


def _russian_numbers(ru: _Russian) -> Iterator[Row]:
    cardinals = RU_CARDINALS | dict(zip(range(100, 1000, 100), RU_HUNDREDS, strict=True))
    for value, lemma in cardinals.items():
        forms = ru.forms(lemma, ("NUMR",)) or ru.forms(lemma, ("ADJF",)) or ru.forms(lemma, ("NOUN",))
        for form, cases in forms.items():
            if value != 1 or form not in {"одни", "одних", "одними"}:
                yield "ru", form, _role(value), str(value), cases
    yield from (("ru", form, _role(value), str(value), "i") for form, value in RU_VARIANTS.items())
    yield from (("ru", form, "plural_one", "", "") for form in ("одни", "одних", "одними"))
    yield from (("ru", form, "zero", "0", c) for form, c in ru.forms("нуль", ("NOUN",)).items())
    for value, lemma in enumerate(RU_COLLECTIVE, 2):
        yield from (("ru", f, "collective", str(value), c) for f, c in ru.forms(lemma, ("NUMR",)).items())
    for form in ("полтора", "полторы", "полутора"):
        yield "ru", form, "half", "1.5", "nadgip"
    for value, lemma in RU_SCALES.items():
        for form in ru.forms(lemma, ("NOUN",)):
            yield "ru", form, "scale", str(value), _implied_one(form, lemma)
    for form, value in (("тыс", 1000), ("млн", 10**6), ("млрд", 10**9)):
        yield "ru", form, "scale", str(value), ""
    for lemma in RU_ORDINALS:
        yield from (("ru", form, "ordinal", "", "") for form in ru.forms(lemma, ("ADJF",)))
    for lemma in RU_VAGUE:
        yield from (("ru", form, "vague", "", "") for form in ru.forms(lemma, ("NOUN", "NUMR", "ADVB")))


def _implied_one(form: str, lemma: str) -> str:
    """How a bare scale word may stand for one thousand: "yes", "governed" (after "более"), or never."""
    stem = lemma.removesuffix("а")
    if form in {lemma, stem + "у"} or (form == stem and lemma != stem + "а"):
        return "yes"
    return "governed" if form in {stem + "и", stem + "а"} and form != lemma else ""


def _english_numbers() -> Iterator[Row]:
    for value, word in enumerate(EN_UNITS):
        yield "en", word, _role(value), str(value), ""
    yield "en", "nil", "zero", "0", ""
    yield from (("en", word, "ten", str(value), "") for value, word in EN_TENS.items())
    yield "en", "fourty", "vague", "", ""
    yield "en", "hundred", "hundred", "100", ""
    yield from (("en", w, "scale", str(10**n), "") for w, n in (("thousand", 3), ("million", 6), ("billion", 9)))
    yield "en", "dozen", "dozen", "12", ""
    yield from (("en", word, "ordinal", "", "") for word in EN_ORDINALS)
    yield from (("en", word, "vague", "", "") for word in EN_VAGUE)


def _joined(word: str) -> tuple[str, ...]:
    """A Tajik number word with the joiner that announces a smaller one."""
    if word == "сӣ":
        return ("сию", "сиву")
    if word == "панҷоҳ":
        return ("панҷоҳу", "панҷову")
    return (word + ("ю" if word[-1] in "уеӣи" else "у"),)


def _tajik_numbers() -> Iterator[Row]:
    for value, words in TG_WORDS.items():
        for word in words:
            yield "tg", word, _role(value), str(value), ""
            yield from (("tg", form, _role(value), str(value), "joined") for form in _joined(word) if value)
            yield from (("tg", word + suffix, _role(value), str(value), "counted") for suffix in ("то", "та") if value)
            stem = "си" if word == "сӣ" else word
            endings = ("юм", "юмин", "вум", "вумин") if word[-1] in "уеӣ" else ("ум", "умин")
            yield from (("tg", stem + ending + more, "ordinal", "", "") for ending in endings for more in ("", "и"))
    for value, words in TG_SCALES.items():
        for word in words:
            yield "tg", word, "scale", str(value), ""
            yield "tg", word + "у", "scale", str(value), "joined"
            yield "tg", word + "ум", "ordinal", "", ""
    yield from (("tg", word, "half", value, "") for value, word in TG_HALVES.items())
    yield from (("tg", word, "scale", str(10**n), "") for word, n in (("ҳаз", 3), ("млн", 6), ("млрд", 9)))
    yield from (("tg", word, "ordinal", "", "") for word in "аввал аввалин аввали нахуст нахустин сонӣ".split())
    yield from (("tg", word, "vague", "", "") for word in TG_VAGUE)


def _english_forms(lemma: str, kind: str) -> Iterable[str]:
    irregular = {
        "man": "men", "woman": "women", "child": "children", "people": "", "staff": "", "policeman": "policemen",
        "serviceman": "servicemen", "somoni": "", "accused": "", "usd": "", "tjs": "",
    }  # fmt: skip
    if kind != "noun":
        return (lemma,)
    if lemma in irregular:
        return (lemma, irregular[lemma]) if irregular[lemma] else (lemma,)
    if lemma.endswith("y") and lemma[-2] not in "aeo":
        return (lemma, lemma[:-1] + "ies")
    return (lemma, lemma + ("es" if lemma.endswith(("s", "ch", "sh")) else "s"))


def _noun_forms(ru: _Russian, language: str, kind: str, lemma: str) -> str:
    """Every form of a counted word, parted by spaces."""
    if kind in {"before", "done"}:
        return lemma
    if language == "ru":
        parts = ("NOUN",) if kind == "noun" else ("ADJF", "PRTF")
        # "осужденный" is counted as a noun but declines as an adjective; "сомони" does not decline
        words: Iterable[str] = (ru.forms(lemma, parts) or ru.forms(lemma, ("ADJF", "PRTF"))) or (lemma,)
    elif language == "tg":
        words = (lemma + ending for ending in TG_NOUN_ENDINGS)
    else:
        words = _english_forms(lemma, kind)
    return " ".join(sorted({word.replace("ё", "е") if language == "ru" else word for word in words}))


def main() -> None:
    """Rewrite both tables."""
    ru = _Russian()
    numbers = [*_russian_numbers(ru), *_english_numbers(), *_tajik_numbers()]
    with (LEXICON / "number_words.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["language", "form", "role", "value", "cases"])
        writer.writerows(sorted(set(numbers)))
    path = LEXICON / "count_nouns.csv"
    with path.open(encoding="utf-8", newline="") as file:
        nouns = [(row["language"], row["kind"], row["lemma"]) for row in csv.DictReader(file)]
    rows = []
    for language, kind, lemma in sorted(set(nouns)):
        forms = _noun_forms(ru, language, kind, lemma)
        labels = [lemma] if kind == "noun" and " " in forms else []
        if kind == "noun" and language == "ru":
            labels = ru.labels(lemma)
        rows.append([language, kind, lemma, forms, " ".join(labels)])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["language", "kind", "lemma", "forms", "labels"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()
