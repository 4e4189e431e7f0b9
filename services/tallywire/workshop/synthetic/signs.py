"""What polling staff write into a row of cells: digits, and the ways to leave a cell empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from tallywire.records import BLANK
from tallywire.sheet.layout import Layout

Signs = tuple[int, ...]
"""What stands in the cells of one row: a digit 0 to 9, or a `Blank`."""


class Blank(IntEnum):
    """Ways in which a cell holds no digit; all of them are the model's blank class."""

    EMPTY = 10
    DASH = 11
    SLASH = 12
    CROSS = 13


@dataclass(frozen=True, slots=True)
class Habit:
    """Chances of what fills the cells before a number's first digit; they sum to 1."""

    zeros: float
    empty: float
    dash: float
    slash: float
    cross: float


def compose_row(value: int, cells: int, habit: Habit, rng: np.random.Generator) -> Signs:
    """Write a number into `cells` cells, most significant digit first.

    Raises:
        ValueError: if it does not fit.
    """
    if not 0 <= value < 10**cells:
        raise ValueError(f"{value} does not fit {cells} cells")
    digits = tuple(map(int, str(value)))
    filler = int(rng.choice(_FILLERS, p=_chances(habit)))
    return (filler,) * (cells - len(digits)) + digits


def written_value(signs: Signs) -> int | None:
    """The number that a row of signs says, blanks before it read as zero; None if nothing."""
    digits = [sign for sign in signs if sign < BLANK]
    return int("".join(map(str, digits))) if digits else None


def sheet_labels(layout: Layout, signs: Mapping[str, Signs]) -> NDArray[np.uint8]:
    """Uint8 [N], 0 to 10: the class of every cell in the order of `layout.cells`."""
    flat = [min(sign, BLANK) for field in layout.fields for sign in signs[field.id]]
    return np.array(flat, np.uint8)


_FILLERS = (0, Blank.EMPTY, Blank.DASH, Blank.SLASH, Blank.CROSS)


def _chances(habit: Habit) -> tuple[float, ...]:
    return habit.zeros, habit.empty, habit.dash, habit.slash, habit.cross
