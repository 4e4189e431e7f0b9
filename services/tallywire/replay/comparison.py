"""Reads two generations and compares them."""

from __future__ import annotations

from dataclasses import dataclass

from tallywire.election.loading import load_election
from tallywire.errors import UsageError
from tallywire.ledger.client import LedgerClient, open_ledger
from tallywire.ledger.compare import (
    DistrictChange,
    ReasonChange,
    StationChange,
    compare,
    compare_districts,
    group_by_reason,
)
from tallywire.ledger.snapshot import list_stations
from tallywire.settings import Settings


@dataclass(frozen=True, slots=True)
class GenerationDifference:
    """What changes for viewers who go from generation `before` to `after`.

    `districts` has those of which anything differs.
    """

    election: str
    before: str
    after: str
    stations: tuple[StationChange, ...]
    districts: tuple[DistrictChange, ...]
    reasons: tuple[ReasonChange, ...]


def difference(settings: Settings, first: str, second: str | None) -> GenerationDifference:
    """From generation `first` to `second`; with one name, from the live one to that.

    Raises:
        UsageError: there is no such generation.
        PeerError: Redis is away.
    """
    election = load_election(settings.election).election
    with open_ledger(settings.redis, election) as ledger:
        before, after = (first, second) if second else (ledger.live() or first, first)
        check_known(ledger, before, after)
        return compare_generations(ledger, before, after)


def compare_generations(ledger: LedgerClient, before: str, after: str) -> GenerationDifference:
    """The difference between two generations that are there.

    Raises:
        PeerError: Redis is away.
    """
    election = ledger.election
    old, new = (list_stations(ledger, name) for name in (before, after))
    stations = compare(old, new)
    districts = (one for one in compare_districts(election, old, new) if one.changed)
    return GenerationDifference(
        election.id, before, after, stations, tuple(districts), group_by_reason(stations)
    )


def check_known(ledger: LedgerClient, *names: str) -> None:
    """Raise UsageError where one of the generations was never opened."""
    election, known = ledger.election.id, [one.name for one in ledger.generations()]
    for name in names:
        if name not in known:
            there = ", ".join(known) or "none at all"
            raise UsageError(f"generation {name} of {election} does not exist; there are: {there}")
