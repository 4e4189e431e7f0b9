"""Training at a terminal: bars, a line for each epoch, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tallywire.edge.progress_bars import named_bars
from tallywire.edge.terminal import terminal
from tallywire.errors import TallywireError
from tallywire.training.fit import Epoch
from tallywire.training.improve import (
    REPLAY_CELLS,
    REPLAY_SHEETS,
    Improvement,
    ImprovementResult,
    improve,
)
from tallywire.training.plan import TrainingData, TrainOptions
from tallywire.training.run import Figures, TrainingListener, train
from tallywire.training.versions import newest_before


def train_at_terminal(options: TrainOptions) -> None:
    """One run, and its figures.

    Raises:
        UsageError: as `train`.
    """
    console = terminal()
    with listening(console) as told:
        figures = train(options, told)
    console.print(figures_table(options.folder, figures))


def improve_at_terminal(
    data: TrainingData, folder: Path, corrections: Path, seed: int, max_pixels: int
) -> None:
    """The newest version before `folder`, fine-tuned on corrections into it.

    Raises:
        UsageError: as `improve`.
        TallywireError: it got worse somewhere, and so is not published.
    """
    replay = replace(
        data,
        cells=min(data.cells, REPLAY_CELLS),
        sheets=min(data.sheets, REPLAY_SHEETS),
        validation_sheets=min(data.validation_sheets, REPLAY_SHEETS),
    )
    plan = Improvement(
        base=newest_before(folder),
        folder=folder,
        corrections=corrections,
        data=replay,
        seed=seed,
        max_pixels=max_pixels,
    )
    console = terminal()
    with listening(console) as told:
        result = improve(plan, told)
    console.print(comparison_table(plan, result))
    if not result.published:
        raise TallywireError(f"{folder} is not published: an evaluation set got worse")


@contextmanager
def listening(console: Console) -> Iterator[TrainingListener]:
    """One bar for each set of cells that is being made, and a line for each epoch above them."""
    with named_bars(console, "{name}: {total:,}") as tell:
        yield TrainingListener(tell, lambda epoch: _tell_epoch(console, epoch))


def figures_table(folder: Path, figures: Figures) -> Table:
    """What was measured on writers that were not trained on."""
    table = Table(title=Text(str(folder)))
    table.add_column("on writers that were not trained on")
    table.add_column("", justify="right")
    for name, share in figures.accuracy.items():
        table.add_row(name, f"{100 * share:.2f} %")
    table.add_row("calibration error before", f"{100 * figures.calibration_error_before:.2f} %")
    table.add_row("calibration error after", f"{100 * figures.calibration_error_after:.2f} %")
    table.add_row("temperature", f"{figures.temperature:.3f}")
    table.add_row("parameters", f"{figures.parameters:,}")
    return table


def comparison_table(plan: Improvement, result: ImprovementResult) -> Table:
    """Errors before and after on every evaluation set; one that got worse in red."""
    table = Table(title=Text(f"{plan.base} -> {plan.folder}: {result.picked} corrected cells"))
    table.add_column("evaluation set")
    for heading in ("cells", "errors before", "errors after"):
        table.add_column(heading, justify="right")
    for name, one in result.sets.items():
        style = "bold red" if one.worse else ""
        table.add_row(name, f"{one.cells:,}", f"{one.before:,}", f"{one.after:,}", style=style)
    return table


def _tell_epoch(console: Console, epoch: Epoch) -> None:
    console.print(
        f"{epoch.stage:>6} {epoch.number:2d}  loss {epoch.loss:.4f}  accuracy {epoch.accuracy:.4f}"
        f"  validation {epoch.validation_loss:.4f} {epoch.validation_accuracy:.4f}"
    )
