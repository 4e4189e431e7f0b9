"""Refused scans from their topic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tallywire.edge.kafka import TopicRecord, read_topic
from tallywire.errors import PeerError
from tallywire.reasons import Code
from tallywire.records import Reading, Rejection, Source
from tallywire.settings import Settings
from tallywire.wire import GENERATION_HEADER, WireError, decode

ORIGINAL, OMITTED = "original-", "value-omitted"
FIRST = "g1"

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class RejectionFilter:
    """Which refusals are meant; None means any."""

    reason: Code | None = None
    station: str | None = None
    generation: str | None = None


@dataclass(frozen=True, slots=True)
class RefusedScan:
    """One refused scan. `headers` are the ones that it came with; `value` is None where its bytes
    are only on the topic it came from."""

    rejection: Rejection
    generation: str
    at: datetime  # of the refusal, with time zone
    key: bytes | None
    headers: Headers
    value: bytes | None

    @property
    def station(self) -> str:
        """The station that the scan claimed, as text."""
        return self.rejection.station or (self.key or b"").decode(errors="replace")


def read_refused(settings: Settings, choice: RejectionFilter) -> Iterator[RefusedScan]:
    """Every refused scan of the choice, each once, however often it was told.

    Refused corrections are left out: they are no scans.

    Raises:
        PeerError: the broker is away.
    """
    topics, seen = settings.topics, set[tuple[str, Source]]()
    for record in read_topic(settings.kafka, topics.rejected):
        found = _open(record)
        if found is None or found.rejection.source.topic != topics.scans:
            continue
        told = (found.generation, found.rejection.source)
        if told not in seen and _is_meant(found, choice):
            seen.add(told)
            yield found


def bytes_of(settings: Settings, refused: RefusedScan) -> bytes:
    """The scan's bytes: as refused, or from where it was published.

    Raises:
        PeerError: the broker is away, or no longer has the record.
    """
    if refused.value is not None:
        return refused.value
    at = refused.rejection.source
    for record in read_topic(settings.kafka, at.topic, starts={at.partition: at.offset}):
        if record.offset == at.offset:
            return record.value
        break
    raise PeerError(f"{at}: the broker no longer has this record")


def scans_read(settings: Settings, generation: str) -> set[tuple[str, str]]:
    """Station and scan id of everything that was read in that generation.

    Raises:
        PeerError: the broker is away.
    """
    found = set()
    for record in read_topic(settings.kafka, settings.topics.readings):
        try:
            reading = decode(Reading, record.value)
        except WireError:
            continue
        if generation_in(record.headers) == generation:
            found.add((reading.station, reading.scan_id))
    return found


def generation_in(headers: Headers) -> str:
    """The generation whose ledger took it."""
    return dict(headers).get(GENERATION_HEADER, b"").decode(errors="replace") or FIRST


def _open(record: TopicRecord) -> RefusedScan | None:
    """None for a record that no worker of ours wrote."""
    headers = dict(record.headers)
    try:
        rejection = decode(Rejection, headers.get("rejection"))
    except WireError:
        return None
    names = [name for name, _ in record.headers]
    # Ours come first, the scan's own behind them: a header of the scan may have any name.
    own = record.headers[names.index("rejection") + 1 :]
    return RefusedScan(
        rejection=rejection,
        generation=generation_in(record.headers),
        at=record.timestamp,
        key=record.key,
        headers=tuple(
            (name.removeprefix(ORIGINAL), value) for name, value in own if name.startswith(ORIGINAL)
        ),
        value=None if OMITTED in [name for name, _ in own] else record.value,
    )


def _is_meant(refused: RefusedScan, choice: RejectionFilter) -> bool:
    return (
        choice.reason in (None, refused.rejection.reason.code)
        and choice.station in (None, refused.station)
        and choice.generation in (None, refused.generation)
    )
