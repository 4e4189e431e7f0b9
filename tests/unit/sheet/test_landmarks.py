"""Landmarks are found where they were moved to, and writing does not mislead them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tallywire.sheet.landmarks import Landmarks, boxes_px, cover, look_for
from tests.support.markless_forms import FORMS, known

U8 = NDArray[np.uint8]


def landmarks_of(form: str) -> Landmarks:
    reference = known(form).reference
    assert reference is not None
    return reference.views[0].landmarks


def moved(ink: U8, right: float, down: float) -> U8:
    matrix = np.array([[1, 0, right], [0, 1, down]], np.float64)
    size = ink.shape[1], ink.shape[0]
    return np.asarray(cv2.warpAffine(ink, matrix, size, borderValue=255), np.uint8)


@pytest.mark.parametrize("form", FORMS)
def test_they_stand_all_over_the_page_and_around_every_field(form: str) -> None:
    landmarks = landmarks_of(form)
    assert len(landmarks.page.places) > 40
    assert len(landmarks.near.places) > 20
    for field in known(form).fields:
        middle = np.mean([cell.center_mm for cell in field.cells], axis=0)
        apart = np.linalg.norm(landmarks.places_mm - middle, axis=1)
        assert (apart < 40).sum() >= 4


@settings(max_examples=25)
@given(st.sampled_from(FORMS), st.floats(-6, 6), st.floats(-6, 6))
def test_they_are_followed(form: str, right: float, down: float) -> None:
    landmarks = landmarks_of(form)
    laid = moved(landmarks.ink, right, down)
    seen = look_for(landmarks.page, landmarks.ink, laid, landmarks.reach)
    apart = np.linalg.norm(seen.places - landmarks.page.places - [right, down], axis=1)
    assert seen.found.mean() > 0.9
    assert np.median(apart[seen.found]) < 0.15
    assert (apart[seen.found] < 1).mean() > 0.95


@pytest.mark.parametrize("form", FORMS)
def test_writing_in_the_cells_is_not_compared(form: str) -> None:
    landmarks = landmarks_of(form)
    random, laid = np.random.default_rng(2), landmarks.ink.copy()
    for left, top, right, bottom in landmarks.written:
        laid[top:bottom, left:right] = random.integers(0, 256, (bottom - top, right - left))
    seen = look_for(landmarks.near, landmarks.ink, cover(laid, landmarks.written), 2)
    assert seen.found.all()
    assert np.abs(seen.places - landmarks.near.places).max() < 0.2


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("level", [0, 255])
def test_a_page_without_print_shows_none(form: str, level: int) -> None:
    landmarks = landmarks_of(form)
    laid = np.full_like(landmarks.ink, level)
    seen = look_for(landmarks.page, landmarks.ink, laid, landmarks.reach)
    assert not seen.found.any()
    assert seen.blank.all()


def test_boxes_are_clipped_at_the_pictures_start_and_covered_in_a_copy() -> None:
    boxes = boxes_px(np.diag([2.0, 2.0, 1.0]), np.array([[-3.0, 1.0, 5.0, 2.0]]))
    assert boxes.tolist() == [[0, 2, 4, 6]]
    page = np.zeros((8, 8), np.uint8)
    covered = cover(page, boxes)
    assert not page.any()
    assert covered.sum() == 255 * 4 * 4
    assert boxes_px(np.eye(3), np.empty((0, 4))).shape == (0, 4)
