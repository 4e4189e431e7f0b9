"""Forms drawn at random: where their cells lie and what is printed beside, around and over them.

Nothing here is taken from a real form. Lengths are px of the canvas.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

WORDS = 160
LETTERS = "AEIOURSTLNMCDPaeiourstlnmcdpgbvhq"
SIGNS = "0123456789().:-"
FACES = (
    cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_COMPLEX | cv2.FONT_ITALIC,
)  # fmt: skip
WORD_PX = 40


@dataclass(frozen=True, slots=True)
class Press:
    """Words and single letters in several faces, uint8 [h, w], 255 ink, cut to their bounds."""

    words: tuple[U8, ...]
    letters: tuple[U8, ...]


@dataclass(frozen=True, slots=True)
class DrawnForm:
    """A piece of a form: `cells` float64 [rows, columns, 4] are centre x, y, width, height."""

    height_px: int
    width_px: int
    short_px: float
    cells: F64

    @property
    def edges(self) -> F64:
        """Float64 [rows, columns, 4]: left, top, right, bottom of every cell."""
        half = self.cells[..., 2:] / 2
        return np.concatenate([self.cells[..., :2] - half, self.cells[..., :2] + half], axis=-1)


def set_type(rng: Generator) -> Press:
    """Cast the words and letters of a run."""
    words = [_word(rng) for _ in range(WORDS)]
    letters = [_set(str(rng.choice(list(LETTERS + SIGNS[:10]))), rng) for _ in range(WORDS // 3)]
    return Press(tuple(words), tuple(letters))


def _word(rng: Generator) -> U8:
    kind = rng.random()
    if kind < 0.25:
        return _set("".join(rng.choice(list(SIGNS), int(rng.integers(1, 4)))), rng)
    text = "".join(rng.choice(list(LETTERS), int(rng.integers(2, 12))))
    return _set(text.upper() if kind < 0.6 else text.lower() if kind < 0.85 else text.title(), rng)


def _set(text: str, rng: Generator) -> U8:
    canvas = np.zeros((2 * WORD_PX, 40 * len(text) + 40), np.uint8)
    if rng.random() < 0.4:
        picture = Image.fromarray(canvas)
        ImageDraw.Draw(picture).text((8, 8), text, 255, ImageFont.load_default(WORD_PX))
        canvas = np.array(picture)
    else:
        face, thick = FACES[int(rng.integers(len(FACES)))], int(rng.integers(1, 5))
        cv2.putText(canvas, text, (8, WORD_PX + 8), face, 1.2, 255, thick, cv2.LINE_AA)
    left, top, width, height = cv2.boundingRect(canvas)
    return canvas[top : top + max(height, 4), left : left + max(width, 4)].copy()


def random_form(short_px: float, rng: Generator) -> DrawnForm:
    """Square, tall or wide cells in one to three rows, touching or apart."""
    shape = rng.random()
    ratio = 1.0 if shape < 0.25 else float(np.exp(rng.uniform(0, 0.75)))
    width, height = short_px, short_px * ratio
    if shape > 0.65:
        width, height = height, width
    rows, columns = int(rng.integers(1, 4)), int(rng.integers(2, 5))
    if ratio > 1.5:
        rows = min(rows, 2)
    gap_x = 0.0 if rng.random() < 0.65 else rng.uniform(0.04, 0.4) * width
    gap_y = 0.0 if rng.random() < 0.35 else rng.uniform(0.05, 0.9) * height
    margin = 0.75 * max(width, height)
    x = margin + width / 2 + np.arange(columns) * (width + gap_x)
    y = margin + height / 2 + np.arange(rows) * (height + gap_y)
    cells = np.empty((rows, columns, 4))
    cells[..., 0], cells[..., 1] = x[None], y[:, None]
    cells[..., 2], cells[..., 3] = width, height
    bottom, right = y[-1] + height / 2 + margin, x[-1] + width / 2 + margin
    return DrawnForm(round(bottom), round(right), short_px, cells)


def print_form(light: F32, form: DrawnForm, press: Press, rng: Generator) -> None:
    """Darken `light` in place by bars, grounds, words and lines.

    Args:
        light: float32 [height_px, width_px], 0 to 255.
        form: where its cells lie.
        press: the words.
        rng: the only source of chance.
    """
    if rng.random() < 0.3:
        _print_grounds(light, form, rng)
    solid = np.zeros(light.shape, np.uint8)
    if rng.random() < 0.25:
        _print_bars(solid, form, rng)
    if rng.random() < 0.55:
        _print_words(solid, form, press, rng)
    _darken(light, solid, float(rng.uniform(0.45, 1.0)), form, rng)
    if rng.random() < 0.9:
        lines = np.zeros(light.shape, np.uint8)
        _print_lines(lines, form, rng)
        _darken(light, lines, _line_shade(rng), form, rng)


def _line_shade(rng: Generator) -> float:
    return float(rng.uniform(0.5, 1.0) if rng.random() < 0.65 else rng.uniform(0.08, 0.5))


def _darken(light: F32, layer: U8, shade: float, form: DrawnForm, rng: Generator) -> None:
    if rng.random() < 0.4:
        sigma = form.short_px * rng.uniform(0.008, 0.03)
        layer = np.asarray(cv2.GaussianBlur(layer, (0, 0), sigma), np.uint8)
    light *= 1 - (shade / 255) * layer.astype(np.float32)


def _fill(layer: U8, left: float, top: float, right: float, bottom: float, value: int) -> None:
    layer[
        max(0, round(top)) : max(0, round(bottom)), max(0, round(left)) : max(0, round(right))
    ] = value


def _block(form: DrawnForm) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of all cells together."""
    edges = form.edges
    return edges[0, 0, 0], edges[0, 0, 1], edges[-1, -1, 2], edges[-1, -1, 3]


def _print_grounds(light: F32, form: DrawnForm, rng: Generator) -> None:
    """A tint inside the cells, around them, over one row, or over every second column."""
    mask = np.zeros(light.shape, np.uint8)
    kind = rng.random()
    rows, columns = form.cells.shape[:2]
    for row in range(rows):
        for column in range(columns):
            if (kind < 0.2 and column % 2) or (0.2 <= kind < 0.35 and row % 2):
                continue
            grow = rng.uniform(0, 0.02) * form.short_px
            left, top, right, bottom = form.edges[row, column]
            _fill(mask, left - grow, top - grow, right + grow, bottom + grow, 255)
    tint = rng.uniform(0.55, 0.97)
    light[mask == (0 if kind > 0.6 else 255)] *= tint


def _print_bars(layer: U8, form: DrawnForm, rng: Generator) -> None:
    """Black bars left of, right of, above or below the cells, or between rows."""
    left, top, right, bottom = _block(form)
    gap = rng.choice([0.0, rng.uniform(0.0, 0.15)]) * form.short_px
    width = layer.shape[1]
    kinds = rng.random(5)
    if kinds[0] < 0.55:
        for row in form.edges[:, 0]:
            inset = rng.uniform(0, 0.12) * (row[3] - row[1])
            _fill(layer, 0, row[1] + inset, left - gap, row[3] - inset, 255)
    if kinds[1] < 0.15:
        _fill(layer, right + gap, top, width, bottom, 255)
    if kinds[2] < 0.35:
        thick = rng.uniform(0.1, 0.7) * form.short_px
        _fill(layer, left, top - gap - thick, right, top - gap, 255)
    if kinds[3] < 0.2:
        _fill(
            layer, 0, bottom + gap, width, bottom + gap + rng.uniform(0.1, 0.8) * form.short_px, 255
        )
    if kinds[4] < 0.15:
        space = rng.uniform(0.05, 0.2) * form.short_px
        for above, below in zip(form.edges[:-1, 0], form.edges[1:, 0], strict=True):
            if below[1] - above[3] > 3 * space:
                _fill(layer, left, above[3] + space, right, below[1] - space, 255)


def _print_words(layer: U8, form: DrawnForm, press: Press, rng: Generator) -> None:
    """Words left of, above, below and between the rows, some near the cells or a little inside."""
    left, _, right, _ = _block(form)
    size = rng.uniform(0.14, 0.5) * form.short_px
    for _ in range(int(rng.integers(1, 7))):
        word = press.words[int(rng.integers(len(press.words)))]
        kind = rng.random()
        row = form.edges[int(rng.integers(len(form.edges))), 0]
        away = rng.uniform(-0.1, 0.5) * size
        if kind < 0.3:
            wide = word.shape[1] * size / word.shape[0]
            paste(layer, word, (left - away - wide, rng.uniform(row[1], row[3] - size)), size)
        elif kind < 0.6:
            small = size * rng.uniform(0.4, 1)
            paste(layer, word, (rng.uniform(0, right), row[3] + away), small)
        elif kind < 0.85:
            small = size * rng.uniform(0.4, 1)
            paste(layer, word, (rng.uniform(0, right), row[1] - away - small), small)
        else:  # a small number or word in the corner of a cell
            column = form.edges[0, int(rng.integers(form.cells.shape[1]))]
            tiny = min(size, 0.22 * form.short_px)
            paste(layer, word, (column[0] + tiny * 0.3, row[1] + tiny * 0.3), tiny)


def paste(layer: U8, sprite: U8, at: tuple[float, float], height_px: float) -> None:
    """Print a word with its top left corner at (x, y), in place; what lies outside is cut."""
    height = max(2, round(height_px))
    width = max(2, round(sprite.shape[1] * height / sprite.shape[0]))
    drawn = cv2.resize(sprite, (width, height), interpolation=cv2.INTER_AREA)
    left, top = round(at[0]), round(at[1])
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(layer.shape[1], left + width), min(layer.shape[0], top + height)
    if x1 > x0 and y1 > y0:
        part = layer[y0:y1, x0:x1]
        np.maximum(part, drawn[y0 - top : y1 - top, x0 - left : x1 - left], out=part)


@dataclass(frozen=True, slots=True)
class _Rule:
    """How one kind of line is printed; `dots` px on and off, 0 is solid."""

    thick: float
    double: bool
    dots: int
    dropped: float  # share of lines that are missing


def _random_rule(form: DrawnForm, rng: Generator, heavier: float = 1.0) -> _Rule:
    return _Rule(
        thick=max(1.0, heavier * form.short_px * float(np.exp(rng.uniform(-4.6, -2.6)))),
        double=bool(rng.random() < 0.06),
        dots=int(rng.integers(2, 9)) if rng.random() < 0.12 else 0,
        dropped=float(rng.choice([0.0, 0.0, 0.0, rng.uniform(0.1, 0.9)])),
    )


def _print_lines(layer: U8, form: DrawnForm, rng: Generator) -> None:
    kind = rng.random()
    inner = _random_rule(form, rng)
    outer = _random_rule(form, rng, 1.8) if rng.random() < 0.4 else inner
    if kind < 0.42:
        _print_table(layer, form, inner, outer, rng)
    elif kind < 0.72:
        _print_boxes(layer, form, inner, rng)
    elif kind < 0.84:
        _print_comb(layer, form, inner, rng)
    elif kind < 0.92:
        for row in form.edges:
            _across(layer, row[0, 0], row[-1, 2], row[0, 3], inner, rng)
    else:  # an open field: a frame around all cells of the row
        for row in form.edges:
            _frame(layer, (row[0, 0], row[0, 1], row[-1, 2], row[0, 3]), outer, rng)


def _print_table(layer: U8, form: DrawnForm, inner: _Rule, outer: _Rule, rng: Generator) -> None:
    """Rows and columns of a table that may go on to the left and beyond."""
    left, top, right, bottom = _block(form)
    start = 0.0 if rng.random() < 0.5 else left
    end = layer.shape[1] if rng.random() < 0.2 else right
    for edges in form.edges:
        _across(layer, start, end, edges[0, 1], outer, rng)
        _across(layer, start, end, edges[0, 3], outer, rng)
    beyond = rng.random() < 0.3
    for index, column in enumerate(form.edges[0]):
        rule = outer if index == 0 else inner
        for edges in form.edges:
            y0, y1 = (0.0, float(layer.shape[0])) if beyond else (edges[0, 1], edges[0, 3])
            _upright(layer, y0, y1, column[0], rule, rng)
    _upright(layer, top, bottom, right, outer, rng)


def _print_boxes(layer: U8, form: DrawnForm, rule: _Rule, rng: Generator) -> None:
    for row in form.edges:
        for left, top, right, bottom in row:
            _frame(layer, (left, top, right, bottom), rule, rng)


def _print_comb(layer: U8, form: DrawnForm, rule: _Rule, rng: Generator) -> None:
    """A line to write on with short teeth between the places."""
    tooth = rng.uniform(0.15, 0.6)
    for row in form.edges:
        top, bottom = row[0, 1], row[0, 3]
        _across(layer, row[0, 0], row[-1, 2], bottom, rule, rng)
        for x in (*row[:, 0], row[-1, 2]):
            _upright(layer, bottom - tooth * (bottom - top), bottom, x, rule, rng)


def _frame(layer: U8, box: tuple[float, float, float, float], rule: _Rule, rng: Generator) -> None:
    left, top, right, bottom = box
    _across(layer, left, right, top, rule, rng)
    _across(layer, left, right, bottom, rule, rng)
    _upright(layer, top, bottom, left, rule, rng)
    _upright(layer, top, bottom, right, rule, rng)


def _across(layer: U8, x0: float, x1: float, y: float, rule: _Rule, rng: Generator) -> None:
    _line(layer, y, x0, x1, rule, rng)


def _upright(layer: U8, y0: float, y1: float, x: float, rule: _Rule, rng: Generator) -> None:
    _line(layer.T, x, y0, y1, rule, rng)


def _line(layer: U8, at: float, start: float, end: float, rule: _Rule, rng: Generator) -> None:
    """A line along the second axis of `layer`, drawn in place."""
    if rule.dropped and rng.random() < rule.dropped:
        return
    half = rule.thick / 2
    first, last = max(0, round(start - half)), max(0, round(end + half))
    along = np.full(max(0, min(last, layer.shape[1]) - first), 255, np.uint8)
    if rule.dots:
        along[(np.arange(len(along)) // rule.dots) % 2 == 1] = 0
    offsets = (-1.6 * rule.thick, 1.6 * rule.thick) if rule.double else (0.0,)
    for offset in offsets:
        low = max(0, round(at + offset - half))
        layer[low : max(0, low + max(1, round(rule.thick))), first : first + len(along)] = along
