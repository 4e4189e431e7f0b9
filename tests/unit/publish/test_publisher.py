"""The pace of a run."""

from __future__ import annotations

from tallywire.publish.publisher import Pace


def test_a_pace_spaces_out_and_no_pace_does_not() -> None:
    slow, free = Pace(10.0), Pace(None)
    slow.step()
    slow.step()
    assert 0.1 < slow.left_s() <= 0.2
    free.step()
    assert free.left_s() == 0.0
