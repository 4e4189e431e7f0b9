"""The worker process: puts the parts together, runs until it is told to stop, stops in order."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from tallywire.errors import PeerError
from tallywire.worker.app import add_agent
from tallywire.worker.assignment import Assignment, Exists
from tallywire.worker.faust_parts import TallyApp
from tallywire.worker.gap_recovery import GapRecovery
from tallywire.worker.incoming import IncomingRecord, record_of
from tallywire.worker.poison_quarantine import PoisonQuarantine, StrikeStore
from tallywire.worker.progress import WorkerProgress
from tallywire.worker.sequencer import Admission, Partition, Sequencer
from tallywire.worker.settlement import ReceivedEvent, Result, SettlementBook, settle

FINISH_S = 4.0  # at a stop, what is in flight may take so long to be settled
LEAVE_S = 3.0  # and leaving the group so long
GONE_S = 9.0  # then the process ends anyhow: what is unsettled is the next worker's
SUMMARY_S = 5.0

Read = Callable[[IncomingRecord], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class RunningWorker:
    """A worker's parts."""

    app: TallyApp
    sequencers: dict[str, Sequencer[ReceivedEvent, Result]]
    assignment: Assignment
    keeper: GapRecovery
    progress: WorkerProgress
    stopping: asyncio.Event


def assemble(
    app: TallyApp,
    desks: Mapping[str, tuple[Read, SettlementBook]],
    exists: Exists,
    strikes: StrikeStore,
    in_flight: int,
    stopping: asyncio.Event,
) -> RunningWorker:
    """One agent and one sequencer for each topic in `desks`; all books are of one ledger."""
    book = next(iter(desks.values()))[1]
    peers = book.progress.peers
    suspects = PoisonQuarantine(strikes, peers, in_flight)
    sequencers = {topic: _sequencer(*desk, suspects, in_flight) for topic, desk in desks.items()}
    assignment = Assignment(app, book.ledger, peers, sequencers, exists, suspects)
    keeper = GapRecovery(app, assignment, sequencers, book.progress, in_flight)
    running = RunningWorker(app, sequencers, assignment, keeper, book.progress, stopping)
    for topic in desks:
        add_agent(app, topic, _taker(running))
    return running


def _sequencer(
    read: Read, book: SettlementBook, suspects: PoisonQuarantine, in_flight: int
) -> Sequencer[ReceivedEvent, Result]:
    async def work(taken: ReceivedEvent) -> Result:
        return await suspects.read(taken.record, read, book.give_up)

    async def settle_batch(partition: Partition, batch: Any) -> None:
        await settle(book, partition, batch)

    return Sequencer(work, settle_batch, in_flight)


def _taker(running: RunningWorker) -> Callable[[Any], Awaitable[None]]:
    async def take(event: Any) -> None:
        """Hand one event of the stream to its sequencer."""
        if running.stopping.is_set():
            return  # not acknowledged: the next worker's
        message = event.message
        partition: Partition = (message.topic, message.partition)
        taken = ReceivedEvent(record_of(message), time.monotonic(), event.ack)
        offer = await running.sequencers[message.topic].offer(partition, message.offset, taken)
        if offer is Admission.SETTLED:
            event.ack()
        elif offer is Admission.GAP:
            running.keeper.gap(partition, message.offset)

    return take


async def run(running: RunningWorker) -> None:
    """Work until `stopping` is set or the app fails; then stop within `GONE_S`.

    Raises:
        TallywireError: what made the app fail.
    """
    started = asyncio.create_task(running.app.start())
    tasks = {
        asyncio.create_task(running.keeper.run()),
        asyncio.create_task(summarise(running.progress)),
    }
    failed = asyncio.create_task(running.app._crashed.wait())
    stop = asyncio.create_task(running.stopping.wait())
    try:
        await asyncio.wait({failed, stop, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        problem = None if stop.done() else _problem(running.app, tasks)
    finally:
        running.stopping.set()
        await _stop(running, {started, failed, stop, *tasks})
    if problem:
        raise problem


def catch_signals(stopping: asyncio.Event) -> None:
    """SIGTERM and SIGINT set `stopping`; a stop that hangs is cut short."""
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if not stopping.is_set():
            structlog.get_logger().info("stopping")
            timer = threading.Timer(GONE_S, os._exit, (0,))
            timer.daemon = True
            timer.start()
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)


async def summarise(progress: WorkerProgress) -> None:
    """One line every few seconds while anything happens."""
    log, before = structlog.get_logger(), 0
    while True:
        await asyncio.sleep(SUMMARY_S)
        settled, troubles = progress.settled, progress.peers.troubles
        if settled != before or progress.lag or troubles:
            log.info(
                "progress", settled=settled, per_s=round((settled - before) / SUMMARY_S, 1),
                lag=progress.lag, in_flight=progress.in_flight, median_ms=progress.median_ms(),
                outcomes=dict(progress.outcomes), waiting_for=sorted(troubles),
            )  # fmt: skip
        before = settled


def _problem(app: TallyApp, tasks: set[asyncio.Task[None]]) -> Exception:
    """What ended the app or one of our own tasks."""
    reasons = [task.exception() for task in tasks if task.done() and not task.cancelled()]
    reason = next((reason for reason in (*reasons, app.crash_reason) if reason), None)
    if isinstance(reason, Exception):
        return reason
    return PeerError("the Faust app ended by itself")


async def _stop(running: RunningWorker, tasks: set[asyncio.Task[Any]]) -> None:
    """Settle what is in flight, leave the group, end our tasks."""
    drained = asyncio.gather(*(sequencer.drained() for sequencer in running.sequencers.values()))
    await _within(FINISH_S, drained)
    for sequencer in running.sequencers.values():
        sequencer.assign({})
    await _within(LEAVE_S, running.app.stop())
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _within(limit_s: float, work: Awaitable[Any]) -> None:
    try:
        await asyncio.wait_for(work, limit_s)
    except Exception as error:  # whatever it is: the process ends now, and no event is lost by it
        structlog.get_logger().warning("stopping in haste", error=repr(error))
