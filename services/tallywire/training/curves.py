"""Loss and accuracy by epoch, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from tallywire.training.fit import Epoch

TRAIN_COLOUR, VALIDATION_COLOUR = "#8a8f98", "#0b6e99"


def draw_curves(epochs: Sequence[Epoch], path: Path) -> None:
    """Write a PNG with the loss on the left, the accuracy on the right, stages parted by lines."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    at = list(range(1, len(epochs) + 1))
    for axes, title, train, validation in (
        (
            left, "Cross entropy (nats)",
            [epoch.loss for epoch in epochs], [epoch.validation_loss for epoch in epochs],
        ),
        (
            right, "Accuracy",
            [epoch.accuracy for epoch in epochs], [epoch.validation_accuracy for epoch in epochs],
        ),
    ):  # fmt: skip
        axes.plot(at, train, color=TRAIN_COLOUR, marker=".", label="training, augmented")
        axes.plot(at, validation, color=VALIDATION_COLOUR, marker=".", label="validation")
        _part_stages(axes, epochs)
        axes.set(title=title, xlabel="epoch")
        axes.grid(alpha=0.25)
        axes.legend()
    left.set_yscale("log")
    figure.savefig(path, dpi=110, metadata={"Software": "tallywire"})


def _part_stages(axes: object, epochs: Sequence[Epoch]) -> None:
    for index, epoch in enumerate(epochs):
        if epoch.number == 1:
            axes.axvline(index + 0.5, color="#d0d4da", linewidth=1)  # type: ignore[attr-defined]
            axes.annotate(  # type: ignore[attr-defined]
                epoch.stage, (index + 0.6, 0.02), xycoords=("data", "axes fraction"), fontsize=8
            )
