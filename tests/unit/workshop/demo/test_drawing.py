"""Sheets that are drawn beside a night."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tallywire.errors import UsageError
from tallywire.workshop.demo.drawing import drawing_sheets
from tallywire.workshop.synthetic.conditions import ConditionName
from tallywire.workshop.synthetic.rendering import RenderOptions


def options(out: Path, stations: int) -> RenderOptions:
    return RenderOptions(out, stations, seed=3, condition=ConditionName.CLEAN, dpi=72)


def test_inside_the_election_is_there_and_in_the_end_every_sheet(tmp_path: Path) -> None:
    with drawing_sheets(options(tmp_path / "scans", 3)) as drawing:
        assert (tmp_path / "scans" / "election.toml").exists()
        rows = drawing.wait().rows
        assert drawing.drawn == len(rows) == 3
    assert all((tmp_path / "scans" / row.file).exists() for row in rows)


def test_whoever_leaves_early_does_not_wait_for_the_rest(tmp_path: Path) -> None:
    began_s = time.monotonic()
    with pytest.raises(KeyError), drawing_sheets(options(tmp_path / "scans", 500)):
        raise KeyError
    whole_s = time.monotonic() - began_s
    assert len(list((tmp_path / "scans").glob("*.jpg"))) < 100, whole_s
    assert not (tmp_path / "scans" / "truth.csv").exists()


def test_what_cannot_be_drawn_is_told_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("ten years of work")
    with pytest.raises(UsageError, match="not empty"), drawing_sheets(options(tmp_path, 3)):
        pytest.fail("nothing was there to publish")
