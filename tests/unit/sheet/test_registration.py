"""A form is found by its print: any turn, size, tilt, light; a third of it gone; never another."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tallywire.sheet.layout import Layout
from tallywire.sheet.registration import Registration, Unregistered
from tallywire.workshop.synthetic.conditions import ConditionName
from tallywire.workshop.synthetic.form import print_form
from tests.support.markless_forms import (
    FORMS,
    at,
    doubtful,
    errors_mm,
    found,
    known,
    look,
    photographed,
    sheet,
)

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

LEVEL = np.zeros((4, 2))


@settings(max_examples=30)
@given(
    st.sampled_from(FORMS),
    st.integers(1, 5),
    st.floats(0, 360),
    st.floats(0.6, 1.4),
    st.lists(st.floats(-0.03, 0.03), min_size=8, max_size=8),
)
def test_finds_the_form_however_it_lies(
    form: str, seed: int, turn_deg: float, scale: float, tilt: list[float]
) -> None:
    page, truth = sheet(form, seed)
    pixels, moved = photographed(page, turn_deg, scale, np.array(tilt).reshape(4, 2))
    answer = found(pixels, known(form))
    apart = errors_mm(answer, moved @ truth, known(form))
    assert max(apart[name] for name in apart if name not in doubtful(answer)) < 0.6
    assert len(doubtful(answer)) <= 2


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("condition", [ConditionName.PHONE, ConditionName.HARSH])
def test_reads_what_phones_send(form: str, condition: ConditionName) -> None:
    for seed in range(1, 5):
        page, truth = sheet(form, seed, condition)
        answer = found(page, known(form))
        apart = errors_mm(answer, truth, known(form))
        assert max(apart[name] for name in apart if name not in doubtful(answer)) < 0.6


@pytest.mark.parametrize("form", FORMS)
def test_a_scanners_page_is_found_within_a_quarter_of_a_millimetre(form: str) -> None:
    page, truth = sheet(form)
    answer = found(page, known(form))
    assert max(errors_mm(answer, truth, known(form)).values()) < 0.25
    assert not doubtful(answer)
    assert max(place.residual_mm for place in answer.places) < 0.5
    assert answer.support > 0.7


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dpi", [70, 100, 300])
def test_any_resolution(form: str, dpi: int) -> None:
    page, truth = sheet(form)
    factor = dpi / 150
    pixels = cv2.resize(page, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    scaled = np.diag([pixels.shape[1] / page.shape[1], pixels.shape[0] / page.shape[0], 1.0])
    answer = found(np.asarray(pixels, np.uint8), known(form))
    assert max(errors_mm(answer, scaled @ truth, known(form)).values()) < 0.4


@pytest.mark.parametrize("form", FORMS)
def test_bilevel_and_shadow(form: str) -> None:
    page, truth = sheet(form)
    dark = cv2.adaptiveThreshold(page, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, 31, 12)
    ramp = 0.35 + 0.65 / (1 + np.exp(-np.linspace(-6, 6, page.shape[1])))
    for pixels in (dark, page * ramp[None, :]):
        answer = found(np.asarray(pixels, np.uint8), known(form))
        assert max(errors_mm(answer, truth, known(form)).values()) < 0.5


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("side", [0, 1, 2, 3])
@pytest.mark.parametrize("level", [0, 255])
def test_a_third_of_the_page_may_be_covered(form: str, side: int, level: int) -> None:
    page, truth = sheet(form)
    height, width = page.shape
    third = (
        np.s_[: height // 3], np.s_[height - height // 3 :],
        np.s_[:, : width // 3], np.s_[:, width - width // 3 :],
    )[side]  # fmt: skip
    pixels = page.copy()
    pixels[third] = level
    answer = found(pixels, known(form))
    apart = errors_mm(answer, truth, known(form))
    hidden = {
        field.id
        for field in known(form).fields
        if any(_covered(pixels, truth, cell.center_mm, level) for cell in field.cells)
    }
    seen = [apart[name] for name in apart if name not in hidden | doubtful(answer)]
    assert not seen or max(seen) < 0.6


def _covered(pixels: U8, truth: F64, center_mm: tuple[float, float], level: int) -> bool:
    x, y, w = truth @ np.array([*center_mm, 1.0])
    return bool(pixels[round(y / w) - 3 : round(y / w) + 4, round(x / w)].std() == 0)


@pytest.mark.parametrize("form", FORMS)
def test_a_field_that_is_cut_off_is_named(form: str) -> None:
    page, truth = sheet(form)
    last = known(form).fields[-1]
    _, y, w = truth @ np.array([*last.cells[-1].center_mm, 1.0])
    answer = found(np.ascontiguousarray(page[: round(y / w) - 5]), known(form))
    assert last.id in doubtful(answer)
    assert known(form).fields[0].id not in doubtful(answer)


@pytest.mark.parametrize("form", FORMS)
def test_curled_paper_is_followed(form: str) -> None:
    page, truth = sheet(form)
    rows = np.arange(page.shape[0], dtype=np.float32)
    columns = np.arange(page.shape[1], dtype=np.float32)
    bend_px = 1.5 * 150 / 25.4 * np.sin(2 * np.pi * rows / page.shape[0])
    curled = cv2.remap(
        page,
        np.tile(columns, (len(rows), 1)),
        np.tile((rows + bend_px)[:, None], (1, len(columns))).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    answer = found(np.asarray(curled, np.uint8), known(form))
    flat = replace(answer, shifts_mm=np.zeros_like(answer.shifts_mm))
    bend_mm = 1.5 * np.sin(
        2 * np.pi * np.array([f.cells[0].center_mm[1] for f in known(form).fields])
        / known(form).height_mm
    )  # fmt: skip

    def off(one: Registration) -> float:
        """Mean distance from where the curl put each field, in mm."""
        moved = [
            _y_of(one, known(form), index) - _y_of(None, known(form), index, truth)
            for index in range(len(bend_mm))
        ]
        return float(np.abs(np.array(moved) + bend_mm * 150 / 25.4).mean() * 25.4 / 150)

    assert off(answer) < 0.5
    assert off(answer) < off(flat)


def _y_of(
    answer: Registration | None, layout: Layout, index: int, truth: F64 | None = None
) -> float:
    """The row of px that a field's first cell is put in."""
    first = sum(len(field.cells) for field in layout.fields[:index])
    place = np.array(layout.cells[first].center_mm)
    matrix = truth
    if answer is not None:
        matrix, place = answer.page_to_image, place + answer.shifts_mm[first]
    assert matrix is not None
    _, y, w = matrix @ np.array([*place, 1.0])
    return float(y / w)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_mirrored_is_refused(form: str, turns: int) -> None:
    page, _ = sheet(form)
    pixels = np.ascontiguousarray(np.rot90(page[:, ::-1], turns))
    assert isinstance(look(pixels, known(form)), Unregistered)


@pytest.mark.parametrize("condition", [ConditionName.SCANNER, ConditionName.HARSH])
@pytest.mark.parametrize(("shown", "expected"), [FORMS, FORMS[::-1]])
def test_one_form_is_never_the_other(shown: str, expected: str, condition: ConditionName) -> None:
    for seed in range(1, 7):
        answer = look(sheet(shown, seed, condition)[0], known(expected))
        assert isinstance(answer, Unregistered)
        assert answer.support < 0.22 or answer.landmarks < 25


def test_the_same_head_over_another_table_is_another_form() -> None:
    layout = at("mx-2015").layout
    fields = tuple(
        replace(field, cells=tuple(
            replace(cell, x_mm=cell.x_mm - 60, y_mm=50 + 0.8 * (cell.y_mm - 50), height_mm=8)
            for cell in field.cells
        ))
        for field in layout.fields[:-1]
    )  # fmt: skip
    other = replace(layout, fields=fields, sum_rules=(), cap_rules=())
    paper = print_form(other, at("mx-2015").election.contests[0], 150).paper
    pixels = np.asarray(cv2.cvtColor(paper, cv2.COLOR_BGR2GRAY), np.uint8)
    answer = look(pixels, known("mx-2015"))
    if isinstance(answer, Registration):
        assert len(doubtful(answer)) == len(layout.fields)


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(200, 900), st.integers(200, 900))
def test_any_picture_gives_an_answer(seed: int, height: int, width: int) -> None:
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (19, 17)).astype(np.uint8)
    blocks = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)
    noise = random.integers(0, 256, (height, width)).astype(np.uint8)
    for pixels in (np.asarray(blocks, np.uint8), noise, np.full_like(noise, coarse[0, 0])):
        for form in FORMS:
            assert isinstance(look(pixels, known(form)), Unregistered)


def test_it_changes_nothing_and_gives_the_same_again() -> None:
    page, _ = sheet("mx-2015")
    before = page.copy()
    one, two = found(page, known("mx-2015")), found(page, known("mx-2015"))
    assert np.array_equal(one.page_to_image, two.page_to_image)
    assert np.array_equal(one.shifts_mm, two.shifts_mm)
    assert one.places == two.places
    assert np.array_equal(page, before)
