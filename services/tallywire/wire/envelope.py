"""A scan on its topic: the image is the value, the station the key, the rest are headers. Pure.

Sizes are bounded before anything is parsed. Whatever does not fit is a `Reason`, never an
exception: the sender is a scanner in a school hall, not a programmer.

| part         | absent or empty                  | otherwise                              |
|--------------|----------------------------------|----------------------------------------|
| key          | refused, `station_missing`       | the station id, UTF-8, up to 256 bytes |
| value        | refused, `empty_value`           | the image, up to the limit             |
| schema       | refused, `bad_header`            | a number; refused if from the future   |
| scan-id      | refused, `bad_header`            | its SHA-256 in lower-case hex          |
| content-type | refused, `wrong_content_type`    | one of `CONTENT_TYPES`                 |
| scanner      | ""                               | any text                               |
| captured-at  | when the broker took the message | ISO 8601; without a zone, in UTC       |
| contest      | the election's only one          | a contest id                           |

Any other header must be UTF-8 text of at most 1024 bytes and is ignored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from tallywire.reasons import Code, Reason
from tallywire.records import Envelope, Scan, Source
from tallywire.wire.messages import SCHEMA

MOST_HEADERS = 64
MOST_HEADER_BYTES = 1024
MOST_KEY_BYTES = 256
CONTENT_TYPES = ("image/jpeg", "image/png", "image/tiff")

Headers = Sequence[tuple[str, bytes | None]]


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
        key, value, headers: as Kafka gave them; the table above says what each must be.
        published_at: the broker record's timestamp, with time zone.

    Returns:
        the scan, or the first reason why the message is not one.
    """
    texts = _texts(headers)
    if isinstance(texts, Reason):
        return texts
    station = _station(key)
    if isinstance(station, Reason):
        return station
    refused = _check_schema(texts) or _check_size(value, max_value_bytes) or _check_kind(texts)
    if refused is not None:
        return refused
    captured_at = _time(texts.get("captured-at"), published_at)
    if isinstance(captured_at, Reason):
        return captured_at
    image = value or b""
    mismatch = _check_hash(image, texts["scan-id"])
    if mismatch is not None:
        return mismatch
    envelope = Envelope(
        station=station,
        scanner=texts.get("scanner", ""),
        captured_at=captured_at,
        content_type=texts["content-type"],
        scan_id=texts["scan-id"],
        contest=texts.get("contest") or None,
    )
    return Scan(envelope, source, published_at, image)


def _texts(headers: Headers) -> dict[str, str] | Reason:
    """Every header as text; of a name that stands twice the last one counts, as in Kafka."""
    if len(headers) > MOST_HEADERS:
        return _bad_header("*", f"{len(headers)} headers; at most {MOST_HEADERS}")
    found: dict[str, str] = {}
    for name, data in headers:
        if data is not None and len(data) > MOST_HEADER_BYTES:
            return _bad_header(name, f"{len(data)} bytes; at most {MOST_HEADER_BYTES}")
        try:
            found[name] = (data or b"").decode()
        except UnicodeDecodeError:
            return _bad_header(name, f"not UTF-8: {(data or b'')[:24]!r}")
    return found


def _station(key: bytes | None) -> str | Reason:
    if not key or not key.strip():
        return Reason(Code.STATION_MISSING, "The envelope names no polling station.")
    if len(key) > MOST_KEY_BYTES:
        return _bad_header("key", f"{len(key)} bytes; at most {MOST_KEY_BYTES}")
    try:
        return key.decode()
    except UnicodeDecodeError:
        return _bad_header("key", f"not UTF-8: {key[:24]!r}")


def _check_schema(texts: Mapping[str, str]) -> Reason | None:
    schema = texts.get("schema", "")
    if not (schema.isascii() and schema.isdigit() and len(schema) <= 9 and int(schema) > 0):
        return _bad_header("schema", f"{schema[:40]!r}; expected a number from 1")
    if int(schema) <= SCHEMA:
        return None
    return Reason(
        Code.FUTURE_SCHEMA,
        f"Written with schema {schema}; this version reads up to {SCHEMA}. Update the workers.",
        {"schema": int(schema), "supported": SCHEMA},
    )


def _check_size(value: bytes | None, most: int) -> Reason | None:
    if not value:
        return Reason(Code.EMPTY_VALUE, "The message has no image.")
    if len(value) <= most:
        return None
    return Reason(
        Code.VALUE_TOO_LARGE,
        f"The image has {len(value)} bytes; the limit is {most}.",
        {"bytes": len(value), "limit": most},
    )


def _check_kind(texts: Mapping[str, str]) -> Reason | None:
    scan_id = texts.get("scan-id", "")
    if len(scan_id) != 64 or set(scan_id) - set("0123456789abcdef"):
        return _bad_header("scan-id", f"{scan_id[:70]!r}; expected a SHA-256 in lower-case hex")
    kind = texts.get("content-type", "")[:80]
    if kind in CONTENT_TYPES:
        return None
    return Reason(
        Code.WRONG_CONTENT_TYPE,
        f"Content type {kind!r} is none of {', '.join(CONTENT_TYPES)}.",
        {"content_type": kind},
    )


def _time(text: str | None, fallback: datetime) -> datetime | Reason:
    if not text:
        return fallback
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return _bad_header("captured-at", f"{text[:40]!r}; expected ISO 8601")


def _check_hash(image: bytes, scan_id: str) -> Reason | None:
    digest = hashlib.sha256(image).hexdigest()
    if digest == scan_id:
        return None
    return Reason(
        Code.SCAN_ID_MISMATCH,
        "The image is not the one that the scanner hashed; scan it again.",
        {"scan_id": scan_id, "sha256": digest},
    )


def _bad_header(name: str, problem: str) -> Reason:
    return Reason(
        Code.BAD_HEADER,
        f"Header {name[:40]!r} cannot be read: {problem}.",
        {"header": name[:40], "problem": problem},
    )
