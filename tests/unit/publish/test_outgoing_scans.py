"""A file becomes a letter, a refusal or nothing to do."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tallywire.publish.files import stamp
from tallywire.publish.naming import parse_envelopes, parse_pattern
from tallywire.publish.outgoing_scans import (
    UNREADABLE,
    OutgoingScan,
    RefusedFile,
    SendingRules,
    SkipReason,
    write_letter,
)
from tallywire.publish.receipts import SentIndex
from tallywire.reasons import Code

JPEG = b"\xff\xd8\xff\xe0 a scan \xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n a scan"
RULES = SendingRules(parse_pattern(), "scanner-1", max_value_bytes=100)


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def code(outcome: OutgoingScan | RefusedFile | SkipReason) -> str:
    assert isinstance(outcome, RefusedFile)
    return outcome.code


def test_a_letter_holds_the_untouched_bytes_and_says_what_they_are(tmp_path: Path) -> None:
    path = write(tmp_path / "S1__2.jpg", JPEG)
    os.utime(path, (1_433_729_700, 1_433_729_700))
    letter = write_letter(path, RULES, SentIndex())
    assert isinstance(letter, OutgoingScan)
    assert letter.image == JPEG
    assert letter.stamp == stamp(path)
    assert letter.envelope.station == "S1"
    assert letter.envelope.scanner == "scanner-1"
    assert letter.envelope.scan_id == hashlib.sha256(JPEG).hexdigest()
    assert letter.envelope.captured_at == datetime(2015, 6, 8, 2, 15, tzinfo=UTC)
    assert letter.envelope.content_type == "image/jpeg"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.jpg", JPEG, "image/jpeg"),
        ("a.jpg", PNG, "image/png"),  # named wrongly: the bytes are right
        ("a.tif", b"II*\0 a scan", "image/tiff"),
        ("a.png", b"no image", "image/png"),  # the worker will refuse it, and officials see it
        ("a.bin", b"no image", "image/jpeg"),
    ],
)
def test_the_content_type_is_the_bytes_own(
    tmp_path: Path, name: str, content: bytes, expected: str
) -> None:
    letter = write_letter(write(tmp_path / name, content), RULES, SentIndex())
    assert isinstance(letter, OutgoingScan)
    assert letter.envelope.content_type == expected


def test_what_cannot_travel_is_refused_with_its_code(tmp_path: Path) -> None:
    assert (
        code(write_letter(write(tmp_path / "a.jpg", b""), RULES, SentIndex())) == Code.EMPTY_VALUE
    )
    large = write(tmp_path / "b.jpg", JPEG + bytes(100))
    assert code(write_letter(large, RULES, SentIndex())) == Code.VALUE_TOO_LARGE
    nameless = write(tmp_path / "no station.jpg", JPEG)
    assert code(write_letter(nameless, RULES, SentIndex())) == Code.STATION_MISSING
    assert code(write_letter(tmp_path / "gone.jpg", RULES, SentIndex())) == UNREADABLE


def test_the_limit_itself_is_allowed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jpg", JPEG + bytes(100 - len(JPEG)))
    assert isinstance(write_letter(path, RULES, SentIndex()), OutgoingScan)


def test_the_same_file_and_the_same_image_are_sent_once(tmp_path: Path) -> None:
    path, copy = write(tmp_path / "S1__1.jpg", JPEG), write(tmp_path / "S1__2.jpg", JPEG)
    other = write(tmp_path / "S2.jpg", JPEG)
    sent = SentIndex()
    sent.add_file(stamp(path))
    sent.add_scan("S1", None, hashlib.sha256(JPEG).hexdigest())
    assert write_letter(path, RULES, sent) is SkipReason.FILE_SENT
    assert write_letter(copy, RULES, sent) is SkipReason.SCAN_SENT
    assert isinstance(write_letter(other, RULES, sent), OutgoingScan)
    write(path, JPEG + b"rescanned")
    assert isinstance(write_letter(path, RULES, sent), OutgoingScan)


def test_a_table_says_more_than_the_file(tmp_path: Path) -> None:
    text = "file,station,scanner,captured_at\na.jpg,S9,desk-4,2015-06-07T20:15:00Z\n"
    rules = SendingRules(parse_envelopes(text, "e.csv", tmp_path), "scanner-1", 100)
    letter = write_letter(write(tmp_path / "a.jpg", JPEG), rules, SentIndex())
    assert isinstance(letter, OutgoingScan)
    assert (letter.envelope.station, letter.envelope.scanner) == ("S9", "desk-4")
    assert letter.envelope.captured_at == datetime(2015, 6, 7, 20, 15, tzinfo=UTC)
    unlisted = write(tmp_path / "b.jpg", JPEG)
    assert code(write_letter(unlisted, rules, SentIndex())) == Code.STATION_MISSING
