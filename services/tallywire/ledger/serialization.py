"""What the ledger stores, as bytes: a station's record, an event to be published. Pure.

A record is canonical JSON: equal states give equal bytes, whoever wrote them.
"""

from __future__ import annotations

import json

from pydantic import TypeAdapter

from tallywire.ledger.state import Event, StationState
from tallywire.records import Correction, Reading, Rejection
from tallywire.wire import canonical, decode, encode

_ADAPTER = TypeAdapter(StationState)


def to_body(state: StationState) -> bytes:
    """The record's body, without its version."""
    body = _ADAPTER.dump_python(state, mode="json")
    del body["version"]
    return canonical(body)


def from_body(version: int, body: bytes) -> StationState:
    """The state that `to_body` wrote, at that version."""
    return _ADAPTER.validate_python({**json.loads(body), "version": version})


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
