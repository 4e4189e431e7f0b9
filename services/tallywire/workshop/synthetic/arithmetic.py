"""The numbers of a sheet's rows: votes, totals that add up, and totals that do not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tallywire.sheet.layout import Field, Layout, Role

LARGEST_SLIP = 20


def row_values(layout: Layout, votes: Mapping[str, int]) -> Mapping[str, int]:
    """The correct number of every row: an option's votes, a total's sum of its parts.

    A row that no rule describes is taken as the sum of all options, or as 0 where it is itself a
    part of a sum (ballots that were not used); totals may have totals as parts.
    """
    values = {
        field.id: votes[field.option]
        for field in layout.fields
        if field.role is Role.OPTION and field.option is not None
    }
    everything = tuple(values)
    summed = {part: () for rule in layout.sum_rules for part in rule.parts}
    parts = {**summed, **{rule.total: rule.parts for rule in layout.sum_rules}}
    for equal in layout.equal_rules:
        known = next((one for one in equal.fields if parts.get(one)), equal.fields[0])
        parts.update({one: (known,) for one in equal.fields if one != known and not parts.get(one)})
    return {field.id: _value(field, values, parts, everything) for field in layout.fields}


def most_votes(layout: Layout) -> int:
    """The largest number that fits every row."""
    fewest = min(len(field.cells) for field in layout.fields)
    return int(10**fewest - 1)


def adds_up(layout: Layout, written: Mapping[str, int | None]) -> bool:
    """True if every sum holds, rows where nothing is written taken as 0."""
    same = all(
        len({written[field] or 0 for field in rule.fields}) == 1 for rule in layout.equal_rules
    )
    return same and all(
        (written[rule.total] or 0) == sum(written[part] or 0 for part in rule.parts)
        for rule in layout.sum_rules
    )


def misadd(
    layout: Layout, values: Mapping[str, int], registered: int, rng: np.random.Generator
) -> Mapping[str, int]:
    """The same rows with a total that somebody added up wrongly.

    Two digits change places, or the sum slips by up to 20; never above the registered voters.

    Raises:
        ValueError: if the form has no sum rule to break.
    """
    if not layout.sum_rules:
        raise ValueError(f"layout {layout.id} has no sum rule")
    rule = layout.sum_rules[int(rng.integers(len(layout.sum_rules)))]
    right, most = values[rule.total], min(registered, most_votes(layout))
    slips = [right + step for step in range(-LARGEST_SLIP, LARGEST_SLIP + 1)]
    text = str(right)
    swapped = int(text[:-2] + text[-1] + text[-2]) if len(text) > 1 else right
    options = [swapped] if rng.random() < 0.4 else slips
    wrong = [number for number in options if 0 <= number <= most and number != right]
    fallback = right - 1 if right else 1
    picked = wrong[int(rng.integers(len(wrong)))] if wrong else fallback
    return {**values, rule.total: picked}


def _value(
    field: Field,
    values: Mapping[str, int],
    parts: Mapping[str, tuple[str, ...]],
    everything: tuple[str, ...],
) -> int:
    if field.role is Role.OPTION:
        return values[field.id]
    pending, total, opened = list(parts.get(field.id, everything)), 0, {field.id}
    while pending:
        part = pending.pop()
        if part in values:
            total += values[part]
        elif part not in opened:
            opened.add(part)
            pending.extend(parts.get(part, ()))
    return total
