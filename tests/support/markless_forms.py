"""Forms without marks, known by their picture alone, and ways to look at a sheet of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.sheet.geometry import apply_map
from tallywire.sheet.layout import Layout
from tallywire.sheet.reference import attach
from tallywire.sheet.registration import Registration, Unregistered, register
from tallywire.workshop.synthetic.conditions import ConditionName
from tests.support.elections import GREY_SEVEN, SHIPPED
from tests.support.scan_files import Booth, booth, draw_sheet

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

FORMS = ("grey-seven", "mx-2015")


def at(form: str) -> Booth:
    return booth(GREY_SEVEN if form == "grey-seven" else SHIPPED, 150)


@cache
def known(form: str) -> Layout:
    """The form's layout with its blank page for a reference."""
    paper = np.asarray(cv2.cvtColor(at(form).form.paper, cv2.COLOR_BGR2GRAY), np.uint8)
    return attach(replace(at(form).layout, marks=()), paper)


@cache
def sheet(
    form: str, seed: int = 1, condition: ConditionName = ConditionName.SCANNER
) -> tuple[U8, F64]:
    """A filled-in sheet, uint8 [H, W], grey, and its map from mm to px, float64 [3, 3]."""
    drawn = draw_sheet(at(form), seed=seed, condition=condition)
    pixels = drawn.pixels
    if pixels.ndim == 3:
        pixels = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
    return pixels, drawn.page_to_image


def photographed(page: U8, turn_deg: float, scale: float, tilt: F64) -> tuple[U8, F64]:
    """The page on a desk, and the map from its px to those of the picture.

    Args:
        page: uint8 [H, W].
        turn_deg: to the right.
        scale: of the page.
        tilt: float64 [4, 2], how far each corner is moved, as a share of the longer side.
    """
    height, width = page.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    angle = np.deg2rad(turn_deg)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    moved = (corners - corners.mean(axis=0)) @ turn * scale + tilt * max(height, width)
    moved += 20 - moved.min(axis=0)
    across, down = (int(side) for side in np.ceil(moved.max(axis=0) + 20))
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32))
    seen = cv2.warpPerspective(page, matrix, (across, down), flags=cv2.INTER_AREA, borderValue=90)
    return np.asarray(seen, np.uint8), np.asarray(matrix, np.float64)


def look(pixels: U8, layout: Layout) -> Registration | Unregistered:
    assert layout.reference is not None
    fields = [(one.id, np.array([cell.center_mm for cell in one.cells])) for one in layout.fields]
    return register(pixels, layout.reference, fields)


def found(pixels: U8, layout: Layout) -> Registration:
    answer = look(pixels, layout)
    assert isinstance(answer, Registration), answer
    return answer


def errors_mm(answer: Registration, truth: F64, layout: Layout) -> dict[str, float]:
    """How far at most each field's cells lie beside where they truly are."""
    centres = np.array([cell.center_mm for cell in layout.cells])
    seen = apply_map(answer.page_to_image, centres + answer.shifts_mm)
    back = np.asarray(np.linalg.inv(truth), np.float64)
    apart = np.linalg.norm(apply_map(back, seen) - centres, axis=1)
    parts = np.split(apart, np.cumsum([len(field.cells) for field in layout.fields])[:-1])
    return {field.id: float(part.max()) for field, part in zip(layout.fields, parts, strict=True)}


def doubtful(answer: Registration) -> set[str]:
    return {place.field for place in answer.places if place.doubtful}
