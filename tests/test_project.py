"""Project: the other formats say what the tables say, cell by cell, in bytes that depend on nothing else."""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import invented_package as invented
import pytest
import yaml

from pipeline import errors, project
from pipeline.publish import package

HERE = Path(__file__).parent
REC = "urn:uuid:c0f0974f-9adc-564b-acc1-c483ccca5dd8#"


@pytest.fixture(scope="module")
def release(home) -> Path:
    """The real ledger, published with every format."""
    return (home / "build" / "current").resolve()


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """An invented package with every format; it has no identifier, no places and no topics."""
    folder = invented.staged(tmp_path_factory.mktemp("package"))
    project.project(folder, folder)
    return folder


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def rows(release: Path, table: str) -> list[dict[str, str]]:
    with (release / "data" / f"{table}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def schemas(release: Path) -> dict[str, Any]:
    return {one["name"]: one["schema"] for one in read(release / "datapackage.json")["resources"]}


def test_two_builds_under_other_circumstances_are_the_same_bytes(release, tmp_path):
    """Folder, time zone, locale, hash seed, umask and the date change nothing of the real record."""
    before = {"TZ": "Asia/Dushanbe", "LC_ALL": "C", "PYTHONHASHSEED": "1", "PYTHONUTF8": "0"}
    after = {"TZ": "America/Lima", "LC_ALL": "C.utf8", "PYTHONHASHSEED": "2", "POLARS_MAX_THREADS": "1"}
    told = []
    for number, (settings, preamble, umask) in enumerate(((before, "", "0o022"), (after, invented.PAST, "0o077"))):
        target = tmp_path / ("deeper/" * number) / f"build {number}"
        shutil.copytree(release / "data", target / "data")
        shutil.copy(release / "datapackage.json", target)
        code = f"{preamble}\nimport os, pathlib\nos.umask({umask})\n"
        code += "from pipeline import project\nproject.project(pathlib.Path(), pathlib.Path())"
        subprocess.run(
            [sys.executable, "-c", code], cwd=target, check=True, timeout=60,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(HERE.parent), **settings},
        )  # fmt: skip
        files = sorted(path for path in target.rglob("*") if path.is_file())
        told.append({path.relative_to(target): hashlib.sha256(path.read_bytes()).hexdigest() for path in files})

    assert told[0] == told[1]
    assert Path("prov.json") in told[0]


# JSON-stat


@pytest.mark.parametrize("table", ["complaints", "places_of_detention", "prosecutions", "series"])
def test_every_value_and_status_of_a_cube_is_a_cell_of_its_table(release, table):
    """Read as the specification says, row-major; nothing more is in the cube, and no number that a row withholds."""
    cube, shape = read(release / "jsonstat" / f"{table}.json"), schemas(release)[table]["cube"]
    codes = [cube["dimension"][name]["category"]["index"] for name in cube["id"]]
    places = {str(at): place for at, place in enumerate(itertools.product(*codes))}
    values = {places[at]: value for at, value in cube["value"].items()}
    statuses = {places[at]: status for at, status in cube["status"].items()}
    expected, reasons = {}, {}
    for row in rows(release, table):
        for measure, columns in shape["measures"].items():
            place = (*(row[name] for name in shape["dimensions"]), measure)
            if row[measure]:
                expected[place] = float(row[measure])
            if said := [row[column] for column in columns if row[column]]:
                reasons[place] = said[0]

    assert values == expected
    assert statuses == reasons
    assert cube["size"] == [len(one) for one in codes]


def test_a_figure_that_is_missing_says_why_in_the_cube(release):
    """A claim without a number has no value and the reason as its status."""
    missing = {row["claim_id"]: row["missing_reason"] for row in rows(release, "complaints") if not row["value"]}
    cube = read(release / "jsonstat" / "complaints.json")
    at = {code: str(place) for place, code in enumerate(cube["dimension"]["claim_id"]["category"]["index"])}

    assert {claim: cube["status"][at[claim]] for claim in missing} == missing
    assert [claim for claim in missing if at[claim] in cube["value"]] == []


# PROV


def ends(told: dict[str, Any], kind: str, one: str, other: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for relation in told[kind].values():
        found.setdefault(relation[f"prov:{one}"], set()).add(relation[f"prov:{other}"])
    return found


def test_every_version_of_every_figure_leads_to_its_document_and_its_bodies(release):
    """Figure ← document ← publisher, figure ← originator, a later version ← the one before; with value and words."""
    told = read(release / "prov.json")
    derived = ends(told, "wasDerivedFrom", "generatedEntity", "usedEntity")
    said = ends(told, "wasAttributedTo", "entity", "agent")
    lost = []
    for row in rows(release, "vintages"):
        figure, document = f"rec:figure.{row['claim_id']}.{row['version']}", f"rec:document.{row['document_id']}"
        before = f"rec:figure.{row['claim_id']}.{int(row['version']) - 1}"
        right = (
            told["entity"][figure].get("prov:value", "") == row["value"]
            and document in derived[figure]
            and (row["version"] == "1" or before in derived[figure])
            and f"rec:body.{row['originator']}" in said[figure]
            and f"rec:body.{row['publisher']}" in said[document]
            and (
                not row["capture_sha256"]
                or f"rec:capture.{row['capture_sha256']}.{row['document_id']}" in derived[figure]
            )
        )
        lost += [] if right else [figure]

    assert lost == []


def test_every_end_of_every_relation_is_told(release):
    """Nothing is derived from, or said by, what the document does not describe."""
    told = read(release / "prov.json")
    things = {name for kind in ("entity", "agent", "activity") for name in told[kind]}
    ends_of = {end for kind, one in told.items() if kind.startswith(("was", "used", "had")) for ends in one.values()
               for role, end in ends.items() if role != "prov:type"}  # fmt: skip

    assert ends_of - things == set()
    assert {f"rec:table.{name}" for name in schemas(release)} <= things


def test_a_headline_and_a_disagreement_rest_on_their_figures(release):
    """The newest version of each claim that series and conflicts name."""
    derived = ends(read(release / "prov.json"), "wasDerivedFrom", "generatedEntity", "usedEntity")
    named = {f"rec:series.{row['series_id']}": [row["headline_claim"]] for row in rows(release, "series")}
    named |= {f"rec:conflicts.{row['conflict_id']}": row["claims"].split("; ") for row in rows(release, "conflicts")}
    found = {finding: {one.split(".")[1] for one in derived.get(finding, ())} for finding in named}

    assert found == {finding: {claim for claim in claims if claim} for finding, claims in named.items()}


def test_a_version_is_a_revision_of_the_one_before_where_that_is_told(tmp_path):
    """From the table of all versions; a package that tells only the newest has nothing to derive it from."""
    head, _, second, *_ = invented.CLAIMS.splitlines(keepends=True)
    both = head + second.replace("|2|2.5|", "|1|3.5|") + second
    tables = [*invented.public(), invented.table("vintages", both)]
    tables[-1].table.schema["primaryKey"] = ["claim_id", "version"]
    found = []
    for number, public in enumerate((tables, tables[:-1])):
        folder = tmp_path / str(number)
        folder.mkdir()
        package.write(public, invented.WORDS, invented.CREATED, folder, folder / "no such home")
        project.project(folder, folder)
        told = read(folder / "prov.json")
        found.append(ends(told, "wasDerivedFrom", "generatedEntity", "usedEntity")["rec:figure.a-2.2"])

    assert found == [{"rec:document.page", "rec:figure.a-2.1"}, {"rec:document.page"}]


# Code lists, columns and files


def test_every_code_is_a_concept_with_its_labels_in_three_languages(release):
    """The labels of the CSV, in the scheme of its list."""
    told = {one["@id"]: one for one in read(release / "codes.jsonld")["@graph"]}
    wrong = []
    for name in ("areas", "bodies", "indicators", "missing_reason", "sex", "topics"):
        (key,) = schemas(release)[name]["primaryKey"]
        for row in rows(release, name):
            concept = told[f"{REC}code.{name}.{row[key]}"]
            titles = {language: row[f"title_{language}"] for language in ("en", "ru", "tg")}
            if (concept["prefLabel"], concept["inScheme"]) != (titles, f"{REC}list.{name}"):
                wrong.append(concept["@id"])

    assert wrong == []
    assert [one for one in told.values() if one["@type"] == "skos:Concept" and one["inScheme"] not in told] == []


@pytest.mark.parametrize("which", ["release", "small"])
def test_csvw_and_croissant_name_every_column_of_every_table(request, which):
    """In the order of the header, with the digest of the file."""
    folder = request.getfixturevalue(which)
    tables = {one["url"]: [column["name"] for column in one["tableSchema"]["columns"]]
              for one in read(folder / "csv-metadata.json")["tables"]}  # fmt: skip
    croissant = read(folder / "croissant.json")
    sets = {f"data/{one['name']}.csv": [field["name"] for field in one["field"]] for one in croissant["recordSet"]}
    digests = {one["contentUrl"]: one["sha256"] for one in croissant["distribution"]}
    files = {f"data/{path.name}": path for path in (folder / "data").iterdir()}
    headers = {name: path.read_text("utf-8").partition("\n")[0].split(",") for name, path in files.items()}

    assert tables == headers == sets
    assert digests == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


@pytest.mark.parametrize("which", ["release", "small"])
def test_every_address_in_a_catalogue_is_a_file_of_the_release(request, which):
    """schema.org and DCAT-AP lead to what is there, and DCAT-AP tells its size."""
    folder = request.getfixturevalue(which)
    datasets = read(folder / "dcat-ap.jsonld")["dcat:dataset"]
    told = [one for dataset in datasets for one in dataset["dcat:distribution"]]
    sizes = {one["dcat:downloadURL"]["@id"]: int(one["dcat:byteSize"]["@value"]) for one in told}
    downloads = [one["contentUrl"] for one in read(folder / "dataset.jsonld")["distribution"]]

    assert sizes == {name: (folder / name).stat().st_size for name in sizes}
    assert set(downloads) == {name for name in sizes if not name.startswith("parquet/")}
    assert len(datasets) == 1 + len(schemas(folder))


def test_a_release_is_a_bag_whose_hashes_hold(release):
    """Every payload file in the one manifest, every other file in the other, as RFC 8493 has it."""
    listed = {}
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        lines = (release / manifest).read_text("utf-8").splitlines()
        listed[manifest] = {name: digest for digest, name in (line.split("  ") for line in lines)}
    files = {path.relative_to(release).as_posix() for path in release.rglob("*") if path.is_file()}
    payload, tags = listed.values()

    assert set(payload) == {name for name in files if name.startswith("data/")}
    assert set(tags) == files - set(payload) - {"tagmanifest-sha256.txt"}
    assert {
        n: d for n, d in {**payload, **tags}.items() if hashlib.sha256((release / n).read_bytes()).hexdigest() != d
    } == {}
    assert (release / "bagit.txt").read_text() == "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


def test_the_citation_takes_everything_from_the_descriptor_and_keeps_a_contact(tmp_path):
    """Version, day, licence and authors; of the file in the checkout only the contact."""
    (tmp_path / "package").mkdir()
    folder = invented.staged(tmp_path / "package")
    (tmp_path / "CITATION.cff").write_text(
        "title: Old\ncontact: [{name: Keeper, email: keeper@example.org}]\n", "utf-8"
    )
    project.project(folder, tmp_path)
    cited, dcat = yaml.safe_load((folder / "CITATION.cff").read_text("utf-8")), read(folder / "dcat-ap.jsonld")

    assert cited["contact"] == [{"name": "Keeper", "email": "keeper@example.org"}]
    assert (cited["title"], cited["version"], cited["date-released"]) == ("Invented figures", "0.1.0", "2026-11-24")
    assert (cited["authors"], cited["license"]) == ([{"name": "Nobody"}], ["CC-BY-4.0"])
    assert dcat["dcat:dataset"][0]["dcat:contactPoint"]["vcard:hasEmail"] == {"@id": "mailto:keeper@example.org"}


def test_a_package_without_identifier_names_its_things_relative_to_the_file(small):
    """So that a mirror's copy describes itself; no figure of it is lost in PROV either."""
    dcat, prov = read(small / "dcat-ap.jsonld"), read(small / "prov.json")

    assert (dcat["@id"], dcat["dcat:dataset"][0]["@id"]) == ("#catalogue", "#dataset")
    assert prov["prefix"]["rec"] == "urn:package:invented#"
    assert {f"rec:figure.a-{number}.{version}" for number, version in ((1, 1), (2, 2), (3, 1), (4, 1))} <= set(
        prov["entity"]
    )


def test_a_disk_that_refuses_is_a_storage_error(tmp_path):
    """Nothing of the release is touched by then; the message names the file and no folder of the machine."""
    folder = invented.staged(tmp_path)
    (folder / "croissant.json").mkdir()

    with pytest.raises(errors.StorageError, match=r"croissant\.json: .* Nothing was published") as refused:
        project.project(folder, folder)
    assert str(tmp_path) not in str(refused.value)


def test_what_a_projection_wrote_before_is_written_over(small, tmp_path):
    """A second run over the same folder ends in the same files."""
    folder = shutil.copytree(small, tmp_path / "again")
    for name in ("bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"):
        (folder / name).unlink()
    project.project(folder, small)

    assert {path.name: path.read_bytes() for path in folder.glob("*.*")} == {
        path.name: path.read_bytes() for path in small.glob("*.*")
    }


# The site


def test_the_page_of_downloads_bears_the_json_ld_of_the_release_in_its_language(site, release):
    """One block, the facts of the file and the words of the page; each address gives the released bytes."""
    told = read(release / "dataset.jsonld")
    for prefix, tongue in (("", "en"), ("/ru", "ru"), ("/tg", "tg")):
        page = site.get(f"{prefix}/downloads").text
        (block,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
        shown = json.loads(block)

        assert 'type="application/ld+json" href="/files/dataset.jsonld"' in site.get(f"{prefix}/").text
        assert shown["inLanguage"] == tongue
        assert shown["name"] in told["alternateName"]
        assert {key: shown[key] for key in ("version", "license", "temporalCoverage")} == {
            key: told[key] for key in ("version", "license", "temporalCoverage")
        }
    wrong = [
        one["contentUrl"]
        for one in shown["distribution"]
        if site.get(one["contentUrl"]).content != (release / one["contentUrl"].removeprefix("/files/")).read_bytes()
    ]

    assert wrong == []


def test_the_page_of_downloads_leads_to_every_format(site, release):
    """In one language or another, all of the release but the manifests; each link answers."""
    pages = (site.get(f"{prefix}/downloads").text for prefix in ("", "/ru", "/tg"))
    links = {link for page in pages for link in re.findall(r'href="/files/([^"]*)"', page)}
    written = {path.relative_to(release).as_posix() for path in release.rglob("*") if path.is_file()}
    aside = {"verify.py", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt", "MANIFEST.json"}

    assert links == written - aside
    assert {site.get(f"/files/{link}").status_code for link in links if "/" not in link} == {200}
