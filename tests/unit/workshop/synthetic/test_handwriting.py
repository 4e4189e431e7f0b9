"""Ink of one writer's digits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallywire.workshop.synthetic.handwriting import Writer, raster_hand
from tallywire.workshop.synthetic.mnist_sample import load_hand

WRITER = Writer(identity=0, height_mm=7, aspect=1.0, slant=0.1, stroke_mm=0.6)


@settings(max_examples=25)
@given(st.integers(0, 9), st.floats(12, 120), st.integers(0, 2**32))
def test_a_digit_has_the_asked_size_and_full_ink(digit: int, height_px: float, seed: int) -> None:
    mask = load_hand()(digit, height_px, WRITER, np.random.default_rng(seed))
    assert mask.dtype == np.float32
    assert mask.min() >= 0
    assert 0.9 < mask.max() <= 1
    assert 0.55 * height_px < max(mask.shape) < 1.5 * height_px + 8
    assert max(mask[0].max(), mask[-1].max(), mask[:, 0].max(), mask[:, -1].max()) < 0.1


def test_a_thicker_pen_leaves_more_ink() -> None:
    hand, rng = load_hand(), np.random.default_rng
    thin = hand(8, 60, replace(WRITER, stroke_mm=0.35), rng(1)).sum()
    thick = hand(8, 60, replace(WRITER, stroke_mm=0.9), rng(1)).sum()
    assert thick > 1.3 * thin


def test_the_shipped_hand_is_balanced_over_digits_and_groups() -> None:
    hand = load_hand()
    assert len(hand.pixels) == 4000
    assert [[len(choices) for choices in group] for group in hand.by_group] == [[200] * 10] * 2


def test_a_hand_that_lacks_a_digit_is_refused() -> None:
    labels = np.arange(9, dtype=np.uint8)
    with pytest.raises(ValueError, match="every digit"):
        raster_hand(np.zeros((9, 28, 28), np.uint8), labels, np.zeros(9, np.uint8))
