"""Work may end in any order; what is settled and acknowledged is in offset order, gapless."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallywire.records import Partition
from tallywire.worker import retry
from tallywire.worker.sequencer import Admission, FinishedEvent, Sequencer

SCANS = Partition("scans", 0)
OTHER = Partition("scans", 1)


class Bench:
    """A sequencer whose work ends when a test says so."""

    def __init__(self, limit: int = 8) -> None:
        self.gates: dict[tuple[Partition, int], asyncio.Event] = {}
        self.settled: list[tuple[Partition, int]] = []
        self.failures: set[tuple[Partition, int]] = set()
        self.settle_failures = 0
        self.sequencer = Sequencer(self._work, self._settle, limit)

    async def _work(self, item: tuple[Partition, int]) -> str:
        await self.gates.setdefault(item, asyncio.Event()).wait()
        if item in self.failures:
            self.failures.discard(item)
            raise RuntimeError("a bug")
        return f"read {item}"

    async def _settle(
        self, partition: Partition, batch: Sequence[FinishedEvent[tuple[Partition, int], str]]
    ) -> None:
        await asyncio.sleep(0)
        if self.settle_failures:
            self.settle_failures -= 1
            raise RuntimeError("a bug")
        assert all(done.item == (partition, done.offset) for done in batch)
        self.settled += [(partition, done.offset) for done in batch]

    async def offer(self, partition: Partition, offset: int) -> Admission:
        return await self.sequencer.offer(partition, offset, (partition, offset))

    def finish(self, partition: Partition, offset: int) -> None:
        self.gates.setdefault((partition, offset), asyncio.Event()).set()

    def offsets(self, partition: Partition) -> list[int]:
        return [offset for key, offset in self.settled if key == partition]


async def turns(count: int = 12) -> None:
    """Let the event loop run what is ready."""
    for _ in range(count):
        await asyncio.sleep(0)


@settings(max_examples=200)
@given(st.data())
def test_any_order_of_completion_settles_in_offset_order(data: st.DataObject) -> None:
    """At every moment what is settled is exactly the finished head of each partition."""
    counts = {
        SCANS: data.draw(st.integers(0, 7), label="scans"),
        OTHER: data.draw(st.integers(0, 7), label="other"),
    }
    everything = [(key, offset) for key, count in counts.items() for offset in range(count)]
    order = data.draw(st.permutations(everything), label="order of completion")

    async def run() -> None:
        bench = Bench(limit=14)
        bench.sequencer.assign(dict.fromkeys(counts, 0))
        for key, offset in everything:
            assert await bench.offer(key, offset) is Admission.ADMITTED
        finished: set[tuple[Partition, int]] = set()
        for key, offset in order:
            bench.finish(key, offset)
            finished.add((key, offset))
            await turns()
            for partition, count in counts.items():
                head = next((n for n in range(count) if (partition, n) not in finished), count)
                assert bench.offsets(partition) == list(range(head))
        assert bench.sequencer.in_flight() == 0

    asyncio.run(run())


@settings(max_examples=100)
@given(finished=st.sets(st.integers(0, 9)), more=st.sets(st.integers(0, 9)), again=st.booleans())
def test_a_revoked_partition_settles_nothing_more(
    finished: set[int], more: set[int], again: bool
) -> None:
    """Unsettled work is dropped; given back, the partition starts where the ledger says."""

    async def run() -> None:
        bench = Bench(limit=20)
        bench.sequencer.assign({SCANS: 0, OTHER: 0})
        for offset in range(10):
            await bench.offer(SCANS, offset)
        for offset in finished:
            bench.finish(SCANS, offset)
        await turns()
        before = bench.offsets(SCANS)
        bench.sequencer.revoke([SCANS])
        for offset in more:
            bench.finish(SCANS, offset)
        await turns()
        assert bench.offsets(SCANS) == before == list(range(len(before)))
        assert await bench.offer(SCANS, len(before)) is Admission.FOREIGN
        assert bench.sequencer.in_flight() == 0
        if again:
            bench.sequencer.assign({SCANS: len(before)})
            for offset in range(len(before), 10):
                assert await bench.offer(SCANS, offset) is Admission.ADMITTED
                bench.finish(SCANS, offset)
            await turns(60)
            assert bench.offsets(SCANS) == list(range(10))

    asyncio.run(run())


@settings(max_examples=200)
@given(st.lists(st.integers(0, 12), max_size=60))
def test_whatever_is_offered_each_offset_is_settled_once_and_none_is_skipped(
    offered: list[int],
) -> None:
    async def run() -> None:
        bench = Bench(limit=64)
        bench.sequencer.assign({SCANS: 0})
        for offset in offered:
            bench.finish(SCANS, offset)
            expected = bench.sequencer.expected()[SCANS]
            offer = await bench.offer(SCANS, offset)
            assert (offer is Admission.ADMITTED) == (offset == expected)
            assert (offer is Admission.GAP) == (offset > expected)
            await turns()
        assert bench.offsets(SCANS) == list(range(bench.sequencer.expected()[SCANS]))

    asyncio.run(run())


async def test_redeliveries_are_told_apart() -> None:
    bench = Bench()
    bench.sequencer.assign({SCANS: 5})
    assert await bench.offer(SCANS, 4) is Admission.SETTLED
    assert await bench.offer(SCANS, 5) is Admission.ADMITTED
    assert await bench.offer(SCANS, 5) is Admission.IN_FLIGHT
    assert await bench.offer(SCANS, 7) is Admission.GAP
    assert await bench.offer(OTHER, 0) is Admission.FOREIGN
    bench.finish(SCANS, 5)
    await turns()
    assert await bench.offer(SCANS, 5) is Admission.SETTLED


async def test_no_more_than_the_limit_are_in_flight() -> None:
    bench = Bench(limit=2)
    bench.sequencer.assign({SCANS: 0})
    await bench.offer(SCANS, 0)
    await bench.offer(SCANS, 1)
    third = asyncio.create_task(bench.offer(SCANS, 2))
    await turns()
    assert not third.done()
    bench.finish(SCANS, 1)  # not the head: nothing can be settled yet
    await turns()
    assert not third.done()
    bench.finish(SCANS, 0)
    assert await third is Admission.ADMITTED


async def test_an_offer_that_waited_over_a_rebalance_is_refused() -> None:
    bench = Bench(limit=1)
    bench.sequencer.assign({SCANS: 0})
    await bench.offer(SCANS, 0)
    waiting = asyncio.create_task(bench.offer(SCANS, 1))
    await turns()
    bench.sequencer.assign({SCANS: 0})  # the same partition, begun anew
    assert await waiting is Admission.GAP
    assert await bench.offer(SCANS, 0) is Admission.ADMITTED  # its slot was given back


async def test_a_hole_in_the_log_is_skipped_only_with_nothing_in_flight() -> None:
    bench = Bench()
    bench.sequencer.assign({SCANS: 0})
    await bench.offer(SCANS, 0)
    with pytest.raises(ValueError, match="in flight"):
        bench.sequencer.skip_to(SCANS, 4)
    bench.finish(SCANS, 0)
    await turns()
    bench.sequencer.skip_to(SCANS, 4)
    with pytest.raises(ValueError, match="past"):
        bench.sequencer.skip_to(SCANS, 3)
    assert await bench.offer(SCANS, 4) is Admission.ADMITTED


async def test_a_bug_in_work_or_settling_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "LAST_RESORT_PAUSE_S", 0.0)
    bench = Bench()
    bench.sequencer.assign({SCANS: 0})
    bench.failures.add((SCANS, 1))
    bench.settle_failures = 2
    for offset in range(4):
        await bench.offer(SCANS, offset)
        bench.finish(SCANS, offset)
    await asyncio.wait_for(bench.sequencer.drained(), timeout=5)
    assert bench.offsets(SCANS) == [0, 1, 2, 3]


async def test_drained_waits_for_all_that_is_in_flight() -> None:
    bench = Bench()
    bench.sequencer.assign({SCANS: 0, OTHER: 0})
    await bench.offer(SCANS, 0)
    await bench.offer(OTHER, 0)
    waiting = asyncio.create_task(bench.sequencer.drained())
    bench.finish(OTHER, 0)
    await turns()
    assert not waiting.done()
    bench.finish(SCANS, 0)
    await asyncio.wait_for(waiting, timeout=5)
    assert bench.sequencer.in_flight() == 0


async def test_work_that_swallows_its_cancellation_is_dropped_all_the_same() -> None:
    settled: list[int] = []

    async def stubborn(_: int) -> int:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return 1
        return 0

    async def settle(_: Partition, batch: Sequence[FinishedEvent[int, int]]) -> None:
        settled.extend(done.offset for done in batch)

    sequencer: Sequencer[int, int] = Sequencer(stubborn, settle, limit=4)
    sequencer.assign({SCANS: 0})
    await sequencer.offer(SCANS, 0, 0)
    await turns()
    sequencer.revoke([SCANS])
    await turns()
    assert settled == []
