"""Every kind of bad input ends as a coded refusal with its bytes kept, or as a held verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from tallywire.ledger.snapshot import read_station
from tallywire.ledger.state import StationState, Status
from tallywire.reasons import Code
from tallywire.records import Correction, Reading, Rejection, Source
from tallywire.wire import encode, encode_scan_headers
from tallywire.workshop.synthetic.arithmetic import row_values
from tallywire.workshop.synthetic.conditions import ConditionName, conditions
from tallywire.workshop.synthetic.draw import Content, compose_sheet, render_sheet, sheet_rng
from tallywire.workshop.synthetic.mnist_sample import load_hand
from tallywire.workshop.synthetic.simulated_counts import simulate_counts
from tests.support import scan_files
from tests.support.night import WITH_WORKERS, Headers, Night, NightOpener, envelope
from tests.support.scan_files import variant
from tests.support.waiting import wait_until

AGAIN = (3, 4, 5, 6, 7)  # seeds of good sheets, each sent in two files


@dataclass(frozen=True, slots=True)
class Bad:
    """A message and the reason it must be refused for. `key` and `headers` None: well-formed."""

    code: Code
    value: bytes | None
    over: dict[str, Any] = field(default_factory=dict)  # of the envelope
    key: bytes | str | None = "station"
    headers: Callable[[bytes], Headers] | None = None


def future_schema(value: bytes) -> Headers:
    good = dict(encode_scan_headers(envelope("4251-B", value)))
    return list({**good, "schema": b"99"}.items())


def not_utf8(value: bytes) -> Headers:
    good = dict(encode_scan_headers(envelope("4251-B", value)))
    return list({**good, "scanner": b"\xff\xfe\x00scanner"}.items())


def bad_messages() -> dict[str, Bad]:
    """One of each kind."""
    good = scan_files.good_jpeg()
    png, declared = scan_files.wrong_content_type()
    small = scan_files.jpeg(np.full((120, 90, 3), 255, np.uint8))
    return {
        "no value": Bad(Code.EMPTY_VALUE, None),
        "empty value": Bad(Code.EMPTY_VALUE, b""),
        "not an image": Bad(Code.NOT_AN_IMAGE, scan_files.not_an_image()),
        "truncated": Bad(Code.TRUNCATED_IMAGE, scan_files.truncated_jpeg()),
        "bomb": Bad(Code.TOO_MANY_PIXELS, scan_files.png_bomb(), {"content_type": "image/png"}),
        "other bytes than declared": Bad(Code.WRONG_CONTENT_TYPE, png, {"content_type": declared}),
        "no image type": Bad(Code.WRONG_CONTENT_TYPE, good, {"content_type": "text/html"}),
        "too small": Bad(Code.TOO_SMALL, small),
        "white page": Bad(Code.MARKS_NOT_FOUND, scan_files.white_page_jpeg()),
        "unknown station": Bad(Code.UNKNOWN_STATION, good, key=b"9999-X"),
        "no station": Bad(Code.STATION_MISSING, good, key=None),
        "station not UTF-8": Bad(Code.BAD_HEADER, good, key=b"\xff\xfe"),
        "unknown contest": Bad(Code.UNKNOWN_CONTEST, good, {"contest": "senate"}),
        "another image's scan id": Bad(Code.SCAN_ID_MISMATCH, good, {"scan_id": "0" * 64}),
        "header not UTF-8": Bad(Code.BAD_HEADER, good, headers=not_utf8),
        "schema of the future": Bad(Code.FUTURE_SCHEMA, good, headers=future_schema),
        "no headers": Bad(Code.BAD_HEADER, good, headers=lambda _: []),
    }


def odd_total(extra: int) -> bytes:
    """A good sheet whose written total is `extra` more than its rows add up to."""
    at = scan_files.booth()
    station = next(iter(at.election.stations.values()))
    contest = at.election.contests[0]
    values = dict(row_values(at.layout, simulate_counts(at.election, contest, 1)[station.id]))
    total = next(one.id for one in at.layout.fields if one.option is None)
    values[total] += extra
    condition, rng = conditions()[ConditionName.CLEAN], sheet_rng(1, "odd")
    signs = compose_sheet(at.form, values, condition, rng)
    content = Content(signs, station.id, station.district, station.registered)
    return scan_files.jpeg(render_sheet(at.form, content, load_hand(), condition, rng).pixels)


def too_many_votes() -> bytes:
    """A sheet that adds up, with more votes than the station has voters."""
    at = scan_files.booth()
    votes = {option.id: 0 for option in at.election.contests[0].options}
    votes.update(dict.fromkeys(list(votes)[:3], 311))
    sheet = scan_files.draw_sheet(at, condition=ConditionName.CLEAN, votes=votes)
    return scan_files.jpeg(sheet.pixels)


@dataclass(frozen=True, slots=True)
class Seen:
    """The night after everything was accounted for."""

    night: Night
    published: int
    bad: dict[str, tuple[Bad, Source]]
    good: dict[str, str]  # name -> station
    rejections: dict[Source, Any]
    readings: dict[str, Reading]  # the first of each station

    def state(self, name: str) -> StationState:
        contest = self.night.election.contests[0].id
        with self.night.ledger() as ledger:
            generation = self.night.settings.generation
            found = read_station(ledger, generation, contest, self.good[name])
        assert found is not None
        return found

    def codes(self, name: str) -> set[Code]:
        return {reason.code for reason in self.readings[self.good[name]].reasons}


@pytest.fixture(scope="module")
def seen(night_opener: NightOpener) -> Iterator[Seen]:
    with night_opener(WITH_WORKERS) as night:
        night.start_worker(model_version="2")  # the one that accepts these for certain
        yield publish_everything(night)


def publish_everything(night: Night) -> Seen:
    stations = iter(night.election.stations)
    bad = {
        name: (one, send_bad(night, one, next(stations))) for name, one in bad_messages().items()
    }
    pictures = {
        "upright": [scan_files.good_jpeg()],
        "upside down": [scan_files.upside_down_jpeg()],
        "other form": [scan_files.other_form_jpeg()],
        "blank": [scan_files.blank_sheet_jpeg()],
        "odd total": [odd_total(100)],
        "too many votes": [too_many_votes()],
        "twice": [scan_files.good_jpeg(seed=2)] * 2,
    }
    for seed in AGAIN:
        sheet = scan_files.good_jpeg(seed=seed)
        pictures[f"again {seed}"] = [sheet, variant(sheet, 1)]
    good = {name: next(stations) for name in pictures}
    for name, files in pictures.items():
        for file in files:
            night.send(good[name], file)
    count = len(bad) + sum(map(len, pictures.values()))
    night.wait_accounted(count, within_s=90)
    readings: dict[str, Reading] = {}
    for reading in night.readings():
        readings.setdefault(reading.station, reading)
    return Seen(night, count, bad, good, night.rejections(), readings)


def send_bad(night: Night, bad: Bad, station: str) -> Source:
    value = bad.value or b""
    headers = bad.headers(value) if bad.headers else encode_scan_headers(
        envelope(station, value, **bad.over)
    )  # fmt: skip
    key = bad.key if isinstance(bad.key, bytes | None) else station.encode()
    return night.put(night.settings.topics.scans, key, bad.value, headers)


@pytest.mark.parametrize("name", list(bad_messages()))
def test_bad_input_is_refused_with_its_reason_and_its_bytes(seen: Seen, name: str) -> None:
    bad, source = seen.bad[name]
    rejection, record = seen.rejections[source]
    headers = dict(record.headers)
    assert rejection.reason.code is bad.code
    assert rejection.reason.message
    assert record.value == (bad.value or b"")
    assert headers["reason"] == bad.code.value.encode()
    assert headers["original-offset"] == str(source.offset).encode()
    assert headers["original-partition"] == str(source.partition).encode()


def test_everything_is_accounted_once(seen: Seen) -> None:
    outcomes = seen.night.outcomes()
    assert outcomes.total() == seen.published
    assert outcomes["duplicate"] == 1
    assert seen.night.audit_clean()
    assert seen.night.totals() == seen.night.fold()


def test_the_wrong_form_is_refused(seen: Seen) -> None:
    (refused,) = seen.state("other form").rejected
    assert refused.reasons[0].code in {Code.WRONG_FORM, Code.MARKS_NOT_FOUND}


def test_a_sheet_fed_upside_down_is_read_all_the_same(seen: Seen) -> None:
    upright, turned = (seen.readings[seen.good[name]] for name in ("upright", "upside down"))
    same = [a.value == b.value for a, b in zip(upright.counts, turned.counts, strict=True)]
    assert sum(same) >= len(same) - 1


def test_what_a_person_should_see_is_held(seen: Seen) -> None:
    assert Code.BLANK_SHEET in seen.codes("blank")
    assert seen.codes("odd total") & {Code.TOTAL_MISMATCH, Code.DOUBTFUL_SHEET}
    assert Code.OVER_REGISTERED in seen.codes("too many votes")
    for name in ("blank", "odd total", "too many votes"):
        assert seen.state(name).status is Status.HELD


def test_the_same_scan_twice_is_counted_once(seen: Seen) -> None:
    state = seen.state("twice")
    first = seen.readings[seen.good["twice"]]
    assert state.seen.keys() == {first.scan_id}
    assert len(state.held) + (state.counted is not None) == 1


def test_another_scan_of_a_counted_station_is_held_beside_it(seen: Seen) -> None:
    states = [seen.state(f"again {seed}") for seed in AGAIN]
    counted = [state for state in states if state.counted is not None]
    assert counted  # whichever of these sheets the model accepts
    for state in counted:
        assert state.counted is not None
        assert state.counted.scan_id == seen.readings[state.station].scan_id
        assert Code.CONFLICTING_SCAN in {reason.code for reason in state.held[-1].reasons}


def test_lineage_says_what_made_a_reading(seen: Seen) -> None:
    reading = seen.readings[seen.good["upright"]]
    assert reading.lineage.layout == "mx-2015"
    assert reading.lineage.model == "digits"
    assert reading.lineage.model_version >= 1
    assert reading.lineage.source.topic == seen.night.settings.topics.scans


def test_a_correction_wins_and_a_broken_one_changes_nothing(seen: Seen) -> None:
    night, station = seen.night, seen.good["too many votes"]
    topic = night.settings.topics.corrections
    votes = {option.id: 1 for option in night.election.contests[0].options}
    decision = Correction(
        station=station, contest=night.election.contests[0].id, district="",
        source=Source("", 0, 0), decided_at=datetime.now(UTC), decided_by="official",
        why="read from the paper", before=None, votes=votes,
    )  # fmt: skip
    for value in (b"{broken", encode(decision)):
        night.producer.send(topic, key=station.encode(), value=value).get(timeout=30)
    before = night.outcomes()
    wait_until(lambda: seen.state("too many votes").status is Status.CORRECTED, 20, night.describe)
    assert night.outcomes() == before
    assert night.audit_clean()
    broken = [one for source, (one, _) in night.rejections().items() if source.topic == topic]
    assert [type(one) for one in broken] == [Rejection]
