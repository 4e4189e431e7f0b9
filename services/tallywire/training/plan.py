"""What one training run is to do, as a value; the options of the paper's section 4.1 and more."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from tallywire.training.augment import Augment

TOWERS = 2
"""Parts of a batch that are learned from side by side: on two cores that is a third quicker than
both cores on one batch, since a small convolution is hardly worth sharing."""


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Which handwriting, and how many cells of it.

    `cells` are drawn singly on believable paper, `sheets` rendered whole and cut as real ones;
    `validation_cells` and `validation_sheets` come from other writers. `strokes` may be None;
    a model of patches wants `fillers` too, the signs that people write into empty cells.
    """

    mnist: Path
    strokes: Path | None
    _: KW_ONLY
    election: str = "mx-2015-d15"
    trajectory_share: float = 0.65
    cells: int = 360_000
    sheets: int = 3_000
    validation_cells: int = 8_000
    validation_sheets: int = 160
    workers: int = 2
    fillers: Path | None = None


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """A whole run: MNIST, then cells, then tally cells with the first convolution frozen."""

    data: TrainingData
    folder: Path  # the version folder to write, <repository>/digits/<N>
    network: str = "residual"
    _: KW_ONLY
    seed: int = 15
    pretrain_epochs: int = 1
    epochs: int = 8
    tally_epochs: int = 4
    batch_size: int = 128
    learning_rate: float = 3e-3
    schedule: str = "cosine"
    patience: int = 4
    dropout: float = 0.25
    batch_norm: bool = True
    freeze_first: bool = True
    balance: bool = True
    augment: Augment = field(default_factory=Augment)
    start_from: Path | None = None  # a saved version of the same network, to train further
    keep: float = 0.0  # share of that version's weights in the result
    first_look: Path | None = None  # a saved version; the network learns and reads what it doubts
