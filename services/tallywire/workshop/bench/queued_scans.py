"""Many scans from few drawn sheets, for an election with a station for each of them."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tallywire.edge.kafka import make_producer
from tallywire.election.election import Station
from tallywire.election.loading import STATIONS_FILE, load_election
from tallywire.election.station_list import stations_text
from tallywire.records import Envelope
from tallywire.settings import Settings
from tallywire.wire import encode_scan_headers
from tallywire.workshop.stack.local import topic_spec

UNACKNOWLEDGED = 32  # images that the producer may hold
ACKNOWLEDGED_WITHIN_S = 60.0
DISTRICT, REGISTERED = "15", 750


def write_election(shipped: Path, folder: Path, stations: int) -> Path:
    """The shipped election with `stations` polling stations of its district: with a station for
    each scan, the ledger counts instead of holding repetitions."""
    folder.mkdir(parents=True)
    for file in shipped.iterdir():
        if file.suffix == ".toml":
            (folder / file.name).write_text(file.read_text())
    ids = map(station_id, range(stations))
    text = stations_text(Station(name, DISTRICT, REGISTERED) for name in ids)
    (folder / STATIONS_FILE).write_text(text)
    load_election(folder)
    return folder


def station_id(number: int) -> str:
    """The polling station of scan `number`."""
    return f"Q{number:06d}"


def variants(images: Sequence[bytes]) -> Iterator[bytes]:
    """Endless files, each with another SHA-256, of the same few pictures in turn. What follows a
    JPEG's end mark is no part of the picture."""
    for number, image in enumerate(itertools.cycle(images)):
        yield image + b"%d" % number


def queue_scans(
    settings: Settings,
    images: Sequence[bytes],
    numbers: range,
    step: Callable[[int], object],
) -> int:
    """Publish scan `number` of station `number` for each of `numbers`; how many bytes that were.

    Args:
        settings: where to.
        images: JPEG files.
        numbers: never used before, or the scans are duplicates.
        step: told how many the broker has acknowledged so far.
    """
    topic = settings.topics.scans
    producer = make_producer(settings.kafka, topic_spec(settings).max_record_bytes)
    sent_bytes = 0
    try:
        files = itertools.islice(variants(images), numbers.start, None)
        for first in range(numbers.start, numbers.stop, UNACKNOWLEDGED):
            pending = []
            for number in range(first, min(first + UNACKNOWLEDGED, numbers.stop)):
                image = next(files)
                sent_bytes += len(image)
                headers = encode_scan_headers(_envelope(number, image))
                key = station_id(number).encode()
                pending.append(producer.send(topic, key=key, value=image, headers=headers))
            for future in pending:
                future.get(ACKNOWLEDGED_WITHIN_S)
            step(number + 1 - numbers.start)
    finally:
        producer.close()
    return sent_bytes


def _envelope(number: int, image: bytes) -> Envelope:
    return Envelope(
        station=station_id(number),
        scanner="bench",
        captured_at=datetime.now(UTC),
        content_type="image/jpeg",
        scan_id=hashlib.sha256(image).hexdigest(),
    )
