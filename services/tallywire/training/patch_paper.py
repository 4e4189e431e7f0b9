"""What lies under the print and over the ink of a piece of a form, and how it is worn."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tallywire.training.patch_forms import DrawnForm, Press, paste

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

CHANCE_WATERMARK, CHANCE_WAVES, CHANCE_CREST, CHANCE_GRAIN = 0.16, 0.12, 0.1, 0.3


def lay_paper(form: DrawnForm, press: Press, rng: Generator) -> F32:
    """Light of the bare paper, float32 [height_px, width_px], 0 to 255: level, grain, and what is
    printed behind everything (letters of a watermark, waves of security paper, crests)."""
    light = np.full((form.height_px, form.width_px), rng.uniform(190, 255), np.float32)
    if rng.random() < CHANCE_WATERMARK:
        _watermark(light, form, press, rng)
    if rng.random() < CHANCE_WAVES:
        _waves(light, form, rng)
    if rng.random() < CHANCE_CREST:
        _crests(light, form, press, rng)
    if rng.random() < CHANCE_GRAIN:
        light += rng.uniform(1, 9) * noise(light.shape, int(rng.integers(8, 60)), rng)
    return light


def noise(shape: tuple[int, ...], fineness: int, rng: Generator) -> F32:
    """Smooth noise of deviation about 1, with `fineness` knots along the longer side."""
    coarse = rng.standard_normal((fineness, fineness), np.float32)
    side = max(shape)
    grown = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_LINEAR)
    return np.asarray(grown[: shape[0], : shape[1]], np.float32)


def _watermark(light: F32, form: DrawnForm, press: Press, rng: Generator) -> None:
    """Letters as large as the cells or larger, pale, behind everything."""
    layer = np.zeros(light.shape, np.uint8)
    size = rng.uniform(0.5, 2.6) * form.short_px
    for _ in range(int(rng.integers(1, 9))):
        letter = press.letters[int(rng.integers(len(press.letters)))]
        at = rng.uniform(-0.5 * size, light.shape[1]), rng.uniform(-0.5 * size, light.shape[0])
        paste(layer, letter, at, size)
    if rng.random() < 0.6:
        turn = cv2.getRotationMatrix2D(
            (light.shape[1] / 2, light.shape[0] / 2), rng.uniform(-60, 60), 1.3
        )
        layer = np.asarray(cv2.warpAffine(layer, turn, light.shape[::-1]), np.uint8)
    if rng.random() < 0.25:  # outlines alone
        layer = np.asarray(cv2.morphologyEx(layer, cv2.MORPH_GRADIENT, np.ones((3, 3))), np.uint8)
    light *= 1 - (rng.uniform(0.04, 0.35) / 255) * layer.astype(np.float32)


def _waves(light: F32, form: DrawnForm, rng: Generator) -> None:
    """Bundles of fine lines as security paper has them."""
    y, x = np.mgrid[: light.shape[0], : light.shape[1]].astype(np.float32)
    for _ in range(int(rng.integers(1, 3))):
        angle = rng.uniform(0, 3.14)
        along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
        wave = rng.uniform(0, 0.3) * form.short_px
        phase = along + wave * np.sin(across * (6.28 / (form.short_px * rng.uniform(0.4, 2))))
        lines = np.sin(phase * (6.28 / (form.short_px * rng.uniform(0.06, 0.35)))) > rng.uniform(
            0, 0.9
        )
        light *= 1 - rng.uniform(0.03, 0.22) * lines


def _crests(light: F32, form: DrawnForm, press: Press, rng: Generator) -> None:
    """One small pale emblem again and again: rings, strokes, a letter."""
    side = max(10, round(rng.uniform(0.4, 1.6) * form.short_px))
    tile = np.zeros((side, side), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        centre = tuple(int(value) for value in rng.integers(0, side, 2))
        axes = tuple(int(value) for value in rng.integers(2, max(3, side // 2), 2))
        thick = int(rng.choice([-1, 1, 2]))
        turned = float(rng.uniform(0, 180))
        cv2.ellipse(tile, centre, axes, turned, 0, float(rng.uniform(120, 360)), 255, thick)
    letter = press.letters[int(rng.integers(len(press.letters)))]
    paste(tile, letter, (side * 0.2, side * 0.2), side * rng.uniform(0.2, 0.7))
    gap = int(rng.integers(0, side))
    tile = np.pad(tile, ((0, gap), (0, gap)))
    times = light.shape[0] // tile.shape[0] + 1, light.shape[1] // tile.shape[1] + 1
    layer = np.tile(tile, times)[: light.shape[0], : light.shape[1]]
    light *= 1 - (rng.uniform(0.04, 0.3) / 255) * layer.astype(np.float32)


def lay_ink(light: F32, ink: U8, short_px: float, rng: Generator) -> None:
    """Darken `light` in place by the writing, with the unevenness of pens and pencils.

    Args:
        light: float32 [H, W], 0 to 255.
        ink: uint8 [H, W], 255 full ink.
        short_px: the cells' shorter side.
        rng: the only source of chance.
    """
    softened = cv2.GaussianBlur(ink, (0, 0), max(0.4, short_px * rng.uniform(0.006, 0.02)))
    cover = softened.astype(np.float32) / 255
    kind = rng.random()
    if kind < 0.3:  # a pencil or a dry pen
        cover *= np.clip(
            1.0 - rng.uniform(0.1, 0.5) * (1 + noise(ink.shape, int(rng.integers(20, 110)), rng)),
            0.1, 1,
        )  # fmt: skip
    dark = rng.uniform(0.45, 0.98) if rng.random() < 0.82 else rng.uniform(0.14, 0.45)
    light *= 1 - dark * cover


def shine_through(light: F32, ink: U8, rng: Generator) -> None:
    """What is written on the other side: mirrored, soft and pale."""
    behind = cv2.GaussianBlur(ink[:, ::-1], (0, 0), rng.uniform(1.0, 3.0))
    shift = rng.integers(-20, 20, 2)
    moved = np.roll(behind, tuple(int(value) for value in shift), (0, 1)).astype(np.float32)
    light *= 1 - (rng.uniform(0.05, 0.3) / 255) * moved


def put_stamp(light: F32, form: DrawnForm, press: Press, rng: Generator) -> None:
    """A ring or a box with words, in pale ink, anywhere."""
    layer = np.zeros(light.shape, np.uint8)
    x, y = (int(rng.integers(0, side)) for side in light.shape[::-1])
    radius = int(form.short_px * rng.uniform(0.6, 1.6))
    thick = max(1, round(form.short_px * rng.uniform(0.02, 0.08)))
    if rng.random() < 0.6:
        cv2.circle(layer, (x, y), radius, 255, thick, cv2.LINE_AA)
        cv2.circle(layer, (x, y), max(2, int(0.7 * radius)), 255, thick, cv2.LINE_AA)
    else:
        cv2.rectangle(
            layer, (x - radius, y - radius // 2), (x + radius, y + radius // 2), 255, thick
        )
    for step in range(int(rng.integers(1, 4))):
        word = press.words[int(rng.integers(len(press.words)))]
        paste(
            layer, word, (x - radius * 0.6, y - radius * 0.3 + step * 0.3 * radius), 0.25 * radius
        )
    turn = cv2.getRotationMatrix2D((x, y), rng.uniform(-40, 40), 1.0)
    turned = cv2.warpAffine(layer, turn, light.shape[::-1]).astype(np.float32)
    worn = np.clip(0.7 + 0.5 * noise(light.shape, 40, rng), 0, 1)
    light *= 1 - (rng.uniform(0.15, 0.6) / 255) * turned * worn


def wear(light: F32, rng: Generator) -> None:
    """Folds, hairs and dirt, in place."""
    height, width = light.shape
    for _ in range(int(rng.integers(1, 4))):
        start = rng.uniform(0, 1, 2) * (width, height)
        end = start + rng.normal(0, 0.5, 2) * (width, height)
        first, last = (tuple(int(v) for v in point) for point in (start, end))
        shade = float(rng.uniform(60, 200))
        if rng.random() < 0.5:
            cv2.line(light, first, last, shade, 1)
        else:
            cv2.circle(light, first, int(rng.integers(1, 4)), shade, -1)
