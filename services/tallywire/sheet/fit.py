"""Puts a first guess of where the form lies onto the printed boxes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tallywire.sheet.boxes import Edges, Sightings, Together, look_at_edges, move_to_edges, support
from tallywire.sheet.geometry import apply_map, fit_homography
from tallywire.sheet.layout import Layout, Mark, MarkKind
from tallywire.sheet.match import Match

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

CORNER_WEIGHT = 0.2  # of a rectangle's corner against a small mark's centre, which is more exact
LEAST_SEEN = 8  # edges below which the map stays as it is
# Reach in mm, what moves together, and the weight of a mark's point against a box's edge: marks
# lead at first, and in the end the boxes know better where they are.
STAGES = (
    (4.0, Together.FIELD, 1.0),
    (2.5, Together.CELL, 0.4),
    (1.25, Together.EDGE, 0.3),
    (1.0, Together.EDGE, 0.3),
)
JUDGED_REACH_MM = 2.5
CERTAIN = 0.8  # support at which no other guess need be tried
UNSHIFTED = 0.97  # a form of 30 rows that is taken for one a row beside it shows less
MOST_SHIFTS = 3
CLEARER = 1.02
CONTRADICTED_SUPPORT = 0.95  # to believe the boxes against the marks
STRAINED_MM = 4.0  # a mark so far from its place contradicts the boxes; curled paper moves less
MOST_GUESSES = 3


@dataclass(frozen=True, slots=True)
class Guess:
    """Where the form may lie: a map from mm to px of the picture, the marks it comes from (id and
    centre in px), and their points in mm and px, float64 [M, 2], which hold it in place as far as
    their weights, float64 [M], go."""

    page_to_image: F64
    marks: tuple[tuple[str, tuple[float, float]], ...]
    points_mm: F64
    points_px: F64
    weights: F64


@dataclass(frozen=True, slots=True)
class Fit:
    """A guess moved onto the boxes, the share of box edges that show there, 0 to 1, and how
    clearly they do, in grey levels. `shifts_mm`, float64 [N, 2], is how far (right, down) each
    cell then lies beside where the map puts it: paper curls, and layouts are measured by hand.
    `strain_mm` is how far at most a mark lies beside where the map puts it."""

    guess: Guess
    support: float
    clarity: float
    shifts_mm: F64
    strain_mm: float


def guesses(layout: Layout, match: Match, finer: F64) -> list[Guess]:
    """The match's affine map, and the homography that its rectangles' corners add.

    Args:
        layout: the form's layout.
        match: the marks on the small copy.
        finer: float64 [3, 3], from px of the small copy to px of the picture.
    """
    marks = [mark for mark in layout.marks if mark.id in match.blobs]
    centers_mm = np.array([mark.box.center_mm for mark in marks])
    centers_px = apply_map(finer, np.array([match.blobs[mark.id].center for mark in marks]))
    named = tuple(
        (mark.id, (float(x), float(y))) for mark, (x, y) in zip(marks, centers_px, strict=True)
    )
    # Perspective moves the centre of a wide rectangle's picture off the rectangle's own centre.
    wide = [mark.kind is MarkKind.COLOUR_RECT for mark in marks]
    weights = np.where(wide, CORNER_WEIGHT / 4, 1.0)
    affine = Guess(finer @ match.page_to_image, named, centers_mm, centers_px, weights)
    rectangles = [mark for mark in marks if mark.kind is MarkKind.COLOUR_RECT]
    corners_mm = np.array([mark.box.corners_mm for mark in rectangles]).reshape(-1, 2)
    corners_px = np.array([_corners(mark, match) for mark in rectangles]).reshape(-1, 2)
    if len(centers_mm) + len(corners_mm) < 4:
        return [affine]
    points_mm = np.vstack([centers_mm, corners_mm])
    points_px = np.vstack([centers_px, apply_map(finer, corners_px)])
    homography = fit_homography(points_mm, points_px, affine.page_to_image)
    weights = np.concatenate([weights, np.full(len(corners_mm), CORNER_WEIGHT)])
    return [affine, Guess(homography, named, points_mm, points_px, weights)]


def best_fit(grey: U8, edges: Edges, tried: Iterable[Guess]) -> Fit | None:
    """The guess whose boxes show best after moving it onto them; None where there is none.

    Args:
        grey: uint8 [H, W].
        edges: the layout's box edges.
        tried: guesses in px of `grey`.
    """
    looked = [(guess, _first_look(grey, edges, guess.page_to_image)) for guess in tried]
    looked.sort(key=lambda item: -_promise(item[1]))
    best: Fit | None = None
    for guess, first in looked[:MOST_GUESSES]:
        fit = _moved(grey, edges, guess, first)
        if best is None or fit.support > best.support:
            best = fit
        if best.support >= CERTAIN:
            break
    for _ in range(MOST_SHIFTS):
        if best is None or best.support >= UNSHIFTED:
            break
        beside = _beside(grey, edges, best)
        if beside is best:
            break
        best = beside
    return best


def needed_support(fit: Fit, usual: float) -> float:
    """Support to believe the fit: the usual one, more where boxes and marks contradict."""
    return usual if fit.strain_mm <= STRAINED_MM else CONTRADICTED_SUPPORT


def _beside(grey: U8, edges: Edges, fit: Fit) -> Fit:
    """The best of what lies here if the marks are trusted less, or a row or column beside if they
    contradict the boxes: boxes repeat, and a damaged mark may have led to the wrong ones."""
    right, down = edges.pitch_mm
    best = fit
    steps = [(0.0, 0.0)]
    if fit.strain_mm > STRAINED_MM:
        steps += [(right, 0.0), (-right, 0.0), (0.0, down), (0.0, -down)]
    for x, y in steps:
        matrix = fit.guess.page_to_image @ np.array([[1, 0, x], [0, 1, y], [0, 0, 1]])
        guess = replace(fit.guess, page_to_image=matrix, weights=0.02 * fit.guess.weights)
        other = _moved(grey, edges, guess, _first_look(grey, edges, matrix))
        if other.clarity > CLEARER * best.clarity and other.support >= needed_support(other, 0.0):
            best = other
    return best


def _first_look(grey: U8, edges: Edges, matrix: F64) -> Sightings:
    reach, together, _ = STAGES[0]
    return look_at_edges(grey, edges, matrix, reach, together)


def _promise(seen: Sightings) -> float:
    """How well edges show anywhere near: good enough to tell a right map from a wrong one."""
    near = np.exp(-((seen.offset_mm / STAGES[0][0]) ** 2))
    return float((np.sqrt(np.maximum(seen.strength, 0)) * seen.seen * near).mean())


def _moved(grey: U8, edges: Edges, guess: Guess, first: Sightings) -> Fit:
    """Move the map onto the printed boxes, in ever smaller steps."""
    matrix, seen = guess.page_to_image, first
    for number, (reach, together, weight) in enumerate(STAGES):
        if number:
            seen = look_at_edges(grey, edges, matrix, reach, together)
        if seen.seen.sum() >= LEAST_SEEN:
            points = guess.points_mm, guess.points_px, weight * guess.weights
            matrix = move_to_edges(matrix, edges, seen, points)
    judged = look_at_edges(grey, edges, matrix, JUDGED_REACH_MM, Together.CELL)
    clarity = float(judged.strength_here.mean())
    shifts = _shifts(look_at_edges(grey, edges, matrix, STAGES[-1][0], Together.FIELD))
    moved = replace(guess, page_to_image=matrix)
    return Fit(moved, support(judged, edges), clarity, shifts, _strain(moved))


def _strain(guess: Guess) -> float:
    exact = guess.weights >= guess.weights.max() * CORNER_WEIGHT
    back = np.asarray(np.linalg.inv(guess.page_to_image), np.float64)
    apart = apply_map(back, guess.points_px[exact]) - guess.points_mm[exact]
    return float(np.linalg.norm(apart, axis=1).max())


def _shifts(seen: Sightings) -> F64:
    """Float64 [N, 2] per cell, from how far the edges of its whole field lie beside the map."""
    offset = np.where(seen.seen, seen.offset_mm, 0.0).reshape(-1, 4)
    return np.stack([offset[:, 1], -offset[:, 0]], axis=1)


def _corners(mark: Mark, match: Match) -> F64:
    """The hull's points that reach farthest towards each corner of the mark: float64 [4, 2]."""
    hull = match.blobs[mark.id].hull
    expected = apply_map(match.page_to_image, np.array(mark.box.corners_mm))
    right, down = expected[1] - expected[0], expected[3] - expected[0]
    basis = np.linalg.inv(np.column_stack([right, down]))
    reach = (hull - hull.mean(axis=0)) @ basis.T
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    axes = np.stack([right / np.linalg.norm(right), down / np.linalg.norm(down)])
    half_pixel = 0.5 * signs @ axes  # hulls run through the middle of the outermost pixels
    return np.asarray(hull[(reach @ signs.T).argmax(axis=0)] + half_pixel)
