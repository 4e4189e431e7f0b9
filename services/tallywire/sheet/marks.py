"""Finds blobs in a picture that may be the layout's printed marks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.sheet.layout import Layout, Mark, MarkKind

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

MOST = 12  # candidates kept for one mark
HUE_TOLERANCE = 20  # OpenCV's hue, 0 to 180
LEAST_SATURATION = 34  # of 255; paler is paper, whatever its tint
SHADOW = 0.22  # of full light: darker, colours cannot be told
DARK = 0.62  # of the light around it: a black mark
MOST_ASPECT = 0.7  # log of how much longer or shorter than the mark, by perspective or a stain
MOST_FULLNESS = 0.4
SMALLEST_SCALE, LARGEST_SCALE = 0.45, 1.5  # of the scale at which the page just fills the image


@dataclass(frozen=True, slots=True)
class Blob:
    """One candidate: centre (x, y) in px, its hull's points [K, 2], and how unlike the mark's
    shape it is (0 is exactly like)."""

    center: tuple[float, float]
    hull: F64
    unlike: float


def find_blobs(picture: U8, layout: Layout) -> dict[str, tuple[Blob, ...]]:
    """Candidates for every mark of the layout, by mark id, likest first.

    Args:
        picture: uint8 [H, W, 3] BGR or [H, W] grey; a copy of about 640 px is enough.
        layout: the form's layout.
    """
    height, width = picture.shape[:2]
    fill = max(height, width) / max(layout.width_mm, layout.height_mm)
    coloured = [mark for mark in layout.marks if mark.kind is not MarkKind.CORNER_SQUARE]
    hsv = _hsv(picture) if coloured and picture.ndim == 3 else None
    found: dict[str, tuple[Blob, ...]] = {}
    masks: dict[object, Bools] = {}
    for mark in layout.marks:
        key = mark.colour if mark in coloured else None
        if key is not None and hsv is None:
            found[mark.id] = ()
            continue
        if key not in masks:
            masks[key] = _coloured(hsv, mark.colour) if key and hsv is not None else _dark(picture)
        found[mark.id] = _blobs(masks[key], mark, fill)
    return found


def _hsv(picture: U8) -> U8:
    """Hue, saturation, value with the paper made white, so that lamps tint nothing."""
    sample = picture[::4, ::4].reshape(-1, 3)
    paper = np.percentile(sample[sample.max(axis=1) > np.median(sample)], 60, axis=0)
    table = np.arange(256)[:, None] * (245 / np.maximum(paper, 40))[None]
    balanced = cv2.LUT(picture, np.clip(table, 0, 255).astype(np.uint8).reshape(256, 1, 3))
    return np.asarray(cv2.cvtColor(balanced, cv2.COLOR_BGR2HSV), np.uint8)


def _coloured(hsv: U8, colour: tuple[int, int, int]) -> Bools:
    """Bool [H, W]: pixels of the mark's hue, lit or in shadow, fresh or faded."""
    red, green, blue = colour
    target = cv2.cvtColor(np.array([[[blue, green, red]]], np.uint8), cv2.COLOR_BGR2HSV)[0, 0]
    hue, saturation = int(target[0]), int(target[1])
    turn = (np.arange(256) - hue + 90) % 180 - 90
    near = (np.abs(turn) <= HUE_TOLERANCE).astype(np.uint8)
    mask = cv2.LUT(hsv[:, :, 0], near).astype(bool)
    mask &= hsv[:, :, 1] >= max(LEAST_SATURATION, 0.33 * saturation)
    mask &= hsv[:, :, 2] >= SHADOW * 255
    return np.asarray(mask)


def _dark(picture: U8) -> Bools:
    """Bool [H, W]: pixels much darker than what lies around them."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if picture.ndim == 3 else picture
    window = max(grey.shape) // 8 | 1
    around = cv2.blur(grey, (window, window), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(grey < around.astype(np.float32) * DARK)


def _blobs(mask: Bools, mark: Mark, fill: float) -> tuple[Blob, ...]:
    closed = mask.astype(np.uint8)
    if mark.kind is not MarkKind.CORNER_SQUARE:  # printing and pen strokes cut colour marks up
        closed = np.asarray(cv2.morphologyEx(closed, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)))
    contours, _ = cv2.findContours(closed, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    area_mm = mark.box.width_mm * mark.box.height_mm * _full(mark)
    least, most = (area_mm * (fill * scale) ** 2 for scale in (SMALLEST_SCALE, LARGEST_SCALE))
    shortest = 2 * math.sqrt(least)  # no shape of that area has a shorter outline
    outlines = [outline for outline in contours if len(outline) >= shortest]
    blobs = [blob for outline in outlines if (blob := _blob(outline, mark, least, most))]
    return tuple(sorted(blobs, key=lambda blob: blob.unlike)[:MOST])


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
    return Blob(center, hull, aspect + fullness)
