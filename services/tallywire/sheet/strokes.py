"""Tells the digit's own strokes from specks and from neighbours' strokes that reach in."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]
F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

SPECK = 0.004  # of the box's area: less is dust or a bilevel scan's pepper
MINOR = 0.07  # of the largest stroke's area: less is dropped beside it
REACH_IN = 0.2  # of the box: a stroke from outside that reaches in less is a neighbour's
RIM = 0.09  # of the box: what lies wholly this near its edge is a rest of the printed line
STRANGER = 0.4  # of the largest stroke's area: less, and cut off by a crop's edge, is a neighbour's


@dataclass(frozen=True, slots=True)
class Strokes:
    """What is kept of each patch: `mask` uint8 [N, h, w] of 0 and 1, `size_px` [N, 2] (w, h)."""

    mask: U8
    size_px: F64


@dataclass(frozen=True, slots=True)
class _Parts:
    """Connected components: their patch, corners inside it (x, y) and area, all [K]."""

    owner: I32
    low: F64  # [K, 2]
    high: F64  # [K, 2]
    area: F64


def find_strokes(dark: Bools, boxes_px: F64, *, loose: bool = False) -> Strokes:
    """Keep the connected strokes that belong to the digit of each box.

    Args:
        dark: bool [side, side, N]: pixels with ink.
        boxes_px: float64 [N, 2], width and height of the box in the middle of each patch.
        loose: the box is the edge of a crop, which cuts neighbours' strokes off.

    Returns:
        the kept strokes, grown by a pixel so that their soft edges stay.
    """
    side, _, count = dark.shape
    strip = np.zeros((count, side + 1, side), np.uint8)  # a free row keeps patches apart
    strip[:, :side] = dark.transpose(2, 0, 1)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(strip.reshape(-1, side))
    parts = _parts(np.asarray(stats[1:], np.int32), side)
    keep = _belongs(parts, boxes_px, side, loose=loose)
    kept = np.concatenate([[False], keep]).astype(np.uint8)[labels]
    grown = cv2.dilate(kept, np.ones((3, 3), np.uint8)).reshape(strip.shape)
    return Strokes(np.asarray(grown[:, :side], np.uint8), _extent(parts, keep, count))


def _parts(stats: I32, side: int) -> _Parts:
    owner, top = np.divmod(stats[:, cv2.CC_STAT_TOP], side + 1)
    low = np.stack([stats[:, cv2.CC_STAT_LEFT], top], axis=1).astype(np.float64)
    size = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    return _Parts(owner, low, low + size, stats[:, cv2.CC_STAT_AREA].astype(np.float64))


def _belongs(parts: _Parts, boxes_px: F64, side: int, *, loose: bool) -> Bools:
    """Bool [K]: which components are part of their patch's digit."""
    box = boxes_px[parts.owner]
    scale = box.max(axis=1)
    start, end = (side - box) / 2, (side + box) / 2
    # How far each component reaches into the box, counted from the edge it is nearest to.
    deep = np.minimum(parts.high - start, end - parts.low).min(axis=1)
    outside = ((parts.low < start - 1) | (parts.high > end + 1)).any(axis=1)
    keep = (parts.area >= SPECK * scale**2) & (deep > RIM * scale)
    keep &= ~(outside & (deep < REACH_IN * scale))
    largest = np.zeros(len(boxes_px))
    np.maximum.at(largest, parts.owner[keep], parts.area[keep])
    share = parts.area / np.maximum(largest[parts.owner], 1)
    keep &= share >= MINOR
    if loose:
        cut = ((parts.low < start + 1) | (parts.high > end - 1)).any(axis=1)
        keep &= ~(cut & (share < STRANGER))
    return np.asarray(keep)


def _extent(parts: _Parts, keep: Bools, count: int) -> F64:
    """Float64 [N, 2]: width and height of all kept strokes of each patch together, 0 if none."""
    low, high = np.full((count, 2), np.inf), np.full((count, 2), -np.inf)
    np.minimum.at(low, parts.owner[keep], parts.low[keep])
    np.maximum.at(high, parts.owner[keep], parts.high[keep])
    return np.where(np.isfinite(high), high - low, 0.0)
