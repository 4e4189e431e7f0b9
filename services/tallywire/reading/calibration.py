"""A stored calibration, applied: what a policy makes of a model's own probabilities. Pure numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

SUREST = 1e-9  # of a probability whose odds are taken


def at_odds(probability: float, slope: float, offset: float) -> float:
    """The calibrated probability; order is kept, since `slope` is positive."""
    if (slope, offset) == (1.0, 0.0):
        return probability
    odds = slope * float(log_odds(np.array(probability))) + offset
    return float(1 / (1 + np.exp(-np.clip(odds, -30, 30))))


def log_odds(probability: F64) -> F64:
    """The logarithm of p / (1 - p), float64 of the same shape; finite at 0 and 1."""
    p = np.clip(probability, SUREST, 1 - SUREST)
    return np.asarray(np.log(p / (1 - p)), np.float64)
