"""Signs that people write into empty cells: real pen trajectories, read from a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tallywire.edge.npz import Arrays, read_npz
from tallywire.errors import InvalidFileError, Problem
from tallywire.training.strokes import Split

F32 = NDArray[np.float32]
Strokes = tuple[F32, ...]

SMALLEST = 40  # of the 1,000 that a sign's longer side spans
ARRAYS = ("points", "stroke_starts", "sign_starts", "kinds", "labels", "writers", "writer_split")
REMEDY = f"give an NPZ with the arrays {', '.join(ARRAYS)}"


@dataclass(frozen=True, slots=True)
class Fillers:
    """Signs by kind ("x", "dash", "dot" ...): tuples of strokes, each float32 [points, 2] (x
    right, y down, centred on 0, the longer side 1 long)."""

    signs: Mapping[str, tuple[Strokes, ...]]

    def draw(self, kind: str, rng: Generator) -> Strokes | None:
        """One sign of a kind; None if there is none."""
        known = self.signs.get(kind, ())
        return known[int(rng.integers(len(known)))] if known else None


def read_fillers(path: Path, split: Split) -> Fillers:
    """Read the signs of one writer split.

    Args:
        path: the NPZ; `sign_starts` index `stroke_starts`, and those `points`.
        split: whose signs.

    Raises:
        InvalidFileError: not a file of signs; says what is missing.
    """
    data = read_npz(path, ARRAYS, REMEDY)
    if not _belong_together(data):
        raise InvalidFileError([Problem(str(path), "its arrays do not belong together", REMEDY)])
    strokes = np.split(data["points"].astype(np.float32), data["stroke_starts"][1:])
    ends = np.append(data["sign_starts"][1:], len(strokes))
    found: dict[str, list[Strokes]] = {str(kind): [] for kind in data["kinds"]}
    for index in np.flatnonzero(data["writer_split"][data["writers"]] == split):
        sign = strokes[data["sign_starts"][index] : ends[index]]
        found[str(data["kinds"][data["labels"][index]])].append(_centred(sign))
    return Fillers({kind: tuple(signs) for kind, signs in found.items()})


def _belong_together(data: Arrays) -> bool:
    signs = {len(data[name]) for name in ("sign_starts", "labels", "writers")}
    inside = (
        ("stroke_starts", len(data["points"])),
        ("sign_starts", len(data["stroke_starts"])),
        ("labels", len(data["kinds"])),
        ("writers", len(data["writer_split"])),
    )
    return (
        signs != {0}
        and len(signs) == 1
        and data["points"].shape[1:] == (2,)
        and all(0 <= data[name].min() <= data[name].max() < end for name, end in inside)
    )


def _centred(strokes: list[F32]) -> Strokes:
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    size = max(float((high - low).max()), SMALLEST)
    return tuple(((stroke - (low + high) / 2) / size).astype(np.float32) for stroke in strokes)
