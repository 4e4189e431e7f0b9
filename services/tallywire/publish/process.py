"""One run of the publisher: files in, receipts out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tallywire.publish.files import Stamp, find_scans
from tallywire.publish.journal import Journal, Receipt, Sent, read_receipts
from tallywire.publish.letters import Letter, Refusal, Rules, Skip, write_letter
from tallywire.publish.result import Result
from tallywire.publish.sending import Sender, Target
from tallywire.publish.watching import Patience, watch

POLL_S = 0.2
FAREWELL_S = 5.0  # how long an interrupted run still waits for acknowledgements


@dataclass(frozen=True, slots=True)
class Order:
    """What to publish, how, and where to."""

    paths: tuple[Path, ...]
    rules: Rules
    target: Target
    journal: Path
    rate: float | None = None  # most scans a second
    watching: bool = False  # stay, and send what appears
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True)
class Report:
    """Where a run tells what happens. Called from the run's own thread."""

    say: Callable[[str], object]
    show: Callable[[Result], object] = lambda _: None
    acknowledged: Callable[[Receipt], object] = lambda _: None


def publish(order: Order, report: Report, stop: threading.Event | None = None) -> Result:
    """Send every scan that has no receipt yet, and return when each is acknowledged.

    While the broker is away, it waits. `stop` ends a watching run, after what is under way.
    KeyboardInterrupt ends any run early and is not raised again: the result says `interrupted`.

    Raises:
        UsageError: a path is not there, or the journal is in use.
    """
    run = Run(order, report, stop or threading.Event())
    started_s = time.monotonic()
    try:
        run.go()
    except KeyboardInterrupt:
        run.result.interrupted = True
        run.say_farewell()
    finally:
        run.close()
        run.result.seconds = time.monotonic() - started_s
        report.show(run.result)
    return run.result


def rehearse(order: Order, report: Report) -> Result:
    """What `publish` would send, without a broker and without writing anything."""
    result = Result(dry_run=True)
    sent = Sent(read_receipts(order.journal))
    for path in find_scans(order.paths):
        result.found += 1
        outcome = write_letter(path, order.rules, sent)
        if isinstance(outcome, Letter):
            envelope = outcome.envelope
            result.published += 1
            result.published_bytes += outcome.stamp.size_bytes
            sent.add_scan(envelope.station, envelope.contest, envelope.scan_id)
        else:
            _count(result, outcome)
        report.show(result)
    return result


class Run:
    """The parts of one run and what they came to. Not for use outside of `publish`."""

    def __init__(self, order: Order, report: Report, stop: threading.Event) -> None:
        self.order, self.report, self.result = order, report, Result()
        self._stop = stop
        self._journal = Journal(order.journal)
        self._sender = Sender(order.target, report.say)
        self._sent = Sent()
        self._pace = Pace(order.rate)

    def go(self) -> None:
        """Send everything and wait for the last acknowledgement."""
        self._sender.connect()
        self._sent = Sent(read_receipts(self.order.journal), self._sender.topic_id)
        for path in self._paths():
            if path is not None:
                self._take(path)
            self._settle()
        while self._sender.pending:
            self._settle(POLL_S)

    def say_farewell(self) -> None:
        """After an interruption: a last chance for what is under way, but only a short one."""
        until_s = time.monotonic() + FAREWELL_S
        try:
            while self._sender.pending and time.monotonic() < until_s:
                self._count_settled(*self._sender.drain(POLL_S))
        except KeyboardInterrupt:
            pass

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
            return watch(order.paths, self._sent.has_file, order.patience, self._stop)
        return find_scans(order.paths)

    def _take(self, path: Path) -> None:
        self.result.found += 1
        outcome = write_letter(path, self.order.rules, self._sent)
        if not isinstance(outcome, Letter):
            _count(self.result, outcome)
            return
        for wait_s in self._pace.wait():
            self._settle(wait_s)
        while not self._sender.has_room(outcome):
            self._settle(POLL_S)
        # From now on a second file with the same image is a repetition.
        envelope = outcome.envelope
        self._sent.add_scan(envelope.station, envelope.contest, envelope.scan_id)
        self._sender.send(outcome)

    def _settle(self, wait_s: float = 0.0) -> None:
        self._count_settled(*self._sender.poll(wait_s))
        self.report.show(self.result)

    def _count_settled(self, receipts: list[Receipt], refusals: list[Refusal]) -> None:
        self._journal.append(receipts)
        for receipt in receipts:
            self._sent.add_file(Stamp(receipt.path, receipt.size_bytes, receipt.mtime_ns))
            self.result.acknowledge(receipt)
            self.report.acknowledged(receipt)
        for refusal in refusals:
            self.result.refuse(refusal)


class Pace:
    """Spaces things out in time, at most so many a second."""

    def __init__(self, rate: float | None) -> None:
        self._step_s = 1 / rate if rate else 0.0
        self._due_s = time.monotonic()

    def wait(self) -> Iterator[float]:
        """Yield how many seconds to wait, until it is time for the next one."""
        while (left_s := self._due_s - time.monotonic()) > 0:
            yield min(left_s, POLL_S)
        self._due_s = max(self._due_s, time.monotonic() - 1.0) + self._step_s


def _count(result: Result, outcome: Refusal | Skip) -> None:
    if isinstance(outcome, Refusal):
        result.refuse(outcome)
    else:
        result.skipped[outcome] += 1
