"""What stands in a cell, as a mask of ink: a digit of some hand, or one of the ways of no digit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tallywire.records import BLANK
from tallywire.training.forms import bend_form
from tallywire.training.mnist import Digits
from tallywire.training.strokes import Trajectories, TrajectoryPen, draw_digit

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

CANVAS_PX = 112
BOX_PX = 84  # longer side of the printed box in the middle of the canvas
MIDDLE = (CANVAS_PX - 1) / 2
MNIST_DIGIT_PX = 20
MAX_ROTATION_DEG = 15.0
LEANING_ONES = 0.15  # lean far more than their writer's other digits
MIRRORED_NINES = 0.12  # the loop on the right of the stem, as a P
WIDE_ZEROS = 0.15
BARS = 0.03  # of the ones are as broad as a felt pen or a second stroke makes them
RARE_FORMS = 0.16  # of the digits that have one
CROSS_BAR = 0.2  # of the sevens of MNIST, whose writers do not cross them


@dataclass(frozen=True, slots=True)
class Handwriting:
    """Digits to write with. `trajectory_share` of them come from trajectories, where given."""

    pixels: Digits
    pixels_of: tuple[NDArray[np.int64], ...]  # indices by label
    trajectories: Trajectories | None
    trajectories_of: tuple[NDArray[np.int64], ...]
    trajectory_share: float


@dataclass(frozen=True, slots=True)
class Style:
    """How one cell's writer writes; a neighbour's digit has the same style."""

    height: float  # of the box's shorter side
    width_px: float
    rotation_deg: float
    slant: float
    aspect: float
    pressure: float
    wobble: float


def handwriting(
    pixels: Digits, trajectories: Trajectories | None, trajectory_share: float = 0.6
) -> Handwriting:
    """Index digits by label.

    Args:
        pixels: MNIST-like digits.
        trajectories: or None to write with pixels alone.
        trajectory_share: 0 to 1; 0.6 read real cheques best in trials.
    """
    return Handwriting(
        pixels,
        tuple(np.flatnonzero(pixels.labels == label) for label in range(10)),
        trajectories,
        tuple(trajectories.of(label) for label in range(10)) if trajectories else (),
        trajectory_share if trajectories else 0.0,
    )


def random_style(rng: Generator) -> Style:
    """A style as polling staff may have: thin or broad pens, upright or leaning, small or large."""
    height = rng.uniform(0.5, 1.0) if rng.random() < 0.88 else rng.uniform(0.38, 1.2)
    broad = rng.random() < 0.1
    return Style(
        height=height,
        width_px=float(np.exp(rng.uniform(np.log(2.2), np.log(7.5)))) + (5.0 if broad else 0.0),
        rotation_deg=float(np.clip(rng.normal(0, 6), -MAX_ROTATION_DEG, MAX_ROTATION_DEG)),
        slant=float(rng.normal(0.1, 0.2)),
        aspect=float(rng.uniform(0.62, 1.3)),
        pressure=float(rng.choice([0.0, rng.uniform(0.1, 0.7)])),
        wobble=float(rng.choice([0.0, rng.uniform(0, 0.035)])),
    )


def write_digit(
    canvas: U8,
    label: int,
    hands: Handwriting,
    style: Style,
    at: tuple[float, float],
    rng: Generator,
) -> None:
    """Write a digit onto `canvas` (uint8 [112, 112], 255 full ink) with its centre at (x, y)."""
    form = bend_form(label, rng) if rng.random() < RARE_FORMS else None
    if form is not None:
        draw_digit(form, _pen(style, rng), canvas, at)
        return
    style = _habit_of(label, style, rng)
    if rng.random() < hands.trajectory_share and hands.trajectories is not None:
        index = int(rng.choice(hands.trajectories_of[label]))
        draw_digit(hands.trajectories.digits[index], _pen(style, rng), canvas, at)
        return
    index = int(rng.choice(hands.pixels_of[label]))
    image = hands.pixels.images[index]
    if label == 7 and rng.random() < CROSS_BAR:
        image = _crossed(image, rng)
    _stamp(canvas, image, style, at, rng)


def _pen(style: Style, rng: Generator) -> TrajectoryPen:
    return TrajectoryPen(
        style.height * BOX_PX, style.width_px, style.rotation_deg, style.slant, style.aspect,
        style.pressure, style.wobble, float(rng.uniform(0, 6.28)),
    )  # fmt: skip


def join_neighbour(canvas: U8, style: Style, rng: Generator) -> None:
    """A stroke that runs on from the digit to where the next or the last one would be."""
    rows, columns = np.nonzero(canvas)
    if not len(rows):
        return
    side = 1 if rng.random() < 0.7 else -1
    reach = columns * side > np.quantile(columns * side, 0.9)
    start = int(rng.choice(np.flatnonzero(reach))) if reach.any() else 0
    first = np.array([columns[start], rows[start]], float)
    last = first + np.array([side * rng.uniform(0.12, 0.5), rng.normal(0, 0.2)]) * BOX_PX
    middle = (first + last) / 2 + rng.normal(0, 0.12, 2) * BOX_PX
    _curve(canvas, first, middle, last, max(1, round(style.width_px)))


def _habit_of(label: int, style: Style, rng: Generator) -> Style:
    """Forms that whole regions write and neither MNIST nor the trajectories hold enough of."""
    if label == 1 and rng.random() < LEANING_ONES:
        return replace(style, slant=float(rng.uniform(0.3, 0.85)))
    if label == 1 and rng.random() < BARS:
        return replace(style, width_px=float(rng.uniform(10, 20)))
    if label == 9 and rng.random() < MIRRORED_NINES:
        return replace(style, aspect=-style.aspect, slant=style.slant + 0.1)
    if label == 0 and rng.random() < WIDE_ZEROS:
        return replace(style, aspect=float(rng.uniform(1.2, 1.9)), height=0.75 * style.height)
    return style


def _stamp(canvas: U8, image: U8, style: Style, at: tuple[float, float], rng: Generator) -> None:
    """Draw a 28 x 28 digit, its stroke made wider or thinner as the style's pen is."""
    scale = style.height * BOX_PX / MNIST_DIGIT_PX
    angle = np.deg2rad(style.rotation_deg)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.array([[style.aspect, -style.slant], [0, 1]]) * scale
    shift = np.asarray(at) - matrix @ np.array([13.5, 13.5])
    drawn = cv2.warpAffine(
        image, np.c_[matrix, shift], (CANVAS_PX, CANVAS_PX), flags=cv2.INTER_CUBIC
    )
    usual_px = 2.6 * scale  # MNIST's own stroke
    change = int(np.clip(style.width_px - usual_px, -0.35 * usual_px, 5) / 2)
    if change:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(change) + 1,) * 2)
        drawn = cv2.dilate(drawn, kernel) if change > 0 else cv2.erode(drawn, kernel)
    if scale > 2 and rng.random() < 0.7:  # a pen's edge is sharper than MNIST's blown up pixels
        drawn = cv2.convertScaleAbs(drawn, alpha=2.0, beta=-90.0) * (drawn > 45)
    np.maximum(canvas, drawn, out=canvas)


def _crossed(image: U8, rng: Generator) -> U8:
    """A seven with the bar across its stem that much of the world writes."""
    out = image.copy()
    row = int(rng.integers(14, 17))
    inked = np.flatnonzero(out[row] > 100)
    if not len(inked):
        return out
    middle, half = int(inked.mean()), int(rng.integers(3, 6))
    tilt = int(rng.integers(-1, 2))
    cv2.line(out, (middle - half, row + tilt), (middle + half, row - tilt), 255, 2, cv2.LINE_AA)
    return out


def write_blank(
    canvas: U8, width_px: float, height_px: float, style: Style, rng: Generator
) -> None:
    """One of the ways to leave a cell without a digit, in a box of the given size.

    Nothing; a dash or a stroke through the row; an X; a slash from corner to corner; a dot or a
    few; a wavy line; or a scribble over the whole box.
    """
    kinds = (_nothing, _dash, _cross, _slash, _dots, _wave, _scribble)
    chances = (0.42, 0.22, 0.12, 0.08, 0.06, 0.06, 0.04)
    kind = kinds[int(rng.choice(len(kinds), p=chances))]
    kind(canvas, width_px, height_px, max(1, round(style.width_px)), rng)


def _nothing(canvas: U8, width: float, height: float, pen: int, rng: Generator) -> None:
    del canvas, width, height, pen, rng


def _dash(canvas: U8, width: float, height: float, pen: int, rng: Generator) -> None:
    reach = rng.uniform(0.2, 0.5) if rng.random() < 0.75 else 0.8  # 0.8: goes on into neighbours
    for _ in range(2 if rng.random() < 0.08 else 1):
        y = MIDDLE + rng.normal(0, 0.12) * height
        tilt = rng.normal(0, 0.05) * height
        x = MIDDLE + rng.normal(0, 0.06) * width
        _line(canvas, (x - reach * width, y + tilt), (x + reach * width, y - tilt), pen, rng)


def _cross(canvas: U8, width: float, height: float, pen: int, rng: Generator) -> None:
    reach = rng.uniform(0.2, 0.55)
    for sign in (1, -1):
        dx, dy = reach * width * rng.uniform(0.75, 1.15), reach * height * rng.uniform(0.75, 1.15)
        x, y = MIDDLE + rng.normal(0, 0.05) * width, MIDDLE + rng.normal(0, 0.05) * height
        _line(canvas, (x - dx, y + sign * dy), (x + dx, y - sign * dy), pen, rng)


def _slash(canvas: U8, width: float, height: float, pen: int, rng: Generator) -> None:
    # Falling from corner to corner: a rising stroke is a leaning 1, to a person too.
    dx, dy = width * rng.uniform(0.42, 0.6), height * rng.uniform(0.36, 0.56)
    x, y = MIDDLE + rng.normal(0, 0.03) * width, MIDDLE + rng.normal(0, 0.03) * height
    _line(canvas, (x - dx, y - dy), (x + dx, y + dy), pen, rng)


def _dots(canvas: U8, width: float, height: float, pen: int, rng: Generator) -> None:
    for _ in range(int(rng.integers(1, 3))):
        x, y = MIDDLE + rng.normal(0, 0.15) * width, MIDDLE + rng.normal(0, 0.15) * height
        cv2.circle(canvas, (round(x), round(y)), max(1, pen // 2 + 1), 255, -1, cv2.LINE_AA)


def _wave(canvas: U8, width: float, height: float, pen: int, rng: Generator) -> None:
    x = np.linspace(MIDDLE - 0.42 * width, MIDDLE + 0.42 * width, 24)
    turns = rng.uniform(1.5, 4.5)
    y = MIDDLE + rng.uniform(0.04, 0.12) * height * np.sin(np.linspace(0, turns * np.pi, 24))
    points = np.round(np.stack([x, y], axis=1) * 16).astype(np.int32)
    cv2.polylines(canvas, [points], False, 255, pen, cv2.LINE_AA, 4)


def _scribble(canvas: U8, width: float, height: float, pen: int, rng: Generator) -> None:
    count = int(rng.integers(8, 20))
    sides = np.where(np.arange(count) % 2, 0.38, -0.38)
    x = MIDDLE + width * (sides + rng.normal(0, 0.06, count))
    y = MIDDLE + height * (np.linspace(-0.4, 0.4, count) + rng.normal(0, 0.06, count))
    points = np.round(np.stack([x, y], axis=1) * 16).astype(np.int32)
    cv2.polylines(canvas, [points], False, 255, pen, cv2.LINE_AA, 4)


def _line(
    canvas: U8, start: tuple[float, float], end: tuple[float, float], pen: int, rng: Generator
) -> None:
    """A stroke by hand: bent a little, not a ruler's."""
    first, last = np.array(start), np.array(end)
    across = np.array([-(last - first)[1], (last - first)[0]]) * rng.normal(0, 0.04)
    _curve(canvas, first, (first + last) / 2 + across, last, pen)


def _curve(canvas: U8, first: F64, middle: F64, last: F64, pen: int) -> None:
    t = np.linspace(0, 1, 9)[:, None]
    curve = (1 - t) ** 2 * first + 2 * t * (1 - t) * middle + t**2 * last
    cv2.polylines(canvas, [np.round(curve * 16).astype(np.int32)], False, 255, pen, cv2.LINE_AA, 4)


def random_label(rng: Generator, blank_share: float) -> int:
    """A class, 0 to 10: digits in equal shares."""
    return BLANK if rng.random() < blank_share else int(rng.integers(10))
