"""Small changes to normalised cells while training, so that no cell is seen twice alike."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

U8 = NDArray[np.uint8]

SHIFT_PX = 1.2
SHEAR = 0.08


@dataclass(frozen=True, slots=True)
class Augment:
    """How far cells are changed.

    `rotation_deg` and `zoom` are limits; the paper's are 15 degrees and 20 %. `equalise` is the
    share of cells whose histogram is flattened; `erase` the share that lose a small patch, as
    faint ink does. `extend` lets lines at the edge go on beyond it: a patch of paper does not end
    there, while around a cleaned cell is nothing.
    """

    enabled: bool = True
    rotation_deg: float = 10.0
    zoom: float = 0.15
    equalise: float = 0.0
    erase: float = 0.1
    extend: bool = False


def augment(images: U8, options: Augment, rng: Generator) -> U8:
    """Turn, zoom, shift and shear each cell by a random amount.

    Args:
        images: uint8 [N, S, S].
        options: how far.
        rng: the only source of chance.

    Returns:
        uint8 [N, S, S], new.
    """
    if not options.enabled:
        return images
    out = np.empty_like(images)
    count, side = images.shape[:2]
    border = cv2.BORDER_REPLICATE if options.extend else cv2.BORDER_CONSTANT
    for image, target, matrix in zip(
        images, out, _matrices(count, side, options, rng), strict=True
    ):
        cv2.warpAffine(
            image, matrix, (side, side), target, flags=cv2.INTER_LINEAR, borderMode=border
        )
    _erase(out, options.erase, rng)
    for index in np.flatnonzero(rng.random(len(out)) < options.equalise):
        cv2.equalizeHist(out[index], out[index])
    return out


def _matrices(count: int, side: int, options: Augment, rng: Generator) -> NDArray[np.float64]:
    """Float64 [N, 2, 3]; normal spreads cut at the limits, so that most cells change little."""
    limit = options.rotation_deg
    angle = np.deg2rad(np.clip(rng.normal(0, limit / 2, count), -limit, limit))
    scale = 1 + np.clip(rng.normal(0, options.zoom / 2, count), -options.zoom, options.zoom)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    shear = rng.normal(0, SHEAR, count)
    linear = np.stack([np.stack([cos, sin + shear], 1), np.stack([-sin, cos], 1)], 1)
    middle = np.full(2, (side - 1) / 2)
    shift = middle - linear @ middle + rng.normal(0, SHIFT_PX, (count, 2))
    return np.concatenate([linear, shift[:, :, None]], axis=2)


def _erase(images: U8, share: float, rng: Generator) -> None:
    for index in np.flatnonzero(rng.random(len(images)) < share):
        size = int(rng.integers(2, 6))
        x, y = rng.integers(0, images.shape[1] - size, 2)
        images[index, y : y + size, x : x + size] = 0
