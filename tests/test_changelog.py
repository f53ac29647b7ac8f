"""What a release tells of itself: delta.csv, a changelog and a feed in three languages, each change with its cause."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import invented_package as invented
import polars
import pytest

from pipeline import errors, publish
from pipeline.publish import package
from pipeline.publish import release as releasing

CLAIMS = """claim_id|indicator|originator|version|value|missing_reason|note
c-1|received|ombudsman|1|24||
c-2|received|coalition|1|731||of whom 731 women
c-3|visits|coalition|1|5||says 731 too
"""
HEAD = "claim_id|version|field|old|new|cause\n"
SERIES = "series_id|low|high\ns-1|755|755\n"
COUNTED = "year|value|rounded_to|status|reason\n2021|{}|3|rounded|\n"
ATOM = "{http://www.w3.org/2005/Atom}"


def released(home: Path, claims: str, revisions: str = HEAD, series: str = SERIES, counted: int = 12) -> Path:
    """The live release of these tables."""
    tables = [one for one in invented.public() if one.name not in ("complaints", "milestones")]
    tables += [invented.table("complaints", claims), invented.table("revisions", revisions)]
    tables[-1].table.schema["primaryKey"] = ["claim_id", "version", "field"]
    tables += [invented.table("series", series), invented.table("register_by_year", COUNTED.format(counted))]
    with publish.lock(home / "build"):
        staged = releasing.new_folder(home)
        package.write(tables, invented.WORDS, invented.CREATED, staged, home)
        publish.go_live(staged, home)
    return home / "build" / "current"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A checkout with a first release."""
    released(tmp_path, CLAIMS)
    return tmp_path


def told(home: Path, language: str = "en") -> str:
    return (home / "changes" / f"{language}.md").read_text("utf-8")


def rows(home: Path) -> list[tuple[str | None, ...]]:
    return polars.read_csv(home / "changes" / "delta.csv", infer_schema=False).rows()


def test_a_change_is_told_with_its_cause_in_three_languages(home: Path) -> None:
    """Cell by cell where people correct, as a count where it follows; the feed says the same."""
    revised = HEAD + "c-1|2|value|24|25|source_revised\n"
    live = released(home, CLAIMS.replace("|1|24|", "|2|25|"), revised, SERIES.replace("755|755", "756|756"))

    assert ("complaints", "c-1", "altered", "value", "24", "25", "source_revised") in rows(home)
    assert ("series", "s-1", "altered", "low", "755", "756", "derived") in rows(home)
    assert "- `c-1`, value: `24` → `25`. source_revised." in told(home)
    assert "- `c-1`, value (рус): `24` → `25`." in told(home, "ru")
    assert "- series: changed: 2. It follows from the other changes." in told(home)
    assert "- series бо тоҷикӣ: тағйир ёфт: 2. Аз тағйироти дигар бармеояд." in told(home, "tg")
    for language in ("en", "ru", "tg"):
        feed = ElementTree.parse(live / "changes" / f"{language}.atom").getroot()
        titles = [one.findtext(f"{ATOM}title") for one in feed.iter(f"{ATOM}entry")]

        assert (home / "changes" / f"{language}.atom").read_bytes() == (
            live / "changes" / f"{language}.atom"
        ).read_bytes()
        assert titles == ["0.2.0", "0.1.0"]
        assert len({one.findtext(f"{ATOM}id") for one in feed.iter(f"{ATOM}entry")}) == 2


def test_new_figures_gone_ones_and_words_have_causes_of_their_own(home: Path) -> None:
    """A claim that came, a claim that went without a word, a document whose title was mended, a label."""
    claims = CLAIMS.replace("c-3|visits", "c-4|visits")
    tables = released(home, claims)
    causes = {(row[0], row[1], row[2]): row[6] for row in rows(home)}

    assert tables.is_dir()
    assert causes == {
        ("complaints", "c-3", "removed"): "our_correction",
        ("complaints", "c-4", "added"): "new_source",
    }


def test_the_tables_of_a_register_are_named_without_a_figure(home: Path) -> None:
    """Two rounded tables may say more together than each alone."""
    released(home, CLAIMS, counted=15)

    assert rows(home) == [("register_by_year", None, "table_altered", None, None, None, "register")]
    assert "register_by_year: changed; no cell is told. The register was counted anew." in told(home)


@pytest.mark.parametrize("cause", ["redaction", "suppression"])
def test_a_release_that_withholds_a_figure_repeats_nothing_of_it(home: Path, cause: str) -> None:
    """Neither the cell, nor the word, nor what followed from it; what earlier releases told of it goes too."""
    released(home, CLAIMS.replace("|731||of", "|732||of"))
    assert "732" in told(home)
    claims = CLAIMS.replace("|1|731||of whom 731 women", "|2||suppressed|").replace("says 731 too", "")
    released(home, claims, f"{HEAD}c-2|2|missing_reason||suppressed|{cause}\n", SERIES.replace("755|755", "24|24"))
    everything = "".join(path.read_text("utf-8") for path in (home / "changes").iterdir())

    assert [number for number in ("731", "732", "755", "women", "24|") if number in everything] == []
    assert sorted(rows(home)) == [
        ("complaints", "c-2", "altered", None, None, None, cause),
        ("complaints", "c-3", "altered", None, None, None, cause),
        ("revisions", "c-2 2 missing_reason", "added", None, None, None, cause),
        ("series", None, "table_altered", None, None, None, "derived"),
    ]
    assert told(home).count("taken away to protect people") == 2


def test_cells_cannot_write_the_changelog(home: Path) -> None:
    """A cell with a heading, a link and an element stays text, on one line; a long one is cut."""
    evil = 'x</content>\\n## 9.9.9 (2030-01-01) `<script>` [y](javascript:z) "q" '.replace("\\n", " ") + "w" * 100
    live = released(home, CLAIMS.replace("says 731 too", evil))
    feed = ElementTree.parse(live / "changes" / "en.atom").getroot()

    assert [line for line in told(home).splitlines() if line.startswith("## ")] == [
        "## 0.1.1 (2026-11-24)", "## 0.1.0 (2026-11-24)",
    ]  # fmt: skip
    assert "w" * 50 not in told(home)
    assert len(list(feed.iter(f"{ATOM}entry"))) == 2
    assert "`x</content> ## 9.9.9 (2030-01-01) '<script>' [y](javascript:z)" in told(home)


def test_a_clone_tells_what_the_server_told(home: Path, tmp_path: Path) -> None:
    """Data, version and changes/ are tracked: the same commit gives the same release, without any build/."""
    live = released(home, CLAIMS.replace("|24|", "|25|")).resolve().name
    clone = tmp_path / "clone"
    for name in ("data", "changes"):
        shutil.copytree(home / name, clone / name)
    shutil.copy(home / "datapackage.json", clone)

    assert released(clone, CLAIMS.replace("|24|", "|25|")).resolve().name == live


def test_a_crash_between_the_changes_and_the_descriptor_tells_no_version_twice(home: Path) -> None:
    """The rerun finds the old descriptor beside the new changes."""
    before = (home / "datapackage.json").read_bytes()
    live = released(home, CLAIMS.replace("|24|", "|25|"))
    again, name = told(home), live.resolve().name
    (home / "datapackage.json").write_bytes(before)

    assert released(home, CLAIMS.replace("|24|", "|25|")).resolve().name == name
    assert told(home) == again


def test_a_version_that_was_typed_is_refused(home: Path) -> None:
    """On the server, where the live release knows better, and in a clone, where the changelog does."""
    path = home / "datapackage.json"
    path.write_text(path.read_text("utf-8").replace('"0.1.0"', '"0.4.0"'), "utf-8")
    for _ in range(2):
        with pytest.raises(errors.ValidationRefused, match=r"the release it belongs to is 0\.1\.0"):
            released(home, CLAIMS)
        shutil.rmtree(home / "build")

    assert json.loads(path.read_bytes())["version"] == "0.4.0"
