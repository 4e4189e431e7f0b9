"""Everything one model is measured on, as plain figures."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tallywire.evaluation.crops import Crops
from tallywire.evaluation.mistakes import U8, Predict
from tallywire.evaluation.rendered_sheets import RenderedCase
from tallywire.evaluation.score import (
    F32,
    NO_CELLS,
    NO_LABELS,
    CellScore,
    ReadCase,
    SheetScore,
    read_case,
    score_cells,
    score_sheets,
)
from tallywire.reading.policy import Policy
from tallywire.sheet.layout import Layout
from tallywire.training.calibration import calibration_error

BATCH = 42  # cells of one sheet: what a worker sends
TIMED_SHEETS, TIMED_CALLS = 100, 20


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
    cases: Sequence[RenderedCase], predict: Predict, layout: Layout, policy: Policy
) -> tuple[list[ReadCase], int]:
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
    """Mean milliseconds of processor time that a cell takes in a call of one sheet's cells.

    Over many sheets, since doubtful cells cost more than others. Processor time, so that a busy
    machine measures the same as an idle one; of each sheet the fastest of some calls, since noise
    only adds.

    Args:
        predict: the model.
        cells: uint8 [N, S, S] of whole sheets, one after the other; at least one sheet.
    """
    sheets = [cells[at : at + BATCH] for at in range(0, len(cells) - BATCH + 1, BATCH)]
    chosen = sheets[:: max(1, len(sheets) // TIMED_SHEETS)]
    spent = [min(_processor_s(predict, sheet) for _ in range(TIMED_CALLS)) for sheet in chosen]
    return float(np.mean(spent)) * 1000 / BATCH


def _processor_s(predict: Predict, cells: U8) -> float:
    start_s = time.process_time()
    predict(cells)
    return time.process_time() - start_s


def sheet_figures(score: SheetScore) -> dict[str, Any]:
    """A sheet score as plain figures, shares included."""
    read = max(1, score.sheets - score.refused)
    return {
        **asdict(score),
        "cells_accuracy": round(score.cells.accuracy, 6),
        "cells_accuracy_joint": round(score.cells_right_joint / max(1, score.cells.cells), 6),
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


def calibration(sets: Mapping[str, Labelled], uncalibrated: Predict) -> dict[str, dict[str, float]]:
    """By set, and over all cells: the expected calibration error before and after the temperature.

    Args:
        sets: cells as the model reads them when served.
        uncalibrated: the same model without its temperatures.
    """
    before = {name: label_cells(one.cells, one.labels, uncalibrated) for name, one in sets.items()}
    return {
        name: {
            "before": round(_calibration_error(said), 6),
            "after": round(_calibration_error(served), 6),
        }
        for name, said, served in [
            *((name, [before[name]], [one]) for name, one in sets.items()),
            ("all", list(before.values()), list(sets.values())),
        ]
    }


def _calibration_error(parts: Sequence[Labelled]) -> float:
    said = np.concatenate([part.probabilities for part in parts])
    return calibration_error(said, np.concatenate([part.labels for part in parts]))


def gather(outcomes: Sequence[ReadCase]) -> Labelled:
    """The cells of many sheets."""
    cells = [one.case.cells for one in outcomes if one.case.cells is not None]
    return Labelled(
        np.concatenate(cells) if cells else np.zeros((0, 28, 28), np.uint8),
        np.concatenate([NO_LABELS, *(one.case.labels for one in outcomes)]),
        np.concatenate([NO_CELLS, *(one.probabilities for one in outcomes)]),
    )


def summary(outcomes: Sequence[ReadCase], refused: int) -> dict[str, Any]:
    """Figures of one set of sheets."""
    return sheet_figures(score_sheets(outcomes, refused))


def _batches(cells: U8, size: int) -> Iterator[U8]:
    for start in range(0, len(cells), size):
        yield cells[start : start + size]
