"""The second voice: what a schema cannot say, as great-expectations suites in schemas/expectations/.

A file bears the name of a table or of a derived frame (frames.py) and holds plain GX JSON, written by hand; its
`meta` gives the rule's name, the sentence of its breach, why it is expected, the cure, and the exceptions that
somebody has looked at. Importing this room costs seconds (GX): only a run that validates may do it. GX's own pages
are never made: they print cells and load from other people's hosts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pipeline.errors import BadLedger
from pipeline.records import Finding, Severity, Table
from pipeline.validate import frames
from pipeline.validate.later import later

with later("altair", "scipy.stats"):  # 40 % of its loading, for a distance of distributions and its drawing alone
    import great_expectations
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )
    from great_expectations.exceptions.exceptions import GreatExpectationsError
    from great_expectations.expectations.registry import list_registered_expectation_implementations

Written = dict[str, Any]
SHOWN: Final = 20  # rows named per rule; the rest are counted
KIND: Final = re.compile(r"^[\w.]*?(\w+(?:Error|Exception))\b", re.MULTILINE)  # in a traceback
WORDS: Final = ("rule", "sentence", "notes", "cure")
KEYS: Final = frozenset({"type", "kwargs", "meta", "severity"})
SEVERITIES: Final[Mapping[str, Severity]] = {"critical": "grave", "warning": "notice", "info": "notice"}


def expectations(tables: Sequence[Table], folder: Path) -> tuple[list[Finding], int]:
    """What the suites of `folder` find in the tables, and how many expectations were met.

    Shape: at most 20 rows per rule, then one finding that counts the rest. A check that crashed, a check that looked
    at no row and an exception no longer needed are findings of their own: none of them says the data are good.
    Raises: BadLedger for a suite that cannot be run to the letter (unknown type, argument, table; nothing to run).
    """
    written = _written(folder)
    shown = frames.frames(tables)
    context = _context()
    findings: list[Finding] = []
    met = 0
    for name, suite in written.items():
        if name not in shown:
            raise BadLedger(_refusal(name, "no table has this name", "the name of a resource or derived frame"))
        for expectation, result in _results(context, name, suite, shown[name]):
            broken = list(_findings(name, expectation, result, shown[name]))
            met += not broken
            findings += broken
    return findings, met


def _written(folder: Path) -> dict[str, list[Written]]:
    """The expectations of every file by table, each with the words a finding needs."""
    suites = {}
    for path in sorted(folder.glob("*.json")):
        try:
            suite = json.loads(path.read_text(encoding="utf-8"))
            held, called = list(suite["expectations"]), suite["name"]
        except (ValueError, KeyError, TypeError) as error:
            seen = f"not a suite ({type(error).__name__})"
            raise BadLedger(_refusal(path.stem, seen, '{"name", "meta", "expectations": […]}')) from error
        if called != path.stem or not held:
            raise BadLedger(_refusal(path.stem, "another name, or no expectation", "the file's own name, and one"))
        for expectation in held:
            _refuse_unclear(path.stem, expectation)
        rules = [expectation["meta"]["rule"] for expectation in held]
        if len(set(rules)) < len(rules):
            raise BadLedger(_refusal(path.stem, "two expectations under one rule", "a name for each"))
        suites[path.stem] = held
    if not suites:
        raise BadLedger("schemas/expectations: no suite, expected at least one. Restore the folder from git.")
    return suites


def _refuse_unclear(name: str, expectation: Written) -> None:
    """Refuse what GX would drop without a word, and what leaves a finding without words."""
    kind = expectation.get("type")
    if kind not in list_registered_expectation_implementations():
        raise BadLedger(_refusal(name, f"the expectation type {kind!r}", "one that great-expectations knows"))
    meta = expectation.get("meta", {})
    lacking = [word for word in WORDS if not isinstance(meta.get(word), str) or not meta[word]]
    if lacking:
        raise BadLedger(_refusal(name, f"a {kind} without {', '.join(lacking)}", f"meta with {', '.join(WORDS)}"))
    if not all(isinstance(reason, str) and reason for reason in meta.get("except", {}).values()):
        raise BadLedger(_refusal(name, f"{meta['rule']} with an exception without a reason", "a reason for each row"))
    unknown = sorted((expectation.keys() - KEYS) | (meta.keys() - {*WORDS, "except"}))
    if unknown or expectation.get("severity", "critical") not in SEVERITIES:
        seen = f"{meta['rule']} with {', '.join(unknown) or 'an unknown severity'}"
        raise BadLedger(_refusal(name, seen, f"{', '.join(sorted(KEYS))}; severity one of {', '.join(SEVERITIES)}"))


def _refusal(name: str, seen: str, expected: str) -> str:
    return f"schemas/expectations/{name}.json: {seen}, expected {expected}. Mend the file, then: make check."


def _context() -> EphemeralDataContext:
    """A GX that keeps nothing, builds no pages and draws no bars."""
    stores = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    context = great_expectations.get_context(
        mode="ephemeral", project_config=DataContextConfig(store_backend_defaults=stores)
    )
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def _results(
    context: EphemeralDataContext, name: str, written: Sequence[Written], frame: frames.Frame
) -> list[tuple[Written, dict[str, Any]]]:
    """Each expectation as written, with GX's answer: as many as the file holds, or a refusal."""
    try:
        suite = great_expectations.ExpectationSuite(name=name, expectations=list(written))
    except (ValueError, TypeError, GreatExpectationsError) as error:
        raise BadLedger(
            _refusal(name, f"an argument GX refuses ({' '.join(str(error).split())})", "its documented arguments")
        ) from error
    asset = context.data_sources.add_pandas(name).add_dataframe_asset(name)
    named = _words(written) | {*frame.keys, *frame.told}
    rows = frame.rows.select(column for column in frame.rows.columns if column in named)  # each filter copies them all
    pandas_rows = rows.to_pandas(use_pyarrow_extension_array=True)
    batch = asset.add_batch_definition_whole_dataframe(name).get_batch({"dataframe": pandas_rows})
    answer = batch.validate(
        suite,
        result_format={
            "result_format": "COMPLETE",
            "unexpected_index_column_names": [*frame.keys, *frame.told],
            "return_unexpected_index_query": False,
        },
    )
    told: list[dict[str, Any]] = [result.to_json_dict() for result in answer.results]
    by_rule = {one["expectation_config"]["meta"]["rule"]: one for one in told}
    if len(suite.expectations) != len(written) or len(told) != len(written) or len(by_rule) != len(written):
        seen = f"{len(by_rule)} of {len(written)} expectations answered"
        raise BadLedger(_refusal(name, seen, "all of them"))
    return [(expectation, by_rule[expectation["meta"]["rule"]]) for expectation in written]


def _words(written: object) -> set[str]:
    """Every text inside, column names among them."""
    if isinstance(written, str):
        return {written}
    if isinstance(written, dict):
        written = list(written.values())
    return set().union(*map(_words, written)) if isinstance(written, list) else set()


def _findings(name: str, written: Written, result: Mapping[str, Any], frame: frames.Frame) -> Iterator[Finding]:
    """The breaches of one expectation that nobody has declared, or why it proves nothing."""
    meta, outcome = written["meta"], result["result"]
    file = f"schemas/expectations/{name}.json"
    crashes = _crashes(result["exception_info"])
    if crashes:
        sentence = f"the check {meta['rule']} crashed ({', '.join(crashes)}): the data are neither good nor bad"
        yield Finding("check-crashed", "grave", name, "", sentence, f"mend the columns it names in {file}")
        return
    if "element_count" in outcome and outcome["element_count"] == outcome.get("missing_count", 0):
        sentence = f"the check {meta['rule']} looked at no row, so it proves nothing"
        cure = f"mend its row_condition in {file}, or restore the rows it guards"
        yield Finding("check-idle", "grave", name, "", sentence, cure)
        return
    excused: Mapping[str, str] = meta.get("except", {})
    unexpected = () if result["success"] else outcome.get("unexpected_index_list") or ()
    breaches = {_key(row, frame): row["topic"] if "topic" in frame.told else name for row in unexpected}
    for stale in sorted(excused.keys() - breaches.keys()):
        sentence = f"{meta['rule']} excuses a row that no longer breaks it"
        yield Finding("exception-stale", "grave", name, stale, sentence, f"take the row out of `except` in {file}")
    if not result["success"]:
        yield from _breaches(name, written, outcome, {key: breaches[key] for key in sorted(breaches.keys() - excused)})


def _breaches(name: str, written: Written, outcome: Mapping[str, Any], rows: Mapping[str, str]) -> Iterator[Finding]:
    """One finding per row (its key and table), or one for the whole table where the rule is not about rows."""
    meta, kwargs = written["meta"], written["kwargs"]
    severity = SEVERITIES[written.get("severity", "critical")]
    column = kwargs.get("column") or kwargs.get("column_A") or ""
    sentence = f"{meta['sentence']} ({meta['notes']})"
    if "unexpected_index_list" not in outcome:
        lost = [str(value) for value in kwargs.get("value_set", ()) if value in outcome.get("partial_missing_list", ())]
        sentence = f"{sentence}; missing: {', '.join(lost)}" if lost else sentence
        yield Finding(meta["rule"], severity, name, "", sentence, meta["cure"], column)
    for key, table in list(rows.items())[:SHOWN]:
        claim, _, against = key.partition(" / ")
        said = f"{sentence}; compared with {against}" if against else sentence
        yield Finding(meta["rule"], severity, table, claim, said, meta["cure"], column)
    if len(rows) > SHOWN:
        more = f"{len(rows) - SHOWN} more rows break this rule: {meta['sentence']}"
        yield Finding(meta["rule"], severity, name, "", more, meta["cure"], column)


def _key(row: Mapping[str, Any], frame: frames.Frame) -> str:
    """The row's key; in a frame of pairs "claim / the other claim"."""
    parts = [*frame.keys, "against"] if "against" in frame.told else frame.keys
    return " / ".join(str(row[part]) for part in parts)


def _crashes(told: Mapping[str, Any]) -> list[str]:
    """The kinds of exceptions behind an answer: kinds only, their messages may quote cells."""
    each = [told] if "raised_exception" in told else list(told.values())
    traces = [str(one["exception_traceback"]) for one in each if one["raised_exception"]]
    return sorted({(KIND.findall(trace) or ["exception"])[-1] for trace in traces})
