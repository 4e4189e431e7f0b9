"""Draws one sheet: form, handwriting, wear and camera, from one seed."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tallywire.workshop.synthetic.camera import choose_shot, photograph
from tallywire.workshop.synthetic.conditions import Condition
from tallywire.workshop.synthetic.form import Form
from tallywire.workshop.synthetic.handwriting import Hand
from tallywire.workshop.synthetic.heading import print_heading
from tallywire.workshop.synthetic.ink import (
    WritingTools,
    choose_pen,
    choose_writer,
    scribble,
    write_row,
)
from tallywire.workshop.synthetic.signs import Blank, Signs, compose_row, sheet_labels
from tallywire.workshop.synthetic.wear import wear

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Content:
    """What one sheet says: row signs by field id, and the station printed in its heading."""

    signs: Mapping[str, Signs]
    station: str
    district: str
    registered: int


@dataclass(frozen=True, slots=True)
class RenderedSheet:
    """One drawn sheet.

    `pixels` uint8 [H, W, 3] BGR or [H, W] grey; `labels` uint8 [N], 0 to 10 in the order of
    `layout.cells`; `page_to_image` float64 [3, 3], the layout's mm to px of `pixels`.
    """

    pixels: U8
    labels: U8
    page_to_image: F64
    jpeg_quality: int


def sheet_rng(seed: int, name: str) -> np.random.Generator:
    """The chance of one sheet: the same whatever else is rendered, and in whatever order."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def compose_sheet(
    form: Form, values: Mapping[str, int], condition: Condition, rng: np.random.Generator
) -> Mapping[str, Signs]:
    """How somebody writes these row values: leading zeros or blanks, by row."""
    signs: dict[str, Signs] = {}
    for field in form.layout.fields:
        cells = len(field.cells)
        if values[field.id] == 0 and rng.random() < condition.struck_row_chance:
            signs[field.id] = (Blank.DASH,) * cells
        else:
            signs[field.id] = compose_row(values[field.id], cells, condition.habit, rng)
    return signs


def render_sheet(
    form: Form,
    content: Content,
    hand: Hand,
    condition: Condition,
    rng: np.random.Generator,
    *,
    handwritten: bool = True,
) -> RenderedSheet:
    """Draw one sheet.

    Args:
        form: printed once with `print_form`.
        content: what it says.
        hand: whose digits.
        condition: what happens to it.
        rng: the only source of chance.
        handwritten: False leaves out words, signatures and stamp too.
    """
    paper = form.paper.copy()
    print_heading(paper, form, content.station, content.district, content.registered)
    cell_height = min(cell.height_mm for cell in form.layout.cells)
    desk = WritingTools(
        hand, choose_writer(cell_height, rng), choose_pen(condition, rng), form.px_per_mm, rng
    )
    if handwritten:
        _write_beside(paper, form, desk)
    for field in form.layout.fields:
        write_row(paper, field.cells, content.signs[field.id], desk, condition.crossing_chance)
    stamp_at = form.signatures[-1] if form.signatures and handwritten else None
    wear(paper, stamp_at, condition, form.px_per_mm, rng)
    shot = choose_shot(paper.shape, _needed_px(form), condition, form.px_per_mm, rng)
    pixels = photograph(paper, shot, condition, form.px_per_mm, rng)
    scale = np.diag([form.px_per_mm, form.px_per_mm, 1.0])
    low, high = condition.jpeg
    return RenderedSheet(
        pixels=pixels,
        labels=sheet_labels(form.layout, content.signs),
        page_to_image=shot.page_to_image @ scale,
        jpeg_quality=int(rng.integers(low, high + 1)),
    )


def _needed_px(form: Form) -> F64:
    """Float64 [K, 2]: corners of all marks and cells on the paper."""
    boxes = (*(mark.box for mark in form.layout.marks), *form.layout.cells)
    corners = [corner for box in boxes for corner in box.corners_mm]
    return np.array(corners, np.float64) * form.px_per_mm


def _write_beside(paper: U8, form: Form, desk: WritingTools) -> None:
    """Numbers in words, and signatures."""
    for line in form.words:
        scribble(paper, line, desk, size_mm=0.3 * line.height_mm)
    for place in form.signatures:
        if desk.rng.random() < 0.85:
            scribble(paper, place, desk, size_mm=0.5 * place.height_mm)
