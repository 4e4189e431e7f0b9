"""Whether a confidence means what it says, and the one number that makes it so. Pure numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

LOWEST, HIGHEST = 0.2, 5.0
BINS = 15
TINY = 1e-30


def fit_temperature(logits: F64, labels: NDArray[np.uint8]) -> float:
    """The temperature with the lowest cross entropy on held-out cells (Guo et al. 2017).

    Args:
        logits: float64 [N, classes].
        labels: uint8 [N].

    Returns:
        0.2 to 5: divide the logits by it. Found by golden section on its logarithm, where the
        loss has one minimum.
    """
    low, high = np.log(LOWEST), np.log(HIGHEST)
    golden = (np.sqrt(5) - 1) / 2
    while high - low > 1e-4:
        first, second = high - golden * (high - low), low + golden * (high - low)
        if _loss(logits, labels, np.exp(first)) < _loss(logits, labels, np.exp(second)):
            high = second
        else:
            low = first
    return float(np.exp((low + high) / 2))


def softmax(logits: F64, temperature: float = 1.0) -> F64:
    """Probabilities float64 [N, classes] of `logits` at `temperature`."""
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def at_temperature(probabilities: NDArray[np.floating], temperature: float) -> F64:
    """What a model says without its own temperature, or at another: its logits, up to a constant
    that softmax forgets, are the logarithms of its probabilities.

    Args:
        probabilities: [N, classes].
        temperature: divides the logarithms; 1 / T undoes a temperature of T.
    """
    return softmax(np.log(np.maximum(probabilities.astype(np.float64), TINY)), temperature)


def bins(
    probabilities: NDArray[np.floating], labels: NDArray[np.uint8]
) -> list[tuple[float, float, float]]:
    """By bin of confidence that has cells: mean confidence, accuracy, share of all cells."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    index = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        (
            float(confidence[index == one].mean()),
            float(right[index == one].mean()),
            float((index == one).mean()),
        )
        for one in np.unique(index)
    ]


def calibration_error(probabilities: NDArray[np.floating], labels: NDArray[np.uint8]) -> float:
    """Expected calibration error over 15 equal bins of confidence (Guo et al. 2017), 0 to 1."""
    return float(sum(abs(said - true) * share for said, true, share in bins(probabilities, labels)))


def _loss(logits: F64, labels: NDArray[np.uint8], temperature: float) -> float:
    chosen = softmax(logits, temperature)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean())
