"""The camera keeps the form in its picture."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tallywire.workshop.synthetic.camera import choose_shot
from tallywire.workshop.synthetic.conditions import ConditionName, conditions
from tests.support.elections import GREY_SEVEN, SHIPPED
from tests.support.scan_files import booth

ELECTIONS = [SHIPPED, GREY_SEVEN]


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
