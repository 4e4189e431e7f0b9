"""Recomputes a generation from evidence and sets it against claimed totals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tallywire.election.election import Election
from tallywire.evidence.claimed_totals import ClaimedTotals
from tallywire.evidence.event_log import Evidence, EvidenceNotes, events_of, match_scans
from tallywire.ledger import counters
from tallywire.ledger.counters import CounterKind, CounterName
from tallywire.ledger.rebuild import (
    Rebuilt,
    TotalsDifference,
    fingerprint,
    first_difference,
    rebuild,
)

MOST_NAMED = 10  # problems of one kind told one by one


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of it. `counters` were compared in `districts`; digests are SHA-256 in hex.

    `problems` are what makes the evidence itself incomplete; `waiting` scans have no outcome yet.
    """

    election: str
    rehearsal: bool
    generation: str
    told_by: str
    compared_with: str | None
    scans: int
    outcomes: Mapping[str, int]
    corrections: int
    stations: int
    districts: int
    counters: int
    repeated: int
    waiting: int
    digest: str
    claimed_digest: str | None
    difference: TotalsDifference | None
    problems: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """True where claimed and recomputed totals are the same, to the last counter."""
        return self.claimed_digest == self.digest

    @property
    def is_good(self) -> bool:
        """True where there is nothing to look into."""
        whole = not self.problems and not self.waiting
        return whole and (self.compared_with is None or self.identical)


def verify(
    evidence: Evidence, election: Election, generation: str, claim: ClaimedTotals | None
) -> Verification:
    """Rebuild the generation and compare it with the claim, if there is one.

    Raises:
        PeerError, InvalidFileError: the evidence cannot be read.
    """
    notes, starts = EvidenceNotes(), claim.starts if claim else {}
    rebuilt = rebuild(events_of(evidence, election, generation, notes, starts), election)
    coverage = match_scans(evidence, notes, starts)
    problems = [
        *_some(notes.problems, "messages that cannot be read"),
        *_some([f"{at}: a scan without an outcome" for at in coverage.lost], "scans lost"),
        *_some([f"{at}: an outcome without a scan" for at in coverage.strays], "strays"),
        *_some(
            [f"{at}: told in two ways" for at in rebuilt.contradictions], "scans told in two ways"
        ),
    ]
    found = rebuilt.totals
    return Verification(
        election=election.id,
        rehearsal=election.rehearsal,
        generation=generation,
        told_by=evidence.told_by,
        compared_with=claim.told_by if claim else None,
        scans=coverage.scans,
        outcomes=_outcomes(rebuilt),
        corrections=sum(one.get(counters.corrections(), 0) for one in found.values()),
        stations=len(rebuilt.stations),
        districts=len(found),
        counters=sum(map(len, found.values())),
        repeated=rebuilt.duplicates,
        waiting=coverage.waiting,
        digest=fingerprint(found),
        claimed_digest=fingerprint(claim.totals) if claim else None,
        difference=first_difference(rebuilt, claim.totals) if claim else None,
        problems=tuple(problems),
    )


def to_json(found: Verification) -> dict[str, Any]:
    """The numbers, and whether all is well."""
    return {**asdict(found), "identical": found.identical, "good": found.is_good}


def _outcomes(rebuilt: Rebuilt) -> dict[str, int]:
    sums: dict[str, int] = {}
    for totals in rebuilt.totals.values():
        for text, value in totals.items():
            name = CounterName.parse(text)
            if name.kind is CounterKind.SCANS:
                sums[name.state] = sums.get(name.state, 0) + value
    return dict(sorted(sums.items()))


def _some(problems: list[str], what: str) -> list[str]:
    """The first few, and how many there are in all."""
    if len(problems) <= MOST_NAMED:
        return problems
    return [*problems[:MOST_NAMED], f"... {len(problems)} {what} in all"]
