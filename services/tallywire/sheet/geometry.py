"""Plane maps from the layout's millimetres to image pixels: affine maps and homographies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

WEAK_PULL = 1e-6  # towards the present map, where the constraints leave it open


def apply_map(matrix: F64, points: F64) -> F64:
    """Map points through a homography.

    Args:
        matrix: float64 [3, 3].
        points: float64 [..., 2].

    Returns:
        float64 [..., 2].
    """
    mapped = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(mapped[..., :2] / mapped[..., 2:])


def fit_similarities(source: F64, target: F64) -> F64:
    """Turn, scale and shift that take two points to two points, for many pairs at once.

    Args:
        source: float64 [H, 2, 2], two points (x, y) each.
        target: float64 [H, 2, 2].

    Returns:
        float64 [H, 3, 3].
    """
    before = source[:, 1] - source[:, 0]
    after = target[:, 1] - target[:, 0]
    length = np.maximum((before**2).sum(axis=1), 1e-12)
    cos = (before * after).sum(axis=1) / length
    sin = (before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) / length
    maps = np.zeros((len(source), 3, 3))
    maps[:, 0, 0], maps[:, 0, 1], maps[:, 1, 0], maps[:, 1, 1] = cos, -sin, sin, cos
    maps[:, :2, 2] = target[:, 0] - np.einsum("hij,hj->hi", maps[:, :2, :2], source[:, 0])
    maps[:, 2, 2] = 1
    return maps


def fit_affine(source: F64, target: F64) -> F64:
    """Least-squares affine map, float64 [3, 3], from three or more points [N, 2] to others."""
    design = np.column_stack([source, np.ones(len(source))])
    solution = np.linalg.lstsq(design, target, rcond=None)[0]
    return np.vstack([solution.T, [0.0, 0.0, 1.0]])


def fit_homography(source: F64, target: F64, start: F64) -> F64:
    """Least-squares homography near `start` from points to points, each [N, 2]."""
    axes = np.repeat(np.eye(2), len(source), axis=0)
    places = np.concatenate([target[:, 0], target[:, 1]])
    return fit_to_lines(np.vstack([source, source]), axes, places, np.ones(len(places)), start)


def fit_to_lines(source: F64, normals: F64, places: F64, weights: F64, start: F64) -> F64:
    """Homography near `start` that puts each source point on a line of the image.

    Args:
        source: float64 [N, 2], points in mm.
        normals: float64 [N, 2], the image lines' unit normals.
        places: float64 [N], normal . x of every point x of the line, in px.
        weights: float64 [N].
        start: float64 [3, 3]; where the lines leave the map open, it stays as here.

    Returns:
        float64 [3, 3].
    """
    before, after = _normaliser(source), _normaliser(apply_map(start, source))
    points = apply_map(before, source)
    # The line in normalised pixels: normal stays, its place shifts and scales.
    scaled = after[0, 0] * places + normals @ after[:2, 2]
    ones = np.column_stack([points, np.ones(len(points))])
    design = np.hstack([normals[:, :1] * ones, normals[:, 1:] * ones, -scaled[:, None] * points])
    present = after @ start @ np.linalg.inv(before)
    present = (present / present[2, 2]).ravel()[:8]
    gap = scaled - design @ present
    weighted = design * weights[:, None]
    normal_matrix = weighted.T @ design + WEAK_PULL * weights.sum() * np.eye(8)
    solved = present + np.linalg.solve(normal_matrix, weighted.T @ gap)
    matrix = np.linalg.inv(after) @ np.append(solved, 1.0).reshape(3, 3) @ before
    return np.asarray(matrix / matrix[2, 2])


def _normaliser(points: F64) -> F64:
    """Shift and scale that bring points around the origin at distance about 1."""
    centre = points.mean(axis=0)
    scale = 1 / max(float(np.abs(points - centre).mean()), 1e-9)
    return np.array([[scale, 0, -scale * centre[0]], [0, scale, -scale * centre[1]], [0, 0, 1]])
