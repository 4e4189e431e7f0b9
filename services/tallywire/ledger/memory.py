"""The ledger in memory: recomputes a count without Redis, and is the store's yardstick. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tallywire.election.election import Election
from tallywire.ledger import counters
from tallywire.ledger.record_key import empty_state, place_of
from tallywire.ledger.state import ApplyResult, Event, Outcome, StationState, apply, event_source
from tallywire.records import Correction, Reading, Rejection, Source

Key = tuple[str, str, str]


class MemoryLedger:
    """Same calls and answers as `RedisLedger`."""

    def __init__(self, election: Election) -> None:
        self._election = election
        self._offsets: dict[tuple[str, int], int] = {}
        self.states: dict[Key, StationState] = {}
        self.totals: dict[str, dict[str, int]] = {}
        self.gaps: dict[tuple[str, int, int], int] = {}
        self.outbox: dict[Source, Reading | Rejection] = {}

    async def open(self, election: Election) -> None:
        """Nothing to prepare."""

    async def apply(self, event: Event) -> Outcome:
        """Apply one event; the same event again changes nothing."""
        return self.apply_now(event)

    def apply_now(self, event: Event) -> Outcome:
        """The same without an event loop."""
        place = place_of(event, self._election)
        key = (place.district, place.contest, place.station)
        applied = apply(self.states.get(key) or empty_state(place), event)
        self.states[key] = applied.state
        totals = self.totals.get(place.district, {})
        self.totals[place.district] = counters.add([totals, applied.delta])
        if applied.delta and not isinstance(event, Correction):
            self.outbox[event_source(event)] = event
        return applied.outcome

    async def take(self, event: Event) -> ApplyResult:
        """Apply one event; what has to be published for it."""
        return ApplyResult(self.apply_now(event), self.outbox.get(event_source(event)))

    async def forget(self, events: Sequence[Reading | Rejection]) -> None:
        """The broker has these events' messages."""
        for event in events:
            self.outbox.pop(event_source(event), None)

    async def next_offsets(self, topic: str) -> dict[int, int]:
        """By partition, the next offset to read."""
        return {part: at for (name, part), at in self._offsets.items() if name == topic}

    async def advance(self, topic: str, partition: int, next_offset: int, gaps: int = 0) -> None:
        """Everything before `next_offset` is applied; never moves back."""
        key = (topic, partition)
        self._offsets[key] = max(self._offsets.get(key, -1), next_offset)
        if gaps:
            self.gaps[topic, partition, next_offset] = gaps
