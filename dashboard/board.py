"""From the ledger's counters to what one screen shows: one contest, one or all districts. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboard.figures import Line, Progress
from tallywire.election import Contest, Election, Option, OptionKind

Counters = Mapping[str, int]

CANNOT_WIN = frozenset({OptionKind.UNREGISTERED, OptionKind.NULL})


@dataclass(frozen=True, slots=True)
class DistrictRow:
    """One line of the table of districts."""

    id: str
    name: str
    lines: tuple[Line, ...]
    progress: Progress


@dataclass(frozen=True, slots=True)
class Board:
    """Everything one screen shows of one contest."""

    lines: tuple[Line, ...]
    progress: Progress
    arrivals: Mapping[int, int]  # start of a time bucket in epoch seconds -> tallies counted
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
    counters: Mapping[str, Counters],
    district: str | None = None,
) -> Board:
    """The screen of a contest.

    Args:
        election: gives names, colours, expected stations and official results.
        contest: the contest shown.
        counters: by district id, the ledger's integers of this contest.
        district: only this one; all of them if None.
    """
    shown = [part.id for part in election.districts if district in (None, part.id)]
    rows = tuple(
        DistrictRow(
            id=part,
            name=next(item.name for item in election.districts if item.id == part),
            lines=_lines(contest, counters.get(part, {}), [part]),
            progress=_progress(election, counters.get(part, {}), [part]),
        )
        for part in shown
    )
    # Scans of no known station stand in the ledger's pseudo district; they belong to the whole.
    summed = _sum(
        [counters[part] for part in (*shown, *([] if district else ["-"])) if part in counters]
    )
    return Board(
        lines=_lines(contest, summed, shown),
        progress=_progress(election, summed, shown),
        arrivals=_buckets(summed),
        districts=rows,
    )


def _lines(contest: Contest, counters: Counters, districts: Sequence[str]) -> tuple[Line, ...]:
    known = all(district in contest.official for district in districts)
    return tuple(
        _line(
            option,
            counters,
            sum(contest.official[part][option.id] for part in districts) if known else None,
        )
        for option in contest.options
    )


def _line(option: Option, counters: Counters, official: int | None) -> Line:
    def votes(*states: str) -> int:
        return sum(counters.get(f"votes|{option.id}|{state}", 0) for state in states)

    return Line(
        id=option.id,
        name=option.name,
        colour=option.colour,
        candidate=option.kind not in CANNOT_WIN,
        high=votes("accepted|high"),
        moderate=votes("accepted|moderate"),
        corrected=votes("corrected|high", "corrected|moderate"),
        held=votes("held|high", "held|moderate"),
        official=official,
    )


def _progress(election: Election, counters: Counters, districts: Sequence[str]) -> Progress:
    stations = [item for item in election.stations.values() if item.district in districts]
    return Progress(
        expected=len(stations),
        counted=counters.get("stations|counted", 0),
        held=counters.get("stations|held", 0),
        rejected_scans=counters.get("scans|rejected", 0),
        duplicate_scans=counters.get("scans|duplicate", 0),
        registered_expected=sum(item.registered for item in stations),
        registered_counted=counters.get("registered|counted", 0),
        registered_held=counters.get("registered|held", 0),
        registered_disputed=counters.get("registered|disputed", 0),
    )


def _buckets(counters: Counters) -> dict[int, int]:
    split = (name.split("|") for name in counters if name.startswith("time|"))
    return {
        int(start): counters[f"time|{start}|{what}"]
        for _, start, what in split
        if what == "counted"
    }


def _sum(parts: Sequence[Counters]) -> Counters:
    return sum((Counter(part) for part in parts), Counter())
