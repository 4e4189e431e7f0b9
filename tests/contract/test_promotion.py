"""What keeps a generation from being shown, by a real Redis; the broker's answer is given."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from redis import Redis

from tallywire.edge.log_offsets import OffsetRange
from tallywire.election.election import Election
from tallywire.ledger import keys
from tallywire.ledger.generation_origin import REPLAY, GenerationOrigin
from tallywire.ledger.generations import (
    is_followed,
    list_generations,
    live_generation,
    set_live,
    station_names,
    stored_offsets,
)
from tallywire.ledger.opening import describe, place_starts
from tallywire.ledger.state import Event
from tallywire.ledger.store import RedisLedger, connect
from tallywire.replay.promotion import (
    AcceptedRisks,
    NotFitError,
    PromotionRequirements,
    move,
    patiently,
    problems,
)
from tests.factories import CORRECTIONS, SCANS, make_election, make_reading

pytestmark = pytest.mark.flow

BOUNDS = {
    (SCANS, 0): OffsetRange(0, 2),
    (SCANS, 1): OffsetRange(0, 0),
    (CORRECTIONS, 0): OffsetRange(0, 1),
}


@pytest.fixture
def election(unique: str) -> Election:
    return make_election(unique)


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


def fill(
    url: str, election: Election, name: str, *events: Event, read: dict[str, int] | None = None
) -> None:
    """Open a generation, apply events, and have its topics read so far."""

    async def run() -> None:
        ledger = RedisLedger(connect(url), election, name)
        await ledger.open(election)
        for event in events:
            await ledger.apply(event)
        for topic, offset in (read or {}).items():
            await ledger.advance(topic, 0, offset)
        await ledger.close()

    asyncio.run(run())


def found(redis: Redis, election: Election, allow: AcceptedRisks | None = None) -> list[str]:
    needed = PromotionRequirements("g1", BOUNDS, frozenset(station_names(redis, election, "g1")))
    return list(problems(redis, election, "g2", needed, allow or AcceptedRisks()))


def test_behind_unheard_and_unfollowed_are_all_told_with_numbers(
    redis: Redis, redis_url: str, election: Election
) -> None:
    both = [make_reading("d1-1", 0), make_reading("d2-1", 1)]
    fill(redis_url, election, "g1", *both, read={SCANS: 2, CORRECTIONS: 1})
    fill(redis_url, election, "g2", both[0], read={SCANS: 1})
    late, missing, nobody = found(redis, election)
    assert f"{SCANS}[0] 1 behind (1 of 2)" in late
    assert f"{CORRECTIONS}[0] 1 behind (0 of 1)" in late
    assert "misses 1 stations that g1 has: d2:mayor:d2-1" in missing
    assert "Nobody follows g2" in nobody
    assert found(redis, election, AcceptedRisks(partial=True, unfollowed=True)) == [late]


def test_a_generation_that_has_all_and_is_followed_is_fit(
    redis: Redis, redis_url: str, election: Election
) -> None:
    for name in ("g1", "g2"):
        fill(redis_url, election, name, make_reading("d1-1", 0), read={SCANS: 2, CORRECTIONS: 1})
    redis.set(keys.followed(election.id, "g2"), b"1", ex=30)
    assert is_followed(redis, election.id, "g2")
    assert found(redis, election) == []
    assert station_names(redis, election, "g2") == {"d1:mayor:d1-1"}


def test_the_one_who_comes_secondmoves_nothing(
    redis: Redis, redis_url: str, election: Election
) -> None:
    for name in ("g1", "g2", "g3"):
        fill(redis_url, election, name)
    set_live(redis, election.id, "g3", expected="g1")
    with pytest.raises(NotFitError, match="g3"):
        move(redis, election, "g1", "g2", ())
    assert live_generation(redis, election.id) == "g3"


def test_patience_waits_for_what_clears_up_and_no_longer_than_told() -> None:
    left = [["behind"], ["behind"], []]
    assert patiently(lambda: left.pop(0), 10.0) == []
    assert patiently(lambda: ["for ever"], 0.0) == ["for ever"]


async def test_how_a_generation_was_made_is_written_once(
    redis: Redis, redis_url: str, election: Election
) -> None:
    first = GenerationOrigin(
        ("d1",),
        REPLAY,
        model="digits",
        model_version=1,
        begin="2026-11-22T20:00:00+00:00",
        starts={f"{SCANS}|0": 7},
    )
    client = connect(redis_url)
    assert await describe(client, election.id, "g2", first) == first
    assert await describe(client, election.id, "g2", GenerationOrigin()) == first
    await place_starts(client, election.id, "g2", first)
    ledger = RedisLedger(client, election, "g2")
    await ledger.advance(SCANS, 0, 9)
    await place_starts(client, election.id, "g2", first)
    assert stored_offsets(redis, election.id, "g2") == {(SCANS, 0): 9}
    (listed,) = list_generations(redis, election.id)
    assert listed.about == first
    assert listed.about.is_partial
    await ledger.close()
