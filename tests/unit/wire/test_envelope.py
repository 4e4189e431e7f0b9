"""The envelope of a scan: what is opened, what is refused, and that nothing ever raises."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.reasons import Code, Reason
from tallywire.records import Envelope, Scan, Source
from tallywire.wire import decode_scan, encode_scan_headers
from tallywire.wire.envelope import MOST_HEADER_BYTES, MOST_HEADERS, MOST_KEY_BYTES

IMAGE = b"\xff\xd8 an image \xff\xd9"
AT = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
SOURCE = Source("tally.scans", 3, 14)
LIMIT = 1000
ENVELOPE = Envelope(
    station="1-B",
    scanner="scanner ñ 7",
    captured_at=datetime(2026, 11, 22, 19, 59, 30, 250000, tzinfo=UTC),
    content_type="image/jpeg",
    scan_id=hashlib.sha256(IMAGE).hexdigest(),
    contest="deputies",
)

Headers = list[tuple[str, bytes | None]]


def headers_without(*names: str, **more: bytes | None) -> Headers:
    """Good headers but for some; `more` are added, underscores standing for dashes."""
    kept: Headers = [pair for pair in encode_scan_headers(ENVELOPE) if pair[0] not in names]
    return kept + [(name.replace("_", "-"), data) for name, data in more.items()]


def opened(
    headers: Headers | None = None, key: bytes | None = b"1-B", value: bytes | None = IMAGE
) -> Scan | Reason:
    headers = headers_without() if headers is None else headers
    return decode_scan(key, value, headers, SOURCE, AT, LIMIT)


def code_of(answer: Scan | Reason) -> Code:
    assert isinstance(answer, Reason)
    assert answer.refuses
    assert answer.message.endswith(".")
    return answer.code


def test_a_scan_comes_out_as_it_went_in() -> None:
    assert opened() == Scan(ENVELOPE, SOURCE, AT, IMAGE)


def test_the_headers_are_those_of_the_contract() -> None:
    names = [name for name, _ in encode_scan_headers(replace(ENVELOPE, contest=None))]
    assert sorted(names) == ["captured-at", "content-type", "scan-id", "scanner", "schema"]


@pytest.mark.parametrize("key", [None, b"", b"  "])
def test_no_station_no_scan(key: bytes | None) -> None:
    assert code_of(opened(key=key)) is Code.STATION_MISSING


@pytest.mark.parametrize("value", [None, b""])
def test_an_empty_value_is_refused(value: bytes | None) -> None:
    assert code_of(opened(value=value)) is Code.EMPTY_VALUE


def test_a_value_at_the_limit_is_opened_and_one_byte_more_is_not() -> None:
    for size, fits in ((LIMIT, True), (LIMIT + 1, False)):
        image = bytes(size)
        digest = hashlib.sha256(image).hexdigest().encode()
        answer = opened(headers_without("scan-id", scan_id=digest), value=image)
        assert isinstance(answer, Scan) is fits
    assert code_of(answer) is Code.VALUE_TOO_LARGE
    assert isinstance(answer, Reason)
    assert answer.evidence == {"bytes": LIMIT + 1, "limit": LIMIT}


@pytest.mark.parametrize(
    "name", ["scan-id", "scanner", "captured-at", "content-type", "schema", "contest", "trace"]
)
def test_any_header_that_is_not_utf8_is_refused_by_name(name: str) -> None:
    answer = opened([*headers_without(name), (name, b"\xc3\x28")])
    assert code_of(answer) is Code.BAD_HEADER
    assert isinstance(answer, Reason)
    assert answer.evidence["header"] == name


def test_a_key_that_is_not_utf8_or_too_long_is_refused() -> None:
    assert code_of(opened(key=b"\xff\xfe")) is Code.BAD_HEADER
    assert code_of(opened(key=b"1" * (MOST_KEY_BYTES + 1))) is Code.BAD_HEADER


def test_headers_are_bounded_in_size_and_number() -> None:
    assert isinstance(opened(headers_without(trace=b"x" * MOST_HEADER_BYTES)), Scan)
    assert code_of(opened(headers_without(trace=b"x" * (MOST_HEADER_BYTES + 1)))) is Code.BAD_HEADER
    many: Headers = [(f"h{n}", b"") for n in range(MOST_HEADERS)]
    assert code_of(opened([*headers_without(), *many])) is Code.BAD_HEADER


def test_a_schema_from_the_future_is_refused_before_anything_else_is_judged() -> None:
    answer = opened([("schema", b"2"), ("scan-id", b"in a new notation")])
    assert code_of(answer) is Code.FUTURE_SCHEMA
    assert isinstance(answer, Reason)
    assert answer.evidence == {"schema": 2, "supported": 1}


@pytest.mark.parametrize("schema", [b"", b"0", b"-1", b"one", b"1.0", "１".encode(), b"9" * 400])
def test_a_schema_that_is_no_number_is_a_bad_header(schema: bytes) -> None:
    assert code_of(opened(headers_without("schema", schema=schema))) is Code.BAD_HEADER


@pytest.mark.parametrize("scan_id", [b"", b"abc", ENVELOPE.scan_id.upper().encode(), b"g" * 64])
def test_a_scan_id_that_is_no_hash_is_a_bad_header(scan_id: bytes) -> None:
    assert code_of(opened(headers_without("scan-id", scan_id=scan_id))) is Code.BAD_HEADER


def test_a_torn_image_does_not_match_its_scan_id() -> None:
    answer = opened(value=IMAGE[:-1])
    assert code_of(answer) is Code.SCAN_ID_MISMATCH
    assert isinstance(answer, Reason)
    assert answer.evidence["sha256"] == hashlib.sha256(IMAGE[:-1]).hexdigest()


@pytest.mark.parametrize("kind", [b"", b"image/gif", b"text/html", b"IMAGE/JPEG"])
def test_a_content_type_that_we_cannot_open_is_refused(kind: bytes) -> None:
    answer = opened(headers_without("content-type", content_type=kind))
    assert code_of(answer) is Code.WRONG_CONTENT_TYPE
    assert code_of(opened(headers_without("content-type"))) is Code.WRONG_CONTENT_TYPE


def test_without_scanner_contest_and_time_a_scan_is_still_a_scan() -> None:
    answer = opened(headers_without("scanner", "contest", "captured-at"))
    assert isinstance(answer, Scan)
    assert (answer.envelope.scanner, answer.envelope.contest) == ("", None)
    assert answer.envelope.captured_at == AT


def test_a_header_without_a_value_counts_as_absent() -> None:
    answer = opened(headers_without("scanner", "captured-at", scanner=None, captured_at=None))
    assert isinstance(answer, Scan)
    assert answer.envelope.captured_at == AT
    assert code_of(opened(headers_without("scan-id", scan_id=None))) is Code.BAD_HEADER


@pytest.mark.parametrize(
    ("text", "hour_utc"),
    [(b"2026-11-22T19:30:00", 19), (b"2026-11-22T19:30:00-06:00", 25), (b"20261122T193000Z", 19)],
)
def test_times_of_any_zone_become_utc(text: bytes, hour_utc: int) -> None:
    answer = opened(headers_without("captured-at", captured_at=text))
    assert isinstance(answer, Scan)
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    assert answer.envelope.captured_at == midnight + timedelta(hours=hour_utc, minutes=30)
    assert answer.envelope.captured_at.tzinfo is UTC


@pytest.mark.parametrize("text", [b"yesterday", b"2026-13-01", b"0001-01-01T00:00:00+14:00"])
def test_a_time_that_is_none_is_a_bad_header(text: bytes) -> None:
    assert code_of(opened(headers_without("captured-at", captured_at=text))) is Code.BAD_HEADER


zones = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
envelopes = st.builds(
    Envelope,
    station=st.text(st.characters(codec="utf-8"), min_size=1, max_size=60).filter(str.strip),
    scanner=st.text(st.characters(codec="utf-8"), max_size=200),
    captured_at=st.datetimes(
        datetime(1970, 1, 3),  # noqa: DTZ001  # Hypothesis takes bounds without a zone
        datetime(2100, 1, 1),  # noqa: DTZ001
        timezones=zones,
    ),
    content_type=st.sampled_from(["image/jpeg", "image/png", "image/tiff"]),
    scan_id=st.just(ENVELOPE.scan_id),
    contest=st.none() | st.from_regex("[a-z][a-z0-9-]{0,20}", fullmatch=True),
)


@given(envelopes)
def test_any_envelope_survives_the_wire(envelope: Envelope) -> None:
    key = envelope.station.encode()
    answer = decode_scan(key, IMAGE, encode_scan_headers(envelope), SOURCE, AT, LIMIT)
    if envelope.station.strip(" \t\n\r\x0b\f"):
        assert isinstance(answer, Scan)
        assert answer.envelope == envelope


names = st.sampled_from(["schema", "scan-id", "scanner", "captured-at", "content-type", "x"])
junk = st.none() | st.binary(max_size=80) | st.sampled_from([b"1", b"image/png"])


@given(junk, junk, st.lists(st.tuples(names, junk), max_size=8))
def test_whatever_comes_is_a_scan_or_a_reason(
    key: bytes | None, value: bytes | None, headers: Headers
) -> None:
    answer = decode_scan(key, value, headers, SOURCE, AT, LIMIT)
    assert isinstance(answer, Reason)
    assert answer.refuses
