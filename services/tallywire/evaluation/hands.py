"""Whose handwriting a set is drawn with; none of these writers is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tallywire.handwriting import load_hand
from tallywire.sheet.render.hands import Hand
from tallywire.training.ink import handwriting
from tallywire.training.mnist import Digits, training_digits
from tallywire.training.strokes import Split, read_trajectories
from tallywire.training.tally import training_hand
from tallywire.training.wrong_cuts import WRONG_CUTS


def test_hands(mnist: Path, strokes: Path | None, *, wrong_cuts: bool) -> Mapping[str, Hand]:
    """The writers of the evaluation: MNIST's test part and, if given, the strokes' test part.

    `wrong_cuts` keeps trajectories that are no digit (`training.wrong_cuts`).
    """
    hands: dict[str, Hand] = {"mnist test": load_hand()}
    if strokes:
        trajectories = read_trajectories(strokes, Split.TEST, () if wrong_cuts else WRONG_CUTS)
        digits = _validation(mnist)  # never drawn: the share of trajectories is 1
        hands["strokes test"] = training_hand(handwriting(digits, trajectories, 1.0))
    return hands


def validation_hand(mnist: Path, strokes: Path | None) -> Hand:
    """The writers that thresholds are chosen with: the validation parts of both."""
    trajectories = read_trajectories(strokes, Split.VALIDATION, WRONG_CUTS) if strokes else None
    return training_hand(handwriting(_validation(mnist), trajectories, 0.6))


def _validation(mnist: Path) -> Digits:
    return training_digits(mnist)[1]
