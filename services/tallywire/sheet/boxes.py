"""The printed boxes of the cells: how well they show where a map expects them, and how to move
the map so that they do. A form's boxes are its finest marks, spread over all that is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.sheet.geometry import apply_map, fit_to_lines
from tallywire.sheet.layout import Layout

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

STEP_MM = 0.25
ENDS = 0.12  # of an edge's length: left out at either end, where lines meet
SIDE_STEPS = (3, 5)  # a line is darker than the paper 0.75 or 1.25 mm to either side
PAD = max(SIDE_STEPS)
LEAST_CONTRAST = 3.5  # grey levels by which a line must stand out, whatever the noise
NOISE_TIMES = 2.6
LEAST_TOLD = 8  # seen edges of a field, less of which tell less
PRECISE = 0.08  # of the cell's smaller side: a line this near is where it should be


class Together(Enum):
    """Which edges are looked for together: the more, the surer and the coarser.

    Opposite edges move together, so that a neighbouring box's line is not taken for one's own:
    at the wrong shift only one of the two shows.
    """

    FIELD = "field"
    CELL = "cell"
    EDGE = "edge"

    @property
    def places(self) -> int:
        """At how many places each edge is looked at: fewer where many edges go together."""
        return {Together.FIELD: 3, Together.CELL: 4, Together.EDGE: 5}[self]


@dataclass(frozen=True, slots=True)
class Edges:
    """All edges of all boxes, four a cell: top, right, bottom, left.

    `start`, `end` in mm and the unit `normal` (up for top and bottom, right for the sides) are
    float64 [E, 2]; `groups` holds for every kind of togetherness each edge's share in each group,
    float64 [G, E] with rows that sum to 1; `near_mm` is what counts as precise, `pitch_mm` how far
    (right, down) the next box is in most cases.
    """

    start: F64
    end: F64
    normal: F64
    groups: Mapping[Together, F64]
    near_mm: float
    pitch_mm: tuple[float, float]

    @property
    def fields(self) -> Bools:
        """Bool [F, E]: which edges are each field's."""
        shares = self.groups[Together.FIELD] > 0
        return np.asarray(shares[::2] | shares[1::2])  # upright and level edges are two groups

    @property
    def middle(self) -> F64:
        """Float64 [E, 2]."""
        return np.asarray((self.start + self.end) / 2)


@dataclass(frozen=True, slots=True)
class Sightings:
    """What was seen of each edge: `offset_mm` along its normal, float64 [E], and `seen`, bool [E];
    `strength` is the contrast in grey levels, `strength_here` the strongest as near as counts as
    precise, be it the strongest of all or not."""

    offset_mm: F64
    seen: Bools
    strength: F64
    strength_here: F64


def box_edges(layout: Layout) -> Edges:
    """The edges of the layout's cells."""
    corners = np.array([cell.corners_mm for cell in layout.cells])
    start, end = corners.reshape(-1, 2), np.roll(corners, -1, axis=1).reshape(-1, 2)
    normal = np.tile([[0.0, -1.0], [1.0, 0.0]], (2 * len(corners), 1))
    direction = np.tile([0, 1], 2 * len(corners))
    field = np.repeat(np.arange(len(layout.fields)), [4 * len(f.cells) for f in layout.fields])
    cell = np.repeat(np.arange(len(corners)), 4)
    groups = {
        Together.FIELD: _shares(2 * field + direction),
        Together.CELL: _shares(2 * cell + direction),
        Together.EDGE: np.eye(len(start)),
    }
    shortest = float(np.abs(end - start).max(axis=1).min())
    pitch = _pitch(corners[:, 0, 0]), _pitch(corners[:, 0, 1])
    return Edges(start, end, normal, groups, max(PRECISE * shortest, 0.35), pitch)


def _pitch(places: F64) -> float:
    """Median distance between neighbouring ones of some coordinates."""
    steps = np.diff(np.unique(np.round(places, 1)))
    return float(np.median(steps)) if len(steps) else 0.0


def _shares(group: NDArray[np.int64]) -> F64:
    member = (group == np.unique(group)[:, None]).astype(np.float64)
    return np.asarray(member / member.sum(axis=1, keepdims=True))


def look_at_edges(
    grey: U8, edges: Edges, page_to_image: F64, reach_mm: float, together: Together
) -> Sightings:
    """Look for each edge's line within `reach_mm` of where the map puts it.

    Args:
        grey: uint8 [H, W].
        edges: of the layout.
        page_to_image: float64 [3, 3], mm to px.
        reach_mm: how far to either side.
        together: edges that must have moved alike.
    """
    steps = round(reach_mm / STEP_MM)
    reached: F64 = np.asarray(np.arange(-steps, steps + 1) * STEP_MM)
    margin = PAD * STEP_MM
    offsets = np.linspace(-margin - reached[-1], margin + reached[-1], 2 * (steps + PAD) + 1)
    along = np.linspace(ENDS, 1 - ENDS, together.places)
    single = _response(_profiles(grey, edges, page_to_image, offsets, along))
    noise = float(np.percentile(single[:, ::2], 25))  # lines fill half of a short reach
    shares = edges.groups[together]
    response = shares @ single
    preferred = response * np.exp(-((reached / (1.5 * reach_mm)) ** 2))
    best = preferred.argmax(axis=1)
    offset = reached[best] + STEP_MM * _vertex(response, best)
    strength = response[np.arange(len(best)), best]
    seen = strength >= max(LEAST_CONTRAST, NOISE_TIMES * noise)
    group = shares.argmax(axis=0)
    here = response[:, np.abs(reached) <= edges.near_mm].max(axis=1)
    return Sightings(offset[group], seen[group], strength[group], here[group])


def _profiles(grey: U8, edges: Edges, page_to_image: F64, offsets: F64, along: F64) -> F32:
    """Float32 [E, K]: mean grey along each edge, moved by each offset (mm) along its normal.

    `along` are the places looked at, as shares of the edge's length.
    """
    on_edge = edges.start[:, None] + (edges.end - edges.start)[:, None] * along[None, :, None]
    # In homogeneous pixels a step along the normal is a plain sum.
    start = (on_edge @ page_to_image[:, :2].T + page_to_image[:, 2]).astype(np.float32)
    step = (edges.normal @ page_to_image[:, :2].T).astype(np.float32)
    moved = offsets.astype(np.float32)[None, :, None]
    x, y, w = (start[:, None, :, i] + moved * step[:, None, None, i] for i in range(3))
    count, steps = len(on_edge), len(offsets)
    columns, rows = (x / w).reshape(count, -1), (y / w).reshape(count, -1)
    values = cv2.remap(grey, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(values.reshape(count, steps, -1).mean(axis=2, dtype=np.float32))


def _response(profiles: F32) -> F64:
    """Float64 [E, K - 2 * PAD]: how much like a line each place looks, in grey levels.

    A thin dark line, or (half as much) the step from a tinted form to a white box.
    """
    smooth = profiles.copy()
    smooth[:, 1:-1] = (profiles[:, :-2] + 2 * profiles[:, 1:-1] + profiles[:, 2:]) / 4
    width = smooth.shape[1] - 2 * PAD

    def moved(steps: int) -> F32:
        return smooth[:, PAD + steps : PAD + steps + width]

    # The lighter of two places on each side: a neighbouring line may lie at the other.
    before = np.maximum(*(moved(-steps) for steps in SIDE_STEPS))
    after = np.maximum(*(moved(steps) for steps in SIDE_STEPS))
    line = np.minimum(before, after) - moved(0)
    step = np.abs(moved(2) - moved(-2))
    return np.asarray(np.maximum(line, 0.5 * step), np.float64)


def _vertex(response: F64, best: NDArray[np.int64]) -> F64:
    """Float64 [E]: where between the steps the peak lies, -0.5 to 0.5."""
    rows, last = np.arange(len(best)), response.shape[1] - 1
    left = response[rows, np.maximum(best - 1, 0)]
    right = response[rows, np.minimum(best + 1, last)]
    bend = 2 * response[rows, best] - left - right
    return np.clip(np.where(bend > 1e-6, (right - left) / np.maximum(2 * bend, 1e-6), 0), -0.5, 0.5)


def support(sightings: Sightings, edges: Edges) -> float:
    """Share of edges whose line shows where the map puts it, 0 to 1."""
    precise = np.abs(sightings.offset_mm) <= edges.near_mm
    return float((sightings.seen & precise).mean())


def contradiction(sightings: Sightings, together: Sightings, edges: Edges) -> F64:
    """Float64 [F]: of each field's seen edges, the share whose line lies elsewhere, 0 to 1.

    Args:
        sightings: of single cells' edges.
        together: of whole fields'; a field that lies beside the map as one, as on curled paper,
            contradicts nothing.
        edges: of the layout.
    """
    expected = np.where(together.seen, together.offset_mm, 0.0)
    elsewhere = sightings.seen & (np.abs(sightings.offset_mm - expected) > edges.near_mm)
    seen = edges.fields @ sightings.seen.astype(np.float64)
    return np.asarray(edges.fields @ elsewhere.astype(np.float64) / np.maximum(seen, LEAST_TOLD))


def move_to_edges(
    page_to_image: F64,
    edges: Edges,
    sightings: Sightings,
    marks: tuple[F64, F64, F64],
) -> F64:
    """The homography nearest to `page_to_image` under which the seen lines lie on the edges.

    Args:
        page_to_image: float64 [3, 3], the present map.
        edges: of the layout.
        sightings: as seen with the present map.
        marks: points of marks, which hold the map outside the table: in mm and in px, each
            float64 [M, 2], and their weights against one edge's, float64 [M].
    """
    seen = sightings.seen
    source = edges.middle[seen]
    offset = sightings.offset_mm[seen, None] * edges.normal[seen]
    found = apply_map(page_to_image, source + offset)
    normal = apply_map(page_to_image, source + offset + 0.1 * edges.normal[seen]) - found
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    middle = np.median(sightings.offset_mm[seen]) if seen.any() else 0.0
    spread = 1.5 * np.median(np.abs(sightings.offset_mm[seen] - middle)) + 0.1 if seen.any() else 1
    weight = np.clip(sightings.strength[seen] / (np.median(sightings.strength[seen]) + 1e-9), 0, 2)
    weight /= (
        1 + (_unexplained(sightings.offset_mm[seen], source, edges.normal[seen]) / spread) ** 2
    )
    marks_mm, marks_px, mark_weights = marks
    points = np.vstack([source, marks_mm, marks_mm])
    axes = np.vstack([normal, np.repeat(np.eye(2), len(marks_mm), axis=0)])
    places = np.concatenate([(normal * found).sum(axis=1), marks_px[:, 0], marks_px[:, 1]])
    weights = np.concatenate([weight, mark_weights, mark_weights])
    return fit_to_lines(points, axes, places, weights, page_to_image)


def _unexplained(offset: F64, source: F64, normal: F64) -> F64:
    """What a smooth movement of the whole table leaves of each offset, in mm, float64 [E]."""
    if len(offset) < 12:
        return np.zeros_like(offset)
    centre = (source - source.mean(axis=0)) / max(float(np.ptp(source)), 1.0)
    ones = np.column_stack([centre, np.ones(len(centre))])
    design = np.hstack([normal[:, :1] * ones, normal[:, 1:] * ones])
    rest = offset
    weights = np.ones(len(offset))
    for _ in range(3):
        scaled = design * weights[:, None]
        solved = np.linalg.solve(scaled.T @ design + 1e-3 * np.eye(6), scaled.T @ offset)
        rest = offset - design @ solved
        weights = 1 / (1 + (rest / 0.4) ** 2)
    return np.asarray(rest)
