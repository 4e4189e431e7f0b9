"""What the cells of one row may say: a probability for every count, and for "nothing written"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tallywire.records import BLANK
from tallywire.sheet.layout import EmptyRow

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

MOST_PATTERNS = 20_000  # 11 classes in up to 4 cells; longer rows keep the likeliest classes
CLASSES_KEPT = 5
IRREGULAR_PRIOR = 0.05
"""Weight of a blank behind a digit ("4 5 _"): it may be 45 pushed left, or a digit that the model
missed. The rest of its probability belongs to no count, so that such a row is always doubtful."""
MISSING = -1


@dataclass(frozen=True, slots=True)
class RowReading:
    """The reading of one row by itself.

    `counts` float64 [10 ** cells]: probability of each count; `missing`: that nothing is written.
    Together at most 1; what lacks is the chance that the row is none of these.
    """

    counts: F64
    missing: float

    @property
    def best(self) -> int | None:
        """The most probable count, None where nothing is written."""
        value = int(np.argmax(self.counts))
        return value if self.counts[value] >= self.missing else None

    def probability(self, value: int | None) -> float:
        """Probability that the row says `value`."""
        return self.missing if value is None else float(self.counts[value])


def read_row(cells: F64, empty_row: EmptyRow = EmptyRow.MISSING) -> RowReading:
    """Weigh every way to fill the row's cells.

    Leading cells may be empty (blank leading cells read as zero); a row of blanks says nothing,
    or zero where the form says so.

    Args:
        cells: float64 [K, 11], K >= 1, probabilities of digits 0-9 and blank.
        empty_row: what a row of blanks says on this form.
    """
    kept = _classes(cells)
    values, priors = _patterns(kept)
    ways = np.ones(1)
    for cell, classes in zip(cells, kept, strict=True):
        ways = np.outer(ways, cell[list(classes)]).ravel()
    weights = ways * priors
    written = values != MISSING
    counts = np.bincount(values[written], weights[written], minlength=10 ** len(cells))
    row = RowReading(counts.astype(np.float64), float(weights[~written].sum()))
    if empty_row is EmptyRow.MISSING:
        return row
    row.counts[0] += row.missing
    return RowReading(row.counts, 0.0)


def _classes(cells: F64) -> tuple[tuple[int, ...], ...]:
    if 11 ** len(cells) <= MOST_PATTERNS:
        return (tuple(range(11)),) * len(cells)
    order = np.argsort(-cells, axis=1)[:, :CLASSES_KEPT]
    return tuple(tuple(int(index) for index in row) for row in order)


@cache
def _patterns(kept: tuple[tuple[int, ...], ...]) -> tuple[I64, F64]:
    """For every combination of classes, in the order of `product`: its count and its prior."""
    found = [_meaning(pattern) for pattern in product(*kept)]
    return np.array([v for v, _ in found], np.int64), np.array([p for _, p in found], np.float64)


def _meaning(pattern: Sequence[int]) -> tuple[int, float]:
    digits = [index for index in pattern if index != BLANK]
    if not digits:
        return MISSING, 1.0
    value = int("".join(map(str, digits)))
    regular = BLANK not in pattern[len(pattern) - len(digits) :]
    return value, 1.0 if regular else IRREGULAR_PRIOR
