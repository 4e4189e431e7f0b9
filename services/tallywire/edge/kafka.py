"""Kafka without Faust: the publisher's producer, and reading a topic up to its present end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from tallywire.edge.kafka_client import open_client
from tallywire.edge.topics import (
    BOOTSTRAP_TIMEOUT_MS,
    TopicCheck,
    TopicSpec,
    admin_client,
    check_topics,
    end_offsets,
    ensure_topics,
)
from tallywire.errors import PeerError

__all__ = [
    "TopicCheck",
    "TopicRecord",
    "TopicSpec",
    "abandon_producer",
    "admin_client",
    "check_topics",
    "end_offsets",
    "ensure_topics",
    "make_producer",
    "read_topic",
]

FOREVER_MS = 2**31 - 1
"""Three weeks: the producer itself keeps trying, which is the only way that cannot duplicate."""

LEAST_REQUEST_BYTES = 8 * 1024 * 1024
FETCH_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TopicRecord:
    """One record of a topic."""

    topic: str
    partition: int
    offset: int
    timestamp: datetime  # with time zone
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


def make_producer(kafka: str, max_record_bytes: int, *, block_ms: int = 5_000) -> Any:
    """An idempotent `KafkaProducer` that never gives up on a record by itself.

    It has no bound on buffered bytes of its own: bound what you hand over. Topics are not
    created by accident. JPEG does not compress, so nothing is compressed.

    Args:
        kafka: bootstrap servers.
        max_record_bytes: largest record (`TopicSpec.max_record_bytes`).
        block_ms: how long `send` may wait for the topic's metadata.

    Raises:
        PeerError: no broker answers now.
    """
    return open_client(
        KafkaProducer,
        kafka,
        block_ms,
        enable_idempotence=True,  # explicit: a conflicting setting then raises
        acks="all",
        delivery_timeout_ms=FOREVER_MS,
        max_block_ms=block_ms,
        max_request_size=max(LEAST_REQUEST_BYTES, max_record_bytes),
        batch_size=0,  # one scan a batch: see `end_offsets`
        reconnect_backoff_max_ms=2_000,
        allow_auto_create_topics=False,
    )


def abandon_producer(producer: Any) -> None:
    """Close a producer at once, with whatever it still holds; acknowledgements may yet come.

    kafka-python's own `close` raises where records are left, and lets its thread try on for ever.
    """
    try:
        producer.close(timeout=0)
    except KafkaError:
        producer._sender.force_close()
        producer._sender.join(5)
        producer._closed = True  # or its finaliser would try to flush once more


def read_topic(
    kafka: str,
    topic: str,
    *,
    patience_s: float = 30.0,
    starts: Mapping[int, int] | None = None,
) -> Iterator[TopicRecord]:
    """Yield every record from the beginning up to the end as it is now, by partition in order.

    Args:
        kafka: bootstrap servers.
        topic: its name.
        patience_s: longest wait for the next record.
        starts: only these partitions, each from this offset on; all of everything if None.

    Raises:
        PeerError: the broker is away or gives nothing for `patience_s`.
    """
    ends = {number: end for number, end in end_offsets(kafka, topic).items() if end}
    if starts is not None:
        ends = {number: end for number, end in ends.items() if starts.get(number, end) < end}
    if not ends:
        return
    consumer = open_client(
        KafkaConsumer,
        kafka,
        BOOTSTRAP_TIMEOUT_MS,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_bytes=FETCH_BYTES,
        max_poll_records=64,
    )
    try:
        partitions = [TopicPartition(topic, number) for number in ends]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        for number, start in (starts or {}).items():
            if number in ends:
                consumer.seek(TopicPartition(topic, number), start)
        yield from _drain(consumer, ends, patience_s)
    except KafkaError as error:
        raise PeerError(f"Cannot read {topic} at {kafka}: {error}") from error
    finally:
        consumer.close()


def _drain(consumer: Any, ends: dict[int, int], patience_s: float) -> Iterator[TopicRecord]:
    """Poll until every partition stands at its end.

    The end is the high-water mark of the first fetch, since brokers may tell too small an end
    offset. Positions and not records are compared with it, since a log may end in control records
    that are never delivered.
    """
    left = {tp: (ends[tp.partition], False) for tp in consumer.assignment()}
    while left:
        batches = consumer.poll(timeout_ms=int(patience_s * 1000))
        for tp in [tp for tp, (_, fetched) in left.items() if not fetched]:
            mark = consumer.highwater(tp)
            if mark is not None:
                left[tp] = max(left[tp][0], mark), True
        for tp, records in batches.items():
            yield from (_record(item) for item in records if item.offset < left[tp][0])
        read = [tp for tp, (end, _) in left.items() if consumer.position(tp) >= end]
        for tp in read:
            left.pop(tp)
            consumer.pause(tp)
        if left and not batches and not read:
            numbers = sorted(tp.partition for tp in left)
            raise PeerError(f"no record came for {patience_s:g} s; partitions left: {numbers}")


def _record(item: Any) -> TopicRecord:
    return TopicRecord(
        topic=item.topic,
        partition=item.partition,
        offset=item.offset,
        timestamp=datetime.fromtimestamp(item.timestamp / 1000, UTC),
        key=item.key,
        value=item.value or b"",
        headers=tuple((name, value or b"") for name, value in item.headers),
    )
