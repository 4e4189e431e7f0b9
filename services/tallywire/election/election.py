"""The election as data: contests, options, districts, polling stations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from tallywire.errors import UsageError


class OptionKind(StrEnum):
    """What a voter could mark; decides only how it is shown."""

    PARTY = "party"
    COALITION = "coalition"
    INDEPENDENT = "independent"
    UNREGISTERED = "unregistered"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Option:
    """One line of the ballot. `colour` is `#rrggbb`."""

    id: str
    name: str
    kind: OptionKind
    colour: str


@dataclass(frozen=True, slots=True)
class Contest:
    """One thing voted on. `official` holds known results: district id -> option id -> votes."""

    id: str
    name: str
    layout: str  # id of a shipped layout, or a TOML file beside election.toml
    options: tuple[Option, ...]
    official: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class District:
    """The unit of the totals."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Station:
    """One polling station; `registered` voters cap its counts."""

    id: str
    district: str
    registered: int


@dataclass(frozen=True, slots=True)
class Election:
    """A validated election. `rehearsal` puts TEST on every screen and export."""

    id: str
    name: str
    date: date
    rehearsal: bool
    contests: tuple[Contest, ...]
    districts: tuple[District, ...]
    stations: Mapping[str, Station]

    def contest(self, contest_id: str | None) -> Contest | None:
        """The contest of that id; None means "the only one": None where there are several."""
        if contest_id is None:
            return self.contests[0] if len(self.contests) == 1 else None
        return next((contest for contest in self.contests if contest.id == contest_id), None)


@dataclass(frozen=True, slots=True)
class LayoutUsed:
    """One layout file: its own id and version, and the SHA-256 of its bytes."""

    id: str
    version: int
    sha256: str  # lower-case hex

    def __str__(self) -> str:
        return f"{self.id} version {self.version} ({self.sha256[:8]})"


def select_stations(election: Election, count: int) -> Election:
    """The same election with `count` of its stations, evenly spread over the list.

    Raises:
        UsageError: if it has fewer, or less than one is asked for.
    """
    ids = list(election.stations)
    if not 1 <= count <= len(ids):
        raise UsageError(f"{count} stations asked for - choose 1 to {len(ids)}")
    chosen = [ids[index * len(ids) // count] for index in range(count)]
    return replace(election, stations={name: election.stations[name] for name in chosen})
