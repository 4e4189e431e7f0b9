"""What the scanners of a night send: good scans, and what scanners do wrong. All are endless."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle
from random import Random

from tallywire.workshop.faults.malformed import every_kind
from tallywire.workshop.faults.messages import ScanMessage, SheetPool, scan_message

Stream = Callable[[SheetPool, Random], Iterator[ScanMessage]]

MALFORMED_EVERY = 4
REPEATED_AFTER = 10  # scans
HOUR = timedelta(hours=1)


def good_scans(pool: SheetPool, _: Random) -> Iterator[ScanMessage]:
    """Good scans, one a station."""
    number = 0
    while True:
        yield scan_message(pool.station(number), pool.image(number))
        number += 1


def every_scan_thrice(pool: SheetPool, rng: Random) -> Iterator[ScanMessage]:
    """Every scan three times: again at once, and again after others."""
    earlier: list[ScanMessage] = []
    for message in good_scans(pool, rng):
        yield from (message, message)
        earlier.append(message)
        if len(earlier) == REPEATED_AFTER:
            rng.shuffle(earlier)
            yield from earlier
            earlier.clear()


def clocks_an_hour_off(pool: SheetPool, rng: Random) -> Iterator[ScanMessage]:
    """Scanners whose clocks are an hour ahead or behind, some from one scan to the next."""
    for message in good_scans(pool, rng):
        at = datetime.now(UTC) + rng.choice((-HOUR, timedelta(), HOUR))
        shifted = scan_message((message.key or b"").decode(), message.value or b"", at)
        yield replace(shifted, timestamp_ms=int(at.timestamp() * 1000))


def one_in_four_malformed(pool: SheetPool, rng: Random) -> Iterator[ScanMessage]:
    """Good scans, and between them every kind of malformed one in turn."""
    kinds = cycle(every_kind(rng))
    for number, message in enumerate(good_scans(pool, rng)):
        yield message
        if number % (MALFORMED_EVERY - 1) == 0:
            yield replace(next(kinds)(message), malformed=True)
