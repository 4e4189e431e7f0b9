"""What is printed on a page, as keypoints that can be told from each other (ORB).

Rublee et al., "ORB: an efficient alternative to SIFT or SURF" (2011), in OpenCV's implementation;
matches by the ratio test of Lowe (2004). SIFT was slower on the pages tried, 70 to 280 ms against
1 to 3; which of them places a page better was not compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.sheet.picture import halve, resize_to

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

PAPER_PX = 15  # side of the window in which the lightest pixel is paper
PALE, DARK = 0.35, 0.98
"""Ink starts at this share of the darkness that this share of the page does not reach: a mark that
an authority lays over its scans, in the same place on each of them, is paler, and would be found
more surely than the form under it."""
LEAST_DARK = 30.0  # grey levels: less is grain of the paper
STEP = 1.2  # from one size of the pyramid to the next
FAST_LEVELS = 40  # grey levels by which a corner stands out
RATIO = 0.8
ALMOST = 0.85  # of the size wanted: stretching a smaller picture costs less than shrinking one


@dataclass(frozen=True, slots=True)
class Sight:
    """How closely to look: longer side of the picture in px, keypoints, and sizes of the pyramid
    that they are found in; landmarks over the page and, at most, around all fields, and sizes of
    the pyramid that these are followed in."""

    side_px: int
    keypoints: int
    sizes: int
    landmarks: int
    near_fields: int
    reach: int


GLANCE = Sight(540, 300, 2, 100, 60, 3)
"""Enough for a scanner's whole page."""
STARE = Sight(800, 1500, 8, 240, 120, 4)
"""For all else: a page cut off or far away, a phone's photograph, print that is half gone."""


@dataclass(frozen=True, slots=True)
class Ink:
    """A small picture of what is dark: `picture` uint8 [h, w], 255 paper and 0 ink, and
    `from_source`, float64 [3, 3], from px of the page it was made of to its own."""

    picture: U8
    from_source: F64


@dataclass(frozen=True, slots=True)
class Keypoints:
    """Places (x, y) in px, float32 [N, 2], and descriptors, uint8 [N, 32]."""

    places: F32
    descriptors: U8


def find_ink(grey: U8, side_px: int) -> Ink:
    """The page at `side_px` along its longer side, without shades, bands and pale marks.

    Args:
        grey: uint8 [H, W].
        side_px: longer side of the picture wanted.
    """
    half, from_source = halve(grey, round(ALMOST * 2 * side_px))
    small, scaled = resize_to(half, side_px)
    return Ink(only_ink(small), scaled @ from_source)


def only_ink(grey: U8) -> U8:
    """Paper 255 and ink 0, whatever the light and the tint: uint8 [h, w] of the same."""
    window = np.ones((PAPER_PX, PAPER_PX), np.uint8)
    paper = cv2.blur(cv2.dilate(grey, window), (PAPER_PX, PAPER_PX))
    darkness = np.asarray(cv2.subtract(paper, grey), np.uint8)
    counts = np.bincount(darkness[::2, ::2].ravel(), minlength=256)
    full = max(float(np.searchsorted(np.cumsum(counts), DARK * counts.sum())), LEAST_DARK)
    share = np.clip((np.arange(256) / full - PALE) / (1 - PALE), 0, 1)
    return np.asarray(cv2.LUT(darkness, (255 - 255 * share).astype(np.uint8)), np.uint8)


def find_keypoints(ink: U8, sight: Sight, mask: U8 | None = None) -> Keypoints:
    """The most marked corners of a picture.

    Args:
        ink: uint8 [h, w].
        sight: how many, over how many sizes.
        mask: uint8 [h, w], 0 where none is wanted.
    """
    orb = cv2.ORB.create(
        sight.keypoints, STEP, sight.sizes, edgeThreshold=15, fastThreshold=FAST_LEVELS
    )
    found, descriptors = orb.detectAndCompute(ink, mask)
    if not found:
        return Keypoints(np.empty((0, 2), np.float32), np.empty((0, 32), np.uint8))
    places = np.asarray(cv2.KeyPoint.convert(found), np.float32).reshape(-1, 2)
    return Keypoints(places, np.asarray(descriptors, np.uint8))


def match_keypoints(here: Keypoints, there: Keypoints) -> tuple[F32, F32]:
    """Places that look alike, and like no other, here and there: float32 [M, 2] each."""
    if len(here.places) < 2 or len(there.places) < 2:
        none = np.empty((0, 2), np.float32)
        return none, none
    apart, index = cv2.batchDistance(
        here.descriptors, there.descriptors, cv2.CV_32S, normType=cv2.NORM_HAMMING, K=2
    )
    told = apart[:, 0] < RATIO * apart[:, 1]
    return here.places[told], there.places[index[told, 0]]
