"""The read side of the ledger, for people: one round trip a snapshot, never a write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis

from tallywire.election.election import Election
from tallywire.ledger import counters, keys
from tallywire.ledger.counters import VoteState
from tallywire.ledger.generations import live_generation
from tallywire.ledger.serialization import from_body
from tallywire.ledger.state import StationState, contribution
from tallywire.records import Quality


@dataclass(frozen=True, slots=True)
class DistrictSnapshot:
    """One district at one revision; `totals` are the raw counters."""

    district: str
    revision: int
    expected: int
    registered: int
    totals: Mapping[str, int]

    def votes(self, contest: str, option: str, state: VoteState, quality: Quality) -> int:
        """Votes of an option by kind of record and quality."""
        return self.totals.get(counters.votes(contest, option, state, quality), 0)

    def stations(self, contest: str, kind: str) -> int:
        """Stations received, counted, held, rejected, corrected or in conflicts."""
        return self.totals.get(counters.stations(contest, kind), 0)

    def registered_in(self, contest: str, kind: str) -> int:
        """Registered voters of the stations of a kind."""
        return self.totals.get(counters.registered(contest, kind), 0)

    def scans(self, outcome: str) -> int:
        """Scans with this outcome."""
        return self.totals.get(counters.scans(outcome), 0)

    @property
    def timeline(self) -> Mapping[int, Mapping[str, int]]:
        """Start of ten seconds (epoch, s) -> outcome -> scans, in order of time."""
        return counters.timeline_of(self.totals)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A whole election in one generation. District `-` holds scans of unknown stations.

    `gaps` counts offsets that the broker no longer had when they were due.
    """

    election: str
    generation: str
    districts: Mapping[str, DistrictSnapshot]
    gaps: int = 0

    def scans(self, outcome: str) -> int:
        """Scans with this outcome in all districts."""
        return sum(district.scans(outcome) for district in self.districts.values())


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A counter that is not the sum of its stations' records."""

    district: str
    counter: str
    total: int
    recomputed: int


def read_snapshot(
    redis: Redis, election: Election, generation: str | None = None
) -> Snapshot | None:
    """The totals of every district.

    Args:
        redis: a connection that answers bytes.
        generation: the live one if None.

    Returns:
        None where no generation has been opened yet.

    Raises:
        redis.exceptions.RedisError: if Redis is away.
    """
    generation = generation or live_generation(redis, election.id)
    if generation is None:
        return None
    ids = [*(district.id for district in election.districts), keys.NOWHERE]
    with redis.pipeline(transaction=False) as pipe:
        for one in ids:
            where = keys.DistrictKeys(election.id, generation, one)
            pipe.get(where.revision)
            pipe.hgetall(where.frame)
            pipe.hgetall(where.totals)
        pipe.hvals(keys.gaps(election.id, generation))
        *answers, gaps = pipe.execute()
    rows = zip(ids, answers[0::3], answers[1::3], answers[2::3], strict=True)
    districts = {one: _district(one, *rest) for one, *rest in rows}
    return Snapshot(election.id, generation, districts, sum(map(int, gaps)))


def read_revision(
    redis: Redis, election: Election, generation: str | None = None
) -> tuple[Any, ...]:
    """A cheap value that changes whenever a snapshot would."""
    generation = generation or live_generation(redis, election.id)
    if generation is None:
        return ()
    with redis.pipeline(transaction=False) as pipe:
        for one in [*(district.id for district in election.districts), keys.NOWHERE]:
            pipe.get(keys.DistrictKeys(election.id, generation, one).revision)
        pipe.hlen(keys.gaps(election.id, generation))
        return (generation, *pipe.execute())


def read_station(
    redis: Redis, election: Election, generation: str, contest: str, station: str
) -> StationState | None:
    """One station's record; None where nothing was heard of it, or it is unknown."""
    known = election.stations.get(station)
    if known is None:
        return None
    where = keys.DistrictKeys(election.id, generation, known.district)
    found = _states(redis, [where.station(contest, station)])
    return found[0] if found else None


def list_held(redis: Redis, election: Election, generation: str) -> list[StationState]:
    """Every station that a person should decide, by district and station."""
    places = [
        keys.DistrictKeys(election.id, generation, district.id) for district in election.districts
    ]
    return _states(redis, _names(redis, [(where, where.review) for where in places]))


def list_stations(redis: Redis, election: Election, generation: str) -> list[StationState]:
    """Every record of the generation, those of unknown stations included."""
    ids = [*(district.id for district in election.districts), keys.NOWHERE]
    places = [keys.DistrictKeys(election.id, generation, one) for one in ids]
    return _states(redis, _names(redis, [(where, where.stations) for where in places]))


def audit(redis: Redis, election: Election, generation: str) -> list[Discrepancy]:
    """Recompute every total from the stations' records; empty where all agree."""
    sums: dict[str, dict[str, int]] = {}
    for state in list_stations(redis, election, generation):
        total = sums.get(state.district, {})
        sums[state.district] = counters.add([total, contribution(state)])
    snapshot = read_snapshot(redis, election, generation)
    found = snapshot.districts if snapshot else {}
    return [
        Discrepancy(one, name, found[one].totals.get(name, 0), sums.get(one, {}).get(name, 0))
        for one in found
        for name in sorted(found[one].totals.keys() | sums.get(one, {}).keys())
        if found[one].totals.get(name, 0) != sums.get(one, {}).get(name, 0)
    ]


def _district(one: str, revision: Any, frame: Any, totals: Any) -> DistrictSnapshot:
    return DistrictSnapshot(
        district=one,
        revision=int(revision or 0),
        expected=int(frame.get(b"stations", 0)),
        registered=int(frame.get(b"registered", 0)),
        totals={name.decode(): int(value) for name, value in totals.items()},
    )


def _names(redis: Redis, sets: list[tuple[keys.DistrictKeys, str]]) -> list[str]:
    """Keys of the records that are members of those sets, in one round trip."""
    with redis.pipeline(transaction=False) as pipe:
        for _, name in sets:
            pipe.smembers(name)
        answers: list[Any] = pipe.execute()
    found: list[str] = []
    for (where, _), members in zip(sets, answers, strict=True):
        split = sorted(member.decode().partition(":") for member in members)
        found += [where.station(contest, station) for contest, _, station in split]
    return found


def _states(redis: Redis, names: list[str]) -> list[StationState]:
    """The records of those names that exist, in their order, in one round trip."""
    with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hmget(name, ["version", "body"])
        answers: list[Any] = pipe.execute()
    return [from_body(int(version), body) for version, body in answers if body]
