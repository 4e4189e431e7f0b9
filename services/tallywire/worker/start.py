"""From settings to a running worker."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import cv2
import structlog
from redis.asyncio import Redis

from tallywire.edge.serving import Classifier
from tallywire.election.election import Election
from tallywire.election.loading import LoadedElection, load_election
from tallywire.ledger.opening import describe
from tallywire.ledger.store import RedisLedger, connect
from tallywire.settings import Settings
from tallywire.worker.app import Limits, make_app
from tallywire.worker.correction_handler import read_correction
from tallywire.worker.generation import about_worker, agree, keep_followed
from tallywire.worker.health import ENDED_AFTER_TIMES, serve_health, start_watchdog
from tallywire.worker.metrics import Metrics
from tallywire.worker.outgoing import message_for
from tallywire.worker.poison_quarantine import RedisStrikes
from tallywire.worker.producing import faust_send
from tallywire.worker.progress import WorkerProgress
from tallywire.worker.rejection_monitor import watch_rejections
from tallywire.worker.retry import Peers, insist
from tallywire.worker.scan_handler import ScanContext, give_up, policy_of, read_record
from tallywire.worker.settlement import SettlementBook
from tallywire.worker.topics import record_exists, wait_for_topics
from tallywire.worker.worker import Read, assemble, catch_signals, run

Value = TypeVar("Value")


def group_of(settings: Settings, election: Election) -> str:
    """The consumer group: one for each election and generation, so that a replay has its own."""
    return settings.group_of(election.id, settings.generation)


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
    try:
        preparing = _prepare_peers(settings, loaded, progress.peers)
        agreed = await _unless_stopped(preparing, stopping)
        if agreed is not None and not stopping.is_set():
            await _work(agreed, loaded, progress, stopping)
    finally:
        server.close()


async def _prepare_peers(settings: Settings, loaded: LoadedElection, peers: Peers) -> Settings:
    """Wait until the topics are there and the ledger has its frame; settings as it wants them."""
    election = loaded.election
    names = settings.topics
    wanted = (names.scans, names.readings, names.corrections, names.rejected)
    await wait_for_topics(settings.kafka, wanted, peers)
    redis = connect(settings.redis)
    ledger = RedisLedger(redis, election, settings.generation)
    mine = about_worker(settings, loaded)
    name = settings.generation
    about = await insist(lambda: describe(redis, election.id, name, mine), "redis", peers)
    agreed = agree(settings, mine, about)
    await insist(lambda: ledger.open(election), "redis", peers)
    await ledger.close()
    return agreed


async def _work(
    settings: Settings, loaded: LoadedElection, progress: WorkerProgress, stopping: asyncio.Event
) -> None:
    election = loaded.election
    redis = connect(settings.redis)
    ledger = RedisLedger(redis, election, settings.generation)
    strikes = RedisStrikes(redis, election.id, settings.generation)
    model = Classifier(
        settings.serving, settings.model, settings.model_version, settings.predict_timeout_s
    )
    limits = Limits(
        settings.kafka,
        group_of(settings, election),
        settings.session_timeout_s,
        settings.max_value_bytes,
    )
    app = make_app(limits)
    with _opencv_threads(settings.threads) as threads:
        desk = ScanContext(
            election=election,
            layouts=loaded.layouts,
            model=model,
            model_name=settings.model,
            threads=threads,
            peers=progress.peers,
            max_pixels=settings.max_pixels,
            max_value_bytes=settings.max_value_bytes,
            metrics=progress.metrics,
        )
        # Asked for now, so that the first scan need not wait for the connection.
        warming = asyncio.create_task(policy_of(desk, settings.model_version))
        scans = SettlementBook(
            ledger=ledger,
            send=faust_send(app),
            message=partial(
                message_for,
                settings.topics,
                generation=settings.generation,
                bytes_too=settings.rejected_bytes,
            ),
            give_up=partial(give_up, election),
            progress=progress,
        )
        corrections = replace(scans, refusals_count=False)
        desks: dict[str, tuple[Read, SettlementBook]] = {
            settings.topics.scans: (partial(read_record, desk), scans),
            settings.topics.corrections: (partial(read_correction, election), corrections),
        }
        exists = partial(record_exists, settings.kafka)
        beside = [warming, *_beside(redis, election, settings, progress)]
        start_watchdog(progress, ENDED_AFTER_TIMES * settings.stalled_after_s)
        try:
            await run(assemble(app, desks, exists, strikes, settings.in_flight, stopping))
        finally:
            for task in beside:
                task.cancel()
            await model.close()
            await ledger.close()


def _beside(
    redis: Redis, election: Election, settings: Settings, progress: WorkerProgress
) -> tuple[asyncio.Task[None], ...]:
    """What runs beside the counting, and is cancelled with it."""
    name = settings.generation
    following = keep_followed(redis, election.id, name, progress)
    watching = watch_rejections(redis, election, name, settings.reject_limit, progress)
    return asyncio.create_task(following), asyncio.create_task(watching)


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


@contextmanager
def _opencv_threads(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Threads for OpenCV, each of one core: scans run side by side, not split."""
    cv2.setNumThreads(1)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="prepare")
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
