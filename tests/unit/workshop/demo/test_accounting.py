"""The delivery guarantee in numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tallywire.workshop.demo.accounting import account


def test_a_night_in_which_all_went_well() -> None:
    found = account(3, ["a", "b", "c"], {"counted": 2, "held": 1}, {"a", "b", "c"}, 0)
    assert found.kept
    assert (found.accounted, found.lost, found.double_counted) == (3, 0, 0)


def test_an_acknowledged_scan_that_the_ledger_never_saw_is_lost() -> None:
    found = account(3, ["a", "b", "c"], {"counted": 2}, {"a", "b"}, 0)
    assert found.lost == 1
    assert not found.kept


def test_a_scan_lost_behind_a_double_count_is_still_found() -> None:
    found = account(3, ["a", "b", "c"], {"counted": 3}, {"a", "b"}, 0)
    assert found.lost == 1
    assert not found.kept


def test_more_outcomes_than_events_is_a_double_count() -> None:
    found = account(2, ["a", "b"], {"counted": 3}, {"a", "b"}, 0)
    assert found.double_counted == 1
    assert not found.kept


def test_a_counter_that_no_record_backs_is_a_double_count() -> None:
    assert account(1, ["a"], {"counted": 1}, {"a"}, 1).double_counted == 1


def test_the_same_scan_sent_twice_has_two_outcomes() -> None:
    found = account(2, ["a", "a"], {"counted": 1, "duplicate": 1}, {"a"}, 0)
    assert found.kept
    assert found.duplicates == 1


def test_what_was_never_acknowledged_breaks_the_guarantee_of_the_demo() -> None:
    assert not account(2, ["a"], {"counted": 1}, {"a"}, 0).kept


@given(
    st.lists(st.sampled_from("abcdef"), min_size=1),
    st.sampled_from(["counted", "held", "rejected"]),
)
def test_each_event_with_one_outcome_keeps_the_guarantee(events: list[str], kind: str) -> None:
    first = len(set(events))
    outcomes = {kind: first, "duplicate": len(events) - first}
    assert account(len(events), events, outcomes, set(events), 0).kept
