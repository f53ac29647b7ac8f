"""The four kinds of disagreement, their causes, and the yearly series, on the real figures and on bent ones."""

import datetime
import random
from pathlib import Path

import polars
import pytest

from pipeline import wording
from pipeline.reconcile import words
from pipeline.reconcile.disagreements import conflicts
from pipeline.reconcile.figures import BREAKDOWNS, figures, witnesses
from pipeline.reconcile.partitions import partitions
from pipeline.reconcile.series import series

HOME = Path(__file__).resolve().parent.parent
CODES = {path.stem: polars.read_csv(path, infer_schema=False) for path in sorted(HOME.glob("schemas/codes/*.csv"))}
LEDGER = polars.concat(polars.read_csv(path, infer_schema=False) for path in sorted(HOME.glob("sources/*/claims.csv")))
COALITION, OMBUDSMAN = "complaints_documented_coalition", "torture_complaints_received_ombudsman"
PRISONS, CENTRAL = "prison_population", "appeals_received_ombudsman_central_office"


def row(claim_id: str, value: int, start: str, end: str, **other: str) -> dict[str, str]:
    """A claim of the coalition about what it documented, unless said otherwise."""
    plain = dict.fromkeys(BREAKDOWNS, "_T") | {
        "indicator": COALITION, "area": "TJ", "period_type": "span", "qualifier": "exact", "unit": "appeal",
        "originator": "coalition", "publisher": "coalition", "language": "en", "document_id": "d", "said_on": "",
        "status": "current",
    }  # fmt: skip
    return plain | {"claim_id": claim_id, "value": str(value), "period_start": start, "period_end": end} | other


def year(claim_id: str, value: int, of: int = 2021, **other: str) -> dict[str, str]:
    return row(claim_id, value, f"{of}-01-01", f"{of}-12-31", period_type="year", **other)


def found(*rows: dict[str, str]):
    return conflicts(polars.DataFrame(rows), CODES)


def kinds(*rows: dict[str, str]) -> list[tuple[str, str]]:
    return [(one.kind, one.cause) for one in found(*rows)]


JANUARY_2024 = [f"asia-plus-2024ombudsman-{part}" for part in ("convicts", "men", "pretrial", "women")]
KNOWN = [
    (
        "contradiction",
        "rounding_or_qualifier",
        [f"coalition-2022conf-{part}" for part in ("2021", "2022", "two-years")],
    ),
    ("partition_mismatch", "unexplained", JANUARY_2024),
    ("partition_mismatch", "unexplained", [f"nm-tj-ombudsman-{part}" for part in ("oral", "total", "written")]),
    ("divergence", "part_year", ["coalition-2017oral-new", "islamsunna-2017-cases"]),
    ("divergence", "same_origin", ["asia-plus-2017-map-total", "fergana-2017-map-total"]),
    ("divergence", "part_year", ["un-cat-2018co3-page3-convicted", "un-cat-2018replies-convicted"]),
    ("divergence", "definition", ["acca-2022ombudsman-received", "coalition-2022conf-2021"]),
    ("divergence", "other_language", ["coalition-2022conf-two-years", "coalition-2022dispute-coalition-40"]),
    ("divergence", "different_unit", ["coalition-2022conf-two-years", "coalition-2022dispute-received"]),
    ("divergence", "unexplained", [f"avesta-2019prisons-population-{who}" for who in ("ministry", "wpb")]),
    ("definition", "definition", ["caci-2011amnesty-expected-2011", "rferl-2014amnesty-released-2011"]),
    ("definition", "definition", ["coalition-2018report-documented", "coalition-2018report-represented"]),
    ("definition", "definition", ["acca-2022ombudsman-monitorings", "acca-2022ombudsman-visits"]),
]


@pytest.mark.parametrize(("kind", "cause", "claims"), KNOWN)
def test_the_known_disagreements_of_the_real_ledger_come_out_with_kind_and_cause(kind, cause, claims):
    """Those that a reader of the sources had noted by hand."""
    (one,) = [one for one in conflicts(LEDGER, CODES) if one.claims == tuple(claims)]

    assert (one.kind, one.cause) == (kind, cause)


def test_no_contradiction_of_the_real_ledger_mixes_two_counters():
    """What one body counted never constrains what another did."""
    of = {one.id: one for one in figures(LEDGER, CODES)}
    counters = [
        {of[claim].counter for claim in one.claims} for one in conflicts(LEDGER, CODES) if one.kind == "contradiction"
    ]

    assert counters == [{"coalition"}]


def test_every_explanation_of_the_real_ledger_is_told_whole_in_three_languages():
    """Each number of each claim stands in each language, and no placeholder is left."""
    of = {one.id: one for one in figures(LEDGER, CODES)}
    for one in conflicts(LEDGER, CODES):
        told = {"en": one.explanation_en, "ru": one.explanation_ru, "tg": one.explanation_tg}

        assert len(set(told.values())) == 3
        for language, text in told.items():
            assert not set("{}_") & set(text), text
            assert text.endswith("."), text
            assert all(words.number(of[claim].value, language) in text for claim in one.claims), text


def test_two_counters_are_held_together_only_for_about_one_time():
    """Three quarters of the time is shared by January to October, not by January to June."""
    other = {
        "indicator": OMBUDSMAN,
        "originator": "ombudsman-tj",
        "publisher": "acca",
        "receiving_body": "ombudsman-tj",
    }

    assert kinds(year("a", 24), row("b", 15, "2021-01-01", "2021-10-31", **other)) == [("divergence", "part_year")]
    assert kinds(year("a", 24), row("b", 15, "2021-01-01", "2021-06-30", **other)) == []


def test_look_alikes_about_different_classes_are_not_compared():
    """Remand centres visited, against visits to colonies."""
    places = year("a", 2, indicator="facilities_visited_ombudsman", facility_type="pretrial_sizo", unit="facility")
    visits = year("b", 13, indicator="visits_ombudsman", facility_type="correctional_colony", unit="visit")

    assert kinds(places, visits) == []
    assert kinds(places, visits | {"facility_type": "pretrial_sizo"}) == [("definition", "definition")]


def test_the_two_years_are_told_as_a_reporter_would():
    """The domain's own example of how to say it."""
    (one,) = found(year("coalition", 24), year("ombudsman", 15, indicator=OMBUDSMAN, originator="ombudsman-tj",
                   publisher="acca", receiving_body="ombudsman-tj"))  # fmt: skip

    assert one.explanation_en == (
        "Civil Society Coalition against Torture and Impunity: 24 in 2021 (appeals on torture and ill-treatment "
        "documented by the Coalition); Commissioner for Human Rights (Ombudsman): 15 in 2021 (appeals on torture and "
        "ill-treatment received by the Ombudsman; as published by ACCA (acca.media)). They count different people and "
        "may overlap."
    )


def test_the_two_sums_of_january_2024_are_told_in_russian():
    """As of a day, with the difference, and without a verdict."""
    (text,) = [
        one.explanation_ru for one in conflicts(LEDGER, CODES) if one.claims[0] == "asia-plus-2024ombudsman-convicts"
    ]

    assert text.replace("\u00a0", " ").endswith(
        "на 1 января 2024 года, в одном документе: 455 (женщины и девочки) и 14 466 (мужчины и мальчики) в сумме дают "
        "14 921, но 13 556 (осуждённые) и 1 355 (ещё не осуждённые) дают 14 911. Разница — 10. Источник чисел: "
        "Уполномоченный по правам человека. Источники не объясняют расхождение.",
    )


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([year("a", 24), year("b", 24, document_id="e", publisher="acca")], []),
        ([year("a", 24), year("b", 25)], [("contradiction", "unexplained")]),
        (
            [year("a", 24), year("b", 24, qualifier="at_least", document_id="e", language="ru")],
            [("divergence", "other_language")],
        ),
        (
            [year("a", 24), year("b", 24, qualifier="about", document_id="e", publisher="acca")],
            [("divergence", "same_origin")],
        ),
        ([year("a", 200), year("b", 205, qualifier="about")], [("divergence", "rounding_or_qualifier")]),
        ([year("a", 24), year("b", 30, unit="person", document_id="d")], [("divergence", "different_unit")]),
        ([year("a", 24), row("b", 30, "2021-01-01", "2021-06-30")], [("contradiction", "part_year")]),
        (
            [year("a", 24, qualifier="more_than"), row("b", 30, "2021-01-01", "2021-06-30")],
            [("divergence", "part_year")],
        ),
        ([year("a", 24), row("b", 12, "2021-01-01", "2021-06-30")], []),
        ([year("a", 24), year("b", 30, area="TJ-SU")], []),
        ([year("a", 24), year("b", 30, sex="female", document_id="e")], []),
        ([year("a", 24), year("b", 30, status="superseded")], []),
    ],
)
def test_each_bend_of_a_pair_gives_its_kind_and_cause(rows, expected):
    """The causes in their fixed order, and what is no disagreement."""
    assert kinds(*rows) == expected


@pytest.mark.parametrize(
    ("numbers", "total", "qualifier", "remainder", "fit"),
    [
        ({"written": 60, "oral": 50}, 110, "exact", 0, "whole"),
        ({"written": 60, "oral": 50}, 109, "exact", -1, "mismatch"),
        ({"written": 60, "oral": 50}, 111, "exact", 1, "mismatch"),
        ({"written": 60, "oral": 50}, 105, "more_than", None, "soft"),
        ({"written": 60, "oral": 50}, 105, "about", None, "soft"),
        ({"written": 60, "oral": 50}, 110, "more_than", None, "mismatch"),
    ],
)
def test_written_and_oral_are_all_there_is(numbers, total, qualifier, remainder, fit):
    """Parts that are complete by their meaning must fill an exact total."""
    rows = [year(code, value, indicator=CENTRAL, form=code) for code, value in numbers.items()]
    rows.append(year("total", total, indicator=CENTRAL, qualifier=qualifier))

    (parts,) = partitions(figures(polars.DataFrame(rows), CODES))

    assert (parts.remainder, parts.fit) == (remainder, fit)
    assert ("partition_mismatch" in [kind for kind, _ in kinds(*rows)]) == (fit == "mismatch")


def test_regions_below_their_total_leave_a_remainder_and_are_no_mismatch():
    """A source that lists only the worst places."""
    rows = [year("sughd", 8, area="TJ-SU"), year("khatlon", 7, area="TJ-KT"), year("total", 24)]

    (parts,) = partitions(figures(polars.DataFrame(rows), CODES))

    assert (parts.column, parts.area, parts.remainder, parts.fit, kinds(*rows)) == ("area", "TJ", 9, "remainder", [])


def test_regions_above_their_total_are_a_mismatch():
    """Twenty and seven cannot be within twenty-four."""
    rows = [year("sughd", 20, area="TJ-SU"), year("khatlon", 7, area="TJ-KT"), year("total", 24)]

    assert kinds(*rows) == [("partition_mismatch", "unexplained")]


def test_parts_of_one_document_are_not_held_against_the_total_of_another():
    """Another document may have counted on another day."""
    rows = [year("women", 20, sex="female"), year("men", 7, sex="male"), year("total", 24, document_id="e")]

    assert kinds(*rows) == []


def test_reprints_and_translations_are_one_witness():
    """Three prints of one statement, and one statement of another body."""
    rows = [
        year("a", 37),
        year("b", 37, language="ru", document_id="e"),
        year("c", 37, publisher="fpc", document_id="f"),
        year("d", 37, originator="amnesty", publisher="amnesty"),
    ]

    stands = witnesses(figures(polars.DataFrame(rows), CODES))

    assert stands == {"a": "a", "b": "a", "c": "a", "d": "d"}


def of_year(wanted: int, *rows: dict[str, str]):
    (one,) = [one for one in series(polars.DataFrame(rows), CODES) if one.year == wanted]
    return one.low, one.high, one.headline, one.agreement


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([year("a", 24)], (24, 24, 24, "single_source")),
        ([year("a", 24), year("b", 24, publisher="acca")], (24, 24, 24, "single_source")),
        ([year("a", 24), year("b", 24, originator="amnesty", publisher="amnesty")], (24, 24, 24, "agree")),
        ([year("a", 24, qualifier="at_least"), year("b", 24, said_on="2023")], (24, 24, 24, "differ")),
        ([year("a", 24), year("b", 30)], (24, 24, 24, "contradict")),
        ([year("a", 24, originator="amnesty", publisher="amnesty")], (24, 24, None, "single_source")),
        ([row("a", 16, "2021-01-01", "2021-10-25")], (16, None, None, "bounds_only")),
        ([row("a", 40, "2021-01-01", "2022-10-25"), year("b", 16, 2022, qualifier="at_most")],
         (24, 40, None, "bounds_only")),
        ([row("a", 100, "2019-01-01", "2022-12-31", qualifier="more_than")], (0, None, None, "not_known")),
        ([year("a", 10, 2020), year("b", 12, 2022)], (0, None, None, "not_known")),
        ([year("a", 24, unit="person")], None),
    ],
)  # fmt: skip
def test_each_year_has_bounds_headline_and_agreement(rows, expected):
    """What follows for 2021, what may stand as its number, and how sources stand to each other."""
    if expected is None:
        assert series(polars.DataFrame(rows), CODES) == []
    else:
        assert of_year(2021, *rows) == expected


def test_the_latest_of_two_own_statements_is_the_headline_and_a_tie_that_differs_is_none():
    """Said in spring and in autumn; then both on one day."""
    spring = year("spring", 24, qualifier="at_least", said_on="2022-03")
    autumn = year("autumn", 30, said_on="2022-10")

    assert of_year(2021, spring, autumn)[2] == 30
    assert of_year(2021, spring, autumn | {"said_on": "2022-03"})[2] is None


def test_a_stock_is_never_added_up_over_time():
    """Two days of one year give a range, not a contradiction, and no sum."""
    other = {"indicator": PRISONS, "unit": "person", "originator": "ministry-of-justice", "period_type": "point"}
    rows = [row("a", 9000, "2021-01-01", "2021-01-01", **other), row("b", 12000, "2021-07-01", "2021-07-01", **other)]

    assert of_year(2021, *rows) == (9000, 12000, None, "bounds_only")
    assert kinds(*rows) == []


def test_the_order_of_the_ledger_changes_nothing():
    """Same rows, same ids, same words."""
    shuffled = LEDGER[random.Random(3).sample(range(LEDGER.height), LEDGER.height)]

    assert conflicts(shuffled, CODES) == conflicts(LEDGER, CODES)
    assert series(shuffled, CODES) == series(LEDGER, CODES)


def test_the_id_of_a_disagreement_depends_on_kind_and_claims_alone():
    """A corrected number keeps the address of the disagreement."""
    first, second = found(year("a", 24), year("b", 25)), found(year("b", 29), year("a", 20))

    assert [one.id for one in first] == [one.id for one in second]
    assert first[0].id.startswith("contradiction-")


def test_every_look_alike_names_known_indicators_and_speaks_three_languages():
    """The declared pairs."""
    known = set(CODES["indicators"]["indicator"])
    for pair in CODES["look_alikes"].iter_rows(named=True):
        assert {pair["indicator_a"], pair["indicator_b"]} <= known
        assert pair["kind"] in ("divergence", "definition")
        assert all(pair[f"reason_{language}"].endswith(".") for language in wording.LANGUAGES)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2021-01-01", "2021-12-31", ("2021", "за 2021 год", "дар соли 2021")),
        ("2019-01-01", "2021-12-31", ("2019 to 2021", "за 2019–2021 годы", "дар солҳои 2019–2021")),
        ("2024-02-01", "2024-02-29", ("February 2024", "за февраль 2024 года", "дар моҳи феврали соли 2024")),
        ("2017-01-01", "2017-03-31",
         ("the first quarter of 2017", "за первый квартал 2017 года", "дар семоҳаи якуми соли 2017")),
        ("2017-07-01", "2017-12-31",
         ("the second half of 2017", "за второе полугодие 2017 года", "дар нимсолаи дуюми соли 2017")),
        ("2021-05-09", "2021-05-09", ("9 May 2021", "за один день, 9 мая 2021 года", "дар як рӯз, 9 майи соли 2021")),
        ("2021-04-26", "2022-10-25",
         ("26 April 2021 to 25 October 2022", "за период с 26 апреля 2021 года по 25 октября 2022 года",
          "дар давраи аз 26 апрели соли 2021 то 25 октябри соли 2022")),
    ],
)  # fmt: skip
def test_a_window_is_said_as_people_say_it(start, end, expected):
    """Years, halves, quarters, months, days, and anything between."""
    day = datetime.date.fromisoformat

    assert tuple(words.window(day(start), day(end), language) for language in wording.LANGUAGES) == expected


FORMS = {
    1: "one",
    2: "few",
    4: "few",
    5: "many",
    11: "many",
    12: "many",
    21: "one",
    22: "few",
    100: "many",
    111: "many",
}


@pytest.mark.parametrize(("count", "form"), FORMS.items())
def test_russian_nouns_follow_their_number(count, form):
    """1 утверждение, 3 утверждения, 11 утверждений, 21 утверждение."""
    assert words.plural(count, "one", "few", "many") == form
