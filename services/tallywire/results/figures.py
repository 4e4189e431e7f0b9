"""What the figures show, as numbers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tallywire.election.election import Contest
from tallywire.ledger.state import StationState
from tallywire.records import Quality

Votes = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Tally:
    """One station as the ledger has it, whoever read it: votes by option, and the paper's label."""

    station: str
    votes: Votes
    quality: Quality
    held: bool


@dataclass(frozen=True, slots=True)
class CountPair:
    """Figure 10: an official and a predicted count, and how often they meet."""

    official: int
    predicted: int
    quality: Quality
    times: int


@dataclass(frozen=True, slots=True)
class VoteShare:
    """Figure 11: one option's share of the votes, 0 to 1; None where it is not known."""

    option: str
    official: float | None
    everything: float
    high_only: float


@dataclass(frozen=True, slots=True)
class Spread:
    """Figure 12: votes of one option per tally - least, quartiles, most."""

    option: str
    counts: tuple[int, ...]

    def quantile(self, share: float) -> int:
        """The count that at least `share` of the tallies do not exceed; 0 without tallies."""
        if not self.counts:
            return 0
        return self.counts[min(len(self.counts) - 1, int(share * len(self.counts)))]


def tallies_of(states: Iterable[StationState], contest: str) -> list[Tally]:
    """The machine's record of every station of a contest: the counted one, else the held one."""
    found = []
    for state in states:
        entry = state.standing
        if entry is not None and state.contest == contest:
            found.append(Tally(state.station, entry.votes, entry.quality, state.counted is None))
    return found


def pair_up(tallies: Iterable[Tally], truth: Mapping[str, Votes]) -> list[CountPair]:
    """Every count of every tally against the official one of its station."""
    times = Counter(
        (official, tally.votes[option], tally.quality)
        for tally in tallies
        for option, official in truth.get(tally.station, {}).items()
        if option in tally.votes
    )
    return [CountPair(*key, times=number) for key, number in sorted(times.items())]


def shares(tallies: Sequence[Tally], contest: Contest, official: Votes | None) -> list[VoteShare]:
    """Share of each option: official, over all tallies, and over those of high quality."""
    everything = _sum(tallies, contest)
    high = _sum([one for one in tallies if one.quality is Quality.HIGH], contest)
    return [
        VoteShare(
            option.id,
            _share(official, option.id) if official else None,
            _share(everything, option.id),
            _share(high, option.id),
        )
        for option in contest.options
    ]


def spreads(tallies: Iterable[Tally], contest: Contest) -> list[Spread]:
    """Votes of each option over the tallies, sorted."""
    everyone = list(tallies)
    return [
        Spread(option.id, tuple(sorted(one.votes.get(option.id, 0) for one in everyone)))
        for option in contest.options
    ]


def official_totals(contest: Contest, truth: Mapping[str, Votes]) -> Votes | None:
    """The election's official result over all districts, else the sum of the truth."""
    sources = list(contest.official.values()) or list(truth.values())
    if not sources:
        return None
    return {option.id: sum(one.get(option.id, 0) for one in sources) for option in contest.options}


def _sum(tallies: Iterable[Tally], contest: Contest) -> Votes:
    everyone = list(tallies)
    return {
        option.id: sum(one.votes.get(option.id, 0) for one in everyone)
        for option in contest.options
    }


def _share(votes: Votes, option: str) -> float:
    whole = sum(votes.values())
    return votes.get(option, 0) / whole if whole else 0.0
