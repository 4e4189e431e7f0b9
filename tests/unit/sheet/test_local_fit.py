"""The fine step follows what most of the print around a field says, and says how well it fits."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tallywire.sheet.local_fit import Beside, FieldPlace, field_places, shifts_at

F64 = NDArray[np.float64]

GRID = np.stack(np.meshgrid(np.arange(10, 200, 12.0), np.arange(10, 290, 12.0)), -1).reshape(-1, 2)
CELLS = np.array([[100.0, 150.0], [110.0, 150.0], [120.0, 150.0]])
ROW = (("row", CELLS),)


def beside(offsets_mm: F64, seen: F64 | None = None) -> Beside:
    trust = np.ones(len(GRID)) if seen is None else seen
    return Beside(GRID, np.broadcast_to(offsets_mm, GRID.shape), trust, np.full(len(GRID), True))


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_a_common_offset_is_followed(right: float, down: float) -> None:
    (place,), shifts = field_places(beside(np.array([right, down])), ROW)
    assert np.abs(shifts - [right, down]).max() < 0.1 * np.hypot(right, down) + 1e-9
    assert place.residual_mm < 0.1 * np.hypot(right, down) + 1e-9
    assert not place.doubtful


@given(st.integers(0, 2**32 - 1))
def test_a_few_that_are_mistaken_change_little(seed: int) -> None:
    random = np.random.default_rng(seed)
    offsets = random.normal([0.6, -0.4], 0.05, GRID.shape)
    wrong = random.random(len(GRID)) < 0.15
    offsets[wrong] = random.uniform(-2, 2, (int(wrong.sum()), 2))
    shifts, residual = shifts_at(beside(offsets), CELLS)
    assert np.abs(shifts - [0.6, -0.4]).max() < 0.25
    assert (residual < 0.9).all()


def test_a_bend_is_followed_where_it_is() -> None:
    bend = np.stack([np.zeros(len(GRID)), np.sin(GRID[:, 1] * np.pi / 300)], axis=1)
    points = np.array([[100.0, 30.0], [100.0, 150.0]])
    shifts, _ = shifts_at(beside(bend), points)
    assert np.abs(shifts[:, 1] - np.sin(points[:, 1] * np.pi / 300)).max() < 0.15


def test_without_print_around_it_a_field_stays_and_is_doubtful() -> None:
    far = np.linalg.norm(GRID - CELLS.mean(axis=0), axis=1) > 80
    (place,), shifts = field_places(beside(np.array([1.0, 1.0]), far.astype(np.float64)), ROW)
    assert np.abs(shifts).max() < 0.1
    assert place.doubtful
    assert place.contradicted
    assert place.unseen.doubtful
    assert not place.unseen.contradicted


def test_print_that_does_not_agree_with_itself_is_doubted() -> None:
    random = np.random.default_rng(3)
    (place,), _ = field_places(beside(random.uniform(-1.5, 1.5, GRID.shape)), ROW)
    assert place.residual_mm > 0.5
    assert place.doubtful


def test_no_fields_no_places() -> None:
    places, shifts = field_places(beside(np.zeros(2)), ())
    assert places == ()
    assert shifts.shape == (0, 2)


def test_shares_stay_between_nothing_and_all() -> None:
    assert FieldPlace("a", 0.1, 3.0, 2.0).agreed == 1.0
    assert FieldPlace("a", 0.1, 0.0, 0.0).agreed == 0.0
