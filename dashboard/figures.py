"""The little arithmetic a screen needs beyond the ledger's integers: shares, rates, one bound.

Pure: no Streamlit, no Redis, no clock. Votes and voters are integers and stay integers; a share is
a float in 0..1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

BUCKET_S = 10
"""Width of the ledger's timeline buckets, in seconds."""


@dataclass(frozen=True, slots=True)
class BallotLine:
    """One option of the ballot with its votes; `held` votes are read but in no total."""

    id: str
    name: str
    colour: str
    candidate: bool  # can win: not null votes, not unregistered names
    high: int = 0
    moderate: int = 0
    corrected: int = 0
    held: int = 0
    official: int | None = None

    @property
    def votes(self) -> int:
        """Votes counted: read and accepted, or decided by a person."""
        return self.high + self.moderate + self.corrected


@dataclass(frozen=True, slots=True)
class StationProgress:
    """Stations and voters of what is on the screen."""

    expected: int
    counted: int
    held: int
    rejected_scans: int
    duplicate_scans: int
    registered_expected: int
    registered_counted: int
    registered_held: int
    registered_disputed: int  # of counted stations of which another, different scan is held

    @property
    def missing(self) -> int:
        """Stations of which nothing readable has come yet."""
        return self.expected - self.counted - self.held

    @property
    def registered_missing(self) -> int:
        """Registered voters of the missing stations."""
        return self.registered_expected - self.registered_counted - self.registered_held


@dataclass(frozen=True, slots=True)
class Outlook:
    """Whether what is not counted yet could change who leads. All numbers are votes.

    `held_swing` is the most by which the held and disputed sheets could shrink the lead, whatever
    is written on them; `missing_swing` the same for the sheets that have not come.
    """

    first: str
    second: str
    lead: int
    held_swing: int
    missing_swing: int

    @property
    def held_can_change(self) -> bool:
        """True where the held sheets alone could make the first two draw level or swap."""
        return self.held_swing >= self.lead

    @property
    def all_can_change(self) -> bool:
        """True where held and missing sheets together could."""
        return self.held_swing + self.missing_swing >= self.lead


def share(part: int, whole: int) -> float:
    """`part` of `whole` in 0..1; 0 where there is nothing yet."""
    return part / whole if whole else 0.0


def ranked(lines: Sequence[BallotLine]) -> list[BallotLine]:
    """Candidates by votes, then what cannot win; equal votes keep the ballot's order."""
    return sorted(lines, key=lambda line: (not line.candidate, -line.votes))


def outlook(
    lines: Sequence[BallotLine], progress: StationProgress, tolerance: int = 0
) -> Outlook | None:
    """The worst case for the leader; None with fewer than two candidates or nothing counted.

    A sheet that is held or missing can bring the second at most the station's registered voters,
    plus the `tolerance` that the form's cap allows. A disputed station is counted already: its
    other scan could at worst move all of its voters from the first to the second, twice the swing.
    Every other candidate is further behind than the second, so the bound holds for them too.
    """
    first_two = [line for line in ranked(lines) if line.candidate][:2]
    if len(first_two) < 2 or not any(line.votes for line in lines):
        return None
    first, second = first_two
    return Outlook(
        first=first.id,
        second=second.id,
        lead=first.votes - second.votes,
        held_swing=progress.registered_held
        + progress.held * tolerance
        + 2 * progress.registered_disputed,
        missing_swing=progress.registered_missing + progress.missing * tolerance,
    )


def cumulative(buckets: Mapping[int, int]) -> list[tuple[int, int]]:
    """Timeline buckets (start in epoch seconds -> events) as (end of bucket, events so far)."""
    total = 0
    points = [(min(buckets), 0)] if buckets else []
    for start_s in sorted(buckets):
        total += buckets[start_s]
        points.append((start_s + BUCKET_S, total))
    return points


def rate_per_minute(buckets: Mapping[int, int], now_s: float, window_s: int = 60) -> float:
    """Events a minute over the last `window_s` seconds, or since the first event."""
    recent = sum(count for start_s, count in buckets.items() if start_s > now_s - window_s)
    if not recent:
        return 0.0
    span_s = min(float(window_s), max(now_s - min(buckets), float(BUCKET_S)))
    return recent * 60 / span_s
