"""The cells of a run: MNIST's, drawn ones and those cut from rendered sheets, by writers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tallywire.election.loading import load_election
from tallywire.errors import UsageError
from tallywire.sheet.clean import CELL_PX
from tallywire.sheet.patches import VIEW_PX, view_of_crop
from tallywire.sheet.prepare import Takes
from tallywire.training.cells import Cells, join, synthesise
from tallywire.training.fillers import read_fillers
from tallywire.training.ink import Handwriting, handwriting
from tallywire.training.mnist import Digits, training_digits
from tallywire.training.patch_hand import know_hands
from tallywire.training.patch_scenes import PATCHES_A_SCENE, synthesise_patches
from tallywire.training.plan import TrainingData
from tallywire.training.rendered_cells import rendered_cells
from tallywire.training.strokes import Split, Trajectories, read_writers
from tallywire.training.wrong_cuts import WRONG_CUTS

Progress = Callable[[str, int, int], None]
"""Called with what is being made, how many are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Training and validation never share a writer; `tally_*` went through whole sheets."""

    mnist: Cells
    mnist_validation: Cells
    cells: Cells
    cells_validation: Cells
    tally: Cells
    tally_validation: Cells


def make_corpus(
    data: TrainingData, seed: int, tell: Progress, takes: Takes = Takes.CELLS
) -> Corpus:
    """Read the handwriting and draw every set; the same seed gives the same cells.

    Raises:
        InvalidFileError: MNIST's, the strokes' or the election's files are wrong.
    """
    train, validation = training_digits(data.mnist)
    hands = _hands(train, data, Split.TRAIN)
    others = _hands(validation, data, Split.VALIDATION)
    if takes is Takes.PATCHES:
        drawn = _patches(hands, Split.TRAIN, data, seed, tell)
        drawn_others = _patches(others, Split.VALIDATION, data, seed + 1, tell)
    else:
        drawn = _drawn("cells", data.cells, hands, data, seed, tell)
        drawn_others = _drawn(
            "validation cells", data.validation_cells, others, data, seed + 1, tell
        )
    return Corpus(
        _as_taken(train, takes),
        _as_taken(validation, takes),
        drawn,
        drawn_others,
        _rendered("sheets", data.sheets, hands, data, seed + 2, takes, tell),
        _rendered("validation sheets", data.validation_sheets, others, data, seed + 3, takes, tell),
    )


def _as_taken(digits: Digits, takes: Takes) -> Cells:
    """MNIST's digits as cells, or each on a patch of its own paper."""
    if takes is Takes.CELLS:
        return Cells(digits.images, digits.labels)
    views = np.stack([view_of_crop(255 - image) for image in digits.images])
    return Cells(views, digits.labels)


def _patches(
    digits: Handwriting, split: Split, data: TrainingData, seed: int, tell: Progress
) -> Cells:
    if data.fillers is None:
        raise UsageError("a model of patches learns from signs in empty cells: give --fillers NPZ")
    hands = know_hands(digits, read_fillers(data.fillers, split))
    training = split is Split.TRAIN
    count = data.cells if training else data.validation_cells
    scenes = max(1, round(count / PATCHES_A_SCENE))
    parts = synthesise_patches(scenes, hands, seed, data.workers)
    return _gather("patches" if training else "validation patches", count, VIEW_PX, parts, tell)


def _hands(digits: Digits, data: TrainingData, split: Split) -> Handwriting:
    return handwriting(digits, _trajectories(data.strokes, split), data.trajectory_share)


def _trajectories(path: Path | None, split: Split) -> Trajectories | None:
    return None if path is None else read_writers(path, split, WRONG_CUTS)


def _drawn(
    name: str, count: int, hands: Handwriting, data: TrainingData, seed: int, tell: Progress
) -> Cells:
    parts = synthesise(count, hands, seed, data.workers)
    return _gather(name, count, CELL_PX, parts, tell)


def _rendered(
    name: str,
    sheets: int,
    hands: Handwriting,
    data: TrainingData,
    seed: int,
    takes: Takes,
    tell: Progress,
) -> Cells:
    loaded = load_election(data.election)
    contest = loaded.election.contests[0]
    layout = loaded.layouts[contest.id]
    parts = rendered_cells(sheets, hands, layout, contest, seed, data.workers, takes=takes)
    return _gather(name, sheets * len(layout.cells), takes, parts, tell)


def _gather(name: str, expected: int, side: int, parts: Iterable[Cells], tell: Progress) -> Cells:
    got = [Cells(np.zeros((0, side, side), np.uint8), np.zeros(0, np.uint8))]
    done = 0
    tell(name, 0, expected)
    for part in parts:
        got.append(part)
        done += len(part)
        tell(name, min(done, expected), expected)
    tell(name, expected, expected)
    return join(got)
