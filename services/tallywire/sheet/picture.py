"""Small operations on whole pictures."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

LOSSLESS = 0.8  # shrinking by less, a plain look-up leaves nothing out


def to_grey(pixels: U8) -> U8:
    """Grey uint8 [H, W] of BGR or grey pixels."""
    if pixels.ndim == 2:
        return pixels
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)


def shrink(pixels: U8, factor: int) -> U8:
    """A copy at 1 / factor of the size, the same picture for 1; what does not fill a pixel is cut.

    Whole factors only: they are several times quicker than others.
    """
    if factor == 1:
        return pixels
    height, width = (side // factor for side in pixels.shape[:2])
    cut = pixels[: height * factor, : width * factor]
    return np.asarray(cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def zoom(factor: float) -> F64:
    """Float64 [3, 3]: from one pixel grid to another of `factor` times its size; pixel centres
    lie at whole numbers."""
    shift = (factor - 1) / 2
    return np.array([[factor, 0, shift], [0, factor, shift], [0, 0, 1]])


def halve(grey: U8, below_px: int) -> tuple[U8, F64]:
    """The picture halved until its longer side is below `below_px`, and the map onto it.

    Halving is several times quicker than any other shrinking.

    Args:
        grey: uint8 [H, W].
        below_px: at least 2.

    Returns:
        uint8 [h, w], and float64 [3, 3] from px of `grey` to px of it.
    """
    onto = zoom(1.0)
    while max(grey.shape) >= below_px:
        grey, onto = shrink(grey, 2), zoom(0.5) @ onto
    return grey, onto


def resize_to(grey: U8, longer_px: int) -> tuple[U8, F64]:
    """The picture at that length of its longer side, and the map onto it, float64 [3, 3]."""
    height, width = grey.shape
    factor = longer_px / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    how = cv2.INTER_AREA if factor < LOSSLESS else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(grey, size, interpolation=how), np.uint8)
    across, down = size[0] / width, size[1] / height
    onto = np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2], [0, 0, 1]])
    return small, onto
