"""Judge any Data Package with CSV resources as frictionless 5.21 does, from compiled checks.

frictionless reads the descriptor and opens each file (encoding, dialect, header, inferred schema), so what it says of
those is repeated word for word; rows and cells are judged in DuckDB, and only doubtful cells see its readers. What
cannot be judged alike is refused by name. Knows nothing of our own tables.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
from frictionless import FrictionlessException, Package, Resource, helpers, system
from frictionless.formats import CsvParser
from frictionless.resources import TableResource

from pipeline.errors import Unsupported
from pipeline.validate.columns import columns
from pipeline.validate.compiled import Checker, Flaw
from pipeline.validate.csvfile import Loaded, loaded

NO_LIMIT = 10**9
MEMORY = "1400MB"  # DuckDB's share of the 2 GB that a run may take; what is more goes to a temporary folder
AFTER_KEYS = {"error", "metadata-error"}  # raised while frictionless builds its row reader


def check(path: Path) -> dict[str, Any]:
    """What is wrong with the package at `path`, a descriptor or its folder.

    Shape: {"valid", "errors": [{"resource", "row", "field", "type"}], "counts": {type: n}, "stricter": [… + "rule"]}.
    Raises: Unsupported for a package that cannot be judged as frictionless would.
    """
    descriptor = path / "datapackage.json" if path.is_dir() else path
    if not descriptor.is_file():
        raise Unsupported(f"{path.name}: no datapackage.json here. Give a Data Package's folder or its descriptor.")
    _refuse_remote(descriptor)
    try:
        package = Package.from_descriptor(str(descriptor))
    except FrictionlessException as exception:
        return _report(_named(None, exception.to_errors()))
    except Exception as error:
        raise _fails("the descriptor", error) from error
    try:
        # frictionless reads schemas that stand in files of their own here, and lets what goes wrong escape
        any(resource.schema and resource.schema.foreign_keys for resource in package.resources)
    except Exception as error:
        raise _fails("a schema", error) from error
    try:
        package.to_descriptor(validate=True)
    except FrictionlessException as exception:
        return _report(_named(None, exception.to_errors()))
    except Exception as error:
        raise _fails("the descriptor", error) from error
    return _report(_Judgement(package).flaws())


class _Judgement:
    """One package being judged: what opened, what did not, and the tables in DuckDB."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.spill = tempfile.TemporaryDirectory(prefix="validate-")
        self.con = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": self.spill.name})
        self.checker = Checker(self.con)
        self.tables: dict[str, Loaded] = {}
        self.unopened: dict[str, list[Any]] = {}
        self.refused: dict[str, Unsupported] = {}

    def flaws(self) -> list[Flaw]:
        """All findings: first each table by itself, then what ties one to another."""
        try:
            tied = _tied(self.package)
            own = {resource.name: self._resource_flaws(resource, tied) for resource in self.package.resources}
            told = [self._with_keys(resource, own[resource.name]) for resource in self.package.resources]
            return [flaw for flaws in told for flaw in flaws]
        finally:
            self.con.close()
            self.spill.cleanup()

    def _resource_flaws(self, resource: Resource, tied: set[str]) -> list[Flaw]:
        """The findings of one resource but for its foreign keys."""
        if not isinstance(resource, TableResource):
            return _file_flaws(resource)
        _refuse_unreadable(resource)
        guessed = not resource.has_defined("encoding")
        try:
            resource.to_descriptor(validate=True)
        except FrictionlessException as exception:
            self.unopened[resource.name] = exception.to_errors()
            return []
        keys = resource.schema.foreign_keys
        if keys:  # a schema that is touched counts as declared, and is not inferred from the data
            resource.schema.foreign_keys = []
        try:
            with resource:
                if keys:
                    resource.schema.foreign_keys = keys
                return self._table_flaws(resource, guessed=guessed, is_tied=resource.name in tied)
        except FrictionlessException as exception:
            self.unopened[resource.name] = exception.to_errors()
        except Unsupported as refusal:
            self.refused[resource.name] = refusal
        except Exception as error:  # noqa: BLE001  told as a refusal below, unless a foreign key stops it before
            self.refused[resource.name] = _fails(f"resource {resource.name!r}", error)
        finally:
            if keys:
                resource.schema.foreign_keys = keys
        return []

    def _table_flaws(self, resource: TableResource, *, guessed: bool, is_tied: bool) -> list[Flaw]:
        """The findings of an open table: header, rows, cells, keys, and the sums at the end."""
        flaws = [] if resource.labels or resource.fragment else [Flaw(resource.name, None, None, "source-error")]
        flaws += _named(resource.name, resource.header.errors)
        fields = resource.header.get_expected_fields()
        table = loaded(self.con, resource, columns(fields, resource.schema), f"t{len(self.tables)}")
        table.ignore_case = not resource.dialect.header_case
        self.tables[resource.name] = table
        flaws += self.checker.table_flaws(table)
        flaws += _named(resource.name, [table.broken] if table.broken else [])
        if guessed and resource.encoding not in {"utf-8", "utf-8-sig"}:
            flaws.append(Flaw(resource.name, None, None, "encoding-error", "undeclared-encoding"))
        if not is_tied:
            self.checker.forget(table)
        return flaws + _sums(resource, table)

    def _with_keys(self, resource: Resource, own: list[Flaw]) -> list[Flaw]:
        """The findings of a resource with its foreign keys, or what kept frictionless from opening it.

        frictionless reads the tables that foreign keys lead to before it reads a row: what stops it there is all it
        says. Only what it makes of the header comes before.
        """
        name = resource.name
        errors = self.unopened.get(name)
        if errors is not None and errors[0].type not in AFTER_KEYS:
            return _named(name, errors)
        stopped = self._stopped_by_key(resource) if isinstance(resource, TableResource) else None
        if stopped is not None:
            return stopped
        if errors is not None:
            return _named(name, errors)
        if name in self.refused:
            raise self.refused[name]
        if name not in self.tables:
            return own
        table = self.tables[name]
        return own + self.checker.foreign_key_flaws(table, self.tables, table.schema.foreign_keys)

    def _stopped_by_key(self, resource: TableResource) -> list[Flaw] | None:
        """The findings where a foreign key leads to nothing readable; None where all can be followed."""
        for key in resource.schema.foreign_keys:
            target = key["reference"]["resource"] or resource.name
            if not self.package.has_resource(target):
                return [Flaw(resource.name, None, None, "resource-error")]
            if target in self.unopened:
                return _named(resource.name, self.unopened[target])
            if target in self.refused:
                raise self.refused[target]
            if target not in self.tables:
                why = f"a foreign key leads to {target!r}, which is not a CSV table"
                raise Unsupported(f"resource {resource.name!r}: {why}.")
            if self.tables[target].broken:
                return _named(resource.name, [self.tables[target].broken])
        return None


def _tied(package: Package) -> set[str]:
    """The tables that some foreign key leaves or leads to."""
    tied = set()
    for resource in package.resources:
        for key in resource.schema.foreign_keys if isinstance(resource, TableResource) else ():
            tied |= {resource.name, key["reference"]["resource"] or resource.name}
    return tied


def _named(resource: str | None, errors: Iterable[Any]) -> list[Flaw]:
    """Errors of frictionless as findings."""
    return [
        Flaw(resource, getattr(error, "row_number", None), getattr(error, "field_name", None), error.type)
        for error in errors
    ]


def _file_flaws(resource: Resource) -> list[Flaw]:
    """A resource that is no table: frictionless looks at its hash and size alone, and so may we."""
    if type(resource).validate is not Resource.validate or resource.remote or resource.memory:
        raise Unsupported(f"resource {resource.name!r}: a resource of kind {resource.datatype!r} is not checked here.")
    report = resource.validate(limit_errors=NO_LIMIT)
    return [flaw for task in report.tasks for flaw in _named(resource.name, task.errors)]


def _refuse_unreadable(resource: TableResource) -> None:
    """Name the kind of table that is not a local CSV file."""
    if resource.memory:
        raise Unsupported(f"resource {resource.name!r}: data inside the descriptor is not checked. Use a CSV file.")
    if resource.scheme not in {"file", "multipart"}:
        raise Unsupported(f"resource {resource.name!r}: a file at {resource.scheme}: is not fetched. Use a local copy.")
    try:
        parser = system.create_parser(resource)
    except FrictionlessException:
        return  # an unknown format: opening it says so, as frictionless does
    if not isinstance(parser, CsvParser):
        raise Unsupported(f"resource {resource.name!r}: format {resource.format!r} is not checked, only csv and tsv.")


def _refuse_remote(descriptor: Path) -> None:
    """Nothing is fetched: a descriptor that leads outside the folder is refused by the name of what it asks for."""
    try:
        written = json.loads(descriptor.read_text(encoding="utf-8"))
    except ValueError:
        return  # not JSON: frictionless says so, or reads it as YAML
    if not isinstance(written, dict):
        return
    if descriptor.name != "datapackage.json" and "resources" not in written:
        raise Unsupported(f"{descriptor.name}: not a Data Package: it has no resources.")
    resources = [item for item in written.get("resources") or [] if isinstance(item, dict)]
    for place in [written, *resources]:
        profile = place.get("profile")
        if isinstance(profile, str) and (_is_remote(profile) or profile == "fiscal-data-package"):
            raise Unsupported("profile: a profile kept on the web is not fetched. Remove it, or name a standard one.")
    for place in resources:
        for name in ("path", "url", "schema", "dialect", "extrapaths"):
            values = place.get(name)
            if any(_is_remote(value) for value in (values if isinstance(values, list) else [values])):
                raise Unsupported(f"resource {place.get('name')!r}: its {name} is on the web and is not fetched.")


def _is_remote(value: object) -> bool:
    """Whether a path is an address of the web (a file: address is frictionless's to refuse)."""
    try:
        return isinstance(value, str) and helpers.is_remote_path(value) and not value.startswith("file:")
    except ValueError:
        return False


def _sums(resource: TableResource, table: Loaded) -> list[Flaw]:
    """What is declared of the whole file (hash, bytes, fields, rows) against what was read."""
    algorithm, expected = helpers.parse_resource_hash_v1(resource.hash or "")
    actual = {"md5": resource.stats.md5, "sha256": resource.stats.sha256}.get(algorithm)
    wrong = {
        "hash-count": bool(resource.hash and actual and actual != expected),
        "byte-count": bool(resource.bytes and resource.bytes != resource.stats.bytes),
        "field-count": bool(resource.fields and resource.fields != len(resource.schema.fields)),
        "row-count": bool(resource.rows and resource.rows != table.rows),
    }
    return [Flaw(resource.name, None, None, kind) for kind, is_wrong in wrong.items() if is_wrong]


def _fails(what: str, error: Exception) -> Unsupported:
    """A refusal where frictionless itself stops with an exception: there is no verdict to be equal to."""
    return Unsupported(f"{what}: frictionless itself fails on it ({type(error).__name__}). Correct it and try again.")


def _report(flaws: Iterable[Flaw]) -> dict[str, Any]:
    """The answer for `--json`, in a fixed order."""
    ordered = sorted(flaws, key=lambda it: (it.resource or "", it.row or 0, it.field or "", it.type, it.rule))
    errors = [_entry(flaw) for flaw in ordered if not flaw.stricter]
    return {
        "valid": not errors,
        "errors": errors,
        "counts": dict(sorted(Counter(str(error["type"]) for error in errors).items())),
        "stricter": [{**_entry(flaw), "rule": flaw.rule} for flaw in ordered if flaw.stricter],
    }


def _entry(flaw: Flaw) -> dict[str, object]:
    """One finding as it is told."""
    return {"resource": flaw.resource, "row": flaw.row, "field": flaw.field, "type": flaw.type}
