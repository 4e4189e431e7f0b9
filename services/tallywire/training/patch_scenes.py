"""Pieces of forms that one person filled in, scanned, and cut into labelled patches."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import cv2
import numpy as np
from numpy.random import Generator, SeedSequence
from numpy.typing import NDArray

from tallywire.records import BLANK
from tallywire.sheet.patches import (
    VIEW_PX,
    affines_at,
    crop_on_paper,
    sample,
    set_contrast,
    view_sides,
    views,
)
from tallywire.training.cells import Cells, join
from tallywire.training.patch_forms import DrawnForm, Press, print_form, random_form, set_type
from tallywire.training.patch_hand import (
    Hands,
    Person,
    random_person,
    run,
    scribble,
    strike,
    write_digit,
    write_filler,
)
from tallywire.training.patch_paper import lay_ink, lay_paper, put_stamp, shine_through, wear
from tallywire.training.patch_scan import SHORT_PX, scan

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

SCENES = 240  # of one random stream
PATCHES_A_SCENE = 5.6
TASK = 10  # streams that a worker draws at a time
TYPE_SEED = 8
CANVAS_SHORT_PX = (44.0, 72.0)
FINER = 2.0  # the canvas by the scan, within these limits
PLAIN = 0.5  # of the scenes are scanned well: most sheets are
PLAIN_DIGIT_PX = 14.0
LEAST_DIGIT_PX = 9.0  # height of a digit in the scan: less is not legible
LEGIBLE_FROM, LEAST_CONTRAST = 10, 45.0
LOOSE = 0.08  # of the scenes are cut into crops of single digits


@dataclass(frozen=True, slots=True)
class _Placing:
    """How one person places digits in cells; shares of the cell's width and height."""

    bias: tuple[float, float]
    spread: tuple[float, float]
    slope: float


def synthesise_patches(scenes: int, hands: Hands, seed: int, workers: int = 1) -> Iterator[Cells]:
    """Draw `scenes` pieces of forms, about six patches each; the same seed gives the same ones.

    Args:
        scenes: how many.
        hands: whose handwriting.
        seed: of the random numbers; each part has its own stream, whatever the workers.
        workers: processes to draw in.
    """
    sizes = [min(SCENES, scenes - at) for at in range(0, scenes, SCENES)]
    parts = list(zip(sizes, SeedSequence(seed).spawn(len(sizes)), strict=True))
    if workers == 1:
        yield from (draw_scenes(size, hands, part) for size, part in parts)
        return
    # Sending the handwriting costs a second, so each task draws several parts.
    tasks = [parts[at : at + TASK] for at in range(0, len(parts), TASK)]
    # Forking once TensorFlow runs threads would hang; spawned workers import none of it.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_draw_parts, tasks, [hands] * len(tasks))


def _draw_parts(parts: list[tuple[int, SeedSequence]], hands: Hands) -> Cells:
    return join([draw_scenes(size, hands, seed) for size, seed in parts])


def draw_scenes(count: int, hands: Hands, seed: SeedSequence) -> Cells:
    """Draw `count` scenes with the random numbers of `seed`."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    press = set_type(np.random.default_rng(int(rng.integers(64)) + TYPE_SEED))
    return join([_draw(hands, press, rng) for _ in range(count)])


def _draw(hands: Hands, press: Press, rng: Generator) -> Cells:
    person = random_person(hands, rng)
    finest = np.log(SHORT_PX[0]), np.log(SHORT_PX[1])
    plain = bool(rng.random() < PLAIN)
    least_px = (PLAIN_DIGIT_PX if plain else LEAST_DIGIT_PX) / person.height
    scanned_px = max(float(np.exp(rng.uniform(*finest))), least_px)
    short_px = float(np.clip(FINER * scanned_px, *CANVAS_SHORT_PX))
    form = random_form(short_px, rng)
    ink, labels = write_form(form, person, hands, rng)
    light = lay_paper(form, press, rng)
    if rng.random() < 0.07:
        shine_through(light, ink, rng)
    if rng.random() < 0.06:
        wear(light, rng)
    over = rng.random() < 0.15  # print is dark through pale ink: it matters only where they cross
    if over:
        lay_ink(light, ink, short_px, rng)
    print_form(light, form, press, rng)
    if not over:
        lay_ink(light, ink, short_px, rng)
    if rng.random() < 0.05:
        put_stamp(light, form, press, rng)
    scale = scanned_px / short_px
    image = scan(light, scale, rng, plain=plain)
    if rng.random() < LOOSE:
        return _crops(image, ink, labels, form, rng)
    places = _places(form, rng)
    images = views(image, _scaled(places, image.shape[1] / form.width_px))
    kept = (labels.ravel() == BLANK) | _legible(images, sample(ink, places))
    return Cells(images[kept], labels.ravel()[kept])


def _legible(images: U8, inks: U8) -> NDArray[np.bool_]:
    """Bool [N]: false where the scan lost the digit: nobody could learn from it.

    Args:
        images: uint8 [N, 48, 48], the patches.
        inks: uint8 [N, 48, 48], what was written there.
    """
    middle = slice(LEGIBLE_FROM, VIEW_PX - LEGIBLE_FROM)
    seen, written = (part[:, middle, middle].astype(np.float32) for part in (images, inks))
    on, off = (written > 128), (written < 16)
    inked = (seen * on).sum(axis=(1, 2)) / np.maximum(on.sum(axis=(1, 2)), 1)
    paper = (seen * off).sum(axis=(1, 2)) / np.maximum(off.sum(axis=(1, 2)), 1)
    return np.asarray((inked - paper > LEAST_CONTRAST) & on.any(axis=(1, 2)))


def _scaled(affines: F64, scale: float) -> F64:
    """The same places on a picture of `scale` times the size."""
    scaled = affines * scale
    scaled[:, :, 2] += (scale - 1) / 2
    return scaled


def _places(form: DrawnForm, rng: Generator) -> F64:
    """Where patches of all cells lie on the canvas, a little beside and turned, as an alignment
    is: float64 [N, 2, 3]."""
    cells = form.cells.reshape(-1, 4)
    common, own = rng.normal(0, 0.025, 2), rng.normal(0, rng.uniform(0.005, 0.04), (len(cells), 2))
    off = np.clip(common + own, -0.1, 0.1) * form.short_px
    sides = view_sides(cells[:, 2:]) * (1 + np.clip(rng.normal(0, 0.05), -0.13, 0.13))
    turned, sheared = np.deg2rad(rng.normal(0, 1.5)), rng.normal(0, 0.02)
    cos, sin = np.cos(turned), np.sin(turned)
    linear = np.array([[cos, sheared - sin], [sin + rng.normal(0, 0.01), cos]])
    affines = affines_at(np.eye(3), cells[:, :2] + off, sides)
    middle = np.full(2, (VIEW_PX - 1) / 2)
    centres = affines[:, :, :2] @ middle + affines[:, :, 2]
    affines[:, :, :2] = linear @ affines[:, :, :2]
    affines[:, :, 2] = centres - affines[:, :, :2] @ middle
    return affines


def _crops(image: U8, ink: U8, labels: U8, form: DrawnForm, rng: Generator) -> Cells:
    """Single digits, cut around their ink as a user's labelled crops are."""
    scale = image.shape[1] / form.width_px
    grown, known = [], []
    for edges, label in zip(form.edges.reshape(-1, 4), labels.ravel(), strict=True):
        left, top, right, bottom = (max(0, round(float(edge))) for edge in edges)
        box = cv2.boundingRect(ink[top:bottom, left:right])
        if label == BLANK or min(box[2:]) < 3:
            continue
        beside = rng.uniform(0, 3, 4) * rng.choice([1.0, 1.0, 1.0, 3.0], 4)
        x0, y0 = max(0.0, (left + box[0]) * scale - beside[0]), (top + box[1]) * scale - beside[1]
        x1, y1 = (left + box[0] + box[2]) * scale + beside[2], (top + box[1] + box[3]) * scale
        crop = image[max(0, round(y0)) : round(y1 + beside[3]) + 1, round(x0) : round(x1) + 1]
        if min(crop.shape) >= 5:
            grown.append(crop_on_paper(crop))
            known.append(label)
    if not grown:
        return Cells(np.zeros((0, VIEW_PX, VIEW_PX), np.uint8), np.zeros(0, np.uint8))
    return Cells(set_contrast(np.stack(grown)), np.array(known, np.uint8))


def write_form(form: DrawnForm, person: Person, hands: Hands, rng: Generator) -> tuple[U8, U8]:
    """Fill in every cell.

    Returns:
        ink uint8 [height_px, width_px], 255 full; labels uint8 [rows, columns].
    """
    ink = np.zeros((form.height_px, form.width_px), np.uint8)
    placing = _random_placing(person, form, rng)
    labels = np.stack([random_row(form.cells.shape[1], rng) for _ in form.cells])
    for row, values in zip(form.cells, labels, strict=True):
        drift = rng.normal(0, 0.03, 2) * form.short_px
        bare = rng.random() < 0.3  # blank cells of this row stay empty
        for column, (cell, label) in enumerate(zip(row, values, strict=True)):
            at = _place(cell, placing, column, rng) + drift
            at = cell[:2] + np.clip(at - cell[:2], -0.46 * cell[2:], 0.46 * cell[2:])
            _write_cell(
                ink, int(label), (float(at[0]), float(at[1])), bare, person, hands, form, rng
            )
        _strike_blanks(ink, row, values, person, form, rng)
    if rng.random() < 0.1:
        _words_by_hand(ink, form, person, rng)
    return ink, labels


def random_row(places: int, rng: Generator) -> U8:
    """What one row holds, uint8 [places], 0 to 10: digits in equal shares, blanks mostly ahead."""
    labels = rng.integers(0, 10, places).astype(np.uint8)
    kind = rng.random()
    if kind < 0.3:
        labels[: int(rng.integers(1, places + 1))] = BLANK
    elif kind < 0.36:
        labels[:] = BLANK
    elif kind < 0.42:
        labels[: int(rng.integers(1, places + 1))] = 0
    elif kind < 0.46:
        labels[int(rng.integers(places))] = BLANK
    return labels


def _random_placing(person: Person, form: DrawnForm, rng: Generator) -> _Placing:
    width, height = form.cells[0, 0, 2:]
    tall = person.height * form.short_px
    free = max(0.0, 1 - 0.6 * tall / width), max(0.0, 1 - tall / height)
    wild = rng.random() < 0.5
    bias = tuple(float(rng.uniform(-0.36, 0.36) * room * wild) for room in free)
    spread = (
        float(rng.uniform(0.02, 0.09) * rng.choice([1, 1, 1, 1.7])),
        float(rng.uniform(0.02, 0.09)),
    )
    return _Placing((bias[0], bias[1]), spread, float(rng.normal(0, 0.03)))


def _place(cell: F64, placing: _Placing, column: int, rng: Generator) -> F64:
    spread = rng.normal(0, 1, 2) * placing.spread
    tilted = np.array([0.0, placing.slope * column])
    return np.asarray(cell[:2] + (np.array(placing.bias) + spread + tilted) * cell[2:])


def _write_cell(
    ink: U8, label: int, at: tuple[float, float], bare: bool, person: Person, hands: Hands,
    form: DrawnForm, rng: Generator,
) -> None:  # fmt: skip
    short = form.short_px
    pen_px = max(1.0, person.pen * short)
    if label == BLANK:
        if rng.random() < 0.025:  # a digit, made invalid
            write_digit(ink, int(rng.integers(10)), person, hands, at, short, rng)
            size = 0.9 * person.height * short
            scribble(ink, at, (0.8 * size, size), pen_px, rng)
        elif not bare and rng.random() < 0.92:
            write_filler(ink, person, hands, at, short, rng)
        return
    if rng.random() < 0.012:  # another digit, struck out, and this one beside it
        wrong = at[0] - rng.choice([-1, 1]) * 0.75 * person.height * short, at[1]
        write_digit(ink, int(rng.integers(10)), person, hands, wrong, short, rng)
        strike(ink, wrong, 0.8 * person.height * short, pen_px, rng)
    write_digit(ink, label, person, hands, at, short, rng)
    if rng.random() < 0.03:  # written over once more
        again = at[0] + rng.normal(0, 0.02) * short, at[1] + rng.normal(0, 0.02) * short
        write_digit(ink, label, person, hands, again, short, rng)


def _strike_blanks(
    ink: U8, row: F64, values: U8, person: Person, form: DrawnForm, rng: Generator
) -> None:
    """One line through neighbouring blank cells."""
    blanks = np.flatnonzero(values == BLANK)
    if not len(blanks) or rng.random() > 0.07 or np.ptp(blanks) != len(blanks) - 1:
        return
    first, last = row[blanks[0]], row[blanks[-1]]
    x = np.linspace(first[0] - 0.4 * first[2], last[0] + 0.4 * last[2], 12)
    y = (
        first[1]
        + rng.normal(0, 0.12) * first[3]
        + rng.normal(0, 0.12) * first[3] * np.linspace(-1, 1, 12)
    )
    if rng.random() < 0.4:
        y += rng.uniform(0.03, 0.12) * first[3] * np.sin(np.linspace(0, rng.uniform(4, 20), 12))
    run(ink, np.stack([x, y], axis=1), max(1.0, person.pen * form.short_px))


def _words_by_hand(ink: U8, form: DrawnForm, person: Person, rng: Generator) -> None:
    """Running handwriting above, below or left of a row: names, or the number in words."""
    row = form.edges[int(rng.integers(len(form.edges)))]
    size = rng.uniform(0.2, 0.5) * form.short_px
    y = rng.choice([row[0, 1] - 0.8 * size, row[0, 3] + 0.8 * size])
    count = int(rng.integers(20, 60))
    x = np.cumsum(np.abs(rng.normal(0.12, 0.12, count))) * size + rng.uniform(0, row[0, 0])
    wave = np.where(np.arange(count) % 2, 0.5, -0.5) * size * rng.uniform(0.3, 1, count)
    run(ink, np.stack([x, y + wave], axis=1), max(1.0, person.pen * form.short_px))
