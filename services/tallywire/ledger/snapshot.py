"""The read side of the ledger, for people: one round trip a snapshot, never a write.

Every function raises PeerError where Redis is away, or a record in it cannot be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tallywire.ledger import counters, keys
from tallywire.ledger.client import LedgerClient
from tallywire.ledger.counters import VoteState
from tallywire.ledger.record_key import RecordKey
from tallywire.ledger.serialization import from_record
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


def read_snapshot(ledger: LedgerClient, generation: str | None = None) -> Snapshot | None:
    """The totals of every district.

    Args:
        generation: the live one if None.

    Returns:
        None where no generation has been opened yet.
    """
    election = ledger.election.id
    generation = generation or ledger.live()
    if generation is None:
        return None
    with ledger.together() as pipe:
        for one in ledger.districts:
            where = ledger.at(generation, one)
            pipe.get(where.revision)
            pipe.hgetall(where.frame)
            pipe.hgetall(where.totals)
        pipe.hvals(keys.gaps(election, generation))
        *answers, gaps = pipe.execute()
    rows = zip(ledger.districts, answers[0::3], answers[1::3], answers[2::3], strict=True)
    districts = {one: _district(one, *rest) for one, *rest in rows}
    return Snapshot(election, generation, districts, sum(map(int, gaps)))


def read_revision(ledger: LedgerClient, generation: str | None = None) -> tuple[Any, ...]:
    """A cheap value that changes whenever a snapshot would."""
    generation = generation or ledger.live()
    if generation is None:
        return ()
    with ledger.together() as pipe:
        for one in ledger.districts:
            pipe.get(ledger.at(generation, one).revision)
        pipe.hlen(keys.gaps(ledger.election.id, generation))
        return (generation, *pipe.execute())


def read_station(
    ledger: LedgerClient, generation: str, contest: str, station: str
) -> StationState | None:
    """One station's record; None where nothing was heard of it, or it is unknown."""
    known = ledger.election.stations.get(station)
    if known is None:
        return None
    found = _states(ledger, [ledger.at(generation, known.district).station(contest, station)])
    return found[0] if found else None


def list_held(ledger: LedgerClient, generation: str) -> list[StationState]:
    """Every station that a person should decide, by district and station."""
    places = [ledger.at(generation, district.id) for district in ledger.election.districts]
    return _states(ledger, _names(ledger, [(where, where.review) for where in places]))


def list_stations(ledger: LedgerClient, generation: str) -> list[StationState]:
    """Every record of the generation, those of unknown stations included."""
    places = [ledger.at(generation, one) for one in ledger.districts]
    return _states(ledger, _names(ledger, [(where, where.stations) for where in places]))


def audit(ledger: LedgerClient, generation: str) -> list[Discrepancy]:
    """Recompute every total from the stations' records; empty where all agree."""
    sums: dict[str, dict[str, int]] = {}
    for state in list_stations(ledger, generation):
        total = sums.get(state.district, {})
        sums[state.district] = counters.add([total, contribution(state)])
    snapshot = read_snapshot(ledger, generation)
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


def _names(ledger: LedgerClient, sets: list[tuple[keys.DistrictKeys, str]]) -> list[str]:
    """Keys of the records that are members of those sets, in one round trip."""
    with ledger.together() as pipe:
        for _, name in sets:
            pipe.smembers(name)
        answers: list[Any] = pipe.execute()
    found: list[str] = []
    for (where, _), members in zip(sets, answers, strict=True):
        records = sorted(RecordKey.parse(where.district, one.decode()) for one in members)
        found += [where.station(one.contest, one.station) for one in records]
    return found


def _states(ledger: LedgerClient, names: list[str]) -> list[StationState]:
    """The records of those names that exist, in their order, in one round trip."""
    with ledger.together() as pipe:
        for name in names:
            pipe.hmget(name, ["version", "body"])
        answers: list[Any] = pipe.execute()
    rows = zip(names, answers, strict=True)
    return [from_record(name, version, body) for name, (version, body) in rows if body]
