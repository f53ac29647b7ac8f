"""The catalogue: what a source file may say, and how a wrong one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import catalog, errors
from pipeline.records import Rule

HOME = Path(__file__).parents[1]
GOOD = """
title: {en: Ombudsman, ru: Уполномоченный, tg: Ваколатдор}
publisher: ombudsman-tj
languages: [tg, ru]
licence: {name: official documents, republish: figures}
discover:
  - {listing: "https://ombudsman.example/reports", pager: "?page={n}", pages_back: 2, links: "/reports/"}
  - {numbered: "https://atlas.example/doc?page={n}", first: 3, last: 5}
  - {sitemap: "https://ombudsman.example/sitemap.xml"}
  - pages: "https://ombudsman.example/one"
keywords: [Шиканҷа, пытк]
cadence: half-yearly
due: ["01-31", "07-31"]
sensitivity: figures
"""


def write(home: Path, text: str, name: str = "ombudsman") -> Path:
    path = home / "sources" / name / "source.yml"
    path.parent.mkdir(parents=True)
    path.write_text(text, "utf-8")
    return path


def test_every_source_file_of_the_repository_is_read() -> None:
    """The real publishers, each with three titles and at least one address."""
    found, refused = catalog.sources(HOME)

    assert refused == []
    assert len(found) >= 14
    assert all(set(source.title) == {"en", "ru", "tg"} and source.rules for source in found)


def test_a_source_says_where_to_look_and_what_is_due(tmp_path: Path) -> None:
    """Pagers and numbers become addresses, keywords are folded, due days are read."""
    source = catalog.source(write(tmp_path, GOOD))

    assert source.rules == (
        Rule(
            "listing",
            tuple(f"https://ombudsman.example/reports{end}" for end in ("", "?page=1", "?page=2")),
            "/reports/",
        ),
        Rule("pages", tuple(f"https://atlas.example/doc?page={n}" for n in (3, 4, 5))),
        Rule("sitemap", ("https://ombudsman.example/sitemap.xml",)),
        Rule("pages", ("https://ombudsman.example/one",)),
    )
    assert source.due == ((1, 31), (7, 31))
    assert source.keywords == ("шиканҷа", "пытк")
    assert (source.id, source.gap_s, source.most_pages) == ("ombudsman", 10.0, 20)


WRONG = {
    "unknown key": ("sensitivity: figures", "sensitivity: figures\ncadance: yearly", r"cadance: .*mean `cadence`"),
    "unknown key within": ("republish: figures", "republish: figures, by: x", r"licence\.by: .*not a key"),
    "unknown key in a rule": ('links: "/reports/"', 'link: "/reports/"', r"discover\[0\]\.link: .*`links`"),
    "missing key": ("publisher: ombudsman-tj\n", "", r"publisher: is missing"),
    "missing title": (", tg: Ваколатдор", "", r"title\.tg: is missing"),
    "empty title": ("tg: Ваколатдор", "tg: ''", r"title\.tg: "),
    "wrong type": ("publisher: ombudsman-tj", "publisher: 12", r"publisher: is '12'; write a text"),
    "list for text": ("publisher: ombudsman-tj", "publisher: [a]", r"publisher: is a list"),
    "text for mapping": ("title: {en: Ombudsman, ru: Уполномоченный, tg: Ваколатдор}", "title: x", r"title: "),
    "number in a list": ("[Шиканҷа, пытк]", "[143]", r"keywords: holds '143'.*quotes"),
    "no for a language": ("[tg, ru]", "[tg, no]", r"languages: holds 'False'"),
    "unknown language": ("[tg, ru]", "[tg, xx]", r"languages: holds 'xx'"),
    "wrong choice": ("half-yearly", "often", r"cadence: is 'often'; write one of monthly, "),
    "wrong day": ('"07-31"', '"02-30"', r"due: holds '02-30'"),
    "due without cadence": ("half-yearly", "irregular", r"due: is given though cadence is irregular"),
    "two ways": ("- {sitemap:", '- {feed: "https://a.example/", sitemap:', r"discover\[2\]: names 2 ways"),
    "no way": ('sitemap: "https://ombudsman.example/sitemap.xml"', 'links: "x"', r"discover\[2\]: names 0 ways"),
    "file address": ("https://ombudsman.example/one", "file:///etc/passwd", r"discover\[3\]\.pages: holds 'file:"),
    "relative address": ("https://ombudsman.example/one", "/one", r"discover\[3\]\.pages: "),
    "number for a host": ("https://ombudsman.example/one", "http://127.0.0.1/", r"discover\[3\]\.pages: "),
    "other number for a host": ("https://ombudsman.example/one", "http://2130706433/", r"discover\[3\]\.pages: "),
    "password": ("https://ombudsman.example/one", "https://a:b@c.example/", r"discover\[3\]\.pages: .*password"),
    "strange port": ("https://ombudsman.example/one", "https://c.example:22/", r"discover\[3\]\.pages: "),
    "no {n}": ("doc?page={n}", "doc?page=1", r"discover\[1\]\.numbered: has no \{n\}"),
    "too many": ("last: 5", "last: 99999", r"discover\[1\]\.last: makes 99997 addresses"),
    "bad expression": ('links: "/reports/"', 'links: "(("', r"discover\[0\]\.links: is no regular expression"),
    "nothing to discover": ("discover:", "discover: []\nelsewhere:", r"discover: is empty"),
    "said twice": (
        "cadence: half-yearly",
        "cadence: half-yearly\ncadence: yearly",
        r"line \d+: 'cadence' is said twice",
    ),
    "no YAML": ("title: {en", "title: {{en", r"line \d+"),
    "impatient": (
        "sensitivity: figures",
        "sensitivity: figures\ngap_s: 0.1",
        r"gap_s: is '0.1'; write a number from 1",
    ),
}


@pytest.mark.parametrize(("old", "new", "message"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_file_is_refused_with_file_key_and_cure(tmp_path: Path, old: str, new: str, message: str) -> None:
    """The maintainer is told which file, which key, what stood there and what to write."""
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(errors.BadSourceFile, match=r"^sources/ombudsman/source\.yml[:,] " + message) as refused:
        catalog.source(path)

    assert refused.value.exit_code == 10


@pytest.mark.parametrize("text", ["", "- a list", "just words", "\x00", "&a [*a]"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    """Whatever YAML makes of it."""
    with pytest.raises(errors.BadSourceFile):
        catalog.source(write(tmp_path, text))


def test_a_publisher_must_be_a_known_body(tmp_path: Path) -> None:
    """A misspelt body is answered with its neighbours."""
    path = write(tmp_path, GOOD.replace("ombudsman-tj", "ombudsmen-tj"))
    with pytest.raises(errors.BadSourceFile, match=r"publisher: .*such as ombudsman-tj"):
        catalog.source(path, ["ombudsman-tj", "coalition"])


def test_a_folder_with_a_strange_name_is_refused(tmp_path: Path) -> None:
    """A source's id is its folder."""
    with pytest.raises(errors.BadSourceFile, match="small letters"):
        catalog.source(write(tmp_path, GOOD, "Ombudsman TJ"))
