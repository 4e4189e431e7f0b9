"""Tells which blob is which mark: by where the marks stand to each other on the form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from tallywire.sheet.geometry import apply_map, fit_affine, fit_similarities
from tallywire.sheet.layout import Layout
from tallywire.sheet.marks import Blob, area_mm2

F64 = NDArray[np.float64]
Key = tuple[int, ...]
"""Which of the found blobs each mark is, in the layout's order; `NONE` where it was not found."""

NONE = -1
NEAR = 0.13  # of the page's diagonal: how far perspective may move a mark
MOST_STRETCH = 1.5  # between the page's two directions, by perspective or a scanner's feed
LEAST_MARKS = 3


@dataclass(frozen=True, slots=True)
class Match:
    """One way to tell the marks: blobs by mark id, the affine map they give, and its cost."""

    blobs: Mapping[str, Blob]
    page_to_image: F64
    cost: float


def match_marks(
    layout: Layout, found: Mapping[str, Sequence[Blob]], least: int = LEAST_MARKS
) -> tuple[Match, ...]:
    """All plausible ways to tell the marks, the likeliest first; empty if none is.

    Two blobs taken as two marks fix turn, scale and shift; the others must then lie where the
    form has them, as far as perspective allows. `least` marks must be found, three or more; or it
    is two, and no third is asked: the one that seems to fit may be a stain. The map is then a mere
    similarity, and the form's boxes have to confirm it.
    """
    ids = [mark.id for mark in layout.marks]
    marks = np.array([mark.box.center_mm for mark in layout.marks])
    keys, maps = _hypotheses(ids, marks, found)
    if not keys:
        return ()
    needed = min(least, len(ids))
    if needed > 2:
        keys = _completed(layout, needed, _nearest(ids, marks, found, maps), maps)
    told = (_match(layout, marks, found, key) for key in dict.fromkeys(keys))
    return tuple(sorted((match for match in told if match), key=lambda match: match.cost))


def _hypotheses(
    ids: Sequence[str], marks: F64, found: Mapping[str, Sequence[Blob]]
) -> tuple[list[Key], F64]:
    """Every two blobs as every two marks, and the similarity of each, float64 [H, 3, 3]."""
    keys, sources, targets = [], [], []
    for one, two in combinations(range(len(ids)), 2):
        for (a, first), (b, second) in product(
            enumerate(found[ids[one]]), enumerate(found[ids[two]])
        ):
            if first.center != second.center:
                keys.append(tuple({one: a, two: b}.get(mark, NONE) for mark in range(len(ids))))
                sources.append((marks[one], marks[two]))
                targets.append((first.center, second.center))
    if not keys:
        return [], np.zeros((0, 3, 3))
    return keys, fit_similarities(np.array(sources), np.array(targets))


def _completed(
    layout: Layout, needed: int, nearest: tuple[NDArray[np.int64], F64], maps: F64
) -> list[Key]:
    """The hypotheses with all other marks that have a blob nearby; `needed` at least must."""
    chosen, distances = nearest
    diagonal = float(np.hypot(layout.width_mm, layout.height_mm))
    scales = np.hypot(maps[:, 0, 0], maps[:, 1, 0])
    within = distances <= NEAR * diagonal * scales[:, None]
    enough = within.sum(axis=1) >= needed
    return [tuple(key) for key in np.where(within, chosen, NONE)[enough].tolist()]


def _nearest(
    ids: Sequence[str], marks: F64, found: Mapping[str, Sequence[Blob]], maps: F64
) -> tuple[NDArray[np.int64], F64]:
    """Index of the blob nearest to where each map puts each mark, and its distance: [H, M]."""
    count = len(maps)
    chosen = np.full((count, len(ids)), NONE)
    distances = np.full((count, len(ids)), np.inf)
    for number, mark_id in enumerate(ids):
        centres = np.array([blob.center for blob in found[mark_id]]).reshape(-1, 2)
        if not len(centres):
            continue
        places = maps[:, :2, :2] @ marks[number] + maps[:, :2, 2]
        apart = np.linalg.norm(places[:, None] - centres[None], axis=2)
        chosen[:, number] = apart.argmin(axis=1)
        distances[:, number] = apart.min(axis=1)
    return chosen, distances


def _match(
    layout: Layout, centers: F64, found: Mapping[str, Sequence[Blob]], key: Key
) -> Match | None:
    marks = [mark for mark, index in zip(layout.marks, key, strict=True) if index >= 0]
    blobs = {
        m.id: found[m.id][index] for m, index in zip(layout.marks, key, strict=True) if index >= 0
    }
    if len({blob.center for blob in blobs.values()}) < len(blobs):
        return None
    source = centers[[index >= 0 for index in key]]
    target = np.array([blob.center for blob in blobs.values()])
    pair = len(source) == 2
    matrix = fit_similarities(source[None], target[None])[0] if pair else fit_affine(source, target)
    long, short = np.linalg.svd(matrix[:2, :2])[1]
    if np.linalg.det(matrix[:2, :2]) <= 0 or long > MOST_STRETCH * short:
        return None
    diagonal = float(np.hypot(layout.width_mm, layout.height_mm))
    residual = np.linalg.norm(apply_map(matrix, source) - target, axis=1) / (diagonal * short)
    sizes = [blobs[mark.id].area_px / (area_mm2(mark) * long * short) for mark in marks]
    cost = (
        10 * float(residual.max())
        + sum(blob.unlike for blob in blobs.values()) / len(blobs)
        + float(np.abs(np.log(sizes)).mean())
        + 3 * float(np.log(long / short))
        + len(layout.marks)
        - len(blobs)
    )
    return Match(blobs, matrix, cost)
