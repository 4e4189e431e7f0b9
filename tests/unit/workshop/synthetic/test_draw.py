"""Drawn sheets: ink stands where the labels say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tallywire.workshop.synthetic.conditions import Condition, ConditionName, conditions
from tallywire.workshop.synthetic.draw import Content, RenderedSheet, render_sheet, sheet_rng
from tallywire.workshop.synthetic.mnist_sample import load_hand
from tallywire.workshop.synthetic.signs import Blank, Signs
from tests.support.drawn_cells import cell_of
from tests.support.elections import GREY_SEVEN, SHIPPED
from tests.support.scan_files import Booth, booth, draw_sheet

ELECTIONS = [SHIPPED, GREY_SEVEN]


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
