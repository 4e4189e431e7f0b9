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
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

import structlog

from tallywire.ledger.async_client import AsyncLedgerClient
from tallywire.records import Partition, Source
from tallywire.worker.handler import IncomingRecord
from tallywire.worker.retry import Peers, insist

SUSPICIOUS = 6  # begins at the same offset; a few come of rebalances only
CONVICTED = 3


class PoisonError(Exception):
    """A record that ended every worker which read it."""

    def __init__(self, workers: int) -> None:
        super().__init__(f"{workers} workers ended while reading it")


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
        return await self._ledger.count_begin(partition, offset)

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
    """Which partitions of ours are read with care: `width` scans of each, from its begin on."""

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

    @asynccontextmanager
    async def watch(self, record: IncomingRecord) -> AsyncIterator[PoisonError | None]:
        """While a record is read; alone and marked where any partition of ours is under suspicion.

        Yields why the record must not be read any more, where it has ended too many workers.
        """
        if not self._until:
            yield None
            return
        partition, offset = record.partition, record.source.offset
        async with self._alone:
            times = await insist(
                lambda: self._strikes.mark(partition, offset), "redis", self._peers
            )
            try:
                yield PoisonError(CONVICTED) if times > CONVICTED else None
            finally:  # whatever came of it, the process lives
                await asyncio.shield(self._acquit(partition, offset))

    async def _begin(self, partition: Partition, offset: int) -> int:
        return await insist(lambda: self._strikes.begin(partition, offset), "redis", self._peers)

    async def _acquit(self, partition: Partition, offset: int) -> None:
        await insist(lambda: self._strikes.unmark(partition, offset), "redis", self._peers)
        if offset + 1 >= self._until.get(partition, offset + 2):
            del self._until[partition]
