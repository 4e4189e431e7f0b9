"""Believable cells without rendering whole pages: ink on paper, scanned, cut and normalised.

Cells go through `sheet.clean`, exactly as a real sheet's do, so the model learns what the
normalisation leaves, its mistakes included.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tallywire.records import BLANK
from tallywire.sheet import clean
from tallywire.training.ink import (
    BOX_PX,
    CANVAS_PX,
    MIDDLE,
    Handwriting,
    Style,
    join_neighbour,
    random_label,
    random_style,
    write_blank,
    write_digit,
)
from tallywire.training.paper import (
    PrintedBox,
    lay_ink,
    print_box,
    random_box,
    random_darkness,
    random_paper,
    scan,
)

U8 = NDArray[np.uint8]

CHUNK = 1_000  # cells of one random stream
TASK = 10  # parts that a worker draws at a time
BLANK_SHARE = 0.13
LOOSE_SHARE = 0.36
NEIGHBOUR = 0.3
CROWDED = 0.55  # of loose digits have another one close by, on each side
JOINED, JOINED_LOOSE = 0.05, 0.22
CARELESS = 0.1  # of loose digits are cut with a part of what stands beside them
LEAST_INKED_PX = 18


@dataclass(frozen=True, slots=True)
class Cells:
    """Labelled cells as a model takes them: `images` uint8 [N, S, S]; `labels` uint8 [N], 0-10."""

    images: U8
    labels: U8

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class ScannedCell:
    """A scanned cell before it is cut: the picture, the box, where the digit is."""

    image: U8
    box: PrintedBox
    label: int
    ink_box: tuple[float, float, float, float]  # left, top, right, bottom on the canvas
    loose: bool  # cut by its ink, not by its box


def synthesise(count: int, hands: Handwriting, seed: int, workers: int = 1) -> Iterator[Cells]:
    """Draw about `count` cells, in parts; the same seed gives the same cells.

    Digits that the scan made illegible are left out, so a few less come.

    Args:
        count: how many.
        hands: whose handwriting.
        seed: of the random numbers; each part has its own stream, whatever the workers.
        workers: processes to draw in.
    """
    sizes = [min(CHUNK, count - at) for at in range(0, count, CHUNK)]
    parts = list(zip(sizes, np.random.SeedSequence(seed).spawn(len(sizes)), strict=True))
    if workers == 1:
        yield from (draw_cells(size, hands, part) for size, part in parts)
        return
    # Sending the handwriting costs a second, so each task draws several parts.
    tasks = [parts[at : at + TASK] for at in range(0, len(parts), TASK)]
    # Forking once TensorFlow runs threads would hang; spawned workers import none of it.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_draw_parts, tasks, [hands] * len(tasks))


def _draw_parts(parts: list[tuple[int, np.random.SeedSequence]], hands: Handwriting) -> Cells:
    return join([draw_cells(size, hands, seed) for size, seed in parts])


def join(parts: list[Cells]) -> Cells:
    """Parts as one."""
    return Cells(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )


def draw_cells(count: int, hands: Handwriting, seed: np.random.SeedSequence) -> Cells:
    """Draw `count` cells with the random numbers of `seed`."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    loose, labels_loose = [], []
    patches, boxes, labels = [], [], []
    for _ in range(count):
        picture = _draw(hands, rng)
        if picture.loose:
            loose.append(clean.clean_crop(cut_ink(picture, rng)))
            labels_loose.append(picture.label)
        else:
            patches.append(_patch(picture))
            boxes.append((picture.box.width_px, picture.box.height_px))
            labels.append(picture.label)
    sizes = np.array(boxes) * clean.BOX_PX / BOX_PX
    cleaned = clean.clean_patches(np.stack(patches), sizes)
    images = np.concatenate([cleaned, np.stack(loose)]) if loose else cleaned
    known = np.array(labels + labels_loose, np.uint8)
    order = np.flatnonzero(_legible(images, known))
    rng.shuffle(order)
    return Cells(images[order], known[order])


def _legible(images: U8, labels: U8) -> NDArray[np.bool_]:
    """Bool [N]: false where a digit did not survive the scan: nobody could learn from it."""
    inked = (images > 90).sum(axis=(1, 2))
    return np.asarray((labels == BLANK) | (inked >= LEAST_INKED_PX))


def _draw(hands: Handwriting, rng: Generator) -> ScannedCell:
    box, label, style = random_box(rng), random_label(rng, BLANK_SHARE), random_style(rng)
    loose = label != BLANK and rng.random() < LOOSE_SHARE
    ink = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
    spread = np.array([box.width_px, box.height_px]) * rng.choice([0.05, 0.09])
    at_x, at_y = MIDDLE + rng.normal(0, 1, 2) * spread
    if label == BLANK:
        write_blank(ink, box.width_px, box.height_px, style, rng)
    else:
        write_digit(ink, label, hands, style, (at_x, at_y), rng)
    own = _bounds(ink)
    if label != BLANK and rng.random() < (JOINED_LOOSE if loose else JOINED):
        join_neighbour(ink, style, rng)
    if loose:
        _crowd(ink, own, hands, style, rng)
    else:
        _write_neighbours(ink, hands, box, rng)
    light = random_paper(rng)
    printed = not loose or rng.random() < 0.5
    if printed and rng.random() < 0.5:
        print_box(light, box, rng)
        printed = False
    lay_ink(light, ink, random_darkness(rng), rng)
    if printed:
        print_box(light, box, rng)
    return ScannedCell(scan(light, rng), box, label, own, loose)


def _write_neighbours(ink: U8, hands: Handwriting, box: PrintedBox, rng: Generator) -> None:
    """Parts of other digits that reach in from the sides, and rarely from above or below."""
    other = random_style(rng)
    for dx, dy, chance in ((-1, 0, NEIGHBOUR), (1, 0, NEIGHBOUR), (0, -1, 0.06), (0, 1, 0.06)):
        if rng.random() < chance:
            gap = rng.uniform(0.85, 1.25)
            at = (
                MIDDLE + dx * gap * box.width_px + rng.normal(0, 4),
                MIDDLE + dy * gap * box.height_px + rng.normal(0, 4),
            )
            write_digit(ink, int(rng.integers(10)), hands, other, at, rng)


def _crowd(
    ink: U8,
    own: tuple[float, float, float, float],
    hands: Handwriting,
    style: Style,
    rng: Generator,
) -> None:
    """Digits of the same number close by, as where no boxes keep them apart; some touch."""
    for side in (-1, 1):
        if rng.random() >= CROWDED:
            continue
        other = np.zeros_like(ink)
        write_digit(other, int(rng.integers(10)), hands, style, (MIDDLE, MIDDLE), rng)
        left, _, right, _ = _bounds(other)
        gap = round(rng.uniform(-0.1, 0.22) * BOX_PX)
        shift = round(own[2] + gap - left) if side > 0 else round(own[0] - gap - right)
        moved = np.array([[1.0, 0, shift], [0, 1, rng.normal(0, 4)]])
        np.maximum(ink, cv2.warpAffine(other, moved, ink.shape[::-1]), out=ink)


def _bounds(ink: U8) -> tuple[float, float, float, float]:
    left, top, width, height = cv2.boundingRect(ink)
    return left, top, left + width, top + height


def _patch(picture: ScannedCell) -> U8:
    """The picture at the normalisation's own resolution: uint8 [48, 48]."""
    side = picture.image.shape[0]
    method = cv2.INTER_AREA if side > clean.PATCH_PX else cv2.INTER_LINEAR
    size = (clean.PATCH_PX, clean.PATCH_PX)
    return np.asarray(cv2.resize(picture.image, size, interpolation=method), np.uint8)


def cut_ink(picture: ScannedCell, rng: Generator) -> U8:
    """The digit cut out with a few pixels around it, as a user's own labelled crops are."""
    side = picture.image.shape[0]
    scale = side / CANVAS_PX
    margin = rng.uniform(0.5, 4.0)
    left, top, right, bottom = (edge * scale for edge in picture.ink_box)
    if rng.random() < CARELESS:
        beside = rng.uniform(0.1, 0.5) * BOX_PX * scale
        left, right = (left, right + beside) if rng.random() < 0.7 else (left - beside, right)
    x0, x1 = max(0, round(left - margin)), min(side, round(right + margin))
    y0, y1 = max(0, round(top - margin)), min(side, round(bottom + margin))
    return picture.image[y0 : max(y1, y0 + 4), x0 : max(x1, x0 + 4)]
