"""Finds blobs in a picture that may be the layout's printed marks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.sheet.layout import Layout, Mark, MarkKind
from tallywire.sheet.picture import to_grey

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
Bools = NDArray[np.bool_]
MaskMaker = Callable[[tuple[int, int, int]], U8]

MOST = 12  # candidates kept for one mark
HUE_TOLERANCE = 20  # OpenCV's hue, 0 to 180
LEAST_SATURATION = 34  # of 255; paler is paper, whatever its tint
SHADOW = 0.12  # of full light: darker, colours cannot be told
BLACK = 0.25  # tone of black ink on a pale scan
SOLID = 0.75  # of a mark's inside is of its colour: a printed frame is no mark
MOST_ASPECT = 0.7  # log of how much longer or shorter than the mark, by perspective or a stain
MOST_FULLNESS = 0.4
SMALLEST_SCALE, LARGEST_SCALE = 0.45, 1.5  # of the scale at which the page just fills the image


@dataclass(frozen=True, slots=True)
class Blob:
    """One candidate: centre (x, y) in px, its hull's points [K, 2], its area and how unlike the
    mark's shape it is (0 is exactly like)."""

    center: tuple[float, float]
    hull: F64
    area_px: float
    unlike: float


class MarkSearch(Enum):
    """How marks are looked for: by hue, in a grey scan by tone, or as the mere outlines that a
    black-and-white scan with a local threshold leaves of them."""

    COLOUR = "colour"
    TONE = "tone"
    OUTLINE = "outline"


def find_blobs(picture: U8, layout: Layout, look: MarkSearch) -> dict[str, tuple[Blob, ...]]:
    """Candidates for every mark of the layout, by mark id, likest first.

    Args:
        picture: uint8 [H, W, 3] BGR or [H, W] grey; a copy of about 500 px is enough.
        layout: the form's layout.
        look: how colour marks are looked for; black marks are always looked for by tone.
    """
    fill = max(picture.shape[:2]) / max(layout.width_mm, layout.height_mm)
    by_tone = _tone_masks(picture)
    make = _colour_masks(picture) if look is MarkSearch.COLOUR else by_tone
    found: dict[str, tuple[Blob, ...]] = {}
    masks: dict[tuple[int, int, int] | None, _Mask] = {}
    for mark in layout.marks:
        square = mark.kind is MarkKind.CORNER_SQUARE
        key = None if square else mark.colour
        if key not in masks:
            masks[key] = _outlined(by_tone((0, 0, 0)) if key is None else make(key), square=square)
        twins = [
            found[other.id] for other in layout.marks if other.id in found and _alike(mark, other)
        ]
        solid = look is not MarkSearch.OUTLINE
        found[mark.id] = twins[0] if twins else _blobs(masks[key], mark, fill, solid=solid)
    return found


def _alike(one: Mark, other: Mark) -> bool:
    """True where the same blobs come into question."""
    sizes = [(mark.box.width_mm, mark.box.height_mm) for mark in (one, other)]
    return one.kind is other.kind and one.colour == other.colour and sizes[0] == sizes[1]


@dataclass(frozen=True, slots=True)
class _Mask:
    """Uint8 [H, W] of 0 and 1, and the outlines of its parts."""

    pixels: U8
    outlines: Sequence[NDArray[Any]]


def _outlined(mask: U8, *, square: bool) -> _Mask:
    closed = mask
    if not square:  # printing and pen strokes cut colour marks up
        closed = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)))
    outlines, _ = cv2.findContours(closed, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return _Mask(closed, outlines)


def _colour_masks(picture: U8) -> MaskMaker:
    if picture.ndim == 2:
        return lambda colour: np.zeros_like(picture)
    hsv = _hsv(picture)
    return lambda colour: _coloured(hsv, colour)


def _tone_masks(picture: U8) -> MaskMaker:
    """Masks of what is at least half as dark as a colour, against the paper around it."""
    tone: list[F32] = []

    def make(colour: tuple[int, int, int]) -> U8:
        if not tone:
            tone.append(_tone(to_grey(picture)))
        wanted = float(np.dot(colour, (0.299, 0.587, 0.114))) / 255
        return (tone[0] < (1 + max(wanted, BLACK)) / 2).astype(np.uint8)

    return make


def _tone(grey: U8) -> F32:
    """Float32 [H, W]: 1 as light as the paper around, 0 black. The paper is what a wide closing
    leaves, so that a shadow does not count and the largest mark does."""
    coarse = cv2.resize(grey, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    side = max(coarse.shape) // 6 | 1
    kernel = np.ones((side, side), np.uint8)
    paper = cv2.morphologyEx(coarse, cv2.MORPH_CLOSE, kernel, borderType=cv2.BORDER_REPLICATE)
    fine = cv2.resize(cv2.blur(paper, (5, 5)), (grey.shape[1], grey.shape[0]))
    tone = np.asarray(grey, np.float32) / np.maximum(np.asarray(fine, np.float32), 1)
    return np.asarray(tone, np.float32)


def _hsv(picture: U8) -> U8:
    """Hue, saturation, value with the paper made white, so that lamps tint nothing."""
    sample = picture[::6, ::6].reshape(-1, 3)
    brightest = np.maximum(np.maximum(sample[:, 0], sample[:, 1]), sample[:, 2])
    paper = np.median(sample[brightest >= np.median(brightest)], axis=0)
    table = np.arange(256)[:, None] * (245 / np.maximum(paper, 40))[None]
    balanced = cv2.LUT(picture, np.clip(table, 0, 255).astype(np.uint8).reshape(256, 1, 3))
    return np.asarray(cv2.cvtColor(balanced, cv2.COLOR_BGR2HSV), np.uint8)


def _coloured(hsv: U8, colour: tuple[int, int, int]) -> U8:
    """Uint8 [H, W] of 0 and 1: pixels of the mark's hue, lit or in shadow, fresh or faded."""
    red, green, blue = colour
    target = cv2.cvtColor(np.array([[[blue, green, red]]], np.uint8), cv2.COLOR_BGR2HSV)[0, 0]
    hue, saturation = int(target[0]), int(target[1])
    turn = (np.arange(256) - hue + 90) % 180 - 90
    near = (np.abs(turn) <= HUE_TOLERANCE).astype(np.uint8)
    mask: Bools = cv2.LUT(hsv[:, :, 0], near).astype(bool)
    mask &= hsv[:, :, 1] >= max(LEAST_SATURATION, 0.33 * saturation)
    mask &= hsv[:, :, 2] >= SHADOW * 255
    return mask.astype(np.uint8)


def _blobs(mask: _Mask, mark: Mark, fill: float, *, solid: bool) -> tuple[Blob, ...]:
    least, most = (
        area_mm2(mark) * (fill * scale) ** 2 for scale in (SMALLEST_SCALE, LARGEST_SCALE)
    )
    # Counted in pixels, a slanting outline is up to 0.7 times as long as it is.
    around = (mark.box.width_mm + mark.box.height_mm) * 2 * fill
    short, long = 0.5 * SMALLEST_SCALE * around, 2 * LARGEST_SCALE * around
    outlines = [outline for outline in mask.outlines if short <= len(outline) <= long]
    blobs = [blob for outline in outlines if (blob := _blob(outline, mark, least, most))]
    if solid:
        blobs = [blob for blob in blobs if _solid(mask.pixels, blob)]
    return tuple(sorted(blobs, key=lambda blob: blob.unlike)[:MOST])


def area_mm2(mark: Mark) -> float:
    """The mark's printed area."""
    return mark.box.width_mm * mark.box.height_mm * _full(mark)


def _full(mark: Mark) -> float:
    """Share of its box that the mark fills."""
    return math.pi / 4 if mark.kind is MarkKind.COLOUR_CIRCLE else 1.0


def _blob(outline: NDArray[Any], mark: Mark, least_px: float, most_px: float) -> Blob | None:
    """The outline as a candidate, None where its size or shape is not the mark's at all."""
    if cv2.contourArea(outline, oriented=True) > 0:
        return None  # a hole's outline
    moments = cv2.moments(outline)
    area = moments["m00"] + len(outline) / 2 + 1  # outlines run through pixel centres
    if not least_px <= area <= most_px or moments["m00"] <= 0:
        return None
    sides = cv2.minAreaRect(outline)[1]
    long, short = max(sides) + 1, min(sides) + 1
    wanted = mark.box.width_mm / mark.box.height_mm
    aspect = abs(math.log((long / short) / max(wanted, 1 / wanted)))
    fullness = abs(area / (long * short) - _full(mark))
    if aspect > MOST_ASPECT or fullness > MOST_FULLNESS:
        return None
    hull = np.asarray(cv2.convexHull(outline), np.float64).reshape(-1, 2)
    center = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
    return Blob(center, hull, area, aspect + fullness)


def _solid(mask: U8, blob: Blob) -> bool:
    """True where the mask is set inside the blob, not along its outline only."""
    center = np.array(blob.center)
    inside = center + np.linspace(0, 0.8, 4)[:, None, None] * (blob.hull - center)
    columns, rows = np.rint(inside.reshape(-1, 2)).astype(int).T
    return float(mask[rows, columns].mean()) >= SOLID
