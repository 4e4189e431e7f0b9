"""Three nodes of Apache Kafka: one may be lost at any time. Collected where there is Java."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tallywire.edge.topics import TopicSpec, admin_client, check_topics, ensure_topics
from tallywire.publish.receipts import read_receipts
from tallywire.workshop.stack.local import LocalStack, StackPlan, topic_spec
from tests.support.scanning_desk import Desk, write_scans
from tests.support.waiting import wait_until

NODES = 3
COUNT = 600


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A cluster of our own, since its nodes will be killed."""
    folder = tmp_path_factory.mktemp("cluster")
    plan = StackPlan(folder, broker="kafka", brokers=NODES, redis=False, model=False)
    with LocalStack(plan) as stack:
        yield stack


def in_sync(kafka: str, topic: str) -> set[frozenset[int]]:
    """The different sets of nodes that have everything of a partition."""
    with admin_client(kafka) as client:
        (described,) = client.describe_topics([topic])
    return {frozenset(one["isr_nodes"]) for one in described["partitions"]}


READ = """
import sys
from tallywire.edge.kafka import read_topic
for record in read_topic(*sys.argv[1:]):
    print(dict(record.headers)["scan-id"].decode())
"""


def read_elsewhere(desk: Desk) -> list[str]:
    """Every scan id in the topic, read by another process: with a node away, kafka-python leaves
    sockets behind, which here would be errors."""
    command = [sys.executable, "-c", READ, desk.kafka, desk.topic]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
    return done.stdout.split()


def test_every_topic_has_a_copy_on_each_node(stack: LocalStack) -> None:
    settings = stack.settings
    assert len(settings.kafka.split(",")) == settings.replication == NODES
    spec = topic_spec(settings)
    checks = check_topics(settings.kafka, settings.topics.names, spec)
    assert [problem for check in checks for problem in check.problems] == []
    assert {check.configuration["min.insync.replicas"] for check in checks} == {"2"}
    assert in_sync(settings.kafka, settings.topics.scans) == {frozenset({1, 2, 3})}
    assert [one.program.name for one in stack.children] == ["broker-1", "broker-2", "broker-3"]


def test_the_loss_of_a_node_stops_nothing_and_costs_nothing(
    stack: LocalStack, tmp_path: Path, unique: str
) -> None:
    """Scans are acknowledged by all who are left while a node is down, and are on it when it is
    back: then another one may be lost."""
    desk = Desk(tmp_path / "scans", tmp_path / "receipts.jsonl", stack.settings.kafka, unique)
    ensure_topics(desk.kafka, [desk.topic], TopicSpec(4, NODES, 4 * 1024 * 1024))
    write_scans(desk.scans, COUNT)
    run = desk.start("--rate", "40")

    def acknowledged() -> int:
        assert run.poll() in (None, 0), desk.output()
        return len(list(read_receipts(desk.journal)))

    wait_until(lambda: acknowledged() >= 100, 60)
    lost = stack.child("broker-1")
    lost.kill()
    before = acknowledged()
    wait_until(lambda: acknowledged() >= before + 150, 60)  # with two nodes
    assert not lost.is_alive()
    lost.start()
    lost.wait_ready()
    assert run.wait(120) == 0
    wait_until(lambda: in_sync(desk.kafka, desk.topic) == {frozenset({1, 2, 3})}, 60)
    stack.child("broker-2").kill()
    standing = read_elsewhere(desk)
    assert len(standing) == COUNT
    assert sorted({receipt.scan_id for receipt in read_receipts(desk.journal)}) == sorted(standing)
    stack.child("broker-2").start()
    stack.child("broker-2").wait_ready()
