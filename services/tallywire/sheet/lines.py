"""Takes the printed box's lines out of cell patches, and leaves the strokes that cross them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

REACH = 0.13  # of the box: how far inside its expected place a line may lie
COVERAGE = 0.8  # of the box's side that a printed line darkens; a 7's bar darkens less
GAP_PX = 4  # half the widest line that a crossing stroke is followed across
VISIBLE = 14  # ink, 0 to 255, above the patch's own median: the palest printed line


def erase_lines(ink: U8, boxes_px: F64, *, loose: bool = False) -> U8:
    """Erase straight lines along the edges of each box and in the margin around it.

    Args:
        ink: uint8 [N, side, side].
        boxes_px: float64 [N, 2], width and height of the box in the middle of each patch.
        loose: the box is the edge of a crop; only what runs from edge to edge is a line.

    Returns:
        uint8 [N, side, side]: ink without the lines.
    """
    need = 0.97 if loose else COVERAGE
    dark = ink > _threshold(ink)[:, None, None]
    rows = _line_rows(dark, boxes_px, need)
    columns = _line_rows(dark.transpose(0, 2, 1), boxes_px[:, ::-1], need)
    across = _crossings(ink, rows[:, :, None])
    along = _crossings(ink.transpose(0, 2, 1), columns[:, :, None]).transpose(0, 2, 1)
    lined = np.where(rows[:, :, None], across, ink)
    return np.ascontiguousarray(np.where(columns[:, None, :], np.minimum(along, lined), lined))


def _threshold(ink: U8) -> NDArray[np.float64]:
    """Ink above which a pixel may belong to a line; follows the paper's own level."""
    coarse = ink[:, ::4, ::4].reshape(len(ink), -1)
    return np.median(coarse, axis=1) + VISIBLE


def _line_rows(dark: Bools, boxes_px: F64, need: float) -> Bools:
    """Bool [N, side]: rows near a horizontal edge that are dark along the box's width."""
    side = dark.shape[1]
    away = np.abs(np.arange(side) + 0.5 - side / 2)
    within = away[None] < (boxes_px[:, :1] / 2 - 2)
    thick = dark.copy()  # a line that is tilted by a pixel still counts as one row
    thick[:, 1:] |= dark[:, :-1]
    thick[:, :-1] |= dark[:, 1:]
    covered = np.einsum("nij,nj->ni", thick.astype(np.float32), within.astype(np.float32))
    share = covered / np.maximum(within.sum(axis=1), 1)[:, None]
    near = away[None] > boxes_px[:, 1:] / 2 - REACH * boxes_px.max(axis=1, keepdims=True)
    found = (share >= need) & near
    return found


def _crossings(ink: U8, erased: Bools) -> U8:
    """What remains of erased rows: ink that goes on above and below, 0 elsewhere."""
    left = np.where(erased, 0, ink).astype(np.uint8)
    stack = np.ascontiguousarray(left.transpose(1, 2, 0))
    out = np.empty_like(stack)
    wide, tall = np.ones((1, 3), np.uint8), np.ones((2 * GAP_PX + 1, 1), np.uint8)
    for at in range(0, stack.shape[2], 96):
        part = np.ascontiguousarray(stack[:, :, at : at + 96])
        joined = cv2.morphologyEx(
            cv2.dilate(part, wide), cv2.MORPH_CLOSE, tall, borderType=cv2.BORDER_REPLICATE
        )
        out[:, :, at : at + 96] = joined.reshape(part.shape)
    return np.minimum(ink, out.transpose(2, 0, 1))
