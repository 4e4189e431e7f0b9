"""Points of a form's print that are looked for again on a scan laid over it (Lucas-Kanade)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.sheet.geometry import apply_map
from tallywire.sheet.keypoints import Sight

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

WINDOW_PX = 19  # side of the patch around a landmark: about 10 mm of an A4 page
FEWEST_NEAR, MOST_NEAR = 4, 10  # around each field
FEWEST_APART = 40  # landmarks where nobody writes, less of which do not tell the page's place
APART_PX, APART_NEAR_PX = 14, 7
CORNERED = 0.01  # of the best corner's score is still a corner
STEPS, STILL_PX = 12, 0.03  # of Lucas-Kanade at each level
MOSTLY = 127  # of 255
FLAT = 0.3  # of the print's contrast: a patch with less shows nothing
ALIKE = 0.6  # correlation from which a patch is the landmark's


@dataclass(frozen=True, slots=True)
class Points:
    """Some landmarks: `places` float32 [N, 2], (x, y) px on the form's ink; `patches` float32
    [N, WINDOW_PX ** 2], what is around each, of mean 0 and length 1; `shown` float32 [N,
    WINDOW_PX ** 2], 0 where people may have written, 1 elsewhere; `contrast` float32 [N], the
    patch's standard deviation."""

    places: F32
    patches: F32
    shown: F32
    contrast: F32


@dataclass(frozen=True, slots=True)
class Landmarks:
    """`ink` is uint8 [h, w], the form's ink, and `from_page`, float64 [3, 3], mm to its px; `page`
    are landmarks where nobody writes, `near` those around the fields; `written` int [K, 4], left,
    top, right and bottom px of where people write; `reach` in how many sizes of the pyramid
    landmarks are followed."""

    ink: U8
    from_page: F64
    page: Points
    near: Points
    written: NDArray[np.int64]
    reach: int

    @property
    def places(self) -> F64:
        """Float64 [N, 2]: all places, those of the page first."""
        return np.concatenate([self.page.places, self.near.places]).astype(np.float64)

    @property
    def places_mm(self) -> F64:
        """Float64 [N, 2]: where they are on the page."""
        return apply_map(np.asarray(np.linalg.inv(self.from_page)), self.places)


@dataclass(frozen=True, slots=True)
class Seen:
    """Landmarks on a picture laid over the form's: `places`, float64 [N, 2], where they were
    found; `alike`, float64 [N], how well they correlate there, -1 to 1; `blank`, bool [N], where
    the picture shows nothing."""

    places: F64
    alike: F64
    blank: Bools

    @property
    def found(self) -> Bools:
        """Bool [N]: what is there is the landmark's."""
        return np.asarray(self.alike >= ALIKE)


def choose_landmarks(
    ink: U8, from_page: F64, written_mm: F64, near_mm: F64, sight: Sight
) -> Landmarks:
    """The best corners all over the page, and more of them around the fields.

    Args:
        ink: uint8 [h, w], the form's.
        from_page: float64 [3, 3], mm to its px.
        written_mm: float64 [K, 4], boxes (left, top, width, height) that people write in.
        near_mm: float64 [F, 4], the surroundings of each field.
        sight: how many are wanted.
    """
    written = boxes_px(from_page, written_mm)
    clean, mask = cover(ink, written), cover(np.zeros_like(ink), written)
    mask = np.asarray(255 - mask, np.uint8)
    apart = cv2.erode(mask, np.ones((WINDOW_PX, WINDOW_PX), np.uint8))
    page = _corners(clean, np.asarray(apart, np.uint8), sight.landmarks, APART_PX)
    if len(page) < FEWEST_APART:
        page = _corners(clean, mask, sight.landmarks, APART_PX)
    near = np.empty((0, 2), np.float32)
    each = min(max(sight.near_fields // max(1, len(near_mm)), FEWEST_NEAR), MOST_NEAR)
    for left, top, right, bottom in boxes_px(from_page, near_mm):
        here = np.zeros_like(mask)
        here[top:bottom, left:right] = mask[top:bottom, left:right]
        more = _corners(clean, here, each, APART_NEAR_PX)
        near = np.concatenate([near, _away(more, np.concatenate([page, near]))])
    found = _points(clean, mask, page), _points(clean, mask, near)
    return Landmarks(clean, from_page, *found, written, sight.reach)


def cover(picture: U8, boxes: NDArray[np.int64]) -> U8:
    """A copy with boxes (left, top, right, bottom in px), int [K, 4], in white."""
    covered = picture.copy()
    for left, top, right, bottom in np.maximum(boxes, 0):
        covered[top:bottom, left:right] = 255
    return covered


def look_for(points: Points, ink: U8, laid: U8, reach: int, start: F64 | None = None) -> Seen:
    """Where each landmark is on a picture that was laid over the form's.

    Args:
        points: landmarks of the form.
        ink: uint8 [h, w], the form's.
        laid: uint8 [h, w], ink of a scan in the form's own pixels, more or less.
        reach: in how many sizes of the pyramid to look; each doubles how far.
        start: float64 [N, 2], where to begin, if not at the same places.
    """
    if not len(points.places):
        return Seen(np.empty((0, 2)), np.empty(0), np.empty(0, np.bool_))
    first = points.places if start is None else start.astype(np.float32)
    moved, told, _ = cv2.calcOpticalFlowPyrLK(
        ink,
        laid,
        points.places,
        first.copy(),
        winSize=(WINDOW_PX, WINDOW_PX),
        maxLevel=reach - 1,
        criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, STEPS, STILL_PX),
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    lost = told.ravel() == 0
    places = np.where(lost[:, None], first, moved).astype(np.float32)
    patches, contrast = _normal(_cut(laid, places), points.shown)
    alike = np.einsum("np,np->n", patches, points.patches).astype(np.float64)
    alike[lost] = -1
    return Seen(places.astype(np.float64), alike, contrast < FLAT * points.contrast)


def _points(clean: U8, mask: U8, places: F32) -> Points:
    shown = (_cut(mask, places) > MOSTLY).astype(np.float32)
    patches, contrast = _normal(_cut(clean, places), shown)
    return Points(places, patches, shown, contrast)


def _away(places: F32, others: F32) -> F32:
    """Those that are not one of the others."""
    if not len(places) or not len(others):
        return places
    apart = np.linalg.norm(places[:, None] - others[None], axis=2).min(axis=1)
    return np.asarray(places[apart > APART_NEAR_PX / 2])


def _corners(ink: U8, mask: U8, most: int, apart_px: int) -> F32:
    found = cv2.goodFeaturesToTrack(ink, most, CORNERED, apart_px, mask=mask, blockSize=7)
    if found is None:
        return np.empty((0, 2), np.float32)
    return np.asarray(found, np.float32).reshape(-1, 2)


def _cut(picture: U8, places: F32) -> F32:
    """What is around places: float32 [N, WINDOW_PX ** 2]."""
    count, side = len(places), WINDOW_PX
    if not count:
        return np.empty((0, side * side), np.float32)
    steps = np.arange(side, dtype=np.float32) - side // 2
    shape = count, side, side
    columns = np.broadcast_to(places[:, None, None, 0] + steps, shape).reshape(-1, side)
    rows = np.broadcast_to(places[:, None, None, 1] + steps[:, None], shape).reshape(-1, side)
    cut = cv2.remap(picture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cut.reshape(count, -1).astype(np.float32)


def _normal(patches: F32, shown: F32) -> tuple[F32, F32]:
    """Patches of mean 0 and length 1 as far as they are shown, 0 elsewhere, and their standard
    deviation, float32 [N]."""
    count = np.maximum(shown.sum(axis=1), 1.0)
    mean = np.einsum("np,np->n", patches, shown) / count
    patches = (patches - mean[:, None]) * shown
    length = np.sqrt(np.einsum("np,np->n", patches, patches))
    patches /= np.maximum(length, 1e-6)[:, None]
    return patches, np.asarray(length / np.sqrt(count), np.float32)


def boxes_px(from_page: F64, boxes_mm: F64) -> NDArray[np.int64]:
    """Boxes in px, clipped at the picture's start: int [K, 4], left, top, right, bottom."""
    if not len(boxes_mm):
        return np.empty((0, 4), np.int64)
    corners = np.stack([boxes_mm[:, :2], boxes_mm[:, :2] + boxes_mm[:, 2:]], axis=1)
    pixels = np.rint(apply_map(from_page, corners)).astype(np.int64)
    return np.maximum(pixels.reshape(-1, 4), 0)
