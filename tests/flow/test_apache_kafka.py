"""What only a durable broker can show. Collected where there is Java (see tests/conftest.py)."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tallywire.edge.kafka import make_producer, read_topic
from tallywire.edge.topics import TopicSpec, admin_client, check_topics, ensure_topics, topic_id
from tallywire.publish.journal import read_receipts
from tallywire.stack.local import LocalStack, Plan
from tests.flow.publisher import Desk, write_scans

SPEC = TopicSpec(partitions=4, replication=1, max_value_bytes=4 * 1024 * 1024)

pytestmark = [pytest.mark.flow, pytest.mark.xdist_group("apache_kafka")]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A node of our own, since it will be killed."""
    folder = tmp_path_factory.mktemp("stack")
    plan = Plan(folder, broker="kafka", redis=False, model=False)
    with LocalStack(plan) as stack:
        yield stack


def restart(stack: LocalStack) -> None:
    """Kill the node as a power cut would, and start it again."""
    broker = stack.child("broker")
    broker.kill()
    broker.start()
    broker.wait_ready()


def test_settings_are_told_and_right(apache_kafka: str, unique: str) -> None:
    ensure_topics(apache_kafka, [unique], SPEC)
    (check,) = check_topics(apache_kafka, [unique], SPEC)
    assert check.notes == ()
    assert check.problems == ()
    assert check.configuration["retention.ms"] == "-1"


def test_settings_that_would_lose_scans_are_problems(apache_kafka: str, unique: str) -> None:
    with admin_client(apache_kafka) as client:
        bad = {"retention.ms": "3600000", "cleanup.policy": "compact", "max.message.bytes": "1000"}
        client.create_topics(
            {unique: {"num_partitions": 4, "replication_factor": 1, "configs": bad}}
        )
    (check,) = check_topics(apache_kafka, [unique], SPEC)
    assert {problem.where.split(": ")[1] for problem in check.problems} == bad.keys()


def test_what_was_acknowledged_survives_a_kill(stack: LocalStack, unique: str) -> None:
    kafka = stack.settings.kafka
    ensure_topics(kafka, [unique], SPEC)
    identity = topic_id(kafka, unique)
    producer = make_producer(kafka, SPEC.max_record_bytes)
    for number in range(50):
        producer.send(unique, b"%d" % number, key=b"%d" % number).get(30)
    producer.close()
    restart(stack)
    assert topic_id(kafka, unique) == identity
    assert len(list(read_topic(kafka, unique))) == 50


def test_a_broker_killed_in_the_middle_costs_nothing_and_doubles_nothing(
    stack: LocalStack, tmp_path: Path, unique: str
) -> None:
    desk = Desk(tmp_path / "scans", tmp_path / "receipts.jsonl", stack.settings.kafka, unique)
    write_scans(desk.scans, 500, size_bytes=100_000)
    run = desk.start("--rate", "100")
    while len(list(read_receipts(desk.journal))) < 100:
        time.sleep(0.05)
        assert run.poll() is None
    restart(stack)
    assert run.wait(120) == 0
    standing = desk.in_topic()
    assert len(standing) == 500
    assert set(standing.values()) == {1}  # the idempotent producer, not luck
    assert len(list(read_receipts(desk.journal))) == 500


def test_a_publisher_and_a_broker_killed_together_lose_nothing(
    stack: LocalStack, tmp_path: Path, unique: str
) -> None:
    desk = Desk(tmp_path / "scans", tmp_path / "receipts.jsonl", stack.settings.kafka, unique)
    write_scans(desk.scans, 300)
    run = desk.start("--rate", "100")
    while len(list(read_receipts(desk.journal))) < 50:
        time.sleep(0.05)
        assert run.poll() is None
    stack.child("broker").kill()
    run.send_signal(signal.SIGKILL)
    run.wait()
    run = desk.start()
    stack.child("broker").start()
    assert run.wait(120) == 0
    assert len(desk.in_topic()) == 300


def test_a_topic_with_a_smaller_limit_refuses_one_scan_and_not_the_run(
    apache_kafka: str, tmp_path: Path, unique: str
) -> None:
    desk = Desk(tmp_path / "scans", tmp_path / "receipts.jsonl", apache_kafka, unique)
    with admin_client(apache_kafka) as client:
        small = {"max.message.bytes": "50000"}
        client.create_topics(
            {desk.topic: {"num_partitions": 4, "replication_factor": 1, "configs": small}}
        )
    write_scans(desk.scans, 10)
    write_scans(tmp_path / "large", 1, size_bytes=80_000)
    (tmp_path / "large" / "S000000.jpg").rename(desk.scans / "large.jpg")
    assert desk.run() == 1
    result = desk.result()
    assert result["published"] == 10
    assert result["refused_by_reason"] == {"value_too_large": 1}
