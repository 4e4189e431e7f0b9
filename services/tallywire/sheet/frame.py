"""Finds the printed box on a loose crop of a cell, where there is one."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
Bools = NDArray[np.bool_]

OUTER = 0.3  # of the crop: how far from its edge a box's line may lie
BESIDE_PX = 4  # from a line, on a crop of a patch's size, there is paper again
PALE = 0.55  # of the crop's side at most is dark there
# Sides that must show, and the share of the crop's side that each line then darkens: no digit has
# four such strokes, nor three that are so long.
WAYS = ((4, 0.7), (3, 0.85))


@dataclass(frozen=True, slots=True)
class Frame:
    """The box on a crop, in px from its top left; a side that was not seen is the crop's edge."""

    left: float
    top: float
    right: float
    bottom: float

    def scaled(self, across: float, down: float) -> Frame:
        """The same box on a crop so many times as wide and high."""
        return Frame(self.left * across, self.top * down, self.right * across, self.bottom * down)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line's middle, in px from the crop's edge, and its outermost row of pixels."""

    middle: float
    outer: int


def find_frame(dark: Bools) -> Frame | None:
    """The printed box, None where none shows on at least three sides.

    Args:
        dark: bool [h, w]: pixels with ink, printed or written.
    """
    height, width = dark.shape
    along, across = _coverage(dark), _coverage(dark.T)
    for sides, straight in WAYS:
        columns, rows = _pair(across, straight), _pair(along, straight)
        seen = sum(line is not None for line in (*columns, *rows))
        if seen >= sides and _corners(dark, columns, rows) >= seen - 1:
            (left, right), (top, bottom) = columns, rows
            return Frame(
                left.middle if left else 0.0,
                top.middle if top else 0.0,
                right.middle if right else float(width),
                bottom.middle if bottom else float(height),
            )
    return None


def cut_frame(crop: U8, frame: Frame, side_px: int, box_px: float) -> tuple[U8, float, float]:
    """The box in the middle of a square patch, and its width and height there.

    Args:
        crop: uint8 [h, w].
        frame: the box on it.
        side_px: side of the patch.
        box_px: length of the box's longer side on the patch.
    """
    width, height = frame.right - frame.left, frame.bottom - frame.top
    scale = box_px / max(width, height)
    x, y = (frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2
    middle = side_px / 2
    if scale < 0.7:  # a plain look-up would skip thin strokes
        factor = max(1, round(1 / scale))
        size = max(1, crop.shape[1] // factor), max(1, crop.shape[0] // factor)
        across, down = size[0] / crop.shape[1], size[1] / crop.shape[0]
        crop = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8)
    else:
        across = down = 1.0
    # Pixel centres lie at halves here: the shift of half a pixel on either side.
    matrix = np.array(
        [
            [scale / across, 0, middle - scale * x + 0.5 * scale / across - 0.5],
            [0, scale / down, middle - scale * y + 0.5 * scale / down - 0.5],
        ]
    )
    patch = cv2.warpAffine(
        crop,
        matrix,
        (side_px, side_px),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(patch, np.uint8), width * scale, height * scale


def _coverage(dark: Bools) -> NDArray[np.float64]:
    """Share of each row that is dark there or in the rows beside it, float64 [h]."""
    thick = dark.copy()
    thick[1:] |= dark[:-1]
    thick[:-1] |= dark[1:]
    return np.asarray(thick.mean(axis=1), np.float64)


def _corners(dark: Bools, columns: tuple[_Line | None, ...], rows: tuple[_Line | None, ...]) -> int:
    """How many of the box's outer corners are printed; a digit's are round."""
    count = 0
    for column in columns:
        for row in rows:
            if column and row:
                across = slice(max(0, column.outer - 1), column.outer + 2)
                down = slice(max(0, row.outer - 1), row.outer + 2)
                count += bool(dark[down, across].any())
    return count


def _pair(coverage: NDArray[np.float64], straight: float) -> tuple[_Line | None, _Line | None]:
    """The innermost line near the start, and the one near the end."""
    reach, last = max(1, int(OUTER * len(coverage))), len(coverage) - 1
    start = _innermost(coverage, reach, straight)
    end = _innermost(coverage[::-1], reach, straight)
    return start, _Line(last + 1 - end.middle, last - end.outer) if end else None


def _innermost(coverage: NDArray[np.float64], reach: int, straight: float) -> _Line | None:
    """The last line within `reach` of the start; None where it is no thin line."""
    lined = coverage[:reach] >= straight
    found = np.flatnonzero(lined)
    if not len(found):
        return None
    last = int(found[-1])
    gaps = np.flatnonzero(~lined[:last])
    first = int(gaps[-1]) + 1 if len(gaps) else 0
    before = coverage[max(0, first - BESIDE_PX) : first]
    after = coverage[last + 1 : last + 1 + BESIDE_PX]
    # A neighbour's line may follow after a gap; a thick stroke's arc has no gap beside it.
    if before.min(initial=1.0 if first else 0.0) > PALE or after.min(initial=1.0) > PALE:
        return None
    # Coverage counts the rows beside a line too.
    return _Line((first + last + 1) / 2, min(first + 1, last))
