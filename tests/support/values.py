"""Small believable values for tests: an election, readings, rejections and corrections."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tallywire.election.election import Contest, District, Election, Option, OptionKind, Station
from tallywire.reasons import Code, Reason
from tallywire.records import (
    Correction,
    Count,
    Lineage,
    Quality,
    Reading,
    Rejection,
    Source,
    Verdict,
)
from tallywire.worker.handler import IncomingRecord

SCANS, CORRECTIONS = "tally.scans", "tally.corrections"
NIGHT = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)


def make_election(election_id: str = "test", stations_each: int = 4) -> Election:
    """Two districts, one contest of three options."""
    options = tuple(
        Option(name, f"Party {name}", OptionKind.PARTY, colour)
        for name, colour in (("A", "#aa0000"), ("B", "#00aa00"), ("null", "#888888"))
    )
    stations = {
        f"{district}-{n}": Station(f"{district}-{n}", district, 700)
        for district in ("d1", "d2")
        for n in range(1, stations_each + 1)
    }
    return Election(
        id=election_id,
        name="Test election",
        date=date(2026, 11, 22),
        rehearsal=True,
        contests=(Contest("mayor", "Mayor", "grey-seven.toml", options, {}),),
        districts=(District("d1", "First"), District("d2", "Second")),
        stations=stations,
    )


def scan_id_of(name: str) -> str:
    """A SHA-256 that stands for an image of that name."""
    return hashlib.sha256(name.encode()).hexdigest()


def make_count(option: str | None, value: int | None) -> Count:
    """A count that was read for certain."""
    cell = (1.0, *(0.0,) * 10)
    return Count(
        field=option or "total",
        option=option,
        written=value,
        value=value,
        confidence=0.99,
        probability=0.999,
        runner_up=None,
        changed_by=None,
        cells=(cell, cell, cell),
    )


def make_reading(
    station: str = "d1-1",
    offset: int = 0,
    *,
    image: str | None = None,
    votes: Mapping[str, int | None] | None = None,
    verdict: Verdict = Verdict.ACCEPTED,
    quality: Quality = Quality.HIGH,
    partition: int = 0,
) -> Reading:
    """A reading of `image` (default: one image per offset) at that offset."""
    votes = {"A": 100, "B": 50, "null": 3} if votes is None else votes
    held = (Reason(Code.TOTAL_MISMATCH, "The rows do not add up.", {"sum": 1, "total": 2}),)
    return Reading(
        station=station,
        contest="mayor",
        district=station.partition("-")[0],
        scan_id=scan_id_of(image or f"image {offset}"),
        scanner="scanner 1",
        captured_at=NIGHT,
        published_at=NIGHT + timedelta(seconds=offset),
        counts=(
            *(make_count(option, value) for option, value in votes.items()),
            make_count(None, sum(value or 0 for value in votes.values())),
        ),
        confidence=0.99,
        error_probability=0.001,
        quality=quality,
        verdict=verdict,
        reasons=held if verdict is Verdict.HELD else (),
        lineage=Lineage(Source(SCANS, partition, offset), "grey-seven", 1, "digits", 2, "0.1.0"),
    )


def make_rejection(
    station: str | None = "d1-1",
    offset: int = 0,
    partition: int = 0,
    code: Code = Code.NOT_AN_IMAGE,
) -> Rejection:
    """A scan refused at that offset."""
    return Rejection(
        source=Source(SCANS, partition, offset),
        station=station,
        contest="mayor" if station else None,
        district=station.partition("-")[0] if station else None,
        scan_id=scan_id_of(f"image {offset}"),
        published_at=NIGHT + timedelta(seconds=offset),
        reason=Reason(code, "The bytes are not an image.", {"bytes": 12}),
    )


def make_correction(
    station: str = "d1-1", offset: int = 0, votes: Mapping[str, int] | None = None
) -> Correction:
    """A person's decision at that offset; None withdraws."""
    return Correction(
        station=station,
        contest="mayor",
        district=station.partition("-")[0],
        source=Source(CORRECTIONS, 0, offset),
        decided_at=NIGHT,
        decided_by="official 7",
        why="read from the paper",
        before=None,
        votes=votes,
    )


def make_record(**over: Any) -> IncomingRecord:
    """A scan as a worker gets it."""
    fields = {
        "source": Source(SCANS, 3, 41),
        "key": b"d1-1",
        "value": b"image",
        "headers": (("a", b"1"),),
        "published_at": NIGHT,
        **over,
    }
    return IncomingRecord(**fields)
