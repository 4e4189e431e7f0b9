"""Temperature scaling and the calibration error that it lowers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallywire.reading.calibration import at_odds
from tallywire.training.calibration import (
    bins,
    calibration_error,
    fit_odds,
    fit_temperature,
    softmax,
)


def sample(sharpness: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits `sharpness` times too sure of labels drawn from their true probabilities."""
    rng = np.random.default_rng(seed)
    true = rng.normal(0, 2.5, (4_000, 11))
    chances = softmax(true)
    labels = np.array([rng.choice(11, p=row) for row in chances], np.uint8)
    return true * sharpness, labels


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.0])
def test_the_fitted_temperature_undoes_too_much_and_too_little_confidence(sharpness: float) -> None:
    logits, labels = sample(sharpness, 1)
    temperature = fit_temperature(logits, labels)
    assert temperature == pytest.approx(sharpness, rel=0.1)
    assert calibration_error(softmax(logits, temperature), labels) < 0.025


def test_calibration_improves_where_it_was_bad() -> None:
    logits, labels = sample(2.5, 2)
    before = calibration_error(softmax(logits), labels)
    after = calibration_error(softmax(logits, fit_temperature(logits, labels)), labels)
    assert after < before / 3


@given(temperature=st.floats(0.2, 5), seed=st.integers(0, 1000))
def test_temperature_never_changes_which_class_is_first(temperature: float, seed: int) -> None:
    logits = np.random.default_rng(seed).normal(0, 8, (20, 11))
    probabilities = softmax(logits, temperature)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (probabilities.argmax(axis=1) == logits.argmax(axis=1)).all()


def test_huge_logits_do_not_overflow() -> None:
    assert np.isfinite(softmax(np.array([[1e4, -1e4, 0.0]]), 0.2)).all()


def test_perfect_certainty_has_no_calibration_error() -> None:
    labels = np.arange(10, dtype=np.uint8)
    assert calibration_error(np.eye(11)[labels], labels) == 0


def test_bins_hold_every_cell_once() -> None:
    logits, labels = sample(1.0, 3)
    found = bins(softmax(logits), labels)
    assert sum(share for _, _, share in found) == pytest.approx(1)
    assert [said for said, _, _ in found] == sorted(said for said, _, _ in found)


def test_calibration_error_of_a_boaster() -> None:
    """Nine in ten, it says of ten cells; five are right."""
    said = np.tile(np.eye(11)[1] * 0.9 + np.eye(11)[2] * 0.1, (10, 1))
    labels = np.array([1] * 5 + [2] * 5, np.uint8)
    assert calibration_error(said, labels) == pytest.approx(0.4)
    assert [share for _, _, share in bins(said, labels)] == [1.0]


@settings(max_examples=25)
@given(slope=st.floats(0.7, 3), offset=st.floats(-2, 2), seed=st.integers(0, 2**32 - 1))
def test_odds_that_were_bent_are_bent_back(slope: float, offset: float, seed: int) -> None:
    """Events are drawn from the true probabilities; the reader tells bent ones."""
    rng = np.random.default_rng(seed)
    true_odds = rng.normal(-1, 2, 4000)
    happened = rng.random(4000) < 1 / (1 + np.exp(-true_odds))
    said = 1 / (1 + np.exp(-(true_odds - offset) / slope))
    found_slope, found_offset = fit_odds(said, happened)
    mended = np.array([at_odds(float(one), found_slope, found_offset) for one in said])
    assert abs(mended.mean() - happened.mean()) < 0.01
    assert found_slope == pytest.approx(slope, rel=0.35)


def test_odds_without_a_single_event_stay_finite() -> None:
    slope, offset = fit_odds(np.full(50, 0.01), np.zeros(50, bool))
    assert np.isfinite([slope, offset]).all()
    assert 0 < at_odds(0.01, slope, offset) < 0.1


@given(a=st.floats(0, 1), b=st.floats(0, 1), slope=st.floats(0.2, 5), offset=st.floats(-5, 5))
def test_bending_odds_keeps_their_order(a: float, b: float, slope: float, offset: float) -> None:
    low, high = sorted((at_odds(a, slope, offset), at_odds(b, slope, offset)))
    assert (low, high) == (at_odds(min(a, b), slope, offset), at_odds(max(a, b), slope, offset))
    assert at_odds(a, 1.0, 0.0) == a
