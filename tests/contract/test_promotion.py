"""What keeps a generation from being shown, by a real Redis; the broker's answer is given."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from redis import Redis

from tallywire.edge.log_offsets import OffsetRange
from tallywire.election.election import Election
from tallywire.ledger import keys
from tallywire.ledger.async_client import open_async_ledger
from tallywire.ledger.client import LedgerClient, open_ledger
from tallywire.ledger.generations import REPLAY, GenerationOrigin
from tallywire.ledger.record_key import RecordKey
from tallywire.ledger.state import Event
from tallywire.records import Partition
from tallywire.replay.promotion import (
    AcceptedRisks,
    NotFitError,
    PromotionRequirements,
    move,
    patiently,
    problems,
)
from tests.support.values import CORRECTIONS, SCANS, make_election, make_reading

BOUNDS = {
    Partition(SCANS, 0): OffsetRange(0, 2),
    Partition(SCANS, 1): OffsetRange(0, 0),
    Partition(CORRECTIONS, 0): OffsetRange(0, 1),
}


@pytest.fixture
def election(unique: str) -> Election:
    return make_election(unique)


@pytest.fixture
def ledger(redis_url: str, election: Election) -> Iterator[LedgerClient]:
    with open_ledger(redis_url, election) as client:
        yield client


def fill(
    url: str, election: Election, name: str, *events: Event, read: dict[str, int] | None = None
) -> None:
    """Open a generation, apply events, and have its topics read so far."""

    async def run() -> None:
        ledger = open_async_ledger(url, election, name)
        await ledger.open()
        for event in events:
            await ledger.apply(event)
        for topic, offset in (read or {}).items():
            await ledger.advance(topic, 0, offset)
        await ledger.close()

    asyncio.run(run())


def found(ledger: LedgerClient, allow: AcceptedRisks | None = None) -> list[str]:
    needed = PromotionRequirements("g1", BOUNDS, frozenset(ledger.record_keys("g1")))
    return list(problems(ledger, "g2", needed, allow or AcceptedRisks()))


def test_behind_unheard_and_unfollowed_are_all_told_with_numbers(
    ledger: LedgerClient, redis_url: str, election: Election
) -> None:
    both = [make_reading("d1-1", 0), make_reading("d2-1", 1)]
    fill(redis_url, election, "g1", *both, read={SCANS: 2, CORRECTIONS: 1})
    fill(redis_url, election, "g2", both[0], read={SCANS: 1})
    late, missing, nobody = found(ledger)
    assert f"{SCANS}[0] 1 behind (1 of 2)" in late
    assert f"{CORRECTIONS}[0] 1 behind (0 of 1)" in late
    assert "misses 1 stations that g1 has: d2:mayor:d2-1" in missing
    assert "Nobody follows g2" in nobody
    assert found(ledger, AcceptedRisks(partial=True, unfollowed=True)) == [late]


def test_a_generation_that_has_all_and_is_followed_is_fit(
    ledger: LedgerClient, redis_url: str, election: Election
) -> None:
    for name in ("g1", "g2"):
        fill(redis_url, election, name, make_reading("d1-1", 0), read={SCANS: 2, CORRECTIONS: 1})
    with Redis.from_url(redis_url) as redis:
        redis.set(keys.followed(election.id, "g2"), b"1", ex=30)
    assert ledger.is_followed("g2")
    assert found(ledger) == []
    assert ledger.record_keys("g2") == {RecordKey("d1", "mayor", "d1-1")}


def test_the_one_who_comes_second_moves_nothing(
    ledger: LedgerClient, redis_url: str, election: Election
) -> None:
    for name in ("g1", "g2", "g3"):
        fill(redis_url, election, name)
    ledger.set_live("g3", expected="g1")
    with pytest.raises(NotFitError, match="g3"):
        move(ledger, "g1", "g2", ())
    assert ledger.live() == "g3"


def test_patience_waits_for_what_clears_up_and_no_longer_than_told() -> None:
    left = [["behind"], ["behind"], []]
    assert patiently(lambda: left.pop(0), 10.0) == []
    assert patiently(lambda: ["for ever"], 0.0) == ["for ever"]


async def test_how_a_generation_was_made_is_written_once(
    ledger: LedgerClient, redis_url: str, election: Election
) -> None:
    first = GenerationOrigin(
        ("d1",),
        REPLAY,
        model="digits",
        model_version=1,
        begin="2026-11-22T20:00:00+00:00",
        starts={Partition(SCANS, 0): 7},
    )
    async with open_async_ledger(redis_url, election, "g2") as writer:
        assert await writer.describe(first) == first
        assert await writer.describe(GenerationOrigin()) == first
        await writer.place_starts(first.starts)
        await writer.advance(SCANS, 0, 9)
        await writer.place_starts(first.starts)
    assert ledger.next_offsets("g2") == {Partition(SCANS, 0): 9}
    assert ledger.origin("g2") == first
    assert ledger.origin("g3") is None
    (listed,) = ledger.generations()
    assert listed.about == first
    assert listed.about.is_partial
