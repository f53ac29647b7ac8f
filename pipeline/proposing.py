"""Conduct the maintainer's loop: a document's numbers as proposals, and reviewed proposals into the ledger.

Calls the readers of documents and of prose, the catalogue and the ledger; writes build/review.csv, and on accept the
files of one source. What a sentence means is extract/'s business, what may stand in the ledger validate/'s.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from pipeline import archive, catalog, errors, extract, files, tajik
from pipeline.extract import cells, people, prose, templates
from pipeline.extract.figures import Number
from pipeline.records import Block, Document, Source

REVIEW_COLUMNS: Final = (
    "accept", "decision", "reason", "sentence", "printed", "value", "qualifier", "unit", "indicator", "area",
    "period_start", "period_end", "period_type", "period_words", "period_assumed", "breakdown", "originator",
    "language", "source", "document_id", "title", "url", "locator", "said_on", "capture_sha256", "sentence_id",
    "publisher", "printed_at",
)  # fmt: skip
DECISION_COLUMNS: Final = ("sentence_id", "printed", "decision", "claim_id", "locator", "decided_on")
_TAJIK_WORDS: Final = re.compile(r"\b(?:дар|ва|ки|аз|соли|оид|шуд|аст)\b", re.IGNORECASE)
_RUSSIAN_WORDS: Final = re.compile(r"\b(?:и|в|на|из|года|году|по|что|не)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What became of the numbers of one document: `text` is masked, letter for letter in the document's places.

    `known` maps a number's start to the decision taken on its sentence before; `gone` are decisions whose sentence
    no longer stands in the document; `alarms` the starts of numbers that the source's scope does not allow to leave.
    """

    text: str
    numbers: tuple[Number, ...]
    languages: tuple[str, ...]
    locators: tuple[str, ...]
    known: Mapping[int, Mapping[str, str]]
    gone: tuple[Mapping[str, str], ...]
    alarms: tuple[int, ...]
    source: Source | None = None
    document_id: str = ""
    title: str = ""
    origin: str = ""
    capture: str = ""
    said_on: str = ""


def propose(
    home: Path,
    target: str,
    *,
    source_id: str = "",
    url: str = "",
    said_on: str = "",
    language: str = "",
    write: bool = True,
) -> Proposal:
    """Every number of a file, or of an archived address: proposed, ignored or refused; build/review.csv holds them.

    `url`: where the file was published, for one that was saved by hand.

    Raises: UsageError for a source, a day or a language that does not exist; NotArchived; the refusals of extract/.
    """
    said = day(said_on)
    if language not in ("", "ru", "tg", "en"):
        raise errors.UsageError(f"propose: --language is {language!r}, expected ru, tg or en.")
    source = catalog.source(_source_file(home, source_id)) if source_id else None
    units = _units(home, source) if source and source.sentences else {}
    document, capture = _document(home, target)
    numbers, masked, languages, locators = [], list(document.text), [], []
    known_sentences = source.sentences if source else ()
    for pieces in _blocks(document):
        start, end = pieces[0].start, pieces[-1].start + len(pieces[-1].text)
        own = language or spoken(document.text[start:end], (source.languages if source else ()))
        masked[start:end] = people.masked(document.text[start:end], own)
        if pieces[0].table >= 0:
            found = cells.numbers(document, pieces[0].table, own, said, known_sentences)
        else:
            found = prose.numbers(document.text, own, said, (start, end))
            found = templates.applied(document.text, (start, end), found, known_sentences, language=own, said=said)
        found = [replace(n, unit=n.unit or units.get(n.indicator, "")) for n in found]
        numbers += found
        languages += [own] * len(found)
        locators += [next(one.at for one in reversed(pieces) if one.start <= n.start) for n in found]
    text = "".join(masked)
    decided = _decisions(home, source_id)
    known = {n.start: decided[key] for n in numbers if (key := (sentence_id(text, n), _shown(text, n))) in decided}
    seen = {(row["sentence_id"], row["printed"]) for row in known.values()}
    told = Proposal(
        text, tuple(numbers), tuple(languages), tuple(locators), known,
        tuple(row for key, row in decided.items() if key not in seen),
        tuple(n.start for n in numbers if n.decision == "refused" and source and _in_scope(text, n, source)),
        source, _document_id(home, source_id, url or target, said_on), _title(text), url or target, capture, said_on,
    )  # fmt: skip
    if write:
        files.save(home / "build" / "review.csv", files.table(REVIEW_COLUMNS, rows(told)))
    return told


def answer(told: Proposal) -> dict[str, Any]:
    """The proposal for a machine: one object per number of the text, in order."""
    return {
        "numbers": [
            {
                "printed": _shown(told.text, n), "value": n.value, "qualifier": n.qualifier or None,
                "unit": n.unit or None, "indicator": n.indicator or None,
                "period_start": n.period.start.isoformat() if n.period else None,
                "period_end": n.period.end.isoformat() if n.period else None,
                "area": n.area or None, "breakdown": n.breakdown, "decision": n.decision, "reason": n.reason,
                "start": n.start, "end": n.end, "heading": n.heading or None, "originator": n.originator or None,
                "decided_before": told.known.get(n.start, {}).get("decision"),
                "moved_from": moved if (moved := told.known.get(n.start, {}).get("locator")) != at else None,
            }
            for n, at in zip(told.numbers, told.locators, strict=True)
        ],
        "gone": list(told.gone),
        "alarms": list(told.alarms),
    }  # fmt: skip


def rows(told: Proposal) -> list[dict[str, str]]:
    """The numbers of a proposal in order, as lines of review.csv."""
    return [_row(told, at) for at in range(len(told.numbers))]


def sentence_id(text: str, number: Number) -> str:
    """The key of a decision: a hash of the sentence as a reader sees it, whatever its spaces, dashes and quotes."""
    said = number.heading or text[slice(*number.sentence)]
    return hashlib.sha256(templates.plain(said).encode()).hexdigest()[:16]


def spoken(text: str, allowed: Sequence[str] = ()) -> str:
    """The language of one block: told from its letters and its commonest words."""
    if not re.search("[\u0400-\u04ff]", text):
        return "en"
    if allowed and len(both := [one for one in allowed if one in ("ru", "tg")]) == 1:
        return both[0]
    if tajik.unicode_text(text).writings or len(_TAJIK_WORDS.findall(text)) > len(_RUSSIAN_WORDS.findall(text)):
        return "tg"
    return "ru"


def _in_scope(text: str, number: Number, source: Source) -> bool:
    """Whether the sentence holds a word of the source's scope."""
    sentence = text[slice(*number.sentence)].casefold()
    return any(word in sentence for word in source.scope)


def _blocks(document: Document) -> Iterator[list[Block]]:
    """The blocks to read together: one of running text, or all of one table; a plain text is one block."""
    blocks = [Block(document.text, "text", 0)] if document.kind == "text" else document.blocks
    for table, several in groupby(blocks, lambda one: one.table):
        together = list(several)
        yield from [together] if table >= 0 else ([one] for one in together)


def _document(home: Path, target: str) -> tuple[Document, str]:
    """The document and the sha256 of its archived bytes, or "" for a file."""
    if not re.match("https?://", target):
        return extract.read_file(Path(target)), ""
    with archive.Archive(home / "archive") as store:
        capture = store.last(target, answered=True)
        if capture is None:
            raise errors.NotArchived(
                f"propose: {target} was never archived. Visit it first (python -m pipeline scrape), or give a file."
            )
        return extract.read(store.body(capture.sha256), target, capture.content_type), capture.sha256


def day(text: str) -> date | None:
    """The day of the document. Raises: UsageError for anything but YYYY-MM-DD."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise errors.UsageError("a day is not written as YYYY-MM-DD, such as 2026-11-24.") from None


def _source_file(home: Path, source_id: str) -> Path:
    path = home / "sources" / source_id / "source.yml"
    if not path.exists():
        raise errors.UsageError(f"no sources/{source_id}/source.yml. Make one: python -m pipeline source new")
    return path


def _units(home: Path, source: Source) -> dict[str, str]:
    """The unit of each indicator. Raises: BadSourceFile where a template names one that does not exist."""
    units = {row["indicator"]: row["unit"] for row in files.rows(home / "schemas" / "codes" / "indicators.csv")}
    for template in source.sentences:
        for name, _ in templates.places(template):
            if name not in units and name not in templates.WORDS:
                raise errors.BadSourceFile(
                    f"sources/{source.id}/source.yml: sentences: names {name!r}, which is no indicator; "
                    "use a code of schemas/codes/indicators.csv."
                )
    return units


def _decisions(home: Path, source_id: str) -> dict[tuple[str, str], dict[str, str]]:
    """What was decided on sentences of this source: (sentence, printed number) → the newest row."""
    decided = files.rows(home / "sources" / source_id / "decisions.csv")
    return {(row["sentence_id"], row["printed"]): row for row in decided}


def _document_id(home: Path, source_id: str, target: str, said_on: str) -> str:
    """The id under which the source's documents.csv has this address, or a new one."""
    for row in files.rows(home / "sources" / source_id / "documents.csv"):
        if row["url"] == target:
            return row["document_id"]
    return f"{source_id}-{said_on.replace('-', '') or 'undated'}-{hashlib.sha256(target.encode()).hexdigest()[:4]}"


def _title(text: str) -> str:
    """The first line with words, which is mostly the title."""
    return next((line.strip()[:120] for line in text.splitlines() if line.strip()), "")


def _shown(text: str, number: Number) -> str:
    """The number as printed, masked if it points at a person."""
    return text[number.start : number.end]


def _row(told: Proposal, at: int) -> dict[str, str]:
    """One number as a line of review.csv."""
    n = told.numbers[at]
    before = told.known.get(n.start, {})
    publisher = told.source.publisher if told.source else ""
    cells = dict.fromkeys(REVIEW_COLUMNS, "") | {
        "accept": "done" if before else "", "decision": n.decision, "reason": n.reason,
        "sentence": n.heading or " ".join(told.text[slice(*n.sentence)].split()), "printed": _shown(told.text, n),
        "value": "" if n.value is None else str(n.value), "qualifier": n.qualifier, "unit": n.unit,
        "indicator": n.indicator, "area": n.area, "language": told.languages[at],
        "originator": n.originator or (publisher if n.indicator else ""),
        "breakdown": ";".join(f"{column}={code}" for column, code in n.breakdown.items()),
        "source": told.source.id if told.source else "", "publisher": publisher,
        "document_id": told.document_id, "title": told.title, "locator": told.locators[at], "said_on": told.said_on,
        "printed_at": str(1 + sum(m.sentence == n.sentence for m in told.numbers[:at])),
        "url": told.origin if told.origin.startswith("http") else "", "capture_sha256": told.capture,
        "sentence_id": sentence_id(told.text, n),
    }  # fmt: skip
    if n.period:
        cells |= {
            "period_start": n.period.start.isoformat(), "period_end": n.period.end.isoformat(),
            "period_type": n.period.type, "period_assumed": str(n.period.assumed).lower(),
        }  # fmt: skip
    return cells
