"""A network of patches learns, and is saved and served as one that takes patches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tallywire.records import BLANK
from tallywire.sheet.patches import VIEW_PX
from tallywire.sheet.prepare import Takes
from tallywire.training.augment import Augment, augment
from tallywire.training.cells import Cells

pytestmark = pytest.mark.model


def plain_patches(count: int) -> Cells:
    """Blank, or a block: told apart by anything that learns at all."""
    rng = np.random.default_rng(2)
    labels = np.where(rng.random(count) < 0.5, BLANK, 8).astype(np.uint8)
    images = rng.integers(0, 30, (count, VIEW_PX, VIEW_PX)).astype(np.uint8)
    images[labels == 8, 16:32, 18:30] = 255
    return Cells(images, labels)


def test_it_learns_and_answers_alike_once_saved(tmp_path: Path) -> None:
    import keras

    from tallywire.training.cascade import look_of
    from tallywire.training.export import load_saved, load_takes, save_model
    from tallywire.training.fit import Stage, fit, measure
    from tallywire.training.networks import NetworkOptions, folded, patch_network

    keras.utils.set_random_seed(3)
    patches, options = plain_patches(256), NetworkOptions()
    network = patch_network(options)
    stage, rng = Stage("patches", 2, 1e-3, 16), np.random.default_rng(1)
    epochs = fit(network, patches, patches, stage, Augment(extend=True), rng, lambda _: None)
    assert epochs[1].loss < epochs[0].loss
    plain = folded(network, patch_network, options)
    loss, accuracy = measure(plain, patches.images[..., None], patches.labels)
    assert loss == pytest.approx(min(one.validation_loss for one in epochs), rel=1e-2)
    save_model(look_of(plain, 1.5), None, {"max_error_probability": 0.1}, tmp_path / "1")
    assert load_takes(tmp_path / "1") is Takes.PATCHES
    answers = load_saved(tmp_path / "1")(patches.images)
    assert (answers.argmax(axis=1) == patches.labels).mean() == pytest.approx(accuracy)


def test_lines_at_the_edge_of_a_varied_patch_go_on() -> None:
    lines = np.zeros((20, VIEW_PX, VIEW_PX), np.uint8)
    lines[:, 20:24] = 255
    options = Augment(rotation_deg=1.0, zoom=0.2, erase=0.0, extend=True)
    varied = augment(lines, options, np.random.default_rng(1))
    assert (varied[:, :, [0, -1]].max(axis=1) > 128).all()
    cleaned = augment(lines, replace(options, extend=False), np.random.default_rng(1))
    assert (cleaned[:, :, [0, -1]].max(axis=1) <= 128).any()
