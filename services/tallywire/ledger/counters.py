"""Names of the integer counters that make up a district's totals, and arithmetic on them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tallywire.records import Quality

Counters = Mapping[str, int]
"""Counter name -> value. A difference between two of them is a delta; zeros are left out."""

BUCKET_S = 10  # the timeline's resolution


class VoteState(StrEnum):
    """Which kind of record the votes come from."""

    ACCEPTED = "accepted"
    HELD = "held"
    CORRECTED = "corrected"


class CounterKind(StrEnum):
    """What is counted."""

    VOTES = "votes"
    STATIONS = "stations"
    REGISTERED = "registered"
    SCANS = "scans"
    CORRECTIONS = "corrections"
    TIMELINE = "time"


@dataclass(frozen=True, slots=True)
class CounterName:
    """The name of one counter; `str` is how the ledger and an export write it.

    `item` is an option, or the start of ten seconds (epoch, s); `state` what became of votes,
    stations or scans. What a kind has no use for is empty.
    """

    kind: CounterKind
    contest: str = ""
    item: str = ""
    state: str = ""
    quality: str = ""

    def __str__(self) -> str:
        parts = (self.contest, self.item, self.state, self.quality)
        return _join(self.kind, *filter(None, parts))

    @classmethod
    def parse(cls, text: str) -> CounterName:
        """What `str` wrote.

        Raises:
            ValueError: it is the name of no counter.
        """
        match text.split("|"):
            case ["votes", contest, option, state, quality]:
                return cls(CounterKind.VOTES, contest, option, state, quality)
            case ["stations" | "registered" as kind, contest, state]:
                return cls(CounterKind(kind), contest, state=state)
            case ["scans" | "corrections" as kind, state]:
                return cls(CounterKind(kind), state=state)
            case ["time", start, state]:
                return cls(CounterKind.TIMELINE, item=start, state=state)
        raise ValueError(f"{text!r} is the name of no counter")


def votes(contest: str, option: str, state: VoteState, quality: Quality) -> str:
    """Votes of one option by state and quality of the record."""
    return _join(CounterKind.VOTES, contest, option, state, quality)


def stations(contest: str, kind: str) -> str:
    """Stations received, counted, held, rejected, corrected or in conflicts, in one contest."""
    return _join(CounterKind.STATIONS, contest, kind)


def registered(contest: str, kind: str) -> str:
    """Registered voters of the stations of that kind."""
    return _join(CounterKind.REGISTERED, contest, kind)


def scans(outcome: str) -> str:
    """Scans that had this outcome."""
    return _join(CounterKind.SCANS, outcome)


def corrections() -> str:
    """Corrections applied."""
    return _join(CounterKind.CORRECTIONS, "applied")


def timeline(epoch_s: float, outcome: str) -> str:
    """Scans that had this outcome, by the ten seconds in which the broker took them."""
    start = str(int(epoch_s) // BUCKET_S * BUCKET_S)
    return _join(CounterKind.TIMELINE, start, outcome)


def timeline_of(totals: Counters) -> dict[int, dict[str, int]]:
    """Start of ten seconds (epoch, s) -> outcome -> scans, in order of time."""
    found: dict[int, dict[str, int]] = {}
    for text, value in totals.items():
        if text.startswith(CounterKind.TIMELINE):  # most of them, or none: parse no other
            name = CounterName.parse(text)
            found.setdefault(int(name.item), {})[name.state] = value
    return dict(sorted(found.items()))


def add(parts: Iterable[Counters]) -> dict[str, int]:
    """Sum of counters; zeros are left out."""
    total: dict[str, int] = {}
    for part in parts:
        for name, value in part.items():
            total[name] = total.get(name, 0) + value
    return {name: value for name, value in total.items() if value}


def negate(counters: Counters) -> dict[str, int]:
    """The delta that takes `counters` back."""
    return {name: -value for name, value in counters.items()}


def _join(kind: CounterKind, *parts: str) -> str:
    """A name from its parts: some dozen are made for every scan."""
    return "|".join((kind, *parts))
