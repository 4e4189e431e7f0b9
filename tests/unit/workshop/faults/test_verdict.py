"""The judge of the fault suite: a sound night passes, and no kind of damage does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.ledger.state import Event, event_source
from tallywire.records import Reading, Source
from tallywire.workshop.faults.verdict import NightEvidence, PublishedScan, judge
from tests.support.memory_ledger import MemoryLedger
from tests.support.values import SCANS, make_election, make_reading, make_rejection

ELECTION = make_election()
STATIONS = ("d1-1", "d1-2", "d2-1")


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Outcomes of 4 to 12 scans of one partition: read, read again, refused."""
    events: list[Event] = []
    for offset in range(draw(st.integers(4, 12))):
        station = draw(st.sampled_from(STATIONS))
        if draw(st.integers(0, 4)) == 0:
            events.append(make_rejection(station, offset))
        else:
            image = f"image {draw(st.integers(0, 6))}"
            events.append(make_reading(station, offset, image=image, votes={"A": offset + 1}))
    return events


def evidence_of(events: list[Event], applied: list[Event] | None = None) -> NightEvidence:
    """A night in which these events were told, and `applied` (default: the same) were counted."""
    ledger = MemoryLedger(ELECTION)
    for event in events if applied is None else applied:
        ledger.apply_now(event)
    scans = {event_source(event): scan_of(event) for event in events}
    return NightEvidence(
        acknowledged={source: scan.scan_id for source, scan in scans.items()},
        scans=scans,
        malformed=frozenset(),
        events=events,
        totals=ledger.totals,
        stations=list(ledger.states.values()),
        discrepancies=0,
        next_offsets={0: len(events)},
        gaps=0,
    )


def scan_of(event: Event) -> PublishedScan:
    station = (event.station or "").encode()
    return PublishedScan(station, (getattr(event, "scan_id", None) or "").encode())


@given(histories(), st.randoms(use_true_random=False))
def test_a_sound_night_passes_in_whatever_order_and_however_often_it_was_told(
    events: list[Event], rng: Random
) -> None:
    told = [*events, *rng.choices(events, k=3)]
    rng.shuffle(told)
    verdict = judge(replace(evidence_of(events), events=told), ELECTION)
    assert verdict.kept
    assert (verdict.scans, verdict.lost, verdict.double) == (len(events), 0, 0)


@given(histories(), st.data())
def test_a_scan_that_the_ledger_never_counted_is_lost(
    events: list[Event], data: st.DataObject
) -> None:
    missed = data.draw(st.sampled_from(events))
    verdict = judge(evidence_of(events, [one for one in events if one is not missed]), ELECTION)
    assert verdict.lost == 1
    assert not verdict.identical
    assert not verdict.kept


@given(histories(), st.data())
def test_a_scan_that_was_counted_again_elsewhere_is_double(
    events: list[Event], data: st.DataObject
) -> None:
    twice = data.draw(st.sampled_from(events))
    again = moved(twice, Source(SCANS, 1, 0))
    verdict = judge(evidence_of(events, [*events, again]), ELECTION)
    assert verdict.double == 1
    assert not verdict.identical


def moved(event: Event, source: Source) -> Event:
    if isinstance(event, Reading):
        return replace(event, lineage=replace(event.lineage, source=source))
    return replace(event, source=source)


SOUND: list[Event] = [make_reading("d1-1", 0), make_reading("d1-2", 1), make_rejection("d2-1", 2)]
OTHER = Source(SCANS, 3, 7)


def other_totals(found: NightEvidence) -> Mapping[str, Mapping[str, int]]:
    return {**found.totals, "d1": {**found.totals["d1"], "votes|mayor|A|accepted|high": 1}}


DAMAGE: dict[str, Callable[[NightEvidence], NightEvidence]] = {
    "acknowledged and gone": lambda found: replace(
        found, acknowledged={**found.acknowledged, OTHER: b"x"}
    ),
    "another scan in its place": lambda found: replace(
        found, acknowledged={**found.acknowledged, Source(SCANS, 0, 0): b"x"}
    ),
    "no result on the topics": lambda found: replace(found, events=found.events[1:]),
    "a result of nothing": lambda found: replace(
        found, events=[*found.events, moved(make_reading("d1-3"), OTHER)]
    ),
    "two results of one scan": lambda found: replace(
        found, events=[*found.events, make_rejection("d1-1", 0)]
    ),
    "another total": lambda found: replace(found, totals=other_totals(found)),
    "a record lost": lambda found: replace(found, stations=found.stations[1:]),
    "totals without records": lambda found: replace(found, discrepancies=1),
    "not read to the end": lambda found: replace(found, next_offsets={0: 2}),
    "offsets taken for missing": lambda found: replace(found, gaps=1),
    "rubbish was read": lambda found: replace(found, malformed=frozenset({Source(SCANS, 0, 1)})),
}


@pytest.mark.parametrize("damage", list(DAMAGE))
def test_no_damage_passes(damage: str) -> None:
    sound = evidence_of(SOUND)
    assert judge(sound, ELECTION).kept
    verdict = judge(DAMAGE[damage](sound), ELECTION)
    assert not verdict.kept
    assert verdict.problems or verdict.lost or verdict.double


def test_the_same_image_counted_twice_is_double_though_all_numbers_agree() -> None:
    """The scans topic alone says how many duplicates there must be."""
    first, second = make_reading("d1-1", 0, image="a"), make_reading("d1-1", 1, image="b")
    found = evidence_of([first, second])
    same = PublishedScan(b"d1-1", b"a")
    scans = dict.fromkeys(found.scans, same)
    verdict = judge(replace(found, scans=scans, acknowledged=dict.fromkeys(scans, b"a")), ELECTION)
    assert verdict.double == 1
