"""The measure of recovery."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tallywire.workshop.faults.progress_sampler import recovery_s


def test_recovery_is_the_slowest_partition_after_the_slowest_mending() -> None:
    samples = [(0.0, {0: 1, 1: 1}), (2.0, {0: 2, 1: 1}), (5.0, {0: 3, 1: 4}), (9.0, {0: 4, 1: 4})]
    ends = {0: 4, 1: 4}
    assert recovery_s(samples, [1.0], ends) == 4.0  # partition 1 moved at 5
    assert recovery_s(samples, [6.0], ends) == 3.0  # nothing was left in partition 1
    assert recovery_s(samples, [1.0, 6.0], ends) == 4.0
    assert recovery_s(samples, [1.0, 4.5], ends) == 1.0  # partition 1 waited from 4.5 on only
    assert recovery_s(samples, [10.0], ends) == 0.0
    assert recovery_s(samples, [6.0], {0: 9, 1: 9}) is None  # partition 1 never moved again
    assert recovery_s([], [1.0], ends) is None


@given(
    st.lists(st.tuples(st.floats(0.1, 5), st.integers(0, 1)), min_size=1, max_size=20),
    st.floats(0, 60),
)
def test_a_count_that_reached_the_end_has_recovered(
    steps: list[tuple[float, int]], moment: float
) -> None:
    now, at, samples = 0.0, {0: 0, 1: 0}, [(0.0, {0: 0, 1: 0})]
    for pause_s, number in steps:
        now, at = now + pause_s, {**at, number: at[number] + 1}
        samples.append((now, at))
    found = recovery_s(samples, [moment], at)
    assert found is not None
    assert 0 <= found <= now
