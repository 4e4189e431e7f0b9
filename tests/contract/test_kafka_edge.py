"""The Kafka edge against real brokers: the embedded one (or TALLYWIRE_TEST_KAFKA) and, where there
is Java, Apache Kafka."""

from __future__ import annotations

import os

import pytest

from tallywire.edge.kafka import make_producer, read_topic
from tallywire.edge.topics import TopicSpec, check_topics, end_offsets, ensure_topics, topic_id
from tallywire.errors import PeerError
from tallywire.settings import Topics
from tallywire.workshop.stack import apache

MIB = 1024 * 1024
SPEC = TopicSpec(partitions=3, replication=1, max_value_bytes=4 * MIB)
NOBODY = "127.0.0.1:1"

BROKERS = ["kafka_bootstrap", *(["apache_kafka"] if apache.is_available() else [])]


@pytest.fixture(params=BROKERS)
def kafka(request: pytest.FixtureRequest) -> str:
    bootstrap: str = request.getfixturevalue(request.param)
    return bootstrap


@pytest.fixture
def topics(kafka: str, unique: str) -> Topics:
    names = Topics(unique)
    ensure_topics(kafka, names.names, SPEC)
    return names


def test_topics_are_created_once(kafka: str, unique: str) -> None:
    names = [f"{unique}.a", f"{unique}.b"]
    assert ensure_topics(kafka, names[:1], SPEC) == (names[0],)
    assert ensure_topics(kafka, names, SPEC) == (names[1],)
    assert ensure_topics(kafka, names, SPEC) == ()


def test_created_topics_pass_their_own_check(kafka: str, topics: Topics) -> None:
    for check in check_topics(kafka, topics.names, SPEC):
        assert check.exists
        assert check.partitions == SPEC.partitions
        assert check.problems == ()
        # Either the broker tells a setting, and it is right, or there is a note that it does not.
        assert len(check.notes) + len(SPEC.configuration.keys() & check.configuration.keys()) == 4


def test_a_check_tells_a_missing_topic(kafka: str, unique: str) -> None:
    (check,) = check_topics(kafka, [unique], SPEC)
    assert not check.exists
    assert [problem.where for problem in check.problems] == [unique]


def test_a_check_tells_another_partition_count(kafka: str, topics: Topics) -> None:
    wanted = TopicSpec(partitions=12, replication=1, max_value_bytes=4 * MIB)
    (check,) = check_topics(kafka, [topics.scans], wanted)
    (problem,) = check.problems
    assert problem.value == "3"
    assert "TALLYWIRE_PARTITIONS" in problem.remedy


def test_two_topics_never_have_one_identity(kafka: str, topics: Topics) -> None:
    identities = {topic_id(kafka, name) for name in topics.names}
    assert len(identities) == len(topics.names)
    assert topic_id(kafka, topics.scans) in identities


def test_the_largest_scan_comes_back_untouched(kafka: str, topics: Topics) -> None:
    image = os.urandom(SPEC.max_value_bytes)
    headers = [("scan-id", b"\xff\x00"), ("scanner", "süd".encode())]
    producer = make_producer(kafka, SPEC.max_record_bytes)
    sent = producer.send(topics.scans, image, key=b"0001-B", headers=headers).get(30)
    producer.close()
    (record,) = read_topic(kafka, topics.scans)
    assert (record.partition, record.offset) == (sent.partition, sent.offset)
    assert record.key == b"0001-B"
    assert record.value == image
    assert record.headers == tuple(headers)
    assert record.timestamp.tzinfo is not None


def test_a_station_stays_in_one_partition_and_in_order(kafka: str, topics: Topics) -> None:
    producer = make_producer(kafka, SPEC.max_record_bytes)
    for number in range(200):
        producer.send(topics.scans, str(number).encode(), key=b"%d" % (number % 7))
    producer.flush()
    producer.close()
    records = list(read_topic(kafka, topics.scans))
    assert len(records) == 200
    for key in range(7):
        mine = [record for record in records if record.key == b"%d" % key]
        assert len({record.partition for record in mine}) == 1
        assert [int(record.value) for record in mine] == list(range(key, 200, 7))


def test_end_offsets_count_what_was_acknowledged(kafka: str, topics: Topics) -> None:
    assert end_offsets(kafka, topics.scans) == {0: 0, 1: 0, 2: 0}
    producer = make_producer(kafka, SPEC.max_record_bytes)
    for number in range(10):
        producer.send(topics.scans, b"x", key=b"%d" % number).get(30)
    producer.close()
    assert sum(end_offsets(kafka, topics.scans).values()) == 10


def test_an_empty_topic_reads_as_nothing(kafka: str, topics: Topics) -> None:
    assert list(read_topic(kafka, topics.readings)) == []


def test_a_topic_is_not_created_by_asking_for_it(kafka: str, unique: str) -> None:
    with pytest.raises(PeerError):
        end_offsets(kafka, unique)
    assert not check_topics(kafka, [unique], SPEC)[0].exists


def test_an_absent_broker_is_told_by_its_address() -> None:
    for ask in (
        lambda: ensure_topics(NOBODY, ["a"], SPEC, 500),
        lambda: topic_id(NOBODY, "a", 500),
        lambda: make_producer(NOBODY, SPEC.max_record_bytes, block_ms=500),
    ):
        with pytest.raises(PeerError, match=NOBODY):
            ask()
