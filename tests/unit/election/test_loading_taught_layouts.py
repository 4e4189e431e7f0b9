"""Layouts that name their form's picture: no marks needed, and a wrong picture is told."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from tallywire.election.loading import load_election, load_layout
from tallywire.errors import InvalidFileError
from tests.support.elections import GREY_SEVEN
from tests.support.scan_files import booth, png


def taught(folder: Path, picture: str = "form.png") -> Path:
    """The grey form without marks, known by the picture of its blank page."""
    text = (GREY_SEVEN / "form.toml").read_text()
    text = re.sub(r"\[\[marks\]\]\n(?:.+\n)+", "", text)
    text = text.replace("\n[page]", f'reference = "{picture}"\n[page]', 1)
    (folder / "form.toml").write_text(text)
    (folder / "form.png").write_bytes(png(booth(GREY_SEVEN, 75).form.paper))
    return folder / "form.toml"


def test_a_layout_with_a_reference_needs_no_marks(tmp_path: Path) -> None:
    layout = load_layout(taught(tmp_path))
    assert layout.marks == ()
    assert layout.reference_file == "form.png"
    assert layout.reference is not None
    assert layout.reference.picture.shape == booth(GREY_SEVEN, 75).form.paper.shape[:2]


def test_the_reference_is_part_of_which_layout_was_used(tmp_path: Path) -> None:
    for name in ("election.toml", "stations.csv"):
        shutil.copy(GREY_SEVEN / name, tmp_path)
    taught(tmp_path)
    before = load_election(tmp_path).layouts_used
    assert load_election(tmp_path).layouts_used == before
    (tmp_path / "form.png").write_bytes(png(booth(GREY_SEVEN, 90).form.paper))
    assert load_election(tmp_path).layouts_used != before


@pytest.mark.parametrize(
    ("picture", "content", "told"),
    [
        ("other.png", None, "check the path"),
        ("form.png", b"", "save the rectified page as PNG"),
        ("form.png", b"not a picture", "save the rectified page as PNG"),
        ("form.png", png(np.zeros((300, 300), np.uint8)), "upright and nothing but it"),
        ("../form.png", None, "name a PNG file beside the layout file"),
    ],
)
def test_a_reference_that_is_none_is_told(
    tmp_path: Path, picture: str, content: bytes | None, told: str
) -> None:
    file = taught(tmp_path, picture)
    if content is not None:
        (tmp_path / picture).write_bytes(content)
    with pytest.raises(InvalidFileError, match=told):
        load_layout(file)


def test_without_reference_and_marks_a_layout_is_refused(tmp_path: Path) -> None:
    file = taught(tmp_path)
    file.write_text(file.read_text().replace('reference = "form.png"\n', ""))
    with pytest.raises(InvalidFileError, match="marks"):
        load_layout(file)
