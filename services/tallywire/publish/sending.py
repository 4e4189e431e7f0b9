"""Sends letters and waits for the broker's acknowledgement of each, for as long as it takes.

kafka-python's producer repeats a request by itself without duplicating it. What is done here is
the rest: memory stays bounded, an absent broker is waited for and told about, and a producer that
fails for good is replaced, with everything unacknowledged sent again.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from kafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from tallywire.edge.kafka import abandon_producer, make_producer
from tallywire.edge.liveness import Vitals
from tallywire.edge.topics import TopicSpec, ensure_topics, topic_id
from tallywire.errors import PeerError
from tallywire.publish.outgoing_scans import OutgoingScan, RefusedFile
from tallywire.publish.receipts import Receipt
from tallywire.reasons import Code
from tallywire.wire import encode_scan_headers

SILENCE_S = 4.0  # without any acknowledgement, after which the broker is asked how it is
REPLACE_AFTER_S = 60.0  # ... and the producer replaced although the broker answers; then doubled
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 5.0
TICK_S = 0.1
PROBE_TIMEOUT_MS = 2_000


@dataclass(frozen=True, slots=True)
class Destination:
    """Where letters go."""

    kafka: str
    topic: str
    topics: tuple[str, ...]  # all of ours; created where missing
    spec: TopicSpec
    in_flight_bytes: int = 32 * 1024 * 1024
    in_flight_letters: int = 2_000


class Sender:
    """Sends to one topic. To be used by one thread; `stop`, once set, ends every waiting.

    `topic_id` is the identity of the topic, known after `connect`. `waited_s` sums up the time in
    which the broker was away; `topic_was_lost` tells that the broker lost what it had
    acknowledged.
    """

    def __init__(
        self,
        target: Destination,
        say: Callable[[str], object],
        stop: threading.Event,
        vitals: Vitals | None = None,
    ) -> None:
        self.target = target
        self._vitals = vitals or Vitals()
        self._stop = stop
        self.topic_id = ""
        self.waited_s = 0.0
        self.topic_was_lost = False
        self._say = say
        self._producer: Any = None
        self._number = 0
        self._pending: dict[int, OutgoingScan] = {}
        self._pending_bytes = 0
        self._next_token = 0
        self._events: queue.SimpleQueue[tuple[int, int, Any]] = queue.SimpleQueue()
        self._refusals: list[RefusedFile] = []
        self._broken = ""  # why the producer is to be replaced
        self._alive_s = time.monotonic()  # last sign of life
        self._asked_s = self._alive_s
        self._away_since_s: float | None = None
        self._replace_after_s = REPLACE_AFTER_S

    @property
    def pending(self) -> int:
        """Letters sent and not acknowledged."""
        return len(self._pending)

    def connect(self) -> bool:
        """Wait until the broker answers; create missing topics; make a producer.

        False where `stop` was set meanwhile.
        """
        pause_s = FIRST_PAUSE_S
        while not self._stop.is_set():
            try:
                self._open()
            except PeerError as error:
                self._tell_away(str(error))
                self._stop.wait(pause_s)
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
            else:
                self._tell_back()
                return True
        return False

    def has_room(self, letter: OutgoingScan) -> bool:
        """True where the letter may be sent now: one always fits, however large."""
        target = self.target
        fits = self._pending_bytes + len(letter.image) <= target.in_flight_bytes
        return not self._pending or (fits and self.pending < target.in_flight_letters)

    def send(self, letter: OutgoingScan) -> None:
        """Hand a letter over. Ask `has_room` first; call `poll` often."""
        self._next_token += 1
        self._pending[self._next_token] = letter
        self._pending_bytes += len(letter.image)
        if self.pending == 1:
            self._alive_s = time.monotonic()
        if not self._hand_over(self._next_token, letter):
            self._replace()

    def poll(self, wait_s: float = 0.0) -> tuple[list[Receipt], list[RefusedFile]]:
        """What was acknowledged, or refused by the broker, since the last call.

        Waits up to `wait_s` for the first of them; much longer where the broker is away.
        """
        settled = self.drain(wait_s)
        if self._broken:
            self._tell_away(self._broken)
            self._replace()
        elif self._pending and time.monotonic() - max(self._alive_s, self._asked_s) > SILENCE_S:
            self._examine()
        return settled

    def drain(self, wait_s: float = 0.0) -> tuple[list[Receipt], list[RefusedFile]]:
        """As `poll`, but repairs nothing, and so never waits for longer than `wait_s`."""
        receipts: list[Receipt] = []
        try:
            event = self._events.get(timeout=wait_s) if wait_s else self._events.get_nowait()
            while True:
                self._settle(event, receipts)
                event = self._events.get_nowait()
        except queue.Empty:
            pass
        refusals, self._refusals = self._refusals, []
        return receipts, refusals

    def close(self) -> None:
        """Let go of the producer, and of whatever is still pending."""
        if self._producer is not None:
            abandon_producer(self._producer)
            self._producer = None

    def _open(self) -> None:
        target = self.target
        created = ensure_topics(target.kafka, target.topics, target.spec, PROBE_TIMEOUT_MS)
        found = topic_id(target.kafka, target.topic, PROBE_TIMEOUT_MS)
        if self.topic_id and found != self.topic_id:
            self.topic_was_lost = True
            self._say(
                f"{target.topic} was created anew: what it had acknowledged before is gone."
                " Publish again when this run has ended."
            )
        elif created:
            self._say(f"Created {', '.join(created)} with {target.spec.partitions} partitions")
        self.topic_id = found
        self._producer = make_producer(target.kafka, target.spec.max_record_bytes)
        self._number += 1
        self._broken = ""
        self._alive_s = time.monotonic()

    def _hand_over(self, token: int, letter: OutgoingScan) -> bool:
        """Give a letter to the producer; False where the producer is broken."""
        try:
            future = self._producer.send(
                self.target.topic,
                key=letter.envelope.station.encode(),
                value=letter.image,
                headers=encode_scan_headers(letter.envelope),
            )
        except MessageSizeTooLargeError as error:
            self._refuse(token, error)
            return True
        except (KafkaError, OSError) as error:
            self._tell_away(str(error))
            return False
        event = partial(self._note, token, self._number)
        future.add_callback(event)
        future.add_errback(event)
        return True

    def _note(self, token: int, number: int, outcome: Any) -> None:
        """Called by the producer's thread."""
        self._events.put((token, number, outcome))

    def _settle(self, event: tuple[int, int, Any], receipts: list[Receipt]) -> None:
        token, number, outcome = event
        if token not in self._pending:
            return  # acknowledged twice, since it was sent by two producers
        if isinstance(outcome, (MessageSizeTooLargeError, RecordListTooLargeError)):
            self._refuse(token, outcome)
        elif isinstance(outcome, BaseException):
            if number == self._number:  # else its producer is replaced already
                self._broken = str(outcome) or repr(outcome)
        else:
            self._tell_back()
            self._replace_after_s = REPLACE_AFTER_S
            receipts.append(self._receipt(self._take(token), outcome))

    def _take(self, token: int) -> OutgoingScan:
        letter = self._pending.pop(token)
        self._pending_bytes -= len(letter.image)
        return letter

    def _refuse(self, token: int, error: Exception) -> None:
        letter = self._take(token)
        message = f"{len(letter.image):,} bytes; the broker or topic allows fewer: {error}"
        self._refusals.append(RefusedFile(letter.stamp.path, Code.VALUE_TOO_LARGE, message))

    def _receipt(self, letter: OutgoingScan, metadata: Any) -> Receipt:
        return Receipt(
            path=letter.stamp.path,
            size_bytes=letter.stamp.size_bytes,
            mtime_ns=letter.stamp.mtime_ns,
            scan_id=letter.envelope.scan_id,
            station=letter.envelope.station,
            contest=letter.envelope.contest,
            topic=self.target.topic,
            topic_id=self.topic_id,
            partition=metadata.partition,
            offset=metadata.offset,
            acknowledged_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )

    def _examine(self) -> None:
        """Nothing came back for a while: is the broker away, or the producer stuck?"""
        target = self.target
        try:
            created = ensure_topics(target.kafka, target.topics, target.spec, PROBE_TIMEOUT_MS)
        except PeerError as error:
            self._tell_away(str(error))
            self._asked_s = self._alive_s = time.monotonic()
            return
        self._asked_s = time.monotonic()
        silent_s = time.monotonic() - self._alive_s
        if target.topic in created or silent_s > self._replace_after_s:
            self._replace_after_s *= 2  # it may only be slow
            self._replace()

    def _replace(self) -> None:
        """A new producer, and all that is pending sent again."""
        while not self._stop.is_set():
            self.close()
            if self.connect() and all(
                self._hand_over(*item) for item in list(self._pending.items())
            ):
                return
            self._stop.wait(FIRST_PAUSE_S)

    def _tell_away(self, why: str) -> None:
        if self._away_since_s is None:
            self._away_since_s = time.monotonic()
            self._vitals.waiting_for = "kafka"
            held = f", {self.pending} scans unacknowledged" if self.pending else ""
            self._say(f"Waiting for Kafka{held}: {why}")

    def _tell_back(self) -> None:
        now_s = self._alive_s = time.monotonic()
        if self._away_since_s is not None:
            away_s = now_s - self._away_since_s
            self.waited_s += away_s
            self._away_since_s = None
            self._vitals.waiting_for = ""
            self._say(f"Kafka answers again after {away_s:.0f} s")
