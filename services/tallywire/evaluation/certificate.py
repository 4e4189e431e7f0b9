"""The promise behind "accepted": at most so many of the accepted sheets are wrong. Pure.

Thresholds are suggested by some held-out sheets and certified on the others by the exact one-sided
binomial bound (Clopper & Pearson 1934). Choosing and certifying on the same sheets would break the
bound; conformal risk control bounds the mean over draws, not the share with confidence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

TARGET = 0.005
CONFIDENCE = 0.95
SUGGESTING = 3  # every third sheet; certifying needs the more
LADDER = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.45, 1.6, 1.8, 2.0, 2.5)
"""Of the target, by the reader's own account, strict to loose. It goes beyond 1 since a reader that
is too modest would hold good sheets for nothing; what counts is what the held-out sheets certify.
It does not begin lower, since the strictest limits accept so few that one wrong sheet ends it."""


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
        return 1.0  # of nothing, too
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(wrong, of, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def choose(errors: NDArray[np.float64], wrong: NDArray[np.bool_]) -> Certificate:
    """The loosest threshold that can be certified; else one whose certificate does not hold.

    Every third sheet suggests thresholds, by the share of errors that the reader itself expects
    below them; the others test the strictest first, then looser ones, and stop at the first that
    fails. One that accepts too few to pass even without an error is not tested: how many it
    accepts says nothing of how many are wrong. In such a fixed sequence each test may take the
    whole risk of 5 % (Learn then Test, Angelopoulos et al. 2021, section 3.1), where trying them
    at will would have to share it.

    Args:
        errors: float64 [N], error probability of each sheet that has no other reason to be held.
        wrong: bool [N], whether one of its counts is wrong.
    """
    suggests = np.arange(len(errors)) % SUGGESTING == 0
    thresholds = [_suggest(errors[suggests], TARGET * share) for share in LADDER]
    found = [certify(one, errors[~suggests], wrong[~suggests]) for one in thresholds]
    tested = [one for one in found if upper_bound(0, one.accepted) <= TARGET]
    passed = [*takewhile(lambda one: one.holds, tested)]
    return passed[-1] if passed else (tested or found[-1:])[0]


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


def _suggest(errors: NDArray[np.float64], risk: float) -> float:
    """The loosest threshold below which the reader expects at most that share of wrong sheets."""
    ordered = np.sort(errors)
    expected = np.cumsum(ordered) / np.arange(1, len(ordered) + 1)
    fine = np.flatnonzero(expected <= risk)
    return float(ordered[fine[-1]]) if len(fine) else 0.0


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
