"""Which record an event belongs to. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tallywire.election.election import Election
from tallywire.ledger.keys import NOWHERE
from tallywire.ledger.state import Event, StationState, event_source


@dataclass(frozen=True, slots=True, order=True)
class RecordKey:
    """One station in one contest. `str` is for people and for comparing generations."""

    district: str
    contest: str
    station: str

    def __str__(self) -> str:
        return f"{self.district}:{self.member}"

    @property
    def member(self) -> str:
        """What the sets of a district call the record."""
        return f"{self.contest}:{self.station}"

    @classmethod
    def parse(cls, district: str, member: str) -> RecordKey:
        """The key of a district's member."""
        contest, _, station = member.partition(":")
        return cls(district, contest, station)


def districts_of(election: Election) -> tuple[str, ...]:
    """Every district that has records, that of unknown stations last."""
    return (*(district.id for district in election.districts), NOWHERE)


def key_of(event: Event, election: Election) -> RecordKey:
    """The record that an event belongs to.

    Scans of unknown stations share a record per partition in the district `-`: one partition is
    one order, so that the same idempotence holds for them.
    """
    station = election.stations.get(event.station or "")
    contest = election.contest(event.contest)
    if station is None or contest is None:
        return RecordKey(NOWHERE, NOWHERE, f"partition-{event_source(event).partition}")
    return RecordKey(station.district, contest.id, station.id)


def state_key(state: StationState) -> RecordKey:
    """The key of a record that is there."""
    return RecordKey(state.district, state.contest, state.station)


def empty_state(key: RecordKey, election: Election) -> StationState:
    """The state of a station of which nothing was heard."""
    known = None if key.district == NOWHERE else election.stations.get(key.station)
    registered = known.registered if known else 0
    return StationState(key.station, key.contest, key.district, registered)
