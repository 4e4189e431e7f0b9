"""The next version out of human corrections, published only if no evaluation set got worse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tallywire.election.loading import load_election
from tallywire.errors import UsageError
from tallywire.training.augment import Augment
from tallywire.training.cascade import Predict, fit_look, focus, reader
from tallywire.training.cells import Cells, join
from tallywire.training.corpus import make_corpus
from tallywire.training.corrections import (
    CorrectedSheet,
    label_cells,
    pick_cells,
    read_corrections,
)
from tallywire.training.export import load_first_look, load_policy, load_saved, save_model
from tallywire.training.fit import Stage, fit
from tallywire.training.plan import TrainingData
from tallywire.training.restore import RECORD, load_network
from tallywire.training.run import TrainingListener

HELD_OUT = 4  # every fourth corrected station only judges
REPEATS = 4  # a corrected cell counts as often as so many drawn ones
REPLAY_CELLS, REPLAY_SHEETS = 20_000, 120  # drawn beside the corrected ones, against forgetting


@dataclass(frozen=True, slots=True)
class Improvement:
    """What to improve, with what. `folder` is the new version's; `base` the current one's."""

    base: Path
    folder: Path
    corrections: Path
    data: TrainingData
    most_cells: int = 2_000
    epochs: int = 4
    learning_rate: float = 2e-4
    seed: int = 15
    max_pixels: int = 50_000_000


@dataclass(frozen=True, slots=True)
class ErrorComparison:
    """Errors of both versions on the same cells."""

    cells: int
    before: int
    after: int

    @property
    def worse(self) -> bool:
        """More errors than before."""
        return self.after > self.before


@dataclass(frozen=True, slots=True)
class ImprovementResult:
    """What came of it: `published` only if no set got worse."""

    picked: int
    sets: Mapping[str, ErrorComparison]
    published: bool


def improve(plan: Improvement, told: TrainingListener) -> ImprovementResult:
    """Fine-tune `plan.base` on corrected cells among drawn ones; write `plan.folder` if it is
    nowhere worse.

    Raises:
        InvalidFileError: a file of the corrections or the handwriting is wrong.
        UsageError: there is nothing to learn from, or the base cannot be trained further.
    """
    keras.utils.set_random_seed(plan.seed)
    learn, judge = _corrected(plan)
    corpus = make_corpus(plan.data, plan.seed, told.progress)
    network, first = load_network(plan.base), load_first_look(plan.base)
    sets = {
        "corrected stations held out": judge,
        "drawn cells": corpus.cells_validation,
        "rendered sheets": corpus.tally_validation,
        "MNIST validation": corpus.mnist_validation,
    }
    read = load_saved(plan.base)
    before = {name: _errors(read, cells) for name, cells in sets.items()}
    rng = np.random.default_rng(plan.seed)
    focused = focus(corpus, first, rng)
    train_on = join([*([learn] * REPEATS), focused.cells, focused.tally])
    validation = join([focused.cells_validation, focused.tally_validation])
    stage = Stage("corrections", plan.epochs, plan.learning_rate, freeze_first=True)
    fit(network, train_on, validation, stage, Augment(), rng, told.epoch)
    look = fit_look(network, first, validation)
    read = reader(look, first)
    judged = {
        name: ErrorComparison(len(cells), before[name], _errors(read, cells))
        for name, cells in sets.items()
    }
    published = not any(one.worse for one in judged.values())
    if published:
        save_model(look, first, load_policy(plan.base), plan.folder)
        _record(plan, judged)
    return ImprovementResult(len(learn), judged, published)


def _corrected(plan: Improvement) -> tuple[Cells, Cells]:
    """Cells to learn from and, of other stations, to judge by."""
    loaded = load_election(plan.data.election)
    layout = loaded.layouts[loaded.election.contests[0].id]
    sheets = read_corrections(plan.corrections, layout, plan.max_pixels)
    if len(sheets) < HELD_OUT:
        raise UsageError(
            f"{plan.corrections}: {len(sheets)} corrected stations with a readable scan;"
            f" at least {HELD_OUT} are needed, since every fourth one only judges"
        )
    predict = load_saved(plan.base)

    def labelled(chosen: tuple[CorrectedSheet, ...]) -> tuple[Cells, Any]:
        parts = [label_cells(sheet, layout, predict(sheet.cells)) for sheet in chosen]
        return join([part for part, _ in parts]), np.concatenate([given for _, given in parts])

    learn, given = labelled(tuple(s for i, s in enumerate(sheets) if i % HELD_OUT))
    judge, _ = labelled(sheets[::HELD_OUT])
    return pick_cells(learn, given, plan.most_cells), judge


def _errors(read: Predict, cells: Cells) -> int:
    return int((read(cells.images).argmax(axis=1) != cells.labels).sum())


def _record(plan: Improvement, judged: Mapping[str, ErrorComparison]) -> None:
    record = json.loads((plan.base / RECORD).read_text(encoding="utf-8"))
    record["improved_from"] = plan.base.name
    record["judged"] = {
        name: {"cells": one.cells, "errors_before": one.before, "errors_after": one.after}
        for name, one in judged.items()
    }
    (plan.folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
