"""Prints the rows of a form: party blocks and names, lines, guide boxes."""

from __future__ import annotations

from tallywire.election.election import Contest, Option
from tallywire.sheet.layout import Box, Field, Layout, MarkKind, Word
from tallywire.workshop.synthetic.free_space import around
from tallywire.workshop.synthetic.text import Printer, print_text, text_width_mm
from tallywire.workshop.synthetic.wording import form_text

MARGIN_MM = 12.0
CELL_LINE_MM = 0.35
RULE = (120, 120, 120)
BLOCK_TEXT_MM = 3.4
WORDS_FROM_MM = 85.0  # a row with this much room also has a line for the number in words


def print_rows(printer: Printer, layout: Layout, contest: Contest) -> tuple[Box, ...]:
    """Print every row; returns the places where its number is also written in words."""
    options = {option.id: option for option in contest.options}
    words: list[Box] = []
    for field in layout.fields:
        label = _label_box(layout, field)
        option = options.get(field.option or "")
        wordy = label.width_mm > WORDS_FROM_MM
        name_mm = 0.5 * label.width_mm if wordy else label.width_mm
        _print_label(printer, layout, label, name_mm, option)
        if wordy:
            words.append(_print_word_line(printer, label, name_mm))
        for cell in field.cells:
            _print_cell(printer, cell)
    _print_column_heads(printer, layout, words)
    return tuple(words)


def _label_box(layout: Layout, field: Field) -> Box:
    """The room to the left of a row's cells, up to the next cells or the page's margin."""
    first = field.cells[0]
    left = MARGIN_MM
    for cell in layout.cells:
        right = cell.x_mm + cell.width_mm
        beside = (
            cell.y_mm < first.y_mm + first.height_mm and first.y_mm < cell.y_mm + cell.height_mm
        )
        if beside and right <= first.x_mm and cell not in field.cells:
            left = max(left, right + 6)
    return Box(left, first.y_mm, max(first.x_mm - left - 2, 1), first.height_mm)


def _print_label(
    printer: Printer, layout: Layout, box: Box, name_mm: float, option: Option | None
) -> None:
    side = min(box.height_mm, 0.4 * name_mm)
    text = box.x_mm + side + 2
    room = max(box.x_mm + name_mm - text - 1, 4)
    middle = box.center_mm[1]
    if option is None:
        print_text(
            printer, form_text(layout, Word.TOTAL), (text, middle), 4.4, bold=True, width_mm=room
        )
    else:
        coloured = any(mark.kind is not MarkKind.CORNER_SQUARE for mark in layout.marks)
        block = Box(box.x_mm, box.y_mm, side, box.height_mm)
        _print_block(printer, block, option, coloured=coloured)
        print_text(printer, option.name, (text, middle), 3.3, width_mm=room)
    below = box.y_mm + box.height_mm + 1.2
    line = printer.px(box.x_mm, below, box.x_mm + name_mm, below)
    printer.draw.line(line, fill=RULE, width=max(1, printer.px(0.15)[0]))


def _print_block(printer: Printer, box: Box, option: Option, *, coloured: bool) -> None:
    """The party's colour with its initials: stands for the logo."""
    colour = tuple(int(option.colour[at : at + 2], 16) for at in (1, 3, 5))
    if not coloured:  # a form printed in black only
        colour = (sum(colour) // 3,) * 3
    (left, top), (right, bottom) = box.corners_mm[0], box.corners_mm[2]
    inset = 0.12 * box.height_mm
    bounds = printer.px(left, top + inset, right, bottom - inset)
    printer.draw.rounded_rectangle(bounds, radius=printer.px(1.2)[0], fill=colour)
    light = sum(colour) > 420
    short = option.id if len(option.id) <= 7 else option.id[:3]
    room = box.width_mm - 2
    wide = min(text_width_mm(printer, short, BLOCK_TEXT_MM), room)
    ink = (25, 25, 25) if light else (250, 250, 250)
    at = box.center_mm[0] - wide / 2, box.center_mm[1]
    print_text(printer, short, at, BLOCK_TEXT_MM, colour=ink, bold=True, width_mm=room)


def _print_word_line(printer: Printer, label: Box, name_mm: float) -> Box:
    """A line to write the number in words on."""
    left, right = label.x_mm + name_mm + 2, label.x_mm + label.width_mm
    bottom = label.y_mm + 0.85 * label.height_mm
    printer.draw.line(
        printer.px(left, bottom, right, bottom), fill=RULE, width=max(1, printer.px(0.2)[0])
    )
    return Box(left, label.y_mm, right - left, 0.85 * label.height_mm)


def _print_cell(printer: Printer, cell: Box) -> None:
    (left, top), (right, bottom) = cell.corners_mm[0], cell.corners_mm[2]
    bounds = printer.px(left, top, right, bottom)
    width = max(1, printer.px(CELL_LINE_MM)[0])
    printer.draw.rectangle(bounds, fill=(255, 255, 255), outline=(60, 60, 60), width=width)


def _print_column_heads(printer: Printer, layout: Layout, words: list[Box]) -> None:
    tops: dict[float, Field] = {}
    for field in layout.fields:
        left = field.cells[0].x_mm
        if left not in tops or field.cells[0].y_mm < tops[left].cells[0].y_mm:
            tops[left] = field
    for field in tops.values():
        box = around(field.cells)
        _print_head(printer, form_text(layout, Word.IN_NUMBERS), box)
    if words:
        _print_head(printer, form_text(layout, Word.IN_WORDS), words[0])


def _print_head(printer: Printer, text: str, box: Box) -> None:
    wide = min(text_width_mm(printer, text, 3.2), box.width_mm)
    at = box.center_mm[0] - wide / 2, box.y_mm - 3.2
    print_text(printer, text, at, 3.2, bold=True, width_mm=box.width_mm)
