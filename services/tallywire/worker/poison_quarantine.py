"""Scans that end the whole process: found by reading one at a time, and refused in the end.

An exception is caught; a crash inside a decoder, or the kernel's killer when memory runs out, is
not. Whoever takes the partition over begins at the same offset and meets the same end. So the
ledger counts how often a partition was begun at an offset. Begun there often without getting on,
this worker reads one scan at a time and leaves a mark at a scan before it is read. A scan that
finds `CONVICTED` marks of its own was alone in the process each time it ended: it is refused,
its bytes kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeVar

import structlog

from tallywire.ledger.async_client import AsyncLedgerClient
from tallywire.records import Partition as LedgerPartition
from tallywire.records import Source
from tallywire.worker.incoming import IncomingRecord
from tallywire.worker.retry import Peers, insist
from tallywire.worker.sequencer import Partition

Result = TypeVar("Result")

SUSPICIOUS = 6  # begins at the same offset; a few come of rebalances only
CONVICTED = 3


class StrikeStore(Protocol):
    """What outlives a process."""

    async def begin(self, partition: Partition, offset: int) -> int:
        """Count a begin at this offset; how many there were in a row, this one included."""

    async def mark(self, partition: Partition, offset: int) -> int:
        """Leave one more mark at a scan; how many it has now."""

    async def unmark(self, partition: Partition, offset: int) -> None:
        """Take all marks of a scan away."""

    async def marked(self) -> set[tuple[Partition, int]]:
        """The places of all marked scans."""


class RedisStrikes:
    """Strikes beside a generation's ledger.

    Raises:
        PeerError: from every method where Redis is away.
    """

    def __init__(self, ledger: AsyncLedgerClient) -> None:
        self._ledger = ledger

    async def begin(self, partition: Partition, offset: int) -> int:
        """See `StrikeStore.begin`."""
        return await self._ledger.count_begin(LedgerPartition(*partition), offset)

    async def mark(self, partition: Partition, offset: int) -> int:
        """See `StrikeStore.mark`."""
        return await self._ledger.mark(Source(*partition, offset))

    async def unmark(self, partition: Partition, offset: int) -> None:
        """See `StrikeStore.unmark`."""
        await self._ledger.unmark(Source(*partition, offset))

    async def marked(self) -> set[tuple[Partition, int]]:
        """See `StrikeStore.marked`."""
        return {(source.log, source.offset) for source in await self._ledger.marked()}


class PoisonQuarantine:
    """Which partitions of ours are read with care. `width` scans from the begin on are suspects."""

    def __init__(self, strikes: StrikeStore, peers: Peers, width: int) -> None:
        self._strikes, self._peers, self._width = strikes, peers, width
        self._until: dict[Partition, int] = {}  # the first offset beyond suspicion
        self._alone = asyncio.Lock()

    async def begin(self, starts: Mapping[Partition, int]) -> None:
        """These partitions, each with something to read, are begun at these offsets."""
        marked = await insist(self._strikes.marked, "redis", self._peers)
        self._until = {}
        for partition, offset in marked:
            if offset < starts.get(partition, 0):  # settled, and the process ended right then
                await self._acquit(partition, offset)
        for partition, offset in starts.items():
            times = await self._begin(partition, offset)
            if times >= SUSPICIOUS or any(key == partition and at >= offset for key, at in marked):
                self._until[partition] = offset + self._width
                structlog.get_logger().warning(
                    "no progress here; reading one scan at a time", topic=partition[0],
                    partition=partition[1], offset=offset, begins=times,
                )  # fmt: skip

    async def read(
        self,
        record: IncomingRecord,
        read: Callable[[IncomingRecord], Awaitable[Result]],
        give_up: Callable[[IncomingRecord, Exception], Result],
    ) -> Result:
        """Read a record; alone and marked while any partition of ours is under suspicion."""
        if not self._until:
            return await read(record)
        async with self._alone:
            return await self._read_alone(record, read, give_up)

    async def _begin(self, partition: Partition, offset: int) -> int:
        return await insist(lambda: self._strikes.begin(partition, offset), "redis", self._peers)

    async def _read_alone(
        self,
        record: IncomingRecord,
        read: Callable[[IncomingRecord], Awaitable[Result]],
        give_up: Callable[[IncomingRecord, Exception], Result],
    ) -> Result:
        partition, offset = (record.source.topic, record.source.partition), record.source.offset
        times = await insist(lambda: self._strikes.mark(partition, offset), "redis", self._peers)
        try:
            if times > CONVICTED:
                return give_up(record, RuntimeError(f"{CONVICTED} workers ended while reading it"))
            return await read(record)
        finally:  # whatever came of it, the process lives
            await asyncio.shield(self._acquit(partition, offset))

    async def _acquit(self, partition: Partition, offset: int) -> None:
        await insist(lambda: self._strikes.unmark(partition, offset), "redis", self._peers)
        if offset + 1 >= self._until.get(partition, offset + 2):
            del self._until[partition]
