"""Counters: their names, their arithmetic, and where an event's record stands."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.election.election import Contest, Election
from tallywire.ledger import counters, keys
from tallywire.ledger.counters import CounterKind, CounterName, VoteState
from tallywire.ledger.record_key import RecordKey, empty_state, key_of
from tallywire.ledger.state import Event, Status
from tallywire.records import Quality
from tests.support.values import make_correction, make_election, make_reading, make_rejection

names = st.sampled_from(["votes|mayor|A|accepted|high", "scans|held", "stations|mayor|counted"])
tallies = st.dictionaries(names, st.integers(-(10**12), 10**12), max_size=3)


def test_names_are_those_that_redis_has_held_since_the_first_night() -> None:
    """Changing one breaks every ledger that exists: open a new generation instead."""
    assert counters.votes("mayor", "A", VoteState.ACCEPTED, Quality.HIGH) == (
        "votes|mayor|A|accepted|high"
    )
    assert counters.stations("mayor", "counted") == "stations|mayor|counted"
    assert counters.registered("mayor", "counted") == "registered|mayor|counted"
    assert counters.scans("held") == "scans|held"
    assert counters.timeline(1795377605.9, "held") == "time|1795377600|held"
    assert counters.corrections() == "corrections|applied"


NAMES = {
    counters.votes("mayor", "A", VoteState.HELD, Quality.MODERATE): CounterName(
        CounterKind.VOTES, "mayor", "A", "held", "moderate"
    ),
    counters.stations("mayor", "received"): CounterName(
        CounterKind.STATIONS, "mayor", state="received"
    ),
    counters.registered("-", "rejected"): CounterName(
        CounterKind.REGISTERED, "-", state="rejected"
    ),
    counters.scans("duplicate"): CounterName(CounterKind.SCANS, state="duplicate"),
    counters.corrections(): CounterName(CounterKind.CORRECTIONS, state="applied"),
    counters.timeline(20, "counted"): CounterName(CounterKind.TIMELINE, item="20", state="counted"),
}


@pytest.mark.parametrize("text", NAMES)
def test_a_name_is_taken_apart_and_put_together_again(text: str) -> None:
    assert CounterName.parse(text) == NAMES[text]
    assert str(CounterName.parse(text)) == text


@pytest.mark.parametrize("text", ["", "votes", "votes|mayor|A|held", "stations|a|b|c", "what|a"])
def test_what_names_no_counter_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="the name of no counter"):
        CounterName.parse(text)


@given(st.lists(tallies, max_size=5), st.randoms(use_true_random=False))
def test_a_sum_does_not_depend_on_the_order_and_keeps_no_zeros(
    parts: list[dict[str, int]], random: object
) -> None:
    shuffled = list(parts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    total = counters.add(parts)
    assert counters.add(shuffled) == total
    assert all(total.values())


@given(tallies, tallies)
def test_taking_back_what_was_added_leaves_what_was(
    one: dict[str, int], other: dict[str, int]
) -> None:
    both = counters.add([one, other])
    assert counters.add([both, counters.negate(other)]) == counters.add([one])


@given(st.floats(0, 4e9))
def test_every_moment_is_in_the_ten_seconds_that_it_is_filed_under(epoch_s: float) -> None:
    start = int(CounterName.parse(counters.timeline(epoch_s, "held")).item)
    assert start % counters.BUCKET_S == 0
    assert start <= epoch_s < start + counters.BUCKET_S


def two_contests() -> Election:
    election = make_election()
    (mayor,) = election.contests
    return replace(election, contests=(mayor, Contest("senate", "Senate", "x", mayor.options, {})))


def test_a_record_stands_in_its_stations_district_whatever_the_event_says() -> None:
    event = replace(make_reading("d2-3"), district="d1")
    key = key_of(event, make_election())
    assert key == RecordKey("d2", "mayor", "d2-3")
    assert empty_state(key, make_election()).registered == 700


@pytest.mark.parametrize(
    ("event", "election"),
    [
        (make_rejection(None, 5, partition=9), make_election()),
        (replace(make_rejection("d1-1", 5, partition=9), station="gone"), make_election()),
        (replace(make_rejection("d1-1", 5, partition=9), contest="gone"), make_election()),
        (replace(make_rejection("d1-1", 5, partition=9), contest=None), two_contests()),
    ],
    ids=["no station", "unknown station", "unknown contest", "which contest"],
)
def test_what_belongs_to_no_station_is_kept_by_partition(event: Event, election: Election) -> None:
    key = key_of(event, election)
    assert key == RecordKey(keys.NOWHERE, "-", "partition-9")
    empty = empty_state(key, election)
    assert (empty.status, empty.registered) == (Status.EXPECTED, 0)


def test_a_contest_may_be_left_out_where_there_is_one() -> None:
    event = replace(make_rejection("d1-1"), contest=None)
    assert key_of(event, make_election()).contest == "mayor"


def test_two_contests_of_a_station_have_two_records() -> None:
    election = two_contests()
    found = {
        key_of(replace(make_correction("d1-1"), contest=contest), election)
        for contest in ("mayor", "senate")
    }
    assert {key.contest for key in found} == {"mayor", "senate"}


def test_a_record_key_is_found_again_from_its_districts_member() -> None:
    key = RecordKey("d1", "mayor", "1:B")
    assert str(key) == "d1:mayor:1:B"
    assert RecordKey.parse(key.district, key.member) == key


def test_all_keys_of_a_district_hash_to_one_slot_and_generations_apart() -> None:
    one, other = (keys.DistrictKeys("e", name, "15") for name in ("g1", "g2"))
    for name in (one.totals, one.frame, one.revision, one.review, one.stations):
        assert name.startswith("{e:g1:d15}:")
    assert one.station("mayor", "1-B") == "{e:g1:d15}:station:mayor:1-B"
    assert other.totals != one.totals
    shared = {keys.live("e"), keys.past("e"), keys.generations("e")}
    assert len(shared) == 3
    assert all(name.startswith("{e}:") for name in shared)
    assert keys.offsets("e", "g1") != keys.gaps("e", "g1")
