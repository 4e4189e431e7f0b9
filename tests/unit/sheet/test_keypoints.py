"""Ink is told from paper whatever the light; keypoints are told from each other."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tallywire.sheet.geometry import apply_map
from tallywire.sheet.keypoints import (
    GLANCE,
    Keypoints,
    find_ink,
    find_keypoints,
    match_keypoints,
    only_ink,
)
from tests.support.markless_forms import sheet

U8 = NDArray[np.uint8]


def words(paper: int = 255, ink: int = 0) -> U8:
    page = np.full((400, 300), paper, np.uint8)
    for row in range(8):
        cv2.putText(page, f"Row {row} of 8", (20, 45 + 45 * row), 0, 1.0, ink, 2, cv2.LINE_AA)
    return page


def test_shade_and_tint_do_not_matter() -> None:
    light = np.linspace(1.0, 0.4, 300)[None, :]
    plain, dim = only_ink(words()), only_ink((words() * light).astype(np.uint8))
    grey = only_ink(words(paper=170, ink=40))
    for other in (dim, grey):
        assert np.abs(plain.astype(int) - other).mean() < 12


def test_a_pale_mark_laid_over_the_scan_is_not_ink() -> None:
    page = words()
    laid = page.copy()
    cv2.circle(laid, (150, 200), 90, 225, 14)
    laid = np.minimum(laid, page)
    assert np.abs(only_ink(laid).astype(int) - only_ink(page)).max() < 40


def test_grain_is_not_ink() -> None:
    random = np.random.default_rng(1)
    page = np.clip(random.normal(235, 5, (400, 300)), 0, 255).astype(np.uint8)
    assert (only_ink(page) > 60).mean() > 0.98


@given(st.integers(60, 900), st.integers(60, 900), st.integers(100, 800))
def test_ink_has_the_side_that_was_asked_for(height: int, width: int, side_px: int) -> None:
    ink = find_ink(np.full((height, width), 255, np.uint8), side_px)
    assert max(ink.picture.shape) == side_px
    corner = apply_map(ink.from_source, np.array([[width - 0.5, height - 0.5]]))[0]
    across, down = ink.picture.shape[1] - 0.5, ink.picture.shape[0] - 0.5
    assert abs(corner[0] - across) < 2.5  # halving drops an odd row
    assert abs(corner[1] - down) < 2.5


def test_an_empty_page_has_no_keypoints_and_matches_nothing() -> None:
    none = find_keypoints(np.full((400, 300), 255, np.uint8), GLANCE)
    assert none.places.shape == (0, 2)
    some = find_keypoints(only_ink(words()), GLANCE)
    for here, there in ((none, some), (some, none), (none, none)):
        assert match_keypoints(here, there)[0].shape == (0, 2)


def test_a_mask_keeps_keypoints_out() -> None:
    ink = only_ink(words())
    mask = np.full(ink.shape, 255, np.uint8)
    mask[:200] = 0
    places = find_keypoints(ink, GLANCE, mask).places
    assert len(places) > 20
    assert places[:, 1].min() > 180


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_keypoints_are_found_again_on_a_turned_page(turns: int) -> None:
    ink = find_ink(sheet("mx-2015")[0], GLANCE.side_px).picture
    height, width = ink.shape
    turned = np.ascontiguousarray(np.rot90(ink, turns))
    here, there = match_keypoints(find_keypoints(turned, GLANCE), find_keypoints(ink, GLANCE))
    x, y = there.T
    back = {
        0: (x, y),
        1: (y, width - 1 - x),
        2: (width - 1 - x, height - 1 - y),
        3: (height - 1 - y, x),
    }
    apart = np.linalg.norm(here - np.stack(back[turns], axis=1), axis=1)
    assert len(here) > 60
    assert (apart < 2).mean() > 0.8


def test_what_looks_like_several_is_not_matched() -> None:
    descriptors = np.zeros((3, 32), np.uint8)
    places = np.zeros((3, 2), np.float32)
    alike = Keypoints(places, descriptors)
    assert len(match_keypoints(alike, alike)[0]) == 0
