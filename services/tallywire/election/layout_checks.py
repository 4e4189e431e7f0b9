"""What a layout's values must be to each other: ids that lead somewhere, boxes apart. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from tallywire.election.election import Contest
from tallywire.election.references import (
    Found,
    find,
    refuse_repeated,
    refuse_unknown,
    refuse_unknown_keys,
    texts,
)
from tallywire.election.validation import Location, key_path, nearest, show
from tallywire.errors import Problem
from tallywire.sheet.layout import Box, Layout, Role, Word

TOUCHING_MM = 1e-6  # boxes may share a line; sums of lengths are not exact
RULE_FIELDS = {
    "sum_rules": ("total", "parts[]"),
    "difference_rules": ("difference", "whole", "less"),
    "equal_rules": ("fields[]",),
    "at_most_rules": ("field", "limit"),
    "cap_rules": ("field",),
}
"""Every table of rules, and where it names fields."""
SAID_ONCE = ("difference_rules", "equal_rules", "at_most_rules")  # of these each differs
MIN_SPREAD_MM2 = 1000.0  # smallest triangle of mark centres that still fixes an affine map


def reference_problems(values: Mapping[str, object], file: str) -> Iterator[Problem]:
    """Ids in a layout file that stand twice or lead nowhere.

    Args:
        values: the file as it is written, right or wrong.
        file: its name, for the messages.
    """
    rules = [rule for table in RULE_FIELDS for rule in find(values, f"{table}[]")]
    yield from refuse_repeated(find(values, "marks[].id"), file)
    yield from refuse_repeated(find(values, "fields[].id"), file)
    yield from refuse_repeated(_options(values), file)
    yield from refuse_repeated(
        (found for where, rule in rules for found in find(rule, "id", where)), file
    )
    yield from refuse_unknown_keys(find(values, "texts"), list(Word), "text", file)
    fields = texts(values, "fields[].id")
    for table, keys in RULE_FIELDS.items():
        for key in keys:
            yield from refuse_unknown(find(values, f"{table}[].{key}"), fields, "field", file)
    for table in SAID_ONCE:
        for where, rule in find(values, f"{table}[]"):
            named = [found for key in RULE_FIELDS[table] for found in find(rule, key, where)]
            yield from refuse_repeated(named, file)
    for where, rule in find(values, "sum_rules[]"):
        yield from refuse_repeated(find(rule, "parts[]", where), file)
        for place, part in find(rule, "parts[]", where):
            if part in texts(rule, "total"):
                remedy = "a total cannot be one of its own parts"
                yield Problem(key_path(place, file), show(part), remedy)


def _options(values: Mapping[str, object]) -> Iterator[Found]:
    """The option of each row that counts one, and where it is said."""
    for where, row in find(values, "fields[]"):
        if texts(row, "role") in ((), (Role.OPTION,)):
            yield from find(row, "option" if texts(row, "option") else "id", where)


def geometry_problems(layout: Layout, file: str) -> Iterator[Problem]:
    """Boxes that leave the page or overlap, and marks that cannot fix it."""
    cells: list[tuple[Location, Box]] = [
        (("fields", row, "cells", at), cell)
        for row, field in enumerate(layout.fields)
        for at, cell in enumerate(field.cells)
    ]
    marks: list[tuple[Location, Box]] = [
        (("marks", at, "box"), mark.box) for at, mark in enumerate(layout.marks)
    ]
    ignored: list[tuple[Location, Box]] = [
        (("ignored", at), box) for at, box in enumerate(layout.ignored)
    ]
    for where, box in (*marks, *cells, *ignored):
        right, bottom = box.corners_mm[2]
        if min(box.x_mm, box.y_mm) < 0 or right > layout.width_mm or bottom > layout.height_mm:
            remedy = "it leaves the page: move it inside"
            yield Problem(key_path(where, file), show(_numbers(box)), remedy)
    for (where, one), (other_where, other) in combinations((*marks, *cells), 2):
        if _overlap(one, other):
            remedy = f"it overlaps {key_path(other_where)}: move one"
            yield Problem(key_path(where, file), show(_numbers(one)), remedy)
    if layout.reference_file is None and not _spread(layout):
        yield Problem(
            f"{file}: marks", "all marks lie nearly on one line", "put one mark further aside"
        )


def contest_problems(contest: Contest, layout: Layout) -> tuple[Problem, ...]:
    """What keeps this layout from being the form of this contest; empty if nothing."""
    rows = [field.option for field in layout.fields if field.option is not None]
    options = [option.id for option in contest.options]
    where = f"layout {layout.id} of contest {contest.id}"
    missing = [
        Problem(where, f"no row for option {option}", "add a field for it to the layout")
        for option in options
        if option not in rows
    ]
    strange = [
        Problem(where, f"row for unknown option {row}", nearest(row, options, "options are"))
        for row in rows
        if row not in options
    ]
    return (*missing, *strange)


def _numbers(box: Box) -> list[float]:
    return [box.x_mm, box.y_mm, box.width_mm, box.height_mm]


def _overlap(one: Box, other: Box) -> bool:
    across = min(one.x_mm + one.width_mm, other.x_mm + other.width_mm) - max(one.x_mm, other.x_mm)
    down = min(one.y_mm + one.height_mm, other.y_mm + other.height_mm) - max(one.y_mm, other.y_mm)
    return min(across, down) > TOUCHING_MM


def _spread(layout: Layout) -> bool:
    """True if three mark centres span a triangle large enough to fix an affine map."""
    centers = [mark.box.center_mm for mark in layout.marks]
    return any(
        abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])) / 2 > MIN_SPREAD_MM2
        for a, b, c in combinations(centers, 3)
    )
