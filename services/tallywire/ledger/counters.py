"""Names of the integer counters that make up a district's totals, and arithmetic on them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


def votes(contest: str, option: str, state: VoteState, quality: Quality) -> str:
    """Votes of one option by state and quality of the record."""
    return f"votes|{contest}|{option}|{state}|{quality}"


def stations(contest: str, kind: str) -> str:
    """Stations received, counted, held, rejected, corrected or in conflicts, in one contest."""
    return f"stations|{contest}|{kind}"


def registered(contest: str, kind: str) -> str:
    """Registered voters of the stations of that kind."""
    return f"registered|{contest}|{kind}"


def scans(outcome: str) -> str:
    """Scans that had this outcome."""
    return f"scans|{outcome}"


def corrections() -> str:
    """Corrections applied."""
    return "corrections|applied"


def timeline(epoch_s: float, outcome: str) -> str:
    """Scans that had this outcome, by the ten seconds in which the broker took them."""
    return f"time|{int(epoch_s) // BUCKET_S * BUCKET_S}|{outcome}"


def timeline_of(totals: Counters) -> dict[int, dict[str, int]]:
    """Start of ten seconds (epoch, s) -> outcome -> scans, in order of time."""
    found: dict[int, dict[str, int]] = {}
    for name, value in totals.items():
        if name.startswith("time|"):
            _, start, outcome = name.split("|")
            found.setdefault(int(start), {})[outcome] = value
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
