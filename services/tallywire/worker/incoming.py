"""What came from Kafka, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tallywire.reasons import Reason
from tallywire.records import Scan, Source
from tallywire.wire import decode_scan


@dataclass(frozen=True, slots=True)
class IncomingRecord:
    """One Kafka record. `published_at` is its timestamp, with time zone."""

    source: Source
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    published_at: datetime


def record_of(message: Any) -> IncomingRecord:
    """The record behind a Faust message (`event.message`)."""
    headers = message.headers or ()
    pairs = headers.items() if isinstance(headers, dict) else headers
    return IncomingRecord(
        source=Source(message.topic, message.partition, message.offset),
        key=message.key,
        value=message.value,
        headers=tuple((name, value or b"") for name, value in pairs),
        published_at=datetime.fromtimestamp(max(0.0, message.timestamp or 0.0), UTC),
    )


def scan_of(record: IncomingRecord, max_value_bytes: int) -> Scan | Reason:
    """The scan in a record, or why it is none."""
    return decode_scan(
        record.key, record.value, record.headers, record.source, record.published_at,
        max_value_bytes,
    )  # fmt: skip


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
