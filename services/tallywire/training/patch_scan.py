"""What a scanner, a phone, a copier or a fax makes of a piece of paper, at its own resolution."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tallywire.training.patch_paper import noise

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

SHORT_PX = (14.0, 72.0)
"""Shorter side of a cell in a scan, from a fifth of a page photographed to 300 dpi."""
BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.float32) / 16


def scan(light: F32, scale: float, rng: Generator, *, plain: bool = False) -> U8:
    """Scan a piece of paper.

    Args:
        light: float32 [H, W], 0 to 255; changed in place.
        scale: px of the scan by px of the canvas.
        rng: the only source of chance.
        plain: by a fair scanner, in grey and in focus.

    Returns:
        uint8 [about H * scale, about W * scale].
    """
    if plain:
        return _scan_well(light, scale, rng)
    if rng.random() < 0.4:
        light *= _shade(light.shape, rng)
    kind = rng.random()
    finer = float(rng.choice([1.0, 1.4, 2.0])) if kind < 0.3 else 1.0
    small = _resized(light, min(1.0, scale * finer) if finer > 1 else scale)
    small = _optics(small, rng)
    if kind < 0.12:
        image = _two_levels(small, rng)
    elif kind < 0.16:
        image = _dithered(small, rng)
    elif kind < 0.3:
        image = _copied(small, rng)
    else:
        image = _bytes(small)
    size = max(8, round(light.shape[1] * scale)), max(8, round(light.shape[0] * scale))
    if image.shape[::-1] != size:
        method = cv2.INTER_AREA if rng.random() < 0.8 else cv2.INTER_LINEAR
        image = np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)
    if rng.random() < 0.22:
        image = _relevelled(image, rng)
    return _jpeg(image, int(rng.integers(18, 95))) if rng.random() < 0.6 else image


def _scan_well(light: F32, scale: float, rng: Generator) -> U8:
    small = _resized(light, scale)
    if rng.random() < 0.4:
        small = np.asarray(cv2.GaussianBlur(small, (0, 0), rng.uniform(0.3, 0.8)), np.float32)
    small = small + np.float32(rng.uniform(0, 4)) * rng.standard_normal(small.shape, np.float32)
    image = _two_levels(small, rng) if rng.random() < 0.1 else _bytes(small)
    if rng.random() < 0.15:
        image = _relevelled(image, rng)
    return _jpeg(image, int(rng.integers(50, 96))) if rng.random() < 0.6 else image


def _shade(shape: tuple[int, ...], rng: Generator) -> F32:
    """A gradient of light, or the edge of a shadow: float32 [H, W], at most 1."""
    y = np.linspace(-0.5, 0.5, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-0.5, 0.5, shape[1], dtype=np.float32)[None]
    angle, depth = rng.uniform(0, 6.28), rng.uniform(0.05, 0.5)
    along = np.cos(angle) * x + np.sin(angle) * y
    if rng.random() < 0.6:
        return np.asarray(1 - depth * (along + 0.5), np.float32)
    edge = np.tanh(rng.uniform(4, 40) * (along + rng.normal(0, 0.25)))
    return np.asarray(1 - depth * (0.5 + 0.5 * edge), np.float32)


def _resized(light: F32, scale: float) -> F32:
    size = max(8, round(light.shape[1] * scale)), max(8, round(light.shape[0] * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(light, size, interpolation=method), np.float32)


def _optics(light: F32, rng: Generator) -> F32:
    """Out of focus, moved, sharpened, and noisy."""
    kind = rng.random()
    if kind < 0.3:
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), rng.uniform(0.4, 1.3)), np.float32)
    elif kind < 0.34:
        moved = int(rng.integers(2, 5))
        shape = (moved, 1) if rng.random() < 0.5 else (1, moved)
        light = np.asarray(cv2.blur(light, shape), np.float32)
    if rng.random() < 0.2:
        soft = cv2.GaussianBlur(light, (0, 0), 1.2)
        light = light + np.float32(rng.uniform(0.3, 2.0)) * (light - soft)
    if rng.random() < 0.6:
        strength = np.float32(rng.uniform(0.5, 9))
        light = light + strength * rng.standard_normal(light.shape, np.float32)
    return light


def _bytes(light: F32) -> U8:
    return np.clip(light, 0, 255).astype(np.uint8)


def _two_levels(light: F32, rng: Generator) -> U8:
    """Black and white: by one threshold for all, or by what is around."""
    if rng.random() < 0.5:
        limit: F32 | float = float(np.quantile(light[::4, ::4], 0.8)) * rng.uniform(0.5, 0.9)
    else:
        side = max(5, min(light.shape) // int(rng.integers(2, 6)))
        limit = np.asarray(cv2.blur(light, (side, side)), np.float32) * rng.uniform(0.78, 0.95)
    out = np.where(light < limit, 0, 255).astype(np.uint8)
    _pepper(out, rng)
    return out


def _dithered(light: F32, rng: Generator) -> U8:
    """Grey as a pattern of black dots, ordered or at random."""
    if rng.random() < 0.5:
        times = light.shape[0] // 4 + 1, light.shape[1] // 4 + 1
        limits = np.tile(BAYER, times)[: light.shape[0], : light.shape[1]]
    else:
        limits = rng.random(light.shape).astype(np.float32)
    top = float(np.quantile(light[::4, ::4], 0.9))
    low, high = rng.uniform(0.1, 0.4) * top, rng.uniform(0.85, 1.0) * top
    return np.where(light < low + (high - low) * limits, 0, 255).astype(np.uint8)


def _copied(light: F32, rng: Generator) -> U8:
    """A copy of a copy: steep contrast, strokes that grow or break, specks."""
    for _ in range(int(rng.integers(1, 3))):
        top = float(np.quantile(light[::4, ::4], 0.8))
        middle, steep = rng.uniform(0.5, 0.88) * top, rng.uniform(0.02, 0.12)
        light = np.asarray(255 / (1 + np.exp(-steep * (light - middle))), np.float32)
        if rng.random() < 0.5:
            light = np.asarray(cv2.GaussianBlur(light, (0, 0), rng.uniform(0.4, 0.9)), np.float32)
    out = _bytes(light + rng.uniform(0, 6) * noise(light.shape, 90, rng))
    if rng.random() < 0.5:
        _pepper(out, rng)
    return out


def _pepper(image: U8, rng: Generator) -> None:
    count = int(rng.uniform(0, 0.006) * image.size)
    rows, columns = (rng.integers(0, side, count) for side in image.shape)
    image[rows, columns] = 255 - image[rows, columns]


def _relevelled(image: U8, rng: Generator) -> U8:
    """Brighter or darker than it was, up to where paper or ink is lost in white or black."""
    low, high = rng.uniform(-60, 50), rng.uniform(190, 330)
    bent = rng.uniform(0.6, 1.7)
    levels = np.clip((np.arange(256) - low) / (high - low), 0, 1) ** bent
    return np.asarray(cv2.LUT(image, (255 * levels).astype(np.uint8)), np.uint8)


def _jpeg(image: U8, quality: int) -> U8:
    _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)
