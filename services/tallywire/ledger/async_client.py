"""The ledger for a worker: one atomic script writes a record and the difference it makes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Protocol

from redis.asyncio import Redis

from tallywire.election.election import Election
from tallywire.errors import PeerError
from tallywire.ledger import counters, keys
from tallywire.ledger.connection import TIMEOUT_S, connect_async, told_as_ours
from tallywire.ledger.generations import GenerationOrigin, from_values, to_values
from tallywire.ledger.record_key import RecordKey, districts_of, empty_state, key_of
from tallywire.ledger.serialization import (
    from_begins,
    from_offsets,
    from_outbox,
    from_place,
    from_record,
    to_begins,
    to_body,
    to_outbox,
    to_place,
)
from tallywire.ledger.state import (
    Applied,
    ApplyResult,
    Event,
    StationState,
    apply,
    event_source,
)
from tallywire.records import Correction, Partition, Reading, Rejection, Source
from tallywire.wire import canonical

MOST_RACES = 100  # compare-and-set losses in a row: more means a bug, not a race
FOLLOWED_S = 10  # without another word, nobody follows the generation any more


class Ledger(Protocol):
    """What settling needs of a ledger."""

    async def apply(self, event: Event) -> ApplyResult:
        """Apply one event exactly once, however often it is called.

        The result names the event that has to be published for this place in the log. It waits in
        an outbox, written with the record in one step. Whoever reads the scan again after a crash
        may judge it otherwise (another model, or it gives up); it publishes what the ledger took,
        so that the topics never tell another story than the totals.
        """

    async def mark_published(self, events: Sequence[Reading | Rejection]) -> None:
        """The broker has these events' messages: empty the outbox of them."""

    async def next_offsets(self, topic: str) -> dict[int, int]:
        """By partition, the next offset to read."""

    async def advance(self, topic: str, partition: int, next_offset: int, gaps: int = 0) -> None:
        """Everything before `next_offset` is applied; never moves back. `gaps` offsets before it
        are missing from the log."""


class AsyncLedgerClient:
    """One generation of one election's ledger: everything that workers write. See `Ledger`.

    Raises:
        PeerError: from every method where Redis is away, full or slow, or a record in it is
            broken. All writes are idempotent, so the caller repeats the same call.
    """

    def __init__(self, redis: Redis, election: Election, generation: str, url: str) -> None:
        self._redis, self._election, self._generation = redis, election, generation
        self._url = url
        self._apply = redis.register_script(_script("apply.lua"))
        self._advance = redis.register_script(_script("advance.lua"))

    async def __aenter__(self) -> AsyncLedgerClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Write the election's frame (districts, expected stations); again is a no-op. The first
        generation opened becomes the live one."""
        election = self._election
        with told_as_ours(self._url):
            for district, frame in frames(election).items():
                numbers: dict[Any, Any] = {**frame}
                await self._redis.hset(self._keys(district).frame, mapping=numbers)
            about = canonical({"districts": [one.id for one in election.districts]})
            await self._redis.hsetnx(keys.generations(election.id), self._generation, about)
            await self._redis.set(keys.live(election.id), self._generation, nx=True)

    async def describe(self, about: GenerationOrigin) -> GenerationOrigin:
        """Write down how the generation is made; what stands there is `about`, unless it was
        opened before."""
        name = keys.generations(self._election.id)
        with told_as_ours(self._url):
            await self._redis.hsetnx(name, self._generation, canonical(to_values(about)))
            found: Any = await self._redis.hget(name, self._generation)
        return from_values(json.loads(found))

    async def place_starts(self, starts: Mapping[Partition, int]) -> None:
        """Let workers begin where a partial generation begins; where one has begun, nothing
        changes."""
        name = keys.offsets(self._election.id, self._generation)
        with told_as_ours(self._url):
            for log, offset in starts.items():
                await self._redis.hsetnx(name, str(log), str(offset))

    async def apply(self, event: Event) -> ApplyResult:
        """See `Ledger.apply`."""
        key = key_of(event, self._election)
        with told_as_ours(self._url):
            for _ in range(MOST_RACES):
                applied = apply(await self._read(key), event)
                if not applied.delta:  # applied before
                    return ApplyResult(applied.outcome, await self._waiting(key, event))
                if await self._write(key, applied, event):
                    own = None if isinstance(event, Correction) else event
                    return ApplyResult(applied.outcome, own)
        raise PeerError(f"station {key.station}: lost {MOST_RACES} races for its record")

    async def mark_published(self, events: Sequence[Reading | Rejection]) -> None:
        """See `Ledger.mark_published`."""
        fields: dict[str, list[str]] = {}
        for event in events:
            outbox = self._keys(key_of(event, self._election).district).outbox
            fields.setdefault(outbox, []).append(str(event_source(event)))
        with told_as_ours(self._url):
            for outbox, sources in fields.items():
                await self._redis.hdel(outbox, *sources)

    async def next_offsets(self, topic: str) -> dict[int, int]:
        """See `Ledger.next_offsets`."""
        with told_as_ours(self._url):
            found: Any = await self._redis.hgetall(
                keys.offsets(self._election.id, self._generation)
            )
        return {log.number: at for log, at in from_offsets(found).items() if log.topic == topic}

    async def advance(self, topic: str, partition: int, next_offset: int, gaps: int = 0) -> None:
        """See `Ledger.advance`."""
        where = (self._election.id, self._generation)
        with told_as_ours(self._url):
            await self._advance(
                keys=[keys.offsets(*where), keys.gaps(*where)],
                args=[str(Partition(topic, partition)), next_offset, gaps],
            )

    async def timelines(self) -> list[dict[int, dict[str, int]]]:
        """Of every district, start of ten seconds (epoch, s) -> outcome -> scans."""
        with told_as_ours(self._url):
            async with self._redis.pipeline(transaction=False) as pipe:
                for one in districts_of(self._election):
                    pipe.hgetall(self._keys(one).totals)
                answers: list[Any] = await pipe.execute()
        return [
            counters.timeline_of({name.decode(): int(value) for name, value in totals.items()})
            for totals in answers
        ]

    async def say_followed(self) -> None:
        """Somebody counts what arrives for this generation; holds for `FOLLOWED_S`."""
        name = keys.followed(self._election.id, self._generation)
        with told_as_ours(self._url):
            await self._redis.set(name, b"1", ex=FOLLOWED_S)

    async def count_begin(self, log: Partition, offset: int) -> int:
        """A worker begins to read a partition here; how often in a row, this time included."""
        name = keys.begins(self._election.id, self._generation)
        with told_as_ours(self._url):
            found: Any = await self._redis.hget(name, str(log))
            at, times = from_begins(found)
            now = times + 1 if at == offset else 1
            await self._redis.hset(name, str(log), to_begins(offset, now))
        return now

    async def mark(self, source: Source) -> int:
        """Leave one more mark at a scan that is read alone; how many it has now."""
        name = keys.marks(self._election.id, self._generation)
        with told_as_ours(self._url):
            return int(await self._redis.hincrby(name, to_place(source), 1))

    async def unmark(self, source: Source) -> None:
        """Take all marks of a scan away."""
        name = keys.marks(self._election.id, self._generation)
        with told_as_ours(self._url):
            await self._redis.hdel(name, to_place(source))

    async def marked(self) -> set[Source]:
        """The scans that have marks."""
        name = keys.marks(self._election.id, self._generation)
        with told_as_ours(self._url):
            found: Any = await self._redis.hkeys(name)
        return {from_place(field) for field in found}

    async def close(self) -> None:
        """End the connections."""
        await self._redis.aclose()

    def _keys(self, district: str) -> keys.DistrictKeys:
        return keys.DistrictKeys(self._election.id, self._generation, district)

    async def _read(self, key: RecordKey) -> StationState:
        name = self._keys(key.district).station(key.contest, key.station)
        found: Any = await self._redis.hmget(name, ["version", "body"])
        version, body = found
        return from_record(name, version, body) if body else empty_state(key, self._election)

    async def _waiting(self, key: RecordKey, event: Event) -> Reading | Rejection | None:
        """The event that was applied at the place of `event`, if its message is due still."""
        outbox, source = self._keys(key.district).outbox, str(event_source(event))
        found: Any = await self._redis.hget(outbox, source)
        try:
            return None if found is None else from_outbox(found)
        except ValueError as error:
            raise PeerError(f"Redis: {outbox} {source} cannot be read: {error}"[:500]) from None

    async def _write(self, key: RecordKey, applied: Applied, event: Event) -> bool:
        """False where the record has moved on since it was read: read it again."""
        where, state = self._keys(key.district), applied.state
        args: list[Any] = [
            state.version - 1,
            state.version,
            to_body(state),
            key.member,
            int(state.in_review),
            str(event_source(event)),
            to_outbox(event),
        ]
        for name, difference in sorted(applied.delta.items()):
            args += [name, difference]
        answer = await self._apply(
            keys=[
                where.station(key.contest, key.station),
                where.totals, where.revision, where.review, where.stations, where.outbox,
            ],
            args=args,
        )  # fmt: skip
        return bool(answer == -1)


def open_async_ledger(
    url: str, election: Election, generation: str, timeout_s: float = TIMEOUT_S
) -> AsyncLedgerClient:
    """A generation for a worker; nothing is asked yet. `close` it, or use it with `async with`.

    Args:
        timeout_s: the most that one answer may take.

    Raises:
        UsageError: the address is none.
    """
    return AsyncLedgerClient(connect_async(url, timeout_s), election, generation, url)


def frames(election: Election) -> Mapping[str, Mapping[str, int]]:
    """By district, what is expected: stations and registered voters."""
    frame = {one.id: {"stations": 0, "registered": 0} for one in election.districts}
    for station in election.stations.values():
        frame[station.district]["stations"] += 1
        frame[station.district]["registered"] += station.registered
    return frame


def _script(name: str) -> str:
    return files("tallywire.ledger").joinpath(name).read_text()
