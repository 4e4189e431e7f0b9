"""Forms, ink and camera: what is drawn is where and what the labels say."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tallywire.sheet.layout import Box
from tallywire.workshop.synthetic.camera import choose_shot
from tallywire.workshop.synthetic.conditions import Condition, ConditionName, conditions
from tallywire.workshop.synthetic.draw import Content, RenderedSheet, render_sheet, sheet_rng
from tallywire.workshop.synthetic.form import print_form
from tallywire.workshop.synthetic.free_space import around, grow, largest_free
from tallywire.workshop.synthetic.handwriting import Writer, raster_hand
from tallywire.workshop.synthetic.mnist_sample import load_hand
from tallywire.workshop.synthetic.signs import Blank, Signs
from tests.support.elections import GREY_SEVEN, SHIPPED
from tests.support.scan_files import Booth, booth, draw_sheet

U8 = NDArray[np.uint8]
ELECTIONS = [SHIPPED, GREY_SEVEN]
WRITER = Writer(identity=0, height_mm=7, aspect=1.0, slant=0.1, stroke_mm=0.6)


def cell_of(pixels: U8, box: Box, page_to_image: NDArray[np.float64], shrink: float = 0.15) -> U8:
    """The inside of a cell, uint8 [40, 40] grey, cut by the drawing's own map."""
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    inner = grow(box, -shrink * box.width_mm)
    corners = np.array(inner.corners_mm, np.float64)[None]
    seen = cv2.perspectiveTransform(corners, page_to_image)[0].astype(np.float32)
    square = np.array([[0, 0], [40, 0], [40, 40], [0, 40]], np.float32)
    return np.asarray(
        cv2.warpPerspective(grey, cv2.getPerspectiveTransform(seen, square), (40, 40))
    )


@pytest.mark.parametrize("election", ELECTIONS)
def test_a_form_has_the_pages_size_and_its_marks_in_their_colours(election: str) -> None:
    at = booth(election)
    height, width = at.form.paper.shape[:2]
    assert (width, height) == (
        round(at.layout.width_mm * at.form.px_per_mm),
        round(at.layout.height_mm * at.form.px_per_mm),
    )
    for mark in at.layout.marks:
        left, top = (round(length * at.form.px_per_mm) for length in mark.box.corners_mm[0])
        x, y = (round(length * at.form.px_per_mm) for length in mark.box.center_mm)
        patch = at.form.paper[top:y, left:x].reshape(-1, 3)
        share = np.mean(np.all(np.abs(patch[:, ::-1] - np.array(mark.colour)) < 3, axis=1))
        assert share > 0.55


@pytest.mark.parametrize("election", ELECTIONS)
def test_nothing_is_printed_around_marks_or_inside_cells(election: str) -> None:
    at = booth(election)
    scale = at.form.px_per_mm
    for mark in at.layout.marks:
        ring = grow(mark.box, 1.5)
        left, top = (round(length * scale) for length in ring.corners_mm[0])
        bottom = round(ring.corners_mm[2][1] * scale)
        edge = at.form.paper[top:bottom, left]
        assert edge.min() > 240
    for cell in at.layout.cells:
        assert cell_of(at.form.paper, cell, np.diag([scale, scale, 1.0])).min() > 250


def test_the_form_is_shared_and_cannot_be_written_on() -> None:
    with pytest.raises(ValueError, match="read-only"):
        booth().form.paper[0, 0] = 0


@settings(max_examples=25)
@given(st.integers(0, 9), st.floats(12, 120), st.integers(0, 2**32))
def test_a_digit_has_the_asked_size_and_full_ink(digit: int, height_px: float, seed: int) -> None:
    mask = load_hand()(digit, height_px, WRITER, np.random.default_rng(seed))
    assert mask.dtype == np.float32
    assert mask.min() >= 0
    assert 0.9 < mask.max() <= 1
    assert 0.55 * height_px < max(mask.shape) < 1.5 * height_px + 8
    assert max(mask[0].max(), mask[-1].max(), mask[:, 0].max(), mask[:, -1].max()) < 0.1


def test_a_thicker_pen_leaves_more_ink() -> None:
    hand, rng = load_hand(), np.random.default_rng
    thin = hand(8, 60, replace(WRITER, stroke_mm=0.35), rng(1)).sum()
    thick = hand(8, 60, replace(WRITER, stroke_mm=0.9), rng(1)).sum()
    assert thick > 1.3 * thin


def test_the_shipped_hand_is_balanced_over_digits_and_groups() -> None:
    hand = load_hand()
    assert len(hand.pixels) == 4000
    assert [[len(choices) for choices in group] for group in hand.by_group] == [[200] * 10] * 2


def test_a_hand_that_lacks_a_digit_is_refused() -> None:
    labels = np.arange(9, dtype=np.uint8)
    with pytest.raises(ValueError, match="every digit"):
        raster_hand(np.zeros((9, 28, 28), np.uint8), labels, np.zeros(9, np.uint8))


@pytest.mark.parametrize("election", ELECTIONS)
@pytest.mark.parametrize("name", list(ConditionName))
def test_ink_stands_where_the_labels_say(election: str, name: ConditionName) -> None:
    at = booth(election)
    ranges = replace(
        conditions()[name], crossing_chance=0.0, stain_chance=0.0, contrast=(1, 1), noise=(0, 0)
    )
    drawn = draw_with(at, ranges, (Blank.EMPTY, 8, 0))
    cells = [cell_of(drawn.pixels, cell, drawn.page_to_image) for cell in at.layout.cells]
    depth = [float(np.percentile(cell, 95) - np.percentile(cell, 3)) for cell in cells]
    empty, written = depth[0::3], [*depth[1::3], *depth[2::3]]
    assert max(float(np.median(empty)), 1) * 3 < np.median(written)


def draw_with(at: Booth, ranges: Condition, signs: Signs) -> RenderedSheet:
    content = Content({field.id: signs for field in at.layout.fields}, "S", "D", 100)
    return render_sheet(at.form, content, load_hand(), ranges, sheet_rng(5, "x"))


@settings(max_examples=60)
@given(st.sampled_from(list(ConditionName)), st.integers(0, 2**32), st.sampled_from(ELECTIONS))
def test_marks_and_cells_are_always_in_the_picture(
    name: ConditionName, seed: int, election: str
) -> None:
    at = booth(election)
    boxes = (*(mark.box for mark in at.layout.marks), *at.layout.cells)
    corners = np.array([one for box in boxes for one in box.corners_mm]) * at.form.px_per_mm
    rng = np.random.default_rng(seed)
    shape = at.form.paper.shape
    shot = choose_shot(shape, corners, conditions()[name], at.form.px_per_mm, rng)
    seen = cv2.perspectiveTransform(corners[None], shot.page_to_image)[0]
    assert seen.min() >= 0
    assert (seen < np.array([shape[1], shape[0]])).all()


@pytest.mark.parametrize("name", list(ConditionName))
def test_the_same_seed_draws_the_same_pixels(name: ConditionName) -> None:
    one, same = draw_sheet(booth(), condition=name), draw_sheet(booth(), condition=name)
    other = draw_sheet(booth(), condition=name, seed=2)
    assert np.array_equal(one.pixels, same.pixels)
    assert one.jpeg_quality == same.jpeg_quality
    assert one.pixels.shape != other.pixels.shape or (one.pixels != other.pixels).any()


def test_a_scanner_turns_some_pages_and_makes_some_grey() -> None:
    at = booth(GREY_SEVEN, dpi=50)
    votes = dict.fromkeys((option.id for option in at.election.contests[0].options), 1)
    sheets = [draw_sheet(at, seed=seed, votes=votes) for seed in range(80)]
    grey = sum(sheet.pixels.ndim == 2 for sheet in sheets)
    turned = sum(sheet.page_to_image[0, 0] < 0 for sheet in sheets)
    assert 2 <= grey <= 24
    assert 1 <= turned <= 16


@pytest.mark.parametrize("dpi", [150, 300])
def test_other_resolutions_draw_the_same_form(dpi: int) -> None:
    at = booth(GREY_SEVEN)
    form = print_form(at.layout, at.election.contests[0], dpi)
    assert form.paper.shape[:2] == (round(297 * dpi / 25.4), round(210 * dpi / 25.4))


def test_free_places_touch_nothing() -> None:
    region = Box(0, 0, 100, 100)
    taken = [Box(0, 0, 100, 30), Box(0, 30, 20, 70)]
    place = largest_free(region, taken)
    assert place == Box(20, 30, 80, 70)
    assert largest_free(region, [region]) is None
    assert around([Box(1, 2, 3, 4), Box(10, 1, 1, 1)]) == Box(1, 1, 10, 5)
