"""The state machine of one station: what it holds, and what one event makes of it. Pure.

    expected --rejection--> rejected --reading held--> held --reading accepted--> counted
    any --correction--> corrected --withdrawal--> what the scans alone make of it

The state is the fold of the station's scans beside its latest correction. The two never look at
each other, so the order in which the two topics arrive makes no difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from tallywire.ledger import counters
from tallywire.ledger.counters import Counters, VoteState
from tallywire.reasons import Code, Reason
from tallywire.records import (
    Correction,
    Partition,
    Quality,
    Reading,
    Rejection,
    Source,
    Verdict,
)

MOST_KEPT = 8  # entries kept in full of each list; the counters go on counting

Event = Reading | Correction | Rejection
TOTAL_ROLES = (None, "total")  # older readings do not say a row's role: theirs are totals


class Outcome(StrEnum):
    """What became of one event."""

    COUNTED = "counted"
    HELD = "held"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    CORRECTED = "corrected"
    REDELIVERED = "redelivered"


class Status(StrEnum):
    """Where a station stands."""

    EXPECTED = "expected"
    REJECTED = "rejected"
    HELD = "held"
    COUNTED = "counted"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger keeps of one scan; the whole reading is on `tally.readings`.

    `votes` has no entry for an option whose row was missing; `total` is the sheet's own total row.
    """

    scan_id: str | None
    source: Source
    published_at_ms: int
    reasons: tuple[Reason, ...] = ()
    votes: Mapping[str, int] = field(default_factory=dict)
    total: int | None = None
    quality: Quality = Quality.MODERATE
    model_version: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """The latest correction; `votes` is None where it withdrew an earlier one."""

    source: Source
    decided_at_ms: int
    decided_by: str
    why: str
    votes: Mapping[str, int] | None


@dataclass(frozen=True, slots=True)
class StationState:
    """One station in one contest.

    `applied` is the last offset applied and its outcome, by the partition's name (`Partition`);
    `seen` the outcome of every image read so far, by scan id; `events` the scan and timeline
    counters of its own events.
    """

    station: str
    contest: str
    district: str
    registered: int
    version: int = 0
    applied: Mapping[str, tuple[int, Outcome]] = field(default_factory=dict)
    seen: Mapping[str, Outcome] = field(default_factory=dict)
    events: Counters = field(default_factory=dict)
    counted: Entry | None = None
    held: tuple[Entry, ...] = ()
    superseded: tuple[Entry, ...] = ()
    rejected: tuple[Entry, ...] = ()
    decision: Decision | None = None

    @property
    def corrected(self) -> bool:
        """True while a person's decision stands."""
        return self.decision is not None and self.decision.votes is not None

    @property
    def standing(self) -> Entry | None:
        """The machine's record of the station: the counted entry, else the first one held."""
        return self.counted or next(iter(self.held), None)

    @property
    def standing_votes(self) -> Mapping[str, int] | None:
        """The votes that the station stands with: decided, counted or held; None without any."""
        if self.decision is not None and self.decision.votes is not None:
            return self.decision.votes
        return self.standing.votes if self.standing else None

    @property
    def counting_votes(self) -> Mapping[str, int]:
        """The votes that count towards the result: nothing of a held sheet."""
        counts = self.corrected or self.counted is not None
        return (self.standing_votes if counts else None) or {}

    @property
    def status(self) -> Status:
        """The strongest thing that is known of the station."""
        if self.corrected:
            return Status.CORRECTED
        if self.counted:
            return Status.COUNTED
        if self.held:
            return Status.HELD
        return Status.REJECTED if self.rejected else Status.EXPECTED

    @property
    def in_review(self) -> bool:
        """True where a person should decide: held, or counted beside a conflicting scan."""
        return bool(self.held) and not self.corrected

    def applied_until(self, log: Partition) -> int:
        """The last offset of a partition that was applied; -1 where none was."""
        return self.applied[str(log)][0] if str(log) in self.applied else -1


@dataclass(frozen=True, slots=True)
class Applied:
    """The answer to one event: the next state, the difference to the totals, and the outcome.

    For an event that was applied before, `delta` is empty, the state unchanged, and `outcome`
    REDELIVERED, or the outcome it had if it was the last one applied.
    """

    state: StationState
    delta: Counters
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """What a ledger says of one event: its outcome, and the event that has to be published.

    That is the event that was applied at its source first, whatever came there later; None where
    the broker has it already, or where it needs no message (corrections).
    """

    outcome: Outcome
    publish: Reading | Rejection | None


def apply(state: StationState, event: Event) -> Applied:
    """Apply one event; the same event again changes nothing.

    Args:
        state: of the event's station and contest.
        event: events of one topic come in the order of their offsets.
    """
    source = event_source(event)
    # By partition too: offsets of two partitions do not compare, and a publisher with another
    # partitioner puts the same station elsewhere; its scans must not pass for redeliveries.
    log, offset = str(source.log), source.offset
    last_offset, last_outcome = state.applied.get(log, (-1, Outcome.REDELIVERED))
    if offset <= last_offset:
        known = last_outcome if offset == last_offset else Outcome.REDELIVERED
        return Applied(state, {}, known)
    changed, outcome = _step(state, event)
    after = replace(
        changed,
        version=state.version + 1,
        applied={**state.applied, log: (offset, outcome)},
        events=counters.add([state.events, _event_counters(event, outcome)]),
    )
    delta = counters.add([contribution(after), counters.negate(contribution(state))])
    return Applied(after, delta, outcome)


def event_source(event: Event) -> Source:
    """Where the event stands in its topic."""
    return event.lineage.source if isinstance(event, Reading) else event.source


def contribution(state: StationState) -> dict[str, int]:
    """What this station adds to its district's totals: every total is a sum of these."""
    if state.status is Status.EXPECTED:
        return dict(state.events)
    contest, conflicts = state.contest, int(bool(state.counted and state.in_review))
    own = {
        counters.stations(contest, "received"): 1,
        counters.stations(contest, state.status): 1,
        counters.stations(contest, "conflicts"): conflicts,
        counters.registered(contest, state.status): state.registered,
        counters.registered(contest, "conflicts"): state.registered * conflicts,
    }
    return counters.add([state.events, own, _votes(state)])


def _votes(state: StationState) -> Counters:
    quality = state.standing.quality if state.standing else Quality.MODERATE
    kind = VoteState.ACCEPTED if state.counted else VoteState.HELD
    if state.corrected:
        kind = VoteState.CORRECTED
    votes = state.standing_votes or {}
    return {counters.votes(state.contest, name, kind, quality): n for name, n in votes.items()}


def _step(state: StationState, event: Event) -> tuple[StationState, Outcome]:
    if isinstance(event, Correction):
        return replace(state, decision=_decision(event)), Outcome.CORRECTED
    if isinstance(event, Rejection):
        entry = Entry(event.scan_id, event.source, _ms(event), (event.reason,))
        return replace(state, rejected=_keep(state.rejected, entry)), Outcome.REJECTED
    if event.scan_id in state.seen:
        return state, Outcome.DUPLICATE
    changed, outcome = _read(state, event)
    return replace(changed, seen={**state.seen, event.scan_id: outcome}), outcome


def _read(state: StationState, reading: Reading) -> tuple[StationState, Outcome]:
    entry = _entry(reading)
    if state.counted is not None:
        conflict = replace(entry, reasons=(*entry.reasons, _conflict(state.counted, entry)))
        return replace(state, held=_keep(state.held, conflict)), Outcome.HELD
    if reading.verdict is Verdict.HELD:
        return replace(state, held=_keep(state.held, entry)), Outcome.HELD
    # An accepted reading is better evidence than the held ones before it: they step back.
    return (
        replace(state, counted=entry, held=(), superseded=state.held),
        Outcome.COUNTED,
    )


def _entry(reading: Reading) -> Entry:
    votes = {
        count.option: count.value
        for count in reading.counts
        if count.option is not None and count.value is not None
    }
    totals = (one for one in reading.counts if one.option is None and one.role in TOTAL_ROLES)
    total = next((one.value for one in totals), None)
    return Entry(
        scan_id=reading.scan_id,
        source=reading.lineage.source,
        published_at_ms=_ms(reading),
        reasons=reading.reasons,
        votes=votes,
        total=total,
        quality=reading.quality,
        model_version=reading.lineage.model_version,
    )


def _conflict(counted: Entry, new: Entry) -> Reason:
    agrees = counted.votes == new.votes
    return Reason(
        Code.CONFLICTING_SCAN,
        "Another scan of this station is counted already; "
        + ("both say the same." if agrees else "they differ."),
        {"counted_scan": counted.scan_id, "agrees": agrees},
    )


def _decision(event: Correction) -> Decision:
    decided_at_ms = round(event.decided_at.timestamp() * 1000)
    return Decision(event.source, decided_at_ms, event.decided_by, event.why, event.votes)


def _event_counters(event: Event, outcome: Outcome) -> Counters:
    if isinstance(event, Correction):
        return {counters.corrections(): 1}
    at_s = event.published_at.timestamp()
    return {counters.scans(outcome): 1, counters.timeline(at_s, outcome): 1}


def _ms(event: Reading | Rejection) -> int:
    return round(event.published_at.timestamp() * 1000)


def _keep(entries: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    # The first stays the station's record; the newest are what a reviewer wants to see.
    return (*entries, entry) if len(entries) < MOST_KEPT else (entries[0], *entries[2:], entry)
