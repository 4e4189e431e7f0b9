"""One look a second for everybody, on a real Redis that comes and goes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import pytest
from redis import Redis

from dashboard.source import READ_EVERY_S, Reader
from tallywire.election.election import Election
from tallywire.ledger.async_client import open_async_ledger
from tallywire.ledger.client import LedgerClient, open_ledger
from tallywire.ledger.state import Event
from tallywire.records import Verdict
from tallywire.workshop.stack.local import LocalStack, StackPlan
from tests.support.values import make_election, make_reading


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


@pytest.fixture
def ledger(redis_url: str, election: Election) -> Iterator[LedgerClient]:
    with open_ledger(redis_url, election) as client:
        yield client


def apply(url: str, election: Election, *events: Event, generation: str = "g1") -> None:
    async def run() -> None:
        ledger = open_async_ledger(url, election, generation)
        await ledger.open()
        for event in events:
            await ledger.apply(event)
        await ledger.close()

    asyncio.run(run())


def gets(redis: Redis) -> int:
    stats = redis.info("commandstats")
    return int(stats.get("cmdstat_get", {"calls": 0})["calls"])


def test_before_the_ledger_is_opened(ledger: LedgerClient) -> None:
    look = Reader(ledger).look()
    assert look.generation is None
    assert look.trouble is None
    assert not look.districts


def test_a_second_has_one_look(
    redis: Redis, ledger: LedgerClient, redis_url: str, election: Election
) -> None:
    apply(redis_url, election, make_reading("d1-1", 0))
    clock = Clock()
    reader = Reader(ledger, now_s=clock)
    first = reader.look()
    before = gets(redis)
    assert all(reader.look() is first for _ in range(50))
    assert gets(redis) == before
    clock.tick()
    reader.look()
    assert gets(redis) > before


def test_totals_are_read_again_only_after_a_change(
    ledger: LedgerClient, redis_url: str, election: Election
) -> None:
    apply(redis_url, election, make_reading("d1-1", 0))
    clock = Clock()
    reader = Reader(ledger, now_s=clock)
    first = reader.look().snapshot
    clock.tick()
    assert reader.look().snapshot is first
    apply(redis_url, election, make_reading("d1-2", 1))
    clock.tick()
    assert reader.look().districts["d1"].stations("mayor", "counted") == 2


def test_a_pinned_generation_is_shown_instead_of_the_live_one(
    ledger: LedgerClient, redis_url: str, election: Election
) -> None:
    apply(redis_url, election, make_reading("d1-1", 0))
    apply(redis_url, election, generation="g2")
    assert Reader(ledger).look().generation == "g1"
    pinned = Reader(ledger, "g2").look()
    assert pinned.generation == "g2"
    assert pinned.districts["d1"].stations("mayor", "counted") == 0


def test_redis_away_is_told_and_the_last_numbers_stay(tmp_path: Path, election: Election) -> None:
    clock = Clock()
    with LocalStack(StackPlan(tmp_path, broker=None, model=False)) as stack:
        apply(stack.settings.redis, election, make_reading("d1-1", 0))
        server = stack.child("redis")
        with open_ledger(stack.settings.redis, election) as ledger:
            reader = Reader(ledger, now_s=clock)
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
    ledger: LedgerClient, redis_url: str, election: Election
) -> None:
    apply(redis_url, election, make_reading("d1-1", 0, verdict=Verdict.HELD))
    clock = Clock()
    reader = Reader(ledger, now_s=clock)
    held = reader.held()
    assert [state.station for state in held] == ["d1-1"]
    assert reader.held() is held
    apply(redis_url, election, make_reading("d1-1", 1))
    clock.tick()
    assert reader.held() == ()


def test_no_look_ever_mixes_generations_while_they_are_promoted_and_rolled_back(
    ledger: LedgerClient, redis_url: str, election: Election
) -> None:
    """Every number of a look, and its review queue, is of the generation that it names."""
    stations, promoted = list(election.stations), 200
    apply(redis_url, election, *(make_reading(one, n) for n, one in enumerate(stations)))
    held = (make_reading(one, n, verdict=Verdict.HELD) for n, one in enumerate(stations))
    apply(redis_url, election, *held, generation="g2")
    expected = {"g1": (len(stations), 0), "g2": (0, len(stations))}

    def promote() -> None:
        for number in range(promoted):
            names = ("g1", "g2") if number % 2 == 0 else ("g2", "g1")
            assert ledger.set_live(names[1], expected=names[0]) == names[1]

    clock = Clock()
    reader = Reader(open_ledger(redis_url, election), now_s=clock)
    moving = Thread(target=promote)
    moving.start()
    seen: list[str] = []
    while moving.is_alive() or len(seen) < 50:
        clock.tick()
        look, queue = reader.queue()
        counted = sum(one.stations("mayor", "counted") for one in look.districts.values())
        assert look.generation is not None
        assert (counted, len(queue)) == expected[look.generation]
        seen.append(look.generation)
    moving.join()
    assert {"g1", "g2"} == set(seen)


def test_viewers_in_many_threads_see_the_queue_of_the_generation_shown(
    ledger: LedgerClient, redis_url: str, election: Election
) -> None:
    apply(redis_url, election, make_reading("d1-1", 0))
    apply(redis_url, election, make_reading("d1-1", 0, verdict=Verdict.HELD), generation="g2")
    clock = Clock()
    reader = Reader(open_ledger(redis_url, election), now_s=clock)

    def view(number: int) -> bool:
        if number % 3 == 0:
            clock.tick()
        if number % 50 == 0:
            live = ledger.live() or ""
            ledger.set_live("g2" if live == "g1" else "g1", expected=live)
        look, queue = reader.queue()
        return len(queue) == (look.generation == "g2")

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(view, range(1000)))


def test_one_station_can_be_looked_up(
    ledger: LedgerClient, redis_url: str, election: Election
) -> None:
    apply(redis_url, election, make_reading("d1-1", 0))
    reader = Reader(ledger)
    found = reader.station("mayor", "d1-1")
    assert found is not None
    assert found.status == "counted"
    assert reader.station("mayor", "d1-2") is None
