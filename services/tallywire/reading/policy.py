"""The thresholds between accepting and holding, chosen on held-out data for one model version."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """When a sheet is accepted without a person's look. All fields are floats: they travel with
    the SavedModel as the outputs of its signature `policy`.

    `max_error_probability`: of at least one wrong count on the sheet, 0 to 1.
    `min_count_probability`: of every single count, 0 to 1.
    `error_slope`, `error_offset`: what makes the sheet's error probability mean what it says
    (`calibration.at_odds`). Small doubts of forty cells add up: a reader whose cells are half a
    percent too modest expects a wrong sheet in five.
    `unbalanced_prior`: share of papers that do not add up by themselves (Honduras 2025: 0.17).
    `unbalanced_spread`: how many totals such a paper might as well have shown.
    """

    max_error_probability: float = 0.02
    min_count_probability: float = 0.75
    error_slope: float = 1.0
    error_offset: float = 0.0
    unbalanced_prior: float = 0.17
    unbalanced_spread: float = 100.0
