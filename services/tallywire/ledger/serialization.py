"""What the ledger stores, as bytes: a station's record, an event to be published, places. Pure.

A record is canonical JSON: equal states give equal bytes, whoever wrote them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import TypeAdapter

from tallywire.errors import PeerError
from tallywire.ledger.state import Event, StationState
from tallywire.records import Correction, Partition, Reading, Rejection, Source
from tallywire.wire import canonical, decode, encode

_ADAPTER = TypeAdapter(StationState)


def to_body(state: StationState) -> bytes:
    """The record's body, without its version."""
    body = _ADAPTER.dump_python(state, mode="json")
    del body["version"]
    return canonical(body)


def from_body(version: int, body: bytes) -> StationState:
    """The state that `to_body` wrote, at that version.

    Raises:
        ValueError, TypeError: it is none.
    """
    return _ADAPTER.validate_python({**json.loads(body), "version": version})


def from_record(name: str, version: bytes, body: bytes) -> StationState:
    """The state in a record, as Redis holds it under `name`.

    Raises:
        PeerError: it cannot be read. Overwriting it would lose a count; a person has to look.
    """
    try:
        return from_body(int(version), body)
    except (ValueError, TypeError) as error:
        raise PeerError(f"Redis: the record {name} cannot be read: {error}"[:500]) from None


def to_outbox(event: Event) -> bytes:
    """What `from_outbox` reads; nothing for a correction, which stands on its topic already."""
    if isinstance(event, Correction):
        return b""
    return type(event).__name__.encode() + b" " + encode(event)


def from_outbox(data: bytes) -> Reading | Rejection:
    """The event that `to_outbox` wrote; its wire form is the same, byte for byte.

    Raises:
        ValueError: if it is none (`WireError` is one).
    """
    kind, _, body = data.partition(b" ")
    return decode(Reading, body) if kind == b"Reading" else decode(Rejection, body)


def from_offsets(fields: Mapping[bytes, bytes]) -> dict[Partition, int]:
    """A hash of partitions -> offset."""
    return {Partition.parse(name.decode()): int(value) for name, value in fields.items()}


def to_place(source: Source) -> str:
    """One offset of a partition, as a field of a hash."""
    return f"{source.log}|{source.offset}"


def from_place(field: bytes) -> Source:
    """What `to_place` wrote."""
    log, _, offset = field.decode().rpartition("|")
    return Source(*Partition.parse(log), offset=int(offset))


def to_begins(offset: int, times: int) -> str:
    """Where a partition was begun last, and how often in a row."""
    return f"{offset} {times}"


def from_begins(value: bytes | None) -> tuple[int, int]:
    """What `to_begins` wrote; an offset that is none where nothing was written yet."""
    offset, _, times = (value or b"-1 0").partition(b" ")
    return int(offset), int(times)
