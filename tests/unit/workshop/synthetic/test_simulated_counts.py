"""Simulated station counts: exact district totals, nowhere more votes than voters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.election.election import Contest, District, Election, Option, OptionKind, Station
from tallywire.election.loading import load_election
from tallywire.errors import UsageError
from tallywire.workshop.synthetic.simulated_counts import Votes, simulate_counts


def election_of(official: Mapping[str, int], registered: list[int], options: int = 3) -> Election:
    names = [f"O{index}" for index in range(options)]
    contest = Contest(
        "c",
        "Contest",
        "form",
        tuple(Option(name, name, OptionKind.PARTY, "#ff0000") for name in names),
        {"d": official} if official else {},
    )
    stations = {
        f"S{index}": Station(f"S{index}", "d", voters) for index, voters in enumerate(registered)
    }
    districts = (District("d", "D"),)
    return Election("e", "E", date(2026, 1, 1), True, (contest,), districts, stations)


def column_sums(counts: Mapping[str, Votes], options: list[str]) -> dict[str, int]:
    return {option: sum(votes[option] for votes in counts.values()) for option in options}


@pytest.mark.parametrize("seed", [1, 7, 2015])
def test_district_15_adds_up_to_its_official_result(seed: int) -> None:
    election = load_election("mx-2015-d15").election
    contest = election.contests[0]
    counts = simulate_counts(election, contest, seed)
    official = dict(contest.official["15"])
    assert column_sums(counts, list(official)) == official
    assert sum(sum(votes.values()) for votes in counts.values()) == 165_569
    assert set(counts) == set(election.stations)


def test_stations_differ_believably() -> None:
    election = load_election("mx-2015-d15").election
    counts = simulate_counts(election, election.contests[0], seed=1)
    turnout = [
        sum(votes.values()) / election.stations[id_].registered for id_, votes in counts.items()
    ]
    shares = [votes["PAN"] / sum(votes.values()) for votes in counts.values()]
    assert 0.25 < min(turnout) < 0.42
    assert 0.53 < max(turnout) < 0.8
    assert min(shares) < 0.25
    assert max(shares) > 0.45


def test_the_same_seed_gives_the_same_counts_and_another_seed_others() -> None:
    election = load_election("mx-2015-d15").election
    contest = election.contests[0]
    assert simulate_counts(election, contest, 3) == simulate_counts(election, contest, 3)
    assert simulate_counts(election, contest, 3) != simulate_counts(election, contest, 4)


@given(
    st.lists(st.integers(1, 900), min_size=1, max_size=30),
    st.lists(st.integers(0, 4000), min_size=3, max_size=3),
    st.integers(0, 2**32),
)
def test_any_official_result_is_met_exactly_under_the_caps(
    registered: list[int], weights: list[int], seed: int
) -> None:
    room, total = sum(registered), sum(weights)
    votes = [weight * room // max(total, 1) for weight in weights] if total > room else weights
    official = {f"O{index}": count for index, count in enumerate(votes)}
    election = election_of(official, registered)
    counts = simulate_counts(election, election.contests[0], seed)
    assert column_sums(counts, list(official)) == official
    assert all(
        sum(votes.values()) <= election.stations[id_].registered for id_, votes in counts.items()
    )
    assert all(count >= 0 for votes in counts.values() for count in votes.values())


def test_even_a_full_turnout_is_dealt_out() -> None:
    election = election_of({"O0": 100, "O1": 50, "O2": 50}, [50, 100, 20, 30])
    counts = simulate_counts(election, election.contests[0], 1)
    assert [sum(counts[id_].values()) for id_ in election.stations] == [50, 100, 20, 30]


def test_a_row_never_holds_more_than_its_cells() -> None:
    election = election_of({"O0": 150, "O1": 0, "O2": 20}, [5000, 5000])
    counts = simulate_counts(election, election.contests[0], 1, most_votes=99)
    assert max(sum(votes.values()) for votes in counts.values()) <= 99


def test_more_votes_than_voters_are_refused() -> None:
    election = election_of({"O0": 500}, [100, 100])
    with pytest.raises(UsageError, match="500 official votes do not fit its 2 stations"):
        simulate_counts(election, election.contests[0], 1)


def test_a_district_without_official_result_gets_an_invented_one() -> None:
    election = election_of({}, [400] * 20)
    counts = simulate_counts(election, election.contests[0], 1)
    turnout = sum(sum(votes.values()) for votes in counts.values()) / 8000
    assert 0.55 < turnout < 0.65
