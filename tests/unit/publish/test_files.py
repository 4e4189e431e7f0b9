"""Which files are scans, and reading them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tallywire.errors import UsageError
from tallywire.publish.files import FileStamp, find_scans, is_scan_name, read_unchanged, stamp


@pytest.mark.parametrize(
    "name", ["a.jpg", "A.JPG", "b.jpeg", "c.png", "d.tif", "e.TIFF", "f.g.png"]
)
def test_image_files_are_scans(name: str) -> None:
    assert is_scan_name(name)


@pytest.mark.parametrize(
    "name",
    [
        ".a.jpg",
        "~a.jpg",
        "a.jpg.part",
        "a.jpg~",
        "a.tmp",
        "truth.csv",
        "contact.png",
        "jpg",
        "a.pdf",
    ],
)
def test_what_is_hidden_half_written_or_no_image_is_not(name: str) -> None:
    assert not is_scan_name(name)


def test_folders_are_searched_in_order_and_hidden_ones_are_not(tmp_path: Path) -> None:
    for name in ("b/2.jpg", "b/1.jpg", "a.png", "c.txt", ".hidden/x.jpg", "b/c/3.TIF"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    found = [str(path.relative_to(tmp_path)) for path in find_scans([tmp_path])]
    assert found == ["a.png", "b/1.jpg", "b/2.jpg", "b/c/3.TIF"]


def test_a_file_that_is_named_is_taken_whatever_its_name(tmp_path: Path) -> None:
    odd = tmp_path / "scan.bin"
    odd.touch()
    assert list(find_scans([odd])) == [odd]


def test_a_link_to_its_own_folder_does_not_loop(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").touch()
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert len(list(find_scans([tmp_path]))) == 1


def test_a_path_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        list(find_scans([tmp_path / "nowhere"]))


def test_a_file_reads_as_its_stamp_says(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"12345")
    assert read_unchanged(stamp(file)) == b"12345"


def test_a_file_that_changed_reads_as_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"12345")
    before = stamp(file)
    file.write_bytes(b"1234567")
    assert read_unchanged(before) is None
    os.utime(file, ns=(1, 1))
    assert read_unchanged(FileStamp(str(file), 7, 2)) is None
    assert read_unchanged(FileStamp(str(file), 7, 1)) == b"1234567"
