"""Cuts the digit cells out of a scan, ready for the model."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.sheet.align import Alignment
from tallywire.sheet.clean import BOX_PX, PATCH_PX, clean_patches
from tallywire.sheet.geometry import apply_map
from tallywire.sheet.layout import Layout
from tallywire.sheet.picture import shrink, to_grey, zoom

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

LEAST_CELL_PX = 30  # longer side of a cell below which halving an image costs accuracy


def cut_cells(pixels: U8, layout: Layout, alignment: Alignment) -> U8:
    """All cells of a scan, normalised.

    Args:
        pixels: uint8 [H, W, 3] BGR or [H, W] grey.
        layout: the form's layout.
        alignment: where the form lies on `pixels`.

    Returns:
        uint8 [N, 28, 28], ink high, paper 0, in the order of `layout.cells`.
    """
    return clean_patches(cut_patches(pixels, layout, alignment), box_sizes_px(layout))


def cut_patches(pixels: U8, layout: Layout, alignment: Alignment) -> U8:
    """Every cell with a margin of paper around it, upright: uint8 [N, 48, 48], grey."""
    boxes = np.array([(*cell.center_mm, cell.width_mm, cell.height_mm) for cell in layout.cells])
    boxes[:, :2] += alignment.shifts_mm
    mm_per_px = boxes[:, 2:].max(axis=1) / BOX_PX
    matrix = alignment.page_to_image
    # Where the scan is much finer than the patch, a plain look-up would skip thin strokes.
    factor = max(1, int(_px_per_mm(matrix, boxes[:, :2]) * float(np.median(mm_per_px)) + 0.25))
    picture = shrink(pixels, factor)
    matrix = zoom(1 / factor) @ matrix
    steps = (np.arange(PATCH_PX) - (PATCH_PX - 1) / 2)[None] * mm_per_px[:, None]
    # In homogeneous pixels steps to the right and down are plain sums.
    centre = (boxes[:, :2] @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    right = (steps[..., None] * matrix[:, 0]).astype(np.float32)
    down = (steps[..., None] * matrix[:, 1]).astype(np.float32)
    x, y, w = (
        centre[:, None, None, i] + right[:, None, :, i] + down[:, :, None, i] for i in range(3)
    )
    columns, rows = (x / w).reshape(-1, PATCH_PX), (y / w).reshape(-1, PATCH_PX)
    cut = cv2.remap(
        to_grey(picture), columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cut, np.uint8).reshape(len(boxes), PATCH_PX, PATCH_PX)


def box_sizes_px(layout: Layout) -> F64:
    """Float64 [N, 2]: width and height of each cell's box on its patch."""
    sizes = np.array([(cell.width_mm, cell.height_mm) for cell in layout.cells])
    return np.asarray(sizes * BOX_PX / sizes.max(axis=1, keepdims=True))


def halve_from_px(layout: Layout) -> int:
    """Longer side in px of a scan of this form from which half of it is still enough to read."""
    smallest_mm = min(max(cell.width_mm, cell.height_mm) for cell in layout.cells)
    longest_mm = max(layout.width_mm, layout.height_mm)
    return round(2 * LEAST_CELL_PX * longest_mm / smallest_mm)


def _px_per_mm(matrix: F64, places_mm: F64) -> float:
    """Mean scale of the map at these places."""
    here = apply_map(matrix, places_mm)
    right = apply_map(matrix, places_mm + np.array([1.0, 0.0])) - here
    down = apply_map(matrix, places_mm + np.array([0.0, 1.0])) - here
    area = np.abs(right[:, 0] * down[:, 1] - right[:, 1] * down[:, 0])
    return float(np.sqrt(area.mean()))
