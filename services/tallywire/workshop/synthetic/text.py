"""Printed text with Pillow's built-in font, so that no font file is shipped or looked for."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from PIL import ImageDraw, ImageFont

Colour = tuple[int, int, int]

# The built-in font has no accented letters. Each accent is drawn over its letter: strokes in
# units of the font size, x from the letter's middle, y from the top of a small letter.
_ACCENTS = {
    "\u0301": (((-0.02, -0.05), (0.09, -0.2)),),  # acute
    "\u0300": (((0.02, -0.05), (-0.09, -0.2)),),  # grave
    "\u0302": (((-0.1, -0.06), (0.0, -0.18), (0.1, -0.06)),),  # circumflex
    "\u030c": (((-0.1, -0.18), (0.0, -0.06), (0.1, -0.18)),),  # caron
    "\u0303": (((-0.13, -0.08), (-0.06, -0.14), (0.05, -0.09), (0.13, -0.14)),),  # tilde
    "\u0308": (((-0.1, -0.12), (-0.06, -0.12)), ((0.06, -0.12), (0.1, -0.12))),  # diaeresis
    "\u0327": (((0.0, 0.56), (0.03, 0.62), (-0.06, 0.68)),),  # cedilla
}
_SMALL_TOP = 0.33  # of the font size: top of a small letter below the anchor
_CAPITAL_TOP = 0.14


@dataclass(frozen=True, slots=True)
class Printer:
    """Draws on a Pillow image with millimetres for units."""

    draw: ImageDraw.ImageDraw
    px_per_mm: float

    def px(self, *lengths_mm: float) -> tuple[int, ...]:
        """Millimetres to whole pixels."""
        return tuple(round(length * self.px_per_mm) for length in lengths_mm)


def text_width_mm(printer: Printer, text: str, size_mm: float) -> float:
    """Width of one line of text."""
    font = _font(size_mm * printer.px_per_mm)
    return float(font.getlength(_base(text))) / printer.px_per_mm


def print_text(
    printer: Printer,
    text: str,
    at_mm: tuple[float, float],
    size_mm: float,
    *,
    colour: Colour = (30, 30, 30),
    bold: bool = False,
    width_mm: float | None = None,
) -> None:
    """Print one line.

    Args:
        printer: where to.
        text: the line; accents are drawn, other letters beyond ASCII are left out.
        at_mm: left and middle of the line.
        size_mm: font size.
        colour: red, green, blue.
        bold: with a thicker stroke.
        width_mm: the size shrinks until the line is no wider.
    """
    if width_mm is not None:
        size_mm *= min(1.0, width_mm / max(text_width_mm(printer, text, size_mm), 1e-6))
    size_px = max(size_mm * printer.px_per_mm, 4.0)
    font = _font(size_px)
    left, middle = at_mm[0] * printer.px_per_mm, at_mm[1] * printer.px_per_mm
    weight = max(1, round(size_px / 28)) if bold else 0
    top = middle - 0.6 * size_px
    printer.draw.text((left, top), _base(text), fill=colour, font=font, stroke_width=weight)
    line = max(1, round(size_px / 12)) + weight
    _print_accents(printer, text, (left, top), size_px, colour, line)


def wrap(printer: Printer, text: str, size_mm: float, width_mm: float) -> list[str]:
    """Break text into lines no wider than `width_mm`."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_width_mm(printer, longer, size_mm) > width_mm:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _print_accents(
    printer: Printer,
    text: str,
    corner_px: tuple[float, float],
    size_px: float,
    colour: Colour,
    line_px: int,
) -> None:
    font = _font(size_px)
    before = ""
    for letter in unicodedata.normalize("NFD", text):
        strokes = _ACCENTS.get(letter)
        if strokes is None or not before:
            before += _base(letter)
            continue
        last = font.getlength(before[-1])
        x = corner_px[0] + font.getlength(before) - last / 2
        high = before[-1].isupper() or before[-1] in "bdfhklt"
        y = corner_px[1] + size_px * (_CAPITAL_TOP if high else _SMALL_TOP) + 0.12 * size_px
        for stroke in strokes:
            points = [(x + dx * size_px, y + dy * size_px) for dx, dy in stroke]
            printer.draw.line(points, fill=colour, width=line_px)


def _base(text: str) -> str:
    """Letters without accents, and only such as the font has."""
    plain = unicodedata.normalize("NFD", text).replace("–", "-")
    return "".join(letter for letter in plain if 32 <= ord(letter) < 127)


def _font(size_px: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(max(size_px, 4.0))
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType: install its wheel")
    return font
