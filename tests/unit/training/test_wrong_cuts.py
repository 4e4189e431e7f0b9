"""What is left out of the strokes is named once, with what is there instead."""

from __future__ import annotations

from tallywire.training.wrong_cuts import (
    BRACKETS,
    TEST_CUTS,
    TRAINING_CUTS,
    WAVES,
    WRONG_CUTS,
)


def test_no_trajectory_is_named_twice() -> None:
    assert not TRAINING_CUTS.keys() & TEST_CUTS.keys()
    assert len(WRONG_CUTS) == len(TRAINING_CUTS) + len(TEST_CUTS)
    assert len(set(WAVES)) == len(WAVES)
    assert not set(WAVES) & set(BRACKETS)


def test_every_one_says_what_it_is_and_what_it_should_be() -> None:
    assert all(TEST_CUTS[index] == "a wave for a 4" for index in WAVES)
    assert all(TEST_CUTS[index] == "a bracket for a 3" for index in BRACKETS)
    said = [what for what in WRONG_CUTS.values() if " for a" in what]
    assert all(what[-1] in "0123456789" for what in said)
