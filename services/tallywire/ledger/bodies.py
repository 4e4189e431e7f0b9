"""A station's record as canonical JSON: equal states give equal bytes, whoever wrote them. Pure."""

from __future__ import annotations

import json

from pydantic import TypeAdapter

from tallywire.ledger.state import StationState
from tallywire.wire import canonical

_ADAPTER = TypeAdapter(StationState)


def to_body(state: StationState) -> bytes:
    """The record's body, without its version."""
    body = _ADAPTER.dump_python(state, mode="json")
    del body["version"]
    return canonical(body)


def from_body(version: int, body: bytes) -> StationState:
    """The state that `to_body` wrote, at that version."""
    return _ADAPTER.validate_python({**json.loads(body), "version": version})
