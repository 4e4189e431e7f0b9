"""The ledger against zombies, lost answers, and a Redis that is killed, full or broken."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from tallywire.election.election import Election
from tallywire.errors import PeerError
from tallywire.ledger import keys
from tallywire.ledger.async_client import AsyncLedgerClient, open_async_ledger
from tallywire.ledger.client import LedgerClient, open_ledger
from tallywire.ledger.snapshot import audit, read_snapshot
from tallywire.ledger.state import Event, Outcome
from tallywire.records import Verdict
from tallywire.workshop.stack.local import LocalStack, StackPlan
from tests.support.memory_ledger import MemoryLedger
from tests.support.values import make_correction, make_election, make_reading, make_rejection

T = TypeVar("T")
Totals = dict[str, dict[str, int]]


@pytest.fixture
def election(unique: str) -> Election:
    return make_election(unique)


@pytest.fixture
def reader(redis_url: str, election: Election) -> Iterator[LedgerClient]:
    with open_ledger(redis_url, election) as client:
        yield client


def stored(reader: LedgerClient) -> Totals:
    snapshot = read_snapshot(reader, "g1")
    assert snapshot is not None
    return without_zeros({one: dict(found.totals) for one, found in snapshot.districts.items()})


def folded(election: Election, *histories: Sequence[Event]) -> Totals:
    memory = MemoryLedger(election)
    for history in histories:
        for event in history:
            memory.apply_now(event)
    return without_zeros(memory.totals)


def without_zeros(totals: Totals) -> Totals:
    found = {
        one: {name: value for name, value in counters.items() if value}
        for one, counters in totals.items()
    }
    return {one: counters for one, counters in found.items() if counters}


def a_night(rng: random.Random, scans: int) -> list[Event]:
    """Scans of one partition: several of some stations, a few refused, a few images twice."""
    events: list[Event] = []
    for offset in range(scans):
        station = f"d{rng.randint(1, 2)}-{rng.randint(1, 4)}"
        if rng.random() < 0.15:
            events.append(make_rejection(rng.choice([station, None]), offset))
            continue
        image = f"{station} {rng.randint(1, 4)}"
        verdict = rng.choice(list(Verdict))
        votes = {name: rng.randint(0, 200) for name in ("A", "B", "null")}
        events.append(make_reading(station, offset, image=image, verdict=verdict, votes={**votes}))
    return events


def corrections(rng: random.Random, count: int) -> list[Event]:
    """Decisions about stations at random, every other one withdrawn again."""
    return [
        make_correction(
            f"d{rng.randint(1, 2)}-{rng.randint(1, 4)}",
            offset,
            {"A": rng.randint(0, 200)} if rng.random() < 0.7 else None,
        )
        for offset in range(count)
    ]


async def tell(store: AsyncLedgerClient, events: Sequence[Event], rng: random.Random) -> None:
    """As a worker does that is thrown back now and then, and never skips ahead."""
    position = 0
    while position < len(events):
        await store.apply(events[position])
        position += 1
        if rng.random() < 0.1:
            position = rng.randint(0, position)


@pytest.mark.parametrize("seed", range(3))
async def test_zombies_thrown_back_at_random_beside_corrections_count_once(
    election: Election, redis_url: str, reader: LedgerClient, seed: int
) -> None:
    rng = random.Random(seed)
    scans, decisions = a_night(rng, 40), corrections(rng, 8)
    stores = [open_async_ledger(redis_url, election, "g1") for _ in range(4)]
    tellers = [tell(store, scans, random.Random(n)) for n, store in enumerate(stores[:3])]
    await asyncio.gather(*tellers, tell(stores[3], decisions, rng))
    assert stored(reader) == folded(election, scans, decisions)
    assert audit(reader, "g1") == []
    for store in stores:
        await store.close()


class LossyWire:
    """A wire to Redis that carries everything there, and loses some answers with the line."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 6379
        self.losses = 0  # answers to scripts still to be lost
        self.lost = 0

    async def carry(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        """One connection: request, answer, request, answer ..."""
        far, out = await asyncio.open_connection(self._host, self._port)
        try:
            while request := await near.read(1 << 20):
                out.write(request)
                answer = await far.read(1 << 20)
                if b"EVALSHA" in request and b"NOSCRIPT" not in answer and self.losses:
                    self.losses, self.lost = self.losses - 1, self.lost + 1
                    return
                back.write(answer)
        finally:
            for end in (out, back):
                end.close()
                await end.wait_closed()


@asynccontextmanager
async def lossy(
    redis_url: str, election: Election, resends: int
) -> AsyncIterator[tuple[LossyWire, AsyncLedgerClient]]:
    """A ledger behind a lossy wire; redis-py itself sends again `resends` times."""
    wire = LossyWire(redis_url)
    server = await asyncio.start_server(wire.carry, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    retry = Retry(NoBackoff(), resends)
    client = AsyncRedis(host="127.0.0.1", port=port, socket_timeout=2.0, retry=retry)
    store = AsyncLedgerClient(client, election, "g1", f"redis://127.0.0.1:{port}/0")
    yield wire, store
    await store.close()
    server.close()
    await asyncio.sleep(0.05)  # the wire's own connections end


async def insist(call: Callable[[], Awaitable[T]]) -> T:
    """What the worker does: the same call again until Redis has answered."""
    while True:
        with suppress(PeerError):
            return await call()


@pytest.mark.parametrize("resends", [0, 5], ids=["we send again", "redis-py sends again"])
@pytest.mark.parametrize("losses", [1, 3])
async def test_an_answer_lost_after_the_script_ran_is_found_out_and_counted_once(
    election: Election, redis_url: str, reader: LedgerClient, losses: int, resends: int
) -> None:
    async with lossy(redis_url, election, resends) as (wire, store):
        await store.apply(make_reading("d1-1", 0))  # the script is loaded now
        wire.losses = losses
        for offset in range(1, 4):
            event = make_reading(f"d1-{offset}", offset)
            found = await insist(partial(store.apply, event))
            assert found.outcome is (Outcome.HELD if offset == 1 else Outcome.COUNTED)
        assert wire.lost == losses
        assert stored(reader)["d1"]["scans|counted"] == 3
        assert audit(reader, "g1") == []


@pytest.mark.parametrize("resends", [0, 5])
async def test_an_advance_whose_answer_was_lost_stands(
    election: Election, redis_url: str, resends: int
) -> None:
    async with lossy(redis_url, election, resends) as (wire, store):
        await store.advance("tally.scans", 0, 1)
        wire.losses = 2
        await insist(lambda: store.advance("tally.scans", 0, 9, gaps=3))
        assert await store.next_offsets("tally.scans") == {0: 9}
        assert wire.lost


async def test_redis_killed_and_started_again_keeps_every_apply(
    election: Election, tmp_path: Path
) -> None:
    history = a_night(random.Random(7), 30)
    with LocalStack(StackPlan(tmp_path, broker=None, model=False)) as stack:
        store = open_async_ledger(stack.settings.redis, election, "g1", 1.0)
        await store.open()
        for event in history[:20]:
            await store.apply(event)
        await store.advance("tally.scans", 0, 20)
        stack.child("redis").kill()
        with pytest.raises(PeerError):
            await store.apply(history[20])
        stack.child("redis").start()
        stack.child("redis").wait_ready()
        for event in history:
            await store.apply(event)
        with open_ledger(stack.settings.redis, election) as reader:
            assert stored(reader) == folded(election, history)
        assert await store.next_offsets("tally.scans") == {0: 20}
        await store.close()


async def test_a_full_redis_takes_nothing_in_half_and_goes_on_once_it_has_room(
    election: Election, tmp_path: Path
) -> None:
    history = a_night(random.Random(8), 20)
    with LocalStack(StackPlan(tmp_path, broker=None, model=False)) as stack:
        server = Redis.from_url(stack.settings.redis)
        reader = open_ledger(stack.settings.redis, election)
        store = open_async_ledger(stack.settings.redis, election, "g1", 1.0)
        await store.open()
        for event in history[:10]:
            await store.apply(event)
        server.config_set("maxmemory", 1)
        with pytest.raises(PeerError, match="maxmemory"):
            await store.apply(history[10])
        with pytest.raises(PeerError):
            await store.advance("tally.scans", 0, 11)
        assert audit(reader, "g1") == []
        assert stored(reader) == folded(election, history[:10])
        server.config_set("maxmemory", 0)
        for event in history[10:]:
            await store.apply(event)
        assert stored(reader) == folded(election, history)
        await store.close()


async def test_a_redis_that_is_away_is_a_peer_error_from_every_method(election: Election) -> None:
    store = open_async_ledger("redis://127.0.0.1:1/0", election, "g1", 0.2)
    for call in (
        store.open(),
        store.apply(make_reading()),
        store.next_offsets("tally.scans"),
        store.advance("tally.scans", 0, 1),
    ):
        with pytest.raises(PeerError, match="Redis"):
            await call
    await store.close()


@pytest.mark.parametrize("body", ["not json", "[]", '{"station":1}'])
async def test_a_record_that_cannot_be_read_is_never_overwritten(
    election: Election, redis_url: str, reader: LedgerClient, body: str
) -> None:
    redis = Redis.from_url(redis_url)
    store = open_async_ledger(redis_url, election, "g1")
    name = keys.DistrictKeys(election.id, "g1", "d1").station("mayor", "d1-1")
    redis.hset(name, mapping={"version": 3, "body": body})
    with pytest.raises(PeerError, match="d1-1"):
        await store.apply(make_reading("d1-1", 0))
    assert redis.hget(name, "body") == body.encode()
    redis.sadd(keys.DistrictKeys(election.id, "g1", "d1").stations, "mayor:d1-1")
    with pytest.raises(PeerError, match="d1-1"):
        audit(reader, "g1")
    redis.close()
    await store.close()
