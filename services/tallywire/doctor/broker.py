"""Kafka: is it there, are the topics there, and can they carry the largest scan for ever?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from tallywire.doctor.findings import Finding, fail, ok, warn
from tallywire.settings import MIB, Settings

PART = "Kafka"
ROOM_BYTES = 64 * 1024
"""What a record needs beside its value: key, headers, framing."""
RECREATE = "create it with: tallywire topics"


@dataclass(frozen=True, slots=True)
class TopicSeen:
    """What the broker says about one topic."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]


def check_broker(settings: Settings, timeout_s: float) -> list[Finding]:
    """Every check of the broker over one short-lived connection."""
    timeout_ms = int(timeout_s * 1000)
    try:
        client = KafkaAdminClient(
            bootstrap_servers=settings.kafka.split(","),
            client_id="tallywire-doctor",
            bootstrap_timeout_ms=timeout_ms,
            request_timeout_ms=timeout_ms,
        )
    except (KafkaError, ValueError, OSError) as error:
        remedy = "start it, or set TALLYWIRE_KAFKA to the bootstrap servers"
        return [fail(PART, settings.kafka, f"not reachable ({error})", remedy)]
    try:
        return list(_look(client, settings))
    except (KafkaError, OSError) as error:
        return [fail(PART, settings.kafka, str(error), "look at the broker's log")]
    finally:
        client.close()


def _look(client: KafkaAdminClient, settings: Settings) -> Iterator[Finding]:
    brokers = client.describe_cluster()["brokers"]
    yield ok(PART, settings.kafka, f"{len(brokers)} broker{'s' if len(brokers) > 1 else ''}")
    names = wanted_topics(settings)
    existing = set(client.list_topics())
    for name in names:
        if name not in existing:
            yield fail(PART, f"topic {name}", "does not exist", RECREATE)
    seen = _topics(client, [name for name in names if name in existing])
    for topic in seen:
        yield from judge_topic(topic, settings)


def _topics(client: KafkaAdminClient, names: list[str]) -> list[TopicSeen]:
    if not names:
        return []
    configs = _configs(client, names)
    return [
        TopicSeen(
            name=topic["name"],
            partitions=len(topic["partitions"]),
            replication=min(
                (len(part["replica_nodes"]) for part in topic["partitions"]), default=0
            ),
            config=configs.get(topic["name"], {}),
        )
        for topic in client.describe_topics(names)
    ]


def wanted_topics(settings: Settings) -> tuple[str, ...]:
    """The four topics of these settings."""
    topics = settings.topics
    return topics.scans, topics.readings, topics.corrections, topics.rejected


def judge_topic(topic: TopicSeen, settings: Settings) -> Iterator[Finding]:
    """Partitions, record size, retention and clean-up of one topic."""
    check = f"topic {topic.name}"
    trouble = [*_shape(topic, check, settings), *_keeping(topic, check)]
    carries_images = topic.name in (settings.topics.scans, settings.topics.rejected)
    if carries_images:
        trouble += _size(topic, check, settings.max_value_bytes + ROOM_BYTES)
    if trouble:
        yield from trouble
        return
    size = topic.config.get("max.message.bytes")
    told = f", records up to {int(size) / MIB:.1f} MiB, kept for ever" if size else ""
    yield ok(PART, check, f"{topic.partitions} partitions{told}")


def _shape(topic: TopicSeen, check: str, settings: Settings) -> Iterator[Finding]:
    if topic.partitions != settings.partitions:
        yield warn(
            PART,
            check,
            f"{topic.partitions} partitions, the settings say {settings.partitions}",
            f"set TALLYWIRE_PARTITIONS={topic.partitions}; never change a topic during an election",
        )
    if topic.replication < settings.replication:
        yield warn(
            PART,
            check,
            f"{topic.replication} copies, the settings say {settings.replication}",
            "add replicas with kafka-reassign-partitions",
        )
    if not topic.config:
        yield warn(
            PART,
            check,
            "the broker does not tell the topic's settings",
            "fine for the embedded broker of a rehearsal; on the night use Apache Kafka",
        )


def _keeping(topic: TopicSeen, check: str) -> Iterator[Finding]:
    """Evidence may leave the topic neither by age, nor by size, nor by compaction."""
    rules = (("retention.ms", "-1"), ("retention.bytes", "-1"), ("cleanup.policy", "delete"))
    for key, wanted in rules:
        found = topic.config.get(key, wanted)
        if found != wanted:
            yield fail(
                PART,
                check,
                f"{key} is {found}: scans would be thrown away",
                f"kafka-configs --alter --topic {topic.name} --add-config {key}={wanted}",
            )


def _size(topic: TopicSeen, check: str, needed: int) -> Iterator[Finding]:
    found = int(topic.config.get("max.message.bytes", needed))
    if found < needed:
        yield fail(
            PART,
            check,
            f"max.message.bytes {found:,} is too small for a scan of the largest size",
            f"kafka-configs --alter --topic {topic.name} --add-config max.message.bytes={needed}",
        )


def _configs(client: KafkaAdminClient, names: list[str]) -> Mapping[str, Mapping[str, str]]:
    """Settings by topic; empty where the broker does not tell them."""
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    try:
        told = client.describe_configs(asked, config_filter="all").get("topic", {})
    except KafkaError:
        return {}
    return {
        name: {key: str(item["value"]) for key, item in settings.items()}
        for name, settings in told.items()
    }
