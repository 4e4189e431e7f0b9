"""Labelled crops of one's own: an NPZ of crops, or a folder with one sub-folder a digit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.edge.npz import read_npz
from tallywire.errors import InvalidFileError, Problem
from tallywire.records import BLANK
from tallywire.sheet.clean import clean_crop
from tallywire.sheet.patches import view_of_crop
from tallywire.sheet.prepare import Takes

U8 = NDArray[np.uint8]

ARRAYS = ("pixels", "shapes", "offsets", "labels")
SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"}
MOST_SIDE_PX = 2_000
REMEDY = "give an NPZ of pixels, shapes, offsets, labels, or a folder with one folder a digit"


@dataclass(frozen=True, slots=True)
class Crops:
    """`cells` uint8 [N, S, S] as the model sees them; `labels` uint8 [N], 0 to 10;
    `held_out` bool [N]: never to be looked at while tuning."""

    cells: U8
    labels: U8
    held_out: NDArray[np.bool_]


def read_crops(path: Path, takes: Takes = Takes.CELLS) -> Crops:
    """Read labelled crops and make of them what a model takes.

    Args:
        path: an NPZ with pixels uint8 [sum of h * w], shapes int [N, 2], offsets int [N], labels
            [N] and, if wanted, is_val bool [N]; or a folder of sub-folders `0` to `9` (and
            `blank`) with pictures, paper light and ink dark.
        takes: what the model takes.

    Raises:
        InvalidFileError: it is neither.
    """
    crops, labels, held_out = _from_folder(path) if path.is_dir() else _from_npz(path)
    made = view_of_crop if takes is Takes.PATCHES else clean_crop
    cells = np.stack([made(crop) for crop in crops])
    return Crops(cells, np.array(labels, np.uint8), np.array(held_out, np.bool_))


def _from_npz(path: Path) -> tuple[list[U8], list[int], list[bool]]:
    data = read_npz(path, ARRAYS, REMEDY)
    pixels, labels = data["pixels"], data["labels"]
    shapes, offsets = (data[name].astype(np.int64) for name in ("shapes", "offsets"))
    held_out = data.get("is_val", np.zeros(len(labels), bool))
    if pixels.dtype != np.uint8 or pixels.ndim != 1:
        raise _wrong(path, f"pixels are {pixels.dtype} of {pixels.ndim} dimensions, not uint8 of 1")
    lengths = {len(labels), len(shapes), len(offsets), len(held_out)}
    if lengths == {0} or len(lengths) > 1 or shapes.shape[1:] != (2,):
        raise _wrong(path, "labels, shapes, offsets and is_val are empty or do not belong together")
    ends = offsets + shapes[:, 0] * shapes[:, 1]
    sides = shapes.min() >= 1 and shapes.max() <= MOST_SIDE_PX
    if not sides or offsets.min() < 0 or ends.max() > len(pixels):
        raise _wrong(path, f"a crop lies outside the pixels, or has sides beyond {MOST_SIDE_PX} px")
    if not np.isin(labels, np.arange(BLANK + 1)).all():
        raise _wrong(path, f"a label is not one of 0 to {BLANK} ({BLANK} is blank)")
    crops = [
        pixels[start:end].reshape(shape)
        for start, end, shape in zip(offsets, ends, shapes, strict=True)
    ]
    return crops, [int(one) for one in labels], [bool(one) for one in held_out]


def _from_folder(path: Path) -> tuple[list[U8], list[int], list[bool]]:
    names = [*map(str, range(10)), "blank"]
    files = [
        (file, label)
        for label, name in enumerate(names)
        for file in sorted((path / name).glob("*"))
        if file.suffix.lower() in SUFFIXES
    ]
    if not files:
        raise _wrong(path, "no pictures in sub-folders 0 to 9")
    crops = [_picture(file) for file, _ in files]
    return crops, [label for _, label in files], [False] * len(files)


def _picture(file: Path) -> U8:
    crop = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
    if crop is None or max(crop.shape) > MOST_SIDE_PX:
        raise _wrong(file, f"no picture of at most {MOST_SIDE_PX} px a side")
    return np.asarray(crop, np.uint8)


def _wrong(path: Path, value: str) -> InvalidFileError:
    return InvalidFileError([Problem(str(path), value, REMEDY)])
