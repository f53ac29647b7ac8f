"""What describes each column and each code: CSVW metadata, and SKOS concept schemes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.project.package import WORDS, File, Package, labels, references, text
from pipeline.wording import LANGUAGES


def files(package: Package) -> Iterator[File]:
    """csv-metadata.json and codes.jsonld."""
    yield "csv-metadata.json", text(csvw(package))
    yield (
        "codes.jsonld",
        text(WORDS["skos"] | {"@graph": [one for name in package.codes for one in skos(package, name)]}),
    )


def csvw(package: Package) -> dict[str, Any]:
    """The tables as CSV on the Web describes them: types, limits, keys and labels."""
    told = package.told
    return {**WORDS["csvw"],
        "dc:title": labels(told), "dc:description": told["description"],
        "dc:modified": {"@value": package.day, "@type": "xsd:date"},
        "dc:license": [{"@id": one["path"]} for one in told.get("licenses", ())],
        "tables": [
            {
                "url": one["path"], "dc:title": labels(one), "dc:description": one["description"],
                "tableSchema": {
                    "columns": [_column(field) for field in one["schema"]["fields"]],
                    "primaryKey": list(one["schema"]["primaryKey"]), **_keys(package, one),
                },
            }
            for one in package.resources.values()
        ],
    }  # fmt: skip


def _keys(package: Package, one: Mapping[str, Any]) -> dict[str, Any]:
    """The foreign keys of columns that are never empty: strict validators refuse an empty one."""
    needed = {field["name"] for field in one["schema"]["fields"] if field.get("constraints", {}).get("required")}
    keys = [
        {"columnReference": column, "reference": {"resource": package.resources[table]["path"], "columnReference": key}}
        for column, (table, key) in references(one).items() if table in package.resources and column in needed
    ]  # fmt: skip
    return {"foreignKeys": keys} if keys else {}


def _column(field: Mapping[str, Any]) -> dict[str, Any]:
    rules = field.get("constraints", {})
    kind = {"base": WORDS["csvw_types"].get(field["type"], "string")}
    kind |= {name: rules[name] for name in WORDS["csvw_limits"] if name in rules}
    if kind["base"] == "string" and "pattern" in rules:
        kind["format"] = rules["pattern"]
    return {
        "name": field["name"], "titles": field["name"], "skos:prefLabel": labels({"title": field["name"], **field}),
        "dc:description": field.get("description", ""), "datatype": kind, "null": "",
        "required": bool(rules.get("required")),
    }  # fmt: skip


def skos(package: Package, name: str) -> Iterator[dict[str, Any]]:
    """A code list as a concept scheme, then its codes as concepts, with labels and definitions in each language."""
    one, scheme = package.resources[name], package.iri("list", name)
    yield {"@id": scheme, "@type": "skos:ConceptScheme", "dct:title": {"@value": one["title"], "@language": "en"}}
    for row in package.rows(name):
        code = row[one["schema"]["primaryKey"][0]]
        defined = {language: said for language in LANGUAGES if (said := row.get(f"definition_{language}"))}
        yield {
            "@id": package.iri("code", name, code), "@type": "skos:Concept", "notation": code,
            "prefLabel": package.codes[name][code or ""], **({"definition": defined} if defined else {}),
            "inScheme": scheme, "topConceptOf": scheme,
        }  # fmt: skip
