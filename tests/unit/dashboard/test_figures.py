"""The screen's own arithmetic: shares, rates, and the worst case for the leader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.figures import (
    BallotLine,
    StationProgress,
    cumulative,
    outlook,
    ranked,
    rate_per_minute,
    share,
)


def line(name: str, votes: int, *, candidate: bool = True) -> BallotLine:
    return BallotLine(id=name, name=name, colour="#112233", candidate=candidate, high=votes)


def progress(
    *, held: int = 0, missing: int = 0, voters: int = 500, disputed: int = 0
) -> StationProgress:
    return StationProgress(
        expected=10 + held + missing,
        counted=10,
        held=held,
        rejected_scans=0,
        duplicate_scans=0,
        registered_expected=(10 + held + missing) * voters,
        registered_counted=10 * voters,
        registered_held=held * voters,
        registered_disputed=disputed * voters,
    )


def test_a_share_of_nothing_is_nothing() -> None:
    assert share(0, 0) == 0
    assert share(1, 4) == 0.25


def test_what_cannot_win_stands_below_whatever_it_got() -> None:
    lines = [line("null", 900, candidate=False), line("B", 10), line("A", 20)]
    assert [item.id for item in ranked(lines)] == ["A", "B", "null"]


def test_held_votes_are_in_no_total() -> None:
    assert (
        BallotLine(
            "A", "A", "#000000", candidate=True, high=3, moderate=2, corrected=1, held=50
        ).votes
        == 6
    )


def test_nothing_outstanding_cannot_change_the_order() -> None:
    seen = outlook([line("A", 11), line("B", 10)], progress())
    assert seen is not None
    assert seen.lead == 1
    assert not seen.all_can_change


def test_a_possible_tie_counts_as_a_change() -> None:
    lines = [line("A", 600), line("B", 100)]
    exact = outlook(lines, progress(held=1, voters=500))
    one_less = outlook(lines, progress(held=1, voters=499))
    assert exact is not None
    assert exact.held_can_change
    assert one_less is not None
    assert not one_less.held_can_change


def test_held_sheets_may_be_harmless_while_missing_ones_are_not() -> None:
    seen = outlook([line("A", 1200), line("B", 100)], progress(held=1, missing=2))
    assert seen is not None
    assert not seen.held_can_change
    assert seen.all_can_change


def test_the_forms_tolerance_widens_the_bound() -> None:
    lines = [line("A", 605), line("B", 100)]
    without, with_ten = (outlook(lines, progress(held=1), tolerance) for tolerance in (0, 10))
    assert without is not None
    assert not without.held_can_change
    assert with_ten is not None
    assert with_ten.held_can_change


def test_a_disputed_station_can_swing_twice_its_voters() -> None:
    seen = outlook([line("A", 1100), line("B", 100)], progress(disputed=1))
    assert seen is not None
    assert seen.held_can_change


@pytest.mark.parametrize("lines", [[], [line("A", 5)], [line("A", 0), line("B", 0)]])
def test_no_outlook_without_two_candidates_and_a_vote(lines: list[BallotLine]) -> None:
    assert outlook(lines, progress(missing=3)) is None


@given(
    counted=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=1, max_size=8),
    open_sheets=st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), max_size=6),
)
def test_when_the_bound_says_no_nothing_on_open_sheets_changes_the_leader(
    counted: list[tuple[int, int]], open_sheets: list[tuple[int, int]]
) -> None:
    first, second = (sum(sheet[i] for sheet in counted) for i in (0, 1))
    voters = 1000  # any split of an open sheet stays below its registered voters
    seen = outlook(
        [line("A", first), line("B", second)], progress(missing=len(open_sheets), voters=voters)
    )
    if seen is None or seen.all_can_change:
        return
    totals = {
        "A": first + sum(sheet[0] for sheet in open_sheets),
        "B": second + sum(sheet[1] for sheet in open_sheets),
    }
    assert totals[seen.first] > totals[seen.second]


def test_the_timeline_adds_up_and_starts_at_zero() -> None:
    assert cumulative({30: 2, 10: 5}) == [(10, 0), (20, 5), (40, 7)]
    assert cumulative({}) == []


def test_the_rate_is_over_the_last_minute() -> None:
    assert rate_per_minute({0: 1000, 100: 20, 110: 10}, now_s=125) == 30
    assert rate_per_minute({0: 1000}, now_s=500) == 0


def test_the_rate_of_a_young_count_is_over_its_own_age() -> None:
    assert rate_per_minute({100: 20}, now_s=120) == 60
    assert rate_per_minute({100: 20}, now_s=101) == 120


@given(st.dictionaries(st.integers(0, 1000).map(lambda n: n * 10), st.integers(0, 50), max_size=30))
def test_the_timelines_end_is_the_sum(buckets: dict[int, int]) -> None:
    points = cumulative(buckets)
    assert [tallies for _, tallies in points] == sorted(tallies for _, tallies in points)
    assert (points[-1][1] if points else 0) == sum(buckets.values())
