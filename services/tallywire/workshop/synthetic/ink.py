"""Ink on paper: digits in their cells, blanks, words and signatures beside them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.records import BLANK
from tallywire.sheet.layout import Box
from tallywire.workshop.synthetic.conditions import Condition
from tallywire.workshop.synthetic.handwriting import Hand, Writer
from tallywire.workshop.synthetic.signs import Blank, Signs

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

PEN_COLOURS = ((150, 62, 28), (120, 40, 22), (175, 85, 35), (38, 34, 32), (20, 18, 18))  # BGR
PENCIL = (95, 92, 90)
USUAL_HEIGHT = (0.58, 0.8)  # digit over cell height
CROSSING_HEIGHT = (0.95, 1.2)
WIDEST = 0.86  # digit over cell width, unless it crosses


@dataclass(frozen=True, slots=True)
class PenInk:
    """What a sheet is written with. `colour` is BGR; `grain` 0 to 1 is how patchy the ink is."""

    colour: tuple[int, int, int]
    strength: float
    grain: float


@dataclass(frozen=True, slots=True)
class WritingTools:
    """Everything one person writes a sheet with."""

    hand: Hand
    writer: Writer
    pen: PenInk
    px_per_mm: float
    rng: np.random.Generator


def choose_writer(cell_height_mm: float, rng: np.random.Generator) -> Writer:
    """A person's style for cells of this height."""
    return Writer(
        identity=int(rng.integers(2**31)),
        height_mm=float(cell_height_mm * rng.uniform(*USUAL_HEIGHT)),
        aspect=float(rng.uniform(0.85, 1.12)),
        slant=float(rng.normal(0.05, 0.12)),
        stroke_mm=float(rng.uniform(0.45, 0.85)),
    )


def choose_pen(condition: Condition, rng: np.random.Generator) -> PenInk:
    """A ball pen, or now and then a pencil."""
    strength = float(rng.uniform(*condition.ink))
    if rng.random() < condition.pencil_chance:
        return PenInk(PENCIL, 0.85 * strength, float(rng.uniform(0.35, 0.6)))
    colour = PEN_COLOURS[int(rng.integers(len(PEN_COLOURS)))]
    return PenInk(colour, strength, float(rng.uniform(0.05, 0.25)))


def write_row(
    paper: U8, cells: tuple[Box, ...], signs: Signs, tools: WritingTools, crossing_chance: float
) -> None:
    """Write one row's signs into its cells, on `paper` (uint8 [H, W, 3], BGR, changed)."""
    base = tools.rng.normal(0, 0.03)
    for cell, sign in zip(cells, signs, strict=True):
        if sign < BLANK:
            _write_digit(paper, cell, sign, tools, base, crossing_chance)
        elif sign != Blank.EMPTY:
            _write_blank(paper, cell, Blank(sign), tools)


def scribble(paper: U8, box: Box, tools: WritingTools, *, size_mm: float) -> None:
    """Handwriting that says nothing: words on a line, or a signature if `size_mm` is large."""
    rng = tools.rng
    x_mm, strokes = box.x_mm + 1, []
    end = box.x_mm + box.width_mm * rng.uniform(0.45, 0.9)
    while x_mm < end:
        wide = min(float(rng.uniform(2.5, 6)) * size_mm, end - x_mm)
        strokes.append(_word(x_mm, box.y_mm + 0.8 * box.height_mm, wide, size_mm, tools))
        x_mm += wide + 0.9 * size_mm
    for stroke in strokes:
        _stroke(paper, stroke, tools, 0.7 * tools.writer.stroke_mm)


def _word(x_mm: float, base_mm: float, wide_mm: float, size_mm: float, tools: WritingTools) -> F64:
    """Float64 [P, 2] mm: a cursive line as wide as a word, with tall, low and round letters."""
    rng = tools.rng
    letters = max(2, int(wide_mm / (0.62 * size_mm)))
    at = np.linspace(0, 1, letters * 10)
    knots = np.linspace(0, 1, letters + 1)
    phase = 2 * np.pi * letters * (at + rng.normal(0, 0.012) * np.sin(7 * at))
    heights = rng.choice([0.42, 0.5, 1.05], letters + 1, p=[0.5, 0.25, 0.25])
    depths = rng.choice([0.0, 0.06, 0.55], letters + 1, p=[0.55, 0.35, 0.1])
    high, low = np.interp(at, knots, heights), np.interp(at, knots, depths)
    loops = np.interp(at, knots, rng.uniform(-0.12, 0.26, letters + 1))
    y = base_mm - size_mm * (high * (1 - np.cos(phase)) / 2 - low * (1 + np.cos(phase)) / 2)
    x = x_mm + wide_mm * at + loops * size_mm * np.sin(phase) + tools.writer.slant * (base_mm - y)
    return np.stack([x, y], axis=1)


def _write_digit(
    paper: U8, cell: Box, digit: int, tools: WritingTools, base: float, crossing_chance: float
) -> None:
    rng = tools.rng
    crosses = rng.random() < crossing_chance
    height_mm = tools.writer.height_mm * rng.uniform(0.9, 1.08)
    if crosses:
        height_mm = cell.height_mm * rng.uniform(*CROSSING_HEIGHT)
    mask = tools.hand(digit, height_mm * tools.px_per_mm, tools.writer, rng)
    widest = cell.width_mm * tools.px_per_mm * (1.1 if crosses else WIDEST)
    if mask.shape[1] > widest:
        share = widest / mask.shape[1]
        size = max(1, int(widest)), max(1, round(share * mask.shape[0]))
        mask = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), np.float32)
    drift = np.clip(rng.normal(0, 0.05, 2), -0.11, 0.11) * (2.2 if crosses else 1.0)
    x_mm, y_mm = cell.center_mm
    x_px = (x_mm + drift[0] * cell.width_mm) * tools.px_per_mm - mask.shape[1] / 2
    y_px = (y_mm + (drift[1] + base) * cell.height_mm) * tools.px_per_mm - mask.shape[0] / 2
    lay_ink(paper, mask, round(x_px), round(y_px), tools.pen, rng)


def _write_blank(paper: U8, cell: Box, blank: Blank, tools: WritingTools) -> None:
    rng = tools.rng
    (x, y), reach = cell.center_mm, min(cell.width_mm, cell.height_mm) / 2
    far = rng.uniform(0.55, 0.9) * reach
    flat = rng.normal(0, 0.12) * reach
    lines = {
        Blank.DASH: (((-far, flat), (far, -flat)),),
        # It falls: a rising stroke is a leaning 1, to a person too.
        Blank.SLASH: (((-far, -far + flat), (far, far)),),
        Blank.CROSS: (((-far, far), (far, -far + flat)), ((-far, -far + flat), (far, far))),
    }[blank]
    for line in lines:
        points = np.array(line) + np.array([x, y]) + rng.normal(0, 0.03 * reach, (2, 2))
        _stroke(paper, _bend(points, rng), tools, tools.writer.stroke_mm)


def _bend(ends: F64, rng: np.random.Generator) -> F64:
    """A slightly curved stroke between two points, [12, 2]."""
    at = np.linspace(0, 1, 12)[:, None]
    along = ends[1] - ends[0]
    across = np.array([-along[1], along[0]]) * rng.normal(0, 0.06)
    return np.asarray(ends[0] + at * along + np.sin(np.pi * at) * across)


def _stroke(paper: U8, points_mm: F64, tools: WritingTools, stroke_mm: float) -> None:
    """Draw one pen stroke through points."""
    scale, half = tools.px_per_mm, stroke_mm * tools.px_per_mm
    low = np.floor(points_mm.min(axis=0) * scale - half - 2).astype(int)
    high = np.ceil(points_mm.max(axis=0) * scale + half + 2).astype(int)
    size = high - low
    mask = np.zeros((int(size[1]), int(size[0])), np.uint8)
    fixed = np.rint((points_mm * scale - low) * 16).astype(np.int32)
    width = max(1, round(half))
    cv2.polylines(
        mask, [fixed], isClosed=False, color=255, thickness=width, lineType=cv2.LINE_AA, shift=4
    )
    soft = mask.astype(np.float32) / np.float32(255)
    lay_ink(paper, soft, int(low[0]), int(low[1]), tools.pen, tools.rng)


def lay_ink(
    paper: U8, mask: F32, x_px: int, y_px: int, pen: PenInk, rng: np.random.Generator
) -> None:
    """Darken `paper` where `mask` (float32 [h, w], 0 to 1) has ink; what leaves the page is lost.

    Ink takes light away, so crossing strokes and the printed lines below stay visible.
    """
    height, width = mask.shape
    top, left = max(y_px, 0), max(x_px, 0)
    bottom, right = min(y_px + height, paper.shape[0]), min(x_px + width, paper.shape[1])
    if bottom <= top or right <= left:
        return
    cut = mask[top - y_px : bottom - y_px, left - x_px : right - x_px]
    pressure = 1 - pen.grain * _grain(cut.shape, pen.grain, rng)
    alpha = (cut * pressure * (pen.strength * rng.uniform(0.9, 1.0)))[:, :, None]
    taken = 1 - np.array(pen.colour, np.float32) / 255
    area = paper[top:bottom, left:right]
    area[:] = area * (1 - alpha * taken)


def _grain(shape: tuple[int, ...], grain: float, rng: np.random.Generator) -> F32:
    """Float32 [h, w], 0 to 1: slow changes of pressure, and the paper's tooth for a pencil."""
    size = shape[1], shape[0]
    slow = cv2.resize(rng.random((3, 3), np.float32), size, interpolation=cv2.INTER_CUBIC)
    if grain < 0.3:
        return np.asarray(np.clip(slow, 0, 1), np.float32)
    coarse = rng.random(((shape[0] + 1) // 2, (shape[1] + 1) // 2), np.float32)
    tooth = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(0.4 * slow + 0.9 * tooth, 0, 1), np.float32)
