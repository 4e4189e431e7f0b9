"""A made-up night in a real ledger: readings applied through the store that workers use."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from tallywire.election.election import Contest, Election
from tallywire.ledger.async_client import open_async_ledger
from tallywire.ledger.state import Event
from tallywire.reasons import Code, Reason
from tallywire.records import (
    Count,
    Lineage,
    Quality,
    Reading,
    Rejection,
    Source,
    Verdict,
)
from tallywire.workshop.synthetic.simulated_counts import simulate_counts

SURE = (1.0, *(0.0,) * 10)
HELD_EVERY, MODERATE_EVERY, REJECTED_EVERY = 23, 9, 97
DOUBT = Reason(
    Code.TOTAL_MISMATCH,
    "The rows add up to another number than the sheet's total.",
    {"sum_read": 301, "total_read": 307},
)


async def apply_all(url: str, election: Election, events: Iterator[Event]) -> None:
    """Open the ledger and apply the events."""
    ledger = open_async_ledger(url, election, "g1")
    try:
        await ledger.open()
        for event in events:
            await ledger.apply(event)
    finally:
        await ledger.close()


def night(
    election: Election, first: int, last: int, began: datetime, per_second: float = 20.0
) -> Iterator[Event]:
    """Events of the stations numbered `first` to `last` - 1, some held, some rejected."""
    contest = election.contests[0]
    counts = simulate_counts(election, contest, seed=5)
    stations = list(election.stations)
    # Not in the order of the list: sheets arrive as they are driven in.
    order = sorted(stations, key=lambda station: hashlib.sha256(station.encode()).digest())
    for number, station in list(enumerate(order))[first:last]:
        at = began + timedelta(seconds=(number - first) / per_second)
        if number % REJECTED_EVERY == REJECTED_EVERY - 1:
            yield rejection(election, station, number, at)
        else:
            yield reading(election, contest, station, number, at, counts[station])


def reading(
    election: Election,
    contest: Contest,
    station: str,
    number: int,
    at: datetime,
    votes: Mapping[str, int],
) -> Reading:
    """One station's reading; every few are held or of moderate quality."""
    held = number % HELD_EVERY == HELD_EVERY - 1
    return Reading(
        station=station,
        contest=contest.id,
        district=election.stations[station].district,
        scan_id=hashlib.sha256(station.encode()).hexdigest(),
        scanner="scanner 1",
        captured_at=at,
        published_at=at,
        counts=tuple(_count(option, value) for option, value in votes.items()),
        confidence=0.97,
        error_probability=0.3 if held else 0.001,
        quality=Quality.HIGH if number % MODERATE_EVERY else Quality.MODERATE,
        verdict=Verdict.HELD if held else Verdict.ACCEPTED,
        reasons=(DOUBT,) if held else (),
        lineage=Lineage(Source("tally.scans", 0, number), contest.layout, 1, "digits", 1, "0.1.0"),
    )


def rejection(election: Election, station: str, number: int, at: datetime) -> Rejection:
    """A scan that could not be opened."""
    return Rejection(
        source=Source("tally.scans", 0, number),
        station=station,
        contest=election.contests[0].id,
        district=election.stations[station].district,
        scan_id=hashlib.sha256(station.encode()).hexdigest(),
        published_at=at,
        reason=Reason(Code.TRUNCATED_IMAGE, "The image ends in the middle.", {"bytes": 4096}),
    )


def minutes_ago(minutes: float) -> datetime:
    """A moment before now."""
    return datetime.now(UTC) - timedelta(minutes=minutes)


def _count(option: str, value: int) -> Count:
    return Count(
        field=option,
        option=option,
        written=value,
        value=value,
        confidence=0.97,
        probability=0.999,
        runner_up=None,
        changed_by=None,
        cells=(SURE, SURE, SURE),
    )
