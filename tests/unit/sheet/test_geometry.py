"""Plane maps: fits recover what made their points; points come back from where they went."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tallywire.sheet.geometry import (
    apply_map,
    fit_affine,
    fit_homography,
    fit_similarities,
    fit_to_lines,
)
from tallywire.sheet.picture import shrink, to_grey, zoom

F64 = NDArray[np.float64]
GRID = np.array([(x, y) for x in (10.0, 100.0, 200.0) for y in (15.0, 140.0, 280.0)])


@st.composite
def affine_maps(draw: st.DrawFn) -> F64:
    angle, scale = draw(st.floats(-3.1, 3.1)), draw(st.floats(1.0, 12.0))
    shear = draw(st.floats(-0.1, 0.1))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = scale * turn @ np.array([[1, shear], [0, 1]])
    shift = [draw(st.floats(-500, 3000)), draw(st.floats(-500, 3000))]
    return np.vstack([np.column_stack([linear, shift]), [0.0, 0.0, 1.0]])


@st.composite
def homographies(draw: st.DrawFn) -> F64:
    tilt = np.eye(3)
    tilt[2, 0], tilt[2, 1] = draw(st.floats(-4e-4, 4e-4)), draw(st.floats(-4e-4, 4e-4))
    return np.asarray(draw(affine_maps()) @ tilt)


@given(affine_maps())
def test_affine_fit_recovers_the_map(matrix: F64) -> None:
    fitted = fit_affine(GRID[:4], apply_map(matrix, GRID[:4]))
    assert np.allclose(apply_map(fitted, GRID), apply_map(matrix, GRID), atol=1e-6)


@given(homographies(), st.floats(-20, 20))
def test_homography_fit_recovers_the_map_from_a_start_nearby(matrix: F64, off: float) -> None:
    start = fit_affine(GRID, apply_map(matrix, GRID) + off)
    for _ in range(3):  # algebraic least squares; a step or two makes it geometric
        start = fit_homography(GRID, apply_map(matrix, GRID), start)
    assert np.allclose(apply_map(start, GRID), apply_map(matrix, GRID), atol=0.05)


@given(homographies())
def test_lines_alone_fix_the_map(matrix: F64) -> None:
    """Every point is known in one direction only, as a box's edge tells it."""
    points = np.vstack([GRID, GRID + np.array([0.0, 5.0])])
    normals = np.repeat([[1.0, 0.0], [0.0, 1.0]], len(GRID), axis=0)
    places = (normals * apply_map(matrix, points)).sum(axis=1)
    start = fit_affine(GRID, apply_map(matrix, GRID))
    for _ in range(3):
        start = fit_to_lines(points, normals, places, np.ones(len(points)), start)
    assert np.allclose(apply_map(start, GRID), apply_map(matrix, GRID), atol=0.1)


def test_where_constraints_leave_the_map_open_it_stays() -> None:
    start = np.array([[4.0, 0.1, 7.0], [-0.1, 4.0, 3.0], [0.0, 0.0, 1.0]])
    one = GRID[:1]
    normal = np.array([[1.0, 0.0]])
    places = (normal * apply_map(start, one)).sum(axis=1)
    assert np.allclose(fit_to_lines(one, normal, places, np.ones(1), start), start)


@given(affine_maps())
def test_similarity_takes_both_points_along(matrix: F64) -> None:
    source = GRID[[0, 5]]
    target = apply_map(matrix, source)
    (found,) = fit_similarities(source[None], target[None])
    assert np.allclose(apply_map(found, source), target, atol=1e-6)
    assert np.linalg.det(found[:2, :2]) > 0


@given(st.sampled_from([1, 2, 3, 4]), st.integers(20, 60), st.integers(20, 60))
def test_shrinking_and_zooming_agree(factor: int, height: int, width: int) -> None:
    """A small square's centre lies in the shrunk picture where the map says."""
    picture = np.zeros((height * factor, width * factor), np.uint8)
    top, left = 4 * factor, 7 * factor
    picture[top : top + factor, left : left + factor] = 255
    small = shrink(picture, factor)
    assert small.shape == (height, width)
    (row,), (column,) = np.nonzero(small)
    centre = np.array([left + (factor - 1) / 2, top + (factor - 1) / 2])
    assert np.allclose(apply_map(zoom(1 / factor), centre), [column, row])
    assert np.allclose(zoom(factor) @ zoom(1 / factor), np.eye(3))


def test_grey_of_grey_is_the_same_picture() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert to_grey(grey) is grey
    assert np.array_equal(to_grey(np.repeat(grey[:, :, None], 3, axis=2)), grey)
