"""Pictures of an evaluation, with matplotlib and no window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from tallywire.evaluation.mistakes import Mistake
from tallywire.evaluation.score import risk_coverage
from tallywire.training.calibration import bins

mpl.use("Agg")
from matplotlib import pyplot as plt

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

CLASSES = [*map(str, range(10)), "blank"]
COLUMNS = 8
FEWEST = 10  # cells in a bin: fewer say nothing about its accuracy
INK, ACCENT, QUIET = "#1b2a41", "#c8553d", "#9aa5b1"


def draw_confusion(table: NDArray[np.int64], title: str, path: Path) -> None:
    """What is written against what was read; the diagonal is left pale so that mistakes show."""
    figure, axes = plt.subplots(figsize=(6.4, 5.8))
    mistakes = table.astype(float)
    np.fill_diagonal(mistakes, 0)
    axes.imshow(mistakes, cmap="Oranges")
    for row, column in np.ndindex(table.shape):
        if table[row, column]:
            colour = QUIET if row == column else INK
            axes.text(column, row, f"{table[row, column]:,}", ha="center", va="center",
                      fontsize=7, color=colour)  # fmt: skip
    axes.set_xticks(range(11), CLASSES, rotation=45)
    axes.set_yticks(range(11), CLASSES)
    axes.set(xlabel="read", ylabel="written", title=title)
    _save(figure, path)


def draw_reliability(sets: Mapping[str, tuple[F32, U8]], path: Path) -> None:
    """Confidence against accuracy by set: a calibrated model lies on the diagonal."""
    figure, axes = plt.subplots(figsize=(6, 5.4))
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle="--")
    for name, (probabilities, labels) in sets.items():
        points = [one for one in bins(probabilities, labels) if one[2] * len(labels) >= FEWEST]
        sizes = [10 + 220 * share for _, _, share in points]
        line = axes.plot([p[0] for p in points], [p[1] for p in points], label=name)
        axes.scatter([p[0] for p in points], [p[1] for p in points], sizes,
                     color=line[0].get_color())  # fmt: skip
    axes.set(xlabel="confidence", ylabel="accuracy", title="Reliability, by cell")
    axes.legend(frameon=False)
    _save(figure, path)


def draw_risk_coverage(doubt: F64, wrong: NDArray[np.bool_], limit: float, path: Path) -> None:
    """Share of wrong sheets against the share accepted, least doubtful first."""
    if not len(doubt):
        return
    figure, axes = plt.subplots(figsize=(6, 4.6))
    coverage, risk = risk_coverage(doubt, wrong)
    axes.plot(100 * coverage, 100 * risk, color=INK)
    axes.axhline(100 * limit, color=ACCENT, linewidth=1, linestyle="--")
    axes.text(1, 100 * limit, f" {limit:.1%} promised at most", color=ACCENT, va="bottom")
    axes.set(xlabel="% of sheets accepted", ylabel="% of them wrong", title="Risk and coverage",
             ylim=(0, max(2.0, 100 * float(risk[-1]) * 1.1)))  # fmt: skip
    _save(figure, path)


def draw_mistakes(mistakes: Sequence[Mistake], title: str, path: Path) -> None:
    """What the model saw, and below it which part of it decided."""
    rows = max(1, -(-len(mistakes) // COLUMNS))
    figure, grid = plt.subplots(2 * rows, COLUMNS, figsize=(1.25 * COLUMNS, 2.9 * rows))
    for axes in np.asarray(grid).ravel():
        axes.axis("off")
    for index, one in enumerate(mistakes):
        row, column = 2 * (index // COLUMNS), index % COLUMNS
        seen, why = grid[row, column], grid[row + 1, column]
        seen.imshow(255 - one.cell, cmap="gray", vmin=0, vmax=255)
        seen.set_title(f"{CLASSES[one.label]} read as {CLASSES[one.read]}\n{one.confidence:.0%}",
                       fontsize=7)  # fmt: skip
        why.imshow(255 - one.cell, cmap="gray", vmin=0, vmax=255)
        why.imshow(one.saliency, cmap="Reds", alpha=0.6, vmin=0, extent=(0, *one.cell.shape, 0))
    figure.suptitle(title, fontsize=10)
    _save(figure, path)


def _save(figure: plt.Figure, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
