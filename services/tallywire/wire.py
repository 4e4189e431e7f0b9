"""The wire forms: JSON of readings, corrections and rejections, and a scan's Kafka headers. Pure.

Every message carries the schema it was written with. A reader refuses a schema from the future
instead of guessing at it, and bounds sizes before it parses.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from tallywire.reasons import Code, Reason
from tallywire.records import (
    Correction,
    Envelope,
    Reading,
    Rejection,
    Scan,
    Source,
)

SCHEMA = 1
MOST_HEADER_BYTES = 1024
MOST_KEY_BYTES = 256
MOST_JSON_BYTES = 1024 * 1024
CONTENT_TYPES = ("image/jpeg", "image/png", "image/tiff")

Headers = Sequence[tuple[str, bytes]]
Message = TypeVar("Message", Reading, Correction, Rejection)

_ADAPTERS: dict[type, TypeAdapter[Any]] = {
    kind: TypeAdapter(kind) for kind in (Reading, Correction, Rejection)
}


class WireError(ValueError):
    """The bytes are not a message of this kind."""


def encode(message: Reading | Correction | Rejection) -> bytes:
    """Canonical JSON, UTF-8, keys sorted; probabilities rounded to four decimals."""
    if isinstance(message, Reading):
        message = _rounded(message)
    body = _ADAPTERS[type(message)].dump_python(message, mode="json")
    return canonical({"schema": SCHEMA, **body})


def decode(kind: type[Message], data: bytes | None) -> Message:
    """The message of that kind in `data`.

    Raises:
        WireError: if it is absent, too large, not JSON, of a future schema, or not of that kind.
    """
    if not data or len(data) > MOST_JSON_BYTES:
        raise WireError(f"{len(data or b'')} bytes; expected 1 to {MOST_JSON_BYTES}")
    try:
        body = json.loads(data)
        schema = body.pop("schema", None)
        if not isinstance(schema, int) or schema > SCHEMA:
            raise WireError(f"schema {schema!r}; this version reads up to {SCHEMA}")
        message: Message = _ADAPTERS[kind].validate_python(body)
    except (ValueError, AttributeError, RecursionError, ValidationError) as error:
        raise WireError(str(error)[:500]) from None
    return message


def canonical(body: Any) -> bytes:
    """JSON with sorted keys and no spaces: equal values give equal bytes."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def encode_scan_headers(envelope: Envelope) -> list[tuple[str, bytes]]:
    """The headers of a message on `tally.scans`; its key is the station."""
    headers = {
        "schema": str(SCHEMA),
        "scan-id": envelope.scan_id,
        "scanner": envelope.scanner,
        "captured-at": envelope.captured_at.astimezone(UTC).isoformat(),
        "content-type": envelope.content_type,
    }
    if envelope.contest is not None:
        headers["contest"] = envelope.contest
    return [(name, text.encode()) for name, text in headers.items()]


def decode_scan(
    key: bytes | None,
    value: bytes | None,
    headers: Headers,
    source: Source,
    published_at: datetime,
    max_value_bytes: int,
) -> Scan | Reason:
    """Open the envelope of one message; the image itself is not looked at.

    Args:
        key: the station id, UTF-8.
        headers: as `encode_scan_headers` makes them; scanner and captured-at may be absent
            (they become "" and the time of publishing), the others may not.
        published_at: the broker record's timestamp.

    Returns:
        the scan, or the reason why the message is not one.
    """
    found = _texts(headers)
    if isinstance(found, Reason):
        return found
    station = _station(key)
    problem = station if isinstance(station, Reason) else _check(found, value, max_value_bytes)
    if isinstance(problem, Reason) or isinstance(station, Reason):
        return problem if isinstance(problem, Reason) else _missing_station()
    captured_at = _time(found.get("captured-at"), published_at)
    if isinstance(captured_at, Reason):
        return captured_at
    image = value or b""
    digest = hashlib.sha256(image).hexdigest()
    if digest != found["scan-id"]:
        return Reason(
            Code.SCAN_ID_MISMATCH,
            "The image is not the one that the scanner hashed; scan it again.",
            {"scan_id": found["scan-id"], "sha256": digest},
        )
    envelope = Envelope(
        station=station,
        scanner=found.get("scanner", ""),
        captured_at=captured_at,
        content_type=found["content-type"],
        scan_id=digest,
        contest=found.get("contest"),
    )
    return Scan(envelope, source, published_at, image)


def encode_rejection_headers(rejection: Rejection) -> list[tuple[str, bytes]]:
    """The headers of a message on `tally.rejected`; its key and value are the scan's own bytes."""
    headers = {
        "schema": str(SCHEMA),
        "original-topic": rejection.source.topic,
        "original-partition": str(rejection.source.partition),
        "original-offset": str(rejection.source.offset),
        "reason": rejection.reason.code.value,
        "message": rejection.reason.message,
        "attempts": str(rejection.attempts),
        "rejection": encode(rejection).decode(),
    }
    return [(name, text.encode()) for name, text in headers.items()]


def _texts(headers: Headers) -> dict[str, str] | Reason:
    found: dict[str, str] = {}
    for name, data in headers:
        if len(data) > MOST_HEADER_BYTES:
            return _bad_header(name, f"{len(data)} bytes; at most {MOST_HEADER_BYTES}")
        try:
            found[name] = data.decode()
        except UnicodeDecodeError:
            return _bad_header(name, f"not UTF-8: {data[:24]!r}")
    return found


def _station(key: bytes | None) -> str | Reason:
    if not key:
        return _missing_station()
    if len(key) > MOST_KEY_BYTES:
        return _bad_header("key", f"{len(key)} bytes; at most {MOST_KEY_BYTES}")
    try:
        return key.decode()
    except UnicodeDecodeError:
        return _bad_header("key", f"not UTF-8: {key[:24]!r}")


def _missing_station() -> Reason:
    return Reason(Code.STATION_MISSING, "The envelope names no polling station.")


def _check(found: dict[str, str], value: bytes | None, most: int) -> Reason | None:
    schema = found.get("schema", "")
    if not schema.isascii() or not schema.isdigit() or len(schema) > 6:
        return _bad_header("schema", f"{schema!r}; expected a number")
    if int(schema) > SCHEMA:
        return Reason(
            Code.FUTURE_SCHEMA,
            f"Written with schema {schema}; this version reads up to {SCHEMA}. Update the workers.",
            {"schema": int(schema), "supported": SCHEMA},
        )
    if not value:
        return Reason(Code.EMPTY_VALUE, "The message has no image.")
    if len(value) > most:
        return Reason(
            Code.VALUE_TOO_LARGE,
            f"The image has {len(value)} bytes; the limit is {most}.",
            {"bytes": len(value), "limit": most},
        )
    scan_id = found.get("scan-id", "")
    if len(scan_id) != 64 or set(scan_id) - set("0123456789abcdef"):
        return _bad_header("scan-id", f"{scan_id[:70]!r}; expected a SHA-256 in lower-case hex")
    if found.get("content-type") not in CONTENT_TYPES:
        return Reason(
            Code.WRONG_CONTENT_TYPE,
            f"Content type {found.get('content-type')!r} is none of {', '.join(CONTENT_TYPES)}.",
            {"content_type": found.get("content-type")},
        )
    return None


def _time(text: str | None, fallback: datetime) -> datetime | Reason:
    if text is None:
        return fallback
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return _bad_header("captured-at", f"{text[:40]!r}; expected ISO 8601")
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _bad_header(name: str, problem: str) -> Reason:
    return Reason(
        Code.BAD_HEADER,
        f"Header {name[:40]!r} cannot be read: {problem}.",
        {"header": name[:40], "problem": problem},
    )


def _rounded(reading: Reading) -> Reading:
    return replace(
        reading,
        confidence=round(reading.confidence, 6),
        error_probability=round(reading.error_probability, 9),
        counts=tuple(
            replace(
                count,
                confidence=round(count.confidence, 6),
                probability=round(count.probability, 9),
                cells=tuple(tuple(round(p, 4) for p in cell) for cell in count.cells),
            )
            for count in reading.counts
        ),
    )
