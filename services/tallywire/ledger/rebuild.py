"""The totals once more, from nothing but the events on the topics. Pure.

The topics keep the order of a partition, but not the order between two topics, and after a crash
they may say the same thing twice. Every event carries the place in the log that it speaks of, and
that is order enough: one place, one event; one partition, one sequence; and scans and corrections
of a station never look at each other (`tallywire.ledger.state`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tallywire.election.election import Election
from tallywire.ledger.record_key import RecordKey, empty_state, key_of
from tallywire.ledger.state import Event, StationState, apply, contribution, event_source
from tallywire.records import Reading, Source
from tallywire.wire import canonical

Totals = Mapping[str, Mapping[str, int]]
"""District -> counter -> value (`tallywire.ledger.counters`). A zero says the same as nothing."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What the events make: `contradictions` are places of which two events say different things.

    The last one told counts then. Only a Redis that forgot what it had acknowledged (no
    `appendfsync always`) makes such: the scan was applied, told, forgotten, and applied again.
    """

    totals: Totals
    stations: Mapping[RecordKey, StationState]
    events: int
    duplicates: int
    contradictions: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class TotalsDifference:
    """A counter on which two totals disagree, and the stations that contribute to it."""

    district: str
    counter: str
    rebuilt: int
    claimed: int
    stations: tuple[str, ...]


def rebuild(events: Iterable[Event], election: Election) -> Rebuilt:
    """Apply every event once, in the order of the log.

    Args:
        events: of one generation, in any order, as often as the topics have them. Refusals of
            corrections are no scans and do not belong here.
    """
    told: dict[Source, Event] = {}
    duplicates, contradictions = 0, set[Source]()
    for event in events:
        source, slim = event_source(event), _slim(event)
        duplicates += source in told
        if told.get(source, slim) != slim:
            contradictions.add(source)
        told[source] = slim
    states: dict[RecordKey, StationState] = {}
    for source in sorted(told):
        key = key_of(told[source], election)
        states[key] = apply(states.get(key) or empty_state(key, election), told[source]).state
    totals = sum_up(states.values())
    return Rebuilt(totals, states, len(told), duplicates, tuple(sorted(contradictions)))


def sum_up(states: Iterable[StationState]) -> dict[str, dict[str, int]]:
    """Totals by district: the sum of what each station contributes."""
    totals: dict[str, dict[str, int]] = {}
    for state in states:
        district = totals.setdefault(state.district, {})
        for counter, value in contribution(state).items():
            district[counter] = district.get(counter, 0) + value
    return nonzero(totals)


def nonzero(totals: Totals) -> dict[str, dict[str, int]]:
    """The same totals without zeros, and without districts that have nothing else."""
    kept = {
        district: {name: value for name, value in counters.items() if value}
        for district, counters in totals.items()
    }
    return {district: counters for district, counters in kept.items() if counters}


def first_difference(rebuilt: Rebuilt, totals: Totals) -> TotalsDifference | None:
    """The first counter, by district and name, that `totals` has otherwise; None if identical."""
    mine, claimed = nonzero(rebuilt.totals), nonzero(totals)
    for district in sorted(mine.keys() | claimed.keys()):
        ours, theirs = mine.get(district, {}), claimed.get(district, {})
        for counter in sorted(ours.keys() | theirs.keys()):
            if ours.get(counter, 0) != theirs.get(counter, 0):
                behind = _behind(rebuilt, district, counter)
                return TotalsDifference(
                    district, counter, ours.get(counter, 0), theirs.get(counter, 0), behind
                )
    return None


def fingerprint(totals: Totals) -> str:
    """SHA-256 (hex) of the totals' canonical JSON: equal for equal totals, whoever computed it."""
    return hashlib.sha256(canonical(nonzero(totals))).hexdigest()


def _behind(rebuilt: Rebuilt, district: str, counter: str) -> tuple[str, ...]:
    return tuple(
        sorted(
            state.station
            for state in rebuilt.stations.values()
            if state.district == district and contribution(state).get(counter)
        )
    )


def _slim(event: Event) -> Event:
    """Without the cells' probabilities, which no total depends on: they are most of the memory."""
    if not isinstance(event, Reading):
        return event
    return replace(event, counts=tuple(replace(count, cells=()) for count in event.counts))
