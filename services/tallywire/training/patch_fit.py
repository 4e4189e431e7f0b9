"""Fits a network to patches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import keras
import numpy as np
import tensorflow as tf
from numpy.random import Generator
from numpy.typing import NDArray

from tallywire.sheet.patches import VIEW_PX
from tallywire.training.networks import CLASSES
from tallywire.training.patch_scenes import Patches
from tallywire.training.plan import TOWERS

U8 = NDArray[np.uint8]

SMOOTHING = 0.02
EMA = 0.998
TURN_DEG, ZOOM, SHIFT_PX = 3.0, 0.05, 1.0
GAIN = (0.8, 1.3)


@dataclass(frozen=True, slots=True)
class PatchEpoch:
    """Figures after one epoch; the validation ones are of writers that it did not learn from."""

    number: int
    loss: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True, slots=True)
class PatchStage:
    """How long and how fast: a warm-up, then a cosine down to a hundredth."""

    epochs: int
    learning_rate: float = 2e-3
    batch_size: int = 128


def fit_patches(
    network: Any,
    train: Patches,
    validation: Patches,
    stage: PatchStage,
    rng: Generator,
    tell: Callable[[PatchEpoch], None],
) -> tuple[PatchEpoch, ...]:
    """Train a network in place; it ends with the average of its last weights.

    Args:
        network: keras.Model, float32 [N, 48, 48, 1] in 0..1 -> logits [N, 11].
        train: patches to learn from, changed a little each time they are seen.
        validation: patches of other writers.
        stage: how long and how fast.
        rng: order and changes of the patches.
        tell: called after every epoch, while the network has its averaged weights.
    """
    size = stage.batch_size - stage.batch_size % TOWERS
    steps = max(1, len(train) // size)
    learned = network.trainable_variables
    optimizer = keras.optimizers.AdamW(
        _schedule(stage, steps), weight_decay=1e-4, use_ema=True, ema_momentum=EMA
    )
    optimizer.build(learned)
    step = _train_step(network, optimizer)
    done: list[PatchEpoch] = []
    for number in range(1, stage.epochs + 1):
        total = 0.0
        for images, labels in _batches(train, size, rng):
            total += float(step(images, labels))
        kept = network.get_weights()
        optimizer.finalize_variable_values(learned)
        done.append(PatchEpoch(number, total / steps, *loss_and_accuracy(network, validation)))
        tell(done[-1])
        if number < stage.epochs:
            network.set_weights(kept)
    return tuple(done)


def loss_and_accuracy(network: Any, patches: Patches) -> tuple[float, float]:
    """Cross entropy in nats and share of patches read rightly."""
    logits = patch_logits(network, patches.images)
    shifted = logits - logits.max(axis=1, keepdims=True)
    own = shifted[np.arange(len(patches)), patches.labels]
    loss = float((np.log(np.exp(shifted).sum(axis=1)) - own).mean())
    return loss, float((logits.argmax(axis=1) == patches.labels).mean())


def patch_logits(network: Any, images: U8) -> NDArray[np.float64]:
    """Logits float64 [N, 11] of patches uint8 [N, 48, 48]."""
    parts = [
        network(tf.cast(images[at : at + 512, ..., None], tf.float32) / 255.0, training=False)
        for at in range(0, len(images), 512)
    ]
    return np.concatenate([part.numpy() for part in parts]).astype(np.float64)


def _schedule(stage: PatchStage, steps: int) -> Any:
    total = stage.epochs * steps
    warm = min(300, total // 10)
    return keras.optimizers.schedules.CosineDecay(
        stage.learning_rate / 10, max(1, total - warm), alpha=0.1,
        warmup_target=stage.learning_rate, warmup_steps=warm,
    )  # fmt: skip


def _train_step(network: Any, optimizer: Any) -> Any:
    losses_of = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=SMOOTHING)
    learned = network.trainable_variables

    def learn(images: Any, labels: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            logits = network(tf.cast(images, tf.float32) / 255.0, training=True)
            loss = losses_of(tf.one_hot(labels, CLASSES), logits)
        return tape.gradient(loss, learned), loss

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def step(images: Any, labels: Any) -> Any:
        halves = zip(tf.split(images, TOWERS), tf.split(labels, TOWERS), strict=True)
        parts, losses = zip(*(learn(*half) for half in halves), strict=True)
        optimizer.apply([tf.add_n(same) / TOWERS for same in zip(*parts, strict=True)], learned)
        return tf.add_n(losses) / TOWERS

    return step


def _batches(patches: Patches, size: int, rng: Generator) -> Iterator[tuple[Any, Any]]:
    order = rng.permutation(len(patches))
    for at in range(0, len(order) - size + 1, size):
        chosen = order[at : at + size]
        images = vary(patches.images[chosen], rng)
        yield tf.constant(images[..., None]), tf.constant(patches.labels[chosen].astype(np.int32))


def vary(images: U8, rng: Generator) -> U8:
    """Turn, zoom, shift and darken each patch a little: uint8 [N, 48, 48], new."""
    count = len(images)
    angles, scales = np.deg2rad(rng.normal(0, TURN_DEG, count)), 1 + rng.normal(0, ZOOM, count)
    shifts, gains = rng.normal(0, SHIFT_PX, (count, 2)), rng.uniform(*GAIN, count)
    middle = np.full(2, (VIEW_PX - 1) / 2)
    out = np.empty_like(images)
    for index, image in enumerate(images):
        cos, sin = scales[index] * np.cos(angles[index]), scales[index] * np.sin(angles[index])
        linear = np.array([[cos, sin], [-sin, cos]])
        matrix = np.c_[linear, middle - linear @ middle + shifts[index]]
        lightened = cv2.convertScaleAbs(image, alpha=gains[index])
        cv2.warpAffine(
            lightened, matrix, (VIEW_PX, VIEW_PX), out[index], borderMode=cv2.BORDER_REPLICATE
        )
    return out
