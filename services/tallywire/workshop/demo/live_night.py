"""A night whose sheets come in while it goes on: drawn, published and counted side by side."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TaskID

from tallywire.edge.progress_bars import ProgressBar
from tallywire.election.election import Election
from tallywire.errors import PeerError
from tallywire.ledger.client import LedgerClient, open_ledger
from tallywire.publish import publisher
from tallywire.publish.naming import DEFAULT_PATTERN, parse_pattern
from tallywire.publish.options import make_order
from tallywire.publish.receipts import Receipt
from tallywire.publish.result import PublishResult
from tallywire.settings import Settings
from tallywire.workshop.demo.counting import PATIENCE_S, POLL_S, count_accounted
from tallywire.workshop.demo.drawing import SheetDrawing

SETTLE_S = 0.2  # sheets appear whole: there is nothing to wait for


@dataclass(slots=True)
class Publishing:
    """A publisher in a thread of its own, which ends once `expected` files had an answer."""

    expected: int
    receipts: list[Receipt] = field(default_factory=list)
    result: PublishResult = field(default_factory=PublishResult)
    stop: threading.Event = field(default_factory=threading.Event)

    def acknowledged(self, receipt: Receipt) -> None:
        """The broker has one more."""
        self.receipts.append(receipt)

    def show(self, result: PublishResult) -> None:
        """How far it is; the last answer ends it."""
        self.result = result
        if len(self.receipts) + sum(result.refused.values()) >= self.expected:
            self.stop.set()


def publish_as_drawn(
    settings: Settings,
    election: Election,
    drawing: SheetDrawing,
    scans: Path,
    journal: Path,
    rate: float | None,
    console: Console,
) -> list[Receipt]:
    """Publish every sheet as it is drawn, and return once each has its outcome.

    Raises:
        PeerError: something was refused, or nothing moved for two minutes.
    """
    publishing = Publishing(len(election.stations) * len(election.contests))
    order = make_order(
        settings, paths=[scans], naming=parse_pattern(DEFAULT_PATTERN), scanner="demo",
        journal=journal, rate=rate, watching=True, settle_s=SETTLE_S,
    )  # fmt: skip
    with (
        ThreadPoolExecutor(1, thread_name_prefix="publisher") as pool,
        open_ledger(settings.redis, election) as ledger,
        ProgressBar(console, "") as bars,
    ):
        listener = publisher.PublishListener(bars.say, publishing.show, publishing.acknowledged)
        future = pool.submit(publisher.publish, order, listener, publishing.stop)
        try:
            _follow(settings, ledger, drawing, publishing, future, bars)
        finally:
            publishing.stop.set()
    if publishing.result.refused:
        raise PeerError(f"not everything was published: {dict(publishing.result.refused)}")
    return publishing.receipts


def _follow(
    settings: Settings,
    ledger: LedgerClient,
    drawing: SheetDrawing,
    publishing: Publishing,
    future: Future[PublishResult],
    bars: Progress,
) -> None:
    """Show how far all three are, until the last scan has an outcome."""
    tasks = [bars.add_task(name, total=publishing.expected) for name in _BARS]
    moved_s, before = time.monotonic(), (0, 0, 0)
    while before[-1] < publishing.expected:
        drawing.require_sound()
        if future.done():
            future.result()  # what ended the publisher, if something did
        counted = count_accounted(ledger, settings.generation)
        now = (drawing.drawn, len(publishing.receipts), counted)
        if now != before:
            moved_s, before = time.monotonic(), now
        elif time.monotonic() - moved_s > PATIENCE_S:
            raise PeerError(
                f"{counted} of {publishing.expected} scans accounted for, and nothing moved for"
                f" {PATIENCE_S:.0f} s: look into the workers' logs"
            )
        if future.done() and publishing.result.refused:
            return  # what was refused will never be counted
        _update(bars, tasks, now)
        time.sleep(POLL_S)


def _update(bars: Progress, tasks: list[TaskID], done: tuple[int, ...]) -> None:
    for task, number in zip(tasks, done, strict=True):
        bars.update(task, completed=number)


_BARS = ("Drawn", "Published", "Counted")
