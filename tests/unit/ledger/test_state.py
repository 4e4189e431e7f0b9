"""Every transition of a station, by name; then what must hold for any history."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.ledger import counters
from tallywire.ledger.bodies import from_body, to_body
from tallywire.ledger.counters import VoteState
from tallywire.ledger.state import (
    MOST_KEPT,
    Event,
    Outcome,
    StationState,
    Status,
    apply,
    contribution,
)
from tallywire.reasons import Code
from tallywire.records import Correction, Quality, Rejection, Verdict
from tests.factories import make_correction, make_reading, make_rejection

HELD = Verdict.HELD
DECIDED = {"A": 90, "B": 60, "null": 1}


def fresh() -> StationState:
    return StationState("d1-1", "mayor", "d1", 700)


def fold(events: Sequence[Event], state: StationState | None = None) -> StationState:
    state = state or fresh()
    for event in events:
        state = apply(state, event).state
    return state


def votes_of(state: StationState, option: str) -> dict[str, int]:
    """`state|quality` -> votes of an option that the station contributes."""
    start = f"votes|mayor|{option}|"
    return {
        name.removeprefix(start): value
        for name, value in contribution(state).items()
        if name.startswith(start)
    }


# --- transitions (the arrows of ARCHITECTURE.md's diagram) ---------------------------------------


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


def test_lists_are_bounded_but_counters_go_on() -> None:
    events = [make_reading(offset=n, verdict=HELD) for n in range(MOST_KEPT + 5)]
    state = fold(events)
    assert len(state.held) == MOST_KEPT
    assert state.held[0].source.offset == 0
    assert state.held[-1].source.offset == MOST_KEPT + 4
    assert contribution(state)["scans|held"] == MOST_KEPT + 5


def test_the_timeline_is_the_brokers_time_in_ten_seconds() -> None:
    names = [name for name in contribution(fold([make_reading(offset=25)])) if "time" in name]
    start = int(names[0].split("|")[1])
    assert start % counters.BUCKET_S == 0
    assert 0 <= make_reading(offset=25).published_at.timestamp() - start < counters.BUCKET_S


# --- properties ---------------------------------------------------------------------------------


@st.composite
def scan_events(draw: st.DrawFn) -> list[Event]:
    """A station's scans in the order of their offsets; images may repeat."""
    events: list[Event] = []
    for offset in range(draw(st.integers(0, 8))):
        if draw(st.integers(0, 4)) == 0:
            events.append(make_rejection(offset=offset))
            continue
        votes = {name: draw(st.integers(0, 300)) for name in ("A", "B", "null")}
        events.append(
            make_reading(
                offset=offset,
                image=f"image {draw(st.integers(0, 5))}",
                votes=dict(votes),
                verdict=draw(st.sampled_from(Verdict)),
                quality=draw(st.sampled_from(Quality)),
            )
        )
    return events


@st.composite
def correction_events(draw: st.DrawFn) -> list[Event]:
    """A station's corrections in the order of their offsets."""
    values = st.none() | st.fixed_dictionaries(dict.fromkeys(("A", "B", "null"), st.integers(0, 9)))
    return [
        make_correction(offset=offset, votes=draw(values))
        for offset in range(draw(st.integers(0, 3)))
    ]


@given(scan_events(), st.data())
def test_any_redelivery_of_any_stretch_changes_nothing(
    events: list[Event], data: st.DataObject
) -> None:
    delivered: list[Event] = []
    for index in range(len(events)):
        delivered.append(events[index])
        start = data.draw(st.integers(0, index + 1))
        delivered += events[start : index + 1]
    assert to_body(fold(delivered)) == to_body(fold(events))


@given(scan_events(), correction_events(), st.randoms(use_true_random=False))
def test_any_interleaving_of_scans_and_corrections_gives_the_same_totals(
    scans: list[Event], corrections: list[Event], random: object
) -> None:
    expected = contribution(fold([*scans, *corrections]))
    mixed: list[Event] = []
    left, right = list(scans), list(corrections)
    while left or right:
        pick = left if left and (not right or random.random() < 0.5) else right  # type: ignore[attr-defined]
        mixed.append(pick.pop(0))
    assert contribution(fold(mixed)) == expected


@given(scan_events(), correction_events())
def test_deltas_add_up_to_the_contribution_and_are_reversible(
    scans: list[Event], corrections: list[Event]
) -> None:
    state, total = fresh(), dict[str, int]()
    for event in [*scans, *corrections]:
        before, answer = total, apply(state, event)
        state, total = answer.state, counters.add([total, answer.delta])
        assert counters.add([total, counters.negate(answer.delta)]) == before
    assert total == counters.add([contribution(state)])


@given(scan_events(), correction_events())
def test_every_scan_has_exactly_one_outcome_and_integers_stay_integers(
    scans: list[Event], corrections: list[Event]
) -> None:
    found = contribution(fold([*scans, *corrections]))
    assert sum(value for name, value in found.items() if name.startswith("scans|")) == len(scans)
    assert sum(value for name, value in found.items() if name.startswith("time|")) == len(scans)
    assert all(type(value) is int for value in found.values())


@given(scan_events(), correction_events())
def test_a_station_votes_at_most_once(scans: list[Event], corrections: list[Event]) -> None:
    state = fold([*scans, *corrections])
    kinds = {
        name.split("|")[3] for name, value in contribution(state).items()
        if name.startswith("votes|") and value
    }  # fmt: skip
    assert len(kinds) <= 1
    if state.counted and not state.corrected:
        assert kinds <= {VoteState.ACCEPTED.value}


@given(scan_events(), correction_events())
def test_a_record_survives_its_wire_form(scans: list[Event], corrections: list[Event]) -> None:
    state = fold([*scans, *corrections])
    assert from_body(state.version, to_body(state)) == state


def test_events_are_of_three_kinds() -> None:
    assert isinstance(make_rejection(), Rejection)
    assert isinstance(make_correction(), Correction)


def test_offsets_of_two_partitions_do_not_compare() -> None:
    """A publisher with another partitioner: its scan stands at a lower offset, and still counts."""
    state = apply(fresh(), make_reading("d1-1", offset=9, image="a")).state
    other = make_reading("d1-1", offset=2, image="b", partition=1)
    applied = apply(state, other)
    assert applied.outcome is Outcome.HELD
    assert apply(applied.state, other).delta == {}
