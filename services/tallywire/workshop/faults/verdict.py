"""Lost, double, identical: what a night's topics and ledger say about each other. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tallywire.election.election import Election
from tallywire.ledger.counters import CounterKind, CounterName
from tallywire.ledger.rebuild import Rebuilt, first_difference, rebuild
from tallywire.ledger.record_key import state_key
from tallywire.ledger.serialization import to_body
from tallywire.ledger.state import Event, Outcome, StationState, event_source
from tallywire.records import Rejection, Source


@dataclass(frozen=True, slots=True)
class PublishedScan:
    """One record of the scans topic: its key, its scan id as it says itself."""

    key: bytes | None
    scan_id: bytes | None


@dataclass(frozen=True, slots=True)
class NightEvidence:
    """Everything that a night left behind.

    `acknowledged` is what the broker confirmed, `scans` what stands in the topic, `malformed` the
    places of scans that were broken on purpose. The rest is the ledger's own.
    """

    acknowledged: Mapping[Source, bytes | None]  # to scan ids
    scans: Mapping[Source, PublishedScan]
    malformed: frozenset[Source]
    events: Sequence[Event]
    totals: Mapping[str, Mapping[str, int]]
    stations: Sequence[StationState]
    discrepancies: int
    next_offsets: Mapping[int, int]
    gaps: int


@dataclass(frozen=True, slots=True)
class FaultVerdict:
    """`problems` say in words what is wrong beyond the numbers."""

    scans: int
    lost: int
    double: int
    identical: bool
    problems: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """True where the delivery guarantee held."""
        return not self.lost and not self.double and self.identical and not self.problems


def judge(evidence: NightEvidence, election: Election) -> FaultVerdict:
    """Compare the scans topic, the events on the result topics, and the ledger."""
    reference = rebuild(evidence.events, election)
    different = list(_differences(evidence, reference))
    return FaultVerdict(
        scans=len(evidence.scans),
        lost=count_lost(evidence),
        double=count_double(evidence),
        identical=not different,
        problems=(*different, *_problems(evidence)),
    )


def count_lost(evidence: NightEvidence) -> int:
    """Scans that were acknowledged and are gone, or have no outcome."""
    gone = sum(
        source not in evidence.scans or evidence.scans[source].scan_id != scan_id
        for source, scan_id in evidence.acknowledged.items()
    )
    unheard = len(evidence.scans.keys() - {event_source(event) for event in evidence.events})
    uncounted = len(evidence.scans) - sum(outcomes(evidence).values())
    return gone + max(unheard, uncounted, 0)


def count_double(evidence: NightEvidence) -> int:
    """Outcomes beyond the scans; the same image counted again; totals that no record backs."""
    found = outcomes(evidence)
    surplus = max(0, sum(found.values()) - len(evidence.scans))
    again = max(0, expected_duplicates(evidence) - found[Outcome.DUPLICATE])
    return max(surplus, again) + evidence.discrepancies


def outcomes(evidence: NightEvidence) -> Counter[str]:
    """Scans by outcome, as the ledger has counted them."""
    found: Counter[str] = Counter()
    for totals in evidence.totals.values():
        for text, value in totals.items():
            name = CounterName.parse(text)
            if name.kind is CounterKind.SCANS:
                found[name.state] += value
    return found


def expected_duplicates(evidence: NightEvidence) -> int:
    """By the scans topic alone: images that a station sent again after one that was readable."""
    refused = {event_source(one) for one in evidence.events if isinstance(one, Rejection)}
    read = [scan for source, scan in evidence.scans.items() if source not in refused]
    return len(read) - len(set(read))


def _differences(evidence: NightEvidence, reference: Rebuilt) -> list[str]:
    """Where the ledger is not what the topics alone make of it."""
    found = []
    difference = first_difference(reference, evidence.totals)
    if difference:
        found.append(
            f"{difference.counter} of district {difference.district} is {difference.claimed},"
            f" the topics make it {difference.rebuilt}"
        )
    mine = {key: _body(state) for key, state in reference.stations.items()}
    theirs = {state_key(one): _body(one) for one in evidence.stations}
    other = sorted(key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key))
    if other:
        found.append(
            f"{len(other)} records differ from the topics, first that of {other[0].station}"
        )
    if reference.contradictions:
        places = reference.contradictions
        found.append(f"the topics say two things of {len(places)} scans, first {places[0]}")
    return found


def _problems(evidence: NightEvidence) -> list[str]:
    """What must not be, though no count is wrong by it."""
    found = []
    ends = Counter(source.partition for source in evidence.scans)
    stands = {number: evidence.next_offsets.get(number, 0) for number in ends}
    if stands != ends:
        found.append(f"the ledger stands at {stands}, the topic ends at {dict(ends)}")
    if evidence.gaps:
        found.append(f"{evidence.gaps} offsets were taken for missing")
    strange = {event_source(event) for event in evidence.events} - evidence.scans.keys()
    if strange:
        found.append(f"results of {len(strange)} scans that are not in the topic")
    refused = {event_source(one) for one in evidence.events if isinstance(one, Rejection)}
    accepted = evidence.malformed - refused
    if accepted:
        found.append(f"{len(accepted)} scans were read that nobody can read")
    return found


def _body(state: StationState) -> bytes:
    return to_body(replace(state, version=0))
