"""What a model should reach, and whether it did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tallywire.workshop.synthetic.conditions import ConditionName

CELLS = {ConditionName.SCANNER: 0.995, ConditionName.PHONE: 0.99, ConditionName.HARSH: 0.97}
SHEETS, CROPS, CALIBRATION, ACCEPTED, MS_PER_CELL = 0.98, 0.975, 0.01, 0.8, 0.15
HELD_OUT = "crops, held out"


@dataclass(frozen=True, slots=True)
class AccuracyTarget:
    """`measured` against `limit`; `at_least` says on which side of it is good."""

    on: str
    measure: str
    measured: float
    limit: float
    at_least: bool = True

    @property
    def met(self) -> bool:
        """Whether it was reached."""
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


def judge_targets(figures: Mapping[str, Any]) -> list[AccuracyTarget]:
    """Every target that was measured, the worse kind of handwriting where there are several.

    Args:
        figures: of `evaluate`.
    """
    return [*_rendered(figures["rendered"]), *_loose(figures["loose"]), *_whole(figures)]


def _rendered(sets: Mapping[str, Any]) -> Iterator[AccuracyTarget]:
    for condition, limit in CELLS.items():
        found = [one for name, one in sets.items() if name.endswith(f", {condition.value}")]
        on = f"rendered, {condition.value}"
        yield AccuracyTarget(
            on, "cells, arg-max", min(one["cells_accuracy"] for one in found), limit
        )
        yield AccuracyTarget(
            on, "cells, joint", min(one["cells_accuracy_joint"] for one in found), limit
        )
        if condition is ConditionName.SCANNER:
            exact = min(one["balanced_accuracy_joint"] for one in found)
            yield AccuracyTarget(on, "whole sheets that add up, joint", exact, SHEETS)


def _loose(sets: Mapping[str, Any]) -> Iterator[AccuracyTarget]:
    if HELD_OUT in sets:
        yield AccuracyTarget(HELD_OUT, "digits", sets[HELD_OUT]["accuracy"], CROPS)


def _whole(figures: Mapping[str, Any]) -> Iterator[AccuracyTarget]:
    error = figures["calibration"]["all"]["after"]
    yield AccuracyTarget("all", "calibration error", error, CALIBRATION, at_least=False)
    share = figures["mixed"]["accepted_share"]
    yield AccuracyTarget("mixed, 17 % wrong totals", "accepted", share, ACCEPTED)
    spent = figures["ms_per_cell"]
    yield AccuracyTarget("one core", "ms a cell", spent, MS_PER_CELL, at_least=False)
