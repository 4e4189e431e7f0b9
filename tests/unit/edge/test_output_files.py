"""Outputs are looked at before the work, and written whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tallywire.edge.output_files import (
    make_folder_of,
    require_folder,
    require_writable,
    write_file,
    write_json,
)
from tallywire.errors import TallywireError, UsageError


def test_a_place_that_can_be_written_is_left_as_it_is(tmp_path: Path) -> None:
    require_writable(tmp_path / "new.json")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old.json").write_text("old")
    require_writable(tmp_path / "old.json")
    assert (tmp_path / "old.json").read_text() == "old"
    require_folder(tmp_path / "a" / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["old.json"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("no-such/out.json", "there is no folder"),
        (".", "it is a folder"),
        ("file/out.json", "cannot be written"),
        ("x" * 300, "cannot be written"),
    ],
)
def test_a_place_that_cannot_be_is_told(path: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=said) as told:
        require_writable(tmp_path / path, "--json")
    assert str(told.value).startswith("--json ")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_without_rights_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    # Root may write into any folder, but for the kernel's own.
    closed = tmp_path if os.geteuid() else Path("/sys")
    with pytest.raises(UsageError, match="Permission denied"):
        require_writable(closed / "out.json")
    with pytest.raises(UsageError, match="Permission denied"):
        require_folder(closed / "out")
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("path", ["file", "file/deep/er"])
def test_a_file_is_no_folder(path: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="--out"):
        require_folder(tmp_path / path, "--out")
    with pytest.raises(UsageError, match="can be no folder"):
        make_folder_of(tmp_path / "file" / "deep" / "page.html")


def test_values_are_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("an earlier one, much longer than what comes")
    write_json(path, {"where": tmp_path, "text": "\udcff [/red]"})
    assert json.loads(path.read_text()) == {"where": str(tmp_path), "text": "\udcff [/red]"}
    assert [one.name for one in tmp_path.iterdir()] == ["out.json"]


def test_what_cannot_be_written_leaves_the_earlier_file(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(TallywireError, match="cannot be written"):
        write_file(folder / ("x" * 300), b"new")
    assert list(folder.iterdir()) == []


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    require_writable(tmp_path / "link.json")
    write_json(tmp_path / "link.json", 1)
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_text() == "1\n"


def test_standard_output_is_a_file_as_well(capfd: pytest.CaptureFixture[str]) -> None:
    require_writable(Path("/dev/stdout"))
    write_json(Path("/dev/stdout"), 1)
    assert capfd.readouterr().out == "1\n"
