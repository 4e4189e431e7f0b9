"""The in-flight window: work in any order, settle in offset order, partition by partition.

Knows neither Kafka nor Redis. Three rules make a lost or overtaken event impossible:
an offset is admitted only if it is the next one of its partition; results are settled strictly in
offset order; whatever belongs to a partition that is no longer ours is dropped unsettled.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from itertools import islice, takewhile
from typing import Generic, TypeVar

from tallywire.records import Partition
from tallywire.worker.retry import persist

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_PER_BATCH = 32


class Admission(Enum):
    """What became of an offered event."""

    ADMITTED = auto()
    SETTLED = auto()  # was settled before: a redelivery, to be acknowledged and forgotten
    IN_FLIGHT = auto()  # is being worked on: this copy is to be forgotten
    GAP = auto()  # events before it have not been seen: read again from the expected offset
    FOREIGN = auto()  # the partition is not ours (any more)


@dataclass(frozen=True, slots=True)
class FinishedEvent(Generic[Item, Result]):
    """One event whose work is finished."""

    offset: int
    item: Item
    result: Result


@dataclass(slots=True)
class _Entry(Generic[Item, Result]):
    offset: int
    item: Item
    task: asyncio.Task[Result]


@dataclass(slots=True)
class _Lane(Generic[Item, Result]):
    """One partition. `expected` is the next offset to admit, `settled` the next one to settle."""

    expected: int
    settled: int
    entries: deque[_Entry[Item, Result]] = field(default_factory=deque)
    settler: asyncio.Task[None] | None = None
    dropped: bool = False


class Sequencer(Generic[Item, Result]):
    """At most `limit` events in flight over all partitions.

    Args:
        work: makes a result out of an item; several run at once. Called again if it raises.
        settle: gets finished events of one partition in offset order, gapless from one call to
            the next. Returns when they are durably accounted for. Called again with the same
            events if it raises.
        limit: events admitted and not yet settled.
    """

    def __init__(
        self,
        work: Callable[[Item], Awaitable[Result]],
        settle: Callable[[Partition, Sequence[FinishedEvent[Item, Result]]], Awaitable[None]],
        limit: int,
    ) -> None:
        self._work, self._settle = work, settle
        self._slots = asyncio.Semaphore(limit)
        self._lanes: dict[Partition, _Lane[Item, Result]] = {}

    def assign(self, next_offsets: Mapping[Partition, int]) -> None:
        """These partitions, and only these, are ours from now on, each from its next offset."""
        self.revoke(self._lanes)
        self._lanes = {key: _Lane(offset, offset) for key, offset in next_offsets.items()}

    def revoke(self, partitions: Iterable[Partition]) -> None:
        """Drop the partitions and whatever of theirs is in flight."""
        for partition in tuple(partitions):
            lane = self._lanes.pop(partition, None)
            if lane is None:
                continue
            lane.dropped = True  # a cancellation may be swallowed by what is awaited
            if lane.settler:
                lane.settler.cancel()
            for entry in lane.entries:
                entry.task.cancel()
                self._slots.release()
            lane.entries.clear()

    def expected(self) -> dict[Partition, int]:
        """The next offset to admit, for each partition that is ours."""
        return {key: lane.expected for key, lane in self._lanes.items()}

    def in_flight(self, partition: Partition | None = None) -> int:
        """Events admitted and not yet settled, of one partition or of all."""
        lanes = self._lanes if partition is None else {partition} & self._lanes.keys()
        return sum(len(self._lanes[key].entries) for key in lanes)

    def skip_to(self, partition: Partition, offset: int) -> None:
        """Go on at `offset`: those before it are known not to exist. Nothing may be in flight."""
        lane = self._lanes[partition]
        if lane.entries or offset < lane.expected:
            raise ValueError(f"{partition} has work in flight or is past {offset}")
        lane.expected = lane.settled = offset

    async def offer(self, partition: Partition, offset: int, item: Item) -> Admission:
        """Admit the event if it is the next one of its partition; waits for a free slot."""
        refusal = self._refuse(partition, offset)
        if refusal:
            return refusal
        await self._slots.acquire()
        refusal = self._refuse(partition, offset)  # the wait may have outlived the assignment
        if refusal:
            self._slots.release()
            return refusal
        lane = self._lanes[partition]
        lane.expected = offset + 1
        working = asyncio.create_task(persist(partial(self._work, item), "working", offset=offset))
        lane.entries.append(_Entry(offset, item, working))
        if lane.settler is None or lane.settler.done():
            lane.settler = asyncio.create_task(self._settle_lane(partition, lane))
        return Admission.ADMITTED

    async def drained(self) -> None:
        """Wait until nothing is in flight."""
        while settlers := [lane.settler for lane in self._lanes.values() if lane.entries]:
            await asyncio.wait([settler for settler in settlers if settler])

    def _refuse(self, partition: Partition, offset: int) -> Admission | None:
        lane = self._lanes.get(partition)
        if lane is None:
            return Admission.FOREIGN
        if offset > lane.expected:
            return Admission.GAP
        if offset < lane.settled:
            return Admission.SETTLED
        return Admission.IN_FLIGHT if offset < lane.expected else None

    async def _settle_lane(self, partition: Partition, lane: _Lane[Item, Result]) -> None:
        """Settle the lane's events from its head on, until it is empty."""
        while lane.entries:
            await lane.entries[0].task
            if lane.dropped:
                return
            batch = _finished(lane)
            settling = partial(self._settle, partition, batch)
            await persist(settling, "settling", partition=partition)
            if lane.dropped:
                return
            for done in batch:
                lane.entries.popleft()
                lane.settled = done.offset + 1
                self._slots.release()


def _finished(lane: _Lane[Item, Result]) -> list[FinishedEvent[Item, Result]]:
    """What can be settled at once: the lane's events up to the first one that is unfinished."""
    ready = takewhile(lambda one: one.task.done() and not one.task.cancelled(), lane.entries)
    return [
        FinishedEvent(entry.offset, entry.item, entry.task.result())
        for entry in islice(ready, MOST_PER_BATCH)
    ]
