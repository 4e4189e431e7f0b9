"""A whole training run in seconds, and what it writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tallywire.errors import UsageError
from tests.support.tiny_handwriting import tiny_hands, write_mnist

if TYPE_CHECKING:  # without TensorFlow this file is collected and left out
    from tallywire.training.plan import TrainOptions
    from tallywire.training.run import TrainingListener

pytestmark = pytest.mark.model


# Learning MNIST first is the same for both networks, and the large one is slow to set up.
@pytest.mark.parametrize(
    ("network", "stages"),
    [("paper", ["mnist", "cells", "tally"]), ("residual", ["cells", "tally"])],
)
def test_a_tiny_run_ends_in_a_model_that_serves(
    network: str, stages: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tallywire.training.export import load_policy, load_saved, store_policy
    from tallywire.training.fit import Epoch
    from tallywire.training.plan import TrainingData, TrainOptions
    from tallywire.training.run import TrainingListener, train

    data = TrainingData(
        write_mnist(tmp_path, monkeypatch), None, cells=300, sheets=2, validation_cells=80,
        validation_sheets=1, workers=1,
    )  # fmt: skip
    folder = tmp_path / "repo" / "digits" / "4"
    plan = TrainOptions(
        data, folder, network, batch_size=32, epochs=1, tally_epochs=1,
        pretrain_epochs=stages.count("mnist"),
    )  # fmt: skip
    epochs: list[Epoch] = []
    figures = train(plan, TrainingListener(lambda *_: None, epochs.append))

    assert [epoch.stage for epoch in epochs] == stages
    assert set(figures.accuracy) == {"mnist validation", "drawn cells", "rendered cells"}
    record = json.loads((folder / "training.json").read_text())
    assert record["training_cells"]["rendered"] == 84
    assert str(tmp_path) not in json.dumps(record)
    card = (folder / "README.md").read_text()
    assert "84 cut from rendered" in card
    assert "UNIPEN" not in card  # no trajectories were given
    assert (folder / "curves.png").read_bytes()[:4] == b"\x89PNG"
    assert (folder / "assets.extra" / "tf_serving_warmup_requests").is_file()

    cells = np.random.default_rng(1).integers(0, 256, (7, 28, 28), np.uint8)
    before = load_saved(folder)(cells)
    np.testing.assert_allclose(before.sum(axis=1), 1, atol=1e-5)
    store_policy(folder, {"max_error_probability": 0.125})
    assert load_policy(folder) == {"max_error_probability": 0.125}
    np.testing.assert_allclose(load_saved(folder)(cells), before, atol=1e-6)
    assert (folder / "curves.png").is_file()  # what stands beside the model stays


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainOptions]:
    """A version to train further, as it was trained."""
    from tallywire.training.plan import TrainingData, TrainOptions
    from tallywire.training.run import train

    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as monkeypatch:
        data = TrainingData(write_mnist(folder, monkeypatch), None, cells=200, sheets=1,
                    validation_cells=60, validation_sheets=1, workers=1)  # fmt: skip
        plan = TrainOptions(
            data, folder / "digits" / "1", "paper", pretrain_epochs=0, epochs=0, tally_epochs=0
        )
        train(plan, untold())
        yield plan


def untold() -> TrainingListener:
    from tallywire.training.run import TrainingListener

    return TrainingListener(lambda *_: None, lambda _: None)


@pytest.mark.parametrize("keep", [0.0, 0.5, 1.0])
def test_what_is_trained_further_keeps_a_share_of_what_it_was(
    keep: float, trained: TrainOptions, tmp_path: Path
) -> None:
    from tallywire.training.export import load_network_weights
    from tallywire.training.run import train

    base, further = trained.folder, tmp_path / "digits" / "2"
    train(replace(trained, folder=further, seed=3, epochs=1, start_from=base, keep=keep), untold())
    before, after = (
        np.concatenate([weights.ravel() for weights in load_network_weights(folder)])
        for folder in (base, further)
    )
    assert np.array_equal(before, after) == (keep == 1.0)
    assert json.loads((further / "training.json").read_text())["plan"]["keep"] == keep


def test_half_of_each_is_half_way_between() -> None:
    from tallywire.training.run import blended

    before, after = [np.zeros(3, np.float32)], [np.full(3, 2, np.float32)]
    assert blended(before, after, 0.25)[0].tolist() == [1.5] * 3


def test_a_share_of_no_version_is_refused() -> None:
    from tallywire.cli.train import train

    with pytest.raises(UsageError, match="--start-from"):
        train(2, keep=0.5)


def test_corrections_choose_their_own_start() -> None:
    from tallywire.cli.train import train

    with pytest.raises(UsageError, match="leave --start-from"):
        train(3, start_from=1, from_corrections=Path("corrections"))


def test_no_cells_give_no_answers(tmp_path: Path) -> None:
    from tallywire.training.export import load_saved

    with pytest.raises(UsageError, match="no SavedModel"):
        load_saved(tmp_path)


def test_a_frozen_first_convolution_does_not_move() -> None:
    import keras

    from tallywire.training.augment import Augment
    from tallywire.training.cells import draw_cells
    from tallywire.training.fit import Stage, fit
    from tallywire.training.networks import FIRST_CONV, NetworkOptions, paper_network

    keras.utils.set_random_seed(1)
    network = paper_network(NetworkOptions())
    cells = draw_cells(150, tiny_hands(), np.random.SeedSequence(1))
    before = [layer.get_weights()[0].copy() for layer in _convolutions(network)]
    stage = Stage("tally", 1, 1e-2, batch_size=32, freeze_first=True)
    fit(network, cells, cells, stage, Augment(), np.random.default_rng(1), lambda _: None)
    after = [layer.get_weights()[0] for layer in _convolutions(network)]
    assert network.get_layer(FIRST_CONV).trainable
    np.testing.assert_array_equal(before[0], after[0])
    assert (before[1] != after[1]).any()


def _convolutions(network: Any) -> list[Any]:
    return [layer for layer in network.layers if "Conv" in type(layer).__name__]


@pytest.mark.parametrize("name", ["paper", "residual"])
def test_folding_batch_normalisation_changes_no_answer(name: str) -> None:
    from tallywire.training.fit import logits_of
    from tallywire.training.networks import NETWORKS, NetworkOptions, folded

    options = NetworkOptions()
    network = NETWORKS[name](options)
    rng = np.random.default_rng(1)
    for layer in network.layers:
        if layer.name.endswith("_norm"):
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    cells = rng.integers(0, 256, (9, 28, 28, 1), np.uint8)
    plain = folded(network, NETWORKS[name], options)
    np.testing.assert_allclose(logits_of(plain, cells), logits_of(network, cells), atol=1e-3)
    assert not any("Batch" in type(layer).__name__ for layer in plain.layers)


def test_a_batch_in_two_towers_teaches_what_one_teaches(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    from tallywire.training import fit as fitting
    from tallywire.training.augment import Augment
    from tallywire.training.cells import draw_cells
    from tallywire.training.networks import NetworkOptions, paper_network

    cells = draw_cells(120, tiny_hands(), np.random.SeedSequence(3))

    def learned(towers: int, batch_size: int) -> NDArray[np.float64]:
        monkeypatch.setattr(fitting, "TOWERS", towers)
        keras.utils.set_random_seed(3)
        network = paper_network(NetworkOptions(dropout=0.0, batch_norm=False))
        stage = fitting.Stage("cells", 1, 1e-3, batch_size)
        rng = np.random.default_rng(3)
        fitting.fit(network, cells, cells, stage, Augment(enabled=False), rng, lambda _: None)
        return np.concatenate([weights.ravel() for weights in network.get_weights()])

    whole, halves = learned(1, 32), learned(2, 33)  # of an odd batch the last cell waits
    assert (np.abs(whole - halves) < 1e-5).mean() > 0.99
    assert (np.abs(whole - learned(1, 16)) < 1e-5).mean() < 0.9  # other batches teach otherwise


def test_early_stopping_keeps_the_best_epoch() -> None:
    import keras

    from tallywire.training.augment import Augment
    from tallywire.training.cells import draw_cells
    from tallywire.training.fit import Epoch, Stage, fit, measure
    from tallywire.training.networks import NetworkOptions, paper_network

    keras.utils.set_random_seed(2)
    network = paper_network(NetworkOptions())
    cells = draw_cells(120, tiny_hands(), np.random.SeedSequence(2))
    seen: list[Epoch] = []
    # A rate that throws the weights about: some epoch is worse than an earlier one.
    stage = Stage("cells", 8, 0.3, batch_size=32, schedule="constant", patience=1)
    fit(network, cells, cells, stage, Augment(), np.random.default_rng(2), seen.append)
    best = min(epoch.validation_loss for epoch in seen)
    assert measure(network, cells.images[..., None], cells.labels)[0] == pytest.approx(
        best, rel=1e-4
    )
