"""A form's picture: rectified, blended, and worked out into what it is known by."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tallywire.sheet.keypoints import GLANCE, STARE
from tallywire.sheet.layout import Box
from tallywire.sheet.reference import attach, blend, build_reference, rectify
from tests.support.markless_forms import FORMS, at, errors_mm, found, known, photographed, sheet

U8 = NDArray[np.uint8]


@settings(max_examples=10)
@given(st.floats(0, 360), st.floats(0.8, 1.3), st.sampled_from(FORMS))
def test_rectifying_undoes_the_camera(turn_deg: float, scale: float, form: str) -> None:
    paper = np.asarray(cv2.cvtColor(at(form).form.paper, cv2.COLOR_BGR2GRAY), np.uint8)
    soft = np.asarray(cv2.GaussianBlur(paper, (0, 0), 2.0), np.uint8)
    pixels, moved = photographed(soft, turn_deg, scale, np.zeros((4, 2)))
    px_per_mm = at(form).form.px_per_mm
    layout = at(form).layout
    onto = moved @ np.diag([px_per_mm, px_per_mm, 1.0])
    page = rectify(pixels, onto, (layout.width_mm, layout.height_mm), px_per_mm)
    inner = np.s_[20:-20, 20:-20]
    assert page.shape == paper.shape
    assert np.abs(page[inner].astype(int) - soft[inner]).mean() < 3


def rectified(form: str, seed: int) -> U8:
    pixels, truth = sheet(form, seed)
    layout = at(form).layout
    return rectify(pixels, truth, (layout.width_mm, layout.height_mm), 5.0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("count", [1, 5])
def test_filled_in_scans_teach_the_form(form: str, count: int) -> None:
    """One is enough; of several the handwriting goes."""
    picture = blend([rectified(form, seed) for seed in range(11, 11 + count)])
    layout = attach(known(form), picture)
    for seed in range(1, 4):
        pixels, truth = sheet(form, seed)
        answer = found(pixels, layout)
        apart = errors_mm(answer, truth, layout)
        sure = {place.field for place in answer.places if not place.doubtful}
        assert len(sure) >= len(apart) - 2
        assert max(apart[name] for name in sure) < 0.6


def test_blending_keeps_print_and_loses_writing() -> None:
    pages = [np.full((40, 40), 255, np.uint8) for _ in range(5)]
    for index, page in enumerate(pages):
        page[5] = 0  # printed
        page[:, 10 + index] = 0  # written
    mixed = blend(pages)
    assert (mixed[5] == 0).all()
    assert (mixed[6:] == 255).all()


@pytest.mark.parametrize("form", FORMS)
def test_what_is_written_in_cells_or_ignored_boxes_tells_nothing(form: str) -> None:
    layout = known(form)
    fields = [
        np.array([(c.x_mm, c.y_mm, c.width_mm, c.height_mm) for c in field.cells])
        for field in layout.fields
    ]
    size = layout.width_mm, layout.height_mm
    head = np.array([[0.0, 0.0, layout.width_mm, 40.0]])
    picture = rectified(form, 1)
    plain, without = (build_reference(picture, size, fields, boxes) for boxes in (None, head))
    for one in (plain, without):
        assert [view.sight for view in one.views] == [GLANCE, STARE]
        for view in one.views:
            for x, y, width, height in np.concatenate(fields):
                inside = np.abs(view.landmarks.places_mm - [x + width / 2, y + height / 2])
                assert not (inside < [width / 2 - 1.5, height / 2 - 1.5]).all(axis=1).any()
    for view in without.views:
        assert view.keypoints.places[:, 1].min() > 35
        assert view.landmarks.places_mm[:, 1].min() > 35


def test_a_layout_says_what_its_picture_is_not_known_by() -> None:
    layout = at("grey-seven").layout
    page = rectified("grey-seven", 1)
    ignored = Box(20, 60, 170, 60)
    known = attach(replace(layout, ignored=(ignored,)), page).reference
    assert known is not None
    for view in known.views:
        for places in (view.keypoints.places, view.landmarks.places_mm):
            beside = np.abs(places - np.array(ignored.center_mm))
            deep = beside < [ignored.width_mm / 2 - 5, ignored.height_mm / 2 - 5]
            assert len(places)
            assert not deep.all(axis=1).any()
