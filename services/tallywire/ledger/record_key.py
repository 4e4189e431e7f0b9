"""Which record an event belongs to. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tallywire.election.election import Election
from tallywire.ledger import keys
from tallywire.ledger.state import Event, StationState, event_source


@dataclass(frozen=True, slots=True)
class RecordKey:
    """The record that an event belongs to."""

    district: str
    contest: str
    station: str
    registered: int


def place_of(event: Event, election: Election) -> RecordKey:
    """Where an event's record stands.

    Scans of unknown stations share a record per partition in the district `-`: one partition is
    one order, so that the same idempotence holds for them.
    """
    station = election.stations.get(event.station or "")
    contest = election.contest(event.contest)
    if station is None or contest is None:
        return RecordKey(keys.NOWHERE, "-", f"partition-{event_source(event).partition}", 0)
    return RecordKey(station.district, contest.id, station.id, station.registered)


def empty_state(place: RecordKey) -> StationState:
    """The state of a station of which nothing was heard."""
    return StationState(place.station, place.contest, place.district, place.registered)
