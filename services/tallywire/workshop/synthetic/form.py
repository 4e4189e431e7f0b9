"""Prints the empty form of any layout once; sheets are written on copies of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tallywire.election.election import Contest
from tallywire.sheet.layout import Box, Layout, Mark, MarkKind, Word
from tallywire.workshop.synthetic.free_space import around, grow, largest_free
from tallywire.workshop.synthetic.rows import MARGIN_MM, RULE, print_rows
from tallywire.workshop.synthetic.text import Printer, print_text, text_width_mm, wrap
from tallywire.workshop.synthetic.wording import form_text

U8 = NDArray[np.uint8]

MM_PER_INCH = 25.4
CLEAR_MM = 2.5  # nothing is printed this near a mark: alignment needs its outline
TITLE_MM = 6.0
WIDE_BANNER_MM = 80.0


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
    words = print_rows(printer, layout, contest)
    rows = around(cell for field in layout.fields for cell in field.cells)
    band_mm = Box(MARGIN_MM, rows.y_mm - 7, layout.width_mm - 2 * MARGIN_MM, rows.height_mm + 9)
    taken.append(band_mm)
    _print_title(printer, layout, contest, taken)
    heading = _take(layout, taken, 0.0, band_mm.y_mm, 10.0)
    signing = _take(layout, taken, band_mm.corners_mm[2][1], layout.height_mm, 22.0)
    note = _take(layout, taken, 0.0, layout.height_mm, 8.0)
    if note:
        _print_note(printer, note, form_text(layout, Word.NOTE))
    signatures = _print_signatures(printer, layout, signing) if signing else ()
    paper = np.ascontiguousarray(np.asarray(image, np.uint8)[:, :, ::-1])
    paper.flags.writeable = False
    return Form(layout, contest, dpi, paper, heading, words, signatures)


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
        printer, form_text(layout, Word.SIGNATURES), head, 3.0, bold=True, width_mm=box.width_mm - 2
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
