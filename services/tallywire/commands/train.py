"""`tallywire train`: handwriting in, a SavedModel out."""

from __future__ import annotations

import os
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tallywire.errors import TallywireError, UsageError
from tallywire.settings import load_settings
from tallywire.training.versions import first_look_folder, newest_before

if TYPE_CHECKING:
    from tallywire.training.corpus import Progress as Teller
    from tallywire.training.fit import Epoch
    from tallywire.training.plan import Data, Plan
    from tallywire.training.run import Figures

CACHE = Path(".cache")
CORES = os.cpu_count() or 1


class Network(StrEnum):
    """Which network to train."""

    PAPER = "paper"
    RESIDUAL = "residual"
    PATCHES = "patches"
    PATCHES_DEEP = "patches-deep"


FIRST_LOOK = {Network.PAPER: 0, Network.RESIDUAL: 1, Network.PATCHES: 0, Network.PATCHES_DEEP: 3}


class Schedule(StrEnum):
    """How the learning rate falls."""

    COSINE = "cosine"
    STEP = "step"
    CONSTANT = "constant"


VersionOption = Annotated[
    int, typer.Option(min=1, help="Version folder to write: <model-repo>/<model>/<version>")
]
NetworkOption = Annotated[
    Network,
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
        " the paper fine-tuned on 26,271",
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
        help="Largest turn in degrees; the paper's is 15, but cells are drawn turned already",
    ),
]
ZoomOption = Annotated[
    float, typer.Option(min=0, max=0.5, help="Largest change of size; the paper's is 0.2")
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
    network: NetworkOption = Network.RESIDUAL,
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
    _check_start(start_from, keep, from_corrections)
    _set_up_tensorflow()
    settings = load_settings(model_repo=model_repo, model=model)
    from tallywire.training.augment import Augment
    from tallywire.training.mnist import find_mnist
    from tallywire.training.plan import Data, Plan

    data = Data(
        mnist or find_mnist(CACHE), strokes, settings.election, trajectory_share,
        cells, sheets, validation_cells, validation_sheets, workers, fillers)  # fmt: skip
    folder = settings.model_repo / settings.model / str(version)
    if from_corrections:
        return _improve(data, folder, from_corrections, seed, settings.max_pixels)
    of_patches = network in (Network.PATCHES, Network.PATCHES_DEEP)
    augment = Augment(augmentation, rotation, zoom, equalise, extend=of_patches)
    return _train(Plan(
        data, folder, network.value, seed,
        pretrain_epochs, epochs, tally_epochs, batch_size, learning_rate, schedule.value, patience,
        dropout, batch_norm, freeze_first, balance, augment,
        folder.with_name(str(start_from)) if start_from else None, keep,
        first_look_folder(FIRST_LOOK[network] if first_look is None else first_look, folder),
    ))  # fmt: skip


def _check_start(start_from: int | None, keep: float, from_corrections: Path | None) -> None:
    if keep and not start_from:
        raise UsageError("--keep is a share of --start-from's weights: give that version too")
    if from_corrections and start_from:
        raise UsageError(
            "--from-corrections goes on from the newest version before --version:"
            " leave --start-from and --keep out"
        )


def _set_up_tensorflow() -> None:
    """It reads these when it is imported: every tower of a batch has its share of the cores."""
    from tallywire.training.plan import TOWERS

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, CORES // TOWERS)))
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", str(TOWERS))


def _train(plan: Plan) -> None:
    from tallywire.training.run import Told, train

    console = Console()
    with _bars(console) as progress:
        figures = train(plan, Told(_teller(progress), lambda epoch: _tell_epoch(progress, epoch)))
    _tell_figures(console, plan.folder, figures)


def _improve(data: Data, folder: Path, corrections: Path, seed: int, max_pixels: int) -> None:
    from tallywire.training.improve import REPLAY_CELLS, REPLAY_SHEETS, Improvement, improve
    from tallywire.training.run import Told

    replay = replace(
        data,
        cells=min(data.cells, REPLAY_CELLS),
        sheets=min(data.sheets, REPLAY_SHEETS),
        validation_sheets=min(data.validation_sheets, REPLAY_SHEETS),
    )
    plan = Improvement(
        newest_before(folder), folder, corrections, replay, seed=seed, max_pixels=max_pixels
    )
    console = Console()
    with _bars(console) as progress:
        told = Told(_teller(progress), lambda epoch: _tell_epoch(progress, epoch))
        outcome = improve(plan, told)
    table = Table(title=f"{plan.base} -> {folder}: {outcome.picked} corrected cells")
    for heading in ("evaluation set", "cells", "errors before", "errors after"):
        table.add_column(heading, justify="left" if heading == "evaluation set" else "right")
    for name, one in outcome.sets.items():
        style = "bold red" if one.worse else ""
        table.add_row(name, f"{one.cells:,}", f"{one.before:,}", f"{one.after:,}", style=style)
    console.print(table)
    if not outcome.published:
        raise TallywireError(f"{folder} is not published: an evaluation set got worse")


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=console,
    )  # fmt: skip


def _teller(progress: Progress) -> Teller:
    """One bar for each set of cells that is being made."""

    def tell(name: str, done: int, total: int) -> None:
        known = next((task for task in progress.tasks if task.description == name), None)
        if known is None and not progress.console.is_terminal:  # a log shows no bar until its end
            progress.console.print(f"{name}: {total:,}", highlight=False)
        task = known.id if known else progress.add_task(name, total=total)
        progress.update(task, completed=done)

    return tell


def _tell_epoch(progress: Progress, epoch: Epoch) -> None:
    progress.console.print(
        f"{epoch.stage:>6} {epoch.number:2d}  loss {epoch.loss:.4f}  accuracy {epoch.accuracy:.4f}"
        f"  validation {epoch.validation_loss:.4f} {epoch.validation_accuracy:.4f}",
        highlight=False,
    )


def _tell_figures(console: Console, folder: Path, figures: Figures) -> None:
    table = Table(title=str(folder))
    table.add_column("on writers that were not trained on")
    table.add_column("", justify="right")
    for name, share in figures.accuracy.items():
        table.add_row(name, f"{100 * share:.2f} %")
    table.add_row("calibration error before", f"{100 * figures.calibration_error_before:.2f} %")
    table.add_row("calibration error after", f"{100 * figures.calibration_error_after:.2f} %")
    table.add_row("temperature", f"{figures.temperature:.3f}")
    table.add_row("parameters", f"{figures.parameters:,}")
    console.print(table)
