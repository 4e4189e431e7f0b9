"""Where on a scan the form lies: marks first, then the printed boxes themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tallywire.reasons import Code, Reason
from tallywire.sheet.boxes import Edges, Together, box_edges, look_at_edges, move_to_edges, support
from tallywire.sheet.geometry import apply_map, fit_homography
from tallywire.sheet.layout import Layout, Mark, MarkKind
from tallywire.sheet.marks import find_blobs
from tallywire.sheet.match import Match, match_marks
from tallywire.sheet.picture import shrink, to_grey, zoom

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

MARKS_PX = 500  # about the longer side of the copy that marks are looked for on
BOXES_PX = 1300  # about the longer side of the grey copy that boxes are looked for on
MOST_TRIALS = 4  # ways to tell the marks that are tried on the boxes
TRIAL_REACH_MM = 4.0
# Reach in mm, what moves together, and the weight of a mark's point against a box's edge: marks
# lead at first, and in the end the boxes know better where they are.
STAGES = (
    (4.0, Together.FIELD, 1.0),
    (2.0, Together.CELL, 0.4),
    (1.25, Together.EDGE, 0.15),
    (1.0, Together.EDGE, 0.1),
)
JUDGED_REACH_MM = 2.5
LEAST_SUPPORT = 0.4  # share of box edges that must show where the layout has them


@dataclass(frozen=True, slots=True)
class FoundMark:
    """One mark on the scan: its id and centre (x, y) in px."""

    id: str
    center_px: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where the form lies.

    `page_to_image` is float64 [3, 3], a homography from the layout's mm to the scan's px;
    `box_support` the share of printed box edges seen where it puts them, 0 to 1.
    """

    page_to_image: F64
    marks: tuple[FoundMark, ...]
    box_support: float


@dataclass(frozen=True, slots=True)
class _Trial:
    """A map on the picture for boxes, the points of marks behind it, and its box support."""

    page_to_image: F64
    match: Match
    marks_mm: F64
    marks_px: F64
    support: float


def align(pixels: U8, layout: Layout) -> Alignment | Reason:
    """Find the form on a scan, whichever way it lies.

    Args:
        pixels: uint8 [H, W, 3] BGR or [H, W] grey.
        layout: the form's layout.

    Returns:
        the alignment, or MARKS_NOT_FOUND or WRONG_FORM with what was found instead.
    """
    for_marks = _factor(pixels, MARKS_PX)
    found = find_blobs(shrink(pixels, for_marks), layout)
    matches = match_marks(layout, found)
    if not matches:
        return _marks_not_found(layout, {key: len(blobs) for key, blobs in found.items()})
    for_boxes = _factor(pixels, BOXES_PX)
    grey = to_grey(shrink(pixels, for_boxes))
    edges = box_edges(layout)
    finer = zoom(1 / for_boxes) @ zoom(for_marks)
    trials = [
        trial
        for match in matches[:MOST_TRIALS]
        for trial in _trials(grey, layout, edges, match, finer)
    ]
    best = _refined(grey, edges, max(trials, key=lambda trial: trial.support))
    if best.support < LEAST_SUPPORT:
        return _wrong_form(layout, best)
    back = zoom(for_boxes)
    centers = {
        key: apply_map(back @ finer, np.array(blob.center))
        for key, blob in best.match.blobs.items()
    }
    marks = tuple(FoundMark(key, (float(at[0]), float(at[1]))) for key, at in centers.items())
    return Alignment(back @ best.page_to_image, marks, best.support)


def _factor(pixels: U8, longest_px: int) -> int:
    longest = max(pixels.shape[0], pixels.shape[1])
    return max(1, round(longest / longest_px))


def _trials(grey: U8, layout: Layout, edges: Edges, match: Match, finer: F64) -> list[_Trial]:
    """The match's affine map, and the homography that its rectangles' corners add."""
    centers_mm, centers_px, corners_mm, corners_px = _mark_points(layout, match)
    affine = finer @ match.page_to_image
    maps = [(affine, centers_mm, centers_px)]
    if len(centers_mm) + len(corners_mm) >= 4:
        both_mm, both_px = np.vstack([centers_mm, corners_mm]), np.vstack([centers_px, corners_px])
        homography = finer @ fit_homography(both_mm, both_px, match.page_to_image)
        maps.append((homography, both_mm, both_px))
    return [
        _Trial(matrix, match, mm, apply_map(finer, px), _support(grey, edges, matrix))
        for matrix, mm, px in maps
    ]


def _support(grey: U8, edges: Edges, matrix: F64) -> float:
    """How many edges show anywhere near: good enough to tell a right map from a wrong one."""
    seen = look_at_edges(grey, edges, matrix, TRIAL_REACH_MM, Together.FIELD)
    near = np.exp(-((seen.offset_mm / TRIAL_REACH_MM) ** 2))
    return float((np.sqrt(np.maximum(seen.strength, 0)) * seen.seen * near).mean())


def _mark_points(layout: Layout, match: Match) -> tuple[F64, F64, F64, F64]:
    """Centres and rectangle corners of the matched marks, each in mm and in px of the copy."""
    marks = [mark for mark in layout.marks if mark.id in match.blobs]
    centers_mm = np.array([mark.box.center_mm for mark in marks])
    centers_px = np.array([match.blobs[mark.id].center for mark in marks])
    rectangles = [mark for mark in marks if mark.kind is MarkKind.COLOUR_RECT]
    corners_mm = np.array([mark.box.corners_mm for mark in rectangles]).reshape(-1, 2)
    corners = [_corners(mark, match) for mark in rectangles]
    return centers_mm, centers_px, corners_mm, np.array(corners).reshape(-1, 2)


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


def _refined(grey: U8, edges: Edges, trial: _Trial) -> _Trial:
    """Move the map onto the printed boxes, in ever smaller steps."""
    matrix = trial.page_to_image
    marks = trial.marks_mm, trial.marks_px
    for reach, together, mark_weight in STAGES:
        seen = look_at_edges(grey, edges, matrix, reach, together)
        if seen.seen.sum() >= 8:
            matrix = move_to_edges(matrix, edges, seen, marks, mark_weight)
    share = support(look_at_edges(grey, edges, matrix, JUDGED_REACH_MM, Together.EDGE), edges)
    return _Trial(matrix, trial.match, trial.marks_mm, trial.marks_px, share)


def _marks_not_found(layout: Layout, found: dict[str, int]) -> Reason:
    names = ", ".join(mark.id for mark in layout.marks)
    return Reason(
        Code.MARKS_NOT_FOUND,
        f"The printed marks of form {layout.id} ({names}) were not found on the image.",
        {"layout": layout.id, **{f"candidates_{key}": count for key, count in found.items()}},
    )


def _wrong_form(layout: Layout, trial: _Trial) -> Reason:
    return Reason(
        Code.WRONG_FORM,
        f"The image has marks like those of form {layout.id}, but not its boxes.",
        {
            "layout": layout.id,
            "box_support": round(trial.support, 3),
            "least_support": LEAST_SUPPORT,
            "marks_found": len(trial.match.blobs),
        },
    )
