"""What must hold for any history of one station."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tallywire.ledger import counters
from tallywire.ledger.counters import CounterKind, CounterName, VoteState
from tallywire.ledger.serialization import from_body, to_body
from tallywire.ledger.state import Event, apply, contribution
from tallywire.records import Quality, Verdict
from tests.support.station_histories import fold, fresh
from tests.support.values import make_correction, make_reading, make_rejection


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
    names = [CounterName.parse(text) for text, value in contribution(state).items() if value]
    kinds = {name.state for name in names if name.kind is CounterKind.VOTES}
    assert len(kinds) <= 1
    if state.counted and not state.corrected:
        assert kinds <= {VoteState.ACCEPTED.value}


@given(scan_events(), correction_events())
def test_a_record_survives_its_wire_form(scans: list[Event], corrections: list[Event]) -> None:
    state = fold([*scans, *corrections])
    assert from_body(state.version, to_body(state)) == state
