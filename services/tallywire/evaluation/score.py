"""Scores of cells and sheets. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tallywire.evaluation.rendered_sheets import RenderedCase
from tallywire.reading.interpret import Interpretation, interpret
from tallywire.reading.policy import Policy
from tallywire.reading.rows import read_row
from tallywire.records import Verdict
from tallywire.sheet.layout import Layout
from tallywire.training.calibration import calibration_error

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
NO_CELLS = np.zeros((0, 11), np.float32)
NO_LABELS = np.zeros(0, np.uint8)


@dataclass(frozen=True, slots=True)
class CellScore:
    """Of labelled cells: how many, how many right, and the expected calibration error."""

    cells: int
    right: int
    calibration_error: float

    @property
    def accuracy(self) -> float:
        """Share of right cells; 0 of none."""
        return self.right / self.cells if self.cells else 0.0


@dataclass(frozen=True, slots=True)
class ReadCase:
    """One sheet that was read: plain arg-max beside joint decoding."""

    case: RenderedCase
    probabilities: F32
    found: Interpretation
    plain: tuple[int | None, ...]

    @property
    def exact(self) -> bool:
        """Whether every decoded count is what is written."""
        values = {count.field: count.value for count in self.found.counts}
        return all(values[field] == value for field, value in self.case.written.items())

    @property
    def plain_exact(self) -> bool:
        """Whether every count by itself is what is written."""
        return list(self.plain) == list(self.case.written.values())


@dataclass(frozen=True, slots=True)
class SheetScore:
    """Of rendered sheets; `refused` ones are in `sheets` and count as not exact.

    `cells` are read one by one; `cells_right_joint` are those whose digit the decoded counts have
    right, a leading blank being its zero.
    """

    sheets: int
    refused: int
    cells: CellScore
    cells_right_joint: int
    counts: int
    counts_exact_plain: int
    counts_exact_joint: int
    sheets_exact_plain: int
    sheets_exact_joint: int
    balanced: int
    balanced_exact_joint: int
    votes_absolute_error_plain: int
    votes_absolute_error_joint: int
    accepted: int
    accepted_wrong: int
    unbalanced_accepted: int


def score_cells(probabilities: F32, labels: NDArray[np.uint8]) -> CellScore:
    """Score cells.

    Args:
        probabilities: float32 [N, classes].
        labels: uint8 [N].
    """
    if not len(labels):
        return CellScore(0, 0, 0.0)
    right = probabilities.argmax(axis=1) == labels
    return CellScore(len(labels), int(right.sum()), calibration_error(probabilities, labels))


def confusion(probabilities: F32, labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Int64 [11, 11]: row what is written, column what was read."""
    table = np.zeros((11, 11), np.int64)
    np.add.at(table, (labels, probabilities.argmax(axis=1)), 1)
    return table


def risk_coverage(doubt: F64, wrong: NDArray[np.bool_]) -> tuple[F64, F64]:
    """Share kept and share wrong among the kept, keeping the least doubtful first.

    Args:
        doubt: float64 [N].
        wrong: bool [N].
    """
    order = np.argsort(doubt, kind="stable")
    kept = np.arange(1, len(order) + 1)
    return kept / len(order), np.cumsum(wrong[order]) / kept


def read_case(case: RenderedCase, probabilities: F32, layout: Layout, policy: Policy) -> ReadCase:
    """Interpret one sheet in both ways."""
    found = interpret(probabilities, layout, case.registered, policy, case.misplaced)
    rows = [np.array(count.cells) for count in found.counts]
    return ReadCase(
        case, probabilities, found, tuple(read_row(row, layout.empty_row).best for row in rows)
    )


def score_sheets(outcomes: Sequence[ReadCase], refused: int) -> SheetScore:
    """Score sheets that were read, and remember how many were refused."""
    probabilities = np.concatenate([NO_CELLS, *(one.probabilities for one in outcomes)])
    labels = np.concatenate([NO_LABELS, *(one.case.labels for one in outcomes)])
    written = [list(one.case.written.values()) for one in outcomes]
    joint = [[count.value for count in one.found.counts] for one in outcomes]
    plain = [list(one.plain) for one in outcomes]
    accepted = [one for one in outcomes if one.found.verdict is Verdict.ACCEPTED]
    balanced = [one for one in outcomes if one.case.adds_up]
    return SheetScore(
        sheets=len(outcomes) + refused,
        refused=refused,
        cells=score_cells(probabilities, labels),
        cells_right_joint=sum(map(_cells_right_joint, outcomes)),
        counts=sum(map(len, written)),
        counts_exact_plain=_same(plain, written),
        counts_exact_joint=_same(joint, written),
        sheets_exact_plain=sum(one.plain_exact for one in outcomes),
        sheets_exact_joint=sum(one.exact for one in outcomes),
        balanced=len(balanced),
        balanced_exact_joint=sum(one.exact for one in balanced),
        votes_absolute_error_plain=_votes(plain, written),
        votes_absolute_error_joint=_votes(joint, written),
        accepted=len(accepted),
        accepted_wrong=sum(not one.exact for one in accepted),
        unbalanced_accepted=sum(not one.case.adds_up for one in accepted),
    )


def _cells_right_joint(outcome: ReadCase) -> int:
    pairs = [
        (_in_cells(count.value, len(count.cells)), _in_cells(written, len(count.cells)))
        for count in outcome.found.counts
        for written in [outcome.case.written[count.field]]
    ]
    return sum(a == b for read, true in pairs for a, b in zip(read, true, strict=True))


def _in_cells(value: int | None, cells: int) -> str:
    return " " * cells if value is None else f"{value:0{cells}d}"


Rows = Sequence[Sequence[int | None]]


def _pairs(read: Rows, written: Rows) -> list[tuple[int | None, int | None]]:
    return [pair for a, b in zip(read, written, strict=True) for pair in zip(a, b, strict=True)]


def _same(read: Rows, written: Rows) -> int:
    return sum(a == b for a, b in _pairs(read, written))


def _votes(read: Rows, written: Rows) -> int:
    return sum(abs((a or 0) - (b or 0)) for a, b in _pairs(read, written))
