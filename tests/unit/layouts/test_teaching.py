"""A form's picture made from scans: found by corners, by marks or whole; writing painted over."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tallywire.errors import UsageError
from tallywire.layouts.session import parse_corners
from tallywire.layouts.teaching import TaughtPicture, hide_writing, page_at, teach, whole_page
from tallywire.reasons import Code, Reason
from tallywire.sheet.geometry import apply_map
from tallywire.sheet.layout import Box, Layout
from tallywire.sheet.reference import attach, rectify
from tests.support.markless_forms import FORMS, at, errors_mm, found, photographed, sheet

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]


def bare(form: str) -> Layout:
    """The form without marks, and without its picture."""
    return replace(at(form).layout, marks=())


def corners_of(page_to_image: F64, layout: Layout) -> F64:
    width, height = layout.width_mm, layout.height_mm
    return apply_map(page_to_image, np.array([[0, 0], [width, 0], [width, height], [0, height]]))


def taught(first: U8, others: list[U8], layout: Layout, corners: F64 | None) -> TaughtPicture:
    named = [(f"scan {number}", pixels) for number, pixels in enumerate(others)]
    answer = teach(first, named, layout, corners)
    assert isinstance(answer, TaughtPicture), answer
    return answer


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("others", [0, 2])
def test_what_was_taught_by_corners_finds_other_scans(form: str, others: int) -> None:
    layout = bare(form)
    first, truth = sheet(form, 1)
    more = [sheet(form, seed)[0] for seed in range(2, 2 + others)]
    picture = taught(first, more, layout, corners_of(truth, layout))
    assert (picture.scans, picture.left_out) == (1 + others, {})
    page, there = sheet(form, 7)
    known = attach(layout, picture.picture)
    assert max(errors_mm(found(page, known), there, known).values()) < 0.5


@pytest.mark.parametrize("form", FORMS)
def test_marks_tell_where_the_first_page_lies(form: str) -> None:
    layout = at(form).layout
    first, _ = sheet(form, 1)
    colour = np.asarray(cv2.cvtColor(first, cv2.COLOR_GRAY2BGR), np.uint8)
    known = attach(layout, taught(colour, [], layout, None).picture)
    page, there = sheet(form, 7)
    assert max(errors_mm(found(page, known), there, known).values()) < 0.5


def test_without_marks_and_corners_the_whole_scan_is_the_page() -> None:
    layout = bare("grey-seven")
    paper = np.asarray(cv2.cvtColor(at("grey-seven").form.paper, cv2.COLOR_BGR2GRAY), np.uint8)
    picture = taught(paper, [], layout, None).picture
    height, width = picture.shape
    assert height / width == pytest.approx(layout.height_mm / layout.width_mm, rel=0.01)
    again = rectify(paper, whole_page(paper.shape[::-1], layout), (210, 297), height / 297)
    assert np.abs(again.astype(int) - picture).mean() < 4


def test_a_scan_whose_marks_are_not_found_teaches_nothing() -> None:
    answer = teach(np.full((900, 700), 255, np.uint8), [], at("grey-seven").layout)
    assert isinstance(answer, Reason)
    assert answer.code is Code.MARKS_NOT_FOUND


def test_another_forms_scan_is_left_out_by_name() -> None:
    layout = bare("grey-seven")
    first, truth = sheet("grey-seven", 1)
    picture = taught(first, [sheet("mx-2015", 1)[0]], layout, corners_of(truth, layout))
    assert picture.scans == 1
    assert picture.left_out["scan 0"].code is Code.WRONG_FORM


def test_nothing_that_was_written_is_kept() -> None:
    ignored = Box(60, 30, 50, 15)
    layout = replace(bare("grey-seven"), ignored=(ignored,))
    page = np.full((1485, 1050), 200, np.uint8)
    for box in (*layout.cells, ignored):  # a stroke across the middle of each
        x, y = (round(5 * side) for side in box.center_mm)
        page[y - 3 : y + 3, x - 10 : x + 10] = 0
    hidden = hide_writing(page, layout)
    assert (hidden == 200).all()
    assert (page == 0).any()


@given(
    st.floats(0, 30),
    st.floats(0.7, 1.3),
    st.lists(st.floats(-0.02, 0.02), min_size=8, max_size=8),
)
def test_corners_give_the_map_that_they_come_from(
    turn_deg: float, scale: float, tilt: list[float]
) -> None:
    layout = bare("grey-seven")
    blank = np.full((297, 210), 255, np.uint8)
    _, moved = photographed(blank, turn_deg, scale, np.array(tilt).reshape(4, 2))
    corners = corners_of(moved, layout)
    text = ",".join(f"{number:.3f}" for number in corners.ravel())
    assert parse_corners(text) == pytest.approx(corners, abs=0.001)
    assert page_at(corners, layout) == pytest.approx(moved / moved[2, 2], abs=1e-3)


@pytest.mark.parametrize(
    "text",
    [
        "", "1,2,3", "0,0,9,0,9,9,0,x", "0,0,9,0,9,9,0,9,1", "0,0,9,0,9,nan,0,9",
        "0,0,0,9,9,9,9,0", "0,0,9,9,9,0,0,9", "0,0,0,0,0,0,0,0",
    ],
)  # fmt: skip
def test_corners_that_are_none_are_told(text: str) -> None:
    with pytest.raises(UsageError, match="top left, top right, bottom right and bottom left"):
        parse_corners(text)
