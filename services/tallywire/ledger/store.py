"""The ledger in Redis: one atomic script writes a record and the difference it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Protocol

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from tallywire.election.election import Election
from tallywire.errors import PeerError
from tallywire.ledger import keys
from tallywire.ledger.record_key import RecordKey, empty_state, place_of
from tallywire.ledger.serialization import from_body, from_outbox, to_body, to_outbox
from tallywire.ledger.state import (
    Applied,
    ApplyResult,
    Event,
    Outcome,
    StationState,
    apply,
    event_source,
)
from tallywire.records import Correction, Reading, Rejection
from tallywire.wire import canonical

SCRIPTS = files("tallywire.ledger")
MOST_RACES = 100  # compare-and-set losses in a row: more means a bug, not a race


class Ledger(Protocol):
    """What a worker needs of a ledger; `RedisLedger` and `MemoryLedger` pass one test suite."""

    async def open(self, election: Election) -> None:
        """Write the election's frame (districts, expected stations); again is a no-op."""

    async def apply(self, event: Event) -> Outcome:
        """Apply one event exactly once, however often it is called."""

    async def take(self, event: Event) -> ApplyResult:
        """The same, and the event that has to be published for this place in the log.

        It waits in an outbox, written with the record in one step. Whoever reads the scan again
        after a crash may judge it otherwise (another model, or it gives up); it publishes what the
        ledger took, so that the topics never tell another story than the totals.
        """

    async def forget(self, events: Sequence[Reading | Rejection]) -> None:
        """The broker has these events' messages: empty the outbox of them."""

    async def next_offsets(self, topic: str) -> dict[int, int]:
        """By partition, the next offset to read."""

    async def advance(self, topic: str, partition: int, next_offset: int, gaps: int = 0) -> None:
        """Everything before `next_offset` is applied; never moves back."""


def connect(url: str, *, connections: int = 32, timeout_s: float = 5.0) -> Redis:
    """A pooled connection that waits for a free one instead of raising."""
    pool = BlockingConnectionPool.from_url(
        url, max_connections=connections, timeout=timeout_s, socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
    )  # fmt: skip
    return Redis.from_pool(pool)  # closing it closes the pool too


class RedisLedger:
    """One generation of one election's ledger.

    Raises:
        PeerError: from every method where Redis is away, full or slow, or a record in it is
            broken. All writes are idempotent, so the caller repeats the same call.
    """

    def __init__(self, redis: Redis, election: Election, generation: str) -> None:
        self._redis, self._election, self._generation = redis, election, generation
        self._apply = redis.register_script(SCRIPTS.joinpath("apply.lua").read_text())
        self._advance = redis.register_script(SCRIPTS.joinpath("advance.lua").read_text())

    async def open(self, election: Election) -> None:
        """See `Ledger.open`. The first generation opened becomes the live one."""
        try:
            for district, frame in frames(election).items():
                numbers: dict[Any, Any] = {**frame}
                await self._redis.hset(self._keys(district).frame, mapping=numbers)
            about = canonical({"districts": [one.id for one in election.districts]})
            await self._redis.hsetnx(keys.generations(election.id), self._generation, about)
            await self._redis.set(keys.live(election.id), self._generation, nx=True)
        except RedisError as error:
            raise PeerError(f"Redis: {error}") from error

    async def apply(self, event: Event) -> Outcome:
        """See `Ledger.apply`."""
        return (await self.take(event)).outcome

    async def take(self, event: Event) -> ApplyResult:
        """See `Ledger.take`."""
        place = place_of(event, self._election)
        try:
            for _ in range(MOST_RACES):
                applied = apply(await self._read(place), event)
                if not applied.delta:  # applied before
                    return ApplyResult(applied.outcome, await self._waiting(place, event))
                if await self._write(place, applied, event):
                    own = None if isinstance(event, Correction) else event
                    return ApplyResult(applied.outcome, own)
        except RedisError as error:
            raise PeerError(f"Redis: {error}") from error
        raise PeerError(f"station {place.station}: lost {MOST_RACES} races for its record")

    async def forget(self, events: Sequence[Reading | Rejection]) -> None:
        """See `Ledger.forget`."""
        fields: dict[str, list[str]] = {}
        for event in events:
            outbox = self._keys(place_of(event, self._election).district).outbox
            fields.setdefault(outbox, []).append(str(event_source(event)))
        try:
            for outbox, sources in fields.items():
                await self._redis.hdel(outbox, *sources)
        except RedisError as error:
            raise PeerError(f"Redis: {error}") from error

    async def next_offsets(self, topic: str) -> dict[int, int]:
        """See `Ledger.next_offsets`."""
        try:
            found: Any = await self._redis.hgetall(
                keys.offsets(self._election.id, self._generation)
            )
        except RedisError as error:
            raise PeerError(f"Redis: {error}") from error
        split = {name.decode().rpartition("|"): int(value) for name, value in found.items()}
        return {int(part): value for (name, _, part), value in split.items() if name == topic}

    async def advance(self, topic: str, partition: int, next_offset: int, gaps: int = 0) -> None:
        """See `Ledger.advance`."""
        where = (self._election.id, self._generation)
        try:
            await self._advance(
                keys=[keys.offsets(*where), keys.gaps(*where)],
                args=[f"{topic}|{partition}", next_offset, gaps],
            )
        except RedisError as error:
            raise PeerError(f"Redis: {error}") from error

    async def close(self) -> None:
        """End the connections."""
        await self._redis.aclose()

    def _keys(self, district: str) -> keys.DistrictKeys:
        return keys.DistrictKeys(self._election.id, self._generation, district)

    async def _read(self, place: RecordKey) -> StationState:
        key = self._keys(place.district).station(place.contest, place.station)
        found: Any = await self._redis.hmget(key, ["version", "body"])
        version, body = found
        if not body:
            return empty_state(place)
        try:
            return from_body(int(version), body)
        except (ValueError, TypeError) as error:
            # Overwriting what we cannot read would lose a count; a person has to look.
            raise PeerError(f"Redis: the record {key} cannot be read: {error}"[:500]) from None

    async def _waiting(self, place: RecordKey, event: Event) -> Reading | Rejection | None:
        """The event that was applied at the place of `event`, if its message is due still."""
        outbox, source = self._keys(place.district).outbox, str(event_source(event))
        found: Any = await self._redis.hget(outbox, source)
        try:
            return None if found is None else from_outbox(found)
        except ValueError as error:
            raise PeerError(f"Redis: {outbox} {source} cannot be read: {error}"[:500]) from None

    async def _write(self, place: RecordKey, applied: Applied, event: Event) -> bool:
        """False where the record has moved on since it was read: read it again."""
        where, state = self._keys(place.district), applied.state
        args: list[Any] = [
            state.version - 1,
            state.version,
            to_body(state),
            f"{place.contest}:{place.station}",
            int(state.in_review),
            str(event_source(event)),
            to_outbox(event),
        ]
        for name, difference in sorted(applied.delta.items()):
            args += [name, difference]
        answer = await self._apply(
            keys=[
                where.station(place.contest, place.station),
                where.totals, where.revision, where.review, where.stations, where.outbox,
            ],
            args=args,
        )  # fmt: skip
        return bool(answer == -1)


def frames(election: Election) -> Mapping[str, Mapping[str, int]]:
    """By district, what is expected: stations and registered voters."""
    frame = {one.id: {"stations": 0, "registered": 0} for one in election.districts}
    for station in election.stations.values():
        frame[station.district]["stations"] += 1
        frame[station.district]["registered"] += station.registered
    return frame
