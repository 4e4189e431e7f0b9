"""The promise behind "accepted": at most so many of the accepted sheets are wrong. Pure.

The threshold is chosen on one half of held-out sheets and certified on the other by the exact
one-sided binomial bound (Clopper & Pearson 1934). Choosing and certifying on the same sheets would
break the bound; conformal risk control bounds the mean over draws, not the share with confidence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TARGET = 0.005
CONFIDENCE = 0.95
STRICTER = 0.4  # the next threshold to try where one cannot be certified
MOST_TRIES = 3


@dataclass(frozen=True, slots=True)
class Certificate:
    """What held-out sheets say of a threshold on the sheet's error probability.

    `upper` bounds the share of wrong sheets among the accepted ones with 95 % confidence.
    """

    threshold: float
    accepted: int
    wrong: int
    of: int
    upper: float

    @property
    def holds(self) -> bool:
        """True where the promise is certified."""
        return self.upper <= TARGET


def upper_bound(wrong: int, of: int, confidence: float = CONFIDENCE) -> float:
    """Clopper-Pearson upper limit of a share, one-sided.

    Args:
        wrong: events seen, 0 <= wrong <= of.
        of: independent trials.

    Returns:
        the share p at which seeing `wrong` or fewer has probability 1 - confidence; 1 for `of` 0.
    """
    if wrong >= of:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(wrong, of, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def choose(errors: NDArray[np.float64], wrong: NDArray[np.bool_]) -> Certificate:
    """The loosest threshold that the even sheets suggest and the odd ones certify.

    A threshold that fails is made stricter at most twice more, each test at a third of the risk
    (Bonferroni), so that the confidence holds for whichever passes.

    Args:
        errors: float64 [N], error probability of each sheet that has no other reason to be held.
        wrong: bool [N], whether one of its counts is wrong.
    """
    threshold = _suggest(errors[::2], wrong[::2])
    confidence = 1 - (1 - CONFIDENCE) / MOST_TRIES
    tried: list[Certificate] = []
    for _ in range(MOST_TRIES):
        tried.append(certify(threshold, errors[1::2], wrong[1::2], confidence))
        if tried[-1].holds:
            break
        threshold *= STRICTER
    return tried[-1]


def certify(
    threshold: float,
    errors: NDArray[np.float64],
    wrong: NDArray[np.bool_],
    confidence: float = CONFIDENCE,
) -> Certificate:
    """Bound the share of wrong sheets among those with an error probability of at most that."""
    accepted = errors <= threshold
    bad = int(wrong[accepted].sum())
    count = int(accepted.sum())
    return Certificate(threshold, count, bad, len(errors), upper_bound(bad, count, confidence))


def _suggest(errors: NDArray[np.float64], wrong: NDArray[np.bool_]) -> float:
    """The loosest threshold below which the share of wrong sheets is half of what is allowed."""
    order = np.argsort(errors, kind="stable")
    seen = np.cumsum(wrong[order]) / np.arange(1, len(order) + 1)
    fine = np.flatnonzero(seen <= TARGET / 2)
    return float(errors[order[fine[-1]]]) if len(fine) else 0.0


def _at_most(wrong: int, of: int, share: float) -> float:
    """P(X <= wrong) for X ~ Binomial(of, share)."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return 0.0
    logs = [
        math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1)
        + k * math.log(share) + (of - k) * math.log1p(-share)
        for k in range(wrong + 1)
    ]  # fmt: skip
    return math.fsum(math.exp(one) for one in logs)
