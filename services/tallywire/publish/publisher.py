"""One run of the publisher: files in, receipts out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tallywire.edge.liveness import Vitals
from tallywire.publish.files import FileStamp, find_scans
from tallywire.publish.hot_folder import SettlingTimes, watch
from tallywire.publish.outgoing_scans import (
    OutgoingScan,
    RefusedFile,
    SendingRules,
    SkipReason,
    write_letter,
)
from tallywire.publish.receipts import (
    Journal,
    Receipt,
    SentIndex,
    read_receipts,
    require_journal,
)
from tallywire.publish.result import PublishResult
from tallywire.publish.sending import Destination, Sender

POLL_S = 0.2
FAREWELL_S = 5.0  # how long an interrupted run still waits for acknowledgements


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishOptions:
    """What to publish, how, and where to."""

    paths: tuple[Path, ...]
    rules: SendingRules
    target: Destination
    journal: Path
    rate: float | None = None  # most scans a second
    watching: bool = False  # stay, and send what appears
    patience: SettlingTimes = field(default_factory=SettlingTimes)


@dataclass(frozen=True, slots=True)
class PublishListener:
    """Where a run tells what happens. Called from the run's own thread."""

    say: Callable[[str], object]
    show: Callable[[PublishResult], object] = lambda _: None
    acknowledged: Callable[[Receipt], object] = lambda _: None
    vitals: Vitals = field(default_factory=Vitals)  # for /healthz


def publish(
    order: PublishOptions, report: PublishListener, stop: threading.Event | None = None
) -> PublishResult:
    """Send every scan that has no receipt yet, and return when each is acknowledged.

    While the broker is away, it waits. `stop` ends any run early, from another thread or a signal
    handler: what is under way gets a few seconds more, and the result says `interrupted`.

    Raises:
        UsageError: a path is not there, or the journal is in use.
    """
    run = PublishRun(order, report, stop or threading.Event())
    started_s = time.monotonic()
    try:
        run.go()
    finally:
        run.close()
        run.result.seconds = time.monotonic() - started_s
        report.show(run.result)
    return run.result


def rehearse(order: PublishOptions, report: PublishListener) -> PublishResult:
    """What `publish` would send, without a broker and without writing anything."""
    require_journal(order.journal)
    result = PublishResult(dry_run=True)
    sent = SentIndex(read_receipts(order.journal))
    for path in find_scans(order.paths):
        result.found += 1
        outcome = write_letter(path, order.rules, sent)
        if isinstance(outcome, OutgoingScan):
            envelope = outcome.envelope
            result.published += 1
            result.published_bytes += outcome.stamp.size_bytes
            sent.add_scan(envelope.station, envelope.contest, envelope.scan_id)
        else:
            _count(result, outcome)
        report.show(result)
    return result


class PublishRun:
    """The parts of one run and what they came to. Not for use outside of `publish`."""

    def __init__(
        self, order: PublishOptions, report: PublishListener, stop: threading.Event
    ) -> None:
        self.order, self.report, self.result = order, report, PublishResult()
        self._stop = stop
        self._journal = Journal(order.journal)
        self._sender = Sender(order.target, report.say, stop, report.vitals)
        self._sent = SentIndex()
        self._pace = Pace(order.rate)

    def go(self) -> None:
        """Send everything and wait for the last acknowledgement, or for the stop."""
        self.report.vitals.waiting_for = "kafka"
        if self._sender.connect():
            self.report.vitals.waiting_for = ""
            self.report.vitals.beat()
            self._sent = SentIndex(read_receipts(self.order.journal), self._sender.topic_id)
            for path in self._paths():
                if path is not None:
                    self._take(path)
                self._settle()
                if self._stop.is_set():
                    break
        while self._sender.pending and not self._stop.is_set():
            self._settle(POLL_S)
        self.result.interrupted = self._stop.is_set()
        until_s = time.monotonic() + FAREWELL_S
        while self._sender.pending and time.monotonic() < until_s:
            self._count_settled(*self._sender.drain(POLL_S))

    def close(self) -> None:
        """Write the last receipts and let everything go."""
        self.result.unacknowledged = self._sender.pending
        self.result.waited_s = self._sender.waited_s
        self.result.topic_was_lost = self._sender.topic_was_lost
        self._journal.close()
        self._sender.close()

    def _paths(self) -> Iterable[Path | None]:
        order = self.order
        if order.watching:
            known = self._sent.has_file
            return watch(order.paths, known, order.patience, self._stop, self.report.say)
        return find_scans(order.paths)

    def _take(self, path: Path) -> None:
        self.result.found += 1
        outcome = write_letter(path, self.order.rules, self._sent)
        if not isinstance(outcome, OutgoingScan):
            _count(self.result, outcome)
            return
        while not self._stop.is_set() and (wait_s := self._wait_s(outcome)):
            self._settle(wait_s)
        if self._stop.is_set():
            return
        self._pace.step()
        # From now on a second file with the same image is a repetition.
        envelope = outcome.envelope
        self._sent.add_scan(envelope.station, envelope.contest, envelope.scan_id)
        self._sender.send(outcome)

    def _wait_s(self, letter: OutgoingScan) -> float:
        """How long to wait before looking again whether the letter may be sent; 0 for now."""
        return min(POLL_S, self._pace.left_s()) or (
            0.0 if self._sender.has_room(letter) else POLL_S
        )

    def _settle(self, wait_s: float = 0.0) -> None:
        receipts, refusals = self._sender.poll(wait_s)
        self._count_settled(receipts, refusals)
        self.report.vitals.beat()
        self.report.vitals.note(self._sender.pending, further=bool(receipts or refusals))
        self.report.show(self.result)

    def _count_settled(self, receipts: list[Receipt], refusals: list[RefusedFile]) -> None:
        self._journal.append(receipts)
        for receipt in receipts:
            self._sent.add_file(FileStamp(receipt.path, receipt.size_bytes, receipt.mtime_ns))
            self.result.acknowledge(receipt)
            self.report.acknowledged(receipt)
        for refusal in refusals:
            self.result.refuse(refusal)


class Pace:
    """Spaces things out in time, at most so many a second."""

    def __init__(self, rate: float | None) -> None:
        self._step_s = 1 / rate if rate else 0.0
        self._due_s = time.monotonic()

    def left_s(self) -> float:
        """How long until the next one is due."""
        return max(0.0, self._due_s - time.monotonic()) if self._step_s else 0.0

    def step(self) -> None:
        """One was sent; what was missed is made up for, but no more than a second's worth."""
        self._due_s = max(self._due_s, time.monotonic() - 1.0) + self._step_s


def _count(result: PublishResult, outcome: RefusedFile | SkipReason) -> None:
    if isinstance(outcome, RefusedFile):
        result.refuse(outcome)
    else:
        result.skipped[outcome] += 1
