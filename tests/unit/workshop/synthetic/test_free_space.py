"""Places where nothing stands."""

from __future__ import annotations

from tallywire.sheet.layout import Box
from tallywire.workshop.synthetic.free_space import around, largest_free


def test_free_places_touch_nothing() -> None:
    region = Box(0, 0, 100, 100)
    taken = [Box(0, 0, 100, 30), Box(0, 30, 20, 70)]
    place = largest_free(region, taken)
    assert place == Box(20, 30, 80, 70)
    assert largest_free(region, [region]) is None
    assert around([Box(1, 2, 3, 4), Box(10, 1, 1, 1)]) == Box(1, 1, 10, 5)
