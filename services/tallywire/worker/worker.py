"""The worker process: from settings to running parts, until it is told to stop; stops in order."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import cv2
import structlog

from tallywire.edge.serving import Classifier
from tallywire.election.loading import LoadedElection, load_election
from tallywire.errors import PeerError
from tallywire.ledger.async_client import AsyncLedgerClient, open_async_ledger
from tallywire.settings import Settings
from tallywire.worker.assignment import Assignment, Exists
from tallywire.worker.correction_handler import CorrectionHandler
from tallywire.worker.faust_app import Limits, TallyApp, add_agent, faust_send, make_app
from tallywire.worker.gap_recovery import GapRecovery
from tallywire.worker.generation import about_worker, agree, keep_followed
from tallywire.worker.handler import Handler
from tallywire.worker.health import (
    ENDED_AFTER_TIMES,
    WorkerProgress,
    serve_health,
    start_watchdog,
    summarise,
)
from tallywire.worker.metrics import Metrics
from tallywire.worker.outgoing import OutgoingTopics
from tallywire.worker.peer_check import record_exists, wait_for_topics
from tallywire.worker.pipeline import EventSequencer, make_sequencer, take
from tallywire.worker.poison_quarantine import PoisonQuarantine, RedisStrikes, StrikeStore
from tallywire.worker.rejection_monitor import watch_rejections
from tallywire.worker.retry import Peers, insist
from tallywire.worker.scan_handler import ScanHandler
from tallywire.worker.settlement import Settlement

FINISH_S = 4.0  # at a stop, what is in flight may take so long to be settled
LEAVE_S = 3.0  # and leaving the group so long
GONE_S = 9.0  # then the process ends anyhow: what is unsettled is the next worker's

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class RunningWorker:
    """A worker's parts."""

    app: TallyApp
    sequencers: Mapping[str, EventSequencer[Any]]
    gap_recovery: GapRecovery
    progress: WorkerProgress
    stopping: asyncio.Event


async def work(settings: Settings) -> None:
    """Be a worker until SIGTERM or SIGINT.

    Raises:
        UsageError: the election's files are wrong, or topic and ledger do not belong together.
        PeerError: Faust ended by itself; start again.
    """
    loaded = load_election(settings.election, settings.layout)
    election = loaded.election
    metrics = Metrics()
    progress = WorkerProgress(Peers(metrics.retry), metrics)
    stopping = asyncio.Event()
    catch_signals(stopping)
    server = serve_health(
        progress, settings.health_port, settings.health_address, settings.stalled_after_s
    )
    structlog.get_logger().info(
        "worker starts", election=election.id, generation=settings.generation,
        health_port=server.port,
    )  # fmt: skip
    ledger = open_async_ledger(settings.redis, election, settings.generation)
    try:
        preparing = _prepare(settings, loaded, ledger, progress.peers)
        agreed = await _unless_stopped(preparing, stopping)
        if agreed is not None and not stopping.is_set():
            await _count(agreed, loaded, ledger, progress, stopping)
    finally:
        await ledger.close()
        server.close()


async def _prepare(
    settings: Settings, loaded: LoadedElection, ledger: AsyncLedgerClient, peers: Peers
) -> Settings:
    """Wait until the topics are there and the ledger has its frame; settings as it wants them."""
    await wait_for_topics(settings.kafka, settings.topics.names, peers)
    mine = about_worker(settings, loaded)
    about = await insist(lambda: ledger.describe(mine), "redis", peers)
    agreed = agree(settings, mine, about)
    await insist(ledger.open, "redis", peers)
    return agreed


async def _count(
    settings: Settings,
    loaded: LoadedElection,
    ledger: AsyncLedgerClient,
    progress: WorkerProgress,
    stopping: asyncio.Event,
) -> None:
    """Take the scans and corrections that the group gives us, until `stopping` is set."""
    election = loaded.election
    topics, generation = settings.topics, settings.generation
    app = make_app(
        Limits(
            settings.kafka,
            settings.group_of(election.id, generation),
            settings.session_timeout_s,
            settings.max_value_bytes,
        )
    )
    outgoing = OutgoingTopics(faust_send(app), topics, generation, settings.rejected_bytes)
    strikes = RedisStrikes(ledger)
    async with _scan_handler(settings, loaded, ledger, progress) as scans:
        corrections = CorrectionHandler(election, ledger, progress.peers)
        running = assemble(
            app,
            {topics.scans: scans, topics.corrections: corrections},
            Settlement(ledger, outgoing, progress),
            strikes,
            partial(record_exists, settings.kafka),
            settings.in_flight,
            stopping,
        )
        start_watchdog(progress, ENDED_AFTER_TIMES * settings.stalled_after_s)
        await _run_with(
            running,
            # Asked for now, so that the first scan need not wait for the connection.
            scans.policy(settings.model_version),
            keep_followed(ledger, progress),
            watch_rejections(ledger, settings.reject_limit, progress),
        )


@asynccontextmanager
async def _scan_handler(
    settings: Settings, loaded: LoadedElection, ledger: AsyncLedgerClient, progress: WorkerProgress
) -> AsyncIterator[ScanHandler]:
    """With its connection to the model server, and its threads for OpenCV."""
    cv2.setNumThreads(1)  # each thread is of one core: scans run side by side, not split
    threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="prepare")
    model = Classifier(
        settings.serving, settings.model, settings.model_version, settings.predict_timeout_s
    )
    try:
        yield ScanHandler(
            election=loaded.election,
            layouts=loaded.layouts,
            ledger=ledger,
            model=model,
            model_name=settings.model,
            threads=threads,
            peers=progress.peers,
            max_pixels=settings.max_pixels,
            max_value_bytes=settings.max_value_bytes,
            metrics=progress.metrics,
        )
    finally:
        await model.close()
        threads.shutdown(wait=False, cancel_futures=True)


def assemble(
    app: TallyApp,
    handlers: Mapping[str, Handler[Any]],
    settlement: Settlement,
    strikes: StrikeStore,
    exists: Exists,
    in_flight: int,
    stopping: asyncio.Event,
) -> RunningWorker:
    """One agent and one sequencer for each topic in `handlers`."""
    progress = settlement.progress
    quarantine = PoisonQuarantine(strikes, progress.peers, in_flight)
    sequencers = {
        topic: make_sequencer(handler, quarantine, settlement, in_flight)
        for topic, handler in handlers.items()
    }
    assignment = Assignment(app, settlement.ledger, progress.peers, sequencers, exists, quarantine)
    recovery = GapRecovery(app, assignment, sequencers, progress, in_flight)
    for topic, sequencer in sequencers.items():
        add_agent(app, topic, partial(take, sequencer, recovery.gap, stopping))
    return RunningWorker(app, sequencers, recovery, progress, stopping)


async def run(running: RunningWorker) -> None:
    """Work until `stopping` is set or the app fails; then stop within `GONE_S`.

    Raises:
        TallywireError: what made the app fail.
    """
    started = asyncio.create_task(running.app.start())
    tasks = {
        asyncio.create_task(running.gap_recovery.run()),
        asyncio.create_task(summarise(running.progress)),
    }
    failed = asyncio.create_task(running.app.wait_for_crash())
    stop = asyncio.create_task(running.stopping.wait())
    try:
        await asyncio.wait({failed, stop, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        problem = None if stop.done() else _problem(running.app, tasks)
    finally:
        running.stopping.set()
        await _stop(running, {started, failed, stop, *tasks})
    if problem:
        raise problem


async def _run_with(running: RunningWorker, *beside: Coroutine[Any, Any, object]) -> None:
    """Run; what runs beside the counting is cancelled with it, and cannot end it."""
    tasks = [asyncio.create_task(one) for one in beside]
    try:
        await run(running)
    finally:
        for task in tasks:
            task.cancel()


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


async def _unless_stopped(
    work: Coroutine[Any, Any, Value], stopping: asyncio.Event
) -> Value | None:
    """The result of `work`; None where `stopping` is set before it is done."""
    working, stopped = asyncio.create_task(work), asyncio.create_task(stopping.wait())
    await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if working.done():
        return working.result()
    working.cancel()
    return None


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
