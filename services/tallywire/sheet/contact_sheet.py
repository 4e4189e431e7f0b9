"""The contact sheet: many sheets in one picture, to look at before anything is published."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]

THUMBNAIL_PX = 440  # longer side
COLUMNS = 6
GAP_PX = 12
CAPTION_PX = 22
GROUND = 238


def thumbnail(pixels: U8, caption: str) -> U8:
    """Uint8 [h, w, 3], BGR: `pixels` (uint8 [H, W, 3] or [H, W]) made small, named below."""
    colour = pixels if pixels.ndim == 3 else cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)
    height, width = colour.shape[:2]
    scale = THUMBNAIL_PX / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(colour, size, interpolation=cv2.INTER_AREA)
    strip = np.full((CAPTION_PX, size[0], 3), GROUND, np.uint8)
    at = (2, CAPTION_PX - 7)
    cv2.putText(
        strip, caption[:40], at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (40, 40, 40), 1, cv2.LINE_AA
    )
    return np.asarray(np.vstack([small, strip]), np.uint8)


def contact_sheet(thumbnails: Sequence[U8]) -> U8:
    """Uint8 [H, W, 3], BGR: the thumbnails in rows, each in a cell as large as the largest."""
    height = max((one.shape[0] for one in thumbnails), default=1) + GAP_PX
    width = max((one.shape[1] for one in thumbnails), default=1) + GAP_PX
    columns = max(1, min(COLUMNS, len(thumbnails)))
    rows = max(1, -(-len(thumbnails) // columns))
    sheet = np.full((rows * height + GAP_PX, columns * width + GAP_PX, 3), GROUND, np.uint8)
    for index, one in enumerate(thumbnails):
        row, column = divmod(index, columns)
        top, left = GAP_PX + row * height, GAP_PX + column * width
        sheet[top : top + one.shape[0], left : left + one.shape[1]] = one
    return sheet
