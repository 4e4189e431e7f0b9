"""The paper's confidence and its label, exactly (Torres & Cantu, "Learning to See", section 4.3).

A label, not a gate: confidences 1.0, 1.0, 0.4 average 0.91 and are "high" with a 60 % chance of a
wrong unit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tallywire.records import Quality

WEIGHTS = (0.5, 0.35, 0.15)
"""Of hundreds, tens and units: an error costs most where the digit is worth most."""
HIGH_ABOVE = 0.9


def digit_weights(cells: int) -> tuple[float, ...]:
    """Weights of a row of `cells` digits, most significant first; they sum to 1.

    Three are the paper's. Fewer keep the first ones, more go on in the ratio of the last two;
    both renormalised.
    """
    weights = list(WEIGHTS[:cells])
    while len(weights) < cells:
        weights.append(weights[-1] * WEIGHTS[2] / WEIGHTS[1])
    return tuple(weight / sum(weights) for weight in weights)


def count_confidence(cells: NDArray[np.floating]) -> float:
    """Weighted mean of the cells' highest probabilities.

    Args:
        cells: [K, 11], K >= 1.
    """
    return float(np.dot(digit_weights(len(cells)), cells.max(axis=1)))


def sheet_confidence(confidences: Sequence[float]) -> float:
    """Mean of the counts' confidences."""
    return sum(confidences) / len(confidences)


def label(confidence: float) -> Quality:
    """`high` above 0.9, else `moderate`."""
    return Quality.HIGH if confidence > HIGH_ABOVE else Quality.MODERATE
