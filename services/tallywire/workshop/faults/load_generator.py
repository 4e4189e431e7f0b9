"""The scanners of a night: a thread that publishes at a steady rate until it is told to finish."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from tallywire.edge.kafka import abandon_producer, make_producer
from tallywire.edge.topics import TopicSpec
from tallywire.errors import PeerError
from tallywire.records import Source
from tallywire.workshop.faults.messages import NightMessage

BLOCK_MS = 60_000
ACKNOWLEDGED_WITHIN_S = 60.0


class LoadGenerator:
    """Publishes `letters` to `topic`: the first `burst` at once, then `per_s` a second.

    Raises:
        PeerError: no broker answers now.
    """

    def __init__(
        self,
        kafka: str,
        topic: str,
        spec: TopicSpec,
        letters: Iterator[NightMessage],
        *,
        burst: int,
        per_s: float,
        most: int,
    ) -> None:
        self._topic, self._letters = topic, letters
        self._burst, self._pause_s, self._most = burst, 1 / per_s, most
        self._producer = make_producer(kafka, spec.max_record_bytes, block_ms=BLOCK_MS)
        self._sent: list[tuple[NightMessage, Any]] = []
        self._least = 0
        self._ending, self._abandoned = threading.Event(), threading.Event()
        self._problem: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="press", daemon=True)

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

    def finish(self, least: int) -> dict[Source, NightMessage]:
        """Stop once `least` are published; by its place, each that the broker acknowledged.

        Raises:
            PeerError: the broker did not acknowledge all of them.
        """
        self._least = least
        self._ending.set()
        self._thread.join()
        if self._problem:
            raise PeerError(f"publishing failed: {self._problem}") from self._problem
        placed = {}
        for letter, future in self._sent:
            try:
                told = future.get(timeout=ACKNOWLEDGED_WITHIN_S)
            except Exception as error:
                raise PeerError(f"the broker did not acknowledge a scan: {error!r}") from error
            placed[Source(told.topic, told.partition, told.offset)] = letter
        return placed

    def close(self) -> None:
        """End at once, whatever is left."""
        self._abandoned.set()
        self._ending.set()
        self._thread.join()
        abandon_producer(self._producer)

    def _run(self) -> None:
        for number, letter in enumerate(self._letters):
            enough = number >= self._most or (self._ending.is_set() and number >= self._least)
            if enough or self._abandoned.is_set():
                return
            try:
                self._sent.append((letter, self._send(letter)))
            except Exception as error:
                self._problem = error
                return
            if number >= self._burst:
                self._abandoned.wait(self._pause_s)

    def _send(self, letter: NightMessage) -> Any:
        return self._producer.send(
            self._topic,
            key=letter.key,
            value=letter.value,
            headers=list(letter.headers),
            timestamp_ms=letter.timestamp_ms,
        )
