"""Totals from the topics alone: whatever the order and however often, the same to the last vote."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tallywire.ledger.rebuild import (
    Totals,
    fingerprint,
    first_difference,
    nonzero,
    rebuild,
    sum_up,
)
from tallywire.ledger.state import Event
from tallywire.records import Quality, Reading, Verdict
from tallywire.wire import decode, encode
from tests.support.memory_ledger import MemoryLedger
from tests.support.values import make_correction, make_election, make_reading, make_rejection

ELECTION = make_election()
STATIONS = ("d1-1", "d1-2", "d2-1", "nowhere")
VOTES = st.fixed_dictionaries(dict.fromkeys(("A", "B", "null"), st.integers(0, 300)))


@st.composite
def nights(draw: st.DrawFn) -> list[Event]:
    """Scans of several stations over two partitions, and corrections, in the order of the log."""
    scans: list[Event] = []
    for offset in range(draw(st.integers(0, 14))):
        station = draw(st.sampled_from(STATIONS))
        partition = STATIONS.index(station) % 2  # one key, one partition
        if station == "nowhere" or draw(st.integers(0, 4)) == 0:
            scans.append(make_rejection(station, offset, partition))
            continue
        votes = draw(VOTES)
        verdict, quality = draw(st.sampled_from(Verdict)), draw(st.sampled_from(Quality))
        image = f"image {draw(st.integers(0, 6))}"
        scans.append(
            make_reading(
                station, offset, image=image, votes=dict(votes), verdict=verdict,
                quality=quality, partition=partition,
            )
        )  # fmt: skip
    decisions: list[Event] = [
        make_correction(draw(st.sampled_from(STATIONS[:3])), offset, draw(st.none() | VOTES))
        for offset in range(draw(st.integers(0, 4)))
    ]
    return [*scans, *decisions]


def by_memory(events: list[Event]) -> Totals:
    ledger = MemoryLedger(ELECTION)
    for event in events:
        ledger.apply_now(event)
    return nonzero(ledger.totals)


@given(nights())
def test_it_gives_the_sums_of_the_ledger_itself(night: list[Event]) -> None:
    rebuilt = rebuild(night, ELECTION)
    assert nonzero(rebuilt.totals) == by_memory(night)
    assert rebuilt.totals == sum_up(rebuilt.stations.values())
    assert (rebuilt.events, rebuilt.duplicates) == (len(night), 0)


@given(nights(), st.data())
def test_any_order_and_any_repetition_gives_the_same_totals(
    night: list[Event], data: st.DataObject
) -> None:
    repeated = data.draw(st.lists(st.sampled_from(night), max_size=10)) if night else []
    told = data.draw(st.permutations([*night, *repeated]))
    rebuilt = rebuild(told, ELECTION)
    assert rebuilt.totals == rebuild(night, ELECTION).totals
    assert rebuilt.duplicates == len(repeated)
    assert rebuilt.contradictions == ()
    assert first_difference(rebuilt, by_memory(night)) is None
    assert fingerprint(rebuilt.totals) == fingerprint(by_memory(night))


@given(nights())
def test_what_the_wire_rounds_reaches_no_total(night: list[Event]) -> None:
    rounded = [
        replace(
            event,
            confidence=0.123456789123,
            error_probability=1 / 3,
            counts=tuple(
                replace(count, probability=2 / 3, cells=((1 / 3, 2 / 3, *(0.0,) * 9),))
                for count in event.counts
            ),
        )
        if isinstance(event, Reading)
        else event
        for event in night
    ]
    travelled = [
        decode(Reading, encode(event)) if isinstance(event, Reading) else event for event in rounded
    ]
    assert rebuild(travelled, ELECTION).totals == rebuild(night, ELECTION).totals


@given(nights(), st.data())
def test_a_changed_counter_is_named_with_the_stations_behind_it(
    night: list[Event], data: st.DataObject
) -> None:
    rebuilt = rebuild(night, ELECTION)
    claimed = {district: dict(found) for district, found in rebuilt.totals.items()}
    if not claimed:
        return
    district = data.draw(st.sampled_from(sorted(claimed)))
    counter = data.draw(st.sampled_from(sorted(claimed[district])))
    claimed[district][counter] += 1
    found = first_difference(rebuilt, claimed)
    assert found is not None
    assert (found.district, found.counter) == (district, counter)
    assert found.claimed == found.rebuilt + 1
    assert found.stations
    assert fingerprint(claimed) != fingerprint(rebuilt.totals)


def test_a_district_that_only_one_side_has_is_a_difference() -> None:
    rebuilt = rebuild([make_reading("d1-1", 0)], ELECTION)
    claimed = {**rebuilt.totals, "d2": {"scans|counted": 1}}
    found = first_difference(rebuilt, claimed)
    assert found is not None
    assert (found.district, found.rebuilt, found.claimed, found.stations) == ("d2", 0, 1, ())
    assert first_difference(rebuild([], ELECTION), {"d1": {"scans|held": 0}}) is None


def test_a_rejection_between_two_readings_keeps_its_place() -> None:
    # From two topics: the rejection of offset 1 arrives after the readings of 0 and 2.
    night: list[Event] = [
        make_reading("d1-1", 0, verdict=Verdict.HELD),
        make_reading("d1-1", 2, image="other"),
        make_rejection("d1-1", 1),
    ]
    rebuilt = rebuild(night, ELECTION)
    assert rebuilt.totals["d1"]["scans|rejected"] == 1
    assert rebuilt.totals["d1"]["stations|mayor|counted"] == 1


def test_two_stories_of_one_scan_are_told_as_a_contradiction() -> None:
    first = make_reading("d1-1", 5)
    second = make_rejection("d1-1", 5)
    rebuilt = rebuild([first, second, first, second], ELECTION)
    assert rebuilt.contradictions == (second.source,)
    assert rebuilt.totals["d1"]["scans|rejected"] == 1
