"""Fits a network to cells: schedule, moving average of the weights, early stopping."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tallywire.records import BLANK
from tallywire.training.augment import Augment, augment
from tallywire.training.cells import Cells
from tallywire.training.networks import FIRST_CONV
from tallywire.training.plan import TOWERS

CLASSES = BLANK + 1
EMA_SHARE = 0.25  # of an epoch, over which the weights are averaged
LABEL_NOISE = 0.02  # label smoothing; more would cost calibration that temperature must mend


@dataclass(frozen=True, slots=True)
class Epoch:
    """Figures after one epoch; `loss` is cross entropy in nats."""

    stage: str
    number: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float


@dataclass(frozen=True, slots=True)
class Stage:
    """One stretch of training.

    `schedule` is cosine (down to a hundredth), step (a tenth after two thirds) or constant;
    `patience` epochs without a lower validation loss end the stage, and its best weights are
    kept; `balance` weighs classes so that each counts the same.
    """

    name: str
    epochs: int
    learning_rate: float
    batch_size: int = 128
    schedule: str = "cosine"
    patience: int = 4
    freeze_first: bool = False
    balance: bool = True
    smoothing: float = LABEL_NOISE


def fit(
    network: Any,
    train: Cells,
    validation: Cells,
    stage: Stage,
    options: Augment,
    rng: np.random.Generator,
    tell: Callable[[Epoch], None],
) -> tuple[Epoch, ...]:
    """Train `network` (logits) in place; it ends with the best epoch's averaged weights.

    Args:
        network: keras.Model, float32 [N, 28, 28, 1] in 0..1 -> logits [N, 11].
        train: cells to learn from, changed a little each time they are seen.
        validation: cells of other writers; decides when to stop.
        stage: how long and how fast.
        options: the changes.
        rng: order and changes of the cells.
        tell: called after every epoch.
    """
    network.get_layer(FIRST_CONV).trainable = not stage.freeze_first
    size = stage.batch_size - stage.batch_size % TOWERS
    steps = max(1, len(train) // size)
    optimizer = keras.optimizers.AdamW(
        _schedule(stage, steps), weight_decay=1e-4, use_ema=True, ema_momentum=_momentum(steps)
    )
    optimizer.build(network.trainable_variables)
    step = _train_step(network, optimizer, stage, _class_weights(train, stage.balance))
    held = tf.constant(validation.images[..., None])
    done: list[Epoch] = []
    best: list[Any] = network.get_weights()
    for number in range(1, stage.epochs + 1):
        sums = np.zeros(2)
        for images, labels in _batches(train, size, options, rng):
            sums += [float(value) for value in step(images, labels)]
        current = network.get_weights()
        optimizer.finalize_variable_values(network.trainable_variables)
        loss, accuracy = measure(network, held, validation.labels)
        rate = float(optimizer.learning_rate)
        own_loss, own_accuracy = (sums / steps).tolist()
        epoch = Epoch(stage.name, number, own_loss, own_accuracy, loss, accuracy, rate)
        done.append(epoch)
        tell(epoch)
        if loss <= min(item.validation_loss for item in done):
            best = network.get_weights()
        elif _stalled(done, stage.patience):
            break
        network.set_weights(current)
    network.set_weights(best)
    network.get_layer(FIRST_CONV).trainable = True
    return tuple(done)


def measure(network: Any, cells: Any, labels: NDArray[np.uint8]) -> tuple[float, float]:
    """Cross entropy and accuracy of `network` on cells uint8 [N, 28, 28, 1]."""
    logits = logits_of(network, cells)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    loss = log_sum - shifted[np.arange(len(labels)), labels]
    return float(loss.mean()), float((logits.argmax(axis=1) == labels).mean())


def logits_of(network: Any, cells: Any) -> NDArray[np.float64]:
    """Logits float64 [N, 11] of cells uint8 [N, 28, 28, 1]."""
    parts = [
        network(tf.cast(cells[at : at + 1024], tf.float32) / 255.0, training=False).numpy()
        for at in range(0, len(cells), 1024)
    ]
    return np.concatenate(parts).astype(np.float64)


def _momentum(steps: int) -> float:
    """Of the weights' moving average, for an epoch of so many steps."""
    return 1 - 1 / max(2.0, EMA_SHARE * steps)


def _stalled(done: list[Epoch], patience: int) -> bool:
    best = min(range(len(done)), key=lambda index: done[index].validation_loss)
    return len(done) - 1 - best >= patience


def _train_step(network: Any, optimizer: Any, stage: Stage, weights: NDArray[np.float32]) -> Any:
    loss_of = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=stage.smoothing, reduction="none"
    )
    class_weights = tf.constant(weights)

    def learn(images: Any, labels: Any) -> tuple[Any, Any, Any]:
        with tf.GradientTape() as tape:
            logits = network(tf.cast(images, tf.float32) / 255.0, training=True)
            losses = loss_of(tf.one_hot(labels, CLASSES), logits)
            loss = tf.reduce_mean(losses * tf.gather(class_weights, labels))
        hits = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), tf.cast(labels, tf.int32))
        gradients = tape.gradient(loss, network.trainable_variables)
        return gradients, loss, tf.reduce_mean(tf.cast(hits, tf.float32))

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def step(images: Any, labels: Any) -> tuple[Any, Any]:
        halves = zip(tf.split(images, TOWERS), tf.split(labels, TOWERS), strict=True)
        parts, losses, hits = zip(*(learn(*half) for half in halves), strict=True)
        optimizer.apply(
            [tf.add_n(same) / TOWERS for same in zip(*parts, strict=True)],
            network.trainable_variables,
        )
        return tf.add_n(losses) / TOWERS, tf.add_n(hits) / TOWERS

    return step


def _schedule(stage: Stage, steps: int) -> Any:
    total = stage.epochs * steps
    if stage.schedule == "cosine":
        warm = min(200, total // 10)
        return keras.optimizers.schedules.CosineDecay(
            stage.learning_rate / 10, max(1, total - warm), alpha=0.1,
            warmup_target=stage.learning_rate, warmup_steps=warm,
        )  # fmt: skip
    if stage.schedule == "step":
        return keras.optimizers.schedules.PiecewiseConstantDecay(
            [2 * total // 3], [stage.learning_rate, stage.learning_rate / 10]
        )
    return stage.learning_rate


def _class_weights(cells: Cells, balance: bool) -> NDArray[np.float32]:
    if not balance:
        return np.ones(CLASSES, np.float32)
    counts = np.bincount(cells.labels, minlength=CLASSES)
    # Blanks that are not there at all must not get an endless weight.
    weights = np.sqrt(len(cells) / CLASSES / np.maximum(counts, 1))
    return np.clip(weights, 0.5, 2.0).astype(np.float32)


def _batches(
    cells: Cells, size: int, options: Augment, rng: np.random.Generator
) -> Iterator[tuple[Any, Any]]:
    order = rng.permutation(len(cells))
    for at in range(0, len(order) - size + 1, size):
        chosen = order[at : at + size]
        images = augment(cells.images[chosen], options, rng)
        yield tf.constant(images[..., None]), tf.constant(cells.labels[chosen].astype(np.int32))
