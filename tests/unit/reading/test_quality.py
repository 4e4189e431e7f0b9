"""The paper's label, with its own warning."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.reading.quality import count_confidence, digit_weights, label, sheet_confidence
from tallywire.records import Quality


def cells_with(*maxima: float) -> np.ndarray:
    cells = np.zeros((len(maxima), 11))
    cells[:, 0] = maxima
    return cells


def test_the_papers_weights() -> None:
    assert digit_weights(3) == (0.5, 0.35, 0.15)
    assert count_confidence(cells_with(0.8, 0.6, 0.4)) == pytest.approx(0.5 * 0.8 + 0.21 + 0.06)


@given(st.integers(1, 9))
def test_weights_sum_to_one_and_fall(cells: int) -> None:
    weights = digit_weights(cells)
    assert sum(weights) == pytest.approx(1)
    assert list(weights) == sorted(weights, reverse=True)


def test_the_label_is_not_safe_as_a_gate() -> None:
    confidence = count_confidence(cells_with(1.0, 1.0, 0.4))
    assert confidence == pytest.approx(0.91)
    assert label(confidence) is Quality.HIGH


def test_the_limit_itself_is_moderate() -> None:
    assert label(0.9) is Quality.MODERATE
    assert label(np.nextafter(0.9, 1)) is Quality.HIGH


def test_a_sheet_is_the_mean_of_its_counts() -> None:
    assert sheet_confidence([1.0, 0.5]) == 0.75
