"""The promise about accepted sheets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.evaluation.certificate import CONFIDENCE, TARGET, certify, choose, upper_bound


@pytest.mark.parametrize(("of", "share"), [(299, 0.01), (598, 0.005), (2995, 0.001)])
def test_no_error_in_so_many_sheets_bounds_the_share(of: int, share: float) -> None:
    """The rule of three, as in the anchors: 299, 598 and 2,995 clean sheets."""
    assert upper_bound(0, of) == pytest.approx(share, rel=0.01)


def test_clopper_pearson_of_a_textbook() -> None:
    assert upper_bound(5, 100, 0.975) == pytest.approx(0.11283, abs=1e-4)


@given(st.integers(0, 20), st.integers(1, 500))
def test_the_bound_lies_above_the_share_seen_and_falls_with_more_sheets(
    wrong: int, more: int
) -> None:
    of = wrong + more
    assert upper_bound(wrong, of) >= wrong / of
    assert upper_bound(wrong, of * 2) <= upper_bound(wrong, of)


def test_nothing_accepted_certifies_nothing() -> None:
    found = certify(0.1, np.array([0.5, 0.9]), np.array([False, True]))
    assert (found.accepted, found.upper, found.holds) == (0, 1.0, False)


def calibrated(sheets: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    errors = rng.beta(0.08, 2.0, sheets)
    return errors, rng.random(sheets) < errors


def test_a_calibrated_reader_gets_a_threshold_that_holds_on_new_sheets() -> None:
    found = choose(*calibrated(8000, 1))
    assert found.holds
    assert found.accepted > 0.5 * found.of
    errors, wrong = calibrated(50_000, 2)
    assert wrong[errors <= found.threshold].mean() <= TARGET


def test_the_promise_is_broken_less_often_than_one_time_in_twenty() -> None:
    broken = 0
    for seed in range(100):
        found = choose(*calibrated(3000, seed))
        errors, wrong = calibrated(20_000, seed + 10_000)
        accepted = errors <= found.threshold
        broken += bool(found.holds and wrong[accepted].mean() > TARGET)
    assert broken <= 100 * (1 - CONFIDENCE)


def test_a_reader_that_does_not_know_when_it_is_wrong_gets_no_certificate() -> None:
    rng = np.random.default_rng(3)
    assert not choose(rng.random(2000), rng.random(2000) < 0.05).holds


def test_too_few_sheets_for_any_promise() -> None:
    errors, _ = calibrated(300, 4)
    found = choose(errors, np.zeros(300, bool))
    assert not found.holds
    assert found.wrong == 0


def test_a_reader_that_is_never_quite_sure_may_still_be_certified() -> None:
    """Its doubt has a floor, so that the strictest limits accept nothing; looser ones do."""
    found = choose(np.full(3000, 0.002), np.zeros(3000, bool))
    assert found.holds
    assert found.accepted == found.of


def test_a_reader_that_is_too_modest_does_not_hold_good_sheets_for_nothing() -> None:
    """It expects four times the errors it makes; what is certified goes by the errors."""
    errors, _ = calibrated(8000, 5)
    wrong = np.random.default_rng(6).random(8000) < errors / 4
    found = choose(errors, wrong)
    by_its_own_account = np.sort(errors)
    expected = np.cumsum(by_its_own_account) / np.arange(1, 8001)
    assert found.holds
    assert (errors <= found.threshold).mean() > (expected <= TARGET).mean()
