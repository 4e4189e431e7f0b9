"""The load of a night: a thread that publishes at a steady rate until it is to finish."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from tallywire.edge.kafka import abandon_producer, make_producer
from tallywire.edge.topics import TopicSpec
from tallywire.errors import PeerError
from tallywire.records import Source
from tallywire.workshop.faults.messages import ScanMessage

BLOCK_MS = 60_000
ACKNOWLEDGED_WITHIN_S = 60.0


class LoadGenerator:
    """Publishes `messages` to `topic`: the first `burst` at once, then `per_s` a second.

    Raises:
        PeerError: no broker answers now.
    """

    def __init__(
        self,
        kafka: str,
        topic: str,
        spec: TopicSpec,
        messages: Iterator[ScanMessage],
        *,
        burst: int,
        per_s: float,
        most: int,
    ) -> None:
        self._topic, self._messages = topic, messages
        self._burst, self._pause_s, self._most = burst, 1 / per_s, most
        self._producer = make_producer(kafka, spec.max_record_bytes, block_ms=BLOCK_MS)
        self._sent: list[tuple[ScanMessage, Any]] = []
        self._least = 0
        self._ending, self._abandoned = threading.Event(), threading.Event()
        self._problem: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def start(self) -> None:
        """Begin to publish."""
        self._thread.start()

    @property
    def sent(self) -> int:
        """Scans handed to the producer so far."""
        return len(self._sent)

    @property
    def is_over(self) -> bool:
        """True where no more scans will come."""
        return not self._thread.is_alive()

    def finish(self, least: int) -> dict[Source, ScanMessage]:
        """Stop once `least` are published; by its place, each that the broker acknowledged.

        Raises:
            PeerError: the broker did not acknowledge all of them.
        """
        self._least = least
        self._ending.set()
        self._thread.join()
        if self._problem:
            raise PeerError(f"publishing failed: {self._problem}") from self._problem
        by_place = {}
        for message, future in self._sent:
            try:
                placed_at = future.get(timeout=ACKNOWLEDGED_WITHIN_S)
            except Exception as error:
                raise PeerError(f"the broker did not acknowledge a scan: {error!r}") from error
            by_place[Source(placed_at.topic, placed_at.partition, placed_at.offset)] = message
        return by_place

    def close(self) -> None:
        """End at once, whatever is left."""
        self._abandoned.set()
        self._ending.set()
        self._thread.join()
        abandon_producer(self._producer)

    def _run(self) -> None:
        for number, message in enumerate(self._messages):
            enough = number >= self._most or (self._ending.is_set() and number >= self._least)
            if enough or self._abandoned.is_set():
                return
            try:
                self._sent.append((message, self._send(message)))
            except Exception as error:
                self._problem = error
                return
            if number >= self._burst:
                self._abandoned.wait(self._pause_s)

    def _send(self, message: ScanMessage) -> Any:
        return self._producer.send(
            self._topic,
            key=message.key,
            value=message.value,
            headers=list(message.headers),
            timestamp_ms=message.timestamp_ms,
        )
