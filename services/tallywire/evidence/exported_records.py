"""One record of a topic as evidence, and its form as a line of an export. Pure.

A line keeps every byte: what is UTF-8 stands as text, canonical JSON as JSON, anything else as
base64. Of images only size and SHA-256 are kept.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tallywire.wire import canonical

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class ExportedRecord:
    """One record. `value` is None where its bytes were not kept; `sha256` and `size` tell of them.

    `at` is the broker's timestamp, with time zone.
    """

    partition: int
    offset: int
    at: datetime
    key: bytes | None
    headers: Headers
    value: bytes | None
    sha256: str
    size: int

    def header(self, name: str) -> str | None:
        """The last header of that name as text; None where it is absent or no text."""
        try:
            found = dict(self.headers).get(name)
            return None if found is None else found.decode()
        except UnicodeDecodeError:
            return None

    @property
    def station(self) -> str:
        """The key as text."""
        return (self.key or b"").decode(errors="replace")


def make_line(
    partition: int,
    offset: int,
    at: datetime,
    key: bytes | None,
    headers: Headers,
    value: bytes,
    *,
    keep: bool,
) -> ExportedRecord:
    """A line of a record; `keep` its value, or only what identifies it."""
    digest = hashlib.sha256(value).hexdigest()
    return ExportedRecord(
        partition, offset, at, key, headers, value if keep else None, digest, len(value)
    )


def to_text(line: ExportedRecord) -> str:
    """One line of JSON, without the line break."""
    body: dict[str, Any] = {
        "partition": line.partition,
        "offset": line.offset,
        "at": line.at.isoformat(),
        "key": None if line.key is None else _pack(line.key),
        "headers": [[name, _pack(value)] for name, value in line.headers],
        "sha256": line.sha256,
        "size": line.size,
    }
    if line.value is not None:
        body["value"] = _pack(line.value, as_json=True)
    return canonical(body).decode()


def from_text(text: str) -> ExportedRecord:
    """The line that `to_text` wrote.

    Raises:
        ValueError: if it is none, or its value is not the one that was hashed.
    """
    try:
        body = json.loads(text)
        value = _unpack(body["value"]) if "value" in body else None
        line = ExportedRecord(
            partition=body["partition"],
            offset=body["offset"],
            at=datetime.fromisoformat(body["at"]),
            key=None if body["key"] is None else _unpack(body["key"]),
            headers=tuple((name, _unpack(packed)) for name, packed in body["headers"]),
            value=value,
            sha256=body["sha256"],
            size=body["size"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no line of an export: {error!r}") from None
    if value is not None and hashlib.sha256(value).hexdigest() != line.sha256:
        raise ValueError(f"offset {line.offset} of partition {line.partition}: not what was hashed")
    return line


def _pack(data: bytes, *, as_json: bool = False) -> Any:
    """Bytes as a JSON value that `_unpack` turns into the same bytes."""
    try:
        text = data.decode()
        if as_json and canonical(found := json.loads(text)) == data and isinstance(found, dict):
            return {"json": found}
    except (ValueError, RecursionError):
        pass
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _unpack(packed: Any) -> bytes:
    if isinstance(packed, str):
        return packed.encode()
    if "json" in packed:
        return canonical(packed["json"])
    return base64.b64decode(packed["base64"], validate=True)
