"""Two generations of one ledger, sheet by sheet and district by district. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tallywire.election.election import Contest, Election, OptionKind
from tallywire.ledger import counters
from tallywire.ledger.counters import Counters
from tallywire.ledger.record_key import RecordKey, state_key
from tallywire.ledger.state import Entry, StationState, Status, contribution
from tallywire.records import Quality

CANNOT_WIN = frozenset({OptionKind.UNREGISTERED, OptionKind.NULL})


@dataclass(frozen=True, slots=True)
class ComparedSheet:
    """What one generation makes of a station.

    `read` is what the machine read, by option; `votes` what enters the totals (nothing of a held
    sheet). `reasons` are the codes of why it is held, disputed or refused.
    """

    status: Status
    votes: Mapping[str, int]
    read: Mapping[str, int]
    quality: Quality | None
    reasons: tuple[str, ...]

    @property
    def label(self) -> str:
        """Status and reasons in a few words."""
        return f"{self.status}: {', '.join(self.reasons)}" if self.reasons else str(self.status)


@dataclass(frozen=True, slots=True)
class StationChange:
    """A station that the generations see differently; None where one has heard nothing of it.

    `delta` is what the difference does to the counters of its district.
    """

    district: str
    contest: str
    station: str
    before: ComparedSheet | None
    after: ComparedSheet | None
    delta: Counters

    @property
    def reading_changed(self) -> bool:
        """False where only counters of scans differ, such as duplicates."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class OptionChange:
    """Votes and place of one option; options that cannot win have no place. Ties share one."""

    option: str
    before: int
    after: int
    rank_before: int | None
    rank_after: int | None


@dataclass(frozen=True, slots=True)
class DistrictChange:
    """One contest in one district, by the votes that count (accepted and corrected)."""

    district: str
    contest: str
    options: tuple[OptionChange, ...]
    stations_before: int  # counted or corrected
    stations_after: int

    @property
    def order_changed(self) -> bool:
        """True where some option has another place."""
        return any(one.rank_before != one.rank_after for one in self.options)

    @property
    def leaders(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The options in first place before and after; nobody without a vote."""
        return (
            tuple(one.option for one in self.options if one.rank_before == 1 and one.before),
            tuple(one.option for one in self.options if one.rank_after == 1 and one.after),
        )

    @property
    def lead_changed(self) -> bool:
        """True where another option, or another set of tied ones, is first."""
        before, after = self.leaders
        return before != after

    @property
    def changed(self) -> bool:
        """True where anything differs."""
        votes = any(one.before != one.after for one in self.options)
        return votes or self.stations_before != self.stations_after


@dataclass(frozen=True, slots=True)
class ReasonChange:
    """The stations that went from one label to another; "-" where nothing was heard of them."""

    before: str
    after: str
    stations: tuple[str, ...]


def compare(
    before: Iterable[StationState], after: Iterable[StationState]
) -> tuple[StationChange, ...]:
    """Every station that differs, by district, contest and station.

    The deltas of all changes add up to the difference of the generations' totals.
    """
    old, new = _by_key(before), _by_key(after)
    changes = (_change(key, old.get(key), new.get(key)) for key in sorted(old.keys() | new.keys()))
    return tuple(change for change in changes if change.reading_changed or change.delta)


def compare_districts(
    election: Election, before: Iterable[StationState], after: Iterable[StationState]
) -> tuple[DistrictChange, ...]:
    """Every contest in every district of the election, changed or not."""
    old, new = total_votes(before), total_votes(after)
    return tuple(
        _district(district.id, contest, old, new)
        for district in election.districts
        for contest in election.contests
    )


def group_by_reason(changes: Iterable[StationChange]) -> tuple[ReasonChange, ...]:
    """Changed readings by what they were and what they are, the most frequent first."""
    groups: dict[tuple[str, str], list[str]] = {}
    for change in changes:
        if change.reading_changed:
            pair = (_label(change.before), _label(change.after))
            groups.setdefault(pair, []).append(change.station)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(ReasonChange(*pair, tuple(stations)) for pair, stations in ordered)


def total_votes(states: Iterable[StationState]) -> dict[tuple[str, str], dict[str, int]]:
    """By district and contest: votes by option that count, and under `""` the stations counted."""
    totals: dict[tuple[str, str], list[Counters]] = {}
    for state in states:
        counts = state.status in (Status.COUNTED, Status.CORRECTED)
        votes = {**state.counting_votes, "": int(counts)}
        totals.setdefault((state.district, state.contest), []).append(votes)
    return {key: counters.add(parts) for key, parts in totals.items()}


def sheet_of(state: StationState) -> ComparedSheet:
    """What a generation makes of a station."""
    entry = state.standing
    shown: Sequence[Entry] = state.held or (state.rejected[-1:] if entry is None else ())
    return ComparedSheet(
        status=state.status,
        votes=dict(state.counting_votes),
        read=dict(entry.votes) if entry else {},
        quality=entry.quality if entry else None,
        reasons=tuple(sorted({str(reason.code) for one in shown for reason in one.reasons})),
    )


def _by_key(states: Iterable[StationState]) -> dict[RecordKey, StationState]:
    return {state_key(state): state for state in states}


def _change(key: RecordKey, old: StationState | None, new: StationState | None) -> StationChange:
    return StationChange(
        key.district,
        key.contest,
        key.station,
        before=sheet_of(old) if old else None,
        after=sheet_of(new) if new else None,
        delta=counters.add(
            [
                contribution(new) if new else {},
                counters.negate(contribution(old)) if old else {},
            ]
        ),
    )


def _label(sheet: ComparedSheet | None) -> str:
    return sheet.label if sheet else "-"


def _district(
    district: str,
    contest: Contest,
    old: Mapping[tuple[str, str], Mapping[str, int]],
    new: Mapping[tuple[str, str], Mapping[str, int]],
) -> DistrictChange:
    before, after = old.get((district, contest.id), {}), new.get((district, contest.id), {})
    candidates = [option.id for option in contest.options if option.kind not in CANNOT_WIN]
    options = tuple(
        OptionChange(
            option.id,
            before.get(option.id, 0),
            after.get(option.id, 0),
            _rank(option.id, candidates, before),
            _rank(option.id, candidates, after),
        )
        for option in contest.options
    )
    return DistrictChange(district, contest.id, options, before.get("", 0), after.get("", 0))


def _rank(option: str, candidates: Sequence[str], votes: Mapping[str, int]) -> int | None:
    if option not in candidates:
        return None
    own = votes.get(option, 0)
    return 1 + sum(votes.get(other, 0) > own for other in candidates)
