"""Evidence straight from the broker."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tallywire.edge.kafka import TopicRecord, read_topic
from tallywire.edge.log_offsets import log_bounds
from tallywire.evidence.event_log import Bounds, Evidence, TopicNames
from tallywire.evidence.exported_records import ExportedRecord, make_line
from tallywire.settings import Settings


def names_of(settings: Settings) -> TopicNames:
    """The topics' names."""
    topics = settings.topics
    return TopicNames(topics.scans, topics.readings, topics.corrections, topics.rejected)


def broker_evidence(settings: Settings) -> Evidence:
    """What stands on the topics up to their present ends.

    Raises:
        PeerError: the broker is away, now or while it is read.
    """
    names, kafka = names_of(settings), settings.kafka

    def read(topic: str) -> Iterator[ExportedRecord]:
        keep = topic not in (names.scans, names.rejected)
        return (line_of(record, keep=keep) for record in read_topic(kafka, topic))

    def bounds() -> Bounds:
        found = log_bounds(kafka, [names.scans])
        return {number: (log.begin, log.end) for (_, number), log in found.items()}

    def absent(partition: int, offsets: Collection[int]) -> Collection[int]:
        return set(offsets) - _present(kafka, names.scans, partition, offsets)

    return Evidence(f"the broker at {kafka}", names, read, bounds, absent)


def line_of(record: TopicRecord, *, keep: bool) -> ExportedRecord:
    """A record as a line."""
    return make_line(
        record.partition, record.offset, record.timestamp, record.key, record.headers,
        record.value, keep=keep,
    )  # fmt: skip


def _present(kafka: str, topic: str, partition: int, offsets: Collection[int]) -> set[int]:
    """Those of `offsets` that hold a record: a log may have holes."""
    found, last = set[int](), max(offsets)
    for record in read_topic(kafka, topic, starts={partition: min(offsets)}):
        if record.offset > last:
            break
        found.add(record.offset)
    return found
