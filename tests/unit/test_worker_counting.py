"""One settlement after another, with a crash between the ledger and the topics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any

import pytest

from tallywire.ledger.memory import MemoryLedger
from tallywire.ledger.rebuild import first_difference, rebuild
from tallywire.ledger.state import Event
from tallywire.reasons import Code
from tallywire.records import Correction, Reading, Rejection, Source, Verdict
from tallywire.settings import Topics
from tallywire.wire import decode, encode
from tallywire.worker.counting import Book, Result, Taken, settle
from tallywire.worker.messages_out import Message
from tallywire.worker.progress import Progress
from tallywire.worker.read_scan import give_up, refuse
from tallywire.worker.records_in import Record
from tallywire.worker.retry import Peers
from tallywire.worker.sequencer import Done
from tallywire.worker.writing import message_for
from tests.factories import (
    CORRECTIONS,
    NIGHT,
    SCANS,
    make_correction,
    make_election,
    make_reading,
    make_rejection,
)

ELECTION = make_election()
TOPICS = Topics("tally")


class Crash(BaseException):
    """The process ends here."""


class Broker:
    """Keeps every message; the process dies instead of sending number `dies_at`."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.dies_at = -1

    async def send(self, message: Message) -> Awaitable[Any]:
        if len(self.taken) == self.dies_at:
            self.dies_at = -1
            raise Crash
        self.taken.append(message)
        acknowledged: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return acknowledged

    def events(self) -> list[Event]:
        """What the topics tell of scans."""
        found: list[Event] = []
        for message in self.taken:
            headers = dict(message.headers)
            if message.topic == TOPICS.readings:
                found.append(decode(Reading, message.value))
            elif headers["original-topic"] == SCANS.encode():
                found.append(decode(Rejection, headers["rejection"]))
        return found


class World:
    """What outlives a worker: ledger and broker."""

    def __init__(self) -> None:
        self.ledger, self.broker = MemoryLedger(ELECTION), Broker()

    async def settle(self, events: Sequence[Result], *, corrections: bool = False) -> None:
        """One worker settles these results of one partition, the first at offset 0."""
        topic = CORRECTIONS if corrections else SCANS
        batch = [
            Done(offset, Taken(make_record(topic, offset), 0.0, lambda: None), event)
            for offset, event in enumerate(events)
        ]
        book = Book(
            self.ledger, self.broker.send, partial(message_for, TOPICS),
            partial(give_up, ELECTION), Progress(Peers()), refusals_count=not corrections,
        )  # fmt: skip
        await settle(book, (topic, 0), batch)


def make_record(topic: str, offset: int) -> Record:
    return Record(Source(topic, 0, offset), b"d1-1", b"image", (), NIGHT)


FIRST: Sequence[Result] = (
    make_reading("d1-1", 0),
    make_rejection("d1-2", 1),
    make_reading("d1-3", 2, verdict=Verdict.HELD),
    make_reading("d1-1", 3, image="image 0"),
)
OTHERWISE: Sequence[Result] = (
    make_rejection("d1-1", 0, code=Code.INTERNAL_ERROR),
    make_reading("d1-2", 1),
    make_reading("d1-3", 2, votes={"A": 1}),
    make_rejection("d1-1", 3),
)


@pytest.mark.parametrize("published", range(4))
async def test_after_a_crash_the_topics_tell_what_the_first_worker_applied(published: int) -> None:
    world = World()
    world.broker.dies_at = published
    with pytest.raises(Crash):
        await world.settle(FIRST)
    before = dict(world.ledger.totals)
    await world.settle(OTHERWISE)  # the next worker judges every scan differently
    assert world.ledger.totals == before
    rebuilt = rebuild(world.broker.events(), ELECTION)
    assert rebuilt.contradictions == ()
    assert rebuilt.events == len(FIRST)
    assert first_difference(rebuilt, world.ledger.totals) is None
    # Duplicates are the same bytes as the message that had gone out before the crash.
    assert set(world.broker.taken[:published]) <= set(world.broker.taken[published:])


async def test_what_was_published_is_not_published_again() -> None:
    world = World()
    await world.settle(FIRST)
    sent = list(world.broker.taken)
    assert len(sent) == len(FIRST)
    assert world.ledger.outbox == {}
    await world.settle(OTHERWISE)  # crashed before it advanced
    assert world.broker.taken == sent


async def test_a_refused_correction_is_told_and_reaches_no_total() -> None:
    world = World()
    refused = refuse(ELECTION, make_record(CORRECTIONS, 1), make_rejection().reason)
    decided = make_correction("d1-1", 0, {"A": 5})
    await world.settle([decided, refused], corrections=True)
    (message,) = world.broker.taken
    assert message.topic == TOPICS.rejected
    assert world.ledger.outbox == {}
    assert world.ledger.totals["d1"]["corrections|applied"] == 1
    assert "scans|rejected" not in world.ledger.totals["d1"]
    assert decode(Correction, encode(decided)) == decided
