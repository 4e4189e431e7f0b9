"""Joint decoding: the most probable counts that satisfy the sheet's own arithmetic.

Two hypotheses explain a sheet. H1: the paper adds up, so only consistent sets of counts are
possible. H0: it does not, and every row stands for itself. For rows with independent
probabilities p_r(v) and Z = the sum over consistent sets of prod p_r(v_r),

    P(H1 | cells) : P(H0 | cells)  =  (1 - prior) * spread * Z  :  prior

where `prior` is the share of papers that do not add up and `spread` the number of totals that
such a paper might as well have shown. Z, the best consistent set and every row's posterior come
from dynamic programming over the running total (sum-product and max-product on the tree of sum
rules; Pearl 1988; kawalc1 weighs digits jointly in the same spirit).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tallywire.reading.rows import F64, RowReading
from tallywire.reading.tree import Tree, add_up, backward, best_counts, forward, take_best

MOST_CANDIDATES = 24  # counts kept per row
LEAST_WEIGHT = 1e-8  # less likely counts are left out; together they weigh less than a lost scan


@dataclass(frozen=True, slots=True)
class Decoded:
    """The counts under both hypotheses.

    `adds_up` is P(H1 | cells); `counts` the best consistent set, None where there is none;
    `share` its probability given H1; `posterior` by field P(count | H1), float64 [10 ** cells].
    """

    adds_up: float
    counts: Mapping[str, int] | None
    share: float
    posterior: Mapping[str, F64]


def decode(
    rows: Mapping[str, RowReading],
    tree: Tree,
    limits: Mapping[str, int],
    prior: float,
    spread: float,
) -> Decoded:
    """Decode the rows that take part in sum rules.

    A row where nothing is written adds nothing to a sum; whether it is a zero or missing is not
    for arithmetic to say.

    Args:
        rows: by field id.
        tree: the layout's sum rules.
        limits: by field id, the largest count that the station allows (cap rules).
        prior: of a paper that does not add up, 0 to 1.
        spread: number of totals that such a paper might show.
    """
    leaves = {field: _weights(row, limits.get(field)) for field, row in rows.items()}
    up = forward(leaves, tree, add_up)
    evidence = float(np.prod([up.weights[root].sum() for root in tree.roots]))
    if evidence <= 0:
        return Decoded(0.0, None, 0.0, {})
    posterior = backward(leaves, up, tree)
    counts, weight = best_counts(forward(leaves, tree, take_best), tree)
    odds = (1 - prior) * spread * evidence
    return Decoded(odds / (odds + prior), counts, weight / evidence, posterior)


def _weights(row: RowReading, limit: int | None) -> F64:
    weights = row.counts.copy()
    weights[0] += row.missing
    if limit is not None:
        weights[limit + 1 :] = 0
    weights[weights < LEAST_WEIGHT] = 0
    kept = weights[weights > 0]
    if len(kept) > MOST_CANDIDATES:
        weights[weights < np.sort(kept)[-MOST_CANDIDATES]] = 0
    return weights
