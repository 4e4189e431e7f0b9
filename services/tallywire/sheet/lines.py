"""Takes the printed box's lines out of cell patches, and leaves the strokes that cross them or
run along them: a seven's bar, a four's foot."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

REACH = 0.09  # of the box: how far inside its expected place a line may lie
COVERAGE = 0.9  # of the box's side that a printed line darkens; a 7's bar darkens less
EDGE_TO_EDGE = 1.0  # the same for a loose crop, whose digit nearly fills it
GAP_PX = 4  # half the widest line that a crossing stroke is followed across
CORNER_PX = 2  # at either end of a side, where lines meet
THIRDS = 3  # parts of a line that are looked at by themselves: few lines are quite straight
SAMPLES = 12  # places looked at in each part
BARE = 0.3  # of a part at least is written on by nobody: its ink there is the line's own
UNEVEN, UNEVEN_SHARE = 20.0, 0.05  # ink, and share of the line's, by which a bare line varies
LIGHT_LEFT = 60.0  # of 255: where a line leaves less, a pen's ink on it is not told from noise
OUTLIER = 2.0  # of the paper's noise: what is darker is no grain
NOISIEST = 30  # ink; more spread than this is writing, not paper
VISIBLE = 8  # ink, 0 to 255, above the patch's own median: the palest printed line


def erase_lines(ink: U8, boxes_px: F64, *, loose: bool = False) -> U8:
    """Erase straight lines along the edges of each box and in the margin around it.

    Args:
        ink: uint8 [side, side, N], patches as channels.
        boxes_px: float64 [N, 2], width and height of the box in the middle of each patch.
        loose: the box is the edge of a crop; only what runs from edge to edge is a line.

    Returns:
        uint8 [side, side, N]: ink without the lines.
    """
    need = EDGE_TO_EDGE if loose else COVERAGE
    dark = ink > visible_from(ink)
    wide, tall = boxes_px.T - (0 if loose else 2 * CORNER_PX)
    rows = _lines(dark, wide, boxes_px, need)
    columns = _lines(dark.transpose(1, 0, 2), tall, boxes_px[:, ::-1], need)
    erased = _erase(ink, rows, boxes_px[:, 0])
    return _erase(erased.transpose(1, 0, 2), columns, boxes_px[:, 1]).transpose(1, 0, 2)


def visible_from(ink: U8) -> F64:
    """Float64 [N]: ink of the palest line that stands out of each patch's paper."""
    middle, upper = np.percentile(ink[::4, ::4].reshape(-1, ink.shape[2]), (50, 70), axis=0)
    noise = (upper - middle) / 0.52  # 70 % lie below 0.52 sigma
    return np.asarray(middle + np.clip(OUTLIER * noise, VISIBLE, NOISIEST))


def _lines(dark: Bools, along_px: F64, boxes_px: F64, need: float) -> Bools:
    """Bool [side, N]: rows near a horizontal edge that are dark over `along_px` of the width."""
    side = len(dark)
    away = np.abs(np.arange(side) + 0.5 - side / 2)[:, None]
    within = away < along_px / 2
    thick = dark.copy()  # a line that is tilted by a pixel still counts as one row
    thick[1:] |= dark[:-1]
    thick[:-1] |= dark[1:]
    covered = (thick & within).sum(axis=1, dtype=np.uint8)
    near = away > boxes_px[:, 1] / 2 - REACH * boxes_px.max(axis=1)
    return np.asarray((covered >= need * within.sum(axis=0)) & near)


def _erase(ink: U8, lines: Bools, along_px: F64) -> U8:
    """Empty the rows `lines`, along boxes so long, but for a pen's ink: what goes on above and
    below them, and what is darker than the line itself."""
    left = np.where(lines[:, None], np.uint8(0), ink)
    wide, tall = np.ones((1, 3), np.uint8), np.ones((2 * GAP_PX + 1, 1), np.uint8)
    joined = cv2.morphologyEx(
        cv2.dilate(left, wide), cv2.MORPH_CLOSE, tall, borderType=cv2.BORDER_REPLICATE
    )
    erased = np.where(lines[:, None], np.minimum(ink, joined.reshape(ink.shape)), ink)
    rows = np.flatnonzero(lines.any(axis=1))
    pen = np.where(lines[rows, None], _on_top(ink[rows], along_px), 0)
    erased[rows] = np.maximum(erased[rows], pen)
    return np.asarray(erased, np.uint8)


def _on_top(ink: U8, along_px: F64) -> U8:
    """The pen's own ink on printed lines: of the light that a line leaves, what the pen took.

    Args:
        ink: uint8 [R, side, N], rows of patches that lie on lines.
        along_px: float64 [N], length of each patch's line, in the middle of the row.
    """
    line = _bare(ink, along_px - 2 * CORNER_PX)
    surplus = ink - (1 + UNEVEN_SHARE) * line - UNEVEN
    pen = surplus * (255 / np.maximum(255 - line, LIGHT_LEFT))
    return np.asarray(np.clip(pen, 0, ink), np.uint8)


def _bare(ink: U8, along_px: F64) -> F32:
    """Float32 [R, side, N]: the line's own ink, from the palest places of each third of it."""
    rows, side, count = ink.shape
    shares = (np.arange(THIRDS * SAMPLES) + 0.5) / (THIRDS * SAMPLES) - 0.5
    places = np.rint((side - 1) / 2 + shares[:, None] * along_px).astype(np.intp).clip(0, side - 1)
    sampled = np.take_along_axis(ink, places[None], axis=1)
    parts = sampled.reshape(rows, THIRDS, SAMPLES, count)
    nth = int(BARE * (SAMPLES - 1))
    bare = np.partition(parts, nth, axis=2)[:, :, nth].astype(np.float32)
    across = (np.arange(side) + 0.5 - side / 2)[:, None] / along_px
    at = np.clip((across + 0.5) * THIRDS - 0.5, 0, THIRDS - 1)
    low = np.minimum(at.astype(np.intp), THIRDS - 2)
    share = (at - low).astype(np.float32)
    before, after = (np.take_along_axis(bare, one[None], axis=1) for one in (low, low + 1))
    return np.asarray(before + share * (after - before), np.float32)
