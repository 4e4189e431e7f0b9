"""One training run from a plan to a version folder with its SavedModel, curves and figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tallywire.reading.policy import Policy
from tallywire.training.calibration import calibration_error
from tallywire.training.card import card_text
from tallywire.training.cascade import CascadeStage, FirstStage, Predict, fit_look, focus, reader
from tallywire.training.cells import Cells, join
from tallywire.training.corpus import Corpus, Progress, make_corpus
from tallywire.training.curves import draw_curves
from tallywire.training.export import as_first_look, load_saved, save_model
from tallywire.training.fit import Epoch, Stage, fit
from tallywire.training.networks import NETWORKS, NetworkOptions, folded, takes_of_network
from tallywire.training.plan import TrainOptions
from tallywire.training.restore import load_network, read_record

Weights = list[NDArray[np.float32]]

FINE_TUNING = 0.15  # of the learning rate: the network knows digits by then


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run measured on writers it did not learn from; shares are 0 to 1."""

    accuracy: dict[str, float]
    temperature: float
    calibration_error_before: float
    calibration_error_after: float
    parameters: int


@dataclass(frozen=True, slots=True)
class TrainingListener:
    """Where a run tells how far it is."""

    progress: Progress
    epoch: Callable[[Epoch], None]


def train(plan: TrainOptions, told: TrainingListener) -> Figures:
    """Make the cells, fit the network, calibrate it and write the version folder.

    Raises:
        InvalidFileError: a file of the handwriting or the election is wrong.
        UsageError: a saved version that the plan names is not there or not fit.
    """
    keras.utils.set_random_seed(plan.seed)
    earlier = read_record(plan.start_from) if plan.start_from else None  # may be overwritten
    first = as_first_look(plan.first_look) if plan.first_look else None
    corpus = make_corpus(plan.data, plan.seed, told.progress, takes_of_network(plan.network))
    focused = focus(corpus, first, np.random.default_rng(plan.seed))
    # A saved version has its normalisation folded into its weights.
    options = NetworkOptions(plan.dropout, plan.batch_norm and plan.start_from is None)
    build = NETWORKS[plan.network]
    network = load_network(plan.start_from) if plan.start_from else build(options)
    before = network.get_weights()
    epochs = fit_stages(network, focused, plan, told)
    if plan.start_from:
        network.set_weights(blended(before, network.get_weights(), plan.keep))
    plain = folded(network, build, options)
    look = fit_look(plain, first, _calibrating(focused))
    figures = _figures(look, first, corpus, int(plain.count_params()))
    save_model(look, first, asdict(Policy()), plan.folder)
    _check_saved(plan.folder, reader(look, first), _calibrating(corpus))
    write_record(plan, focused, epochs, figures, earlier)
    return figures


def blended(before: Weights, after: Weights, keep: float) -> Weights:
    """`keep` of the weights before fine-tuning, the rest of those after it: what was learned last
    costs less of what was known (Wortsman et al. 2022, WiSE-FT)."""
    return [keep * old + (1 - keep) * new for old, new in zip(before, after, strict=True)]


def fit_stages(
    network: Any, corpus: Corpus, plan: TrainOptions, told: TrainingListener
) -> tuple[Epoch, ...]:
    """MNIST, drawn cells, then tally cells among drawn ones; skips stages of no epochs."""
    rng = np.random.default_rng(plan.seed)
    stopping, _ = _halves(_validation(corpus))
    # Tally cells alone would narrow the network to one form; half of what it sees stays varied.
    share = min(len(corpus.cells), len(corpus.tally))
    mixed = join([corpus.tally, _first(corpus.cells, share)])
    done: tuple[Epoch, ...] = ()
    for stage, train_on, judge in (
        (_stage(plan, "mnist", plan.pretrain_epochs, 1.0), corpus.mnist, corpus.mnist_validation),
        (_stage(plan, "cells", plan.epochs, 1.0), join([corpus.cells, corpus.tally]), stopping),
        (_stage(plan, "tally", plan.tally_epochs, FINE_TUNING), mixed, stopping),
    ):
        if stage.epochs and len(train_on):
            done += fit(network, train_on, judge, stage, plan.augment, rng, told.epoch)
    return done


def _stage(plan: TrainOptions, name: str, epochs: int, rate: float) -> Stage:
    return Stage(
        name,
        epochs,
        plan.learning_rate * rate,
        plan.batch_size,
        plan.schedule,
        plan.patience,
        freeze_first=plan.freeze_first and name == "tally",
        balance=plan.balance,
    )


def _first(cells: Cells, count: int) -> Cells:
    return Cells(cells.images[:count], cells.labels[:count])


def _halves(cells: Cells) -> tuple[Cells, Cells]:
    """Even and odd cells, as two sets of the same kind."""
    return (
        Cells(cells.images[::2], cells.labels[::2]),
        Cells(cells.images[1::2], cells.labels[1::2]),
    )


def _validation(corpus: Corpus) -> Cells:
    return join([corpus.cells_validation, corpus.tally_validation])


def _calibrating(corpus: Corpus) -> Cells:
    """The half of the validation cells that did not choose the epoch."""
    return _halves(_validation(corpus))[1]


def _figures(
    look: CascadeStage, first: FirstStage | None, corpus: Corpus, parameters: int
) -> Figures:
    read, uncalibrated = reader(look, first), reader(look, first, calibrated=False)
    sets = {
        "mnist validation": corpus.mnist_validation,
        "drawn cells": corpus.cells_validation,
        "rendered cells": corpus.tally_validation,
    }
    accuracy = {
        name: float((read(cells.images).argmax(axis=1) == cells.labels).mean())
        for name, cells in sets.items()
        if len(cells)
    }
    cells = _calibrating(corpus)
    return Figures(
        accuracy,
        float(look.temperature),
        calibration_error(uncalibrated(cells.images), cells.labels),
        calibration_error(read(cells.images), cells.labels),
        parameters,
    )


def _check_saved(folder: Path, read: Predict, cells: Cells) -> None:
    """What was written must answer as what was trained; a wrong export is a bug, not a figure."""
    images = cells.images[:256]
    if not np.allclose(load_saved(folder)(images), read(images), atol=1e-3):
        raise AssertionError(f"{folder} does not answer as the trained network")


def write_record(
    plan: TrainOptions,
    corpus: Corpus,
    epochs: tuple[Epoch, ...],
    figures: Figures,
    earlier: dict[str, Any] | None = None,
) -> None:
    """Write `training.json`, the card and `curves.png` beside the model.

    `earlier` is the record of the version that was trained further.
    """
    record = {
        "plan": asdict(plan),
        "training_cells": {
            "mnist": len(corpus.mnist),
            "drawn": len(corpus.cells),
            "rendered": len(corpus.tally),
        },
        "classes": np.bincount(join([corpus.cells, corpus.tally]).labels, minlength=11).tolist(),
        "figures": asdict(figures),
        "epochs": [asdict(epoch) for epoch in epochs],
        "earlier": earlier,
    }
    text = json.dumps(record, indent=1, default=_plain)
    (plan.folder / "training.json").write_text(text + "\n", encoding="utf-8")
    card = card_text(plan.folder.name, json.loads(text))
    (plan.folder / "README.md").write_text(card, encoding="utf-8")
    draw_curves(epochs, plan.folder / "curves.png")


def _plain(value: object) -> str:
    """Paths as their last part: where a file lay on the trainer's disk is nobody's business."""
    return value.name if isinstance(value, Path) else str(value)
