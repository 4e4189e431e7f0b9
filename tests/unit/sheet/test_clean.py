"""The normalisation of cells: what must survive it, and what must not."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tallywire.sheet.clean import BOX_PX, PATCH_PX, clean_cell, clean_crop, clean_patches
from tallywire.sheet.frame import Frame, find_frame

U8 = NDArray[np.uint8]
SIDE = 96  # of a drawn patch; its box is three quarters of that
LOW, HIGH = 12, 84


def paper(level: int = 225, noise: float = 0.0, seed: int = 0) -> U8:
    random = np.random.default_rng(seed)
    return np.clip(level + random.normal(0, noise, (SIDE, SIDE)), 0, 255).astype(np.uint8)


def with_box(patch: U8, level: int = 90, thick: int = 2) -> U8:
    out = patch.copy()
    cv2.rectangle(out, (LOW, LOW), (HIGH, HIGH), level, thick)
    return out


def with_digit(
    patch: U8, digit: int = 3, level: int = 60, at: tuple[int, int] = (30, 70), scale: float = 1.9
) -> U8:
    ink = np.zeros_like(patch)
    cv2.putText(ink, str(digit), at, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, 4, cv2.LINE_AA)
    # Leaning like handwriting: the font's upright 0 is as square as a box.
    lean = np.array([[1, -0.25, 12], [0, 1, 0]])
    ink = np.asarray(cv2.warpAffine(ink, lean, (SIDE, SIDE)), np.uint8)
    share = ink.astype(np.float64) / 255
    return np.asarray(patch * (1 - share) + level * share, np.uint8)


def likeness(one: U8, other: U8) -> float:
    """Correlation of two cells, 1 for the same picture."""
    a, b = (cv2.GaussianBlur(cell, (0, 0), 1).astype(np.float64).ravel() for cell in (one, other))
    return float(np.corrcoef(a, b)[0, 1])


def test_shape_and_range() -> None:
    cell = clean_cell(with_digit(with_box(paper())))
    assert cell.shape == (28, 28)
    assert cell.dtype == np.uint8
    assert cell.max() == 255
    assert np.median(cell) == 0


def test_a_digit_fills_twenty_pixels_around_the_middle_as_in_mnist() -> None:
    for scale, at in ((1.2, (20, 50)), (1.9, (30, 70)), (2.3, (30, 76))):
        cell = clean_cell(with_digit(with_box(paper()), 5, at=at, scale=scale))
        rows = np.nonzero(cell > 100)[0]
        assert 18 <= np.ptp(rows) + 1 <= 21
        assert abs(np.average(np.arange(28), weights=cell.sum(axis=1)) - 13.5) < 0.7
        assert abs(np.average(np.arange(28), weights=cell.sum(axis=0)) - 13.5) < 0.7


@pytest.mark.parametrize("level", [90, 180, 205])
@pytest.mark.parametrize("noise", [0.0, 3.0, 6.0])
def test_an_empty_box_stays_blank_however_it_is_printed(level: int, noise: float) -> None:
    cells = [clean_cell(with_box(paper(225, noise, seed), level)) for seed in range(10)]
    assert np.mean([cell.mean() for cell in cells]) < 3


@pytest.mark.parametrize("shift", [-4, -2, 0, 2, 4])
def test_box_lines_are_erased_where_alignment_is_a_little_off(shift: int) -> None:
    moved = np.roll(with_box(paper(225, 2)), (shift, -shift), (0, 1))
    assert clean_cell(moved).mean() < 3


@pytest.mark.parametrize("digit", range(10))
def test_a_digit_looks_the_same_with_and_without_a_box(digit: int) -> None:
    bare, boxed = with_digit(paper(), digit), with_digit(with_box(paper()), digit)
    assert likeness(clean_cell(bare), clean_cell(boxed)) > 0.97


@pytest.mark.parametrize("digit", range(10))
def test_pencil_and_shadow_change_little(digit: int) -> None:
    plain = clean_cell(with_digit(with_box(paper(225, 2)), digit))
    pale = clean_cell(with_digit(with_box(paper(225, 2)), digit, level=185))
    ramp = np.linspace(0.45, 1.0, SIDE)[None, :] * np.ones((SIDE, 1))
    edge = np.where(np.arange(SIDE) < 40, 0.6, 1.0)[:, None] * np.ones((1, SIDE))
    assert likeness(plain, pale) > 0.93
    for shade in (ramp, edge):
        dark = (with_digit(with_box(paper(225, 2)), digit) * shade).astype(np.uint8)
        assert likeness(plain, clean_cell(dark)) > 0.93


@pytest.mark.parametrize("digit", range(10))
def test_bilevel_and_low_resolution(digit: int) -> None:
    drawn = with_digit(with_box(paper()), digit)
    plain = clean_cell(drawn)
    fax = np.where(drawn < 150, 0, 255).astype(np.uint8)
    assert likeness(plain, clean_cell(fax)) > 0.9
    small = cv2.resize(drawn, (33, 33), interpolation=cv2.INTER_AREA)  # the box is 25 px wide
    assert likeness(plain, clean_cell(np.asarray(small, np.uint8))) > 0.9


def test_a_stroke_that_crosses_the_line_is_kept_whole() -> None:
    crossing = with_box(paper())
    cv2.line(crossing, (48, 25), (48, 94), 50, 5)
    inside = with_box(paper())
    cv2.line(inside, (48, 20), (48, 76), 50, 5)
    assert likeness(clean_cell(crossing), clean_cell(inside)) > 0.85
    rows = np.nonzero(clean_cell(crossing).max(axis=1) > 100)[0]
    assert np.ptp(rows) + 1 == len(rows)  # no gap where the line was


def seven(patch: U8, top: int, across: tuple[int, int] = (26, 68)) -> U8:
    """A bare seven, its bar at height `top`, from and to these columns."""
    out = patch.copy()
    cv2.line(out, (across[0], top), (across[1], top), 60, 6)
    cv2.line(out, (62, top), (44, top + 50), 60, 6)
    return out


@pytest.mark.parametrize("line", [100, 150])
@pytest.mark.parametrize("off", [-2, 0, 2])
def test_a_bar_that_lies_on_the_printed_line_is_kept(line: int, off: int) -> None:
    """Without it a seven is a one, and nothing on the sheet tells."""
    inside = clean_cell(seven(with_box(paper(225, 2), line), 24))
    on_line = clean_cell(seven(with_box(paper(225, 2), line), LOW + off))
    assert likeness(on_line, inside) > 0.8


def test_a_bar_along_the_whole_line_is_kept() -> None:
    """No bare place shows what the line itself is; the box's other lines do."""
    whole = clean_cell(seven(with_box(paper(225, 2), 130), LOW + 1, (LOW, HIGH)))
    inside = clean_cell(seven(with_box(paper(225, 2), 130), 26, (LOW + 4, HIGH - 4)))
    assert likeness(whole, inside) > 0.75


@pytest.mark.parametrize("darkest", [40, 120])
@pytest.mark.parametrize("thick", [1, 3])
def test_a_line_printed_unevenly_is_no_stroke(darkest: int, thick: int) -> None:
    printed = with_box(paper(225, 2), darkest, thick)
    ramp = np.linspace(0, 25, SIDE)[None, :]
    uneven = np.where(printed < 200, np.clip(printed + ramp, 0, 255), printed).astype(np.uint8)
    assert clean_cell(uneven).mean() < 3


@pytest.mark.parametrize("sides", [("top", "bottom"), ("left", "right"), ("top", "left"), ("top",)])
def test_a_box_without_all_its_lines_stays_blank(sides: tuple[str, ...]) -> None:
    ends = {
        "top": ((LOW, LOW), (HIGH, LOW)),
        "bottom": ((LOW, HIGH), (HIGH, HIGH)),
        "left": ((LOW, LOW), (LOW, HIGH)),
        "right": ((HIGH, LOW), (HIGH, HIGH)),
    }
    patch = paper(225, 2)
    for side in sides:
        cv2.line(patch, *ends[side], 90, 2)
    assert clean_cell(patch).mean() < 3


def test_a_stroke_that_fades_stays_whole() -> None:
    """A pencil presses less here and there, down to a few grey levels."""
    patch = with_box(paper(225, 1))
    for row in range(24, 74):
        fading = 30 if (row // 8) % 2 else 8
        patch[row, 44:50] -= fading
    rows = np.nonzero(clean_cell(patch).max(axis=1) > 20)[0]
    assert len(rows) >= 18
    assert np.ptp(rows) + 1 == len(rows)


def test_a_neighbours_stroke_reaching_in_is_dropped() -> None:
    alone = with_digit(with_box(paper()), 4)
    reached = alone.copy()
    cv2.line(reached, (95, 30), (80, 40), 60, 4)
    assert likeness(clean_cell(alone), clean_cell(reached)) > 0.97


def test_a_dash_is_not_blown_up_to_a_digit() -> None:
    dash = with_box(paper())
    cv2.line(dash, (40, 48), (54, 48), 60, 4)
    rows, columns = np.nonzero(clean_cell(dash) > 100)
    assert np.ptp(rows) < 8
    assert np.ptp(columns) < 16


def test_cells_do_not_see_their_neighbours_in_the_batch() -> None:
    random = np.random.default_rng(2)
    patches = random.integers(0, 256, (130, PATCH_PX, PATCH_PX)).astype(np.uint8)
    boxes = np.full((130, 2), float(BOX_PX))
    together = clean_patches(patches, boxes)
    alone = [clean_patches(patches[i : i + 1], boxes[i : i + 1])[0] for i in range(130)]
    assert np.array_equal(together, np.stack(alone))
    assert clean_patches(patches[:0], boxes[:0]).shape == (0, 28, 28)


@pytest.mark.parametrize("digit", range(10))
def test_loose_crops_look_like_cells(digit: int) -> None:
    drawn = with_digit(paper(200, 2), digit)
    rows, columns = np.nonzero(drawn < 130)
    tight = drawn[rows.min() - 3 : rows.max() + 4, columns.min() - 3 : columns.max() + 4]
    assert likeness(clean_crop(tight), clean_cell(with_digit(with_box(paper()), digit))) > 0.9


def test_a_crop_cut_through_its_neighbours_keeps_only_the_digit() -> None:
    drawn = with_digit(paper(), 3)
    tight = drawn[22:78, 24:72]
    crowded = tight.copy()
    cv2.line(crowded, (0, 10), (3, 30), 60, 3)
    assert likeness(clean_crop(tight), clean_crop(crowded)) > 0.95


@pytest.mark.parametrize("digit", range(10))
@pytest.mark.parametrize("margin", [0, 3, 10])
def test_a_loose_crop_of_a_printed_box_looks_like_its_cell(digit: int, margin: int) -> None:
    patch = with_digit(with_box(paper(215, 2)), digit)
    crop = patch[LOW - margin : HIGH + margin + 1, LOW - margin : HIGH + margin + 1]
    assert likeness(clean_crop(crop), clean_cell(patch)) > 0.9


def test_an_empty_box_is_blank_as_a_loose_crop_too() -> None:
    for margin in (0, 4, 11):
        patch = with_box(paper(215, 2))
        crop = patch[LOW - margin : HIGH + margin + 1, LOW - margin : HIGH + margin + 1]
        assert clean_crop(crop).mean() < 3


@pytest.mark.parametrize("missing", range(4))
def test_a_box_cut_off_on_one_side_is_still_a_box(missing: int) -> None:
    dark = np.zeros((60, 50), bool)
    for side, rows, columns in (
        (0, slice(5, 7), slice(3, 48)), (1, slice(5, 56), slice(46, 48)),
        (2, slice(54, 56), slice(3, 48)), (3, slice(5, 56), slice(3, 5)),
    ):  # fmt: skip
        if side != missing:
            dark[rows, columns] = True
    whole = Frame(4.0, 6.0, 47.0, 55.0)
    edge = {0: {"top": 0.0}, 1: {"right": 50.0}, 2: {"bottom": 60.0}, 3: {"left": 0.0}}
    assert find_frame(dark) == replace(whole, **edge[missing])
    dark[54:56] = dark[:, 3:5] = False
    assert find_frame(dark) is None


@settings(max_examples=60)
@given(st.integers(1, 120), st.integers(1, 120), st.integers(0, 2**32 - 1))
def test_any_patch_gives_a_cell_and_is_left_as_it_was(height: int, width: int, seed: int) -> None:
    patch = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)
    before = patch.copy()
    for clean in (clean_cell, clean_crop):
        cell = clean(patch)
        assert cell.shape == (28, 28)
        assert cell.dtype == np.uint8
        assert np.array_equal(cell, clean(patch))
    assert np.array_equal(patch, before)


@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_flat_patches_are_blank(level: int) -> None:
    flat = np.full((40, 40), level, np.uint8)
    assert clean_cell(flat).max() == 0
    assert clean_crop(flat).max() == 0
