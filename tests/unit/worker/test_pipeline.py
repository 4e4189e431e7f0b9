"""An event on its way: admitted or told missing, read come what may, settled come what may."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable
from typing import Any

import pytest

from tallywire.ledger.state import ApplyResult, Outcome
from tallywire.reasons import Code
from tallywire.records import Partition, Reading, Rejection, Source
from tallywire.settings import Topics
from tallywire.worker import retry
from tallywire.worker.handler import IncomingRecord, ReceivedEvent, give_up
from tallywire.worker.health import WorkerProgress
from tallywire.worker.outgoing import Message, OutgoingTopics
from tallywire.worker.pipeline import EventSequencer, make_sequencer, take
from tallywire.worker.poison_quarantine import CONVICTED, PoisonQuarantine
from tallywire.worker.retry import ATTEMPTS, Peers
from tallywire.worker.settlement import Settlement
from tests.support.memory_ledger import MemoryLedger
from tests.support.memory_strikes import MemoryStrikes
from tests.support.values import SCANS, make_election, make_reading, make_record

HERE = Partition(SCANS, 0)


class ClumsyHandler:
    """Reads every record as a reading of d1-1; raises as often as it is told to."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self.ledger = ledger
        self.failures = Counter[tuple[str, int]]()  # yet to come, by verb and offset

    async def read(self, record: IncomingRecord) -> Reading | Rejection:
        self.stumble("read", record.source.offset)
        return make_reading("d1-1", record.source.offset, image=f"image {record.source.offset}")

    async def settle(self, result: Reading | Rejection) -> ApplyResult:
        if isinstance(result, Reading):
            self.stumble("settle", result.lineage.source.offset)
        return await self.ledger.apply(result)

    def refuse(self, record: IncomingRecord, error: Exception) -> Rejection:
        return give_up(make_election(), record, error)

    def stumble(self, verb: str, offset: int) -> None:
        if self.failures[verb, offset] > 0:
            self.failures[verb, offset] -= 1
            raise ZeroDivisionError(verb)


class PipelineBench:
    """A pipeline from events to a ledger in memory."""

    def __init__(self, strikes: MemoryStrikes | None = None) -> None:
        self.ledger, self.sent = MemoryLedger(make_election()), list[Message]()
        self.handler, self.progress = ClumsyHandler(self.ledger), WorkerProgress(Peers())
        self.quarantine = PoisonQuarantine(strikes or MemoryStrikes(), self.progress.peers, 4)
        outgoing = OutgoingTopics(self.send, Topics("tally"))
        self.sequencer: EventSequencer[Reading] = make_sequencer(
            self.handler, self.quarantine,
            Settlement(self.ledger, outgoing, self.progress), in_flight=4,
        )  # fmt: skip
        self.sequencer.assign({HERE: 0})
        self.gaps: list[tuple[Partition, int]] = []
        self.acknowledged: list[int] = []
        self.stopping = asyncio.Event()

    async def send(self, message: Message) -> Awaitable[Any]:
        self.sent.append(message)
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return acknowledged

    async def receive(self, *offsets: int) -> None:
        """Events of these offsets arrive; returns when all that was admitted is settled."""
        for offset in offsets:
            record = make_record(source=Source(*HERE, offset))

            def ack(offset: int = offset) -> None:
                self.acknowledged.append(offset)

            event = ReceivedEvent(record, 0.0, ack)
            await take(self.sequencer, lambda *gap: self.gaps.append(gap), self.stopping, event)
        await asyncio.wait_for(self.sequencer.drained(), 10)

    def refusals(self) -> list[str]:
        """What the published refusals say of the error."""
        messages = [dict(one.headers) for one in self.sent if one.topic == "tally.rejected"]
        return [one["reason"].decode() for one in messages]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_PAUSE_S", "ATTEMPT_PAUSE_S", "LAST_RESORT_PAUSE_S"):
        monkeypatch.setattr(retry, name, 0.0)


async def test_events_are_settled_and_acknowledged_once() -> None:
    bench = PipelineBench()
    await bench.receive(0, 1, 1, 3, 2)
    assert bench.gaps == [(HERE, 3)]
    await bench.receive(0, 3)  # a redelivery is acknowledged again, and settled no more
    assert bench.acknowledged == [0, 1, 2, 0, 3]
    assert await bench.ledger.next_offsets(SCANS) == {0: 4}
    assert len(bench.sent) == 4
    assert bench.progress.settled == 4
    assert not bench.ledger.outbox


async def test_after_a_stop_nothing_is_taken() -> None:
    bench = PipelineBench()
    bench.stopping.set()
    await bench.receive(0)
    assert not bench.acknowledged
    assert not bench.sent


@pytest.mark.parametrize("verb", ["read", "settle"])
async def test_our_own_error_is_tried_again_then_refused_and_blocks_nothing(verb: str) -> None:
    bench = PipelineBench()
    bench.handler.failures[verb, 0] = ATTEMPTS - 1
    bench.handler.failures[verb, 1] = ATTEMPTS
    await bench.receive(0, 1, 2)
    assert bench.refusals() == [str(Code.INTERNAL_ERROR)]
    assert bench.progress.outcomes[str(Outcome.REJECTED)] == 1
    assert bench.progress.settled == 3
    assert bench.acknowledged == [0, 1, 2]


async def test_a_record_that_ended_every_worker_is_refused_unread() -> None:
    strikes = MemoryStrikes()
    strikes.marks[HERE, 1] = CONVICTED
    bench = PipelineBench(strikes)
    await bench.quarantine.begin({HERE: 0})
    await bench.receive(0, 1, 2)
    assert bench.refusals() == [str(Code.INTERNAL_ERROR)]
    assert bench.acknowledged == [0, 1, 2]
    assert not strikes.marks
