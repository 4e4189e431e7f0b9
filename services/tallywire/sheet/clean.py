"""From a patch of paper to what the model sees: the one normalisation of training and serving.

Background, printed lines and neighbours' strokes go; the digit's ink is stretched, scaled and
centred as MNIST's are. All cells of a sheet are cleaned together, as the channels of one image:
OpenCV filters channels without mixing them, several times quicker than cell after cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.sheet.frame import cut_frame, find_frame
from tallywire.sheet.lines import erase_lines, visible_from
from tallywire.sheet.strokes import Strokes, find_strokes

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

PATCH_PX = 48
"""Side of a patch: the box in its middle and a margin of paper around it."""
BOX_PX = 36
"""Longer side of the box inside a patch."""
MARGIN = (PATCH_PX - BOX_PX) / 2 / PATCH_PX
"""Paper around the box on each side, as a share of the patch's side."""
CELL_PX = 28
DIGIT_PX = 20.0
"""Longer side of the digit inside a cell, as in MNIST."""

CROP_PX = 40  # longer side of a loose crop on its canvas
PEN_PX = 11  # wider than any pen stroke of a patch, narrower than a shadow
FAINTEST = 14.0  # ink, 0 to 255, that is stretched to full black and no less: blank stays blank
NOISE_TIMES = 6.0  # ink must stand out of the paper's own noise by this factor
NOISIEST = 12.0  # ink; more spread than this is writing, not paper
OUTLIER = 1.6  # times the noise: little of a paper's grain is darker
PALEST = 4.0  # ink, 0 to 255, of a pencil's palest stroke
STROKE = 0.3  # of the pen's ink: darker is part of a stroke
FADING, FADING_LOOSE = 0.15, 0.2  # the same beside a stroke; in a loose crop others lie beside
FADING_NOISE, FADED = 0.7, 2.0  # times the noise, and ink, that even a fading stroke must have
SMALLEST_DIGIT = 0.36  # of the box: smaller ink (a dash, a speck) is not blown up to a digit
CHANNELS = 96  # OpenCV filters at most 128 channels at once


@dataclass(frozen=True, slots=True)
class _Levels:
    """Per patch, float32 [N]: the ink that is paper, its spread, and the ink that is pen."""

    paper: F32
    noise: F32
    pen: F32

    def between(self, share: float) -> F32:
        """The ink at `share` of the way from paper to pen."""
        return np.asarray(self.paper + share * (self.pen - self.paper), np.float32)


def clean_cell(patch: U8, margin: float = MARGIN) -> U8:
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
    return np.asarray(clean_patches(_on_canvas(patch, scale)[None], box * scale)[0])


def clean_crop(crop: U8) -> U8:
    """Normalise a loose crop: of one digit, or of a cell whose box's place is not known.

    Args:
        crop: uint8 [h, w], grey, dark ink on light paper, cut around the digit or the box.

    Returns:
        uint8 [28, 28], ink high, paper 0.
    """
    dark = _dark(crop)
    frame = find_frame(dark)
    if frame is not None:
        found = frame.scaled(crop.shape[1] / dark.shape[1], crop.shape[0] / dark.shape[0])
        patch, wide, tall = cut_frame(crop, found, PATCH_PX, BOX_PX)
        return np.asarray(clean_patches(patch[None], np.array([[wide, tall]]))[0])
    height, width = crop.shape
    scale = CROP_PX / max(height, width)
    box = np.array([[width * scale, height * scale]])
    return np.asarray(clean_patches(_on_canvas(crop, scale)[None], box, loose=True)[0])


def _dark(crop: U8) -> NDArray[np.bool_]:
    """Bool [h, w]: pixels that stand out of the paper, on a crop scaled to a patch's size."""
    scale = PATCH_PX / max(crop.shape)
    size = max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(crop, size, interpolation=method), np.uint8)
    ink = relative_ink(small[:, :, None])
    return np.asarray((ink > visible_from(ink))[:, :, 0])


def clean_patches(patches: U8, boxes_px: F64, *, loose: bool = False) -> U8:
    """Normalise many patches at once.

    Args:
        patches: uint8 [N, 48, 48], grey, dark ink on light paper.
        boxes_px: float64 [N, 2], width and height of each printed box, in the patch's middle.
        loose: the box is the edge of a crop and not printed.

    Returns:
        uint8 [N, 28, 28], ink high, paper 0.
    """
    chunks = [np.zeros((0, CELL_PX, CELL_PX), np.uint8)]
    for at in range(0, len(patches), CHANNELS):
        stack = np.ascontiguousarray(patches[at : at + CHANNELS].transpose(1, 2, 0))
        chunks.append(_clean_stack(stack, boxes_px[at : at + CHANNELS], loose=loose))
    return np.concatenate(chunks)


def _clean_stack(stack: U8, boxes_px: F64, *, loose: bool) -> U8:
    ink = erase_lines(relative_ink(stack), boxes_px, loose=loose)
    levels = _levels(ink, boxes_px)
    dark = _dark_strokes(ink, levels, FADING_LOOSE if loose else FADING)
    strokes = find_strokes(dark, boxes_px, loose=loose)
    contrast = _stretch(ink, levels).transpose(2, 0, 1) * strokes.mask
    return _centre(contrast, strokes)


def _dark_strokes(ink: U8, levels: _Levels, fading: float) -> NDArray[np.bool_]:
    """Bool [h, w, N]: pixels of strokes, and beside them what is `fading` dark without the paper's
    grain: a pencil's stroke falls apart otherwise (hysteresis, Canny 1986)."""
    sure = np.maximum(
        levels.between(STROKE), levels.paper + np.maximum(OUTLIER * levels.noise, PALEST)
    )
    perhaps = np.maximum(
        levels.between(fading), levels.paper + np.maximum(FADING_NOISE * levels.noise, FADED)
    )
    dark = ink > sure
    beside = cv2.dilate(dark.astype(np.uint8), np.ones((5, 5), np.uint8)).reshape(ink.shape)
    smooth = cv2.blur(ink, (3, 3)).reshape(ink.shape)
    return np.asarray(dark | ((smooth > perhaps) & (beside > 0)))


def relative_ink(stack: U8) -> U8:
    """How much darker than the paper around it each pixel is.

    Args:
        stack: uint8 [h, w, N], N <= 96 patches as channels.

    Returns:
        uint8 [h, w, N]: 0 as light as the paper, 255 no light left; shadow cancels out.
    """
    paper = np.maximum(_paper(stack), 1)
    light = cv2.divide(stack, paper.reshape(stack.shape), scale=255)
    return np.asarray(255 - light.reshape(stack.shape), np.uint8)


def inside_boxes(boxes_px: F64, side: int) -> NDArray[np.bool_]:
    """Bool [side, side, N]: the pixels inside each box in the middle of its patch."""
    away = np.abs(np.arange(side) + 0.5 - side / 2)[:, None]
    columns, rows = away < boxes_px[:, 0] / 2, away < boxes_px[:, 1] / 2
    return np.asarray(rows[:, None] & columns[None])


def _paper(image: U8) -> U8:
    """The paper without what is written on it: dark strokes narrower than a pen's are filled."""
    smooth = cv2.blur(image, (3, 3), borderType=cv2.BORDER_REPLICATE)
    kernel = np.ones((PEN_PX, PEN_PX), np.uint8)
    closed = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, kernel, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(closed, np.uint8)


def _levels(ink: U8, boxes_px: F64) -> _Levels:
    side, _, count = ink.shape
    bins = np.where(inside_boxes(boxes_px, side), ink, np.int32(256))
    bins += np.arange(count, dtype=np.int32) * 257
    histogram = np.bincount(bins.ravel(), minlength=count * 257).reshape(count, 257)[:, :256]
    running = np.cumsum(histogram, axis=1)
    share = running / np.maximum(running[:, -1:], 1)
    middle, upper, pen = ((share < level).sum(axis=1) for level in (0.5, 0.7, 0.985))
    noise = np.clip((upper - middle) / 0.52, 1, NOISIEST)  # 70 % lie below 0.52 sigma
    floor = middle + np.maximum(FAINTEST, NOISE_TIMES * noise)
    return _Levels(
        middle.astype(np.float32),
        noise.astype(np.float32),
        np.maximum(pen, floor).astype(np.float32),
    )


def _stretch(ink: U8, levels: _Levels) -> U8:
    low, high = levels.between(0.15), levels.between(0.85)
    return np.clip((ink - low) * (255 / (high - low)), 0, 255).astype(np.uint8)


def _centre(contrast: U8, strokes: Strokes) -> U8:
    """Scale each patch's strokes to 20 px and put their centre of mass in the middle."""
    longest = np.maximum(strokes.size_px.max(axis=1), SMALLEST_DIGIT * BOX_PX)
    factors = 2 * DIGIT_PX / longest  # drawn twice as large, then halved: smooth when shrunk
    shifts = CELL_PX - 0.5 - factors[:, None] * _centres(contrast)
    out = np.empty((len(contrast), 2 * CELL_PX, 2 * CELL_PX), np.uint8)
    for patch, factor, shift, target in zip(contrast, factors, shifts, out, strict=True):
        matrix = np.array([[factor, 0, shift[0]], [0, factor, shift[1]]])
        cv2.warpAffine(patch, matrix, target.shape, target, flags=cv2.INTER_LINEAR)
    pairs = out[:, ::2].astype(np.uint16) + out[:, 1::2]
    return ((pairs[:, :, ::2] + pairs[:, :, 1::2] + 2) // 4).astype(np.uint8)


def _centres(contrast: U8) -> F64:
    """Float64 [N, 2]: centre of mass (x, y) of each patch; its middle where nothing is written."""
    side = contrast.shape[1]
    columns = contrast.sum(axis=1, dtype=np.uint32)
    rows = contrast.sum(axis=2, dtype=np.uint32)
    mass = rows.sum(axis=1)[:, None]
    at = np.arange(side, dtype=np.float64)
    sums = np.stack([columns @ at, rows @ at], axis=1)
    centres = np.where(mass > 0, sums / np.maximum(mass, 1), (side - 1) / 2)
    return np.asarray(centres, np.float64)


def _on_canvas(patch: U8, scale: float) -> U8:
    """Scale a patch onto the middle of a 48 x 48 canvas, filled around with its own paper."""
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    height, width = (max(1, min(PATCH_PX, round(side * scale))) for side in patch.shape)
    scaled = np.asarray(cv2.resize(patch, (width, height), interpolation=method), np.uint8)
    top, left = (PATCH_PX - height) // 2, (PATCH_PX - width) // 2
    bottom, right = PATCH_PX - height - top, PATCH_PX - width - left
    canvas = cv2.copyMakeBorder(_paper(scaled), top, bottom, left, right, cv2.BORDER_REPLICATE)
    canvas[top : top + height, left : left + width] = scaled
    return np.asarray(canvas, np.uint8)
