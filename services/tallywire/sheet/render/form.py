"""Prints the empty form of any layout once; sheets are written on copies of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tallywire.election import Contest, Option
from tallywire.sheet.layout import Box, Field, Layout, Mark, MarkKind
from tallywire.sheet.render.place import around, grow, largest_free
from tallywire.sheet.render.text import Colour, Printer, print_text, text_width_mm, wrap

U8 = NDArray[np.uint8]

MM_PER_INCH = 25.4
MARGIN_MM = 12.0
CLEAR_MM = 2.5  # nothing is printed this near a mark: alignment needs its outline
CELL_LINE_MM = 0.35
RULE: Colour = (120, 120, 120)
TITLE_MM = 6.0
WIDE_BANNER_MM = 80.0
WORDS_FROM_MM = 85.0  # a row with this much room also has a line for the number in words

DEFAULT_TEXTS = {
    "station": "Polling station",
    "district": "District",
    "registered": "Registered voters",
    "in_words": "In words",
    "in_numbers": "In numbers",
    "signatures": "Signatures of the polling officials",
    "total": "Total",
    "note": "Write one digit in each box, with zeros before shorter numbers.",
}


@dataclass(frozen=True, slots=True)
class Form:
    """A printed empty form.

    `paper` is uint8 [H, W, 3], BGR; `heading`, `words` and `signatures` are the places where
    people write beside the cells (None or empty where the form has no room for them).
    """

    layout: Layout
    contest: Contest
    dpi: int
    paper: U8
    heading: Box | None
    words: tuple[Box, ...]
    signatures: tuple[Box, ...]

    @property
    def px_per_mm(self) -> float:
        """Scale of `paper`."""
        return self.dpi / MM_PER_INCH


def print_form(layout: Layout, contest: Contest, dpi: int) -> Form:
    """Print the form: marks, rows with party names and blocks, guide boxes, texts."""
    scale = dpi / MM_PER_INCH
    size = round(layout.width_mm * scale), round(layout.height_mm * scale)
    image = Image.new("RGB", size, (252, 252, 250))
    printer = Printer(ImageDraw.Draw(image), scale)
    taken = [grow(mark.box, CLEAR_MM) for mark in layout.marks]
    for mark in layout.marks:
        _print_mark(printer, mark)
    words = _print_rows(printer, layout, contest)
    rows = around(cell for field in layout.fields for cell in field.cells)
    band_mm = Box(MARGIN_MM, rows.y_mm - 7, layout.width_mm - 2 * MARGIN_MM, rows.height_mm + 9)
    taken.append(band_mm)
    _print_title(printer, layout, contest, taken)
    heading = _take(layout, taken, 0.0, band_mm.y_mm, 10.0)
    signing = _take(layout, taken, band_mm.corners_mm[2][1], layout.height_mm, 22.0)
    note = _take(layout, taken, 0.0, layout.height_mm, 8.0)
    if note:
        _print_note(printer, note, form_text(layout, "note"))
    signatures = _print_signatures(printer, layout, signing) if signing else ()
    paper = np.ascontiguousarray(np.asarray(image, np.uint8)[:, :, ::-1])
    paper.flags.writeable = False
    return Form(layout, contest, dpi, paper, heading, words, signatures)


def form_text(layout: Layout, key: str) -> str:
    """A word printed on the form, the layout's own if it has one."""
    return layout.texts.get(key, DEFAULT_TEXTS[key])


def _take(
    layout: Layout, taken: list[Box], top: float, bottom: float, most_height_mm: float
) -> Box | None:
    """The largest free place between two heights; it is taken from now on."""
    top, bottom = max(top, MARGIN_MM), min(bottom, layout.height_mm - MARGIN_MM)
    region = Box(MARGIN_MM, top, layout.width_mm - 2 * MARGIN_MM, bottom - top)
    free = largest_free(region, taken, most_height_mm)
    if free is None or free.height_mm < 4 or free.width_mm < 30:
        return None
    height = min(free.height_mm, most_height_mm)
    y_mm = free.y_mm if top < layout.height_mm / 3 else free.y_mm + free.height_mm - height
    place = Box(free.x_mm, y_mm, free.width_mm, height)
    taken.append(place)
    return place


def _print_mark(printer: Printer, mark: Mark) -> None:
    (left, top), (right, bottom) = mark.box.corners_mm[0], mark.box.corners_mm[2]
    bounds = tuple(length * printer.px_per_mm for length in (left, top, right, bottom))
    if mark.kind is MarkKind.COLOUR_CIRCLE:
        printer.draw.ellipse(bounds, fill=mark.colour)
    else:
        printer.draw.rectangle(bounds, fill=mark.colour)


def _print_title(printer: Printer, layout: Layout, contest: Contest, taken: list[Box]) -> None:
    banners = [
        mark.box
        for mark in layout.marks
        if mark.kind is MarkKind.COLOUR_RECT and mark.box.width_mm > WIDE_BANNER_MM
    ]
    first_row = min(cell.y_mm for cell in layout.cells)
    place = banners[0] if banners else _take(layout, taken, 0.0, first_row - 7, 16.0)
    if place is None:
        return
    width = place.width_mm - 8
    middle = place.center_mm[0]
    for text, share, size, bold in (
        (layout.name, 0.36, TITLE_MM, True),
        (contest.name, 0.76, TITLE_MM * 0.7, False),
    ):
        wide = min(text_width_mm(printer, text, size), width)
        at = middle - wide / 2, place.y_mm + share * place.height_mm
        print_text(printer, text, at, size, bold=bold, width_mm=width)


def _print_rows(printer: Printer, layout: Layout, contest: Contest) -> tuple[Box, ...]:
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
            printer, form_text(layout, "total"), (text, middle), 4.4, bold=True, width_mm=room
        )
    else:
        _print_block(printer, Box(box.x_mm, box.y_mm, side, box.height_mm), option)
        print_text(printer, option.name, (text, middle), 3.3, width_mm=room)
    below = box.y_mm + box.height_mm + 1.2
    line = printer.px(box.x_mm, below, box.x_mm + name_mm, below)
    printer.draw.line(line, fill=RULE, width=max(1, printer.px(0.15)[0]))


def _print_block(printer: Printer, box: Box, option: Option) -> None:
    """The party's colour with its initials: stands for the logo."""
    colour = tuple(int(option.colour[at : at + 2], 16) for at in (1, 3, 5))
    (left, top), (right, bottom) = box.corners_mm[0], box.corners_mm[2]
    inset = 0.12 * box.height_mm
    bounds = printer.px(left, top + inset, right, bottom - inset)
    printer.draw.rounded_rectangle(bounds, radius=printer.px(1.2)[0], fill=colour)
    light = sum(colour) > 420
    short = option.id if len(option.id) <= 7 else option.id[:3]
    size = min(3.4, 1.55 * box.width_mm / max(len(short), 1))
    wide = text_width_mm(printer, short, size)
    ink = (25, 25, 25) if light else (250, 250, 250)
    at = box.center_mm[0] - wide / 2, box.center_mm[1]
    print_text(printer, short, at, size, colour=ink, bold=True)


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
        _print_head(printer, form_text(layout, "in_numbers"), box)
    if words:
        _print_head(printer, form_text(layout, "in_words"), words[0])


def _print_head(printer: Printer, text: str, box: Box) -> None:
    wide = min(text_width_mm(printer, text, 3.2), box.width_mm)
    at = box.center_mm[0] - wide / 2, box.y_mm - 3.2
    print_text(printer, text, at, 3.2, bold=True, width_mm=box.width_mm)


def _print_note(printer: Printer, box: Box, text: str) -> None:
    size = 2.7
    for index, line in enumerate(wrap(printer, text, size, box.width_mm - 2)):
        y = box.y_mm + 2 + 1.25 * size * index
        if y < box.y_mm + box.height_mm:
            print_text(printer, line, (box.x_mm + 1, y), size, colour=(80, 80, 80))


def _print_signatures(printer: Printer, layout: Layout, box: Box) -> tuple[Box, ...]:
    """Lines to sign on, under a heading."""
    head = (box.x_mm + 1, box.y_mm + 2)
    print_text(
        printer, form_text(layout, "signatures"), head, 3.0, bold=True, width_mm=box.width_mm - 2
    )
    count = max(1, min(3, int(box.width_mm / 38)))
    step = box.width_mm / count
    lines: list[Box] = []
    for index in range(count):
        left, right = box.x_mm + index * step + 2, box.x_mm + (index + 1) * step - 2
        bottom = box.y_mm + box.height_mm - 2
        printer.draw.line(
            printer.px(left, bottom, right, bottom), fill=RULE, width=max(1, printer.px(0.2)[0])
        )
        lines.append(Box(left, box.y_mm + 5, right - left, box.height_mm - 7))
    return tuple(lines)
