"""The doctor's levels."""

from __future__ import annotations

from tallywire.doctor.findings import Level, fail, ok, warn, worst


def test_the_worst_decides() -> None:
    assert worst([]) is Level.OK
    assert worst([ok("a", "b", "c"), warn("a", "b", "c", "d")]) is Level.WARN
    assert worst([warn("a", "b", "c", "d"), fail("a", "b", "c", "d")]) is Level.FAIL
