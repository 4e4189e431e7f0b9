"""Settles finished events in offset order: ledger, topics, next offset, acknowledgement."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from tallywire.ledger.async_client import Ledger
from tallywire.ledger.state import ApplyResult
from tallywire.records import Correction, Partition, Reading, Rejection
from tallywire.worker.handler import Handler, ReceivedEvent, Result
from tallywire.worker.health import WorkerProgress
from tallywire.worker.outgoing import OutgoingTopics, publish_results
from tallywire.worker.retry import attempt, insist
from tallywire.worker.sequencer import FinishedEvent


@dataclass(frozen=True, slots=True)
class Settlement:
    """What settling works on."""

    ledger: Ledger
    outgoing: OutgoingTopics
    progress: WorkerProgress


async def settle(
    settlement: Settlement,
    handler: Handler[Result],
    partition: Partition,
    batch: Sequence[FinishedEvent[ReceivedEvent, Result | Rejection]],
) -> None:
    """Account for `batch`, gapless and in offset order; return when all of it is durable.

    In this order, so that a crash anywhere repeats work and loses none: ledger and its outbox,
    topics, the outbox again, the ledger's next offset, and last the acknowledgement.
    """
    ledger, progress = settlement.ledger, settlement.progress
    applied = [(done.item.record, await _apply(progress, handler, done)) for done in batch]
    due = [(record, one.publish) for record, one in applied if one.publish]
    with progress.metrics.stage("publish"):
        await publish_results(settlement.outgoing, due, progress.peers)
    if published := [event for _, event in due]:  # a refused correction was in no outbox
        await insist(lambda: ledger.mark_published(published), "redis", progress.peers)
    topic, number = partition
    after = batch[-1].offset + 1
    await insist(lambda: ledger.advance(topic, number, after), "redis", progress.peers)
    for done in batch:
        done.item.ack()


async def _apply(
    progress: WorkerProgress,
    handler: Handler[Result],
    done: FinishedEvent[ReceivedEvent, Result | Rejection],
) -> ApplyResult:
    """Apply one event; what our own code cannot apply is refused instead."""
    record, result = done.item.record, done.result
    with progress.metrics.stage("apply"):
        try:
            applied = await attempt(
                lambda: handler.settle(result), "applying", source=str(record.source)
            )
        except Exception as error:
            result = handler.refuse(record, error)
            applied = await handler.settle(result)
    seconds = time.monotonic() - done.item.received_s
    progress.note_outcome(str(applied.outcome), seconds)
    progress.metrics.scan(str(applied.outcome), _reason(applied.publish or result))
    structlog.get_logger().debug(
        "settled", station=result.station, source=str(record.source),
        outcome=str(applied.outcome), ms=round(seconds * 1000),
    )  # fmt: skip
    return applied


def _reason(event: Reading | Correction | Rejection) -> str:
    """The code of what a person has to look at, of the first where there are several."""
    if isinstance(event, Rejection):
        return str(event.reason.code)
    reasons = event.reasons if isinstance(event, Reading) else ()
    return str(reasons[0].code) if reasons else ""
