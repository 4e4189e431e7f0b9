"""Tells the digit's own strokes from specks and from neighbours' strokes that reach in."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

SPECK = 0.004  # of the box's area: less is dust or a bilevel scan's pepper
MINOR = 0.06  # of the largest stroke's area: less is dropped beside it
REACH_IN = 0.28  # of the box: a stroke from outside that reaches in less is a neighbour's
RIM = 0.09  # of the box: what lies wholly this near its edge is a rest of the printed line


@dataclass(frozen=True, slots=True)
class Strokes:
    """What is kept of each patch: `mask` uint8 [N, h, w] of 0 and 1, `size_px` [N, 2] (w, h)."""

    mask: U8
    size_px: F64


def find_strokes(ink: U8, thresholds: F32, boxes_px: F64) -> Strokes:
    """Keep the connected strokes that belong to the digit of each box.

    Args:
        ink: uint8 [N, side, side].
        thresholds: float32 [N]: ink above it is part of a stroke.
        boxes_px: float64 [N, 2], width and height of the box in the middle of each patch.

    Returns:
        the kept strokes, grown by a pixel so that their soft edges stay.
    """
    count, side, _ = ink.shape
    dark = (ink > thresholds[:, None, None]).astype(np.uint8)
    strip = np.zeros((count, side + 1, side), np.uint8)  # a free row keeps patches apart
    strip[:, :side] = dark
    total, labels, stats, centroids = cv2.connectedComponentsWithStats(
        strip.reshape(-1, side), None, None, None, 8, cv2.CV_32S
    )
    owner = stats[:, cv2.CC_STAT_TOP] // (side + 1)
    owner[0] = count  # the background belongs to no patch
    keep = _belongs(stats, centroids, owner, np.concatenate([boxes_px, [[side, side]]]), side)
    mask = keep[labels].astype(np.uint8).reshape(count, side + 1, side)[:, :side]
    size = _extent(stats[keep], owner[keep], count, side)
    return Strokes(
        cv2.dilate(mask.reshape(-1, side), np.ones((3, 3), np.uint8)).reshape(mask.shape), size
    )


def _belongs(
    stats: NDArray[np.int32], centroids: F64, owner: NDArray[np.int32], boxes_px: F64, side: int
) -> Bools:
    """Bool [components]: which are part of their patch's digit."""
    box = boxes_px[owner]
    scale = box.max(axis=1)
    left, width = stats[:, 0].astype(float), stats[:, 2]
    top, height = stats[:, 1] % (side + 1), stats[:, 3]
    area = stats[:, 4].astype(float)
    x0, y0 = (side - box[:, 0]) / 2, (side - box[:, 1]) / 2
    # how far each component reaches into the box, from whichever edge it is nearest to
    deep = np.minimum.reduce(
        [left + width - x0, x0 + box[:, 0] - left, top + height - y0, y0 + box[:, 1] - top]
    )
    outside = (left < x0 - 1) | (left + width > x0 + box[:, 0] + 1)
    outside |= (top < y0 - 1) | (top + height > y0 + box[:, 1] + 1)
    keep = area >= SPECK * scale**2
    keep &= deep > RIM * scale
    keep &= ~(outside & (deep < REACH_IN * scale))
    keep &= owner < len(boxes_px) - 1
    largest = np.zeros(len(boxes_px))
    np.maximum.at(largest, owner[keep], area[keep])
    return np.asarray(keep & (area >= MINOR * largest[owner]))


def _extent(stats: NDArray[np.int32], owner: NDArray[np.int32], count: int, side: int) -> F64:
    """Float64 [N, 2]: width and height of all kept strokes of each patch together, 0 if none."""
    low = np.full((count, 2), np.inf)
    high = np.full((count, 2), -np.inf)
    start = np.stack([stats[:, 0], stats[:, 1] % (side + 1)], axis=1).astype(float)
    np.minimum.at(low, owner, start)
    np.maximum.at(high, owner, start + stats[:, 2:4])
    return np.where(np.isfinite(high), high - low, 0.0)
