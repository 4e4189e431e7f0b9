"""One night on a running stack: publish a folder, wait until all is accounted for, collect."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from tallywire.edge.kafka import read_topic
from tallywire.election.election import Election
from tallywire.errors import PeerError
from tallywire.ledger.client import LedgerClient, open_ledger
from tallywire.ledger.snapshot import audit, list_stations, read_snapshot
from tallywire.publish import publisher
from tallywire.publish.naming import DEFAULT_PATTERN, parse_pattern
from tallywire.publish.options import make_order
from tallywire.publish.progress_display import PublishDisplay
from tallywire.publish.receipts import Receipt
from tallywire.records import Reading
from tallywire.settings import Settings
from tallywire.wire import decode
from tallywire.workshop.demo.accounting import Accounting, account

OUTCOMES = ("counted", "held", "duplicate", "rejected")
POLL_S = 0.25
PATIENCE_S = 120.0  # without any progress before the night is called stuck


@dataclass(frozen=True, slots=True)
class NightResult:
    """What one night came to; `latencies_s` run from acknowledged publish to counted."""

    accounting: Accounting
    readings: Mapping[str, Reading]  # by scan id
    latencies_s: Sequence[float]
    seconds: float  # from the first acknowledgement to the last reading


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


def close_night(
    settings: Settings, election: Election, published: int, receipts: Sequence[Receipt]
) -> NightResult:
    """Collect what the ledger and the topics say about a night that has been accounted for."""
    with open_ledger(settings.redis, election) as ledger:
        snapshot = read_snapshot(ledger, settings.generation)
        states = list_stations(ledger, settings.generation)
        discrepancies = len(audit(ledger, settings.generation))
    outcomes = {one: snapshot.scans(one) if snapshot else 0 for one in OUTCOMES}
    known = {scan_id for state in states for scan_id in state.seen} | _rejected(settings)
    accounting = account(
        published,
        [receipt.scan_id for receipt in receipts],
        outcomes,
        known,
        discrepancies,
    )
    readings, counted_at = _readings(settings)
    acknowledged = {receipt.scan_id: _time(receipt) for receipt in receipts}
    both = acknowledged.keys() & counted_at.keys()
    latencies = [(counted_at[one] - acknowledged[one]).total_seconds() for one in both]
    seconds = 0.0
    if both:
        first, last = min(acknowledged.values()), max(counted_at.values())
        seconds = (last - first).total_seconds()
    return NightResult(accounting, readings, latencies, seconds)


def _readings(settings: Settings) -> tuple[dict[str, Reading], dict[str, datetime]]:
    """Readings by scan id, and when the broker took the first reading of each."""
    readings: dict[str, Reading] = {}
    times: dict[str, datetime] = {}
    for record in read_topic(settings.kafka, settings.topics.readings):
        reading = decode(Reading, record.value)
        readings[reading.scan_id] = reading
        times.setdefault(reading.scan_id, record.timestamp)
    return readings, times


def _rejected(settings: Settings) -> set[str]:
    """Scan ids on the topic of refused scans; the ledger names only the last of each station."""
    return {
        value.decode(errors="replace")
        for record in read_topic(settings.kafka, settings.topics.rejected)
        for name, value in record.headers
        if name == "original-scan-id"
    }


def _time(receipt: Receipt) -> datetime:
    return datetime.fromisoformat(receipt.acknowledged_at)


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
