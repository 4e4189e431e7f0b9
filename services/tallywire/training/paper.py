"""What lies under and over the ink: paper, printed boxes, shadow, and a scanner's work."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tallywire.training.ink import BOX_PX, CANVAS_PX, MIDDLE

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

AWAY = np.arange(CANVAS_PX, dtype=np.float32) - MIDDLE
X, Y = np.meshgrid(AWAY, AWAY)


@dataclass(frozen=True, slots=True)
class PrintedBox:
    """Width and height of the printed box in the middle of the canvas, px."""

    width_px: float
    height_px: float


def random_box(rng: Generator) -> PrintedBox:
    """Boxes of forms are square, upright or wide; the longer side is always 84 px."""
    kind = rng.random()
    if kind < 0.4:
        return PrintedBox(BOX_PX * rng.uniform(0.6, 1), BOX_PX)
    if kind < 0.6:
        return PrintedBox(BOX_PX, BOX_PX * rng.uniform(0.65, 1))
    return PrintedBox(BOX_PX, BOX_PX)


def random_paper(rng: Generator) -> F32:
    """Light, float32 [112, 112] in 0..255: level, shadow, grain, and a pattern printed under."""
    paper = np.full((CANVAS_PX, CANVAS_PX), rng.uniform(150, 255), np.float32)
    if rng.random() < 0.55:
        paper *= _shadow(rng)
    if rng.random() < 0.45:
        paper += rng.uniform(1, 10) * _grain(rng, int(rng.integers(10, 112)))
    if rng.random() < 0.25:
        paper += rng.uniform(2, 16) * _pattern(rng)
    return paper


def _shadow(rng: Generator) -> F32:
    """A gradient of light, or the edge of a hand's shadow."""
    angle, depth = rng.uniform(0, 6.28), rng.uniform(0.05, 0.45)
    along = (np.cos(angle) * X + np.sin(angle) * Y) / CANVAS_PX
    if rng.random() < 0.6:
        return np.asarray(1 - depth * (along + 0.5), np.float32)
    edge = rng.uniform(4, 30)
    return np.asarray(
        1 - depth * (0.5 + 0.5 * np.tanh(edge * (along + rng.normal(0, 0.3)))), np.float32
    )


def _grain(rng: Generator, fineness: int) -> F32:
    coarse = rng.standard_normal((fineness, fineness), np.float32)
    return np.asarray(cv2.resize(coarse, (CANVAS_PX, CANVAS_PX)), np.float32)


def _pattern(rng: Generator) -> F32:
    """Lines as security paper and ruled forms have them."""
    out = np.zeros((CANVAS_PX, CANVAS_PX), np.float32)
    for _ in range(int(rng.integers(1, 3))):
        angle, period = rng.uniform(0, 3.14), rng.uniform(5, 25)
        wave = rng.uniform(0, 4) * np.sin(Y / rng.uniform(8, 30))
        phase = (np.cos(angle) * X + np.sin(angle) * Y + wave) * 6.28 / period
        out -= np.sin(phase) > rng.uniform(0.2, 0.95)
    return out


def print_box(light: F32, box: PrintedBox, rng: Generator) -> None:
    """Darken `light` in place by the box's lines: any thickness and shade, dotted, or none."""
    if rng.random() < 0.12:
        return
    lines = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
    thick = max(1, round(float(np.exp(rng.uniform(0, np.log(6.5))))))
    off_x, off_y = rng.normal(0, 0.022 * BOX_PX, 2)  # alignment is never exact
    half_w, half_h = box.width_px / 2, box.height_px / 2
    left, right = MIDDLE - half_w + off_x, MIDDLE + half_w + off_x
    top, bottom = MIDDLE - half_h + off_y, MIDDLE + half_h + off_y
    kind = rng.random()
    if kind < 0.45:
        _rectangle(lines, left, top, right, bottom, thick)
    elif kind < 0.7:
        _grid(lines, left, top, right, bottom, thick)
    elif kind < 0.9:
        step = box.width_px + rng.uniform(4, 18)
        for shift in (-step, 0, step):
            _rectangle(lines, left + shift, top, right + shift, bottom, thick)
    else:  # only a line to write on
        cv2.line(lines, (0, round(bottom)), (CANVAS_PX, round(bottom)), 255, thick)
    if rng.random() < 0.12:
        period = int(rng.integers(3, 8))
        lines[(np.add.outer(np.arange(CANVAS_PX), np.arange(CANVAS_PX)) // period) % 2 == 0] = 0
    lines = _tilt(lines, float(rng.normal(0, 0.6)))
    light *= 1 - rng.uniform(0.08, 0.95) * (lines.astype(np.float32) / 255)
    if rng.random() < 0.12:  # the box's ground is tinted, or the form's around it
        inside = (np.abs(X - off_x) < half_w) & (np.abs(Y - off_y) < half_h)
        light[inside if rng.random() < 0.5 else ~inside] *= rng.uniform(0.7, 0.97)


def _rectangle(lines: U8, left: float, top: float, right: float, bottom: float, thick: int) -> None:
    cv2.rectangle(lines, (round(left), round(top)), (round(right), round(bottom)), 255, thick)


def _grid(lines: U8, left: float, top: float, right: float, bottom: float, thick: int) -> None:
    for x in (left, right):
        cv2.line(lines, (round(x), 0), (round(x), CANVAS_PX), 255, thick)
    for y in (top, bottom):
        cv2.line(lines, (0, round(y)), (CANVAS_PX, round(y)), 255, thick)


def _tilt(image: U8, degrees: float) -> U8:
    turn = cv2.getRotationMatrix2D((MIDDLE, MIDDLE), degrees, 1.0)
    return np.asarray(cv2.warpAffine(image, turn, (CANVAS_PX, CANVAS_PX)), np.uint8)


def lay_ink(light: F32, ink: U8, darkness: float, rng: Generator) -> None:
    """Darken `light` in place by the ink, with the unevenness of pens and pencils.

    Args:
        light: float32 [112, 112], 0 to 255.
        ink: uint8 [112, 112], 255 full ink.
        darkness: 0 to 1, of full ink.
        rng: the only source of chance.
    """
    cover = cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.4, 1.3)).astype(np.float32) / 255
    if rng.random() < 0.3:  # a pencil or a dry pen
        cover *= np.clip(
            1.0 - rng.uniform(0.1, 0.5) * (1 + _grain(rng, int(rng.integers(20, 60)))), 0.15, 1
        )
    light *= 1 - darkness * cover


def random_darkness(rng: Generator) -> float:
    """How dark the ink is: mostly clear, some pale pencils."""
    return float(rng.uniform(0.35, 0.97) if rng.random() < 0.85 else rng.uniform(0.16, 0.35))


def scan(light: F32, rng: Generator) -> U8:
    """What a scanner, a phone or a fax makes of the paper: uint8 [side, side], its own resolution.

    The box is 19 to 84 px long in it; noise, blur, JPEG, sharpening, or two levels only.
    """
    box_px = rng.uniform(19, 34) if rng.random() < 0.2 else rng.uniform(34, 84)
    side = max(22, round(CANVAS_PX * box_px / BOX_PX))
    if rng.random() < 0.25:
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), rng.uniform(0.8, 2.4)), np.float32)
    shrunk = cv2.resize(light, (side, side), interpolation=cv2.INTER_AREA)
    small = np.asarray(shrunk, np.float32)
    if rng.random() < 0.2:
        soft = cv2.GaussianBlur(small, (0, 0), 1.2)
        small = small + rng.uniform(0.3, 1.5) * (small - soft)
    small = small + rng.uniform(0, 7) * rng.standard_normal(small.shape, np.float32)
    image: U8 = np.clip(small, 0, 255).astype(np.uint8)
    kind = rng.random()
    if kind < 0.10:
        return _bilevel(image, rng)
    if kind < 0.65:
        return _jpeg(image, int(rng.integers(25, 92)))
    return image


def _bilevel(image: U8, rng: Generator) -> U8:
    around = cv2.blur(image, (max(3, image.shape[0] // 2),) * 2).astype(np.float32)
    darker = image < around * rng.uniform(0.75, 0.93)
    out = np.where(darker, 0, 255).astype(np.uint8)
    pepper = rng.random(image.shape) < rng.uniform(0, 0.008)
    out[pepper] = 255 - out[pepper]
    return np.asarray(out, np.uint8)


def _jpeg(image: U8, quality: int) -> U8:
    _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)
