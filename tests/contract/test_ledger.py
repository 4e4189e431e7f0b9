"""One suite for every ledger: in memory, and in a real Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import pytest
from redis import Redis

from tallywire.election.election import Election
from tallywire.errors import PeerError
from tallywire.ledger import keys
from tallywire.ledger.async_client import Ledger, open_async_ledger
from tallywire.ledger.client import LedgerClient, open_ledger
from tallywire.ledger.snapshot import (
    audit,
    list_held,
    read_revision,
    read_snapshot,
    read_station,
)
from tallywire.ledger.state import Event, Outcome, Status
from tallywire.records import Correction, Verdict
from tallywire.wire import encode
from tests.support.memory_ledger import MemoryLedger
from tests.support.values import (
    CORRECTIONS,
    SCANS,
    make_correction,
    make_election,
    make_reading,
    make_rejection,
)

Totals = dict[str, dict[str, int]]
Opened = tuple[Ledger, Callable[[], Totals]]

HISTORY: Sequence[Event] = (
    make_reading("d1-1", 0),
    make_reading("d1-2", 1, verdict=Verdict.HELD),
    make_rejection("d1-3", 2),
    make_reading("d2-1", 3, votes={"A": 7, "B": 9, "null": 0}),
    make_reading("d1-1", 4, image="image 0"),
    make_reading("d1-2", 5),
    make_reading("d2-1", 6, votes={"A": 8, "B": 9, "null": 0}),
    make_rejection(None, 7),
    make_correction("d1-3", 0, {"A": 1, "B": 2, "null": 3}),
)
OUTCOMES = [
    Outcome.COUNTED,
    Outcome.HELD,
    Outcome.REJECTED,
    Outcome.COUNTED,
    Outcome.DUPLICATE,
    Outcome.COUNTED,
    Outcome.HELD,
    Outcome.REJECTED,
    Outcome.CORRECTED,
]


@pytest.fixture
def election(unique: str) -> Election:
    return make_election(unique)


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def reader(redis_url: str, election: Election) -> Iterator[LedgerClient]:
    with open_ledger(redis_url, election) as client:
        yield client


def redis_totals(reader: LedgerClient, generation: str = "g1") -> Totals:
    snapshot = read_snapshot(reader, generation)
    assert snapshot is not None
    found = {one: dict(district.totals) for one, district in snapshot.districts.items()}
    return {one: totals for one, totals in found.items() if totals}


@pytest.fixture(params=["memory", "redis"])
async def opened(
    request: pytest.FixtureRequest, election: Election, redis_url: str, reader: LedgerClient
) -> AsyncIterator[Opened]:
    if request.param == "memory":
        memory = MemoryLedger(election)
        yield memory, lambda: memory.totals
        return
    store = open_async_ledger(redis_url, election, "g1")
    await store.open()
    yield store, lambda: redis_totals(reader)
    await store.close()


async def test_each_event_has_its_outcome(opened: Opened) -> None:
    ledger, _ = opened
    assert [(await ledger.apply(event)).outcome for event in HISTORY] == OUTCOMES


async def test_a_history_told_twice_gives_the_same_totals(opened: Opened) -> None:
    ledger, totals = opened
    for event in HISTORY:
        await ledger.apply(event)
    once = totals()
    for event in HISTORY:
        await ledger.apply(event)
    assert totals() == once
    assert once["d1"]["votes|mayor|A|accepted|high"] == 200
    assert once["d1"]["stations|mayor|corrected"] == 1
    assert once["d2"]["stations|mayor|conflicts"] == 1
    assert once["-"] == {
        "scans|rejected": 1,
        "stations|-|received": 1,
        "stations|-|rejected": 1,
        next(name for name in once["-"] if name.startswith("time|")): 1,
    }


@pytest.mark.parametrize("scan", [HISTORY[0], HISTORY[1], HISTORY[2]], ids=lambda one: one.station)
async def test_scan_or_correction_first_leaves_no_trace(
    opened: Opened, scan: Event, election: Election, redis_url: str, reader: LedgerClient
) -> None:
    ledger, totals = opened
    station = scan.station or ""
    corrections = [make_correction(station, 0, {"A": 1, "B": 2}), make_correction(station, 1, None)]
    for event in (scan, *corrections):
        await ledger.apply(event)
    other = open_async_ledger(redis_url, election, "g2")
    await other.open()
    for event in (*corrections, scan):
        await other.apply(event)
    assert totals() == redis_totals(reader, "g2")  # no zero stands in either
    await other.close()


async def test_what_is_to_be_published_is_what_was_applied_first(opened: Opened) -> None:
    ledger, totals = opened
    first, second = make_reading("d1-1", 0), make_rejection("d1-1", 0)
    told = await ledger.apply(first)
    assert (told.outcome, told.publish) == (Outcome.COUNTED, first)
    # Another worker reads the scan again after a crash, and judges it otherwise.
    for other in (second, make_reading("d1-1", 0, votes={"A": 1}), first):
        told = await ledger.apply(other)
        assert told.outcome is Outcome.COUNTED
        assert told.publish is not None
        assert encode(told.publish) == encode(first)
    await ledger.mark_published([first])
    assert (await ledger.apply(second)).publish is None
    assert totals()["d1"]["scans|counted"] == 1
    assert "scans|rejected" not in totals()["d1"]


async def test_the_outbox_holds_each_event_until_it_is_forgotten(opened: Opened) -> None:
    ledger, _ = opened
    for event in HISTORY:
        await ledger.apply(event)
    scans = [event for event in HISTORY if not isinstance(event, Correction)]
    await ledger.mark_published(scans[:5])
    await ledger.mark_published(scans[:5])  # again is a no-op
    waiting = [(await ledger.apply(event)).publish for event in HISTORY]
    assert waiting == [None] * 5 + scans[5:] + [None]  # a correction has no message


async def test_an_emptied_outbox_leaves_no_key(
    election: Election, redis_url: str, redis: Redis
) -> None:
    store = open_async_ledger(redis_url, election, "g1")
    scans = [event for event in HISTORY if not isinstance(event, Correction)]
    for event in scans:
        await store.apply(event)
    outbox = keys.DistrictKeys(election.id, "g1", "d1").outbox
    assert redis.hlen(outbox) == 5
    await store.mark_published(scans)
    assert not redis.exists(outbox)
    await store.close()


@pytest.mark.parametrize("body", [b"", b"Reading {", b"Unheard-of {}"])
async def test_an_outbox_that_cannot_be_read_is_never_taken_for_published(
    election: Election, redis_url: str, redis: Redis, body: bytes
) -> None:
    store = open_async_ledger(redis_url, election, "g1")
    event = make_reading("d1-1", 0)
    await store.apply(event)
    outbox = keys.DistrictKeys(election.id, "g1", "d1").outbox
    redis.hset(outbox, f"{SCANS}[0]@0", body)
    with pytest.raises(PeerError, match="outbox"):
        await store.apply(event)
    await store.close()


async def test_memory_and_redis_agree_to_the_last_counter(
    election: Election, redis_url: str, reader: LedgerClient
) -> None:
    store, memory = open_async_ledger(redis_url, election, "g1"), MemoryLedger(election)
    for event in HISTORY:
        await store.apply(event)
        memory.apply_now(event)
    assert redis_totals(reader) == memory.totals
    assert audit(reader, "g1") == []
    await store.close()


async def test_offsets_only_move_forward(opened: Opened) -> None:
    ledger, _ = opened
    await ledger.advance(SCANS, 0, 5)
    await ledger.advance(SCANS, 11, 2)
    await ledger.advance(SCANS, 0, 3)
    await ledger.advance(CORRECTIONS, 0, 9)
    assert await ledger.next_offsets(SCANS) == {0: 5, 11: 2}
    assert await ledger.next_offsets("tally.other") == {}


async def test_a_gap_is_noted_once_and_shown(
    election: Election, redis_url: str, reader: LedgerClient
) -> None:
    store = open_async_ledger(redis_url, election, "g1")
    await store.open()
    before = read_revision(reader)
    for _ in range(2):
        await store.advance(SCANS, 3, 40, gaps=7)
    await store.advance(SCANS, 4, 12, gaps=2)
    snapshot = read_snapshot(reader)
    assert snapshot is not None
    assert snapshot.gaps == 9
    assert read_revision(reader) != before
    await store.close()


async def test_a_snapshot_is_complete_by_itself(
    election: Election, redis_url: str, reader: LedgerClient
) -> None:
    assert read_snapshot(reader) is None
    store = open_async_ledger(redis_url, election, "g1")
    await store.open()
    before = read_revision(reader)
    for event in HISTORY:
        await store.apply(event)
    snapshot = read_snapshot(reader)
    assert snapshot is not None
    assert snapshot.districts["d1"].expected == 4
    assert snapshot.districts["d1"].registered == 2800
    assert sum(map(snapshot.scans, ("counted", "held", "duplicate", "rejected"))) == 8
    assert sum(sum(row.values()) for row in snapshot.districts["d1"].timeline.values()) == 5
    assert read_revision(reader) != before
    await store.close()


async def test_the_review_queue_and_a_station(
    election: Election, redis_url: str, reader: LedgerClient
) -> None:
    store = open_async_ledger(redis_url, election, "g1")
    await store.open()
    for event in HISTORY[:4]:
        await store.apply(event)
    assert [state.station for state in list_held(reader, "g1")] == ["d1-2"]
    await store.apply(HISTORY[5])
    assert list_held(reader, "g1") == []
    found = read_station(reader, "g1", "mayor", "d1-2")
    assert found is not None
    assert found.status is Status.COUNTED
    assert read_station(reader, "g1", "mayor", "nowhere") is None
    await store.close()


async def test_an_audit_names_a_counter_that_somebody_changed(
    election: Election, redis_url: str, redis: Redis, reader: LedgerClient
) -> None:
    store = open_async_ledger(redis_url, election, "g1")
    await store.open()
    await store.apply(make_reading("d1-1", 0))
    totals = keys.DistrictKeys(election.id, "g1", "d1").totals
    redis.hincrby(totals, "votes|mayor|A|accepted|high", 500)
    (found,) = audit(reader, "g1")
    counter = "votes|mayor|A|accepted|high"
    assert (found.counter, found.total, found.recomputed) == (counter, 600, 100)
    await store.close()


async def test_every_key_of_a_district_is_in_one_slot(
    election: Election, redis_url: str, redis: Redis
) -> None:
    store = open_async_ledger(redis_url, election, "g1")
    await store.open()
    await store.apply(make_reading("d1-1", 0))
    tag = f"{{{election.id}:g1:dd1}}"
    found = [name.decode() for name in redis.scan_iter(f"*{election.id}:g1:dd1*")]
    assert len(found) >= 5
    assert all(name.startswith(tag) for name in found)
    await store.close()
