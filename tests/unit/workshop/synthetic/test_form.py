"""Printed forms: size, marks, and what stays blank."""

from __future__ import annotations

import numpy as np
import pytest

from tallywire.workshop.synthetic.form import print_form
from tallywire.workshop.synthetic.free_space import grow
from tests.support.drawn_cells import cell_of
from tests.support.elections import GREY_SEVEN, SHIPPED
from tests.support.scan_files import booth

ELECTIONS = [SHIPPED, GREY_SEVEN]


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


@pytest.mark.parametrize("dpi", [150, 300])
def test_other_resolutions_draw_the_same_form(dpi: int) -> None:
    at = booth(GREY_SEVEN)
    form = print_form(at.layout, at.election.contests[0], dpi)
    assert form.paper.shape[:2] == (round(297 * dpi / 25.4), round(210 * dpi / 25.4))
