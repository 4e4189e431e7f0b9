"""Where the logs of topics begin and end, and where they stood at some time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kafka import TopicPartition
from kafka.errors import for_code

from tallywire.edge.topics import admin_client, ask_patiently
from tallywire.records import Partition

EARLIEST, LATEST = -2, -1  # what stands for a time in a request for offsets


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """The log of one partition holds the offsets from `begin` up to, not including, `end`."""

    begin: int
    end: int


LogBounds = Mapping[Partition, OffsetRange]


def log_bounds(kafka: str, topics: Sequence[str]) -> dict[Partition, OffsetRange]:
    """The bounds of every partition of `topics`; as exact as `topics.end_offsets`.

    Raises:
        PeerError: the broker is away, or lacks one of the topics.
    """
    return ask_patiently(lambda: _ask_bounds(kafka, topics))


def _ask_bounds(kafka: str, topics: Sequence[str]) -> dict[Partition, OffsetRange]:
    with admin_client(kafka) as client:
        partitions = _partitions(client, topics)
        begins = client.list_partition_offsets(dict.fromkeys(partitions, EARLIEST))
        ends = client.list_partition_offsets(dict.fromkeys(partitions, LATEST))
    return {
        Partition(*tp): OffsetRange(max(0, begins[tp].offset), max(0, ends[tp].offset))
        for tp in partitions
    }


def offsets_at(kafka: str, topic: str, at: datetime) -> dict[int, int]:
    """By partition, the first offset that the broker took at `at` or later; the end if none.

    Raises:
        PeerError: the broker is away, or has no such topic.
    """
    return ask_patiently(lambda: _ask_offsets_at(kafka, topic, at))


def _ask_offsets_at(kafka: str, topic: str, at: datetime) -> dict[int, int]:
    with admin_client(kafka) as client:
        partitions = _partitions(client, [topic])
        asked = dict.fromkeys(partitions, round(at.timestamp() * 1000))
        found = client.list_partition_offsets(asked)
        ends = client.list_partition_offsets(dict.fromkeys(partitions, LATEST))
    # Where nothing is as late, Apache Kafka answers offset -1, the embedded broker 0: the time
    # is -1 from both.
    return {
        tp.partition: found[tp].offset if found[tp].timestamp >= 0 else max(0, ends[tp].offset)
        for tp in partitions
    }


def _partitions(client: Any, topics: Sequence[str]) -> list[TopicPartition]:
    found = []
    for described in client.describe_topics(list(topics)):
        if described["error_code"]:
            raise for_code(described["error_code"])(described["name"])
        found += [
            TopicPartition(described["name"], item["partition_index"])
            for item in described["partitions"]
        ]
    return sorted(found)
