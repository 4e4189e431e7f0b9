"""Everything one model is measured on, as plain figures."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tallywire.evaluation.crops import Crops
from tallywire.evaluation.mistakes import U8, Predict
from tallywire.evaluation.score import (
    F32,
    NO_CELLS,
    NO_LABELS,
    CellScore,
    Outcome,
    SheetScore,
    read_case,
    score_cells,
    score_sheets,
)
from tallywire.evaluation.sheets import Case
from tallywire.reading.calibration import at_temperature, calibration_error
from tallywire.reading.policy import Policy
from tallywire.sheet.layout import Layout

BATCH = 42  # cells of one sheet: what a worker sends
TIMED_BATCHES = 200


@dataclass(frozen=True, slots=True)
class Labelled:
    """Cells with their labels and what a model made of them."""

    cells: U8
    labels: U8
    probabilities: F32

    @property
    def score(self) -> CellScore:
        """Their score."""
        return score_cells(self.probabilities, self.labels)


def read_cases(
    cases: Sequence[Case], predict: Predict, layout: Layout, policy: Policy
) -> tuple[list[Outcome], int]:
    """Read every sheet; also how many had been refused."""
    read = [
        read_case(case, predict(case.cells), layout, policy)
        for case in cases
        if case.cells is not None
    ]
    return read, len(cases) - len(read)


def label_crops(crops: Crops, predict: Predict) -> Mapping[str, Labelled]:
    """Crops in two parts: those that may be looked at, and the held-out ones."""
    parts = {"open": ~crops.held_out, "held out": crops.held_out}
    return {
        name: label_cells(crops.cells[chosen], crops.labels[chosen], predict)
        for name, chosen in parts.items()
        if chosen.any()
    }


def label_cells(cells: U8, labels: U8, predict: Predict) -> Labelled:
    """Read loose cells in batches."""
    probabilities = np.concatenate([predict(part) for part in _batches(cells, 1024)])
    return Labelled(cells, labels, probabilities)


def time_per_cell_ms(predict: Predict, cells: U8) -> float:
    """Median milliseconds of processor time that a cell takes in a call of one sheet's cells.

    Processor time, so that a busy machine measures the same as an idle one.
    """
    sheet = np.resize(cells, (BATCH, 28, 28)).astype(np.uint8)
    predict(sheet)
    spent = []
    for _ in range(TIMED_BATCHES):
        start_s = time.process_time()
        predict(sheet)
        spent.append(time.process_time() - start_s)
    return float(np.median(spent)) * 1000 / BATCH


def sheet_figures(score: SheetScore) -> dict[str, Any]:
    """A sheet score as plain figures, shares included."""
    read = max(1, score.sheets - score.refused)
    return {
        **asdict(score),
        "cells_accuracy": round(score.cells.accuracy, 6),
        "counts_accuracy_joint": round(score.counts_exact_joint / max(1, score.counts), 6),
        "sheets_accuracy_plain": round(score.sheets_exact_plain / score.sheets, 6),
        "sheets_accuracy_joint": round(score.sheets_exact_joint / score.sheets, 6),
        "balanced_accuracy_joint": round(score.balanced_exact_joint / max(1, score.balanced), 6),
        "accepted_share": round(score.accepted / score.sheets, 6),
        "accepted_share_of_balanced": round(
            (score.accepted - score.unbalanced_accepted) / max(1, score.balanced), 6
        ),
        "read": read,
    }


def cell_figures(score: CellScore) -> dict[str, Any]:
    """A cell score as plain figures."""
    return {**asdict(score), "accuracy": round(score.accuracy, 6)}


def calibration(
    sets: Mapping[str, tuple[F32, U8]], temperature: float
) -> dict[str, dict[str, float]]:
    """By set, and over all cells: the expected calibration error before and after the temperature.

    Args:
        sets: probabilities float32 [N, 11] as served, and labels uint8 [N].
        temperature: what the model divides its logits by.
    """
    parts = list(sets.values())
    every = np.concatenate([said for said, _ in parts]), np.concatenate([true for _, true in parts])
    return {
        name: {
            "before": round(calibration_error(at_temperature(said, 1 / temperature), labels), 6),
            "after": round(calibration_error(said, labels), 6),
        }
        for name, (said, labels) in {**sets, "all": every}.items()
    }


def gather(outcomes: Sequence[Outcome]) -> Labelled:
    """The cells of many sheets."""
    cells = [one.case.cells for one in outcomes if one.case.cells is not None]
    return Labelled(
        np.concatenate([np.zeros((0, 28, 28), np.uint8), *cells]),
        np.concatenate([NO_LABELS, *(one.case.labels for one in outcomes)]),
        np.concatenate([NO_CELLS, *(one.probabilities for one in outcomes)]),
    )


def summary(outcomes: Sequence[Outcome], refused: int) -> dict[str, Any]:
    """Figures of one set of sheets."""
    return sheet_figures(score_sheets(outcomes, refused))


def _batches(cells: U8, size: int) -> Iterator[U8]:
    for start in range(0, len(cells), size):
        yield cells[start : start + size]
