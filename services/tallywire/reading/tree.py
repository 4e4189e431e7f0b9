"""Sums over a tree of rules: dynamic programming over the running total. Pure numpy.

A message is a float64 vector: its entry v is a weight for the count v. A field that is the total
of a rule multiplies its own weights with those of its parts' sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tallywire.reading.rows import F64
from tallywire.sheet.layout import SumRule


@dataclass(frozen=True, slots=True)
class Tree:
    """Sum rules by the field they total, and the fields that are part of no other sum."""

    rules: Mapping[str, SumRule]
    roots: tuple[str, ...]


def plant(rules: Sequence[SumRule]) -> Tree:
    """Arrange sum rules; a total may be a part of another sum (subtotals).

    Raises:
        ValueError: where a field is in two sums, has two rules, or contains itself.
    """
    parts = [part for rule in rules for part in rule.parts]
    by_total = {rule.total: rule for rule in rules}
    roots = tuple(total for total in by_total if total not in parts)
    if len(set(parts)) < len(parts) or len(by_total) < len(rules):
        raise ValueError("a field may be part of one sum and the total of one sum only")
    if len(_reach(roots, by_total)) < len({*parts, *by_total}):
        raise ValueError("sum rules go round in a circle")
    return Tree(by_total, roots)


def forward(leaves: Mapping[str, F64], tree: Tree) -> dict[str, F64]:
    """By field, its weight for every count, everything below it included (sum-product)."""
    up: dict[str, F64] = {}
    for field in _bottom_up(tree):
        rule = tree.rules.get(field)
        if rule is None:
            up[field] = leaves[field]
        else:
            sums = _convolve([up[part] for part in rule.parts], len(leaves[field]))
            up[field] = leaves[field] * sums
    return up


def backward(leaves: Mapping[str, F64], up: Mapping[str, F64], tree: Tree) -> dict[str, F64]:
    """By field, the posterior of every count given that all sums hold; each sums to 1."""
    down = {root: np.ones(len(leaves[root])) for root in tree.roots}
    for field in reversed(_bottom_up(tree)):
        rule = tree.rules.get(field)
        if rule is not None:
            above = leaves[field] * down[field]
            down |= _spread(rule.parts, [up[part] for part in rule.parts], above)
    return {field: _normal(up[field] * down[field]) for field in up}


def best_counts(leaves: Mapping[str, F64], tree: Tree) -> tuple[dict[str, int], float]:
    """The most probable consistent set of counts and its weight (max-product)."""
    best: dict[str, F64] = {}
    choices: dict[str, list[tuple[str, F64, F64]]] = {}
    for field in _bottom_up(tree):
        rule = tree.rules.get(field)
        best[field] = leaves[field]
        if rule is not None:
            sums, choices[field] = _convolve_max(rule.parts, best, len(leaves[field]))
            best[field] = leaves[field] * sums
    counts = {root: int(np.argmax(best[root])) for root in tree.roots}
    weight = float(np.prod([best[root].max() for root in tree.roots]))
    for field in reversed(_bottom_up(tree)):
        left = counts[field]
        for part, before, own in reversed(choices.get(field, [])):
            taken = np.arange(left + 1)
            ways = before[left - taken] * np.pad(own, (0, max(0, left + 1 - len(own))))[: left + 1]
            counts[part] = int(np.argmax(ways))
            left -= counts[part]
    return counts, weight


def _reach(roots: Sequence[str], rules: Mapping[str, SumRule]) -> list[str]:
    """Fields below the roots, each after the field it is part of."""
    order = list(roots)
    for field in order:
        rule = rules.get(field)
        order += rule.parts if rule else ()
    return order


def _bottom_up(tree: Tree) -> list[str]:
    return _reach(tree.roots, tree.rules)[::-1]


def _add(sums: F64, weights: F64) -> F64:
    """Weights of `sums` plus an independent count, as far as `sums` is long."""
    total = np.zeros_like(sums)
    for value in np.flatnonzero(weights[: len(sums)]):
        total[value:] += weights[value] * sums[: len(sums) - value]
    return total


def _convolve(parts: Sequence[F64], length: int) -> F64:
    sums = _nothing(length)
    for weights in parts:
        sums = _add(sums, weights)
    return sums


def _convolve_max(
    parts: Sequence[str], best: Mapping[str, F64], length: int
) -> tuple[F64, list[tuple[str, F64, F64]]]:
    sums, steps = _nothing(length), []
    for part in parts:
        steps.append((part, sums, best[part]))
        total = np.zeros(length)
        for value in np.flatnonzero(best[part][:length]):
            np.maximum(total[value:], best[part][value] * sums[: length - value], out=total[value:])
        sums = total
    return sums, steps


def _spread(parts: Sequence[str], up: Sequence[F64], above: F64) -> dict[str, F64]:
    """Messages from a total down to each of its parts."""
    length = len(above)
    before = [_nothing(length)]
    for weights in up[:-1]:
        before.append(_add(before[-1], weights))
    after, found = above, dict[str, F64]()
    for part, own, sums in zip(reversed(parts), reversed(up), reversed(before), strict=True):
        # after[t] weighs "this part and everything before it sum to t".
        found[part] = _correlate(after, sums, own)
        after = _take(after, own)
    return found


def _correlate(after: F64, sums: F64, own: F64) -> F64:
    """For every possible count v of `own` the sum over s of sums[s] * after[s + v]."""
    size, found = len(after), np.zeros(len(own))
    for value in np.flatnonzero(own[:size]):
        found[value] = sums[: size - value] @ after[value:]
    return found


def _take(after: F64, own: F64) -> F64:
    """For every remaining sum s the sum over v of own[v] * after[s + v]."""
    size = len(after)
    found = np.zeros(size)
    for value in np.flatnonzero(own[:size]):
        found[: size - value] += own[value] * after[value:]
    return found


def _nothing(length: int) -> F64:
    """The sum of no counts: certainly 0."""
    sums = np.zeros(length)
    sums[0] = 1.0
    return sums


def _normal(weights: F64) -> F64:
    total = weights.sum()
    return weights / total if total > 0 else weights
