"""The first pure half of reading a sheet: pixels to cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tallywire.reasons import Reason
from tallywire.sheet.align import Alignment, align
from tallywire.sheet.cells import cut_cells
from tallywire.sheet.layout import Layout

U8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A scan ready for the model: `cells` is uint8 [N, 28, 28], in the order of the layout."""

    cells: U8
    alignment: Alignment


def prepare(pixels: U8, layout: Layout) -> Prepared | Reason:
    """Find the form on a scan and cut its cells.

    Args:
        pixels: uint8 [H, W, 3] BGR or [H, W] grey, the form any way round.
        layout: the form's layout.

    Returns:
        the cells, or the reason why this is not that form.
    """
    alignment = align(pixels, layout)
    if isinstance(alignment, Reason):
        return alignment
    return Prepared(cut_cells(pixels, layout, alignment), alignment)
