"""The ledger in memory: what the tests of the one in Redis are measured by."""

from __future__ import annotations

from collections.abc import Sequence

from tallywire.election.election import Election
from tallywire.ledger import counters
from tallywire.ledger.record_key import RecordKey, empty_state, key_of
from tallywire.ledger.state import ApplyResult, Event, Outcome, StationState, apply, event_source
from tallywire.records import Correction, Partition, Reading, Rejection, Source


class MemoryLedger:
    """Same calls and answers as `AsyncLedgerClient`."""

    def __init__(self, election: Election) -> None:
        self._election = election
        self._offsets: dict[Partition, int] = {}
        self.states: dict[RecordKey, StationState] = {}
        self.totals: dict[str, dict[str, int]] = {}
        self.gaps: dict[Source, int] = {}
        self.outbox: dict[Source, Reading | Rejection] = {}

    async def apply(self, event: Event) -> ApplyResult:
        """Apply one event; the same event again changes nothing."""
        return ApplyResult(self.apply_now(event), self.outbox.get(event_source(event)))

    def apply_now(self, event: Event) -> Outcome:
        """The same without an event loop; only the outcome."""
        key = key_of(event, self._election)
        applied = apply(self.states.get(key) or empty_state(key, self._election), event)
        self.states[key] = applied.state
        totals = self.totals.get(key.district, {})
        self.totals[key.district] = counters.add([totals, applied.delta])
        if applied.delta and not isinstance(event, Correction):
            self.outbox[event_source(event)] = event
        return applied.outcome

    async def mark_published(self, events: Sequence[Reading | Rejection]) -> None:
        """The broker has these events' messages."""
        for event in events:
            self.outbox.pop(event_source(event), None)

    async def next_offsets(self, topic: str) -> dict[int, int]:
        """By partition, the next offset to read."""
        return {log.number: at for log, at in self._offsets.items() if log.topic == topic}

    async def advance(self, topic: str, partition: int, next_offset: int, gaps: int = 0) -> None:
        """Everything before `next_offset` is applied; never moves back."""
        log = Partition(topic, partition)
        self._offsets[log] = max(self._offsets.get(log, -1), next_offset)
        if gaps:
            self.gaps[Source(topic, partition, next_offset)] = gaps
