"""Say how each source is, and what a maintainer should do.

From what visits met, over time: a state per source, and problems that keep one id from the first sighting until the
source is mended. One sighting is chance, two are an alarm. Knows no network and no archive; the day is an argument.

    health = {source: {state, since, visited_on, last_new, pages: {address: Page}, problems: [Problem]}}

This is what build/health.json holds: hashes, times, addresses and sentences of ours, never a word of a page.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pipeline import errors, files
from pipeline.records import Source
from pipeline.scrape import pages as faces
from pipeline.scrape.visit import Page, Sighting, Visit

Health = dict[str, Any]

SIGHTINGS_FOR_ALARM = 2
_GRACE_DAYS = 14
_CADENCE_DAYS = {"monthly": 30, "quarterly": 91, "half-yearly": 182, "yearly": 365}
_WORST_FIRST = ("unreachable", "walled", "redesigned", "broken", "removed", "edited", "silent")
_GOOD = ("ok", "unchanged")
_CURES = {  # what to do; lines that start with "python" are commands
    "unreachable": "Open {url} by hand. If it has moved, mend sources/{source}/source.yml; if it is down, wait.",
    "walled": "Open {url} in a browser, save the page as WARC, then\npython -m pipeline archive import FILE.warc.gz",
    "redesigned": "Compare {url} with its last capture {before}, then mend `discover` or `anchors` in "
    "sources/{source}/source.yml.",
    "broken": "Open {url} in a browser. If it is good there, tell us; if not, tell the publisher.",
    "removed": "The figures stand, the archived copy {before} is kept. Ask the publisher why {url} is gone, then\n"
    "python -m pipeline scrape --settle {id}",
    "edited": "Compare what {url} said and says, record what changed, then settle it:\n"
    "python -m pipeline archive show {before}\npython -m pipeline archive show {now}\n"
    "python -m pipeline propose {url} --source {source}\npython -m pipeline scrape --settle {id}",
    "silent": "Ask the publisher. If the figure is out:\npython -m pipeline propose URL --source {source}",
}


def pages(health: Mapping[str, Health]) -> dict[str, Mapping[str, Page]]:
    """Per source and address what was seen last: the `known` of visit_all."""
    return {source: entry["pages"] for source, entry in health.items()}


def judged(source: Source, visited: Visit, before: Mapping[str, Any] | None, today: date) -> Health:
    """The source's health after a visit. `before` is its health until now, None at the first visit."""
    old = before or {"pages": {}, "problems": [], "last_new": None, "first_visit": today.isoformat()}
    known: dict[str, Any] = {url: dict(page) for url, page in old["pages"].items()}
    seen: dict[str, list[tuple[Sighting, str]]] = {}
    last_new = old["last_new"]
    for sighting in visited.sightings:
        if (trouble := _trouble(sighting, known.get(sighting.url))) is not None:
            state, why = trouble
            seen.setdefault(_key(state, sighting), []).append((replace(sighting, why=why), state))
        if _is_new(sighting, known.get(sighting.url)):
            last_new = today.isoformat()
        _remember(known, sighting)
    late = overdue(source, date.fromisoformat(last_new or old["first_visit"]), today)
    if late is not None and visited.sightings and not all(one.state == "unreachable" for one in visited.sightings):
        told = f"a figure was due by {late.isoformat()}, the last new page came on {last_new or 'no day we know'}"
        seen["silent"] = [(Sighting(source.rules[0].addresses[0], "ok", told), "silent")]
    problems = _problems(source.id, old["problems"], seen, visited, today)
    for problem in problems:
        problem["cure"] = _cure(problem, known)
    state = _state(visited.sightings, [problem for problem in problems if not problem["closed_on"]])
    return {
        "state": state,
        "since": old["since"] if old.get("state") == state else today.isoformat(),
        "first_visit": old["first_visit"],
        "visited_on": today.isoformat(),
        "last_new": last_new,
        "parsed": visited.parsed,
        "pages": known,
        "problems": problems,
    }


def alarms(health: Mapping[str, Health]) -> list[dict[str, Any]]:
    """The open problems that were seen at least twice, the worst first."""
    problems = [problem for entry in health.values() for problem in entry["problems"]]
    loud = [one for one in problems if not one["closed_on"] and one["sightings"] >= SIGHTINGS_FOR_ALARM]
    return sorted(loud, key=lambda one: (_WORST_FIRST.index(one["state"]), one["id"]))


def accepted(entry: Health, problem_id: str, today: date) -> Health:
    """The health once a maintainer has dealt with a changed figure or a removed page: what stands there is the rule."""
    problems, known = [], {url: dict(page) for url, page in entry["pages"].items()}
    for problem in entry["problems"]:
        if problem["id"] == problem_id and not problem["closed_on"]:
            for url in problem["urls"]:
                if problem["state"] == "removed":
                    known.pop(url, None)
                elif "figures_now" in known.get(url, {}):
                    known[url] |= {"figures": known[url].pop("figures_now"), "baseline_sha256": known[url]["sha256"]}
            problem = problem | {"closed_on": today.isoformat(), "closed_by": "accepted"}  # noqa: PLW2901
        problems.append(problem)
    return entry | {"pages": known, "problems": problems}


def states(health: Mapping[str, Health]) -> dict[str, dict[str, Any]]:
    """Of each source its state, since when, the day of its last new page, and how many problems are open."""
    return {
        source: {key: entry[key] for key in ("state", "since", "last_new")}
        | {"problems": sum(not problem["closed_on"] for problem in entry["problems"])}
        for source, entry in sorted(health.items())
    }


def load(path: Path) -> dict[str, Health]:
    """What build/health.json holds; nothing where there is none yet, or none that can be read: sightings start anew."""
    try:
        health: dict[str, Health] = json.loads(path.read_text("utf-8"))["sources"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return health


def save(path: Path, health: Mapping[str, Health]) -> None:
    """Nothing; the file is replaced whole. Raises: StorageError."""
    try:
        content = {"alarms": [one["id"] for one in alarms(health)], "sources": health}
        files.save(path, json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
    except OSError as error:
        raise errors.StorageError(f"{path.name}: {error.strerror}. Make room or mend the rights.") from error


def overdue(source: Source, last_new: date, today: date) -> date | None:
    """The day by which a figure was due and did not come, or None.

    A page counts for a due day if it came within half a period before it, or later.
    """
    if not source.due:
        return None
    days = [date(year, month, day) for year in (today.year - 1, today.year) for month, day in source.due]
    past = [day for day in days if day + timedelta(days=_GRACE_DAYS) <= today]
    if not past:
        return None
    due = max(past)
    return due if last_new < due - timedelta(days=_CADENCE_DAYS[source.cadence] // 2) else None


def _trouble(sighting: Sighting, page: Mapping[str, Any] | None) -> tuple[str, str] | None:
    """The state that a sighting puts its source in, and why; None if all is well."""
    if sighting.state not in _GOOD:
        return sighting.state, sighting.why
    if page is None or sighting.entry:
        return None
    now = sighting.figures if sighting.figures is not None else page.get("figures_now", page["figures"])
    changed = faces.changed_figures(page["figures"], now)
    return ("edited", f"{changed} of its figures stand there with another number") if changed else None


def _key(state: str, sighting: Sighting) -> str:
    """What makes two sightings the same problem: one per source, but each lost, edited or faulty page on its own."""
    if state in ("removed", "edited"):
        return f"{state} {sighting.url}"
    return f"{state} {sighting.code}" if state == "broken" else state


def _is_new(sighting: Sighting, page: Mapping[str, Any] | None) -> bool:
    """Whether the publisher said something: a page not seen before, or figures not seen on it."""
    if sighting.entry or sighting.state != "ok":
        return False
    return page is None or bool(sighting.figures and set(sighting.figures) - set(page["figures"]))


def _remember(known: dict[str, Any], sighting: Sighting) -> None:
    """Keeps what the address showed. The figures first seen stay the measure until a change is accepted."""
    capture = sighting.capture
    if capture is None or not capture.sha256 or sighting.state in ("unreachable", "removed"):
        return
    page = known.setdefault(sighting.url, {"figures": {}})
    page |= {"sha256": capture.sha256, "at": capture.at, "state": sighting.state, "why": sighting.why}
    page["code"] = sighting.code
    if sighting.state not in _GOOD:
        return
    page |= {"good_sha256": capture.sha256, "good_at": capture.at}
    if sighting.figures is None:
        return
    if faces.changed_figures(page["figures"], sighting.figures):
        page["figures_now"] = dict(sighting.figures)
    else:
        page.pop("figures_now", None)
        page["figures"] = {**page["figures"], **sighting.figures}
        page["baseline_sha256"] = capture.sha256


def _problems(
    source: str,
    old: Sequence[Mapping[str, Any]],
    seen: Mapping[str, Sequence[tuple[Sighting, str]]],
    visited: Visit,
    today: date,
) -> list[dict[str, Any]]:
    """The problems after a visit: old ones seen again, closed or left open, and new ones."""
    good = {one.url: one for one in visited.sightings if one.state in _GOOD}
    reached = any(one.state != "unreachable" for one in visited.sightings)
    problems, left = [], dict(seen)
    for problem in map(dict, old):
        if not problem["closed_on"]:
            again = left.pop(problem["key"], None)
            if again:
                problem |= {"sightings": problem["sightings"] + 1, "last_seen": today.isoformat(), **_evidence(again)}
            elif reached and (problem["state"] == "silent" or any(url in good for url in problem["urls"])):
                healed = next((good[url].capture for url in problem["urls"] if url in good), None)
                proof = f"{healed.sha256} at {healed.at}" if healed else "a new page"
                problem |= {"closed_on": today.isoformat(), "closed_by": proof}
        problems.append(problem)
    for key, sightings in left.items():
        state, number = sightings[0][1], hashlib.sha256(f"{source} {key} {today}".encode()).hexdigest()[:6]
        problem = {"id": f"{source}-{state}-{today:%Y%m%d}-{number}", "key": key, "source": source, "state": state}
        days = {"first_seen": today.isoformat(), "last_seen": today.isoformat(), "sightings": 1}
        problems.append(problem | days | {"closed_on": "", "closed_by": "", **_evidence(sightings)})
    return problems


def _evidence(sightings: Iterable[tuple[Sighting, str]]) -> dict[str, Any]:
    several = [sighting for sighting, _ in sightings]
    first = several[0]
    return {
        "urls": sorted({sighting.url for sighting in several})[:20],
        "why": first.why,
        "code": first.code,
        "capture_sha256": first.capture.sha256 if first.capture else "",
        "at": first.capture.at if first.capture else "",
    }


def _cure(problem: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    """What a maintainer should do, with the captures to compare."""
    page = known.get(problem["urls"][0], {})
    before = page.get("baseline_sha256" if problem["state"] == "edited" else "good_sha256", "")
    return _CURES[problem["state"]].format(
        url=problem["urls"][0],
        source=problem["source"],
        id=problem["id"],
        before=before[:12],
        now=page.get("sha256", "")[:12],
    )


def _state(sightings: Sequence[Sighting], problems: Sequence[Mapping[str, Any]]) -> str:
    """The worst open problem; else whether anything was new."""
    found = {problem["state"] for problem in problems}
    for state in _WORST_FIRST:
        if state in found and state != "edited":
            return state
    return "ok" if any(one.state == "ok" and not one.entry for one in sightings) else "unchanged"
