"""Readings, corrections and rejections on the wire: there and back, and strict on the way in."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallywire.reasons import Code, Reason
from tallywire.records import (
    Correction,
    Count,
    Lineage,
    Quality,
    Reading,
    Rejection,
    Source,
    Verdict,
)
from tallywire.wire import (
    MOST_JSON_BYTES,
    WireError,
    decode,
    encode,
    encode_rejection_headers,
)
from tallywire.wire.messages import MOST_VOTES
from tests.support.values import make_correction, make_reading, make_rejection

texts = st.text(st.characters(codec="utf-8"), max_size=20)
times = st.datetimes(timezones=st.just(UTC))
numbers = st.integers(0, MOST_VOTES)
parts = st.floats(0, 1)
cells = st.lists(parts, min_size=11, max_size=11).map(tuple)
sources = st.builds(Source, texts, st.integers(0, 500), st.integers(0, 2**62))
reasons = st.builds(
    Reason,
    st.sampled_from(Code),
    texts,
    st.dictionaries(texts, st.none() | st.booleans() | numbers | texts | parts, max_size=3),
)
counts = st.builds(
    Count,
    field=texts, option=st.none() | texts, written=st.none() | numbers, value=st.none() | numbers,
    confidence=parts, probability=parts, runner_up=st.none() | numbers,
    changed_by=st.none() | texts, cells=st.lists(cells, max_size=2).map(tuple),
)  # fmt: skip
readings = st.builds(
    Reading,
    station=texts, contest=texts, district=texts, scan_id=texts, scanner=texts,
    captured_at=times, published_at=times, counts=st.lists(counts, max_size=2).map(tuple),
    confidence=parts, error_probability=parts, quality=st.sampled_from(Quality),
    verdict=st.sampled_from(Verdict), reasons=st.lists(reasons, max_size=2).map(tuple),
    lineage=st.builds(Lineage, sources, texts, numbers, texts, numbers, texts),
)  # fmt: skip
votes = st.none() | st.dictionaries(texts, numbers, max_size=4)
corrections = st.builds(
    Correction, texts, texts, texts, sources, times, texts, texts, before=votes, votes=votes
)
rejections = st.builds(
    Rejection, sources, st.none() | texts, st.none() | texts, st.none() | texts, st.none() | texts,
    times, reasons, st.integers(1, 9),
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(readings)
def test_a_reading_survives_up_to_rounding(reading: Reading) -> None:
    data = encode(reading)
    back = decode(Reading, data)
    assert encode(back) == data
    assert back.lineage == reading.lineage
    assert back.reasons == reading.reasons
    for one, other in zip(back.counts, reading.counts, strict=True):
        assert (one.value, one.written, one.option) == (other.value, other.written, other.option)
        flat = zip(sum(one.cells, ()), sum(other.cells, ()), strict=True)
        assert all(abs(p - q) <= 0.00005 for p, q in flat)


@given(corrections)
def test_a_correction_survives_exactly(correction: Correction) -> None:
    assert decode(Correction, encode(correction)) == correction


@given(rejections)
def test_a_rejection_survives_exactly(rejection: Rejection) -> None:
    assert decode(Rejection, encode(rejection)) == rejection


def test_probabilities_are_rounded_and_small_ones_kept_where_they_decide() -> None:
    cell = (0.123456, *(0.0,) * 9, 0.876544)
    reading = make_reading()
    count = replace(reading.counts[0], cells=(cell,), probability=0.9999123456)
    back = decode(
        Reading, encode(replace(reading, counts=(count,), error_probability=0.0000123456))
    )
    assert back.counts[0].cells[0][0] == 0.1235
    assert back.counts[0].probability == 0.999912346
    assert back.error_probability == 0.000012346


def test_equal_values_give_equal_bytes_whatever_the_order_of_their_keys() -> None:
    one = make_correction(votes={"A": 1, "B": 2})
    other = make_correction(votes={"B": 2, "A": 1})
    assert encode(one) == encode(other)
    assert json.loads(encode(one))["schema"] == 1


def test_text_stays_readable_in_the_topic() -> None:
    assert "Peñón".encode() in encode(replace(make_correction(), why="Peñón de los Baños"))


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"",
        b" ",
        b"\xff\xd8\xff",
        b"null",
        b"[1]",
        b'"schema"',
        b"{}",
        b'{"schema":1}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"schema":' + b"9" * 5000 + b"}",
        b'{"schema":1,"why":"\\ud800"}',
        b"x" * (MOST_JSON_BYTES + 1),
    ],
    ids=lambda data: repr(data[:12]) if data else repr(data),
)
def test_bytes_that_are_no_message_are_named_and_never_break_the_reader(
    data: bytes | None,
) -> None:
    with pytest.raises(WireError) as caught:
        decode(Correction, data)
    assert len(str(caught.value)) <= 500


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_as_a_wire_error(data: bytes) -> None:
    with pytest.raises(WireError):
        decode(Reading, data)


def changed(message: Reading | Correction, **fields: Any) -> bytes:
    """A good message with some fields replaced by any JSON."""
    return json.dumps({**json.loads(encode(message)), **fields}).encode()


@pytest.mark.parametrize("schema", [0, 2, 999, -1, 1.0, True, "1", None, [1]])
def test_only_schemas_that_we_know_are_read(schema: object) -> None:
    with pytest.raises(WireError, match="schema"):
        decode(Correction, changed(make_correction(), schema=schema))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("station", 7),
        ("station", None),
        ("votes", {"A": "1"}),
        ("votes", {"A": 1.0}),
        ("votes", {"A": True}),
        ("votes", {"A": None}),
        ("votes", {"A": -1}),
        ("votes", {"A": MOST_VOTES + 1}),
        ("votes", {"A": 2**70}),
        ("votes", [1]),
        ("before", {"A": -1}),
        ("decided_at", "2026-11-22T20:00:00"),
        ("decided_at", "tonight"),
        ("source", {"topic": "tally.corrections", "partition": 0}),
    ],
)
def test_a_correction_is_read_strictly(field: str, value: object) -> None:
    with pytest.raises(WireError):
        decode(Correction, changed(make_correction(votes={"A": 1}), **{field: value}))


def test_what_is_not_a_number_is_not_json() -> None:
    data = encode(make_reading()).replace(b'"error_probability":0.001', b'"error_probability":NaN')
    with pytest.raises(WireError, match="NaN"):
        decode(Reading, data)
    with pytest.raises(ValueError, match="JSON"):
        encode(replace(make_reading(), error_probability=float("nan")))


def test_an_unknown_code_or_verdict_is_refused() -> None:
    for field, value in (("verdict", "perhaps"), ("quality", "low")):
        with pytest.raises(WireError, match=field):
            decode(Reading, changed(make_reading(), **{field: value}))


def test_fields_added_within_a_schema_are_ignored() -> None:
    assert decode(Correction, changed(make_correction(), reviewed_twice=True)) == make_correction()


def test_one_kind_is_not_taken_for_another() -> None:
    with pytest.raises(WireError):
        decode(Reading, encode(make_correction()))
    with pytest.raises(WireError):
        decode(Correction, encode(make_rejection()))


def test_the_headers_of_a_rejected_scan_say_where_it_was_and_why() -> None:
    rejection = make_rejection(offset=41, partition=5)
    headers = dict(encode_rejection_headers(rejection))
    assert headers["original-topic"] == b"tally.scans"
    assert (headers["original-partition"], headers["original-offset"]) == (b"5", b"41")
    assert (headers["reason"], headers["attempts"]) == (b"not_an_image", b"1")
    assert headers["message"].decode() == rejection.reason.message
    assert decode(Rejection, headers["rejection"]) == rejection


def test_times_keep_their_zone() -> None:
    at = datetime.fromisoformat("2026-11-22T20:00:00-06:00")
    assert decode(Correction, encode(replace(make_correction(), decided_at=at))).decided_at == at
