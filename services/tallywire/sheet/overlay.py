"""Draws on a scan what was found there: marks, boxes and counts, so that a person can judge."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.records import Count
from tallywire.sheet.align import Alignment
from tallywire.sheet.geometry import apply_map
from tallywire.sheet.layout import Field, Layout

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
Colour = tuple[int, int, int]

SURE, LIKELY = 0.99, 0.9  # probabilities from which a digit or count is drawn green, or amber
GREEN, AMBER, RED, BLUE = (60, 150, 20), (0, 140, 235), (40, 30, 220), (200, 110, 20)  # BGR


def draw_overlay(
    pixels: U8, layout: Layout, alignment: Alignment, counts: Sequence[Count] = ()
) -> U8:
    """A copy of the scan with marks, cell boxes and, where given, counts drawn on it.

    Args:
        pixels: uint8 [H, W, 3] BGR or [H, W] grey.
        layout: the form's layout.
        alignment: where the form lies on `pixels`.
        counts: as read, in any order; a cell is green, amber or red by its digit's probability,
            a count by its own. Without counts a row is blue, or red where its place is doubtful.

    Returns:
        uint8 [H, W, 3] BGR.
    """
    page = pixels.copy() if pixels.ndim == 3 else cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)
    canvas = np.asarray(page, np.uint8)
    thick = max(1, round(max(canvas.shape[:2]) / 1000))
    _draw_marks(canvas, layout, alignment, thick)
    by_field = {count.field: count for count in counts}
    first = 0
    for field in layout.fields:
        count = by_field.get(field.id)
        shifts = alignment.shifts_mm[first : first + len(field.cells)]
        unread = RED if field.id in alignment.doubtful_fields else BLUE
        _draw_cells(canvas, field, alignment, shifts, count, thick, unread)
        if count:
            _draw_count(canvas, field, alignment, count, thick)
        first += len(field.cells)
    return canvas


def colour_of(probability: float) -> Colour:
    """Green, amber or red (BGR)."""
    if probability >= SURE:
        return GREEN
    return AMBER if probability >= LIKELY else RED


def _draw_marks(canvas: U8, layout: Layout, alignment: Alignment, thick: int) -> None:
    boxes = {mark.id: mark.box for mark in layout.marks}
    for mark in alignment.marks:
        _draw_outline(canvas, alignment, boxes[mark.id].corners_mm, BLUE, 2 * thick)
        x, y = (round(value) for value in mark.center_px)
        cv2.drawMarker(canvas, (x, y), BLUE, cv2.MARKER_CROSS, 16 * thick, 2 * thick)


def _draw_cells(
    canvas: U8,
    field: Field,
    alignment: Alignment,
    shifts_mm: F64,
    count: Count | None,
    thick: int,
    unread: Colour,
) -> None:
    for index, cell in enumerate(field.cells):
        colour = colour_of(max(count.cells[index])) if count else unread
        x, y = shifts_mm[index]
        corners = [(left + float(x), top + float(y)) for left, top in cell.corners_mm]
        _draw_outline(canvas, alignment, corners, colour, thick)


def _draw_outline(
    canvas: U8,
    alignment: Alignment,
    corners_mm: Sequence[tuple[float, float]],
    colour: Colour,
    thick: int,
) -> None:
    corners = apply_map(alignment.page_to_image, np.array(corners_mm))
    cv2.polylines(canvas, [np.rint(corners * 16).astype(np.int32)], True, colour, thick, 16, 4)


def _draw_count(canvas: U8, field: Field, alignment: Alignment, count: Count, thick: int) -> None:
    """Write the count in the picture's own upright, just outside the row's last cell."""
    cell = field.cells[-1]
    gap_mm = 0.25 * cell.width_mm
    places = np.array([[cell.x_mm + cell.width_mm + gap_mm, cell.y_mm + cell.height_mm / 2]])
    x, y = apply_map(alignment.page_to_image, places)[0]
    size = np.sqrt(abs(np.linalg.det(alignment.page_to_image[:2, :2]))) * cell.height_mm / 45
    text = "-" if count.value is None else str(count.value)
    scale, font = max(0.35, float(size)), cv2.FONT_HERSHEY_SIMPLEX
    (width, height), _ = cv2.getTextSize(text, font, scale, 2 * thick)
    leftwards = alignment.page_to_image[0, 0] < 0  # the sheet lies upside down
    at = round(float(x)) - (width if leftwards else 0), round(float(y)) + height // 2
    cv2.putText(canvas, text, at, font, scale, (255, 255, 255), 5 * thick, cv2.LINE_AA)
    cv2.putText(canvas, text, at, font, scale, colour_of(count.probability), 2 * thick, cv2.LINE_AA)
