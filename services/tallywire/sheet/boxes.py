"""The printed boxes of the cells: how well they show where a map expects them, and how to move
the map so that they do. A form's boxes are its finest marks, spread over all that is read."""

from __future__ import annotations

from dataclasses import dataclass

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
ALONG = np.linspace(0.12, 0.88, 6)  # where each edge is looked at, as shares of its length
SIDE_STEPS = 4  # a line is darker than the paper 1 mm to either side
LEAST_CONTRAST = 3.5  # grey levels by which a line must stand out, whatever the noise
NOISE_TIMES = 2.2
PRECISE = 0.06  # of the cell's smaller side: a line this near is where it should be
MARK_WEIGHT = 3.0  # one mark point against one edge


@dataclass(frozen=True, slots=True)
class Edges:
    """All edges of all boxes: `start`, `end` and unit `normal` in mm, each float64 [E, 2]; four a
    cell, in the order top, right, bottom, left. `near_mm` is what counts as precise."""

    start: F64
    end: F64
    normal: F64
    near_mm: float

    @property
    def middle(self) -> F64:
        """Float64 [E, 2]."""
        return np.asarray((self.start + self.end) / 2)


@dataclass(frozen=True, slots=True)
class Sightings:
    """What was seen of each edge: `offset_mm` along its normal, float64 [E], and `seen`, bool [E];
    `strength` is the contrast in grey levels."""

    offset_mm: F64
    seen: Bools
    strength: F64


def box_edges(layout: Layout) -> Edges:
    """The edges of the layout's cells."""
    corners = np.array([cell.corners_mm for cell in layout.cells])
    start, end = corners.reshape(-1, 2), np.roll(corners, -1, axis=1).reshape(-1, 2)
    along = end - start
    length = np.hypot(along[:, 0], along[:, 1])
    normal = np.stack([along[:, 1], -along[:, 0]], axis=1) / length[:, None]
    return Edges(start, end, normal, max(PRECISE * float(length.min()), 0.35))


def look_at_edges(grey: U8, edges: Edges, page_to_image: F64, reach_mm: float) -> Sightings:
    """Look for each edge's line within `reach_mm` of where the map puts it.

    Args:
        grey: uint8 [H, W].
        edges: of the layout.
        page_to_image: float64 [3, 3], mm to px.
        reach_mm: how far to either side.
    """
    steps = round(reach_mm / STEP_MM)
    offsets: F64 = np.arange(-steps - SIDE_STEPS, steps + SIDE_STEPS + 1) * STEP_MM
    response = _response(_profiles(grey, edges, page_to_image, offsets))
    reached = offsets[SIDE_STEPS:-SIDE_STEPS]
    noise = float(np.median(response))
    preferred = response * np.exp(-((reached / (1.2 * reach_mm)) ** 2))
    best = preferred.argmax(axis=1)
    rows = np.arange(len(best))
    strength = response[rows, best]
    offset = reached[best] + STEP_MM * _vertex(response, best)
    return Sightings(offset, strength >= max(LEAST_CONTRAST, NOISE_TIMES * noise), strength)


def _profiles(grey: U8, edges: Edges, page_to_image: F64, offsets: F64) -> F32:
    """Float32 [E, K]: mean grey along each edge, moved by each offset (mm) along its normal."""
    on_edge = edges.start[:, None] + (edges.end - edges.start)[:, None] * ALONG[None, :, None]
    places = on_edge[:, None] + (edges.normal[:, None] * offsets[None, :, None])[:, :, None]
    pixels = apply_map(page_to_image, places).astype(np.float32)
    count, steps = len(on_edge), len(offsets)
    flat = pixels.reshape(count, -1, 2)
    columns, rows = np.ascontiguousarray(flat[..., 0]), np.ascontiguousarray(flat[..., 1])
    values = cv2.remap(grey, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(values.reshape(count, steps, -1).mean(axis=2, dtype=np.float32))


def _response(profiles: F32) -> F64:
    """Float64 [E, K - 2 * SIDE_STEPS]: how much like a line each place looks, in grey levels.

    A thin dark line, or (half as much) the step from a tinted form to a white box.
    """
    inner = slice(SIDE_STEPS, -SIDE_STEPS)
    smooth = profiles.copy()
    smooth[:, 1:-1] = (profiles[:, :-2] + 2 * profiles[:, 1:-1] + profiles[:, 2:]) / 4
    before, after = smooth[:, : -2 * SIDE_STEPS], smooth[:, 2 * SIDE_STEPS :]
    line = np.minimum(before, after) - smooth[:, inner]
    near = SIDE_STEPS - 2, SIDE_STEPS + 2
    width = line.shape[1]
    step = np.abs(smooth[:, near[1] : near[1] + width] - smooth[:, near[0] : near[0] + width])
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


def move_to_edges(
    page_to_image: F64, edges: Edges, sightings: Sightings, marks_mm: F64, marks_px: F64
) -> F64:
    """The homography nearest to `page_to_image` under which the seen lines lie on the edges.

    Args:
        page_to_image: float64 [3, 3], the present map.
        edges: of the layout.
        sightings: as seen with the present map.
        marks_mm: float64 [M, 2]: points of marks, which hold the map outside the table.
        marks_px: float64 [M, 2]: where they were found.
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
    points = np.vstack([source, marks_mm, marks_mm])
    axes = np.vstack([normal, np.repeat(np.eye(2), len(marks_mm), axis=0)])
    places = np.concatenate([(normal * found).sum(axis=1), marks_px[:, 0], marks_px[:, 1]])
    weights = np.concatenate([weight, np.full(2 * len(marks_mm), MARK_WEIGHT)])
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
