"""Cells are cut upright from wherever the map puts them, at any scale, and drawn where cut."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tallywire.records import Count
from tallywire.sheet.align import Alignment, FoundMark
from tallywire.sheet.cells import box_sizes_px, cut_cells, cut_patches, halve_from_px
from tallywire.sheet.clean import BOX_PX, PATCH_PX
from tallywire.sheet.layout import Box, Field, Layout, Mark, MarkKind, Role
from tallywire.sheet.overlay import AMBER, BLUE, GREEN, RED, colour_of, draw_overlay

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

CELLS = (Box(10, 20, 9, 12), Box(22, 20, 9, 12), Box(34, 20, 12, 8))
LAYOUT = Layout(
    "tiny", 1, "tiny", 60, 60,
    (Mark("m", MarkKind.CORNER_SQUARE, Box(2, 2, 5, 5)),),
    (Field("a", Role.OPTION, "a", CELLS[:2]), Field("b", Role.OPTION, "b", CELLS[2:])),
    (), (),
)  # fmt: skip


def at(matrix: F64) -> Alignment:
    mark = FoundMark("m", (float(matrix[0, 2]) + 20, float(matrix[1, 2]) + 20))
    return Alignment(matrix, (mark,), 1.0, np.zeros((3, 2)), 0.0)


def page(px_per_mm: float) -> U8:
    """White paper; each cell holds a black bar over its upper left quarter."""
    pixels = np.full((round(60 * px_per_mm), round(60 * px_per_mm)), 255, np.uint8)
    for cell in CELLS:
        left, top = round(cell.x_mm * px_per_mm), round(cell.y_mm * px_per_mm)
        right = round((cell.x_mm + cell.width_mm / 2) * px_per_mm)
        bottom = round((cell.y_mm + cell.height_mm / 2) * px_per_mm)
        pixels[top:bottom, left:right] = 0
    return pixels


@pytest.mark.parametrize("px_per_mm", [2.5, 4.0, 8.0, 12.0])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_patches_are_upright_at_any_scale(px_per_mm: float, turns: int) -> None:
    pixels = page(px_per_mm)
    side = len(pixels)
    matrix = np.diag([px_per_mm, px_per_mm, 1.0])
    matrix[:2, 2] = -0.5  # mm count from the page's edge, pixels from their middle
    quarter = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, side - 1.0], [0.0, 0.0, 1.0]])
    for _ in range(turns):
        pixels, matrix = np.ascontiguousarray(np.rot90(pixels)), quarter @ matrix
    patches = cut_patches(pixels, LAYOUT, at(matrix))
    assert patches.shape == (3, PATCH_PX, PATCH_PX)
    for patch, (width, height) in zip(patches, box_sizes_px(LAYOUT), strict=True):
        left, top = (PATCH_PX - width) / 2, (PATCH_PX - height) / 2
        upper_left = patch[round(top) + 2 : PATCH_PX // 2 - 2, round(left) + 2 : PATCH_PX // 2 - 2]
        assert upper_left.mean() < 20
        assert patch[PATCH_PX // 2 + 2 :].mean() > 235
        assert patch[:, PATCH_PX // 2 + 2 :].mean() > 180


def test_a_cell_that_lies_beside_its_place_is_cut_there() -> None:
    pixels, matrix = page(5.0), np.diag([5.0, 5.0, 1.0])
    moved = np.roll(pixels, (5, -10), (0, 1))  # 1 mm down, 2 mm left
    shifts = np.tile([[-2.0, 1.0]], (3, 1))
    expected = cut_patches(pixels, LAYOUT, at(matrix))
    found = cut_patches(moved, LAYOUT, replace(at(matrix), shifts_mm=shifts))
    assert np.abs(expected.astype(int) - found).max() <= 2


def test_box_sizes_keep_the_cells_shape() -> None:
    assert np.allclose(box_sizes_px(LAYOUT), [(27, BOX_PX), (27, BOX_PX), (BOX_PX, 24)])


def test_cells_are_those_of_the_layout_in_its_order() -> None:
    cells = cut_cells(page(4.0), LAYOUT, at(np.diag([4.0, 4.0, 1.0])))
    assert cells.shape == (3, 28, 28)
    assert cells.dtype == np.uint8


def test_halving_depends_on_the_smallest_cell() -> None:
    finer = replace(LAYOUT, fields=(Field("a", Role.OPTION, "a", (Box(0, 0, 3, 4),)),))
    assert halve_from_px(finer) == 3 * halve_from_px(LAYOUT) == 900


def count(field: str, probability: float, cells: int) -> Count:
    digit = tuple([probability] + [(1 - probability) / 10] * 10)
    return Count(field, field, 0, 0, 1.0, probability, None, None, (digit,) * cells)


def close(pixel: U8, colour: tuple[int, int, int]) -> bool:
    """The colour, or nearly: lines are drawn smoothly."""
    return bool(np.abs(pixel.astype(int) - colour).max() < 40)


@pytest.mark.parametrize("colour", [True, False])
def test_overlay_colours_boxes_by_probability_and_leaves_the_scan(colour: bool) -> None:
    grey = np.full((300, 300), 255, np.uint8)
    pixels = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8) if colour else grey
    before = pixels.copy()
    alignment = at(np.diag([5.0, 5.0, 1.0]))
    drawn = draw_overlay(pixels, LAYOUT, alignment, [count("a", 0.999, 2), count("b", 0.5, 1)])
    assert np.array_equal(pixels, before)
    assert drawn.shape == (300, 300, 3)
    assert close(drawn[100, 70], GREEN)  # top edge of the first cell
    assert close(drawn[100, 190], RED)
    assert close(drawn[10, 20], BLUE)
    plain = draw_overlay(pixels, LAYOUT, alignment)
    assert close(plain[100, 70], BLUE)


def test_overlay_writes_missing_counts_and_upside_down_sheets() -> None:
    upside_down = np.array([[-5.0, 0, 299], [0, -5.0, 299], [0, 0, 1]])
    missing = replace(count("a", 0.95, 2), value=None)
    pixels = np.full((300, 300), 255, np.uint8)
    drawn = draw_overlay(pixels, LAYOUT, at(upside_down), [missing])
    assert (drawn == AMBER).all(axis=2).any()


@pytest.mark.parametrize(
    ("probability", "colour"), [(1.0, GREEN), (0.99, GREEN), (0.95, AMBER), (0.2, RED)]
)
def test_colours(probability: float, colour: tuple[int, int, int]) -> None:
    assert colour_of(probability) == colour
