"""From paper to pixels: where the page lies, the light on it, the lens and the sensor."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.workshop.synthetic.conditions import Condition, Range

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

DESKS = ((60, 84, 112), (120, 122, 126), (48, 46, 50), (150, 160, 172))  # BGR
SCANNER_LIDS = ((248, 248, 248), (248, 248, 248), (250, 250, 250), (60, 60, 60))
SHARP_PX = 0.3  # less blur is none
EDGE_MM = 3.0  # of picture left around what must be seen
FLAT = 1e-8  # of the map's last row, per px: less is no perspective
COLOUR_CONTRAST = 1.7  # steeper, and it would be a black and white scan, which is grey
NOISE_SIDE = 512
NOISE_UNIT = 32.0  # standard deviation of the tile


@dataclass(frozen=True, slots=True)
class Shot:
    """Where the page lies in the frame.

    `page_to_image` is float64 [3, 3], from px of the paper to px of the image.
    """

    page_to_image: F64
    background: tuple[int, int, int]


def choose_shot(
    shape: tuple[int, ...],
    keep_px: F64,
    condition: Condition,
    px_per_mm: float,
    rng: np.random.Generator,
) -> Shot:
    """Place the page of `shape` (height, width) px in a frame of the same size.

    People see to it that what matters is in the picture: `keep_px`, float64 [K, 2] points of the
    page, stay inside the frame, if the page must be moved or made smaller for it.
    """
    height, width = shape[:2]
    middle = np.array([width / 2, height / 2])
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64) - middle
    angle = math.radians(float(rng.uniform(-1, 1)) * condition.skew_deg)
    if rng.random() < condition.upside_down_chance:
        angle += math.pi
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    scale = draw(condition.scale, rng) * (1 + condition.stretch * rng.uniform(-1, 1, 2))
    moved = (corners @ turn.T) * scale + middle
    moved += rng.uniform(-1, 1, 2) * condition.shift_mm * px_per_mm
    moved += rng.uniform(-1, 1, (4, 2)) * condition.tilt * np.array([width, height]) / 2
    source = (corners + middle).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(source, moved.astype(np.float32))
    backgrounds = DESKS if condition.desk else SCANNER_LIDS
    background = backgrounds[int(rng.integers(len(backgrounds)))]
    seen = cv2.perspectiveTransform(keep_px[None], np.asarray(matrix, np.float64))[0]
    inside = _bring_inside(np.asarray(seen, np.float64), (width, height), EDGE_MM * px_per_mm)
    return Shot(np.asarray(inside @ matrix, np.float64), background)


def photograph(
    paper: U8, shot: Shot, condition: Condition, px_per_mm: float, rng: np.random.Generator
) -> U8:
    """Uint8 [H, W, 3] BGR, or [H, W] for a grey scan: `paper` as the device sees it."""
    image = _place(paper, shot)
    if rng.random() < condition.grey_chance:
        image = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    sigma_px = draw(condition.blur_mm, rng) * px_per_mm
    if sigma_px > SHARP_PX:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.uint8)
    image = _light(image, draw(condition.shadow, rng), rng)
    gain, contrast = draw(condition.gain, rng), draw(condition.contrast, rng)
    response = _response(gain, contrast if image.ndim == 2 else min(contrast, COLOUR_CONTRAST))
    image = np.asarray(cv2.LUT(image, response), np.uint8)
    return _add_noise(image, draw(condition.noise, rng), rng)


def _bring_inside(points: F64, size: tuple[int, int], edge_px: float) -> F64:
    """Float64 [3, 3]: the least shrinking and shift that brings all points into the frame."""
    frame = np.array(size) - 2 * edge_px
    low, high = points.min(axis=0), points.max(axis=0)
    shrink = min(1.0, float((frame / np.maximum(high - low, 1e-9)).min()))
    middle = (low + high) / 2
    low, high = middle + shrink * (low - middle), middle + shrink * (high - middle)
    shift = np.maximum(edge_px - low, 0) - np.maximum(high - edge_px - frame, 0)
    moved = middle * (1 - shrink) + shift
    return np.array([[shrink, 0, moved[0]], [0, shrink, moved[1]], [0, 0, 1.0]])


def draw(bounds: Range, rng: np.random.Generator) -> float:
    """A number from a range."""
    return float(rng.uniform(*bounds))


def _place(paper: U8, shot: Shot) -> U8:
    height, width = paper.shape[:2]
    if np.array_equal(shot.page_to_image, np.eye(3)):
        return paper
    matrix, size, edge = shot.page_to_image, (width, height), cv2.BORDER_CONSTANT
    if np.abs(matrix[2, :2]).max() < FLAT:  # several times as quick
        flat = matrix[:2] / matrix[2, 2]
        seen = cv2.warpAffine(paper, flat, size, borderMode=edge, borderValue=shot.background)
    else:
        seen = cv2.warpPerspective(
            paper, matrix, size, borderMode=edge, borderValue=shot.background
        )
    return np.asarray(seen, np.uint8)


def _light(image: U8, shadow: float, rng: np.random.Generator) -> U8:
    """Darken parts of the image smoothly by up to `shadow`."""
    if shadow <= 0:
        return image
    coarse = rng.random((3, 3), np.float32)
    ramp = np.linspace(0, 1, 16, dtype=np.float32)
    slope = (
        np.outer(ramp, np.ones(16, np.float32)) if rng.random() < 0.5 else np.tile(ramp, (16, 1))
    )
    slope = slope if rng.random() < 0.5 else 1 - slope
    cloud = cv2.resize(coarse, (16, 16), interpolation=cv2.INTER_CUBIC)
    field = np.clip(0.5 * slope + 0.5 * cloud, 0, 1)
    field = (field - field.min()) / max(float(np.ptp(field)), 1e-6)
    if rng.random() < 0.35:  # the edge of someone's hand or phone
        field = 1 / (1 + np.exp(-(field - rng.uniform(0.3, 0.7)) * 14))
    gain = np.rint(255 * (1 - shadow * field)).astype(np.uint8)
    full = cv2.resize(gain, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_CUBIC)
    if image.ndim == 3:
        full = cv2.merge([full, full, full])
    return np.asarray(cv2.multiply(image, full, scale=1 / 255), np.uint8)


def _response(gain: float, contrast: float) -> U8:
    """Uint8 [256]: exposure, then an S-curve; a steep one is nearly black and white."""
    level = np.arange(256) / 255 * gain
    middle = 0.62
    curve = middle + (level - middle) * contrast
    return np.asarray(np.clip(curve * 255, 0, 255), np.uint8)


def _add_noise(image: U8, sigma: float, rng: np.random.Generator) -> U8:
    """Sensor noise from a tile, laid at random: a page of fresh random numbers takes 0.2 s."""
    if sigma <= 0:
        return image
    channels = 1 if image.ndim == 2 else 3
    shape = (NOISE_SIDE, NOISE_SIDE, channels)
    tile = rng.standard_normal(shape, np.float32)
    if channels == 3:
        tile = 0.8 * tile[:, :, :1] + 0.6 * tile
    noise = np.clip(128 + NOISE_UNIT * tile, 0, 255).astype(np.uint8)
    height, width = image.shape[:2]
    rows, columns = -(-height // NOISE_SIDE), -(-width // NOISE_SIDE)
    full = cv2.repeat(noise, rows, columns)[:height, :width]
    share = sigma / NOISE_UNIT
    mixed = cv2.addWeighted(image, 1.0, full, share, -128 * share)
    return np.asarray(mixed, np.uint8)
