"""Every transition of a station, by name, as drawn in ARCHITECTURE.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tallywire.ledger import counters
from tallywire.ledger.counters import CounterName
from tallywire.ledger.state import (
    MOST_KEPT,
    Event,
    Outcome,
    Status,
    apply,
    contribution,
)
from tallywire.reasons import Code
from tallywire.records import Partition, Quality, Verdict
from tests.support.station_histories import fold, fresh, votes_of
from tests.support.values import CORRECTIONS, SCANS, make_correction, make_reading, make_rejection

HELD = Verdict.HELD
DECIDED = {"A": 90, "B": 60, "null": 1}


def test_expected_station_contributes_nothing() -> None:
    assert fresh().status is Status.EXPECTED
    assert contribution(fresh()) == {}


def test_expected_to_counted_by_an_accepted_reading() -> None:
    state = fold([make_reading(offset=0)])
    assert state.status is Status.COUNTED
    assert votes_of(state, "A") == {"accepted|high": 100}
    assert contribution(state)["registered|mayor|counted"] == 700


def test_expected_to_held_by_a_held_reading() -> None:
    state = fold([make_reading(offset=0, verdict=HELD, quality=Quality.MODERATE)])
    assert state.status is Status.HELD
    assert state.in_review
    assert votes_of(state, "A") == {"held|moderate": 100}


def test_expected_to_rejected_by_a_refused_scan() -> None:
    state = fold([make_rejection(offset=0)])
    assert state.status is Status.REJECTED
    assert votes_of(state, "A") == {}
    assert state.rejected[0].reasons[0].code is Code.NOT_AN_IMAGE


def test_rejected_to_counted_by_an_accepted_reading() -> None:
    assert fold([make_rejection(offset=0), make_reading(offset=1)]).status is Status.COUNTED


def test_rejected_to_held_by_a_held_reading() -> None:
    state = fold([make_rejection(offset=0), make_reading(offset=1, verdict=HELD)])
    assert state.status is Status.HELD


def test_held_to_counted_when_an_accepted_reading_replaces_it() -> None:
    state = fold([make_reading(offset=0, verdict=HELD), make_reading(offset=1)])
    assert state.status is Status.COUNTED
    assert not state.in_review
    assert [entry.source.offset for entry in state.superseded] == [0]
    assert votes_of(state, "A") == {"accepted|high": 100}


def test_held_stays_held_by_another_held_reading_and_the_first_one_is_shown() -> None:
    other = make_reading(offset=1, verdict=HELD, votes={"A": 7, "B": 7, "null": 7})
    state = fold([make_reading(offset=0, verdict=HELD), other])
    assert state.status is Status.HELD
    assert votes_of(state, "A") == {"held|high": 100}


def test_rejected_stays_rejected_by_another_refused_scan() -> None:
    state = fold([make_rejection(offset=0), make_rejection(offset=1)])
    assert state.status is Status.REJECTED
    assert contribution(state)["stations|mayor|rejected"] == 1
    assert contribution(state)["scans|rejected"] == 2


def test_held_stays_held_when_a_later_scan_is_refused() -> None:
    state = fold([make_reading(offset=0, verdict=HELD), make_rejection(offset=1)])
    assert state.status is Status.HELD
    assert votes_of(state, "A") == {"held|high": 100}


@pytest.mark.parametrize(
    "late",
    [make_reading(offset=0), make_reading(offset=0, verdict=HELD), make_rejection(offset=0)],
    ids=["accepted", "held", "refused"],
)
def test_corrected_stays_corrected_whatever_is_scanned_later(late: Event) -> None:
    state = fold([make_correction(offset=0, votes=DECIDED), late])
    assert state.status is Status.CORRECTED
    assert sum(votes_of(state, "A").values()) == 90
    assert not state.in_review


def test_counted_stays_counted_and_a_different_scan_is_held_as_a_conflict() -> None:
    other = make_reading(offset=1, votes={"A": 900, "B": 0, "null": 0})
    answer = apply(fold([make_reading(offset=0)]), other)
    assert answer.outcome is Outcome.HELD
    assert votes_of(answer.state, "A") == {"accepted|high": 100}
    assert contribution(answer.state)["stations|mayor|conflicts"] == 1
    assert answer.state.in_review
    reason = answer.state.held[0].reasons[-1]
    assert reason.code is Code.CONFLICTING_SCAN
    assert reason.evidence["agrees"] is False


def test_a_second_photograph_that_agrees_says_so() -> None:
    state = fold([make_reading(offset=0), make_reading(offset=1)])
    assert state.held[0].reasons[-1].evidence["agrees"] is True


def test_counted_stays_counted_when_a_later_scan_is_refused() -> None:
    state = fold([make_reading(offset=0), make_rejection(offset=1)])
    assert state.status is Status.COUNTED
    assert contribution(state)["scans|rejected"] == 1


@pytest.mark.parametrize(
    "before",
    [
        [],
        [make_rejection(offset=0)],
        [make_reading(offset=0, verdict=HELD)],
        [make_reading(offset=0)],
        [make_reading(offset=0), make_reading(offset=1)],
    ],
    ids=["expected", "rejected", "held", "counted", "conflict"],
)
def test_any_state_to_corrected_and_back_by_withdrawal(before: Sequence[Event]) -> None:
    state = fold(before)
    corrected = fold([make_correction(offset=0, votes=DECIDED)], state)
    assert corrected.status is Status.CORRECTED
    assert not corrected.in_review
    assert sum(votes_of(corrected, "A").values()) == 90
    withdrawn = fold([make_correction(offset=1, votes=None)], corrected)
    assert withdrawn.status is state.status
    assert votes_of(withdrawn, "A") == votes_of(state, "A")


def test_a_later_correction_supersedes() -> None:
    votes = {"A": 1, "B": 2, "null": 3}
    state = fold([make_correction(offset=0, votes=DECIDED), make_correction(offset=1, votes=votes)])
    assert sum(votes_of(state, "B").values()) == 2


def test_the_same_image_again_is_a_duplicate() -> None:
    answer = apply(fold([make_reading(offset=0)]), make_reading(offset=5, image="image 0"))
    assert answer.outcome is Outcome.DUPLICATE
    assert answer.delta["scans|duplicate"] == 1
    assert not any(name.startswith("votes") for name in answer.delta)


def test_a_refused_scan_may_be_published_again_after_a_fix() -> None:
    state = fold([make_rejection(offset=0), make_reading(offset=1, image="image 0")])
    assert state.status is Status.COUNTED


def test_a_redelivered_event_answers_its_outcome_and_changes_nothing() -> None:
    state = fold([make_reading(offset=3)])
    again = apply(state, make_reading(offset=3))
    assert (again.state, again.delta, again.outcome) == (state, {}, Outcome.COUNTED)
    assert apply(state, make_reading(offset=2)).outcome is Outcome.REDELIVERED


def test_a_missing_count_is_never_a_zero() -> None:
    state = fold([make_reading(offset=0, votes={"A": None, "B": 5, "null": 0}, verdict=HELD)])
    assert "A" not in state.held[0].votes


@pytest.mark.parametrize("role", ["total", None])
def test_a_sheets_total_is_its_total_row_and_no_other_figure(role: str | None) -> None:
    reading = make_reading(votes={"A": 100, "B": 50})
    *rows, total = reading.counts
    listed = replace(total, field="listed", value=700, role="registered")
    counts = (listed, *rows, replace(total, role=role))
    state = apply(fresh(), replace(reading, counts=counts)).state
    assert state.counted is not None
    assert (state.counted.total, state.counted.votes) == (150, {"A": 100, "B": 50})


def test_lists_are_bounded_but_counters_go_on() -> None:
    events = [make_reading(offset=n, verdict=HELD) for n in range(MOST_KEPT + 5)]
    state = fold(events)
    assert len(state.held) == MOST_KEPT
    assert state.held[0].source.offset == 0
    assert state.held[-1].source.offset == MOST_KEPT + 4
    assert contribution(state)["scans|held"] == MOST_KEPT + 5


def test_the_timeline_is_the_brokers_time_in_ten_seconds() -> None:
    names = [name for name in contribution(fold([make_reading(offset=25)])) if "time" in name]
    start = int(CounterName.parse(names[0]).item)
    assert start % counters.BUCKET_S == 0
    assert 0 <= make_reading(offset=25).published_at.timestamp() - start < counters.BUCKET_S


def test_what_a_station_stands_with_and_what_of_it_counts() -> None:
    assert (fresh().standing, fresh().standing_votes, fresh().counting_votes) == (None, None, {})
    held = fold([make_reading(offset=0, verdict=HELD), make_reading(offset=1, verdict=HELD)])
    assert held.standing == held.held[0]
    assert (held.standing_votes, held.counting_votes) == (held.held[0].votes, {})
    counted = fold([make_reading(offset=2)], held)
    assert counted.counted is not None
    assert counted.standing == counted.counted
    assert counted.standing_votes == counted.counting_votes == counted.counted.votes
    decided = fold([make_correction(votes=dict(DECIDED))], held)
    assert decided.standing == held.standing
    assert decided.standing_votes == decided.counting_votes == DECIDED


def test_how_far_each_partition_was_applied() -> None:
    state = fold([make_reading(offset=4), make_correction(offset=2)])
    assert state.applied_until(Partition(SCANS, 0)) == 4
    assert state.applied_until(Partition(CORRECTIONS, 0)) == 2
    assert state.applied_until(Partition(SCANS, 1)) == -1
