"""Reads two generations and compares them."""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis

from tallywire.election.election import Election
from tallywire.election.loading import load_election
from tallywire.errors import UsageError
from tallywire.ledger.compare import (
    DistrictChange,
    ReasonChange,
    StationChange,
    compare,
    compare_districts,
    group_by_reason,
)
from tallywire.ledger.generations import list_generations, live_generation
from tallywire.ledger.snapshot import list_stations
from tallywire.replay.peers import redis_answers
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
    with redis_answers(settings) as redis:
        live = live_generation(redis, election.id)
        before, after = (first, second) if second else (live or first, first)
        check_known(redis, election.id, before, after)
        return compare_generations(redis, election, before, after)


def compare_generations(
    redis: Redis, election: Election, before: str, after: str
) -> GenerationDifference:
    """The difference between two generations that are there.

    Raises:
        RedisError: Redis is away.
    """
    old, new = (list_stations(redis, election, name) for name in (before, after))
    stations = compare(old, new)
    districts = (one for one in compare_districts(election, old, new) if one.changed)
    return GenerationDifference(
        election.id, before, after, stations, tuple(districts), group_by_reason(stations)
    )


def check_known(redis: Redis, election: str, *names: str) -> None:
    """Raise UsageError where one of the generations was never opened."""
    known = [one.name for one in list_generations(redis, election)]
    for name in names:
        if name not in known:
            there = ", ".join(known) or "none at all"
            raise UsageError(f"generation {name} of {election} does not exist; there are: {there}")
