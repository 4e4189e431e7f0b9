"""From a patch of paper to what the model sees: the one normalisation of training and serving.

Background, printed lines and neighbours' strokes go; the digit's ink is stretched, scaled and
centred as MNIST's are. All cells of a sheet are cleaned together: OpenCV filters an image of
N channels without mixing them, which is several times quicker than N calls.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.sheet.lines import erase_lines
from tallywire.sheet.strokes import Strokes, find_strokes

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

PATCH_PX = 64
"""Side of a patch: the box in its middle and a margin of paper around it."""
BOX_PX = 46
"""Longer side of the box inside a patch."""
CELL_PX = 28
DIGIT_PX = 20.0
"""Longer side of the digit inside a cell, as in MNIST."""

PEN_PX = 15  # wider than any pen stroke of a patch, narrower than a shadow
FAINTEST = 22.0  # ink, 0 to 255, that is stretched to full black and no less: blank stays blank
NOISE_TIMES = 6.0  # ink must stand out of the paper's own noise by this factor
SMALLEST_DIGIT = 0.36  # of the box: smaller ink (a dash, a speck) is not blown up to a digit
CHANNELS = 96  # OpenCV filters at most 128 channels at once


@dataclass(frozen=True, slots=True)
class _Levels:
    """Per patch: the ink that is paper, and the ink that is pen, 0 to 255."""

    paper: F32
    pen: F32


def clean_cell(patch: U8, margin: float = (PATCH_PX - BOX_PX) / 2 / PATCH_PX) -> U8:
    """Normalise one cell.

    Args:
        patch: uint8 [h, w], grey, dark ink on light paper: the printed box and `margin`.
        margin: paper around the box on each side, as a share of the patch's longer side.

    Returns:
        uint8 [28, 28], ink high, paper 0.
    """
    height, width = patch.shape
    around = margin * max(height, width)
    box = np.array([[width - 2 * around, height - 2 * around]])
    scale = BOX_PX / max(float(box.max()), 1.0)
    return clean_patches(_on_canvas(patch, scale)[None], box * scale)[0]


def clean_crop(crop: U8) -> U8:
    """Normalise a loose crop of one digit, without a known box around it.

    Args:
        crop: uint8 [h, w], grey, dark ink on light paper, cut tightly.

    Returns:
        uint8 [28, 28], ink high, paper 0.
    """
    height, width = crop.shape
    scale = (BOX_PX + 6) / max(height, width)
    box = np.array([[width * scale, height * scale]])
    return clean_patches(_on_canvas(crop, scale)[None], box, loose=True)[0]


def clean_patches(patches: U8, boxes_px: F64, *, loose: bool = False) -> U8:
    """Normalise many patches at once.

    Args:
        patches: uint8 [N, 64, 64], grey, dark ink on light paper.
        boxes_px: float64 [N, 2], width and height of each printed box, in the patch's middle.
        loose: the box is the edge of a crop and not printed.

    Returns:
        uint8 [N, 28, 28], ink high, paper 0.
    """
    if not len(patches):
        return np.zeros((0, CELL_PX, CELL_PX), np.uint8)
    ink = np.concatenate(
        [relative_ink(patches[at : at + CHANNELS]) for at in range(0, len(patches), CHANNELS)]
    )
    ink = erase_lines(ink, boxes_px, loose=loose)
    levels = _levels(ink, boxes_px)
    strokes = find_strokes(ink, levels.paper + 0.35 * (levels.pen - levels.paper), boxes_px)
    contrast = _stretch(ink, levels, strokes.mask)
    return _centre(contrast, strokes)


def relative_ink(patches: U8) -> U8:
    """How much darker than the paper around it each pixel is.

    Args:
        patches: uint8 [N, h, w], N <= 96.

    Returns:
        uint8 [N, h, w]: 0 as light as the paper, 255 no light left; shadow cancels out.
    """
    stack = np.ascontiguousarray(patches.transpose(1, 2, 0))
    smooth = cv2.blur(stack, (3, 3), borderType=cv2.BORDER_REPLICATE)
    paper = cv2.morphologyEx(
        smooth,
        cv2.MORPH_CLOSE,
        np.ones((PEN_PX, PEN_PX), np.uint8),
        borderType=cv2.BORDER_REPLICATE,
    )
    light = cv2.divide(stack, np.maximum(paper.reshape(stack.shape), 1), scale=255)
    return np.ascontiguousarray((255 - light.reshape(stack.shape)).transpose(2, 0, 1))


def _levels(ink: U8, boxes_px: F64) -> _Levels:
    count, side = len(ink), ink.shape[1]
    inside = inside_boxes(boxes_px, side)
    index = ink.astype(np.int32) + (np.arange(count, dtype=np.int32) * 256)[:, None, None]
    histogram = np.bincount(index[inside], minlength=count * 256).reshape(count, 256)
    share = np.cumsum(histogram, axis=1) / histogram.sum(axis=1, keepdims=True)
    middle, upper = ((share < level).sum(axis=1) for level in (0.5, 0.70))
    noise = np.maximum(upper - middle, 1) * 1.9  # the 70th percentile is 0.52 sigma out
    pen = (share < 0.985).sum(axis=1)
    floor = middle + np.maximum(FAINTEST, NOISE_TIMES * np.minimum(noise, 12))
    return _Levels(middle.astype(np.float32), np.maximum(pen, floor).astype(np.float32))


def inside_boxes(boxes_px: F64, side: int) -> NDArray[np.bool_]:
    """Bool [N, side, side]: the pixels inside each box in the middle of its patch."""
    away = np.abs(np.arange(side) + 0.5 - side / 2)
    half = boxes_px / 2
    columns = away[None] < half[:, :1]
    rows = away[None] < half[:, 1:]
    return rows[:, :, None] & columns[:, None, :]


def _stretch(ink: U8, levels: _Levels, mask: U8) -> U8:
    low = levels.paper + 0.15 * (levels.pen - levels.paper)
    high = levels.paper + 0.85 * (levels.pen - levels.paper)
    gain = 255 / (high - low)
    stretched = (ink - low[:, None, None]) * gain[:, None, None]
    return np.clip(stretched, 0, 255).astype(np.uint8) * mask


def _centre(contrast: U8, strokes: Strokes) -> U8:
    """Scale each patch's strokes to 20 px and put their centre of mass in the middle."""
    longest = np.maximum(strokes.size_px.max(axis=1), SMALLEST_DIGIT * BOX_PX)
    scale = DIGIT_PX / longest
    centres = _centres(contrast)
    out = np.empty((len(contrast), 2 * CELL_PX, 2 * CELL_PX), np.uint8)
    for patch, factor, centre, target in zip(contrast, 2 * scale, centres, out, strict=True):
        shift = CELL_PX - 0.5 - factor * centre
        matrix = np.array([[factor, 0, shift[0]], [0, factor, shift[1]]])
        cv2.warpAffine(patch, matrix, target.shape, target, flags=cv2.INTER_LINEAR)
    halves = out.reshape(len(out), CELL_PX, 2, CELL_PX, 2).astype(np.uint16)
    return ((halves.sum(axis=(2, 4)) + 2) // 4).astype(np.uint8)


def _centres(contrast: U8) -> F64:
    """Centre of mass (x, y) of each patch; its middle where nothing is written."""
    side = contrast.shape[1]
    columns = contrast.sum(axis=1, dtype=np.float64)
    rows = contrast.sum(axis=2, dtype=np.float64)
    mass = rows.sum(axis=1)
    at = np.arange(side)
    sums = np.stack([columns @ at, rows @ at], axis=1)
    middle = np.full_like(sums, (side - 1) / 2)
    return np.where(mass[:, None] > 0, sums / np.maximum(mass, 1)[:, None], middle)


def _on_canvas(patch: U8, scale: float) -> U8:
    """Scale a patch onto the middle of a 64 x 64 canvas, filled around with its own paper."""
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    height, width = (max(1, min(PATCH_PX, round(side * scale))) for side in patch.shape)
    scaled = cv2.resize(patch, (width, height), interpolation=method)
    kernel = np.ones((PEN_PX, PEN_PX), np.uint8)
    paper = cv2.morphologyEx(
        cv2.blur(scaled, (3, 3)), cv2.MORPH_CLOSE, kernel, borderType=cv2.BORDER_REPLICATE
    )
    top, left = (PATCH_PX - height) // 2, (PATCH_PX - width) // 2
    canvas = cv2.copyMakeBorder(
        paper, top, PATCH_PX - height - top, left, PATCH_PX - width - left, cv2.BORDER_REPLICATE
    )
    canvas[top : top + height, left : left + width] = scaled
    return np.asarray(canvas, np.uint8)
