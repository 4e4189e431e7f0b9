"""In which order held sheets are looked at: by what a decision may change. Pure.

impact = P(wrong) x votes at stake / (margin of the district + 1)

P(wrong)        1 where the sheet cannot stand as it is (empty, a row missing, sums that do not
                agree, more votes than voters or than another row allows, a row that may have been
                read beside its place, another scan that says something else); otherwise the
                calibrated probability that a count is wrong; 0 for a scan that only repeats.
votes at stake  all votes read on the sheet, since none of them counts before a decision;
                the station's registered voters where something is missing; where a counted scan is
                disputed, the votes on which the two differ.
margin          votes between the two leading candidates of the district, counted so far.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tallywire.election.election import Contest, OptionKind
from tallywire.ledger import counters
from tallywire.ledger.counters import VoteState
from tallywire.ledger.state import Entry, StationState
from tallywire.reasons import Code, Reason
from tallywire.records import Quality

UNUSABLE = frozenset(
    {
        Code.BLANK_SHEET,
        Code.MISSING_COUNT,
        Code.TOTAL_MISMATCH,
        Code.OVER_REGISTERED,
        Code.OVER_LIMIT,
        Code.FIELD_MISPLACED,
    }
)
INCOMPLETE = frozenset({Code.BLANK_SHEET, Code.MISSING_COUNT})
CANNOT_WIN = frozenset({OptionKind.UNREGISTERED, OptionKind.NULL})


@dataclass(frozen=True, slots=True)
class HeldCase:
    """One station that waits for a person."""

    state: StationState
    entry: Entry  # the sheet to look at
    wrong: float  # P(wrong), 0 to 1
    stake: int  # votes
    margin: int  # votes

    @property
    def impact(self) -> float:
        """What orders the list."""
        return self.wrong * self.stake / (self.margin + 1)


def order(held: Iterable[StationState], margins: Mapping[tuple[str, str], int]) -> list[HeldCase]:
    """The cases, the weightiest first; `margins` are by district and contest."""
    cases = [_case(state, margins.get((state.district, state.contest), 0)) for state in held]
    return sorted(cases, key=lambda case: (-case.impact, -case.stake, case.state.station))


def margin(contest: Contest, totals: Mapping[str, int]) -> int:
    """Votes between the two leading candidates among a district's counters."""
    states = (VoteState.ACCEPTED, VoteState.CORRECTED)
    votes = sorted(
        sum(
            totals.get(counters.votes(contest.id, option.id, state, quality), 0)
            for state in states
            for quality in Quality
        )
        for option in contest.options
        if option.kind not in CANNOT_WIN
    )
    return votes[-1] - votes[-2] if len(votes) > 1 else 0


def sheet_of(state: StationState) -> Entry | None:
    """The sheet that a reviewer is shown: of a disputed station the newest other scan."""
    if not state.held:
        return state.counted
    return state.held[-1] if state.counted else state.held[0]


def probability_wrong(reasons: Iterable[Reason]) -> float:
    """P(wrong) of a held sheet, as the rule above says."""
    found = [0.0]
    for reason in reasons:
        evidence = reason.evidence
        if reason.code in UNUSABLE:
            found.append(1.0)
        elif reason.code is Code.CONFLICTING_SCAN:
            found.append(0.0 if evidence.get("agrees") else 1.0)
        elif reason.code is Code.DOUBTFUL_SHEET:
            found.append(_number(evidence.get("error_probability"), 1.0))
        elif reason.code is Code.DOUBTFUL_COUNT:
            found.append(1.0 - _number(evidence.get("probability"), 0.0))
    return max(found)


def _case(state: StationState, margin: int) -> HeldCase:
    entry = sheet_of(state) or state.held[0]
    return HeldCase(state, entry, probability_wrong(entry.reasons), _stake(state, entry), margin)


def _stake(state: StationState, entry: Entry) -> int:
    if state.counted is not None:
        options = entry.votes.keys() | state.counted.votes.keys()
        return sum(
            abs(entry.votes.get(one, 0) - state.counted.votes.get(one, 0)) for one in options
        )
    if any(reason.code in INCOMPLETE for reason in entry.reasons):
        return state.registered
    return sum(entry.votes.values())


def _number(value: object, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) else otherwise
