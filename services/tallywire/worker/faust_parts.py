"""Faust with the ledger, not the group's commits, as the place to go on from.

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

from collections.abc import Callable, Mapping
from typing import Any

import faust
import structlog
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from tallywire.worker.sequencer import Partition

Positions = Callable[[], Mapping[Partition, int]]


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
    """A Faust app without tables, web server or files of its own."""

    positions: Positions = staticmethod(dict)

    def _new_transport(self) -> LedgerTransport:
        return LedgerTransport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        """Nothing is kept on disk."""
