"""Where logs begin, end and stood at a time, on the embedded broker and on Apache Kafka."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from tallywire.edge.kafka import make_producer
from tallywire.edge.log_offsets import OffsetRange, log_bounds, offsets_at
from tallywire.edge.topics import TopicSpec, ensure_topics
from tallywire.errors import PeerError
from tallywire.records import Partition
from tallywire.workshop.stack import apache

SPEC = TopicSpec(partitions=2, replication=1, max_value_bytes=1024 * 1024)
BROKERS = ["kafka_bootstrap", *(["apache_kafka"] if apache.is_available() else [])]


@pytest.fixture(params=BROKERS)
def kafka(request: pytest.FixtureRequest) -> str:
    bootstrap: str = request.getfixturevalue(request.param)
    return bootstrap


def test_bounds_and_times(kafka: str, unique: str) -> None:
    """Partition 0 has three records before a moment and two after it, partition 1 has none."""
    other = f"{unique}.other"
    ensure_topics(kafka, [unique, other], SPEC)
    producer = make_producer(kafka, SPEC.max_record_bytes)

    def send(count: int) -> None:
        for _ in range(count):
            producer.send(unique, value=b"x", partition=0).get(timeout=20)

    before = datetime.now(UTC) - timedelta(seconds=1)
    send(3)
    time.sleep(0.05)
    between = datetime.now(UTC)
    time.sleep(0.05)
    send(2)
    producer.close()
    bounds = log_bounds(kafka, [unique, other])
    assert bounds[Partition(unique, 0)] == OffsetRange(0, 5)
    empty = (Partition(unique, 1), Partition(other, 0), Partition(other, 1))
    assert {bounds[one] for one in empty} == {OffsetRange(0, 0)}
    assert offsets_at(kafka, unique, before) == {0: 0, 1: 0}
    assert offsets_at(kafka, unique, between) == {0: 3, 1: 0}
    assert offsets_at(kafka, unique, datetime.now(UTC) + timedelta(hours=1)) == {0: 5, 1: 0}


def test_a_topic_that_is_not_there(kafka: str, unique: str) -> None:
    with pytest.raises(PeerError):
        log_bounds(kafka, [unique])
    with pytest.raises(PeerError):
        offsets_at(kafka, unique, datetime.now(UTC))


def test_no_broker() -> None:
    with pytest.raises(PeerError, match="No Kafka broker"):
        log_bounds("127.0.0.1:1", ["tally.scans"])
