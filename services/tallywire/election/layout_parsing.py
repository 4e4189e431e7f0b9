"""A layout file's text to a checked `Layout`. Pure: who reads the file is `election_files`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from tallywire.election.election import Contest
from tallywire.election.validation import (
    Table,
    is_number,
    note,
    parse_toml,
    refuse_repeated,
    refuse_unknown,
    show,
    take_id,
    take_ids,
    take_int,
    take_length,
    take_table,
    take_tables,
    take_text,
)
from tallywire.errors import InvalidFileError, Problem
from tallywire.sheet.layout import (
    Box,
    CapRule,
    Field,
    Layout,
    Mark,
    MarkKind,
    Role,
    SumRule,
    Word,
)

KEYS = ("id", "version", "name", "page", "marks", "fields", "sum_rules", "cap_rules", "texts")
TEXTS = tuple(word.value for word in Word)
COLOUR = r"#[0-9a-fA-F]{6}"
COLOUR_RULE = "write a colour as #rrggbb"
BOX_RULE = "write [left, top, width, height] in mm, width and height above 0"
MOST_CELLS = 5  # 99,999 votes in one row; reading keeps a weight for every count
MIN_MARKS = 3
MIN_CHROMA = 60  # of 255: less colour than this is grey once it has been printed and scanned
MIN_SPREAD_MM2 = 1000.0  # smallest triangle of mark centres that still fixes an affine map


def parse_layout(text: str, file: str) -> Layout:
    """Read a layout file.

    Args:
        text: the TOML text.
        file: its name, for the messages.

    Raises:
        InvalidFileError: with every problem found.
    """
    table = parse_toml(text, file)
    if table.problems:
        raise InvalidFileError(table.problems)
    layout = _layout(table)
    if not table.problems:  # geometry is only worth checking once every value is a value
        table.problems.extend(_geometry(layout, file))
    if table.problems:
        raise InvalidFileError(table.problems)
    return layout


def check_layout(contest: Contest, layout: Layout) -> tuple[Problem, ...]:
    """What keeps this layout from being the form of this contest; empty if nothing."""
    rows = [field.option for field in layout.fields if field.role is Role.OPTION]
    options = [option.id for option in contest.options]
    where = f"layout {layout.id} of contest {contest.id}"
    missing = [
        Problem(where, f"no row for option {option}", "add a field for it to the layout")
        for option in options
        if option not in rows
    ]
    strange = [
        Problem(where, f"row for unknown option {row}", f"options are {', '.join(options)}")
        for row in rows
        if row not in options
    ]
    return (*missing, *strange)


def _layout(table: Table) -> Layout:
    refuse_unknown(table, KEYS)
    page = take_table(table, "page")
    refuse_unknown(page, ("width_mm", "height_mm"))
    fields = tuple(_field(row) for row in take_tables(table, "fields", least=1))
    ids = {field.id for field in fields}
    marks = tuple(_mark(row) for row in take_tables(table, "marks", least=MIN_MARKS))
    sums = tuple(_sum_rule(row, ids) for row in take_tables(table, "sum_rules"))
    caps = tuple(_cap_rule(row, ids) for row in take_tables(table, "cap_rules"))
    refuse_repeated(table, "marks", (mark.id for mark in marks))
    refuse_repeated(table, "fields", (field.id for field in fields))
    refuse_repeated(table, "fields (option)", (field.option or "" for field in fields))
    rule_ids = [*(rule.id for rule in sums), *(rule.id for rule in caps)]
    refuse_repeated(table, "rules", rule_ids)
    return Layout(
        id=take_id(table, "id"),
        version=take_int(table, "version", 1, 1_000_000),
        name=take_text(table, "name"),
        width_mm=take_length(page, "width_mm", 50, 1000),
        height_mm=take_length(page, "height_mm", 50, 1000),
        marks=marks,
        fields=fields,
        sum_rules=sums,
        cap_rules=caps,
        texts=_texts(take_table(table, "texts")),
    )


def _texts(table: Table) -> Mapping[str, str]:
    refuse_unknown(table, TEXTS)
    return {key: take_text(table, key) for key in table.values if key in TEXTS}


def _mark(table: Table) -> Mark:
    refuse_unknown(table, ("id", "kind", "box", "colour"))
    kinds = [kind.value for kind in MarkKind]
    remedy = f"write one of {', '.join(kinds)}"
    kind = MarkKind(take_text(table, "kind", pattern="|".join(kinds), remedy=remedy) or kinds[-1])
    return Mark(take_id(table, "id"), kind, _box(table), _mark_colour(table, kind))


def _mark_colour(table: Table, kind: MarkKind) -> tuple[int, int, int]:
    square = kind is MarkKind.CORNER_SQUARE
    text = take_text(
        table, "colour", pattern=COLOUR, remedy=COLOUR_RULE, default="#000000" if square else ""
    )
    if not text:
        return 0, 0, 0
    red, green, blue = (int(text[at : at + 2], 16) for at in (1, 3, 5))
    if not square and max(red, green, blue) - min(red, green, blue) < MIN_CHROMA:
        note(table, "colour", text, "choose a stronger colour, or kind corner_square")
    return red, green, blue


def _box(table: Table) -> Box:
    value = table.values.get("box")
    box = _as_box(value)
    if box is None:
        note(table, "box", value, BOX_RULE)
    return box or Box(0, 0, 1, 1)


def _as_box(value: object) -> Box | None:
    if not isinstance(value, list) or len(value) != 4 or not all(map(is_number, value)):
        return None
    box = Box(*map(float, value))
    return box if box.width_mm > 0 and box.height_mm > 0 else None


def _field(table: Table) -> Field:
    refuse_unknown(table, ("id", "role", "option", "cells"))
    name = take_id(table, "id")
    role = Role(
        take_text(
            table, "role", pattern="option|total", remedy="write option or total", default="option"
        )
        or "option"
    )
    option = take_id(table, "option", default=name) if role is Role.OPTION else None
    if role is Role.TOTAL and "option" in table.values:
        note(table, "option", table.values["option"], "a total row has no option: remove it")
    return Field(name, role, option, _cells(table))


def _cells(table: Table) -> tuple[Box, ...]:
    value = table.values.get("cells")
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_CELLS:
        note(table, "cells", value, f"write 1 to {MOST_CELLS} boxes [[x, y, w, h], ...] in mm")
        return ()
    boxes = [_as_box(item) for item in value]
    for index, (item, box) in enumerate(zip(value, boxes, strict=True)):
        if box is None:
            note(table, f"cells[{index}]", item, BOX_RULE)
    return tuple(box for box in boxes if box is not None)


def _sum_rule(table: Table, ids: set[str]) -> SumRule:
    refuse_unknown(table, ("id", "total", "parts"))
    rule = SumRule(take_id(table, "id"), take_id(table, "total"), take_ids(table, "parts"))
    for name in (rule.total, *rule.parts):
        _known(table, "total" if name == rule.total else "parts", name, ids)
    refuse_repeated(table, "parts", rule.parts)
    if rule.total in rule.parts:
        note(table, "parts", rule.total, "a total cannot be one of its own parts")
    return rule


def _cap_rule(table: Table, ids: set[str]) -> CapRule:
    refuse_unknown(table, ("id", "field", "tolerance"))
    rule = CapRule(
        take_id(table, "id"),
        take_id(table, "field"),
        take_int(table, "tolerance", 0, 1_000_000, default=0),
    )
    _known(table, "field", rule.field, ids)
    return rule


def _known(table: Table, key: str, name: str, ids: set[str]) -> None:
    if name and name not in ids:
        note(table, key, name, f"no field has this id; fields are {', '.join(sorted(ids))}")


def _geometry(layout: Layout, file: str) -> Iterator[Problem]:
    cells = [
        (f"{file}: fields[{row}].cells[{at}]", cell)
        for row, field in enumerate(layout.fields)
        for at, cell in enumerate(field.cells)
    ]
    marks = [(f"{file}: marks[{at}]", mark.box) for at, mark in enumerate(layout.marks)]
    for where, box in (*marks, *cells):
        right, bottom = box.corners_mm[2]
        if min(box.x_mm, box.y_mm) < 0 or right > layout.width_mm or bottom > layout.height_mm:
            yield Problem(where, show(_numbers(box)), "it leaves the page: move it inside")
    for (where, one), (other_where, other) in combinations((*marks, *cells), 2):
        if _overlap(one, other):
            other_name = other_where.removeprefix(f"{file}: ")
            yield Problem(where, show(_numbers(one)), f"it overlaps {other_name}: move one")
    if not _spread(layout):
        yield Problem(
            f"{file}: marks", "all marks lie nearly on one line", "put one mark further aside"
        )


def _numbers(box: Box) -> list[float]:
    return [box.x_mm, box.y_mm, box.width_mm, box.height_mm]


def _overlap(one: Box, other: Box) -> bool:
    (left, top), (right, bottom) = one.corners_mm[0], one.corners_mm[2]
    (x0, y0), (x1, y1) = other.corners_mm[0], other.corners_mm[2]
    return left < x1 and x0 < right and top < y1 and y0 < bottom


def _spread(layout: Layout) -> bool:
    """True if three mark centres span a triangle large enough to fix an affine map."""
    centers = [mark.box.center_mm for mark in layout.marks]
    return any(
        abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])) / 2 > MIN_SPREAD_MM2
        for a, b, c in combinations(centers, 3)
    )
