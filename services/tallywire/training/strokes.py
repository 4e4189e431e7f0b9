"""Pen trajectories of digits: read from a file, drawn as ink at any width, slant, pressure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.edge.npz import Arrays, read_npz
from tallywire.errors import InvalidFileError, Problem

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Ints = NDArray[np.int64]

SHIFT = 4  # OpenCV draws at 1/16 px
SMALLEST = 100  # of the 1,000 that a digit's longer side spans: less is a pen that touched once
FLATTEST = 2.5  # width by height: a 0 or a 5 is at most twice as wide as high, a dash is no digit
ARRAYS = (
    "points", "stroke_starts", "digit_starts", "labels", "writers", "writer_split", "suspect",
)  # fmt: skip


REMEDY = f"give an NPZ with the arrays {', '.join(ARRAYS)}"


class Split(IntEnum):
    """To which part a writer belongs; nobody trains or tunes on TEST."""

    TRAIN = 0
    VALIDATION = 1
    TEST = 2


@dataclass(frozen=True, slots=True)
class Trajectories:
    """Digits as pen strokes. `digits[i]` is a tuple of strokes, each float32 [points, 2] (x right,
    y down, centred on 0, the longer side 1 long); `labels` uint8 [N], 0 to 9; `writers` int64 [N],
    who wrote it."""

    digits: tuple[tuple[F32, ...], ...]
    labels: U8
    writers: Ints

    def of(self, label: int) -> Ints:
        """Indices of the digits with this label."""
        return np.flatnonzero(self.labels == label)


@dataclass(frozen=True, slots=True)
class TrajectoryPen:
    """How a trajectory is drawn.

    `height_px` is the digit's height, `width_px` the stroke's width at full pressure;
    `rotation_deg` turns it counter-clockwise, `slant` shears it (x by y, positive leans right),
    `aspect` stretches x; `pressure` 0..1 is how far the width follows a wave along the stroke
    whose phase is `phase`; `wobble` bends the strokes by so much of the digit's height.
    """

    height_px: float
    width_px: float
    rotation_deg: float = 0.0
    slant: float = 0.0
    aspect: float = 1.0
    pressure: float = 0.0
    wobble: float = 0.0
    phase: float = 0.0


def read_trajectories(path: Path, split: Split, leave_out: Collection[int] = ()) -> Trajectories:
    """Read the digits of one writer split; digits marked as suspect are left out of training.

    About half of the suspect ones miss a stroke; in the test split they stay, since the other
    half are real but rare forms, but for those that the caller names. A dot, where the pen touched
    the tablet once, and a dash, which is the bar of a 4 or the foot of a 1, are no digit in any
    split.

    Args:
        path: the NPZ.
        split: whose digits.
        leave_out: indices in the file.

    Raises:
        InvalidFileError: not a file of trajectories; says what is missing.
    """
    data = read_npz(path, ARRAYS, REMEDY)
    if not _belong_together(data):
        raise InvalidFileError([Problem(str(path), "its arrays do not belong together", REMEDY)])
    keep = data["writer_split"][data["writers"]] == split
    if split is not Split.TEST:
        keep &= ~data["suspect"]
    strokes = np.split(data["points"].astype(np.float32), data["stroke_starts"][1:])
    ends = np.append(data["digit_starts"][1:], len(strokes))
    keep[[index for index in leave_out if index < len(keep)]] = False
    written = [strokes[data["digit_starts"][i] : ends[i]] for i in range(len(keep))]
    chosen = np.array([i for i in np.flatnonzero(keep) if _is_digit(written[i])], int)
    digits = tuple(_centred(written[i]) for i in chosen)
    return Trajectories(digits, data["labels"][chosen], data["writers"][chosen].astype(np.int64))


def read_writers(path: Path, split: Split, leave_out: Collection[int] = ()) -> Trajectories:
    """`read_trajectories`, where the writers of the split must have written every digit.

    Raises:
        InvalidFileError: as there, or no writer of the split wrote some digit.
    """
    found = read_trajectories(path, split, leave_out)
    missing = sorted(set(range(10)) - set(found.labels.tolist()))
    if missing:
        value = f"no {', '.join(map(str, missing))} by the {split.name.lower()} writers"
        raise InvalidFileError([Problem(str(path), value, "give every split all ten digits")])
    return found


def _belong_together(data: Arrays) -> bool:
    """Whether every index of one array is in the one that it points into."""
    digits = {len(data[name]) for name in ("digit_starts", "labels", "writers", "suspect")}
    inside = (
        ("stroke_starts", len(data["points"])),
        ("digit_starts", len(data["stroke_starts"])),
        ("writers", len(data["writer_split"])),
        ("labels", 10),
    )
    return (
        digits != {0}
        and len(digits) == 1
        and data["points"].shape[1:] == (2,)
        and all(0 <= data[name].min() <= data[name].max() < end for name, end in inside)
    )


def _is_digit(strokes: list[F32]) -> bool:
    """By its shape alone: neither a dot nor a dash."""
    width, height = np.ptp(np.concatenate(strokes), axis=0)
    return bool(max(width, height) >= SMALLEST and width <= FLATTEST * height)


def _size(strokes: list[F32]) -> float:
    return float(np.ptp(np.concatenate(strokes), axis=0).max())


def _centred(strokes: list[F32]) -> tuple[F32, ...]:
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    size = _size(strokes)
    return tuple(((stroke - (low + high) / 2) / size).astype(np.float32) for stroke in strokes)


def draw_digit(
    strokes: tuple[F32, ...], pen: TrajectoryPen, canvas: U8, centre_px: tuple[float, float]
) -> None:
    """Draw a digit's ink onto `canvas`.

    Args:
        strokes: one entry of `Trajectories.digits`.
        pen: how to draw it.
        canvas: uint8 [H, W], 0 no ink, 255 full ink; drawn on in place, parts outside are cut.
        centre_px: (x, y) of the digit's centre.
    """
    shaped = [_bend(stroke, pen) @ _shape_matrix(pen) for stroke in strokes]
    points = np.concatenate(shaped)
    low, high = points.min(axis=0), points.max(axis=0)
    # A flat digit (a dash-like 1 on its side, a wide 2) must not grow beyond its height's width.
    size = max(float(high[1] - low[1]), 0.75 * float(high[0] - low[0]), 1e-3)
    offset = np.asarray(centre_px) - (low + high) / 2 * pen.height_px / size
    for stroke in shaped:
        _draw_stroke(canvas, stroke * (pen.height_px / size) + offset, pen)


def _bend(stroke: F32, pen: TrajectoryPen) -> F32:
    if not pen.wobble:
        return stroke
    wave = np.sin(stroke[:, ::-1] * 5.0 + pen.phase + np.array([0.0, 1.7]))
    return np.asarray(stroke + pen.wobble * wave, np.float32)


def _shape_matrix(pen: TrajectoryPen) -> F32:
    """Row vectors times this: stretch, then slant, then rotate."""
    angle = np.deg2rad(-pen.rotation_deg)
    cos, sin = np.cos(angle), np.sin(angle)
    stretch_slant = np.array([[pen.aspect, 0.0], [-pen.slant, 1.0]])
    return np.asarray(stretch_slant @ np.array([[cos, sin], [-sin, cos]]), np.float32)


def _draw_stroke(canvas: U8, points: NDArray[np.floating], pen: TrajectoryPen) -> None:
    fixed = np.round(points * (1 << SHIFT)).astype(np.int32)
    if len(fixed) == 1:
        fixed = np.repeat(fixed, 2, axis=0)
    if pen.pressure < 0.05 or pen.width_px < 2:
        width = max(1, round(pen.width_px))
        cv2.polylines(canvas, [fixed], False, 255, width, cv2.LINE_AA, SHIFT)
        return
    parts = max(2, len(fixed) // 3)
    for at, part in enumerate(np.array_split(np.arange(len(fixed) - 1), parts)):
        if not len(part):
            continue
        wave = 0.5 + 0.5 * np.sin(pen.phase + at * 1.3)
        width = max(1, round(pen.width_px * (1 - pen.pressure * wave)))
        piece = fixed[part[0] : part[-1] + 2]
        cv2.polylines(canvas, [piece], False, 255, width, cv2.LINE_AA, SHIFT)
