"""Receipts survive whatever happens to their file."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.errors import UsageError
from tallywire.publish.files import FileStamp
from tallywire.publish.receipts import (
    Journal,
    Receipt,
    SentIndex,
    format_receipt,
    parse_receipt,
    read_receipts,
)

TEXT = st.text(max_size=20)
PATHS = st.binary(min_size=1, max_size=20).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
NUMBERS = st.integers(0, 2**62)
RECEIPTS = st.builds(
    Receipt,
    path=PATHS,
    size_bytes=NUMBERS,
    mtime_ns=NUMBERS,
    scan_id=TEXT,
    station=TEXT,
    contest=st.none() | TEXT,
    topic=TEXT,
    topic_id=TEXT,
    partition=NUMBERS,
    offset=NUMBERS,
    acknowledged_at=TEXT,
)
ONE = Receipt("/s/1.jpg", 7, 8, "ab", "S1", None, "tally.scans", "id-1", 0, 5, "2015-06-07T20:15Z")


@given(RECEIPTS)
def test_a_receipt_comes_back_as_it_was(receipt: Receipt) -> None:
    line = format_receipt(receipt)
    assert line.count(b"\n") == 1
    assert parse_receipt(line) == receipt


@given(st.binary(max_size=200))
def test_no_line_of_any_kind_breaks_the_reader(line: bytes) -> None:
    assert parse_receipt(line) is None


@pytest.mark.parametrize("line", [b"[]", b"{}", b"1", b'{"path": 1}', b"[" * 5000, b'"' + b"a" * 9])
def test_json_that_is_no_receipt_is_none(line: bytes) -> None:
    assert parse_receipt(line) is None


@given(st.lists(RECEIPTS, max_size=5), RECEIPTS, st.data())
def test_a_torn_end_costs_only_the_last_receipt(
    receipts: list[Receipt], last: Receipt, data: st.DataObject
) -> None:
    whole = b"".join(map(format_receipt, receipts))
    line = format_receipt(last)
    cut = data.draw(st.integers(0, len(line) - 2))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "receipts.jsonl"
        path.write_bytes(whole + line[:cut])
        assert list(read_receipts(path)) == receipts
        journal = Journal(path)  # and what is written next is not swallowed by the torn line
        journal.append([last])
        journal.close()
        assert list(read_receipts(path)) == [*receipts, last]


def test_no_journal_holds_no_receipts(tmp_path: Path) -> None:
    assert list(read_receipts(tmp_path / "none.jsonl")) == []


def test_two_publishers_cannot_share_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "receipts.jsonl"
    first = Journal(path)
    with pytest.raises(UsageError, match="another publisher"):
        Journal(path)
    first.close()
    Journal(path).close()


def test_a_place_that_cannot_be_written_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="--journal"):
        Journal(tmp_path / "file" / "receipts.jsonl")


@pytest.mark.parametrize("content", [b"\xff\xd8\xff a picture", b"file,station\n1.jpg,S1", b"{}"])
def test_a_file_that_holds_no_receipts_is_left_as_it_is(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "scan.jpg"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="holds no receipts"):
        Journal(path)
    assert path.read_bytes() == content
    with pytest.raises(UsageError, match="cannot be read"):
        Journal(tmp_path)


def test_an_empty_file_may_become_a_journal(tmp_path: Path) -> None:
    (tmp_path / "receipts.jsonl").touch()
    Journal(tmp_path / "receipts.jsonl").close()


def test_what_was_sent_is_known_by_file_and_by_image() -> None:
    sent = SentIndex([ONE], "id-1")
    assert sent.has_file(FileStamp("/s/1.jpg", 7, 8))
    assert not sent.has_file(FileStamp("/s/1.jpg", 7, 9))
    assert sent.has_scan("S1", None, "ab")
    assert not sent.has_scan("S2", None, "ab")
    assert not sent.has_scan("S1", "dip", "ab")


def test_receipts_of_a_topic_of_the_same_name_do_not_count() -> None:
    assert len(SentIndex([ONE], "id-2")) == 0
    assert len(SentIndex([ONE, replace(ONE, topic_id="id-2", mtime_ns=9)], "id-2")) == 1
    assert len(SentIndex([ONE], None)) == 1
