"""Whether a confidence means what it says, and the one number that makes it so. Pure numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tallywire.reading.calibration import log_odds

F64 = NDArray[np.float64]

LOWEST, HIGHEST = 0.2, 5.0
BINS = 15
NEWTON_STEPS = 50
PULL = 0.01  # towards no change at all
FLATTEST, STEEPEST = 0.2, 5.0


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


def fit_odds(said: F64, happened: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset that make probabilities of an event mean what they say (Platt 1999).

    A logistic regression of the event on the log odds, by Newton's method. Two events of either
    kind are added at even odds, so that few or none of one kind do not drive it to infinity.

    Args:
        said: float64 [N], 0 to 1.
        happened: bool [N].
    """
    x = np.append(log_odds(said), [0.0] * 4)
    y = np.append(happened, [0.0, 1.0] * 2)
    design = np.stack([x, np.ones_like(x)], axis=1)
    found = np.array([1.0, 0.0])
    for _ in range(NEWTON_STEPS):
        p = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        gradient = design.T @ (p - y) + PULL * (found - np.array([1.0, 0.0]))
        curvature = (design * (p * (1 - p))[:, None]).T @ design + PULL * np.eye(2)
        found = found - np.linalg.solve(curvature, gradient)
        found[0] = np.clip(found[0], FLATTEST, STEEPEST)
    return float(found[0]), float(found[1])


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
