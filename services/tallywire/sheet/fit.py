"""Puts a first guess of where the form lies onto the printed boxes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.sheet.boxes import (
    Edges,
    Sightings,
    Together,
    contradiction,
    look_at_edges,
    move_to_edges,
    support,
)
from tallywire.sheet.geometry import apply_map, fit_homography
from tallywire.sheet.layout import Layout, Mark, MarkKind
from tallywire.sheet.match import Match

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

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
CERTAIN = 0.9  # support at which no other guess need be tried if all fields agree
UNSHIFTED = 0.97  # a form of 30 rows that is taken for one a row beside it shows less
MOST_SHIFTS = 3
CLEARER = 1.02
CONTRADICTED = 0.4
"""Of a field's lines lie elsewhere: the map is a row off there. Measured on 800 harsh sheets, and
200 of a phone down to 44 dpi: at most 0.33 on right maps, at least 0.5 on wrong ones; pale lines
are not seen, and contradict nothing."""
STRAINED_MM = 4.0  # a mark so far from its place contradicts the boxes; curled paper moves less
STRAINED_SUPPORT = 0.95  # to believe the boxes against the marks
LOOSENED = 0.02  # of a mark's weight that is left where the boxes are to lead
MOST_GUESSES = 3
LEADING_FIELDS = 3  # nearest to the marks, by which guesses are compared before one is grown


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
    `strain_mm` is how far at most a mark lies beside where the map puts it, `contradicted`,
    float64 [F], of each field's seen lines, the share that lies elsewhere."""

    guess: Guess
    support: float
    clarity: float
    shifts_mm: F64
    strain_mm: float
    contradicted: F64

    @property
    def coherent(self) -> bool:
        """True where no field's lines show that it lies elsewhere."""
        return bool((self.contradicted <= CONTRADICTED).all())

    @property
    def certain(self) -> bool:
        """True where no other guess need be tried."""
        return self.support >= CERTAIN and self.coherent


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
    looked.sort(key=lambda item: -_promise(item[1], edges.fields))
    best: Fit | None = None
    for guess, first in looked[:MOST_GUESSES]:
        fit = _moved(grey, edges, guess, first)
        if best is None or fit.support > best.support:
            best = fit
        if best.certain:
            break
    if best and not best.certain:
        best = _grown_from(grey, edges, looked, best)
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
    return usual if fit.strain_mm <= STRAINED_MM else STRAINED_SUPPORT


def _grown_from(
    grey: U8, edges: Edges, looked: Iterable[tuple[Guess, Sightings]], best: Fit
) -> Fit:
    """The best of `best` and of what grows from the guesses that show well beside their marks."""
    near = [
        (_promise(seen, _outward(edges, guess)[:LEADING_FIELDS]), guess) for guess, seen in looked
    ]
    for _, guess in sorted(near, key=lambda item: -item[0])[:MOST_GUESSES]:
        grown = _grown(grey, edges, guess)
        if grown.support > best.support:
            best = grown
        if best.certain:
            break
    return best


def _grown(grey: U8, edges: Edges, guess: Guess) -> Fit:
    """Move the map onto the printed boxes field by field, from the marks outward: far from them a
    guess may be wrong by more than a row, and every row looks like the next."""
    loose = replace(guess, weights=LOOSENED * guess.weights)
    known = np.zeros(len(edges.start), np.bool_)
    for field in _outward(edges, guess):
        known |= field
        seen = _first_look(grey, edges, loose.page_to_image)
        loose = _onto(edges, loose, replace(seen, seen=seen.seen & known))
    return _moved(grey, edges, loose, _first_look(grey, edges, loose.page_to_image))


def _outward(edges: Edges, guess: Guess) -> Bools:
    """Bool [F, E]: each field's edges, the fields nearest to a mark first."""
    apart = np.linalg.norm(edges.middle[:, None] - guess.points_mm[None], axis=2).min(axis=1)
    fields = edges.fields
    return np.asarray(fields[np.argsort(fields @ apart / fields.sum(axis=1))])


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
        guess = replace(fit.guess, page_to_image=matrix, weights=LOOSENED * fit.guess.weights)
        other = _moved(grey, edges, guess, _first_look(grey, edges, matrix))
        if other.clarity > CLEARER * best.clarity and other.support >= needed_support(other, 0.0):
            best = other
    return best


def _first_look(grey: U8, edges: Edges, matrix: F64) -> Sightings:
    reach, together, _ = STAGES[0]
    return look_at_edges(grey, edges, matrix, reach, together)


def _promise(seen: Sightings, fields: Bools) -> float:
    """How well the edges of some fields show anywhere near: good enough to tell a right map from a
    wrong one."""
    near = np.exp(-((seen.offset_mm / STAGES[0][0]) ** 2))
    shown = np.sqrt(np.maximum(seen.strength, 0)) * seen.seen * near
    return float(shown[fields.any(axis=0)].mean())


def _moved(grey: U8, edges: Edges, guess: Guess, first: Sightings) -> Fit:
    """Move the map onto the printed boxes, in ever smaller steps."""
    moved, seen = guess, first
    for number, (reach, together, weight) in enumerate(STAGES):
        if number:
            seen = look_at_edges(grey, edges, moved.page_to_image, reach, together)
        moved = _onto(edges, moved, seen, weight)
    judged = look_at_edges(grey, edges, moved.page_to_image, JUDGED_REACH_MM, Together.CELL)
    fields = look_at_edges(grey, edges, moved.page_to_image, STAGES[-1][0], Together.FIELD)
    return Fit(
        moved,
        support(judged, edges),
        float(judged.strength_here.mean()),
        _shifts(fields),
        _strain(moved),
        contradiction(judged, fields, edges),
    )


def _onto(edges: Edges, guess: Guess, seen: Sightings, weight: float = 1.0) -> Guess:
    """The guess moved to the seen lines; `weight` is that of a mark's point against an edge's."""
    if seen.seen.sum() < LEAST_SEEN:
        return guess
    points = guess.points_mm, guess.points_px, weight * guess.weights
    return replace(guess, page_to_image=move_to_edges(guess.page_to_image, edges, seen, points))


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
    right, down = _sides_of(hull, expected[1] - expected[0], expected[3] - expected[0])
    basis = np.linalg.inv(np.column_stack([right, down]))
    reach = (hull - hull.mean(axis=0)) @ basis.T
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    axes = np.stack([right / np.linalg.norm(right), down / np.linalg.norm(down)])
    half_pixel = 0.5 * signs @ axes  # hulls run through the middle of the outermost pixels
    return np.asarray(hull[(reach @ signs.T).argmax(axis=0)] + half_pixel)


def _sides_of(hull: F64, right: F64, down: F64) -> tuple[F64, F64]:
    """The sides of the smallest rectangle around a hull, named by where they are expected. A long
    banner that lies a few degrees beside that would else have both corners at one end."""
    (_, (width, height), turn_deg) = cv2.minAreaRect(hull.astype(np.float32))
    turn = np.deg2rad(turn_deg)
    one = max(width, 1.0) * np.array([np.cos(turn), np.sin(turn)])
    other = max(height, 1.0) * np.array([-np.sin(turn), np.cos(turn)])
    if abs(one @ right) / np.linalg.norm(one) < abs(other @ right) / np.linalg.norm(other):
        one, other = other, one
    return one * np.sign(one @ right), other * np.sign(other @ down)
