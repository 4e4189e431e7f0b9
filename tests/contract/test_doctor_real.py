"""The doctor against real servers: a healthy stack is told healthy, and each fault is found."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from redis import Redis

from tallywire.doctor.examine import examine
from tallywire.doctor.findings import Level, worst
from tallywire.doctor.kafka_broker import check_broker
from tallywire.doctor.ledger import judge_frame, look
from tallywire.doctor.model_server import check_model
from tallywire.doctor.redis_server import check_redis
from tallywire.edge.topics import TopicSpec, ensure_topics
from tallywire.election.election import Election
from tallywire.ledger.async_client import open_async_ledger
from tallywire.ledger.client import open_ledger
from tallywire.ledger.keys import DistrictKeys
from tallywire.ledger.snapshot import read_snapshot
from tallywire.settings import Settings
from tests.support.values import make_election, make_reading

TIMEOUT_S = 5.0


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """The session's Redis; its settings are put back afterwards."""
    with Redis.from_url(redis_url, decode_responses=True) as client:
        names = ("appendonly", "appendfsync", "maxmemory", "maxmemory-policy")
        before = {name: str(client.config_get(name)[name]) for name in names}
        yield client
        for name, value in before.items():
            client.config_set(name, value)


def create(settings: Settings, **other: int) -> None:
    spec = TopicSpec(
        other.get("partitions", settings.partitions),
        1,
        other.get("bytes", settings.max_value_bytes),
    )
    ensure_topics(settings.kafka, settings.topics.names, spec)


def test_a_healthy_stack_has_no_failure(
    redis_url: str, kafka_bootstrap: str, model_server: str, unique: str
) -> None:
    settings = Settings(
        redis=redis_url,
        kafka=kafka_bootstrap,
        serving=model_server,
        topic_prefix=unique,
        model_version=2,
    )
    create(settings)
    findings = examine(settings, TIMEOUT_S)
    assert worst(findings) is not Level.FAIL, [item for item in findings if item.remedy]
    assert {item.part for item in findings} == {
        "Machine",
        "Election",
        "Kafka",
        "Model server",
        "Redis",
        "Ledger",
    }


def test_topics_that_are_not_there(kafka_bootstrap: str, unique: str) -> None:
    found = check_broker(Settings(kafka=kafka_bootstrap, topic_prefix=unique), TIMEOUT_S)
    assert [item.level for item in found] == ["ok", "fail", "fail", "fail", "fail"]
    assert all("tallywire topics" in item.remedy for item in found[1:])


def test_topics_with_other_partitions(kafka_bootstrap: str, unique: str) -> None:
    settings = Settings(kafka=kafka_bootstrap, topic_prefix=unique)
    create(settings, partitions=3)
    found = check_broker(settings, TIMEOUT_S)
    assert any("TALLYWIRE_PARTITIONS" in item.remedy for item in found)


def test_redis_that_forgets(redis: Redis, redis_url: str) -> None:
    settings = Settings(redis=redis_url)
    assert worst(check_redis(settings, TIMEOUT_S)) is Level.OK
    redis.config_set("appendonly", "no")
    assert worst(check_redis(settings, TIMEOUT_S)) is Level.WARN


def test_redis_that_throws_away(redis: Redis, redis_url: str) -> None:
    redis.config_set("maxmemory", str(512 * 1024 * 1024))
    redis.config_set("maxmemory-policy", "allkeys-lru")
    found = check_redis(Settings(redis=redis_url), TIMEOUT_S)
    assert worst(found) is Level.FAIL


def count_one(url: str, election: Election) -> None:
    async def run() -> None:
        ledger = open_async_ledger(url, election, "g1")
        await ledger.open()
        await ledger.apply(make_reading("d1-1", 0))
        await ledger.close()

    asyncio.run(run())


def test_a_ledger_of_other_stations(redis_url: str, unique: str) -> None:
    count_one(redis_url, make_election(unique))
    with open_ledger(redis_url, make_election(unique)) as ledger:
        snapshot = read_snapshot(ledger)
    assert snapshot is not None
    assert judge_frame(snapshot, make_election(unique)).level is Level.OK
    finding = judge_frame(snapshot, make_election(unique, stations_each=5))
    assert finding.level is Level.FAIL
    assert "4 in the ledger, 5 in the files" in finding.found


def test_a_total_that_is_not_the_sum_of_its_stations(redis_url: str, unique: str) -> None:
    election = make_election(unique)
    count_one(redis_url, election)
    with open_ledger(redis_url, election) as ledger, Redis.from_url(redis_url) as client:
        assert worst(look(ledger)) is Level.OK
        client.hincrby(DistrictKeys(unique, "g1", "d1").totals, "votes|mayor|A|accepted|high", 5)
        found = list(look(ledger))
    assert worst(found) is Level.FAIL
    assert "1 counters" in found[-1].found


def test_a_ledger_that_nobody_opened(redis_url: str, unique: str) -> None:
    with open_ledger(redis_url, make_election(unique)) as ledger:
        (finding,) = look(ledger)
    assert "not opened yet" in finding.found


@pytest.mark.model
def test_a_version_that_is_pinned_but_not_loaded(model_server: str) -> None:
    found = check_model(Settings(serving=model_server, model_version=99), TIMEOUT_S)
    assert worst(found) is Level.FAIL
    assert any("version 99" in item.found for item in found)


@pytest.mark.model
def test_a_model_that_is_not_there(model_server: str) -> None:
    found = check_model(Settings(serving=model_server, model="letters"), TIMEOUT_S)
    assert worst(found) is Level.FAIL
