"""The one module that knows Faust: the app, its agents, and the ledger as the place to go on from.

Read with faust 0.15.3 at hand (`faust/transport/consumer.py`, `faust/tables/recovery.py` and
`faust/transport/drivers/aiokafka.py`). What is changed, and why:

- `perform_seek` asks for our own positions. Faust seeks to the group's committed offset, and
  nowhere where there is none: what it fetched and dropped while its flow stood still is lost.
- The read-offset filter is off. It drops, in silence, whatever lies below the highest offset
  delivered, which after a seek is exactly what we want to see again. The sequencer judges offsets.
- A full buffer makes the fetcher wait, instead of taking the partition out of the fetch and hoping
  that somebody puts it back.
- A commit that fails is told and forgotten. Commits are only there for lag monitors.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import faust
import structlog
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.exceptions import ProducerSendError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from tallywire.records import Partition, Source
from tallywire.settings import MIB
from tallywire.worker.handler import IncomingRecord, ReceivedEvent
from tallywire.worker.outgoing import Message, Send

BUFFERED_EVENTS = 8  # images in memory between the fetcher and the agent
FETCH_BYTES = 4 * MIB  # of one partition in one answer
HEADROOM_BYTES = 64 * 1024  # headers and framing around the largest image

Positions = Callable[[], Mapping[Partition, int]]
Offsets = dict[Partition, int]


@dataclass(frozen=True, slots=True)
class Limits:
    """What the app needs to know of the settings."""

    brokers: str  # host:port[,host:port...]
    group: str
    session_timeout_s: float
    max_value_bytes: int


class Unfiltered(dict[TP, int]):
    """Stands for Faust's read offsets: nothing was ever read, so nothing is filtered away."""

    def __getitem__(self, _: TP) -> None:  # type: ignore[override]
        return None

    def __setitem__(self, _: TP, __: int) -> None:
        return None


class LedgerConsumer(driver.Consumer):  # type: ignore[misc]
    """Faust's aiokafka consumer that goes on where the ledger says."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = Unfiltered()

    async def perform_seek(self) -> None:
        """Seek every partition of ours to the offset that is expected next."""
        assigned = self.assignment()
        positions = self.app.positions()
        wanted = {TP(*key): offset for key, offset in positions.items() if TP(*key) in assigned}
        if wanted:
            await self.seek_wait(wanted)

    def on_buffer_full(self, tp: TP) -> None:
        """Keep fetching: a full buffer already makes the fetcher wait."""

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        wanted = {TopicPartition(*tp): OffsetAndMetadata(at, "") for tp, at in offsets.items()}
        try:
            await self._thread.call_thread(self._thread._ensure_consumer().commit, wanted)
        except (KafkaError, OSError) as error:
            structlog.get_logger().info("commit failed; the ledger knows better", error=str(error))
            return False
        return True


class LedgerTransport(driver.Transport):  # type: ignore[misc]
    """Faust's aiokafka transport with our consumer."""

    Consumer = LedgerConsumer


class TallyApp(faust.App):  # type: ignore[misc]
    """A Faust app without tables, web server or files of its own.

    The methods are all that the rest of the worker asks of Faust.
    """

    positions: Positions = staticmethod(dict)

    def follow_assignment(
        self,
        positions: Positions,
        on_assigned: Callable[[], Awaitable[None]],
        on_revoked: Callable[[Iterable[Partition]], None],
    ) -> None:
        """Seek to `positions` on every assignment; `on_assigned` holds the flow until it ends."""

        async def rebalanced(_: Any, **__: Any) -> None:
            await on_assigned()

        async def revoked(_: Any, partitions: Iterable[TP], **__: Any) -> None:
            on_revoked(partitions)

        self.positions = positions
        self.on_rebalance_complete.connect(rebalanced, weak=False)
        self.on_partitions_revoked.connect(revoked, weak=False)

    def assigned(self) -> set[Partition]:
        """The partitions that the group gave us."""
        return {Partition(tp.topic, tp.partition) for tp in self.consumer.assignment()}

    def assignment_number(self) -> int | None:
        """Another one for every rebalance; None at the end."""
        return None if self.should_stop else int(self.consumer_generation_id)

    async def read_from(self, partition: Partition, offset: int) -> None:
        """Seek there, and fetch; a no-op where the partition is no longer ours."""
        tp = TP(*partition)
        if tp in self.consumer.assignment():
            self.consumer.resume_partitions({tp})
            await self.consumer.seek_wait({tp: offset})

    async def log_bounds(self, partitions: Iterable[Partition]) -> tuple[Offsets, Offsets]:
        """First and next offset of the log of each partition, as the broker tells them.

        The end is the larger of two answers: the embedded broker's list of offsets counts a last
        batch of several records as one; the high-water mark of a fetch is right.

        Raises:
            KafkaError, OSError, TimeoutError: no broker answers.
        """
        wanted = [TP(*partition) for partition in partitions]
        begins, ends = await asyncio.gather(
            self.consumer.earliest_offsets(*wanted), self.consumer.highwaters(*wanted)
        )
        return (
            {Partition(*tp): at for tp, at in begins.items()},
            {Partition(*tp): max(at, self.high_water(Partition(*tp))) for tp, at in ends.items()},
        )

    def high_water(self, partition: Partition) -> int:
        """The end of the log as the last fetch said; 0 where there was none."""
        tp = TP(*partition)
        if tp not in self.consumer.assignment():
            return 0
        return self.consumer.highwater(tp) or 0

    async def wait_for_crash(self) -> None:
        """Return when the app has failed; `crash_reason` says why."""
        await self._crashed.wait()

    def _new_transport(self) -> LedgerTransport:
        return LedgerTransport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        """Nothing is kept on disk."""


def make_app(limits: Limits) -> TallyApp:
    """A Faust app that is connected to nothing yet."""
    largest = limits.max_value_bytes + HEADROOM_BYTES
    return TallyApp(
        limits.group,
        broker=[f"kafka://{address.strip()}" for address in limits.brokers.split(",")],
        key_serializer="raw",
        value_serializer="raw",
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        stream_buffer_maxsize=BUFFERED_EVENTS,
        stream_recovery_delay=0.0,
        broker_max_poll_records=BUFFERED_EVENTS,
        broker_commit_interval=2.0,
        broker_session_timeout=limits.session_timeout_s,
        broker_heartbeat_interval=limits.session_timeout_s / 5,
        broker_request_timeout=max(40.0, limits.session_timeout_s + 10),
        broker_max_poll_interval=3600.0,  # a long outage of a peer is no reason to be put out
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=max(FETCH_BYTES, largest),
        producer_max_request_size=largest + HEADROOM_BYTES,
        producer_acks=-1,
        producer_linger=0,
        producer_request_timeout=30.0,
    )


def add_agent(app: TallyApp, topic: str, take: Callable[[ReceivedEvent], Awaitable[None]]) -> None:
    """Let `take` have every event of `topic`, unacknowledged, one after the other."""
    channel = app.topic(topic, key_type=bytes, value_type=bytes)

    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            await take(ReceivedEvent(record_of(event.message), time.monotonic(), event.ack))

    app.agent(channel, name=f"tallywire.{topic}", concurrency=1)(agent)


def record_of(message: Any) -> IncomingRecord:
    """The record behind a Faust message (`event.message`)."""
    headers = message.headers or ()
    pairs = headers.items() if isinstance(headers, dict) else headers
    return IncomingRecord(
        source=Source(message.topic, message.partition, message.offset),
        key=message.key,
        value=message.value,
        headers=tuple((name, value or b"") for name, value in pairs),
        published_at=datetime.fromtimestamp(max(0.0, message.timestamp or 0.0), UTC),
    )


def faust_send(app: Any) -> Send:
    """Send by the app's own producer (acks=all); its errors are Kafka's."""

    async def send(message: Message) -> Awaitable[Any]:
        try:
            acknowledged: Awaitable[Any] = await app.producer.send(
                message.topic, message.key, message.value, None, None, list(message.headers)
            )
        except ProducerSendError as error:
            cause = error.__cause__
            raise (cause if isinstance(cause, KafkaError) else KafkaError(str(error))) from error
        return acknowledged

    return send
