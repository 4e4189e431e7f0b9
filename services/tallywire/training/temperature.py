"""Temperature scaling: one number that makes a network's confidence mean what it says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

LOWEST, HIGHEST = 0.2, 5.0
BINS = 15


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


def calibration_error(probabilities: F64, labels: NDArray[np.uint8]) -> float:
    """Expected calibration error over 15 equal bins of confidence, 0 to 1."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [
        abs(float(confidence[bins == b].mean() - right[bins == b].mean()))
        * float((bins == b).mean())
        for b in np.unique(bins)
    ]
    return float(sum(gaps))


def _loss(logits: F64, labels: NDArray[np.uint8], temperature: float) -> float:
    chosen = softmax(logits, temperature)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean())
