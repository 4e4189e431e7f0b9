"""From the ledger's counters to what one screen shows: one contest, one or all districts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from dashboard.figures import BallotLine, StationProgress
from tallywire.election.election import Contest, Election, Option, OptionKind
from tallywire.ledger.counters import VoteState
from tallywire.ledger.keys import NOWHERE
from tallywire.ledger.snapshot import DistrictSnapshot
from tallywire.records import Quality

SCAN_OUTCOMES = frozenset({"counted", "held", "duplicate", "rejected"})
CANNOT_WIN = frozenset({OptionKind.UNREGISTERED, OptionKind.NULL})


@dataclass(frozen=True, slots=True)
class DistrictRow:
    """One line of the table of districts."""

    id: str
    name: str
    lines: tuple[BallotLine, ...]
    progress: StationProgress


@dataclass(frozen=True, slots=True)
class Board:
    """Everything one screen shows of one contest."""

    lines: tuple[BallotLine, ...]
    progress: StationProgress
    # By the start of ten seconds, in epoch seconds, in which the broker took them:
    counted: Mapping[int, int]  # tallies that are counted
    arrived: Mapping[int, int]  # scans, whatever became of them
    districts: tuple[DistrictRow, ...]

    @property
    def votes(self) -> int:
        """Votes counted, all options."""
        return sum(line.votes for line in self.lines)

    @property
    def started(self) -> bool:
        """True from the first scan on, whatever became of it."""
        seen = self.progress
        return bool(seen.counted or seen.held or seen.rejected_scans)


def board(
    election: Election,
    contest: Contest,
    districts: Mapping[str, DistrictSnapshot],
    chosen: str | None = None,
) -> Board:
    """The screen of a contest.

    Args:
        election: gives names, colours, expected stations and official results.
        contest: the contest shown.
        districts: the ledger's snapshot.
        chosen: id of the only district to show; all of them if None.
    """
    shown = [part for part in election.districts if chosen in (None, part.id)]
    rows = tuple(
        DistrictRow(part.id, part.name, *_part(election, contest, districts, [part.id]))
        for part in shown
    )
    ids = [part.id for part in shown]
    # Scans of no known station stand in a pseudo district; they belong to the whole only.
    lines, progress = _part(election, contest, districts, ids if chosen else [*ids, NOWHERE])
    timelines = [districts[part].timeline for part in ids if part in districts]
    return Board(
        lines, progress, _by_time(timelines, {"counted"}), _by_time(timelines, SCAN_OUTCOMES), rows
    )


def _part(
    election: Election,
    contest: Contest,
    districts: Mapping[str, DistrictSnapshot],
    ids: Sequence[str],
) -> tuple[tuple[BallotLine, ...], StationProgress]:
    seen = [districts[part] for part in ids if part in districts]
    official = _official(contest, [part for part in ids if part != NOWHERE])
    lines = tuple(_line(contest.id, option, seen, official) for option in contest.options)
    return lines, _progress(election, contest.id, seen, ids)


def _official(contest: Contest, ids: Sequence[str]) -> Mapping[str, int] | None:
    """Official votes by option, where every district shown has them."""
    if not all(part in contest.official for part in ids):
        return None
    return {
        option.id: sum(contest.official[part].get(option.id, 0) for part in ids)
        for option in contest.options
    }


def _line(
    contest: str,
    option: Option,
    seen: Sequence[DistrictSnapshot],
    official: Mapping[str, int] | None,
) -> BallotLine:
    def votes(state: VoteState, *qualities: Quality) -> int:
        return sum(
            part.votes(contest, option.id, state, quality) for part in seen for quality in qualities
        )

    return BallotLine(
        id=option.id,
        name=option.name,
        colour=option.colour,
        candidate=option.kind not in CANNOT_WIN,
        high=votes(VoteState.ACCEPTED, Quality.HIGH),
        moderate=votes(VoteState.ACCEPTED, Quality.MODERATE),
        corrected=votes(VoteState.CORRECTED, *Quality),
        held=votes(VoteState.HELD, *Quality),
        official=official[option.id] if official else None,
    )


def _progress(
    election: Election, contest: str, seen: Sequence[DistrictSnapshot], ids: Sequence[str]
) -> StationProgress:
    stations = [item for item in election.stations.values() if item.district in ids]

    def counted(kind: str) -> int:
        return sum(part.stations(contest, kind) for part in seen)

    def registered(kind: str) -> int:
        return sum(part.registered_in(contest, kind) for part in seen)

    return StationProgress(
        expected=len(stations),
        counted=counted("counted") + counted("corrected"),
        held=counted("held"),
        rejected_scans=sum(part.scans("rejected") for part in seen),
        duplicate_scans=sum(part.scans("duplicate") for part in seen),
        registered_expected=sum(item.registered for item in stations),
        registered_counted=registered("counted") + registered("corrected"),
        registered_held=registered("held"),
        registered_disputed=registered("conflicts"),
    )


def _by_time(
    timelines: Sequence[Mapping[int, Mapping[str, int]]], outcomes: Set[str]
) -> Mapping[int, int]:
    """Scans with one of these outcomes, in order of time."""
    found: dict[int, int] = {}
    for timeline in timelines:
        for start_s, seen in timeline.items():
            scans = sum(count for outcome, count in seen.items() if outcome in outcomes)
            found[start_s] = found.get(start_s, 0) + scans
    return dict(sorted(found.items()))
