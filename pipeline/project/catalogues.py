"""What catalogues and search engines read: schema.org, DCAT-AP 3, Croissant, CITATION.cff.

Addresses are relative to the file itself, so that every mirror describes its own copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from pipeline.project.package import WORDS, File, Package, labels, references, text


def files(package: Package) -> Iterator[File]:
    """dataset.jsonld, dcat-ap.jsonld, croissant.json and CITATION.cff."""
    yield "dataset.jsonld", text(schema_org(package))
    yield "dcat-ap.jsonld", text(dcat(package))
    yield "croissant.json", text(croissant(package))
    cited = yaml.safe_dump(citation(package), allow_unicode=True, sort_keys=False, width=110)
    yield "CITATION.cff", f"{WORDS['cff_note']}\n{cited}".encode()


def schema_org(package: Package) -> dict[str, Any]:
    """The Dataset of schema.org, as search engines for data read it."""
    told, tables = package.told, package.resources.items()
    downloads = [(path, path, "") for path in WORDS["whole"] if (package.folder / path).is_file()]
    downloads += [(name, one["path"], one["hash"]) for name, one in tables]
    return {
        "@context": {"@vocab": "https://schema.org/"}, "@type": "Dataset", **_about(package),
        **({"@id": package.id, "identifier": package.id} if package.id else {}),
        "alternateName": list(told.get("labels", {}).values()), "inLanguage": list(told.get("labels", {})),
        "isAccessibleForFree": True, "spatialCoverage": [place["title"] for place in told.get("spatial", ())],
        **({"temporalCoverage": "/".join(window)} if (window := days(package)) else {}),
        "variableMeasured": [titles["en"] for titles in package.codes.get("indicators", {}).values()],
        "isBasedOn": [source["path"] for source in told.get("sources", ()) if "path" in source],
        "distribution": [
            {"@type": "DataDownload", "name": name, "contentUrl": path, "encodingFormat": kind(path)[0]}
            | ({"sha256": digest.removeprefix("sha256:")} if digest else {})
            for name, path, digest in downloads
        ],
    }  # fmt: skip


def dcat(package: Package) -> dict[str, Any]:
    """A catalogue of DCAT-AP 3: a dataset of the whole record, and one of each table."""
    told, european = package.told, WORDS["european"]
    people = {"@type": "foaf:Agent", "foaf:name": next(iter(names(told)), told["title"])}
    common: dict[str, Any] = {
        "dct:publisher": {"@id": package.iri("publisher"), **people}, "dct:modified": _typed(package.day, "date"),
        "dct:license": _licence(told),
        "dct:language": [
            {"@id": f"{european}language/{code}", "@type": "dct:LinguisticSystem"}
            for language, code in WORDS["languages"].items() if language in told.get("labels", {})
        ],
        "dct:spatial": [{"@id": place["path"], "@type": "dct:Location"} for place in told.get("spatial", ())],
    }  # fmt: skip
    shared = common | {
        "dcat:version": told["version"], "dcat:keyword": list(told.get("keywords", ())),
        "dct:accessRights": {"@id": f"{european}access-right/PUBLIC", "@type": "dct:RightsStatement"},
        "dcat:theme": [
            {"@id": one["path"], "@type": "skos:Concept", "skos:prefLabel": {"@value": one["title"], "@language": "en"}}
            for one in told.get("themes", ())
        ],
    }  # fmt: skip
    if window := days(package):
        ends = zip(("dcat:startDate", "dcat:endDate"), window, strict=True)
        shared["dct:temporal"] = {"@type": "dct:PeriodOfTime", **{end: _typed(day, "date") for end, day in ends}}
    if contact := next((one for one in package.contact or () if one.get("email") or one.get("website")), None):
        at = {"vcard:hasEmail": {"@id": f"mailto:{contact['email']}"}} if contact.get("email") else {}
        url = {"vcard:hasURL": {"@id": contact["website"]}} if contact.get("website") else {}
        shared["dcat:contactPoint"] = {"@type": "vcard:Kind", "vcard:fn": contact.get("name", "contact"), **at, **url}

    def dataset(thing: Mapping[str, Any], iri: str, identifier: str, paths: list[str]) -> dict[str, Any]:
        described = {"labels": thing.get("descriptions", {"en": thing["description"]})}
        found = [_distribution(package, one, thing) for one in paths if (package.folder / one).is_file()]
        return {
            "@id": iri, "@type": "dcat:Dataset", "dct:identifier": identifier, "dct:title": labels(thing),
            "dct:description": labels(described), **shared, "dcat:distribution": found,
        }  # fmt: skip

    parts = [
        dataset(one, package.iri("table", name), name, [one["path"], f"parquet/{name}.parquet"])
        for name, one in package.resources.items()
    ]
    whole = dataset(told, package.iri("dataset"), package.id or told["name"], WORDS["whole"])
    return {**WORDS["dcat"],
        "@id": package.iri("catalogue"), "@type": "dcat:Catalog", "dct:title": labels(told),
        "dct:description": whole["dct:description"], **common,
        "dcat:dataset": [whole | {"dct:hasPart": [{"@id": one["@id"]} for one in parts]}, *parts],
    }  # fmt: skip


def croissant(package: Package) -> dict[str, Any]:
    """The package as Croissant 1.1: a file for each table, a record set with typed fields for each."""
    told = package.told
    return {**WORDS["croissant"], **_about(package),
        "citeAs": f"{', '.join(names(told))}. {told['title']}. Version {told['version']}, {package.day}.",
        **{f"rai:{key}": said for key, said in told.get("responsibility", {}).items()},
        "distribution": [
            {"@type": "cr:FileObject", "@id": f"{name}.csv", "name": f"{name}.csv", "contentUrl": one["path"],
             "encodingFormat": "text/csv", "sha256": one["hash"].removeprefix("sha256:")}
            for name, one in package.resources.items()
        ],
        "recordSet": [
            {"@type": "cr:RecordSet", "@id": name, "name": name, "description": one["description"],
             "key": [{"@id": f"{name}/{column}"} for column in one["schema"]["primaryKey"]],
             "field": [_croissant_field(package, one, field) for field in one["schema"]["fields"]]}
            for name, one in package.resources.items()
        ],
    }  # fmt: skip


def _croissant_field(package: Package, one: Mapping[str, Any], field: Mapping[str, Any]) -> dict[str, Any]:
    name, kind = field["name"], WORDS["croissant_types"].get(field["type"], "sc:Text")
    table, key = references(one).get(name, ("", ""))
    points = {"references": {"fileObject": {"@id": f"{table}.csv"}, "extract": {"column": key}}}
    return {
        "@type": "cr:Field", "@id": f"{one['name']}/{name}", "name": name, "dataType": kind,
        "description": field.get("description") or name,
        "source": {"fileObject": {"@id": f"{one['name']}.csv"}, "extract": {"column": name}},
        **(points if table in package.resources else {}),
    }  # fmt: skip


def citation(package: Package) -> dict[str, Any]:
    """CITATION.cff 1.2.0; a contact that somebody added is kept."""
    told = package.told
    return {
        "cff-version": "1.2.0", "type": "dataset", "title": told["title"],
        "message": told.get("citation", "Cite this record with its version."),
        "authors": [{"name": name} for name in names(told) or [told["title"]]],
        **({"contact": package.contact} if package.contact else {}),
        **({"identifiers": [{"type": "other", "value": package.id}]} if package.id else {}),
        "version": told["version"], "date-released": package.day, "abstract": told["description"],
        **({"license": [one["name"] for one in told["licenses"]]} if told.get("licenses") else {}),
        **({"keywords": list(told["keywords"])} if told.get("keywords") else {}),
    }  # fmt: skip


def _about(package: Package) -> dict[str, Any]:
    """What schema.org and Croissant say alike."""
    told = package.told
    people = [{"@type": "Organization", "name": name} for name in names(told)]
    return {
        "name": told["title"], "description": told["description"], "version": told["version"],
        "datePublished": package.day, "dateModified": package.day, "creator": people, "publisher": people[:1],
        "license": [one["path"] for one in told.get("licenses", ())], "keywords": list(told.get("keywords", ())),
        "url": told.get("homepage", "./"),
    }  # fmt: skip


def _distribution(package: Package, path: str, thing: Mapping[str, Any]) -> dict[str, Any]:
    media, code = kind(path)
    address = {"@id": path, "@type": "rdfs:Resource"}
    found = {
        "@id": package.iri("file", path), "@type": "dcat:Distribution", "dct:title": path, "dcat:accessURL": address,
        "dcat:downloadURL": address, "dct:license": _licence(package.told),
        "dcat:mediaType": {"@id": f"{WORDS['media']}{media}", "@type": "dct:MediaType"},
        "dcat:byteSize": _typed(str((package.folder / path).stat().st_size), "nonNegativeInteger"),
    }  # fmt: skip
    if code:
        found["dct:format"] = {"@id": f"{WORDS['european']}file-type/{code}", "@type": "dct:MediaTypeOrExtent"}
    if path == thing.get("path"):
        algorithm = {"@id": "spdx:checksumAlgorithm_sha256", "@type": "spdx:ChecksumAlgorithm"}
        digest = _typed(thing["hash"].removeprefix("sha256:"), "hexBinary")
        found["spdx:checksum"] = {"@type": "spdx:Checksum", "spdx:algorithm": algorithm, "spdx:checksumValue": digest}
    return found


def kind(path: str) -> tuple[str, str]:
    """The media type of a file, and the EU's code of its type or ""."""
    media, code = WORDS["kinds"][path.rsplit(".", 1)[1]]
    return media, code


def _licence(told: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"@id": one["path"], "@type": "dct:LicenseDocument"} for one in told.get("licenses", ())[:1]]


def _typed(value: str, kind: str) -> dict[str, str]:
    return {"@value": value, "@type": f"xsd:{kind}"}


def names(told: Mapping[str, Any]) -> list[str]:
    """Who made the package."""
    return [one["title"] for one in told.get("contributors", ())]


def days(package: Package) -> list[str]:
    """The first and the last day that figures are about; none where no table has days."""
    tables = [name for name in package.resources if {"period_start", "period_end"} <= {*package.columns(name)}]
    starts = [day for name in tables if (day := package.frame(name)["period_start"].min())]
    ends = [day for name in tables if (day := package.frame(name)["period_end"].max())]
    return [min(map(str, starts)), max(map(str, ends))] if starts and ends else []
