"""A record as a worker gets it."""

from __future__ import annotations

from typing import Any

from tallywire.records import Source
from tallywire.worker.handler import IncomingRecord
from tests.factories import NIGHT


def make_record(**over: Any) -> IncomingRecord:
    fields = {
        "source": Source("tally.scans", 3, 41),
        "key": b"d1-1",
        "value": b"image",
        "headers": (("a", b"1"),),
        "published_at": NIGHT,
        **over,
    }
    return IncomingRecord(**fields)
