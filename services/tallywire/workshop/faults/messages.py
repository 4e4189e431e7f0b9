"""What is published during a night: sheets drawn once, each file a scan of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tallywire.records import Envelope
from tallywire.wire import encode_scan_headers

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class SheetPool:
    """The sheets (JPEG files, station by station) and the stations that send them."""

    sheets: Sequence[bytes]
    stations: Sequence[str]

    def image(self, number: int) -> bytes:
        """The `number`th scan of a night: a file of its own, without drawing another sheet."""
        return self.sheets[number % len(self.sheets)] + b"%d" % number

    def station(self, number: int) -> str:
        """Whose scan that is; after the last station the first one scans again."""
        return self.stations[number % len(self.stations)]


@dataclass(frozen=True, slots=True)
class ScanMessage:
    """One record to publish. `timestamp_ms` None lets the producer's clock decide.

    `malformed` says that no reader may find a sheet in it.
    """

    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int | None = None
    malformed: bool = False


def scan_message(station: str, value: bytes, captured_at: datetime | None = None) -> ScanMessage:
    """A scan as a scanner sends it."""
    envelope = Envelope(
        station=station,
        scanner="scanner-1",
        captured_at=captured_at or datetime.now(UTC),
        content_type="image/jpeg",
        scan_id=hashlib.sha256(value).hexdigest(),
    )
    return ScanMessage(station.encode(), value, tuple(encode_scan_headers(envelope)))
