"""Two looks at a cell, as a careful clerk would: a small network reads every cell, and a large one
reads again what the small one doubts.

On sheets that is one cell in seventeen or so, so the large network may cost several times as much
(a cascade: Viola & Jones 2001; Teerapittayanon et al., BranchyNet, 2016). It learns from what it
will be asked, hence mostly from cells that the small one doubts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tallywire.training.calibration import fit_temperature
from tallywire.training.cells import Cells, join
from tallywire.training.corpus import Corpus
from tallywire.training.networks import CELL, CLASSES

SURE = 0.97
"""Probability of the first look's best class from which on nobody looks again. Measured on
validation writers' sheets: at 0.985 four in nine more cells are read again, with as many wrong
and a log loss of these cells a twentieth lower; a slow machine needs more than 0.15 ms a cell then.
"""

LEARN_BELOW = 0.99  # a little beyond `SURE`, so that the second look knows both sides of it

MEMORY = 0.25
"""Weight of the first look's log probabilities beside the second's logits: two networks err
differently. Measured with two networks on validation writers and open crops: 0.2 to 0.3 gives one
error in twenty less than none, and helps on every set; 0.5 and more hurts on the crops."""

SURE_SHARE = 0.25  # of what the second look learns from: it must not forget plain digits
BATCH = 4096
TINY = 1e-30

Predict = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""uint8 [N, S, S] -> probabilities float32 [N, 11]; S is the side that the model takes."""


class CascadeStage(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
    """A network, as its weights and its call, and the temperature that calibrates it."""

    def __init__(self, weights: Any, call: Any, temperature: float, side: int = CELL[0]) -> None:
        super().__init__()
        self.weights = weights
        self.call = call  # float32 [N, side, side, 1] in 0..1 -> logits [N, 11]
        self.side = side
        self.temperature = tf.Variable(temperature, trainable=False, dtype=tf.float32)


class FirstStage(CascadeStage):
    """The look at every cell; below `sure` a second one follows, with `memory` of this one."""

    def __init__(
        self,
        weights: Any,
        call: Any,
        temperature: float,
        sure: float = SURE,
        memory: float = MEMORY,
        side: int = CELL[0],
    ) -> None:
        super().__init__(weights, call, temperature, side)
        self.sure = tf.Variable(sure, trainable=False, dtype=tf.float32)
        self.memory = tf.Variable(memory, trainable=False, dtype=tf.float32)


def look_of(network: Any, temperature: float = 1.0) -> CascadeStage:
    """A look by a Keras network that gives logits: without Keras' bookkeeping."""
    call = tf.function(
        lambda inks: network(inks, training=False),
        input_signature=[tf.TensorSpec([None, *network.input_shape[1:]], tf.float32)],
    )
    weights = [variable.value for variable in network.variables]
    return CascadeStage(weights, call, temperature, network.input_shape[1])


def look(
    second: CascadeStage, first: FirstStage | None, cells: Any, *, calibrated: bool = True
) -> Any:
    """Probabilities of `second`, but of `first` where there is one and it is sure.

    Args:
        second: the network that decides.
        first: the one that reads before.
        cells: uint8 [N, side, side, 1], ink high.
        calibrated: False leaves the temperatures out of the answer, not out of who is asked.

    Returns:
        float32 [N, 11].
    """
    inks = tf.cast(cells, tf.float32) / 255.0
    if first is None:
        return _softmax(second.call(inks), second, calibrated)
    logits = first.call(inks)
    opinion = tf.nn.log_softmax(logits / first.temperature)
    doubts = tf.where(tf.reduce_max(opinion, axis=1) < tf.math.log(first.sure))
    kept = _softmax(logits, first, calibrated)

    def again() -> Any:
        remembered = first.memory * tf.gather_nd(opinion, doubts)
        seen = second.call(tf.gather_nd(inks, doubts)) + remembered
        return tf.tensor_scatter_nd_update(kept, doubts, _softmax(seen, second, calibrated))

    # TensorFlow's fused convolutions refuse a batch of none.
    return tf.cond(tf.size(doubts) > 0, again, lambda: kept)


def _softmax(logits: Any, look: CascadeStage, calibrated: bool) -> Any:
    return tf.nn.softmax(logits / look.temperature if calibrated else logits)


def fit_look(network: Any, first: FirstStage | None, cells: Cells) -> CascadeStage:
    """A look by a Keras network, with the temperature that calibrates it on held-out cells.

    Args:
        network: keras.Model that gives logits.
        first: what reads before, if anything does.
        cells: of writers that it did not learn from; those that `first` is sure of say nothing.
    """
    read = cells if first is None else _chosen(cells, doubted(first, cells.images))
    plain = reader(look_of(network), first, calibrated=False)(read.images)
    logits = np.log(np.maximum(plain.astype(np.float64), TINY))  # up to what softmax forgets
    return look_of(network, fit_temperature(logits, read.labels))


def reader(second: CascadeStage, first: FirstStage | None, *, calibrated: bool = True) -> Predict:
    """`look` as a function of arrays."""
    return in_batches(lambda cells: look(second, first, cells, calibrated=calibrated))


def in_batches(ask: Callable[[Any], Any]) -> Predict:
    """`ask` of a tensor [N, S, S, 1] as a function: uint8 [N, S, S] -> float32 [N, 11]."""

    def predict(cells: NDArray[np.uint8]) -> NDArray[np.float32]:
        parts = [np.zeros((0, CLASSES), np.float32)]
        for at in range(0, len(cells), BATCH):
            parts.append(ask(tf.constant(cells[at : at + BATCH, :, :, None])).numpy())
        return np.concatenate(parts)

    return predict


def doubted(
    first: FirstStage, cells: NDArray[np.uint8], below: float | None = None
) -> NDArray[np.bool_]:
    """Bool [N]: of which of uint8 [N, 28, 28] `first` is less sure than it must be, or `below`."""
    limit = float(first.sure) if below is None else below
    return np.asarray(reader(first, None)(cells).max(axis=1) < limit)


def focus(corpus: Corpus, first: FirstStage | None, rng: np.random.Generator) -> Corpus:
    """What the second look should learn from: the drawn and rendered cells that `first` doubts and
    a third as many others, and of the validation cells those alone. MNIST stays: it is the start.
    """
    if first is None:
        return corpus
    return replace(
        corpus,
        cells=_mostly(corpus.cells, first, rng),
        cells_validation=_of(corpus.cells_validation, first),
        tally=_mostly(corpus.tally, first, rng),
        tally_validation=_of(corpus.tally_validation, first),
    )


def _mostly(cells: Cells, first: FirstStage, rng: np.random.Generator) -> Cells:
    hard = doubted(first, cells.images, LEARN_BELOW)
    others = np.flatnonzero(~hard)
    count = min(len(others), round(hard.sum() * SURE_SHARE / (1 - SURE_SHARE)))
    kept = rng.choice(others, count, replace=False)
    return join([_chosen(cells, hard), _chosen(cells, kept)])


def _of(cells: Cells, first: FirstStage) -> Cells:
    return _chosen(cells, doubted(first, cells.images, LEARN_BELOW))


def _chosen(cells: Cells, which: NDArray[Any]) -> Cells:
    return Cells(cells.images[which], cells.labels[which])
