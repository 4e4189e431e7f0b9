"""Which station a file is of."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.election.validation import ID
from tallywire.errors import InvalidFileError, UsageError
from tallywire.publish.naming import ByTable, Label, find_label, parse_envelopes, parse_pattern

FOLDER = Path("/scans")
HEADER = "file,station,scanner,captured_at,contest\n"


@pytest.mark.parametrize(
    ("name", "station"),
    [
        ("0001-B.jpg", "0001-B"),
        ("0001-B__2.jpg", "0001-B"),
        ("0001-B__2__scanner-3.png", "0001-B"),
        ("a.b.c.tif", "a.b.c"),
        ("0001_B.jpg", "0001_B"),
    ],
)
def test_the_station_is_all_up_to_two_underscores(name: str, station: str) -> None:
    assert find_label(parse_pattern(), FOLDER / name) == Label(station)


@pytest.mark.parametrize("name", ["__2.jpg", "a b.jpg", "é.jpg", "-.jpg", "x" * 65 + ".jpg"])
def test_a_name_that_holds_no_station_id_gives_none(name: str) -> None:
    assert find_label(parse_pattern(), FOLDER / name) is None


STATIONS = st.from_regex(ID, fullmatch=True).filter(lambda text: "__" not in f"{text}_")


@given(STATIONS, st.text("ab_.-1"))
def test_any_station_id_survives_being_a_file_name(station: str, rest: str) -> None:
    path = FOLDER / f"{station}__{rest}.jpg"
    assert find_label(parse_pattern(), path) == Label(station)


def test_a_pattern_may_name_contest_and_scanner() -> None:
    naming = parse_pattern(r"(?P<contest>dip|pres)_(?P<station>\d+)_(?P<scanner>s\d)")
    assert find_label(naming, FOLDER / "dip_0042_s7.jpg") == Label("0042", "dip", "s7")
    assert find_label(naming, FOLDER / "gov_0042_s7.jpg") is None


@pytest.mark.parametrize("text", ["(", r"\d+", "(?P<polling>.+)", "(?P<station>.+)(?P<x>.)"])
def test_a_pattern_that_cannot_work_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match="--pattern"):
        parse_pattern(text)


def test_an_envelope_file_labels_by_name_and_by_path() -> None:
    text = HEADER + "a/1.jpg,S1,sc,2015-06-07T20:15:00-06:00,dip\n2.jpg,S2,,2015-06-07T20:15:00,\n"
    naming = parse_envelopes(text, "e.csv", FOLDER)
    assert find_label(naming, FOLDER / "a" / "1.jpg") == Label(
        "S1", "dip", "sc", datetime(2015, 6, 8, 2, 15, tzinfo=UTC)
    )
    elsewhere = find_label(naming, Path("/mnt/2.jpg"))
    assert elsewhere == Label("S2", None, None, datetime(2015, 6, 7, 20, 15, tzinfo=UTC))
    assert find_label(naming, FOLDER / "3.jpg") is None


def test_only_file_and_station_are_needed() -> None:
    naming = parse_envelopes("\ufefffile,station\r\n1.jpg,S1\r\n", "e.csv", FOLDER)
    assert isinstance(naming, ByTable)
    assert naming.labels == {"1.jpg": Label("S1")}


def test_every_problem_of_an_envelope_file_is_told_with_its_line() -> None:
    text = HEADER + "1.jpg,S1,,,\n1.jpg,S2,,,\n,S3,,,\n4.jpg,no way,,,\n5.jpg,S5,,noon,\n6.jpg,S6\n"
    with pytest.raises(InvalidFileError) as caught:
        parse_envelopes(text, "e.csv", FOLDER)
    lines = [problem.where for problem in caught.value.problems]
    assert lines == ["e.csv:3", "e.csv:4", "e.csv:5", "e.csv:6", "e.csv:7"]


@pytest.mark.parametrize("text", ["", "file\n", "station,file,colour\n", 'file,station\n"1.jpg'])
def test_an_envelope_file_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(InvalidFileError):
        parse_envelopes(text, "e.csv", FOLDER)
