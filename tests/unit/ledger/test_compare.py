"""Two generations compared: what changed, and that nothing is missing from the difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tallywire.election.election import Election, OptionKind
from tallywire.ledger import counters
from tallywire.ledger.compare import (
    DistrictChange,
    compare,
    compare_districts,
    group_by_reason,
    sheet_of,
)
from tallywire.ledger.state import Event, StationState, Status
from tallywire.reasons import Code
from tallywire.records import Verdict
from tests.support.memory_ledger import MemoryLedger
from tests.support.values import make_correction, make_election, make_reading, make_rejection


def election_where_null_cannot_win() -> Election:
    made = make_election()
    (contest,) = made.contests
    *parties, null = contest.options
    options = (*parties, replace(null, kind=OptionKind.NULL))
    return replace(made, contests=(replace(contest, options=options),))


ELECTION = election_where_null_cannot_win()


def ledger_of(events: Sequence[Event]) -> MemoryLedger:
    ledger = MemoryLedger(ELECTION)
    for event in events:
        ledger.apply_now(event)
    return ledger


def states_of(*events: Event) -> list[StationState]:
    return list(ledger_of(events).states.values())


def only(changes: Sequence[DistrictChange], district: str) -> DistrictChange:
    (found,) = [one for one in changes if one.district == district]
    return found


@st.composite
def nights(draw: st.DrawFn) -> MemoryLedger:
    """Any events of any stations; a third of the stations is unknown or never heard of."""
    events: list[Event] = []
    for offset in range(draw(st.integers(0, 12))):
        station = draw(st.sampled_from([*list(ELECTION.stations)[:5], "d9-9"]))
        kind = draw(st.integers(0, 5))
        if kind == 0:
            events.append(make_rejection(station, offset))
            continue
        votes = {name: draw(st.integers(0, 300)) for name in ("A", "B", "null")}
        if kind == 1:
            events.append(make_correction(station, offset, draw(st.none() | st.just(votes))))
            continue
        verdict = draw(st.sampled_from(Verdict))
        image = f"image {draw(st.integers(0, 6))}"
        events.append(
            make_reading(station, offset, image=image, votes=dict(votes), verdict=verdict)
        )
    return ledger_of(events)


@given(nights())
def test_a_night_does_not_differ_from_itself(night: MemoryLedger) -> None:
    states = list(night.states.values())
    assert compare(states, states) == ()
    assert not any(one.changed for one in compare_districts(ELECTION, states, states))
    assert group_by_reason(compare(states, states)) == ()


@given(nights(), nights())
def test_the_stations_differences_add_up_to_the_totals_difference(
    before: MemoryLedger, after: MemoryLedger
) -> None:
    changes = compare(before.states.values(), after.states.values())
    for district in before.totals.keys() | after.totals.keys():
        deltas = counters.add([one.delta for one in changes if one.district == district])
        old, new = before.totals.get(district, {}), after.totals.get(district, {})
        assert deltas == counters.add([new, counters.negate(old)])


@given(nights(), nights())
def test_back_again_is_the_same_the_other_way_round(
    before: MemoryLedger, after: MemoryLedger
) -> None:
    there = compare(before.states.values(), after.states.values())
    back = compare(after.states.values(), before.states.values())
    assert [(one.station, one.before, one.after) for one in there] == [
        (one.station, one.after, one.before) for one in back
    ]
    assert all(
        dict(one.delta) == counters.negate(other.delta)
        for one, other in zip(there, back, strict=True)
    )


@given(nights(), nights())
def test_a_districts_votes_and_order_follow_from_its_sheets(
    before: MemoryLedger, after: MemoryLedger
) -> None:
    changes = compare(before.states.values(), after.states.values())
    for found in compare_districts(ELECTION, before.states.values(), after.states.values()):
        sheets = [one for one in changes if one.district == found.district]
        for option in found.options:
            gained = sum(
                (one.after.votes if one.after else {}).get(option.option, 0)
                - (one.before.votes if one.before else {}).get(option.option, 0)
                for one in sheets
            )
            assert option.after - option.before == gained
        ranked = [one for one in found.options if one.rank_after is not None]
        assert all(
            (one.rank_after < other.rank_after) == (one.after > other.after)
            for one in ranked
            for other in ranked
            if one.rank_after is not None and other.rank_after is not None
        )


def test_a_changed_reading_names_both_sides() -> None:
    old = states_of(make_reading("d1-1", 0, votes={"A": 10, "B": 20}, verdict=Verdict.HELD))
    new = states_of(make_reading("d1-1", 0, votes={"A": 70, "B": 20}))
    (change,) = compare(old, new)
    assert change.before is not None
    assert change.after is not None
    assert (change.before.status, change.after.status) == (Status.HELD, Status.COUNTED)
    assert change.before.reasons == (str(Code.TOTAL_MISMATCH),)
    assert (change.before.votes, change.after.votes) == ({}, {"A": 70, "B": 20})
    assert (change.before.read["A"], change.after.read["A"]) == (10, 70)
    (group,) = group_by_reason([change])
    assert group.before == change.before.label
    assert (group.after, group.stations) == ("counted", ("d1-1",))


def test_a_change_of_the_lead_is_one_and_a_tie_shares_it() -> None:
    old = states_of(make_reading("d1-1", 0, votes={"A": 10, "B": 20, "null": 900}))
    new = states_of(make_reading("d1-1", 0, votes={"A": 20, "B": 20, "null": 900}))
    tied = only(compare_districts(ELECTION, old, new), "d1")
    assert tied.leaders == (("B",), ("A", "B"))
    assert tied.lead_changed
    assert tied.order_changed
    turned = states_of(make_reading("d1-1", 0, votes={"A": 30, "B": 20, "null": 900}))
    found = only(compare_districts(ELECTION, old, turned), "d1")
    assert found.leaders == (("B",), ("A",))
    assert found.stations_before == found.stations_after == 1
    assert not only(compare_districts(ELECTION, old, turned), "d2").changed


def test_more_votes_in_the_same_order_are_no_change_of_order() -> None:
    old = states_of(make_reading("d1-1", 0, votes={"A": 10, "B": 20}))
    new = states_of(make_reading("d1-1", 0, votes={"A": 11, "B": 22}))
    found = only(compare_districts(ELECTION, old, new), "d1")
    assert found.changed
    assert not found.order_changed
    assert not found.lead_changed


def test_a_correction_counts_whatever_the_machine_reads() -> None:
    decision = make_correction("d1-1", 0, {"A": 5})
    old = states_of(make_reading("d1-1", 0, votes={"A": 10}), decision)
    new = states_of(make_reading("d1-1", 0, votes={"A": 90}), decision)
    (change,) = compare(old, new)
    assert change.reading_changed
    assert change.delta == {}
    assert sheet_of(old[0]).votes == sheet_of(new[0]).votes == {"A": 5}


def test_other_counters_of_scans_alone_are_no_changed_reading() -> None:
    first = make_reading("d1-1", 0, image="same")
    (change,) = compare(states_of(first), states_of(first, make_reading("d1-1", 1, image="same")))
    assert not change.reading_changed
    assert change.delta["scans|duplicate"] == 1


def test_a_station_that_one_of_them_lacks() -> None:
    (change,) = compare([], states_of(make_reading("d2-3", 4)))
    assert change.before is None
    assert change.station == "d2-3"
    assert group_by_reason([change])[0].before == "-"
