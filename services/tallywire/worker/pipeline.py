"""The way of one topic's events: received, admitted in order, read, settled, acknowledged.

1. `faust_app` hands an event to `take`, which offers it to its partition's place in `sequencer`.
2. `read` has it read by the topic's handler, `scan_handler` or `correction_handler`.
3. `settlement` applies what came of it to the ledger, publishes it, and acknowledges the event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from tallywire.records import Partition, Rejection
from tallywire.worker.handler import Handler, ReceivedEvent, Result
from tallywire.worker.poison_quarantine import PoisonQuarantine
from tallywire.worker.retry import attempt
from tallywire.worker.sequencer import Admission, Sequencer
from tallywire.worker.settlement import Settlement, settle

EventSequencer = Sequencer[ReceivedEvent, Result | Rejection]


def make_sequencer(
    handler: Handler[Result], quarantine: PoisonQuarantine, settlement: Settlement, in_flight: int
) -> EventSequencer[Result]:
    """Events are read side by side and settled in their order, at most `in_flight` at once."""
    return Sequencer(
        partial(read, handler, quarantine), partial(settle, settlement, handler), in_flight
    )


async def take(
    sequencer: EventSequencer[Result],
    on_gap: Callable[[Partition, int], None],
    stopping: asyncio.Event,
    event: ReceivedEvent,
) -> None:
    """Hand one event of the stream to its sequencer; tell `on_gap` where some are missing."""
    if stopping.is_set():
        return  # not acknowledged: the next worker's
    record = event.record
    admission = await sequencer.offer(record.partition, record.source.offset, event)
    if admission is Admission.SETTLED:
        event.ack()
    elif admission is Admission.GAP:
        on_gap(record.partition, record.source.offset)


async def read(
    handler: Handler[Result], quarantine: PoisonQuarantine, event: ReceivedEvent
) -> Result | Rejection:
    """Read one record, come what may.

    What our own code cannot digest is refused, its bytes kept, so that it blocks no partition.
    """
    record = event.record
    async with quarantine.watch(record) as poison:
        if poison:
            return handler.refuse(record, poison)
        try:
            return await attempt(lambda: handler.read(record), "reading", source=str(record.source))
        except Exception as error:
            return handler.refuse(record, error)
