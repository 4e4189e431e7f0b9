"""What is done with the records of one topic: read, settle, refuse. See `scan_handler` and
`correction_handler`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from tallywire.election.election import Election
from tallywire.ledger.state import ApplyResult
from tallywire.reasons import Code, Reason
from tallywire.records import Correction, Envelope, Partition, Reading, Rejection, Source
from tallywire.worker.retry import ATTEMPTS

MESSAGE_CHARACTERS = 300

Result = TypeVar("Result", bound=Reading | Correction)


@dataclass(frozen=True, slots=True)
class IncomingRecord:
    """One Kafka record. `published_at` is its timestamp, with time zone."""

    source: Source
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    published_at: datetime

    @property
    def partition(self) -> Partition:
        """Where it stands, at `source.offset`."""
        return self.source.log


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event of the stream: its record, when it was received, and its acknowledgement."""

    record: IncomingRecord
    received_s: float  # monotonic
    ack: Callable[[], object]


class Handler(Protocol[Result]):
    """What a topic's pipeline asks for."""

    async def read(self, record: IncomingRecord) -> Result | Rejection:
        """What the record says. Where this raises, it is asked again, then `refuse`."""

    async def settle(self, result: Result | Rejection) -> ApplyResult:
        """Account for a result; what has to be published for it. Again is a no-op."""

    def refuse(self, record: IncomingRecord, error: Exception) -> Rejection:
        """The rejection of a record that our own code cannot digest."""


def refuse(
    election: Election,
    record: IncomingRecord,
    reason: Reason,
    envelope: Envelope | None = None,
    attempts: int = 1,
) -> Rejection:
    """A rejection that names as much as is known: the envelope's station, else the key's."""
    claimed = envelope.station if envelope else key_text(record)
    station = election.stations.get(claimed or "")
    # Named by the header even where the envelope was not opened: what a second worker gives up
    # on must meet, in the ledger, the record that the first one wrote.
    contest = election.contest(envelope.contest if envelope else header_text(record, "contest"))
    return Rejection(
        source=record.source,
        station=claimed,
        contest=contest.id if contest else None,
        district=station.district if station else None,
        scan_id=envelope.scan_id if envelope else None,
        published_at=record.published_at,
        reason=reason,
        attempts=attempts,
    )


def give_up(
    election: Election, record: IncomingRecord, error: Exception, what: str = "scan"
) -> Rejection:
    """The rejection of a record that our own code could not digest."""
    text = f"{type(error).__name__}: {error}"[:MESSAGE_CHARACTERS]
    message = f"The {what} could not be processed; its bytes are kept for repair."
    reason = Reason(Code.INTERNAL_ERROR, message, {"error": text})
    return refuse(election, record, reason, attempts=ATTEMPTS)


def key_text(record: IncomingRecord) -> str | None:
    """The key as text, for naming a station in a refusal; None where it is none."""
    try:
        return record.key.decode()[:80] if record.key else None
    except UnicodeDecodeError:
        return None


def header_text(record: IncomingRecord, name: str) -> str | None:
    """A header as text, the last one of that name; None where it is absent, empty or no text."""
    try:
        return dict(record.headers).get(name, b"").decode() or None
    except UnicodeDecodeError:
        return None
