"""Every way the pipeline refuses, as one tree.

PipelineError                 exit 20   a fault of ours unless a child says otherwise
├── UsageError                exit 2    the command or its arguments make no sense
│   └── Unsupported           exit 2    a file or feature we do not read: named, never passed
├── BadSource                 exit 10   a source's own file or page cannot be used
│   ├── BadSourceFile                   its source.yml is refused: file, key, cure
│   ├── NotArchived                     asked of the archive, never captured
│   ├── BadArchive                      a WARC that cannot be read, or whose bytes have changed
│   ├── Unreachable                     no name, no connection, no answer
│   │   └── DeadlineMissed              the whole request took longer than its limit
│   ├── BadStatus                       an answer that is not the page (4xx, 5xx)
│   │   └── PageGone                    404 or 410
│   ├── ForbiddenByRobots               robots.txt says no
│   │   └── RobotsUnknown               robots.txt could not be read, which means no
│   ├── RetryCapped                     asked to wait longer than we ever wait
│   ├── NotExpectedContent              a page, but not the one expected (login, captcha, new design)
│   │   └── TypeMismatch                bytes of another kind than the declared type
│   ├── UnreadableDocument              a file that no reader of extract/ may trust; its code says why
│   └── AnswerRefused                   the guard let no byte of it through
│       ├── PrivateAddress, SchemeRefused, PortRefused, Downgraded, TooManyRedirects
│       └── BadProtocol, BadEncoding, TooBig, RatioExceeded, Truncated > NoEofMark
├── UnreadableValue           exit 10   a printed number that cannot be read whole
├── NotPublished              exit 10   the place of a number says that there is none
├── UnreadablePeriod          exit 10   a printed period that cannot be read whole
├── BadLedger                 exit 11   a row of the ledger or a code list cannot be read
├── ValidationRefused         exit 11   grave findings: nothing is published
├── NotPublishable            exit 12   a table did not pass the gate in protect/
│   └── BadRegister                     the private register is not as its layout says; no cell is repeated
├── StorageError              exit 13   disk full, read-only, or failing
├── Locked                    exit 14   another run holds the lock
└── DurabilityUnproven        exit 15   published, but the last fsync failed

A message has five parts: where, what was seen, what was expected, proof, next step. It never quotes a cell.
`code` is stable for scripts; `exit_code` is what the command returns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class PipelineError(Exception):
    """A refusal that names its place and its cure."""

    code = "E_BUG"
    exit_code = 20

    def __init__(self, message: str, details: Sequence[Mapping[str, object]] = ()) -> None:
        """`details` is the same refusal for a machine: one mapping per finding, without cells."""
        super().__init__(message)
        self.details = details


class UsageError(PipelineError):
    """The command line asks for something that does not exist."""

    code = "E_USAGE"
    exit_code = 2


class Unsupported(UsageError):
    """A package or file uses a feature we do not check."""

    code = "E_UNSUPPORTED"


class BadSource(PipelineError):
    """A source cannot be used; the other sources go on."""

    code = "E_SOURCE"
    exit_code = 10


class BadSourceFile(BadSource):
    """A source.yml says something that we cannot follow."""

    code = "E_SOURCE_FILE"


class NotArchived(BadSource):
    """The archive holds no capture of this address."""

    code = "E_NOT_ARCHIVED"


class BadArchive(BadSource):
    """A WARC file cannot be read, or its bytes have changed."""

    code = "E_WARC"


class Unreachable(BadSource):
    """No name, no connection, or no answer."""

    code = "E_UNREACHABLE"


class DeadlineMissed(Unreachable):
    """The whole request, headers included, took longer than its limit."""

    code = "E_DEADLINE"


class BadStatus(BadSource):
    """The server answered with a refusal or a fault of its own."""

    code = "E_STATUS"


class PageGone(BadStatus):
    """404 or 410: the page is no longer there."""

    code = "E_PAGE_GONE"


class ForbiddenByRobots(BadSource):
    """The site's robots.txt forbids this address to us."""

    code = "E_ROBOTS"


class RobotsUnknown(ForbiddenByRobots):
    """robots.txt exists but could not be read whole: that means no."""


class RetryCapped(BadSource):
    """The server asked for a longer pause than we ever make."""

    code = "E_RETRY_CAP"


class NotExpectedContent(BadSource):
    """A complete answer, but not the page that was asked for."""

    code = "E_NOT_EXPECTED_CONTENT"


class TypeMismatch(NotExpectedContent):
    """The bytes are of another kind than the declared content type."""

    code = "E_TYPE_MISMATCH"


class UnreadableDocument(BadSource):
    """A file that is refused whole. `code` is one of pipeline/extract/refusals.py; `seen` quotes nothing of it."""

    def __init__(self, code: str, where: str, seen: str, expected: str, cure: str) -> None:
        super().__init__(f"{where or 'document'}: {seen}; expected {expected}. {cure}")
        self.code, self.seen = code, seen


class AnswerRefused(BadSource):
    """The download guard stopped this request or its answer."""

    code = "E_ANSWER"


class PrivateAddress(AnswerRefused):
    """The name leads into a network that no public site lives in."""

    code = "E_PRIVATE_ADDR"


class SchemeRefused(AnswerRefused):
    """Neither http nor https."""

    code = "E_SCHEME"


class PortRefused(AnswerRefused):
    """A port other than 80 and 443."""

    code = "E_PORT"


class Downgraded(AnswerRefused):
    """A redirect from https to http."""

    code = "E_DOWNGRADE"


class TooManyRedirects(AnswerRefused):
    """More hops than allowed, or a circle."""

    code = "E_REDIRECTS"


class BadProtocol(AnswerRefused):
    """The answer breaks the rules of HTTP, or its headers are too large."""

    code = "E_PROTOCOL"


class BadEncoding(AnswerRefused):
    """A content encoding other than gzip, or gzip that cannot be read."""

    code = "E_ENCODING"


class TooBig(AnswerRefused):
    """More bytes than we take."""

    code = "E_TOO_BIG"


class RatioExceeded(AnswerRefused):
    """A small body that expands beyond reason."""

    code = "E_RATIO"


class Truncated(AnswerRefused):
    """The answer stopped before its end."""

    code = "E_TRUNCATED"


class NoEofMark(Truncated):
    """The file lacks the mark that ends files of its kind."""

    code = "E_NO_EOF_MARK"


class UnreadableValue(PipelineError):
    """A printed number that is not understood whole. `seen` is a reason, never the text."""

    code = "E_NUMBER"
    exit_code = 10

    def __init__(self, seen: str, expected: str) -> None:
        super().__init__(f"number: {seen}; expected {expected}. Read it by hand, or extend schemas/lexicon.")
        self.seen = seen
        self.expected = expected


class NotPublished(PipelineError):
    """The place of a number holds a dash or "no data". `reason` is a code of missing_reason.csv; never a zero."""

    code = "E_NOT_PUBLISHED"
    exit_code = 10

    def __init__(self, reason: str) -> None:
        super().__init__(f"number: none is printed ({reason}). Record a claim with this missing_reason, never 0.")
        self.reason = reason


class UnreadablePeriod(PipelineError):
    """A printed period that is not understood whole. `token` is the word that blocked."""

    code = "E_DATE"
    exit_code = 10

    def __init__(self, token: str, expected: str) -> None:
        super().__init__(f"period: blocked at {token!r}; expected {expected}. Give the period by hand in the claim.")
        self.token = token
        self.expected = expected


class BadLedger(PipelineError):
    """A committed file of figures or codes cannot be read as it must be."""

    code = "E_LEDGER"
    exit_code = 11


class ValidationRefused(PipelineError):
    """At least one finding is grave: what was published before still stands."""

    code = "E_VALIDATION"
    exit_code = 11


class NotPublishable(PipelineError):
    """A table holds something that must not leave."""

    code = "E_DISCLOSURE"
    exit_code = 12


class BadRegister(NotPublishable):
    """The private register cannot be read as its layout says."""

    code = "E_REGISTER"


class StorageError(PipelineError):
    """The disk refused: nothing was published."""

    code = "E_DISK"
    exit_code = 13


class Locked(PipelineError):
    """Another run is at work in the same folder."""

    code = "E_LOCKED"
    exit_code = 14


class DurabilityUnproven(PipelineError):
    """The new release is live, but the disk did not confirm it."""

    code = "E_DURABILITY"
    exit_code = 15
