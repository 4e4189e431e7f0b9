"""What ends the process is found, one at a time; what merely stood beside it goes free."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallywire.records import Partition, Source
from tallywire.worker.handler import IncomingRecord
from tallywire.worker.poison_quarantine import CONVICTED, SUSPICIOUS, PoisonQuarantine
from tallywire.worker.retry import Peers
from tests.support.memory_strikes import MemoryStrikes, ProcessEnd
from tests.support.values import NIGHT

WIDTH = 4
HERE = Partition("scans", 0)
THERE = Partition("scans", 1)


@dataclass
class World:
    """Partitions with a scan that ends any process that reads it."""

    poison: tuple[Partition, int]
    length: int
    strikes: MemoryStrikes = field(default_factory=MemoryStrikes)
    next: dict[Partition, int] = field(default_factory=lambda: {HERE: 0, THERE: 0})
    refused: list[tuple[Partition, int]] = field(default_factory=list)
    lives: int = 0

    async def live(self) -> bool:
        """One process, reading `WIDTH` at a time; True where it read everything."""
        self.lives += 1
        self.strikes.dead = False
        quarantine = PoisonQuarantine(self.strikes, Peers(), WIDTH)
        await quarantine.begin({key: at for key, at in self.next.items() if at < self.length})
        try:
            while any(at < self.length for at in self.next.values()):
                await self._round(quarantine)
        except ProcessEnd:
            return False
        return True

    async def _round(self, quarantine: PoisonQuarantine) -> None:
        """A window of work on both partitions, settled only if the process outlives it."""
        window = [
            (key, offset)
            for key, at in self.next.items()
            for offset in range(at, min(self.length, at + WIDTH // 2))
        ]
        results = await asyncio.gather(
            *(self._read(quarantine, *one) for one in window), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
        for key, offset in window:
            self.next[key] = offset + 1

    async def _read(self, quarantine: PoisonQuarantine, key: Partition, offset: int) -> None:
        record = IncomingRecord(Source(*key, offset), b"", b"", (), NIGHT)
        async with quarantine.watch(record) as poison:
            if poison:
                self.refused.append((key, offset))
                return
            if (key, offset) == self.poison:
                self.strikes.dead = True
            await asyncio.sleep(0)
            if self.strikes.dead:
                raise ProcessEnd


@settings(max_examples=60)
@given(partition=st.sampled_from([HERE, THERE]), offset=st.integers(0, 9))
def test_only_the_scan_that_ends_processes_is_refused(partition: Partition, offset: int) -> None:
    async def run() -> None:
        world = World((partition, offset), length=10)
        while not await world.live():
            assert world.lives < 4 * SUSPICIOUS
        assert world.refused == [world.poison]
        assert not world.strikes.marks

    asyncio.run(run())


async def test_without_suspicion_nothing_is_marked_and_scans_are_read_side_by_side() -> None:
    strikes = MemoryStrikes()
    quarantine = PoisonQuarantine(strikes, Peers(), WIDTH)
    for _ in range(SUSPICIOUS - 1):
        await quarantine.begin({HERE: 5})
    inside: list[int] = []

    async def read(record: IncomingRecord) -> None:
        async with quarantine.watch(record):
            inside.append(len(inside))
            await asyncio.sleep(0)
            assert len(inside) == 3
            assert not strikes.marks

    records = [IncomingRecord(Source("scans", 0, n), b"", b"", (), NIGHT) for n in range(3)]
    await asyncio.gather(*(read(one) for one in records))


async def test_suspicion_ends_when_the_partition_got_on() -> None:
    strikes = MemoryStrikes()
    quarantine = PoisonQuarantine(strikes, Peers(), WIDTH)
    for _ in range(SUSPICIOUS):
        await quarantine.begin({HERE: 5})
    marked: list[int] = []
    for offset in range(5, 12):
        record = IncomingRecord(Source("scans", 0, offset), b"", b"", (), NIGHT)
        async with quarantine.watch(record):
            marked.append(len(strikes.marks))
    assert marked == [1] * WIDTH + [0] * (7 - WIDTH)


async def test_a_cancelled_reading_leaves_no_mark() -> None:
    strikes = MemoryStrikes()
    strikes.marks[HERE, 9] = 1
    quarantine = PoisonQuarantine(strikes, Peers(), WIDTH)
    await quarantine.begin({HERE: 9})

    async def read(record: IncomingRecord) -> None:
        async with quarantine.watch(record):
            await asyncio.sleep(60)

    record = IncomingRecord(Source("scans", 0, 9), b"", b"", (), NIGHT)
    task = asyncio.create_task(read(record))
    await asyncio.sleep(0.01)
    assert strikes.marks[HERE, 9] == 2 <= CONVICTED
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not strikes.marks


async def test_marks_of_what_is_settled_are_swept() -> None:
    strikes = MemoryStrikes()
    strikes.marks[HERE, 3] = 2
    await PoisonQuarantine(strikes, Peers(), WIDTH).begin({HERE: 4})
    assert not strikes.marks
