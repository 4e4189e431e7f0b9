"""One person's hand: digits, fillers and mistakes, written as ink at any place of a canvas."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tallywire.training.fillers import Fillers, Strokes
from tallywire.training.forms import bend_form
from tallywire.training.ink import Handwriting
from tallywire.training.strokes import TrajectoryPen, draw_digit

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
Ints = NDArray[np.int64]
Place = tuple[float, float]

MNIST_DIGIT_PX, MNIST_STROKE_PX = 20, 2.6
RARE_FORMS = 0.1  # of the digits that have one
OWN_DIGITS = 0.85  # of a known writer's digits are of this writer where there is one
LEANING_ONES, CROSS_BARS = 0.12, 0.3
FEWEST_POINTS = 3  # of a trajectory whose width can follow the pressure
SCRIBBLE_TURNS = (6, 16)

KINDS = (
    "x", "dash", "dot", "blot", "slash", "tilde", "equals", "star", "plus", "comma", "hash",
    "scribble", "bow",
)  # fmt: skip
CHANCES = (0.32, 0.21, 0.09, 0.08, 0.08, 0.05, 0.03, 0.03, 0.02, 0.02, 0.02, 0.03, 0.02)
SIZES: dict[str, tuple[float, float]] = {
    "x": (0.25, 1.15), "dash": (0.18, 0.95), "dot": (0.03, 0.16), "blot": (0.12, 0.36),
    "slash": (0.75, 1.4), "tilde": (0.3, 0.95), "equals": (0.25, 0.8), "star": (0.25, 0.9),
    "plus": (0.4, 0.95), "comma": (0.1, 0.25), "hash": (0.5, 1.0), "scribble": (0.5, 1.1),
    "bow": (0.4, 1.3),
}  # fmt: skip
"""Longer side of each sign, of the cell's shorter side."""


@dataclass(frozen=True, slots=True)
class Hands:
    """All handwriting of a run: digits, indexed by writer and label, and fillers."""

    digits: Handwriting
    fillers: Fillers
    own: dict[tuple[int, int], Ints]  # (writer, label) -> indices of trajectories
    writers: Ints


@dataclass(frozen=True, slots=True)
class Person:
    """Who writes one sheet, and how; lengths are shares of the cell's shorter side."""

    writer: int | None  # of the trajectories, None writes with MNIST's
    page: int  # about where in MNIST this hand is
    height: float
    pen: float
    rotation_deg: float
    slant: float
    aspect: float
    pressure: float
    wobble: float
    filler: str
    filler_size: float
    rare_forms: float


def know_hands(digits: Handwriting, fillers: Fillers) -> Hands:
    """Index what there is by writer."""
    own: dict[tuple[int, int], Ints] = {}
    writers = np.zeros(0, np.int64)
    if digits.trajectories is not None:
        labels, by = digits.trajectories.labels, digits.trajectories.writers
        writers = np.unique(by)
        for writer in writers:
            for label in range(10):
                found = np.flatnonzero((by == writer) & (labels == label))
                if len(found):
                    own[int(writer), label] = found
    return Hands(digits, fillers, own, writers)


def random_person(hands: Hands, rng: Generator) -> Person:
    """Somebody: small or large, thin pencil or felt pen, upright or leaning, with a filler."""
    traced = len(hands.writers) and rng.random() < hands.digits.trajectory_share
    height = _one_of(rng, ((0.62, 0.5, 0.95), (0.24, 0.3, 0.5), (0.14, 0.95, 1.3)))
    pen = _one_of(rng, ((0.8, 0.028, 0.09), (0.12, 0.09, 0.15), (0.08, 0.15, 0.22)))
    kind = KINDS[int(rng.choice(len(KINDS), p=CHANCES))]
    return Person(
        writer=int(rng.choice(hands.writers)) if traced else None,
        page=int(rng.integers(len(hands.digits.pixels.labels))),
        height=height,
        pen=min(pen, 0.2 * height),
        rotation_deg=float(np.clip(rng.normal(0, 4), -12, 12)),
        slant=float(rng.normal(0.08, 0.2)),
        aspect=float(rng.uniform(0.68, 1.3)),
        pressure=float(rng.choice([0.0, 0.0, rng.uniform(0.1, 0.6)])),
        wobble=float(rng.choice([0.0, rng.uniform(0, 0.03)])),
        filler=kind,
        filler_size=float(rng.uniform(*SIZES[kind])),
        rare_forms=float(rng.choice([0.0, RARE_FORMS, 3 * RARE_FORMS])),
    )


def _one_of(rng: Generator, parts: tuple[tuple[float, float, float], ...]) -> float:
    """A number from one of several ranges: (chance, low, high) each."""
    chances = [part[0] for part in parts]
    _, low, high = parts[int(rng.choice(len(parts), p=chances))]
    return float(rng.uniform(low, high))


def write_digit(
    canvas: U8, label: int, person: Person, hands: Hands, at: Place, short_px: float, rng: Generator
) -> None:
    """Write a digit with its centre at (x, y).

    Args:
        canvas: uint8 [H, W], 255 full ink; written on in place.
        label: 0 to 9.
        person: whose hand.
        hands: all handwriting.
        at: centre of the digit, px.
        short_px: the cell's shorter side.
        rng: the only source of chance.
    """
    pen = _pen(person, label, short_px, rng)
    strokes = bend_form(label, rng) if rng.random() < person.rare_forms else None
    if strokes is None and person.writer is not None:
        strokes = _trajectory(label, person.writer, hands, rng)
    if strokes is None:
        _stamp(canvas, _raster(label, person, hands, rng), pen, at, rng)
        return
    draw_digit(strokes, _even(pen, strokes), canvas, at)


def write_filler(
    canvas: U8, person: Person, hands: Hands, at: Place, short_px: float, rng: Generator
) -> None:
    """Write one of the signs that stand for nothing, mostly the one that this person uses."""
    kind, size = person.filler, person.filler_size
    if rng.random() < 0.12:
        kind = KINDS[int(rng.choice(len(KINDS), p=CHANCES))]
        size = float(rng.uniform(*SIZES[kind]))
    size_px = size * short_px * float(rng.normal(1, 0.1))
    pen_px = max(1.0, person.pen * short_px)
    if kind in ("dot", "blot"):
        _blot(canvas, at, size_px / 2 + pen_px / 2 * (kind == "dot"), rng)
    elif kind == "scribble":
        scribble(canvas, at, (0.7 * size_px, size_px), pen_px, rng)
    else:
        _sign(canvas, kind, hands, at, size_px, _pen(person, 8, short_px, rng), rng)


def _sign(
    canvas: U8,
    kind: str,
    hands: Hands,
    at: Place,
    size_px: float,
    pen: TrajectoryPen,
    rng: Generator,
) -> None:
    strokes = _bow(rng) if kind == "bow" else hands.fillers.draw(kind, rng)
    if not strokes:
        return
    # Falling from corner to corner: a rising stroke is a leaning 1, to a person too.
    aspect = -1.0 if kind == "slash" else float(rng.uniform(0.75, 1.3))
    points = np.concatenate(strokes) * np.array([aspect, 1.0])
    extent = np.ptp(points, axis=0)
    # `draw_digit` scales by height, or by width where that is much more.
    size = max(float(extent[1]), 0.75 * float(extent[0]), 1e-3)
    height = size_px * size / max(float(extent.max()), 1e-3)
    turned = float(rng.normal(0, 5)) if kind != "slash" else float(rng.uniform(-4, 12))
    drawn = replace(pen, height_px=height, aspect=aspect, slant=0.0, rotation_deg=turned)
    draw_digit(strokes, _even(drawn, strokes), canvas, at)


def _bow(rng: Generator) -> Strokes:
    """A lying stroke, bent a little."""
    line = np.linspace(-0.5, 0.5, 9)
    bow = np.stack([line, rng.uniform(-0.12, 0.12) * np.cos(line * 3.1)], axis=1)
    return (bow.astype(np.float32),)


def _blot(canvas: U8, at: Place, radius_px: float, rng: Generator) -> None:
    axes = (max(1, round(radius_px)), max(1, round(radius_px * rng.uniform(0.7, 1.2))))
    centre = (round(at[0]), round(at[1]))
    cv2.ellipse(canvas, centre, axes, float(rng.uniform(0, 180)), 0, 360, 255, -1, cv2.LINE_AA)


def scribble(canvas: U8, at: Place, size_px: Place, pen_px: float, rng: Generator) -> None:
    """A pen run to and fro over a place of this width and height."""
    turns = int(rng.integers(*SCRIBBLE_TURNS))
    sides = np.where(np.arange(turns) % 2, 0.5, -0.5) + rng.normal(0, 0.08, turns)
    along = np.linspace(-0.5, 0.5, turns) + rng.normal(0, 0.06, turns)
    x, y = (sides, along) if rng.random() < 0.6 else (along, sides)
    run(canvas, np.stack([at[0] + x * size_px[0], at[1] + y * size_px[1]], axis=1), pen_px)


def strike(canvas: U8, at: Place, size_px: float, pen_px: float, rng: Generator) -> None:
    """One to three strokes through what stands at a place."""
    for _ in range(int(rng.integers(1, 4))):
        angle = rng.uniform(-0.9, 0.9)
        reach = 0.6 * size_px * np.array([np.cos(angle), np.sin(angle)])
        middle = np.asarray(at) + rng.normal(0, 0.08, 2) * size_px
        run(canvas, np.stack([middle - reach, middle + reach]), pen_px)


def run(canvas: U8, points: F64, pen_px: float) -> None:
    """Draw a line of points, float64 [N, 2], as ink."""
    fixed = np.round(points * 16).astype(np.int32)
    cv2.polylines(canvas, [fixed], False, 255, max(1, round(pen_px)), cv2.LINE_AA, 4)


def _pen(person: Person, label: int, short_px: float, rng: Generator) -> TrajectoryPen:
    slant = person.slant + rng.normal(0, 0.05)
    if label == 1 and rng.random() < LEANING_ONES:
        slant = rng.uniform(0.3, 0.8)
    return TrajectoryPen(
        height_px=max(4.0, person.height * short_px * rng.normal(1, 0.09)),
        width_px=person.pen * short_px * rng.normal(1, 0.06),
        rotation_deg=person.rotation_deg + rng.normal(0, 2.5),
        slant=float(slant),
        aspect=person.aspect * rng.normal(1, 0.07),
        pressure=person.pressure,
        wobble=person.wobble,
        phase=float(rng.uniform(0, 6.28)),
    )


def _even(pen: TrajectoryPen, strokes: Strokes) -> TrajectoryPen:
    """Without pressure where a stroke is too short to show any."""
    short = min(len(stroke) for stroke in strokes) < FEWEST_POINTS
    return replace(pen, pressure=0.0) if short else pen


def _trajectory(label: int, writer: int, hands: Hands, rng: Generator) -> Strokes:
    trajectories = hands.digits.trajectories
    assert trajectories is not None  # noqa: S101 - there are writers only where there are some
    own = hands.own.get((writer, label))
    if own is None or rng.random() > OWN_DIGITS:
        own = hands.digits.trajectories_of[label]
    return trajectories.digits[int(own[int(rng.integers(len(own)))])]


def _raster(label: int, person: Person, hands: Hands, rng: Generator) -> U8:
    known = hands.digits.pixels_of[label]
    near = np.searchsorted(known, person.page) + int(rng.integers(-6, 7))
    image = hands.digits.pixels.images[int(known[int(near) % len(known)])]
    return _crossed(image, rng) if label == 7 and rng.random() < CROSS_BARS else image


def _crossed(image: U8, rng: Generator) -> U8:
    """A seven with the bar across its stem that much of the world writes."""
    out = image.copy()
    row = int(rng.integers(14, 17))
    inked = np.flatnonzero(out[row] > 100)
    if len(inked):
        middle, half, tilt = int(inked.mean()), int(rng.integers(3, 6)), int(rng.integers(-1, 2))
        ends = (middle - half, row + tilt), (middle + half, row - tilt)
        cv2.line(out, *ends, 255, 2, cv2.LINE_AA)
    return out


def _stamp(canvas: U8, image: U8, pen: TrajectoryPen, at: Place, rng: Generator) -> None:
    """Draw a 28 x 28 digit, its stroke made wider or thinner as the pen is."""
    scale = pen.height_px / MNIST_DIGIT_PX
    tile = 2 * int(20 * scale + 6)
    angle = np.deg2rad(pen.rotation_deg)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.array([[pen.aspect, -pen.slant], [0, 1]]) * scale
    corner = np.floor(np.asarray(at)) - tile // 2
    shift = np.asarray(at) - corner - matrix @ np.array([13.5, 13.5])
    drawn = cv2.warpAffine(image, np.c_[matrix, shift], (tile, tile), flags=cv2.INTER_CUBIC)
    usual_px = MNIST_STROKE_PX * scale
    change = int(np.clip(pen.width_px - usual_px, -0.45 * usual_px, 8) / 2)
    if change:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(change) + 1,) * 2)
        drawn = cv2.dilate(drawn, kernel) if change > 0 else cv2.erode(drawn, kernel)
    if scale > 1.6 and rng.random() < 0.7:  # a pen's edge is sharper than MNIST's pixels
        drawn = cv2.convertScaleAbs(drawn, alpha=2.0, beta=-90.0) * (drawn > 45)
    _lay(canvas, np.asarray(drawn, np.uint8), int(corner[0]), int(corner[1]))


def _lay(canvas: U8, tile: U8, left: int, top: int) -> None:
    """The darker of canvas and tile, where they meet."""
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(canvas.shape[1], left + tile.shape[1]), min(canvas.shape[0], top + tile.shape[0])
    if x1 > x0 and y1 > y0:
        part = canvas[y0:y1, x0:x1]
        np.maximum(part, tile[y0 - top : y1 - top, x0 - left : x1 - left], out=part)
