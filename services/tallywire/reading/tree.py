"""Sums over a tree of rules: dynamic programming over the running total. Pure numpy.

A message is a float64 vector: its entry v is a weight for the count v. A field that is the total
of a rule multiplies its own weights with those of its parts' sum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tallywire.reading.rows import F64, I64
from tallywire.sheet.layout import EqualRule, SumRule


@dataclass(frozen=True, slots=True)
class Tree:
    """Sum rules by the field they total, and the fields that are part of no other sum."""

    rules: Mapping[str, SumRule]
    roots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartialSum:
    """One part of a sum: its possible counts, their weights, and the sum of the parts before it."""

    part: str
    values: I64
    weights: F64
    before: F64


@dataclass(frozen=True, slots=True)
class UpwardSums:
    """`weights` by field, for every count, everything below it included; `steps` by total."""

    weights: Mapping[str, F64]
    steps: Mapping[str, tuple[PartialSum, ...]]


Gather = Callable[[F64, F64], F64]
"""From weights float64 [K] and K shifted messages float64 [K, L] to one of length L."""


def plant(rules: Sequence[SumRule], equals: Sequence[EqualRule] = ()) -> Tree:
    """Arrange sum rules; a total may be a part of another sum (subtotals).

    Fields that are equal are each a sum of the other, whichever way round the tree has room for.

    Rules that overlap by nesting become a tree: where `valid = a + b`, `total = a + b + c` is
    taken as `total = valid + c`. What still fits no tree (sums of rows and of columns at once) is
    left out: decoding does without it, and the judge checks it afterwards like any rule.
    """
    kept: dict[str, SumRule] = {}
    for rule in sorted(rules, key=lambda one: len(one.parts)):
        nested = _nest(rule, kept)
        if _fits(nested, kept):
            kept[nested.total] = nested
    for equal in equals:
        kept |= _joined(equal, kept)
    parts = {part for rule in kept.values() for part in rule.parts}
    return Tree(kept, tuple(total for total in kept if total not in parts))


def forward(leaves: Mapping[str, F64], tree: Tree, gather: Gather) -> UpwardSums:
    """Messages from the parts up to the totals.

    Args:
        leaves: by field id, the weight of every count by the row itself.
        gather: `add_up` for the sum over all ways, `take_best` for the best one.
    """
    weights: dict[str, F64] = {}
    steps: dict[str, tuple[PartialSum, ...]] = {}
    for field in _bottom_up(tree):
        weights[field] = leaves[field]
        if field in tree.rules:
            parts = tree.rules[field].parts
            steps[field], sums = _run(parts, weights, _length(leaves[field]), gather)
            weights[field] = leaves[field].copy()
            weights[field][: len(sums)] *= sums
    return UpwardSums(weights, steps)


def add_up(weights: F64, shifted: F64) -> F64:
    """Sum over all ways."""
    return np.asarray(weights @ shifted, np.float64)


def take_best(weights: F64, shifted: F64) -> F64:
    """The best way."""
    best: F64 = (weights[:, None] * shifted).max(axis=0, initial=0.0)
    return best


def backward(leaves: Mapping[str, F64], up: UpwardSums, tree: Tree) -> dict[str, F64]:
    """By field, the posterior of every count given that all sums hold; each sums to 1."""
    down = {root: np.ones(len(leaves[root])) for root in tree.roots}
    for field in reversed(_bottom_up(tree)):
        # after[t] weighs "the parts not yet visited sum to t".
        after = leaves[field] * down[field]
        for step in reversed(up.steps.get(field, ())):
            ahead = _ahead(after[: len(step.before)], step.values)
            down[step.part] = np.zeros(len(leaves[step.part]))
            down[step.part][step.values] = ahead @ step.before
            after = step.weights @ ahead
    return {field: _normal(weights * down[field]) for field, weights in up.weights.items()}


def best_counts(best: UpwardSums, tree: Tree) -> tuple[dict[str, int], float]:
    """The most probable consistent set of counts and its weight, from a pass with `take_best`."""
    counts = {root: int(np.argmax(best.weights[root])) for root in tree.roots}
    weight = float(np.prod([best.weights[root].max() for root in tree.roots]))
    for field in reversed(_bottom_up(tree)):
        left = counts[field]
        for step in reversed(best.steps.get(field, ())):
            values = step.values[step.values <= left]
            ways = step.weights[: len(values)] * step.before[left - values]
            counts[step.part] = int(values[np.argmax(ways)])
            left -= counts[step.part]
    return counts, weight


def _nest(rule: SumRule, kept: Mapping[str, SumRule]) -> SumRule:
    parts = set(rule.parts)
    for total, inner in kept.items():
        if total not in {rule.total, *parts} and parts.issuperset(inner.parts):
            parts = parts.difference(inner.parts) | {total}
    order = [*rule.parts, *kept]  # the same rules, the same tree
    return SumRule(rule.id, rule.total, tuple(sorted(parts, key=order.index)))


def _joined(equal: EqualRule, kept: Mapping[str, SumRule]) -> dict[str, SumRule]:
    """Sums of one part that tie equal fields to each other, as far as the tree has room."""
    links: dict[str, SumRule] = {}
    tied = [equal.fields[0]]
    for field in equal.fields[1:]:
        ways = [(one, other) for near in tied for one, other in ((near, field), (field, near))]
        rules = (SumRule(equal.id, total, (part,)) for total, part in ways)
        fitting = next((rule for rule in rules if _fits(rule, {**kept, **links})), None)
        if fitting:
            links[fitting.total] = fitting
            tied.append(field)
    return links


def _fits(rule: SumRule, kept: Mapping[str, SumRule]) -> bool:
    taken = {part for other in kept.values() for part in other.parts}
    below = set(_reach(rule.parts, kept))
    return rule.total not in {*kept, *below} and taken.isdisjoint(rule.parts)


def _reach(roots: Sequence[str], rules: Mapping[str, SumRule]) -> list[str]:
    """The fields and those below them, each after the field it is part of."""
    order = list(roots)
    for field in order:
        rule = rules.get(field)
        order += rule.parts if rule else ()
    return order


def _bottom_up(tree: Tree) -> list[str]:
    return _reach(tree.roots, tree.rules)[::-1]


def _length(leaf: F64) -> int:
    """Sums above the largest possible total are of no use."""
    possible = np.flatnonzero(leaf)
    return int(possible[-1]) + 1 if len(possible) else 1


def _run(
    parts: Sequence[str], weights: Mapping[str, F64], length: int, gather: Gather
) -> tuple[tuple[PartialSum, ...], F64]:
    sums = np.zeros(length)
    sums[0] = 1.0  # the sum of no parts
    steps = []
    for part in parts:
        own = weights[part][:length]
        values = np.flatnonzero(own)
        steps.append(PartialSum(part, values, own[values], sums))
        sums = gather(own[values], _shift(sums, values))
    return tuple(steps), sums


def _shift(sums: F64, values: I64) -> F64:
    """Float64 [K, L]: row k is `sums` moved up by values[k]; what falls off the end is lost."""
    size = len(sums)
    return _windows(np.concatenate([np.zeros(size), sums]), size)[size - values]


def _ahead(after: F64, values: I64) -> F64:
    """Float64 [K, L]: row k is `after` from values[k] on, then zeros."""
    size = len(after)
    return _windows(np.concatenate([after, np.zeros(size)]), size)[values]


def _windows(padded: F64, size: int) -> F64:
    """Every window of `size` entries, one view without copies."""
    stride = padded.itemsize
    return np.ndarray((len(padded) - size + 1, size), np.float64, padded, 0, (stride, stride))


def _normal(weights: F64) -> F64:
    total = weights.sum()
    return weights / total if total > 0 else weights
