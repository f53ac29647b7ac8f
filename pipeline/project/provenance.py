"""W3C PROV: where every figure comes from, as PROV-JSON.

A version of a figure ← the document that printed it, or its archived page ← whoever published that; said first by its
originator; a later version ← the one before; what reconciliation found ← its figures; every table ← the run that
published it. No clock, machine or commit: the run is the state of the ledger that it published.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from pipeline.project.package import WORDS, File, Package, text

Said = tuple[str, tuple[str, ...], dict[str, Any]]

RUN: Final = "rec:run"
FIGURE: Final = frozenset({"claim_id", "document_id", "originator"})
TOLD: Final = (
    "indicator", "unit", "qualifier", "period_start", "period_end", "printed", "missing_reason", "locator", "method",
    "evidence", "status",
)  # fmt: skip
# What reconciliation publishes of figures, and the columns that name these.
FOUND: Final = {"series": ("headline_claim",), "conflicts": ("claims",), "partitions": ("parts", "total_claim")}


def files(package: Package) -> Iterator[File]:
    """prov.json: everything told, things by their name and relations numbered."""
    found, relations = defaultdict[str, dict[str, Any]](dict), WORDS["prov_relations"]
    found["prefix"] = {"rec": f"{package.id or 'urn:package:' + package.told['name']}#", "pav": "http://purl.org/pav/"}
    for told in (_run, _documents, _figures, _findings):
        for kind, names, more in told(package):
            if kind in relations:
                ends = dict(zip(relations[kind], names, strict=True))
                found[kind][f"_:{kind}{len(found[kind]) + 1}"] = ends | more
            else:
                found[kind][names[0]] = more
    yield "prov.json", text(found)


def _run(package: Package) -> Iterator[Said]:
    """The run, who did it, and the tables it made."""
    told = package.told
    yield "activity", (RUN,), {"prov:label": f"publish: the ledger as of {package.day}", "pav:version": told["version"]}
    yield "agent", ("rec:pipeline",), {"prov:type": _qualified("prov:SoftwareAgent"), "prov:label": told["name"]}
    yield "wasAssociatedWith", (RUN, "rec:pipeline"), {}
    for name, one in package.resources.items():
        kind, table = _qualified("prov:Collection"), _name("table", name)
        yield "entity", (table,), {"prov:type": kind, "prov:location": one["path"], "rec:hash": one["hash"]}
        yield "wasGeneratedBy", (table, RUN), {}


def _documents(package: Package) -> Iterator[Said]:
    """What was cited, by whom it was published, and what was archived of it."""
    for row in package.rows("documents"):
        document = _name("document", row["document_id"])
        yield "entity", (document,), {"prov:label": row["title"], "prov:location": row.get("url") or ""}
        yield "used", (RUN, document), {}
        yield from _body(package, document, row.get("publisher"))
    for row in package.rows("captures"):
        capture = _name("capture", row["capture_sha256"], row["document_id"])
        told = {"prov:location": row["url"], "pav:retrievedOn": row["captured_at"], "rec:hash": row["capture_sha256"]}
        yield "entity", (capture,), told
        yield "wasDerivedFrom", (capture, _name("document", row["document_id"])), {}


def _figures(package: Package) -> Iterator[Said]:
    """Every version of every figure: what it says, who said it, where it stands, what it replaced."""
    known, versions = set(), _versions(package)
    for table in _with_figures(package):
        for row in package.rows(table):
            version = int(row.get("version") or 1)
            figure, document = _name("figure", row["claim_id"], f"{version}"), _name("document", row["document_id"])
            yield "hadMember", (_name("table", table), figure), {}
            if figure in known:
                continue
            known.add(figure)
            value = {"prov:value": row["value"]} if row.get("value") else {}
            yield "entity", (figure,), value | {f"rec:{name}": row[name] for name in TOLD if row.get(name)}
            yield "wasDerivedFrom", (figure, document), {"prov:type": _qualified("prov:PrimarySource")}
            if row.get("capture_sha256"):
                yield "wasDerivedFrom", (figure, _name("capture", row["capture_sha256"], row["document_id"])), {}
            if version - 1 in versions[row["claim_id"] or ""]:
                before = _name("figure", row["claim_id"], f"{version - 1}")
                yield "wasDerivedFrom", (figure, before), {"prov:type": _qualified("prov:Revision")}
            yield from _body(package, figure, row["originator"])


def _findings(package: Package) -> Iterator[Said]:
    """What was reconciled, and the newest version of each figure it rests on."""
    versions = _versions(package)
    for table, columns in FOUND.items():
        for row in package.rows(table):
            finding = _name(table, row[package.resources[table]["schema"]["primaryKey"][0]])
            yield "entity", (finding,), {}
            yield "hadMember", (_name("table", table), finding), {}
            for claim in "; ".join(row[column] or "" for column in columns).split("; "):
                if claim in versions:
                    yield "wasDerivedFrom", (finding, _name("figure", claim, f"{max(versions[claim])}")), {}


def _versions(package: Package) -> dict[str, set[int]]:
    """The versions that are told of each claim."""
    found: dict[str, set[int]] = defaultdict(set)
    for table in _with_figures(package):
        for row in package.rows(table):
            found[row["claim_id"] or ""].add(int(row.get("version") or 1))
    return found


def _with_figures(package: Package) -> list[str]:
    """The tables of figures."""
    return [name for name in package.resources if FIGURE.issubset(package.columns(name))]


def _body(package: Package, thing: str, code: str | None) -> Iterator[Said]:
    if code:
        called = {"prov:type": _qualified("prov:Organization"), "prov:label": package.title("bodies", code)}
        yield "agent", (_name("body", code),), called
        yield "wasAttributedTo", (thing, _name("body", code)), {}


def _name(kind: str, *parts: str | None) -> str:
    return f"rec:{'.'.join([kind, *(quote(part or '', safe='') for part in parts)])}"


def _qualified(name: str) -> dict[str, str]:
    return {"$": name, "type": "prov:QUALIFIED_NAME"}
