"""The stop limit: one rule for workers, dashboard and commands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.ledger import counters
from tallywire.ledger.rejection_alert import SCANS, StopLimit, judge_rejections

LIMIT = StopLimit(percent=20.0, minutes=10.0, least=20)
Timeline = dict[int, dict[str, int]]


def timeline(*buckets: tuple[int, int, int]) -> Timeline:
    """(start, rejected, counted) each."""
    return {start: {"rejected": bad, "counted": good} for start, bad, good in buckets}


@pytest.mark.parametrize(
    ("rejected", "counted", "raised"),
    [(4, 16, False), (5, 16, True), (19, 0, False), (20, 0, True), (0, 500, False), (0, 0, False)],
)
def test_the_limit_is_more_than_so_many_of_at_least_so_many(
    rejected: int, counted: int, raised: bool
) -> None:
    found = judge_rejections([timeline((1000, rejected, counted))], LIMIT)
    assert (found is not None) is raised
    if found:
        assert (found.rejected, found.scans) == (rejected, rejected + counted)
        assert f"{rejected} of the latest" in found.message


def test_only_the_latest_minutes_count_and_the_window_ends_with_the_newest_scan() -> None:
    old, new = 100_000, 100_600
    assert judge_rejections([timeline((old, 50, 0), (new, 0, 30))], LIMIT) is None
    assert judge_rejections([timeline((old + 10, 50, 0), (new, 0, 30))], LIMIT) is not None
    assert judge_rejections([timeline((old, 50, 0))], LIMIT) is not None  # however long ago


def test_districts_are_judged_together() -> None:
    one, two = timeline((1000, 6, 0)), timeline((1010, 0, 14))
    found = judge_rejections([one, two], LIMIT)
    assert found is not None
    assert (found.rejected, found.scans) == (6, 20)


BUCKETS = st.dictionaries(
    st.integers(0, 200).map(lambda n: n * counters.BUCKET_S),
    st.dictionaries(st.sampled_from([*SCANS, "corrected"]), st.integers(0, 40)),
    max_size=8,
)


@given(st.lists(BUCKETS, max_size=4), st.floats(1, 99), st.integers(1, 40))
def test_an_alert_is_never_about_fewer_scans_or_a_smaller_share(
    timelines: list[Timeline], percent: float, least: int
) -> None:
    found = judge_rejections(timelines, StopLimit(percent, 10.0, least))
    if found is not None:
        assert found.scans >= least
        assert 100 * found.rejected > percent * found.scans
        assert found.rejected <= found.scans
        assert found.until_s - found.since_s == 600


@given(st.lists(BUCKETS, max_size=4))
def test_the_timeline_survives_the_names_of_its_counters(timelines: list[Timeline]) -> None:
    for one in timelines:
        totals = {
            counters.timeline(start, outcome): number
            for start, seen in one.items()
            for outcome, number in seen.items()
        }
        kept = {start: seen for start, seen in one.items() if seen}
        assert counters.timeline_of({**totals, "scans|counted": 3}) == kept
