"""Cells cut out of drawn sheets by the drawing's own map."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.sheet.layout import Box
from tallywire.workshop.synthetic.free_space import grow

U8 = NDArray[np.uint8]


def cell_of(pixels: U8, box: Box, page_to_image: NDArray[np.float64], shrink: float = 0.15) -> U8:
    """The inside of a cell, uint8 [40, 40] grey, cut by the drawing's own map."""
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    inner = grow(box, -shrink * box.width_mm)
    corners = np.array(inner.corners_mm, np.float64)[None]
    seen = cv2.perspectiveTransform(corners, page_to_image)[0].astype(np.float32)
    square = np.array([[0, 0], [40, 0], [40, 40], [0, 40]], np.float32)
    return np.asarray(
        cv2.warpPerspective(grey, cv2.getPerspectiveTransform(seen, square), (40, 40))
    )
