"""One person writes a whole sheet, as real sheets are written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tallywire.evaluation.test_writers import OneHandASheet, one_hand_a_sheet
from tallywire.training.ink import handwriting
from tallywire.training.rendered_cells import TrainingHand, training_hand
from tallywire.workshop.synthetic.handwriting import Writer
from tests.support.tiny_handwriting import tiny_digits, tiny_trajectories

RNG = np.random.default_rng(1)


def somebody(identity: int) -> Writer:
    return Writer(identity, 6.0, 1.0, 0.0, 0.5)


def marked(mark: float) -> object:
    def draw(*_: object) -> NDArray[np.float32]:
        return np.full((2, 2), mark, np.float32)

    return draw


def test_a_sheet_is_of_one_person_and_who_wrote_more_is_drawn_more_often() -> None:
    hand = OneHandASheet((marked(0.25), marked(0.75)), np.array([0, 1, 1, 1]))  # type: ignore[arg-type]
    drawn = [
        {float(hand(digit, 40.0, somebody(sheet), RNG).max()) for digit in range(10)}
        for sheet in range(8)
    ]
    assert drawn == 2 * [{0.25}, {0.75}, {0.75}, {0.75}]


def test_a_person_writes_own_digits_and_borrows_those_never_written() -> None:
    one = tiny_trajectories()
    both = replace(
        one,
        digits=one.digits + one.digits[:5],
        labels=np.concatenate([one.labels, one.labels[:5]]),
        writers=np.repeat([3, 8], [10, 5]),
    )
    hand = one_hand_a_sheet(training_hand(handwriting(tiny_digits(), both, 1.0)), both)
    assert hand.who.tolist() == [0] * 10 + [1] * 5
    first, second = (
        [of.tolist() for of in person.hands.trajectories_of]
        for person in hand.people
        if isinstance(person, TrainingHand)
    )
    assert first == [[digit] for digit in range(10)]
    assert second == [[10], [11], [12], [13], [14], [5], [6], [7], [8], [9]]


def test_a_whole_sheet_of_one_hand_can_be_drawn() -> None:
    trajectories = tiny_trajectories()
    hand = one_hand_a_sheet(
        training_hand(handwriting(tiny_digits(), trajectories, 1.0)), trajectories
    )
    masks = [hand(digit, 40.0, somebody(0), RNG) for digit in range(10)]
    assert all(mask.max() > 0.9 for mask in masks)
