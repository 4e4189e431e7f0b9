"""The two networks that read patches: a quick one for every cell, a deep one for those it doubts."""

from __future__ import annotations

from typing import Any

import keras

from tallywire.sheet.patches import VIEW_PX
from tallywire.training.networks import CLASSES, FIRST_CONV, NetworkOptions, block, conv

VIEW = (VIEW_PX, VIEW_PX, 1)


def quick_patch_network(options: NetworkOptions) -> Any:
    """Five convolutions, the first with a stride of four: about 4 million multiplications a cell.

    Returns:
        keras.Model: float32 [N, 48, 48, 1] in 0..1 -> logits float32 [N, 11].
    """
    patches = keras.Input(VIEW)
    x = conv(patches, 32, 6, 4, options.batch_norm, FIRST_CONV)
    x = conv(x, 32, 3, 1, options.batch_norm, "conv2")
    x = conv(x, 64, 3, 2, options.batch_norm, "conv3")
    x = conv(x, 64, 3, 1, options.batch_norm, "conv4")
    x = conv(x, 96, 3, 2, options.batch_norm, "conv5")
    return _answering(patches, x, options)


def deep_patch_network(options: NetworkOptions) -> Any:
    """A stem of two strides and three residual blocks (He et al. 2016): 16 million multiplications.

    Returns:
        keras.Model: float32 [N, 48, 48, 1] in 0..1 -> logits float32 [N, 11].
    """
    patches = keras.Input(VIEW)
    x = conv(patches, 24, 5, 2, options.batch_norm, FIRST_CONV)
    x = conv(x, 48, 3, 2, options.batch_norm, "conv2")
    x = block(x, 48, 1, options.batch_norm, "block1")
    x = block(x, 96, 2, options.batch_norm, "block2")
    x = block(x, 160, 2, options.batch_norm, "block3")
    return _answering(patches, x, options)


def _answering(patches: Any, x: Any, options: NetworkOptions) -> Any:
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dropout(options.dropout)(x)
    return keras.Model(patches, keras.layers.Dense(CLASSES, name="logits")(x))
