"""One look a second for everybody, on a real Redis that comes and goes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from dashboard.source import READ_EVERY_S, Reader
from tallywire.election import Election
from tallywire.ledger.state import Event
from tallywire.ledger.store import RedisLedger, connect
from tallywire.records import Verdict
from tallywire.stack.local import LocalStack, Plan
from tests.factories import make_election, make_reading

pytestmark = pytest.mark.flow


class Clock:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def tick(self) -> None:
        self.now_s += READ_EVERY_S


@pytest.fixture
def election(unique: str) -> Election:
    return make_election(unique)


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


def apply(url: str, election: Election, *events: Event, generation: str = "g1") -> None:
    async def run() -> None:
        ledger = RedisLedger(connect(url), election, generation)
        await ledger.open(election)
        for event in events:
            await ledger.apply(event)
        await ledger.close()

    asyncio.run(run())


def gets(redis: Redis) -> int:
    stats = redis.info("commandstats")
    return int(stats.get("cmdstat_get", {"calls": 0})["calls"])


def test_before_the_ledger_is_opened(redis: Redis, election: Election) -> None:
    look = Reader(redis, election).look()
    assert look.generation is None
    assert look.trouble is None
    assert not look.districts


def test_a_second_has_one_look(redis: Redis, redis_url: str, election: Election) -> None:
    apply(redis_url, election, make_reading("d1-1", 0))
    clock = Clock()
    reader = Reader(redis, election, now_s=clock)
    first = reader.look()
    before = gets(redis)
    assert all(reader.look() is first for _ in range(50))
    assert gets(redis) == before
    clock.tick()
    reader.look()
    assert gets(redis) > before


def test_totals_are_read_again_only_after_a_change(
    redis: Redis, redis_url: str, election: Election
) -> None:
    apply(redis_url, election, make_reading("d1-1", 0))
    clock = Clock()
    reader = Reader(redis, election, now_s=clock)
    first = reader.look().snapshot
    clock.tick()
    assert reader.look().snapshot is first
    apply(redis_url, election, make_reading("d1-2", 1))
    clock.tick()
    assert reader.look().districts["d1"].stations("mayor", "counted") == 2


def test_a_pinned_generation_is_shown_instead_of_the_live_one(
    redis: Redis, redis_url: str, election: Election
) -> None:
    apply(redis_url, election, make_reading("d1-1", 0))
    apply(redis_url, election, generation="g2")
    assert Reader(redis, election).look().generation == "g1"
    pinned = Reader(redis, election, "g2").look()
    assert pinned.generation == "g2"
    assert pinned.districts["d1"].stations("mayor", "counted") == 0


def test_redis_away_is_told_and_the_last_numbers_stay(tmp_path: Path, election: Election) -> None:
    clock = Clock()
    with LocalStack(Plan(tmp_path, broker=None, model=False)) as stack:
        apply(stack.settings.redis, election, make_reading("d1-1", 0))
        server = stack.child("redis")
        with Redis.from_url(stack.settings.redis, retry=None) as redis:
            reader = Reader(redis, election, now_s=clock)
            good = reader.look()
            server.end()
            clock.tick()
            stale = reader.look()
            assert "the last that were read" in (stale.trouble or "")
            assert stale.snapshot is good.snapshot
            assert stale.read_at == good.read_at
            server.start()
            server.wait_ready()
            clock.tick()
            assert reader.look().trouble is None


def test_held_stations_are_listed_once_for_everybody(
    redis: Redis, redis_url: str, election: Election
) -> None:
    apply(redis_url, election, make_reading("d1-1", 0, verdict=Verdict.HELD))
    clock = Clock()
    reader = Reader(redis, election, now_s=clock)
    held = reader.held()
    assert [state.station for state in held] == ["d1-1"]
    assert reader.held() is held
    apply(redis_url, election, make_reading("d1-1", 1))
    clock.tick()
    assert reader.held() == ()


def test_one_station_can_be_looked_up(redis: Redis, redis_url: str, election: Election) -> None:
    apply(redis_url, election, make_reading("d1-1", 0))
    reader = Reader(redis, election)
    found = reader.station("mayor", "d1-1")
    assert found is not None
    assert found.status == "counted"
    assert reader.station("mayor", "d1-2") is None
