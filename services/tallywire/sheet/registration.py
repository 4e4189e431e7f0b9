"""Finds a form on a scan by all that is printed on it.

First where the page lies as a whole: keypoints of the scan against those of the form's reference,
and the homography that most of them agree on (USAC with MAGSAC++, Barath et al. 2020). Then the
scan is laid over the reference and every landmark looked for around its place (Lucas-Kanade):
that shows whether it is this form at all, and moves the map onto the print. What is left over is
followed around each field (`local_fit`). OpenCV's methods throughout.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.sheet.geometry import apply_map, fit_to_lines
from tallywire.sheet.keypoints import (
    Ink,
    find_ink,
    find_keypoints,
    match_keypoints,
)
from tallywire.sheet.landmarks import Landmarks, Seen, cover, look_for
from tallywire.sheet.local_fit import Beside, FieldPlace, field_places
from tallywire.sheet.reference import Reference, View

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEAST_MATCHED = 8  # keypoints that must agree on a map
NEAR_PX = 3.0  # an agreeing keypoint lies this near
MOST_TRIED = 2000  # samples of four
MOST_GUESSES = 3  # the second: what lies over the form may agree on a map of its own
MOST_ROUNDS = 4  # of laying the scan over the reference
MOVED_PX, STILL_PX = 4.0, 1.0  # a map that moves the page by less stays: where most landmarks
SURE = 0.5  # are found already, and elsewhere
REACH_NEAR = 3  # sizes of the pyramid, once the page lies
BEND_PX = 4.0  # beside a flat page's place: curled paper, not another landmark
LEAST_FOUND, LEAST_SUPPORT = 25, 0.22
"""Landmarks in their place, and the share of all that the scan shows anything of. Over all pairs
of forms tried, at least 33 and 0.27 on the right one, washed out in uneven light; else 14 at most.
"""
SPREAD = 4, 3  # parts of the page's longer and shorter side,
LEAST_PARTS = 4  # in so many of which landmarks must be found


@dataclass(frozen=True, slots=True)
class Registration:
    """Where the form lies.

    `page_to_image` is float64 [3, 3], mm to the scan's px; `shifts_mm` float64 [N, 2], how far
    (right, down) each cell lies beside where it puts it; `places` tells of each field;
    `support` is the share of landmarks, of those where the scan shows anything, that were found
    in their place, 0 to 1.
    """

    page_to_image: F64
    shifts_mm: F64
    places: tuple[FieldPlace, ...]
    support: float


@dataclass(frozen=True, slots=True)
class Unregistered:
    """The page is not this form, or too little of it: the best that was found."""

    support: float
    landmarks: int
    matched: int


@dataclass(frozen=True, slots=True)
class _Laid:
    """A scan laid over the reference: `page_to_ink`, float64 [3, 3], mm to px of the scan's ink;
    `seen` what was found of the landmarks, and where a flat page would have them, in the
    reference's px, float64 [N, 2]; `agreed` and `shown`, bool [N]; how far the page has just
    moved, in px."""

    page_to_ink: F64
    seen: Seen
    expected: F64
    agreed: Bools
    shown: Bools
    moved_px: float

    @property
    def support(self) -> float:
        return float(self.agreed.sum() / max(1, int(self.shown.sum())))


def register(
    grey: U8, reference: Reference, fields: Sequence[tuple[str, F64]]
) -> Registration | Unregistered:
    """Find the form on a scan, whichever way it lies.

    Args:
        grey: uint8 [H, W].
        reference: the form's.
        fields: id and cells' centres in mm, float64 [C, 2], of each field.
    """
    best = Unregistered(0.0, 0, 0)
    for view in reference.views:
        ink = find_ink(grey, view.sight.side_px)
        for guess, matched in _guesses(ink, view):
            laid = _settle(ink, view.landmarks, guess)
            if laid is None:
                continue
            found = _judged(laid, ink, view.landmarks, fields)
            if found:
                return (
                    found
                    if view is reference.views[-1]
                    else _closer(grey, reference, found, fields)
                )
            count = int(laid.agreed.sum())
            if count > best.landmarks:
                best = Unregistered(laid.support, count, matched)
    return best


def _closer(
    grey: U8, reference: Reference, found: Registration, fields: Sequence[tuple[str, F64]]
) -> Registration:
    """What the closest sight makes of it, where a field's place is doubtful."""
    doubtful = _doubtful(found)
    if not doubtful:
        return found
    view = reference.views[-1]
    ink = find_ink(grey, view.sight.side_px)
    laid = _settle(ink, view.landmarks, ink.from_source @ found.page_to_image)
    again = _judged(laid, ink, view.landmarks, fields) if laid else None
    return again if again and _doubtful(again) <= doubtful else found


def _doubtful(found: Registration) -> int:
    return sum(place.doubtful for place in found.places)


def _judged(
    laid: _Laid, ink: Ink, landmarks: Landmarks, fields: Sequence[tuple[str, F64]]
) -> Registration | None:
    """What was found, None where it is not this form."""
    if not _believed(laid, landmarks):
        return None
    found = _registration(laid, ink, landmarks, fields)
    return None if _another_form(found) else found


def _guesses(ink: Ink, view: View) -> Iterator[tuple[F64, int]]:
    """Maps from mm to px of the ink that keypoints agree on, and how many of them do."""
    here, there = match_keypoints(find_keypoints(ink.picture, view.sight), view.keypoints)
    for _ in range(MOST_GUESSES):
        if len(here) < LEAST_MATCHED:
            return
        matrix, inliers = cv2.findHomography(
            there, here, cv2.USAC_MAGSAC, NEAR_PX, maxIters=MOST_TRIED, confidence=0.999
        )
        if matrix is None or inliers.sum() < LEAST_MATCHED:
            return
        agreed = inliers.ravel() > 0
        guess = np.asarray(matrix, np.float64)
        if _plausible(guess, there[agreed].astype(np.float64)):
            yield guess, int(agreed.sum())
        here, there = here[~agreed], there[~agreed]


def _plausible(matrix: F64, places_mm: F64) -> bool:
    """False for maps that no camera makes: mirrored, crushed, or through the horizon."""
    low, high = places_mm.min(axis=0), places_mm.max(axis=0)
    corners = np.array([low, [high[0], low[1]], high, [low[0], high[1]]])
    depth = corners @ matrix[2, :2] + matrix[2, 2]
    if depth.min() <= 0.4 * depth.max():
        return False
    seen = apply_map(matrix, corners)
    sides = np.linalg.norm(np.roll(seen, -1, axis=0) - seen, axis=1)
    true = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    scales = sides / np.maximum(true, 1e-9)
    turn = seen[1] - seen[0], seen[3] - seen[0]
    area = turn[0][0] * turn[1][1] - turn[0][1] * turn[1][0]
    return bool(area > 0.3 * sides[0] * sides[3] and scales.max() < 2 * scales.min())


def _settle(ink: Ink, landmarks: Landmarks, guess: F64) -> _Laid | None:
    """Lay the scan over the reference until it stays; None where nothing fits."""
    laid: _Laid | None = None
    for _ in range(MOST_ROUNDS):
        laid = _lay(ink, landmarks, guess)
        if laid is None or laid.agreed.sum() < LEAST_MATCHED:
            return None
        if laid.moved_px < (MOVED_PX if laid.support > SURE else STILL_PX):
            break
        guess = laid.page_to_ink
    return laid


def _lay(ink: Ink, landmarks: Landmarks, guess: F64) -> _Laid | None:
    """Lay the scan over the reference, and move the map so that the landmarks fit."""
    height, width = landmarks.ink.shape
    to_ink = guess @ np.linalg.inv(landmarks.from_page)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpPerspective(ink.picture, to_ink, (width, height), flags=flags, borderValue=255)
    laid = np.asarray(warped, np.uint8)
    page = look_for(landmarks.page, landmarks.ink, laid, landmarks.reach)
    first = _first_map(landmarks.page.places.astype(np.float64), page)
    if first is None:
        return None
    covered = cover(laid, _moved_boxes(landmarks.written, first))
    start = apply_map(first, landmarks.near.places.astype(np.float64))
    near = look_for(landmarks.near, landmarks.ink, covered, REACH_NEAR, start)
    seen = Seen(
        np.concatenate([page.places, near.places]),
        np.concatenate([page.alike, near.alike]),
        np.concatenate([page.blank, near.blank]),
    )
    moved = _flat_map(landmarks.places, seen, first)
    expected = apply_map(moved, landmarks.places)
    agreed = seen.found & (np.linalg.norm(seen.places - expected, axis=1) < BEND_PX)
    shift = np.linalg.norm(expected - landmarks.places, axis=1).max()
    shown = agreed | (~seen.blank & _inside(apply_map(to_ink, expected), ink.picture))
    matrix = to_ink @ moved @ landmarks.from_page
    return _Laid(matrix / matrix[2, 2], seen, expected, agreed, shown, float(shift))


def _moved_boxes(boxes: NDArray[np.int64], moved: F64) -> NDArray[np.int64]:
    corners = apply_map(moved, boxes.reshape(-1, 2, 2).astype(np.float64))
    return np.rint(corners).astype(np.int64).reshape(-1, 4)


def _first_map(places: F64, seen: Seen) -> F64 | None:
    """The homography that most landmarks found agree on, None where too few do."""
    source, target = places[seen.found], seen.places[seen.found]
    if len(source) < LEAST_MATCHED:
        return None
    matrix, _ = cv2.findHomography(
        source, target, cv2.USAC_MAGSAC, NEAR_PX, maxIters=MOST_TRIED // 4, confidence=0.99
    )
    return None if matrix is None else np.asarray(matrix / matrix[2, 2], np.float64)


def _flat_map(places: F64, seen: Seen, start: F64) -> F64:
    """The homography of all landmarks found, each as far as it agrees: float64 [3, 3]."""
    source, target = places[seen.found], seen.places[seen.found]
    lines = np.vstack([source, source]), np.repeat(np.eye(2), len(source), axis=0)
    goals = np.concatenate([target[:, 0], target[:, 1]])
    apart = np.linalg.norm(apply_map(start, source) - target, axis=1)
    weights = np.tile(1 / (1 + (apart / NEAR_PX) ** 2) ** 2, 2)
    return fit_to_lines(*lines, goals, weights, start)


def _inside(points: F64, picture: U8) -> Bools:
    height, width = picture.shape
    return np.asarray(((points >= 0) & (points < np.array([width, height]))).all(axis=1))


def _believed(laid: _Laid, landmarks: Landmarks) -> bool:
    """True where enough of the print was found in its place, and all over the page."""
    if laid.agreed.sum() < LEAST_FOUND or laid.support < LEAST_SUPPORT:
        return False
    height, width = landmarks.ink.shape
    parts = SPREAD if height >= width else SPREAD[::-1]
    part = (landmarks.places[laid.agreed] / [width, height] * parts[::-1]).astype(np.int64)
    count = np.bincount(part[:, 0] * max(parts) + part[:, 1])
    return int((count > 0).sum()) >= LEAST_PARTS


def _registration(
    laid: _Laid, ink: Ink, landmarks: Landmarks, fields: Sequence[tuple[str, F64]]
) -> Registration:
    to_mm = np.asarray(np.linalg.inv(landmarks.from_page))
    offsets = apply_map(to_mm, laid.seen.places) - apply_map(to_mm, laid.expected)
    trust = np.where(laid.agreed, laid.seen.alike**2, 0.0)
    beside = Beside(apply_map(to_mm, landmarks.places), offsets, trust, laid.shown)
    places, shifts = field_places(beside, fields)
    places = tuple(
        place if _inside(apply_map(laid.page_to_ink, cells), ink.picture).all() else place.unseen
        for place, (_, cells) in zip(places, fields, strict=True)
    )
    matrix = np.linalg.inv(ink.from_source) @ laid.page_to_ink
    return Registration(np.asarray(matrix / matrix[2, 2]), shifts, places, laid.support)


def _another_form(found: Registration) -> bool:
    """True where most fields that can be seen have other print around them: same head, other
    table."""
    contradicted = sum(place.contradicted for place in found.places)
    return contradicted > len(found.places) / 2
