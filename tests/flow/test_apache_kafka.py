"""What only a durable broker can show. Collected where there is Java (see tests/conftest.py)."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tallywire.edge.topics import TopicSpec, admin_client, check_topics, ensure_topics, topic_id
from tallywire.publish.receipts import read_receipts
from tallywire.workshop.stack.local import LocalStack, StackPlan
from tests.support.scanning_desk import Desk, write_scans

SPEC = TopicSpec(partitions=4, replication=1, max_value_bytes=4 * 1024 * 1024)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A node of our own, since it will be killed."""
    folder = tmp_path_factory.mktemp("stack")
    plan = StackPlan(folder, broker="kafka", redis=False, model=False)
    with LocalStack(plan) as stack:
        yield stack


@pytest.fixture
def kafka(stack: LocalStack) -> str:
    return stack.settings.kafka


def restart(stack: LocalStack) -> None:
    """Kill the node as a power cut would, and start it again."""
    broker = stack.child("broker")
    broker.kill()
    broker.start()
    broker.wait_ready()


def test_settings_are_told_and_right(kafka: str, unique: str) -> None:
    ensure_topics(kafka, [unique], SPEC)
    (check,) = check_topics(kafka, [unique], SPEC)
    assert check.notes == ()
    assert check.problems == ()
    assert check.configuration["retention.ms"] == "-1"


def test_settings_that_would_lose_scans_are_problems(kafka: str, unique: str) -> None:
    with admin_client(kafka) as client:
        bad = {"retention.ms": "3600000", "cleanup.policy": "compact", "max.message.bytes": "1000"}
        client.create_topics(
            {unique: {"num_partitions": 4, "replication_factor": 1, "configs": bad}},
            wait_for_metadata=True,
        )
    (check,) = check_topics(kafka, [unique], SPEC)
    assert {problem.where.split(": ")[1] for problem in check.problems} == bad.keys()


def test_a_broker_killed_in_the_middle_costs_nothing_and_doubles_nothing(
    stack: LocalStack, tmp_path: Path, unique: str
) -> None:
    desk = Desk(tmp_path / "scans", tmp_path / "receipts.jsonl", stack.settings.kafka, unique)
    write_scans(desk.scans, 500, size_bytes=100_000)
    run = desk.start("--rate", "100")
    desk.wait_receipts(run, 100)
    restart(stack)
    assert run.wait(120) == 0
    standing = desk.in_topic()
    assert len(standing) == 500
    assert set(standing.values()) == {1}  # the idempotent producer, not luck
    assert len(list(read_receipts(desk.journal))) == 500


def test_a_publisher_and_a_broker_killed_together_lose_nothing_acknowledged(
    stack: LocalStack, tmp_path: Path, unique: str
) -> None:
    desk = Desk(tmp_path / "scans", tmp_path / "receipts.jsonl", stack.settings.kafka, unique)
    write_scans(desk.scans, 300)
    run = desk.start("--rate", "100")
    desk.wait_receipts(run, 50)
    identity = topic_id(desk.kafka, desk.topic)
    stack.child("broker").kill()
    run.send_signal(signal.SIGKILL)
    run.wait()
    acknowledged = {receipt.scan_id for receipt in read_receipts(desk.journal)}
    run = desk.start()
    stack.child("broker").start()
    assert run.wait(120) == 0
    assert topic_id(desk.kafka, desk.topic) == identity
    assert desk.result()["skipped"] == len(acknowledged)  # they were not sent again, and are there
    assert acknowledged < desk.in_topic().keys()
    assert len(desk.in_topic()) == 300


def test_a_topic_with_a_smaller_limit_refuses_one_scan_and_not_the_run(
    kafka: str, tmp_path: Path, unique: str
) -> None:
    desk = Desk(tmp_path / "scans", tmp_path / "receipts.jsonl", kafka, unique)
    with admin_client(kafka) as client:
        small = {"max.message.bytes": "50000"}
        client.create_topics(
            {desk.topic: {"num_partitions": 4, "replication_factor": 1, "configs": small}},
            wait_for_metadata=True,
        )
    write_scans(desk.scans, 10)
    write_scans(tmp_path / "large", 1, size_bytes=80_000)
    (tmp_path / "large" / "S000000.jpg").rename(desk.scans / "large.jpg")
    assert desk.run() == 1
    result = desk.result()
    assert result["published"] == 10
    assert result["refused_by_reason"] == {"value_too_large": 1}
