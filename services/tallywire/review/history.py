"""What happened to one station, from the topics alone.

Of every generation its own outcomes; scans and corrections belong to all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka.partitioner.default import murmur2

from tallywire.edge.kafka import read_topic
from tallywire.election.election import Election
from tallywire.evidence.broker import line_of
from tallywire.evidence.event_log import Evidence, generation_of, rejection_of
from tallywire.evidence.exported_records import ExportedRecord
from tallywire.ledger.correction_records import open_correction
from tallywire.ledger.record_key import RecordKey, empty_state, key_of
from tallywire.ledger.state import Event, StationState, apply, event_source
from tallywire.reasons import Reason
from tallywire.records import Correction, Reading, Rejection, Source
from tallywire.wire import decode

SCAN, READING, REJECTION = "scan", "reading", "rejection"
CORRECTION, REFUSED = "correction", "refused correction"


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """One thing that happened. `at` is ISO 8601 in UTC; `generation` is empty for what belongs to
    all; `facts` are what is known of it, for people and for JSON."""

    at: str
    kind: str
    place: Source  # of the scan or the correction that it is about
    generation: str = ""
    outcome: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def history(
    evidence: Evidence, election: Election, station: str, unread: Iterable[ExportedRecord] = ()
) -> list[HistoryStep]:
    """All steps of a station, in the order of time.

    Args:
        unread: scans of the station that may have no outcome yet.

    Raises:
        PeerError, WireError: the evidence cannot be read.
    """
    told = list(_told(evidence, station))
    decided = list(_corrections(evidence, election, station))
    steps = [*_scans(told, unread, evidence.names.scans), *decided_steps(decided)]
    for generation in sorted({name for name, _ in told}, key=lambda name: (len(name), name)):
        mine = {event_source(event): event for name, event in told if name == generation}
        outcomes = _outcomes(list(mine.values()), election)
        steps += [_step(event, generation, outcomes[at]) for at, event in sorted(mine.items())]
    ranks = {SCAN: 0, READING: 1, REJECTION: 1}
    return sorted(steps, key=lambda step: (step.at, ranks.get(step.kind, 2), step.place))


def unread_scans(evidence: Evidence, kafka: str, station: str) -> list[ExportedRecord]:
    """Scans of the station behind the last one that has an outcome, in the station's partition.

    Ask before `history` reads the outcomes, or a scan that is read just now is in neither. Images
    are read and let go; reading the whole topic for one station would take minutes.
    """
    bounds = evidence.scans()
    if not bounds:
        return []
    key = station.encode()
    partition = (murmur2(key) & 0x7FFFFFFF) % len(bounds)
    last = [event_source(event) for _, event in _told(evidence, None)]
    begin = max((at.offset + 1 for at in last if at.partition == partition), default=0)
    records = read_topic(kafka, evidence.names.scans, starts={partition: begin})
    return [line_of(record, keep=False) for record in records if record.key == key]


def _told(evidence: Evidence, station: str | None) -> Iterator[tuple[str, Reading | Rejection]]:
    """Readings and rejections of scans, of one station or of all, with their generation."""
    names = evidence.names
    for line in evidence.read(names.readings):
        if station in (None, line.station):
            yield generation_of(line), decode(Reading, line.value)
    for line in evidence.read(names.rejected):
        if station in (None, line.station):
            rejection = rejection_of(line)
            if rejection.source.topic == names.scans:
                yield generation_of(line), rejection


def _corrections(
    evidence: Evidence, election: Election, station: str
) -> Iterator[tuple[ExportedRecord, Source, Correction | Reason]]:
    topic = evidence.names.corrections
    for line in evidence.read(topic):
        source = Source(topic, line.partition, line.offset)
        found = open_correction(election, line.value, source)
        named = line.station if isinstance(found, Reason) else found.station
        if named == station:
            yield line, source, found


def decided_steps(
    decided: Iterable[tuple[ExportedRecord, Source, Correction | Reason]],
) -> Iterator[HistoryStep]:
    """Corrections as steps."""
    for line, source, found in decided:
        at = line.at.isoformat()
        if isinstance(found, Reason):
            yield HistoryStep(
                at, REFUSED, source, facts={"reason": found.code, "message": found.message}
            )
            continue
        facts = {
            "decided_by": found.decided_by,
            "why": found.why,
            "decided_at": found.decided_at.isoformat(),
            "before": found.before and dict(found.before),
            "after": found.votes and dict(found.votes),
        }
        outcome = "withdrawn" if found.votes is None else "corrected"
        yield HistoryStep(at, CORRECTION, source, outcome=outcome, facts=facts)


def _scans(
    told: Iterable[tuple[str, Reading | Rejection]], unread: Iterable[ExportedRecord], topic: str
) -> Iterator[HistoryStep]:
    """Each scan once, whoever tells of it; one that nobody has read says so."""
    seen = set[Source]()
    for _, event in told:
        source = event_source(event)
        if source in seen:
            continue
        seen.add(source)
        facts: dict[str, Any] = {"scan_id": event.scan_id}
        if isinstance(event, Reading):
            facts |= {"scanner": event.scanner, "captured_at": event.captured_at.isoformat()}
        yield HistoryStep(event.published_at.isoformat(), SCAN, source, facts=facts)
    for line in unread:
        source = Source(topic, line.partition, line.offset)
        if source not in seen:
            facts = {"scan_id": line.header("scan-id"), "scanner": line.header("scanner")}
            yield HistoryStep(
                line.at.isoformat(), SCAN, source, outcome="not read yet", facts=facts
            )


def _outcomes(events: list[Reading | Rejection], election: Election) -> dict[Source, str]:
    """What the ledger made of each scan, as the pure ledger says."""
    states: dict[RecordKey, StationState] = {}
    found = {}
    for event in sorted(events, key=event_source):
        key = key_of(event, election)
        applied = apply(states.get(key) or empty_state(key, election), event)
        states[key], found[event_source(event)] = applied.state, str(applied.outcome)
    return found


def _step(event: Event, generation: str, outcome: str) -> HistoryStep:
    at = event_source(event)
    if isinstance(event, Reading):
        lineage = event.lineage
        facts = {
            "scan_id": event.scan_id,
            "verdict": event.verdict,
            "quality": event.quality,
            "error_probability": event.error_probability,
            "counts": {one.option or one.field: one.value for one in event.counts},
            "reasons": [_reason(one) for one in event.reasons],
            "model": f"{lineage.model} {lineage.model_version}",
            "layout": f"{lineage.layout} {lineage.layout_version}",
            "code": lineage.code_version,
        }
        return HistoryStep(event.published_at.isoformat(), READING, at, generation, outcome, facts)
    if isinstance(event, Rejection):
        facts = {"scan_id": event.scan_id, **_reason(event.reason), "attempts": event.attempts}
        return HistoryStep(
            event.published_at.isoformat(), REJECTION, at, generation, outcome, facts
        )
    raise TypeError(event)


def _reason(reason: Reason) -> dict[str, Any]:
    return {"reason": reason.code, "message": reason.message, "evidence": dict(reason.evidence)}
