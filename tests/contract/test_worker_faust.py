"""Faust on a real broker, with events lost on their way to us: reading again brings them back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest

from tallywire.edge.kafka import make_producer
from tallywire.edge.topics import TopicSpec, ensure_topics
from tallywire.ledger.state import ApplyResult
from tallywire.records import Partition, Reading, Rejection, Source
from tallywire.settings import Topics
from tallywire.worker import gap_recovery
from tallywire.worker.assignment import LedgerAheadError
from tallywire.worker.faust_app import Limits, faust_send, make_app
from tallywire.worker.handler import IncomingRecord, give_up
from tallywire.worker.health import WorkerProgress
from tallywire.worker.outgoing import OutgoingTopics
from tallywire.worker.peer_check import record_exists
from tallywire.worker.retry import Peers
from tallywire.worker.sequencer import Admission
from tallywire.worker.settlement import Settlement
from tallywire.worker.worker import RunningWorker, assemble, run
from tests.support.memory_ledger import MemoryLedger
from tests.support.memory_strikes import MemoryStrikes
from tests.support.night import SESSION_S
from tests.support.values import make_election

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of Faust's own
]

EVENTS = 15  # of each partition
Swallow = Callable[[Partition, int, int], bool]
"""Whether an event is lost before it is offered: partition, offset, how often it came."""


def publish(kafka: str, topic: str, partitions: int = 1) -> None:
    ensure_topics(kafka, [topic], TopicSpec(partitions, replication=1, max_value_bytes=65536))
    producer = make_producer(kafka, 1024 * 1024)
    for number in range(EVENTS * partitions):
        producer.send(topic, value=b"%d" % number, partition=number % partitions)
    producer.flush()
    producer.close()


class TrivialHandler:
    """Every record is a refusal at its place, which nobody has to publish."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self.ledger = ledger

    async def read(self, record: IncomingRecord) -> Rejection:
        await asyncio.sleep(0.002)
        return self.refuse(record, ValueError("trivial"))

    async def settle(self, result: Reading | Rejection) -> ApplyResult:
        return ApplyResult((await self.ledger.apply(result)).outcome, None)

    def refuse(self, record: IncomingRecord, error: Exception) -> Rejection:
        return give_up(make_election(), record, error)


def build(kafka: str, topic: str, ledger: MemoryLedger) -> RunningWorker:
    """A worker whose reading is trivial."""
    app = make_app(Limits(kafka, f"group-{topic}", SESSION_S, 65536))
    outgoing = OutgoingTopics(faust_send(app), Topics(topic))
    settlement = Settlement(ledger, outgoing, WorkerProgress(Peers()))
    return assemble(
        app, {topic: TrivialHandler(ledger)}, settlement, MemoryStrikes(),
        partial(record_exists, kafka), 4, asyncio.Event(),
    )  # fmt: skip


def lose(running: RunningWorker, topic: str, swallow: Swallow) -> Counter[tuple[Partition, int]]:
    """Let events vanish between the fetcher and the sequencer; counts how often each came."""
    sequencer, came = running.sequencers[topic], Counter[tuple[Partition, int]]()
    offer = sequencer.offer

    async def lossy(partition: Partition, offset: int, item: object) -> Admission:
        came[partition, offset] += 1
        if swallow(partition, offset, came[partition, offset]):
            return Admission.FOREIGN
        return await offer(partition, offset, item)  # type: ignore[arg-type]

    sequencer.offer = lossy  # type: ignore[method-assign]
    return came


@asynccontextmanager
async def working(running: RunningWorker) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(run(running))
    try:
        yield task
    finally:
        running.stopping.set()
        with suppress(Exception):
            await asyncio.wait_for(task, 15)


async def finished(ledger: MemoryLedger, topic: str, within_s: float, count: int = EVENTS) -> None:
    """Wait until the ledger stands at the end of every partition."""
    async with asyncio.timeout(within_s):
        while sum((await ledger.next_offsets(topic)).values()) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def rejected(ledger: MemoryLedger) -> int:
    return ledger.totals["-"]["scans|rejected"]


LOSSES: tuple[Swallow, ...] = (
    lambda _, offset, times: offset == 4 and times == 1,  # one in the middle
    lambda _, offset, times: offset < 9 and times == 1,  # the head
    lambda _, offset, times: offset >= 11 and times == 1,  # the tail
    lambda _, offset, times: times == 1 + offset % 2,  # every other one, then the others
)


async def test_events_lost_on_the_way_are_read_again(kafka_bootstrap: str, unique: str) -> None:
    publish(kafka_bootstrap, unique, partitions=len(LOSSES))
    ledger = MemoryLedger(make_election())
    running = build(kafka_bootstrap, unique, ledger)
    lose(running, unique, lambda at, offset, times: LOSSES[at[1]](at, offset, times))
    async with working(running):
        await finished(ledger, unique, within_s=40, count=EVENTS * len(LOSSES))
    assert rejected(ledger) == EVENTS * len(LOSSES)
    assert not ledger.gaps


async def test_a_hole_in_the_log_is_recorded_and_reading_goes_on(
    kafka_bootstrap: str, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gap_recovery, "TICK_S", 0.2)
    monkeypatch.setattr(gap_recovery, "SETTLE_S", 0.2)
    publish(kafka_bootstrap, unique)
    ledger = MemoryLedger(make_election())
    running = build(kafka_bootstrap, unique, ledger)
    came = lose(running, unique, lambda _, offset, __: 5 <= offset < 8)
    async with working(running):
        await finished(ledger, unique, within_s=40)
    assert ledger.gaps == {Source(unique, 0, 8): 3}
    assert rejected(ledger) == EVENTS - 3
    assert came[Partition(unique, 0), 5] >= 3  # it was looked for more than once


async def test_reading_goes_on_where_the_ledger_says_not_where_the_group_committed(
    kafka_bootstrap: str, unique: str
) -> None:
    publish(kafka_bootstrap, unique)
    first = MemoryLedger(make_election())
    running = build(kafka_bootstrap, unique, first)
    async with working(running):
        await finished(first, unique, within_s=30)
    # The same group, but a ledger that lost what it knew after offset 6.
    second = MemoryLedger(make_election())
    await second.advance(unique, 0, 6)
    running = build(kafka_bootstrap, unique, second)
    came = lose(running, unique, lambda *_: False)
    async with working(running):
        await finished(second, unique, within_s=30)
    assert set(came) == {((unique, 0), offset) for offset in range(6, EVENTS)}


async def test_a_ledger_ahead_of_its_topic_ends_the_worker(
    kafka_bootstrap: str, unique: str
) -> None:
    publish(kafka_bootstrap, unique)
    ledger = MemoryLedger(make_election())
    await ledger.advance(unique, 0, EVENTS + 1)
    with pytest.raises(LedgerAheadError):
        await asyncio.wait_for(run(build(kafka_bootstrap, unique, ledger)), 40)
    assert not ledger.totals


async def test_a_record_exists_or_not(kafka_bootstrap: str, unique: str) -> None:
    publish(kafka_bootstrap, unique)
    assert await record_exists(kafka_bootstrap, Partition(unique, 0), EVENTS - 1)
    assert not await record_exists(kafka_bootstrap, Partition(unique, 0), EVENTS)
