"""Alignment: any turn, shift, scale, perspective, light; and clear refusals."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tallywire.election.loading import load_layout
from tallywire.reasons import Code, Reason
from tallywire.sheet.align import Alignment, align
from tallywire.sheet.geometry import apply_map
from tallywire.sheet.layout import Box, Field, Layout, Mark, MarkKind, Role
from tallywire.sheet.prepare import Prepared, prepare
from tests.support import markless_forms

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

PX_PER_MM = 4.0


def corner_form() -> Layout:
    """Four black corner squares and two tables of touching boxes."""
    fields = []
    for x0, y0, rows in ((60.0, 60.0, 4), (135.0, 95.0, 3)):
        for row in range(rows):
            cells = tuple(Box(x0 + 9 * k, y0 + 14 * row, 9, 12) for k in range(3))
            fields.append(Field(f"{x0}-{row}", Role.OPTION, None, cells))
    corners = [(10.0, 10.0), (193.0, 10.0), (10.0, 280.0), (193.0, 280.0)]
    marks = [
        Mark(f"m{i}", MarkKind.CORNER_SQUARE, Box(x, y, 7, 7)) for i, (x, y) in enumerate(corners)
    ]
    return Layout("corners", 1, "c", 210, 297, tuple(marks), tuple(fields), (), ())


def pixels_of(points_mm: F64) -> NDArray[np.int32]:
    """In sixteenths of a pixel, as OpenCV's drawing takes them."""
    return np.rint(points_mm * PX_PER_MM * 16).astype(np.int32)


@cache
def drawn(layout_id: str) -> U8:
    """The form, markless_forms without text, with a digit here and there."""
    layout = form(layout_id)
    height, width = round(layout.height_mm * PX_PER_MM), round(layout.width_mm * PX_PER_MM)
    page = np.full((height, width, 3), 255, np.uint8)
    for mark in layout.marks:
        colour = mark.colour[::-1]
        if mark.kind is MarkKind.COLOUR_CIRCLE:
            x, y = pixels_of(np.array(mark.box.center_mm))
            radius = round(mark.box.width_mm * PX_PER_MM * 8)
            cv2.circle(page, (int(x), int(y)), radius, colour, -1, cv2.LINE_AA, 4)
        else:
            corners = pixels_of(np.array(mark.box.corners_mm))
            cv2.fillPoly(page, [corners], colour, cv2.LINE_AA, 4)
    for number, cell in enumerate(layout.cells):
        cv2.polylines(
            page, [pixels_of(np.array(cell.corners_mm))], True, (120, 120, 120), 1, cv2.LINE_AA, 4
        )
        if number % 3:
            x, y = pixels_of(np.array(cell.center_mm)) // 16
            at = int(x) - 10, int(y) + 12
            cv2.putText(page, str(number % 10), at, 0, 1.1, (140, 60, 40), 2, cv2.LINE_AA)
    return page


@cache
def form(layout_id: str) -> Layout:
    return corner_form() if layout_id == "corners" else load_layout(layout_id)


def photographed(
    page: U8, turn_deg: float, scale: float, tilt: NDArray[np.float64], shift: float
) -> tuple[U8, F64]:
    """The page as a camera might see it, and the map from mm to its pixels."""
    height, width = page.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    angle = np.deg2rad(turn_deg)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    moved = (corners - corners.mean(axis=0)) @ turn * scale + tilt * max(height, width)
    moved += shift - moved.min(axis=0)
    size = np.ceil(moved.max(axis=0) + shift).astype(int)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32))
    desk = cv2.warpPerspective(
        page, matrix, (int(size[0]), int(size[1])), flags=cv2.INTER_AREA, borderValue=(70, 80, 90)
    )
    truth = np.asarray(matrix, np.float64) @ np.diag([PX_PER_MM, PX_PER_MM, 1.0])
    return np.asarray(desk, np.uint8), truth


def worst_error(alignment: Alignment, truth: F64, layout: Layout) -> float:
    """Largest error at a cell's corner, as a share of a cell's width."""
    corners = np.array([cell.corners_mm for cell in layout.cells]).reshape(-1, 2)
    back = np.asarray(np.linalg.inv(truth), np.float64)
    found = apply_map(back, apply_map(alignment.page_to_image, corners))
    apart = np.linalg.norm(found - corners, axis=1)
    return float(apart.max()) / min(cell.width_mm for cell in layout.cells)


def aligned(pixels: U8, layout: Layout) -> Alignment:
    result = align(pixels, layout)
    assert isinstance(result, Alignment), result
    return result


FORMS = ["mx-2015", "corners"]


@settings(max_examples=40)
@given(
    st.sampled_from(FORMS),
    st.floats(0, 360),
    st.floats(0.55, 1.3),
    st.lists(st.floats(-0.02, 0.02), min_size=8, max_size=8),
    st.floats(4, 60),
)
@example("mx-2015", 269.8, 0.5542, [0.02, 0.02, -0.02, 0.02, 0.02, -0.02, -0.02, -0.02], 21.5)
@example("mx-2015", 335.8, 0.5625, [0.02, 0.02, -0.02, -0.02, 0.02, 0.02, 0.02, -0.02], 42.3)
def test_finds_the_form_however_it_lies(
    layout_id: str, turn_deg: float, scale: float, tilt: list[float], shift: float
) -> None:
    layout = form(layout_id)
    corners = np.array(tilt).reshape(4, 2)
    pixels, truth = photographed(drawn(layout_id), turn_deg, scale, corners, shift)
    found = aligned(pixels, layout)
    assert worst_error(found, truth, layout) < 0.07
    assert {mark.id for mark in found.marks} == {mark.id for mark in layout.marks}


@pytest.mark.parametrize("layout_id", FORMS)
@pytest.mark.parametrize("turn_deg", [0, 90, 180, 270])
def test_a_flat_scan_is_aligned_within_three_percent_of_a_cell(
    layout_id: str, turn_deg: float
) -> None:
    pixels, truth = photographed(drawn(layout_id), turn_deg, 1.0, np.zeros((4, 2)), 10)
    found = aligned(pixels, form(layout_id))
    assert worst_error(found, truth, form(layout_id)) < 0.03
    assert found.box_support > 0.9


@pytest.mark.parametrize("layout_id", FORMS)
@pytest.mark.parametrize("turn_deg", [2, 183])
def test_reads_grey_and_bilevel_scans(layout_id: str, turn_deg: float) -> None:
    pixels, truth = photographed(drawn(layout_id), turn_deg, 1.0, np.zeros((4, 2)), 10)
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
    same_channels = np.repeat(grey[:, :, None], 3, axis=2)
    fax = np.where(grey < 170, 0, 255).astype(np.uint8)
    for seen in (grey, same_channels, fax):
        assert worst_error(aligned(seen, form(layout_id)), truth, form(layout_id)) < 0.04


@pytest.mark.parametrize("layout_id", FORMS)
def test_shadow_a_yellow_lamp_noise_and_jpeg(layout_id: str) -> None:
    random = np.random.default_rng(1)
    tilt = random.uniform(-0.02, 0.02, (4, 2))
    pixels, truth = photographed(drawn(layout_id), 5, 1.0, tilt, 30)
    columns = np.linspace(-3, 3, pixels.shape[1])
    light = (0.7 + 0.3 * np.tanh(columns))[None, :, None] * np.array([0.7, 0.9, 1.0])
    dim = np.clip(pixels * light + random.normal(0, 6, pixels.shape), 0, 255).astype(np.uint8)
    jpeg = cv2.imdecode(cv2.imencode(".jpg", dim, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], 1)
    found = aligned(np.asarray(jpeg, np.uint8), form(layout_id))
    assert worst_error(found, truth, form(layout_id)) < 0.06


def test_one_corner_torn_off_is_no_obstacle() -> None:
    pixels, truth = photographed(drawn("corners"), 1, 1.0, np.zeros((4, 2)), 10)
    pixels[:120, :150] = 255
    found = aligned(pixels, form("corners"))
    assert len(found.marks) == 3
    assert worst_error(found, truth, form("corners")) < 0.04


@settings(max_examples=30)
@given(
    st.floats(-9, 9),
    st.lists(st.floats(-0.02, 0.02), min_size=8, max_size=8),
    st.floats(0.2, 0.8),
    st.booleans(),
)
def test_two_marks_are_enough_in_a_steep_photograph_whatever_passes_for_a_third(
    turn_deg: float, tilt: list[float], stain_at: float, stain: bool
) -> None:
    """Once a map that fitted the lower rows was taken for right, a row off above them."""
    page = drawn("mx-2015").copy()
    page[: round(42 * PX_PER_MM)] = 255  # the banner is gone
    if stain:  # and something of its shape lies elsewhere
        top = round(page.shape[0] * stain_at)
        page[top : top + 60, 100:560] = np.minimum(page[top : top + 60, 100:560], 200)
    pixels, truth = photographed(page, turn_deg, 1.0, np.array(tilt).reshape(4, 2), 20)
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
    for seen in (pixels, grey):
        assert worst_error(aligned(seen, form("mx-2015")), truth, form("mx-2015")) < 0.2


@pytest.mark.parametrize(("row", "moved_mm"), [(0, -2.0), (6, 1.5), (13, 2.0)])
def test_a_row_that_lies_elsewhere_makes_it_the_wrong_form(row: int, moved_mm: float) -> None:
    layout = form("mx-2015")
    fields = list(layout.fields)
    moved = [replace(cell, y_mm=cell.y_mm + moved_mm) for cell in fields[row].cells]
    fields[row] = replace(fields[row], cells=tuple(moved))
    other = replace(layout, fields=tuple(fields))
    pixels, _ = photographed(drawn("mx-2015"), 2, 1.0, np.zeros((4, 2)), 10)
    reason = align(pixels, other)
    assert isinstance(reason, Reason)
    assert reason.code is Code.WRONG_FORM
    assert reason.evidence["field_elsewhere"] == fields[row].id


@pytest.mark.parametrize("bend_mm", [1.0, 2.0])
def test_curled_paper_contradicts_nothing(bend_mm: float) -> None:
    page = drawn("mx-2015")
    rows = np.arange(page.shape[0], dtype=np.float32)
    bend = bend_mm * PX_PER_MM * np.sin(np.pi * rows / page.shape[0])
    columns = np.arange(page.shape[1], dtype=np.float32)
    curled = cv2.remap(
        page,
        np.tile(columns, (len(rows), 1)),
        np.tile((rows + bend)[:, None], (1, len(columns))).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    found = aligned(np.asarray(curled, np.uint8), form("mx-2015"))
    assert found.box_support > 0.9


@pytest.mark.parametrize("layout_id", FORMS)
@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("colour", [True, False])
def test_an_empty_page_has_no_marks(layout_id: str, level: int, colour: bool) -> None:
    page = np.full((900, 700, 3) if colour else (900, 700), level, np.uint8)
    reason = align(page, form(layout_id))
    assert isinstance(reason, Reason)
    assert reason.code is Code.MARKS_NOT_FOUND
    assert reason.evidence["layout"] == layout_id


def test_evidence_says_how_many_candidates_each_mark_had() -> None:
    page = drawn("mx-2015").copy()
    page[: round(40 * PX_PER_MM)] = 255  # the banner is gone
    page[round(50 * PX_PER_MM) : round(226 * PX_PER_MM)] = 255  # and the boxes
    reason = align(page, form("mx-2015"))
    assert isinstance(reason, Reason)
    assert reason.code is Code.MARKS_NOT_FOUND
    assert reason.evidence["candidates_banner"] == 0
    assert reason.evidence["candidates_dot"] == 1


@pytest.mark.parametrize("layout_id", FORMS)
def test_a_form_with_the_same_marks_and_other_boxes_is_the_wrong_form(layout_id: str) -> None:
    layout = form(layout_id)
    fields = []
    for row, field in enumerate(layout.fields):
        cells = tuple(Box(9 + 13.1 * k + 2 * row, 45 + 11.3 * row, 11, 8.1) for k in range(3))
        fields.append(replace(field, cells=cells))
    pixels, _ = photographed(drawn(layout_id), 2, 1.0, np.zeros((4, 2)), 10)
    reason = align(pixels, replace(layout, id="other", fields=tuple(fields)))
    assert isinstance(reason, Reason)
    assert reason.code is Code.WRONG_FORM
    support, least = reason.evidence["box_support"], reason.evidence["least_support"]
    assert isinstance(support, float)
    assert isinstance(least, float)
    assert support < least


@pytest.mark.parametrize(("shown", "expected"), [("mx-2015", "corners"), ("corners", "mx-2015")])
def test_one_form_is_not_taken_for_the_other(shown: str, expected: str) -> None:
    pixels, _ = photographed(drawn(shown), 3, 1.0, np.zeros((4, 2)), 10)
    reason = align(pixels, form(expected))
    assert isinstance(reason, Reason)
    assert reason.code in (Code.WRONG_FORM, Code.MARKS_NOT_FOUND)


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(200, 900), st.integers(200, 900), st.booleans())
def test_any_picture_gives_an_answer(seed: int, height: int, width: int, colour: bool) -> None:
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (9, 7, 3)).astype(np.uint8)
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)
    page = np.asarray(picture if colour else picture[:, :, 0].copy(), np.uint8)
    for layout_id in FORMS:
        assert isinstance(align(page, form(layout_id)), Reason)


def test_prepare_is_pure_and_gives_a_cell_for_every_box() -> None:
    pixels, _ = photographed(drawn("mx-2015"), 4, 1.0, np.zeros((4, 2)), 20)
    before = pixels.copy()
    one, two = prepare(pixels, form("mx-2015")), prepare(pixels, form("mx-2015"))
    assert isinstance(one, Prepared)
    assert isinstance(two, Prepared)
    assert np.array_equal(one.cells, two.cells)
    assert np.array_equal(pixels, before)
    assert one.cells.shape == (len(form("mx-2015").cells), 28, 28)
    inked = one.cells.max(axis=(1, 2)) > 200
    assert inked.tolist() == [number % 3 > 0 for number in range(len(one.cells))]


def test_prepare_hands_refusals_on() -> None:
    assert isinstance(prepare(np.full((500, 500), 255, np.uint8), form("corners")), Reason)


@pytest.mark.parametrize("key", markless_forms.FORMS)
def test_a_form_with_a_reference_needs_no_marks(key: str) -> None:
    layout = markless_forms.known(key)
    assert not layout.marks
    grey, truth = markless_forms.sheet(key)
    for pixels in (grey, np.repeat(grey[:, :, None], 3, axis=2)):
        ready = prepare(pixels, layout)
        assert isinstance(ready, Prepared)
        found = ready.alignment
        assert worst_error(found, truth, layout) < 0.05
        assert found.box_support > 0.7
        assert [place.field for place in found.places] == [field.id for field in layout.fields]
        assert found.doubtful_fields == ()
        assert found.strain_mm == max(place.residual_mm for place in found.places)
        assert ready.cells.shape == (len(layout.cells), 28, 28)


def test_a_field_that_is_hidden_is_named_and_the_sheet_is_not_refused() -> None:
    layout = markless_forms.known("mx-2015")
    pixels, truth = markless_forms.sheet("mx-2015")
    top, bottom = (apply_map(truth, np.array([[0.0, y]]))[0, 1] for y in (70.0, 165.0))
    pixels = pixels.copy()
    pixels[round(float(top)) : round(float(bottom))] = 0
    found = aligned(pixels, layout)
    hidden = {field.id for field in layout.fields if 105 < field.cells[0].center_mm[1] < 130}
    assert hidden
    assert hidden <= set(found.doubtful_fields)
    assert len(found.doubtful_fields) < len(layout.fields)


@pytest.mark.parametrize(("shown", "expected"), [markless_forms.FORMS, markless_forms.FORMS[::-1]])
def test_another_forms_reference_refuses_with_what_was_found(shown: str, expected: str) -> None:
    reason = align(markless_forms.sheet(shown)[0], markless_forms.known(expected))
    assert isinstance(reason, Reason)
    assert reason.code is Code.WRONG_FORM
    assert reason.evidence["layout"] == expected
    assert isinstance(reason.evidence["landmarks_found"], int)
    assert isinstance(reason.evidence["landmark_support"], float)
