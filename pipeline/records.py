"""The nouns. Frozen, and without input or output.

What a stage hands on is one of these; what a noun means is said here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    import polars

Severity = Literal["grave", "notice"]
WITHHOLD: Final = frozenset({"suppression", "redaction"})  # causes that hide a figure in every version
Row = dict[str, str]
DATABASE_SHAPE: Final = 2  # of statistics.db: raised when the pages need what older releases do not hold
DocumentKind = Literal["html", "pdf", "docx", "sheet", "text"]
# The columns that break a claim down, in the ledger's order; _T where it is not broken down.
BREAKDOWNS: Final = (
    "alleged_body", "receiving_body", "sex", "age_group", "facility_type", "criminal_article", "stage", "outcome",
    "form", "relation", "cause", "detention_status", "case_registered", "profession", "mechanism", "citizenship",
    "law_status", "release_type",
)  # fmt: skip


def version(row: Row) -> int:
    """The version of a claim's row; 0 where the cell is no number, which validation refuses."""
    text = row["version"]
    return int(text) if text.isascii() and text.isdecimal() else 0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows and the Table Schema that describes them, not yet cleared for publication.

    Shape: every column of `rows` is text exactly as it will be printed in the CSV, null for an empty cell;
    the columns are the schema's fields, in the schema's order; rows are sorted by the primary key.
    """

    name: str
    schema: Mapping[str, Any]
    rows: polars.DataFrame


@dataclass(frozen=True, slots=True)
class PublicTable:
    """A Table that passed `protect`. Only that room makes one, and `publish` takes nothing else."""

    table: Table

    @property
    def name(self) -> str:
        """The resource name."""
        return self.table.name


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at: which rule, where, and what to do. Never holds a cell.

    `table` is the resource; `row` is the row's key (claim_id where there is one) or "" for the whole table;
    `place` is the ledger file and line when known, as "sources/x/claims.csv:12".
    """

    check: str
    severity: Severity
    table: str
    row: str
    sentence: str
    cure: str
    field: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """Printed text and its place: one cell of a table, with the headings above and left of it."""

    text: str
    at: str
    column: tuple[str, ...] = ()
    row: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PrintedTable:
    """A table as it stands in a document: a spanned cell's text is repeated in each place it covers.

    Shape: every row has the same number of cells, "" where the page prints none; the first `header` rows are
    headings; `at` finds the table again; `page` is None where a document has no pages; `engine` is what read it.
    """

    rows: tuple[tuple[str, ...], ...]
    at: str
    page: int | None
    engine: str
    header: int = 0

    def cells(self) -> list[Cell]:
        """The cells below the headings, each with its column's headings and the words that open its row."""
        above = [tuple(dict.fromkeys(row[place] for row in self.rows[: self.header] if row[place]))
                 for place in range(len(self.rows[0]) if self.rows else 0)]  # fmt: skip
        found = []
        for line, row in enumerate(self.rows[self.header :], self.header + 1):
            words = [place for place, text in enumerate(row) if text and not any(map(str.isdigit, text))]
            for place, text in enumerate(row):
                left = tuple(dict.fromkeys(row[near] for near in words if near < place))
                found.append(Cell(text, f"{self.at} r{line} c{place + 1}", above[place], left))
        return found


@dataclass(frozen=True, slots=True)
class Block:
    r"""One paragraph, heading, list entry or table cell: `text` stands at `start` in the document's text.

    `table` is the number of the table in `Document.tables` whose cell this is, -1 for running text. A line break
    inside a block is "\n"; no-break and thin spaces stand as printed; raised text follows a "^".
    """

    text: str
    at: str
    start: int
    table: int = -1


@dataclass(frozen=True, slots=True)
class Document:
    """What a file prints, in reading order.

    Shape: `text` is the whole text, for a text file exactly its characters; each block is a piece of it; a spanned
    cell stands there once. `findings` say what was left out or not read (W_HIDDEN, E_UNRULED, …).
    """

    kind: DocumentKind
    text: str
    blocks: tuple[Block, ...]
    tables: tuple[PrintedTable, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """A complete published state: its content-addressed id and what it holds."""

    id: str
    tables: Mapping[str, int] = field(default_factory=dict)
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Correction:
    """Why a claim has a new version: a declared change, one per version after the first.

    `cause` is a code of revision_cause.csv; `expect` what the version before must still say, column by column, so
    that the declaration fails once what it corrects is no longer there; `reported_to` whom we told, or "".
    """

    claim: str
    version: int
    cause: str
    reason: str
    reported_to: str = ""
    expect: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the committed files hold.

    Shape: rows are dicts of text, "" for an empty cell; `sources` maps a source id to its numbers of claims,
    milestones and documents; `places` maps a key (claim_id, milestone_id, document_id) to "file:line"; `corrections`
    hold claim, version, cause and reason, with expect and reported_to where given; `evidence` holds what the archive
    says of claims, the newest last, and each claim bears what its last row says.
    """

    claims: tuple[Row, ...]
    milestones: tuple[Row, ...]
    documents: tuple[Row, ...]
    codes: dict[str, tuple[Row, ...]]
    sources: dict[str, dict[str, int]]
    places: dict[str, str]
    findings: tuple[Finding, ...]
    corrections: tuple[Correction, ...] = ()
    evidence: tuple[Row, ...] = ()

    def held(self, day: str = "9999-12-31") -> list[Row]:
        """The claims that stood at the end of `day`: of each, its highest version recorded by then, if not withdrawn.

        Shape: in the ledger's order; without a day, what stands now. This is the one rule of what is current: no row
        is ever edited, a later version takes the place of the earlier ones.
        """
        newest: dict[str, Row] = {}
        for row in self.claims:
            key = row["claim_id"]
            if row["recorded_on"] <= day and (key not in newest or version(newest[key]) < version(row)):
                newest[key] = row
        return [row for row in self.claims if newest.get(row["claim_id"]) is row and row["status"] != "withdrawn"]

    def newest_recorded_on(self) -> str:
        """The latest recorded_on of all rows, as an ISO date: the clock of every judgement and stamp."""
        return max((row["recorded_on"] for row in (*self.claims, *self.milestones)), default="")


@dataclass(frozen=True, slots=True)
class Rule:
    """Where pages of a source are found.

    `pages` kind: the addresses are the pages themselves. Other kinds: the addresses are read for links, of which
    those whose address matches `links` (a regular expression, "" for all) count.
    """

    kind: Literal["pages", "listing", "sitemap", "feed"]
    addresses: tuple[str, ...]
    links: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Where we look and what we expect: one sources/<id>/source.yml.

    `keywords`: a new page matters if its title or address holds one of these (lower case, stems); none: every page
    matters. `anchors`: words that stand on every page of this design; without them it is another page.
    `scope`: a sentence that holds one of these may leave no number unread; `sentences`: templates.py.
    `due`: (month, day) when the next figure is expected, () when nobody owes one.
    """

    id: str
    title: Mapping[str, str]
    publisher: str
    languages: tuple[str, ...]
    licence: str
    republish: Literal["figures", "text", "nothing"]
    rules: tuple[Rule, ...]
    cadence: Literal["monthly", "quarterly", "half-yearly", "yearly", "irregular", "fixed"]
    sensitivity: Literal["names", "figures", "law"]
    keywords: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()
    due: tuple[tuple[int, int], ...] = ()
    gap_s: float = 10.0
    most_pages: int = 20
    scope: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Capture:
    """One archived answer, or one archived failure to get one.

    `kind` is response (bytes of its own), revisit (the same bytes as an earlier response) or failure (`code` says
    which). `sha256` is of the decoded body, "" for a failure. `at` is UTC to the second. Of all this only the sha256,
    the time and the address are ever published.
    """

    url: str
    at: str
    kind: Literal["response", "revisit", "failure"]
    status: int = 0
    sha256: str = ""
    content_type: str = ""
    code: str = ""
    note: str = ""
    method: str = "GET"
    run: str = ""
