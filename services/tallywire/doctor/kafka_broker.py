"""Kafka: is it there, are the topics there, and can they carry the largest scan for ever?"""

from __future__ import annotations

from collections.abc import Iterator

from tallywire.doctor.findings import Finding, fail, ok, warn
from tallywire.edge.topics import TopicCheck, TopicSpec, check_topics
from tallywire.errors import PeerError
from tallywire.settings import MIB, Settings

PART = "Kafka"
SAFE_SO_FAR = ("partitions", "replicas")
"""What a topic may have otherwise without a scan being lost or refused."""


def check_broker(settings: Settings, timeout_s: float) -> list[Finding]:
    """Every check of the broker over one short-lived connection."""
    spec = TopicSpec(settings.partitions, settings.replication, settings.max_value_bytes)
    try:
        seen = check_topics(settings.kafka, settings.topics.names, spec, int(timeout_s * 1000))
    except PeerError as error:
        remedy = "start it, or set TALLYWIRE_KAFKA to the bootstrap servers"
        return [fail(PART, settings.kafka, str(error), remedy)]
    found = [ok(PART, settings.kafka, "answers")]
    return found + [finding for topic in seen for finding in judge_topic(topic)]


def judge_topic(topic: TopicCheck) -> Iterator[Finding]:
    """What is wrong with a topic; one line that says so where nothing is."""
    check = f"topic {topic.name}"
    for problem in topic.problems:
        key = problem.where.removeprefix(f"{topic.name}: ")
        if not topic.exists:
            yield fail(PART, check, problem.value, "create it with: tallywire topics")
        elif key in SAFE_SO_FAR:
            yield warn(PART, check, f"{key}: {problem.value}", problem.remedy)
        else:
            yield fail(PART, check, f"{key}: {problem.value}", problem.remedy)
    if topic.exists and not topic.problems:
        yield _fit(topic, check)


def _fit(topic: TopicCheck, check: str) -> Finding:
    size = topic.configuration.get("max.message.bytes")
    if size is None:
        return warn(
            PART,
            check,
            f"{topic.partitions} partitions; {'; '.join(topic.notes)}",
            "fine for a rehearsal on the embedded broker; on the night use Apache Kafka",
        )
    kept = f"records up to {int(size) / MIB:.1f} MiB, kept for ever"
    return ok(PART, check, f"{topic.partitions} partitions, {kept}")
