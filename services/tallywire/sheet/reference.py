"""A form's own picture, kept with its layout: what a scan is compared with to find it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.sheet.geometry import apply_map
from tallywire.sheet.keypoints import GLANCE, STARE, Keypoints, Sight, find_ink, find_keypoints
from tallywire.sheet.landmarks import Landmarks, boxes_px, choose_landmarks
from tallywire.sheet.layout import Box, Layout

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

LINE_MM = 0.8  # of a cell's rim belong to its printed line
RIM_MM = np.array([20.0, 8.0])  # beside and above a field lies print that tells where it is


@dataclass(frozen=True, slots=True)
class View:
    """What is known of a form at one sight: keypoints, places in mm, to tell where it may lie,
    and landmarks, to tell that it does."""

    sight: Sight
    keypoints: Keypoints
    landmarks: Landmarks


@dataclass(frozen=True, slots=True)
class Reference:
    """A form as it looks, and what is known by it.

    `picture` is uint8 [H, W], grey, the whole page upright, at `px_per_mm`; `views` are what it
    shows, the quickest sight first; they follow from it and the layout's cells.
    """

    picture: U8
    px_per_mm: float
    views: tuple[View, ...]


def attach(layout: Layout, picture: U8) -> Layout:
    """The layout with its form's picture, uint8 [H, W], grey: the page upright, filling it."""
    fields = [np.array([_sides(cell) for cell in field.cells]) for field in layout.fields]
    size_mm = layout.width_mm, layout.height_mm
    ignored = np.array([_sides(box) for box in layout.ignored]).reshape(-1, 4)
    return replace(layout, reference=build_reference(picture, size_mm, fields, ignored))


def build_reference(
    picture: U8,
    size_mm: tuple[float, float],
    fields_mm: Sequence[F64],
    ignored_mm: F64 | None = None,
) -> Reference:
    """All that a page's picture tells, worked out once.

    Args:
        picture: uint8 [H, W], grey: the page upright and filling it; blank, filled in, or a blend.
        size_mm: width and height of the page.
        fields_mm: for each field its cells' left, top, width and height, float64 [C, 4]: what is
            written in them is not looked at.
        ignored_mm: float64 [K, 4], other boxes that people write in.
    """
    height, width = picture.shape
    onto_picture = _onto_picture((width, height), size_mm)
    cells = np.concatenate([np.empty((0, 4)), *fields_mm])
    written = cells + np.array([LINE_MM, LINE_MM, -2 * LINE_MM, -2 * LINE_MM])
    if ignored_mm is not None:
        written = np.concatenate([written, ignored_mm])
    near = np.array([_around(boxes) for boxes in fields_mm]).reshape(-1, 4)
    views = tuple(_view(picture, onto_picture, written, near, sight) for sight in (GLANCE, STARE))
    return Reference(picture, float(onto_picture[0, 0]), views)


def rectify(pixels: U8, page_to_image: F64, size_mm: tuple[float, float], px_per_mm: float) -> U8:
    """The page of a scan, upright and flat: uint8 [H, W], grey.

    Args:
        pixels: uint8 [h, w], grey.
        page_to_image: float64 [3, 3], mm to px.
        size_mm: width and height of the page.
        px_per_mm: of the picture wanted.
    """
    size = round(size_mm[0] * px_per_mm), round(size_mm[1] * px_per_mm)
    scale = np.linalg.inv(_onto_picture(size, size_mm))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpPerspective(pixels, page_to_image @ scale, size, flags=flags, borderValue=255),
        np.uint8,
    )


def blend(pictures: Sequence[U8]) -> U8:
    """The median of several rectified pages, uint8 [H, W] each: handwriting goes, print stays."""
    return np.asarray(np.median(np.stack(pictures), axis=0), np.uint8)


def _sides(box: Box) -> tuple[float, float, float, float]:
    return box.x_mm, box.y_mm, box.width_mm, box.height_mm


def _around(boxes: F64) -> F64:
    """The rectangle RIM_MM around boxes, float64 [4]."""
    low = boxes[:, :2].min(axis=0) - RIM_MM
    high = (boxes[:, :2] + boxes[:, 2:]).max(axis=0) + RIM_MM
    return np.concatenate([low, high - low])


def _onto_picture(size_px: tuple[int, int], size_mm: tuple[float, float]) -> F64:
    """Float64 [3, 3]: mm of a page to px of a picture of it."""
    return np.diag([size_px[0] / size_mm[0], size_px[1] / size_mm[1], 1.0])


def _view(picture: U8, onto_picture: F64, written: F64, near: F64, sight: Sight) -> View:
    ink = find_ink(picture, sight.side_px)
    to_ink = ink.from_source @ onto_picture
    landmarks = choose_landmarks(ink.picture, to_ink, written, near, sight)
    mask = np.full(ink.picture.shape, 255, np.uint8)
    for left, top, right, bottom in boxes_px(to_ink, written):
        mask[top:bottom, left:right] = 0
    found = find_keypoints(ink.picture, sight, mask)
    to_page = np.asarray(np.linalg.inv(to_ink), np.float64)
    places = apply_map(to_page, found.places.astype(np.float64))
    return View(sight, Keypoints(places.astype(np.float32), found.descriptors), landmarks)
