"""Folders of runs: emptied only where they are ours, and never worked in by two."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallywire.errors import UsageError
from tallywire.workshop.stack.work_folder import empty_folder, locked_folder


def test_an_earlier_run_is_removed_and_what_its_links_lead_to_is_not(tmp_path: Path) -> None:
    folder, precious = tmp_path / "run", tmp_path / "precious"
    precious.mkdir()
    (precious / "sheet.jpg").touch()
    empty_folder(folder)
    (folder / "logs").mkdir()
    (folder / "logs" / "redis.log").touch()
    (folder / "linked").symlink_to(precious)
    (folder / "report.html").touch()
    empty_folder(folder)
    assert {path.name for path in folder.iterdir()} == {".tallywire-demo"}
    assert (precious / "sheet.jpg").exists()


def test_somebody_elses_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(UsageError, match="is not empty"):
        empty_folder(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with locked_folder(folder):
        empty_folder(folder)
        with pytest.raises(UsageError, match="at work in"), locked_folder(folder):
            pass
    with locked_folder(folder):
        empty_folder(folder)
