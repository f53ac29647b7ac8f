"""What Zenodo, CKAN and HDX ask of a deposit, as files that a person can read first: nothing is sent from here.

The fields are those of the deposit API of Zenodo, of package_create and resource_create of CKAN, and what HDX adds to
these; datacite.json is for any other place that gives DOIs. Who owns it there, and the tags of HDX, are a person's.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pipeline import errors
from pipeline.project.catalogues import days, kind, names
from pipeline.project.package import WORDS, Package, text

ONE_TIME: Final = (1980, 1, 1, 0, 0, 0)  # a zip holds times; equal releases make equal zips


def bundle(release: Path, portal: str, place: Path, organisation: str = "") -> list[str]:
    """The names of the files in `place` that describe the release for a portal, written anew.

    Shape: zenodo: deposition.json, datacite.json and the release as one zip; ckan and hdx: package_create.json and
    resources.json, whose paths are files of the release.
    Raises: UsageError for another portal; StorageError when the disk refuses.
    """
    if portal not in PORTALS:
        raise errors.UsageError(f"deposit: there is no portal of that name. Choose: {', '.join(PORTALS)}.")
    package = Package.of(release)
    try:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for name, told in PORTALS[portal](package, organisation):
            (place / name).write_bytes(text(told))
        if portal == "zenodo":
            _zip(package, place / f"{package.told['name']}-{package.told['version']}.zip")
    except OSError as error:
        raise errors.StorageError(
            f"deposit: {error.strerror or 'the disk refused'} while writing the bundle. Make room, then run it again."
        ) from error
    return sorted(path.name for path in place.iterdir())


def zenodo(package: Package, _organisation: str) -> Iterator[tuple[str, object]]:
    """The deposition, with a DOI reserved, and the same as DataCite has it."""
    told, sources = package.told, [one["path"] for one in package.told.get("sources", ()) if "path" in one]
    yield "deposition.json", {
        "metadata": {
            "upload_type": "dataset", "title": told["title"], "description": told["description"],
            "creators": [{"name": name} for name in names(told)], "access_right": "open",
            "license": next((one["name"].lower() for one in told.get("licenses", ())), ""),
            "keywords": list(told.get("keywords", ())), "version": told["version"], "publication_date": package.day,
            "notes": " ".join(told.get("responsibility", {}).values()), "prereserve_doi": True,
            "related_identifiers": [{"identifier": one, "relation": "isDerivedFrom"} for one in sources],
        }
    }  # fmt: skip
    yield "datacite.json", {
        "schemaVersion": "http://datacite.org/schema/kernel-4",
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Dataset"},
        "titles": [
            {"title": said, "lang": language} for language, said in told.get("labels", {"en": told["title"]}).items()
        ],
        "creators": [{"name": name, "nameType": "Organizational"} for name in names(told)],
        "publisher": {"name": next(iter(names(told)), told["title"])}, "publicationYear": package.day[:4],
        "version": told["version"], "subjects": [{"subject": one} for one in told.get("keywords", ())],
        "descriptions": [{"description": told["description"], "descriptionType": "Abstract", "lang": "en"}],
        "rightsList": [
            {"rights": one.get("title", one["name"]), "rightsUri": one["path"], "rightsIdentifier": one["name"],
             "rightsIdentifierScheme": "SPDX"}
            for one in told.get("licenses", ())
        ],
        "dates": [{"date": package.day, "dateType": "Issued"}]
        + ([{"date": "/".join(window), "dateType": "Coverage"}] if (window := days(package)) else []),
        "geoLocations": [{"geoLocationPlace": one["title"]} for one in told.get("spatial", ())],
        "relatedIdentifiers": [
            {"relatedIdentifier": one, "relatedIdentifierType": "URL", "relationType": "IsDerivedFrom"}
            for one in sources
        ],
        **({"alternateIdentifiers": [{"alternateIdentifier": package.id, "alternateIdentifierType": "URN"}]}
           if package.id else {}),
    }  # fmt: skip


def ckan(package: Package, organisation: str) -> Iterator[tuple[str, Any]]:
    """What package_create takes, private until a person opens it, and what resource_create takes of each file."""
    told = package.told
    extras = {"identifier": package.id, "state_of": package.day, "temporal": "/".join(days(package))}
    yield "package_create.json", {
        "name": told["name"], "title": told["title"], "notes": told["description"], "version": told["version"],
        "author": ", ".join(names(told)), "url": told.get("homepage", ""), "license_id": "cc-by",
        "tags": [{"name": one} for one in told.get("keywords", ())], "private": True, "owner_org": organisation,
        "extras": [{"key": key, "value": value} for key, value in extras.items() if value],
    }  # fmt: skip
    files = {name: (told["title"], "") for name in WORDS["whole"] if (package.folder / name).is_file()}
    files |= {
        one["path"]: (one["description"], one["hash"].removeprefix("sha256:"))
        for name, one in package.resources.items() if name not in package.codes
    }  # fmt: skip
    yield "resources.json", [
        {
            "path": path, "name": path.rsplit("/", 1)[-1], "description": said, "mimetype": kind(path)[0],
            "format": path.rsplit(".", 1)[-1].upper(), **({"hash": digest} if digest else {}),
            "size": (package.folder / path).stat().st_size,
        }
        for path, (said, digest) in files.items()
    ]  # fmt: skip


def hdx(package: Package, organisation: str) -> Iterator[tuple[str, Any]]:
    """As for CKAN, with what HDX wants beside: source, days, method, caveats, places. A person chooses its tags."""
    told, asked = package.told, package.told.get("responsibility", {})
    (_, created), resources = ckan(package, organisation)
    window = days(package)
    places = [one["path"].rsplit("/", 1)[-1].lower() for one in told.get("spatial", ())]
    yield "package_create.json", created | {
        "tags": [], "groups": [{"name": place} for place in places], "subnational": "1",
        "data_update_frequency": "-2",  # as needed
        "dataset_source": "; ".join(one["title"] for one in told.get("sources", ())) or created["author"],
        "methodology": "Other", "methodology_other": asked.get("dataCollection", told["description"]),
        "caveats": " ".join(asked[key] for key in ("dataBiases", "dataLimitations") if key in asked),
        **({"dataset_date": f"[{window[0]}T00:00:00 TO {window[1]}T23:59:59]"} if window else {}),
    }  # fmt: skip
    yield resources


PORTALS: Final[Mapping[str, Callable[[Package, str], Iterator[tuple[str, Any]]]]] = {
    "zenodo": zenodo, "ckan": ckan, "hdx": hdx,
}  # fmt: skip


def _zip(package: Package, place: Path) -> None:
    """The whole release as one archive, in one order, with one time."""
    with zipfile.ZipFile(place, "w") as archive:
        for path in sorted(path for path in package.folder.rglob("*") if path.is_file()):
            named = zipfile.ZipInfo(f"{place.stem}/{path.relative_to(package.folder).as_posix()}", ONE_TIME)
            named.compress_type, named.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(named, path.read_bytes())
