"""A data folder says whose it is, and is never mistaken for another's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallywire.errors import UsageError
from tallywire.workshop.up.kept_data import (
    FILE,
    KeptData,
    read_kept,
    require_same_election,
    write_kept,
)

KEPT = KeptData("mx-2015-d15", 12, {"broker": 9092})


def test_a_new_folder_holds_nothing(tmp_path: Path) -> None:
    assert read_kept(tmp_path) is None
    assert read_kept(tmp_path / "not there yet") is None


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_kept(tmp_path, KEPT)
    assert read_kept(tmp_path) == KEPT
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_somebody_elses_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(UsageError, match="choose another --data"):
        read_kept(tmp_path)


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"election": "x"')
    with pytest.raises(UsageError, match="cannot be read"):
        read_kept(tmp_path)


def test_another_elections_count_is_refused(tmp_path: Path) -> None:
    require_same_election(KEPT, "mx-2015-d15", tmp_path)
    with pytest.raises(UsageError, match="holds the count of mx-2015-d15, not of other"):
        require_same_election(KEPT, "other", tmp_path)
