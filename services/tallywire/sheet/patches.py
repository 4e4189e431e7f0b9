"""What a network of patches is given: a cell as it lies on the paper, with what is around it.

Nothing is cleaned, no line or neighbour taken away: finding the digit is the network's task. The
patch is larger than the cell, so that lines, bars and neighbours can be told from it, and its
contrast is set by two percentiles of its middle.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.sheet.align import Alignment
from tallywire.sheet.geometry import apply_map
from tallywire.sheet.layout import Layout
from tallywire.sheet.picture import shrink, to_grey, zoom

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

VIEW_PX = 48
"""Side of a patch."""
AROUND = 1.6
"""Side of a patch, by the cell's shorter side."""
LONG_IN_VIEW = 1.1
"""Side of a patch, by the cell's longer side, as far as `MOST_AROUND` allows."""
MOST_AROUND = 2.0
DARK, LIGHT = 0.01, 0.8
"""Shares of the middle's pixels that are darker than what counts as ink, and as paper."""
FAINTEST = 0.1
"""Of the paper's light: less contrast than this is not stretched further, blank stays blank."""
MIDDLE = slice(VIEW_PX // 4, VIEW_PX - VIEW_PX // 4)
CROP_IN_VIEW = 0.56  # longer side of a loose crop of a digit, of the patch's side
STEP_MM = 0.5  # for the map's derivatives


def cut_views(pixels: U8, layout: Layout, alignment: Alignment) -> U8:
    """All cells of a scan with what is around them.

    Args:
        pixels: uint8 [H, W, 3] BGR or [H, W] grey.
        layout: the form's layout.
        alignment: where the form lies on `pixels`.

    Returns:
        uint8 [N, 48, 48], ink high, paper 0, in the order of `layout.cells`.
    """
    boxes = np.array([(*cell.center_mm, cell.width_mm, cell.height_mm) for cell in layout.cells])
    centres = boxes[:, :2] + alignment.shifts_mm
    return views(pixels, affines_at(alignment.page_to_image, centres, view_sides(boxes[:, 2:])))


def views(pixels: U8, affines: F64) -> U8:
    """Patches at any places of a picture, their contrast set.

    Args:
        pixels: uint8 [H, W, 3] BGR or [H, W] grey.
        affines: float64 [N, 2, 3], from a patch's pixels to the picture's.

    Returns:
        uint8 [N, 48, 48], ink high, paper 0.
    """
    if not len(affines):
        return np.zeros((0, VIEW_PX, VIEW_PX), np.uint8)
    scales = np.sqrt(np.abs(np.linalg.det(affines[:, :, :2])))
    # Where the scan is much finer than the patch, a plain look-up would skip thin strokes.
    factor = max(1, int(float(np.median(scales)) + 0.25))
    smaller = zoom(1 / factor)[:2] @ np.concatenate([affines, _bottom(len(affines))], axis=1)
    return set_contrast(sample(to_grey(shrink(pixels, factor)), smaller))


def view_sides(sizes: F64) -> F64:
    """Sides of the patches, float64 [N], of boxes of these widths and heights, float64 [N, 2]."""
    short, long = sizes.min(axis=1), sizes.max(axis=1)
    return np.asarray(np.clip(LONG_IN_VIEW * long, AROUND * short, MOST_AROUND * short))


def affines_at(page_to_image: F64, centres: F64, sides: F64) -> F64:
    """Maps from patches to an image: float64 [N, 2, 3].

    Args:
        page_to_image: float64 [3, 3], a homography; over one patch it is as good as affine.
        centres: float64 [N, 2], of the patches on the page.
        sides: float64 [N], of the patches on the page.
    """
    middle = apply_map(page_to_image, centres)
    columns = []
    for axis in (0, 1):
        step = STEP_MM * np.eye(2)[axis]
        ahead, behind = (apply_map(page_to_image, centres + sign * step) for sign in (1, -1))
        columns.append((ahead - behind) / (2 * STEP_MM) * (sides / VIEW_PX)[:, None])
    linear = np.stack(columns, axis=2)
    corner = middle - linear.sum(axis=2) * (VIEW_PX - 1) / 2
    return np.concatenate([linear, corner[:, :, None]], axis=2)


def set_contrast(patches: U8) -> U8:
    """Paper becomes 0 and ink 255, by two percentiles of each patch's middle.

    A picture that is lighter, darker or paler in the whole gives the same, as long as its ink
    stands out of its paper at all.

    Args:
        patches: uint8 [N, 48, 48], grey, dark ink on light paper.

    Returns:
        uint8 [N, 48, 48], ink high.
    """
    middle = np.sort(patches[:, MIDDLE, MIDDLE].reshape(len(patches), -1), axis=1)
    last = middle.shape[1] - 1
    dark, light = (middle[:, round(share * last)].astype(np.float32) for share in (DARK, LIGHT))
    span = np.maximum(light - dark, np.maximum(FAINTEST * light, 1.0))
    ink = (light[:, None, None] - patches) * (255 / span)[:, None, None]
    return np.asarray(np.clip(ink, 0, 255), np.uint8)


def view_of_crop(crop: U8) -> U8:
    """A loose crop of one digit as a patch: what is around it is made of its own paper.

    Args:
        crop: uint8 [h, w], grey, dark ink on light paper, cut around the digit.

    Returns:
        uint8 [48, 48], ink high.
    """
    return np.asarray(set_contrast(crop_on_paper(crop)[None])[0])


def crop_on_paper(crop: U8) -> U8:
    """Scale a crop to a digit's usual size in the middle of a patch of its own paper, grey."""
    scale = CROP_IN_VIEW * VIEW_PX / max(crop.shape)
    size = max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(crop, size, interpolation=method)
    paper = float(np.quantile(crop, LIGHT))
    out = np.full((VIEW_PX, VIEW_PX), round(paper), np.uint8)
    left, top = (VIEW_PX - size[0]) // 2, (VIEW_PX - size[1]) // 2
    out[top : top + size[1], left : left + size[0]] = small
    return out


def _bottom(count: int) -> F64:
    return np.broadcast_to(np.array([[[0.0, 0.0, 1.0]]]), (count, 1, 3))


def sample(grey: U8, affines: F64) -> U8:
    """Patches as they are, bilinear; beyond the picture its edge goes on.

    Args:
        grey: uint8 [H, W].
        affines: float64 [N, 2, 3], from a patch's pixels to the picture's.

    Returns:
        uint8 [N, 48, 48].
    """
    at = np.arange(VIEW_PX, dtype=np.float32)
    maps = affines.astype(np.float32)[:, :, :, None, None]
    places = maps[:, :, 0] * at[None, :] + maps[:, :, 1] * at[:, None] + maps[:, :, 2]
    columns, rows = (places[:, axis].reshape(-1, VIEW_PX) for axis in (0, 1))
    cut = cv2.remap(grey, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, np.uint8).reshape(len(affines), VIEW_PX, VIEW_PX)
