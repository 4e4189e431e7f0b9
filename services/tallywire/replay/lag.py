"""How far a generation is behind the topics. Pure but for `read_bounds`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tallywire.edge.log_offsets import LogBounds, OffsetRange, log_bounds
from tallywire.records import Partition
from tallywire.settings import Settings

Offsets = Mapping[Partition, int]
"""Next offset of each."""


@dataclass(frozen=True, slots=True)
class ReplayLag:
    """One partition of which a generation has not read everything."""

    topic: str
    partition: int
    stored: int
    end: int

    def __str__(self) -> str:
        return (
            f"{self.topic}[{self.partition}] {self.end - self.stored} behind"
            f" ({self.stored} of {self.end})"
        )


def read_bounds(settings: Settings) -> LogBounds:
    """The bounds of the two topics that a generation is made of.

    Raises:
        PeerError: the broker is away, or lacks one of the topics.
    """
    return log_bounds(settings.kafka, [settings.topics.scans, settings.topics.corrections])


def behind(bounds: LogBounds, stored: Offsets) -> list[ReplayLag]:
    """The partitions that are not read up to their end, in order."""
    places = {key: place(bounds[key], stored.get(key)) for key in sorted(bounds)}
    return [
        ReplayLag(*key, stored=at, end=bounds[key].end)
        for key, at in places.items()
        if at < bounds[key].end
    ]


def lag(bounds: LogBounds, stored: Offsets, topic: str) -> int:
    """Records of the topic that are still to be read."""
    return sum(one.end - one.stored for one in behind(bounds, stored) if one.topic == topic)


def read_so_far(bounds: LogBounds, stored: Offsets, starts: Offsets, topic: str) -> tuple[int, int]:
    """Records of the topic read, and in all, counted from where the generation starts."""
    done = total = 0
    for key, found in bounds.items():
        if key.topic == topic:
            start = place(found, starts.get(key))
            at = place(found, stored.get(key, starts.get(key)))
            done += max(0, min(at, found.end) - start)
            total += max(0, found.end - start)
    return done, total


def place(found: OffsetRange, stored: int | None) -> int:
    """Where reading goes on: what the log no longer holds cannot be read."""
    return max(found.begin, stored or 0)


def some(lines: Sequence[object], most: int = 6) -> str:
    """A list for a message, cut where it is long."""
    more = f" and {len(lines) - most} more" if len(lines) > most else ""
    return ", ".join(map(str, lines[:most])) + more
