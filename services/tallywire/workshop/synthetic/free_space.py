"""Free places on a form: the largest empty rectangle, for texts and signatures."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tallywire.sheet.layout import Box

GRID_MM = 2.0


def grow(box: Box, by_mm: float) -> Box:
    """The box with a margin all round."""
    return Box(
        box.x_mm - by_mm, box.y_mm - by_mm, box.width_mm + 2 * by_mm, box.height_mm + 2 * by_mm
    )


def around(boxes: Iterable[Box]) -> Box:
    """The smallest box that holds all of them.

    Raises:
        ValueError: if there are none.
    """
    corners = [corner for box in boxes for corner in box.corners_mm]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


def largest_free(region: Box, taken: Iterable[Box], most_height_mm: float = 1e9) -> Box | None:
    """The largest rectangle inside `region` that touches none of `taken`; None if it is all full.

    `most_height_mm` limits what counts of its height, so that a wide low place can win.
    """
    columns, rows = int(region.width_mm / GRID_MM), int(region.height_mm / GRID_MM)
    if columns < 1 or rows < 1:
        return None
    free = np.ones((rows, columns), bool)
    for box in taken:
        left, top = (box.x_mm - region.x_mm) / GRID_MM, (box.y_mm - region.y_mm) / GRID_MM
        right, bottom = left + box.width_mm / GRID_MM, top + box.height_mm / GRID_MM
        low_y, low_x = max(int(np.floor(top)), 0), max(int(np.floor(left)), 0)
        free[low_y : max(int(np.ceil(bottom)), 0), low_x : max(int(np.ceil(right)), 0)] = False
    found = _largest(free, most_height_mm / GRID_MM)
    if found is None:
        return None
    x, y, width, height = (part * GRID_MM for part in found)
    return Box(region.x_mm + x, region.y_mm + y, width, height)


def _largest(free: NDArray[np.bool_], most_height: float) -> tuple[int, int, int, int] | None:
    """(x, y, width, height) of the largest all-true rectangle, in grid steps."""
    best, answer = 0.0, None
    open_above = np.zeros(free.shape[1], int)
    for bottom, row in enumerate(free):
        open_above = np.where(row, open_above + 1, 0)
        for left in np.flatnonzero(open_above):
            heights = np.minimum.accumulate(open_above[left:])
            areas = np.minimum(heights, most_height) * np.arange(1, len(heights) + 1)
            if areas.max() > best:
                width = int(areas.argmax())
                best, height = float(areas[width]), int(heights[width])
                answer = (int(left), bottom - height + 1, width + 1, height)
    return answer
