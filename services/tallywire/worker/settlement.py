"""Settles finished events in offset order: ledger, topics, next offset, acknowledgement."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from tallywire.ledger.async_client import Ledger
from tallywire.ledger.state import ApplyResult, Outcome
from tallywire.records import Correction, Reading, Rejection
from tallywire.worker.incoming import IncomingRecord
from tallywire.worker.producing import Message, Send, publish
from tallywire.worker.progress import WorkerProgress
from tallywire.worker.retry import insist
from tallywire.worker.sequencer import FinishedEvent, Partition

ATTEMPTS = 3  # of applying one event, before it is refused as our own error

Result = Reading | Correction | Rejection


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event of the stream: its record, when it was admitted, and its acknowledgement."""

    record: IncomingRecord
    admitted_s: float  # monotonic
    ack: Callable[[], object]


@dataclass(frozen=True, slots=True)
class SettlementBook:
    """Where results of one topic go.

    `message` says what is produced for a result, if anything; `give_up` makes a rejection of an
    event that the ledger's code cannot digest; `refusals_count` is
    False where a refusal is no business of the ledger (a broken correction is not a scan).
    """

    ledger: Ledger
    send: Send
    message: Callable[[IncomingRecord, Result], Message | None]
    give_up: Callable[[IncomingRecord, Exception], Rejection]
    progress: WorkerProgress
    refusals_count: bool = True


async def settle(
    book: SettlementBook,
    partition: Partition,
    batch: Sequence[FinishedEvent[ReceivedEvent, Result]],
) -> None:
    """Account for `batch`, gapless and in offset order; return when all of it is durable.

    In this order, so that a crash anywhere repeats work and loses none: ledger and its outbox,
    topics, the outbox again, the ledger's next offset, and last the acknowledgement.
    """
    peers = book.progress.peers
    told = [(done.item.record, await _apply(book, done)) for done in batch]
    messages = [book.message(record, event) for record, event in told if event]
    with book.progress.metrics.stage("publish"):
        await publish(book.send, [message for message in messages if message], peers)
    forgotten = [event for _, event in told if event and _in_ledger(book, event)]
    if forgotten:
        await insist(lambda: book.ledger.mark_published(forgotten), "redis", peers)
    topic, number = partition
    after = batch[-1].offset + 1
    await insist(lambda: book.ledger.advance(topic, number, after), "redis", peers)
    for done in batch:
        done.item.ack()


async def _apply(
    book: SettlementBook, done: FinishedEvent[ReceivedEvent, Result]
) -> Reading | Rejection | None:
    """Apply one event; what has to be published for it, if anything."""
    result = done.result
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await _apply_once(book, done, result)
        except Exception as error:
            problem = error
            structlog.get_logger().exception(
                "applying failed", source=str(done.item.record.source), attempt=attempt
            )
    result = book.give_up(done.item.record, problem)
    return await _apply_once(book, done, result)


async def _apply_once(
    book: SettlementBook, done: FinishedEvent[ReceivedEvent, Result], result: Result
) -> Reading | Rejection | None:
    if isinstance(result, Rejection) and not _in_ledger(book, result):
        told = ApplyResult(Outcome.REJECTED, result)
    else:
        with book.progress.metrics.stage("apply"):
            told = await insist(lambda: book.ledger.apply(result), "redis", book.progress.peers)
    seconds = time.monotonic() - done.item.admitted_s
    book.progress.note_outcome(str(told.outcome), seconds)
    book.progress.metrics.scan(str(told.outcome), _reason(told.publish or result))
    structlog.get_logger().debug(
        "settled", station=result.station, source=str(done.item.record.source),
        outcome=str(told.outcome), ms=round(seconds * 1000),
    )  # fmt: skip
    return told.publish


def _reason(event: Result) -> str:
    """The code of what a person has to look at, of the first where there are several."""
    if isinstance(event, Rejection):
        return str(event.reason.code)
    reasons = event.reasons if isinstance(event, Reading) else ()
    return str(reasons[0].code) if reasons else ""


def _in_ledger(book: SettlementBook, event: Result) -> bool:
    return book.refusals_count or not isinstance(event, Rejection)
