"""The networks that read patches: one for every cell, and a deeper one for doubted cells."""

from __future__ import annotations

from typing import Any

import keras

from tallywire.sheet.patches import VIEW_PX
from tallywire.training.networks import CLASSES, FIRST_CONV, NetworkOptions, block, conv

VIEW = (VIEW_PX, VIEW_PX, 1)


def patch_network(options: NetworkOptions) -> Any:
    """A stem of two strides and three residual blocks (He et al. 2016), in 7.5 million
    multiplications a cell.

    Returns:
        keras.Model: float32 [N, 48, 48, 1] in 0..1 -> logits float32 [N, 11].
    """
    return _residual((16, 32, 64, 128), options)


def deep_patch_network(options: NetworkOptions) -> Any:
    """The same with more channels, in 16 million multiplications a cell.

    Returns:
        keras.Model: float32 [N, 48, 48, 1] in 0..1 -> logits float32 [N, 11].
    """
    return _residual((24, 48, 96, 160), options)


def _residual(channels: tuple[int, int, int, int], options: NetworkOptions) -> Any:
    stem, first, second, third = channels
    norm = options.batch_norm
    patches = keras.Input(VIEW)
    x = conv(patches, stem, 5, 2, norm, FIRST_CONV)
    x = conv(x, first, 3, 2, norm, "conv2")
    x = block(x, first, 1, norm, "block1")
    x = block(x, second, 2, norm, "block2")
    x = block(x, third, 2, norm, "block3")
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dropout(options.dropout)(x)
    return keras.Model(patches, keras.layers.Dense(CLASSES, name="logits")(x))


PATCH_NETWORKS = {"patches": patch_network, "patches-deep": deep_patch_network}
