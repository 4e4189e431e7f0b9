"""`tallywire train`: handwriting in, a SavedModel out."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tallywire.settings import load_settings
from tallywire.shipped import require_own_folder

CACHE = Path(".cache")
CORES = os.cpu_count() or 1


class NetworkName(StrEnum):
    """Which network to train."""

    PAPER = "paper"
    RESIDUAL = "residual"
    PATCHES = "patches"
    PATCHES_DEEP = "patches-deep"


OF_PATCHES = (NetworkName.PATCHES, NetworkName.PATCHES_DEEP)
FIRST_LOOK = {
    NetworkName.PAPER: 0,
    NetworkName.RESIDUAL: 1,
    NetworkName.PATCHES: 0,
    NetworkName.PATCHES_DEEP: 3,
}


class Schedule(StrEnum):
    """How the learning rate falls."""

    COSINE = "cosine"
    STEP = "step"
    CONSTANT = "constant"


VersionOption = Annotated[
    int, typer.Option(min=1, help="Version folder to write: <model-repo>/<model>/<version>")
]
NetworkOption = Annotated[
    NetworkName,
    typer.Option(
        help="paper: two convolutions of 16 and 32 filters, two dense layers."
        " residual: convolutions with short cuts, more accurate and far slower, so that it should"
        " read only what a --first-look doubts."
        " patches, patches-deep: read a piece of paper, lines and neighbours included, and not a"
        " cleaned cell; they want --strokes and --fillers"
    ),
]
FirstLookOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Saved version that reads every cell before; the network learns and reads what that"
        " one doubts. 0 for none. Without it: version 1 before residual, none before paper",
    ),
]
FromCorrectionsOption = Annotated[
    Path | None,
    typer.Option(
        help="Folder of corrections.jsonl (messages of tally.corrections, one a line) and the"
        " scans behind them, <station>.jpg: fine-tunes the newest older version on them into"
        " --version, and does not publish it if any evaluation set got worse"
    ),
]
StartFromOption = Annotated[
    int | None,
    typer.Option(min=1, help="Train this saved version of the same network further, not a new one"),
]
KeepOption = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        help="Share of the weights of --start-from in the result: half of each forgets"
        " less of what was known, at no cost when serving",
    ),
]
ModelRepoOption = Annotated[Path | None, typer.Option(help="Folder of models")]
ModelOption = Annotated[str | None, typer.Option(help="Name of the model")]
MnistOption = Annotated[
    Path | None,
    typer.Option(help="Folder of MNIST's IDX files; fetched into .cache/mnist without it"),
]
StrokesOption = Annotated[
    Path | None,
    typer.Option(
        help="NPZ of pen trajectories (UCI Pen-Based Digits, UNIPEN): crossed sevens, flagged"
        " ones and open fours, which MNIST's writers hardly write; MNIST alone without it"
    ),
]
FillersOption = Annotated[
    Path | None,
    typer.Option(help="NPZ of signs that people write into empty cells, for --network patches"),
]
TrajectoryShareOption = Annotated[
    float,
    typer.Option(min=0, max=1, help="Share of the drawn digits that come from --strokes"),
]
CellsOption = Annotated[
    int, typer.Option(min=1000, help="Cells drawn singly, on paper of every kind")
]
SheetsOption = Annotated[
    int,
    typer.Option(
        min=0,
        help="Sheets rendered whole and cut as real ones are; 3,000 give 126,000 tally cells,"
        " the article's authors fine-tuned on 26,271",
    ),
]
ValidationCellsOption = Annotated[
    int, typer.Option(min=200, help="Drawn cells of other writers, to stop and to calibrate")
]
ValidationSheetsOption = Annotated[
    int, typer.Option(min=0, help="Rendered sheets of other writers, for the same")
]
PretrainEpochsOption = Annotated[
    int,
    typer.Option(min=0, help="Epochs on plain MNIST first: edges and loops are learned there"),
]
EpochsOption = Annotated[int, typer.Option(min=0, help="Epochs on drawn and rendered cells")]
TallyEpochsOption = Annotated[
    int, typer.Option(min=0, help="Epochs of transfer to tally cells, at a low rate")
]
FreezeFirstOption = Annotated[
    bool,
    typer.Option(
        help="Keep the first convolution as it is during the transfer: its edge filters hold"
        " for any paper, and cannot overfit to one form"
    ),
]
BatchSizeOption = Annotated[
    int, typer.Option(min=8, max=4096, help="Smaller generalises better, larger runs quicker")
]
DropoutOption = Annotated[
    float, typer.Option(min=0, max=0.8, help="Before the dense layers, against overfitting")
]
BatchNormOption = Annotated[
    bool,
    typer.Option(help="Normalise after each convolution: trains faster, folded away on export"),
]
LearningRateOption = Annotated[float, typer.Option(min=1e-6, max=1, help="At its highest")]
ScheduleOption = Annotated[Schedule, typer.Option(help="cosine ends slowly and needs no tuning")]
PatienceOption = Annotated[
    int,
    typer.Option(min=1, help="Epochs without a lower validation loss before a stage ends"),
]
BalanceOption = Annotated[
    bool, typer.Option(help="Weigh classes alike, although blanks are more frequent")
]
AugmentationOption = Annotated[
    bool, typer.Option(help="Change each cell a little every time it is seen")
]
RotationOption = Annotated[
    float,
    typer.Option(
        min=0,
        max=45,
        help="Largest turn in degrees; the article's is 15, but cells are drawn turned already",
    ),
]
ZoomOption = Annotated[
    float, typer.Option(min=0, max=0.5, help="Largest change of size; the article's is 0.2")
]
EqualiseOption = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        help="Share of cells whose histogram is flattened while training. Off: the cleaning"
        " shared with serving already evens out light and stretches contrast",
    ),
]
SeedOption = Annotated[int, typer.Option(help="Same seed, same cells and same figures")]
WorkersOption = Annotated[int, typer.Option(min=1, help="Processes that draw cells")]


def train(
    version: VersionOption,
    network: NetworkOption = NetworkName.RESIDUAL,
    first_look: FirstLookOption = None,
    start_from: StartFromOption = None,
    keep: KeepOption = 0.0,
    from_corrections: FromCorrectionsOption = None,
    model_repo: ModelRepoOption = None,
    model: ModelOption = None,
    mnist: MnistOption = None,
    strokes: StrokesOption = None,
    fillers: FillersOption = None,
    trajectory_share: TrajectoryShareOption = 0.65,
    cells: CellsOption = 360_000,
    sheets: SheetsOption = 3_000,
    validation_cells: ValidationCellsOption = 8_000,
    validation_sheets: ValidationSheetsOption = 160,
    pretrain_epochs: PretrainEpochsOption = 1,
    epochs: EpochsOption = 8,
    tally_epochs: TallyEpochsOption = 4,
    freeze_first: FreezeFirstOption = True,
    batch_size: BatchSizeOption = 128,
    dropout: DropoutOption = 0.25,
    batch_norm: BatchNormOption = True,
    learning_rate: LearningRateOption = 3e-3,
    schedule: ScheduleOption = Schedule.COSINE,
    patience: PatienceOption = 4,
    balance: BalanceOption = True,
    augmentation: AugmentationOption = True,
    rotation: RotationOption = 10.0,
    zoom: ZoomOption = 0.15,
    equalise: EqualiseOption = 0.0,
    seed: SeedOption = 15,
    workers: WorkersOption = CORES,
) -> None:
    """Train a digit model and write it in TensorFlow Serving's layout.

    In three stages: MNIST; cells drawn on believable paper; tally cells of rendered sheets. Ends
    with temperature scaling on other writers. With --strokes it makes a second look behind version
    1, as version 2 is, in about 40 minutes on two cores; `training.json` holds options and runs.
    """
    from tallywire.edge.output_files import require_folder
    from tallywire.training.tensorflow_setup import set_up_tensorflow
    from tallywire.training.versions import check_start, first_look_folder

    check_start(start_from, keep, from_corrections)
    set_up_tensorflow(CORES)
    settings = load_settings(model_repo=model_repo, model=model)
    require_own_folder(settings.model_repo)
    from tallywire.training.augment import Augment
    from tallywire.training.mnist import find_mnist
    from tallywire.training.plan import TrainingData, TrainOptions

    folder = settings.model_repo / settings.model / str(version)
    require_folder(folder, "--model-repo")
    data = TrainingData(
        mnist=mnist or find_mnist(CACHE),
        strokes=strokes,
        election=settings.election,
        trajectory_share=trajectory_share,
        cells=cells,
        sheets=sheets,
        validation_cells=validation_cells,
        validation_sheets=validation_sheets,
        workers=workers,
        fillers=fillers,
    )
    if from_corrections:
        from tallywire.training.session import improve_at_terminal

        improve_at_terminal(data, folder, from_corrections, seed, settings.max_pixels)
        return
    looks_first = FIRST_LOOK[network] if first_look is None else first_look
    options = TrainOptions(
        data=data,
        folder=folder,
        network=network.value,
        seed=seed,
        pretrain_epochs=pretrain_epochs,
        epochs=epochs,
        tally_epochs=tally_epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        schedule=schedule.value,
        patience=patience,
        dropout=dropout,
        batch_norm=batch_norm,
        freeze_first=freeze_first,
        balance=balance,
        augment=Augment(augmentation, rotation, zoom, equalise, extend=network in OF_PATCHES),
        start_from=folder.with_name(str(start_from)) if start_from else None,
        keep=keep,
        first_look=first_look_folder(looks_first, folder),
    )
    from tallywire.training.session import train_at_terminal  # TensorFlow: once all is checked

    train_at_terminal(options)
