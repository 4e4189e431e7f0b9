"""The station's own words in a form's heading, printed on every sheet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tallywire.sheet.layout import Word
from tallywire.workshop.synthetic.form import Form
from tallywire.workshop.synthetic.text import Printer, print_text
from tallywire.workshop.synthetic.wording import form_text

U8 = NDArray[np.uint8]
SIZE_MM = 3.6


def print_heading(paper: U8, form: Form, station: str, district: str, registered: int) -> None:
    """Print station, district and registered voters on `paper` (uint8 [H, W, 3], BGR, changed)."""
    place = form.heading
    if place is None:
        return
    scale = form.px_per_mm
    left, top = round(place.x_mm * scale), round(place.y_mm * scale)
    right, bottom = left + int(place.width_mm * scale), top + int(place.height_mm * scale)
    area = paper[top:bottom, left:right]
    image = Image.fromarray(np.ascontiguousarray(area[:, :, ::-1]))
    printer = Printer(ImageDraw.Draw(image), scale)
    words = ((Word.DISTRICT, district), (Word.STATION, station), (Word.REGISTERED, str(registered)))
    step = place.width_mm / len(words)
    for index, (word, value) in enumerate(words):
        text = f"{form_text(form.layout, word)}: {value}"
        at = index * step + 1, place.height_mm / 2
        print_text(printer, text, at, SIZE_MM, bold=True, width_mm=step - 4)
    area[:] = np.asarray(image)[:, :, ::-1]
