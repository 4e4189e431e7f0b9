"""Whose handwriting: one small protocol, and the hand that draws from a set of raster digits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

DIGIT_PX = 20.0  # longer side of a digit in MNIST's 28 x 28 frame
FRAME_PX = 28
ZOOM = 4  # the frame is enlarged by this before the stroke is traced
SOFTENING_PX = 1.1  # of the frame: joins MNIST's pixels into one smooth stroke
NATIVE_SPREAD_PX = 1.35  # spread of the softened stroke across its ridge
RIDGE_PX = 2.3  # of the frame: no ridge has another one nearer
FAINTEST_INK = 0.06  # of the digit's darkest: less is no stroke
THICKEST, THINNEST = 0.45, 0.8  # edge heights; a thinner line would come apart at crossings


@dataclass(frozen=True, slots=True)
class Writer:
    """One person's way of writing, kept through a sheet.

    `identity` lets a hand pick a consistent person or style; `height_mm` is a digit's usual
    height, `slant` its shear (0.2 leans right by a fifth of its height).
    """

    identity: int
    height_mm: float
    aspect: float  # width is stretched by this
    slant: float
    stroke_mm: float


class Hand(Protocol):
    """Draws one digit."""

    def __call__(
        self, digit: int, height_px: float, writer: Writer, rng: np.random.Generator
    ) -> F32:
        """Draw.

        Args:
            digit: 0 to 9.
            height_px: of the digit's longer side; the writer's `height_mm` varies around it.
            writer: whose style.
            rng: the only source of chance.

        Returns:
            float32 [h, w], 0 paper to 1 full ink, cropped to the ink with a small margin.
        """
        ...


@dataclass(frozen=True, slots=True)
class RasterHand:
    """Draws the digits of a set like MNIST, its strokes traced smoothly.

    `pixels` uint8 [N, 28, 28], ink high; `by_group[g][digit]` indexes the digits of one group of
    people, so that a sheet is not written by people of different groups.
    """

    pixels: U8
    by_group: tuple[tuple[NDArray[np.intp], ...], ...]

    def __call__(
        self, digit: int, height_px: float, writer: Writer, rng: np.random.Generator
    ) -> F32:
        """Draw one of the group's digits; see `Hand`."""
        choices = self.by_group[writer.identity % len(self.by_group)][digit]
        picked = self.pixels[choices[int(rng.integers(len(choices)))]]
        level = _level(writer.stroke_mm / max(writer.height_mm, 1e-6) * DIGIT_PX)
        return _draw(_ridges(picked), level, height_px, writer)


def raster_hand(pixels: U8, labels: U8, groups: U8) -> RasterHand:
    """A hand of the digits `pixels` [N, 28, 28] with `labels` [N] by people of `groups` [N].

    Raises:
        ValueError: if a group lacks a digit.
    """
    by_group = tuple(
        tuple(np.flatnonzero((groups == group) & (labels == digit)) for digit in range(10))
        for group in np.unique(groups)
    )
    if any(len(choices) == 0 for group in by_group for choices in group):
        raise ValueError("every group needs at least one example of every digit")
    return RasterHand(pixels, by_group)


def _ridges(pixels: U8) -> F32:
    """Float32 [112, 112]: 1 along the middle of every stroke, falling off to its sides.

    Each pixel is weighed against the strongest ink near it, so thinning the line later can never
    break a stroke where the pen was light.
    """
    size = FRAME_PX * ZOOM
    large = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    soft = cv2.GaussianBlur(large, (0, 0), SOFTENING_PX * ZOOM)
    reach = int(RIDGE_PX * ZOOM) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    local = np.asarray(cv2.dilate(soft, kernel), np.float32)
    ratio = soft / np.maximum(local, 1e-3)
    return np.asarray(ratio * (soft > FAINTEST_INK * soft.max()), np.float32)


def _level(stroke_px: float) -> float:
    """Height on the ridge where a line of `stroke_px` (in MNIST's frame) has its edge."""
    level = math.exp(-((stroke_px / 2) ** 2) / (2 * NATIVE_SPREAD_PX**2))
    return min(max(level, THICKEST), THINNEST)


def _draw(ridges: F32, level: float, height_px: float, writer: Writer) -> F32:
    scale = height_px / (DIGIT_PX * ZOOM)
    soft = min(0.3, 0.6 * (1 - level) + 0.05)  # about one pixel of edge, whatever the scale
    ys, xs = np.nonzero(ridges > level - soft / 2)
    shear = -writer.slant * scale
    stretch = scale * writer.aspect
    margin = 2.0
    across = stretch * xs + shear * ys
    left, top = across.min() - margin, scale * ys.min() - margin
    width = int(np.ceil(across.max() - left + margin)) + 1
    height = int(np.ceil(scale * ys.max() - top + margin)) + 1
    matrix = np.array([[stretch, shear, -left], [0, scale, -top]])
    drawn = cv2.warpAffine(ridges, matrix, (width, height), flags=cv2.INTER_LINEAR)
    return np.asarray(np.clip((drawn - level) / soft + 0.5, 0, 1), np.float32)
