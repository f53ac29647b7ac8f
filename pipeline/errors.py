"""Every way the pipeline refuses, as one tree.

PipelineError                 exit 20   a fault of ours unless a child says otherwise
├── UsageError                exit 2    the command or its arguments make no sense
│   └── Unsupported           exit 2    a file or feature we do not read: named, never passed
├── BadSource                 exit 10   a source's own file or page cannot be used
├── UnreadableValue           exit 10   a printed number that cannot be read whole
├── NotPublished              exit 10   the place of a number says that there is none
├── UnreadablePeriod          exit 10   a printed period that cannot be read whole
├── BadLedger                 exit 11   a row of the ledger or a code list cannot be read
├── ValidationRefused         exit 11   grave findings: nothing is published
├── NotPublishable            exit 12   a table did not pass the gate in protect/
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
