"""On every assignment: each partition goes on at the ledger's own next offset, or its beginning."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import structlog
from aiokafka.errors import KafkaError

from tallywire.errors import UsageError
from tallywire.records import Partition
from tallywire.worker.faust_app import TallyApp
from tallywire.worker.poison_quarantine import PoisonQuarantine
from tallywire.worker.retry import Peers, insist
from tallywire.worker.sequencer import Sequencer

Value = TypeVar("Value")

KAFKA_TROUBLE = (KafkaError, OSError, TimeoutError)
LOOK_AGAIN_S = 0.1

Exists = Callable[[Partition, int], Awaitable[bool]]
"""Whether the broker has the record at that offset."""


class OffsetStore(Protocol):
    """The part of the ledger that knows where reading stands."""

    async def next_offsets(self, topic: str) -> Mapping[int, int]:
        """The next offset to read of each partition that was ever advanced."""

    async def advance(self, topic: str, partition: int, next_offset: int, gaps: int = 0) -> None:
        """Everything below `next_offset` is accounted for; `gaps` of it did not exist."""


@dataclass(frozen=True, slots=True)
class StartingPoint:
    """Where to go on; `missing` offsets before it were expected and are gone from the log, and
    `waiting` ones are there to be read."""

    next_offset: int
    missing: int = 0
    waiting: int = 0


class LedgerAheadError(UsageError):
    """The ledger has counted more than the topic holds: they do not belong together."""

    def __init__(self, partition: Partition, stored: int, end: int) -> None:
        topic, number = partition
        super().__init__(
            f"The ledger has read {topic}[{number}] up to offset {stored}, but the topic ends at"
            f" {end}: it was created anew, or this is another broker. Scans in it would be taken"
            " for old ones. Use a new --generation, or the broker that this ledger was built from."
        )


def starting_point(partition: Partition, stored: int | None, begin: int, end: int) -> StartingPoint:
    """Where to go on with a partition whose log holds the offsets from `begin` up to `end`.

    Raises:
        LedgerAheadError: `stored` lies behind the end.
    """
    if stored is None:
        return StartingPoint(
            begin, waiting=end - begin
        )  # what was deleted before us is not our gap
    if stored > end:
        raise LedgerAheadError(partition, stored, end)
    first = max(stored, begin)
    return StartingPoint(first, max(0, begin - stored), end - first)


class Assignment:
    """Keeps the sequencers' partitions equal to the consumer's. `sequencers` are by topic."""

    def __init__(
        self,
        app: TallyApp,
        ledger: OffsetStore,
        peers: Peers,
        sequencers: Mapping[str, Sequencer[Any, Any]],
        exists: Exists,
        quarantine: PoisonQuarantine,
    ) -> None:
        self._app, self._ledger, self._peers, self._exists = app, ledger, peers, exists
        self._quarantine = quarantine
        self._sequencers = sequencers
        self._log = structlog.get_logger()
        self.complete = asyncio.Event()
        app.follow_assignment(self.positions, self._on_assigned, self._on_revoked)

    def positions(self) -> dict[Partition, int]:
        """The offset expected next in each partition that is ours."""
        return {
            key: offset
            for sequencer in self._sequencers.values()
            for key, offset in sequencer.expected().items()
        }

    def _on_revoked(self, revoked: Iterable[Partition]) -> None:
        self.complete.clear()
        for sequencer in self._sequencers.values():
            sequencer.revoke(revoked)

    async def _on_assigned(self) -> None:
        """Runs before the flow is resumed, and holds it until the ledger has answered."""
        assigned = {key for key in self._app.assigned() if key[0] in self._sequencers}
        starts = await self._unless_superseded(self._starts(assigned))
        if starts is None:
            return
        for topic, sequencer in self._sequencers.items():
            mine = {key: start.next_offset for key, start in starts.items() if key[0] == topic}
            sequencer.assign(mine)
        self.complete.set()
        self._log.info(
            "partitions assigned",
            **{topic: sorted(number for name, number in assigned if name == topic)
               for topic in self._sequencers},
        )  # fmt: skip

    async def _unless_superseded(self, work: Coroutine[Any, Any, Value]) -> Value | None:
        """The result of `work`; None where another rebalance or the end came first."""
        number = self._app.assignment_number()
        task = asyncio.create_task(work)
        while not task.done():
            await asyncio.wait({task}, timeout=LOOK_AGAIN_S)
            if number is None or self._app.assignment_number() != number:
                task.cancel()
                return None
        return task.result()

    async def _starts(self, assigned: set[Partition]) -> dict[Partition, StartingPoint]:
        if not assigned:
            return {}
        stored = {
            Partition(topic, number): offset
            for topic in {topic for topic, _ in assigned}
            for number, offset in (await self._stored(topic)).items()
        }
        starts = await self._compare(assigned, stored)
        begun = {key: one.next_offset for key, one in starts.items() if one.waiting}
        await self._quarantine.begin(begun)
        for partition, start in starts.items():
            if start.missing:
                await self.record_gap(partition, start.next_offset, start.missing)
        return starts

    async def _stored(self, topic: str) -> Mapping[int, int]:
        return await insist(lambda: self._ledger.next_offsets(topic), "redis", self._peers)

    async def _compare(
        self, assigned: set[Partition], stored: Mapping[Partition, int]
    ) -> dict[Partition, StartingPoint]:
        begins, ends = await insist(
            lambda: self._app.log_bounds(assigned), "kafka", self._peers, KAFKA_TROUBLE
        )
        for key in assigned:
            claimed = stored.get(key, 0)
            # A broker may tell too low an end: what counts is whether it has the record.
            if claimed > ends[key] and await self._exists(key, claimed - 1):
                ends[key] = claimed
        return {
            key: starting_point(key, stored.get(key), begins[key], ends[key]) for key in assigned
        }

    async def record_gap(self, partition: Partition, next_offset: int, missing: int) -> None:
        """Note in the ledger that `missing` offsets before `next_offset` do not exist."""
        topic, number = partition
        self._log.error(
            "offsets are missing in the topic; recorded as a gap",
            topic=topic, partition=number, missing=missing, next_offset=next_offset,
        )  # fmt: skip
        await insist(
            lambda: self._ledger.advance(topic, number, next_offset, gaps=missing),
            "redis",
            self._peers,
        )
