"""Cells cut from rendered sheets: the whole way of a sheet, from the pen to the normalised cell."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tallywire.election.election import Contest
from tallywire.reasons import Reason
from tallywire.records import BLANK
from tallywire.sheet.layout import Layout
from tallywire.sheet.prepare import Takes, prepare
from tallywire.training.cells import Cells, join
from tallywire.training.forms import bend_form
from tallywire.training.ink import RARE_FORMS, Handwriting
from tallywire.training.strokes import TrajectoryPen, draw_digit
from tallywire.workshop.synthetic.conditions import ConditionName, conditions
from tallywire.workshop.synthetic.draw import Content, render_sheet
from tallywire.workshop.synthetic.form import Form, print_form
from tallywire.workshop.synthetic.handwriting import RasterHand, Writer, raster_hand
from tallywire.workshop.synthetic.signs import Blank, Habit, Signs

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

SHEETS_PER_TASK = 20
RESOLUTIONS_DPI = (100, 150, 200, 200, 250)
MIX = {ConditionName.SCANNER: 0.4, ConditionName.PHONE: 0.3, ConditionName.HARSH: 0.3}
MARGIN_PX = 4


@dataclass(frozen=True, slots=True)
class TrainingHand:
    """The renderer's hand over the handwriting of training: trajectories and raster digits.

    `rare_forms` is the share of `training.forms`: evaluation writes what its writers wrote.
    """

    hands: Handwriting
    raster: RasterHand
    rare_forms: float = 0.0

    def __call__(self, digit: int, height_px: float, writer: Writer, rng: Generator) -> F32:
        """Draw one digit; see `sheet.render.hands.Hand`."""
        strokes = bend_form(digit, rng) if rng.random() < self.rare_forms else None
        if strokes is None:
            if self.hands.trajectories is None or rng.random() >= self.hands.trajectory_share:
                return self.raster(digit, height_px, writer, rng)
            index = int(rng.choice(self.hands.trajectories_of[digit]))
            strokes = self.hands.trajectories.digits[index]
        width_px = max(1.0, height_px * writer.stroke_mm / writer.height_mm)
        pen = TrajectoryPen(
            height_px,
            width_px,
            rotation_deg=float(np.clip(rng.normal(0, 3), -15, 15)),
            slant=writer.slant,
            aspect=writer.aspect,
            pressure=float(rng.uniform(0, 0.4)),
            wobble=float(rng.uniform(0, 0.015)),
            phase=float(rng.uniform(0, 6.28)),
        )
        return _drawn(strokes, pen)


def _drawn(strokes: tuple[F32, ...], pen: TrajectoryPen) -> F32:
    side = int(2.2 * pen.height_px + 2 * pen.width_px + 2 * MARGIN_PX)
    canvas = np.zeros((side, side), np.uint8)
    draw_digit(strokes, pen, canvas, (side / 2, side / 2))
    left, top, width, height = cv2.boundingRect(canvas)
    cut = canvas[
        max(0, top - 2) : top + height + 2,
        max(0, left - 2) : left + width + 2,
    ]
    return np.asarray(cut / 255, np.float32)


def training_hand(hands: Handwriting, rare_forms: float = 0.0) -> TrainingHand:
    """The renderer's hand over `hands`."""
    groups = np.zeros(len(hands.pixels.labels), np.uint8)
    raster = raster_hand(hands.pixels.images, hands.pixels.labels, groups)
    return TrainingHand(hands, raster, rare_forms)


def rendered_cells(
    sheets: int,
    hands: Handwriting,
    layout: Layout,
    contest: Contest,
    seed: int,
    workers: int = 1,
    mix: dict[ConditionName, float] | None = None,
    takes: Takes = Takes.CELLS,
) -> Iterator[Cells]:
    """Render, align and cut `sheets` sheets; yields their cells in parts.

    Every cell of a digit is as likely any digit, unlike on real tallies, whose leading zeros
    would crowd out the rest. A sheet that is refused gives none.

    Args:
        sheets: how many.
        hands: whose handwriting.
        layout: the form.
        contest: printed on it.
        seed: of the random numbers.
        workers: processes.
        mix: chance of each condition; scanner, phone and harsh by default.
        takes: what the model takes.
    """
    seeds = np.random.SeedSequence(seed).spawn(sheets)
    tasks = [seeds[at : at + SHEETS_PER_TASK] for at in range(0, sheets, SHEETS_PER_TASK)]
    same = (hands, layout, contest, mix or MIX, takes)
    if workers == 1:
        yield from (_draw_sheets(task, *same) for task in tasks)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_draw_sheets, tasks, *([value] * len(tasks) for value in same))


def _draw_sheets(
    seeds: list[np.random.SeedSequence],
    hands: Handwriting,
    layout: Layout,
    contest: Contest,
    mix: dict[ConditionName, float],
    takes: Takes,
) -> Cells:
    cv2.setNumThreads(1)
    hand = training_hand(hands, RARE_FORMS)
    forms: dict[int, Form] = {}
    parts = [_nothing(takes)]
    for seed in seeds:
        rng = np.random.default_rng(seed)
        dpi = int(rng.choice(RESOLUTIONS_DPI))
        if dpi not in forms:
            forms[dpi] = print_form(layout, contest, dpi)
        parts.append(_sheet_cells(forms[dpi], hand, mix, takes, rng))
    return join(parts)


def _sheet_cells(
    form: Form, hand: TrainingHand, mix: dict[ConditionName, float], takes: Takes, rng: Generator
) -> Cells:
    name = list(mix)[int(rng.choice(len(mix), p=list(mix.values())))]
    condition = conditions()[name]
    signs = {
        field.id: _random_signs(len(field.cells), condition.habit, rng)
        for field in form.layout.fields
    }
    content = Content(signs, station="0000", district="00", registered=750)
    drawn = render_sheet(form, content, hand, condition, rng, handwritten=bool(rng.random() < 0.2))
    pixels = _through_jpeg(drawn.pixels, drawn.jpeg_quality)
    prepared = prepare(pixels, form.layout, takes)
    if isinstance(prepared, Reason):
        return _nothing(takes)
    return Cells(prepared.cells, drawn.labels)


def _nothing(takes: Takes) -> Cells:
    return Cells(np.zeros((0, takes, takes), np.uint8), np.zeros(0, np.uint8))


def _random_signs(cells: int, habit: Habit, rng: Generator) -> Signs:
    """Digits at random, the leading cells now and then left blank in one way."""
    digits = tuple(int(digit) for digit in rng.integers(0, BLANK, cells))
    if rng.random() < 0.6:
        return digits
    chances = np.array([habit.empty, habit.dash, habit.slash, habit.cross]) + 0.02
    blank = int(rng.choice(list(Blank), p=chances / chances.sum()))
    leading = int(rng.integers(1, cells + 1))
    return (blank,) * leading + digits[leading:]


def _through_jpeg(pixels: U8, quality: int) -> U8:
    _, packed = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_UNCHANGED), np.uint8)
