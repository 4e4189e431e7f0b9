"""Patches show a cell with what is around it, upright at any scale, their contrast set."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tallywire.edge.serving import Signature, takes_of
from tallywire.errors import PeerError
from tallywire.sheet.align import Alignment
from tallywire.sheet.layout import Box, Field, Layout, Role
from tallywire.sheet.patches import (
    AROUND,
    MOST_AROUND,
    VIEW_PX,
    affines_at,
    cut_views,
    set_contrast,
    view_of_crop,
    view_sides,
    views,
)
from tallywire.sheet.prepare import Takes, cut

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

CELLS = (Box(20, 20, 10, 10), Box(40, 20, 8, 16), Box(20, 45, 16, 9))
LAYOUT = Layout("tiny", 1, "tiny", 80, 80, (), (Field("a", Role.OPTION, "a", CELLS),), (), ())


def aligned(matrix: F64) -> Alignment:
    return Alignment(matrix, (), 1.0, np.zeros((len(CELLS), 2)), 0.0)


def page(px_per_mm: float, paper: int = 240, ink: int = 30) -> U8:
    """Each cell holds a dark block a quarter of its size, in its upper left."""
    pixels = np.full((round(80 * px_per_mm),) * 2, paper, np.uint8)
    for cell in CELLS:
        left, top = round(cell.x_mm * px_per_mm), round(cell.y_mm * px_per_mm)
        right = round((cell.x_mm + cell.width_mm / 2) * px_per_mm)
        bottom = round((cell.y_mm + cell.height_mm / 2) * px_per_mm)
        pixels[top:bottom, left:right] = ink
    return pixels


def scale_map(px_per_mm: float) -> F64:
    matrix = np.diag([px_per_mm, px_per_mm, 1.0])
    matrix[:2, 2] = -0.5  # mm count from the page's edge, pixels from their middle
    return matrix


@pytest.mark.parametrize("px_per_mm", [2.5, 4.0, 8.0, 12.0])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_patches_are_upright_at_any_scale_and_turn(px_per_mm: float, turns: int) -> None:
    pixels, matrix = page(px_per_mm), scale_map(px_per_mm)
    quarter = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, len(pixels) - 1.0], [0.0, 0.0, 1.0]])
    for _ in range(turns):
        pixels, matrix = np.ascontiguousarray(np.rot90(pixels)), quarter @ matrix
    found = cut_views(pixels, LAYOUT, aligned(matrix))
    assert found.shape == (3, VIEW_PX, VIEW_PX)
    middle = VIEW_PX // 2
    assert (found[:, middle - 5 : middle - 2, middle - 5 : middle - 2] > 200).all()
    assert (found[:, middle + 2 : middle + 5, middle + 2 : middle + 5] < 50).all()


def test_a_patch_holds_the_longer_side_as_far_as_it_may() -> None:
    sizes = np.array([[10.0, 10.0], [10.0, 17.0], [40.0, 10.0]])
    np.testing.assert_allclose(view_sides(sizes), [10 * AROUND, 18.7, 10 * MOST_AROUND])


@given(
    seed=st.integers(0, 2**32 - 1),
    gain=st.floats(0.45, 1.0),
    offset=st.integers(0, 20),
)
@settings(max_examples=60)
def test_contrast_is_the_same_in_dimmer_or_paler_pictures(
    seed: int, gain: float, offset: int
) -> None:
    rng = np.random.default_rng(seed)
    patch = np.full((1, VIEW_PX, VIEW_PX), 230.0) + rng.normal(0, 2, (1, VIEW_PX, VIEW_PX))
    x, y = rng.integers(14, 24, 2)
    patch[0, y : y + 10, x : x + 5] = 20
    changed = patch * gain + offset
    before, after = (
        set_contrast(np.clip(one, 0, 255).astype(np.uint8)) for one in (patch, changed)
    )
    assert np.abs(before.astype(int) - after).max() <= 8


@given(level=st.integers(60, 255), noise=st.floats(0, 2))
def test_a_blank_patch_stays_pale(level: int, noise: float) -> None:
    rng = np.random.default_rng(level)
    grain = rng.normal(0, noise * level / 255, (1, VIEW_PX, VIEW_PX))
    found = set_contrast(np.clip(level + grain, 0, 255).astype(np.uint8))
    assert np.median(found) < 60


def test_a_black_bar_beside_the_cell_does_not_pale_the_ink() -> None:
    patch = np.full((1, VIEW_PX, VIEW_PX), 220, np.uint8)
    patch[:, 20:28, 22:25] = 150  # a pencil
    alone = set_contrast(patch)
    patch[:, :, :8] = 0
    np.testing.assert_array_equal(set_contrast(patch)[:, :, 8:], alone[:, :, 8:])


def test_no_places_give_no_patches() -> None:
    assert views(page(4.0), np.zeros((0, 2, 3))).shape == (0, VIEW_PX, VIEW_PX)


def test_a_homography_is_followed_within_a_patch() -> None:
    matrix = scale_map(6.0)
    matrix[2, :2] = 2e-4, -1e-4
    affines = affines_at(matrix, np.array([[40.0, 40.0]]), np.array([16.0]))
    corner = np.array([40 - 8 + 16 / VIEW_PX / 2] * 2 + [1.0])
    exact = matrix @ corner
    np.testing.assert_allclose(affines[0, :, 2], exact[:2] / exact[2], atol=0.2)


@pytest.mark.parametrize("shape", [(30, 20), (9, 60), (200, 150), (3, 3)])
def test_a_loose_crop_lies_in_the_middle_of_its_own_paper(shape: tuple[int, int]) -> None:
    crop = np.full(shape, 210, np.uint8)
    crop[shape[0] // 3 : -(shape[0] // 3), shape[1] // 3 : -(shape[1] // 3)] = 40
    found = view_of_crop(crop)
    assert found.shape == (VIEW_PX, VIEW_PX)
    rows, columns = np.nonzero(found > 128)
    assert abs(rows.mean() - VIEW_PX / 2) < 3
    assert abs(columns.mean() - VIEW_PX / 2) < 3
    assert found[0].max() == 0


def test_what_a_version_takes_decides_how_a_sheet_is_cut() -> None:
    pixels, alignment = page(6.0), aligned(scale_map(6.0))
    assert cut(pixels, LAYOUT, alignment, Takes.CELLS).shape == (3, 28, 28)
    patches = cut(pixels, LAYOUT, alignment, Takes.PATCHES)
    np.testing.assert_array_equal(patches, cut_views(pixels, LAYOUT, alignment))


@pytest.mark.parametrize(("side", "takes"), [(28, Takes.CELLS), (48, Takes.PATCHES)])
def test_a_signature_says_what_its_version_takes(side: int, takes: Takes) -> None:
    assert takes_of(Signature({"cells": (4, (-1, side, side, 1))}, {})) is takes


@pytest.mark.parametrize(
    "signature",
    [
        None,
        Signature({}, {}),
        Signature({"cells": (4, (-1, 32, 32, 1))}, {}),
        Signature({"cells": (4, (-1, 28, 48, 1))}, {}),
        Signature({"cells": (4, (-1, 28))}, {}),
    ],
)
def test_a_signature_that_nobody_can_cut_for_is_told(signature: Signature | None) -> None:
    with pytest.raises(PeerError, match="takes cells of shape"):
        takes_of(signature)
