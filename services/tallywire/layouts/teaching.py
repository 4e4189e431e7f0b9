"""A form's picture from scans of it: the first says where the page lies, the others agree.

The median of several pages keeps what is printed and loses what is written. What stands in cells
and ignored regions is painted over before the picture is kept: it is the form's, not a voter's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.election.layout_models import MIN_MARKS
from tallywire.reasons import Reason
from tallywire.sheet.align import align
from tallywire.sheet.layout import Box, Layout
from tallywire.sheet.picture import to_grey
from tallywire.sheet.reference import LINE_MM, attach, blend, rectify

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

LONGER_SIDE_PX = 1600  # of the picture: twice what the closest look at a page needs
PAPER_SHARE = 90  # percentile of a box's levels that is its paper


@dataclass(frozen=True, slots=True)
class TaughtPicture:
    """`picture` is uint8 [H, W], grey, the page upright; `scans` how many it was made of, and
    `left_out` why the others were not, by their name."""

    picture: U8
    scans: int
    left_out: Mapping[str, Reason]


def teach(
    first: U8, others: Iterable[tuple[str, U8]], layout: Layout, corners_px: F64 | None = None
) -> TaughtPicture | Reason:
    """Make the picture of a form.

    Args:
        first: uint8 [H, W, 3] BGR or [H, W] grey, a scan the right way up.
        others: name and pixels of more.
        layout: the form's, without a picture.
        corners_px: float64 [4, 2], the page's corners on the first scan: top left, top right,
            bottom right, bottom left. Without them its marks tell where the page lies; without
            marks it is all of the scan.

    Returns:
        the picture, or why the marks were not found on the first scan.
    """
    onto = _place(first, layout, corners_px)
    if isinstance(onto, Reason):
        return onto
    pages = [_page(first, onto, layout)]
    known = attach(layout, hide_writing(pages[0], layout))
    left_out = {}
    for name, pixels in others:
        found = align(pixels, known)
        if isinstance(found, Reason):
            left_out[name] = found
        else:
            pages.append(_page(pixels, found.page_to_image, layout))
    return TaughtPicture(hide_writing(blend(pages), layout), len(pages), left_out)


def hide_writing(page: U8, layout: Layout) -> U8:
    """A copy with paper where people write: in the cells within their lines, and where the layout
    says to ignore it.

    Args:
        page: uint8 [H, W], grey, all of the page.
    """
    inside = [_shrunk(cell) for cell in layout.cells]
    height, width = page.shape
    scale = np.array([width / layout.width_mm, height / layout.height_mm])
    hidden = page.copy()
    for box in (*inside, *layout.ignored):
        corners = np.array([box.corners_mm[0], box.corners_mm[2]]) * scale
        left, top, right, bottom = np.rint(corners).astype(int).ravel()
        part = hidden[top:bottom, left:right]
        if part.size:
            part[:] = round(float(np.percentile(part, PAPER_SHARE)))
    return hidden


def whole_page(size_px: tuple[int, int], layout: Layout) -> F64:
    """Float64 [3, 3], mm to px: the page fills a picture of that width and height."""
    width, height = size_px
    return page_at(np.array([[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]]), layout)


def page_at(corners_px: F64, layout: Layout) -> F64:
    """Float64 [3, 3], mm to px: the page's corners lie there."""
    width, height = layout.width_mm, layout.height_mm
    page = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(page, corners_px.astype(np.float32))
    return np.asarray(matrix, np.float64)


def are_corners(corners_px: F64) -> bool:
    """True where four points go round a page clockwise from its top left, as a person sees it."""
    sides = np.roll(corners_px, -1, axis=0) - corners_px
    after = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0]
    return bool((turns > 0).all())


def _place(first: U8, layout: Layout, corners_px: F64 | None) -> F64 | Reason:
    if corners_px is not None:
        return page_at(corners_px, layout)
    if len(layout.marks) < MIN_MARKS:
        height, width = first.shape[:2]
        return whole_page((width, height), layout)
    found = align(first, replace(layout, reference=None))
    return found if isinstance(found, Reason) else found.page_to_image


def _page(pixels: U8, page_to_image: F64, layout: Layout) -> U8:
    size_mm = layout.width_mm, layout.height_mm
    return rectify(to_grey(pixels), page_to_image, size_mm, LONGER_SIDE_PX / max(size_mm))


def _shrunk(cell: Box) -> Box:
    return Box(
        cell.x_mm + LINE_MM,
        cell.y_mm + LINE_MM,
        max(0.0, cell.width_mm - 2 * LINE_MM),
        max(0.0, cell.height_mm - 2 * LINE_MM),
    )
