"""truth.csv: what is wrong in it, named by line and column."""

from __future__ import annotations

import pytest

from tallywire.election.ground_truth import TruthRow, parse_truth, truth_text
from tallywire.errors import InvalidFileError

ROW = TruthRow(
    "a.jpg", "S1", "d", "c", "0" * 64, "clean", True, {"A": 12, "B": None}, {"A": "_12", "B": "___"}
)
TEXT = truth_text([ROW])


def test_a_file_is_read_as_it_was_written() -> None:
    assert parse_truth(TEXT, "truth.csv") == (ROW,)
    assert parse_truth("\ufeff" + TEXT.replace("\n", "\r\n"), "truth.csv") == (ROW,)


def test_a_form_may_have_a_field_that_is_called_as_a_column() -> None:
    row = TruthRow("a.jpg", "S1", "d", "c", "0" * 64, "clean", True, {"file": 7}, {"file": "7"})
    assert parse_truth(truth_text([row]), "truth.csv") == (row,)


@pytest.mark.parametrize(
    ("before", "after", "where", "remedy"),
    [
        ("file,station", "station,file", "truth.csv:1", "begin with file,station"),
        ("scan_id", "scanid", "truth.csv:1", "missing: scan_id"),
        ("0" * 64, "0" * 63, "truth.csv:2: scan_id", "SHA-256"),
        ("S1", "S 1", "truth.csv:2: station", "letters"),
        ("yes", "maybe", "truth.csv:2: adds_up", "yes or no"),
        ("A=_12 B=___", "A_12", "truth.csv:2: cells", "field=cells"),
        ("A=_12 B=___", "A=_12 C=___", "truth.csv:2: cells", "no column C"),
        (",12,", ",twelve,", "truth.csv:2: A", "whole number"),
        (",12,", ",-12,", "truth.csv:2: A", "whole number"),
        (",12,\n", ",12\n", "truth.csv:2", "again"),
    ],
)
def test_what_is_wrong_is_named(before: str, after: str, where: str, remedy: str) -> None:
    assert before in TEXT
    with pytest.raises(InvalidFileError) as caught:
        parse_truth(TEXT.replace(before, after, 1), "truth.csv")
    (problem,) = caught.value.problems
    assert problem.where == where
    assert remedy in problem.remedy
