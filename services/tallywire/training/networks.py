"""The networks of cells, the paper's and a deeper residual one for second looks, and of patches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tallywire.records import BLANK
from tallywire.sheet.patches import VIEW_PX
from tallywire.sheet.prepare import Takes

CLASSES = BLANK + 1
CELL = (28, 28, 1)
FIRST_CONV = "conv1"
EPSILON = 1e-3


@dataclass(frozen=True, slots=True)
class NetworkOptions:
    """What can be chosen of a network; their shapes are fixed.

    `dropout` is the share of dense inputs left out while training, `batch_norm` normalises
    after each convolution (folded into its weights on export).
    """

    dropout: float = 0.25
    batch_norm: bool = True


def paper_network(options: NetworkOptions) -> Any:
    """Torres and Cantu 2022, section 4.1: conv 16, conv 32, pooling, two dense layers, softmax.

    Returns:
        keras.Model: float32 [N, 28, 28, 1] in 0..1 -> logits float32 [N, 11] (the paper's ten
        digits, and blank).
    """
    cells = keras.Input(CELL)
    x = conv(cells, 16, 5, 1, options.batch_norm, FIRST_CONV)
    x = keras.layers.MaxPooling2D(2)(x)
    x = conv(x, 32, 5, 1, options.batch_norm, "conv2")
    x = keras.layers.MaxPooling2D(2)(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dropout(options.dropout)(x)
    x = keras.layers.Dense(128, activation="relu", name="dense1")(x)
    x = keras.layers.Dropout(options.dropout)(x)
    return keras.Model(cells, keras.layers.Dense(CLASSES, name="logits")(x))


def residual_network(options: NetworkOptions) -> Any:
    """Eight convolutions in a stem and three residual blocks (He et al. 2016), then one dense
    layer.

    Returns:
        keras.Model: float32 [N, 28, 28, 1] in 0..1 -> logits float32 [N, 11].
    """
    cells = keras.Input(CELL)
    x = conv(cells, 24, 3, 1, options.batch_norm, FIRST_CONV)
    x = conv(x, 48, 3, 2, options.batch_norm, "conv2")
    x = block(x, 48, 1, options.batch_norm, "block1")
    x = block(x, 96, 2, options.batch_norm, "block2")
    x = block(x, 160, 2, options.batch_norm, "block3")
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dropout(options.dropout)(x)
    return keras.Model(cells, keras.layers.Dense(CLASSES, name="logits")(x))


def patch_network(options: NetworkOptions) -> Any:
    """A stem of two strides and three residual blocks, in 7.5 million multiplications a patch:
    little enough to read every cell.

    Returns:
        keras.Model: float32 [N, 48, 48, 1] in 0..1 -> logits float32 [N, 11].
    """
    return _of_patches((16, 32, 64, 128), options)


def deep_patch_network(options: NetworkOptions) -> Any:
    """The same with more channels, in 16 million multiplications: for doubted cells.

    Returns:
        keras.Model: float32 [N, 48, 48, 1] in 0..1 -> logits float32 [N, 11].
    """
    return _of_patches((24, 48, 96, 160), options)


def _of_patches(channels: tuple[int, int, int, int], options: NetworkOptions) -> Any:
    stem, *blocks = channels
    patches = keras.Input((VIEW_PX, VIEW_PX, 1))
    x = conv(patches, stem, 5, 2, options.batch_norm, FIRST_CONV)
    x = conv(x, blocks[0], 3, 2, options.batch_norm, "conv2")
    for nth, filters in enumerate(blocks, 1):
        x = block(x, filters, 1 if nth == 1 else 2, options.batch_norm, f"block{nth}")
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dropout(options.dropout)(x)
    return keras.Model(patches, keras.layers.Dense(CLASSES, name="logits")(x))


def folded(model: Any, build: Any, options: NetworkOptions) -> Any:
    """The same function without batch normalisation layers: cheaper to serve.

    Args:
        model: a trained network made by `build(options)`.
        build: `paper_network` or `residual_network`.
        options: the options it was made with.
    """
    if not options.batch_norm:
        return model
    plain = build(NetworkOptions(options.dropout, batch_norm=False))
    for layer in plain.layers:
        if layer.name.endswith("_act") or not layer.weights:
            continue
        source = model.get_layer(layer.name)
        if isinstance(layer, keras.layers.Conv2D):
            layer.set_weights(_fold(source, model.get_layer(f"{layer.name}_norm")))
        else:
            layer.set_weights(source.get_weights())
    return plain


def _fold(layer: Any, norm: Any) -> list[np.ndarray[Any, Any]]:
    gamma, beta, mean, variance = norm.get_weights()
    scale = gamma / np.sqrt(variance + EPSILON)
    return [layer.get_weights()[0] * scale, beta - mean * scale]


def conv(x: Any, filters: int, size: int, stride: int, norm: bool, name: str) -> Any:
    """A convolution, its normalisation while training, and what is above zero of it."""
    return keras.layers.Activation("relu", name=f"{name}_act")(
        _linear(x, filters, size, stride, norm, name)
    )


def _linear(x: Any, filters: int, size: int, stride: int, norm: bool, name: str) -> Any:
    """A convolution and, while training, its batch normalisation."""
    x = keras.layers.Conv2D(
        filters, size, strides=stride, padding="same", use_bias=not norm, name=name,
        kernel_initializer="he_normal",
    )(x)  # fmt: skip
    if norm:
        x = keras.layers.BatchNormalization(momentum=0.975, epsilon=EPSILON, name=f"{name}_norm")(x)
    return x


def block(x: Any, filters: int, stride: int, norm: bool, name: str) -> Any:
    """Two convolutions and a way around them, so that depth does not cost gradient."""
    around = x
    if stride != 1 or x.shape[-1] != filters:
        around = _linear(x, filters, 1, stride, norm, f"{name}_around")
    x = conv(x, filters, 3, stride, norm, f"{name}_a")
    x = _linear(x, filters, 3, 1, norm, f"{name}_b")
    return keras.layers.Activation("relu", name=f"{name}_act")(keras.layers.Add()([x, around]))


NETWORKS = {
    "paper": paper_network,
    "residual": residual_network,
    "patches": patch_network,
    "patches-deep": deep_patch_network,
}


def takes_of_network(name: str) -> Takes:
    """What the network of this name takes."""
    return Takes.PATCHES if name.startswith("patches") else Takes.CELLS
