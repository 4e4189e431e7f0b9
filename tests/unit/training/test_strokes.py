"""Trajectories as ink."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tallywire.errors import InvalidFileError
from tallywire.training.strokes import (
    Split,
    TrajectoryPen,
    draw_digit,
    read_trajectories,
    read_writers,
)

SIDE = 120
MIDDLE = (60.0, 60.0)
STEM = (np.array([[0, -0.5], [0, 0.5]], np.float32),)
SEVEN = (
    np.array([[-0.3, -0.5], [0.3, -0.5], [0, 0.5]], np.float32),
    np.array([[-0.2, 0], [0.25, 0]], np.float32),
)


def drawn(strokes: tuple[NDArray[np.float32], ...], pen: TrajectoryPen) -> NDArray[np.uint8]:
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    draw_digit(strokes, pen, canvas, MIDDLE)
    return canvas


def extent(image: NDArray[np.uint8]) -> tuple[int, int]:
    rows, columns = np.nonzero(image > 100)
    return int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1


def write_file(path: Path, **changes: NDArray[np.generic]) -> Path:
    arrays: dict[str, NDArray[np.generic]] = {
        "points": np.array(
            [[0, 0], [0, 1000], [0, 0], [500, 0], [100, 1000], [0, 0], [0, 900], [9, 9]], np.int16
        ),
        "stroke_starts": np.array([0, 2, 5, 7], np.int32),
        "digit_starts": np.array([0, 1, 2, 3], np.int32),
        "labels": np.array([1, 7, 0, 4], np.uint8),
        "writers": np.array([0, 1, 1, 1], np.int16),
        "writer_split": np.array([0, 2], np.uint8),
        "suspect": np.array([False, False, True, False]),
    }
    np.savez(path, **(arrays | changes))  # type: ignore[arg-type]  # numpy's stub wants bool
    return path


@given(height=st.floats(20, 90), width=st.floats(1, 9))
def test_a_digit_is_as_high_and_wide_as_its_pen_says(height: float, width: float) -> None:
    columns, rows = extent(drawn(STEM, TrajectoryPen(height, width)))
    assert abs(rows - height) <= width + 4
    assert abs(columns - width) <= 3.5


@given(width=st.floats(2, 6))
def test_a_broader_pen_leaves_more_ink(width: float) -> None:
    thin, broad = (int(drawn(SEVEN, TrajectoryPen(60, w)).sum()) for w in (width, width + 2))
    assert broad > thin


@given(
    rotation=st.floats(-15, 15),
    slant=st.floats(-0.4, 0.6),
    aspect=st.floats(0.6, 1.3),
    pressure=st.floats(0, 0.9),
    wobble=st.floats(0, 0.04),
)
def test_any_hand_leaves_a_digit_of_its_height(
    rotation: float, slant: float, aspect: float, pressure: float, wobble: float
) -> None:
    image = drawn(SEVEN, TrajectoryPen(60, 4, rotation, slant, aspect, pressure, wobble, 1.0))
    columns, rows = extent(image)
    assert 40 <= rows <= 70
    assert columns <= 90


def test_positive_slant_leans_right_and_rotation_turns_left() -> None:
    def lean(pen: TrajectoryPen) -> float:
        rows, columns = np.nonzero(drawn(STEM, pen))
        return float(columns[rows < 60].mean() - columns[rows > 60].mean())

    assert lean(TrajectoryPen(60, 3, slant=0.3)) > 5
    assert lean(TrajectoryPen(60, 3, rotation_deg=10)) < -3


def test_ink_outside_the_canvas_is_cut() -> None:
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    draw_digit(STEM, TrajectoryPen(60, 3), canvas, (60, 0))
    assert canvas.any()
    draw_digit(STEM, TrajectoryPen(60, 3), canvas, (-500, 900))


def test_a_single_point_is_a_dot() -> None:
    assert drawn((np.zeros((1, 2), np.float32),), TrajectoryPen(40, 4)).any()


def test_reading_splits_by_writer_and_drops_the_suspect(tmp_path: Path) -> None:
    path = write_file(tmp_path / "d.npz")
    train, test = (read_trajectories(path, split) for split in (Split.TRAIN, Split.TEST))
    assert train.labels.tolist() == [1]
    assert test.labels.tolist() == [7, 0]  # the test split is not made easier, but for the dot
    assert read_trajectories(path, Split.TEST, {2}).labels.tolist() == [7]
    assert read_trajectories(path, Split.VALIDATION).digits == ()
    assert len(train.digits[0]) == 1
    np.testing.assert_allclose(train.digits[0][0], [[0, -0.5], [0, 0.5]])


def test_writers_who_did_not_write_every_digit_are_told(tmp_path: Path) -> None:
    path = write_file(tmp_path / "d.npz")
    with pytest.raises(InvalidFileError, match=r"no 1, 2, 3, 4, 5, 6, 8, 9 by the test writers"):
        read_writers(path, Split.TEST)
    with pytest.raises(InvalidFileError, match="by the validation writers"):
        read_writers(path, Split.VALIDATION)


@pytest.mark.parametrize(
    ("width", "height", "kept"), [(900, 380, True), (900, 340, False), (900, 0, False)]
)
def test_a_dash_is_no_digit_in_any_split(
    width: int, height: int, kept: bool, tmp_path: Path
) -> None:
    seven = [[0, 0], [width // 2, height], [width, 0]]
    points = np.array([[0, 0], [0, 1000], *seven, [0, 0], [0, 900], [9, 9]], np.int16)
    path = write_file(tmp_path / "d.npz", points=points)
    assert (7 in read_trajectories(path, Split.TEST).labels) is kept


def test_a_file_without_its_arrays_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, points=np.zeros((3, 2)))
    with pytest.raises(InvalidFileError, match="stroke_starts"):
        read_trajectories(path, Split.TRAIN)


@pytest.mark.parametrize(
    "changes",
    [
        {"writers": np.array([0, 1, 1, 9], np.int16)},  # there are two
        {"labels": np.array([1, 7, 0, 12], np.uint8)},
        {"labels": np.array([1, 7, 0], np.uint8)},
        {"digit_starts": np.array([0, 1, 2, 4], np.int32)},  # there are four strokes
        {"stroke_starts": np.array([0, 2, 5, -1], np.int32)},
        {"points": np.zeros((8, 3), np.int16)},
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(
    changes: dict[str, NDArray[np.generic]], tmp_path: Path
) -> None:
    path = write_file(tmp_path / "d.npz", **changes)
    with pytest.raises(InvalidFileError, match=r"d\.npz: its arrays do not belong"):
        read_trajectories(path, Split.TRAIN)
