"""Publish a folder on a running stack, and wait until every scan is accounted for."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from tallywire.election.election import Election
from tallywire.errors import PeerError
from tallywire.ledger.client import LedgerClient, open_ledger
from tallywire.ledger.snapshot import read_snapshot
from tallywire.publish import publisher
from tallywire.publish.naming import DEFAULT_PATTERN, parse_pattern
from tallywire.publish.options import make_order
from tallywire.publish.progress_display import PublishDisplay
from tallywire.publish.receipts import Receipt
from tallywire.settings import Settings

OUTCOMES = ("counted", "held", "duplicate", "rejected")
POLL_S = 0.25
PATIENCE_S = 120.0  # without any progress before the night is called stuck


def publish_folder(
    settings: Settings, folder: Path, journal: Path, rate: float | None, console: Console
) -> list[Receipt]:
    """Publish every scan in `folder` and return the broker's receipts.

    Raises:
        PeerError: something was refused or not acknowledged.
    """
    naming = parse_pattern(DEFAULT_PATTERN)
    order = make_order(
        settings, paths=[folder], naming=naming, scanner="demo", journal=journal, rate=rate
    )
    receipts: list[Receipt] = []
    with PublishDisplay(console, sum(1 for _ in folder.glob("*.jpg"))) as display:
        report = publisher.PublishListener(display.say, display.show, receipts.append)
        result = publisher.publish(order, report)
        display.show(result, at_once=True)
    if result.interrupted:
        raise KeyboardInterrupt
    if not result.is_complete:
        raise PeerError(f"not everything was published: {dict(result.refused)}")
    return receipts


def wait_until_accounted(
    settings: Settings, election: Election, expected: int, console: Console
) -> None:
    """Follow the ledger until it has an outcome for `expected` scans.

    Raises:
        PeerError: nothing moved for two minutes.
    """
    moved_s, last = time.monotonic(), 0
    with open_ledger(settings.redis, election) as ledger, _bar(console) as bar:
        task = bar.add_task("Counting", total=expected)
        while last < expected:
            now = count_accounted(ledger, settings.generation)
            if now != last:
                moved_s, last = time.monotonic(), now
            elif time.monotonic() - moved_s > PATIENCE_S:
                raise PeerError(
                    f"{last} of {expected} scans accounted for, and no more for"
                    f" {PATIENCE_S:.0f} s: look into the workers' logs"
                )
            bar.update(task, completed=last)
            time.sleep(POLL_S)


def count_accounted(ledger: LedgerClient, generation: str) -> int:
    """Scans that the ledger has an outcome for; 0 while Redis is away."""
    try:
        snapshot = read_snapshot(ledger, generation)
    except PeerError:
        return 0
    return sum(map(snapshot.scans, OUTCOMES)) if snapshot else 0


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
