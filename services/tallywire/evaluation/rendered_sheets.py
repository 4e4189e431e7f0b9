"""Rendered sheets through the real pipeline: render, JPEG, decode, align, cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.edge.images import decode_image
from tallywire.election.election import Contest, Election
from tallywire.reasons import Reason
from tallywire.sheet.layout import Layout
from tallywire.sheet.local_fit import FieldPlace
from tallywire.sheet.prepare import Prepared, Takes, prepare
from tallywire.workshop.synthetic.arithmetic import adds_up, misadd, most_votes, row_values
from tallywire.workshop.synthetic.conditions import ConditionName, conditions
from tallywire.workshop.synthetic.draw import Content, compose_sheet, render_sheet
from tallywire.workshop.synthetic.form import Form, print_form
from tallywire.workshop.synthetic.handwriting import Hand
from tallywire.workshop.synthetic.signs import sheet_labels, written_value
from tallywire.workshop.synthetic.simulated_counts import simulate_counts

U8 = NDArray[np.uint8]
Item = TypeVar("Item")

DPI = 200
SHEETS_PER_TASK = 10
MAX_PIXELS = 50_000_000


@dataclass(frozen=True, slots=True)
class RenderedCase:
    """One sheet: `cells` uint8 [N, S, S] as the model sees them, None where it was refused;
    `labels` uint8 [N]; `written` by field id, None where nothing is written;
    `misplaced` fields that may have been cut beside their place."""

    cells: U8 | None
    labels: U8
    written: Mapping[str, int | None]
    registered: int
    adds_up: bool
    condition: ConditionName
    misplaced: tuple[FieldPlace, ...] = ()


@dataclass(frozen=True, slots=True)
class DrawOptions:
    """What to draw: `mix` gives each condition's share, `unbalanced` that of wrong totals; cells
    are cut as a model that `takes` them needs them."""

    sheets: int
    mix: Mapping[ConditionName, float]
    unbalanced: float
    seed: int
    takes: Takes = Takes.CELLS


def draw_cases(
    draw: DrawOptions, hand: Hand, election: Election, layout: Layout, processes: int
) -> Iterator[RenderedCase]:
    """Draw sheets of random stations of the election's first contest.

    Same arguments, same cases, whatever `processes`.
    """
    contest = election.contests[0]
    counts = simulate_counts(election, contest, draw.seed, most_votes=most_votes(layout))
    stations = [(counts[one.id], one.registered) for one in election.stations.values()]
    seeds = np.random.SeedSequence(draw.seed).spawn(draw.sheets)
    tasks = [seeds[at : at + SHEETS_PER_TASK] for at in range(0, draw.sheets, SHEETS_PER_TASK)]
    same = (draw, hand, contest, layout, stations)
    if len(tasks) == 1:  # starting a process takes longer
        yield from _draw_some(tasks[0], *same)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for part in pool.map(_draw_some, tasks, *([value] * len(tasks) for value in same)):
            yield from part


def _draw_some(
    seeds: list[np.random.SeedSequence],
    draw: DrawOptions,
    hand: Hand,
    contest: Contest,
    layout: Layout,
    stations: list[tuple[Mapping[str, int], int]],
) -> list[RenderedCase]:
    cv2.setNumThreads(1)
    form = print_form(layout, contest, DPI)
    return [_draw_one(np.random.default_rng(seed), draw, hand, form, stations) for seed in seeds]


def _draw_one(
    rng: np.random.Generator,
    draw: DrawOptions,
    hand: Hand,
    form: Form,
    stations: list[tuple[Mapping[str, int], int]],
) -> RenderedCase:
    votes, registered = stations[int(rng.integers(len(stations)))]
    name = list(draw.mix)[int(rng.choice(len(draw.mix), p=list(draw.mix.values())))]
    values = row_values(form.layout, votes)
    if rng.random() < draw.unbalanced:
        values = misadd(form.layout, values, registered, rng)
    condition = conditions()[name]
    signs = compose_sheet(form, values, condition, rng)
    drawn = render_sheet(form, Content(signs, "0000", "15", registered), hand, condition, rng)
    written = {field: written_value(row) for field, row in signs.items()}
    prepared = _prepare(drawn.pixels, drawn.jpeg_quality, form.layout, draw.takes)
    return RenderedCase(
        cells=prepared.cells if prepared else None,
        labels=sheet_labels(form.layout, signs),
        written=written,
        registered=registered,
        adds_up=adds_up(form.layout, written),
        condition=name,
        misplaced=prepared.alignment.doubtful_places if prepared else (),
    )


def _prepare(pixels: U8, quality: int, layout: Layout, takes: Takes) -> Prepared | None:
    _, packed = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = decode_image(packed.tobytes(), "image/jpeg", MAX_PIXELS)
    prepared = decoded if isinstance(decoded, Reason) else prepare(decoded.pixels, layout, takes)
    return None if isinstance(prepared, Reason) else prepared
