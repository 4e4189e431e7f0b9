"""Creates the Kafka topics and checks that they are fit for scans (design section 6).

Scans are large and must never expire: the partition count is fixed (a station stays in one
partition), nothing is compacted or deleted, and the size limit is raised above Kafka's 1 MiB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import (
    KafkaConnectionError,
    KafkaError,
    TopicAlreadyExistsError,
    UnknownBrokerIdError,
    UnknownTopicOrPartitionError,
    for_code,
)
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from tallywire.edge.kafka_client import open_client
from tallywire.errors import PeerError, Problem

Value = TypeVar("Value")

ENVELOPE_BYTES = 64 * 1024
"""Room for key, headers and record framing around a value; a rejection adds its reason."""

BOOTSTRAP_TIMEOUT_MS = 10_000
FAILOVER_S = 30.0  # a cluster drops a silent node after 9 s by default, a busy one later
MIN_COPIES = "min.insync.replicas"
MISSING = 3  # Kafka's error code UNKNOWN_TOPIC_OR_PARTITION


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What every topic of ours must be like."""

    partitions: int
    replication: int
    max_value_bytes: int

    @property
    def max_record_bytes(self) -> int:
        """Largest record that any part of the way must let through."""
        return self.max_value_bytes + ENVELOPE_BYTES

    @property
    def configuration(self) -> dict[str, str]:
        """Topic settings by Kafka's names. From three copies on, an acknowledgement must mean more
        than half of them: then any one node may be lost."""
        safe = {MIN_COPIES: str(self.replication // 2 + 1)} if self.replication >= 3 else {}
        return {
            **safe,
            "cleanup.policy": "delete",
            "retention.ms": "-1",
            "retention.bytes": "-1",
            "max.message.bytes": str(self.max_record_bytes),
        }


@dataclass(frozen=True, slots=True)
class TopicCheck:
    """One topic as found. `notes` tell what a broker would not say; they are no problems."""

    name: str
    exists: bool
    partitions: int
    configuration: Mapping[str, str]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


@contextmanager
def admin_client(kafka: str, timeout_ms: int = BOOTSTRAP_TIMEOUT_MS) -> Iterator[Any]:
    """A kafka-python admin client for bootstrap servers `kafka`, closed at the end.

    Raises:
        PeerError: the broker is away, or answers with an error.
    """
    client = open_client(
        KafkaAdminClient, kafka, timeout_ms, request_timeout_ms=max(timeout_ms, 5000)
    )
    try:
        yield client
    except KafkaError as error:
        raise PeerError(f"The Kafka broker at {kafka} refused: {error}") from error
    finally:
        client.close()


def ensure_topics(
    kafka: str, names: Sequence[str], spec: TopicSpec, timeout_ms: int = BOOTSTRAP_TIMEOUT_MS
) -> tuple[str, ...]:
    """Create those of `names` that are missing; leaves the others as they are.

    Returns:
        the names that were created.

    Raises:
        PeerError: the broker is away or refuses.
    """
    wanted = {
        "num_partitions": spec.partitions,
        "replication_factor": spec.replication,
        "configs": spec.configuration,
    }
    with admin_client(kafka, timeout_ms) as client:
        missing = [
            topic["name"] for topic in client.describe_topics(list(names)) if _missing(topic)
        ]
        if not missing:
            return ()
        answer = client.create_topics(dict.fromkeys(missing, wanted), raise_errors=False)
        created = tuple(topic["name"] for topic in answer["topics"] if _created(topic))
        client.wait_for_topics(list(names))
        return created


def check_topics(
    kafka: str, names: Sequence[str], spec: TopicSpec, timeout_ms: int = BOOTSTRAP_TIMEOUT_MS
) -> tuple[TopicCheck, ...]:
    """Compare the topics with `spec`.

    Raises:
        PeerError: the broker is away.
    """
    with admin_client(kafka, timeout_ms) as client:
        found = {topic["name"]: topic for topic in client.describe_topics(list(names))}
        present = [name for name in names if not _missing(found[name])]
        settings = _describe(client, present)
    return tuple(_check(name, found[name], settings.get(name, {}), spec) for name in names)


def topic_id(kafka: str, name: str, timeout_ms: int = BOOTSTRAP_TIMEOUT_MS) -> str:
    """The topic's identity, which another topic of the same name does not have.

    Empty for brokers older than Kafka 2.8.

    Raises:
        PeerError: the broker is away, or has no such topic.
    """
    with admin_client(kafka, timeout_ms) as client:
        (described,) = client.describe_topics([name])
        if described["error_code"]:
            raise for_code(described["error_code"])(name)
        return str(described["topic_id"] or "")


def end_offsets(kafka: str, topic: str) -> dict[int, int]:
    """By partition, the offset that the next record of `topic` will get.

    The embedded broker counts a whole batch as one here (Tansu 0.6.0, measured: 20 records in one
    batch, end offset 1), so this is exact only where every batch holds one record, as our producer
    makes them.

    A cluster that just lost a node names it for some seconds more, and its new leaders may not
    tell an offset at once; that is waited for.

    Raises:
        PeerError: the broker is away, or has no such topic.
    """
    return ask_patiently(lambda: _ask_end_offsets(kafka, topic))


def ask_patiently(ask: Callable[[], Value], pause_s: float = 0.5) -> Value:
    """The answer of `ask`, asked again every `pause_s` for a while where a node of the cluster was
    just lost.

    Raises:
        PeerError: whatever else is wrong, or the node is still named.
    """
    patient = Retrying(
        retry=retry_if_exception(_is_node_lost),
        stop=stop_after_delay(FAILOVER_S),
        wait=wait_fixed(pause_s),
        reraise=True,
    )
    return patient(ask)


def _is_node_lost(error: BaseException) -> bool:
    """Whether Kafka says that asking again may help. A missing topic stays missing; a partition
    without a leader is told as an unknown node."""
    cause = error.__cause__
    if isinstance(cause, UnknownTopicOrPartitionError):
        return False
    return isinstance(cause, UnknownBrokerIdError) or (
        isinstance(cause, KafkaError) and bool(cause.retriable)
    )


def _ask_end_offsets(kafka: str, topic: str) -> dict[int, int]:
    with admin_client(kafka) as client:
        return _end_offsets(client, topic)


def _end_offsets(client: Any, topic: str) -> dict[int, int]:
    (described,) = client.describe_topics([topic])
    if described["error_code"]:
        raise for_code(described["error_code"])(topic)
    partitions = [item["partition_index"] for item in described["partitions"]]
    latest = {TopicPartition(topic, number): -1 for number in partitions}
    found = client.list_partition_offsets(latest)
    return {tp.partition: max(0, answer.offset) for tp, answer in sorted(found.items())}


def _missing(topic: Mapping[str, Any]) -> bool:
    return bool(topic["error_code"] == MISSING)


def _created(topic: Mapping[str, Any]) -> bool:
    """True where it was created, False where somebody else was quicker; raises for the rest."""
    if topic["error_code"] == TopicAlreadyExistsError.errno:
        return False
    if topic["error_code"]:
        raise for_code(topic["error_code"])(f"{topic['name']}: {topic['error_message']}")
    return True


def _describe(client: Any, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Settings by topic. Asks for all of them: the embedded broker breaks on a list of keys."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    try:
        answer = client.describe_configs(resources) if resources else {}
    except KafkaConnectionError:  # a broker that hangs up at this question
        return {}
    return {
        name: {key: str(item["value"]) for key, item in settings.items()}
        for name, settings in answer.get("topic", {}).items()
    }


def _check(
    name: str, topic: Mapping[str, Any], settings: Mapping[str, str], spec: TopicSpec
) -> TopicCheck:
    if _missing(topic):
        remedy = "create it: `tallywire topics`, or let `tallywire publish` do it"
        return TopicCheck(name, False, 0, {}, (Problem(name, "no such topic", remedy),), ())
    partitions = len(topic["partitions"])
    problems = [*_wrong_layout(name, topic, spec), *_wrong_settings(name, settings, spec)]
    notes = [f"the broker does not tell {key}" for key in spec.configuration if key not in settings]
    return TopicCheck(name, True, partitions, settings, tuple(problems), tuple(notes))


def _wrong_layout(name: str, topic: Mapping[str, Any], spec: TopicSpec) -> Iterator[Problem]:
    partitions = topic["partitions"]
    if len(partitions) != spec.partitions:
        yield Problem(
            f"{name}: partitions",
            str(len(partitions)),
            f"set TALLYWIRE_PARTITIONS to this number (now {spec.partitions}); never change the"
            " topic during an election: stations would move between partitions",
        )
    copies = min((len(item["replica_nodes"]) for item in partitions), default=0)
    if copies < spec.replication:
        yield Problem(f"{name}: replicas", str(copies), f"{spec.replication} were asked for")
    if any(item["leader_id"] < 0 for item in partitions):
        yield Problem(f"{name}: leader", "missing", "a partition has no leader: start its broker")


def _wrong_settings(name: str, settings: Mapping[str, str], spec: TopicSpec) -> Iterator[Problem]:
    for key, wanted in spec.configuration.items():
        value = settings.get(key)
        if value is None:
            continue
        if key == "max.message.bytes":
            wrong, remedy = int(value) < int(wanted), f"raise it to {wanted} or more"
        elif key == MIN_COPIES:
            wrong = int(value) < int(wanted)
            remedy = f"set it to {wanted}, or a scan that was acknowledged can be on one node only"
        else:
            wrong, remedy = value != wanted, f"set it to {wanted}, or scans will be deleted"
        if wrong:
            yield Problem(f"{name}: {key}", value, remedy)
