"""What a sheet goes through before it is scanned: creases, stains, an office stamp."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.sheet.layout import Box
from tallywire.workshop.synthetic.conditions import Condition

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

COFFEE = (0.62, 0.78, 0.9)  # share of blue, green, red light that is left in a full stain
STAMP_INK = (0.75, 0.35, 0.45)


def wear(
    paper: U8,
    stamp_at: Box | None,
    condition: Condition,
    px_per_mm: float,
    rng: np.random.Generator,
) -> None:
    """Crease, stain and stamp `paper` (uint8 [H, W, 3], BGR, changed)."""
    if rng.random() < condition.crease_chance:
        _crease(paper, px_per_mm, rng)
    while rng.random() < condition.stain_chance:
        _stain(paper, px_per_mm, rng)
    if stamp_at is not None and rng.random() < condition.stamp_chance:
        _stamp(paper, stamp_at, px_per_mm, rng)


def _crease(paper: U8, px_per_mm: float, rng: np.random.Generator) -> None:
    """Fold marks across the page: a light and a dark line beside each other."""
    height, width = paper.shape[:2]
    fold = rng.choice([1, 2])
    for part in range(1, fold + 1):
        y = height * part / (fold + 1) + rng.normal(0, 2 * px_per_mm)
        tilt = rng.normal(0, 0.004) * width
        for shift_mm, light in ((0.0, 1.06), (0.35, 0.86)):
            _darken_line(paper, y + shift_mm * px_per_mm, tilt, light, px_per_mm)


def _darken_line(paper: U8, y: float, tilt: float, light: float, px_per_mm: float) -> None:
    height, width = paper.shape[:2]
    low = int(max(y - abs(tilt) - px_per_mm, 0))
    high = int(min(y + abs(tilt) + px_per_mm, height))
    if high <= low:
        return
    mask = np.zeros((high - low, width), np.uint8)
    ends = [(0, round((y - tilt - low) * 16)), (width * 16, round((y + tilt - low) * 16))]
    cv2.line(mask, ends[0], ends[1], 255, max(1, round(0.3 * px_per_mm)), cv2.LINE_AA, 4)
    rows, columns = np.nonzero(mask)
    gain = 1 + (light - 1) * (mask[rows, columns, None] / np.float32(255))
    paper[low + rows, columns] = np.clip(paper[low + rows, columns] * gain, 0, 255)


def _stain(paper: U8, px_per_mm: float, rng: np.random.Generator) -> None:
    """A ring of coffee, or a blot."""
    height, width = paper.shape[:2]
    radius = int(rng.uniform(6, 26) * px_per_mm)
    x, y = int(rng.uniform(0, width)), int(rng.uniform(0, height))
    side = 2 * radius + 1
    small = max(side // 4, 8)
    mask = np.zeros((small, small), np.float32)
    middle = (small // 2, small // 2)
    axes = (int(0.42 * small), int(rng.uniform(0.34, 0.42) * small))
    ring = rng.random() < 0.6
    thickness = max(1, small // 24) if ring else -1
    cv2.ellipse(mask, middle, axes, float(rng.uniform(0, 180)), 0, 360, 1.0, thickness)
    if ring:
        cv2.ellipse(mask, middle, axes, 0, 0, 360, 0.18, -1)
    cloud = cv2.resize(
        rng.random((5, 5), np.float32), (small, small), interpolation=cv2.INTER_CUBIC
    )
    mask = cv2.GaussianBlur(mask * np.clip(cloud + 0.35, 0, 1), (0, 0), small / 60)
    full = cv2.resize(mask, (side, side), interpolation=cv2.INTER_LINEAR)
    _filter(
        paper, np.asarray(full, np.float32) * rng.uniform(0.4, 1.0), x - radius, y - radius, COFFEE
    )


def _stamp(paper: U8, box: Box, px_per_mm: float, rng: np.random.Generator) -> None:
    """A round office stamp, pressed unevenly."""
    radius = int(min(box.width_mm, box.height_mm, 24) / 2 * px_per_mm)
    side = 2 * radius + 1
    if radius < 8:
        return
    mask = np.zeros((side, side), np.uint8)
    line = max(1, round(0.5 * px_per_mm))
    for share in (0.95, 0.66):
        cv2.circle(mask, (radius, radius), int(share * radius), 255, line, cv2.LINE_AA)
    for angle in np.arange(0, 2 * np.pi, 0.26):
        inner, outer = (
            (
                radius + round(share * radius * np.cos(angle)),
                radius + round(share * radius * np.sin(angle)),
            )
            for share in (0.74, 0.87)
        )
        cv2.line(mask, inner, outer, 255, line, cv2.LINE_AA)
    cloud = cv2.resize(rng.random((4, 4), np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    inked = mask.astype(np.float32) / 255 * np.clip(cloud * 1.2, 0, 1) * rng.uniform(0.4, 0.9)
    x = int((box.x_mm + rng.uniform(0.1, 0.9) * (box.width_mm)) * px_per_mm) - radius
    y = int(box.center_mm[1] * px_per_mm) - radius
    _filter(paper, np.asarray(inked, np.float32), x, y, STAMP_INK)


def _filter(paper: U8, mask: F32, x_px: int, y_px: int, passes: tuple[float, float, float]) -> None:
    """Take light away as a coloured glass would, as strongly as `mask` says."""
    top, left = max(y_px, 0), max(x_px, 0)
    bottom = min(y_px + mask.shape[0], paper.shape[0])
    right = min(x_px + mask.shape[1], paper.shape[1])
    if bottom <= top or right <= left:
        return
    cut = np.clip(mask[top - y_px : bottom - y_px, left - x_px : right - x_px, None], 0, 1)
    area = paper[top:bottom, left:right]
    area[:] = area * (1 - cut * (1 - np.array(passes, np.float32)))
