"""The worst mistakes: most confident first, with what decided them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Predict = Callable[[U8], F32]

PATCH_PX, STEP_PX = 6, 2
MOST = 32


@dataclass(frozen=True, slots=True)
class Mistake:
    """One cell read wrongly: `cell` uint8 [S, S]; `saliency` float32 [P, P], the drop of the
    wrong class's probability when that part of the cell is covered."""

    cell: U8
    label: int
    read: int
    confidence: float
    saliency: F32


def worst_mistakes(cells: U8, labels: U8, probabilities: F32, predict: Predict) -> list[Mistake]:
    """Up to 32 mistakes, the most confident first.

    Args:
        cells: uint8 [N, S, S].
        labels: uint8 [N].
        probabilities: float32 [N, 11], of `predict`.
    """
    read = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    wrong = np.flatnonzero(read != labels)
    order = wrong[np.argsort(-confidence[wrong], kind="stable")][:MOST]
    return [
        Mistake(
            cells[at],
            int(labels[at]),
            int(read[at]),
            float(confidence[at]),
            saliency(cells[at], int(read[at]), predict),
        )
        for at in order
    ]


def saliency(cell: U8, read: int, predict: Predict) -> F32:
    """Occlusion (Zeiler & Fergus 2014): how much covering each part costs the class `read`.

    Works on any model behind `predict`, whose input is uint8 and lets no gradient through.

    Returns:
        float32 [P, P], 0 or more: 12 places a side for cells of 28 px.
    """
    starts = range(0, cell.shape[0] - PATCH_PX + 1, STEP_PX)
    covered = np.stack([_cover(cell, top, left) for top in starts for left in starts])
    before = float(predict(cell[None])[0, read])
    drop = before - predict(covered)[:, read]
    side = len(starts)
    return np.asarray(np.maximum(drop, 0).reshape(side, side), np.float32)


def _cover(cell: U8, top: int, left: int) -> U8:
    changed = cell.copy()
    changed[top : top + PATCH_PX, left : left + PATCH_PX] = 0
    return changed
