"""The stop limit: too many of the latest scans are refused. Pure.

One form that nobody measured, or one scanner with a wrong setting, refuses every scan of its own
and fills the rejected topic in silence. The rule looks at the ledger's timeline, so that workers,
dashboard and commands say the same. The window ends with the newest scan, not with the clock: a
backlog of yesterday is judged like a live one, and what was refused last stays shown until better
scans follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SCANS = ("counted", "held", "duplicate", "rejected")


@dataclass(frozen=True, slots=True)
class StopLimit:
    """More than `percent` of the scans of `minutes`, of at least `least` scans."""

    percent: float
    minutes: float
    least: int


@dataclass(frozen=True, slots=True)
class RejectionAlert:
    """The limit is passed. `since_s` and `until_s` bound the window (epoch, s)."""

    rejected: int
    scans: int
    since_s: int
    until_s: int
    limit: StopLimit

    @property
    def message(self) -> str:
        """One sentence for an official."""
        share = 100 * self.rejected / self.scans
        return (
            f"{self.rejected:,} of the latest {self.scans:,} scans were rejected ({share:.0f} % in"
            f" {self.limit.minutes:g} minutes; the limit is {self.limit.percent:g} %)."
            " See `tallywire rejected` before more are sent."
        )


def judge_rejections(
    timelines: Iterable[Mapping[int, Mapping[str, int]]], limit: StopLimit
) -> RejectionAlert | None:
    """The alert, if the limit is passed.

    Args:
        timelines: of every district, start of ten seconds (epoch, s) -> outcome -> scans.
    """
    scans, rejected = dict[int, int](), dict[int, int]()
    for timeline in timelines:
        for start_s, seen in timeline.items():
            here = sum(seen.get(outcome, 0) for outcome in SCANS)
            scans[start_s] = scans.get(start_s, 0) + here
            rejected[start_s] = rejected.get(start_s, 0) + seen.get("rejected", 0)
    until_s = max((start for start, count in scans.items() if count), default=0)
    since_s = until_s - limit.minutes * 60
    total = sum(count for start, count in scans.items() if since_s < start <= until_s)
    refused = sum(count for start, count in rejected.items() if since_s < start <= until_s)
    if total < limit.least or 100 * refused <= limit.percent * total:
        return None
    return RejectionAlert(refused, total, round(since_s), until_s, limit)
