"""Targets judged on figures that can be checked by eye."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tallywire.evaluation.measurement import Labelled, calibration
from tallywire.evaluation.targets import judge_targets
from tallywire.training.calibration import softmax

GOOD: dict[str, Any] = {
    "rendered": {
        f"{hand} test, {condition}": {
            "cells_accuracy": share,
            "cells_accuracy_joint": share + 0.006,
            "balanced_accuracy_joint": 0.99,
        }
        for hand, share in (("mnist", 0.999), ("strokes", 0.991))
        for condition in ("clean", "scanner", "phone", "harsh")
    },
    "loose": {"crops, held out": {"accuracy": 0.98}},
    "calibration": {"all": {"before": 0.03, "after": 0.004}},
    "mixed": {"accepted_share": 0.81},
    "ms_per_cell": 0.1,
}


def missed(figures: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one.on, one.measure) for one in judge_targets(figures) if not one.met]


def test_the_worse_handwriting_counts() -> None:
    assert missed(GOOD) == [("rendered, scanner", "cells, arg-max")]


def test_low_is_good_for_errors_and_times() -> None:
    slow = {**GOOD, "ms_per_cell": 0.3, "calibration": {"all": {"before": 0.01, "after": 0.02}}}
    assert missed(slow)[1:] == [("all", "calibration error"), ("one core", "ms a cell")]


def test_what_was_not_measured_is_no_target() -> None:
    names = {one.on for one in judge_targets({**GOOD, "loose": {}})}
    assert "crops, held out" not in names


def test_calibration_before_is_the_model_without_its_temperatures() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 3, (3000, 11))
    labels = np.array([rng.choice(11, p=row) for row in softmax(logits)], np.uint8)
    numbers = np.arange(3000).astype("<u2").view(np.uint8).reshape(-1, 1, 2)  # stand for cells

    def uncalibrated(some: Any) -> Any:
        chosen = np.ascontiguousarray(some[:, 0]).view("<u2").ravel()
        return softmax(logits[chosen] * 3).astype(np.float32)

    served = Labelled(numbers, labels, softmax(logits).astype(np.float32))
    found = calibration({"one": served, "other": served}, uncalibrated)
    assert found["all"] == pytest.approx(found["one"])
    assert found["one"]["after"] < 0.03
    assert found["one"]["before"] == pytest.approx(
        float((softmax(logits * 3).max(1) - (logits.argmax(1) == labels)).mean()), abs=0.03
    )
