"""The sheet's error probability means what it says: drawn from a reader whose cells are calibrated.

A cell shows two classes, the written one with the probability it is given; so every figure that
interpret() derives can be held against what was really written.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tallywire.reading.interpret import Interpretation, interpret
from tallywire.reading.policy import Policy
from tallywire.records import Verdict
from tests.support.cell_probabilities import make_layout, written

PARTS, SHEETS, UNBALANCED = 6, 1500, 0.17
LAYOUT = make_layout(PARTS, 3, cap=True)
POLICY = Policy(max_error_probability=0.02, min_count_probability=0.0, unbalanced_prior=UNBALANCED)


def draw(rng: np.random.Generator) -> tuple[list[int | None], np.ndarray]:
    """What is written, and calibrated probabilities of its cells."""
    counts = [int(value) for value in rng.integers(0, 120, PARTS) * rng.integers(0, 8, PARTS) // 7]
    total = sum(counts)
    if rng.random() < UNBALANCED:
        total += int(rng.choice([-50, -10, -2, -1, 1, 2, 10, 50]))
    rows = [sign(count, rng) for count in [*counts, abs(total)]]
    cells = np.concatenate([doubt(written(row), rng) for row in rows])
    read = [None if row == "___" else int(row.replace("_", "0")) for row in rows]
    return read, cells.astype(np.float32)


def sign(count: int, rng: np.random.Generator) -> str:
    """Leading zeros, leading blanks, or for a zero an empty row."""
    kind = rng.random()
    if count == 0 and kind < 0.1:
        return "___"
    return f"{count:03d}" if kind < 0.6 else f"{count:_>3d}"


def doubt(cells: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cells that are as often right as they say, and else show the second class."""
    for cell in cells:
        true = int(cell.argmax())
        sure = float(rng.choice([0.9999, 0.999, 0.99, 0.8], p=[0.7, 0.2, 0.07, 0.03]))
        other = int((true + rng.integers(1, 11)) % 11)
        told, rest = (true, other) if rng.random() < sure else (other, true)
        cell[:] = 0
        cell[told], cell[rest] = sure, 1 - sure
    return cells


@cache
def read_all() -> list[tuple[Interpretation, bool]]:
    rng = np.random.default_rng(20)
    found = []
    for _ in range(SHEETS):
        counts, cells = draw(rng)
        one = interpret(cells, LAYOUT, 2000, POLICY)
        found.append((one, [count.value for count in one.counts] != counts))
    return found


@pytest.mark.parametrize(("low", "high"), [(0, 0.02), (0.02, 0.2), (0.2, 1), (0, 1)])
def test_as_many_sheets_are_wrong_as_it_says(low: float, high: float) -> None:
    some = [(one.error_probability, wrong) for one, wrong in read_all()
            if low <= one.error_probability <= high]  # fmt: skip
    said = sum(error for error, _ in some)
    seen = sum(wrong for _, wrong in some)
    assert len(some) > 20
    assert abs(seen - said) <= 4 * np.sqrt(said) + 0.25 * said + 1


def test_arithmetic_reads_more_sheets_right_than_ink_alone() -> None:
    def exact(values: str) -> int:
        return sum(
            all(getattr(count, values) == count.value for count in one.counts) and not wrong
            for one, wrong in read_all()
        )

    assert exact("value") > 1.1 * exact("written")


def test_hardly_an_accepted_sheet_is_wrong() -> None:
    accepted = [wrong for one, wrong in read_all() if one.verdict is Verdict.ACCEPTED]
    assert len(accepted) > SHEETS / 2
    assert np.mean(accepted) < 0.005
