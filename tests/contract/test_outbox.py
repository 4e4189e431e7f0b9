"""One settlement after another, with a crash between the ledger and the topics.

In memory and in a real Redis; and once with a real worker, which judges otherwise than the one
before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tallywire.edge.kafka import read_topic
from tallywire.ledger.async_client import Ledger, open_async_ledger
from tallywire.ledger.client import open_ledger
from tallywire.ledger.rebuild import Totals, first_difference, nonzero, rebuild
from tallywire.ledger.snapshot import read_snapshot
from tallywire.ledger.state import Event
from tallywire.reasons import Code
from tallywire.records import Correction, Partition, Reading, Rejection, Source, Verdict
from tallywire.settings import Topics
from tallywire.verify.sources import verify_broker
from tallywire.wire import decode, encode
from tallywire.worker.correction_handler import CorrectionHandler
from tallywire.worker.handler import Handler, IncomingRecord, ReceivedEvent, refuse
from tallywire.worker.health import WorkerProgress
from tallywire.worker.outgoing import Message, OutgoingTopics
from tallywire.worker.retry import Peers
from tallywire.worker.scan_handler import ScanHandler
from tallywire.worker.sequencer import FinishedEvent
from tallywire.worker.settlement import Settlement, settle
from tests.support.handmade_night import BY_HAND, HandmadeNight
from tests.support.memory_ledger import MemoryLedger
from tests.support.values import (
    CORRECTIONS,
    NIGHT,
    SCANS,
    make_correction,
    make_election,
    make_reading,
    make_rejection,
)
from tests.support.waiting import wait_until

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

    def __init__(self, ledger: Ledger, totals: Callable[[], Totals]) -> None:
        self.ledger, self.totals, self.broker = ledger, totals, Broker()

    async def settle(self, events: Sequence[Event], *, corrections: bool = False) -> None:
        """One worker settles these results of one partition, the first at offset 0."""
        topic = CORRECTIONS if corrections else SCANS
        batch = [
            FinishedEvent(
                offset, ReceivedEvent(make_record(topic, offset), 0.0, lambda: None), event
            )
            for offset, event in enumerate(events)
        ]
        peers = Peers()
        handler: Handler[Any] = (
            CorrectionHandler(ELECTION, self.ledger, peers)
            if corrections
            else make_scan_handler(self.ledger, peers)
        )
        outgoing = OutgoingTopics(self.broker.send, TOPICS)
        settlement = Settlement(self.ledger, outgoing, WorkerProgress(peers))
        await settle(settlement, handler, Partition(topic, 0), batch)


@pytest.fixture(params=["memory", "redis"])
async def world(
    request: pytest.FixtureRequest, unique: str, redis_url: str
) -> AsyncIterator[World]:
    if request.param == "memory":
        memory = MemoryLedger(ELECTION)
        yield World(memory, lambda: nonzero(memory.totals))
        return
    own = replace(ELECTION, id=unique)
    reader = open_ledger(redis_url, own)

    def totals() -> Totals:
        snapshot = read_snapshot(reader, "g1")
        assert snapshot is not None
        return nonzero({one: found.totals for one, found in snapshot.districts.items()})

    store = open_async_ledger(redis_url, own, "g1")
    await store.open()
    yield World(store, totals)
    await store.close()
    reader.close()


class NoModel:
    """Nothing is read here."""

    async def takes(self) -> Any:
        raise NotImplementedError

    async def classify(self, _: Any) -> Any:
        raise NotImplementedError

    async def policy(self, _: int | None = None) -> Any:
        raise NotImplementedError


def make_scan_handler(ledger: Ledger, peers: Peers) -> ScanHandler:
    return ScanHandler(
        ELECTION, {}, ledger, NoModel(), "digits", ThreadPoolExecutor(1), peers,
        max_pixels=1, max_value_bytes=1,
    )  # fmt: skip


def make_record(topic: str, offset: int) -> IncomingRecord:
    return IncomingRecord(Source(topic, 0, offset), b"d1-1", b"image", (), NIGHT)


FIRST: Sequence[Event] = (
    make_reading("d1-1", 0),
    make_rejection("d1-2", 1),
    make_reading("d1-3", 2, verdict=Verdict.HELD),
    make_reading("d1-1", 3, image="image 0"),
)
OTHERWISE: Sequence[Event] = (
    make_rejection("d1-1", 0, code=Code.INTERNAL_ERROR),
    make_reading("d1-2", 1),
    make_reading("d1-3", 2, votes={"A": 1}),
    make_rejection("d1-1", 3),
)


@pytest.mark.parametrize("published", range(4))
async def test_after_a_crash_the_topics_tell_what_the_first_worker_applied(
    world: World, published: int
) -> None:
    world.broker.dies_at = published
    with pytest.raises(Crash):
        await world.settle(FIRST)
    before = world.totals()
    await world.settle(OTHERWISE)  # the next worker judges every scan differently
    assert world.totals() == before
    rebuilt = rebuild(world.broker.events(), ELECTION)
    assert rebuilt.contradictions == ()
    assert rebuilt.events == len(FIRST)
    assert first_difference(rebuilt, world.totals()) is None
    # Duplicates are the same bytes as the message that had gone out before the crash.
    assert set(world.broker.taken[:published]) <= set(world.broker.taken[published:])


async def test_what_was_published_is_not_published_again(world: World) -> None:
    await world.settle(FIRST)
    sent = list(world.broker.taken)
    assert len(sent) == len(FIRST)
    await world.settle(OTHERWISE)  # crashed before it advanced
    assert world.broker.taken == sent


async def test_a_refused_correction_is_told_and_reaches_no_total(world: World) -> None:
    refused = refuse(ELECTION, make_record(CORRECTIONS, 1), make_rejection().reason)
    decided = make_correction("d1-1", 0, {"A": 5})
    await world.settle([decided, refused], corrections=True)
    (message,) = world.broker.taken
    assert message.topic == TOPICS.rejected
    assert world.totals()["d1"]["corrections|applied"] == 1
    assert "scans|rejected" not in world.totals()["d1"]
    assert decode(Correction, encode(decided)) == decided


@pytest.mark.night(BY_HAND)
def test_a_worker_tells_what_the_one_before_it_had_applied(night: HandmadeNight) -> None:
    """The first worker took a sheet for readable and died before it told; to the second one the
    bytes are no image."""
    source, _ = night.publish("N1", b"no image at all")
    applied = night.reading("N1", source, b"no image at all")
    night.apply(applied)
    night.publish("N2", b"no image either")
    worker = night.start_worker()
    wait_until(
        lambda: verify_broker(night.settings, None, None, alone=True).waiting == 0,
        60, night.describe,
    )  # fmt: skip
    worker.kill()
    names = night.settings.topics
    (told,) = read_topic(night.settings.kafka, names.readings)
    assert told.value == encode(applied)
    (refused,) = read_topic(night.settings.kafka, names.rejected)
    assert refused.key == b"N2"
    found = verify_broker(night.settings, None, None, alone=False)
    assert found.is_good, found
    assert found.outcomes == {"counted": 1, "rejected": 1}
