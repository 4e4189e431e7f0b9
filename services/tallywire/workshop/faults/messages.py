"""What is published during a night: sheets drawn once, each file a scan of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from tallywire.records import Envelope
from tallywire.wire import encode_scan_headers

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class SheetSupply:
    """The sheets (JPEG files, station by station) and the stations that send them."""

    sheets: Sequence[bytes]
    stations: Sequence[str]

    def picture(self, number: int) -> bytes:
        """The `number`th scan of a night: a file of its own, without drawing another sheet."""
        return self.sheets[number % len(self.sheets)] + b"%d" % number

    def station(self, number: int) -> str:
        """Whose scan that is; after the last station the first one scans again."""
        return self.stations[number % len(self.stations)]


@dataclass(frozen=True, slots=True)
class NightMessage:
    """One record to publish. `timestamp_ms` None lets the producer's clock decide.

    `refused` says that no reader may find a sheet in it.
    """

    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int | None = None
    refused: bool = False


def write_letter(station: str, value: bytes, captured_at: datetime | None = None) -> NightMessage:
    """A scan as a scanner sends it."""
    envelope = Envelope(
        station=station,
        scanner="scanner-1",
        captured_at=captured_at or datetime.now(UTC),
        content_type="image/jpeg",
        scan_id=hashlib.sha256(value).hexdigest(),
    )
    return NightMessage(station.encode(), value, tuple(encode_scan_headers(envelope)))


def plain_letters(supplies: SheetSupply, rng: Random) -> Iterator[NightMessage]:
    """Good scans, one a station, for ever."""
    number = 0
    while True:
        yield write_letter(supplies.station(number), supplies.picture(number))
        number += 1
