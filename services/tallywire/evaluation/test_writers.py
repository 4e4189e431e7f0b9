"""Whose handwriting a set is drawn with; none of these writers is trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tallywire.training.ink import handwriting
from tallywire.training.mnist import Digits, training_digits
from tallywire.training.rendered_cells import TrainingHand, training_hand
from tallywire.training.strokes import Split, Trajectories, read_writers
from tallywire.training.wrong_cuts import WRONG_CUTS
from tallywire.workshop.synthetic.handwriting import F32, Hand, Writer


@dataclass(frozen=True, slots=True)
class OneHandASheet:
    """Writes every digit of a sheet as one person did, as real sheets are written.

    `who` int64 [N] says, for every trajectory, which of `people` wrote it: whoever wrote more is
    drawn more often, so that the digits are as likely as where every cell is anybody's.
    """

    people: tuple[Hand, ...]
    who: NDArray[np.int64]

    def __call__(
        self, digit: int, height_px: float, writer: Writer, rng: np.random.Generator
    ) -> F32:
        """Draw one digit of the sheet's person; see `Hand`."""
        person = self.people[int(self.who[writer.identity % len(self.who)])]
        return person(digit, height_px, writer, rng)


def one_hand_a_sheet(hand: TrainingHand, trajectories: Trajectories) -> OneHandASheet:
    """`hand`, person by person; a digit that one never wrote is anybody's."""
    people, who = np.unique(trajectories.writers, return_inverse=True)
    return OneHandASheet(tuple(_only(hand, trajectories.writers == one) for one in people), who)


def _only(hand: TrainingHand, mine: NDArray[np.bool_]) -> TrainingHand:
    own = tuple(of[mine[of]] if mine[of].any() else of for of in hand.hands.trajectories_of)
    return replace(hand, hands=replace(hand.hands, trajectories_of=own))


def strokes_test_hands(mnist: Path, strokes: Path, *, wrong_cuts: bool) -> tuple[Hand, Hand]:
    """The strokes' test part: every cell by anybody, and every sheet by one hand.

    `wrong_cuts` keeps trajectories that are no digit (`training.wrong_cuts`).
    """
    trajectories = read_writers(strokes, Split.TEST, () if wrong_cuts else WRONG_CUTS)
    digits = _validation(mnist)  # never drawn: the share of trajectories is 1
    hand = training_hand(handwriting(digits, trajectories, 1.0))
    return hand, one_hand_a_sheet(hand, trajectories)


def validation_hand(mnist: Path, strokes: Path | None) -> Hand:
    """The writers that thresholds are chosen with: the validation parts of both."""
    trajectories = read_writers(strokes, Split.VALIDATION, WRONG_CUTS) if strokes else None
    return training_hand(handwriting(_validation(mnist), trajectories, 0.6))


def _validation(mnist: Path) -> Digits:
    return training_digits(mnist)[1]
