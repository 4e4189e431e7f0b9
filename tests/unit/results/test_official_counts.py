"""Official counts by station, in either form."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallywire.election.ground_truth import TruthRow, truth_text
from tallywire.election.loading import load_election, load_layout
from tallywire.errors import InvalidFileError
from tallywire.results.official_counts import read_official
from tests.support.values import make_election

CONTEST = make_election().contests[0]
LAYOUT = load_layout("mx-2015")  # only a truth.csv is read by it


def write(folder: Path, text: str) -> Path:
    path = folder / "official.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_plain_csv_with_some_options(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeffstation,note,B,A\nd1-1,x,5,7\n\nd1-2,,0,12\n")
    assert read_official(CONTEST, LAYOUT, path) == {
        "d1-1": {"A": 7, "B": 5},
        "d1-2": {"A": 12, "B": 0},
    }


def test_rows_of_another_contest_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, "station,contest,A\nd1-1,mayor,7\nd1-1,council,9\n")
    assert read_official(CONTEST, LAYOUT, path) == {"d1-1": {"A": 7}}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "empty"),
        ("place,A\nd1-1,3\n", "official.csv:1"),
        ("station,X\nd1-1,3\n", "official.csv:1"),
        ("station,A\nd1-1,3\nd1-2,-4\n", "official.csv:3"),
        ("station,A\nd1-1,three\n", "official.csv:2"),
        ("station,A\nd1-1\n", "official.csv:2"),
    ],
    ids=["empty", "no station", "no option", "negative", "a word", "cut short"],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(InvalidFileError, match=named):
        read_official(CONTEST, LAYOUT, write(tmp_path, text))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="nowhere"):
        read_official(CONTEST, LAYOUT, tmp_path / "nowhere.csv")


def test_the_renderers_truth_of_a_shipped_layout(tmp_path: Path) -> None:
    loaded = load_election("mx-2015-d15")
    contest = loaded.election.contests[0]
    row = TruthRow(
        "a.jpg", "0001", "15", contest.id, "f" * 64, "scanner", True,
        {"PAN": 12, "total": 12}, {"PAN": "_12", "total": "012"},
    )  # fmt: skip
    path = write(tmp_path, truth_text([row]))
    assert read_official(contest, loaded.layouts[contest.id], path) == {"0001": {"PAN": 12}}
