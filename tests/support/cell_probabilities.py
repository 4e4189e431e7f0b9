"""Small layouts and cell probabilities for the tests of reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tallywire.sheet.layout import Box, CapRule, Field, Layout, Role, SumRule

BLANK_CELL = 10


def make_layout(parts: int, cells: int, *, total: bool = True, cap: bool = False) -> Layout:
    """`parts` options and a total row, `cells` digits each."""
    boxes = tuple(Box(10.0 * n, 10.0, 9.0, 9.0) for n in range(cells))
    names = [f"o{n}" for n in range(parts)]
    fields = [Field(name, Role.OPTION, name, boxes) for name in names]
    fields += [Field("total", Role.TOTAL, None, boxes)] if total else []
    return Layout(
        id="small",
        version=1,
        name="Small",
        width_mm=100,
        height_mm=100,
        marks=(),
        fields=tuple(fields),
        sum_rules=(SumRule("adds_up", "total", tuple(names)),) if total else (),
        cap_rules=(CapRule("cap", "total"),) if cap else (),
    )


def written(text: str, sure: float = 1.0) -> NDArray[np.float64]:
    """Cells of one row, `_` for blank; the rest of the probability goes to the next digit."""
    cells = np.zeros((len(text), 11))
    for cell, mark in zip(cells, text, strict=True):
        index = BLANK_CELL if mark == "_" else int(mark)
        cell[index] = sure
        cell[(index + 1) % 11] += 1 - sure
    return cells


def sheet(rows: Sequence[str], sure: float = 0.999) -> NDArray[np.float32]:
    """Probabilities of a whole sheet as the classifier gives them."""
    return np.concatenate([written(row, sure) for row in rows]).astype(np.float32)


def doubt(
    probabilities: NDArray[np.float32], cell: int, classes: Mapping[int, float]
) -> NDArray[np.float32]:
    """The same sheet with one cell between several classes."""
    changed = probabilities.copy()
    changed[cell] = 0
    for index, probability in classes.items():
        changed[cell, index] = probability
    return changed
