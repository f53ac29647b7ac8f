"""What one package changes against another: counts, the whole delta with its causes, and the version that follows."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import invented_package as invented
import polars
import pytest

from pipeline import errors, publish
from pipeline.publish import package

HOME = Path(__file__).resolve().parent.parent
REVISIONS = """claim_id|version|field|old|new|cause
a-1|1|value|23|24|source_revised
a-1|2|value|24|25|our_correction
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The invented package."""
    return invented.staged(tmp_path_factory.mktemp("before"))


def released(folder: Path, claims: str, home: Path, *more: str) -> str:
    """The version under which these claims would be published into `home`."""
    folder.mkdir()
    tables = [*invented.public(claims), *(invented.table(name, invented.BODIES) for name in more)]
    package.write(tables, invented.WORDS, invented.CREATED, folder, home)
    return json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))["version"]


def test_changes_counts_rows_by_key(folder, tmp_path):
    """One row altered, one removed, one added; tables that are equal are not named."""
    claims = invented.CLAIMS.replace("|24|", "|25|").replace("a-3|", "a-9|")

    assert publish.changes(folder, invented.staged(tmp_path, claims)) == {
        "complaints": {"added": 1, "removed": 1, "altered": 1}
    }


def test_changes_of_equal_packages_are_none_and_of_a_first_one_all(folder, tmp_path):
    """An absent release is an empty one."""
    assert publish.changes(folder, folder) == {}
    assert publish.changes(tmp_path / "absent", folder)["complaints"] == {"added": 4, "removed": 0, "altered": 0}


# Cell by cell


def test_every_row_and_cell_that_differs_is_told_by_key(folder, tmp_path):
    """An altered cell with old and new, a cell that was emptied, a row gone, a row come."""
    claims = invented.CLAIMS.replace("|24|", "|25|").replace("|00123", "|").replace("a-4|", "a-5|")

    told = publish.delta(folder, invented.staged(tmp_path, claims))

    assert [row[1:6] for row in told.rows()] == [
        ("a-1", "altered", "value", "24", "25"),
        ("a-3", "altered", "note", "00123", None),
        ("a-4", "removed", None, None, None),
        ("a-5", "added", None, None, None),
    ]
    assert publish.delta(folder, folder).height == 0


def test_a_column_that_came_or_went_is_told_once(folder, tmp_path):
    """Not once for every row."""
    head, *lines = invented.CLAIMS.splitlines()
    claims = "\n".join([head.replace("note", "remark"), *lines]) + "\n"

    told = publish.delta(folder, invented.staged(tmp_path, claims))

    assert told.select("change", "field").rows() == [("column_removed", "note"), ("column_added", "remark")]


def test_a_change_of_a_claim_bears_its_newest_cause(folder, tmp_path):
    """As the newer package records it in revisions."""
    tables = [*invented.public(invented.CLAIMS.replace("|24|", "|25|")), invented.table("revisions", REVISIONS)]
    tables[-1].table.schema["primaryKey"] = ["claim_id", "version", "field"]
    package.write(tables, invented.WORDS, invented.CREATED, tmp_path, tmp_path / "no home")

    told = publish.delta(folder, tmp_path).filter(polars.col("table") == "complaints")

    assert told.select("key", "field", "cause").rows() == [("a-1", "value", "our_correction")]


def test_diff_names_releases_and_refuses_what_is_none(folder, tmp_path):
    """For people and for machines; a folder without a package is a question of usage."""
    later = invented.staged(tmp_path / "later", invented.CLAIMS.replace("|24|", "|25|"))
    words = [sys.executable, "-m", "pipeline", "diff", str(folder), str(later)]
    people = subprocess.run(words, cwd=HOME, capture_output=True, text=True, check=True).stderr
    machine = subprocess.run([*words, "--json"], cwd=HOME, capture_output=True, text=True, check=True).stdout

    assert people.splitlines() == ["altered complaints a-1 value: 24 → 25 (our_correction)", "complaints: 1"]
    assert json.loads(machine)["differences"][0]["new"] == "25"
    with pytest.raises(errors.UsageError, match=r"holds no datapackage\.json"):
        publish.delta(tmp_path, folder)


# The version that follows


@pytest.mark.parametrize(
    ("before", "claims", "version"),
    [
        ("0.1.0", invented.CLAIMS, "0.1.0"),
        ("0.1.0", invented.CLAIMS.replace("|24|", "|25|"), "0.1.1"),
        ("0.1.1", invented.CLAIMS + "a-5|visits|_T|page|2019-07-01|false|1|1|\n", "0.2.0"),
        ("1.4.2", invented.CLAIMS + "a-5|visits|_T|page|2019-07-01|false|1|1|\n", "1.5.0"),
        ("0.1.0", invented.CLAIMS.replace("a-4|", "a-5|"), "0.2.0"),
        ("1.4.2", invented.CLAIMS.replace("a-4|", "a-5|"), "2.0.0"),
        ("1.4.2", invented.CLAIMS.replace("|note\n", "|remark\n"), "2.0.0"),
    ],
    ids=[
        "nothing",
        "a value",
        "a row",
        "a row after 1.0.0",
        "a row gone",
        "a row gone after 1.0.0",
        "a column renamed",
    ],
)
def test_the_version_follows_from_the_change(folder, tmp_path, before, claims, version):
    """The rule of the Data Package standard, against the package that is committed."""
    home = shutil.copytree(folder, tmp_path / "home")
    shutil.rmtree(home / "changes")  # they tell of another version
    told = home / "datapackage.json"
    told.write_text(told.read_text(encoding="utf-8").replace('"0.1.0"', f'"{before}"'), encoding="utf-8")

    assert released(tmp_path / "new", claims, home) == version


def test_a_new_table_is_a_minor_change_and_a_lost_one_a_major(folder, tmp_path):
    """Readers' programs go on with a table more; not with one less."""
    home = tmp_path / "home"
    first = released(home, invented.CLAIMS, tmp_path / "none", "more")
    again = released(tmp_path / "again", invented.CLAIMS, folder, "more")

    assert (first, again) == ("0.1.0", "0.2.0")
    assert released(tmp_path / "less", invented.CLAIMS, home) == "0.2.0"


def test_a_half_written_checkout_takes_its_version_from_the_live_release(folder, tmp_path):
    """A crash between the tables and the descriptor does not raise the version twice."""
    home = shutil.copytree(folder, tmp_path / "home")
    after = invented.CLAIMS.replace("|24|", "|25|")
    assert released(home / "build", after, home) == "0.1.1"
    shutil.copytree(home / "build", home / "build" / "current")
    shutil.copy(home / "build" / "current" / "data" / "complaints.csv", home / "data")

    assert released(tmp_path / "rerun", after, home) == "0.1.1"
