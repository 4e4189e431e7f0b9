"""How well was it read? Compares readings with the truth the renderer wrote down. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tallywire.records import BLANK, Count, Reading

Truth = Mapping[str, str]
"""Field id -> what is written, a character a cell: a digit, or `_` where no digit stands."""


@dataclass(frozen=True, slots=True)
class Grade:
    """Counts over the readings that have a truth; votes are absolute errors summed over rows."""

    sheets: int
    sheets_exact: int
    cells: int
    cells_exact: int
    votes_absolute_error: int
    accepted: int
    accepted_wrong: int


def grade(readings: Iterable[Reading], truths: Mapping[str, Truth]) -> Grade:
    """Grade readings against `truths`, keyed by scan id.

    A cell is exact where its most probable class is what is written. A sheet is exact where every
    count's value is. A row read as missing counts as 0 in the absolute error.
    """
    graded = [
        (reading, truths[reading.scan_id]) for reading in readings if reading.scan_id in truths
    ]
    wrong = [_is_wrong(reading, truth) for reading, truth in graded]
    pairs = [
        (count, truth[count.field])
        for reading, truth in graded
        for count in reading.counts
        if count.field in truth
    ]
    accepted = [bad for (reading, _), bad in zip(graded, wrong, strict=True) if not held(reading)]
    return Grade(
        sheets=len(graded),
        sheets_exact=len(graded) - sum(wrong),
        cells=sum(len(written) for _, written in pairs),
        cells_exact=sum(_cells_exact(count, written) for count, written in pairs),
        votes_absolute_error=sum(
            abs((count.value or 0) - (number(written) or 0)) for count, written in pairs
        ),
        accepted=len(accepted),
        accepted_wrong=sum(accepted),
    )


def held(reading: Reading) -> bool:
    """True where the machine left the decision to a person."""
    return reading.verdict.value == "held"


def number(written: str) -> int | None:
    """The count that a written row says; blanks before the first digit are zeros."""
    digits = written.replace("_", "")
    return int(digits) if digits else None


def _is_wrong(reading: Reading, truth: Truth) -> bool:
    return any(
        count.value != number(truth[count.field])
        for count in reading.counts
        if count.field in truth
    )


def _cells_exact(count: Count, written: str) -> int:
    read = [max(range(len(cell)), key=cell.__getitem__) for cell in count.cells]
    wanted = [BLANK if mark == "_" else int(mark) for mark in written]
    return sum(a == b for a, b in zip(read, wanted, strict=True))
