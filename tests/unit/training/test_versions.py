"""Versions are found by their number, and what cannot be is told before any work."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallywire.errors import UsageError
from tallywire.training.versions import first_look_folder, newest_before


def test_the_next_version_starts_from_the_newest_older_one(tmp_path: Path) -> None:
    for name in ("1", "2", "5", "notes"):
        (tmp_path / name).mkdir()
    assert newest_before(tmp_path / "4").name == "2"
    with pytest.raises(UsageError, match="already"):
        newest_before(tmp_path / "5")
    with pytest.raises(UsageError, match="no older"):
        newest_before(tmp_path / "0")


def test_a_first_look_is_another_version_that_is_there(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    assert first_look_folder(0, two) is None
    with pytest.raises(UsageError, match="--network paper"):
        first_look_folder(1, two)
    one.mkdir()
    (one / "saved_model.pb").touch()
    assert first_look_folder(1, two) == one
    with pytest.raises(UsageError, match="its own first look"):
        first_look_folder(1, one)
