"""The first pure half of reading a sheet: pixels to cells."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from tallywire.reasons import Reason
from tallywire.sheet.align import Alignment, align
from tallywire.sheet.cells import cut_cells
from tallywire.sheet.clean import CELL_PX
from tallywire.sheet.layout import Layout
from tallywire.sheet.patches import VIEW_PX, cut_views

U8 = NDArray[np.uint8]


class Takes(IntEnum):
    """What a model version takes, by the side of its input in px.

    CELLS are cleaned and centred digits (`sheet.clean`), PATCHES pieces of paper as they are
    (`sheet.patches`).
    """

    CELLS = CELL_PX
    PATCHES = VIEW_PX


@dataclass(frozen=True, slots=True)
class Prepared:
    """A scan ready for the model: `cells` is uint8 [N, S, S], ink high, in the order of the
    layout; S is what the model takes."""

    cells: U8
    alignment: Alignment


def prepare(pixels: U8, layout: Layout, takes: Takes = Takes.CELLS) -> Prepared | Reason:
    """Find the form on a scan and cut its cells.

    Args:
        pixels: uint8 [H, W, 3] BGR or [H, W] grey, the form any way round.
        layout: the form's layout.
        takes: what the model takes.

    Returns:
        the cells, or the reason why this is not that form.
    """
    alignment = align(pixels, layout)
    if isinstance(alignment, Reason):
        return alignment
    return Prepared(cut(pixels, layout, alignment, takes), alignment)


def cut(pixels: U8, layout: Layout, alignment: Alignment, takes: Takes) -> U8:
    """The cells of an aligned scan as the model takes them: uint8 [N, S, S], ink high."""
    if takes is Takes.PATCHES:
        return cut_views(pixels, layout, alignment)
    return cut_cells(pixels, layout, alignment)
