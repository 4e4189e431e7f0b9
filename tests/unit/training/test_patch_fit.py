"""A network of patches learns, and is saved and served as one that takes patches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tallywire.records import BLANK
from tallywire.sheet.patches import VIEW_PX
from tallywire.sheet.prepare import Takes
from tallywire.training.patch_scenes import Patches

pytestmark = pytest.mark.model


def plain_patches(count: int) -> Patches:
    """Blank, or a block: told apart by anything that learns at all."""
    rng = np.random.default_rng(2)
    labels = np.where(rng.random(count) < 0.5, BLANK, 8).astype(np.uint8)
    images = rng.integers(0, 30, (count, VIEW_PX, VIEW_PX)).astype(np.uint8)
    images[labels == 8, 16:32, 18:30] = 255
    return Patches(images, labels)


def test_it_learns_and_answers_alike_once_saved(tmp_path: Path) -> None:
    import keras

    from tallywire.training.export import load_saved, load_takes, save_model
    from tallywire.training.looks import look_of
    from tallywire.training.networks import NetworkOptions, folded
    from tallywire.training.patch_fit import PatchStage, fit_patches, loss_and_accuracy
    from tallywire.training.patch_network import patch_network

    keras.utils.set_random_seed(3)
    patches, options = plain_patches(256), NetworkOptions()
    network = patch_network(options)
    epochs = fit_patches(
        network, patches, patches, PatchStage(2, 1e-3, 16), np.random.default_rng(1), lambda _: None
    )
    assert len(epochs) == 2
    assert epochs[1].loss < epochs[0].loss
    plain = folded(network, patch_network, options)
    loss, accuracy = loss_and_accuracy(plain, patches)
    assert loss == pytest.approx(epochs[-1].validation_loss, rel=1e-2)
    save_model(look_of(plain, 1.5), None, {"max_error_probability": 0.1}, tmp_path / "1")
    assert load_takes(tmp_path / "1") is Takes.PATCHES
    answers = load_saved(tmp_path / "1")(patches.images)
    assert (answers.argmax(axis=1) == patches.labels).mean() == pytest.approx(accuracy)


def test_a_varied_patch_is_another_and_much_like_it() -> None:
    from tallywire.training.patch_fit import vary

    patches = plain_patches(12)
    varied = vary(patches.images, np.random.default_rng(1))
    assert varied.shape == patches.images.shape
    assert (varied != patches.images).any()
    ink = varied[patches.labels == 8][:, 20:28, 22:26]
    assert (ink > 128).mean() > 0.95
