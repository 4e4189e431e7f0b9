"""Streams of scans that are malformed, repeated or out of time."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

from tallywire.edge.images import DecodedImage, decode_image
from tallywire.reasons import Reason
from tallywire.records import Scan, Source
from tallywire.wire import decode_scan
from tallywire.workshop.faults.messages import ScanMessage, SheetPool
from tallywire.workshop.faults.streams import (
    clocks_an_hour_off,
    every_scan_thrice,
    one_in_four_malformed,
)
from tests.support import scan_files

POOL = SheetPool((scan_files.good_jpeg(),), ("4251-B", "4251-C1"))
LIMIT_BYTES, LIMIT_PX = 4 * 1024 * 1024, 50_000_000


def opened(message: ScanMessage) -> Scan | DecodedImage | Reason:
    """What a worker makes of a message: the envelope first, then the picture."""
    now, source = datetime.now(UTC), Source("tally.scans", 0, 0)
    scan = decode_scan(message.key, message.value, message.headers, source, now, LIMIT_BYTES)
    if isinstance(scan, Reason):
        return scan
    found = decode_image(scan.image, scan.envelope.content_type, LIMIT_PX)
    return scan if isinstance(found, DecodedImage) else found


def test_a_quarter_is_malformed_in_every_way_and_the_rest_is_good() -> None:
    messages = list(islice(one_in_four_malformed(POOL, Random(1)), 48))
    assert sum(message.malformed for message in messages) == 12
    for message in messages:
        found = opened(message)
        unknown = isinstance(found, Scan) and found.envelope.station not in POOL.stations
        assert (isinstance(found, Reason) or unknown) == message.malformed


def test_every_scan_three_times() -> None:
    messages = list(islice(every_scan_thrice(POOL, Random(1)), 90))
    assert set(Counter((one.key, one.headers[1]) for one in messages).values()) == {3}


def test_clocks_an_hour_off_are_told_by_scanner_and_broker_alike() -> None:
    now, hours = datetime.now(UTC), set()
    for message in islice(clocks_an_hour_off(POOL, Random(1)), 30):
        found = opened(message)
        assert isinstance(found, Scan)
        assert message.timestamp_ms is not None
        off = found.envelope.captured_at - now
        assert abs(message.timestamp_ms / 1000 - found.envelope.captured_at.timestamp()) < 1
        hours.add(round(off / timedelta(hours=1)))
    assert hours == {-1, 0, 1}
