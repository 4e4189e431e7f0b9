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
WRITING = 0.97  # of a cell's middle is paler than a pen's full ink
THICKER = 1.5  # times its usual ink that a printed line may have anywhere
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
    level = _bare(ink, rows, boxes_px[:, 0])
    upright = _bare(ink.transpose(1, 0, 2), columns, boxes_px[:, 1])
    if not loose:  # a loose crop need not have four lines to compare
        level, upright = _no_thicker(level, upright)
    pen = _writing(ink)
    erased = _erase(ink, rows, level, pen, boxes_px[:, 0])
    return _erase(erased.transpose(1, 0, 2), columns, upright, pen, boxes_px[:, 1]).transpose(
        1, 0, 2
    )


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


def _writing(ink: U8) -> U8:
    """Uint8 [N]: the pen's ink, as the darkest places in the middle of each patch show it."""
    quarter = len(ink) // 4
    middle = ink[quarter:-quarter:2, quarter:-quarter:2].reshape(-1, ink.shape[2])
    nth = int(WRITING * len(middle))
    return np.asarray(np.partition(middle, nth, axis=0)[nth], np.uint8)


def _bare(ink: U8, lines: Bools, along_px: F64) -> F32:
    """Float32 [side, THIRDS, N]: the ink of the lines themselves, 0 elsewhere, from the palest
    places of each third of a line; lines are as long as `along_px`."""
    side, _, count = ink.shape
    rows = np.flatnonzero(lines.any(axis=1))
    shares = (np.arange(THIRDS * SAMPLES) + 0.5) / (THIRDS * SAMPLES) - 0.5
    reach = shares[:, None] * _between_corners(along_px)
    places = np.rint((side - 1) / 2 + reach).astype(np.intp).clip(0, side - 1)
    parts = np.take_along_axis(ink[rows], places[None], axis=1)
    nth = int(BARE * (SAMPLES - 1))
    parts = np.partition(parts.reshape(len(rows), THIRDS, SAMPLES, count), nth, axis=2)
    bare = np.zeros((side, THIRDS, count), np.float32)
    bare[rows] = np.where(lines[rows, None], parts[:, :, nth], 0)
    return bare


def _between_corners(along_px: F64) -> F64:
    """Float64 [N]: the length of lines without their ends, where others meet them."""
    return np.maximum(along_px - 2 * CORNER_PX, 1.0)


def _no_thicker(level: F32, upright: F32) -> tuple[F32, F32]:
    """The same, but no third of a line much thicker than the box's usual one: that would be a
    pen's stroke along it from end to end."""
    middle = len(level) // 2
    sides = [level[:middle], level[middle:], upright[:middle], upright[middle:]]
    weights = np.stack([side.sum(axis=0) for side in sides])
    usual = _median_printed(weights.reshape(-1, weights.shape[2]))
    factors = np.minimum(1, THICKER * usual / np.maximum(weights, 1))
    top, bottom, left, right = (side * factor for side, factor in zip(sides, factors, strict=True))
    return np.concatenate([top, bottom]), np.concatenate([left, right])


def _median_printed(weights: F32) -> F32:
    """Float32 [N]: the (lower) median of those of [K, N] where anything is printed, 0 if nowhere.
    Not every form prints all four lines of a box."""
    ordered = np.sort(weights, axis=0)
    printed = (ordered > 0).sum(axis=0)
    middle = np.minimum(len(ordered) - printed + (printed - 1) // 2, len(ordered) - 1)
    return np.asarray(np.take_along_axis(ordered, middle[None], axis=0)[0], np.float32)


def _erase(ink: U8, lines: Bools, bare: F32, pen: U8, along_px: F64) -> U8:
    """Empty the rows `lines`, along boxes so long, but for the pen's ink: what goes on above and
    below them, and what is darker than the line itself."""
    left = np.where(lines[:, None], np.uint8(0), ink)
    wide, tall = np.ones((1, 3), np.uint8), np.ones((2 * GAP_PX + 1, 1), np.uint8)
    joined = cv2.morphologyEx(
        cv2.dilate(left, wide), cv2.MORPH_CLOSE, tall, borderType=cv2.BORDER_REPLICATE
    )
    erased = np.where(lines[:, None], np.minimum(ink, joined.reshape(ink.shape)), ink)
    rows = np.flatnonzero(lines.any(axis=1))
    line = _spread(bare[rows], ink.shape[1], _between_corners(along_px))
    on_top = _on_top(ink[rows], line)
    kept = np.where(lines[rows, None], np.minimum(on_top, pen), 0)
    erased[rows] = np.maximum(erased[rows], kept)
    return np.asarray(erased, np.uint8)


def _on_top(ink: U8, line: F32) -> U8:
    """The pen's own ink on a printed line: of the light that the line leaves, what the pen took."""
    surplus = ink - (1 + UNEVEN_SHARE) * line - UNEVEN
    pen = surplus * (255 / np.maximum(255 - line, LIGHT_LEFT))
    return np.asarray(np.clip(pen, 0, ink), np.uint8)


def _spread(bare: F32, side: int, along_px: F64) -> F32:
    """Float32 [R, side, N]: the ink of each third at every place, in between from both."""
    across = (np.arange(side) + 0.5 - side / 2)[:, None] / along_px
    at = np.clip((across + 0.5) * THIRDS - 0.5, 0, THIRDS - 1)
    low = np.minimum(at.astype(np.intp), THIRDS - 2)
    share = (at - low).astype(np.float32)
    before, after = (np.take_along_axis(bare, one[None], axis=1) for one in (low, low + 1))
    return np.asarray(before + share * (after - before), np.float32)
