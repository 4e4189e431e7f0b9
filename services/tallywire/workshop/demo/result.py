"""What one night came to, as the ledger and the topics say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tallywire.edge.kafka import read_topic
from tallywire.election.election import Election
from tallywire.ledger.client import open_ledger
from tallywire.ledger.snapshot import audit, list_stations, read_snapshot
from tallywire.publish.receipts import Receipt
from tallywire.records import Reading
from tallywire.settings import Settings
from tallywire.wire import decode
from tallywire.workshop.demo.accounting import Accounting, account
from tallywire.workshop.demo.counting import OUTCOMES


@dataclass(frozen=True, slots=True)
class NightResult:
    """What one night came to; `latencies_s` run from acknowledged publish to counted."""

    accounting: Accounting
    readings: Mapping[str, Reading]  # by scan id
    latencies_s: Sequence[float]
    seconds: float  # from the first acknowledgement to the last reading


def collect_result(
    settings: Settings, election: Election, published: int, receipts: Sequence[Receipt]
) -> NightResult:
    """Collect what the ledger and the topics say about a night that is accounted for."""
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
